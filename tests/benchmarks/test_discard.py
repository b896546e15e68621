"""Claims about error versus discard: who knows nothing gains nothing, who knows the errors gains all there is."""

import numpy as np
import pytest

from benchmarks.discard import SHARES, curves_of

RANDOM = np.random.default_rng(5)
MISSED = RANDOM.random(20_000) < 0.1
CURVES = curves_of(
    MISSED,
    {
        "all alike": np.zeros(len(MISSED)),
        "knowing": 1.0 - MISSED,
        "guessing": RANDOM.random(len(MISSED)),
        "noisy": RANDOM.normal(size=len(MISSED)) - MISSED,
        "upside down": MISSED.astype(np.float64),
    },
)


def test_a_quality_that_says_nothing_changes_nothing() -> None:
    assert np.allclose(CURVES.by["all alike"].rates, CURVES.random.rates)
    assert CURVES.by["guessing"].area == pytest.approx(CURVES.random.area, rel=0.05)


def test_a_quality_that_knows_the_errors_reaches_the_bound() -> None:
    assert np.allclose(CURVES.by["knowing"].rates, CURVES.perfect.rates)
    assert CURVES.perfect.at(0.1) == pytest.approx(0, abs=0.01)


def test_a_quality_that_knows_something_lies_between() -> None:
    assert CURVES.perfect.area < CURVES.by["noisy"].area < CURVES.random.area < CURVES.by["upside down"].area


def test_nothing_set_aside_is_the_whole_rate() -> None:
    assert all(one.at(0) == pytest.approx(MISSED.mean()) for one in CURVES.by.values())
    assert len(SHARES) == len(CURVES.random.rates)
