"""Who may be asked to compare two faces."""

import pytest

from api.accounts import service as accounts
from api.accounts.models import RoleGrant, User
from api.accounts.policy import NotPermitted, Role
from api.cases.models import Case
from api.kit import ids
from api.kit.node import Node
from api.kit.problems import NotFound, StaleRecord, WrongState
from api.requests.models import SearchRequest
from api.reviews import service as reviews
from api.reviews.policy import ReviewerNotEligible, SyntheticPicture
from tests.api import pairs
from tests.api.conftest import TestClock
from tests.api.world import World


def refused(node: Node, world: World, pair: pairs.Pair, who: str) -> str:
    """The reason for which `who` is not asked."""
    with pytest.raises(ReviewerNotEligible) as refusal:
        pairs.invite(node, world, pair, who)
    return str(refusal.value.facts["reason"])


def add_expert(node: Node, world: World, name: str, organisation: str) -> None:
    """One more expert, in an organisation of the world."""
    now = node.clock()
    grant = RoleGrant(id=ids.new_id(now), role="expert", region_prefix="", valid_from=now, valid_until=None)
    user = User(
        id=ids.new_id(now),
        organisation_id=world.organisations[organisation],
        login=name.replace("_", "."),
        name=name,
        password_hash="-",
        language="en",
        created_at=now,
        grants=[grant],
    )
    with node.db.write() as session:
        session.add(user)
        session.flush()
        session.refresh(user)
        world.actors[name] = accounts.actor_of(user, now=now)


def make_expert(node: Node, world: World, who: str) -> None:
    """Give somebody the role of an expert besides the own one."""
    now = node.clock()
    with node.db.write() as session:
        user = session.get_one(User, world.actors[who].user_id)
        user.grants.append(
            RoleGrant(id=ids.new_id(now), role=Role.EXPERT.value, region_prefix="", valid_from=now, valid_until=None)
        )


def test_invited_pair_is_in_review_and_so_is_its_request(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.invite(node, world, pair, "expert_a")
    assert pairs.state_of(node, pair) == "in_review"
    assert pairs.request_state(node, pair) == "in_review"


def test_same_reviewer_twice_is_refused(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.invite(node, world, pair, "expert_a")
    assert refused(node, world, pair, "expert_a") == "has-reviewed"


def test_requester_is_no_reviewer(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    make_expert(node, world, "requester")
    assert refused(node, world, pair, "requester") == "requester"


def test_who_raised_a_request_is_no_reviewer_even_from_elsewhere(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    with node.db.write() as session:
        session.get_one(SearchRequest, pair.request).raised_by = world.expert_a.user_id
    assert refused(node, world, pair, "expert_a") == "requester"


def test_who_wrote_the_case_is_no_reviewer(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    with node.db.write() as session:
        session.get_one(Case, pair.found_case).created_by = world.expert_a.user_id
    assert refused(node, world, pair, "expert_a") == "worked-on-the-case"


def test_who_added_a_photo_is_no_reviewer(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    with node.db.write() as session:
        report = session.get_one(Case, pair.report)
        pairs.add_face(node, session, report, by=world.expert_b.user_id, role="reference", shade=40)
    assert refused(node, world, pair, "expert_b") == "worked-on-the-case"


@pytest.mark.parametrize("who", ["lead", "coordinator"])
def test_who_could_see_the_score_is_no_reviewer(node: Node, world: World, who: str) -> None:
    pair = pairs.make_pair(node, world)
    make_expert(node, world, who)
    assert refused(node, world, pair, who) == "sees-the-score"


@pytest.mark.parametrize("who", ["adjudicator", "verifier", "nobody.of.this.name"])
def test_only_experts_are_asked(node: Node, world: World, who: str) -> None:
    assert refused(node, world, pairs.make_pair(node, world), who) == "not-an-expert"


def test_disabled_expert_is_not_asked(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    with node.db.write() as session:
        accounts.disable_user(session, "expert.a", by=None, now=node.clock())
    assert refused(node, world, pair, "expert_a") == "not-an-expert"


def test_two_from_the_requesters_organisation_are_refused(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    add_expert(node, world, "expert_police2", "police")
    pairs.invite(node, world, pair, "expert_police")
    assert refused(node, world, pair, "expert_police2") == "same-organisation"


def test_one_from_each_side_is_refused(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    add_expert(node, world, "expert_shelter", "shelter")
    pairs.invite(node, world, pair, "expert_shelter")
    assert refused(node, world, pair, "expert_police") == "same-organisation"


def test_one_from_the_requesters_organisation_and_one_from_outside_will_do(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.review(node, world, pair, expert_police=1, expert_a=1)
    assert pairs.state_of(node, pair) == "supported"


def test_third_reviewer_is_refused(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.invite(node, world, pair, "expert_a")
    pairs.invite(node, world, pair, "expert_b")
    assert refused(node, world, pair, "expert_c") == "enough-reviewers"


def test_overdue_reviewer_is_replaced(node: Node, world: World, clock: TestClock) -> None:
    pair = pairs.make_pair(node, world)
    pairs.invite(node, world, pair, "expert_a")
    clock.advance(days=node.settings.review_days, seconds=1)
    pairs.review(node, world, pair, expert_b=2, expert_c=2)
    assert pairs.state_of(node, pair) == "supported"


def test_synthetic_picture_is_never_reviewed(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world, photo_role="synthetic")
    with pytest.raises(SyntheticPicture):
        pairs.invite(node, world, pair, "expert_a")
    assert pairs.state_of(node, pair) == "screened"


@pytest.mark.parametrize("state", ["proposed", "parked", "supported", "confirmed", "ruled_out", "superseded"])
def test_pair_in_another_state_is_not_reviewed(node: Node, world: World, state: str) -> None:
    pair = pairs.make_pair(node, world, state=state)
    with pytest.raises(WrongState):
        pairs.invite(node, world, pair, "expert_a")


@pytest.mark.parametrize("who", ["requester", "lead", "expert_b"])
def test_only_coordinators_invite(node: Node, world: World, who: str) -> None:
    pair = pairs.make_pair(node, world)
    with node.db.write() as session, pytest.raises(NotPermitted):
        reviews.invite(
            session, world.actors[who], pair.hypothesis, "expert.a", settings=node.settings, now=node.clock()
        )


def test_stale_revision_is_refused(node: Node, world: World) -> None:
    pair, coordinator = pairs.make_pair(node, world), world.coordinator
    with node.db.write() as session, pytest.raises(StaleRecord) as stale:
        reviews.invite(
            session, coordinator, pair.hypothesis, "expert.a", revision=7, settings=node.settings, now=node.clock()
        )
    assert stale.value.facts == {"expected": 7, "actual": 1}


def test_coordinator_of_another_region_finds_nothing(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    with node.db.write() as session:
        user = session.get_one(User, world.coordinator.user_id)
        user.grants[0].region_prefix = "44"
        session.flush()
        elsewhere = accounts.actor_of(user, now=node.clock())
    with node.db.write() as session, pytest.raises(NotFound):
        reviews.invite(session, elsewhere, pair.hypothesis, "expert.a", settings=node.settings, now=node.clock())


def test_eligible_experts_are_those_who_could_be_invited(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.invite(node, world, pair, "expert_b")
    with node.db.read() as session:
        found = reviews.eligible_experts(session, world.coordinator, pair.hypothesis, now=node.clock())
    assert [expert.name for expert in found] == ["expert_a", "expert_c", "expert_police"]
