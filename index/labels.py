"""The columns that stand beside the vectors, and the filter that reads them. It never looks at a vector."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from index.errors import VectorRefused
from index.types import Entry, Filter

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Column = NDArray[np.signedinteger]

WIDTHS = {  # as in types.NUMBERS; bytes of a template: 35
    "template": np.int64,
    "person": np.int64,
    "kind": np.int16,
    "region": np.int32,
    "sex": np.int8,
    "born_from": np.int16,
    "born_to": np.int16,
    "seen_from": np.int32,
    "seen_to": np.int32,
}
BYTES = sum(np.dtype(width).itemsize for width in WIDTHS.values())
FEW_REGIONS = 32  # regions whose slots are looked up one by one; more are looked for in the whole column
FEW = 4  # members that are compared one after the other faster than looked up
TABLE = 1 << 22  # widest range of members that gets a table of its own


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Columns (n,) by the names of WIDTHS."""

    template: Numbers
    person: Numbers
    kind: Column
    region: Column
    sex: Column
    born_from: Column
    born_to: Column
    seen_from: Column
    seen_to: Column

    @classmethod
    def empty(cls, slots: int) -> "Labels":
        """Zeros for so many slots; pages never written take no memory."""
        return cls(*(np.zeros(slots, width) for width in WIDTHS.values()))

    @classmethod
    def of(cls, numbers: Numbers) -> "Labels":
        """The labels of a lot's numbers (n, 9); VectorRefused where one is too large for its column."""
        return cls(*(_narrow(column, name) for column, name in zip(numbers.T, WIDTHS, strict=True)))

    def columns(self) -> Iterator[Column]:
        for field in fields(self):
            yield getattr(self, field.name)

    def at(self, rows: Numbers | Flags | slice) -> "Labels":
        """Some rows."""
        return Labels(*(column[rows] for column in self.columns()))

    def write(self, at: Numbers | slice, source: "Labels") -> None:
        for column, new in zip(self.columns(), source.columns(), strict=True):
            column[at] = new

    def wipe(self, at: Numbers) -> None:
        for column in self.columns():
            column[at] = 0

    def entries(self, vectors: NDArray[np.float32]) -> Iterator[Entry]:
        """Entries of these labels and the vectors beside them, which they share."""
        lists = (column.tolist() for column in self.columns())
        for template, person, kind, region, sex, *spans, vector in zip(*lists, vectors, strict=True):
            yield Entry(template, person, kind, region, vector, sex, (spans[0], spans[1]), (spans[2], spans[3]))


class Wanted:
    """A filter made ready for many columns. Labels are tested row by row, persons only where a row was found."""

    def __init__(self, where: Filter) -> None:
        self.everything = (where.kinds, where.regions, where.sexes, where.born, where.seen) == (None,) * 5
        sexes = None if where.sexes is None else where.sexes | {0}
        self.regions = (
            _sorted(where.regions) if where.regions is not None and len(where.regions) <= FEW_REGIONS else None
        )
        sets = {"kind": where.kinds, "region": where.regions if self.regions is None else None, "sex": sexes}
        self._members = {name: _Members(some) for name, some in sets.items() if some is not None}
        self._spans = {name: span for name, span in (("born", where.born), ("seen", where.seen)) if span is not None}
        self._excluded = _sorted(where.excluded_persons)

    def flags(self, labels: Labels, live: Flags) -> Flags:
        """The live rows that the labels admit, bool (n,); excluded persons are still among them.

        Not for few `regions`: these are looked up, and `among` asks what they have for the other labels.
        """
        return self._flags(labels, slice(len(live)), live)

    def among(self, labels: Labels, rows: Numbers) -> Numbers:
        """Those of some rows that all labels but the region admit."""
        if not self._members and not self._spans:
            return rows
        return rows[self._flags(labels, rows, np.ones(len(rows), np.bool_))]

    def _flags(self, labels: Labels, rows: slice | Numbers, flags: Flags) -> Flags:
        for name, members in self._members.items():
            flags = flags & members.hold(getattr(labels, name)[rows])
        for name, (first, last) in self._spans.items():
            starts, ends = getattr(labels, f"{name}_from")[rows], getattr(labels, f"{name}_to")[rows]
            flags = flags & (starts <= last) & (ends >= first)
        return flags

    def bars(self, persons: Numbers) -> Flags | None:
        """Which of these persons (n,) are excluded; None when nobody is."""
        return held(self._excluded, persons) if len(self._excluded) else None


def held(members: Numbers, numbers: Numbers) -> Flags:
    """Which of the numbers (n,) are among the members (ascending, at least one)."""
    places = np.searchsorted(members, numbers)
    there: Flags = members[np.minimum(places, len(members) - 1)] == numbers
    return there


class Shelves:
    """Slots by region, so that a search in few regions looks at no others."""

    def __init__(self, regions: Column, slots: Numbers) -> None:
        """Of the column `regions` (n,) only the places `slots`, ascending, are remembered: 4 bytes each."""
        regions = regions[slots]
        order = np.argsort(regions, kind="stable")
        named, starts = np.unique(regions[order], return_index=True)
        bounds = [*starts.tolist(), len(slots)]
        self._spans = dict(zip(named.tolist(), pairwise(bounds), strict=True))
        self._slots = slots[order].astype(np.int32)

    def of(self, regions: Numbers) -> Numbers:
        """The slots of these regions (distinct), ascending."""
        spans = (self._spans.get(region, (0, 0)) for region in regions.tolist())
        some = [self._slots[first:end] for first, end in spans]
        return np.sort(np.concatenate([self._slots[:0], *some])).astype(np.int64)


class _Members:
    """A set of label numbers, asked about whole columns."""

    def __init__(self, members: Iterable[int]) -> None:
        self._members = _sorted(members)
        self._few = self._members.tolist() if len(self._members) <= FEW else None
        self._first = int(self._members[0]) if len(self._members) else 0
        span = int(self._members[-1]) - self._first + 1 if len(self._members) else 0
        self._table = np.zeros(span + 2, np.bool_) if len(self._members) > FEW and span <= TABLE else None
        if self._table is not None:  # the first and the last place stand for everything outside
            self._table[self._members - self._first + 1] = True

    def hold(self, column: Column) -> Flags:
        if self._few is not None:
            held = np.zeros(len(column), np.bool_)
            for member in self._few:
                held |= column == member
            return held
        if self._table is None:
            return np.isin(column, self._members)
        places = np.clip(column.astype(np.int64) - (self._first - 1), 0, len(self._table) - 1)
        return self._table[places]


def _sorted(numbers: Iterable[int]) -> Numbers:
    return np.sort(np.fromiter(numbers, np.int64))


def _narrow(column: Numbers, name: str) -> Column:
    narrow: Column = column.astype(WIDTHS[name])
    if (wrong := np.flatnonzero(narrow != column)).size:
        raise VectorRefused(label=name, value=int(column[wrong[0]]))
    return narrow
