"""Verifications and handovers as JSON. A reference number stays with its recorders until the identity is confirmed."""

from sqlalchemy.orm import Session

from api.accounts.models import User
from api.accounts.policy import Actor
from api.kit.i18n import translator
from api.reunions import policy, verification
from api.reunions.models import FollowUp, Reunification, Verification
from api.reunions.schemas import (
    STILL_NEEDED,
    FollowUpOut,
    ReunificationOut,
    VerificationOut,
    VerificationRecordedOut,
    VerificationsOut,
)
from api.search.models import MatchHypothesis


def recorded_out(session: Session, actor: Actor, row: Verification) -> VerificationRecordedOut:
    """A check just recorded, the pair after it, and what is still needed."""
    hypothesis = session.get_one(MatchHypothesis, row.hypothesis_id)
    session.refresh(row)
    needed, because, sentences = _needs(session, actor, hypothesis)
    return VerificationRecordedOut(
        verification=_verification_out(session, actor, row, hypothesis),
        hypothesis_id=hypothesis.id,
        state=hypothesis.state,
        revision=hypothesis.revision,
        still_needed=needed,
        because=because,
        sentences=sentences,
    )


def verifications_out(session: Session, actor: Actor, hypothesis: MatchHypothesis) -> VerificationsOut:
    """All checks of a pair, and what is still needed."""
    rows = verification.list_verifications(session, hypothesis)
    needed, because, sentences = _needs(session, actor, hypothesis)
    items = [_verification_out(session, actor, row, hypothesis) for row in rows]
    return VerificationsOut(items=items, still_needed=needed, because=because, sentences=sentences)


def reunification_out(row: Reunification) -> ReunificationOut:
    """A handover with its follow-ups."""
    return ReunificationOut(
        id=row.id,
        hypothesis_id=row.hypothesis_id,
        handed_over_on=row.handed_over_on,
        region=row.region,
        wish=row.wish,
        note=row.note,
        follow_ups=[follow_up_out(each) for each in row.follow_ups],
    )


def follow_up_out(row: FollowUp) -> FollowUpOut:
    """One follow-up."""
    return FollowUpOut(
        id=row.id,
        reunification_id=row.reunification_id,
        due_on=row.due_on,
        done_at=row.done_at,
        outcome=row.outcome,
        note=row.note,
    )


def _needs(session: Session, actor: Actor, hypothesis: MatchHypothesis) -> tuple[list[str], list[str], list[str]]:
    needed = verification.still_needed(session, hypothesis)
    if needed is None:
        return [], [], []
    because = list(policy.why_dna(policy.circumstances_of(hypothesis)))
    return [needed], because, [translator(actor.language)(STILL_NEEDED[needed])]


def _verification_out(
    session: Session, actor: Actor, row: Verification, hypothesis: MatchHypothesis
) -> VerificationOut:
    recorder = session.get_one(User, row.recorded_by)
    own = recorder.organisation_id == actor.organisation_id
    return VerificationOut(
        id=row.id,
        kind=row.kind,
        result=row.result,
        authority=row.authority,
        reference=row.reference if own or hypothesis.state in verification.CERTAIN else "",
        recorded_at=row.recorded_at,
        counts=row.result == "matches" and row.voided_at is None,
    )
