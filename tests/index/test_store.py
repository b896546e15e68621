"""The store keeps its promise to readers, and keeps nothing that was removed."""

import numpy as np

from index.labels import Labels
from index.store import BLOCK, Rows, Store
from index.types import Entry, Lot
from tests.index.exact_twin import held_by, units


def rows(templates: range, vectors: np.ndarray) -> Rows:
    entries = [
        Entry(name, name * 10, name % 2, name % 5, vector) for name, vector in zip(templates, vectors, strict=True)
    ]
    return Rows(Labels.of(Lot.of(entries).numbers), vectors)


def test_a_view_stays_what_it_was_while_the_store_changes(rng: np.random.Generator) -> None:
    store = Store("contract-a", 8)
    store.change(rows(range(100), units(rng, 100, 8)), (), revision=1)
    view = store.view
    before = held_by(view.entries())
    for revision in range(2, 30):
        store.change(rows(range(50, 150), units(rng, 100, 8)), range(50), revision=revision)
    assert held_by(view.entries()) == before
    assert len(held_by(store.view.entries())) == 100


def test_a_removed_vector_is_wiped_at_once_when_nobody_looks(rng: np.random.Generator) -> None:
    store = Store("contract-a", 8)
    store.change(rows(range(3), units(rng, 3, 8)), (), revision=1)
    block = store.view.parts[0].block
    store.change(rows(range(0), np.empty((0, 8), np.float32)), [1], revision=2)
    assert np.count_nonzero(block.vectors) == 16
    assert np.count_nonzero(block.codes.any(axis=1)) == np.count_nonzero(block.errors) == 2
    assert sorted(block.labels.person[:3].tolist()) == [0, 0, 20]


def test_a_removed_vector_is_wiped_by_the_next_change_after_the_last_reader(rng: np.random.Generator) -> None:
    store = Store("contract-a", 8)
    store.change(rows(range(1), units(rng, 1, 8)), (), revision=1)
    nothing = rows(range(0), np.empty((0, 8), np.float32))
    view = store.view
    store.change(nothing, [0], revision=2)
    block = view.parts[0].block
    assert np.count_nonzero(block.vectors) == 8
    del view
    store.change(nothing, [], revision=3)
    assert np.count_nonzero(block.vectors) == 0


def test_slots_given_up_are_used_again(rng: np.random.Generator) -> None:
    store = Store("contract-a", 8)
    for revision in range(1, 200):
        store.change(rows(range(100), units(rng, 100, 8)), (), revision=revision)
    assert [len(part.live) for part in store.view.parts] == [200]


def test_the_store_grows_by_blocks_without_moving_the_first(rng: np.random.Generator) -> None:
    store = Store("contract-a", 2)
    store.change(rows(range(10), units(rng, 10, 2)), (), revision=1)
    first = store.view.parts[0].block
    store.change(rows(range(10, 2 * BLOCK + 1), units(rng, 2 * BLOCK - 9, 2)), (), revision=2)
    assert store.view.parts[0].block is first
    assert [len(part.live) for part in store.view.parts] == [BLOCK, BLOCK, 1]


def test_of_rows_filled_in_twice_the_last_is_shown_and_the_first_is_wiped(rng: np.random.Generator) -> None:
    store, vectors = Store("contract-a", 8), units(rng, 6, 8)
    store.fill([rows(range(4), vectors[:4]), rows(range(3, 5), vectors[4:])], revision=1)
    assert held_by(store.view.entries()) == held_by(
        Entry(name, name * 10, name % 2, name % 5, vectors[row])
        for row, name in ((0, 0), (1, 1), (2, 2), (4, 3), (5, 4))
    )
    assert np.count_nonzero(store.view.parts[0].block.vectors.any(axis=1)) == 5
    store.change(rows(range(9, 10), vectors[:1]), [0], revision=2)
    assert [len(part.live) for part in store.view.parts] == [6]


def test_rows_filled_in_over_the_end_of_a_block_lie_where_they_should(rng: np.random.Generator) -> None:
    vectors = units(rng, BLOCK + 100, 2)
    store = Store("contract-a", 2)
    store.fill(
        [rows(range(BLOCK - 5), vectors[:-105]), rows(range(BLOCK - 5, BLOCK + 100), vectors[-105:])], revision=1
    )
    assert [len(part.live) for part in store.view.parts] == [BLOCK, 100]
    assert (np.concatenate([some.vectors for some in store.view.rows()]) == vectors).all()
    assert [part.block.labels.template[0] for part in store.view.parts] == [0, BLOCK]
