"""How pairs move by hand and by the rooms above, and that confirming one sets the others aside and can be undone."""

import pytest

from api.accounts.policy import Actor, NotPermitted
from api.audit.service import entries_of_case
from api.kit.node import Node
from api.kit.problems import InvalidInput, NotFound, Refusal, StaleRecord, WrongState
from api.search import hypotheses
from api.search.models import MatchHypothesis
from api.search.states import HYPOTHESIS
from tests.api.pairs import Pair, add_sibling, make_pair, state_of
from tests.api.world import World

EVENTS = {"screen": "screen", "park": "park", "rule_out": "rule_out", "lift_exclusion": "reopen"}
WORKERS = {"registrar", "lead", "requester"}
MAY = {
    "screen": WORKERS | {"coordinator"},
    "park": WORKERS | {"coordinator"},
    "rule_out": WORKERS,
    "lift_exclusion": WORKERS,
}
BLIND = {"expert_a", "expert_b", "expert_c", "expert_police", "adjudicator", "privacy_officer", "auditor"}


def cause(node: Node, actor: Actor, pair: Pair, verb: str, *, revision: int | None = None) -> MatchHypothesis:
    more = {"settings": node.settings} if verb == "rule_out" else {}
    said = [] if verb == "screen" else ["looked at both"]
    act = getattr(hypotheses, verb)
    with node.db.write() as session:
        return act(session, actor, pair.hypothesis, *said, revision=revision, now=node.clock(), **more)


def outcome(node: Node, actor: Actor, pair: Pair, verb: str, *, state: str) -> str | type[Refusal]:
    """What an act does to a pair in `state`: the state after, or the refusal."""
    with node.db.write() as session:
        session.get_one(MatchHypothesis, pair.hypothesis).state = state
    try:
        return cause(node, actor, pair, verb).state
    except Refusal as refused:
        return type(refused)


def move(node: Node, world: World, hypothesis_id: str, event: str) -> None:
    with node.db.write() as session:
        row = session.get_one(MatchHypothesis, hypothesis_id)
        hypotheses.move(session, row, event, by=world.coordinator, now=node.clock())


def siblings(node: Node, world: World, pair: Pair, verb: str) -> None:
    with node.db.write() as session:
        row = session.get_one(MatchHypothesis, pair.hypothesis)
        getattr(hypotheses, f"{verb}_siblings")(session, row, by=world.verifier, now=node.clock())


def test_every_act_by_hand_does_in_every_state_what_the_table_says(node: Node, world: World) -> None:
    pair = make_pair(node, world)
    for state in sorted(HYPOTHESIS.states):
        for verb, event in EVENTS.items():
            expected = HYPOTHESIS.moves.get((state, event), WrongState)
            assert outcome(node, world.requester, pair, verb, state=state) == expected, (state, verb)


def test_only_case_workers_and_coordinators_screen_and_only_case_workers_rule_out(node: Node, world: World) -> None:
    pair = make_pair(node, world)
    for who, actor in world.actors.items():
        for verb, event in EVENTS.items():
            state = "ruled_out" if event == "reopen" else "proposed"
            may = outcome(node, actor, pair, verb, state=state) not in {NotPermitted, NotFound}
            assert may == (who in MAY[verb]), (who, verb)


@pytest.mark.parametrize("who", sorted(BLIND))
def test_who_must_stay_blind_sees_no_pair(node: Node, world: World, who: str) -> None:
    pair = make_pair(node, world)
    with pytest.raises(NotPermitted), node.db.read() as session:
        hypotheses.get_visible(session, world.actors[who], pair.hypothesis)


def test_pair_of_two_other_organisations_is_not_found(node: Node, world: World) -> None:
    pair = make_pair(node, world)
    with pytest.raises(NotFound), node.db.read() as session:
        hypotheses.get_visible(session, world.requester2, pair.hypothesis)


def test_stale_revision_of_a_pair_is_refused(node: Node, world: World) -> None:
    pair = make_pair(node, world, state="proposed")
    cause(node, world.requester, pair, "screen", revision=1)
    with pytest.raises(StaleRecord):
        cause(node, world.requester, pair, "park", revision=1)
    assert state_of(node, pair) == "screened"


def test_reopening_needs_a_reason(node: Node, world: World) -> None:
    pair = make_pair(node, world, state="ruled_out")
    with pytest.raises(InvalidInput), node.db.write() as session:
        hypotheses.lift_exclusion(session, world.requester, pair.hypothesis, "", revision=None, now=node.clock())
    assert state_of(node, pair) == "ruled_out"


def test_every_move_stands_on_the_timelines_of_both_cases(node: Node, world: World) -> None:
    pair = make_pair(node, world, state="proposed")
    cause(node, world.requester, pair, "screen")
    for case_id in (pair.found_case, pair.report):
        with node.db.read() as session:
            entry = entries_of_case(session, case_id)[-1]
        assert (entry.act, entry.facts["to"]) == ("hypothesis-moved", "screened")


@pytest.mark.parametrize("state", ["proposed", "parked", "in_review", "supported", "discordant", "not_supported"])
def test_confirming_a_pair_supersedes_its_siblings_and_can_be_undone(node: Node, world: World, state: str) -> None:
    pair = make_pair(node, world, state="confirmed")
    sibling = add_sibling(node, world, pair, state=state)
    siblings(node, world, pair, "supersede")
    assert state_of(node, sibling) == "superseded"
    move(node, world, pair.hypothesis, "undo_confirmation")
    siblings(node, world, pair, "restore")
    assert state_of(node, sibling) == state


def test_ruled_out_sibling_stays_ruled_out(node: Node, world: World) -> None:
    pair = make_pair(node, world, state="confirmed")
    sibling = add_sibling(node, world, pair, state="ruled_out")
    siblings(node, world, pair, "supersede")
    siblings(node, world, pair, "restore")
    assert state_of(node, sibling) == "ruled_out"


def test_sibling_that_another_confirmed_pair_sets_aside_stays_aside(node: Node, world: World) -> None:
    pair = make_pair(node, world, state="confirmed")
    sibling = add_sibling(node, world, pair, state="screened")
    siblings(node, world, pair, "supersede")
    add_sibling(node, world, pair, state="confirmed")
    move(node, world, pair.hypothesis, "undo_confirmation")
    siblings(node, world, pair, "restore")
    assert state_of(node, sibling) == "superseded"
