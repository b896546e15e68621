"""Registering, filing, editing, seeing and closing cases."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import ValidationError

from api.accounts.policy import Actor, Grant, NotPermitted, Role
from api.audit import service as audit
from api.cases import policy, service
from api.cases.models import Case, MissingReport
from api.cases.schemas import CaseChanges, NewFoundPerson, NewMissingReport
from api.kit.node import Node
from api.kit.problems import InvalidInput, NotFound, StaleRecord, WrongState
from tests.api.papers import FOUND, REPORT, a_found_person, a_report, in_state
from tests.api.world import World


def edit(node: Node, actor: Actor, case: Case, **changes: object) -> Case:
    with node.db.write() as session:
        said = CaseChanges.model_validate({"revision": case.revision} | changes)
        return service.edit_case(session, actor, case.id, said, now=node.clock())


def test_found_person_is_registered_in_the_region_of_the_house(node: Node, world: World) -> None:
    case = a_found_person(node, world.registrar)
    assert (case.state, case.region, case.organisation_id) == (
        "registered",
        "330100",
        world.organisations["shelter"],
    )


def test_age_of_a_found_person_counts_from_the_day_of_registering(node: Node, world: World) -> None:
    assert a_found_person(node, world.registrar).persons[0].described_on == "2026-03-01"


def test_age_of_a_sought_person_counts_from_the_separation(node: Node, world: World) -> None:
    report = a_report(node, world.requester, persons=[{"age_low": 3, "age_high": 4}], separated_on="1995-07")
    assert report.persons[0].described_on == "1995-07"


def test_report_filed_by_the_police_is_active_at_once(node: Node, world: World) -> None:
    assert a_report(node, world.requester).state == "active"


def test_report_filed_by_others_waits_for_the_police(node: Node, world: World) -> None:
    shelter = _with_role(world.registrar, Role.REQUESTER)
    assert a_report(node, shelter).state == "filed"


def test_abduction_needs_a_police_case_number(node: Node, world: World) -> None:
    with pytest.raises(InvalidInput) as refusal:
        a_report(node, world.requester, category="abducted")
    assert refusal.value.facts["field"] == "police_case_number"


def test_several_persons_are_sought_by_one_report(node: Node, world: World) -> None:
    report = a_report(node, world.requester, persons=[{"name": "甲"}, {"name": "乙"}])
    assert [(person.name, person.kind) for person in report.persons] == [("甲", "sought"), ("乙", "sought")]


@pytest.mark.parametrize("count", [0, 21])
def test_report_is_about_one_to_twenty_persons(count: int) -> None:
    with pytest.raises(ValidationError):
        NewMissingReport.model_validate(REPORT | {"persons": [{}] * count})


@pytest.mark.parametrize("found_on", ["2026-13", "2026-02-30", "0000", "1700", "yesterday", ""])
def test_day_that_no_calendar_has_is_refused(found_on: str) -> None:
    with pytest.raises(ValidationError):
        NewFoundPerson.model_validate(FOUND | {"found_on": found_on})


@pytest.mark.parametrize("found_on", ["2026-03-05", "2026-04", "2027"])
def test_day_that_has_not_come_is_refused(node: Node, world: World, found_on: str) -> None:
    with pytest.raises(InvalidInput):
        a_found_person(node, world.registrar, found_on=found_on)


def test_tomorrow_is_today_further_east(node: Node, world: World) -> None:
    node.clock.advance(hours=9)  # type: ignore[attr-defined]
    assert a_found_person(node, world.registrar, found_on="2026-03-02").found_on == "2026-03-02"


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.REGISTRAR, Role.STATION_LEAD}))
def test_only_the_station_registers_found_persons(node: Node, world: World, role: Role) -> None:
    with pytest.raises(NotPermitted):
        a_found_person(node, _with_role(world.registrar, role))


def test_edit_changes_only_what_was_sent(node: Node, world: World) -> None:
    case = a_found_person(node, world.registrar, dialect="吴语")
    edited = edit(
        node, world.registrar, case, clothing="灰色外套", persons=[{"id": case.persons[0].id, "name": "老李"}]
    )
    assert (edited.clothing, edited.dialect, edited.persons[0].name, edited.persons[0].age_low, edited.revision) == (
        "灰色外套",
        "吴语",
        "老李",
        40,
        2,
    )


def test_edit_remembers_which_fields_but_not_what_they_said(node: Node, world: World) -> None:
    case = a_found_person(node, world.registrar)
    edit(node, world.registrar, case, clothing="灰色外套")
    with node.db.read() as session:
        entry = audit.entries_of_case(session, case.id)[-1]
    assert (entry.act, entry.facts) == ("case-edited", {"fields": ["clothing"]})


def test_edit_of_what_somebody_else_changed_is_refused(node: Node, world: World) -> None:
    case = a_found_person(node, world.registrar)
    edit(node, world.registrar, case, clothing="灰色外套")
    with pytest.raises(StaleRecord) as refusal:
        edit(node, world.lead, case, clothing="蓝色外套")
    assert refusal.value.facts == {"expected": 1, "actual": 2}


def test_field_of_the_other_kind_of_case_is_refused(node: Node, world: World) -> None:
    with pytest.raises(InvalidInput):
        edit(node, world.registrar, a_found_person(node, world.registrar), inquirer="王芳")


def test_person_of_another_case_cannot_be_edited(node: Node, world: World) -> None:
    mine, other = a_found_person(node, world.registrar), a_found_person(node, world.registrar)
    with pytest.raises(NotFound):
        edit(node, world.registrar, mine, persons=[{"id": other.persons[0].id, "name": "老李"}])


def test_case_that_has_ended_is_not_edited(node: Node, world: World) -> None:
    case = in_state(node, a_found_person(node, world.registrar), "closed")
    with pytest.raises(WrongState):
        edit(node, world.registrar, case, clothing="灰色外套")


def test_another_house_edits_nothing(node: Node, world: World) -> None:
    case = a_report(node, world.requester)
    with pytest.raises(NotFound):
        edit(node, world.requester2, case, cause="taken")


def test_resolution_is_kept_until_the_report_is_reopened(node: Node, world: World) -> None:
    report, resolutions = a_report(node, world.requester), []
    for event in ("find_otherwise", "reopen"):
        with node.db.write() as session:
            case = service.cause(session, world.requester, report.id, event, revision=None, note=None, now=node.clock())
            assert isinstance(case, MissingReport)
            resolutions.append(case.resolution)
    assert resolutions == ["found_otherwise", None]


def test_event_on_a_stale_revision_is_refused(node: Node, world: World) -> None:
    case = a_found_person(node, world.registrar)
    with pytest.raises(StaleRecord), node.db.write() as session:
        service.cause(session, world.registrar, case.id, "withdraw", revision=7, note=None, now=node.clock())


def test_note_of_an_event_is_the_reason_in_the_audit(node: Node, world: World) -> None:
    case = a_found_person(node, world.registrar)
    with node.db.write() as session:
        service.cause(session, world.registrar, case.id, "withdraw", revision=1, note="twice there", now=node.clock())
    with node.db.read() as session:
        entry = audit.entries_of_case(session, case.id)[-1]
    assert (entry.act, entry.reason, entry.facts["to"]) == ("case-moved", "twice there", "withdrawn")


@pytest.mark.parametrize(("actor", "closes"), [("lead", True), ("coordinator", True), ("registrar", False)])
def test_only_station_lead_and_coordinator_close(node: Node, world: World, actor: str, closes: bool) -> None:
    case = in_state(node, a_found_person(node, world.registrar), "followed_up")
    try:
        with node.db.write() as session:
            service.close_case(session, getattr(world, actor), case.id, revision=None, now=node.clock())
    except NotPermitted:
        assert not closes
    with node.db.read() as session:
        assert (session.get_one(Case, case.id).state == "closed") is closes


@pytest.mark.parametrize("state", ["home", "searching", "identity_confirmed"])
def test_somebody_at_home_is_followed_up_before_the_case_closes(node: Node, world: World, state: str) -> None:
    case = in_state(node, a_found_person(node, world.registrar), state)
    with pytest.raises(WrongState), node.db.write() as session:
        service.close_case(session, world.lead, case.id, revision=None, now=node.clock())


@pytest.mark.parametrize(("prefix", "sees"), [("", True), ("33", True), ("3301", True), ("3302", False), ("51", False)])
def test_coordinator_sees_the_cases_of_the_granted_region(node: Node, world: World, prefix: str, sees: bool) -> None:
    case = a_found_person(node, world.registrar)
    with node.db.read() as session:
        actor = _with_role(world.coordinator, Role.COORDINATOR, prefix=prefix)
        rows, _ = service.list_cases(session, actor, state=None, kind=None, cursor=None, limit=10)
    assert [row.id for row in rows] == ([case.id] if sees else [])


def test_list_shows_the_own_house_only_and_newest_first(node: Node, world: World) -> None:
    first, second = a_found_person(node, world.registrar), a_found_person(node, world.registrar)
    a_report(node, world.requester)
    with node.db.read() as session:
        rows, following = service.list_cases(
            session, world.registrar, state="registered", kind="found_person", cursor=None, limit=10
        )
    assert ({row.id for row in rows}, following) == ({first.id, second.id}, None)


@pytest.mark.parametrize("name", ["expert_a", "auditor", "administrator", "privacy_officer"])
def test_who_does_not_work_on_cases_sees_none(node: Node, world: World, name: str) -> None:
    case, actor = a_found_person(node, world.registrar), getattr(world, name)
    with node.db.read() as session:
        with pytest.raises(NotPermitted):
            service.see_case(session, actor, case.id)
        with pytest.raises(NotFound):
            policy.get_visible_case(session, actor, case.id)


def _with_role(actor: Actor, role: Role, *, prefix: str = "") -> Actor:
    words = {name: getattr(actor, name) for name in Actor.__dataclass_fields__ if name != "grants"}
    return Actor(**words, grants=(Grant(role, prefix),))


def test_of_two_edits_at_once_one_is_refused(node: Node, world: World) -> None:
    case = a_found_person(node, world.registrar)

    def try_edit(clothing: str) -> str:
        try:
            edit(node, world.registrar, case, clothing=clothing)
        except StaleRecord as refusal:
            return refusal.code
        return "done"

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(try_edit, ["红", "黄", "蓝", "黑"]))
    assert answers == ["done", "revision-stale", "revision-stale", "revision-stale"]
