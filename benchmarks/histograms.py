"""Compares everybody with everybody and counts the cosines, for all people or for some. It never fits anything."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

BINS = 2001  # a thousandth of cosine each: far finer than any interval that comes out
GRID: Numbers = np.linspace(-1, 1, BINS)
OWN = BINS  # stands in the table of bins where two pictures show the same person


@dataclass(frozen=True, slots=True, eq=False)
class Histograms:
    """How cosines over GRID are distributed among pairs of one person and of two: (BINS,) each, of sum 1."""

    genuine: Numbers
    impostor: Numbers

    def match_rate(self) -> tuple[Numbers, Numbers]:
        """Share of genuine pairs and of impostor pairs at or above each cosine of GRID: TMR, FMR."""
        return _upward(self.genuine), _upward(self.impostor)


class Comparisons:
    """All pairs of n pictures of p people, counted so that each person and each pair of people has the same weight."""

    def __init__(self, templates: NDArray[np.float32], people: NDArray[np.intp]) -> None:
        """templates: (n, d), norm 1. people: (n,), a number 0..p-1 for each picture."""
        cosines = templates @ templates.T
        own = people[:, None] == people[None, :]
        bins = np.clip(np.rint((cosines + 1) * (BINS - 1) / 2), 0, BINS - 1).astype(np.uint16)
        first, second = np.nonzero(np.triu(own, 1))
        self.people = people
        self.pictures_of: NDArray[np.intp] = np.bincount(people)
        self.genuine_bins = bins[first, second]
        self.genuine_people = people[first]
        self.impostor_bins = np.where(own, np.uint16(OWN), bins)

    @property
    def count(self) -> int:
        """How many people there are."""
        return len(self.pictures_of)

    @property
    def paired(self) -> int:
        """How many people have more than one picture."""
        return int((self.pictures_of > 1).sum())

    @property
    def impostor_pairs(self) -> int:
        """How many pairs of pictures of two people there are."""
        pictures = self.pictures_of
        return int((pictures.sum() ** 2 - (pictures**2).sum()) // 2)

    def histograms(self, times: NDArray[np.intp]) -> Histograms:
        """Count the cosines as if person i were there times[i] times, (p,): 0 or 1 for a part, 0 to p resampled."""
        pairs_of = np.maximum(self.pictures_of * (self.pictures_of - 1) / 2, 1)
        weights = (times / pairs_of)[self.genuine_people]
        genuine = np.bincount(self.genuine_bins, weights=weights, minlength=BINS)
        return Histograms(genuine / genuine.sum(), self._impostors(times))

    @cached_property
    def whole(self) -> Histograms:
        """Everybody once."""
        return self.histograms(np.ones(self.count, np.intp))

    def _impostors(self, times: NDArray[np.intp]) -> Numbers:
        weights = (times / self.pictures_of)[self.people]
        present = np.flatnonzero(weights)
        counted = np.zeros(BINS + 1)
        for picture in present:
            row = self.impostor_bins[picture, present]
            counted += weights[picture] * np.bincount(row, weights=weights[present], minlength=BINS + 1)
        impostor: Numbers = counted[:BINS] / counted[:BINS].sum()
        return impostor


def _upward(shares: Numbers) -> Numbers:
    summed: Numbers = np.cumsum(shares[::-1])[::-1].clip(0, 1)
    return summed
