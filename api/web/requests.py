"""Search requests: asking the others, taking a request up or sending it back, and what its searches found."""

from collections.abc import Collection
from datetime import datetime
from functools import partial

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from api.accounts.policy import Act, Actor, Role, permit
from api.accounts.regions import PROVINCES
from api.cases.models import Case, MissingReport
from api.cases.policy import get_own_case
from api.kit.http import NodeDep, Now
from api.kit.node import Node
from api.kit.problems import InvalidInput
from api.requests import policy, service
from api.requests.models import SearchRequest
from api.requests.schemas import NewRequest
from api.requests.states import OPEN, REQUEST
from api.search import hypotheses
from api.search import service as searches
from api.search.views import hypothesis_out
from api.web import render
from api.web.forms import Done, Form, FormDep, fill
from api.web.registering import wrong_fields
from api.web.session import Reader, ReaderDep

router = APIRouter(include_in_schema=False)
A_PAGE = 30


@router.get("/requests")
def list_requests(
    request: Request, reader: ReaderDep, node: NodeDep, state: str = "", cursor: str | None = None
) -> Response:
    with node.db.read() as session:
        rows, following = service.list_requests(session, reader.actor, state=state or None, cursor=cursor, limit=A_PAGE)
    return render.page(request, "requests.html", requests=rows, following=following, state=state)


@router.get("/cases/{case_id}/request")
def ask(request: Request, case_id: str, reader: ReaderDep, node: NodeDep) -> Response:
    permit(reader.actor, Act.RAISE_REQUEST)
    return _ask(request, reader, node, case_id)


@router.post("/cases/{case_id}/request")
def raise_request(
    request: Request, case_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, now: Now
) -> Response:
    try:
        wanted = {name: form.text(name) for name in ("purpose", "reason", "urgency")}
        new = fill(NewRequest, wanted | {"regions": form.texts("regions")})
        with node.db.write() as session:
            act = partial(_raise, session, reader.actor, case_id, new, now=now)
            return render.go(form.act_once(session, reader.actor, act, now=now)[0])
    except InvalidInput as wrong:
        return _ask(request, reader, node, case_id, form=form, errors=wrong_fields(wrong))


@router.get("/requests/{request_id}")
def show_request(request: Request, request_id: str, reader: ReaderDep, node: NodeDep, now: Now) -> Response:
    actor = reader.actor
    with node.db.write() as session:
        row = policy.get_visible_request(session, actor, request_id)
        runs = searches.runs_of_request(session, actor, row.id)
        pairs = searches.candidates_of_request(session, actor, row.id)
        if pairs:
            hypotheses.record_seen(session, actor, "request", row.id, case_id=row.case_id, reason=row.reason, now=now)
    own = row.organisation_id == actor.organisation_id
    facts = {
        "events": _possible_events(actor, row, own=own),
        "may_search": own and actor.may(Act.SEARCH) and row.state in OPEN,
        "pairs": [hypothesis_out(pair, actor, now=now) for pair in pairs],
        "side": "sought" if row.case.kind == "found_person" else "found",
    }
    return render.page(request, "request.html", row=row, case=row.case, runs=runs, **facts)


@router.post("/requests/{request_id}/events")
def cause(request_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, now: Now) -> Response:
    event, note, revision = form.text("event"), form.text("note"), form.number("revision")
    with node.db.write() as session:
        service.cause(session, reader.actor, request_id, event, revision=revision, note=note, now=now)
    return render.go(f"/requests/{request_id}")


def _raise(session: Session, actor: Actor, case_id: str, new: NewRequest, *, now: datetime) -> Done:
    return f"/requests/{service.raise_request(session, actor, case_id, new, now=now).id}", []


def _ask(
    request: Request,
    reader: Reader,
    node: Node,
    case_id: str,
    *,
    form: Form | None = None,
    errors: Collection[str] = (),
) -> Response:
    with node.db.read() as session:
        case = get_own_case(session, reader.actor, case_id)
    facts = {
        "purposes": _purposes(case),
        "given": form.text if form else lambda _name: "",
        "chosen": form.texts("regions") if form else [],
        "provinces": list(PROVINCES),
        "errors": errors,
    }
    return render.page_as(422 if errors else 200, request, "request_new.html", case=case, **facts)


def _purposes(case: Case) -> list[str]:
    """The purposes a request about this case may have, the most fitting first."""
    best = policy.purpose_of(case)
    category = case.category if isinstance(case, MissingReport) else ""
    fitting = [
        name
        for name, purpose in policy.PURPOSES.items()
        if purpose.case_kind == case.kind and purpose.category in {"", category}
    ]
    return sorted(fitting, key=lambda name: name != best)


def _possible_events(actor: Actor, row: SearchRequest, *, own: bool) -> list[str]:
    covers = actor.covers(Role.COORDINATOR, row.case.region)
    may = {
        "triage": covers,
        "return_for_info": covers,
        "submit": own and actor.may(Act.RAISE_REQUEST),
        "close": own and actor.may(Act.RAISE_REQUEST),
    }
    return [event for event, allowed in may.items() if allowed and REQUEST.admits(row.state, event)]
