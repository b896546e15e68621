"""What follows from what reviewers conclude."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from api.accounts.policy import NotPermitted
from api.audit.models import AuditEntry
from api.kit.node import Node
from api.kit.problems import NotFound, WrongState
from api.notices.models import Notice
from api.reviews import adjudication
from api.reviews import service as reviews
from api.reviews.models import Review
from api.reviews.policy import PicturesNotSeen, ReviewerNotEligible
from api.search import hypotheses
from api.search.models import MatchHypothesis
from tests.api import pairs
from tests.api.world import World


def test_two_agreeing_reviews_support_pair_cases_and_request(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.review(node, world, pair, expert_a=2, expert_b=1)
    assert pairs.state_of(node, pair) == "supported"
    assert pairs.case_state(node, pair.found_case) == "identity_probable"
    assert pairs.case_state(node, pair.report) == "located_unverified"
    assert pairs.request_state(node, pair) == "lead"


def test_one_review_changes_nothing(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.invite(node, world, pair, "expert_b")
    pairs.review(node, world, pair, expert_a=3)
    assert pairs.state_of(node, pair) == "in_review"
    assert pairs.case_state(node, pair.report) == "active"


def test_score_changes_no_state(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.review(node, world, pair, expert_a=3)
    with node.db.write() as session:
        row = session.get_one(MatchHypothesis, pair.hypothesis)
        row.nominal_log10_lr = row.log10_lr = 12.0
    pairs.invite(node, world, pair, "expert_b")
    assert pairs.state_of(node, pair) == "in_review"


def test_two_rejections_end_the_pair_and_leave_the_cases(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.review(node, world, pair, expert_a=-2, expert_b=-1)
    assert pairs.state_of(node, pair) == "not_supported"
    assert pairs.case_state(node, pair.found_case) == "registered"
    assert pairs.request_state(node, pair) == "no_candidate"


def test_request_waits_while_another_pair_is_in_review(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.add_sibling(node, world, pair, state="in_review")
    pairs.review(node, world, pair, expert_a=-2, expert_b=-1)
    assert pairs.request_state(node, pair) == "in_review"


def test_reviews_submitted_at_the_same_moment_are_both_heard(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    invited = {who: pairs.invite(node, world, pair, who) for who in ("expert_a", "expert_b")}
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda who: pairs.submit(node, world, invited[who], who, 2), invited))
    assert pairs.state_of(node, pair) == "supported"


def test_abducted_child_needs_three(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world, category="abducted", sought=pairs.CHILD)
    pairs.review(node, world, pair, expert_a=3, expert_b=3)
    assert pairs.state_of(node, pair) == "in_review"
    pairs.review(node, world, pair, expert_c=1)
    assert pairs.state_of(node, pair) == "supported"


def test_unsuitable_picture_forces_zero(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    review_id = pairs.invite(node, world, pair, "expert_a")
    with node.db.write() as session:
        reviews.open_review(session, world.expert_a, review_id, now=node.clock())
        said = pairs.said(3, sought="unsuitable")
        assert reviews.submit(session, world.expert_a, review_id, said, now=node.clock()).conclusion == 0


def test_nobody_concludes_without_looking(node: Node, world: World) -> None:
    review_id = pairs.invite(node, world, pairs.make_pair(node, world), "expert_a")
    with node.db.write() as session, pytest.raises(PicturesNotSeen):
        reviews.submit(session, world.expert_a, review_id, pairs.said(1), now=node.clock())


def test_review_is_submitted_once(node: Node, world: World) -> None:
    review_id = pairs.invite(node, world, pairs.make_pair(node, world), "expert_a")
    pairs.submit(node, world, review_id, "expert_a", 1)
    with pytest.raises(WrongState):
        pairs.submit(node, world, review_id, "expert_a", -1)
    with node.db.read() as session:
        assert session.get_one(Review, review_id).conclusion == 1


def test_time_spent_runs_from_the_first_look(node: Node, world: World) -> None:
    review_id = pairs.invite(node, world, pairs.make_pair(node, world), "expert_a")
    start = node.clock()
    with node.db.write() as session:
        reviews.look_at(session, world.expert_a, review_id, "found", now=start)
        reviews.look_at(session, world.expert_a, review_id, "sought", now=start + timedelta(seconds=90))
        row = reviews.submit(session, world.expert_a, review_id, pairs.said(0), now=start + timedelta(seconds=240))
        assert row.seconds_spent == 240


def test_late_review_of_a_superseded_pair_is_refused(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    review_id = pairs.invite(node, world, pair, "expert_a")
    with node.db.write() as session:
        hypothesis = session.get_one(MatchHypothesis, pair.hypothesis)
        hypotheses.move(session, hypothesis, "supersede", by=None, now=node.clock())
    with pytest.raises(WrongState):
        pairs.submit(node, world, review_id, "expert_a", 1)


def test_somebody_elses_review_does_not_exist(node: Node, world: World) -> None:
    review_id = pairs.invite(node, world, pairs.make_pair(node, world), "expert_a")
    with node.db.write() as session, pytest.raises(NotFound):
        reviews.open_review(session, world.expert_b, review_id, now=node.clock())


def test_disagreement_is_settled_by_somebody_else(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.review(node, world, pair, expert_a=2, expert_b=-2)
    assert pairs.state_of(node, pair) == "discordant"
    assert pairs.request_state(node, pair) == "inconclusive"
    pairs.settle(node, world, pair, 2)
    assert pairs.state_of(node, pair) == "supported"
    assert pairs.request_state(node, pair) == "lead"


def test_adjudicator_alone_supports_nothing(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.review(node, world, pair, expert_a=0, expert_b=-1)
    pairs.settle(node, world, pair, 3)
    assert pairs.state_of(node, pair) == "not_supported"


def test_earlier_reviewer_does_not_settle(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.review(node, world, pair, expert_a=2, expert_b=-2)
    with node.db.write() as session:
        review = session.scalars(sa.select(Review).order_by(Review.id)).first()
        assert review is not None
        review.reviewer_id = world.adjudicator.user_id
    with pytest.raises(ReviewerNotEligible) as refused:
        pairs.settle(node, world, pair, 2)
    assert refused.value.facts["reason"] == "has-reviewed"


def test_expert_without_the_role_does_not_settle(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.review(node, world, pair, expert_a=2, expert_b=-2)
    with node.db.write() as session, pytest.raises(NotPermitted):
        adjudication.take(session, world.expert_c, pair.hypothesis, settings=node.settings, now=node.clock())


def test_agreement_is_not_adjudicated(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.review(node, world, pair, expert_a=2, expert_b=2)
    with pytest.raises(NotFound):
        pairs.settle(node, world, pair, -3)


def test_adjudicators_are_told_and_see_it_waiting(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.review(node, world, pair, expert_a=2, expert_b=-2)
    with node.db.read() as session:
        kinds = session.scalars(sa.select(Notice.kind).where(Notice.user_id == world.adjudicator.user_id)).all()
        waiting = adjudication.list_waiting(session, world.adjudicator)
    assert kinds == ["adjudication-asked"]
    assert [row.id for row in waiting] == [pair.hypothesis]


def test_reopened_pair_is_reviewed_anew_by_others(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.review(node, world, pair, expert_a=-1, expert_b=-1)
    with node.db.write() as session:
        hypothesis = session.get_one(MatchHypothesis, pair.hypothesis)
        for event in ("reopen", "screen"):
            hypotheses.move(session, hypothesis, event, by=None, now=node.clock())
    pairs.review(node, world, pair, expert_c=2)
    assert pairs.state_of(node, pair) == "in_review"
    with pytest.raises(ReviewerNotEligible):
        pairs.invite(node, world, pair, "expert_a")


def test_every_step_is_on_both_timelines(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.review(node, world, pair, expert_a=2, expert_b=2)
    with node.db.read() as session:
        query = sa.select(AuditEntry.case_id).where(AuditEntry.act == "reviews-concluded")
        assert set(session.scalars(query)) == {pair.found_case, pair.report}
