"""Claims about fitting likelihood ratios, on people and distributions whose answer is known."""

import json
from pathlib import Path

import numpy as np
import pytest
from rich.progress import Progress

from benchmarks.calibrate import compare, describe, worst_misleading
from benchmarks.fitting import Fit, fit, folds_of_people
from benchmarks.frame import CannotMeasure
from benchmarks.histograms import GRID, Comparisons, Histograms
from benchmarks.pairs import Pictures
from benchmarks.ratios import HeldOut, cllr, cllr_min, logistic, models, pooled, supported_bounds
from benchmarks.templates import Embedded
from facematch.likelihood import read_calibration

RANGE = {"largest_age_gap_years": 10.0, "youngest_age_years": 18.0, "smallest_eye_px": 30.0}


def bell(mean: float, width: float) -> np.ndarray:
    shares = np.exp(-0.5 * ((GRID - mean) / width) ** 2)
    return shares / shares.sum()


GAUSSIANS = Histograms(bell(0.6, 0.1), bell(0.1, 0.1))
SURE = (GRID - 0.35) * 60  # far more certain than the pairs allow
UNEQUAL = Histograms(bell(0.6, 0.12), bell(0.05, 0.08))


@pytest.fixture(scope="module")
def crowd() -> Comparisons:
    """240 people of 1 to 3 pictures, each a noisy copy of the person's own direction in 32 dimensions."""
    random = np.random.default_rng(7)
    people = np.repeat(np.arange(240), np.arange(240) % 3 + 1)
    templates = random.normal(size=(240, 32))[people] + random.normal(scale=0.8, size=(len(people), 32))
    return Comparisons((templates / np.linalg.norm(templates, axis=1, keepdims=True)).astype(np.float32), people)


@pytest.fixture(scope="module")
def fitted(crowd: Comparisons) -> Fit:
    return fit(crowd, resamplings=20, progress=Progress(disable=True))


def test_logistic_model_finds_the_ratio_of_two_gaussians() -> None:
    truth = (GRID - 0.35) * 0.5 / 0.1**2 / np.log(10)
    assert np.abs(logistic(GAUSSIANS, degree=1) - truth).max() < 0.05


def test_quadratic_model_finds_the_ratio_of_unequal_gaussians() -> None:
    seen = (GRID > 0.1) & (GRID < 0.8)
    truth = np.log10(UNEQUAL.genuine[seen] / UNEQUAL.impostor[seen])
    assert np.abs(logistic(UNEQUAL, degree=2)[seen] - truth).max() < 0.1


@pytest.mark.parametrize("name", list(models(people=100, paired=50)))
def test_no_model_ever_falls(name: str) -> None:
    assert (np.diff(models(people=100, paired=50)[name](UNEQUAL)) >= 0).all()


def test_ratio_that_always_says_one_costs_one_bit() -> None:
    assert cllr(np.zeros_like(GRID), GAUSSIANS) == pytest.approx(1.0)


def test_pooling_costs_least_on_its_own_pairs() -> None:
    assert cllr_min(UNEQUAL) == cllr(pooled(UNEQUAL), UNEQUAL) < cllr(logistic(UNEQUAL, degree=1), UNEQUAL)


def test_overconfident_ratios_cost_more() -> None:
    honest = logistic(GAUSSIANS, degree=1)
    assert cllr(2 * honest, GAUSSIANS) > cllr(honest, GAUSSIANS)


def test_no_ratio_exceeds_the_number_of_people_seen() -> None:
    floor, cap = supported_bounds([HeldOut(SURE, GAUSSIANS)], people=1000, paired=400)
    assert 2.0 < cap <= 3.0
    assert -np.log10(400) <= floor < -1.0


def test_curve_that_misleads_is_allowed_nothing() -> None:
    assert supported_bounds([HeldOut(-SURE, GAUSSIANS)], people=1000, paired=400) == (0.0, 0.0)


def test_misleading_pairs_lower_the_cap() -> None:
    noisy = Histograms(GAUSSIANS.genuine, 0.99 * GAUSSIANS.impostor + 0.01 * GAUSSIANS.genuine)
    clean, soiled = (supported_bounds([HeldOut(SURE, h)], people=1000, paired=400)[1] for h in (GAUSSIANS, noisy))
    assert soiled < clean


