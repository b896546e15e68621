"""Where the vectors lie: blocks of slots that never move, and views that never change under a reader.

A change writes new vectors into slots that no view shows yet, then publishes one new `View` by one assignment.
A slot given up is wiped and used again only when the last view that shows it is gone (its weak reference died),
so a search needs no lock. The store never scores and never judges a vector.
"""

import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.types import Entry, Filter, Stamp, Vectors

BLOCK = 32_768  # slots; 67 MB of vectors at d = 512, of which only the pages written take memory
STRIDE = 4_096  # rows copied at a time when entries are read out

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rows:
    """Entries as columns: ids and labels int64 (n,), unit vectors float32 (n, d)."""

    templates: Numbers
    persons: Numbers
    kinds: Numbers
    regions: Numbers
    vectors: Vectors


class Block:
    """BLOCK slots in place; `version` grows after every write, for mirrors on a device."""

    def __init__(self, dimension: int) -> None:
        self.vectors: Vectors = np.zeros((BLOCK, dimension), np.float32)
        self.templates: Numbers = np.zeros(BLOCK, np.int64)
        self.persons: Numbers = np.zeros(BLOCK, np.int64)
        self.kinds: Numbers = np.zeros(BLOCK, np.int64)
        self.regions: Numbers = np.zeros(BLOCK, np.int64)
        self.version = 0

    def write(self, at: Numbers, rows: Rows, which: Flags) -> None:
        self.vectors[at] = rows.vectors[which]
        self.templates[at] = rows.templates[which]
        self.persons[at] = rows.persons[which]
        self.kinds[at] = rows.kinds[which]
        self.regions[at] = rows.regions[which]
        self.version += 1

    def wipe(self, at: Numbers) -> None:
        for column in (self.vectors, self.templates, self.persons, self.kinds, self.regions):
            column[at] = 0
        self.version += 1


@dataclass(frozen=True, slots=True)
class Part:
    """One block as a view shows it: its slot `i` counts where `live[i]`; slots past the end were never used."""

    number: int
    block: Block
    live: Flags

    def admitted(self, where: Filter) -> Flags:
        """The live slots that `where` lets answer, bool (used,)."""
        used, flags = len(self.live), self.live
        if where.kinds is not None:
            flags = flags & np.isin(self.block.kinds[:used], _numbers(where.kinds))
        if where.regions is not None:
            flags = flags & np.isin(self.block.regions[:used], _numbers(where.regions))
        if where.excluded_persons:
            flags = flags & ~np.isin(self.block.persons[:used], _numbers(where.excluded_persons))
        return flags


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class View:
    """One state of the store; it stays true for as long as somebody holds it (its parts alone do not)."""

    stamp: Stamp
    parts: tuple[Part, ...]

    def entries(self) -> Iterator[Entry]:
        """Every live entry with a vector of its own."""
        for part in self.parts:
            slots = np.flatnonzero(part.live)
            for start in range(0, len(slots), STRIDE):
                yield from _entries(part.block, slots[start : start + STRIDE])


class Store:
    """The one mutable place of a flat index. `view` is what readers take; everything else is the writer's."""

    def __init__(self, contract: str, dimension: int) -> None:
        self.view = View(Stamp(contract, 0, 0), ())
        self.dimension = dimension
        self._blocks: list[Block] = []
        self._slot_of: dict[int, int] = {}
        self._used = 0
        self._free: list[int] = []
        self._retired: deque[tuple[weakref.ref[View], Numbers]] = deque()

    def change(self, rows: Rows, gone: Sequence[int], *, revision: int) -> None:
        """Put `rows` (templates distinct), drop the templates `gone` (unknown ones are ignored), publish."""
        self._reclaim()
        slots = self._take(len(rows.templates))
        for number in np.unique(slots // BLOCK).tolist():
            which = slots // BLOCK == number
            self._blocks[number].write(slots[which] % BLOCK, rows, which)
        put = rows.templates.tolist()
        left = _numbers(slot for name in (*gone, *put) if (slot := self._slot_of.get(name)) is not None)
        parts = self._parts(slots, left)
        for name in gone:
            self._slot_of.pop(name, None)
        self._slot_of.update(zip(put, slots.tolist(), strict=True))
        self._retired.append((weakref.ref(self.view), left))
        self.view = View(Stamp(self.view.stamp.contract, revision, len(self._slot_of)), parts)
        self._reclaim()

    def _take(self, count: int) -> Numbers:
        cut = max(0, len(self._free) - count)
        reused = self._free[cut:]
        del self._free[cut:]
        fresh = range(self._used, self._used + count - len(reused))
        self._used = fresh.stop
        while len(self._blocks) * BLOCK < self._used:
            self._blocks.append(Block(self.dimension))
        return _numbers((*reused, *fresh))

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
            for number in np.unique(slots // BLOCK).tolist():
                self._blocks[number].wipe(slots[slots // BLOCK == number] % BLOCK)
            self._free.extend(slots.tolist())


def _numbers(values: "Sequence[int] | frozenset[int] | Iterator[int]") -> Numbers:
    return np.fromiter(values, np.int64)


def _entries(block: Block, slots: Numbers) -> Iterator[Entry]:
    labels = (block.templates, block.persons, block.kinds, block.regions)
    vectors = block.vectors[slots]
    lists = (label[slots].tolist() for label in labels)
    for template, person, kind, region, vector in zip(*lists, vectors, strict=True):
        yield Entry(template, person, kind, region, vector)
