"""A node whose index lies on a Milvus server that all its processes share."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from pymilvus import MilvusClient
from starlette.testclient import TestClient

from api.gallery import history, place, replica, retire
from api.gallery.matcher import Matcher, open_matcher
from api.gallery.models import TemplateRow
from api.kit.node import Node, open_node
from api.kit.settings import Settings
from facematch.ensemble import Ensemble
from facematch.extractor import Extractor
from index.errors import EngineUnavailable, ServerUnreachable
from tests.api.papers import enrolled
from tests.api.photographs import Photographs
from tests.api.searching import Scene, an_open_request, people
from tests.api.world import World
from tests.index.exact_twin import held_by
from tests.milvus_machine import Machine, patiently

WHY = {"reason": "comparing for the family"}


@pytest.fixture
def index_engine() -> str:
    return "milvus"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path / "milvus")
    yield machine
    machine.switch_off()


@pytest.fixture
def milvus_uri(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LIGHTHOUSE_MILVUS_TIMEOUT_S", "2")
    return machine.uri


@pytest.fixture
def scene(node: Node, matcher: Matcher, world: World) -> Scene:
    return Scene(node, matcher, world)


def found(scene: Scene, matcher: Matcher) -> set[int]:
    """The templates that a process finds without being told of any change."""
    return {entry.template for entry in matcher.leading.live.entries()}


def put(node: Node, *, present: bool) -> None:
    """Let searches find every template, or none."""
    change = history.activate if present else history.deactivate
    with node.db.write() as session:
        change(session, list(session.scalars(sa.select(TemplateRow))), now=node.clock())


def test_a_person_enrolled_by_one_process_is_found_by_another(scene: Scene, photographs: Photographs) -> None:
    astronaut = scene.found(photographs.astronaut)
    other = Scene(scene.node, open_matcher(scene.node, eye=scene.matcher.eye), scene.world)
    stranger = scene.found(photographs.stranger)
    assert people(other.searched(photographs.astronaut_later)) == [astronaut.id]
    assert people(other.searched(photographs.stranger))[:1] == [stranger.id]


def test_what_one_process_has_applied_needs_no_other_to_apply_it(
    node: Node, matcher: Matcher, world: World, scene: Scene, photographs: Photographs
) -> None:
    other = open_matcher(node, eye=matcher.eye)
    enrolled(node, matcher, world.registrar, photographs.astronaut)
    replica.catch_up(node, matcher)
    assert found(scene, other) == {1}
    put(node, present=False)
    replica.catch_up(node, other)
    assert found(scene, matcher) == set()


def test_processes_that_catch_up_at_once_never_bring_back_what_was_taken_out(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    for picture in (photographs.astronaut, photographs.stranger):
        enrolled(node, matcher, world.registrar, picture)
    broken: list[Exception] = []

    def follow(turns: int) -> None:
        own = open_matcher(node, eye=matcher.eye)
        try:
            for _ in range(turns):
                replica.catch_up(node, own)
        except EngineUnavailable as trouble:
            broken.append(trouble)

    followers = [threading.Thread(target=follow, args=(25,)) for _ in range(3)]
    for follower in followers:
        follower.start()
    for turn in range(20):
        put(node, present=bool(turn % 2))
    put(node, present=False)
    for follower in followers:
        follower.join()
    replica.catch_up(node, matcher)
    assert broken == []
    assert replica.verify(node, matcher.leading.live) == replica.VerifyReport(0, missing=0, surplus=0, different=0)


def test_while_another_process_draws_the_index_searches_go_on_until_somebody_is_new(
    settings: Settings, matcher: Matcher, world: World, node: Node, photographs: Photographs
) -> None:
    hasty = open_node(settings.model_copy(update={"milvus_timeout_s": 0.2}), clock=node.clock)
    with place.turn(node, matcher.contract):
        assert replica.catch_up(hasty, matcher) == 0
        enrolled(node, matcher, world.registrar, photographs.astronaut)
        with pytest.raises(ServerUnreachable):
            replica.catch_up(hasty, matcher)
    assert replica.catch_up(hasty, matcher) == 1
    hasty.close()


def test_a_start_after_the_server_lost_everything_draws_the_index_again(
    node: Node, matcher: Matcher, world: World, scene: Scene, photographs: Photographs
) -> None:
    enrolled(node, matcher, world.registrar, photographs.astronaut)
    replica.catch_up(node, matcher)
    place.discard(node, matcher.contract)
    started = open_matcher(node, eye=matcher.eye)
    assert found(scene, started) == {1}


def test_an_index_lost_while_running_is_drawn_again_before_the_next_answer(
    scene: Scene, photographs: Photographs
) -> None:
    astronaut = scene.found(photographs.astronaut)
    place.discard(scene.node, scene.matcher.contract)
    assert people(scene.searched(photographs.astronaut_later)) == [astronaut.id]


def test_redrawing_in_place_keeps_the_same_entries(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    enrolled(node, matcher, world.registrar, photographs.astronaut)
    replica.catch_up(node, matcher)
    before = held_by(matcher.leading.live.entries())
    replica.rebuild_live(node, matcher.leading.live)
    assert held_by(matcher.leading.live.entries()) == before
    assert not list((node.settings.home / "index").glob("*.snapshot"))


def test_a_server_that_is_away_is_said_so_and_never_that_nobody_was_found(
    machine: Machine, scene: Scene, client: TestClient, photographs: Photographs
) -> None:
    astronaut = scene.found(photographs.astronaut)
    request = an_open_request(scene.node, scene.world.requester, scene.report())
    asked = {"data": WHY, "headers": scene.world.headers("requester"), "files": {"file": photographs.astronaut_later}}
    machine.switch_off()
    refused = client.post(f"/v1/requests/{request.id}/searches", **asked)
    machine.switch_on()
    patiently(lambda: scene.matcher.leading.live.stamp)
    answered = client.post(f"/v1/requests/{request.id}/searches", **asked)
    assert (refused.status_code, refused.json()["code"]) == (503, "could-not-look")
    assert refused.json()["facts"] == {"because": "index-server-unreachable"}
    assert answered.status_code == 201
    assert people(scene.searched(photographs.astronaut_later)) == [astronaut.id]


def test_a_retired_contract_leaves_nothing_on_the_server(
    settings: Settings, world: World, photographs: Photographs, node: Node, buffalo_sc: Extractor, opencv_zoo: Extractor
) -> None:
    two = open_matcher(node, eye=Ensemble([opencv_zoo, buffalo_sc]))
    Scene(node, two, world).found(photographs.astronaut)
    assert retire.retire(node, buffalo_sc.contract, confirmed=True, done=lambda *_: None) == 1
    client = MilvusClient(settings.milvus_uri)
    assert [buffalo_sc.contract in name for name in client.list_collections()] == [False]
    client.close()


TAKING = """
import signal, sys
from api.gallery import place
from api.kit.node import open_node
from api.kit.settings import Settings
with place.turn(open_node(Settings()), sys.argv[1]):
    print("taken", flush=True)
    signal.pause()
"""


def test_a_turn_is_one_processs_and_comes_back_when_it_dies(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIGHTHOUSE_HOME", str(node.settings.home))
    monkeypatch.setenv("LIGHTHOUSE_DATABASE_URL", node.settings.database_url)
    command = [sys.executable, "-c", TAKING, "contract-a"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "taken\n"
        with pytest.raises(ServerUnreachable), place.turn(node, "contract-a", wait_s=0.1):
            pass
        other.kill()
        with place.turn(node, "contract-a", wait_s=20):
            pass
