"""Large galleries for measuring the memory: crowds of people with several templates each. It never measures.

People differ as random directions do; the templates of one person have cosines of 0.4 to 0.8 with each other, as real
ones do. The same seed gives the same gallery, block after block, so that engines are filled without holding it twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from index.flat import FlatIndex
from index.labels import Labels
from index.store import BLOCK, Block, Rows
from index.types import ANY_DAY, ANY_YEAR, Vectors

Numbers = NDArray[np.int64]
BATCH = BLOCK
TEMPLATES = 4  # of each person
REGIONS = 100  # so that a filter for one of them keeps 1 %
CLOSENESS = (0.4, 0.8)  # cosine of two templates of one person


@dataclass(frozen=True)
class Gallery:
    """`count` templates of `dimension`; with `faces` (n, d) people are real templates, again and again with noise."""

    count: int
    dimension: int
    faces: Vectors | None = None
    seed: int = 20_240_601

    def batches(self) -> Iterator[tuple[int, Vectors]]:
        """The number of the first template, and unit vectors (n, d), batch after batch."""
        for start in range(0, self.count, BATCH):
            yield start, self._vectors(start, min(BATCH, self.count - start))

    def queries(self, count: int) -> Vectors:
        """New templates (count, d) of people all over the gallery."""
        random = np.random.default_rng(self.seed - 1)
        starts = random.choice(np.arange(0, self.count, BATCH), count)
        rows = {start: self._people(start)[0] for start in set(starts.tolist())}
        people = np.stack([rows[start][random.integers(0, len(rows[start]))] for start in starts.tolist()])
        return _noisy(people, random)

    def _vectors(self, start: int, count: int) -> Vectors:
        people, random = self._people(start)
        return _noisy(np.repeat(people, TEMPLATES, axis=0)[:count], random)

    def _people(self, start: int) -> tuple[Vectors, np.random.Generator]:
        random = np.random.default_rng((self.seed, start))
        if self.faces is None:
            return _unit(random.standard_normal((BATCH // TEMPLATES, self.dimension), np.float32)), random
        chosen = self.faces[random.integers(0, len(self.faces), BATCH // TEMPLATES)]
        return _moved(chosen, np.full(len(chosen), 0.75), random), random


def filled(gallery: Gallery, progress: Progress, *, folder: Path | None = None) -> FlatIndex:
    """An index with the whole gallery in it: template and region by number, person by four."""
    task, blocks = progress.add_task(f"filling {gallery.count:,} x {gallery.dimension}", total=gallery.count), []
    for start, vectors in gallery.batches():
        block = Block.empty(gallery.dimension, folder=folder)
        block.write(np.arange(len(vectors)), Rows(labels_of(start, len(vectors)), vectors))
        blocks.append(block)
        progress.advance(task, len(vectors))
    index = FlatIndex("benchmark", gallery.dimension, folder=folder)
    index.adopt(blocks, gallery.count, revision=1)
    return index


def labels_of(start: int, count: int) -> Labels:
    """Labels of `count` templates from number `start`."""
    numbers = np.arange(start, start + count, dtype=np.int64)
    spans = (ANY_YEAR, ANY_DAY)
    wide = [np.full(count, end) for span in spans for end in span]
    kinds, regions = numbers // TEMPLATES % 2, numbers // TEMPLATES % REGIONS
    columns = (numbers, numbers // TEMPLATES, kinds, regions, np.zeros(count), *wide)
    empty = Labels.empty(count)
    for column, values in zip(empty.columns(), columns, strict=True):
        column[:] = values
    return empty


def _noisy(people: Vectors, random: np.random.Generator) -> Vectors:
    closeness = random.uniform(*CLOSENESS, len(people))
    return _moved(people, np.sqrt(closeness), random)


def _moved(vectors: Vectors, cosine: NDArray[np.float64], random: np.random.Generator) -> Vectors:
    """Each vector turned away in a random direction, to about the cosine with where it was."""
    aside = _unit(random.standard_normal(vectors.shape, np.float32))
    width = cosine.astype(np.float32)[:, None]
    return _unit(vectors * width + aside * np.sqrt(1 - width**2))


def _unit(vectors: Vectors) -> Vectors:
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors
