"""The fast twin for many entries: float64 over whole columns, then the rule in words for the few that matter."""

import numpy as np

from index.types import EVERYTHING, Entry, Filter, Neighbour, Vectors
from tests.index.exact_twin import admits


def brute(entries: list[Entry], queries: Vectors, k: int, where: Filter = EVERYTHING) -> list[list[Neighbour]]:
    """The best k persons for each query, every admitted entry scored in float64 by itself."""
    kept = [entry for entry in entries if admits(where, entry)]
    if not kept:
        return [[] for _ in queries]
    vectors = np.stack([entry.vector for entry in kept]).astype(np.float64)
    persons, templates = (np.array([getattr(e, name) for e in kept], np.int64) for name in ("person", "template"))
    return [_one(np.einsum("ij,j->i", vectors, query), persons, templates, k) for query in queries.astype(np.float64)]


def _one(scores: np.ndarray, persons: np.ndarray, templates: np.ndarray, k: int) -> list[Neighbour]:
    best: dict[int, Neighbour] = {}
    for place in np.lexsort((templates, persons, -scores)):
        best.setdefault(
            int(persons[place]),
            Neighbour(int(persons[place]), int(templates[place]), min(1.0, max(-1.0, float(scores[place])))),
        )
        if len(best) == k:
            break
    return list(best.values())
