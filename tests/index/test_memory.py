"""What a template costs in memory, and vectors that lie in files instead."""

import os
import resource
from pathlib import Path

import numpy as np
import pytest

from index import labels, snapshot
from index.factory import new_index
from index.flat import FlatIndex
from index.store import BLOCK, Block
from index.types import Change, Entry, Filter, Lot
from tests.index.exact_twin import Twin, entries_of, held_by, puts, same, units


def test_a_template_of_512_components_takes_less_than_2700_bytes() -> None:
    block = Block.empty(512)
    without_vectors = (block.codes.nbytes + block.errors.nbytes) / BLOCK + labels.BYTES
    assert without_vectors + 12 + 1 <= 600  # and its place in the table of slots, and whether it counts
    assert without_vectors + 13 + block.vectors.nbytes / BLOCK <= 2_700


def test_vectors_in_files_are_answered_from_as_from_memory(tmp_path: Path, rng: np.random.Generator) -> None:
    index, twin = new_index("flat", "contract-a", 16, folder=tmp_path), Twin()
    changes = puts(entries_of(units(rng, 3000, 16), persons=np.arange(3000) // 2), after=0)
    for some in (changes, [Change(3001 + step, step + 1, None) for step in range(100)]):
        index.apply(some)
        twin.apply(some)
    queries = units(rng, 5, 16)
    for where in (Filter(), Filter(regions=frozenset({7}))):
        assert same(index.search(queries, 5, where), twin.search(queries, 5, where))
    assert held_by(index.entries()) == held_by(twin.held.values())


def test_the_files_have_no_name_that_could_outlive_the_process(tmp_path: Path, rng: np.random.Generator) -> None:
    index = new_index("flat", "contract-a", 16, folder=tmp_path)
    index.restore([Lot.of(entries_of(units(rng, 10, 16)))], 10)
    assert os.listdir(tmp_path) == []


def test_a_full_disk_refuses_the_change_and_keeps_the_index(tmp_path: Path, rng: np.random.Generator) -> None:
    index = FlatIndex("contract-a", 16, folder=tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            index.apply(puts(entries_of(units(rng, 10, 16)), after=0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (index.stamp.revision, index.stamp.count) == (0, 0)
    index.apply(puts(entries_of(units(rng, 10, 16)), after=0))
    assert index.stamp.count == 10


def test_a_snapshot_opens_with_new_vectors_in_files(tmp_path: Path, rng: np.random.Generator) -> None:
    entries = entries_of(units(rng, 20, 16))
    index = new_index("flat", "contract-a", 16)
    index.restore([Lot.of(entries)], 20)
    snapshot.save(index, tmp_path / "index.snap", b"key")
    loaded = snapshot.load(tmp_path / "index.snap", b"key", contract="contract-a", folder=tmp_path)
    loaded.apply([Change(21, 99, Entry(99, 99, 0, 0, entries[0].vector))])
    assert [one.person for one in loaded.search(entries[0].vector[None], 2)[0]] == [1, 99]
    assert os.listdir(tmp_path) == ["index.snap"]
