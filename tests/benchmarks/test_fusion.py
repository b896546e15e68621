"""Claims about putting models and photographs together, on pairs whose answer is known."""

import json
from pathlib import Path

import numpy as np
import pytest
from rich.progress import Progress

from benchmarks import joint
from benchmarks.blend import blend
from benchmarks.fusion import halfway
from benchmarks.joint import Pairs, between, worth_keeping
from benchmarks.judging import bounds, judge, stranger_curve
from benchmarks.photos import KEPT, choose, gather
from facematch.bundle import contract_id, default_models_dir, list_bundles
from facematch.fusion import Fusion, read_fusion
from facematch.likelihood import read_calibration

PEOPLE = 400
RANDOM = np.random.default_rng(3)


def pairs_of(*noises: float, seed: int = 5) -> Pairs:
    """Calibrated models with independent Gaussian errors, the same pairs for all: the noisier, the less each says."""
    random = np.random.default_rng(seed)
    one, other = random.integers(0, PEOPLE, (2, 40_000))
    one[:4000] = other[:4000]
    truth = np.where(one == other, 1.0, -1.0)
    said = [2 * (truth + random.normal(0, noise, len(truth))) / noise**2 / np.log(10) for noise in noises]
    share = np.ones(len(one), np.float32)
    counted = np.full(PEOPLE, 100)
    return between(np.array(said, np.float32), one, other, share=share, probes=counted, kept=counted)


@pytest.fixture(scope="module")
def independent() -> Pairs:
    return pairs_of(0.8, 1.0)


def test_weights_of_independent_models_are_their_sum(independent: Pairs) -> None:
    assert joint.fit_weights(independent) == pytest.approx((1.0, 1.0), abs=0.1)


def test_a_model_heard_twice_counts_once(independent: Pairs) -> None:
    assert sum(joint.fit_weights(independent.of([0, 0]))) == pytest.approx(1.0, abs=0.1)


def test_no_weight_speaks_against_its_model(independent: Pairs) -> None:
    contrary = Pairs(independent.says * np.float32([[1], [-1]]), independent.same, independent.weight, independent.cell)
    assert joint.fit_weights(contrary)[1] == 0.0


def test_every_pair_is_judged_by_weights_of_other_people(independent: Pairs) -> None:
    for cell in joint.cross_fitted(independent):
        folds = set(divmod(cell, joint.FOLDS))
        seen = independent.take(~joint.touching(independent.cell, cell))
        assert not folds & {fold for other in np.unique(seen.cell).tolist() for fold in divmod(other, joint.FOLDS)}


def test_two_models_that_differ_beat_the_better_one(independent: Pairs) -> None:
    blends = blend([independent], people=PEOPLE, paired=PEOPLE, progress=Progress(disable=True))
    alone, both = (judge(blends[one].says[0], independent, limits=blends[one].limits) for one in ((0,), (0, 1)))
    assert both.tar_3 > alone.tar_3
    assert both.cllr < alone.cllr


def test_a_model_that_adds_nothing_is_not_listened_to(independent: Pairs) -> None:
    noise = RANDOM.normal(0, 3, len(independent.same)).astype(np.float32)
    says = np.stack([independent.says[0], noise])
    deaf = Pairs(says, independent.same, independent.weight, independent.cell)
    blends = blend([deaf], people=PEOPLE, paired=PEOPLE, progress=Progress(disable=True))
    assert blends[0, 1].weights[1] < 0.05
    costs = [judge(blends[one].says[0], deaf, limits=blends[one].limits).cllr for one in ((0,), (0, 1))]
    assert costs[1] <= costs[0] + 1e-6


def test_easy_pairs_that_were_sampled_stand_for_all_of_them() -> None:
    says, same = RANDOM.normal(-3, 1, (1, 400, 500)), np.zeros((400, 500), bool)
    kept, share = worth_keeping(says.astype(np.float32), same, np.random.default_rng(1))
    assert kept.mean() < 0.05
    assert (1 / share[kept]).sum() == pytest.approx(kept.size, rel=0.1)
    assert kept[says[0] >= joint.EASY].all()


def test_no_limit_exceeds_the_number_of_people(independent: Pairs) -> None:
    floor, cap = bounds(100 * independent.says[0], independent, people=PEOPLE, paired=PEOPLE)
    assert -np.log10(PEOPLE) - 0.01 <= floor <= 0 <= cap <= np.log10(PEOPLE) + 0.01


def test_the_rate_of_strangers_falls_and_never_claims_more_than_was_counted(independent: Pairs) -> None:
    curve = stranger_curve(independent.says[0], independent, lowest=1e-3)
    assert (np.diff(curve["nominal"]) > 0).all()
    assert (np.diff(curve["log10_fmr"]) <= 0).all()
    assert min(curve["log10_fmr"]) >= -3


def test_photographs_are_gathered_as_the_eye_does_it() -> None:
    says = RANDOM.normal(1, 2, (KEPT, 20)).astype(np.float32)
    eye = [Fusion(correlation=0.8).gather(column.tolist()) for column in says.T]
    assert gather(says, 0.8) == pytest.approx(eye, abs=1e-4)


def test_no_picture_stands_against_itself() -> None:
    people = np.repeat(np.arange(6), [1, 3, 4, 5, 9, 4])
    kept, probes = choose(people, np.ones(len(people), bool))
    assert not set(kept.ravel().tolist()) & set(probes.tolist())
    assert people[kept[:, 0]].tolist() == [2, 3, 4, 5]
    assert np.bincount(people[probes]).tolist() == [0, 0, 1, 2, 4, 1]


def test_photographs_are_taken_for_more_alike_than_was_measured() -> None:
    assert (halfway(0.6), halfway(-0.2), halfway(1.0)) == (0.8, 0.5, 1.0)


def shipped_calibrations() -> set[str]:
    paths = {b: b.folder / "calibration.json" for b in list_bundles(default_models_dir())}
    return {read_calibration(path, contract=contract_id(bundle)).id for bundle, path in paths.items() if path.is_file()}


def test_the_shipped_fusion_was_fitted_for_the_shipped_calibrations() -> None:
    path: Path = default_models_dir() / "fusion.json"
    if not path.is_file():
        pytest.skip("no weights were fitted: every set of models gets the mean until benchmarks.fusion has run")
    named = {part for entry in json.loads(path.read_text())["models"] for part in entry["weights"]}
    assert named <= shipped_calibrations()
    assert len(named) >= 2
    assert read_fusion(default_models_dir()).correlation >= 0.7
