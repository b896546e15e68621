"""The exact index, default and yardstick: a first pass finds candidates, float64 decides, best per person.

It never answers from a state between two changes, and never takes a vector that is not unit.

A search takes the store's view once and keeps it: a pass over every block (`sift` over codes, or `scan` in float32
where NumKong or the processor's integers are missing and on a card), then an exact second look at the few rows that
can matter (`grouping`, with the proof). Where a list was too short to be certain (a person with many templates,
a mass of ties, rows the filter drops) that pass is repeated eight times wider for those queries only; at the latest
when whole blocks are listed, or `sift` takes over from lists, nothing is left out, so it ends, and ends exact.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from index import admission, codes, grouping
from index.grouping import Scores, Truth
from index.labels import Numbers, Wanted
from index.scan import Scan, Scope, Task, scan_for
from index.sift import CodeScan
from index.store import BLOCK, Block, Part, Store, View, by_block
from index.turns import in_turns
from index.types import EVERYTHING, Change, Entry, Filter, Lot, Neighbour, Stamp, Vectors

GULP = 4_096  # rows restored or scored at a time


class FlatIndex:
    """Exact inner products of unit vectors of one contract, on `device` "cpu" or "cuda" (EngineUnavailable).

    Many threads may search while one changes it. A removed vector is wiped once no running search can see it. With a
    `folder` the float32 vectors lie in nameless files there (OSError where the disk is full) and only codes and labels
    need memory: some 570 bytes a template at d = 512 instead of 2,620.
    """

    def __init__(self, contract: str, dimension: int, *, device: str = "cpu", folder: Path | None = None) -> None:
        self._scan: Scan = CodeScan() if device == "cpu" and codes.available() else scan_for(device)
        self._store = Store(contract, dimension, folder)

    @property
    def stamp(self) -> Stamp:
        return self._store.view.stamp

    @property
    def dimension(self) -> int:
        return self._store.dimension

    @property
    def view(self) -> View:
        """The present state, which stays what it is while the index changes."""
        return self._store.view

    def entries(self) -> Iterable[Entry]:
        """Every entry of one state, even while the index changes."""
        return self._store.view.entries()

    def adopt(self, blocks: Sequence[Block], count: int, *, revision: int) -> None:
        """Hold the first `count` slots of blocks that were checked when they were saved; only while still empty."""
        self._store.adopt(blocks, count, revision=revision)

    def apply(self, changes: Sequence[Change]) -> None:
        """Put, replace and remove in order; all or nothing.

        StaleRevision unless the revisions are stamp.revision + 1, + 2, …; WrongDimension, NotUnit, or VectorRefused
        (an entry under another template's change). Removing what is not there is no error.
        """
        revision = self.stamp.revision
        rows, gone = admission.outcome(changes, self.dimension, after=revision)
        if changes:
            self._store.change(rows, gone, revision=revision + len(changes))

    def restore(self, lots: Iterable[Lot], revision: int) -> None:
        """See `VectorIndex.restore`; searches go on in what was held before."""
        store = Store(self.stamp.contract, self.dimension, self._store.folder)
        store.fill(admission.batches(lots, self.dimension, size=GULP), revision=revision)
        self._store = store

    def search(self, queries: Vectors, k: int, where: Filter = EVERYTHING) -> list[list[Neighbour]]:
        """The best `k` persons for each row of `queries`, float32 (n, d), norm 1; fewer when fewer are admitted.

        Exact by float64 inner product; ties go to the smaller person, then the smaller template.
        WrongDimension, NotUnit; ValueError when k < 1.
        """
        if k < 1:
            raise ValueError("k counts persons and begins at 1")
        queries = admission.checked(queries, self.dimension)
        view = self._store.view  # held to the end: the store wipes and reuses what no living view shows
        wanted = Wanted(where)
        scopes = _scopes(view, wanted)
        answers: list[list[Neighbour]] = [[] for _ in queries]
        open_rows, attempt = np.arange(len(queries)), 0
        while scopes and open_rows.size:
            task = Task(scopes, queries[open_rows], k, wanted)
            listed = self._scan.look(task, attempt=attempt)
            truth = _truth(view.parts, task.queries)
            sure = grouping.best_per_person(listed, k, slack=self._scan.slack(self.dimension), truth=truth)
            for row, answer in zip(open_rows.tolist(), sure, strict=True):
                answers[row] = answer or []
            open_rows = open_rows[[answer is None for answer in sure]]
            attempt += 1
        return answers


def _scopes(view: View, wanted: Wanted) -> list[Scope]:
    """The parts with the rows that the labels admit; parts without any are left out."""
    if wanted.everything:
        return [Scope(part, part.live) for part in view.parts if part.count]
    scopes = in_turns(lambda part: _scope(part, wanted), view.parts, alone=wanted.regions is not None)
    return [scope for scope in scopes if scope.count]


def _scope(part: Part, wanted: Wanted) -> Scope:
    if wanted.regions is None:
        return Scope(part, wanted.flags(part.block.labels, part.live))
    return Scope(part, wanted.among(part.block.labels, part.by_region.of(wanted.regions)))


def _truth(parts: Sequence[Part], queries: Vectors) -> Truth:
    exact = queries.astype(np.float64)

    def template(slots: Numbers) -> Numbers:
        templates = np.empty(len(slots), np.int64)
        for number, which in by_block(slots):
            templates[which] = parts[number].block.labels.template[slots[which] % BLOCK]
        return templates

    def score(slots: Numbers, which: Numbers) -> Scores:
        """Each pair summed by itself in one order: equal vectors give equal numbers (BLAS would not)."""
        scores = np.empty(len(slots), np.float64)
        for number, mask in by_block(slots):
            places = np.flatnonzero(mask)
            for start in range(0, len(places), GULP):
                some = places[start : start + GULP]
                rows = parts[number].block.vectors[slots[some] % BLOCK].astype(np.float64)
                scores[some] = np.einsum("ij,ij->i", rows, exact[which[some]])
        return scores

    return Truth(template, score)
