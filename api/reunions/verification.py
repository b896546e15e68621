"""From supported to confirmed by proof that is not a face, and back. Never confirms what two people do not support."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.policy import Act, Actor, Role, permit
from api.cases import service as cases
from api.cases.models import Case, MissingReport
from api.kit import ids
from api.reunions import policy
from api.reunions.models import Verification
from api.reunions.policy import ReviewsMissing, VerifierNotEligible
from api.reunions.schemas import NewVerification
from api.reviews import conclusions, pair
from api.reviews import service as reviews
from api.search import hypotheses
from api.search.models import MatchHypothesis

PROBABLE = frozenset({"supported", "verifying", "confirmed", "reunited"})
CERTAIN = frozenset({"confirmed", "reunited"})
READERS = pair.WORKERS | {Role.VERIFIER, Role.LIAISON}


def record_verification(
    session: Session, actor: Actor, hypothesis_id: str, new: NewVerification, *, now: datetime
) -> Verification:
    """Write down one check. A match that suffices confirms the pair; one that does not match ends it.

    Raises NotPermitted, NotFound, StaleRecord, WrongState, VerifierNotEligible, ReviewsMissing.
    """
    permit(actor, Act.VERIFY_IDENTITY)
    hypothesis = hypotheses.get_visible(session, actor, hypothesis_id)
    policy.check_side(actor, hypothesis)
    if reviews.has_reviewed(session, actor.user_id, hypothesis_id):
        raise VerifierNotEligible(reason="has-reviewed")
    hypotheses.hold(session, hypothesis, revision=new.revision)
    hypotheses.move(session, hypothesis, "verify", by=actor, now=now)
    row = _row(hypothesis, new, by=actor, now=now)
    session.add(row)
    session.flush()
    facts = {"kind": row.kind, "result": row.result}
    pair.remember(session, "verification-recorded", hypothesis, by=actor, now=now, **facts)
    for case in pair.cases_of(hypothesis):
        pair.carry_requests(session, case, "assign", "support", "verify", by=actor, now=now)
    _follow(session, hypothesis, row, by=actor, now=now)
    return row


def undo_confirmation(
    session: Session, actor: Actor, hypothesis_id: str, reason: str, *, revision: int | None = None, now: datetime
) -> MatchHypothesis:
    """Take a confirmation back: earlier proof counts no more, and the pairs it set aside return.

    Raises NotPermitted, NotFound, StaleRecord, WrongState.
    """
    permit(actor, Act.VERIFY_IDENTITY)
    hypothesis = hypotheses.get_visible(session, actor, hypothesis_id)
    policy.check_side(actor, hypothesis)
    hypotheses.hold(session, hypothesis, revision=revision)
    hypotheses.move(session, hypothesis, "undo_confirmation", by=actor, now=now, reason=reason)
    _void(session, hypothesis, now=now)
    hypotheses.restore_siblings(session, hypothesis, by=actor, now=now)
    for case in pair.cases_of(hypothesis):
        if not pair.other_pairs(session, case, hypothesis, states=CERTAIN):
            _unlocate(session, case, by=actor, reason=reason, now=now)
            pair.carry_requests(session, case, "undo_confirmation", by=actor, now=now)
    pair.tell_both(session, "confirmation-undone", hypothesis, roles=READERS, now=now)
    return hypothesis


def list_verifications(session: Session, hypothesis: MatchHypothesis) -> Sequence[Verification]:
    """Every check of a pair, oldest first; whether the pair may be seen is the caller's question."""
    query = sa.select(Verification).where(Verification.hypothesis_id == hypothesis.id)
    return session.scalars(query.order_by(Verification.id)).all()


def still_needed(session: Session, hypothesis: MatchHypothesis) -> str | None:
    """What is missing before this pair is confirmed: "dna", "not-a-face", or None."""
    checks = list_verifications(session, hypothesis)
    matching = [check.kind for check in checks if check.result == "matches" and check.voided_at is None]
    return policy.still_needed(matching, policy.circumstances_of(hypothesis))


def everybody_is(session: Session, case: Case, *, states: frozenset[str]) -> bool:
    """Whether each person of a case has a pair in one of these states."""
    settled = sa.select(MatchHypothesis.id).where(MatchHypothesis.state.in_(states))
    pairs = (
        settled.where(
            sa.or_(MatchHypothesis.sought_person_id == person.id, MatchHypothesis.found_person_id == person.id)
        )
        for person in case.persons
    )
    return all(session.scalar(query.limit(1)) is not None for query in pairs)


def _follow(session: Session, hypothesis: MatchHypothesis, row: Verification, *, by: Actor, now: datetime) -> None:
    if row.result == "does_not_match":
        _refute(session, hypothesis, by=by, now=now)
    elif row.result == "matches" and still_needed(session, hypothesis) is None:
        _confirm(session, hypothesis, by=by, now=now)
    else:
        pair.tell_both(session, "verification-recorded", hypothesis, roles=READERS, now=now)


def _confirm(session: Session, hypothesis: MatchHypothesis, *, by: Actor, now: datetime) -> None:
    if reviews.named_reviewers(session, hypothesis) < conclusions.REVIEWERS:
        raise ReviewsMissing(needed=conclusions.REVIEWERS)
    hypotheses.move(session, hypothesis, "confirm", by=by, now=now)
    hypotheses.supersede_siblings(session, hypothesis, by=by, now=now)
    for case in pair.cases_of(hypothesis):
        cases.advance_if(session, case, "confirm", by=by, now=now)
        if everybody_is(session, case, states=CERTAIN):
            pair.carry_requests(session, case, "confirm", by=by, now=now)
    pair.tell_both(session, "identity-confirmed", hypothesis, roles=READERS, now=now)


def _refute(session: Session, hypothesis: MatchHypothesis, *, by: Actor, now: datetime) -> None:
    hypotheses.move(session, hypothesis, "refute", by=by, now=now)
    _void(session, hypothesis, now=now)
    for case in pair.cases_of(hypothesis):
        if not pair.other_pairs(session, case, hypothesis, states=PROBABLE):
            cases.advance_if(session, case, "doubt", by=by, now=now)
            pair.carry_requests(session, case, "doubt", by=by, now=now)
    pair.tell_both(session, "verification-recorded", hypothesis, roles=READERS, now=now)


def _unlocate(session: Session, case: Case, *, by: Actor, reason: str, now: datetime) -> None:
    """A report that ended because its person was located must be searched for again."""
    ended = isinstance(case, MissingReport) and case.resolution == "located_no_contact"
    event = "reopen" if ended else "undo_confirmation"
    cases.advance_if(session, case, event, by=by, now=now, reason=reason)


def _void(session: Session, hypothesis: MatchHypothesis, *, now: datetime) -> None:
    standing = sa.update(Verification).where(
        Verification.hypothesis_id == hypothesis.id, Verification.voided_at.is_(None)
    )
    session.execute(standing.values(voided_at=now))


def _row(hypothesis: MatchHypothesis, new: NewVerification, *, by: Actor, now: datetime) -> Verification:
    return Verification(
        id=ids.new_id(now),
        hypothesis_id=hypothesis.id,
        recorded_by=by.user_id,
        recorded_at=now,
        **new.model_dump(exclude={"revision"}),
    )
