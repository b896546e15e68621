"""Claims about what several models and several photographs are worth together: never more than they can support."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from facematch.bands import band_of
from facematch.errors import CalibrationMissing
from facematch.fusion import Fusion, Rule, parts_of, read_fusion
from facematch.likelihood import fuse
from facematch.types import Likelihood

CAP, FLOOR, LEAST = 3.6, -2.6, 1e-9
STRANGERS = np.array([-5.0, 0.0, 5.0]), np.array([0.0, -2.0, -6.0])
FITTED = Fusion(
    id="0123456789ab",
    correlation=0.75,
    rules={
        frozenset("ab"): Rule({"a": 0.4, "b": 0.7}, FLOOR, CAP, *STRANGERS),
        frozenset("a"): Rule({"a": 1.0}, FLOOR, CAP, *STRANGERS),
    },
)
VALUES = st.floats(FLOOR, CAP)
PHOTOS = st.lists(VALUES, min_size=1, max_size=8)


def said(value: float, calibration: str = "a", *, reason: str | None = None, strangers: float = 5.0) -> Likelihood:
    low, high = max(FLOOR, value - 0.2), min(CAP, value + 0.3)
    if reason:
        return Likelihood(value, None, None, None, "not-calibrated", reason, strangers, calibration)
    return Likelihood(value, value, low, high, band_of(low, high), None, strangers, calibration)


def fused(*photos: Sequence[Likelihood], fusion: Fusion = FITTED) -> Likelihood:
    return fuse(photos, fusion=fusion, gallery_size=1000)


def ratio(likelihood: Likelihood) -> float:
    assert likelihood.log10_lr is not None
    return likelihood.log10_lr


def of_models(**values: float) -> float:
    return ratio(fused([said(value, part) for part, value in values.items()]))


def of_photos(values: Sequence[float], fusion: Fusion = FITTED) -> float:
    return ratio(fused(*[[said(value)] for value in values], fusion=fusion))


@given(VALUES, st.sampled_from("abz"))
def test_one_model_on_one_photograph_comes_back_as_it_is(value: float, part: str) -> None:
    alone = said(value, part)
    assert fused([alone]) is alone


def test_fusing_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing was compared"):
        fused([], [])


@given(VALUES, VALUES, VALUES)
def test_a_model_that_says_more_never_lowers_the_ratio(first: float, second: float, other: float) -> None:
    low, high = sorted((first, second))
    assert of_models(a=low, b=other) <= of_models(a=high, b=other)
    assert of_models(a=low, z=other) <= of_models(a=high, z=other)


@given(PHOTOS, st.data())
def test_a_photograph_that_shows_more_never_lowers_the_ratio(values: list[float], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(values) - 1))
    better = [*values[:place], data.draw(st.floats(values[place], CAP)), *values[place + 1 :]]
    assert of_photos(values) <= of_photos(better) + LEAST


@given(PHOTOS, st.randoms())
def test_the_order_of_models_and_photographs_does_not_matter(values: list[float], random: st.DataObject) -> None:
    photos = [[said(value), said(-value / 2, "b")] for value in values]
    turned = [list(reversed(photo)) for photo in photos]
    random.shuffle(turned)
    one, other = fused(*photos), fused(*turned)
    assert one.calibration == other.calibration
    assert ratio(one) == pytest.approx(ratio(other), abs=LEAST)
    assert one.nominal_log10_lr == pytest.approx(other.nominal_log10_lr, abs=LEAST)


@given(VALUES, VALUES)
def test_no_agreement_of_models_exceeds_what_the_people_seen_support(first: float, second: float) -> None:
    assert FLOOR <= of_models(a=first, b=second) <= CAP


@given(VALUES, VALUES, VALUES)
def test_models_never_fitted_together_say_their_mean(first: float, second: float, third: float) -> None:
    assert of_models(a=first, y=second, z=third) == pytest.approx((first + second + third) / 3)


@given(st.lists(VALUES, min_size=2, max_size=30))
def test_no_number_of_photographs_exceeds_the_best_by_more_than_the_correlation_allows(values: list[float]) -> None:
    best = max(*values, 0)
    assert of_photos(values) <= min(CAP, best / FITTED.correlation) + LEAST


@given(st.floats(0, CAP))
def test_a_photograph_shown_twice_adds_almost_nothing(value: float) -> None:
    assert value - LEAST <= of_photos([value, value]) <= 1.15 * value + LEAST


@given(st.floats(0, CAP), st.integers(1, 20))
def test_photographs_that_show_nothing_take_no_more_than_the_number_of_tries(value: float, count: int) -> None:
    assume(value > math.log10(count + 1))
    assert of_photos([value, *[0.0] * count]) >= value - math.log10(count + 1)


@given(PHOTOS)
def test_fully_dependent_photographs_are_worth_no_more_than_the_best(values: list[float]) -> None:
    assert of_photos(values, Fusion(correlation=1.0)) <= max(values) + LEAST


@given(st.lists(st.floats(0.5, CAP), min_size=2, max_size=5))
def test_photographs_of_an_unknown_calibration_never_exceed_the_best(values: list[float]) -> None:
    assert ratio(fused(*[[said(value, "z")] for value in values])) <= max(values)


@given(VALUES, VALUES, PHOTOS)
def test_the_ratio_lies_in_its_interval_and_has_its_band(first: float, second: float, values: list[float]) -> None:
    for likelihood in (fused([said(first), said(second, "b")]), fused(*[[said(value)] for value in values])):
        low, high = likelihood.low, likelihood.high
        assert low is not None
        assert high is not None
        assert low <= ratio(likelihood) <= high
        assert likelihood.band == band_of(low, high)


def test_the_interval_is_that_of_parts_that_err_together() -> None:
    both = fused([said(1.0), said(1.0, "b")])
    assert both.low == pytest.approx(1.1 * 0.8)
    assert both.high == pytest.approx(1.1 * 1.3)


def test_a_model_outside_its_range_counts_for_the_order_only() -> None:
    both = fused([said(2.0), said(-1.0, "b", reason="picture-too-small")])
    assert (ratio(both), both.reason) == (2.0, None)
    assert both.nominal_log10_lr == pytest.approx(0.4 * 2.0 - 0.7)


def test_without_any_model_inside_its_range_no_ratio_is_given() -> None:
    both = fused([said(2.0, reason="age-unknown"), said(1.0, "b", reason="infant")], [said(3.0, reason="child")])
    assert (both.log10_lr, both.low, both.high, both.band) == (None, None, None, "not-calibrated")
    assert both.reason == "infant"


def test_strangers_are_counted_where_the_models_were_fitted_together() -> None:
    both = fused([said(2.0), said(2.0, "b")])
    assert both.expected_strangers == pytest.approx(1000 * 10 ** float(np.interp(2.2, *STRANGERS)))


def test_strangers_are_bounded_by_the_sum_where_they_were_not() -> None:
    both = fused([said(2.0, "y", strangers=0.5), said(1.0, "z", strangers=7.0)])
    assert both.expected_strangers == 7.5


def test_the_name_tells_all_parts() -> None:
    both = fused([said(2.0), said(2.0, "b")], [said(1.0)])
    assert both.calibration == "a+b@0123456789ab"
    assert parts_of(both.calibration) == {"a", "b"}


def test_a_ratio_fused_before_is_one_of_several_photographs() -> None:
    first = fused([said(2.0), said(2.0, "b")])
    assert fused([first], [said(1.0)]) == fused([said(2.0), said(2.0, "b")], [said(1.0)])


def test_without_a_file_every_set_gets_the_mean(tmp_path: Path) -> None:
    assert read_fusion(tmp_path).rule("ab").weights == {"a": 0.5, "b": 0.5}


ENTRY = {
    "weights": {"a": 0.5, "b": 0.6},
    "limits": {"floor": -2.0, "cap": 3.0},
    "strangers": {"nominal": [-5.0, 5.0], "log10_fmr": [0.0, -6.0]},
}


@pytest.mark.parametrize(
    "damage",
    [
        {"weights": {"a": -0.1, "b": 1.2}},
        {"weights": {}},
        {"limits": {"cap": 3.0}},
        {"strangers": {"nominal": [5.0, -5.0], "log10_fmr": [0.0, -6.0]}},
        {"strangers": {"nominal": [-5.0, 5.0], "log10_fmr": [-6.0, 0.0]}},
        {"strangers": {"nominal": [-5.0, 5.0], "log10_fmr": [0.0]}},
        {"strangers": {"nominal": [-5.0, math.nan], "log10_fmr": [0.0, -6.0]}},
    ],
)
def test_a_damaged_file_is_a_missing_calibration(damage: dict[str, object], tmp_path: Path) -> None:
    content = {"photos": {"correlation": 0.7}, "models": [ENTRY | damage]}
    (tmp_path / "fusion.json").write_text(json.dumps(content))
    with pytest.raises(CalibrationMissing):
        read_fusion(tmp_path)


@pytest.mark.parametrize("correlation", [0.0, 1.1, math.nan])
def test_a_correlation_that_is_none_is_refused(correlation: float, tmp_path: Path) -> None:
    content = {"photos": {"correlation": correlation}, "models": [ENTRY]}
    (tmp_path / "fusion.json").write_text(json.dumps(content))
    with pytest.raises(CalibrationMissing):
        read_fusion(tmp_path)
