"""The tables of hypotheses and requests: every state with every event, against a second, independent writing."""

import pytest

from api.kit.problems import WrongState
from api.kit.transitions import Transitions
from api.requests.states import MANUAL, OPEN, REQUEST
from api.search.states import HYPOTHESIS

HYPOTHESIS_MOVES = {
    "proposed": {"screen": "screened", "park": "parked", "rule_out": "ruled_out", "supersede": "superseded"},
    "screened": {"park": "parked", "rule_out": "ruled_out", "invite": "in_review", "supersede": "superseded"},
    "parked": {"screen": "screened", "rule_out": "ruled_out", "supersede": "superseded"},
    "reopened": {"screen": "screened", "park": "parked", "rule_out": "ruled_out", "supersede": "superseded"},
    "in_review": {
        "invite": "in_review",
        "support": "supported",
        "reject": "not_supported",
        "disagree": "discordant",
        "supersede": "superseded",
    },
    "discordant": {
        "adjudicate_support": "supported",
        "adjudicate_reject": "not_supported",
        "supersede": "superseded",
    },
    "supported": {"verify": "verifying", "refute": "not_supported", "supersede": "superseded"},
    "verifying": {
        "verify": "verifying",
        "confirm": "confirmed",
        "refute": "not_supported",
        "supersede": "superseded",
    },
    "not_supported": {"rule_out": "ruled_out", "reopen": "reopened", "supersede": "superseded"},
    "ruled_out": {"reopen": "reopened"},
    "confirmed": {"undo_confirmation": "verifying", "reunite": "reunited"},
    "superseded": {},
    "reunited": {},
}
REQUEST_MOVES = {
    "draft": {"submit": "submitted"},
    "returned_for_info": {"submit": "submitted"},
    "submitted": {
        "triage": "triaged",
        "return_for_info": "returned_for_info",
        "assign": "assigned",
        "close": "closed",
    },
    "triaged": {"return_for_info": "returned_for_info", "assign": "assigned", "close": "closed"},
    "assigned": {
        "assign": "assigned",
        "review": "in_review",
        "support": "lead",
        "disagree": "inconclusive",
        "reject": "no_candidate",
        "close": "closed",
    },
    "in_review": {
        "assign": "assigned",
        "support": "lead",
        "disagree": "inconclusive",
        "reject": "no_candidate",
        "close": "closed",
    },
    "inconclusive": {"assign": "assigned", "support": "lead", "reject": "no_candidate", "close": "closed"},
    "no_candidate": {"assign": "assigned", "support": "lead", "close": "closed"},
    "lead": {"assign": "assigned", "verify": "verifying", "close": "closed"},
    "verifying": {"doubt": "assigned", "confirm": "resolved"},
    "resolved": {"undo_confirmation": "verifying", "close": "closed"},
    "closed": {},
}
TABLES = [(HYPOTHESIS, HYPOTHESIS_MOVES), (REQUEST, REQUEST_MOVES)]
EVERY = [
    pytest.param(table, state, event, moves[state].get(event), id=f"{table.name}-{state}-{event}")
    for table, moves in TABLES
    for state in moves
    for event in sorted(table.events)
]


@pytest.mark.parametrize(("table", "state", "event", "following"), EVERY)
def test_every_event_in_every_state(table: Transitions, state: str, event: str, following: str | None) -> None:
    if following is None:
        with pytest.raises(WrongState) as refused:
            table.move(state, event)
        assert refused.value.facts == {"record": table.name, "state": state, "event": event}
    else:
        assert table.move(state, event) == following


@pytest.mark.parametrize(("table", "moves"), TABLES)
def test_tables_know_no_state_beyond_these(table: Transitions, moves: dict[str, dict[str, str]]) -> None:
    assert table.states == set(moves)
    assert table.events == {event for row in moves.values() for event in row}


@pytest.mark.parametrize(("table", "moves"), TABLES)
def test_every_state_can_be_reached(table: Transitions, moves: dict[str, dict[str, str]]) -> None:
    assert _reachable(table, frozenset()) == set(moves)


def test_support_comes_from_reviews_alone() -> None:
    causes = {event for (_, event), following in HYPOTHESIS.moves.items() if following == "supported"}
    assert causes == {"support", "adjudicate_support"}


def test_nothing_is_confirmed_or_reunited_past_the_reviews() -> None:
    without_reviews = _reachable(HYPOTHESIS, frozenset({"support", "adjudicate_support"}))
    assert without_reviews.isdisjoint({"supported", "verifying", "confirmed", "reunited"})


def test_nothing_is_confirmed_without_a_verification() -> None:
    assert "confirmed" not in _reachable(HYPOTHESIS, frozenset({"verify"}))


def test_no_event_is_named_after_a_score() -> None:
    words = {word for table, _ in TABLES for event in table.events for word in event.split("_")}
    assert words.isdisjoint({"score", "likelihood", "band", "rank", "hit", "match", "similar"})


def test_requests_are_open_exactly_where_work_goes_on() -> None:
    assert set(REQUEST_MOVES) - OPEN == {"draft", "returned_for_info", "resolved", "closed"}


def test_people_cause_only_events_of_the_table() -> None:
    assert REQUEST.events >= MANUAL


def _reachable(table: Transitions, forbidden: frozenset[str]) -> set[str]:
    reached, waiting = {table.initial}, [table.initial]
    while waiting:
        state = waiting.pop()
        for (start, event), following in table.moves.items():
            if start == state and event not in forbidden and following not in reached:
                reached.add(following)
                waiting.append(following)
    return reached
