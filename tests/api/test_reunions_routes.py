"""Verification, handover, follow-up and closing over HTTP, and what each side learns when."""

import json

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from api.kit.node import Node
from api.reunions.models import Verification
from api.search import views
from api.search.models import MatchHypothesis
from api.search.states import HYPOTHESIS
from tests.api import pairs
from tests.api.world import World

DNA = {"kind": "dna", "result": "matches", "authority": "Institute", "reference": "DNA-77"}
HANDOVER = {"handed_over_on": "2026-03-01", "region": "510100", "wish": "agreed"}


def supported(node: Node, world: World, **how: object) -> pairs.Pair:
    """A pair that two experts support."""
    pair = pairs.make_pair(node, world, **how)
    pairs.review(node, world, pair, expert_a=2, expert_b=2)
    return pair


def test_way_home_over_http(client: TestClient, node: Node, world: World) -> None:
    pair = supported(node, world)
    path = f"/v1/hypotheses/{pair.hypothesis}"
    verified = client.post(f"{path}/verifications", json=DNA, headers=world.headers("verifier"))
    assert (verified.status_code, verified.json()["state"]) == (201, "confirmed")
    home = client.post(f"{path}/reunification", json=HANDOVER, headers=world.headers("liaison"))
    assert home.status_code == 201, home.text
    first = home.json()["follow_ups"][0]["id"]
    report = {"outcome": "well", "note": "called"}
    done = client.post(f"/v1/follow-ups/{first}/outcome", json=report, headers=world.headers("liaison_police"))
    assert (done.status_code, done.json()["outcome"]) == (200, "well")
    listed = client.get(f"/v1/cases/{pair.report}/follow-ups", headers=world.headers("requester")).json()["items"]
    assert [row["outcome"] for row in listed] == ["well", None, None]
    closed = client.post(f"/v1/cases/{pair.found_case}/close", json={}, headers=world.headers("lead"))
    assert closed.json() == {"case_id": pair.found_case, "state": "closed", "revision": closed.json()["revision"]}


def test_answer_says_what_is_still_needed(client: TestClient, node: Node, world: World) -> None:
    pair = supported(node, world, sought=pairs.CHILD)
    path, headers = f"/v1/hypotheses/{pair.hypothesis}/verifications", world.headers("verifier")
    answer = client.post(path, json=DNA | {"kind": "household"}, headers=headers).json()
    assert answer["state"] == "verifying"
    assert (answer["still_needed"], answer["because"]) == (["dna"], ["child"])
    assert answer["sentences"] == ["A DNA result is still needed."]
    assert client.get(path, headers=headers).json()["still_needed"] == ["dna"]


def test_repeated_key_records_one_verification(client: TestClient, node: Node, world: World) -> None:
    pair = supported(node, world, sought=pairs.CHILD)
    headers = world.headers("verifier") | {"idempotency-key": "k1"}
    path, body = f"/v1/hypotheses/{pair.hypothesis}/verifications", DNA | {"kind": "household"}
    first, again = (client.post(path, json=body, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert client.post(path, json=DNA, headers=headers).json()["code"] == "idempotency-key-reused"
    with node.db.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Verification)) == 1


@pytest.mark.parametrize(
    ("who", "path", "body"),
    [
        ("requester2", "/v1/hypotheses/{pair.hypothesis}/reviews", None),
        ("requester2", "/v1/hypotheses/{pair.hypothesis}/verifications", None),
        ("requester2", "/v1/cases/{pair.found_case}/follow-ups", None),
        ("lead", "/v1/cases/{pair.report}/close", {}),
        ("expert_c", "/v1/reviews/{pair.hypothesis}", None),
    ],
)
def test_another_organisations_record_looks_like_none(
    client: TestClient, node: Node, world: World, who: str, path: str, body: dict[str, str] | None
) -> None:
    pair, nobody = supported(node, world), pairs.Pair(*["01ARZ3NDEKTSV4RRFFQ69G5FAV"] * 4)
    method = "GET" if body is None else "POST"
    theirs, none = (
        client.request(method, path.format(pair=each), json=body, headers=world.headers(who)) for each in (pair, nobody)
    )
    assert theirs.status_code == none.status_code == 404
    assert theirs.json() == none.json()


def test_stale_revision_is_told_and_nothing_is_written(client: TestClient, node: Node, world: World) -> None:
    pair = supported(node, world)
    path = f"/v1/hypotheses/{pair.hypothesis}/verifications"
    answer = client.post(path, json=DNA | {"revision": 1}, headers=world.headers("verifier"))
    assert (answer.status_code, answer.json()["code"]) == (409, "revision-stale")
    with node.db.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Verification)) == 0


def test_identity_and_contact_are_told_only_after_confirmation(node: Node, world: World) -> None:
    pair, told = pairs.make_pair(node, world), {}
    for state in sorted(HYPOTHESIS.states):
        with node.db.write() as session:
            session.get_one(MatchHypothesis, pair.hypothesis).state = state
        for who in ("registrar", "requester", "coordinator"):
            told[state, who] = _learned(node, world, pair, who)
    assert {state for (state, who), words in told.items() if words} == {"confirmed", "reunited"}
    assert told["confirmed", "registrar"] == {pairs.NAME, pairs.INQUIRER, pairs.CONTACT}
    assert told["confirmed", "requester"] == {pairs.NICKNAME}


def test_reference_number_stays_with_its_recorders_before_confirmation(
    client: TestClient, node: Node, world: World
) -> None:
    pair = supported(node, world, sought=pairs.CHILD)
    pairs.verify(node, world, pair, "household")
    path = f"/v1/hypotheses/{pair.hypothesis}/verifications"
    seen = {who: client.get(path, headers=world.headers(who)).json() for who in ("registrar", "requester")}
    assert seen["registrar"]["items"][0]["reference"] == ""
    assert seen["requester"]["items"][0]["reference"] == "DNA-77"
    pairs.verify(node, world, pair, "dna")
    assert client.get(path, headers=world.headers("registrar")).json()["items"][0]["reference"] == "DNA-77"


def _learned(node: Node, world: World, pair: pairs.Pair, who: str) -> set[str]:
    """Private words about somebody else's case that this reader of the pair is told."""
    actor = world.actors[who]
    own = {"registrar": {pairs.NICKNAME, pairs.PLACE}, "requester": {pairs.NAME, pairs.INQUIRER, pairs.CONTACT}}
    with node.db.read() as session:
        row = session.get_one(MatchHypothesis, pair.hypothesis)
        text = json.dumps(
            views.hypothesis_out(row, actor, now=node.clock()).model_dump(mode="json"), ensure_ascii=False
        )
    return {word for word in set(pairs.PRIVATE) - own.get(who, set()) if word in text}
