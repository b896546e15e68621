"""Forms: what is kept, what is given back, and that one form acts once."""

import re

import sqlalchemy as sa
from starlette.testclient import TestClient

from api.cases.models import Case, MissingReport, Photo
from api.gallery.models import Face
from api.kit.node import Node
from api.search.models import SearchRun
from tests.api import papers
from tests.api.browsing import KEY, MARK, Reader, signed_in
from tests.api.photographs import Photographs
from tests.api.world import World

FOUND: dict[str, object] = {
    "person.sex": "1",
    "person.age_low": "40",
    "person.age_high": "50",
    "found_on": "2026-02-27",
    "taken_on": "2026-02",
    "legal_basis": "statutory_duty",
    "communication": "unknown",
    "protect_location": "1",
}
REPORT: dict[str, object] = {
    "persons.0.name": "王强",
    "persons.0.sex": "1",
    "persons.0.birth_date": "1980-05",
    "persons.2.name": "王伟",
    "inquirer": "王芳",
    "category": "stranded",
    "legal_basis": "statutory_duty",
    "cause": "unknown",
}


def a_file(data: bytes, name: str = "photos") -> tuple[str, tuple[str, bytes, str]]:
    return (name, ("picture.jpg", data, "image/jpeg"))


def register(reader: Reader, *pictures: bytes, **changed: object):
    files = [a_file(picture) for picture in pictures]
    return reader.post("/cases/register", {**FOUND, **changed}, on="/cases/register", files=files or None)


def raise_request(reader: Reader, path: str) -> str:
    """The address of a new request."""
    said = {"purpose": "find_missing_person", "reason": "looking", "urgency": "routine"}
    return reader.post(path, said, on=path).headers["location"]


def test_group_photo_leads_straight_to_the_choice_of_the_face(
    client: TestClient, node: Node, world: World, photographs: Photographs
) -> None:
    reader = signed_in(client, node, world, "registrar")
    picker = register(reader, photographs.group).headers["location"]
    faces = re.findall(r'name="face_id" value="([^"]+)"', reader.get(picker).text)
    answer = reader.post(picker, {"face_id": faces[3]}, on=picker)
    with node.db.read() as session:
        chosen = session.scalars(sa.select(Face.id).where(Face.chosen_by.is_not(None))).all()
    assert (len(faces), chosen, answer.headers["location"][:7]) == (6, [faces[3]], "/cases/")


def test_refused_picture_costs_nothing_that_was_written(
    client: TestClient, node: Node, world: World, photographs: Photographs
) -> None:
    reader = signed_in(client, node, world, "registrar")
    location = register(reader, b"no picture", photographs.astronaut).headers["location"]
    page = reader.get(location).text
    assert "Everything was saved" in page
    assert "This file is not a picture we can read" in page
    with node.db.read() as session:
        assert session.scalars(sa.select(Photo.state)).all() == ["enrolled"]


def test_wrong_field_is_marked_and_the_rest_is_given_back(client: TestClient, node: Node, world: World) -> None:
    reader = signed_in(client, node, world, "registrar")
    answer = register(reader, found_on="2026-13-45", clothing="蓝色夹克")
    assert answer.status_code == 422
    assert re.search(r'id="found_on"[^>]*aria-invalid="true"', answer.text)
    assert "蓝色夹克" in answer.text
    with node.db.read() as session:
        assert session.scalars(sa.select(Case)).all() == []


def test_double_tap_registers_once(client: TestClient, node: Node, world: World) -> None:
    reader = signed_in(client, node, world, "registrar")
    html = reader.get("/cases/register").text
    form = {**FOUND, "form_mark": MARK.search(html).group(1), "form_key": KEY.search(html).group(1)}
    first, second = reader.send("/cases/register", form), reader.send("/cases/register", form)
    assert first.headers["location"] == second.headers["location"]
    with node.db.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Case)) == 1


def test_report_keeps_every_person_and_whose_pictures_are_whose(
    client: TestClient, node: Node, world: World, photographs: Photographs
) -> None:
    reader = signed_in(client, node, world, "requester")
    reader.post("/cases/report", REPORT, on="/cases/report", files=[a_file(photographs.astronaut, "photos.2")])
    with node.db.read() as session:
        report = session.scalars(sa.select(MissingReport)).one()
        photo = session.scalars(sa.select(Photo)).one()
    assert [person.name for person in report.persons] == ["王强", "王伟"]
    assert photo.person.name == "王伟"


