"""What follows when enough people have concluded: the only way a pair becomes supported. Reads no score."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts import service as accounts
from api.accounts.policy import Actor, Role
from api.cases import service as cases
from api.notices import service as notices
from api.reviews import conclusions, pair, policy
from api.reviews.conclusions import Outcome, Voice
from api.reviews.models import Review
from api.search import hypotheses
from api.search.models import MatchHypothesis

UNDECIDED = frozenset({"in_review", "discordant", "supported", "verifying", "confirmed"})


def current_round(session: Session, hypothesis_id: str) -> list[Review]:
    """Reviews asked for since the pair was last decided, oldest first."""
    query = sa.select(Review).where(Review.hypothesis_id == hypothesis_id, Review.concluded_at.is_(None))
    return list(session.scalars(query.order_by(Review.id)))


def last_round(session: Session, hypothesis_id: str) -> list[Review]:
    """The reviews the last decision rests on, oldest first."""
    ended = sa.select(sa.func.max(Review.concluded_at)).where(Review.hypothesis_id == hypothesis_id).scalar_subquery()
    submitted = Review.submitted_at.is_not(None)
    query = sa.select(Review).where(Review.hypothesis_id == hypothesis_id, Review.concluded_at == ended, submitted)
    return list(session.scalars(query.order_by(Review.id)))


def reach(session: Session, hypothesis: MatchHypothesis, *, by: Actor, now: datetime) -> None:
    """Conclude if every voice that is needed has been heard; else leave the pair in review."""
    wanted, homes = conclusions.needed(pair.category_of(hypothesis)), pair.homes_of(hypothesis)
    outcome = conclusions.conclude(_voices(session, hypothesis), needed=wanted, homes=homes)
    if outcome is not None:
        hypotheses.move(session, hypothesis, outcome.value, by=by, now=now)
        _follow(session, hypothesis, outcome, by=by, now=now)


def settle(session: Session, hypothesis: MatchHypothesis, adjudication: Review, *, by: Actor, now: datetime) -> None:
    """End a disagreement by one more voice."""
    wanted, homes = conclusions.needed(pair.category_of(hypothesis)), pair.homes_of(hypothesis)
    adjudicator = _voice(adjudication)
    outcome = conclusions.settle(_voices(session, hypothesis), adjudicator, needed=wanted, homes=homes)
    hypotheses.move(session, hypothesis, f"adjudicate_{outcome.value}", by=by, now=now)
    _follow(session, hypothesis, outcome, by=by, now=now)


def _voices(session: Session, hypothesis: MatchHypothesis) -> list[Voice]:
    return [
        _voice(review)
        for review in current_round(session, hypothesis.id)
        if review.kind == "review" and review.submitted_at is not None
    ]


def _voice(review: Review) -> Voice:
    return Voice(review.reviewer_id, review.organisation_id, review.conclusion or 0)


def _follow(session: Session, hypothesis: MatchHypothesis, outcome: Outcome, *, by: Actor, now: datetime) -> None:
    pair.remember(session, "reviews-concluded", hypothesis, by=by, now=now, outcome=outcome.value)
    reviews = current_round(session, hypothesis.id)
    for case in pair.cases_of(hypothesis):
        if outcome is Outcome.SUPPORT:
            cases.advance_if(session, case, "support", by=by, now=now)
        elif pair.other_pairs(session, case, hypothesis, states=UNDECIDED):
            continue
        pair.carry_requests(session, case, "assign", outcome.value, by=by, now=now)
    if outcome is Outcome.DISAGREE:
        _ask_adjudicators(session, hypothesis, now=now)
    else:
        _end_round(reviews, now=now)
    kind = "discordant" if outcome is Outcome.DISAGREE else "review-concluded"
    _tell(session, kind, hypothesis, coordinators={review.invited_by for review in reviews} - {by.user_id}, now=now)


def _end_round(reviews: Iterable[Review], *, now: datetime) -> None:
    for review in reviews:
        review.concluded_at = now


def _ask_adjudicators(session: Session, hypothesis: MatchHypothesis, *, now: datetime) -> None:
    for candidate in accounts.users_with_role(session, Role.ADJUDICATOR, now=now):
        covers = pair.covered_by(candidate, Role.ADJUDICATOR, hypothesis)
        if covers and policy.why_not(session, candidate, hypothesis, role=Role.ADJUDICATOR) is None:
            link = f"/adjudications/{hypothesis.id}"
            notices.tell_user(session, "adjudication-asked", candidate.user_id, link=link, case_id=None, now=now)


def _tell(session: Session, kind: str, hypothesis: MatchHypothesis, *, coordinators: set[str], now: datetime) -> None:
    pair.tell_both(session, kind, hypothesis, roles=pair.WORKERS | {Role.VERIFIER}, now=now)
    link = f"/hypotheses/{hypothesis.id}"
    for user_id in sorted(coordinators):
        notices.tell_user(session, kind, user_id, link=link, case_id=hypothesis.found.case_id, now=now)
