"""Cases and photographs as JSON. Every picture is shown for a stated reason, which is remembered."""

import hashlib
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, Request, Response, UploadFile

from api.accounts.actor import ActorDep, once_for
from api.cases import photos, service, timeline
from api.cases.schemas import (
    CaseChanges,
    CaseEvent,
    CaseOut,
    NewFoundPerson,
    NewMissingReport,
    OptionalDate,
    PhotoOut,
    PhotoRole,
    TimelineOut,
)
from api.cases.views import case_out, photo_out
from api.kit.http import JPEG, NO_STORE, NodeDep, Now, Reading, ViewReason, Writing
from api.kit.paging import Page
from api.kit.text import OptionalLine

router = APIRouter(prefix="/v1", tags=["cases"])
StateName = Annotated[str | None, Query(pattern="^[a-z_]{1,40}$")]
KindName = Literal["found_person", "missing_report"] | None
Limit = Annotated[int, Query(ge=1, le=100)]


@router.post("/found-persons", status_code=201, response_model=CaseOut)
def register_found(
    body: NewFoundPerson, request: Request, actor: ActorDep, session: Writing, node: NodeDep, now: Now
) -> Any:
    """Register somebody in custody who is not yet home."""
    once = once_for(request, actor, body.model_dump(mode="json"), now=now)
    return once.answer(
        session, lambda: case_out(service.register_found(session, actor, body, now=now), actor, node=node)
    )


@router.post("/missing-reports", status_code=201, response_model=CaseOut)
def file_report(
    body: NewMissingReport, request: Request, actor: ActorDep, session: Writing, node: NodeDep, now: Now
) -> Any:
    """Report one or several missing persons; a report filed by the police is active at once."""
    once = once_for(request, actor, body.model_dump(mode="json"), now=now)
    return once.answer(session, lambda: case_out(service.file_report(session, actor, body, now=now), actor, node=node))


@router.get("/cases")
def list_cases(
    actor: ActorDep,
    session: Reading,
    node: NodeDep,
    state: StateName = None,
    kind: KindName = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[CaseOut]:
    """The cases you may see, newest first."""
    rows, following = service.list_cases(session, actor, state=state, kind=kind, cursor=cursor, limit=limit)
    return Page(items=[case_out(row, actor, node=node) for row in rows], next_cursor=following)


@router.get("/cases/{case_id}")
def show_case(case_id: str, actor: ActorDep, session: Reading, node: NodeDep) -> CaseOut:
    """One case."""
    return case_out(service.see_case(session, actor, case_id), actor, node=node)


@router.patch("/cases/{case_id}")
def edit_case(case_id: str, body: CaseChanges, actor: ActorDep, session: Writing, node: NodeDep, now: Now) -> CaseOut:
    """Change what is written about an own case."""
    return case_out(service.edit_case(session, actor, case_id, body, now=now), actor, node=node)


@router.post("/cases/{case_id}/events")
def cause_event(case_id: str, body: CaseEvent, actor: ActorDep, session: Writing, node: NodeDep, now: Now) -> CaseOut:
    """Let something happen to an own case; `possible_events` of the case says what can."""
    case = service.cause(session, actor, case_id, body.event, revision=body.revision, note=body.note, now=now)
    return case_out(case, actor, node=node)


@router.get("/cases/{case_id}/timeline")
def show_timeline(
    case_id: str, actor: ActorDep, session: Reading, after: Annotated[int, Query(ge=0)] = 0, limit: Limit = 100
) -> TimelineOut:
    """What happened to a case, oldest first."""
    return timeline.of_case(session, actor, case_id, after=after, limit=limit)


@router.get("/cases/{case_id}/photos")
def list_photos(
    case_id: str, actor: ActorDep, session: Reading, cursor: str | None = None, limit: Limit = 50
) -> Page[PhotoOut]:
    """The photographs of a case, newest first."""
    rows, following = photos.page_of_photos(session, actor, case_id, cursor=cursor, limit=limit)
    return Page(items=[photo_out(row) for row in rows], next_cursor=following)


@router.post("/cases/{case_id}/photos", status_code=202, response_model=PhotoOut)
def add_photo(
    case_id: str,
    request: Request,
    actor: ActorDep,
    node: NodeDep,
    now: Now,
    file: UploadFile,
    role: Annotated[PhotoRole, Form()],
    person_id: Annotated[str | None, Form()] = None,
    taken_on: Annotated[OptionalDate, Form()] = "",
    source: Annotated[OptionalLine, Form()] = "",
) -> Any:
    """Add a photograph; its faces are found a moment later. The picture is kept re-encoded and without metadata."""
    data = file.file.read(photos.limits_of(node.settings).max_bytes + 1)
    digest = hashlib.sha256(data).hexdigest()
    once = once_for(request, actor, digest, role, person_id, taken_on, source, now=now)
    with node.db.read() as session:
        photos.check_may_add(session, actor, case_id)
        stored = once.recall(session)
    if stored is not None:
        return stored
    prepared = photos.prepare(node, data)
    with node.db.write() as session:
        return once.answer(
            session,
            lambda: photo_out(
                photos.accept_photo(
                    session,
                    actor,
                    case_id,
                    prepared,
                    person_id=person_id or None,
                    role=role,
                    taken_on=taken_on,
                    source=source,
                    settings=node.settings,
                    now=now,
                )
            ),
        )


@router.get("/photos/{photo_id}")
def show_photo(photo_id: str, actor: ActorDep, session: Reading) -> PhotoOut:
    """What is written about a photograph; `state` says whether its faces were found."""
    return photo_out(photos.see_photo(session, actor, photo_id))


@router.get("/photos/{photo_id}/image", response_class=Response, responses=JPEG)
def show_picture(photo_id: str, reason: ViewReason, actor: ActorDep, node: NodeDep, now: Now) -> Response:
    """The photograph itself."""
    with node.db.write() as session:
        photo = photos.view_photo(session, actor, photo_id, reason=reason, now=now)
    return Response(photos.photo_picture(node, photo), media_type="image/jpeg", headers=NO_STORE)
