"""The exact index gives the twin's answers, whatever lies in it."""

import numpy as np
import pytest

from index.factory import new_index
from index.flat import FlatIndex
from index.store import BLOCK
from index.types import Change, Entry, Filter, Lot
from tests.index.conftest import Filled
from tests.index.exact_columns import brute
from tests.index.exact_twin import entries_of, puts, same, units


@pytest.fixture(params=["flat", "milvus"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(("count", "dimension", "k"), [(1, 2, 1), (50, 8, 3), (999, 16, 10), (3000, 128, 5)])
@pytest.mark.parametrize("batch", [1, 7, 40])
def test_best_persons_are_those_of_brute_force(
    filled: Filled, rng: np.random.Generator, count: int, dimension: int, k: int, batch: int
) -> None:
    persons = rng.integers(0, max(1, count // 4), count)
    index, twin = filled(entries_of(units(rng, count, dimension), persons=persons))
    queries = units(rng, batch, dimension)
    assert same(index.search(queries, k), twin.search(queries, k))


def test_near_duplicates_closer_than_float32_can_tell_are_ranked_exactly(
    filled: Filled, rng: np.random.Generator
) -> None:
    centre = units(rng, 1, 128)
    crowd = np.repeat(centre, 2000, axis=0) + rng.normal(0, 3e-8, (2000, 128)).astype(np.float32)
    index, twin = filled(entries_of(crowd, persons=rng.permutation(2000)))
    assert same(index.search(centre, 10), twin.search(centre, 10))


def test_equal_vectors_go_to_the_smaller_person_then_the_smaller_template(
    filled: Filled, rng: np.random.Generator
) -> None:
    vectors = np.repeat(units(rng, 1, 64), 5000, axis=0)
    index, _ = filled(entries_of(vectors, persons=rng.permutation(np.arange(5000) // 2)))
    (answer,) = index.search(vectors[:1], 4)
    smallest = {person: min(e.template for e in index.entries() if e.person == person) for person in range(4)}
    assert [(one.person, one.template) for one in answer] == list(smallest.items())


def test_an_answer_does_not_depend_on_who_else_is_asked_for(filled: Filled, rng: np.random.Generator) -> None:
    vectors = units(rng, 500, 64)
    index, _ = filled(entries_of(np.concatenate((vectors, vectors))))
    queries = units(rng, 64, 64)
    assert index.search(queries, 6) == [index.search(query[None], 6)[0] for query in queries]


def test_a_person_with_thousands_of_templates_does_not_crowd_out_the_others(
    filled: Filled, rng: np.random.Generator
) -> None:
    centre = units(rng, 1, 32)
    near = centre + rng.normal(0, 0.01, (4000, 32))
    near = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)
    index, twin = filled(
        entries_of(np.concatenate((near, units(rng, 50, 32))), persons=[7] * 4000 + [*range(100, 150)])
    )
    assert same(index.search(centre, 5), twin.search(centre, 5))


@pytest.mark.parametrize(
    "where",
    [
        Filter(kinds=frozenset({1})),
        Filter(regions=frozenset({42})),
        Filter(kinds=frozenset({0, 2}), regions=frozenset({3, 4, 99})),
        Filter(kinds=frozenset({0, 1, 2})),
        Filter(kinds=frozenset()),
        Filter(excluded_persons=frozenset(range(200))),
        Filter(kinds=frozenset({1}), regions=frozenset({1, 2, 3}), excluded_persons=frozenset({5, 9, 10**12})),
    ],
)
@pytest.mark.parametrize("batch", [1, 20])
def test_a_filter_still_gives_the_best_k_of_what_it_admits(
    filled: Filled, rng: np.random.Generator, where: Filter, batch: int
) -> None:
    index, twin = filled(entries_of(units(rng, 3000, 32), persons=rng.integers(0, 400, 3000)))
    queries = units(rng, batch, 32)
    assert same(index.search(queries, 8, where), twin.search(queries, 8, where))


def test_excluding_the_nearest_persons_brings_up_the_next(filled: Filled, rng: np.random.Generator) -> None:
    index, twin = filled(entries_of(units(rng, 2000, 16), persons=np.arange(2000) // 4))
    query = units(rng, 1, 16)
    nearest = frozenset(one.person for one in twin.search(query, 100)[0])
    (answer,) = index.search(query, 10, Filter(excluded_persons=nearest))
    assert [one.person for one in answer] == [one.person for one in twin.search(query, 110)[0][100:]]


def test_a_removed_template_never_answers_again(filled: Filled, rng: np.random.Generator) -> None:
    vectors = units(rng, 300, 32)
    index, twin = filled(entries_of(vectors))
    removals = [Change(300 + step, step, None) for step in range(1, 201)]
    index.apply(removals)
    twin.apply(removals)
    assert same(index.search(vectors[:40], 300), twin.search(vectors[:40], 300))
    assert index.stamp.count == 100


def test_a_replaced_template_answers_by_its_new_vector_person_and_labels(
    filled: Filled, rng: np.random.Generator
) -> None:
    vectors = units(rng, 4, 16)
    index, _ = filled(entries_of(vectors[:3]))
    index.apply([Change(4, 2, Entry(2, 77, 5, 6, vectors[3]))])
    (answer,) = index.search(vectors[3:], 1, Filter(kinds=frozenset({5}), regions=frozenset({6})))
    assert (answer[0].person, answer[0].template, index.stamp.count) == (77, 2, 3)
    assert 2 not in {one.person for one in index.search(vectors[1:2], 9)[0]}


def test_an_empty_index_answers_every_query_with_nobody(rng: np.random.Generator) -> None:
    assert new_index("flat", "contract-a", 8).search(units(rng, 2, 8), 5) == [[], []]


def test_no_queries_get_no_answers(filled: Filled, rng: np.random.Generator) -> None:
    index, _ = filled(entries_of(units(rng, 3, 8)))
    assert index.search(np.empty((0, 8), np.float32), 5) == []


def test_more_persons_asked_for_than_there_are_gives_all_of_them(filled: Filled, rng: np.random.Generator) -> None:
    index, twin = filled(entries_of(units(rng, 60, 8), persons=np.arange(60) // 3))
    query = units(rng, 1, 8)
    assert same(index.search(query, 1000), twin.search(query, 1000))
    assert len(index.search(query, 1000)[0]) == 20


def test_asking_for_no_person_is_a_programming_error(filled: Filled, rng: np.random.Generator) -> None:
    index, _ = filled(entries_of(units(rng, 3, 8)))
    with pytest.raises(ValueError, match="begins at 1"):
        index.search(units(rng, 1, 8), 0)


def test_answers_stay_exact_over_several_blocks(rng: np.random.Generator) -> None:
    count = BLOCK + 9_000
    entries = entries_of(units(rng, count, 8), persons=np.arange(count) % 30_000)
    index, queries = FlatIndex("contract-a", 8), units(rng, 3, 8)
    index.restore([Lot.of(entries)], count)
    fresh = entries_of(units(rng, 12_000, 8), first=10**9)
    index.apply([Change(count + step, step, None) for step in range(1, 10_001)])
    index.apply(puts(fresh, after=count + 10_000))
    held = [*entries[10_000:], *fresh]
    assert len(index.view.parts) == 2
    for where in (Filter(), Filter(regions=frozenset({7}))):
        assert same(index.search(queries, 5, where), brute(held, queries, 5, where))


def test_cosines_of_slightly_long_vectors_stay_within_one(filled: Filled, rng: np.random.Generator) -> None:
    vectors = units(rng, 2, 64) * np.float32(1.0009)
    index, _ = filled(entries_of(vectors))
    assert index.search(vectors[:1], 1)[0][0].cosine == 1.0
