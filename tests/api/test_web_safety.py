"""What protects a reader of pages: headers, marks on forms, escaped names, no way to elsewhere."""

import re

import pytest
from starlette.testclient import TestClient

from api.kit.node import Node
from api.web.render import CSP, HERE
from tests.api import papers
from tests.api.browsing import signed_in
from tests.api.world import PASSWORD, World

HOSTILE = "<script>alert(1)</script>"
TEMPLATES = sorted(path.name for path in (HERE / "templates").glob("*.html"))
INLINE = re.compile(r"\sstyle\s*=|<style|\son[a-z]+\s*=\s*[\"']|javascript:|<script(?![^>]*\ssrc=)|\|\s*safe\b", re.I)


@pytest.mark.parametrize("path", ["/sign-in", "/help", "/", "/cases", "/cases/register", "/nowhere"])
def test_every_page_carries_the_strict_policy(path: str, client: TestClient, node: Node, world: World) -> None:
    headers = signed_in(client, node, world, "registrar").get(path).headers
    assert headers["content-security-policy"] == CSP
    assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")


def test_policy_admits_nothing_inline_and_nothing_from_elsewhere() -> None:
    assert [word for word in ("unsafe", "http:", "https:", "*") if word in CSP] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_holds_no_inline_style_or_script(name: str) -> None:
    assert INLINE.findall((HERE / "templates" / name).read_text("utf-8")) == []


@pytest.mark.parametrize("mark", ["", "0" * 64])
def test_form_without_its_mark_is_refused(mark: str, client: TestClient, node: Node, world: World) -> None:
    reader = signed_in(client, node, world, "registrar")
    answer = reader.send("/cases/register", {"form_mark": mark, "found_on": "2026-02-01"})
    assert answer.status_code == 403
    assert "form-expired" in answer.text
    assert "There is no case here yet" in reader.get("/cases").text


def test_mark_of_another_sign_in_is_refused(client: TestClient, node: Node, world: World) -> None:
    mine, theirs = (signed_in(client, node, world, who) for who in ("registrar", "lead"))
    mark = re.search(r'name="form_mark" value="([^"]+)"', theirs.get("/cases/register").text).group(1)
    assert mine.send("/cases/register", {"form_mark": mark, "found_on": "2026-02-01"}).status_code == 403


def test_every_form_that_posts_carries_a_mark() -> None:
    forms = [form for name in TEMPLATES for form in _posting_forms((HERE / "templates" / name).read_text("utf-8"))]
    marks = ("m.marked()", "m.once()", "marked()", "mark_name")
    assert len(forms) > 15
    assert [form for form in forms if not any(mark in form for mark in marks)] == []


def test_name_is_escaped_everywhere(client: TestClient, node: Node, world: World) -> None:
    person = {"name": HOSTILE, "sex": 1, "marks": HOSTILE}
    case = papers.a_report(node, world.requester, persons=[person], inquirer=HOSTILE, separated_place=HOSTILE)
    reader = signed_in(client, node, world, "requester")
    pages = [reader.get(path).text for path in ("/", "/cases", f"/cases/{case.id}", f"/cases/{case.id}/request")]
    assert [page for page in pages if HOSTILE in page] == []
    assert "&lt;script&gt;" in pages[2]


def test_reason_somebody_wrote_is_escaped_on_the_timeline(client: TestClient, node: Node, world: World) -> None:
    case = papers.a_found_person(node, world.registrar)
    reader, path = signed_in(client, node, world, "registrar"), f"/cases/{case.id}"
    assert reader.post(f"{path}/events", {"event": "settle", "note": HOSTILE}, on=path).status_code == 303
    page = reader.get(path).text
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\nx"]
)
def test_sign_in_never_leads_elsewhere(wanted: str, client: TestClient, world: World) -> None:
    mark = re.search(r'name="form_mark" value="([^"]+)"', client.get("/sign-in").text).group(1)
    data = {"form_mark": mark, "login": "registrar", "password": PASSWORD, "next": wanted}
    assert client.post("/sign-in", data=data, follow_redirects=False).headers["location"] == "/"


def test_session_cookie_is_out_of_reach_of_scripts_and_other_sites(client: TestClient, world: World) -> None:
    mark = re.search(r'name="form_mark" value="([^"]+)"', client.get("/sign-in").text).group(1)
    data = {"form_mark": mark, "login": "registrar", "password": PASSWORD}
    cookies = client.post("/sign-in", data=data, follow_redirects=False).headers.get_list("set-cookie")
    session = next(cookie for cookie in cookies if cookie.startswith("lighthouse_session="))
    assert "HttpOnly" in session
    assert "SameSite=strict" in session


def test_wrong_password_and_unknown_login_read_the_same(client: TestClient, world: World) -> None:
    def try_in(login: str) -> str:
        mark = re.search(r'name="form_mark" value="([^"]+)"', client.get("/sign-in").text).group(1)
        answer = client.post("/sign-in", data={"form_mark": mark, "login": login, "password": "x" * 15})
        assert answer.status_code == 401
        return answer.text.replace(login, "")

    assert try_in("registrar") == try_in("nobody-here")


def _posting_forms(template: str) -> list[str]:
    return [part.split("</form>")[0] for part in template.split("<form")[1:] if 'method="post"' in part.split(">")[0]]
