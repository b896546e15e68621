"""The bounds that exactness rests on: how wrong a first pass may be, and when a list is too short."""

import faiss
import numpy as np
import pytest

from index import grouping
from index.errors import EngineUnavailable
from index.flat import FlatIndex
from index.grouping import Listed, Pairs, Truth
from index.scan import HostScan, Scope, half_slack
from index.store import Block, Part
from index.types import Filter
from tests.index.exact_twin import Twin, entries_of, puts, same, units

CARD = hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0


@pytest.mark.parametrize("dimension", [2, 128, 512])
@pytest.mark.parametrize("batch", [1, 64])
def test_scores_are_within_the_slack_of_the_true_inner_products(
    rng: np.random.Generator, dimension: int, batch: int
) -> None:
    block, queries = Block.empty(dimension), units(rng, batch, dimension)
    block.vectors[:4000] = units(rng, 4000, dimension)
    part = Part(0, block, np.ones(4000, np.bool_))
    (listed,) = HostScan().best([Scope(part, part.live)], queries, width=4000)
    true = np.take_along_axis(queries.astype(np.float64) @ block.vectors[:4000].astype(np.float64).T, listed.rows, 1)
    worst = np.abs(listed.scores - true).max()
    assert 0 < worst < HostScan().slack(dimension)


@pytest.mark.parametrize("dimension", [1, 128, 512])
@pytest.mark.parametrize("least", [1.0, 1e-4, 1e-8])
def test_scores_in_float16_are_within_their_slack(rng: np.random.Generator, dimension: int, least: float) -> None:
    raw = rng.normal(size=(2, 300, dimension)) * np.exp(rng.uniform(np.log(least), 0, (2, 300, dimension)))
    rows, queries = (raw / np.linalg.norm(raw, axis=2, keepdims=True)).astype(np.float32) * np.float32(1.001)
    half_rows, half_queries = (some.astype(np.float16).astype(np.float32) for some in (rows, queries))
    true = queries.astype(np.float64) @ rows.T.astype(np.float64)
    worst = np.abs(half_queries @ half_rows.T - true).max()
    assert worst < half_slack(dimension) < 0.003


@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
@pytest.mark.parametrize("batch", [1, 20])
def test_no_admitted_row_left_out_scores_above_the_bound(rng: np.random.Generator, share: float, batch: int) -> None:
    block, queries = Block.empty(16), units(rng, batch, 16)
    block.vectors[:2000] = units(rng, 2000, 16)
    part = Part(0, block, np.ones(2000, np.bool_))
    admitted = rng.random(2000) < share
    (listed,) = HostScan().best([Scope(part, admitted)], queries, width=20)
    scores = queries @ block.vectors[:2000].T
    for query, rows in enumerate(listed.rows):
        left = np.setdiff1d(np.flatnonzero(admitted), rows)
        assert scores[query, left].max() <= listed.beyond[query] + HostScan().slack(16)


def four_persons(beyond: float) -> Listed:
    numbers, scores = np.arange(4), np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    return Listed(Pairs(np.zeros(4, np.int64), numbers, numbers, scores), np.array([beyond]))


@pytest.mark.parametrize(
    ("k", "beyond", "certain"),
    [(2, 0.6, True), (2, 0.779, True), (2, 0.781, False), (4, 0.6, False), (5, 0.1, False), (5, -np.inf, True)],
)
def test_a_list_is_certain_only_when_nothing_left_out_can_reach_the_last_person(
    k: int, beyond: float, certain: bool
) -> None:
    listed = four_persons(beyond)
    truth = Truth(lambda slots: slots, lambda slots, _: listed.pairs.scores[slots].astype(np.float64))
    (answer,) = grouping.best_per_person(listed, k, slack=0.01, truth=truth)
    assert (answer is not None) == certain


@pytest.mark.skipif(CARD, reason="this machine has a card for FAISS")
def test_a_card_that_is_not_there_is_refused_and_never_replaced_by_the_processor() -> None:
    with pytest.raises(EngineUnavailable) as refusal:
        FlatIndex("contract-a", 8, device="cuda")
    assert refusal.value.facts == {"engine": "flat", "device": "cuda"}


@pytest.mark.skipif(not CARD, reason="needs faiss-gpu and a CUDA card")
def test_the_card_gives_the_answers_of_brute_force(rng: np.random.Generator) -> None:
    entries = entries_of(units(rng, 5000, 64), persons=rng.integers(0, 900, 5000))
    index, twin = FlatIndex("contract-a", 64, device="cuda"), Twin()
    for after in range(0, 5000, 1000):
        changes = puts(entries[after : after + 1000], after=after)
        index.apply(changes)
        twin.apply(changes)
        queries = units(rng, 9, 64)
        for where in (Filter(), Filter(regions=frozenset({7}))):
            assert same(index.search(queries, 6, where), twin.search(queries, 6, where))
