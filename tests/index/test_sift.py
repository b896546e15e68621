"""The certified scan gives brute force's answers on what was made to break it, over several rounds and blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import codes, sift
from index.flat import FlatIndex
from index.labels import Wanted
from index.scan import HostScan, Scope, Task
from index.sift import CodeScan
from index.types import EVERYTHING, Change, Entry, Filter, Lot
from tests.index.exact_columns import brute
from tests.index.exact_twin import Twin, entries_of, puts, same, units

pytestmark = pytest.mark.skipif(not codes.available(), reason="NumKong is not installed")


def coded(entries: list[Entry]) -> FlatIndex:
    index = FlatIndex("contract-a", len(entries[0].vector))
    index.restore([Lot.of(entries)], 1)
    return index


def normed(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


FAMILIES = {
    "one-hot": lambda rng: np.eye(16)[rng.integers(0, 16, 60_000)] * rng.choice([-1, 1], (60_000, 1)),
    "duplicates": lambda rng: units(rng, 40, 16)[rng.integers(0, 40, 60_000)],
    "near-duplicates": lambda rng: units(rng, 40, 16)[rng.integers(0, 40, 60_000)] + rng.normal(0, 1e-5, (60_000, 16)),
    "signs": lambda rng: rng.choice([-1.0, 1.0], (60_000, 16)),
    "better and better": lambda rng: (
        np.linspace(-1, 1, 60_000)[:, None] * np.eye(16)[0] + rng.normal(size=(60_000, 16)) / 9
    ),
    "people": lambda rng: np.repeat(units(rng, 20_000, 16), 3, axis=0) * 0.8 + rng.normal(0, 0.15, (60_000, 16)),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("where", [EVERYTHING, Filter(regions=frozenset({7})), Filter(kinds=frozenset({1, 2}))])
def test_hard_galleries_are_answered_as_by_brute_force(rng: np.random.Generator, family: str, where: Filter) -> None:
    vectors = normed(FAMILIES[family](rng))
    entries = entries_of(vectors, persons=np.arange(60_000) // 3)
    queries = np.concatenate((vectors[[0, -1]], normed(np.eye(16)[:1]), units(rng, 2, 16)))
    assert same(coded(entries).search(queries, 6, where), brute(entries, queries, 6, where))


def test_a_mass_of_ties_for_many_queries_is_asked_in_halves(rng: np.random.Generator) -> None:
    index = coded(entries_of(np.repeat(units(rng, 1, 4), 30_000, axis=0)))
    queries = np.concatenate((index.view.parts[0].block.vectors[:5], units(rng, 6, 4)))
    whole = index.search(queries, 3)
    index._scan = CodeScan(crowd=700)
    assert index.search(queries, 3) == whole
    assert {tuple(one.person for one in answer) for answer in whole} == {(1, 2, 3)}


def test_more_queries_than_are_scanned_together_are_all_answered(rng: np.random.Generator) -> None:
    vectors = units(rng, 2 * sift.TOGETHER + 5, 32)
    answers = coded(entries_of(vectors)).search(vectors, 1)
    assert [answer[0].person for answer in answers] == list(range(1, len(vectors) + 1))


def test_the_float32_pass_gives_the_same_answers(rng: np.random.Generator) -> None:
    index = coded(entries_of(units(rng, 40_000, 32), persons=np.arange(40_000) // 2))
    queries = units(rng, 20, 32)
    found = index.search(queries, 10)
    index._scan = HostScan()
    assert index.search(queries, 10) == found


def test_few_rows_are_read_in_full(rng: np.random.Generator) -> None:
    index = coded(entries_of(units(rng, 50_000, 128)))
    scopes = [Scope(part, part.live) for part in index.view.parts]
    task = Task(scopes, units(rng, 4, 128), 10, Wanted(EVERYTHING))
    hunt = sift.Hunt(task, slack=CodeScan().slack(128), crowd=10**9)
    found = hunt.run()
    assert found is not None
    assert 40 <= len(found.slots) <= hunt.scored < 0.02 * 4 * 50_000


def test_of_a_small_gallery_hardly_a_row_is_read_in_full(rng: np.random.Generator) -> None:
    index = coded(entries_of(units(rng, 5_000, 128)))
    task = Task([Scope(part, part.live) for part in index.view.parts], units(rng, 4, 128), 10, Wanted(EVERYTHING))
    hunt = sift.Hunt(task, slack=CodeScan().slack(128), crowd=10**9)
    assert hunt.run() is not None
    assert 40 <= hunt.scored < 0.02 * 4 * 5_000


@st.composite
def galleries(draw: st.DrawFn) -> tuple[list[Entry], np.ndarray, int, Filter]:
    """A few dozen entries with small whole numbers as components: many ties, many templates a person."""
    dimension, count = draw(st.integers(1, 6)), draw(st.integers(1, 60))
    cells = st.lists(st.integers(-2, 2), min_size=dimension, max_size=dimension).filter(any)
    drawn = st.lists(cells, min_size=count, max_size=count)
    vectors, queries = normed(np.array(draw(drawn), float)), normed(np.array([draw(cells), draw(cells)], float))
    persons = draw(st.lists(st.integers(-(2**62), 2**62) | st.integers(0, 5), min_size=count, max_size=count))
    where = Filter(
        kinds=draw(st.none() | st.frozensets(st.integers(0, 2))),
        regions=draw(st.none() | st.frozensets(st.integers(0, 99))),
        excluded_persons=draw(st.frozensets(st.sampled_from(persons))),
    )
    return entries_of(vectors, persons=persons), queries, draw(st.integers(1, 12)), where


@settings(max_examples=150, deadline=None)
@given(galleries())
def test_any_small_gallery_is_answered_as_by_brute_force(case: tuple[list[Entry], np.ndarray, int, Filter]) -> None:
    entries, queries, k, where = case
    index, twin = FlatIndex("contract-a", len(entries[0].vector)), Twin()
    changes = puts(entries, after=0)
    gone = [Change(len(entries) + 1 + step, entry.template, None) for step, entry in enumerate(entries[::7])]
    for some in (changes, gone):
        index.apply(some)
        twin.apply(some)
    assert same(index.search(queries, k, where), twin.search(queries, k, where))
