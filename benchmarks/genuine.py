"""How alike samples of one person are, and how alike strangers have to be to be rare. It judges no quality."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.samples import Floats, Places, Samples

BLOCK = 512  # rows of comparisons at once


@dataclass(frozen=True, slots=True, eq=False)
class Genuine:
    """p comparisons of two samples of one person in different pictures: their places and the cosine."""

    one: Places
    other: Places
    cosine: Floats

    def mean_for_one(self, values: NDArray[np.floating], count: int) -> Floats:
        """(count,): mean of values (p,) over the comparisons that each sample is `one` of; NaN where there is none."""
        sums = np.bincount(self.one, weights=values, minlength=count)
        times = np.bincount(self.one, minlength=count)
        means: Floats = np.divide(sums, times, out=np.full(count, np.nan), where=times > 0)
        return means


def against_untouched(samples: Samples) -> Genuine:
    """Every sample against the person's other pictures as they are."""
    return _compared(samples, np.arange(len(samples.person)), np.flatnonzero(samples.untouched))


def among(samples: Samples, chosen: Places) -> Genuine:
    """The chosen samples against each other, each pair once."""
    both = _compared(samples, chosen, chosen)
    once = both.one < both.other
    return Genuine(both.one[once], both.other[once], both.cosine[once])


def threshold_at(samples: Samples, false_match_rate: float) -> float:
    """The cosine that this share of pairs of different people, in pictures as they are, reach."""
    rows = np.flatnonzero(samples.untouched)
    reached = []
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        cosines = samples.templates[block] @ samples.templates[rows].T
        strangers = samples.person[block, None] < samples.person[rows][None]
        reached.append(cosines[strangers])
    return float(np.quantile(np.concatenate(reached), 1 - false_match_rate))


def _compared(samples: Samples, ones: Places, others: Places) -> Genuine:
    same = samples.person[ones, None] == samples.person[others][None]
    elsewhere = samples.picture[ones, None] != samples.picture[others][None]
    first, second = np.nonzero(same & elsewhere)
    one, other = ones[first], others[second]
    cosine = np.einsum("nd,nd->n", samples.templates[one], samples.templates[other])
    return Genuine(one, other, cosine.astype(np.float64))
