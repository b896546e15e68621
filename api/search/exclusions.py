"""Pairs that were rejected and are not proposed again. An exclusion ends by its date, by hand, or by a new photo."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.policy import Actor
from api.cases.models import Person
from api.kit import ids
from api.kit.settings import Settings
from api.search.models import Exclusion, MatchHypothesis

BEGINNING = datetime.min.replace(tzinfo=UTC)


def exclude(
    session: Session, hypothesis: MatchHypothesis, reason: str, *, by: Actor, settings: Settings, now: datetime
) -> Exclusion:
    """Keep a pair from being proposed until its date."""
    row = Exclusion(
        id=ids.new_id(now),
        found_person_id=hypothesis.found_person_id,
        sought_person_id=hypothesis.sought_person_id,
        hypothesis_id=hypothesis.id,
        reason=reason,
        excluded_by=by.user_id,
        excluded_at=now,
        review_at=now + timedelta(days=settings.exclusion_days),
    )
    session.add(row)
    return row


def lift(session: Session, hypothesis: MatchHypothesis, *, now: datetime) -> bool:
    """End whatever exclusion of a pair still holds; False when none did."""
    holding = sa.update(Exclusion).where(Exclusion.hypothesis_id == hypothesis.id, Exclusion.lifted_at.is_(None))
    lifted = session.scalars(holding.values(lifted_at=now).returning(Exclusion.id)).all()
    return bool(lifted)


def rejected_keys(
    session: Session, person: Person, *, settings: Settings, now: datetime, photo_added_at: datetime | None
) -> frozenset[int]:
    """Keys of the persons that a search about `person` must not propose.

    Ruled out by hand, or not supported by reviewers, and not too long ago. A photo that came later than the
    rejection is a reason to look again: with `photo_added_at` only rejections after that moment count.
    """
    since = photo_added_at or BEGINNING
    by_hand = sa.select(Exclusion.found_person_id, Exclusion.sought_person_id).where(
        sa.or_(Exclusion.found_person_id == person.id, Exclusion.sought_person_id == person.id),
        Exclusion.lifted_at.is_(None),
        Exclusion.review_at > now,
        Exclusion.excluded_at >= since,
    )
    by_reviewers = sa.select(MatchHypothesis.found_person_id, MatchHypothesis.sought_person_id).where(
        sa.or_(MatchHypothesis.found_person_id == person.id, MatchHypothesis.sought_person_id == person.id),
        MatchHypothesis.state == "not_supported",
        MatchHypothesis.updated_at >= max(since, now - timedelta(days=settings.exclusion_days)),
    )
    pairs = session.execute(by_hand.union(by_reviewers)).all()
    others = {person_id for pair in pairs for person_id in pair} - {person.id}
    return frozenset(session.scalars(sa.select(Person.key).where(Person.id.in_(others))))
