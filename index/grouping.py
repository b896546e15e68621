"""From a first pass with bounded error to the certain best k persons, each by its best template.

It never returns an answer it cannot prove: where the list was too short it says so, and the caller asks wider.

Why the answer is the brute-force answer. Let s(x) be the true inner product of the query with row x, c(x) the
score of the first pass, |c(x) - s(x)| <= e (the scan's slack), and let every row that was not listed have
c(x) <= b. Sort the listed rows by c; let F be the score at which the k-th distinct person first appears.

1. k distinct persons each own a listed row with c >= F, hence with s >= F - e. So the k-th best person of all
   has s >= F - e; call that value K.
2. A row with c < F - 2e has s < F - e <= K. It is strictly worse than K, so no tie can carry it into the answer,
   neither as a person's best template nor as a person of its own.
3. If b < F - 2e, every row not listed falls under 2. The listed rows with c >= F - 2e therefore contain the best
   template of every person of the answer; scoring just these exactly and sorting them gives the answer.
4. If fewer than k persons were listed, only an exhausted scan (b = -inf) is certain; then all rows are scored.

Exact scores are float64 sums of products of float32 numbers, taken row by row in one fixed order, so equal vectors
score equally wherever they lie. Order: higher score, then smaller person; among a person's own, smaller template.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.store import Numbers
from index.types import Neighbour

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """What the first pass listed for one query, admitted rows only, and the bound `beyond` on all others."""

    slots: Numbers
    persons: Numbers
    templates: Numbers
    scores: Scores
    beyond: float


def best_per_person(
    found: Candidates, k: int, *, slack: float, exact: Callable[[Numbers], Scores]
) -> list[Neighbour] | None:
    """The best k persons, best first, or None when `found` is not wide enough to be certain.

    `exact` gives the true inner products of some slots, float64 (n,). Answered cosines are clipped to -1..1.
    """
    edge = _score_of_person(found, k) - 2 * slack
    if found.beyond > -np.inf and found.beyond >= edge:
        return None
    kept = found.scores >= edge
    persons, templates = found.persons[kept], found.templates[kept]
    scores = exact(found.slots[kept])
    order = np.lexsort((templates, persons, -scores))
    _, first = np.unique(persons[order], return_index=True)
    chosen = order[np.sort(first)[:k]]
    cosines = np.clip(scores[chosen], -1.0, 1.0)
    answer = zip(persons[chosen].tolist(), templates[chosen].tolist(), cosines.tolist(), strict=True)
    return [Neighbour(*one) for one in answer]


def _score_of_person(found: Candidates, k: int) -> float:
    """The first-pass score at which the k-th distinct person appears; -inf when there are fewer."""
    order = np.argsort(-found.scores)
    _, first = np.unique(found.persons[order], return_index=True)
    return float(found.scores[order[np.sort(first)[k - 1]]]) if len(first) >= k else -np.inf
