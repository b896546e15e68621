"""Faces over HTTP: boxes and words for those who may, pictures for a reason, never a vector."""

from io import BytesIO

import pytest
from PIL import Image
from starlette.testclient import TestClient

from api.audit import service as audit
from api.gallery import service
from api.gallery.matcher import Matcher
from api.kit.ids import new_id
from api.kit.node import Node
from tests.api.papers import enrolled
from tests.api.photographs import Photographs
from tests.api.world import World


def test_faces_are_listed_with_boxes_and_words(
    client: TestClient, node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.group)
    answer = client.get(f"/v1/photos/{photo.id}/faces", headers=world.headers("registrar")).json()
    assert (answer["state"], len(answer["items"])) == ("needs_choice", 6)
    for face in answer["items"]:
        x, y, width, height = face["box"]
        assert 0 < x + width / 2 < answer["width"]
        assert 0 < y + height / 2 < answer["height"]
        assert set(face["quality"].values()) <= {"good", "fair", "poor", "not_assessed"}
        assert 0 <= face["utility"] <= 100
        assert (face["usefulness"] == "good") == (face["utility"] >= 90)
        assert face["weakest"] is None or face["usefulness"] != "good"


def test_how_useful_a_face_is_lies_beside_its_components_in_the_rows(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.astronaut)
    with node.db.read() as session:
        (face,) = service.faces_of_photo(session, photo.id)
    assert face.quality["UnifiedQualityScore"] > 90
    assert face.quality["Sharpness"] > 0
    assert face.quality["causes"] == []


def test_no_answer_holds_a_vector(
    client: TestClient, node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.astronaut)
    answer = client.get(f"/v1/photos/{photo.id}/faces", headers=world.headers("registrar")).json()
    lists = [value for face in answer["items"] for value in face.values() if isinstance(value, list)]
    assert [len(value) for value in lists] == [4]


def test_face_is_chosen_and_the_photo_says_so(
    client: TestClient, node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.group)
    headers = world.headers("registrar")
    faces = client.get(f"/v1/photos/{photo.id}/faces", headers=headers).json()["items"]
    chosen = client.post(f"/v1/photos/{photo.id}/face", headers=headers, json={"face_id": faces[2]["id"]})
    after = client.get(f"/v1/photos/{photo.id}/faces", headers=headers).json()
    assert (chosen.status_code, chosen.json()["chosen"], after["state"]) == (200, True, "enrolled")
    assert [face["chosen"] for face in after["items"]] == [False, False, True, False, False, False]


def test_face_that_does_not_exist_is_not_found(
    client: TestClient, node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.group)
    body = {"face_id": new_id(node.clock())}
    answer = client.post(f"/v1/photos/{photo.id}/face", headers=world.headers("registrar"), json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_face_is_shown_for_a_reason_and_that_is_remembered(
    client: TestClient, node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.astronaut)
    with node.db.read() as session:
        (face,) = service.faces_of_photo(session, photo.id)
    path, headers = f"/v1/faces/{face.id}/image", world.headers("lead")
    shown = client.get(f"{path}?reason=checking the photo", headers=headers)
    with node.db.read() as session:
        entry = audit.entries_of_case(session, photo.case_id)[-1]
    width, height = Image.open(BytesIO(shown.content)).size
    assert (shown.status_code, shown.headers["cache-control"]) == (200, "no-store")
    assert max(width, height) <= 480
    assert (entry.act, entry.record_id, entry.reason) == ("picture-seen", face.id, "checking the photo")


@pytest.mark.parametrize("reason", ["", "?reason=", "?reason=x", "?reason=a%00bcd"])
def test_face_is_not_shown_without_a_reason(
    client: TestClient, node: Node, matcher: Matcher, world: World, photographs: Photographs, reason: str
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.astronaut)
    with node.db.read() as session:
        (face,) = service.faces_of_photo(session, photo.id)
    answer = client.get(f"/v1/faces/{face.id}/image{reason}", headers=world.headers("lead"))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")


def test_face_of_another_house_looks_like_a_missing_one(
    client: TestClient, node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.astronaut)
    with node.db.read() as session:
        (face,) = service.faces_of_photo(session, photo.id)
    headers = world.headers("requester")
    there, missing = (
        client.get(f"/v1/faces/{face_id}/image?reason=curious", headers=headers)
        for face_id in (face.id, new_id(node.clock()))
    )
    assert there.status_code == missing.status_code == 404
    assert there.content == missing.content
