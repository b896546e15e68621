"""What the tests of the memory share: seeded chance and a filled index with its twin."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from index import snapshot
from index.factory import drop_index, new_index
from index.types import Entry, Server, VectorIndex
from tests.index.exact_twin import Twin, entries_of, puts, units

KEY = b"a key of the server, 32 bytes ..."
Filled = Callable[[list[Entry]], tuple[VectorIndex, Twin]]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240601)


@pytest.fixture
def milvus(milvus_uri: str) -> Iterator[Server]:
    """A namespace of its own on a real Milvus."""
    server = Server(milvus_uri, secrets.token_hex(6))
    yield server
    drop_index("contract-a", server=server)


@pytest.fixture
def engine() -> str:
    """The engine that `filled` fills; a module that holds for more of them says so."""
    return "flat"


@pytest.fixture
def filled(request: pytest.FixtureRequest, engine: str) -> Filled:
    """Builds an index and its twin from entries of one dimension."""
    server = request.getfixturevalue("milvus") if engine.startswith("milvus") else None

    def fill(entries: list[Entry]) -> tuple[VectorIndex, Twin]:
        index, twin = new_index(engine, "contract-a", len(entries[0].vector), server=server), Twin()
        changes = puts(entries, after=0)
        index.apply(changes)
        twin.apply(changes)
        return index, twin

    return fill


@pytest.fixture
def saved(tmp_path: Path, filled: Filled, rng: np.random.Generator) -> Path:
    """A snapshot of 60 templates at revision 60."""
    index, _ = filled(entries_of(units(rng, 60, 16), persons=np.arange(60) // 2))
    snapshot.save(index, tmp_path / "index.snap", KEY)
    return tmp_path / "index.snap"
