"""Pairs that were rejected and are not proposed again. An exclusion ends by its date, by hand, or by a new photo."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
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
    return rejected_keys_of_many(session, [(person, photo_added_at)], settings=settings, now=now)[0]


def rejected_keys_of_many(
    session: Session, asked: Sequence[tuple[Person, datetime | None]], *, settings: Settings, now: datetime
) -> list[frozenset[int]]:
    """`rejected_keys` for many persons, each with the moment its photo was added, in their order."""
    others: dict[str, list[tuple[str, datetime]]] = defaultdict(list)  # person → whom not to propose, and since when
    for found, sought, at in _rejections(session, {person.id for person, _ in asked}, settings=settings, now=now):
        others[found].append((sought, at))
        others[sought].append((found, at))
    known = {other for person, _ in asked for other, _ in others.get(person.id, ())}
    keys = dict(_keys(session, known)) if known else {}
    return [
        frozenset(keys[other] for other, at in others.get(person.id, ()) if at >= (since or BEGINNING))
        for person, since in asked
    ]


def _rejections(
    session: Session, person_ids: Collection[str], *, settings: Settings, now: datetime
) -> Iterable[sa.Row[str, str, datetime]]:
    """Pairs with one of these persons that are not proposed, and when they were rejected."""
    of_exclusion = sa.or_(Exclusion.found_person_id.in_(person_ids), Exclusion.sought_person_id.in_(person_ids))
    by_hand = sa.select(Exclusion.found_person_id, Exclusion.sought_person_id, Exclusion.excluded_at).where(
        of_exclusion, Exclusion.lifted_at.is_(None), Exclusion.review_at > now
    )
    pair = (MatchHypothesis.found_person_id, MatchHypothesis.sought_person_id)
    by_reviewers = sa.select(*pair, MatchHypothesis.updated_at).where(
        sa.or_(*(side.in_(person_ids) for side in pair)),
        MatchHypothesis.state == "not_supported",
        MatchHypothesis.updated_at >= now - timedelta(days=settings.exclusion_days),
    )
    return session.execute(by_hand.union_all(by_reviewers)).all()


def _keys(session: Session, person_ids: Collection[str]) -> Iterable[sa.Row[str, int]]:
    return session.execute(sa.select(Person.id, Person.key).where(Person.id.in_(person_ids))).all()
