"""What a scan over codes reads at a time: a stretch of one part, or rows picked from several. It never judges them.

Admitted rows that lie far apart are gathered from all parts into few pieces: what a piece costs beside its bytes, some
twenty calls, would outweigh the reading if every part had a piece of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from index.codes import LEAST, Asked, Codes, Products, room
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

    def codes(self) -> Codes:
        """The codes (n, d), perhaps in room that the thread uses again."""
        ...

    def odd(self) -> tuple[Numbers, NDArray[np.float32]]:
        """The rows whose codes are further off than NEAR, and how far."""
        ...

    def share(self) -> float:
        """How many of its rows are admitted, of all."""
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

    def codes(self) -> Codes:
        return self.scope.part.block.codes[self.start : self.stop]

    def odd(self) -> tuple[Numbers, NDArray[np.float32]]:
        part = self.scope.part
        rows = part.odd[slice(*np.searchsorted(part.odd, (self.start, self.stop)))]
        return rows - self.start, part.block.errors[rows]

    def share(self) -> float:
        return np.count_nonzero(self.scope.flags[self.start : self.stop]) / len(self)

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

    def codes(self) -> Codes:
        gathered = room(len(self), self.shares[0][0].block.codes.shape[1])
        for part, rows, span in self._spans():
            np.take(part.block.codes, rows, axis=0, out=gathered[span], mode="clip")
        return gathered

    def odd(self) -> tuple[Numbers, NDArray[np.float32]]:
        places, errors = [], []
        for part, rows, span in self._spans():
            odd = part.odd[held(rows, part.odd)]
            places.append(np.searchsorted(rows, odd) + span.start)
            errors.append(part.block.errors[odd])
        return np.concatenate(places), np.concatenate(errors)

    def share(self) -> float:
        return 1.0

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


def products_of(piece: Piece, asked: Asked) -> Products:
    """Integer products (n, b), those of rows with a large error lifted, in room that the thread uses again."""
    products = asked.products(piece.codes())
    places, errors = piece.odd()
    if len(places):
        products[places] += asked.lift(errors)
    return products


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
