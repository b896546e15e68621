"""Pairs that may be one person: seen, screened, parked, ruled out, and moved by the rooms above. Never by a score."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.policy import Act, Actor, permit
from api.audit import service as audit
from api.audit.service import Deed
from api.cases.policy import get_visible_case
from api.kit.problems import InvalidInput, NotFound, StaleRecord
from api.kit.settings import Settings
from api.search import exclusions, policy
from api.search.models import MatchHypothesis
from api.search.states import HYPOTHESIS

SHORTEST_REASON = 3
ListKind = Literal["case", "request", "search-run"]


def get_visible(session: Session, actor: Actor, hypothesis_id: str) -> MatchHypothesis:
    """A pair of which the actor may see either case. Raises NotPermitted, NotFound."""
    permit(actor, Act.SEE_CANDIDATES)
    query = sa.select(MatchHypothesis).where(MatchHypothesis.id == hypothesis_id, policy.visible_hypotheses(actor))
    hypothesis = session.scalar(query)
    if hypothesis is None:
        raise NotFound
    return hypothesis


def list_for_case(session: Session, actor: Actor, case_id: str) -> list[MatchHypothesis]:
    """The pairs about a case that still matter, most alike first. Raises NotPermitted, NotFound."""
    permit(actor, Act.SEE_CANDIDATES)
    case = get_visible_case(session, actor, case_id)
    persons = [person.id for person in case.persons]
    of_case = sa.or_(MatchHypothesis.found_person_id.in_(persons), MatchHypothesis.sought_person_id.in_(persons))
    query = sa.select(MatchHypothesis).where(of_case)
    rows = session.scalars(query.order_by(MatchHypothesis.nominal_log10_lr.desc(), MatchHypothesis.id))
    return [row for row in rows if policy.is_live(row)]


def record_seen(
    session: Session, actor: Actor, kind: ListKind, record_id: str, *, case_id: str, reason: str, now: datetime
) -> None:
    """Remember that somebody looked through a list of candidates, and why."""
    deed = Deed("candidates-seen", kind, record_id, actor.user_id, actor.organisation_id, now, case_id, reason)
    audit.record(session, deed)


def record_pair_seen(
    session: Session, actor: Actor, hypothesis: MatchHypothesis, *, reason: str, now: datetime
) -> None:
    """Remember on both cases that somebody looked at a pair, and why."""
    remember(session, "candidate-seen", hypothesis, by=actor, reason=reason, now=now)


def screen(
    session: Session, actor: Actor, hypothesis_id: str, *, revision: int | None, now: datetime
) -> MatchHypothesis:
    """Worth comparing: experts may be asked."""
    return _cause(session, actor, hypothesis_id, "screen", reason="", revision=revision, now=now)


def park(
    session: Session, actor: Actor, hypothesis_id: str, reason: str, *, revision: int | None, now: datetime
) -> MatchHypothesis:
    """Put a pair aside without judging it; searches go on proposing it."""
    return _cause(session, actor, hypothesis_id, "park", reason=reason, revision=revision, now=now)


def rule_out(
    session: Session,
    actor: Actor,
    hypothesis_id: str,
    reason: str,
    *,
    revision: int | None,
    settings: Settings,
    now: datetime,
) -> MatchHypothesis:
    """Not the same person: the pair is excluded from proposals for a time. Raises InvalidInput without a reason."""
    _need(reason)
    hypothesis = _cause(session, actor, hypothesis_id, "rule_out", reason=reason, revision=revision, now=now)
    exclusions.exclude(session, hypothesis, reason, by=actor, settings=settings, now=now)
    return hypothesis


def lift_exclusion(
    session: Session, actor: Actor, hypothesis_id: str, reason: str, *, revision: int | None, now: datetime
) -> MatchHypothesis:
    """Reopen a rejected pair; it may be proposed again. Raises InvalidInput without a reason."""
    _need(reason)
    hypothesis = _cause(session, actor, hypothesis_id, "reopen", reason=reason, revision=revision, now=now)
    exclusions.lift(session, hypothesis, now=now)
    return hypothesis


def move(
    session: Session,
    hypothesis: MatchHypothesis,
    event: str,
    *,
    by: Actor | None,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Let a pair move because of an act, here or in a room above; who may do it is the caller's question."""
    hold(session, hypothesis, revision=None)
    _put(session, hypothesis, HYPOTHESIS.move(hypothesis.state, event), event, by=by, reason=reason, now=now)


