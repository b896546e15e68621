"""Who may review a pair and who sees which review. Never looks at what a reviewer or the machine thinks of it."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts import service as accounts
from api.accounts.models import User
from api.accounts.policy import Act, Actor, NotPermitted, Role
from api.cases.models import Case, Photo
from api.gallery.models import Face
from api.kit.problems import NotFound, Refusal
from api.requests.models import SearchRequest
from api.reviews import conclusions, pair
from api.reviews.models import Review
from api.search.models import MatchHypothesis, SearchRun

KINDS = {"review": Act.REVIEW, "adjudication": Act.ADJUDICATE}


class ReviewerNotEligible(Refusal):
    """This person cannot judge this pair independently; facts name the reason."""

    code = "reviewer-not-eligible"


class PicturesNotSeen(Refusal):
    """Nobody concludes about pictures they have not opened."""

    code = "pictures-not-seen"


class SyntheticPicture(Refusal):
    """A synthetic or enhanced picture may produce a lead, never evidence."""

    code = "synthetic-picture"


def check_eligible(session: Session, reviewer: Actor, hypothesis: MatchHypothesis, *, role: Role) -> None:
    """Return when the person holds the role and has no part in the pair, else raise ReviewerNotEligible."""
    reason = why_not(session, reviewer, hypothesis, role=role)
    if reason is not None:
        raise ReviewerNotEligible(reason=reason)


def why_not(session: Session, reviewer: Actor, hypothesis: MatchHypothesis, *, role: Role) -> str | None:
    """Why somebody may not judge this pair, or None."""
    if role not in reviewer.roles:
        return f"not-an-{role.value}"
    if session.scalar(sa.select(_has_reviewed(reviewer, hypothesis))):
        return "has-reviewed"
    if session.scalar(sa.select(_has_requested(reviewer, hypothesis))):
        return "requester"
    if session.scalar(sa.select(_has_registered(reviewer, hypothesis))):
        return "worked-on-the-case"
    return "sees-the-score" if _sees_the_score(reviewer, hypothesis) else None


def check_balance(reviewer: Actor, hypothesis: MatchHypothesis, *, invited: Sequence[Review]) -> None:
    """Raise ReviewerNotEligible when enough are invited, or when nobody from outside would be among them."""
    wanted, homes = conclusions.needed(pair.category_of(hypothesis)), pair.homes_of(hypothesis)
    if len(invited) >= wanted:
        raise ReviewerNotEligible(reason="enough-reviewers", needed=wanted)
    organisations = {review.organisation_id for review in invited} | {reviewer.organisation_id}
    if len(invited) == wanted - 1 and organisations <= homes:
        raise ReviewerNotEligible(reason="same-organisation", needed=wanted)


def check_pictures(session: Session, hypothesis: MatchHypothesis) -> None:
    """Raise SyntheticPicture when either face is from one."""
    faces = (hypothesis.found_face_id, hypothesis.sought_face_id)
    query = sa.select(Photo.id).join(Face, Face.photo_id == Photo.id)
    if session.scalar(query.where(Face.id.in_(faces), Photo.role == "synthetic").limit(1)) is not None:
        raise SyntheticPicture


def get_own_review(session: Session, actor: Actor, review_id: str) -> Review:
    """A review the actor was asked for. Raises NotFound for every other one, NotPermitted when the role has ended."""
    review = session.get(Review, review_id)
    if review is None or review.reviewer_id != actor.user_id:
        raise NotFound
    if not actor.may(KINDS[review.kind]):
        raise NotPermitted(act=KINDS[review.kind].value)
    return review


def find_reviewer(session: Session, login_or_id: str, *, now: datetime) -> Actor:
    """An enabled user by login or id. Raises ReviewerNotEligible."""
    user = session.scalar(sa.select(User).where(sa.or_(User.login == login_or_id, User.id == login_or_id)))
    if user is None or user.disabled_at is not None:
        raise ReviewerNotEligible(reason="not-an-expert")
    return accounts.actor_of(user, now=now)


def _has_reviewed(reviewer: Actor, hypothesis: MatchHypothesis) -> sa.Exists:
    return sa.exists().where(Review.hypothesis_id == hypothesis.id, Review.reviewer_id == reviewer.user_id)


def _has_requested(reviewer: Actor, hypothesis: MatchHypothesis) -> sa.ColumnElement[bool]:
    cases = [case.id for case in pair.cases_of(hypothesis)]
    raised = sa.exists().where(SearchRequest.case_id.in_(cases), SearchRequest.raised_by == reviewer.user_id)
    searched = sa.exists().where(SearchRun.case_id.in_(cases), SearchRun.requested_by == reviewer.user_id)
    return sa.or_(raised, searched)


def _has_registered(reviewer: Actor, hypothesis: MatchHypothesis) -> sa.ColumnElement[bool]:
    cases = pair.cases_of(hypothesis)
    created = sa.exists().where(Case.id.in_([case.id for case in cases]), Case.created_by == reviewer.user_id)
    added = sa.exists().where(Photo.case_id.in_([case.id for case in cases]), Photo.added_by == reviewer.user_id)
    return sa.or_(created, added)


def _sees_the_score(reviewer: Actor, hypothesis: MatchHypothesis) -> bool:
    at_home = reviewer.organisation_id in pair.homes_of(hypothesis) and reviewer.may(Act.SEE_CANDIDATES)
    return at_home or pair.covered_by(reviewer, Role.COORDINATOR, hypothesis)
