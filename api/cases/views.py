"""Cases and photographs as their reader may see them. Never shows a contact or a protected place to another house."""

from typing import Any

from api.accounts.policy import Actor
from api.cases import policy
from api.cases.models import Case, Photo
from api.cases.schemas import CaseOut, PersonOut, PhotoOut
from api.kit.ids import public_id
from api.kit.node import Node

COMMON = frozenset(Case.__table__.columns.keys())
CONTACTS = frozenset({"inquirer", "relation", "contact"})
PLACES = frozenset({"found_place"})


def case_out(case: Case, actor: Actor, *, node: Node) -> CaseOut:
    """A case for one reader, with the events that reader could cause now."""
    return CaseOut(
        **{name: getattr(case, name) for name in COMMON & CaseOut.model_fields.keys()},
        public_id=public_id(node.settings.node_domain, "case", case.id),
        organisation=case.organisation.name,
        persons=[PersonOut.model_validate(person, from_attributes=True) for person in case.persons],
        possible_events=policy.possible_events(actor, case),
        **_details(case, actor),
    )


def photo_out(photo: Photo) -> PhotoOut:
    """What is written about a photograph."""
    return PhotoOut.model_validate(photo, from_attributes=True)


def _details(case: Case, actor: Actor) -> dict[str, Any]:
    names = CaseOut.model_fields.keys() & set(type(case).__table__.columns.keys()) - COMMON
    return {name: getattr(case, name) for name in names - withheld(case, actor)}


def withheld(case: Case, actor: Actor) -> frozenset[str]:
    """The fields of a case that this reader does not get."""
    if policy.is_own(actor, case):
        return frozenset()
    protected = getattr(case, "protect_location", False)
    return CONTACTS | PLACES if protected else CONTACTS
