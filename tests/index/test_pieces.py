"""What a scan reads at a time: every admitted row once, with the product it has wherever it lies."""

import numpy as np
import pytest

from index import codes
from index.codes import NEAR, Asked
from index.labels import Labels, Wanted
from index.pieces import PICKED_MOST, Picked, Stretch, pieces_of, products_of
from index.scan import Scope, Task
from index.store import BLOCK, Block, Part, Rows
from index.types import Filter, Lot
from tests.index.exact_twin import entries_of, units

pytestmark = pytest.mark.skipif(not codes.available(), reason="NumKong is not installed")


def part_of(number: int, vectors: np.ndarray) -> Part:
    block = Block.empty(vectors.shape[1])
    lot = Lot.of(entries_of(vectors, persons=np.arange(len(vectors)) // 2))
    block.write(np.arange(len(vectors)), Rows(Labels.of(lot.numbers), lot.vectors))
    return Part(number, block, np.ones(len(vectors), np.bool_))


@pytest.fixture
def parts(rng: np.random.Generator) -> list[Part]:
    """Three parts of 900 rows, every fifth of which is badly told by its code."""
    vectors = units(rng, 2_700, 16)
    vectors[::5] = np.eye(16)[rng.integers(0, 16, 540)]
    return [part_of(number, some) for number, some in enumerate(np.split(vectors, 3))]


@pytest.mark.parametrize("length", [64, 100_000])
def test_every_admitted_row_is_in_one_piece(rng: np.random.Generator, parts: list[Part], length: int) -> None:
    admitted = [rng.random(900) < share for share in (0.05, 0.9, 0.2)]
    pieces = pieces_of([Scope(part, flags) for part, flags in zip(parts, admitted, strict=True)], length)
    task = Task((), units(rng, 1, 16), 1, Wanted(Filter()))
    slots = np.concatenate(
        [piece.pairs(np.arange(len(piece)), np.zeros(len(piece), int), task).slots for piece in pieces]
    )
    wanted = np.concatenate([np.flatnonzero(flags) + number * BLOCK for number, flags in enumerate(admitted)])
    assert sorted(slots.tolist()) == wanted.tolist()
    assert max(map(len, pieces)) <= length


def test_few_rows_of_many_parts_are_one_piece(parts: list[Part]) -> None:
    (piece,) = pieces_of([Scope(part, np.array([1, 5, 7])) for part in parts], PICKED_MOST)
    assert isinstance(piece, Picked)
    assert len(piece) == 9
    assert [rows.tolist() for _, rows in piece.first(5).shares] == [[1, 5, 7], [1, 5]]


@pytest.mark.parametrize("count", [1, 7])
def test_a_picked_row_has_the_product_of_its_stretch(rng: np.random.Generator, parts: list[Part], count: int) -> None:
    asked = Asked.of(units(rng, count, 16))
    whole = [products_of(Stretch(Scope(part, part.live), 0, 900), asked).copy() for part in parts]
    rows = [np.sort(rng.permutation(900)[:300]) for _ in parts]
    assert all((part.block.errors[some] > NEAR).any() for part, some in zip(parts, rows, strict=True))
    picked = products_of(Picked(list(zip(parts, rows, strict=True))), asked)
    assert (picked == np.concatenate([of[some] for of, some in zip(whole, rows, strict=True)])).all()


def test_pairs_keep_their_slots_scores_and_persons(rng: np.random.Generator, parts: list[Part]) -> None:
    queries = units(rng, 2, 16)
    task = Task((), queries, 1, Wanted(Filter(excluded_persons=frozenset({3}))))
    piece = Picked([(parts[0], np.array([6, 9])), (parts[2], np.array([6, 7, 100]))])
    found = piece.pairs(np.array([4, 1, 0, 2]), np.array([1, 0, 0, 1]), task)  # places 0 and 2 are of person 3
    assert sorted(zip(found.slots.tolist(), found.queries.tolist(), strict=True)) == [(9, 0), (2 * BLOCK + 100, 1)]
    for slot, query, score in zip(found.slots, found.queries, found.scores, strict=True):
        assert score == pytest.approx(
            float(parts[slot // BLOCK].block.vectors[slot % BLOCK] @ queries[query]), abs=1e-6
        )
