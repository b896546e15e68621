"""Error versus discard: what is left of an error rate when the worst pictures are set aside. It never sees a picture.

Source: ISO/IEC 29794-1 (error-versus-discard characteristic); Grother and Tabassi 2007, IEEE PAMI 29(4), 531-543. A
comparison is as good as the worse of its two pictures; the threshold stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.samples import Floats

SHARES = np.linspace(0, 0.5, 101)  # of the comparisons that are set aside
AREA_TO = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Discard:
    """False non-match rates over SHARES."""

    rates: Floats

    def at(self, share: float) -> float:
        """The rate when this share of the comparisons is set aside."""
        return float(np.interp(share, SHARES, self.rates))

    @property
    def area(self) -> float:
        """Mean rate up to AREA_TO set aside; with nothing gained it is the rate at 0."""
        return float(self.rates[SHARES <= AREA_TO].mean())


def discard_by(missed: NDArray[np.bool_], quality: Floats) -> Discard:
    """Set aside the comparisons (p,) of the lowest quality first; of equal ones an equal part."""
    values, groups = np.unique(quality, return_inverse=True)
    count = np.bincount(groups, minlength=len(values))
    failed = np.bincount(groups, weights=missed, minlength=len(values))
    gone = np.concatenate([[0], np.cumsum(count)]) / len(missed)
    failed_gone = np.concatenate([[0], np.cumsum(failed)])
    left = missed.sum() - np.interp(SHARES, gone, failed_gone)
    return Discard(left / (len(missed) * (1 - SHARES)))


def discard_at_random(missed: NDArray[np.bool_]) -> Discard:
    """Whoever sets aside without looking changes nothing."""
    return Discard(np.full(len(SHARES), missed.mean()))


def discard_perfectly(missed: NDArray[np.bool_]) -> Discard:
    """The bound: whoever knew the errors would set them aside first."""
    return Discard(np.maximum(0, missed.mean() - SHARES) / (1 - SHARES))


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Error versus discard of one set of comparisons: at random, by who knows the errors, and by each quality."""

    random: Discard
    perfect: Discard
    by: Mapping[str, Discard]


def curves_of(missed: NDArray[np.bool_], qualities: Mapping[str, Floats]) -> Curves:
    """All curves of comparisons (p,) that were missed or not, by each quality (p,)."""
    by = {name: discard_by(missed, values) for name, values in qualities.items()}
    return Curves(discard_at_random(missed), discard_perfectly(missed), by)
