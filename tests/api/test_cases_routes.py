"""Cases over HTTP: who gets what, what is answered twice, and what a stranger cannot tell apart."""

import json

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from api.audit.models import AuditEntry
from api.cases.models import Case, Photo
from api.jobs.models import Job
from api.kit.ids import new_id
from api.kit.node import Node
from tests.api.papers import FOUND, REPORT, a_found_person, a_photo, a_report
from tests.api.photographs import Photographs
from tests.api.world import World


def post_photo(client: TestClient, world: World, case_id: str, data: bytes, *, who: str = "registrar", key: str = ""):  # type: ignore[no-untyped-def]
    headers = world.headers(who) | ({"idempotency-key": key} if key else {})
    form = {"role": "capture", "taken_on": "2026-02-27"}
    return client.post(f"/v1/cases/{case_id}/photos", headers=headers, data=form, files={"file": ("a.jpg", data)})


def rows_of(node: Node, *tables: type) -> list[int]:
    with node.db.read() as session:
        return [session.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables]


def test_found_person_is_registered_and_shown(client: TestClient, world: World) -> None:
    made = client.post("/v1/found-persons", headers=world.headers("registrar"), json=FOUND)
    shown = client.get(f"/v1/cases/{made.json()['id']}", headers=world.headers("lead"))
    assert made.status_code == 201
    assert shown.json() == made.json()
    assert (shown.json()["state"], shown.json()["found_place"]) == ("registered", "汽车南站")


def test_report_is_filed(client: TestClient, world: World) -> None:
    made = client.post("/v1/missing-reports", headers=world.headers("requester"), json=REPORT)
    assert (made.status_code, made.json()["state"], made.json()["persons"][0]["name"]) == (201, "active", "王强")


def test_case_carries_the_domain_of_its_node(client: TestClient, world: World) -> None:
    made = client.post("/v1/found-persons", headers=world.headers("registrar"), json=FOUND).json()
    assert made["public_id"] == f"localhost/case/{made['id']}"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/timeline", None),
        ("GET", "/photos", None),
        ("PATCH", "", {"revision": 1}),
        ("POST", "/events", {"event": "withdraw"}),
    ],
)
def test_case_of_another_house_looks_like_a_missing_one(
    client: TestClient, node: Node, world: World, method: str, path: str, body: dict[str, object] | None
) -> None:
    case, headers = a_found_person(node, world.registrar), world.headers("requester")
    there = client.request(method, f"/v1/cases/{case.id}{path}", headers=headers, json=body)
    missing = client.request(method, f"/v1/cases/{new_id(node.clock())}{path}", headers=headers, json=body)
    assert there.status_code == missing.status_code == 404
    assert there.content == missing.content


@pytest.mark.parametrize("path", ["", "/image?reason=curious", "/faces"])
def test_photo_of_another_house_looks_like_a_missing_one(
    client: TestClient, node: Node, world: World, photographs: Photographs, path: str
) -> None:
    photo = a_photo(node, world.registrar, a_found_person(node, world.registrar), photographs.astronaut)
    there = client.get(f"/v1/photos/{photo.id}{path}", headers=world.headers("requester"))
    missing = client.get(f"/v1/photos/{new_id(node.clock())}{path}", headers=world.headers("requester"))
    assert there.status_code == missing.status_code == 404
    assert there.content == missing.content


def test_stale_revision_is_refused_with_both_numbers(client: TestClient, node: Node, world: World) -> None:
    case = a_found_person(node, world.registrar)
    body = {"revision": 9, "clothing": "灰色外套"}
    answer = client.patch(f"/v1/cases/{case.id}", headers=world.headers("registrar"), json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "revision-stale")
    assert answer.json()["facts"] == {"expected": 9, "actual": 1}


def test_edit_without_the_revision_that_was_read_is_refused(client: TestClient, node: Node, world: World) -> None:
    case = a_found_person(node, world.registrar)
    answer = client.patch(f"/v1/cases/{case.id}", headers=world.headers("registrar"), json={"clothing": "灰色外套"})
    assert (answer.status_code, answer.json()["facts"]) == (422, {"fields": ["revision"]})