def test_each_person_weighs_the_same_however_many_pictures() -> None:
    east, north = np.eye(2, dtype=np.float32)
    templates = np.stack([east] * 4 + [north, (east + north) / np.float32(2**0.5)])
    genuine = Comparisons(templates, np.array([0, 0, 0, 0, 1, 1])).whole.genuine
    assert genuine[np.flatnonzero(genuine)].tolist() == pytest.approx([0.5, 0.5])


def test_impostors_are_all_pairs_of_two_people(crowd: Comparisons) -> None:
    pictures = crowd.people
    assert crowd.impostor_pairs == (pictures[:, None] < pictures[None, :]).sum()
    assert (crowd.impostor_bins < len(GRID)).sum() == 2 * crowd.impostor_pairs


def test_part_of_the_people_is_counted_as_if_alone(crowd: Comparisons) -> None:
    inside = np.zeros(crowd.count, np.intp)
    inside[:3] = 1
    bins, people = crowd.impostor_bins, crowd.people
    alone = np.zeros(len(GRID))
    for row, column in np.argwhere((people[:, None] < 3) & (people[None, :] < 3) & (bins < len(GRID))):
        alone[bins[row, column]] += 1 / (crowd.pictures_of[people[row]] * crowd.pictures_of[people[column]])
    assert np.allclose(crowd.histograms(inside).impostor, alone / alone.sum())


def test_every_person_is_held_out_once(crowd: Comparisons) -> None:
    assert sum(folds_of_people(crowd)).tolist() == [1] * crowd.count


def test_best_model_on_held_out_people_is_chosen(fitted: Fit) -> None:
    assert fitted.cllr[fitted.model] == min(fitted.cllr.values())
    assert fitted.cllr_min <= fitted.cllr[fitted.model] < 0.5


def test_interval_encloses_the_curve(fitted: Fit) -> None:
    assert (fitted.low <= fitted.middle).all()
    assert (fitted.middle <= fitted.high).all()
    assert (fitted.high - fitted.low).max() > 0


def test_false_match_rate_never_falls_below_the_rule_of_three(fitted: Fit, crowd: Comparisons) -> None:
    assert 10 ** fitted.log10_fmr.min() >= 3 / (crowd.count * (crowd.count - 1) / 2) * (1 - 1e-9)
    assert (np.diff(fitted.log10_fmr) <= 0).all()


def test_held_out_strangers_are_misled_less_often_than_the_ratio_allows(fitted: Fit) -> None:
    assert worst_misleading(fitted) < 1


def test_written_calibration_is_read_back(fitted: Fit, crowd: Comparisons, tmp_path: Path) -> None:
    content = describe(fitted, crowd, contract="c0ffee", within=RANGE, source="a crowd")
    (tmp_path / "calibration.json").write_text(json.dumps(content))
    calibration = read_calibration(tmp_path / "calibration.json", contract="c0ffee")
    likelihood = calibration.assess(
        0.5, age_gap_years=1, youngest_age_years=30, smallest_eye_px=50, gallery_size=crowd.count
    )
    assert likelihood.log10_lr == pytest.approx(
        float(np.clip(np.interp(0.5, GRID, fitted.middle), *fitted.bounds)), abs=0.01
    )


def test_same_people_give_the_same_calibration(fitted: Fit, crowd: Comparisons) -> None:
    again = fit(crowd, resamplings=20, progress=Progress(disable=True))
    assert (again.low == fitted.low).all()


def test_few_people_far_apart_can_still_be_fitted() -> None:
    people = np.repeat(np.arange(20), 2)
    directions = np.eye(20)[people] + np.random.default_rng(3).normal(scale=0.01, size=(40, 20))
    crowd = Comparisons(directions.astype(np.float32), people)
    fitted = fit(crowd, resamplings=2, progress=Progress(disable=True))
    assert fitted.bounds[1] <= np.log10(20)


def test_too_few_people_cannot_be_measured() -> None:
    pictures = Pictures(tuple(map(Path, "abcd")), ("ann", "ann", "bob", "bob"))
    with pytest.raises(CannotMeasure, match="2 of at least 20"):
        compare(
            pictures,
            Embedded(np.eye(4, dtype=np.float32), np.full((4, 5, 2), [[40.0, 0.0]] + [[0.0, 0.0]] * 4, np.float32)),
        )
