"""Registering, filing, editing and moving cases. Never decides about a match and never looks at a picture."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.policy import Act, Actor, permit
from api.accounts.regions import check_region
from api.audit import service as audit
from api.cases import policy, states
from api.cases.models import Case, FoundPerson, MissingReport, Person
from api.cases.schemas import CaseChanges, NewFoundPerson, NewMissingReport, PersonChanges, PersonSaid
from api.jobs import queue
from api.kit import ids, paging
from api.kit.problems import InvalidInput, NotFound, StaleRecord, WrongState

ENDED = frozenset({"closed", "withdrawn", "duplicate", "handed_off"})
FILED_BY_POLICE = ("file", "verify", "activate")
EARLIEST_ZONE = timedelta(hours=14)  # it may already be tomorrow where the registrar sits


def register_found(session: Session, actor: Actor, new: NewFoundPerson, *, now: datetime) -> FoundPerson:
    """Take somebody in custody into the register. Raises NotPermitted, InvalidInput."""
    return register_many_found(session, actor, [new], now=now)[0]


def register_many_found(
    session: Session, actor: Actor, news: Sequence[NewFoundPerson], *, now: datetime
) -> list[FoundPerson]:
    """Take many people into the register, each with a case of their own. Raises NotPermitted, InvalidInput."""
    permit(actor, Act.REGISTER_FOUND)
    cases = [_found(actor, new, now=now) for new in news]
    session.add_all(cases)
    session.flush()
    for case in cases:
        audit.record(session, _deed("case-registered", case, by=actor, now=now), kind=case.kind, state=case.state)
    return cases


def file_report(session: Session, actor: Actor, new: NewMissingReport, *, now: datetime) -> MissingReport:
    """Write down who is missing; a report filed by the police is active at once. Raises NotPermitted, InvalidInput."""
    permit(actor, Act.FILE_REPORT)
    if new.category == "abducted" and not new.police_case_number:
        raise InvalidInput(field="police_case_number")
    check_past(now, separated_on=new.separated_on)
    events = FILED_BY_POLICE if actor.organisation_type == policy.POLICE else FILED_BY_POLICE[:1]
    case = MissingReport(
        **new.model_dump(exclude={"persons", "region"}),
        **_papers(actor, new.region, now=now),
        state=_after(states.MISSING_REPORT.initial, "missing_report", *events),
        resolution=None,
    )
    described_on = new.separated_on or now.date().isoformat()
    case.persons = [_person(said, kind="sought", described_on=described_on, now=now) for said in new.persons]
    session.add(case)
    session.flush()
    deed = _deed("case-registered", case, by=actor, now=now)
    audit.record(session, deed, kind=case.kind, state=case.state, persons=len(case.persons))
    return case


def list_cases(
    session: Session, actor: Actor, *, state: str | None, kind: str | None, cursor: str | None, limit: int
) -> tuple[list[Case], str | None]:
    """The cases the actor may see, newest first, and the next cursor. Raises NotPermitted, CursorInvalid."""
    permit(actor, Act.SEE_CASE)
    query = sa.select(Case).where(policy.visible_cases(actor))
    if state is not None:
        query = query.where(Case.state == state)
    if kind is not None:
        query = query.where(Case.kind == kind)
    return paging.cut_page(session, query, key=Case.id, cursor=cursor, limit=limit)


def see_case(session: Session, actor: Actor, case_id: str) -> Case:
    """One case. Raises NotPermitted, NotFound."""
    permit(actor, Act.SEE_CASE)
    return policy.get_visible_case(session, actor, case_id)


def edit_case(session: Session, actor: Actor, case_id: str, changes: CaseChanges, *, now: datetime) -> Case:
    """Put new words in place of old ones. Raises NotPermitted, NotFound, StaleRecord, WrongState, InvalidInput."""
    permit(actor, Act.EDIT_CASE)
    case = policy.get_own_case(session, actor, case_id)
    hold(session, case, revision=changes.revision)
    refuse_ended(case, event="edit")
    fields = changes.model_dump(exclude={"revision", "persons"}, exclude_none=True)
    policy.check_fields(case, set(fields))
    check_past(now, **{name: fields.get(name, "") for name in ("found_on", "separated_on")})
    for name, value in fields.items():
        setattr(case, name, value)
    if isinstance(case, MissingReport) and case.category == "abducted" and not case.police_case_number:
        raise InvalidInput(field="police_case_number")
    edited = sorted({*fields, *(name for each in changes.persons for name in _edit_person(case, each))})
    _touch(case, now=now)
    audit.record(session, _deed("case-edited", case, by=actor, now=now), fields=list(edited))
    queue.put(session, "gallery.reconcile", {"case_id": case.id}, now=now, case_id=case.id)
    return case


def cause(
    session: Session, actor: Actor, case_id: str, event: str, *, revision: int | None, note: str | None, now: datetime
) -> Case:
    """Let something happen to an own case by hand.

    Raises InvalidInput (an event that only follows from other acts), NotPermitted, NotFound, StaleRecord, WrongState.
    """
    policy.permit_event(actor, event)
    case = policy.get_own_case(session, actor, case_id)
    hold(session, case, revision=revision)
    if event not in states.MANUAL[case.kind]:
        raise WrongState(record=states.TABLES[case.kind].name, state=case.state, event=event)
    advance(session, case, event, by=actor, now=now, reason=note)
    return case


def close_case(session: Session, actor: Actor, case_id: str, *, revision: int | None, now: datetime) -> Case:
    """Put the papers away. Raises NotPermitted, NotFound, StaleRecord, WrongState."""
    permit(actor, Act.CLOSE_CASE)
    case = policy.get_visible_case(session, actor, case_id)
    hold(session, case, revision=revision)
    advance(session, case, "close", by=actor, now=now)
    return case


def advance(
    session: Session, case: Case, event: str, *, by: Actor | None, now: datetime, reason: str | None = None
) -> None:
    """Move a case and remember it; the gallery follows by a job where the case begins or ends to be searched for.

    Raises WrongState. Who may cause the event is the caller's question.
    """
    hold(session, case, revision=None)
    before, case.state = case.state, states.TABLES[case.kind].move(case.state, event)
    if isinstance(case, MissingReport):
        case.resolution = None if event == "reopen" else states.RESOLUTIONS.get(event, case.resolution)
    _touch(case, now=now)
    deed = _deed("case-moved", case, by=by, now=now, reason=reason)
    audit.record(session, deed, **{"from": before, "to": case.state, "event": event})
    searchable = states.SEARCHABLE[case.kind]
    if (before in searchable) != (case.state in searchable):
        queue.put(session, "gallery.reconcile", {"case_id": case.id}, now=now, case_id=case.id)


def advance_if(
    session: Session, case: Case, event: str, *, by: Actor | None, now: datetime, reason: str | None = None
) -> None:
    """Move a case where the event fits its state, and leave it alone where it does not."""
    hold(session, case, revision=None)
    if states.TABLES[case.kind].admits(case.state, event):
        advance(session, case, event, by=by, now=now, reason=reason)


def hold_many(session: Session, case_ids: Iterable[str]) -> None:
    """Lock cases until the transaction ends, in the order of their ids, so that nobody waits in a ring."""
    session.flush()
    query = sa.select(Case.id).where(Case.id.in_(set(case_ids))).order_by(Case.id)
    session.execute(query.with_for_update()).all()


def hold(session: Session, case: Case, *, revision: int | None) -> None:
    """Lock the case until the transaction ends and look at it as it is now. Raises StaleRecord."""
    session.flush()
    session.refresh(case, ["state", "revision"], with_for_update=True)
    if revision is not None and revision != case.revision:
        raise StaleRecord(expected=revision, actual=case.revision)


def refuse_ended(case: Case, *, event: str) -> None:
    """Raise WrongState for a case that has ended; it must be reopened first."""
    if case.state in ENDED:
        raise WrongState(record=states.TABLES[case.kind].name, state=case.state, event=event)


def check_past(now: datetime, **partial_dates: str) -> None:
    """Raise InvalidInput for a partial date that nowhere on earth has come yet."""
    today: date = (now + EARLIEST_ZONE).date()
    for field, value in partial_dates.items():
        if value > today.isoformat()[: len(value)]:
            raise InvalidInput(field=field, value=value)


def _found(actor: Actor, new: NewFoundPerson, *, now: datetime) -> FoundPerson:
    check_past(now, found_on=new.found_on)
    case = FoundPerson(
        **new.model_dump(exclude={"person", "region"}),
        **_papers(actor, new.region, now=now),
        state=_after(states.FOUND_PERSON.initial, "found_person", "register"),
    )
    case.persons = [_person(new.person, kind="found", described_on=now.date().isoformat(), now=now)]
    return case


def _papers(actor: Actor, region: str | None, *, now: datetime) -> dict[str, str | datetime]:
    return {
        "id": ids.new_id(now),
        "organisation_id": actor.organisation_id,
        "region": check_region(region or actor.organisation_region),
        "created_by": actor.user_id,
        "created_at": now,
        "updated_at": now,
    }


def _person(said: PersonSaid, *, kind: str, described_on: str, now: datetime) -> Person:
    fields = said.model_dump()
    if said.age_low is not None and not said.described_on:
        fields["described_on"] = described_on
    check_past(now, birth_date=said.birth_date, described_on=said.described_on)
    return Person(id=ids.new_id(now), kind=kind, **fields)


def _edit_person(case: Case, changes: PersonChanges) -> set[str]:
    person = next((each for each in case.persons if each.id == changes.id), None)
    if person is None:
        raise NotFound
    fields = changes.model_dump(exclude={"id"}, exclude_none=True)
    for name, value in fields.items():
        setattr(person, name, value)
    if (person.age_low or 0) > (person.age_high if person.age_high is not None else 130):
        raise InvalidInput(field="age_low")
    return set(fields)


def _after(state: str, kind: str, *events: str) -> str:
    for event in events:
        state = states.TABLES[kind].move(state, event)
    return state


def _touch(case: Case, *, now: datetime) -> None:
    case.revision += 1
    case.updated_at = now


def _deed(act: str, case: Case, *, by: Actor | None, now: datetime, reason: str | None = None) -> audit.Deed:
    return audit.Deed(
        act,
        "case",
        case.id,
        user_id=by.user_id if by else None,
        organisation_id=by.organisation_id if by else None,
        at=now,
        case_id=case.id,
        reason=reason,
    )
