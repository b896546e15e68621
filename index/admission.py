"""What may enter an index and what may be asked of it, the same for every engine. It never keeps anything."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from index.errors import NotUnit, StaleRevision, VectorRefused, WrongDimension
from index.labels import Labels
from index.store import Rows
from index.types import Change, Entry, Lot, Vectors

UNIT_TOLERANCE = 1e-3  # of the norm; float32 unit vectors are within 1e-6, anything else is not a template


def outcome(changes: Sequence[Change], dimension: int, *, after: int) -> tuple[Rows, list[int]]:
    """What changes amount to: rows that are there in the end, and templates that are gone.

    StaleRevision unless the revisions are after + 1, after + 2, …; WrongDimension, NotUnit, or VectorRefused (an entry
    under another template's change, a label too large), for entries that a later change replaces too.
    """
    for expected, change in enumerate(changes, after + 1):
        if change.revision != expected:
            raise StaleRevision(expected=expected, got=change.revision)
        if change.entry is not None and change.entry.template != change.template:
            raise VectorRefused(template=change.template, entry=change.entry.template)
    final = {change.template: change for change in changes}
    entries = [change.entry for change in final.values() if change.entry is not None]
    gone = [change.template for change in final.values() if change.entry is None]
    columns([old.entry for old in changes if old.entry and final[old.template] is not old], dimension)  # may refuse too
    return columns(entries, dimension), gone


def batches(lots: Iterable[Lot], dimension: int, *, size: int) -> Iterator[Rows]:
    """What is in lots, at most `size` at a time. WrongDimension, NotUnit, VectorRefused."""
    for lot in lots:
        for start in range(0, len(lot.numbers), size):
            yield _judged(lot.at(slice(start, start + size)), dimension)


def columns(entries: Sequence[Entry], dimension: int) -> Rows:
    """Labels and vectors (n, dimension) of entries. WrongDimension, NotUnit, VectorRefused."""
    for entry in entries:
        if entry.vector.shape != (dimension,):
            raise WrongDimension(template=entry.template, expected=dimension, got=entry.vector.size)
    return _judged(Lot.of(entries), dimension)


def _judged(lot: Lot, dimension: int) -> Rows:
    vectors, templates = lot.vectors, lot.numbers[:, 0]
    if len(templates) and vectors.shape[1] != dimension:
        raise WrongDimension(template=int(templates[0]), expected=dimension, got=vectors.shape[1])
    vectors = vectors.reshape(len(templates), dimension)
    for place in _not_unit(vectors)[:1]:
        raise NotUnit(template=int(templates[place]))
    return Rows(Labels.of(lot.numbers), vectors)


def checked(queries: Vectors, dimension: int) -> Vectors:
    """Queries (n, dimension) in one piece. WrongDimension, NotUnit."""
    if queries.ndim != 2 or queries.shape[1] != dimension:
        raise WrongDimension(expected=dimension, got=queries.shape[-1] if queries.ndim else 0)
    queries = np.ascontiguousarray(queries, np.float32)
    for row in _not_unit(queries)[:1]:
        raise NotUnit(query=row)
    return queries


def _not_unit(vectors: Vectors) -> list[int]:
    """Rows whose norm is not 1 within UNIT_TOLERANCE; a NaN or an infinity is never within."""
    with np.errstate(all="ignore"):
        norms = np.sqrt(np.vecdot(vectors, vectors))
        return np.flatnonzero(~(np.abs(norms - 1) <= UNIT_TOLERANCE)).tolist()
