"""Handover, follow-up, closing: the last part of the way home."""

from datetime import date

import pytest
import sqlalchemy as sa

from api import worker
from api.accounts.policy import NotPermitted
from api.cases import service as cases
from api.cases.models import Case, MissingReport
from api.jobs.models import Job
from api.kit.node import Node
from api.kit.problems import InvalidInput, NotFound, StaleRecord, WrongState
from api.notices.models import Notice
from api.reunions import service as reunions
from api.reunions.models import FollowUp
from api.reunions.policy import ContactDeclined, FollowUpNeeded
from api.reunions.schemas import FollowUpReport
from api.search.models import MatchHypothesis
from tests.api import pairs
from tests.api.world import World


def confirmed(node: Node, world: World) -> pairs.Pair:
    """A pair whose identity is confirmed."""
    pair = pairs.make_pair(node, world)
    pairs.confirm(node, world, pair)
    return pair


def hand_over(node: Node, world: World, pair: pairs.Pair, *, who: str = "liaison", **changes: object) -> None:
    """Hand over with other words than usual."""
    with node.db.write() as session:
        new = pairs.handover(**changes)
        reunions.hand_over(session, world.actors[who], pair.hypothesis, new, settings=node.settings, now=node.clock())


def close(node: Node, world: World, case_id: str, *, revision: int | None = None, who: str = "coordinator") -> None:
    """Put the papers away."""
    with node.db.write() as session:
        reunions.close(session, world.actors[who], case_id, revision=revision, now=node.clock())


def test_handover_brings_everybody_home(node: Node, world: World) -> None:
    pair = confirmed(node, world)
    hand_over(node, world, pair)
    assert pairs.state_of(node, pair) == "reunited"
    assert pairs.case_state(node, pair.found_case) == "home"
    with node.db.read() as session:
        report = session.get_one(MissingReport, pair.report)
        assert (report.state, report.resolution) == ("resolved", "reunited")


def test_follow_ups_are_due_on_the_days_of_the_settings(node: Node, world: World) -> None:
    pair = confirmed(node, world)
    pairs.hand_over(node, world, pair)
    with node.db.read() as session:
        rows = reunions.follow_ups_of(session, world.liaison, pair.found_case)
    assert [row.due_on for row in rows] == [date(2026, 3, 8), date(2026, 3, 31), date(2026, 5, 30)]


@pytest.mark.parametrize("state", ["screened", "in_review", "supported", "verifying", "not_supported"])
def test_nobody_is_handed_over_before_confirmation(node: Node, world: World, state: str) -> None:
    pair = pairs.make_pair(node, world, state=state)
    with pytest.raises(WrongState):
        hand_over(node, world, pair)
    assert pairs.case_state(node, pair.found_case) == "registered"


def test_adult_who_declines_is_not_handed_over(node: Node, world: World) -> None:
    pair = confirmed(node, world)
    with pytest.raises(ContactDeclined):
        hand_over(node, world, pair, wish="declined")
    assert pairs.state_of(node, pair) == "confirmed"


def test_report_located_without_contact_is_not_handed_over(node: Node, world: World) -> None:
    pair = confirmed(node, world)
    with node.db.write() as session:
        report = session.get_one(MatchHypothesis, pair.hypothesis).sought.case
        cases.advance(session, report, "locate_without_contact", by=None, now=node.clock())
    with pytest.raises(ContactDeclined):
        hand_over(node, world, pair)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"handed_over_on": "2026-03-09"}, "handed_over_on"),
        ({"region": "990000"}, "region"),
        ({"wish": "child"}, "wish"),
    ],
)
def test_impossible_handover_is_refused(node: Node, world: World, changes: dict[str, str], field: str) -> None:
    pair = confirmed(node, world)
    with pytest.raises(InvalidInput) as refused:
        hand_over(node, world, pair, **changes)
    assert refused.value.facts["field"] == field


def test_child_does_not_agree_alone(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world, sought=pairs.CHILD)
    pairs.review(node, world, pair, expert_a=2, expert_b=2)
    pairs.verify(node, world, pair, "dna")
    with pytest.raises(InvalidInput):
        hand_over(node, world, pair, wish="agreed")
    hand_over(node, world, pair, wish="child")
    assert pairs.state_of(node, pair) == "reunited"


