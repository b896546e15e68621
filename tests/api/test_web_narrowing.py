"""The search form can be narrowed: what was said is kept, refused by its field, and told beside the answer."""

import re

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from api.gallery.matcher import Matcher
from api.kit.node import Node
from api.search.models import SearchRun
from tests.api.browsing import Reader, signed_in
from tests.api.photographs import Photographs
from tests.api.searching import Scene, an_open_request
from tests.api.world import World

OPEN = "<details open>\n    <summary>Narrow the search</summary>"


@pytest.fixture
def path(node: Node, matcher: Matcher, world: World, photographs: Photographs) -> str:
    """The search form of a report with a picture, while somebody who looks alike is registered."""
    scene = Scene(node, matcher, world)
    scene.found(photographs.astronaut)
    case = scene.report(photographs.astronaut_later)
    return f"/requests/{an_open_request(node, world.requester, case).id}/search"


@pytest.fixture
def reader(client: TestClient, node: Node, world: World) -> Reader:
    return signed_in(client, node, world, "requester")


def search(reader: Reader, path: str, **said: str):
    face = re.search(r'name="face_id" value="([^"]+)"', reader.get(path).text).group(1)
    return reader.post(path, {"face_id": face, "reason": "looking", "sex": "", **said}, on=path)


def test_narrowing_is_folded_away_until_it_is_used(reader: Reader, path: str) -> None:
    page = reader.get(path).text
    assert "Narrow the search" in page
    assert OPEN not in page


def test_form_narrows_the_search_and_the_answer_says_so(reader: Reader, path: str, node: Node) -> None:
    answer = reader.get(search(reader, path, sex="1", age_from="20", seen_from="2026").headers["location"]).text
    assert "Narrowed to: male; at least 20 years old" in answer
    assert "found on 2026 or later" in answer
    with node.db.read() as session:
        run = session.scalars(sa.select(SearchRun).where(SearchRun.kind == "probe")).one()
    assert run.narrowed | {"born_to": 2006} == run.narrowed
    assert (run.narrowed["sex"], run.narrowed["seen_from"], run.gallery_persons) == (1, "2026", 0)


def test_narrowing_left_empty_compares_everybody(reader: Reader, path: str, node: Node) -> None:
    page = reader.get(search(reader, path, age_from="", seen_to="").headers["location"]).text
    assert "Narrowed to" not in page
    with node.db.read() as session:
        assert session.scalars(sa.select(SearchRun.narrowed).where(SearchRun.kind == "probe")).all() == [{}]


@pytest.mark.parametrize(
    ("said", "marked"),
    [
        ({"age_from": "50", "age_to": "40"}, "age_from"),
        ({"age_to": "old"}, "age_to"),
        ({"seen_from": "2026-02", "seen_to": "2026-01"}, "seen_from"),
        ({"seen_to": "2026-13"}, "seen_to"),
    ],
)
def test_bound_that_cannot_be_right_is_marked_and_the_rest_is_given_back(
    reader: Reader, path: str, said: dict[str, str], marked: str
) -> None:
    answer = search(reader, path, sex="2", **said)
    assert answer.status_code == 422
    assert "Nothing was searched yet" in answer.text
    assert re.search(rf'id="{marked}"[^>]*aria-invalid="true"', answer.text)
    assert re.search(r'<option value="2" selected>', answer.text)
    assert OPEN in answer.text


def test_search_can_be_asked_again_from_its_answer(reader: Reader, path: str) -> None:
    page = reader.get(search(reader, path, age_from="33").headers["location"]).text
    again = re.search(r'href="([^"]+again=[^"]+)"', page).group(1)
    form = reader.get(again).text
    assert OPEN in form
    assert re.search(r'id="age_from"[^>]*value="33"', form)
    assert form.count(" checked") == 1  # the face that was asked