def test_same_key_registers_once(client: TestClient, node: Node, world: World) -> None:
    headers = world.headers("registrar") | {"idempotency-key": "k1"}
    first, again = (client.post("/v1/found-persons", headers=headers, json=FOUND) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert rows_of(node, Case) == [1]


def test_same_key_with_another_body_is_refused(client: TestClient, node: Node, world: World) -> None:
    headers = world.headers("registrar") | {"idempotency-key": "k1"}
    client.post("/v1/found-persons", headers=headers, json=FOUND)
    other = client.post("/v1/found-persons", headers=headers, json=FOUND | {"dialect": "吴语"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert rows_of(node, Case) == [1]


def test_same_key_adds_a_photo_once(client: TestClient, node: Node, world: World, photographs: Photographs) -> None:
    case = a_found_person(node, world.registrar)
    first, again = (post_photo(client, world, case.id, photographs.astronaut, key="p1") for _ in range(2))
    other = post_photo(client, world, case.id, photographs.stranger, key="p1")
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 422)
    assert first.json() == again.json()
    assert rows_of(node, Photo) == [1]


def test_what_is_not_a_picture_leaves_nothing_behind(client: TestClient, node: Node, world: World) -> None:
    case = a_found_person(node, world.registrar)
    before = rows_of(node, Photo, Job, AuditEntry)
    answer = post_photo(client, world, case.id, b"not a picture")
    assert (answer.status_code, answer.json()["code"]) == (422, "not-a-picture")
    assert rows_of(node, Photo, Job, AuditEntry) == before
    assert not [path for path in node.blobs.folder.rglob("*") if path.is_file()]


def test_picture_beyond_the_limit_is_refused(client: TestClient, node: Node, world: World) -> None:
    case = a_found_person(node, world.registrar)
    answer = post_photo(client, world, case.id, b"\xff\xd8\xff" + bytes(node.settings.upload_limit_mb * 1_000_000))
    assert (answer.status_code, answer.json()["code"]) == (413, "image-too-large")


def test_stranger_is_refused_before_the_picture_is_opened(client: TestClient, node: Node, world: World) -> None:
    case = a_found_person(node, world.registrar)
    assert post_photo(client, world, case.id, b"not a picture", who="requester").status_code == 404


def test_picture_is_shown_for_a_reason_and_never_cached(
    client: TestClient, node: Node, world: World, photographs: Photographs
) -> None:
    photo = a_photo(node, world.registrar, a_found_person(node, world.registrar), photographs.astronaut)
    path, headers = f"/v1/photos/{photo.id}/image", world.headers("registrar")
    without, shown = client.get(path, headers=headers), client.get(f"{path}?reason=checking", headers=headers)
    assert (without.status_code, shown.status_code) == (422, 200)
    assert (shown.headers["content-type"], shown.headers["cache-control"]) == ("image/jpeg", "no-store")
    assert shown.content.startswith(b"\xff\xd8\xff")


def test_contact_and_protected_place_stay_in_the_house(client: TestClient, node: Node, world: World) -> None:
    report, found = a_report(node, world.requester), a_found_person(node, world.registrar)
    seen = [client.get(f"/v1/cases/{case.id}", headers=world.headers("coordinator")) for case in (report, found)]
    assert (seen[0].json()["contact"], seen[0].json()["inquirer"], seen[1].json()["found_place"]) == (None,) * 3
    assert "13900000000" not in seen[0].text
    assert seen[0].json()["possible_events"] == []


def test_timeline_tells_colleagues_who_and_why(client: TestClient, node: Node, world: World) -> None:
    case = a_found_person(node, world.registrar)
    body = {"event": "settle", "note": "placed with a family"}
    client.post(f"/v1/cases/{case.id}/events", headers=world.headers("registrar"), json=body)
    last = client.get(f"/v1/cases/{case.id}/timeline", headers=world.headers("lead")).json()["items"][-1]
    assert (last["act"], last["reason"], last["user_id"]) == (
        "case-moved",
        "placed with a family",
        world.registrar.user_id,
    )


def test_timeline_tells_of_another_house_neither_who_nor_why(
    client: TestClient, node: Node, world: World, photographs: Photographs
) -> None:
    photo = a_photo(node, world.registrar, a_found_person(node, world.registrar), photographs.astronaut)
    client.get(f"/v1/photos/{photo.id}/image?reason=confidential", headers=world.headers("coordinator"))
    last = client.get(f"/v1/cases/{photo.case_id}/timeline", headers=world.headers("lead")).json()["items"][-1]
    assert (last["act"], last["organisation_id"]) == ("picture-seen", world.organisations["ministry"])
    assert (last["user_id"], last["reason"]) == (None, None)


def test_timeline_goes_on_where_it_stopped(client: TestClient, node: Node, world: World) -> None:
    case = a_found_person(node, world.registrar)
    client.post(f"/v1/cases/{case.id}/events", headers=world.headers("registrar"), json={"event": "settle"})
    path, headers = f"/v1/cases/{case.id}/timeline", world.headers("lead")
    first = client.get(f"{path}?limit=1", headers=headers).json()
    rest = client.get(f"{path}?after={first['next_after']}", headers=headers).json()
    assert ([item["act"] for item in rest["items"]], rest["next_after"]) == (["case-moved"], None)


def test_list_comes_in_pages_without_loss_or_repetition(client: TestClient, node: Node, world: World) -> None:
    made, seen, cursor = {a_found_person(node, world.registrar).id for _ in range(5)}, [], ""
    while cursor is not None:
        page = client.get(f"/v1/cases?limit=2{cursor}", headers=world.headers("registrar")).json()
        seen += [item["id"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    assert (len(seen), set(seen)) == (5, made)


@pytest.mark.parametrize(
    "wrong",
    [
        {"found_on": "yesterday"},
        {"unknown_field": 1},
        {"region": "990000"},
        {"dialect": "a\0b"},
        {"dialect": "\ud800"},
        {"dialect": "x" * 201},
        {"person": {"sex": 5}},
        {"person": {"age_low": 9}},
        {"person": {"age_low": 9, "age_high": 3}},
        {"person": {"age_low": 10**30, "age_high": 10**30}},
    ],
)
def test_field_that_makes_no_sense_is_named_and_nothing_written(
    client: TestClient, node: Node, world: World, wrong: dict[str, object]
) -> None:
    headers = world.headers("registrar") | {"content-type": "application/json"}
    answer = client.post("/v1/found-persons", headers=headers, content=json.dumps(FOUND | wrong))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
    assert rows_of(node, Case) == [0]


@pytest.mark.parametrize("case_id", ["a%00b", "..", "%F0%9F%98%80", "x" * 3000])
def test_id_that_cannot_be_one_is_not_found(client: TestClient, world: World, case_id: str) -> None:
    assert client.get(f"/v1/cases/{case_id}/timeline", headers=world.headers("registrar")).status_code == 404


def test_nobody_without_a_sign_in_sees_a_case(client: TestClient, node: Node, world: World) -> None:
    answer = client.get(f"/v1/cases/{a_found_person(node, world.registrar).id}")
    assert (answer.status_code, answer.json()["code"]) == (401, "not-signed-in")
