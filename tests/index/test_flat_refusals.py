"""What the exact index refuses, and that a refusal changes nothing."""

import numpy as np
import pytest

from index.errors import EngineUnavailable, NotUnit, StaleRevision, VectorRefused, WrongDimension
from index.factory import new_index
from index.types import Change, Entry, Lot
from tests.index.conftest import Filled
from tests.index.exact_twin import entries_of, held_by, puts, units


@pytest.fixture(params=["flat", "milvus"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("revisions", [(4,), (3,), (6,), (5, 7), (5, 5), (5, 6, 6), (0,), (-1,)])
def test_revisions_that_do_not_follow_without_a_gap_are_stale(
    filled: Filled, rng: np.random.Generator, revisions: tuple[int, ...]
) -> None:
    index, _ = filled(entries_of(units(rng, 4, 8)))
    with pytest.raises(StaleRevision):
        index.apply([Change(revision, 1, None) for revision in revisions])
    assert (index.stamp.revision, index.stamp.count) == (4, 4)


def test_no_changes_change_nothing(filled: Filled, rng: np.random.Generator) -> None:
    index, _ = filled(entries_of(units(rng, 4, 8)))
    before = index.stamp
    index.apply([])
    assert index.stamp == before


def test_removing_an_unknown_template_only_advances_the_revision(filled: Filled, rng: np.random.Generator) -> None:
    index, _ = filled(entries_of(units(rng, 4, 8)))
    index.apply([Change(5, 99, None)])
    assert (index.stamp.revision, index.stamp.count) == (5, 4)


def bad_vectors() -> dict[str, np.ndarray]:
    unit = np.zeros(8, np.float32)
    unit[0] = 1
    spoiled = {name: unit.copy() for name in ("nan", "infinite", "minus infinite", "huge")}
    for name, value in zip(spoiled, (np.nan, np.inf, -np.inf, 3e38), strict=True):
        spoiled[name][3] = value
    return {**spoiled, "zero": unit * 0, "long": unit * 1.01, "short": unit * 0.99, "tiny": unit * 1e-40}


@pytest.mark.parametrize("name", bad_vectors())
@pytest.mark.parametrize("superseded", [False, True])
def test_one_vector_that_is_not_unit_refuses_the_whole_batch(
    filled: Filled, rng: np.random.Generator, name: str, superseded: bool
) -> None:
    index, _ = filled(entries_of(units(rng, 4, 8)))
    before = held_by(index.entries())
    batch = entries_of(units(rng, 3, 8), first=3)
    changes = [Change(5, 1, None), *puts(batch, after=5), Change(9, 50, Entry(50, 50, 0, 0, bad_vectors()[name]))]
    with pytest.raises(NotUnit) as refusal:
        index.apply([*changes, Change(10, 50, None)] if superseded else changes)
    assert refusal.value.facts == {"template": 50}
    assert (held_by(index.entries()), index.stamp.revision) == (before, 4)


def test_one_vector_of_another_dimension_refuses_the_whole_batch(filled: Filled, rng: np.random.Generator) -> None:
    index, _ = filled(entries_of(units(rng, 4, 8)))
    other = Entry(6, 6, 0, 0, units(rng, 1, 16)[0])
    with pytest.raises(WrongDimension) as refusal:
        index.apply([*puts(entries_of(units(rng, 1, 8), first=5), after=4), Change(6, 6, other)])
    assert refusal.value.facts == {"template": 6, "expected": 8, "got": 16}
    assert index.stamp.count == 4


def test_an_entry_under_another_templates_change_is_refused(filled: Filled, rng: np.random.Generator) -> None:
    index, _ = filled(entries_of(units(rng, 4, 8)))
    with pytest.raises(VectorRefused):
        index.apply([Change(5, 1, entries_of(units(rng, 1, 8), first=2)[0])])


def test_a_refused_restore_leaves_the_index_as_it_was(filled: Filled, rng: np.random.Generator) -> None:
    index, _ = filled(entries_of(units(rng, 4, 8)))
    before = held_by(index.entries())
    with pytest.raises(NotUnit):
        index.restore([Lot.of([*entries_of(units(rng, 9000, 8)), Entry(9001, 1, 0, 0, np.zeros(8, np.float32))])], 99)
    assert (held_by(index.entries()), index.stamp.revision) == (before, 4)


def test_a_restored_index_holds_exactly_what_it_was_given_at_that_revision(
    filled: Filled, rng: np.random.Generator
) -> None:
    index, _ = filled(entries_of(units(rng, 50, 8)))
    others = entries_of(units(rng, 10, 8), first=1000)
    index.restore(iter([Lot.of(others[:4]), Lot.of([]), Lot.of(others[4:])]), 12345)
    assert held_by(index.entries()) == held_by(others)
    assert (index.stamp.revision, index.stamp.count) == (12345, 10)
    index.apply([Change(12346, 1000, None)])
    assert index.stamp.count == 9


def test_of_lots_with_one_template_the_last_counts_and_the_others_are_gone(
    filled: Filled, rng: np.random.Generator
) -> None:
    index, _ = filled(entries_of(units(rng, 4, 8)))
    first, second = entries_of(units(rng, 3000, 8)), entries_of(units(rng, 10, 8), first=2995)
    index.restore([Lot.of([first[7], *first]), Lot.of(second[4:]), Lot.of(second)], 7)
    assert held_by(index.entries()) == held_by([*first, *second])
    assert (index.stamp.revision, index.stamp.count) == (7, 3004)
    index.apply([Change(8, 3000, None)])
    assert 3000 not in held_by(index.entries())


def test_lots_of_another_dimension_are_refused(filled: Filled, rng: np.random.Generator) -> None:
    index, _ = filled(entries_of(units(rng, 4, 8)))
    with pytest.raises(WrongDimension) as refusal:
        index.restore([Lot.of(entries_of(units(rng, 3, 8))), Lot.of(entries_of(units(rng, 3, 12), first=9))], 7)
    assert refusal.value.facts == {"template": 9, "expected": 8, "got": 12}
    assert (index.stamp.revision, index.stamp.count) == (4, 4)


@pytest.mark.parametrize("name", bad_vectors())
def test_a_query_that_is_not_unit_is_refused(filled: Filled, rng: np.random.Generator, name: str) -> None:
    index, _ = filled(entries_of(units(rng, 4, 8)))
    with pytest.raises(NotUnit):
        index.search(np.stack([units(rng, 1, 8)[0], bad_vectors()[name]]), 1)


@pytest.mark.parametrize("shape", [(1, 7), (1, 9), (8,), (1, 1, 8), ()])
def test_a_query_of_another_shape_is_refused(filled: Filled, rng: np.random.Generator, shape: tuple[int, ...]) -> None:
    index, _ = filled(entries_of(units(rng, 4, 8)))
    with pytest.raises(WrongDimension):
        index.search(np.ones(shape, np.float32), 1)


@pytest.mark.parametrize(("engine", "device"), [("hnsw", "cpu"), ("flat", "tpu"), ("", "cpu")])
def test_an_engine_or_device_nobody_knows_is_unavailable(engine: str, device: str) -> None:
    with pytest.raises(EngineUnavailable):
        new_index(engine, "contract-a", 8, device=device)
