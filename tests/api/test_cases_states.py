"""The state tables of cases and photographs, walked through completely, and who may cause what."""

from contextlib import suppress

import pytest
import sqlalchemy as sa

from api.accounts.policy import Actor, Grant, NotPermitted, Role
from api.cases import service, states
from api.cases.models import Case
from api.jobs.models import Job
from api.kit.node import Node
from api.kit.problems import InvalidInput, WrongState
from tests.api.papers import a_found_person, a_report, in_state
from tests.api.world import World

# From each state where each event leads; what is not written does not happen.
FOUND_PERSON = {
    "draft": "register>registered withdraw>withdrawn mark_duplicate>duplicate",
    "registered": "search>searching support>identity_probable settle>settled withdraw>withdrawn"
    " mark_duplicate>duplicate hand_off>handed_off",
    "searching": "support>identity_probable settle>settled withdraw>withdrawn mark_duplicate>duplicate"
    " hand_off>handed_off",
    "identity_probable": "doubt>searching confirm>identity_confirmed",
    "identity_confirmed": "undo_confirmation>identity_probable plan_return>return_planned hand_over>home",
    "return_planned": "undo_confirmation>identity_probable hand_over>home",
    "home": "follow_up>followed_up reopen>reopened",
    "followed_up": "follow_up>followed_up close>closed reopen>reopened",
    "closed": "reopen>reopened",
    "settled": "support>identity_probable withdraw>withdrawn mark_duplicate>duplicate hand_off>handed_off",
    "withdrawn": "reopen>reopened",
    "duplicate": "reopen>reopened",
    "handed_off": "reopen>reopened",
    "reopened": "search>searching support>identity_probable settle>settled withdraw>withdrawn"
    " mark_duplicate>duplicate hand_off>handed_off",
}
ENDS = "find_otherwise>resolved find_false>resolved withdraw>resolved hand_off>resolved"
MISSING_REPORT = {
    "draft": "file>filed withdraw>resolved",
    "filed": f"verify>police_verified support>located_unverified {ENDS}",
    "police_verified": f"activate>active support>located_unverified {ENDS}",
    "active": f"support>located_unverified {ENDS}",
    "located_unverified": "doubt>active confirm>located",
    "located": "undo_confirmation>located_unverified reunite>resolved locate_without_contact>resolved",
    "resolved": "close>closed reopen>reopened",
    "closed": "reopen>reopened",
    "reopened": f"activate>active support>located_unverified {ENDS}",
}
PHOTO = {
    "received": "find_one>enrolled find_several>needs_choice find_none>no_face refuse>refused",
    "needs_choice": "choose>enrolled",
    "enrolled": "choose>enrolled",
    "no_face": "",
    "refused": "",
}
CASE_WORK = {Role.REGISTRAR, Role.STATION_LEAD, Role.REQUESTER}
BY_HAND = {
    "found_person": {
        "plan_return": {Role.LIAISON},
        "settle": CASE_WORK,
        "withdraw": CASE_WORK,
        "mark_duplicate": CASE_WORK,
        "hand_off": CASE_WORK,
        "reopen": CASE_WORK,
    },
    "missing_report": {
        "verify": {Role.REQUESTER},
        "activate": {Role.REQUESTER},
        "locate_without_contact": {Role.LIAISON},
        "find_otherwise": CASE_WORK,
        "find_false": CASE_WORK,
        "withdraw": CASE_WORK,
        "hand_off": CASE_WORK,
        "reopen": CASE_WORK,
    },
}


def moves_of(written: dict[str, str]) -> dict[tuple[str, str], str]:
    return {
        (state, step.split(">")[0]): step.split(">")[1] for state, steps in written.items() for step in steps.split()
    }


@pytest.mark.parametrize(
    ("table", "written"),
    [(states.FOUND_PERSON, FOUND_PERSON), (states.MISSING_REPORT, MISSING_REPORT), (states.PHOTO, PHOTO)],
    ids=["found-person", "missing-report", "photo"],
)
def test_every_state_answers_every_event_as_written(table: states.Transitions, written: dict[str, str]) -> None:
    expected, answers = moves_of(written), {}
    for state in table.states:
        for event in table.events:
            with suppress(WrongState):
                answers[state, event] = table.move(state, event)
    assert answers == expected


