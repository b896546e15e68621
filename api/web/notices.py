"""What one was told. Never tells anything about somebody else's records: a notice links, the page behind decides."""

from fastapi import APIRouter, Request, Response

from api.kit.http import NodeDep, Now
from api.kit.i18n import translator
from api.notices import service
from api.notices.models import Notice
from api.web import render
from api.web.forms import FormDep
from api.web.session import ReaderDep

router = APIRouter(include_in_schema=False)
A_PAGE = 50


@router.get("/notices")
def show_notices(request: Request, reader: ReaderDep, node: NodeDep, cursor: str | None = None) -> Response:
    with node.db.read() as session:
        rows, following = service.list_notices(session, reader.actor, cursor=cursor, limit=A_PAGE)
        waiting = len(service.unread(session, reader.actor))
    notices = [(row, sentence_of(row, reader.language)) for row in rows]
    return render.page(request, "notices.html", notices=notices, waiting=waiting, following=following)


@router.post("/notices/read")
def read_all(reader: ReaderDep, form: FormDep, node: NodeDep, now: Now) -> Response:  # noqa: ARG001 - the form's mark is checked
    with node.db.write() as session:
        service.mark_all_read(session, reader.actor, now=now)
    return render.go("/notices")


@router.get("/notices/{notice_id}")
def follow(notice_id: str, reader: ReaderDep, node: NodeDep, now: Now) -> Response:
    """Opening what a notice is about is reading it."""
    with node.db.write() as session:
        row = service.mark_read(session, reader.actor, notice_id, now=now)
    return render.go(render.local_path(row.link))


def sentence_of(notice: Notice, language: str) -> str:
    return service.sentence(notice, translator(language))
