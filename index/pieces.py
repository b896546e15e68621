"""What a scan over codes reads at a time: a stretch of one part, or rows picked from several. It never judges them.

Admitted rows that lie far apart are gathered from all parts into few pieces: what a piece costs beside its bytes, some
twenty calls, would outweigh the reading if every part had a piece of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from index.codes import LEAST, Asked, Products
from index.grouping import Pairs
from index.labels import Numbers, held
from index.scan import Scope, Task, pair_products
from index.store import BLOCK, Part

GATHER_BELOW = 0.3  # share of admitted rows under which their codes are gathered: a row read out of order costs three
PICKED_MOST = 8_192  # rows gathered at a time: 4 MiB of codes at d = 512


class Piece(Protocol):
    """Some rows, by their places 0 … len - 1."""

    def __len__(self) -> int: ...

    def first(self, count: int) -> "Piece":
        """So many of its rows."""
        ...

    def products(self, asked: Asked) -> Products:
        """Integer products (n, b), those of rows with a large error lifted, in room that the thread uses again."""
        ...

    def by_query(self, products: Products) -> Products:
        """The products (b, n) of admitted rows, LEAST for others."""
        ...

    def pairs(self, places: Numbers, queries: Numbers, task: Task) -> Pairs:
        """The admitted ones of some pairs (m,), nobody that is barred, with their float32 scores."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Rows of a scope's part from `start` to `stop`, of which its flags tell the admitted."""

    scope: Scope
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def first(self, count: int) -> "Stretch":
        return Stretch(self.scope, self.start, min(self.stop, self.start + count))

    def products(self, asked: Asked) -> Products:
        part = self.scope.part
        products = asked.products(part.block.codes[self.start : self.stop])
        odd = part.odd[slice(*np.searchsorted(part.odd, (self.start, self.stop)))]
        if len(odd):
            products[odd - self.start] += asked.lift(part.block.errors[odd])
        return products

    def by_query(self, products: Products) -> Products:
        turned = np.ascontiguousarray(products.T)
        turned[:, ~self.scope.flags[self.start : self.stop]] = LEAST
        return turned

    def pairs(self, places: Numbers, queries: Numbers, task: Task) -> Pairs:
        rows = places + self.start
        kept = self.scope.flags[rows]
        return _scored(self.scope.part, rows[kept], queries[kept], task)


@dataclass(frozen=True, slots=True, eq=False)
class Picked:
    """Admitted rows (n,) of each of some parts, ascending, one part after the other."""

    shares: Sequence[tuple[Part, Numbers]]

    def __len__(self) -> int:
        return sum(len(rows) for _, rows in self.shares)

    def first(self, count: int) -> "Picked":
        return next(_picked(self.shares, count))

    def products(self, asked: Asked) -> Products:
        codes = asked.room(len(self))
        for part, rows, span in self._spans():
            np.take(part.block.codes, rows, axis=0, out=codes[span], mode="clip")
        products = asked.products(codes)
        for part, rows, span in self._spans():
            odd = part.odd[held(rows, part.odd)]
            if len(odd):
                products[span][np.searchsorted(rows, odd)] += asked.lift(part.block.errors[odd])
        return products

    def by_query(self, products: Products) -> Products:
        return np.ascontiguousarray(products.T)

    def pairs(self, places: Numbers, queries: Numbers, task: Task) -> Pairs:
        found = []
        for part, rows, span in self._spans():
            here = (places >= span.start) & (places < span.stop)
            found.append(_scored(part, rows[places[here] - span.start], queries[here], task))
        return Pairs.join(found)

    def _spans(self) -> Iterator[tuple[Part, Numbers, slice]]:
        """Each part and its rows with their places."""
        start = 0
        for part, rows in self.shares:
            yield part, rows, slice(start, start + len(rows))
            start += len(rows)


def pieces_of(scopes: Sequence[Scope], length: int) -> list[Piece]:
    """All rows of the scopes, at most `length` at a time."""
    near = [scope for scope in scopes if scope.count >= GATHER_BELOW * len(scope.part.live)]
    apart = [(scope.part, scope.rows) for scope in scopes if scope.count < GATHER_BELOW * len(scope.part.live)]
    stretches = (
        Stretch(scope, start, min(start + length, len(scope.part.live)))
        for scope in near
        for start in range(0, len(scope.part.live), length)
    )
    return [*stretches, *_picked(apart, min(length, PICKED_MOST))]


def _picked(shares: Sequence[tuple[Part, Numbers]], length: int) -> Iterator[Picked]:
    """The shares cut and put together so that every piece but the last has so many rows."""
    some: list[tuple[Part, Numbers]] = []
    free = length
    for part, rows in shares:
        while len(rows):
            some.append((part, rows[:free]))
            rows, free = rows[free:], free - len(some[-1][1])  # noqa: PLW2901 - what is left of them
            if not free:
                yield Picked(some)
                some, free = [], length
    if some:
        yield Picked(some)


def _scored(part: Part, rows: Numbers, queries: Numbers, task: Task) -> Pairs:
    persons = part.block.labels.person[rows]
    if (barred := task.wanted.bars(persons)) is not None:
        rows, queries, persons = rows[~barred], queries[~barred], persons[~barred]
    scores = pair_products(part.block.vectors, rows, queries=task.queries, which=queries)
    return Pairs(queries, rows + part.number * BLOCK, persons, scores)
