"""Making a search and showing what it found, and where it looked. Never says "nobody" for "we could not look"."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from api.accounts.policy import Act, Actor, permit
from api.accounts.regions import NATION
from api.cases import photos
from api.cases.models import Photo
from api.gallery import service as gallery
from api.gallery.door import MatcherDep
from api.gallery.models import Face
from api.kit.http import NodeDep, Now
from api.kit.node import Node
from api.kit.problems import InvalidInput
from api.requests.models import SearchRequest
from api.requests.policy import get_open_own_request
from api.search import hypotheses, service
from api.search.narrowing import Narrowing
from api.search.probe import ASKED_ROLES, ProbeFace, search_probe
from api.search.views import search_out
from api.web import render, uploads
from api.web.forms import Form, FormDep, fill
from api.web.session import ReaderDep

router = APIRouter(include_in_schema=False)
NARROWED = tuple(Narrowing.model_fields)


@router.get("/requests/{request_id}/search")
def ask(
    request: Request,
    request_id: str,
    reader: ReaderDep,
    node: NodeDep,
    face: str = "",
    refused: str = "",
    again: str = "",
) -> Response:
    permit(reader.actor, Act.SEARCH)
    known: dict[str, object] = {}
    if again:  # an earlier search, to be asked once more in another way
        with node.db.read() as session:
            run = service.get_run(session, reader.actor, again)
        known, face = {**run.narrowed, "reason": run.reason}, run.face_id
    told = {code: (title, todo) for code, title, todo in request.app.state.problem_help(reader.language)}
    return _ask(
        request,
        node,
        reader.actor,
        request_id,
        given=lambda name: known.get(name, ""),
        chosen=face,
        refused=told.get(refused),
    )


@router.post("/requests/{request_id}/search")
def search(
    request: Request,
    request_id: str,
    reader: ReaderDep,
    form: FormDep,
    node: NodeDep,
    matcher: MatcherDep,
    now: Now,
) -> Response:
    face_id, reason = form.text("face_id"), form.text("reason")
    if not face_id:
        raise InvalidInput(field="face_id")
    once = form.once(reader.actor, now=now)
    with node.db.read() as session:
        stored = once.recall(session)
    if stored is not None:
        return render.go(f"/searches/{stored['run_id']}")
    asked = (node, matcher, reader.actor, request_id, ProbeFace(face_id))
    try:
        run = search_probe(*asked, reason=reason, now=now, narrowing=_narrowing(form), once=once)
    except InvalidInput as wrong:
        wrong_field = str(wrong.facts.get("field"))
        return _ask(request, node, reader.actor, request_id, given=form.text, chosen=face_id, wrong=wrong_field)
    return render.go(f"/searches/{run.id}")


@router.post("/requests/{request_id}/probe")
def bring_probe(
    request_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, matcher: MatcherDep, now: Now
) -> Response:
    """A picture brought along is kept with the case first, so that the face in it can be chosen before it is asked."""
    permit(reader.actor, Act.SEARCH)
    if not form.files.get("photo"):
        raise InvalidInput(field="photo")
    with node.db.read() as session:
        case_id = get_open_own_request(session, reader.actor, request_id).case_id
    back = f"/requests/{request_id}/search"
    pictures = uploads.let_in(node, form.files["photo"][:1], role="probe", taken_on=form.text("taken_on"))
    if form.text("person_id"):
        pictures = pictures.of_person(form.text("person_id"))
    with node.db.write() as session:
        refused = uploads.add_all(session, reader.actor, case_id, pictures, node=node, now=now)
    if refused:
        return render.go(f"{back}?refused={refused[0]}")
    uploads.examine(node, matcher, case_id, now=now)
    with node.db.read() as session:
        return render.go(_after_probe(session, case_id, back))


@router.get("/searches/{run_id}")
def show_run(request: Request, run_id: str, reader: ReaderDep, node: NodeDep, now: Now) -> Response:
    with node.db.write() as session:
        run = service.get_run(session, reader.actor, run_id)
        hypotheses.record_seen(
            session, reader.actor, "search-run", run.id, case_id=run.case_id, reason=run.reason, now=now
        )
        found = search_out(run, reader.actor, now=now)
    return render.page(request, "search.html", run=found, nation=NATION)


def _ask(
    request: Request,
    node: Node,
    actor: Actor,
    request_id: str,
    *,
    given: Callable[[str], object],
    chosen: str,
    refused: tuple[str, str] | None = None,
    wrong: str = "",
) -> Response:
    with node.db.read() as session:
        row = get_open_own_request(session, actor, request_id)
        faces, unchosen = _askable(session, row)
    facts = {
        "chosen": chosen or (faces[0].id if faces else ""),
        "given": given,
        "narrowed": any(given(name) for name in NARROWED),
        "refused": refused,
        "errors": {wrong} - {""},
    }
    status = 422 if wrong else 200
    return render.page_as(
        status, request, "search_new.html", row=row, case=row.case, faces=faces, unchosen=unchosen, **facts
    )


def _narrowing(form: Form) -> Narrowing:
    numbers = {name: form.number(name) for name in ("sex", "age_from", "age_to")}
    return fill(Narrowing, {**numbers, "seen_from": form.text("seen_from"), "seen_to": form.text("seen_to")})


def _askable(session: Session, row: SearchRequest) -> tuple[list[Face], list[Photo]]:
    """The faces that can be asked for, newest first, and pictures in which the face must be chosen first."""
    faces = [face for person in row.case.persons for face in gallery.faces_of_person(session, person.id)]
    asked = [face for face in reversed(faces) if face.photo.role in ASKED_ROLES]
    pictures = photos.list_photos(session, row.case_id)
    return asked, [each for each in pictures if each.state == "needs_choice" and each.role in ASKED_ROLES]


def _after_probe(session: Session, case_id: str, back: str) -> str:
    newest = photos.list_photos(session, case_id)[-1]
    if newest.state == "needs_choice":
        return f"/photos/{newest.id}/faces?then={back}"
    if newest.state != "enrolled":
        return f"{back}?refused=no-face"
    chosen = next(face for face in gallery.faces_of_photo(session, newest.id) if face.chosen_by is not None)
    return f"{back}?face={chosen.id}"
