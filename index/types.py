"""The words of the memory: entries, changes, filters, answers, and the protocol every engine keeps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]  # (n, d), rows of Euclidean norm 1
Span = tuple[int, int]  # first and last, both included

ANY_YEAR: Span = (0, 9_999)
ANY_DAY: Span = (0, 3_652_059)  # proleptic Gregorian ordinals, as `datetime.date.toordinal` counts them
NUMBERS = ("template", "person", "kind", "region", "sex", "born_from", "born_to", "seen_from", "seen_to")


@dataclass(frozen=True, slots=True)
class Entry:
    """One template: its id, its person, the labels people filter by, and its unit vector (d,) float32.

    `sex` by ISO/IEC 5218 (0 not known); `born` the years in which the person may have been born; `seen` the days, as
    ordinals, between which the person was found or went missing. What is not known is the widest span.
    """

    template: int
    person: int
    kind: int
    region: int
    vector: NDArray[np.float32]
    sex: int = 0
    born: Span = ANY_YEAR
    seen: Span = ANY_DAY


@dataclass(frozen=True, slots=True, eq=False)
class Lot:
    """Entries side by side, not judged yet: numbers int64 (n, 9), columns as in NUMBERS, and vectors float32 (n, d)."""

    numbers: NDArray[np.int64]
    vectors: Vectors

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Lot":
        """A copy of entries whose vectors have one dimension."""
        held = list(entries)
        numbers = [(e.template, e.person, e.kind, e.region, e.sex, *e.born, *e.seen) for e in held]
        vectors = np.array([e.vector for e in held], np.float32)
        return cls(np.array(numbers, np.int64).reshape(-1, len(NUMBERS)), vectors)

    def at(self, which: slice) -> "Lot":
        """Some of them."""
        return Lot(self.numbers[which], self.vectors[which])


@dataclass(frozen=True, slots=True)
class Change:
    """One step of the history: put `entry`, or remove `template` when `entry` is None."""

    revision: int
    template: int
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries a search may answer with; None admits all. Applied inside the scan, so k answers stay k.

    `born` and `seen` admit every entry whose span meets theirs. What is not known about an entry never keeps it out:
    sex 0 is admitted by every `sexes`, the widest span by every span.
    """

    kinds: frozenset[int] | None = None
    regions: frozenset[int] | None = None
    excluded_persons: frozenset[int] = frozenset()
    sexes: frozenset[int] | None = None
    born: Span | None = None
    seen: Span | None = None


EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The best template of one person for one query; `cosine` in -1..1."""

    person: int
    template: int
    cosine: float


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an index is a picture of: contract id, last revision applied, number of templates."""

    contract: str
    revision: int
    count: int


@dataclass(frozen=True, slots=True)
class Server:
    """Where a shared index is kept: address, or the path of a file ending in .db; `namespace` keeps nodes apart there.

    `token` is "user:password" or a key; `timeout_s` the longest that one call may take.
    """

    uri: str
    namespace: str
    token: str = field(default="", repr=False)
    timeout_s: float = 10.0


class VectorIndex(Protocol):
    """Exact search of unit vectors under one contract.

    One thread at a time may change an index; any number may search it meanwhile, and each search sees the
    state before a change or after it, never between (`live.LiveIndex` keeps the writers in one line).
    """

    @property
    def stamp(self) -> Stamp: ...

    @property
    def dimension(self) -> int: ...

    def apply(self, changes: Sequence[Change]) -> None:
        """Apply changes whose revisions follow the stamp's without a gap; nothing is applied if one is refused."""

    def restore(self, lots: Iterable[Lot], revision: int) -> None:
        """Hold exactly what is in `lots`, as of `revision`; of those with one template the last counts.

        Nothing changes if one is refused. WrongDimension, NotUnit, VectorRefused (a label too large).
        """

    def search(self, queries: Vectors, k: int, where: Filter = EVERYTHING) -> list[list[Neighbour]]:
        """For each row of `queries` (n, d) the k best persons, best first, each by its best template."""

    def entries(self) -> Iterable[Entry]:
        """Every entry, in no promised order."""
