"""The bound that the certified scan rests on, measured on what is hard to write in eight bits."""

import os
import subprocess
import sys

import numpy as np
import pytest

from index import codes
from index.codes import LEAST, MIDDLE, NEAR, TOP, Asked, encode, room, room_for_codes, step
from tests.index.exact_twin import units

pytestmark = pytest.mark.skipif(not codes.available(), reason="NumKong is not installed")
KINDS = ("random", "one-hot", "constant", "alternating", "two components", "tiny and one large", "long", "short")


def vectors_of(kind: str, rng: np.random.Generator, dimension: int) -> np.ndarray:
    """Twenty hard vectors (20, d), norms within 1e-3 of 1."""
    made = units(rng, 20, dimension)
    if kind == "one-hot":
        made = np.eye(dimension, dtype=np.float32)[rng.integers(0, dimension, 20)] * rng.choice([-1, 1], (20, 1))
    elif kind == "constant":
        made = np.ones((20, dimension))
    elif kind == "alternating":
        made = np.resize([1.0, -1.0], (20, dimension))
    elif kind == "two components":
        made = np.eye(dimension)[rng.integers(0, dimension, 20)] + np.eye(dimension)[rng.integers(0, dimension, 20)]
    elif kind == "tiny and one large":
        made = np.full((20, dimension), 1e-5) + np.eye(dimension)[rng.integers(0, dimension, 20)]
    made = made / np.linalg.norm(made, axis=1, keepdims=True)
    return (made * {"long": 1.001, "short": 0.999}.get(kind, 1.0)).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dimension", [1, 2, 3, 100, 128, 512])
def test_errors_are_never_smaller_than_the_distance_to_the_code(
    rng: np.random.Generator, kind: str, dimension: int
) -> None:
    vectors = vectors_of(kind, rng, dimension)
    written, errors = encode(vectors)
    whole = written.astype(np.float64) - MIDDLE
    true = np.linalg.norm(vectors.astype(np.float64) - whole * step(dimension), axis=1)
    assert np.abs(whole).max() <= TOP
    assert (errors >= true).all()
    assert (errors <= true * 1.01 + 1e-5).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("asked", KINDS)
@pytest.mark.parametrize("dimension", [2, 128, 512])
def test_a_row_that_reaches_a_score_reaches_the_product_needed(
    rng: np.random.Generator, kind: str, asked: str, dimension: int
) -> None:
    vectors, queries = vectors_of(kind, rng, dimension), vectors_of(asked, rng, dimension)
    written, errors = encode(vectors)
    ask = Asked.of(queries)
    products = ask.products(written) + ask.lift(np.maximum(errors, NEAR))
    scores = vectors.astype(np.float64) @ queries.astype(np.float64).T
    for row, score in enumerate(scores):
        assert (products[row] >= ask.needed(score)).all()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 17])
def test_products_are_exact(rng: np.random.Generator, count: int) -> None:
    rows, queries = room_for_codes(1000, 512), units(rng, count, 512)
    rows[:] = rng.integers(-127, 128, rows.shape)
    ask = Asked.of(queries)
    assert (ask.products(rows) == rows.astype(np.int64) @ ask.whole.astype(np.int64).T).all()


def test_what_a_thread_reads_next_is_gathered_in_the_same_room() -> None:
    first = room(50, 64)
    assert np.shares_memory(first, room(20, 64))
    assert room(60, 64).shape == (60, 64)


def test_a_product_far_below_the_need_is_left_out(rng: np.random.Generator) -> None:
    vectors = units(rng, 2000, 512)
    written, _ = encode(vectors)
    ask = Asked.of(vectors[:1])
    reached = ask.products(written)[:, 0] >= ask.needed(np.array([0.5]))
    assert np.flatnonzero(reached).tolist() == [0]


def test_no_threshold_lets_everything_through(rng: np.random.Generator) -> None:
    assert Asked.of(units(rng, 3, 8)).needed(np.full(3, -np.inf)).max() <= LEAST + 2


def test_codes_begin_on_a_cache_line() -> None:
    assert all(room_for_codes(100, dimension).ctypes.data % 64 == 0 for dimension in (3, 128, 512))


def test_random_vectors_need_no_lift(rng: np.random.Generator) -> None:
    assert (encode(units(rng, 5000, 512))[1] > NEAR).mean() < 0.001


def test_an_instruction_that_stops_the_program_is_not_used_in_this_one() -> None:
    stopped = "import os, signal\nos.kill(os.getpid(), signal.SIGILL)"
    script = f"from index import codes\ncodes.PROBE = {stopped!r}\nprint(codes.available(), codes.processor())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.split()[0] == "True"
    assert "amx" not in done.stdout
