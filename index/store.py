"""Where the vectors lie: blocks of slots that never move, and views that never change under a reader.

A change writes new vectors into slots that no view shows yet, then publishes one new `View` by one assignment.
A slot given up is wiped and used again only when the last view that shows it is gone (its weak reference died),
so a search needs no lock. The store never scores and never judges a vector.
"""

import mmap
import os
import tempfile
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.codes import NEAR, Codes, encode, room_for_codes
from index.labels import Flags, Labels, Numbers, Shelves
from index.slots import SlotTable, last_of_each
from index.types import Entry, Stamp, Vectors

BLOCK = 131_072  # slots; 268 MB of vectors at d = 512, of which only the pages written take memory
STRIDE = 4_096  # rows copied at a time when entries are read out
PIECE = 512  # rows coded at a time: a megabyte at d = 512 stays in the cache; fewer would ask for the interpreter more


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Entries as columns: labels (n,) and unit vectors float32 (n, d)."""

    labels: Labels
    vectors: Vectors

    def at(self, which: slice | Flags | Numbers) -> "Rows":
        """Some of them."""
        return Rows(self.labels.at(which), self.vectors[which])


@dataclass(slots=True, weakref_slot=True, eq=False)
class Block:
    """BLOCK slots in place: vectors float32 (BLOCK, d), their codes, how far the codes are off, and labels.

    `version` grows after every write, for mirrors on a device.
    """

    vectors: Vectors
    codes: Codes
    errors: NDArray[np.float32]
    labels: Labels
    version: int = 0

    @classmethod
    def empty(cls, dimension: int, *, folder: Path | None = None, vectors: Vectors | None = None) -> "Block":
        """A block of zeros; pages never written take no memory.

        With a folder the vectors lie in a file there that has no name any more, so that the system may put them out of
        memory; OSError where the disk has no room for them. With `vectors` they lie where those do.
        """
        if vectors is None:
            vectors = _mapped(folder, dimension) if folder else np.zeros((BLOCK, dimension), np.float32)
        errors = np.zeros(BLOCK, np.float32)
        return cls(vectors, room_for_codes(BLOCK, dimension), errors, Labels.empty(BLOCK))

    def write(self, at: Numbers, rows: Rows) -> None:
        for start in range(0, len(at), PIECE):
            piece, some = rows.vectors[start : start + PIECE], _run(at[start : start + PIECE])
            self.vectors[some] = piece
            self.codes[some], self.errors[some] = encode(piece)
        self.labels.write(_run(at), rows.labels)
        self.version += 1

    def wipe(self, at: Numbers) -> None:
        for column in (self.vectors, self.codes, self.errors):
            column[at] = 0
        self.labels.wipe(at)
        self.version += 1


@dataclass(frozen=True, eq=False)
class Part:
    """One block as a view shows it: its slot `i` counts where `live[i]`; slots past the end were never used."""

    number: int
    block: Block
    live: Flags

    @cached_property
    def count(self) -> int:
        """How many slots count."""
        return int(np.count_nonzero(self.live))

    @cached_property
    def by_region(self) -> Shelves:
        """The slots that count by region."""
        return Shelves(self.block.labels.region, np.flatnonzero(self.live))

    @cached_property
    def odd(self) -> Numbers:
        """The slots whose codes are further off than NEAR."""
        return np.flatnonzero((self.block.errors[: len(self.live)] > NEAR) & self.live)


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class View:
    """One state of the store; it stays true for as long as somebody holds it (its parts alone do not)."""

    stamp: Stamp
    parts: tuple[Part, ...]

    def rows(self) -> Iterator[Rows]:
        """Every live row, copied, up to STRIDE at a time."""
        for part in self.parts:
            slots = np.flatnonzero(part.live)
            for start in range(0, len(slots), STRIDE):
                some = slots[start : start + STRIDE]
                yield Rows(part.block.labels.at(some), part.block.vectors[some])

    def entries(self) -> Iterator[Entry]:
        """Every live entry with a vector of its own."""
        for rows in self.rows():
            yield from rows.labels.entries(rows.vectors)


class Store:
    """The one mutable place of a flat index. `view` is what readers take; everything else is the writer's."""

    def __init__(self, contract: str, dimension: int, folder: Path | None = None) -> None:
        self.view = View(Stamp(contract, 0, 0), ())
        self.dimension = dimension
        self.folder = folder
        self._blocks: list[Block] = []
        self._names = SlotTable()
        self._used = 0
        self._free: list[int] = []
        self._retired: deque[tuple[weakref.ref[View], Numbers]] = deque()

    def change(self, rows: Rows, gone: Sequence[int], *, revision: int) -> None:
        """Put `rows` (templates distinct), drop the templates `gone` (unknown ones are ignored), publish.

        OSError when the folder of the vectors is full: nothing has changed then.
        """
        self._reclaim()
        put = rows.labels.template.tolist()
        slots = self._take(len(put))
        self._write(slots, rows)
        left = self._names.change(gone, put, slots)
        self._publish(slots, left, revision)
        self._reclaim()

    def fill(self, batches: Iterable[Rows], *, revision: int) -> None:
        """Begin with these rows; of those with one template the last counts. Only for a store never changed.

        OSError when the folder of the vectors is full.
        """
        for rows in batches:
            self._write(self._take(len(rows.vectors)), rows)
        self._begin(revision)

    def adopt(self, blocks: Sequence[Block], count: int, *, revision: int) -> None:
        """Begin with filled blocks, all full but the last: `count` slots are live. Only for a store never changed."""
        self._blocks, self._used = list(blocks), count
        self._begin(revision)

    def _begin(self, revision: int) -> None:
        columns = [np.empty(0, np.int64), *(block.labels.template for block in self._blocks)]
        templates = np.concatenate(columns)[: self._used]
        kept = last_of_each(templates)
        self._names.begin(templates[kept], kept)
        self._publish(kept, np.setdiff1d(np.arange(self._used), kept, assume_unique=True), revision)
        self._reclaim()

    def _write(self, slots: Numbers, rows: Rows) -> None:
        for number, which in by_block(slots):
            self._blocks[number].write(slots[which] % BLOCK, rows if which.all() else rows.at(which))

    def _publish(self, put: Numbers, left: Numbers, revision: int) -> None:
        self._retired.append((weakref.ref(self.view), left))
        stamp = Stamp(self.view.stamp.contract, revision, self._names.count)
        self.view = View(stamp, self._parts(put, left))

    def _take(self, count: int) -> Numbers:
        fresh = max(0, count - len(self._free))
        while len(self._blocks) * BLOCK < self._used + fresh:
            self._blocks.append(Block.empty(self.dimension, folder=self.folder))
        cut = len(self._free) - (count - fresh)
        reused = self._free[cut:]
        del self._free[cut:]
        self._used += fresh
        return np.concatenate((np.array(reused, np.int64), np.arange(self._used - fresh, self._used)))

    def _parts(self, put: Numbers, left: Numbers) -> tuple[Part, ...]:
        """The parts of the next view: those touched are new, the others are the last view's own."""
        parts = list(self.view.parts)
        for number in np.unique(np.concatenate((put, left)) // BLOCK).tolist():
            live = np.zeros(min(BLOCK, self._used - number * BLOCK), np.bool_)
            if number < len(parts):
                live[: len(parts[number].live)] = parts[number].live
            live[left[left // BLOCK == number] % BLOCK] = False
            live[put[put // BLOCK == number] % BLOCK] = True
            parts[number : number + 1] = [Part(number, self._blocks[number], live)]
        return tuple(parts)

    def _reclaim(self) -> None:
        """Wipe and free what no living view shows: in order, so that an older view protects all that came after."""
        while self._retired and self._retired[0][0]() is None:
            _, slots = self._retired.popleft()
            for number, which in by_block(slots):
                self._blocks[number].wipe(slots[which] % BLOCK)
            self._free.extend(slots.tolist())


def by_block(slots: Numbers) -> Iterator[tuple[int, Flags]]:
    """The numbers of the blocks that hold the slots, each with which of them it holds."""
    for number in np.unique(slots // BLOCK).tolist():
        yield number, slots // BLOCK == number


def _run(slots: Numbers) -> Numbers | slice:
    """Slots in a row as a slice, which is copied without being looked up one by one."""
    in_a_row = len(slots) and slots[-1] - slots[0] == len(slots) - 1 and (np.diff(slots) == 1).all()
    return slice(int(slots[0]), int(slots[-1]) + 1) if in_a_row else slots


def _mapped(folder: Path, dimension: int) -> Vectors:
    size = BLOCK * dimension * 4
    with tempfile.TemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, size)  # a full disk is refused here, not by a fault while writing
        room = mmap.mmap(file.fileno(), size)
    return np.frombuffer(room, np.float32).reshape(BLOCK, dimension)
