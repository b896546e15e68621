"""Search requests as JSON."""

from typing import Any

from fastapi import APIRouter, Query, Request

from api.accounts.actor import ActorDep, once_for
from api.kit.http import Now, Reading, Writing
from api.kit.paging import Page
from api.requests import policy, service
from api.requests.models import SearchRequest
from api.requests.schemas import NewRequest, RequestEvent, RequestOut

router = APIRouter(prefix="/v1", tags=["requests"])


@router.post("/cases/{case_id}/requests", status_code=201, response_model=RequestOut)
def raise_request(
    case_id: str, body: NewRequest, request: Request, actor: ActorDep, session: Writing, now: Now
) -> dict[str, Any]:
    once = once_for(request, actor, body.model_dump(mode="json"), now=now)
    return once.answer(session, lambda: _out(service.raise_request(session, actor, case_id, body, now=now)))


@router.get("/requests")
def list_requests(
    actor: ActorDep,
    session: Reading,
    state: str | None = Query(None, max_length=40),
    cursor: str | None = None,
    limit: int = Query(50, ge=1, le=100),
) -> Page[RequestOut]:
    rows, following = service.list_requests(session, actor, state=state, cursor=cursor, limit=limit)
    return Page(items=[_out(row) for row in rows], next_cursor=following)


@router.get("/requests/{request_id}")
def show_request(request_id: str, actor: ActorDep, session: Reading) -> RequestOut:
    return _out(policy.get_visible_request(session, actor, request_id))


@router.post("/requests/{request_id}/events")
def cause(request_id: str, body: RequestEvent, actor: ActorDep, session: Writing, now: Now) -> RequestOut:
    moved = service.cause(session, actor, request_id, body.event, revision=body.revision, note=body.note, now=now)
    return _out(moved)


def _out(row: SearchRequest) -> RequestOut:
    return RequestOut.model_validate(row, from_attributes=True)
