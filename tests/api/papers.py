"""Small builders of cases and photographs for tests of rooms; everything goes through the real services."""

from api.accounts.policy import Actor
from api.cases import photos, service
from api.cases.models import Case, FoundPerson, MissingReport, Photo
from api.cases.schemas import NewFoundPerson, NewMissingReport
from api.gallery import enrol
from api.gallery.matcher import Matcher
from api.kit.node import Node

FOUND = {"found_on": "2026-02-27", "found_place": "汽车南站", "person": {"sex": 1, "age_low": 40, "age_high": 55}}
REPORT = {
    "inquirer": "王芳",
    "contact": "13900000000",
    "category": "stranded",
    "separated_on": "2025-11",
    "persons": [{"name": "王强", "sex": 1, "birth_date": "1980-05"}],
}


def a_found_person(node: Node, actor: Actor, **said: object) -> FoundPerson:
    """Register somebody in custody."""
    with node.db.write() as session:
        return service.register_found(session, actor, NewFoundPerson.model_validate(FOUND | said), now=node.clock())


def a_report(node: Node, actor: Actor, **said: object) -> MissingReport:
    """File a report."""
    with node.db.write() as session:
        return service.file_report(session, actor, NewMissingReport.model_validate(REPORT | said), now=node.clock())


def in_state(node: Node, case: Case, state: str) -> Case:
    """Put a case into a state as if it had come there."""
    with node.db.write() as session:
        row = session.get_one(Case, case.id)
        row.state = state
        return row


def a_photo(
    node: Node, actor: Actor, case: Case, picture: bytes, *, role: str = "capture", taken_on: str = "", person: int = 0
) -> Photo:
    """Add a photograph of one of the case's persons."""
    prepared = photos.prepare(node, picture)
    with node.db.write() as session:
        return photos.accept_photo(
            session,
            actor,
            case.id,
            prepared,
            person_id=case.persons[person].id,
            role=role,
            taken_on=taken_on,
            source="",
            settings=node.settings,
            now=node.clock(),
        )


def enrolled(node: Node, matcher: Matcher, actor: Actor, picture: bytes, *, role: str = "capture") -> Photo:
    """Register a found person with one photograph and look for its faces."""
    photo = a_photo(node, actor, a_found_person(node, actor), picture, role=role)
    enrol.enrol_photo(node, matcher, photo.id, now=node.clock())
    with node.db.read() as session:
        return session.get_one(Photo, photo.id)