def test_refused_move_names_state_and_event() -> None:
    with pytest.raises(WrongState) as refusal:
        states.PHOTO.move("no_face", "choose")
    assert refusal.value.facts == {"record": "photo", "state": "no_face", "event": "choose"}


@pytest.mark.parametrize(("kind", "written"), [("found_person", FOUND_PERSON), ("missing_report", MISSING_REPORT)])
def test_a_case_moves_only_as_written(node: Node, world: World, kind: str, written: dict[str, str]) -> None:
    made = a_found_person(node, world.registrar) if kind == "found_person" else a_report(node, world.requester)
    expected, answers = moves_of(written), {}
    with node.db.write() as session:
        case = session.get_one(Case, made.id)
        for state in states.TABLES[kind].states:
            for event in states.TABLES[kind].events:
                case.state = state
                service.advance_if(session, case, event, by=None, now=node.clock())
                if case.state != state or (state, event) in expected:
                    answers[state, event] = case.state
    assert answers == expected


@pytest.mark.parametrize("kind", ["found_person", "missing_report"])
def test_every_manual_event_is_open_to_exactly_its_roles(node: Node, world: World, kind: str) -> None:
    police = world.requester
    made = a_report(node, police) if kind == "missing_report" else a_found_person(node, _as(police, Role.REGISTRAR))
    allowed: dict[str, set[Role]] = {event: set() for event in states.MANUAL[kind]}
    for event in states.MANUAL[kind]:
        state = next(state for state, possible in states.TABLES[kind].moves if possible == event)
        for role in Role:
            in_state(node, made, state)
            try:
                with node.db.write() as session:
                    service.cause(
                        session, _as(police, role), made.id, event, revision=None, note=None, now=node.clock()
                    )
            except NotPermitted:
                continue
            allowed[event].add(role)
    assert allowed == BY_HAND[kind]


@pytest.mark.parametrize("event", ["support", "confirm", "hand_over", "close", "reunite", "no_such_event"])
def test_what_follows_from_other_acts_is_never_caused_by_hand(node: Node, world: World, event: str) -> None:
    case = a_found_person(node, world.registrar)
    with pytest.raises(InvalidInput), node.db.write() as session:
        service.cause(session, world.registrar, case.id, event, revision=None, note=None, now=node.clock())


def test_event_of_the_other_kind_is_refused(node: Node, world: World) -> None:
    case = a_found_person(node, world.registrar)
    with pytest.raises(WrongState), node.db.write() as session:
        service.cause(session, world.registrar, case.id, "find_false", revision=None, note=None, now=node.clock())


def test_only_the_police_verifies_a_report(node: Node, world: World) -> None:
    shelter = _as(world.registrar, Role.REQUESTER)
    report = a_report(node, shelter)
    with pytest.raises(NotPermitted), node.db.write() as session:
        service.cause(session, shelter, report.id, "verify", revision=None, note=None, now=node.clock())


@pytest.mark.parametrize(
    ("state", "event", "asked"),
    [("registered", "withdraw", 1), ("withdrawn", "reopen", 1), ("registered", "settle", 0)],
)
def test_gallery_is_asked_to_follow_when_a_search_begins_or_ends(
    node: Node, world: World, state: str, event: str, asked: int
) -> None:
    case = in_state(node, a_found_person(node, world.registrar), state)
    with node.db.write() as session:
        service.cause(session, world.registrar, case.id, event, revision=None, note=None, now=node.clock())
    with node.db.read() as session:
        jobs = session.scalars(sa.select(Job).where(Job.name == "gallery.reconcile")).all()
    assert [job.payload for job in jobs] == [{"case_id": case.id}] * asked


def _as(actor: Actor, role: Role) -> Actor:
    return Actor(
        user_id=actor.user_id,
        name=actor.name,
        organisation_id=actor.organisation_id,
        organisation_type=actor.organisation_type,
        organisation_region=actor.organisation_region,
        language=actor.language,
        grants=(Grant(role, ""),),
    )
