"""Few queries are answered from lists over codes, and the lists never claim more than brute force confirms."""

from collections import Counter

import numpy as np
import pytest

from index import codes, listing, single
from index.codes import NEAR, Asked, encode, room_for_codes
from index.flat import FlatIndex
from index.grouping import Listed
from index.labels import Wanted
from index.scan import Scope, Task
from index.sift import CodeScan
from index.types import EVERYTHING, Filter, Lot
from tests.index.exact_columns import brute
from tests.index.exact_twin import entries_of, same, units
from tests.index.test_codes import KINDS, vectors_of

pytestmark = pytest.mark.skipif(not codes.available(), reason="NumKong is not installed")


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """Lists for every search of up to four queries, however fast products are here; how often each attempt was made."""
    made = Counter[int]()
    listed = listing.listed

    def counted(task: Task, *, slack: float, attempt: int) -> Listed:
        made[attempt] += 1
        return listed(task, slack=slack, attempt=attempt)

    monkeypatch.setattr(listing, "listed", counted)
    monkeypatch.setattr(listing, "faster", lambda count, _: count <= listing.MOST)
    return made


@pytest.mark.parametrize("asked", KINDS)
@pytest.mark.parametrize("dimension", [2, 16, 100, 128, 512])
def test_what_a_list_leaves_out_is_no_better_than_it_says(rng: np.random.Generator, asked: str, dimension: int) -> None:
    vectors = np.concatenate([vectors_of(kind, rng, dimension) for kind in KINDS] + [units(rng, 2_000, dimension)])
    written = room_for_codes(len(vectors), dimension)
    written[:], errors = encode(vectors)
    queries = vectors_of(asked, rng, dimension)[:3]
    ask = Asked.of(queries)
    for number, query in enumerate(queries.astype(np.float64)):
        places, edge = single.best(ask, number, codes=written, width=40)
        left = np.ones(len(vectors), np.bool_)
        left[places] = False
        left &= errors <= NEAR
        assert len(set(places.tolist())) == 40
        assert (vectors[left].astype(np.float64) @ query <= edge).all()


def test_what_a_query_loses_by_rounding_is_allowed_for() -> None:
    query = np.full((1, 64), 0.49 / codes.ASKED_TOP, np.float32)  # all but one component become 0
    query[0, 0] = 1.0
    query /= np.linalg.norm(query)
    flat = np.full((40, 64), 63**-0.5, np.float32)
    flat[:, 0] = 0.0
    written = room_for_codes(40, 64)
    written[:], errors = encode(flat)
    assert errors.max() < NEAR < flat[0] @ query[0]
    _, edge = single.best(Asked.of(query), 0, codes=written, width=20)
    assert edge >= flat[0].astype(np.float64) @ query[0]


def test_a_row_that_its_code_makes_worse_than_many_is_found(rng: np.random.Generator, attempts: Counter[int]) -> None:
    spread = rng.choice([-1.0, 1.0], 128) * (np.arange(128) > 0) / 127**0.5
    clipped = np.eye(128)[0]  # its code says 0.4 of it
    query = (0.45 * clipped + 0.89 * spread)[None].astype(np.float32)
    query /= np.linalg.norm(query)
    aside = units(rng, 10_200, 128) * (np.arange(128) > 0)
    behind = aside[:200]  # by their codes before the first, which the query is more like
    behind += (0.5 - behind @ spread)[:, None] * spread
    vectors = np.concatenate((clipped[None], aside / np.linalg.norm(aside, axis=1, keepdims=True))).astype(np.float32)
    entries = entries_of(vectors)
    index = FlatIndex("contract-a", 128)
    index.restore([Lot.of(entries)], 1)
    assert index.search(query, 1)[0][0].template == 1
    assert same(index.search(query, 5), brute(entries, query, 5))
    assert attempts == {0: 2}


@pytest.mark.parametrize("dimension", [3, 16, 128])
def test_the_rows_of_the_largest_products_are_listed(rng: np.random.Generator, dimension: int) -> None:
    written = room_for_codes(500, dimension)
    written[:], _ = encode(units(rng, 500, dimension))
    ask = Asked.of(units(rng, 1, dimension))
    products = ask.products(written)[:, 0].copy()
    places, _ = single.best(ask, 0, codes=written, width=20)
    assert products[places].min() >= np.sort(products)[-20]


def test_a_list_of_all_rows_leaves_nothing(rng: np.random.Generator) -> None:
    written = room_for_codes(10, 16)
    written[:], _ = encode(units(rng, 10, 16))
    places, edge = single.best(Asked.of(units(rng, 1, 16)), 0, codes=written, width=11)
    assert sorted(places.tolist()) == list(range(10))
    assert edge == -np.inf


@pytest.mark.parametrize(("rows", "k"), [(1, 1), (20, 10), (20, 40), (200, 40)])
def test_small_galleries_are_sure_at_once(rng: np.random.Generator, attempts: Counter[int], rows: int, k: int) -> None:
    entries, queries = entries_of(units(rng, rows, 32), persons=np.arange(rows) // 2), units(rng, 1, 32)
    index = FlatIndex("contract-a", 32)
    index.restore([Lot.of(entries)], 1)
    assert same(index.search(queries, k), brute(entries, queries, k))
    assert attempts == {0: 1}


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize(
    "where", [EVERYTHING, Filter(regions=frozenset({7})), Filter(kinds=frozenset({1})), Filter(kinds=frozenset({9}))]
)
def test_lists_answer_as_brute_force_at_the_first_attempt(
    rng: np.random.Generator, attempts: Counter[int], count: int, where: Filter
) -> None:
    vectors = units(rng, 30_000, 128)
    vectors[::500] = np.eye(128)[rng.integers(0, 128, 60)]  # their codes are far off
    entries = entries_of(vectors, persons=np.arange(30_000) // 3)
    index = FlatIndex("contract-a", 128)
    index.restore([Lot.of(entries)], 1)
    queries = np.concatenate((np.eye(128, dtype=np.float32)[:1], units(rng, 3, 128)))[:count]
    assert same(index.search(queries, 10, where), brute(entries, queries, 10, where))
    assert set(attempts) <= {0}


def test_a_person_who_fills_the_lists_makes_them_longer_and_then_gives_way_to_products(
    rng: np.random.Generator, attempts: Counter[int]
) -> None:
    one = units(rng, 1, 64)
    crowd = one + rng.normal(0, 0.01, (5_000, 64))
    vectors = np.concatenate((crowd / np.linalg.norm(crowd, axis=1, keepdims=True), units(rng, 5_000, 64)))
    entries = entries_of(vectors.astype(np.float32), persons=np.maximum(np.arange(10_000) - 4_999, 0))
    index = FlatIndex("contract-a", 64)
    index.restore([Lot.of(entries)], 1)
    assert same(index.search(one, 5), brute(entries, one, 5))
    assert attempts == {0: 1, 1: 1}


def test_few_rows_are_read_in_full(rng: np.random.Generator) -> None:
    index = FlatIndex("contract-a", 128)
    index.restore([Lot.of(entries_of(units(rng, 50_000, 128)))], 1)
    task = Task([Scope(part, part.live) for part in index.view.parts], units(rng, 1, 128), 10, Wanted(EVERYTHING))
    found = listing.listed(task, slack=CodeScan().slack(128), attempt=0)
    assert 10 <= len(found.pairs.slots) < 0.02 * 50_000


def test_more_queries_than_are_tried_and_components_past_exact_sums_are_multiplied() -> None:
    assert not listing.faster(listing.MOST + 1, 16)
    assert not listing.faster(1, single.WIDEST + 1)
