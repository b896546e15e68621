"""What the tests of the memory share: seeded chance and a filled index with its twin."""

from collections.abc import Callable

import numpy as np
import pytest

from index.flat import FlatIndex
from index.types import Entry
from tests.index.exact_twin import Twin, puts

Filled = Callable[[list[Entry]], tuple[FlatIndex, Twin]]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240601)


@pytest.fixture
def filled() -> Filled:
    """Builds an index and its twin from entries of one dimension."""

    def fill(entries: list[Entry]) -> tuple[FlatIndex, Twin]:
        index, twin = FlatIndex("contract-a", len(entries[0].vector)), Twin()
        changes = puts(entries, after=0)
        index.apply(changes)
        twin.apply(changes)
        return index, twin

    return fill
