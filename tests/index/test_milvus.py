"""The index on a Milvus server: true to its twin, shared, and a refusal where it cannot look."""

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index.errors import EngineUnavailable, NotUnit, VectorRefused
from index.factory import drop_index, new_index
from index.milvus_link import Link
from index.milvus_rows import admitting
from index.types import Change, Entry, Filter, Lot, Neighbour, Server, VectorIndex
from tests.index.conftest import Filled
from tests.index.exact_twin import Twin, entries_of, held_by, puts, same, units


@pytest.fixture
def engine() -> str:
    return "milvus"


def opened(server: Server, dimension: int = 8, engine: str = "milvus") -> VectorIndex:
    """The index as another process would open it."""
    return new_index(engine, "contract-a", dimension, server=server)


def labelled(rng: np.random.Generator, entries: list[Entry]) -> list[Entry]:
    """The same with sexes, years and days, some of them unknown."""
    years, days = rng.integers(1950, 2010, len(entries)).tolist(), rng.integers(1, 3000, len(entries)).tolist()
    known = zip(entries, rng.integers(0, 3, len(entries)).tolist(), years, days, strict=True)
    return [
        replace(entry, sex=sex, born=(year, year + 4), seen=(day, day + 30)) if sex else entry
        for entry, sex, year, day in known
    ]


@pytest.mark.parametrize(
    "where",
    [
        Filter(sexes=frozenset({2})),
        Filter(born=(1990, 1995)),
        Filter(seen=(100, 200)),
        Filter(sexes=frozenset({1, 2}), born=(1960, 1961), seen=(0, 3_652_059), kinds=frozenset({1})),
        Filter(excluded_persons=frozenset(range(5, 6000)) | {10**15}),
    ],
)
def test_what_is_not_known_is_admitted_and_what_is_excluded_is_not(
    filled: Filled, rng: np.random.Generator, where: Filter
) -> None:
    index, twin = filled(labelled(rng, entries_of(units(rng, 600, 16))))
    queries = units(rng, 3, 16)
    assert same(index.search(queries, 9, where), twin.search(queries, 9, where))


def test_a_region_is_asked_for_so_that_no_partition_is_left_out() -> None:
    """Servers such as 2.3.5 look for a region in other partitions than they put upserted rows into."""
    expression = admitting(Filter(kinds=frozenset({1}), regions=frozenset({42, 3})))
    assert expression == "template >= 0 and kind in [1] and not (region not in [3, 42])"


def test_any_history_leaves_the_collection_equal_to_its_twin(filled: Filled, rng: np.random.Generator) -> None:
    pool = units(rng, 12, 6)
    index, twin = filled(entries_of(pool[:3]))
    for _ in range(15):
        revision = index.stamp.revision
        names = rng.integers(0, 15, 8).tolist()
        changes = [
            Change(revision + step, name, None if rng.random() < 0.4 else Entry(name, name % 5, 1, step, pool[step]))
            for step, name in enumerate(names, 1)
        ]
        index.apply(changes)
        twin.apply(changes)
        assert same(index.search(pool, 4), twin.search(pool, 4))
        assert index.stamp.count == len(twin.held)
    assert held_by(index.entries()) == held_by(twin.held.values())


def test_entries_are_all_told_over_many_pages(filled: Filled, rng: np.random.Generator) -> None:
    entries = [replace(entry, template=entry.template * 7 % 3001) for entry in entries_of(units(rng, 2600, 4))]
    index, _ = filled(entries)
    assert held_by(index.entries()) == held_by(entries)


def test_what_one_process_has_applied_the_other_finds_at_once(milvus: Server, rng: np.random.Generator) -> None:
    one, other, vectors = opened(milvus), opened(milvus), units(rng, 2, 8)
    one.apply(puts(entries_of(vectors), after=0))
    assert other.search(vectors[:1], 1) == [[Neighbour(1, 1, pytest.approx(1.0))]]
    other.apply([Change(3, 1, None)])
    assert [near.person for near in one.search(vectors[:1], 2)[0]] == [2]
    assert one.stamp == other.stamp


