"""Whatever a server may do to its scores and however short its lists, the persons answered are the twin's."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from index.errors import EngineUnavailable
from index.milvus_search import WIDEST, Hits, best_persons
from index.types import Entry, Vectors
from tests.index.exact_columns import brute
from tests.index.exact_twin import entries_of, same, units

Rounding = Callable[[Vectors], Vectors]


def bfloat16(vectors: Vectors) -> Vectors:
    """Cut to eight significant bits, as a server may do to be faster; to the nearest, as its instructions do."""
    bits = vectors.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


class Lists:
    """A server in a few words: the best rows by its own scores, at most so many."""

    def __init__(self, entries: list[Entry], rounding: Rounding = lambda vectors: vectors) -> None:
        self.entries, self.rounding, self.asked = entries, rounding, 0
        self.vectors = np.stack([entry.vector for entry in entries])

    def __call__(self, queries: Vectors, width: int, left_out: Sequence[int]) -> list[Hits]:
        assert width <= WIDEST
        self.asked += 1
        scores = self.rounding(queries) @ self.rounding(self.vectors).T
        gone = np.isin([entry.template for entry in self.entries], left_out)
        return [self._best(np.where(gone, -np.inf, row), width) for row in scores]

    def _best(self, scores: np.ndarray, width: int) -> Hits:
        places = [place for place in np.argsort(-scores)[:width] if scores[place] > -np.inf]
        return [self._hit(self.entries[place], scores[place]) for place in places]

    def _hit(self, entry: Entry, score: float) -> dict[str, object]:
        entity = {"template": entry.template, "person": entry.person, "vector": entry.vector.tolist()}
        return {"distance": float(score), "entity": entity}


@pytest.mark.parametrize("rounding", [lambda vectors: vectors, bfloat16])
def test_rounded_scores_give_the_exact_persons(rng: np.random.Generator, rounding: Rounding) -> None:
    entries = entries_of(units(rng, 3000, 24), persons=rng.integers(0, 700, 3000))
    queries = units(rng, 5, 24)
    assert same(best_persons(Lists(entries, rounding), queries, 7, exact=True), brute(entries, queries, 7))


def test_near_duplicates_that_rounding_confuses_are_ranked_exactly(rng: np.random.Generator) -> None:
    centre = units(rng, 1, 64)
    crowd = np.repeat(centre, 900, axis=0) + rng.normal(0, 1e-4, (900, 64)).astype(np.float32)
    crowd /= np.linalg.norm(crowd, axis=1, keepdims=True)
    entries = entries_of(crowd, persons=rng.permutation(900))
    assert same(best_persons(Lists(entries, bfloat16), centre, 10, exact=True), brute(entries, centre, 10))


def test_more_ties_than_the_longest_list_holds_go_to_the_smallest_persons(rng: np.random.Generator) -> None:
    vectors = np.repeat(units(rng, 1, 4), WIDEST + 3000, axis=0)
    entries = entries_of(vectors, persons=rng.permutation(len(vectors)))
    (answer,) = best_persons(Lists(entries), vectors[:1], 5, exact=True)
    assert [one.person for one in answer] == [0, 1, 2, 3, 4]


def test_a_first_list_that_is_long_enough_is_the_only_one(rng: np.random.Generator) -> None:
    lists = Lists(entries_of(units(rng, 3000, 128)))
    best_persons(lists, units(rng, 4, 128), 3, exact=True)
    assert lists.asked == 1


def test_scores_that_are_not_those_of_the_vectors_are_not_believed(rng: np.random.Generator) -> None:
    entries = entries_of(units(rng, 100, 16))
    with pytest.raises(EngineUnavailable):
        best_persons(Lists(entries, lambda vectors: vectors * np.float32(0.98)), entries[3].vector[None], 2, exact=True)
