"""Every refusal has a status, a sentence, advice, a translation and a place on the help page."""

import pytest
from starlette.formparsers import MultiPartParser
from starlette.testclient import TestClient

from api import app, errors, problem_table
from api.cli import main
from api.kit.i18n import catalogue
from api.problem_rows import Row
from tests.api.world import World

assert app
assert main
REFUSALS = sorted(set(errors.every_refusal()), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.__name__)
def test_every_refusal_has_a_row_of_its_own(kind: type[BaseException]) -> None:
    assert kind in problem_table.TABLE


def test_codes_are_stable_and_unique() -> None:
    codes = [kind.code for kind in REFUSALS]  # type: ignore[attr-defined]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("row", sorted(set(problem_table.TABLE.values())), ids=lambda row: row.title)
def test_every_sentence_is_translated(row: Row) -> None:
    chinese = catalogue("zh_Hans")
    assert chinese.get(row.title)
    assert chinese.get(row.todo)


def test_help_names_every_code() -> None:
    assert {code for code, _, _ in errors.help_in("zh_Hans")} == {kind.code for kind in REFUSALS}  # type: ignore[attr-defined]


def test_a_problem_speaks_the_readers_language(client: TestClient) -> None:
    answer = client.get("/v1/me", headers={"accept-language": "zh-CN"})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    body = answer.json()
    assert (body["code"], body["title"], body["type"]) == ("not-signed-in", "您尚未登录", "/help#not-signed-in")


def test_an_invalid_body_names_the_fields_and_not_the_values(client: TestClient, world: World) -> None:
    body = {"label": "", "days": 4000, "secret": "a name"}
    answer = client.post("/v1/tokens", json=body, headers=world.headers("registrar"))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
    assert answer.json()["facts"]["fields"] == ["label", "days", "secret"]
    assert "a name" not in answer.text


def test_an_unknown_address_is_a_problem_too(client: TestClient) -> None:
    assert client.get("/v1/nowhere").json()["code"] == "not-found"
    assert client.put("/v1/me").json()["code"] == "method-not-allowed"


def test_a_database_that_is_down_is_said_so(client: TestClient, world: World, node) -> None:  # type: ignore[no-untyped-def]
    headers = world.headers("registrar")
    with node.db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE api_tokens RENAME TO gone")
    answer = client.get("/v1/me", headers=headers)
    assert answer.status_code in {500, 503}
    assert answer.json()["code"] in {"database-unavailable", "internal-error"}
    assert "api_tokens" not in answer.text


@pytest.mark.parametrize("headers", [{"content-length": "900000000"}, {"transfer-encoding": "chunked"}])
def test_a_flood_is_refused_before_it_is_read(client: TestClient, world: World, headers: dict[str, str]) -> None:
    answer = client.post("/v1/tokens", content=b"{}", headers=world.headers("registrar") | headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "image-too-large")


def test_uploads_never_touch_the_disk_in_clear() -> None:
    assert MultiPartParser.spool_max_size > app.PICTURES_A_FORM * 20_000_000
