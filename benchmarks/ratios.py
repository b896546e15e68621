"""Models that turn two histograms into a likelihood ratio, and what judges them. It never reads a file.

A curve is log10 of the ratio over histograms.GRID, never falling. All models see both kinds of pairs with equal weight,
so the posterior log odds of a classifier are the log likelihood ratio.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from benchmarks.histograms import GRID, Histograms, Numbers

Model = Callable[[Histograms], Numbers]
NEVER = 1e-12  # weight of a bin in which nothing was seen


def logistic(seen: Histograms, *, degree: int) -> Numbers:
    """Logistic regression on powers of the cosine by Newton's method; degree 2 is two Gaussians of unequal width.

    Source: Morrison 2013, Australian Journal of Forensic Sciences 45(2), 173-197.
    """
    powers = np.vander(GRID, degree + 1, increasing=True)
    weights = np.zeros(degree + 1)
    for _ in range(100):
        believed = 1 / (1 + np.exp(-np.clip(powers @ weights, -500, 500)))
        slope = powers.T @ (seen.impostor * believed - seen.genuine * (1 - believed))
        spread = (seen.genuine + seen.impostor) * believed * (1 - believed)
        step = np.linalg.solve(powers.T @ (powers * spread[:, None]) + 1e-9 * np.eye(degree + 1), slope)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    return never_falling(powers @ weights / np.log(10), seen)


def pooled(seen: Histograms) -> Numbers:
    """Pool adjacent violators: the best never-falling step function for these very pairs.

    Source: Brümmer and du Preez 2006, Computer Speech and Language 20(2-3), 230-275.
    """
    both = seen.genuine + seen.impostor
    present = both > 0
    share = isotonic_regression(seen.genuine[present] / both[present], weights=both[present]).x.clip(NEVER, 1 - NEVER)
    curve: Numbers = np.interp(GRID, GRID[present], np.log10(share / (1 - share)))
    return curve


def kernel(seen: Histograms, *, people: int, paired: int) -> Numbers:
    """Ratio of two Gaussian kernel densities, their widths by Silverman's rule with people as the sample size."""
    genuine, impostor = _smooth(seen.genuine, paired), _smooth(seen.impostor, people)
    curve = np.log10(np.maximum(genuine, 1e-300) / np.maximum(impostor, 1e-300))
    ends = int(np.searchsorted(genuine.cumsum(), 1 / paired)), _last_above(impostor, 1 / people**2)
    supported = slice(min(ends), max(ends) + 1)
    return never_falling(np.interp(GRID, GRID[supported], curve[supported]), seen)


def models(*, people: int, paired: int) -> Mapping[str, Model]:
    """The models that compete, simplest first; people in all, and people with more than one picture."""
    return {
        "logistic, linear": lambda seen: logistic(seen, degree=1),
        "logistic, quadratic": lambda seen: logistic(seen, degree=2),
        "kernel density": lambda seen: kernel(seen, people=people, paired=paired),
        "pool adjacent violators": pooled,
    }


def never_falling(curve: Numbers, seen: Histograms) -> Numbers:
    """The nearest curve that never falls, weighted by where pairs were seen."""
    levelled: Numbers = isotonic_regression(curve, weights=seen.genuine + seen.impostor + NEVER).x
    return levelled


def cllr(curve: Numbers, tested: Histograms) -> float:
    """Cost of the log likelihood ratio in bits: 0 is perfect, 1 is a ratio that always says 1 (Brümmer 2006)."""
    natural = curve * np.log(10)
    missed = tested.genuine @ np.logaddexp(0, -natural)
    misled = tested.impostor @ np.logaddexp(0, natural)
    return float(missed + misled) / math.log(4)


def cllr_min(tested: Histograms) -> float:
    """The part of the cost that no calibration can take away."""
    return cllr(pooled(tested), tested)


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """A curve beside the people it was not fitted on."""

    curve: Numbers
    tested: Histograms

    def bounded(self, bounds: tuple[float, float]) -> "HeldOut":
        """The same with the curve kept between floor and cap."""
        return HeldOut(self.curve.clip(*bounds), self.tested)


def exceeding(parts: Sequence[HeldOut], level: float) -> tuple[float, float]:
    """Mean share of held-out genuine and of impostor pairs whose log10 ratio is above the level."""
    genuine = [part.tested.genuine[part.curve > level].sum() for part in parts]
    impostor = [part.tested.impostor[part.curve > level].sum() for part in parts]
    return float(np.mean(genuine)), float(np.mean(impostor))


def supported_bounds(parts: Sequence[HeldOut], *, people: int, paired: int) -> tuple[float, float]:
    """Floor and cap of log10 ratios: as far as deciding by them beats not looking, one more misleading pair assumed.

    Source: Vergeer et al. 2016, Science & Justice 56(6), 482-491 (empirical lower and upper bounds). Pairs that share a
    person are not independent trials, so people are counted, not pairs: no ratio exceeds the number of people seen.
    """
    cap = floor = 0.0
    for level in np.arange(0, 12, 0.01):
        if _cost(parts, level, people=people, paired=paired) >= 1:
            break
        cap = float(level)
    for level in np.arange(0, -12, -0.01):
        if _cost(parts, level, people=people, paired=paired) >= 1:
            break
        floor = float(level)
    return floor, cap


def _cost(parts: Sequence[HeldOut], level: float, *, people: int, paired: int) -> float:
    """Expected cost of deciding at this ratio, over the cost of deciding without the picture."""
    above, misled = exceeding(parts, level)
    missed_rate = ((1 - above) * paired + 1) / (paired + 1)
    misled_rate = (misled * people + 1) / (people + 1)
    missed_weight, misled_weight = max(1.0, 10**-level), max(1.0, 10**level)
    return missed_weight * missed_rate + misled_weight * misled_rate


def _last_above(shares: Numbers, tail: float) -> int:
    return int(np.flatnonzero(shares[::-1].cumsum()[::-1] > tail)[-1])


def _smooth(shares: Numbers, sample: int) -> Numbers:
    mean = shares @ GRID
    width = max(1.06 * np.sqrt(shares @ (GRID - mean) ** 2) * sample**-0.2, GRID[1] - GRID[0])
    bell = np.exp(-0.5 * (GRID / width) ** 2)
    smoothed: Numbers = np.convolve(shares, bell / bell.sum(), mode="same")
    return smoothed
