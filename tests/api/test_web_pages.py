"""Every page, for whom it is and for whom it is not, in both languages."""

import re
from dataclasses import dataclass

import pytest
from starlette.testclient import TestClient

from api.cases.photos import list_photos
from api.kit.node import Node
from api.notices.service import tell_user
from api.reviews import adjudication
from tests.api import pairs
from tests.api.browsing import signed_in
from tests.api.world import World

# page → who may, who may not (None: everybody who is signed in may)
PAGES: dict[str, tuple[str, str | None]] = {
    "/": ("registrar", None),
    "/cases": ("registrar", "auditor"),
    "/cases/register": ("registrar", "requester"),
    "/cases/report": ("requester", "registrar"),
    "/cases/{found}": ("registrar", "requester2"),
    "/cases/{report}": ("requester", "expert_a"),
    "/cases/{report}/edit": ("requester", "coordinator"),
    "/cases/{found}/edit": ("registrar", "liaison"),
    "/photos/{photo}/faces": ("registrar", "requester2"),
    "/cases/{report}/request": ("requester", "coordinator"),
    "/requests": ("requester", "liaison"),
    "/requests/{request}": ("requester", "requester2"),
    "/requests/{request}/search": ("requester", "coordinator"),
    "/hypotheses/{pair}": ("requester", "requester2"),
    "/reviews": ("expert_a", "registrar"),
    "/reviews/{review}": ("expert_a", "expert_b"),
    "/notices": ("registrar", None),
    "/help": ("auditor", None),
    "/pictures/photos/{photo}": ("registrar", "requester2"),
    "/pictures/hypotheses/{pair}/found": ("requester", "requester2"),
    "/pictures/reviews/{review}/sought": ("expert_a", "coordinator"),
}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Places:
    """What the addresses are filled with."""

    found: str
    report: str
    request: str
    pair: str
    photo: str
    review: str

    def fill(self, path: str) -> str:
        return path.format(**vars(self))


@pytest.fixture
def places(node: Node, world: World) -> Places:
    pair = pairs.make_pair(node, world)
    review = pairs.invite(node, world, pair, "expert_a")
    with node.db.read() as session:
        photo = list_photos(session, pair.found_case)[0].id
    return Places(pair.found_case, pair.report, pair.request, pair.hypothesis, photo, review)


def test_every_page_is_shown_to_whom_it_is_for(client: TestClient, node: Node, world: World, places: Places) -> None:
    status = {
        path: signed_in(client, node, world, who).get(places.fill(path)).status_code for path, (who, _) in PAGES.items()
    }
    assert {path: code for path, code in status.items() if code != 200} == {}


def test_every_page_is_refused_to_anybody_else(client: TestClient, node: Node, world: World, places: Places) -> None:
    status = {
        path: signed_in(client, node, world, other).get(places.fill(path)).status_code
        for path, (_, other) in PAGES.items()
        if other is not None
    }
    assert {path: code for path, code in status.items() if code not in {403, 404}} == {}


def test_every_page_speaks_chinese(client: TestClient, node: Node, world: World, places: Places) -> None:
    def speaks(path: str, who: str) -> bool:
        answer = signed_in(client, node, world, who, language="zh_Hans").get(places.fill(path))
        title = re.search(r"<h1>(.*?)</h1>", answer.text, re.S).group(1)
        return answer.headers["content-language"] == "zh-Hans" and bool(CHINESE.search(title))

    assert [path for path, (who, _) in PAGES.items() if "pictures" not in path and not speaks(path, who)] == []


def test_stranger_is_sent_to_the_door_from_every_page(client: TestClient, places: Places) -> None:
    answers = {path: client.get(places.fill(path), follow_redirects=False) for path in PAGES if path != "/help"}
    doors = {path: answer.headers.get("location", "").split("?")[0] for path, answer in answers.items()}
    assert {path: door for path, door in doors.items() if door != "/sign-in"} == {}


def test_refusal_is_a_page_that_says_what_to_do(client: TestClient, node: Node, world: World) -> None:
    answer = signed_in(client, node, world, "auditor", language="zh_Hans").get("/cases")
    assert answer.status_code == 403
    assert "not-permitted" in answer.text
    assert CHINESE.search(answer.text)


def test_reviewer_sees_neither_name_nor_score(client: TestClient, node: Node, world: World, places: Places) -> None:
    page = signed_in(client, node, world, "expert_a").get(f"/reviews/{places.review}").text
    assert "Comparison" in page
    assert [word for word in (*pairs.PRIVATE, "Likelihood", "more probable") if word in page] == []


def test_other_side_stays_unnamed_before_confirmation(
    client: TestClient, node: Node, world: World, places: Places
) -> None:
    page = signed_in(client, node, world, "registrar").get(f"/hypotheses/{places.pair}").text
    assert [word for word in (pairs.NAME, pairs.INQUIRER, pairs.CONTACT) if word in page] == []


def test_no_page_shows_a_bare_nominal_value(client: TestClient, node: Node, world: World, places: Places) -> None:
    reader = signed_in(client, node, world, "requester")
    pages = (f"/hypotheses/{places.pair}", f"/cases/{places.report}", f"/requests/{places.request}")
    assert [page for page in pages if "4.25" in reader.get(page).text] == []


def test_verdicts_are_hidden_until_all_are_in(client: TestClient, node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    review = pairs.invite(node, world, pair, "expert_a")
    pairs.invite(node, world, pair, "expert_b")
    pairs.submit(node, world, review, "expert_a", 3)
    page = signed_in(client, node, world, "coordinator").get(f"/hypotheses/{pair.hypothesis}").text
    assert "1 of 2 have answered" in page
    assert "Extremely strong support" not in page


def test_following_a_notice_reads_it(client: TestClient, node: Node, world: World) -> None:
    with node.db.write() as session:
        user_id = world.registrar.user_id
        tell_user(session, "no-face", user_id, link="/cases", case_id=None, now=node.clock())
    reader = signed_in(client, node, world, "registrar")
    link = re.search(r'href="(/notices/[^"]+)"', reader.get("/notices").text).group(1)
    assert reader.get(link).headers["location"] == "/cases"
    assert "<strong>New</strong>" not in reader.get("/notices").text


def test_disagreement_is_taken_up_from_its_page(client: TestClient, node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.review(node, world, pair, expert_a=2, expert_b=-2)
    reader = signed_in(client, node, world, "adjudicator")
    path = f"/adjudications/{pair.hypothesis}"
    answer = reader.post(f"{path}/take", {}, on=path)
    assert answer.headers["location"].startswith("/reviews/")
    with node.db.read() as session:
        assert adjudication.list_waiting(session, world.adjudicator) == []
