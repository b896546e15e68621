"""The start page: what waits for me, and what was told to me. One clear next act each."""

from fastapi import APIRouter, Request, Response

from api.accounts.policy import Act
from api.kit.http import NodeDep, Now
from api.notices import service as notices
from api.web import render, tasks
from api.web.notices import sentence_of
from api.web.session import ReaderDep

router = APIRouter(include_in_schema=False)
NEWEST = 5


@router.get("/")
def show_home(request: Request, reader: ReaderDep, node: NodeDep, now: Now) -> Response:
    with node.db.read() as session:
        waiting = tasks.waiting_for(session, reader.actor, now=now)
        unread = notices.unread(session, reader.actor)
    told = [(notice, sentence_of(notice, reader.language)) for notice in unread[:NEWEST]]
    starts = {"/cases/register": Act.REGISTER_FOUND, "/cases/report": Act.FILE_REPORT}
    may = [path for path, act in starts.items() if reader.actor.may(act)]
    return render.page(request, "home.html", waiting=waiting, told=told, unread=len(unread), starts=may)
