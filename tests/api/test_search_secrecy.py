"""What answers hold back: other organisations' records, names before confirmation, and every cosine and vector."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from api.audit.models import AuditEntry
from api.gallery.matcher import Matcher
from api.kit.node import Node
from api.search.models import MatchHypothesis, SearchRun
from tests.api.photographs import Photographs
from tests.api.searching import Scene, an_open_request
from tests.api.world import World

WHY = {"reason": "comparing for the family"}
NAME, CONTACT, PLACE = "李梅", "13900000000", "汽车南站"


@pytest.fixture
def scene(node: Node, matcher: Matcher, world: World) -> Scene:
    return Scene(node, matcher, world)


@pytest.fixture
def run(scene: Scene, photographs: Photographs) -> SearchRun:
    scene.found(photographs.astronaut, person={"name": "阿梅", "sex": 2, "birth_date": "1975-03"})
    return scene.searched(photographs.astronaut_later)


def addresses(run: SearchRun) -> list[str]:
    pair = run.candidates[0].hypothesis
    return [
        f"/v1/searches/{run.id}",
        f"/v1/requests/{run.request_id}/candidates",
        f"/v1/cases/{run.case_id}/hypotheses",
        f"/v1/hypotheses/{pair.id}",
        f"/v1/hypotheses/{pair.id}/images/found",
        f"/v1/requests/{run.request_id}",
    ]


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from numbers(part)
    if isinstance(value, float):
        yield value


def longest_list(value: Any) -> int:
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    own = len(value) if isinstance(value, list) else 0
    return max([own, *(longest_list(part) for part in parts)])


def test_no_answer_holds_a_cosine_a_nominal_value_or_a_vector(
    client: TestClient, scene: Scene, photographs: Photographs
) -> None:
    scene.found(photographs.astronaut)
    request = an_open_request(scene.node, scene.world.requester, scene.report())
    sent = {"files": {"file": photographs.astronaut_later}, "data": WHY | {"taken_on": "2026-02"}}
    first = client.post(f"/v1/requests/{request.id}/searches", headers=scene.world.headers("requester"), **sent)
    with scene.node.db.read() as session:
        run = session.scalars(sa.select(SearchRun).where(SearchRun.kind == "probe")).one()
    answers = [client.get(path, params=WHY, headers=scene.world.headers("requester")) for path in addresses(run)]
    bodies = [answer.json() for answer in [first, *answers] if answer.headers["content-type"] == "application/json"]
    pictures = (photographs.astronaut, photographs.astronaut_later)
    seen = [scene.matcher.eye.faces_in(p)[1][0].templates[scene.matcher.contract] for p in pictures]
    secret = [float(seen[0] @ seen[1]), run.candidates[0].hypothesis.nominal_log10_lr]
    assert len(bodies) == 6
    assert not any(np.isclose(number, secret, atol=5e-3).any() for number in numbers(bodies))
    assert longest_list(bodies) <= 20
    assert not any(word in json.dumps(bodies) for word in ("cosine", "nominal", "log10", "template", "vector"))


def test_another_organisation_gets_the_same_404_as_for_what_does_not_exist(
    client: TestClient, scene: Scene, run: SearchRun
) -> None:
    nowhere = client.get(
        "/v1/searches/01ARZ3NDEKTSV4RRFFQ69G5FAV", params=WHY, headers=scene.world.headers("requester2")
    )
    for path in addresses(run):
        answer = client.get(path, params=WHY, headers=scene.world.headers("requester2"))
        assert (answer.status_code, answer.json()) == (404, nowhere.json()), path


def test_custodian_sees_the_pair_but_not_the_search_or_the_request(
    client: TestClient, scene: Scene, run: SearchRun
) -> None:
    for path in addresses(run):
        answer = client.get(path, params=WHY, headers=scene.world.headers("registrar"))
        assert answer.status_code == (200 if path.startswith("/v1/hypotheses/") else 404), path


@pytest.mark.parametrize("who", ["expert_a", "adjudicator", "privacy_officer", "auditor", "administrator"])
def test_roles_without_candidates_see_none(client: TestClient, scene: Scene, run: SearchRun, who: str) -> None:
    statuses = {client.get(path, params=WHY, headers=scene.world.headers(who)).status_code for path in addresses(run)}
    assert statuses == {403}


def test_nothing_is_seen_without_a_reason(client: TestClient, scene: Scene, run: SearchRun) -> None:
    for path in addresses(run)[:5]:
        assert client.get(path, headers=scene.world.headers("requester")).status_code == 422, path


def test_every_look_is_remembered_with_its_reason(client: TestClient, scene: Scene, run: SearchRun) -> None:
    for path in addresses(run)[:5]:
        client.get(path, params=WHY, headers=scene.world.headers("requester"))
    with scene.node.db.read() as session:
        looks = sa.select(AuditEntry.act, AuditEntry.reason).where(
            AuditEntry.act.in_(["candidates-seen", "candidate-seen"])
        )
        rows = [tuple(row) for row in session.execute(looks)]
    assert sorted(rows) == sorted([("candidates-seen", WHY["reason"])] * 3 + [("candidate-seen", WHY["reason"])] * 4)


@pytest.mark.parametrize(
    ("who", "hidden"),
    [("registrar", (NAME, CONTACT)), ("requester", ("阿梅", PLACE)), ("coordinator", (NAME, "阿梅", CONTACT))],
)
def test_name_place_and_contact_of_the_other_side_wait_for_confirmation(
    client: TestClient, scene: Scene, run: SearchRun, who: str, hidden: tuple[str, ...]
) -> None:
    address = f"/v1/hypotheses/{run.candidates[0].hypothesis_id}"
    before = client.get(address, params=WHY, headers=scene.world.headers(who)).text
    with scene.node.db.write() as session:
        session.get_one(MatchHypothesis, run.candidates[0].hypothesis_id).state = "confirmed"
    after = client.get(address, params=WHY, headers=scene.world.headers(who)).text
    assert not any(word in before for word in hidden)
    assert all(word in after for word in hidden if word != PLACE)


def test_protected_place_stays_hidden_even_after_confirmation(client: TestClient, scene: Scene, run: SearchRun) -> None:
    address = f"/v1/hypotheses/{run.candidates[0].hypothesis_id}"
    with scene.node.db.write() as session:
        session.get_one(MatchHypothesis, run.candidates[0].hypothesis_id).state = "confirmed"
    assert PLACE not in client.get(address, params=WHY, headers=scene.world.headers("requester")).text
    assert PLACE in client.get(address, params=WHY, headers=scene.world.headers("registrar")).text
