"""A narrowed search finds whom it fits and whoever may fit, says so, and counts only those it compared."""

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from api.audit.service import entries_of_case
from api.gallery import census
from api.gallery.matcher import Matcher
from api.kit.i18n import translator
from api.kit.node import Node
from api.kit.problems import InvalidInput
from api.search.models import SearchRun
from api.search.narrowing import EVERYBODY, Narrowing, filter_of
from api.search.words import narrowed_out
from index.types import ANY_DAY, ANY_YEAR, EVERYTHING, Filter
from tests.api.photographs import Photographs
from tests.api.searching import Scene, an_open_request, people
from tests.api.world import World

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
NOBODY_KNOWS = {"person": {}}


@pytest.fixture
def scene(node: Node, matcher: Matcher, world: World) -> Scene:
    return Scene(node, matcher, world)


def proposed(scene: Scene, picture: bytes, *narrowed: dict[str, object]) -> list[int]:
    """How many were proposed under each narrowing."""
    request = an_open_request(scene.node, scene.world.requester, scene.report())
    return [len(scene.search(request, picture, narrowed=asked).candidates) for asked in narrowed]


@pytest.mark.parametrize(
    ("asked", "years"),
    [
        ({"age_from": 50, "age_to": 51}, (1974, 1976)),
        ({"age_from": 0, "age_to": 0}, (2025, 2026)),
        ({"age_from": 50}, (ANY_YEAR[0], 1976)),
        ({"age_to": 51}, (1974, ANY_YEAR[1])),
    ],
)
def test_age_today_becomes_the_years_of_birth_that_allow_it(asked: dict[str, int], years: tuple[int, int]) -> None:
    assert filter_of(Narrowing(**asked), now=NOW) == Filter(born=years)


def test_partial_days_reach_from_their_first_to_their_last() -> None:
    february, year = date(2026, 2, 1).toordinal(), date(2026, 12, 31).toordinal()
    assert filter_of(Narrowing(seen_from="2026-02", seen_to="2026"), now=NOW) == Filter(seen=(february, year))
    assert filter_of(Narrowing(seen_to="2026"), now=NOW) == Filter(seen=(ANY_DAY[0], year))