def test_nodes_with_different_namespaces_do_not_meet(milvus: Server, rng: np.random.Generator) -> None:
    opened(milvus).apply(puts(entries_of(units(rng, 2, 8)), after=0))
    stranger = replace(milvus, namespace=f"{milvus.namespace}b")
    assert opened(stranger).search(units(rng, 1, 8), 3) == [[]]
    drop_index("contract-a", server=stranger)


def test_readers_see_the_old_picture_or_the_new_one(filled: Filled) -> None:
    axes = np.eye(8, dtype=np.float32)
    index, _ = filled(entries_of(np.repeat(axes[:1], 40, axis=0)))
    seen, done = set(), threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(tuple(near.cosine for near in index.search(axes[:1], 80)[0]))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(1, 5):
        index.restore([Lot.of(entries_of(np.repeat(axes[turn % 2 : turn % 2 + 1], 40, axis=0)))], 40)
    done.set()
    reader.join()
    assert seen == {(1.0,) * 40, (0.0,) * 40}


def test_a_drawing_that_is_refused_leaves_nothing_behind(filled: Filled, milvus: Server) -> None:
    index, twin = filled(entries_of(np.eye(8, dtype=np.float32)))
    with pytest.raises(NotUnit):
        index.restore([Lot.of([*twin.held.values(), Entry(99, 1, 0, 0, np.zeros(8, np.float32))])], 99)
    kept = [name for name in Link(milvus).call("list_collections") if milvus.namespace in name]
    assert (len(kept), index.stamp.revision) == (1, 8)


def test_a_template_whose_id_is_negative_is_refused(filled: Filled, rng: np.random.Generator) -> None:
    index, _ = filled(entries_of(units(rng, 2, 8)))
    with pytest.raises(VectorRefused):
        index.apply([Change(3, -1, Entry(-1, 5, 0, 0, units(rng, 1, 8)[0]))])
    assert index.stamp.revision == 2


def test_a_collection_that_is_gone_is_no_answer_and_is_drawn_again(filled: Filled, rng: np.random.Generator) -> None:
    vectors = units(rng, 3, 8)
    index, twin = filled(entries_of(vectors))
    drop_index("contract-a", server=index._link._server)
    with pytest.raises(EngineUnavailable):
        index.search(vectors, 1)
    assert index.stamp.revision == -1
    index.restore([Lot.of(twin.held.values())], 3)
    assert same(index.search(vectors, 1), twin.search(vectors, 1))


def test_the_approximate_kind_finds_the_near_ones_and_scores_them_exactly(
    milvus: Server, rng: np.random.Generator
) -> None:
    index, twin = opened(milvus, 16, "milvus-hnsw"), Twin()
    changes = puts(entries_of(units(rng, 2000, 16), persons=rng.integers(0, 600, 2000)), after=0)
    index.apply(changes)
    twin.apply(changes)
    queries = units(rng, 10, 16)
    found, true = index.search(queries, 10), twin.search(queries, 10)
    rows = [{(one.person, one.template): one.cosine for one in answer} for answer in true]
    hits = [
        (one, row)
        for answer, row in zip(found, rows, strict=True)
        for one in answer
        if (one.person, one.template) in row
    ]
    assert len(hits) >= 95
    assert all(one.cosine == pytest.approx(row[one.person, one.template], abs=1e-12) for one, row in hits)


def test_a_file_serves_one_process(tmp_path: Path, rng: np.random.Generator) -> None:
    server, vectors = Server(str(tmp_path / "gallery.db"), "alone"), units(rng, 5, 8)
    opened(server).apply(puts(entries_of(vectors), after=0))
    assert [near.person for near in opened(server).search(vectors[2:3], 1)[0]] == [3]


WITHOUT = """
import sys
sys.modules["pymilvus"] = None
from index.errors import EngineNotInstalled
from index.factory import new_index
from index.types import Server
new_index("flat", "contract-a", 8)
try:
    new_index("milvus", "contract-a", 8, server=Server("http://localhost:1", "nobody"))
except EngineNotInstalled as refusal:
    print(refusal.code)
"""


def test_the_library_is_needed_by_its_own_engine_only() -> None:
    said = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "index-engine-not-installed"
