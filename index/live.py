"""The index that a running process shares: writers in one line, readers never waiting.

Readers take the current generation by one reference and search one published state of it (the promise of
`VectorIndex`), so a change or a swap is seen whole or not at all. It never reads rows: whoever needs a revision
not older than the database's catches up first, inside `writing`.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from index.errors import OtherContract
from index.types import EVERYTHING, Change, Entry, Filter, Lot, Neighbour, Stamp, VectorIndex, Vectors


class LiveIndex:
    """A `VectorIndex` whose generation can be replaced while others search it."""

    def __init__(self, index: VectorIndex) -> None:
        self._index = index
        self._turn = threading.Lock()

    @property
    def stamp(self) -> Stamp:
        return self._index.stamp

    @property
    def dimension(self) -> int:
        return self._index.dimension

    def search(self, queries: Vectors, k: int, where: Filter = EVERYTHING) -> list[list[Neighbour]]:
        return self._index.search(queries, k, where)

    def entries(self) -> Iterable[Entry]:
        return self._index.entries()

    @contextmanager
    def writing(self) -> Iterator[VectorIndex]:
        """The writer's turn: yields the generation; other writers wait, searches go on.

        For what must not be overtaken: reading changes after `stamp.revision` and applying them, saving a snapshot,
        comparing with the rows. Inside, use the yielded index; this object's own writers would wait for ever.
        """
        with self._turn:
            yield self._index

    def apply(self, changes: Sequence[Change]) -> None:
        """See `VectorIndex.apply`."""
        with self.writing() as index:
            index.apply(changes)

    def restore(self, lots: Iterable[Lot], revision: int) -> None:
        """See `VectorIndex.restore`."""
        with self.writing() as index:
            index.restore(lots, revision)

    def replace(self, index: VectorIndex) -> None:
        """Swap in a whole generation, built aside; OtherContract where its vectors could not be compared."""
        if index.stamp.contract != self.stamp.contract:
            raise OtherContract(expected=self.stamp.contract, got=index.stamp.contract)
        with self._turn:
            self._index = index