def test_nothing_asked_admits_everybody() -> None:
    assert filter_of(EVERYBODY, now=NOW) == EVERYTHING


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"age_from": 9, "age_to": 8}, "age_from"),
        ({"seen_from": "2026-02", "seen_to": "2026-01-31"}, "seen_from"),
        ({"seen_from": "2026-03-03"}, "seen_from"),
    ],
)
def test_bounds_the_wrong_way_round_or_in_the_future_are_refused(asked: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        filter_of(Narrowing.model_validate(asked), now=NOW)
    assert refusal.value.facts["field"] == field


def test_each_bound_finds_whom_it_fits_and_leaves_out_whom_it_does_not(scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.astronaut, person={"sex": 2, "birth_date": "1975-03"}, found_on="2026-02-27")
    fits = [{"sex": 2}, {"age_from": 50, "age_to": 50}, {"seen_from": "2026-02-27"}, {"seen_to": "2026-02"}]
    not_so = [{"sex": 1}, {"age_from": 53}, {"age_to": 48}, {"seen_from": "2026-02-28"}, {"seen_to": "2026-02-26"}]
    assert proposed(scene, photographs.astronaut_later, *fits) == [1, 1, 1, 1]
    assert proposed(scene, photographs.astronaut_later, *not_so) == [0, 0, 0, 0, 0]


def test_what_is_not_known_never_keeps_anybody_out(scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.astronaut, **NOBODY_KNOWS)
    narrowed = [{"sex": 1}, {"sex": 2}, {"age_to": 3}, {"age_from": 90}]
    assert proposed(scene, photographs.astronaut_later, *narrowed) == [1, 1, 1, 1]


def test_about_a_found_person_the_days_are_those_of_the_separation(scene: Scene, photographs: Photographs) -> None:
    scene.report(photographs.astronaut, separated_on="2025-11")
    case = scene.found(photographs.astronaut_later)
    request = an_open_request(scene.node, scene.world.registrar, case)
    runs = [
        scene.search(request, photographs.astronaut_later, by="registrar", narrowed={"seen_from": day})
        for day in ("2025-11-30", "2025-12")
    ]
    assert [len(run.candidates) for run in runs] == [1, 0]


def test_only_those_admitted_are_counted(scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.astronaut, person={"sex": 2, "birth_date": "1975"})
    scene.found(photographs.stranger, person={"sex": 1, "birth_date": "1990"})
    scene.found(photographs.astronaut_later, **NOBODY_KNOWS)
    request = an_open_request(scene.node, scene.world.requester, scene.report())
    asked = [{}, {"sex": 2}, {"age_from": 60}, {"age_to": 40}, {"seen_to": "2025"}]
    runs = [scene.search(request, photographs.astronaut, narrowed=each) for each in asked]
    assert [run.gallery_persons for run in runs] == [3, 2, 1, 2, 0]
    strangers = [runs[place].candidates[0].expected_strangers for place in (0, 1)]
    assert strangers[1] == pytest.approx(strangers[0] * 2 / 3)


def test_counting_heeds_kind_region_and_contract_too(scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.astronaut)
    contracts, women = scene.matcher.contracts, Filter(sexes=frozenset({2}))
    asked = [(contracts, 1, ()), (contracts, 1, ("33",)), (contracts, 1, ("51",)), (contracts, 2, ()), (["x"], 1, ())]
    with scene.node.db.read() as session:
        assert [census.admitted(session, *each, women) for each in asked] == [1, 1, 0, 0, 0]


def test_run_remembers_its_narrowing_and_a_standing_search_has_none(scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.astronaut)
    request = an_open_request(scene.node, scene.world.requester, scene.report())
    scene.search(request, photographs.astronaut_later, narrowed={"sex": 1, "age_to": 40})
    with scene.node.db.read() as session:
        rows = dict(session.execute(sa.select(SearchRun.kind, SearchRun.narrowed)).all())
        made = [entry for entry in entries_of_case(session, request.case_id) if entry.act == "search-made"]
    kept = {"sex": 1, "age_to": 40, "born_from": 1985, "born_to": 9999, "kind": "found"}
    assert rows == {"standing": {}, "probe": kept}
    assert made[-1].facts["narrowed"] is True


def test_json_tells_the_narrowing_in_words_and_refuses_what_cannot_be(
    client: TestClient, scene: Scene, photographs: Photographs
) -> None:
    scene.found(photographs.astronaut)
    request = an_open_request(scene.node, scene.world.requester, scene.report())
    address, headers = f"/v1/requests/{request.id}/searches", scene.world.headers("requester")

    def ask(**said: str):
        data = {"reason": "the family asked", **said}
        return client.post(address, data=data, files={"file": photographs.astronaut}, headers=headers)

    coverage = ask(sex="1", age_from="20", age_to="").json()["coverage"]
    assert coverage["narrowed"]["sentence"].startswith("Narrowed to: male; at least 20 years old")
    assert (coverage["narrowed"]["born_to"], coverage["gallery_persons"]) == (2006, 0)
    assert coverage["sentence"].startswith("Nobody registered in all regions of this node so far fits")
    assert ask().json()["coverage"]["narrowed"] is None
    wrong = [{"sex": "3"}, {"age_to": "131"}, {"seen_to": "2026-02-30"}, {"age_from": "9", "age_to": "8"}]
    assert [ask(**said).status_code for said in wrong] == [422] * 4


def test_words_are_told_in_both_languages() -> None:
    kept = {
        "sex": 2,
        "age_from": 5,
        "age_to": 8,
        "born_from": 2017,
        "born_to": 2021,
        "seen_to": "2025",
        "kind": "sought",
    }
    english, chinese = (narrowed_out(kept, translate=translator(language)) for language in ("en", "zh_Hans"))
    assert english.sentence.startswith(
        "Narrowed to: female; 5 to 8 years old on the day of the search (born 2017 to 2021); "
        "missing since 2025 or earlier. What is not known about a person kept nobody out."
    )
    assert chinese.sentence.startswith("已缩小范围：女；查找当日 5 至 8 岁（2017 至 2021 年出生）；2025 或之前失踪。")


def test_nobody_is_proposed_to_a_narrowed_search_whom_an_open_one_would_not_find(
    scene: Scene, photographs: Photographs
) -> None:
    found = scene.found(photographs.astronaut)
    scene.found(photographs.stranger)
    request = an_open_request(scene.node, scene.world.requester, scene.report())
    assert people(scene.search(request, photographs.astronaut_later, narrowed={"age_from": 40})) == [found.id]