def test_abducted_child_without_case_number_is_asked_again(client: TestClient, node: Node, world: World) -> None:
    reader = signed_in(client, node, world, "requester")
    answer = reader.post("/cases/report", {**REPORT, "category": "abducted"}, on="/cases/report")
    assert answer.status_code == 422
    assert re.search(r'id="police_case_number"[^>]*aria-invalid="true"', answer.text)


def test_correction_changes_what_was_asked_and_nothing_else(client: TestClient, node: Node, world: World) -> None:
    case = papers.a_report(node, world.requester, persons=[{"sex": 1, "age_low": 40, "age_high": 45}])
    reader, path = signed_in(client, node, world, "requester"), f"/cases/{case.id}/edit"
    said = {"revision": "1", "persons.0.name": "王强", "persons.0.sex": "1", "persons.0.age_low": "41"}
    changed = {**said, "inquirer": "王芳", "category": "dementia", "cause": "unknown"}
    assert reader.post(path, changed, on=path).status_code == 303
    with node.db.read() as session:
        row = session.get_one(MissingReport, case.id)
    person = row.persons[0]
    assert (row.category, person.name, person.age_low, person.described_on) == ("dementia", "王强", 41, "2025-11")


def test_correction_of_a_case_that_changed_meanwhile_is_refused(client: TestClient, node: Node, world: World) -> None:
    case = papers.a_found_person(node, world.registrar)
    reader, path = signed_in(client, node, world, "registrar"), f"/cases/{case.id}/edit"
    answer = reader.post(path, {"revision": "7", "found_on": "2026-02-01", "communication": "unknown"}, on=path)
    assert answer.status_code == 409
    assert "revision-stale" in answer.text


def test_too_large_picture_is_refused_as_a_page(client: TestClient, node: Node, world: World) -> None:
    reader = signed_in(client, node, world, "registrar")
    answer = register(reader, b"\xff\xd8" + bytes((node.settings.upload_limit_mb << 20) + 1))
    assert answer.status_code == 413
    assert "image-too-large" in answer.text


def test_group_probe_is_asked_after_its_face_was_chosen(
    client: TestClient, node: Node, world: World, photographs: Photographs
) -> None:
    reader = signed_in(client, node, world, "requester")
    request = raise_request(reader, f"/cases/{papers.a_report(node, world.requester).id}/request")
    ask = f"{request}/search"
    files = [a_file(photographs.group, "photo")]
    picker = reader.post(f"{request}/probe", {"taken_on": "2025"}, on=ask, files=files).headers["location"]
    face = re.search(r'name="face_id" value="([^"]+)"', reader.get(picker).text).group(1)
    back = reader.post(picker.split("?")[0], {"face_id": face, "then": ask}, on=picker).headers["location"]
    assert back == f"{ask}?face={face}"
    result = reader.post(ask, {"face_id": face, "reason": "looking"}, on=back).headers["location"]
    assert "Nobody similar was found" in reader.get(result).text
    with node.db.read() as session:
        assert session.scalars(sa.select(SearchRun.face_id)).all() == [face]


def test_probe_without_a_face_says_so_beside_the_form(
    client: TestClient, node: Node, world: World, photographs: Photographs
) -> None:
    reader = signed_in(client, node, world, "requester")
    request = raise_request(reader, f"/cases/{papers.a_report(node, world.requester).id}/request")
    files = [a_file(photographs.nobody, "photo")]
    back = reader.post(f"{request}/probe", {"taken_on": ""}, on=f"{request}/search", files=files).headers["location"]
    assert "No face was found in this picture" in reader.get(back).text


def test_language_link_is_remembered_and_forgotten_at_sign_out(client: TestClient, node: Node, world: World) -> None:
    reader = signed_in(client, node, world, "registrar")
    cookie = reader.get("/language/zh_Hans?next=/cases").headers["set-cookie"]
    assert cookie.startswith("lighthouse_language=zh_Hans")
    left = reader.post("/sign-out", {}, on="/").headers.get_list("set-cookie")
    assert sorted(each.split("=")[0] for each in left if "Max-Age=0" in each or "expires" in each.lower()) == [
        "lighthouse_language",
        "lighthouse_session",
        "lighthouse_visit",
    ]
    assert reader.get("/").status_code == 303
