"""Filters admit what their words say, whatever else lies in the index."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import VectorRefused
from index.flat import FlatIndex
from index.labels import FEW_REGIONS, Shelves
from index.types import ANY_DAY, ANY_YEAR, Change, Entry, Filter, Lot
from tests.index.exact_twin import Twin, entries_of, puts, same, units

AXES = np.eye(4, dtype=np.float32)


def spans(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(low, high), st.integers(low, high)).map(lambda ends: (min(ends), max(ends)))


ENTRIES = st.builds(
    Entry,
    template=st.integers(1, 60),
    person=st.integers(1, 20),
    kind=st.integers(0, 3),
    region=st.sampled_from([0, 110000, 110101, 440300, 659000]),
    vector=st.integers(0, 3).map(lambda axis: AXES[axis]),
    sex=st.sampled_from([0, 1, 2, 9]),
    born=spans(1950, 2020) | st.just(ANY_YEAR),
    seen=spans(730_000, 740_000) | st.just(ANY_DAY),
)
FILTERS = st.builds(
    Filter,
    kinds=st.none() | st.frozensets(st.integers(-1, 70_000), max_size=7),
    regions=st.none() | st.frozensets(st.sampled_from([0, 1, 2, 3, 110000, 110101, 440300, 10**12])),
    excluded_persons=st.frozensets(st.integers(0, 25)),
    sexes=st.none() | st.frozensets(st.sampled_from([0, 1, 2, 9])),
    born=st.none() | spans(1940, 2030) | st.just((-(10**9), 10**9)),
    seen=st.none() | spans(729_000, 741_000),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(ENTRIES, max_size=60, unique_by=lambda entry: entry.template), FILTERS, st.integers(1, 9))
def test_any_filter_gives_the_best_of_what_it_admits(entries: list[Entry], where: Filter, k: int) -> None:
    index, twin = FlatIndex("contract-a", 4), Twin()
    changes = puts(entries, after=0)
    index.apply(changes)
    twin.apply(changes)
    assert same(index.search(AXES[:2], k, where), twin.search(AXES[:2], k, where))


@pytest.mark.parametrize("known", [{"sex": 1}, {"born": (1990, 1991)}, {"seen": (735_000, 735_030)}])
@pytest.mark.parametrize("where", [Filter(sexes=frozenset({2})), Filter(born=(2000, 2010)), Filter(seen=(1, 2))])
def test_only_what_is_known_keeps_an_entry_out(known: dict[str, object], where: Filter) -> None:
    index = FlatIndex("contract-a", 4)
    index.apply(puts([Entry(1, 1, 0, 0, AXES[0]), Entry(2, 2, 0, 0, AXES[0], **known)], after=0))  # type: ignore[arg-type]
    label = {"sex": where.sexes, "born": where.born, "seen": where.seen}[next(iter(known))]
    assert {one.person for one in index.search(AXES[:1], 5, where)[0]} == ({1} if label else {1, 2})


@pytest.mark.parametrize("count", [1, FEW_REGIONS, FEW_REGIONS + 1])
def test_few_regions_and_many_admit_what_they_name(rng: np.random.Generator, count: int) -> None:
    entries = entries_of(units(rng, 3000, 8))
    index = FlatIndex("contract-a", 8)
    index.restore([Lot.of(entries)], 1)
    named = frozenset(range(0, 3 * count, 3))
    found = index.search(units(rng, 1, 8), 3000, Filter(regions=named, kinds=frozenset({1})))[0]
    assert {one.template for one in found} == {e.template for e in entries if e.region in named and e.kind == 1}


def test_a_region_that_was_looked_up_shows_what_came_and_went_since() -> None:
    index, where = FlatIndex("contract-a", 4), Filter(regions=frozenset({7}))
    index.apply(puts([Entry(1, 1, 0, 7, AXES[0]), Entry(2, 2, 0, 8, AXES[0])], after=0))
    seen = [index.search(AXES[:1], 5, where)[0]]
    index.apply(
        [Change(3, 1, None), Change(4, 3, Entry(3, 3, 0, 7, AXES[0])), Change(5, 2, Entry(2, 2, 0, 7, AXES[0]))]
    )
    seen.append(index.search(AXES[:1], 5, where)[0])
    assert [[one.person for one in some] for some in seen] == [[1], [2, 3]]


def test_a_span_is_met_at_its_very_ends() -> None:
    index = FlatIndex("contract-a", 4)
    index.apply(puts([Entry(1, 1, 0, 0, AXES[0], born=(1990, 1995))], after=0))
    met = [bool(index.search(AXES[:1], 1, Filter(born=span))[0]) for span in ((1980, 1990), (1995, 1999))]
    missed = [bool(index.search(AXES[:1], 1, Filter(born=span))[0]) for span in ((1980, 1989), (1996, 1999))]
    assert (met, missed) == ([True, True], [False, False])


@pytest.mark.parametrize("label", [{"kind": 2**15}, {"region": 2**31}, {"sex": 128}, {"born": (0, 2**15)}])
def test_a_label_too_large_for_its_column_is_refused_whole(label: dict[str, object]) -> None:
    index = FlatIndex("contract-a", 4)
    wrong = Entry(**{"template": 2, "person": 2, "kind": 0, "region": 0, "vector": AXES[0], **label})  # type: ignore[arg-type]
    with pytest.raises(VectorRefused):
        index.apply([Change(1, 1, Entry(1, 1, 0, 0, AXES[0])), Change(2, 2, wrong)])
    assert index.stamp.count == 0


def test_a_part_whose_templates_are_all_gone_holds_no_region() -> None:
    nothing = Shelves(np.zeros(3, np.int32), np.empty(0, np.int64))
    assert nothing.of(np.array([0, 7])).size == 0
