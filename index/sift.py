"""The certified scan: eight bits a component are read first, and only rows that can still matter are read in full.

It never leaves out a row that brute force would answer with. Let T be a score that the k-th best person of all is
known to reach: k distinct persons have been scored in float32 at F or more, so T = F - e with the slack e of such a
score. By the bound in `codes`, a row whose integer product is less than `Asked.needed(T)` has s(x) < T. T only grows
while the scan goes on; so whatever was left out at any time is strictly worse than the k-th best person at the end, and
no tie can bring it back. What was not left out has a float32 score and is judged in `grouping` as any listed row is.

A sample gives the first T; then rounds, each four times longer than the last, raise it. Rows are read in pieces whose
products stay in the cache; threads take a piece each. Where the labels admit few rows, only their codes are gathered.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from index.codes import LEAST, NEAR, Asked, Products
from index.grouping import NO_PAIRS, Listed, Pairs, score_of_person
from index.labels import Numbers
from index.scan import HostScan, Scope, Task, pair_products
from index.store import BLOCK
from index.turns import in_turns

TOGETHER = 256  # queries scanned at a time
CELLS = 1 << 18  # products of one piece: 1 MiB, half of a core's cache
SHORTEST, LONGEST = 1_024, 32_768  # rows of one piece
FEW = 64  # queries for which one long comparison is cheaper than many as long as their number
GATHER_BELOW = 0.3  # share of admitted rows under which their codes are gathered: a row read out of order costs three
SAMPLE = 4_096  # rows that give the first threshold, or a sixteenth of all where that is less
ALONE = 1 << 15  # products that one thread has done sooner than two
FIRST_ROUND, GROWTH = 16_384, 4  # rows of the first round, and how much longer the next is


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Rows of one scope: `rows` (n,), or all from `start` to `stop`, of which its flags tell the admitted."""

    scope: Scope
    start: int
    stop: int
    rows: Numbers | None

    def first(self, count: int) -> "Piece":
        """So many of its rows."""
        stop = min(self.stop, self.start + count)
        return Piece(self.scope, self.start, stop, None if self.rows is None else self.rows[:count])


class CodeScan:
    """Integer products of codes first, float32 for what reaches the threshold; certain at the first attempt.

    Several queries that share more than `crowd` pairs are asked in halves: a mass of ties fits in memory then.
    """

    def __init__(self, *, crowd: int = 1 << 21) -> None:
        self._crowd = crowd

    def slack(self, dimension: int) -> float:
        return HostScan().slack(dimension)

    def look(self, task: Task, *, attempt: int) -> Listed:  # noqa: ARG002 - no attempt lists more
        count = len(task.queries)
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
        pieces = [piece for scope in self._task.scopes for piece in _pieces(scope, self._length)]
        total = sum(piece.stop - piece.start for piece in pieces)
        self._prime(pieces, min(SAMPLE, total // 16))
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

    def _prime(self, pieces: Sequence[Piece], rows: int) -> None:
        """A first threshold from the best of a sample; its rows are scanned again with the others."""
        sample = [piece.first(rows) for piece in _first(pieces, rows)]
        self._tighten(Pairs.join([NO_PAIRS, *self._in_turns(self._best_of, sample)]))

    def _best_of(self, piece: Piece) -> Pairs:
        wide = 4 * self._task.k
        if piece.stop - piece.start <= wide:
            return NO_PAIRS
        by_query = np.ascontiguousarray(self._products(piece).T)
        if piece.rows is None:
            by_query[:, ~piece.scope.flags[piece.start : piece.stop]] = LEAST
        edge = np.partition(by_query, -wide, axis=1)[:, -wide]
        queries, places = np.nonzero((by_query >= edge[:, None]) & (by_query > LEAST))
        return self._score(piece, places, queries)

    def _scan_all(self, pieces: Sequence[Piece]) -> list[Pairs]:
        needed = np.broadcast_to(self._needed, (self._length, self._count))
        if self._count < FEW:
            needed = np.ascontiguousarray(needed)
        return self._in_turns(lambda piece: self._scan(piece, needed), pieces)

    def _in_turns(self, work: Callable[[Piece], Pairs], pieces: Sequence[Piece]) -> list[Pairs]:
        rows = sum(piece.stop - piece.start for piece in pieces)
        return in_turns(work, pieces, alone=rows * self._count <= ALONE)

    def _scan(self, piece: Piece, needed: Products) -> Pairs:
        if self._crowded:
            return NO_PAIRS
        products = self._products(piece)
        places, queries = np.divmod(np.flatnonzero(products >= needed[: len(products)]), self._count)
        pairs = self._score(piece, places, queries)
        self.scored += len(pairs.slots)
        return pairs

    def _products(self, piece: Piece) -> Products:
        """Integer products (n, b), those of rows with a large error lifted."""
        block, odd = piece.scope.part.block, piece.scope.part.odd
        if piece.rows is not None:
            products = self._asked.products(np.take(block.codes, piece.rows, axis=0))
            errors = block.errors[piece.rows]
            lifted = np.flatnonzero(errors > NEAR)
            errors = errors[lifted]
        else:
            products = self._asked.products(block.codes[piece.start : piece.stop])
            lifted = odd[slice(*np.searchsorted(odd, (piece.start, piece.stop)))]
            errors = block.errors[lifted]
            lifted = lifted - piece.start
        if len(lifted):
            products[lifted] += self._asked.lift(errors)
        return products

    def _score(self, piece: Piece, places: Numbers, queries: Numbers) -> Pairs:
        """The admitted ones of some pairs, with their float32 scores."""
        scope, block = piece.scope, piece.scope.part.block
        if piece.rows is not None:
            rows = piece.rows[places]
        else:
            rows = places + piece.start
            kept = scope.flags[rows]
            rows, queries = rows[kept], queries[kept]
        persons = block.labels.person[rows]
        if (barred := self._task.wanted.bars(persons)) is not None:
            rows, queries, persons = rows[~barred], queries[~barred], persons[~barred]
        scores = pair_products(block.vectors, rows, queries=self._task.queries, which=queries)
        return Pairs(queries, rows + scope.part.number * BLOCK, persons, scores)

    def _tighten(self, pool: Pairs) -> Pairs:
        """Raise the thresholds by what was found; what of it still matters, best first for each query."""
        pool = pool.ranked()
        edge = score_of_person(pool, self._task.k, count=self._count)
        self._needed = np.maximum(self._needed, self._asked.needed(edge - self._slack))
        return pool.at(pool.scores >= edge[pool.queries] - 2 * self._slack)


def _pieces(scope: Scope, length: int) -> Iterator[Piece]:
    used = len(scope.flags)
    few = scope.count < GATHER_BELOW * used
    rows = (np.flatnonzero(scope.flags) if scope.rows is None else scope.rows) if few else None
    total = used if rows is None else len(rows)
    for start in range(0, total, length):
        stop = min(total, start + length)
        yield Piece(scope, start, stop, None if rows is None else rows[start:stop])


def _first(pieces: Sequence[Piece], rows: int) -> list[Piece]:
    """The first pieces, until they have so many rows together."""
    chosen: list[Piece] = []
    for piece in pieces:
        if rows <= 0:
            break
        chosen.append(piece)
        rows -= piece.stop - piece.start
    return chosen
