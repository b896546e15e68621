"""A rejected pair is not proposed again until its exclusion ends; who has ended is never proposed."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from api.cases import service as cases
from api.cases.models import Case
from api.gallery.matcher import Matcher
from api.kit.node import Node
from api.kit.problems import InvalidInput
from api.search.models import Exclusion, MatchHypothesis, SearchRun
from tests.api.conftest import TestClock
from tests.api.photographs import Photographs
from tests.api.searching import Scene, people
from tests.api.world import World


@pytest.fixture
def scene(node: Node, matcher: Matcher, world: World) -> Scene:
    return Scene(node, matcher, world)


def first_pair(run: SearchRun) -> str:
    return run.candidates[0].hypothesis_id


def state_of(scene: Scene, pair: str) -> str:
    with scene.node.db.read() as session:
        return session.get_one(MatchHypothesis, pair).state


def withdraw(scene: Scene, case: Case) -> None:
    """End a case; the job that takes its faces out of the gallery is left waiting."""
    with scene.node.db.write() as session:
        row = session.get_one(Case, case.id)
        cases.advance(session, row, "withdraw", by=scene.world.registrar, now=scene.node.clock())


def test_excluded_pair_is_not_proposed_again_until_lifted(scene: Scene, photographs: Photographs) -> None:
    astronaut = scene.found(photographs.astronaut)
    run = scene.searched(photographs.astronaut_later)
    pair = first_pair(run)
    scene.rule_out(pair)
    assert scene.search(scene.request_of(run), photographs.astronaut_later).candidates == []
    scene.reopen(pair)
    assert people(scene.search(scene.request_of(run), photographs.astronaut_later)) == [astronaut.id]
    assert state_of(scene, pair) == "reopened"


def test_exclusion_makes_room_for_the_next_person(scene: Scene, photographs: Photographs) -> None:
    """It is applied inside the scan: whoever is excluded takes nobody's place."""
    scene.found(photographs.astronaut)
    second = scene.found(photographs.astronaut)
    limited = scene.node.settings.model_copy(update={"candidates_per_search": 1})
    node = Node(limited, scene.node.db, scene.node.vault, scene.node.blobs, scene.node.clock)
    narrow = Scene(node, scene.matcher, scene.world)
    run = narrow.searched(photographs.astronaut_later)
    narrow.rule_out(first_pair(run))
    assert people(narrow.search(scene.request_of(run), photographs.astronaut_later)) == [second.id]


def test_exclusion_ends_by_its_date(scene: Scene, photographs: Photographs, clock: TestClock) -> None:
    scene.found(photographs.astronaut)
    run = scene.searched(photographs.astronaut_later)
    scene.rule_out(first_pair(run))
    clock.advance(days=scene.node.settings.exclusion_days)
    assert len(scene.search(scene.request_of(run), photographs.astronaut_later).candidates) == 1


def test_pair_the_reviewers_did_not_support_is_not_proposed_again(scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.astronaut)
    run = scene.searched(photographs.astronaut_later)
    with scene.node.db.write() as session:
        session.get_one(MatchHypothesis, first_pair(run)).state = "not_supported"
    assert scene.search(scene.request_of(run), photographs.astronaut_later).candidates == []


def test_new_photo_lifts_an_exclusion_but_changes_no_state(
    scene: Scene, photographs: Photographs, clock: TestClock
) -> None:
    astronaut = scene.found(photographs.astronaut)
    pair = first_pair(scene.searched(photographs.astronaut_later))
    scene.rule_out(pair)
    clock.advance(days=1)
    case = _sought_case(scene, pair)
    scene.with_photo(case, photographs.astronaut + b"\0", by="requester")
    with scene.node.db.read() as session:
        exclusion = session.scalars(sa.select(Exclusion)).one()
        standing = session.scalars(
            sa.select(SearchRun).where(SearchRun.case_id == case.id).order_by(SearchRun.id)
        ).all()
    assert exclusion.lifted_at == clock.now
    assert people(standing[-1]) == [astronaut.id]
    assert state_of(scene, pair) == "ruled_out"


def test_ruling_out_needs_a_reason(scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.astronaut)
    pair = first_pair(scene.searched(photographs.astronaut_later))
    with pytest.raises(InvalidInput):
        scene.rule_out(pair, reason=" ")
    assert state_of(scene, pair) == "proposed"


def test_exclusion_says_who_why_and_until_when(scene: Scene, photographs: Photographs, clock: TestClock) -> None:
    scene.found(photographs.astronaut)
    scene.rule_out(first_pair(scene.searched(photographs.astronaut_later)))
    with scene.node.db.read() as session:
        row = session.scalars(sa.select(Exclusion)).one()
    assert (row.excluded_by, row.reason) == (scene.world.requester.user_id, "another nose")
    assert row.review_at == clock.now + timedelta(days=365)


def test_closed_case_never_appears_among_candidates(scene: Scene, photographs: Photographs) -> None:
    """Not even between its end and the job that takes its faces out of the gallery."""
    withdraw(scene, scene.found(photographs.astronaut))
    run = scene.searched(photographs.astronaut_later)
    assert run.candidates == []


def test_case_that_ended_takes_nobodys_place(scene: Scene, photographs: Photographs) -> None:
    ended, open_ = scene.found(photographs.astronaut), scene.found(photographs.astronaut)
    withdraw(scene, ended)
    limited = scene.node.settings.model_copy(update={"candidates_per_search": 1})
    node = Node(limited, scene.node.db, scene.node.vault, scene.node.blobs, scene.node.clock)
    run = Scene(node, scene.matcher, scene.world).searched(photographs.astronaut_later)
    assert people(run) == [open_.id]


def _sought_case(scene: Scene, pair: str) -> Case:
    with scene.node.db.read() as session:
        return session.get_one(Case, session.get_one(MatchHypothesis, pair).sought.case_id)
