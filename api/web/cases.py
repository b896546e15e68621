"""The list of cases and the page of one: persons, pictures, candidates, what happened, and what comes next."""

from fastapi import APIRouter, Request, Response

from api.cases import photos, service
from api.cases.states import TABLES
from api.gallery.door import MatcherDep
from api.kit.http import NodeDep, Now
from api.kit.problems import InvalidInput
from api.reunions import service as reunions
from api.reunions.schemas import FollowUpReport
from api.web import case_view, render, uploads
from api.web.forms import FormDep, fill
from api.web.session import ReaderDep

router = APIRouter(include_in_schema=False)
A_PAGE = 30


@router.get("/cases")
def list_cases(
    request: Request, reader: ReaderDep, node: NodeDep, kind: str = "", state: str = "", cursor: str | None = None
) -> Response:
    with node.db.read() as session:
        rows, following = service.list_cases(
            session, reader.actor, state=state or None, kind=kind or None, cursor=cursor, limit=A_PAGE
        )
    facts = {"cases": rows, "following": following, "kind": kind, "state": state, "kinds": list(TABLES)}
    return render.page(request, "cases.html", **facts)


@router.get("/cases/{case_id}")
def show_case(
    request: Request, case_id: str, reader: ReaderDep, node: NodeDep, now: Now, left_out: str = ""
) -> Response:
    with node.db.read() as session:
        view = case_view.read(session, node, reader.actor, case_id, now=now)
    told = {code: title for code, title, _ in request.app.state.problem_help(reader.language)}
    refused = [told[code] for code in left_out.split(",") if code in told]
    return render.page(request, "case.html", view=view, case=view.case, refused=refused)


@router.post("/cases/{case_id}/photos")
def add_photos(
    case_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, matcher: MatcherDep, now: Now
) -> Response:
    with node.db.read() as session:
        photos.check_may_add(session, reader.actor, case_id)
    if not form.files.get("photos"):
        raise InvalidInput(field="photos")
    said = {name: form.text(name) for name in ("role", "taken_on", "source")}
    pictures = uploads.let_in(node, form.files["photos"], **said)
    if form.text("person_id"):
        pictures = pictures.of_person(form.text("person_id"))
    with node.db.write() as session:
        refused = uploads.add_all(session, reader.actor, case_id, pictures, node=node, now=now)
    uploads.examine(node, matcher, case_id, now=now)
    return render.go(uploads.onward(node, f"/cases/{case_id}", refused))


@router.post("/cases/{case_id}/events")
def cause(case_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, now: Now) -> Response:
    event, note = form.text("event"), form.text("note") or None
    with node.db.write() as session:
        service.cause(session, reader.actor, case_id, event, revision=form.number("revision"), note=note, now=now)
    return render.go(f"/cases/{case_id}")


@router.post("/cases/{case_id}/close")
def close(case_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, now: Now) -> Response:
    with node.db.write() as session:
        reunions.close(session, reader.actor, case_id, revision=form.number("revision"), now=now)
    return render.go(f"/cases/{case_id}")


@router.post("/cases/{case_id}/follow-up")
def follow_up(case_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, now: Now) -> Response:
    report = fill(FollowUpReport, {"outcome": form.text("outcome"), "note": form.text("note")})
    with node.db.write() as session:
        reunions.record_follow_up(session, reader.actor, form.text("follow_up_id"), report, now=now)
    return render.go(f"/cases/{case_id}")