@pytest.mark.parametrize("who", ["registrar", "requester", "verifier", "coordinator"])
def test_only_liaisons_hand_over(node: Node, world: World, who: str) -> None:
    with pytest.raises(NotPermitted):
        hand_over(node, world, confirmed(node, world), who=who)


def test_stale_handover_is_refused(node: Node, world: World) -> None:
    with pytest.raises(StaleRecord):
        hand_over(node, world, confirmed(node, world), revision=1)


def test_follow_up_before_closing(node: Node, world: World) -> None:
    pair = confirmed(node, world)
    first, *_ = pairs.hand_over(node, world, pair)
    for case_id in (pair.found_case, pair.report):
        with pytest.raises(FollowUpNeeded):
            close(node, world, case_id)
    pairs.follow_up(node, world, first, "well")
    assert pairs.case_state(node, pair.found_case) == "followed_up"
    for case_id in (pair.found_case, pair.report):
        close(node, world, case_id)
        assert pairs.case_state(node, case_id) == "closed"


def test_nobody_reached_is_no_follow_up(node: Node, world: World) -> None:
    pair = confirmed(node, world)
    first, *_ = pairs.hand_over(node, world, pair)
    pairs.follow_up(node, world, first, "not_reached")
    assert pairs.case_state(node, pair.found_case) == "home"
    with pytest.raises(FollowUpNeeded):
        close(node, world, pair.report)
    pairs.follow_up(node, world, first, "needs_help")
    assert pairs.case_state(node, pair.found_case) == "followed_up"


def test_follow_up_is_recorded_once(node: Node, world: World) -> None:
    first, *_ = pairs.hand_over(node, world, pair := confirmed(node, world))
    pairs.follow_up(node, world, first, "well")
    with pytest.raises(WrongState):
        pairs.follow_up(node, world, first, "missing_again")
    assert pairs.case_state(node, pair.report) == "resolved"


def test_missing_again_opens_the_report_again(node: Node, world: World) -> None:
    pair = confirmed(node, world)
    first, *_ = pairs.hand_over(node, world, pair)
    pairs.follow_up(node, world, first, "missing_again")
    assert pairs.case_state(node, pair.report) == "reopened"


def test_follow_up_of_another_organisation_does_not_exist(node: Node, world: World) -> None:
    first, *_ = pairs.hand_over(node, world, confirmed(node, world))
    stranger = world.liaison.__class__(**{**vars(world.liaison), "organisation_id": world.organisations["police2"]})
    with node.db.write() as session, pytest.raises(NotFound):
        reunions.record_follow_up(session, stranger, first, FollowUpReport(outcome="well"), now=node.clock())


def test_due_follow_up_reminds_the_liaisons_unless_done(node: Node, world: World) -> None:
    first, second, _ = pairs.hand_over(node, world, confirmed(node, world))
    pairs.follow_up(node, world, first, "well")
    with node.db.write() as session:
        for row_id in (first, second):
            reunions.remind(session, row_id, now=node.clock())
    with node.db.read() as session:
        told = session.scalars(sa.select(Notice.user_id).where(Notice.kind == "follow-up-due")).all()
        due = session.scalars(sa.select(Job.due_at).where(Job.name == reunions.REMINDER).order_by(Job.due_at)).all()
        dates = session.scalars(sa.select(FollowUp.due_on).order_by(FollowUp.due_on)).all()
    assert sorted(told) == sorted([world.liaison.user_id, world.liaison_police.user_id])
    assert [moment.date() for moment in due] == list(dates)


def test_worker_knows_the_reminder() -> None:
    assert reunions.REMINDER in worker.WORK


def test_case_that_nobody_solved_is_not_closed(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    with pytest.raises(WrongState):
        close(node, world, pair.report)


def test_closing_needs_its_own_permission_and_the_right_revision(node: Node, world: World) -> None:
    first, *_ = pairs.hand_over(node, world, pair := confirmed(node, world))
    pairs.follow_up(node, world, first, "well")
    with pytest.raises(NotPermitted):
        close(node, world, pair.found_case, who="registrar")
    with pytest.raises(NotFound):
        close(node, world, pair.report, who="lead")
    with pytest.raises(StaleRecord):
        close(node, world, pair.found_case, revision=1, who="lead")
    with node.db.read() as session:
        revision = session.get_one(Case, pair.found_case).revision
    close(node, world, pair.found_case, revision=revision, who="lead")
    assert pairs.case_state(node, pair.found_case) == "closed"
