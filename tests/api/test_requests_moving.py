"""How requests move by hand, and who may see them."""

from dataclasses import replace

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from api.accounts.policy import Actor, Grant, NotPermitted, Role
from api.audit.service import entries_of_case
from api.kit.node import Node
from api.kit.problems import InvalidInput, NotFound, Refusal, StaleRecord, WrongState
from api.notices.models import Notice
from api.requests import service
from api.requests.models import SearchRequest
from api.requests.states import MANUAL, REQUEST
from tests.api.papers import a_report
from tests.api.searching import an_open_request
from tests.api.world import World

COORDINATED = {"triage", "return_for_info"}


def cause(node: Node, actor: Actor, request_id: str, event: str, *, revision: int | None = None) -> SearchRequest:
    with node.db.write() as session:
        return service.cause(session, actor, request_id, event, revision=revision, note="", now=node.clock())


def outcome(node: Node, actor: Actor, request: SearchRequest, event: str, *, state: str) -> str | type[Refusal]:
    """What `event` does to a request in `state`: the state after, or the refusal."""
    with node.db.write() as session:
        session.get_one(SearchRequest, request.id).state = state
    try:
        return cause(node, actor, request.id, event).state
    except Refusal as refused:
        return type(refused)


def test_every_event_by_hand_does_in_every_state_what_the_table_says(node: Node, world: World) -> None:
    request = an_open_request(node, world.requester, a_report(node, world.requester))
    for state in sorted(REQUEST.states):
        for event in sorted(MANUAL):
            actor = world.coordinator if event in COORDINATED else world.requester
            expected = REQUEST.moves.get((state, event), WrongState)
            assert outcome(node, actor, request, event, state=state) == expected, (state, event)


def test_only_coordinators_triage_and_only_case_workers_submit_or_close(node: Node, world: World) -> None:
    request = an_open_request(node, world.requester, a_report(node, world.requester))
    for who, actor in world.actors.items():
        for event in sorted(MANUAL):
            allowed = Role.COORDINATOR if event in COORDINATED else Role.REQUESTER
            refusal = outcome(node, actor, request, event, state="submitted")
            own = actor.organisation_id == request.organisation_id
            may = allowed in actor.roles and (own or event in COORDINATED)
            assert (refusal not in {NotPermitted, NotFound}) == may, (who, event)


@pytest.mark.parametrize("event", [*sorted(REQUEST.events - MANUAL), "fly"])
def test_events_that_follow_from_other_acts_are_not_caused_by_hand(node: Node, world: World, event: str) -> None:
    request = an_open_request(node, world.requester, a_report(node, world.requester))
    with pytest.raises(InvalidInput):
        cause(node, world.requester, request.id, event)


def test_stale_revision_is_refused(node: Node, world: World) -> None:
    request = an_open_request(node, world.requester, a_report(node, world.requester))
    cause(node, world.coordinator, request.id, "triage", revision=1)
    with pytest.raises(StaleRecord) as refused:
        cause(node, world.coordinator, request.id, "return_for_info", revision=1)
    assert refused.value.facts == {"expected": 1, "actual": 2}


def test_coordinator_of_another_province_finds_no_such_request(node: Node, world: World) -> None:
    request = an_open_request(node, world.requester, a_report(node, world.requester))
    elsewhere = replace(world.coordinator, grants=(Grant(Role.COORDINATOR, "44"),))
    with pytest.raises(NotFound):
        cause(node, elsewhere, request.id, "triage")


def test_returned_request_is_told_to_whom_raised_it(node: Node, world: World) -> None:
    request = an_open_request(node, world.requester, a_report(node, world.requester))
    cause(node, world.coordinator, request.id, "return_for_info")
    with node.db.read() as session:
        told = session.scalars(sa.select(Notice.user_id).where(Notice.kind == "request-returned")).all()
    assert told == [world.requester.user_id]


def test_every_move_stands_on_the_timeline_of_its_case(node: Node, world: World) -> None:
    request = an_open_request(node, world.requester, a_report(node, world.requester))
    cause(node, world.coordinator, request.id, "triage")
    with node.db.read() as session:
        entries = [entry for entry in entries_of_case(session, request.case_id) if entry.record_id == request.id]
    assert [entry.act for entry in entries] == ["request-raised", "request-moved"]
    assert entries[1].facts == {"from": "submitted", "to": "triaged", "event": "triage"}


def test_request_of_another_organisation_answers_like_one_that_does_not_exist(
    client: TestClient, node: Node, world: World
) -> None:
    request = an_open_request(node, world.requester, a_report(node, world.requester))
    for who in ("requester2", "registrar"):
        there = client.get(f"/v1/requests/{request.id}", headers=world.headers(who))
        nowhere = client.get("/v1/requests/01ARZ3NDEKTSV4RRFFQ69G5FAV", headers=world.headers(who))
        assert there.status_code == nowhere.status_code == 404
        assert there.json() == nowhere.json()


def test_list_shows_own_requests_in_pages_and_nobody_elses(client: TestClient, node: Node, world: World) -> None:
    case = a_report(node, world.requester)
    own = [an_open_request(node, world.requester, case).id for _ in range(3)]
    an_open_request(node, world.requester2, a_report(node, world.requester2))
    page = client.get("/v1/requests?limit=2", headers=world.headers("requester")).json()
    rest = client.get(f"/v1/requests?limit=2&cursor={page['next_cursor']}", headers=world.headers("requester")).json()
    assert [item["id"] for item in page["items"] + rest["items"]] == sorted(own, reverse=True)
    assert rest["next_cursor"] is None
