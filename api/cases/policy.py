"""Which cases and photographs somebody may see or change. A record that is out of reach does not exist: NotFound."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.policy import PERMITTED, Act, Actor, NotPermitted, Role
from api.cases import states
from api.cases.models import Case, FoundPerson, MissingReport, Photo
from api.kit.problems import InvalidInput, NotFound

POLICE = "police"
EVENT_ACTS: dict[str, Act] = {
    "verify": Act.VERIFY_REPORT,
    "activate": Act.VERIFY_REPORT,
    "plan_return": Act.HAND_OVER,
    "locate_without_contact": Act.HAND_OVER,
    "settle": Act.EDIT_CASE,
    "withdraw": Act.EDIT_CASE,
    "mark_duplicate": Act.EDIT_CASE,
    "hand_off": Act.EDIT_CASE,
    "find_otherwise": Act.EDIT_CASE,
    "find_false": Act.EDIT_CASE,
    "reopen": Act.EDIT_CASE,
}


def visible_cases(actor: Actor) -> sa.ColumnElement[bool]:
    """The condition on Case that admits what the actor may see: the own organisation's, and a coordinator's regions."""
    admitted: list[sa.ColumnElement[bool]] = []
    if actor.roles & (PERMITTED[Act.SEE_CASE] - {Role.COORDINATOR}):
        admitted.append(Case.organisation_id == actor.organisation_id)
    for grant in actor.grants:
        if grant.role == Role.COORDINATOR:
            admitted.append(Case.region.startswith(grant.region_prefix, autoescape=True))
    return sa.or_(sa.false(), *admitted)


def get_visible_case(session: Session, actor: Actor, case_id: str) -> Case:
    """A case the actor may see. Raises NotFound for every other one."""
    case = session.scalar(sa.select(Case).where(Case.id == case_id, visible_cases(actor)))
    if case is None:
        raise NotFound
    return case


def get_own_case(session: Session, actor: Actor, case_id: str) -> Case:
    """A case of the actor's own organisation. Raises NotFound for every other one."""
    case = session.scalar(sa.select(Case).where(Case.id == case_id, Case.organisation_id == actor.organisation_id))
    if case is None:
        raise NotFound
    return case


def get_visible_photo(session: Session, actor: Actor, photo_id: str) -> Photo:
    """A photograph of a case the actor may see. Raises NotFound for every other one."""
    return _photo(session, photo_id, visible_cases(actor))


def get_own_photo(session: Session, actor: Actor, photo_id: str) -> Photo:
    """A photograph of the own organisation's case. Raises NotFound for every other one."""
    return _photo(session, photo_id, Case.organisation_id == actor.organisation_id)


def is_own(actor: Actor, case: Case) -> bool:
    """Whether the case belongs to the actor's organisation: only then are contacts and protected places shown."""
    return case.organisation_id == actor.organisation_id


def permit_event(actor: Actor, event: str) -> None:
    """Return when the actor may cause this event at all. Raises InvalidInput for an event nobody causes by hand."""
    act = EVENT_ACTS.get(event)
    if act is None:
        raise InvalidInput(field="event", value=event)
    if not _may_cause(actor, event):
        raise NotPermitted(act=act.value)


def possible_events(actor: Actor, case: Case) -> list[str]:
    """The events the actor could cause now, in the order of the table."""
    if not is_own(actor, case):
        return []
    table, manual = states.TABLES[case.kind], states.MANUAL[case.kind]
    fitting = [event for event in EVENT_ACTS if event in manual and table.admits(case.state, event)]
    return [event for event in fitting if _may_cause(actor, event)]


def check_fields(case: Case, fields: set[str]) -> None:
    """Raise InvalidInput for a field that the other kind of case has."""
    kind = FoundPerson if case.kind == "found_person" else MissingReport
    foreign = sorted(fields - set(kind.__table__.columns.keys()))
    if foreign:
        raise InvalidInput(field=foreign[0])


def _may_cause(actor: Actor, event: str) -> bool:
    act = EVENT_ACTS[event]
    return actor.may(act) and (act is not Act.VERIFY_REPORT or actor.organisation_type == POLICE)


def _photo(session: Session, photo_id: str, admitted: sa.ColumnElement[bool]) -> Photo:
    query = sa.select(Photo).join(Case, Photo.case_id == Case.id).where(Photo.id == photo_id, admitted)
    photo = session.scalar(query)
    if photo is None:
        raise NotFound
    return photo
