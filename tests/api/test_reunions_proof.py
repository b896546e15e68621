"""How much proof confirms an identity: pure rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.reunions.policy import NOT_A_FACE, Circumstances, still_needed, why_dna
from api.reunions.schemas import KINDS

ADULT = Circumstances("stranded", 40, 1.0)
ALL_KINDS = st.frozensets(st.sampled_from(sorted(KINDS)))
ANY = st.builds(
    Circumstances,
    category=st.sampled_from(["stranded", "dementia", "abducted", "other"]),
    age_at_separation=st.none() | st.integers(0, 100),
    gap_years=st.none() | st.floats(0, 60),
)


@pytest.mark.parametrize("kind", sorted(NOT_A_FACE))
def test_one_check_that_is_not_a_face_suffices_for_an_adult(kind: str) -> None:
    assert still_needed([kind], ADULT) is None


def test_video_call_alone_is_a_face() -> None:
    assert still_needed(["video_call"], ADULT) == "not-a-face"
    assert still_needed(["video_call", "household"], ADULT) is None


def test_nothing_is_confirmed_by_nothing() -> None:
    assert still_needed([], ADULT) == "not-a-face"


@pytest.mark.parametrize(
    ("circumstances", "reason"),
    [
        (Circumstances("stranded", 17, 1.0), "child"),
        (Circumstances("abducted", 40, 1.0), "abducted"),
        (Circumstances("stranded", 40, 5.1), "age-gap"),
        (Circumstances("stranded", None, 1.0), "age-unknown"),
        (Circumstances("stranded", 40, None), "age-gap-unknown"),
    ],
)
def test_dna_is_asked_for(circumstances: Circumstances, reason: str) -> None:
    assert why_dna(circumstances) == (reason,)
    assert still_needed(sorted(set(KINDS) - {"dna"}), circumstances) == "dna"
    assert still_needed(["dna"], circumstances) is None


def test_dna_is_not_asked_for_at_the_border() -> None:
    assert why_dna(Circumstances("stranded", 18, 5.0)) == ()


@given(ALL_KINDS, ANY)
def test_a_face_alone_never_suffices(kinds: frozenset[str], circumstances: Circumstances) -> None:
    if still_needed(kinds, circumstances) is None:
        assert kinds & NOT_A_FACE


@given(ALL_KINDS, ANY)
def test_more_proof_never_asks_for_more(kinds: frozenset[str], circumstances: Circumstances) -> None:
    if still_needed(kinds, circumstances) is None:
        assert still_needed(kinds | {"document"}, circumstances) is None
