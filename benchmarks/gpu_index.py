"""Part of benchmarks.gpu: exact search on the card at growing sizes, beside the time that reading the vectors takes.

FAISS as it is (flat, float16 kept on the card), and our index on the same card with fewer. The gallery grows until it
has reached its last size, the card is full or the time is up. Its vectors are one random million, its columns moved on
for each further one.
"""

import ctypes
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.gpu_part import Target, emit, median_s, run_part
from facematch import card_memory
from facematch.devices import cuda_runtime
from index.factory import new_index
from index.types import Entry, Lot

DIMENSION = 512
K = 10
BATCHES = (1, 16, 1024)
SIZES = (1, 10, 100)  # millions
TIME_S = 110.0  # after which no further million is added
PART = 10  # millions an index of FAISS
SPARE = 0.9  # of the free memory may be filled
LOT = 4_096  # templates restored at a time
FLOOR = 1.4  # times the floor is the goal

Vectors = NDArray[np.float32]


def measure(target: Target) -> None:
    if target.rehearse:
        faiss.omp_set_num_threads(1)  # its threads would wait for each other longer than they work
    begun = time.monotonic()
    bandwidth = _bandwidth(target)
    gulp = target.size(1_000_000, 200)
    first = _unit(np.random.default_rng(0), gulp)
    _our_index(first[: target.size(200_000, 200)], target)
    gallery = Gallery(target)
    with ThreadPoolExecutor(1) as beside:  # the next million is made while the card takes the last
        coming = beside.submit(_another, first, 0)
        for size in (count * gulp for count in SIZES[: target.size(len(SIZES), 2)]):
            while gallery.count < size and gallery.may_grow(gulp) and time.monotonic() - begun < TIME_S:
                vectors, coming = coming.result(), beside.submit(_another, first, gallery.count // gulp + 1)
                gallery.add(vectors)
            _search(gallery, bandwidth, target)
            if gallery.count < size:
                break


class Gallery:
    """FAISS's flat indexes on the card, float16, filled one after the other: each is copied whole when it grows."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._part = PART // target.size(1, 2)
        self._parts: list[faiss.Index] = []
        self.bytes_each = DIMENSION * target.size(2, 4)

    @property
    def count(self) -> int:
        """Vectors in all."""
        return sum(part.ntotal for part in self._parts)

    def may_grow(self, more: int) -> bool:
        """Whether the card has room for so many more, with the copy that growing takes."""
        if self._target.rehearse:
            return True
        free, _ = card_memory.free_and_total(self._target.number, cuda_runtime())
        return free * SPARE > (self._part + 1) * more * self.bytes_each

    def add(self, vectors: Vectors) -> None:
        if not self._parts or self._parts[-1].ntotal >= self._part * len(vectors):
            self._parts.append(self._empty())
        self._parts[-1].add(vectors)

    def search(self, queries: Vectors) -> None:
        if len(self._parts) == 1:
            self._parts[0].search(queries, K)
            return
        together = faiss.IndexShards(DIMENSION, False, True)  # type: ignore[call-arg] # one thread, ids one after the other
        for part in self._parts:
            together.add_shard(part)
        together.search(queries, K)

    def _empty(self) -> faiss.Index:
        if self._target.rehearse:
            return faiss.IndexFlatIP(DIMENSION)
        settings = faiss.GpuIndexFlatConfig()
        settings.device, settings.useFloat16 = self._target.number, True
        return faiss.GpuIndexFlatIP(_resources(), DIMENSION, settings)


def _bandwidth(target: Target) -> float:
    """Bytes a second of a copy within the card, read and written both counted."""
    size = target.size(2**32, 2**20)
    if target.rehearse:
        source, copy = np.zeros(size, np.uint8), np.empty(size, np.uint8)
        seconds = median_s(lambda: np.copyto(copy, source))
    else:
        seconds = _copy_within_card_s(size, target.number)
    emit(measure="copy within the card, read and write", value=2 * size / seconds / 1e12, unit="TB/s")
    return 2 * size / seconds


def _copy_within_card_s(size: int, number: int) -> float:
    cuda, place = ctypes.CDLL(cuda_runtime()), card_memory.card(number, cuda_runtime())
    place.array((1,), np.uint8)  # chooses the card for this thread
    source, copy = ctypes.c_void_p(), ctypes.c_void_p()
    for pointer in (source, copy):
        if cuda.cudaMalloc(ctypes.byref(pointer), ctypes.c_size_t(size)):
            raise card_memory.CudaError("no memory for the copy")

    def run() -> None:
        place.copy(copy.value or 0, source.value or 0, size)
        cuda.cudaDeviceSynchronize()

    seconds = median_s(run, rounds=20)
    for pointer in (source, copy):
        cuda.cudaFree(pointer)
    return seconds


def _our_index(vectors: Vectors, target: Target) -> None:
    index = new_index("flat", "benchmark", DIMENSION, device="cpu" if target.rehearse else "cuda")
    begun = time.perf_counter()
    index.restore(_lots(vectors), len(vectors))
    emit(measure=f"our index, {len(vectors):,} restored", value=len(vectors) / (time.perf_counter() - begun), unit="/s")
    for batch in BATCHES:
        seconds = median_s(partial(index.search, vectors[:batch], K))
        emit(measure=f"our index, {len(vectors):,}, {batch} at once", value=1000 * seconds, unit="ms", better="lower")


def _lots(vectors: Vectors) -> Iterator[Lot]:
    for start in range(0, len(vectors), LOT):
        some = enumerate(vectors[start : start + LOT], start)
        yield Lot.of(Entry(row, row, 0, 0, vector) for row, vector in some)


@cache
def _resources() -> "faiss.StandardGpuResources":
    """What all indexes of the card share; it has to outlive them."""
    return faiss.StandardGpuResources()


def _search(gallery: Gallery, bandwidth: float, target: Target) -> None:
    rng, count = np.random.default_rng(9), gallery.count
    floor = count * gallery.bytes_each / bandwidth
    for batch in BATCHES:
        queries = _unit(rng, batch)
        seconds = median_s(partial(gallery.search, queries), rounds=5)
        emit(
            measure=f"FAISS float16, {count:,} x {DIMENSION}, {batch} at once",
            value=1000 * seconds,
            unit="ms",
            limit=1000 * floor,
            target=1000 * FLOOR * floor if batch == 1 else None,
            better="lower",
        )
    emit(measure=f"memory of the card with {count:,}", value=target.used_mib(), unit="MiB", better="lower")


def _unit(rng: np.random.Generator, count: int) -> Vectors:
    vectors = rng.standard_normal((count, DIMENSION), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _another(first: Vectors, turn: int) -> Vectors:
    """The same vectors with their columns moved on by `turn`: as spread as new ones, and other ones."""
    return np.roll(first, turn, axis=1)


if __name__ == "__main__":
    run_part(measure, __doc__ or "")
