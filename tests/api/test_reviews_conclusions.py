"""Pure rules of concluding, and the property that one person or one score never makes a pair supported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kit.problems import WrongState
from api.reviews import conclusions
from api.reviews.conclusions import Outcome, Voice, conclude, settle
from api.search.states import HYPOTHESIS

HOME = frozenset({"shelter", "police"})
VOICES = st.builds(
    Voice,
    reviewer_id=st.sampled_from(["ann", "bo", "cy", "di"]),
    organisation_id=st.sampled_from(["shelter", "police", "experts"]),
    conclusion=st.integers(-3, 3),
)
SCORE = st.tuples(st.just("score"), st.floats(-10, 10))
VOICE = st.tuples(st.just("voice"), VOICES)
HANDS = st.tuples(st.just("event"), st.sampled_from(["screen", "park", "rule_out", "invite", "reopen", "supersede"]))


def voices(*conclusions: int, organisation: str = "experts") -> list[Voice]:
    return [Voice(f"reviewer-{number}", organisation, said) for number, said in enumerate(conclusions)]


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ((1, 1), Outcome.SUPPORT),
        ((3, 2), Outcome.SUPPORT),
        ((-1, -3), Outcome.REJECT),
        ((2, -2), Outcome.DISAGREE),
        ((2, 0), Outcome.DISAGREE),
        ((0, 0), Outcome.DISAGREE),
        ((0, -1), Outcome.DISAGREE),
    ],
)
def test_two_voices_come_to(said: tuple[int, int], outcome: Outcome) -> None:
    assert conclude(voices(*said), needed=2, homes=HOME) is outcome


def test_nobody_and_one_come_to_nothing() -> None:
    assert conclude([], needed=0, homes=HOME) is None
    assert conclude(voices(3), needed=1, homes=HOME) is None


def test_abducted_children_need_three() -> None:
    assert conclusions.needed("abducted") == 3
    assert {conclusions.needed(other) for other in ("stranded", "dementia", "disability", "other", "")} == {2}
    assert conclude(voices(3, 3), needed=3, homes=HOME) is None
    assert conclude(voices(3, 3, 1), needed=3, homes=HOME) is Outcome.SUPPORT


def test_two_from_home_come_to_nothing() -> None:
    assert conclude(voices(3, 3, organisation="police"), needed=2, homes=HOME) is None


@pytest.mark.parametrize("side", [("unsuitable", "suitable"), ("limited", "unsuitable")])
def test_unsuitable_picture_forces_zero(side: tuple[str, str]) -> None:
    assert conclusions.binding(3, suitabilities=side) == 0
    assert conclusions.binding(-3, suitabilities=side) == 0


def test_limited_picture_leaves_the_conclusion() -> None:
    assert conclusions.binding(2, suitabilities=("limited", "suitable")) == 2


@pytest.mark.parametrize(
    ("said", "adjudicator", "outcome"),
    [
        ((2, -1), 2, Outcome.SUPPORT),
        ((2, 0), 1, Outcome.SUPPORT),
        ((0, 0), 3, Outcome.REJECT),
        ((0, -1), 3, Outcome.REJECT),
        ((2, -1), 0, Outcome.REJECT),
        ((2, -1), -2, Outcome.REJECT),
    ],
)
def test_adjudicator_is_one_more_voice(said: tuple[int, int], adjudicator: int, outcome: Outcome) -> None:
    last = Voice("adjudicator", "experts", adjudicator)
    assert settle(voices(*said), last, needed=2, homes=HOME) is outcome


def test_adjudicator_who_reviewed_before_counts_once() -> None:
    assert settle(voices(3, -1), Voice("reviewer-0", "experts", 3), needed=2, homes=HOME) is Outcome.REJECT


@given(st.lists(VOICES, max_size=8), st.sampled_from([0, 1, 2, 3]))
def test_support_always_rests_on_two_people_one_of_them_from_outside(said: list[Voice], needed: int) -> None:
    if conclude(said, needed=needed, homes=HOME) is Outcome.SUPPORT:
        assert len({voice.reviewer_id for voice in said}) >= max(needed, 2)
        assert any(voice.organisation_id not in HOME for voice in said)
        assert min(voice.conclusion for voice in said) >= 1


@given(st.lists(VOICES, max_size=6), VOICES, st.sampled_from([2, 3]))
def test_settling_in_favour_always_rests_on_two_people(said: list[Voice], last: Voice, needed: int) -> None:
    if settle(said, last, needed=needed, homes=HOME) is Outcome.SUPPORT:
        in_favour = {voice.reviewer_id for voice in (*said, last) if voice.conclusion >= 1}
        assert len(in_favour) >= needed


@given(st.lists(st.one_of(SCORE, VOICE, HANDS), max_size=30), st.sampled_from(["ann", "bo", "cy", "di"]))
def test_no_run_of_scores_and_one_persons_reviews_yields_supported(steps: list[tuple[str, object]], who: str) -> None:
    state, heard = HYPOTHESIS.initial, []
    for kind, what in steps:
        if kind == "event":
            state = _after(state, str(what))
        elif isinstance(what, Voice) and what.reviewer_id == who and state == "in_review":
            heard.append(what)
            outcome = conclude(heard, needed=2, homes=HOME)
            state = HYPOTHESIS.move(state, outcome.value) if outcome else state
        assert state not in {"supported", "verifying", "confirmed", "reunited"}


def _after(state: str, event: str) -> str:
    try:
        return HYPOTHESIS.move(state, event)
    except WrongState:
        return state