def supersede_siblings(session: Session, hypothesis: MatchHypothesis, *, by: Actor | None, now: datetime) -> None:
    """A pair was confirmed: every other pair with one of its persons steps back, remembering where it stood."""
    for sibling in _siblings(session, hypothesis):
        if HYPOTHESIS.admits(sibling.state, "supersede"):
            sibling.state_before = sibling.state
            move(session, sibling, "supersede", by=by, now=now)


def restore_siblings(session: Session, hypothesis: MatchHypothesis, *, by: Actor | None, now: datetime) -> None:
    """A confirmation was taken back: the pairs it had set aside return to where they stood.

    A pair that another confirmed pair sets aside as well stays where it is.
    """
    for sibling in _siblings(session, hypothesis):
        rivals = {rival.state for rival in _siblings(session, sibling) if rival.id != hypothesis.id}
        if sibling.state == "superseded" and sibling.state_before and rivals.isdisjoint(policy.REVEALED):
            hold(session, sibling, revision=None)
            before, sibling.state_before = sibling.state_before, None
            _put(session, sibling, before, "restore", by=by, reason=None, now=now)


def hold(session: Session, hypothesis: MatchHypothesis, *, revision: int | None) -> None:
    """Lock a pair until the transaction ends and look at it as it is now. Raises StaleRecord."""
    session.flush()
    session.refresh(hypothesis, ["state", "revision"], with_for_update=True)
    if revision is not None and revision != hypothesis.revision:
        raise StaleRecord(expected=revision, actual=hypothesis.revision)


def remember(
    session: Session,
    act: str,
    hypothesis: MatchHypothesis,
    *,
    by: Actor | None,
    reason: str | None,
    now: datetime,
    **facts: str,
) -> None:
    """One entry on the timeline of each of the two cases."""
    user_id, organisation_id = (by.user_id, by.organisation_id) if by else (None, None)
    for case_id in (hypothesis.found.case_id, hypothesis.sought.case_id):
        deed = Deed(act, "hypothesis", hypothesis.id, user_id, organisation_id, now, case_id, reason)
        audit.record(session, deed, **facts)


def _cause(
    session: Session, actor: Actor, hypothesis_id: str, event: str, *, reason: str, revision: int | None, now: datetime
) -> MatchHypothesis:
    permit(actor, Act.SCREEN_CANDIDATE if event in {"screen", "park"} else Act.RULE_OUT)
    hypothesis = get_visible(session, actor, hypothesis_id)
    hold(session, hypothesis, revision=revision)
    state = HYPOTHESIS.move(hypothesis.state, event)
    _put(session, hypothesis, state, event, by=actor, reason=reason or None, now=now)
    return hypothesis


def _put(
    session: Session,
    hypothesis: MatchHypothesis,
    state: str,
    event: str,
    *,
    by: Actor | None,
    reason: str | None,
    now: datetime,
) -> None:
    before, hypothesis.state = hypothesis.state, state
    hypothesis.revision += 1
    hypothesis.updated_at = now
    facts = {"from": before, "to": state, "event": event}
    remember(session, "hypothesis-moved", hypothesis, by=by, reason=reason, now=now, **facts)


def _siblings(session: Session, hypothesis: MatchHypothesis) -> Sequence[MatchHypothesis]:
    shared = sa.or_(
        MatchHypothesis.found_person_id == hypothesis.found_person_id,
        MatchHypothesis.sought_person_id == hypothesis.sought_person_id,
    )
    query = sa.select(MatchHypothesis).where(shared, MatchHypothesis.id != hypothesis.id)
    return session.scalars(query.order_by(MatchHypothesis.id)).all()


def _need(reason: str) -> None:
    if len(reason.strip()) < SHORTEST_REASON:
        raise InvalidInput(field="reason")
