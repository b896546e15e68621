"""Chooses the model of the likelihood ratio, fits it, and says how far it can be trusted. It never reads a picture."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks.histograms import Comparisons, Numbers
from benchmarks.ratios import HeldOut, Model, cllr, cllr_min, models, supported_bounds

FOLDS = 10
FEWEST_PAIRED = 2 * FOLDS  # people with several pictures, so that each fold holds pairs of both kinds
SEED = 20161  # any; kept so that the same pairs give the same file
RULE_OF_THREE = 3.0  # no event in n trials: the rate is below 3/n, 95 % confidence (Hanley 1983, JAMA 249:1743)
COUNTABLE = 1000  # pairs of people that reach a cosine are enough to measure how independent they are


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The chosen model over histograms.GRID with its interval, and how all models did on held-out people."""

    model: str
    middle: Numbers
    low: Numbers
    high: Numbers
    bounds: tuple[float, float]
    log10_fmr: Numbers
    independent_pairs: float
    resamplings: int
    cllr: Mapping[str, float]
    cllr_min: float
    parts: list[HeldOut]


def fit(comparisons: Comparisons, *, resamplings: int, progress: Progress) -> Fit:
    """Choose by held-out Cllr, fit on everybody, resample people for the 95 % interval."""
    counts = {"people": comparisons.count, "paired": comparisons.paired}
    candidates = models(**counts)
    held_out = hold_out(comparisons, candidates)
    bounds = {name: supported_bounds(parts, **counts) for name, parts in held_out.items()}
    costs = {name: mean_cllr([part.bounded(bounds[name]) for part in parts]) for name, parts in held_out.items()}
    chosen = min(costs, key=lambda name: costs[name])
    curves, rates = resample(comparisons, candidates[chosen], times=resamplings, progress=progress)
    middle = candidates[chosen](comparisons.whole)
    low, high = np.quantile(curves, [0.025, 0.975], axis=0)
    independent = independent_pairs(comparisons, rates)
    parts = [part.bounded(bounds[chosen]) for part in held_out[chosen]]
    return Fit(
        model=chosen,
        middle=middle,
        low=np.minimum(low, middle),
        high=np.maximum(high, middle),
        bounds=bounds[chosen],
        log10_fmr=np.log10(np.maximum(comparisons.whole.match_rate()[1], RULE_OF_THREE / independent)),
        independent_pairs=independent,
        resamplings=resamplings,
        cllr=costs,
        cllr_min=float(np.mean([cllr_min(part.tested) for part in parts])),
        parts=parts,
    )


def hold_out(comparisons: Comparisons, candidates: Mapping[str, Model]) -> dict[str, list[HeldOut]]:
    """Fit every model on nine folds of people and set it beside the tenth, ten times."""
    parts: dict[str, list[HeldOut]] = {name: [] for name in candidates}
    for inside in folds_of_people(comparisons):
        seen, tested = comparisons.histograms(1 - inside), comparisons.histograms(inside)
        for name, model in candidates.items():
            parts[name].append(HeldOut(model(seen), tested))
    return parts


def folds_of_people(comparisons: Comparisons) -> Iterator[NDArray[np.intp]]:
    """For each fold, (p,) 1 for its people; those with several pictures are dealt out evenly."""
    shuffled = np.random.default_rng(SEED).permutation(comparisons.count)
    dealt = shuffled[np.argsort(comparisons.pictures_of[shuffled] > 1, kind="stable")]
    fold = np.empty(comparisons.count, np.intp)
    fold[dealt] = np.arange(comparisons.count) % FOLDS
    for number in range(FOLDS):
        yield (fold == number).astype(np.intp)


def mean_cllr(parts: list[HeldOut]) -> float:
    """Mean cost over the folds."""
    return float(np.mean([cllr(part.curve, part.tested) for part in parts]))


def resample(
    comparisons: Comparisons, model: Model, *, times: int, progress: Progress
) -> tuple[list[Numbers], list[Numbers]]:
    """Draw as many people as there are, with replacement; the model's curve and the FMR of each draw."""
    random, curves, rates = np.random.default_rng(SEED), list[Numbers](), list[Numbers]()
    for _ in progress.track(range(times), description="resampling people"):
        drawn = np.bincount(random.integers(0, comparisons.count, comparisons.count), minlength=comparisons.count)
        seen = comparisons.histograms(drawn)
        curves.append(model(seen))
        rates.append(seen.match_rate()[1])
    return curves, rates


def independent_pairs(comparisons: Comparisons, rates: list[Numbers]) -> float:
    """How many independent pairs would let the FMR vary as much as it does between resamplings.

    Measured at the highest cosine that a thousand pairs of people still reach; never more than there are pairs. Where
    nothing varies, nothing was learnt about it, and people are counted instead.
    """
    pairs = comparisons.count * (comparisons.count - 1) / 2
    whole = comparisons.whole.match_rate()[1]
    place = np.flatnonzero(whole >= min(0.5, COUNTABLE / pairs))[-1]
    rate, variance = whole[place], np.var([drawn[place] for drawn in rates])
    if variance == 0:
        return float(comparisons.count)
    return float(min(pairs, rate * (1 - rate) / variance))
