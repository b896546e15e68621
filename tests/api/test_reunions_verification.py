"""From supported to confirmed, and what a check that does not match undoes."""

import pytest

from api.accounts.policy import NotPermitted
from api.cases.schemas import PersonSaid
from api.kit.node import Node
from api.kit.problems import NotFound, StaleRecord, WrongState
from api.reunions import verification
from api.reunions.policy import ReviewsMissing, VerifierNotEligible
from api.reunions.schemas import NewVerification
from api.reviews.models import Review
from api.search.models import MatchHypothesis
from tests.api import pairs
from tests.api.world import World


def supported(node: Node, world: World, **how: object) -> pairs.Pair:
    """A pair that two experts support."""
    pair = pairs.make_pair(node, world, **how)
    pairs.review(node, world, pair, expert_a=2, expert_b=2)
    return pair


def needed(node: Node, pair: pairs.Pair) -> str | None:
    """What is still missing."""
    with node.db.read() as session:
        return verification.still_needed(session, session.get_one(MatchHypothesis, pair.hypothesis))


def test_household_register_confirms_an_adult(node: Node, world: World) -> None:
    pair = supported(node, world)
    pairs.verify(node, world, pair, "household")
    assert pairs.state_of(node, pair) == "confirmed"
    assert pairs.case_state(node, pair.found_case) == "identity_confirmed"
    assert pairs.case_state(node, pair.report) == "located"
    assert pairs.request_state(node, pair) == "resolved"


def test_video_call_alone_confirms_nobody(node: Node, world: World) -> None:
    pair = supported(node, world)
    pairs.verify(node, world, pair, "video_call")
    assert pairs.state_of(node, pair) == "verifying"
    assert pairs.request_state(node, pair) == "verifying"
    assert needed(node, pair) == "not-a-face"


@pytest.mark.parametrize(
    "how",
    [
        {"sought": pairs.CHILD},
        {"gap": 5.5},
        {"sought": PersonSaid(name="x")},
        {"category": "abducted"},
    ],
    ids=["child", "long gap", "age unknown", "abducted"],
)
def test_only_dna_confirms(node: Node, world: World, how: dict[str, object]) -> None:
    pair = pairs.make_pair(node, world, **how)
    experts = {"expert_a": 2, "expert_b": 2, "expert_c": 2} if "category" in how else {"expert_a": 2, "expert_b": 2}
    pairs.review(node, world, pair, **experts)
    for kind in ("household", "document", "fingerprint", "family_interview"):
        pairs.verify(node, world, pair, kind)
    assert pairs.state_of(node, pair) == "verifying"
    assert needed(node, pair) == "dna"
    pairs.verify(node, world, pair, "dna")
    assert pairs.state_of(node, pair) == "confirmed"


def test_inconclusive_check_confirms_nobody(node: Node, world: World) -> None:
    pair = supported(node, world)
    pairs.verify(node, world, pair, "household", result="inconclusive")
    assert pairs.state_of(node, pair) == "verifying"


def test_check_that_does_not_match_sends_everybody_back_to_searching(node: Node, world: World) -> None:
    pair = supported(node, world)
    pairs.verify(node, world, pair, "dna", result="does_not_match")
    assert pairs.state_of(node, pair) == "not_supported"
    assert pairs.case_state(node, pair.found_case) == "searching"
    assert pairs.case_state(node, pair.report) == "active"
    assert pairs.request_state(node, pair) == "assigned"


def test_case_stays_probable_while_another_pair_is(node: Node, world: World) -> None:
    pair = supported(node, world)
    pairs.add_sibling(node, world, pair, state="supported")
    pairs.verify(node, world, pair, "dna", result="does_not_match")
    assert pairs.case_state(node, pair.report) == "located_unverified"
    assert pairs.case_state(node, pair.found_case) == "searching"


def test_proof_from_before_a_mismatch_counts_no_more(node: Node, world: World) -> None:
    pair = supported(node, world, sought=pairs.CHILD)
    pairs.verify(node, world, pair, "household")
    pairs.verify(node, world, pair, "document", result="does_not_match")
    with node.db.read() as session:
        hypothesis = session.get_one(MatchHypothesis, pair.hypothesis)
        assert all(row.voided_at is not None for row in verification.list_verifications(session, hypothesis))


@pytest.mark.parametrize("state", ["proposed", "screened", "in_review", "discordant", "not_supported", "ruled_out"])
def test_nothing_is_verified_before_it_is_supported(node: Node, world: World, state: str) -> None:
    pair = pairs.make_pair(node, world, state=state)
    with pytest.raises(WrongState):
        pairs.verify(node, world, pair, "dna")


def test_pair_without_two_named_reviews_is_never_confirmed(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world, state="supported")
    with pytest.raises(ReviewsMissing):
        pairs.verify(node, world, pair, "dna")
    assert pairs.state_of(node, pair) == "supported"


def test_verifier_who_reviewed_the_pair_is_refused(node: Node, world: World) -> None:
    pair = supported(node, world)
    with node.db.write() as session:
        row = session.query(Review).filter_by(reviewer_id=world.expert_a.user_id).one()
        row.reviewer_id = world.verifier.user_id
    with pytest.raises(VerifierNotEligible):
        pairs.verify(node, world, pair, "household")


@pytest.mark.parametrize("who", ["requester", "coordinator", "expert_c", "liaison"])
def test_only_verifiers_verify(node: Node, world: World, who: str) -> None:
    pair = supported(node, world)
    with pytest.raises(NotPermitted):
        pairs.verify(node, world, pair, "household", who=who)


def test_verifier_of_another_organisation_finds_nothing(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world, state="supported")
    elsewhere = world.verifier.__class__(**{**vars(world.verifier), "organisation_id": world.organisations["police2"]})
    new = NewVerification(kind="dna", result="matches", authority="x")
    with node.db.write() as session, pytest.raises(NotFound):
        verification.record_verification(session, elsewhere, pair.hypothesis, new, now=node.clock())


def test_stale_revision_is_refused(node: Node, world: World) -> None:
    pair = supported(node, world)
    new = NewVerification(kind="dna", result="matches", authority="x", revision=1)
    with node.db.write() as session, pytest.raises(StaleRecord):
        verification.record_verification(session, world.verifier, pair.hypothesis, new, now=node.clock())


def test_report_of_two_persons_is_not_resolved_by_the_first(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world, more=[PersonSaid(name="sister", birth_date="1985")])
    pairs.confirm(node, world, pair)
    assert pairs.request_state(node, pair) == "verifying"
    pairs.hand_over(node, world, pair)
    assert pairs.case_state(node, pair.report) == "located"
