"""The exact index, default and yardstick: FAISS lists, float64 decides, best per person.

It never answers from a state between two changes, and never takes a vector that is not unit.

A search takes the store's view once and keeps it: a float32 pass over every block (`scan`), an exact second look at
the few rows that can matter (`grouping`, with the proof). Where the list was too short to be certain (a person with
many templates, a mass of ties, rows the filter drops) the pass is repeated eight times wider for those queries only;
at the latest when whole blocks are listed nothing is left out, so it ends, and ends exact.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np

from index import grouping
from index.errors import NotUnit, StaleRevision, VectorRefused, WrongDimension
from index.grouping import Candidates, Scores
from index.scan import Listed, scan_for
from index.store import BLOCK, Flags, Numbers, Part, Rows, Store
from index.types import EVERYTHING, Change, Entry, Filter, Neighbour, Stamp, Vectors

UNIT_TOLERANCE = 1e-3  # of the norm; float32 unit vectors are within 1e-6, anything else is not a template
FIRST_WIDTH = 32  # rows each block lists at first: room for k persons with a few templates each
WIDER = 8
GULP = 4_096  # rows restored or scored at a time


class FlatIndex:
    """Exact inner products of unit vectors of one contract, on `device` "cpu" or "cuda" (EngineUnavailable).

    Many threads may search while one changes it. A removed vector is wiped once no running search can see it.
    """

    def __init__(self, contract: str, dimension: int, *, device: str = "cpu") -> None:
        self._scan = scan_for(device)
        self._store = Store(contract, dimension)

    @property
    def stamp(self) -> Stamp:
        return self._store.view.stamp

    @property
    def dimension(self) -> int:
        return self._store.dimension

    def entries(self) -> Iterable[Entry]:
        """Every entry of one state, even while the index changes."""
        return self._store.view.entries()

    def apply(self, changes: Sequence[Change]) -> None:
        """Put, replace and remove in order; all or nothing.

        StaleRevision unless the revisions are stamp.revision + 1, + 2, …; WrongDimension, NotUnit, or VectorRefused
        (an entry under another template's change). Removing what is not there is no error.
        """
        revision = self.stamp.revision
        for expected, change in enumerate(changes, revision + 1):
            if change.revision != expected:
                raise StaleRevision(expected=expected, got=change.revision)
            if change.entry is not None and change.entry.template != change.template:
                raise VectorRefused(template=change.template, entry=change.entry.template)
        final = {change.template: change for change in changes}
        entries = [change.entry for change in final.values() if change.entry is not None]
        gone = [change.template for change in final.values() if change.entry is None]
        self._columns([old.entry for old in changes if old.entry and final[old.template] is not old])  # may refuse too
        rows = self._columns(entries)
        if changes:
            self._store.change(rows, gone, revision=revision + len(changes))

    def restore(self, entries: Iterable[Entry], revision: int) -> None:
        """Hold exactly `entries`, as of `revision`; of entries with one template id the last counts."""
        store = Store(self.stamp.contract, self.dimension)
        stream = iter(entries)
        while batch := list(islice(stream, GULP)):
            distinct = {entry.template: entry for entry in batch}
            store.change(self._columns(list(distinct.values())), (), revision=revision)
        store.change(self._columns([]), (), revision=revision)
        self._store = store

    def search(self, queries: Vectors, k: int, where: Filter = EVERYTHING) -> list[list[Neighbour]]:
        """The best `k` persons for each row of `queries`, float32 (n, d), norm 1; fewer when fewer are admitted.

        Exact by float64 inner product; ties go to the smaller person, then the smaller template.
        WrongDimension, NotUnit; ValueError when k < 1.
        """
        if k < 1:
            raise ValueError("k counts persons and begins at 1")
        queries = self._checked(queries)
        view = self._store.view  # held to the end: the store wipes and reuses what no living view shows
        parts = [(part, flags) for part in view.parts if (flags := part.admitted(where)).any()]
        answers: list[list[Neighbour]] = [[] for _ in queries]
        open_rows, width = np.arange(len(queries)), max(FIRST_WIDTH, 2 * k)
        while parts and open_rows.size:
            found = self._look(parts, queries[open_rows], width=width)
            sure = [self._judge(one, queries[row], k, parts=parts) for row, one in zip(open_rows, found, strict=True)]
            for row, answer in zip(open_rows.tolist(), sure, strict=True):
                answers[row] = answer or []
            open_rows = open_rows[[answer is None for answer in sure]]
            width *= WIDER
        return answers

    def _look(self, parts: list[tuple[Part, Flags]], queries: Vectors, *, width: int) -> list[Candidates]:
        """First pass over all parts; one set of candidates for each query."""
        listed = self._scan.best(parts, queries, width=width)
        return [_gather(parts, listed, query) for query in range(len(queries))]

    def _judge(
        self, found: Candidates, query: Vectors, k: int, *, parts: list[tuple[Part, Flags]]
    ) -> list[Neighbour] | None:
        blocks = {part.number: part.block.vectors for part, _ in parts}

        def exact(slots: Numbers) -> Scores:
            return _inner_products(blocks, slots, query.astype(np.float64))

        return grouping.best_per_person(found, k, slack=self._scan.slack(self.dimension), exact=exact)

    def _columns(self, entries: list[Entry]) -> Rows:
        for entry in entries:
            if entry.vector.shape != (self.dimension,):
                raise WrongDimension(template=entry.template, expected=self.dimension, got=entry.vector.size)
        vectors = np.empty((len(entries), self.dimension), np.float32)
        if entries:
            np.stack([entry.vector for entry in entries], out=vectors, casting="same_kind")
        for place in _not_unit(vectors)[:1]:
            raise NotUnit(template=entries[place].template)
        labels = [(entry.template, entry.person, entry.kind, entry.region) for entry in entries]
        templates, persons, kinds, regions = np.array(labels, np.int64).reshape(-1, 4).T
        return Rows(templates, persons, kinds, regions, vectors)

    def _checked(self, queries: Vectors) -> Vectors:
        if queries.ndim != 2 or queries.shape[1] != self.dimension:
            raise WrongDimension(expected=self.dimension, got=queries.shape[-1] if queries.ndim else 0)
        queries = np.ascontiguousarray(queries, np.float32)
        for row in _not_unit(queries)[:1]:
            raise NotUnit(query=row)
        return queries


def _not_unit(vectors: Vectors) -> list[int]:
    """Rows whose norm is not 1 within UNIT_TOLERANCE; a NaN or an infinity is never within."""
    with np.errstate(all="ignore"):
        norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        return np.flatnonzero(~(np.abs(norms - 1) <= UNIT_TOLERANCE)).tolist()


def _gather(parts: list[tuple[Part, Flags]], listed: list[Listed], query: int) -> Candidates:
    """The admitted rows that the parts listed for one query, side by side."""
    columns: list[tuple[Numbers, Numbers, Numbers, Scores]] = []
    for (part, flags), one in zip(parts, listed, strict=True):
        rows, scores = one.rows[query], one.scores[query]
        kept = (rows >= 0) & flags[rows]
        rows = rows[kept]
        block = part.block
        columns.append((rows + part.number * BLOCK, block.persons[rows], block.templates[rows], scores[kept]))
    slots, persons, templates, scores = (np.concatenate(column) for column in zip(*columns, strict=True))
    beyond = max(float(one.beyond[query]) for one in listed)
    return Candidates(slots, persons, templates, scores.astype(np.float64), beyond)


def _inner_products(blocks: dict[int, Vectors], slots: Numbers, query: Scores) -> Scores:
    """Float64, each row summed by itself in one order: equal vectors give equal numbers (BLAS would not)."""
    scores = np.empty(len(slots), np.float64)
    for number in np.unique(slots // BLOCK).tolist():
        places = np.flatnonzero(slots // BLOCK == number)
        for start in range(0, len(places), GULP):
            some = places[start : start + GULP]
            rows = blocks[number][slots[some] % BLOCK].astype(np.float64)
            scores[some] = np.einsum("ij,j->i", rows, query)
    return scores
