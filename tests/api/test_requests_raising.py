"""Who may ask the others about whom, for what, and who hears of it."""

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from api.accounts.policy import NotPermitted
from api.kit.node import Node
from api.kit.problems import InvalidInput, NotFound, WrongState
from api.notices.models import Notice
from api.requests.models import SearchRequest
from api.requests.policy import PURPOSES
from api.requests.schemas import NewRequest
from api.requests.service import raise_request
from tests.api.papers import a_found_person, a_report, in_state
from tests.api.searching import an_open_request
from tests.api.world import World

BODY = {"purpose": "find_missing_person", "reason": "his mother is ill"}


def test_raised_request_waits_for_the_coordinators_of_the_region(node: Node, world: World) -> None:
    request = an_open_request(node, world.requester, a_report(node, world.requester))
    with node.db.read() as session:
        told = session.scalars(sa.select(Notice.user_id).where(Notice.kind == "request-raised")).all()
    assert request.state == "submitted"
    assert told == [world.coordinator.user_id]


def test_request_of_a_shelter_is_told_to_its_station_lead(node: Node, world: World) -> None:
    an_open_request(node, world.registrar, a_found_person(node, world.registrar))
    with node.db.read() as session:
        told = set(session.scalars(sa.select(Notice.user_id).where(Notice.kind == "request-raised")))
    assert world.lead.user_id in told


def test_request_about_another_organisations_case_finds_no_such_case(node: Node, world: World) -> None:
    case = a_report(node, world.requester)
    with pytest.raises(NotFound):
        an_open_request(node, world.requester2, case)


def test_request_about_a_closed_case_is_refused_and_nothing_is_written(node: Node, world: World) -> None:
    case = in_state(node, a_report(node, world.requester), "closed")
    with pytest.raises(WrongState):
        an_open_request(node, world.requester, case)
    with node.db.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(SearchRequest)) == 0


@pytest.mark.parametrize("who", ["coordinator", "expert_a", "verifier", "liaison", "auditor", "administrator"])
def test_roles_without_cases_raise_no_request(node: Node, world: World, who: str) -> None:
    case = a_report(node, world.requester)
    with pytest.raises(NotPermitted):
        an_open_request(node, world.actors[who], case)


def test_no_purpose_is_for_suspects() -> None:
    assert set(PURPOSES) == {
        "identify_found_person",
        "find_missing_person",
        "find_abducted_child",
        "find_person_with_dementia",
    }


@pytest.mark.parametrize("purpose", ["identify_found_person", "find_abducted_child", "find_suspect", ""])
def test_purpose_that_does_not_fit_the_case_is_refused(node: Node, world: World, purpose: str) -> None:
    case = a_report(node, world.requester, category="stranded")
    with pytest.raises(InvalidInput) as refused:
        an_open_request(node, world.requester, case, purpose=purpose)
    assert refused.value.facts["field"] == "purpose"


def test_purpose_of_a_category_fits_its_reports(node: Node, world: World) -> None:
    case = a_report(node, world.requester, category="dementia")
    assert an_open_request(node, world.requester, case, purpose="find_person_with_dementia").state == "submitted"


def test_regions_are_kept_as_the_shortest_prefixes(node: Node, world: World) -> None:
    case = a_report(node, world.requester)
    request = an_open_request(node, world.requester, case, regions=["330000", "33", "440100", "441300"])
    assert request.regions == ["33", "4401", "4413"]


def test_the_nation_among_the_regions_means_everywhere(node: Node, world: World) -> None:
    case = a_report(node, world.requester)
    assert an_open_request(node, world.requester, case, regions=["33", "000000"]).regions == []


def test_unknown_region_is_refused(node: Node, world: World) -> None:
    case = a_report(node, world.requester)
    new = NewRequest.model_validate(BODY | {"regions": ["99"]})
    with pytest.raises(InvalidInput), node.db.write() as session:
        raise_request(session, world.requester, case.id, new, now=node.clock())


def test_repeated_key_answers_the_same_request(client: TestClient, node: Node, world: World) -> None:
    case = a_report(node, world.requester)
    headers = world.headers("requester") | {"idempotency-key": "k1"}
    first = client.post(f"/v1/cases/{case.id}/requests", json=BODY, headers=headers)
    again = client.post(f"/v1/cases/{case.id}/requests", json=BODY, headers=headers)
    other = client.post(f"/v1/cases/{case.id}/requests", json=BODY | {"urgency": "hours"}, headers=headers)
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert first.json() == again.json()
    assert other.json()["code"] == "idempotency-key-reused"


@pytest.mark.parametrize("missing", ["purpose", "reason"])
def test_request_without_purpose_or_reason_is_refused(
    client: TestClient, node: Node, world: World, missing: str
) -> None:
    case = a_report(node, world.requester)
    body = {name: value for name, value in BODY.items() if name != missing}
    answer = client.post(f"/v1/cases/{case.id}/requests", json=body, headers=world.headers("requester"))
    assert answer.status_code == 422
    assert answer.json()["facts"]["fields"] == [missing]
