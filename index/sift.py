"""The certified scan: eight bits a component are read first, and only rows that can still matter are read in full.

It never leaves out a row that brute force would answer with. Let T be a score that the k-th best person of all is
known to reach: k distinct persons have been scored in float32 at F or more, so T = F - e with the slack e of such a
score. By the bound in `codes`, a row whose integer product is less than `Asked.needed(T)` has s(x) < T. T only grows
while the scan goes on; so whatever was left out at any time is strictly worse than the k-th best person at the end, and
no tie can bring it back. What was not left out has a float32 score and is judged in `grouping` as any listed row is.

A sample gives the first T; then rounds, each four times longer than the last, raise it. Rows are read in pieces whose
products stay in the cache; threads take a piece each. Where the labels admit few rows, only their codes are gathered.
Where all products are few enough to keep, one round does: the best of all rows are the sample.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from index import listing
from index.codes import LEAST, Asked, Products
from index.grouping import NO_PAIRS, Listed, Pairs, score_of_person
from index.pieces import Piece, pieces_of, products_of
from index.scan import HostScan, Task
from index.turns import in_turns

Result = TypeVar("Result")

TOGETHER = 256  # queries scanned at a time
CELLS = 1 << 18  # products of one piece: 1 MiB, half of a core's cache
SHORTEST, LONGEST = 1_024, 32_768  # rows of one piece
FEW = 64  # queries for which one long comparison is cheaper than many as long as their number
SAMPLE = 4_096  # rows that give the first threshold
ALONE = 1 << 15  # products that one thread has done sooner than two
AT_ONCE = 1 << 18  # products that are all kept until the best of them have told which matter
LISTINGS = 2  # attempts of few queries to be certain by lists, which a person with many templates can fill
FIRST_ROUND, GROWTH = 16_384, 4  # rows of the first round, and how much longer the next is


class CodeScan:
    """Integer products of codes first, float32 for what reaches the threshold; certain at the first attempt.

    Several queries that share more than `crowd` pairs are asked in halves: a mass of ties fits in memory then.
    """

    def __init__(self, *, crowd: int = 1 << 21) -> None:
        self._crowd = crowd

    def slack(self, dimension: int) -> float:
        return HostScan().slack(dimension)

    def look(self, task: Task, *, attempt: int) -> Listed:
        count, dimension = task.queries.shape
        if attempt < LISTINGS and listing.faster(count, dimension):
            return listing.listed(task, slack=self.slack(dimension), attempt=attempt)
        found = [self._hunt(task, start, min(count, start + TOGETHER)) for start in range(0, count, TOGETHER)]
        return Listed(Pairs.join(found), np.full(count, -np.inf))

    def _hunt(self, task: Task, start: int, stop: int) -> Pairs:
        part = Task(task.scopes, task.queries[start:stop], task.k, task.wanted)
        found = Hunt(part, slack=self.slack(task.queries.shape[1]), crowd=self._crowd).run()
        if found is not None:
            return Pairs(found.queries + start, found.slots, found.persons, found.scores)
        middle = (start + stop) // 2
        return Pairs.join([self._hunt(task, start, middle), self._hunt(task, middle, stop)])


class Hunt:
    """One scan for up to TOGETHER queries. Its threshold is changed between rounds only, by one thread."""

    def __init__(self, task: Task, *, slack: float, crowd: int) -> None:
        self._task, self._slack, self._limit = task, slack, crowd
        self._count = len(task.queries)
        self._asked = Asked.of(task.queries)
        self._length = min(LONGEST, max(SHORTEST, CELLS // self._count))
        self._needed = np.full(self._count, LEAST, np.int32)
        self.scored = 0  # pairs read in full so far

    def run(self) -> Pairs | None:
        """Every pair that may matter, or None where there are too many for several queries at once."""
        pieces = pieces_of(self._task.scopes, self._length)
        total = sum(map(len, pieces))
        if total * self._count <= AT_ONCE:
            return self._at_once(pieces)
        sample = [piece.first(SAMPLE) for piece in _first(pieces, SAMPLE)]
        best = self._in_turns(lambda piece: self._best_of(piece, products_of(piece, self._asked)), sample)
        self._tighten(Pairs.join([NO_PAIRS, *best]))
        pool, done, length = NO_PAIRS, 0, FIRST_ROUND
        while done < len(pieces):
            batch = _first(pieces[done:], length)
            pool = self._tighten(Pairs.join([pool, *self._scan_all(batch)]))
            if self._crowded:
                return None
            done, length = done + len(batch), length * GROWTH
        return pool

    @property
    def _crowded(self) -> bool:
        return self._count > 1 and self.scored > self._limit

    def _at_once(self, pieces: Sequence[Piece]) -> Pairs:
        """The best of all rows give the threshold for all rows, so hardly any other is read in full."""
        read = self._in_turns(lambda piece: (piece, products_of(piece, self._asked).copy()), pieces)
        self._tighten(Pairs.join([NO_PAIRS, *in_turns(lambda one: self._best_of(*one), read, alone=True)]))
        found = in_turns(lambda one: self._reaching(*one, self._needed), read, alone=True)
        return Pairs.join([NO_PAIRS, *found])

    def _best_of(self, piece: Piece, products: Products) -> Pairs:
        """Some of the best rows for each query, where there are more."""
        wide = 4 * self._task.k
        if len(piece) <= wide:
            return NO_PAIRS
        by_query = piece.by_query(products)
        edge = np.partition(by_query, -wide, axis=1)[:, -wide]
        queries, places = np.nonzero((by_query >= edge[:, None]) & (by_query > LEAST))
        return piece.pairs(places, queries, self._task)

    def _scan_all(self, pieces: Sequence[Piece]) -> list[Pairs]:
        needed = np.broadcast_to(self._needed, (self._length, self._count))
        if self._count < FEW:
            needed = np.ascontiguousarray(needed)
        return self._in_turns(lambda piece: self._scan(piece, needed), pieces)

    def _in_turns(self, work: Callable[[Piece], Result], pieces: Sequence[Piece]) -> list[Result]:
        return in_turns(work, pieces, alone=sum(map(len, pieces)) * self._count <= ALONE)

    def _scan(self, piece: Piece, needed: Products) -> Pairs:
        if self._crowded:
            return NO_PAIRS
        return self._reaching(piece, products_of(piece, self._asked), needed[: len(piece)])

    def _reaching(self, piece: Piece, products: Products, needed: Products) -> Pairs:
        """The pairs whose products (n, b) are at least what is needed, (b,) or (n, b)."""
        places, queries = np.divmod(np.flatnonzero(products >= needed), self._count)
        pairs = piece.pairs(places, queries, self._task)
        self.scored += len(pairs.slots)
        return pairs

    def _tighten(self, pool: Pairs) -> Pairs:
        """Raise the thresholds by what was found; what of it still matters, best first for each query."""
        pool = pool.ranked()
        edge = score_of_person(pool, self._task.k, count=self._count)
        self._needed = np.maximum(self._needed, self._asked.needed(edge - self._slack))
        return pool.at(pool.scores >= edge[pool.queries] - 2 * self._slack)


def _first(pieces: Sequence[Piece], rows: int) -> list[Piece]:
    """The first pieces, until they have so many rows together."""
    chosen: list[Piece] = []
    for piece in pieces:
        if rows <= 0:
            break
        chosen.append(piece)
        rows -= len(piece)
    return chosen
