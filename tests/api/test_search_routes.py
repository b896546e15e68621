"""The search routes: what a program sends and gets, and what bad input gets."""

import pytest
import sqlalchemy as sa
from httpx2 import Response
from starlette.testclient import TestClient

from api.gallery.matcher import Matcher
from api.gallery.models import Face, TemplateRow
from api.kit.node import Node
from api.requests.models import SearchRequest
from api.search.models import SearchRun
from facematch import images
from facematch.bands import REASONS
from tests.api.photographs import Photographs
from tests.api.searching import Scene, an_open_request
from tests.api.world import World

ASTRONAUT_EYE_PX = 47  # between the eyes, in the picture as it comes
WHY = {"reason": "comparing for the family"}


@pytest.fixture
def scene(node: Node, matcher: Matcher, world: World) -> Scene:
    return Scene(node, matcher, world)


@pytest.fixture
def request_(scene: Scene) -> SearchRequest:
    return an_open_request(scene.node, scene.world.requester, scene.report())


def runs(scene: Scene) -> int:
    with scene.node.db.read() as session:
        query = sa.select(sa.func.count()).select_from(SearchRun).where(SearchRun.kind == "probe")
        return session.scalar(query) or 0


class Caller:
    """Posts searches as the police requester."""

    def __init__(self, client: TestClient, scene: Scene, request: SearchRequest) -> None:
        self.client, self.headers = client, scene.world.headers("requester")
        self.address = f"/v1/requests/{request.id}/searches"

    def search(self, picture: bytes | None = None, *, key: str | None = None, **fields: object) -> Response:
        headers = self.headers | ({"idempotency-key": key} if key else {})
        files = {} if picture is None else {"file": picture}
        return self.client.post(self.address, data=WHY | fields, files=files, headers=headers)


@pytest.fixture
def caller(client: TestClient, scene: Scene, request_: SearchRequest) -> Caller:
    return Caller(client, scene, request_)


def test_search_answers_coverage_and_candidates_in_words(
    caller: Caller, scene: Scene, photographs: Photographs
) -> None:
    scene.found(photographs.astronaut)
    answer = caller.search(photographs.astronaut, taken_on="2026-02")
    body = answer.json()
    assert answer.status_code == 201
    assert body["coverage"]["outcome"] == "candidates"
    assert body["coverage"]["regions_failed"] == []
    assert body["candidates"][0]["likelihood"]["ratio"].startswith("at least ")
    assert body["candidates"][0]["person"]["organisation"] == "杭州市救助管理站"


def test_small_face_is_proposed_with_the_sentence_that_no_ratio_can_be_given(
    caller: Caller, scene: Scene, photographs: Photographs
) -> None:
    scene.found(photographs.astronaut)
    too_small = 0.9 * scene.matcher.leading.calibration.within.smallest_eye_px / ASTRONAUT_EYE_PX
    picture = images.degrade(photographs.astronaut, scale=too_small, brightness=1.0, jpeg_quality=90, turn_degrees=0)
    worth = caller.search(picture, taken_on="2026-02").json()["candidates"][0]["likelihood"]
    assert (worth["ratio"], worth["band"]) == (None, "not-calibrated")
    assert worth["uncalibrated"] == REASONS["picture-too-small"]


def test_nobody_found_is_an_answer_that_says_so(caller: Caller, scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.astronaut)
    body = caller.search(photographs.stranger).json()
    assert body["coverage"]["outcome"] == "nobody"
    assert "Nobody is similar enough" in body["coverage"]["sentence"]


def test_could_not_look_is_a_problem_and_no_answer(
    caller: Caller, scene: Scene, request_: SearchRequest, photographs: Photographs
) -> None:
    scene.with_photo(request_.case, photographs.astronaut, by="requester")
    with scene.node.db.write() as session:
        session.execute(sa.update(TemplateRow).values(contract="another"))
        face_id = session.scalars(sa.select(Face.id)).one()
    answer = caller.search(face_id=face_id)
    assert (answer.status_code, answer.json()["code"]) == (503, "could-not-look")
    assert runs(scene) == 0


def test_group_picture_gets_the_boxes_and_a_choice_finds_the_face(caller: Caller, photographs: Photographs) -> None:
    asked = caller.search(photographs.group)
    assert (asked.status_code, asked.json()["code"]) == (422, "face-choice-needed")
    assert len(asked.json()["facts"]["boxes"]) == 6
    assert caller.search(photographs.group, face=2).status_code == 201


def test_repeated_key_answers_the_same_run(caller: Caller, scene: Scene, photographs: Photographs) -> None:
    first = caller.search(photographs.stranger, key="k1")
    again = caller.search(photographs.stranger, key="k1")
    other = caller.search(photographs.stranger, key="k1", reason="another reason")
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert first.json() == again.json()
    assert runs(scene) == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "file"),
        ({"face_id": "x", "with_file": True}, "face_id"),
        ({"with_file": True, "reason": "x"}, "reason"),
        ({"with_file": True, "taken_on": "yesterday"}, "taken_on"),
        ({"with_file": True, "face": -1}, "face"),
    ],
)
def test_wrong_fields_are_named(
    caller: Caller, scene: Scene, photographs: Photographs, fields: dict[str, object], field: str
) -> None:
    picture = photographs.astronaut if fields.get("with_file") else None
    said = {name: value for name, value in fields.items() if name != "with_file"}
    answer = caller.search(picture, **said)
    facts = answer.json()["facts"]
    assert answer.status_code == 422
    assert field in facts.get("fields", [facts.get("field")])
    assert runs(scene) == 0


def test_closed_request_is_a_problem_of_its_own(
    caller: Caller, scene: Scene, request_: SearchRequest, photographs: Photographs
) -> None:
    with scene.node.db.write() as session:
        session.get_one(SearchRequest, request_.id).state = "closed"
    answer = caller.search(photographs.astronaut)
    assert (answer.status_code, answer.json()["code"]) == (409, "request-not-open")


def test_faces_of_both_sides_are_shown_as_pictures_that_nobody_keeps(
    client: TestClient, caller: Caller, scene: Scene, photographs: Photographs
) -> None:
    scene.found(photographs.astronaut)
    pair = caller.search(photographs.astronaut_later).json()["candidates"][0]["hypothesis_id"]
    for side in ("found", "sought"):
        answer = client.get(f"/v1/hypotheses/{pair}/images/{side}", params=WHY, headers=caller.headers)
        assert answer.content.startswith(b"\xff\xd8")
        assert answer.headers["cache-control"] == "no-store"


def test_pair_is_screened_parked_ruled_out_and_reopened_by_calls(
    client: TestClient, caller: Caller, scene: Scene, photographs: Photographs
) -> None:
    scene.found(photographs.astronaut)
    pair = caller.search(photographs.astronaut_later).json()["candidates"][0]["hypothesis_id"]
    address, states = f"/v1/hypotheses/{pair}/events", []
    for event in ("park", "screen", "rule_out", "reopen"):
        body = {"event": event, "reason": "looked at both"}
        states.append(client.post(address, json=body, headers=caller.headers).json()["state"])
    assert states == ["parked", "screened", "ruled_out", "reopened"]
    assert client.post(address, json={"event": "confirm"}, headers=caller.headers).status_code == 422
