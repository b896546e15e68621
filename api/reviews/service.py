"""Asking people to compare two faces, and taking down what they conclude. Never shows one reviewer another's view."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts import service as accounts
from api.accounts.policy import Act, Actor, Role, permit
from api.audit import service as audit
from api.cases import photos
from api.gallery.models import Face
from api.kit import ids
from api.kit.paging import cut_page
from api.kit.problems import NotFound, WrongState
from api.kit.settings import Settings
from api.notices import service as notices
from api.reviews import conclusions, pair, policy, verdict
from api.reviews.models import Review
from api.reviews.policy import PicturesNotSeen
from api.reviews.schemas import ReviewSubmission
from api.search import hypotheses
from api.search.models import MatchHypothesis

OPEN_STATES = {"review": "in_review", "adjudication": "discordant"}
VIEW_REASON = "comparison for a review"


def invite(
    session: Session,
    actor: Actor,
    hypothesis_id: str,
    reviewer: str,
    *,
    revision: int | None = None,
    settings: Settings,
    now: datetime,
) -> Review:
    """Ask an expert (login or id) to compare the pair, blind.

    Raises NotPermitted, NotFound, StaleRecord, WrongState, SyntheticPicture, ReviewerNotEligible.
    """
    permit(actor, Act.INVITE_REVIEWER)
    hypothesis = _coordinated(session, actor, hypothesis_id)
    hypotheses.hold(session, hypothesis, revision=revision)
    policy.check_pictures(session, hypothesis)
    expert = policy.find_reviewer(session, reviewer, now=now)
    policy.check_eligible(session, expert, hypothesis, role=Role.EXPERT)
    policy.check_balance(expert, hypothesis, invited=_counted(session, hypothesis, now=now))
    hypotheses.move(session, hypothesis, "invite", by=actor, now=now)
    review = new_review(hypothesis, expert, kind="review", by=actor, days=settings.review_days, now=now)
    session.add(review)
    for case in pair.cases_of(hypothesis):
        pair.carry_requests(session, case, "assign", "review", by=actor, now=now)
    pair.remember(session, "reviewer-invited", hypothesis, by=actor, now=now, review=review.id)
    due_on = review.due_at.date().isoformat()
    link = f"/reviews/{review.id}"
    notices.tell_user(session, "review-invited", expert.user_id, link=link, case_id=None, now=now, due_on=due_on)
    return review


def eligible_experts(session: Session, actor: Actor, hypothesis_id: str, *, now: datetime) -> list[Actor]:
    """Everybody who could be asked about the pair, by name. Raises NotPermitted, NotFound."""
    permit(actor, Act.INVITE_REVIEWER)
    hypothesis = _coordinated(session, actor, hypothesis_id)
    experts = accounts.users_with_role(session, Role.EXPERT, now=now)
    return [expert for expert in experts if policy.why_not(session, expert, hypothesis, role=Role.EXPERT) is None]


def list_reviews(
    session: Session, actor: Actor, *, waiting: bool, cursor: str | None, limit: int
) -> tuple[list[Review], str | None]:
    """What the actor was asked to compare, newest first; `waiting` keeps what is still to do."""
    permit(actor, Act.ADJUDICATE if actor.may(Act.ADJUDICATE) else Act.REVIEW)
    query = sa.select(Review).where(Review.reviewer_id == actor.user_id)
    if waiting:
        query = query.where(Review.submitted_at.is_(None), Review.concluded_at.is_(None))
    return cut_page(session, query, key=Review.id, cursor=cursor, limit=limit)


def see_review(session: Session, actor: Actor, review_id: str) -> Review:
    """A review the actor was asked for. Raises NotFound, NotPermitted."""
    return policy.get_own_review(session, actor, review_id)


def open_review(session: Session, actor: Actor, review_id: str, *, now: datetime) -> Review:
    """Begin: time runs from the first look. Raises NotFound, NotPermitted, WrongState when it is over."""
    review = policy.get_own_review(session, actor, review_id)
    if review.concluded_at is not None:
        raise WrongState(record="review", state="over", event="open")
    if review.opened_at is None:
        review.opened_at = now
        audit.record(session, _deed("review-opened", review, by=actor, now=now))
    return review


def look_at(session: Session, actor: Actor, review_id: str, side: str, *, now: datetime) -> Face:
    """One of the two faces; the look is remembered. Raises what `open_review` raises."""
    review = open_review(session, actor, review_id, now=now)
    hypothesis = session.get_one(MatchHypothesis, review.hypothesis_id)
    face = session.get_one(Face, hypothesis.found_face_id if side == "found" else hypothesis.sought_face_id)
    photos.record_view(
        session, actor, kind="face", record_id=face.id, case_id=face.photo.case_id, reason=VIEW_REASON, now=now
    )
    return face


def submit(session: Session, actor: Actor, review_id: str, submission: ReviewSubmission, *, now: datetime) -> Review:
    """Take down one comparison, once; when it was the last that was missing, the pair is concluded.

    Raises NotFound, NotPermitted, WrongState, PicturesNotSeen.
    """
    review = policy.get_own_review(session, actor, review_id)
    hypothesis = session.get_one(MatchHypothesis, review.hypothesis_id)
    hypotheses.hold(session, hypothesis, revision=None)
    session.refresh(review)
    _check_open(review, hypothesis)
    _take_down(review, submission, now=now)
    audit.record(session, _deed("review-submitted", review, by=actor, now=now), seconds=review.seconds_spent)
    session.flush()
    if review.kind == "adjudication":
        verdict.settle(session, hypothesis, review, by=actor, now=now)
    else:
        verdict.reach(session, hypothesis, by=actor, now=now)
    return review


def progress(session: Session, hypothesis: MatchHypothesis) -> tuple[int, list[Review], list[Review]]:
    """(how many are needed, reviews of the running round, reviews of the last decision); seen by the two sides."""
    running = [review for review in verdict.current_round(session, hypothesis.id) if review.kind == "review"]
    return conclusions.needed(pair.category_of(hypothesis)), running, verdict.last_round(session, hypothesis.id)


def named_reviewers(session: Session, hypothesis: MatchHypothesis) -> int:
    """How many different people the present support rests on."""
    return len({r.reviewer_id for r in verdict.last_round(session, hypothesis.id) if (r.conclusion or 0) >= 1})


def has_reviewed(session: Session, user_id: str, hypothesis_id: str) -> bool:
    """Whether somebody was ever asked about the pair."""
    query = sa.select(Review.id).where(Review.hypothesis_id == hypothesis_id, Review.reviewer_id == user_id)
    return session.scalar(query) is not None


def _coordinated(session: Session, actor: Actor, hypothesis_id: str) -> MatchHypothesis:
    hypothesis = hypotheses.get_visible(session, actor, hypothesis_id)
    if not pair.covered_by(actor, Role.COORDINATOR, hypothesis):
        raise NotFound
    return hypothesis


def _counted(session: Session, hypothesis: MatchHypothesis, *, now: datetime) -> list[Review]:
    """Reviews that fill a place: submitted, or asked for and not overdue."""
    running = verdict.current_round(session, hypothesis.id)
    return [review for review in running if review.submitted_at is not None or review.due_at >= now]


def new_review(
    hypothesis: MatchHypothesis, reviewer: Actor, *, kind: str, by: Actor, days: int, now: datetime
) -> Review:
    """An empty review, not yet in the database."""
    return Review(
        id=ids.new_id(now),
        hypothesis_id=hypothesis.id,
        kind=kind,
        reviewer_id=reviewer.user_id,
        organisation_id=reviewer.organisation_id,
        invited_by=by.user_id,
        invited_at=now,
        due_at=now + timedelta(days=days),
        features={},
        limits="",
    )


def _check_open(review: Review, hypothesis: MatchHypothesis) -> None:
    if review.submitted_at is not None:
        raise WrongState(record="review", state="submitted", event="submit")
    if review.concluded_at is not None or hypothesis.state != OPEN_STATES[review.kind]:
        raise WrongState(record="review", state="over", event="submit")
    if review.opened_at is None:
        raise PicturesNotSeen


def _take_down(review: Review, submission: ReviewSubmission, *, now: datetime) -> None:
    suitabilities = (submission.suitability_found, submission.suitability_sought)
    review.suitability_found, review.suitability_sought = suitabilities
    review.features = {str(component): seen for component, seen in submission.features.items()}
    review.conclusion = conclusions.binding(submission.conclusion, suitabilities=suitabilities)
    review.limits = submission.limits
    review.submitted_at = now
    review.seconds_spent = int((now - (review.opened_at or now)).total_seconds())


def _deed(act: str, review: Review, *, by: Actor, now: datetime) -> audit.Deed:
    return audit.Deed(act, "review", review.id, user_id=by.user_id, organisation_id=by.organisation_id, at=now)
