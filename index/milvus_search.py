"""From the rows that a server lists to the certain best persons. It never takes a server's score for the truth.

The server lists rows with its own scores c; it may round both factors of a product to bfloat16, so that
|c - s| <= 2**-7 for unit vectors, and a little for norms up to 1.001 and float32 sums (SLACK). Every row listed brings
its vector, is scored again in float64 and so has to keep that bound; `grouping` then proves the answer or asks for a
longer list: eight times longer, up to the longest that a server gives, then more with all templates listed so far left
out, until nothing can be missing. An approximate index is asked the same way and its list believed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from index.errors import EngineUnavailable
from index.grouping import Listed, Pairs, Scores, Truth, best_per_person, score_of_person
from index.labels import Numbers
from index.types import Neighbour, Vectors

SLACK = 2.0**-7 * 1.01 + 2.0**-12
WIDEST = 16_384  # rows that a server lists for one query
ANSWER_BYTES = 32 << 20  # of vectors in one answer
Hits = list[dict[str, Any]]
Lister = Callable[[Vectors, int, Sequence[int]], list[Hits]]  # queries, how many rows, templates left out


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Rows listed for b queries: pairs, of each the template and its vector (m, d); the bound on all other rows."""

    pairs: Pairs
    templates: Numbers
    vectors: Vectors
    beyond: Scores

    @classmethod
    def of(cls, answers: list[Hits], dimension: int, *, width: int) -> "_Found":
        hits = [hit for answer in answers for hit in answer]
        vectors = np.empty((len(hits), dimension), np.float32)
        for place, hit in enumerate(hits):
            vectors[place] = hit["entity"]["vector"]
        lengths = np.array([len(answer) for answer in answers])
        scores = np.array([hit["distance"] for hit in hits], np.float32)
        pairs = Pairs(
            np.repeat(np.arange(len(answers)), lengths),
            np.arange(len(hits)),
            np.array([hit["entity"]["person"] for hit in hits], np.int64),
            scores,
        )
        beyond = np.full(len(answers), -np.inf)
        full = lengths >= width
        beyond[full] = scores[np.cumsum(lengths)[full] - 1]
        return cls(pairs, np.array([hit["entity"]["template"] for hit in hits], np.int64), vectors, beyond)

    def more(self, other: "_Found") -> "_Found":
        """The rows of both, of one and the same query; `other` was listed without the rows of this one."""
        shifted = Pairs(
            other.pairs.queries, other.pairs.slots + len(self.templates), other.pairs.persons, other.pairs.scores
        )
        return _Found(
            Pairs.join([self.pairs, shifted]),
            np.concatenate([self.templates, other.templates]),
            np.concatenate([self.vectors, other.vectors]),
            other.beyond,
        )

    def best(self, queries: Vectors, k: int, *, exact: bool) -> list[list[Neighbour] | None]:
        """The best persons of each query; None where the list is too short to be certain."""
        exactly = queries.astype(np.float64)
        scores = np.einsum("ij,ij->i", self.vectors.astype(np.float64), exactly[self.pairs.queries])
        if np.any(np.abs(scores - self.pairs.scores) > SLACK):
            raise EngineUnavailable(engine="milvus", reason="scores")
        beyond = self.beyond
        if not exact:
            enough = score_of_person(self.pairs.ranked(), k, count=len(queries)) > -np.inf
            beyond = np.where(enough, -np.inf, beyond)
        truth = Truth(lambda slots: self.templates[slots], lambda slots, _: scores[slots])
        return best_per_person(Listed(self.pairs, beyond), k, slack=SLACK, truth=truth)


def best_persons(lister: Lister, queries: Vectors, k: int, *, exact: bool) -> list[list[Neighbour]]:
    """For each row of `queries` (n, d) the best k persons of all rows that `lister` can list."""
    answers: list[list[Neighbour]] = [[] for _ in queries]
    open_rows, width = np.arange(len(queries)), min(2 * k + 64, WIDEST)
    while open_rows.size:
        sure = _listed(lister, queries[open_rows], k, width=width, exact=exact)
        for row, answer in zip(open_rows.tolist(), sure, strict=True):
            answers[row] = answer or []
        open_rows = open_rows[[answer is None for answer in sure]]
        if width == WIDEST:
            break
        width = min(8 * width, WIDEST)
    for row in open_rows.tolist():
        answers[row] = _all_listed(lister, queries[row : row + 1], k, exact=exact)
    return answers


def _listed(lister: Lister, queries: Vectors, k: int, *, width: int, exact: bool) -> list[list[Neighbour] | None]:
    """One list for each query, as many queries at a time as an answer may hold."""
    dimension = queries.shape[1]
    size = max(1, ANSWER_BYTES // (width * dimension * 4))
    sure: list[list[Neighbour] | None] = []
    for start in range(0, len(queries), size):
        some = queries[start : start + size]
        sure += _Found.of(lister(some, width, ()), dimension, width=width).best(some, k, exact=exact)
    return sure


def _all_listed(lister: Lister, query: Vectors, k: int, *, exact: bool) -> list[Neighbour]:
    """One list after the other, each without the rows of those before, until the answer is certain."""
    found = _Found.of([[]], query.shape[1], width=1)
    while True:
        page = lister(query, WIDEST, found.templates.tolist())
        found = found.more(_Found.of(page, query.shape[1], width=WIDEST))
        (answer,) = found.best(query, k, exact=exact)
        if answer is not None:
            return answer
