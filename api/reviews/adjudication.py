"""Settling a disagreement between reviewers by one more person. Never by somebody who has reviewed the pair."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.policy import Act, Actor, Role, permit
from api.kit.problems import NotFound
from api.kit.settings import Settings
from api.reviews import pair, policy, service, verdict
from api.reviews.models import Review
from api.reviews.policy import PicturesNotSeen, ReviewerNotEligible
from api.reviews.schemas import ReviewSubmission
from api.search import hypotheses
from api.search.models import MatchHypothesis

KIND = "adjudication"


def list_waiting(session: Session, actor: Actor) -> list[MatchHypothesis]:
    """The disagreements the actor may settle, oldest first. Raises NotPermitted."""
    permit(actor, Act.ADJUDICATE)
    query = sa.select(MatchHypothesis).where(MatchHypothesis.state == "discordant").order_by(MatchHypothesis.updated_at)
    return [row for row in session.scalars(query) if _why_not(session, actor, row) is None]


def take(session: Session, actor: Actor, hypothesis_id: str, *, settings: Settings, now: datetime) -> Review:
    """Begin to settle a disagreement; taking it twice gives the same review.

    Raises NotPermitted, NotFound, ReviewerNotEligible (also when a colleague has it in hand).
    """
    hypothesis = _get_discordant(session, actor, hypothesis_id)
    hypotheses.hold(session, hypothesis, revision=None)
    mine = _own(session, actor, hypothesis_id)
    if mine is not None and mine.concluded_at is None:
        return mine
    policy.check_eligible(session, actor, hypothesis, role=Role.ADJUDICATOR)
    running = verdict.current_round(session, hypothesis_id)
    if any(review.kind == KIND and review.due_at >= now for review in running):
        raise ReviewerNotEligible(reason="enough-reviewers")
    review = service.new_review(hypothesis, actor, kind=KIND, by=actor, days=settings.review_days, now=now)
    session.add(review)
    session.flush()
    pair.remember(session, "adjudication-taken", hypothesis, by=actor, now=now, review=review.id)
    return review


def adjudicate(
    session: Session, actor: Actor, hypothesis_id: str, submission: ReviewSubmission, *, now: datetime
) -> Review:
    """Settle it. Raises NotPermitted, NotFound, ReviewerNotEligible, PicturesNotSeen, WrongState."""
    permit(actor, Act.ADJUDICATE)
    mine = _own(session, actor, hypothesis_id)
    if mine is None:
        hypothesis = _get_discordant(session, actor, hypothesis_id)
        policy.check_eligible(session, actor, hypothesis, role=Role.ADJUDICATOR)
        raise PicturesNotSeen
    return service.submit(session, actor, mine.id, submission, now=now)


def earlier_reviews(session: Session, review: Review) -> list[Review]:
    """What the disagreeing reviewers wrote: for the adjudicator alone."""
    if review.kind != KIND:
        return []
    running = verdict.current_round(session, review.hypothesis_id)
    return [other for other in running if other.kind == "review" and other.submitted_at is not None]


def _get_discordant(session: Session, actor: Actor, hypothesis_id: str) -> MatchHypothesis:
    permit(actor, Act.ADJUDICATE)
    hypothesis = session.get(MatchHypothesis, hypothesis_id)
    if hypothesis is None or hypothesis.state != "discordant":
        raise NotFound
    if not pair.covered_by(actor, Role.ADJUDICATOR, hypothesis):
        raise NotFound
    return hypothesis


def _own(session: Session, actor: Actor, hypothesis_id: str) -> Review | None:
    mine = sa.select(Review).where(Review.hypothesis_id == hypothesis_id, Review.reviewer_id == actor.user_id)
    return session.scalar(mine.where(Review.kind == KIND))


def _why_not(session: Session, actor: Actor, hypothesis: MatchHypothesis) -> str | None:
    if not pair.covered_by(actor, Role.ADJUDICATOR, hypothesis):
        return "other-region"
    return policy.why_not(session, actor, hypothesis, role=Role.ADJUDICATOR)
