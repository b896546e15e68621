"""The two cases a hypothesis joins: whose they are, and how an act on the pair is remembered and told on both sides.

Never decides anything about the pair.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.policy import Actor, Role
from api.audit import service as audit
from api.cases.models import Case, MissingReport
from api.kit.problems import Fact
from api.notices import service as notices
from api.requests import service as requests
from api.requests.models import SearchRequest
from api.requests.states import REQUEST
from api.search.models import MatchHypothesis

WORKERS = frozenset({Role.REGISTRAR, Role.STATION_LEAD, Role.REQUESTER})


def cases_of(hypothesis: MatchHypothesis) -> tuple[Case, Case]:
    """The found person's case and the missing report."""
    return hypothesis.found.case, hypothesis.sought.case


def category_of(hypothesis: MatchHypothesis) -> str:
    """The category of the missing report."""
    report = hypothesis.sought.case
    return report.category if isinstance(report, MissingReport) else ""


def homes_of(hypothesis: MatchHypothesis) -> frozenset[str]:
    """The organisations that keep the two cases."""
    return frozenset(case.organisation_id for case in cases_of(hypothesis))


def covered_by(actor: Actor, role: Role, hypothesis: MatchHypothesis) -> bool:
    """Whether the actor holds the role for the region of either case."""
    return any(actor.covers(role, case.region) for case in cases_of(hypothesis))


def remember(
    session: Session,
    act: str,
    hypothesis: MatchHypothesis,
    *,
    by: Actor,
    now: datetime,
    reason: str | None = None,
    **facts: Fact,
) -> None:
    """One entry on the timeline of each of the two cases."""
    for case in cases_of(hypothesis):
        deed = audit.Deed(
            act,
            "hypothesis",
            hypothesis.id,
            user_id=by.user_id,
            organisation_id=by.organisation_id,
            at=now,
            case_id=case.id,
            reason=reason,
        )
        audit.record(session, deed, **facts)


def tell_both(
    session: Session, kind: str, hypothesis: MatchHypothesis, *, roles: frozenset[Role], now: datetime
) -> None:
    """Tell those who hold one of the roles in the organisation of either case, once each."""
    told: set[str] = set()
    for case in cases_of(hypothesis):
        if case.organisation_id not in told:
            link = f"/hypotheses/{hypothesis.id}"
            notices.tell(
                session, kind, organisation_id=case.organisation_id, roles=roles, link=link, case_id=case.id, now=now
            )
        told.add(case.organisation_id)


def carry_requests(session: Session, case: Case, *events: str, by: Actor, now: datetime) -> None:
    """Let the requests of a case follow: each takes the shortest tail of `events` that fits its state, or none."""
    query = sa.select(SearchRequest).where(SearchRequest.case_id == case.id).order_by(SearchRequest.id)
    for request in session.scalars(query).all():
        session.refresh(request, ["state", "revision"], with_for_update=True)
        for event in _fitting(request, events):
            requests.advance_if(session, request, event, by=by, now=now)


def other_pairs(session: Session, case: Case, hypothesis: MatchHypothesis, *, states: frozenset[str]) -> bool:
    """Whether another pair that touches the case is in one of these states."""
    persons = [person.id for person in case.persons]
    touches = sa.or_(MatchHypothesis.found_person_id.in_(persons), MatchHypothesis.sought_person_id.in_(persons))
    query = sa.select(MatchHypothesis.id).where(
        touches, MatchHypothesis.id != hypothesis.id, MatchHypothesis.state.in_(states)
    )
    return session.scalar(query.limit(1)) is not None


def _fitting(request: SearchRequest, events: tuple[str, ...]) -> tuple[str, ...]:
    starts = range(len(events) - 1, -1, -1)
    return next((events[start:] for start in starts if REQUEST.admits(request.state, events[start])), ())
