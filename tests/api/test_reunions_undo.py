"""Confirming sets other pairs aside; a confirmation can be taken back, and everything returns."""

import pytest

from api.cases import service as cases
from api.kit.node import Node
from api.kit.problems import NotFound, StaleRecord, WrongState
from api.reunions import verification
from api.search.models import MatchHypothesis
from tests.api import pairs
from tests.api.world import World


def undo(node: Node, world: World, pair: pairs.Pair, *, revision: int | None = None) -> None:
    """Take the confirmation back."""
    with node.db.write() as session:
        verification.undo_confirmation(
            session, world.verifier, pair.hypothesis, "the sample was swapped", revision=revision, now=node.clock()
        )


@pytest.mark.parametrize("state", ["proposed", "screened", "parked", "in_review", "supported", "discordant"])
def test_confirming_supersedes_siblings_and_undoing_restores_them(node: Node, world: World, state: str) -> None:
    pair = pairs.make_pair(node, world)
    sibling = pairs.add_sibling(node, world, pair, state=state)
    pairs.confirm(node, world, pair)
    assert pairs.state_of(node, sibling) == "superseded"
    undo(node, world, pair)
    assert pairs.state_of(node, sibling) == state


def test_ruled_out_sibling_stays_ruled_out(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    sibling = pairs.add_sibling(node, world, pair, state="ruled_out")
    pairs.confirm(node, world, pair)
    undo(node, world, pair)
    assert pairs.state_of(node, sibling) == "ruled_out"


def test_undoing_takes_cases_and_request_back(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.confirm(node, world, pair)
    undo(node, world, pair)
    assert pairs.state_of(node, pair) == "verifying"
    assert pairs.case_state(node, pair.found_case) == "identity_probable"
    assert pairs.case_state(node, pair.report) == "located_unverified"
    assert pairs.request_state(node, pair) == "verifying"


def test_proof_from_before_the_undoing_counts_no_more(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.confirm(node, world, pair)
    undo(node, world, pair)
    pairs.verify(node, world, pair, "video_call")
    assert pairs.state_of(node, pair) == "verifying"
    pairs.verify(node, world, pair, "document")
    assert pairs.state_of(node, pair) == "confirmed"


def test_undoing_reopens_a_report_that_ended_without_contact(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.confirm(node, world, pair)
    with node.db.write() as session:
        report = session.get_one(MatchHypothesis, pair.hypothesis).sought.case
        cases.advance(session, report, "locate_without_contact", by=None, now=node.clock())
    undo(node, world, pair)
    assert pairs.case_state(node, pair.report) == "reopened"


@pytest.mark.parametrize("state", ["supported", "verifying", "screened"])
def test_only_a_confirmation_is_undone(node: Node, world: World, state: str) -> None:
    pair = pairs.make_pair(node, world, state=state)
    with pytest.raises(WrongState):
        undo(node, world, pair)


def test_a_reunion_is_not_undone(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.confirm(node, world, pair)
    pairs.hand_over(node, world, pair)
    with pytest.raises(WrongState):
        undo(node, world, pair)


def test_stale_revision_is_refused(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.confirm(node, world, pair)
    with pytest.raises(StaleRecord):
        undo(node, world, pair, revision=1)
    assert pairs.state_of(node, pair) == "confirmed"


def test_unknown_pair_is_not_found(node: Node, world: World) -> None:
    pair = pairs.Pair("01ARZ3NDEKTSV4RRFFQ69G5FAV", "", "", "")
    with pytest.raises(NotFound):
        undo(node, world, pair)
