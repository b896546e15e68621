"""Claims about likelihood.py: what is said inside the calibrated range, and that nothing is said outside it."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facematch.bands import BANDS, REASONS, SUPPORT, band_of
from facematch.bundle import contract_id, default_models_dir, read_bundle
from facematch.errors import CalibrationMissing
from facematch.fusion import content_id
from facematch.likelihood import Calibration, read_calibration
from facematch.types import Likelihood

CONTENT = {
    "contract": "0123456789abcdef",
    "range": {"largest_age_gap_years": 10.0, "youngest_age_years": 18.0, "smallest_eye_px": 30.0},
    "limits": {"floor": -2.0, "cap": 3.5},
    "curves": {
        "cosine": [-1.0, 0.0, 0.5, 1.0],
        "log10_lr": [-6.0, -3.0, 2.0, 9.0],
        "low": [-7.0, -3.5, 1.5, 7.0],
        "high": [-5.0, -2.5, 2.5, 11.0],
        "log10_fmr": [0.0, -0.3, -4.0, -6.0],
    },
}
COSINES = st.floats(-1, 1)


def written(content: object, folder: Path) -> Path:
    path = folder / "calibration.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture(scope="module")
def calibration(tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    return read_calibration(written(CONTENT, tmp_path_factory.mktemp("bundle")), contract="0123456789abcdef")


def judged(calibration: Calibration, cosine: float, **facts: float | None) -> Likelihood:
    usual = {"age_gap_years": 1.0, "youngest_age_years": 30.0, "smallest_eye_px": 60.0, "gallery_size": 1000}
    return calibration.assess(cosine, **(usual | facts))


def test_absent_file_is_a_missing_calibration(tmp_path: Path) -> None:
    with pytest.raises(CalibrationMissing):
        read_calibration(tmp_path / "calibration.json", contract="0123456789abcdef")


def test_calibration_of_another_contract_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CalibrationMissing) as refusal:
        read_calibration(written(CONTENT, tmp_path), contract="fedcba9876543210")
    assert refusal.value.facts["fitted_for"] == "0123456789abcdef"


@pytest.mark.parametrize(
    "damage",
    [
        {"curves": {**CONTENT["curves"], "low": [0.0]}},
        {"curves": {**CONTENT["curves"], "low": [0.0, 0.0, math.nan, 0.0]}},
        {"curves": {**CONTENT["curves"], "cosine": [-1.0, 0.5, 0.0, 1.0]}},
        {"curves": {}},
        {"range": {}},
        {"limits": {"cap": 3.5}},
    ],
)
def test_damaged_file_is_a_missing_calibration(damage: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(CalibrationMissing):
        read_calibration(written(CONTENT | damage, tmp_path), contract="0123456789abcdef")


def test_file_that_is_no_json_is_a_missing_calibration(tmp_path: Path) -> None:
    (tmp_path / "calibration.json").write_bytes(b"\xff{")
    with pytest.raises(CalibrationMissing):
        read_calibration(tmp_path / "calibration.json", contract="0123456789abcdef")


def test_id_follows_the_content_and_not_its_layout() -> None:
    turned = dict(reversed(CONTENT.items()))
    assert content_id(turned) == content_id(CONTENT) != content_id(CONTENT | {"limits": {"floor": -2.0, "cap": 3.4}})


def test_within_the_range_the_ratio_lies_in_its_interval(calibration: Calibration) -> None:
    likelihood = judged(calibration, 0.5)
    assert (likelihood.low, likelihood.log10_lr, likelihood.high) == (1.5, 2.0, 2.5)
    assert (likelihood.band, likelihood.reason, likelihood.calibration) == ("moderate", None, calibration.id)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"age_gap_years": None}, "age-gap-unknown"),
        ({"age_gap_years": 10.1}, "age-gap-beyond-data"),
        ({"youngest_age_years": None}, "age-unknown"),
        ({"youngest_age_years": 17.9}, "child"),
        ({"youngest_age_years": 2.9}, "infant"),
        ({"smallest_eye_px": 29.0}, "picture-too-small"),
        ({"smallest_eye_px": None}, "picture-size-unknown"),
        ({"youngest_age_years": 2.0, "age_gap_years": 30.0, "smallest_eye_px": 5.0}, "infant"),
        ({"youngest_age_years": None, "age_gap_years": 30.0}, "age-gap-beyond-data"),
    ],
)
def test_outside_the_range_no_ratio_is_given(
    facts: dict[str, float | None], reason: str, calibration: Calibration
) -> None:
    likelihood = judged(calibration, 0.9, **facts)
    assert (likelihood.log10_lr, likelihood.low, likelihood.high) == (None, None, None)
    assert (likelihood.band, likelihood.reason) == ("not-calibrated", reason)


def test_edge_of_the_range_is_inside(calibration: Calibration) -> None:
    edge = judged(calibration, 0.5, age_gap_years=10.0, youngest_age_years=18.0, smallest_eye_px=30.0)
    assert edge.reason is None


def test_nominal_value_is_the_same_outside_the_range(calibration: Calibration) -> None:
    outside = judged(calibration, 0.4, age_gap_years=None)
    assert outside.nominal_log10_lr == judged(calibration, 0.4).nominal_log10_lr


@given(COSINES, COSINES)
def test_more_similar_is_never_ordered_lower(calibration: Calibration, one: float, other: float) -> None:
    less, more = sorted((one, other))
    below, above = judged(calibration, less).nominal_log10_lr, judged(calibration, more).nominal_log10_lr
    assert below < above or more - less < 1e-9


@given(COSINES)
def test_no_figure_leaves_what_the_data_support(calibration: Calibration, cosine: float) -> None:
    likelihood = judged(calibration, cosine)
    assert -2.0 <= likelihood.low <= likelihood.log10_lr <= likelihood.high <= 3.5


def test_strangers_grow_with_the_gallery_and_never_vanish(calibration: Calibration) -> None:
    assert judged(calibration, 0.5, gallery_size=20_000).expected_strangers == pytest.approx(2.0)
    assert judged(calibration, 1.0, gallery_size=1_000_000).expected_strangers == pytest.approx(1.0)


@pytest.mark.parametrize("cosine", [math.nan, math.inf])
def test_cosine_that_is_no_number_is_refused(cosine: float, calibration: Calibration) -> None:
    with pytest.raises(ValueError, match="not a number"):
        judged(calibration, cosine)


@pytest.mark.parametrize(
    ("low", "high", "band"),
    [
        (None, None, "not-calibrated"),
        (-3.0, -0.31, "speaks-against"),
        (-3.0, -0.3, "inconclusive"),
        (-1.0, 5.0, "inconclusive"),
        (0.3, 5.0, "inconclusive"),
        (0.31, 5.0, "limited"),
        (1.0, 5.0, "moderate"),
        (2.0, 5.0, "moderately-strong"),
        (3.0, 5.0, "strong"),
        (4.0, 5.0, "very-strong"),
    ],
)
def test_end_of_the_interval_nearest_to_zero_decides_the_band(low: float | None, high: float | None, band: str) -> None:
    assert band_of(low, high) == band


def test_every_band_that_can_be_given_has_a_sentence() -> None:
    assert {"not-calibrated", "speaks-against", "inconclusive", *(code for _, code in SUPPORT)} == set(BANDS)
    assert all(sentence.endswith(".") for sentence in (*BANDS.values(), *REASONS.values()))


@pytest.mark.parametrize("bundle", ["opencv-zoo", "buffalo_sc"])
def test_shipped_calibration_fits_its_bundle(bundle: str) -> None:
    contract = contract_id(read_bundle(bundle, default_models_dir()))
    calibration = read_calibration(default_models_dir() / bundle / "calibration.json", contract=contract)
    stranger, same = judged(calibration, 0.0), judged(calibration, 0.8)
    assert (stranger.band, same.band) == ("speaks-against", "strong")


@pytest.mark.parametrize("bundle", ["opencv-zoo", "buffalo_sc"])
def test_shipped_cap_is_not_above_the_number_of_people_seen(bundle: str) -> None:
    content = json.loads((default_models_dir() / bundle / "calibration.json").read_text())
    assert content["limits"]["cap"] <= math.log10(content["fitted"]["people"])
