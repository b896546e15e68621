"""Numbers in words: two significant digits, never a bare score, and nobody found is not could not look."""

import pytest

from api.kit.i18n import translator
from api.search.models import Candidate, SearchRun
from api.search.words import coverage_out, likelihood_out, rounded
from facematch.bands import BANDS, REASONS

ENGLISH, CHINESE = translator("en"), translator("zh_Hans")


def a_candidate(**worth: object) -> Candidate:
    plain = {
        "log10_lr": 2.4771,
        "log10_lr_low": 1.9542,
        "log10_lr_high": 3.0043,
        "band": "moderately-strong",
        "uncalibrated_because": None,
        "age_gap_years": 1.4567,
        "expected_strangers": 0.0213,
    }
    return Candidate(**(plain | worth))


def a_run(*, persons: int, candidates: int = 0, regions: tuple[str, ...] = ("000000",)) -> SearchRun:
    return SearchRun(
        gallery_persons=persons,
        gallery_revision=7,
        contract="c",
        calibration="k",
        regions_asked=list(regions),
        regions_answered=list(regions),
        regions_failed=[],
        candidates=[Candidate(rank=rank) for rank in range(1, candidates + 1)],
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1.0"), (12.4, "12"), (304.9, "300"), (1049, "1,000"), (99.6, "100"), (123456, "120,000"), (0.0312, "0.031")],
)
def test_numbers_are_rounded_to_two_digits(value: float, text: str) -> None:
    assert rounded(value) == text


def test_ratio_is_told_with_its_interval() -> None:
    out = likelihood_out(a_candidate(), gallery_persons=1200, translate=ENGLISH)
    assert out.ratio == "about 300 (90 to 1,000)"
    assert out.sentence == BANDS["moderately-strong"]
    assert (out.age_gap_years, out.gallery_persons) == (1.5, 1200)


@pytest.mark.parametrize(("log10_lr", "text"), [(3.58, "at least 3,800"), (-2.57, "at most 0.0027")])
def test_ratio_at_the_end_of_the_data_is_told_as_a_bound(log10_lr: float, text: str) -> None:
    row = a_candidate(log10_lr=log10_lr, log10_lr_low=log10_lr, log10_lr_high=log10_lr)
    assert likelihood_out(row, gallery_persons=10, translate=ENGLISH).ratio == text


def test_outside_the_calibration_no_ratio_is_told_but_why() -> None:
    blank = {"log10_lr": None, "log10_lr_low": None, "log10_lr_high": None}
    row = a_candidate(**blank, band="not-calibrated", uncalibrated_because="infant")
    out = likelihood_out(row, gallery_persons=10, translate=ENGLISH)
    assert (out.ratio, out.strangers) == (None, None)
    assert out.uncalibrated == REASONS["infant"]


@pytest.mark.parametrize(
    ("expected", "words"),
    [(2.34, "about 2.3 other people"), (0.0213, "one of 47 such searches"), (1e-7, "fewer than one of 1,000")],
)
def test_strangers_to_expect_are_counted_in_words(expected: float, words: str) -> None:
    out = likelihood_out(a_candidate(expected_strangers=expected), gallery_persons=10, translate=ENGLISH)
    assert words in (out.strangers or "")


def test_nobody_found_says_how_many_were_compared_and_where() -> None:
    out = coverage_out(a_run(persons=1234, regions=("33", "4401")), language="en", translate=ENGLISH)
    assert out.outcome == "nobody"
    assert out.sentence.startswith("Persons compared in Zhejiang, Guangdong 440100: 1,234. Nobody")


def test_empty_gallery_is_said_to_be_empty() -> None:
    out = coverage_out(a_run(persons=0), language="en", translate=ENGLISH)
    assert "nobody to compare with" in out.sentence


def test_candidates_are_said_to_be_no_match() -> None:
    out = coverage_out(a_run(persons=5, candidates=2), language="en", translate=ENGLISH)
    assert (out.outcome, "A candidate is not a match" in out.sentence) == ("candidates", True)


@pytest.mark.parametrize("sentence", [*BANDS.values(), *REASONS.values()])
def test_every_band_and_reason_is_told_in_chinese(sentence: str) -> None:
    assert CHINESE(sentence) != sentence


def test_coverage_and_ratio_are_told_in_chinese() -> None:
    coverage = coverage_out(a_run(persons=5, regions=("33", "44")), language="zh_Hans", translate=CHINESE)
    likelihood = likelihood_out(a_candidate(), gallery_persons=10, translate=CHINESE)
    assert coverage.sentence.startswith("已与浙江省、广东省的 5 人比对")
    assert likelihood.ratio == "约 300（90 至 1,000）"
