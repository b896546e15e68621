"""Raising search requests and moving them. A request never moves by a score, only by somebody's act."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts import service as accounts
from api.accounts.policy import Act, Actor, Role, permit
from api.audit import service as audit
from api.audit.service import Deed
from api.cases.policy import get_own_case
from api.cases.states import SEARCHABLE
from api.kit import ids
from api.kit.paging import cut_page
from api.kit.problems import InvalidInput, StaleRecord, WrongState
from api.notices.service import tell, tell_user
from api.requests import policy
from api.requests.models import SearchRequest
from api.requests.schemas import NewRequest
from api.requests.states import MANUAL, OPEN, REQUEST

STATION_LEADS = frozenset({Role.STATION_LEAD})


def raise_request(session: Session, actor: Actor, case_id: str, new: NewRequest, *, now: datetime) -> SearchRequest:
    """Ask the others about one of one's own cases that is still open. Raises NotFound, WrongState, InvalidInput."""
    permit(actor, Act.RAISE_REQUEST)
    case = get_own_case(session, actor, case_id)
    if case.state not in SEARCHABLE[case.kind]:
        raise WrongState(record=case.kind, state=case.state, event="raise_request")
    policy.check_purpose(case, new.purpose)
    request = SearchRequest(
        id=ids.new_id(now),
        case=case,
        organisation_id=actor.organisation_id,
        raised_by=actor.user_id,
        purpose=new.purpose,
        reason=new.reason,
        urgency=new.urgency,
        regions=policy.check_regions(new.regions),
        state=REQUEST.move(REQUEST.initial, "submit"),
        created_at=now,
        updated_at=now,
    )
    session.add(request)
    session.flush()
    audit.record(session, _deed("request-raised", request, by=actor, reason=new.reason, now=now), purpose=new.purpose)
    _tell_raised(session, request, now=now)
    return request


def cause(
    session: Session, actor: Actor, request_id: str, event: str, *, revision: int | None, note: str, now: datetime
) -> SearchRequest:
    """A step by hand: coordinators of the region triage and return, the own organisation submits again and closes."""
    if event not in MANUAL:
        raise InvalidInput(field="event", value=event)
    coordinated = event in policy.COORDINATED
    permit(actor, Act.TRIAGE_REQUEST if coordinated else Act.RAISE_REQUEST)
    look = policy.get_visible_request if coordinated else policy.get_own_request
    request = _locked(session, look(session, actor, request_id))
    if revision is not None and revision != request.revision:
        raise StaleRecord(expected=revision, actual=request.revision)
    _move(session, request, event, by=actor, reason=note or None, now=now)
    if event == "return_for_info":
        _tell(session, "request-returned", request, request.raised_by, now=now)
    if event == "submit":
        _tell_raised(session, request, now=now)
    return request


def advance_if(session: Session, request: SearchRequest, event: str, *, by: Actor | None, now: datetime) -> None:
    """Move a request that an act in another room carries along; where the event does not fit, nothing happens."""
    if REQUEST.admits(request.state, event):
        _move(session, request, event, by=by, reason=None, now=now)


def open_requests_of_case(session: Session, case_id: str) -> Sequence[SearchRequest]:
    """Requests about a case that are not closed or sent back, oldest first."""
    query = sa.select(SearchRequest).where(SearchRequest.case_id == case_id, SearchRequest.state.in_(OPEN))
    return session.scalars(query.order_by(SearchRequest.id)).all()


def list_requests(
    session: Session, actor: Actor, *, state: str | None, cursor: str | None, limit: int
) -> tuple[list[SearchRequest], str | None]:
    """The requests the actor may see, newest first, and the cursor of the next page."""
    permit(actor, Act.SEE_REQUEST)
    query = sa.select(SearchRequest).where(policy.visible_requests(actor))
    if state is not None:
        query = query.where(SearchRequest.state == state)
    return cut_page(session, query, key=SearchRequest.id, cursor=cursor, limit=limit)


def requests_of_case(session: Session, actor: Actor, case_id: str) -> Sequence[SearchRequest]:
    """Every request about a case that the actor may see, newest first."""
    permit(actor, Act.SEE_REQUEST)
    query = sa.select(SearchRequest).where(SearchRequest.case_id == case_id, policy.visible_requests(actor))
    return session.scalars(query.order_by(SearchRequest.id.desc())).all()


def _move(
    session: Session, request: SearchRequest, event: str, *, by: Actor | None, reason: str | None, now: datetime
) -> None:
    before = request.state
    request.state = REQUEST.move(before, event)
    request.revision += 1
    request.updated_at = now
    deed = _deed("request-moved", request, by=by, reason=reason, now=now)
    audit.record(session, deed, **{"from": before, "to": request.state, "event": event})


def _locked(session: Session, request: SearchRequest) -> SearchRequest:
    """The row as it is now, held until the transaction ends, so that two revisions cannot pass each other."""
    session.refresh(request, with_for_update={"of": SearchRequest})
    return request


def _tell_raised(session: Session, request: SearchRequest, *, now: datetime) -> None:
    for coordinator in accounts.users_with_role(session, Role.COORDINATOR, now=now):
        if coordinator.covers(Role.COORDINATOR, request.case.region):
            _tell(session, "request-raised", request, coordinator.user_id, now=now)
    tell(
        session,
        "request-raised",
        organisation_id=request.organisation_id,
        roles=STATION_LEADS,
        link=_link(request),
        case_id=request.case_id,
        now=now,
    )


def _tell(session: Session, kind: str, request: SearchRequest, user_id: str, *, now: datetime) -> None:
    tell_user(session, kind, user_id=user_id, link=_link(request), case_id=request.case_id, now=now)


def _link(request: SearchRequest) -> str:
    return f"/requests/{request.id}"


def _deed(act: str, request: SearchRequest, *, by: Actor | None, reason: str | None, now: datetime) -> Deed:
    return Deed(
        act,
        "request",
        request.id,
        user_id=by.user_id if by else None,
        organisation_id=by.organisation_id if by else None,
        at=now,
        case_id=request.case_id,
        reason=reason,
    )
