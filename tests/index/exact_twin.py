"""The slow twin of every engine: a dict of entries, float64 over all of them, sorted by the rule in words."""

from collections.abc import Iterable

import numpy as np

from index.types import EVERYTHING, Change, Entry, Filter, Neighbour, Span, Vectors


def units(rng: np.random.Generator, count: int, dimension: int) -> Vectors:
    """Random unit vectors (count, dimension) float32."""
    vectors = rng.standard_normal((count, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def entries_of(vectors: Vectors, *, persons: Iterable[int] | None = None, first: int = 1) -> list[Entry]:
    """Templates first, first + 1, …, one person each unless said; kind = template % 3, region = template % 100."""
    owners = range(first, first + len(vectors)) if persons is None else persons
    named = enumerate(zip(owners, vectors, strict=True), first)
    return [Entry(number, int(person), number % 3, number % 100, vector) for number, (person, vector) in named]


def puts(entries: list[Entry], *, after: int) -> list[Change]:
    """The changes that put `entries`, following revision `after`."""
    return [Change(after + step, entry.template, entry) for step, entry in enumerate(entries, 1)]


class Twin:
    """What an index must be equal to."""

    def __init__(self) -> None:
        self.held: dict[int, Entry] = {}

    def apply(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if change.entry is None:
                self.held.pop(change.template, None)
            else:
                self.held[change.template] = change.entry

    def search(self, queries: Vectors, k: int, where: Filter = EVERYTHING) -> list[list[Neighbour]]:
        kept = [entry for entry in self.held.values() if admits(where, entry)]
        return [self._one(kept, query.astype(np.float64), k) for query in queries]

    def _one(self, kept: list[Entry], query: np.ndarray, k: int) -> list[Neighbour]:
        scored = sorted((-float((e.vector.astype(np.float64) * query).sum()), e.person, e.template) for e in kept)
        best: dict[int, Neighbour] = {}
        for score, person, template in scored:
            best.setdefault(person, Neighbour(person, template, min(1.0, max(-1.0, -score))))
        return list(best.values())[:k]


def admits(where: Filter, entry: Entry) -> bool:
    return (
        (where.kinds is None or entry.kind in where.kinds)
        and (where.regions is None or entry.region in where.regions)
        and (where.sexes is None or entry.sex in where.sexes or entry.sex == 0)
        and (where.born is None or meet(where.born, entry.born))
        and (where.seen is None or meet(where.seen, entry.seen))
        and entry.person not in where.excluded_persons
    )


def meet(one: Span, other: Span) -> bool:
    """Whether two spans have a number in common."""
    return max(one[0], other[0]) <= min(one[1], other[1])


def same(left: list[list[Neighbour]], right: list[list[Neighbour]]) -> bool:
    """Same persons and templates in the same order, cosines equal to twelve digits."""
    names = [[(one.person, one.template) for one in answer] for answer in left]
    if names != [[(one.person, one.template) for one in answer] for answer in right]:
        return False
    pairs = [(a.cosine, b.cosine) for x, y in zip(left, right, strict=True) for a, b in zip(x, y, strict=True)]
    return all(abs(a - b) < 1e-12 for a, b in pairs)


def held_by(entries: Iterable[Entry]) -> dict[int, tuple[object, ...]]:
    """Entries by template, comparable bit by bit."""
    return {e.template: (e.person, e.kind, e.region, e.sex, e.born, e.seen, e.vector.tobytes()) for e in entries}
