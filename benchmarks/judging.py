"""How well log10 ratios of weighted pairs tell people apart, and how honest they are. It never fits anything."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.histograms import BINS, Histograms
from benchmarks.joint import Floats, Pairs
from benchmarks.ratios import HeldOut, cllr, cllr_min, supported_bounds

Numbers = NDArray[np.float64]
LEVELS: Numbers = np.linspace(-10, 10, BINS)  # log10 ratios that are told apart when costs are counted
KNOTS = 160


@dataclass(frozen=True, slots=True)
class Figures:
    """Share of genuine pairs above the thresholds that 1e-3 and 1e-4 of impostor pairs pass; cost, and its least."""

    tar_3: float
    tar_4: float
    cllr: float
    cllr_min: float


def judge(says: Floats, pairs: Pairs, *, limits: tuple[float, float]) -> Figures:
    """The figures of log10 ratios (n,) for these pairs; ratios are reported within the limits, and ordered without."""
    strangers = falling(says, pairs)
    counted = held_out(says.clip(*limits), pairs)
    return Figures(
        tar_3=true_accepts(says, pairs, threshold=strangers.threshold(1e-3)),
        tar_4=true_accepts(says, pairs, threshold=strangers.threshold(1e-4)),
        cllr=cllr(counted.curve, counted.tested),
        cllr_min=cllr_min(counted.tested),
    )


def cost(says: Floats, pairs: Pairs) -> float:
    """Cllr of log10 ratios (n,)."""
    counted = held_out(says, pairs)
    return cllr(counted.curve, counted.tested)


def error_rates(says: Floats, pairs: Pairs) -> tuple[Numbers, Numbers]:
    """FMR and FNMR at thresholds that one impostor pair in 10 down to one in 100,000 passes."""
    strangers, rates = falling(says, pairs), np.logspace(-5, -1, 200)
    passed = [true_accepts(says, pairs, threshold=strangers.threshold(rate)) for rate in rates]
    return rates, 1 - np.array(passed)


@dataclass(frozen=True, slots=True, eq=False)
class Strangers:
    """The highest ratios of impostor pairs, falling, and which share of such pairs reaches each: (m,) both."""

    says: Floats
    share: Numbers

    def threshold(self, rate: float) -> float:
        """The lowest ratio that no more than this share of impostor pairs exceeds."""
        return float(self.says[np.searchsorted(self.share, rate, side="right")])


def falling(says: Floats, pairs: Pairs) -> Strangers:
    """Impostor pairs in falling order of their log10 ratios (n,)."""
    own, weight = says[~pairs.same], pairs.weight[~pairs.same]
    order = np.argsort(-own, kind="stable")
    return Strangers(own[order], np.cumsum(weight[order], dtype=np.float64))


def true_accepts(says: Floats, pairs: Pairs, *, threshold: float) -> float:
    """Which share of genuine pairs, each person with one vote, lies above the threshold."""
    return float(pairs.weight[pairs.same & (says > threshold)].sum(dtype=np.float64))


def held_out(says: Floats, pairs: Pairs) -> HeldOut:
    """Log10 ratios (n,) counted by LEVELS, for what judges curves."""
    places = np.rint((says.clip(LEVELS[0], LEVELS[-1]) - LEVELS[0]) / (LEVELS[1] - LEVELS[0])).astype(np.intp)
    kinds = [
        np.bincount(places[kind], weights=pairs.weight[kind], minlength=BINS) for kind in (pairs.same, ~pairs.same)
    ]
    return HeldOut(LEVELS, Histograms(*(kind / kind.sum() for kind in kinds)))


def bounds(says: Floats, pairs: Pairs, *, people: int, paired: int) -> tuple[float, float]:
    """Floor and cap that so many people, of whom so many have several pictures, can support for log10 ratios (n,)."""
    floor, cap = supported_bounds([held_out(says, pairs)], people=people, paired=paired)
    return round(floor, 2), round(cap, 2)


def stranger_curve(says: Floats, pairs: Pairs, *, lowest: float) -> dict[str, list[float]]:
    """Rising nominal values, and log10 of the share of impostor pairs at or above each, never below `lowest`."""
    strangers = falling(says, pairs)
    rates = np.logspace(0, np.log10(lowest), KNOTS)
    places = np.searchsorted(strangers.share, rates).clip(max=len(strangers.share) - 1)
    nominal, first = np.unique(np.round(strangers.says[places].astype(np.float64), 6), return_index=True)
    reached = np.log10(np.maximum(strangers.share[places][first], lowest))
    rising = np.minimum.accumulate(reached)
    return {"nominal": nominal.tolist(), "log10_fmr": [round(float(rate), 6) for rate in rising]}
