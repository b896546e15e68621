"""From a first pass with bounded error to the certain best k persons, each by its best template.

It never returns an answer it cannot prove: where the list was too short it says so, and the caller asks wider.

Why the answer is the brute-force answer. Let s(x) be the true inner product of the query with row x, c(x) the
score it was listed with, |c(x) - s(x)| <= e (the scan's slack), and let every row that was not listed have
c(x) <= b. Sort the listed rows by c; let F be the score at which the k-th distinct person first appears.

1. k distinct persons each own a listed row with c >= F, hence with s >= F - e. So the k-th best person of all
   has s >= F - e; call that value K.
2. A row with c < F - 2e has s < F - e <= K. It is strictly worse than K, so no tie can carry it into the answer,
   neither as a person's best template nor as a person of its own.
3. If b < F - 2e, every row not listed falls under 2. The listed rows with c >= F - 2e therefore contain the best
   template of every person of the answer; scoring just these exactly and sorting them gives the answer.
4. If fewer than k persons were listed, only an exhausted scan (b = -inf) is certain; then all rows are scored.

A scan that leaves out only rows with s < K for a reason of its own (`sift` has one) may say b = -inf as well.

Exact scores are float64 sums of products of float32 numbers, taken row by row in one fixed order, so equal vectors
score equally wherever they lie. Order: higher score, then smaller person; among a person's own, smaller template.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.labels import Numbers
from index.types import Neighbour

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of a query and an admitted row, by column (m,), each with the score it was listed with."""

    queries: Numbers
    slots: Numbers
    persons: Numbers
    scores: NDArray[np.float32]

    @classmethod
    def join(cls, some: "Sequence[Pairs]") -> "Pairs":
        """All of them, one after the other."""
        return cls(
            np.concatenate([one.queries for one in some]),
            np.concatenate([one.slots for one in some]),
            np.concatenate([one.persons for one in some]),
            np.concatenate([one.scores for one in some]),
        )

    def at(self, places: NDArray[np.integer | np.bool_]) -> "Pairs":
        """Some of them."""
        return Pairs(self.queries[places], self.slots[places], self.persons[places], self.scores[places])

    def ranked(self) -> "Pairs":
        """Query by query, best first. Scores lie within 1.01 of 0, so that queries stay apart in the sum."""
        return self.at(np.argsort(self.queries * 4.0 - self.scores))


_NONE = np.empty(0, np.int64)
NO_PAIRS = Pairs(_NONE, _NONE, _NONE, np.empty(0, np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """What a first pass listed for b queries, and the bound `beyond` (b,) on the scores of all other rows."""

    pairs: Pairs
    beyond: Scores


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is certain about a pair: the template in its slot, and its inner product in float64."""

    template: Callable[[Numbers], Numbers]
    score: Callable[[Numbers, Numbers], Scores]  # of slots and queries


def best_per_person(listed: Listed, k: int, *, slack: float, truth: Truth) -> list[list[Neighbour] | None]:
    """For each query the best k persons, best first, or None where the list is not wide enough to be certain.

    Answered cosines are clipped to -1..1.
    """
    pairs, count = listed.pairs.ranked(), len(listed.beyond)
    edge = score_of_person(pairs, k, count=count) - 2 * slack
    unsure = (listed.beyond > -np.inf) & (listed.beyond >= edge)
    pairs = pairs.at((pairs.scores >= edge[pairs.queries]) & ~unsure[pairs.queries])
    templates, scores = truth.template(pairs.slots), truth.score(pairs.slots, pairs.queries)
    order = np.lexsort((templates, pairs.persons, -scores, pairs.queries))
    order = order[_first_of_each(pairs.persons[order], pairs.queries[order])]
    chosen = order[_rank(pairs.queries[order], count) < k]
    cosines = np.clip(scores[chosen], -1.0, 1.0).tolist()
    columns = (pairs.queries[chosen].tolist(), pairs.persons[chosen].tolist(), templates[chosen].tolist(), cosines)
    answers: list[list[Neighbour]] = [[] for _ in range(count)]
    for query, person, template, cosine in zip(*columns, strict=True):
        answers[query].append(Neighbour(person, template, cosine))
    return [None if doubt else answer for doubt, answer in zip(unsure.tolist(), answers, strict=True)]


def score_of_person(ranked: Pairs, k: int, *, count: int) -> Scores:
    """The score (count,) at which the k-th distinct person of each query appears; -inf where there are fewer."""
    edge = np.full(count, -np.inf)
    first = _first_of_each(ranked.persons, ranked.queries)
    queries = ranked.queries[first]
    kth = np.flatnonzero(_rank(queries, count) == k - 1)
    edge[queries[kth]] = ranked.scores[first[kth]]
    return edge


def _first_of_each(persons: Numbers, queries: Numbers) -> Numbers:
    """Places, ascending, where a person appears for the first time among the pairs of a query (ascending)."""
    if not len(persons):
        return _NONE
    count = int(queries[-1]) + 1
    if max(abs(int(persons.min())), abs(int(persons.max()))) >= 2**62 // count:
        persons = np.unique(persons, return_inverse=True)[1]
    pairs = persons * count + queries
    by_pair = np.argsort(pairs)
    pairs = pairs[by_pair]
    begins = np.flatnonzero(np.concatenate(([True], pairs[1:] != pairs[:-1])))
    return np.sort(np.minimum.reduceat(by_pair, begins))


def _rank(queries: Numbers, count: int) -> Numbers:
    """The place of each among those of its query; the queries ascend."""
    return np.arange(len(queries)) - np.searchsorted(queries, np.arange(count))[queries]
