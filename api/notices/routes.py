"""One's own notices as JSON."""

from fastapi import APIRouter, Query

from api.accounts.actor import ActorDep
from api.accounts.policy import Actor
from api.kit.http import Now, Reading, Writing
from api.kit.i18n import translator
from api.kit.paging import Page
from api.notices import service
from api.notices.models import Notice
from api.notices.schemas import NoticeOut

router = APIRouter(prefix="/v1", tags=["notices"])


@router.get("/notices")
def list_notices(
    actor: ActorDep, session: Reading, cursor: str | None = None, limit: int = Query(50, ge=1, le=100)
) -> Page[NoticeOut]:
    rows, following = service.list_notices(session, actor, cursor=cursor, limit=limit)
    return Page(items=[_notice_out(row, actor) for row in rows], next_cursor=following)


@router.post("/notices/read", status_code=204)
def mark_all_read(actor: ActorDep, session: Writing, now: Now) -> None:
    service.mark_all_read(session, actor, now=now)


@router.post("/notices/{notice_id}/read")
def mark_read(notice_id: str, actor: ActorDep, session: Writing, now: Now) -> NoticeOut:
    return _notice_out(service.mark_read(session, actor, notice_id, now=now), actor)


def _notice_out(row: Notice, actor: Actor) -> NoticeOut:
    return NoticeOut(
        id=row.id,
        kind=row.kind,
        sentence=service.sentence(row, translator(actor.language)),
        link=row.link,
        case_id=row.case_id,
        created_at=row.created_at,
        read_at=row.read_at,
    )
