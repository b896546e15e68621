"""Which requests somebody may see or search under, and what a request may be for. Knows no purpose against suspects.

A request of another organisation does not exist for anybody but the coordinators of its case's region.
"""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.policy import PERMITTED, Act, Actor, Role, permit
from api.accounts.regions import NATION, check_region
from api.cases.models import Case, MissingReport
from api.cases.states import SEARCHABLE
from api.kit.problems import InvalidInput, NotFound, Refusal
from api.requests.models import SearchRequest
from api.requests.states import OPEN


class RequestNotOpen(Refusal):
    """Nobody searches under this request now: it, or its case, is not open."""

    code = "request-not-open"


class Purpose(NamedTuple):
    """The kind of case it is for, and the only category of report it fits (empty: any)."""

    case_kind: str
    category: str


PURPOSES: dict[str, Purpose] = {
    "identify_found_person": Purpose("found_person", ""),
    "find_missing_person": Purpose("missing_report", ""),
    "find_abducted_child": Purpose("missing_report", "abducted"),
    "find_person_with_dementia": Purpose("missing_report", "dementia"),
}
COORDINATED = frozenset({"triage", "return_for_info"})


def check_purpose(case: Case, purpose: str) -> None:
    """Return when a request about this case may be for this purpose, else raise InvalidInput."""
    wanted = PURPOSES.get(purpose)
    category = case.category if isinstance(case, MissingReport) else ""
    if wanted is None or wanted.case_kind != case.kind or wanted.category not in {"", category}:
        raise InvalidInput(field="purpose", value=purpose)


def purpose_of(case: Case) -> str:
    """The most fitting purpose for a case: what a search nobody asked for is made for."""
    if not isinstance(case, MissingReport):
        return "identify_found_person"
    fitting = (name for name, purpose in PURPOSES.items() if purpose.category == case.category)
    return next(fitting, "find_missing_person")


def check_regions(prefixes: list[str]) -> list[str]:
    """The prefixes without repetition or trailing zeros; empty (everywhere) when the nation is among them."""
    codes = [check_region(prefix.ljust(6, "0")) for prefix in prefixes]
    if NATION in codes:
        return []
    return sorted({_shortest(prefix) for prefix in prefixes})


def visible_requests(actor: Actor) -> sa.ColumnElement[bool]:
    """The condition on SearchRequest that admits what the actor may see."""
    admitted: list[sa.ColumnElement[bool]] = []
    if actor.roles & (PERMITTED[Act.SEE_REQUEST] - {Role.COORDINATOR}):
        admitted.append(SearchRequest.organisation_id == actor.organisation_id)
    for grant in actor.grants:
        if grant.role == Role.COORDINATOR:
            admitted.append(SearchRequest.case.has(Case.region.startswith(grant.region_prefix, autoescape=True)))
    return sa.or_(sa.false(), *admitted)


def get_visible_request(session: Session, actor: Actor, request_id: str) -> SearchRequest:
    """A request the actor may see. Raises NotFound for every other one."""
    permit(actor, Act.SEE_REQUEST)
    return _get(session, request_id, visible_requests(actor))


def get_own_request(session: Session, actor: Actor, request_id: str) -> SearchRequest:
    """A request of the own organisation. Raises NotFound for every other one."""
    return _get(session, request_id, SearchRequest.organisation_id == actor.organisation_id)


def get_open_own_request(session: Session, actor: Actor, request_id: str) -> SearchRequest:
    """A request of the own organisation under which a search may be made now. Raises NotFound or RequestNotOpen."""
    request = get_own_request(session, actor, request_id)
    case = request.case
    if request.state not in OPEN or case.state not in SEARCHABLE[case.kind]:
        raise RequestNotOpen(state=request.state, case_state=case.state)
    return request


def _get(session: Session, request_id: str, admitted: sa.ColumnElement[bool]) -> SearchRequest:
    request = session.scalar(sa.select(SearchRequest).where(SearchRequest.id == request_id, admitted))
    if request is None:
        raise NotFound
    return request


def _shortest(prefix: str) -> str:
    while len(prefix) > 2 and prefix.endswith("00"):
        prefix = prefix[:-2]
    return prefix
