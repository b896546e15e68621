"""Correcting what is written about a case. Never overwrites what somebody else changed meanwhile."""

from fastapi import APIRouter, Request, Response

from api.accounts.policy import Act, permit
from api.cases import service
from api.cases.models import Case
from api.cases.policy import get_own_case
from api.cases.schemas import CaseChanges
from api.kit.http import NodeDep, Now
from api.kit.problems import InvalidInput
from api.web import render
from api.web.forms import Form, FormDep, fill
from api.web.registering import FOUND, REPORT, SAID, said_of, wrong_fields
from api.web.session import ReaderDep

router = APIRouter(include_in_schema=False)
FIELDS = {"found_person": FOUND, "missing_report": REPORT}
FLAGS = {"found_person": "protect_location", "missing_report": "high_risk"}
FIXED = "legal_basis"
# The form has no field for these; what is not sent stays as it is.
UNASKED = {"found_person": {"described_on", "birth_date"}, "missing_report": {"described_on"}}


@router.get("/cases/{case_id}/edit")
def ask(request: Request, case_id: str, reader: ReaderDep, node: NodeDep) -> Response:
    permit(reader.actor, Act.EDIT_CASE)
    with node.db.read() as session:
        case = get_own_case(session, reader.actor, case_id)
    known = _known(case)
    return render.page(request, "edit.html", case=case, given=lambda name: known.get(name, ""), errors=set())


@router.post("/cases/{case_id}/edit")
def edit(request: Request, case_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, now: Now) -> Response:
    permit(reader.actor, Act.EDIT_CASE)
    with node.db.read() as session:
        case = get_own_case(session, reader.actor, case_id)
    try:
        changes = fill(CaseChanges, _changes(case, form))
        with node.db.write() as session:
            service.edit_case(session, reader.actor, case_id, changes, now=now)
    except InvalidInput as wrong:
        return render.page_as(422, request, "edit.html", case=case, given=form.text, errors=wrong_fields(wrong))
    return render.go(f"/cases/{case_id}")


def _changes(case: Case, form: Form) -> dict[str, object]:
    texts = {name: form.text(name) for name in FIELDS[case.kind] if name != FIXED}
    unasked = UNASKED[case.kind]
    persons = [
        {"id": person.id}
        | {name: said for name, said in said_of(form, f"persons.{place}").items() if name not in unasked}
        for place, person in enumerate(case.persons)
    ]
    flag = FLAGS[case.kind]
    return {**texts, flag: form.ticked(flag), "revision": form.number("revision"), "persons": persons}


def _known(case: Case) -> dict[str, str]:
    """What the form shows at first: the words as they stand."""
    known = {name: getattr(case, name) for name in (*FIELDS[case.kind], "revision")}
    known[FLAGS[case.kind]] = "1" if getattr(case, FLAGS[case.kind]) else ""
    for place, person in enumerate(case.persons):
        for name in (*SAID, "sex", "age_low", "age_high"):
            known[f"persons.{place}.{name}"] = getattr(person, name)
    return {name: "" if said is None else str(said) for name, said in known.items()}
