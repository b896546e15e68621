"""All pairs of pictures as several calibrated models see them, and weights for putting them together.

Every person, and every pair of people, has the same weight. It never reads a picture, and never judges a pair by
weights that were fitted on one of its people.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.fitting import SEED

FOLDS = 5  # of people; a pair lies in the cell of its two folds and is judged by weights fitted outside both
EASY = -1.0  # log10 ratio; nearly all impostor pairs lie below it for every model
SAMPLED = 0.01  # of those are kept

Floats = NDArray[np.float32]
Numbers = NDArray[np.float64]
People = NDArray[np.intp]
Weights = tuple[float, ...]  # what each model's log10 ratio counts, none below 0


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """n pairs of pictures: what each of m models says (m, n), log10; whether one person, weight and cell (n,).

    The weights of genuine pairs sum to 1, and so do those of impostor pairs.
    """

    says: Floats
    same: NDArray[np.bool_]
    weight: Floats
    cell: NDArray[np.uint8]

    def of(self, models: Sequence[int]) -> "Pairs":
        """The same pairs as some of the models see them."""
        return Pairs(self.says[list(models)], self.same, self.weight, self.cell)

    def take(self, rows: NDArray[np.bool_]) -> "Pairs":
        """Some of the pairs, their weights summing to 1 again."""
        same = self.same[rows]
        return Pairs(self.says[:, rows], same, balanced(same, self.weight[rows]), self.cell[rows])

    def joined(self, other: "Pairs") -> "Pairs":
        """These and other pairs, each set with half the weight."""
        return Pairs(
            np.concatenate([self.says, other.says], axis=1),
            np.concatenate([self.same, other.same]),
            (np.concatenate([self.weight, other.weight]) / 2).astype(np.float32),
            np.concatenate([self.cell, other.cell]),
        )


def between(says: Floats, one: People, other: People, *, share: Floats, probes: People, kept: People) -> Pairs:
    """Pairs of a picture of person `one` and one of person `other`, (n,) each; each stands for 1 / `share` of its like.

    probes, kept: (p,), of how many pictures of each person all pairs are made, so that each person has one vote.
    """
    same = one == other
    votes = probes[one] * (kept[other] - same) * share
    fold = np.random.default_rng(SEED).permutation(len(kept)) % FOLDS
    low, high = np.minimum(fold[one], fold[other]), np.maximum(fold[one], fold[other])
    cell = np.asarray(FOLDS * low + high, np.uint8)
    return Pairs(says, same, balanced(same, (1 / votes).astype(np.float32)), cell)


def worth_keeping(
    says: Floats, same: NDArray[np.bool_], random: np.random.Generator
) -> tuple[NDArray[np.bool_], Floats]:
    """Which pairs to keep and what share of their like they are, (q, k) both, for what models say (m, q, k).

    All that show one person, all that some model finds likely, and a drawn part of the rest: nearly all impostor pairs
    are easy for every model, and one of them teaches as much as another.
    """
    telling = same | (says.max(axis=0) >= EASY)
    kept = telling | (random.random(same.shape, np.float32) < SAMPLED)
    return kept, np.where(telling, np.float32(1), np.float32(SAMPLED))


def balanced(same: NDArray[np.bool_], weight: Floats) -> Floats:
    """The weights (n,) with sum 1 over genuine pairs and sum 1 over impostor pairs."""
    sums = [weight[kind].sum(dtype=np.float64) for kind in (~same, same)]
    scaled: Floats = (weight / np.where(same, sums[1], sums[0])).astype(np.float32)
    return scaled


def fit_weights(pairs: Pairs) -> Weights:
    """Weights whose fused ratio costs least on these pairs (Cllr): linear logistic fusion, none negative, no offset.

    Source: Brümmer et al. 2007, IEEE Transactions on Audio, Speech and Language Processing 15(7), 2072-2084.
    """
    signs = np.where(pairs.same, -1.0, 1.0)
    natural = pairs.says.astype(np.float64) * np.log(10)
    weight = pairs.weight.astype(np.float64)

    def cost(chosen: Numbers) -> tuple[float, Numbers]:
        lost = signs * (chosen @ natural)
        slope = weight * signs / (1 + np.exp(-np.clip(lost, -500, 500)))
        return float(weight @ np.logaddexp(0, lost)), natural @ slope

    models = len(pairs.says)
    best = minimize(cost, np.full(models, 1 / models), jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * models)
    return tuple(float(value) for value in best.x)


def cross_fitted(pairs: Pairs) -> dict[int, Weights]:
    """For each cell the weights fitted on pairs without any of its people."""
    return {cell: fit_weights(pairs.take(~touching(pairs.cell, cell))) for cell in np.unique(pairs.cell).tolist()}


def held_out(pairs: Pairs, by_cell: dict[int, Weights]) -> Floats:
    """The fused log10 ratio (n,) of each pair by the weights of its cell."""
    fused = np.empty(len(pairs.same), np.float32)
    for cell, weights in by_cell.items():
        rows = pairs.cell == cell
        fused[rows] = np.asarray(weights, np.float32) @ pairs.says[:, rows]
    return fused


def subsets(models: int) -> Iterator[tuple[int, ...]]:
    """Every choice of at least two of the models, smaller ones first."""
    sets = [
        tuple(np.flatnonzero([number >> place & 1 for place in range(models)]).tolist()) for number in range(2**models)
    ]
    yield from sorted((one for one in sets if len(one) > 1), key=lambda one: (len(one), one))


def touching(cell: NDArray[np.uint8], other: int) -> NDArray[np.bool_]:
    """(n,): whether a pair shares a fold of people with the other cell."""
    folds = set(divmod(other, FOLDS))
    return np.isin(cell // FOLDS, list(folds)) | np.isin(cell % FOLDS, list(folds))
