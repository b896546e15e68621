"""Taking somebody into the register, and writing down who is missing. Never keeps half a form: all of it or nothing."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from api.accounts.policy import Act, Actor, permit
from api.accounts.regions import PROVINCES
from api.cases import service
from api.cases.schemas import NewFoundPerson, NewMissingReport
from api.gallery.door import MatcherDep
from api.kit.http import NodeDep, Now
from api.kit.node import Node
from api.kit.problems import InvalidInput
from api.web import render, uploads
from api.web.forms import Done, Form, FormDep, fill
from api.web.session import ReaderDep

router = APIRouter(include_in_schema=False)
PERSONS_IN_FORM = 4
SAID = ("name", "birth_date", "described_on", "marks")
FOUND = ("legal_basis", "found_on", "found_place", "dialect", "communication", "clothing", "belongings")
REPORT = ("legal_basis", "inquirer", "relation", "contact", "police_case_number", "category", "separated_on",
          "separated_place", "cause")  # fmt: skip


@router.get("/cases/register")
def ask_found(request: Request, reader: ReaderDep, now: Now) -> Response:
    permit(reader.actor, Act.REGISTER_FOUND)
    return _ask(request, "register.html", reader.actor, now=now)


@router.post("/cases/register")
def register(
    request: Request, reader: ReaderDep, form: FormDep, node: NodeDep, matcher: MatcherDep, now: Now
) -> Response:
    permit(reader.actor, Act.REGISTER_FOUND)
    try:
        new = fill(NewFoundPerson, _found(form))
        pictures = uploads.let_in(node, form.files.get("photos", []), role="capture", taken_on=form.text("taken_on"))
        with node.db.write() as session:
            act = partial(_register, session, reader.actor, new, pictures, node=node, now=now)
            location, refused = form.act_once(session, reader.actor, act, now=now)
    except InvalidInput as wrong:
        return _ask(request, "register.html", reader.actor, now=now, form=form, wrong=wrong)
    uploads.examine(node, matcher, location.rsplit("/", 1)[1], now=now)
    return render.go(uploads.onward(node, location, refused))


@router.get("/cases/report")
def ask_report(request: Request, reader: ReaderDep, now: Now) -> Response:
    permit(reader.actor, Act.FILE_REPORT)
    return _ask(request, "report.html", reader.actor, now=now)


@router.post("/cases/report")
def report(
    request: Request, reader: ReaderDep, form: FormDep, node: NodeDep, matcher: MatcherDep, now: Now
) -> Response:
    permit(reader.actor, Act.FILE_REPORT)
    try:
        places = [place for place in range(PERSONS_IN_FORM) if place == 0 or _anything_said(form, place)]
        new = fill(NewMissingReport, _report(form, places))
        pictures = [_pictures_of(form, place, node=node) for place in places]
        with node.db.write() as session:
            act = partial(_file, session, reader.actor, new, pictures, node=node, now=now)
            location, refused = form.act_once(session, reader.actor, act, now=now)
    except InvalidInput as wrong:
        return _ask(request, "report.html", reader.actor, now=now, form=form, wrong=wrong)
    uploads.examine(node, matcher, location.rsplit("/", 1)[1], now=now)
    return render.go(uploads.onward(node, location, refused))


def _register(
    session: Session, actor: Actor, new: NewFoundPerson, pictures: uploads.LetIn, *, node: Node, now: datetime
) -> Done:
    case = service.register_found(session, actor, new, now=now)
    return f"/cases/{case.id}", uploads.add_all(session, actor, case.id, pictures, node=node, now=now)


def _file(
    session: Session, actor: Actor, new: NewMissingReport, pictures: list[uploads.LetIn], *, node: Node, now: datetime
) -> Done:
    case = service.file_report(session, actor, new, now=now)
    refused: list[str] = []
    for person, own in zip(case.persons, pictures, strict=True):
        refused += uploads.add_all(session, actor, case.id, own.of_person(person.id), node=node, now=now)
    return f"/cases/{case.id}", refused


def _pictures_of(form: Form, place: int, *, node: Node) -> uploads.LetIn:
    taken_on = form.text(f"taken_on.{place}")
    files = form.files.get(f"photos.{place}", [])
    return uploads.let_in(node, files, role="reference", taken_on=taken_on, source=form.text("inquirer")[:200])


def _ask(
    request: Request,
    template: str,
    actor: Actor,
    *,
    now: datetime,
    form: Form | None = None,
    wrong: InvalidInput | None = None,
) -> Response:
    given = form.text if form else _first_offered(now)
    facts = {
        "given": given,
        "errors": wrong_fields(wrong),
        "provinces": list(PROVINCES),
        "own_region": actor.organisation_region,
        "places": range(PERSONS_IN_FORM),
        "said": lambda place: form is not None and _anything_said(form, place),
    }
    return render.page_as(422 if wrong else 200, request, template, **facts)


def _first_offered(now: datetime) -> Callable[[str], str]:
    today = now.astimezone().date().isoformat()
    offered = {"found_on": today, "taken_on": today, "protect_location": "1"}
    return lambda name: offered.get(name, "")


def wrong_fields(wrong: InvalidInput | None) -> set[str]:
    """The form fields to mark; a complaint about a whole person is about the ages."""
    if wrong is None:
        return set()
    field = str(wrong.facts.get("field", "form"))
    return {field, f"{field}.age_low", f"{field}.0", f"person.{field}", f"persons.0.{field}"}


def _found(form: Form) -> Mapping[str, object]:
    texts = {name: form.text(name) for name in FOUND}
    return {**texts, "region": form.text("region") or None, "protect_location": form.ticked("protect_location"),
            "person": said_of(form, "person")}  # fmt: skip


def _report(form: Form, places: list[int]) -> Mapping[str, object]:
    texts = {name: form.text(name) for name in REPORT}
    return {**texts, "region": form.text("region") or None, "high_risk": form.ticked("high_risk"),
            "persons": [said_of(form, f"persons.{place}") for place in places]}  # fmt: skip


def said_of(form: Form, prefix: str) -> dict[str, object]:
    """What a form says about one person."""
    texts: dict[str, object] = {name: form.text(f"{prefix}.{name}") for name in SAID}
    low, high = form.number(f"{prefix}.age_low"), form.number(f"{prefix}.age_high")
    low, high = (high if low is None else low), (low if high is None else high)
    return {**texts, "sex": form.number(f"{prefix}.sex") or 0, "age_low": low, "age_high": high}


def _anything_said(form: Form, place: int) -> bool:
    names = (*SAID, "age_low", "age_high")
    return any(form.text(f"persons.{place}.{name}") for name in names) or bool(form.files.get(f"photos.{place}"))
