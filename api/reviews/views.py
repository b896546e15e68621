"""Reviews as JSON. What a reviewer gets before submitting holds no score, no name and no other review."""

from sqlalchemy.orm import Session

from api.cases.models import Photo
from api.gallery.models import Face
from api.reviews import adjudication, service
from api.reviews.models import Review
from api.reviews.schemas import EarlierReviewOut, InvitedOut, ProgressOut, ReviewOut
from api.search.models import MatchHypothesis


def review_out(session: Session, review: Review) -> ReviewOut:
    """A review as its reviewer sees it."""
    hypothesis = session.get_one(MatchHypothesis, review.hypothesis_id)
    return ReviewOut(
        id=review.id,
        kind=review.kind,
        invited_at=review.invited_at,
        due_at=review.due_at,
        opened_at=review.opened_at,
        submitted_at=review.submitted_at,
        year_found=_year(session, hypothesis.found_face_id),
        year_sought=_year(session, hypothesis.sought_face_id),
        suitability_found=review.suitability_found,
        suitability_sought=review.suitability_sought,
        features=review.features,
        conclusion=review.conclusion,
        limits=review.limits,
        seconds_spent=review.seconds_spent,
        earlier=[earlier_out(other) for other in adjudication.earlier_reviews(session, review)],
        band=hypothesis.band if review.submitted_at is not None else None,
        outcome=hypothesis.state if review.concluded_at is not None else None,
    )


def earlier_out(review: Review) -> EarlierReviewOut:
    """What somebody concluded, without who."""
    return EarlierReviewOut(
        suitability_found=review.suitability_found,
        suitability_sought=review.suitability_sought,
        features=review.features,
        conclusion=review.conclusion,
        limits=review.limits,
    )


def invited_out(review: Review) -> InvitedOut:
    """An invitation as the coordinator sees it."""
    return InvitedOut(
        id=review.id,
        hypothesis_id=review.hypothesis_id,
        reviewer_id=review.reviewer_id,
        organisation_id=review.organisation_id,
        invited_at=review.invited_at,
        due_at=review.due_at,
    )


def progress_out(session: Session, hypothesis: MatchHypothesis) -> ProgressOut:
    """How far the reviews of a pair are."""
    needed, running, decided = service.progress(session, hypothesis)
    return ProgressOut(
        needed=needed,
        invited=len(running),
        submitted=sum(review.submitted_at is not None for review in running),
        concluded=[earlier_out(review) for review in decided],
    )


def _year(session: Session, face_id: str) -> str:
    photo = session.get_one(Photo, session.get_one(Face, face_id).photo_id)
    return photo.taken_on[:4]
