"""The first pass over the blocks: the best rows by float32 score, and how far such a score may be wrong.

This is the door of FAISS. A scan never decides: what it lists, and the bound on what it does not, is judged in
`grouping`, so another scan (int8, another device) needs only its own `slack`.
"""

import os
import threading
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from index.errors import EngineUnavailable
from index.store import Block, Flags, Numbers, Part
from index.types import Vectors

MATRIX_FROM = 8  # queries: from here one matrix product a block is cheaper than query by query (512-d: half at 8)
SELECT_BELOW = (0.9, 0.25)  # share admitted under which rows are tested one by one: few queries, many (no BLAS then)
CARD_WIDEST = 2_048  # largest k of FAISS on a card

faiss.cvar.distance_compute_blas_threshold = MATRIX_FROM  # its own 128,000 means never


@dataclass(frozen=True, slots=True)
class Listed:
    """Per query, descending: `scores` float32 (n, m) and `rows` int64 (n, m), -1 where there was no more.

    Rows that are not admitted may be listed; the caller drops them. `beyond` float64 (n,): no admitted row left
    out scores above it (-inf: none was left out).
    """

    scores: NDArray[np.float32]
    rows: Numbers
    beyond: NDArray[np.float64]


class Scan(Protocol):
    """One way to score blocks."""

    def slack(self, dimension: int) -> float:
        """Largest |score - true inner product| for vectors of norm within 1e-3 of 1."""

    def best(self, parts: Sequence[tuple[Part, Flags]], queries: Vectors, *, width: int) -> list[Listed]:
        """About `width` best rows of each part for each query (n, d); the flags say which rows are admitted."""


class HostScan:
    """FAISS on the processor: the kernels of `IndexFlatIP` over the blocks where they lie, a block to a thread.

    FAISS's own threads meet at a barrier every few rows and burn the processor there when it is shared: one query
    of 100,000 x 128 on two busy cores took 32 ms with them and 5.5 ms without.
    """

    def slack(self, dimension: int) -> float:
        """g = d u / (1 - d u), u = 2**-24, in any order of summation (Higham, Accuracy and Stability, 3.1)."""
        unit = dimension * 2.0**-24
        return 1.01 * unit / (1 - unit)  # 1.01 covers norms up to 1.001 and rounding to subnormals

    def best(self, parts: Sequence[tuple[Part, Flags]], queries: Vectors, *, width: int) -> list[Listed]:
        return list(_workers().map(lambda one: _scan_part(one[0], one[1], queries, width), parts))


class CardScan:
    """FAISS on a CUDA card: each block is mirrored there and sent again when it has changed."""

    def __init__(self) -> None:
        if not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() == 0:
            raise EngineUnavailable(engine="flat", device="cuda")
        self._resources = faiss.StandardGpuResources()
        self._mirrors: weakref.WeakKeyDictionary[Block, tuple[int, faiss.Index]] = weakref.WeakKeyDictionary()
        self._turn = threading.Lock()  # FAISS resources of a card serve one thread at a time
        self._host = HostScan()

    def slack(self, dimension: int) -> float:
        """Two factors rounded to the 10 bits of TF32, which the card may use, and float32 sums on top."""
        return 2.0**-9 + self._host.slack(dimension)

    def best(self, parts: Sequence[tuple[Part, Flags]], queries: Vectors, *, width: int) -> list[Listed]:
        if width > CARD_WIDEST:  # a narrow filter or a mass of ties asks for more than the card can list
            return self._host.best(parts, queries, width=width)
        with self._turn:
            return [self._scan_part(part, queries, width) for part, _ in parts]

    def _scan_part(self, part: Part, queries: Vectors, width: int) -> Listed:
        mirror = self._mirror(part)
        width = min(width, mirror.ntotal)
        scores, rows = mirror.search(queries, width)
        beyond = _beyond(scores, rows, all_listed=width == mirror.ntotal)
        rows[rows >= len(part.live)] = -1  # written after this view
        return Listed(scores, rows, beyond)

    def _mirror(self, part: Part) -> faiss.Index:
        block, used = part.block, len(part.live)
        version, mirror = self._mirrors.get(block, (-1, None))
        if mirror is None or version != block.version or mirror.ntotal < used:
            version = block.version  # read before the copy: a write meanwhile makes the copy old, never wrongly new
            mirror = faiss.GpuIndexFlatIP(self._resources, block.vectors.shape[1])
            mirror.add(block.vectors[:used])
            self._mirrors[block] = (version, mirror)
        return mirror


def scan_for(device: str) -> Scan:
    """The scan of a device, `cpu` or `cuda`; EngineUnavailable where it is not there."""
    if device == "cpu":
        return HostScan()
    if device == "cuda":
        return CardScan()
    raise EngineUnavailable(engine="flat", device=device)


@cache
def _workers() -> ThreadPoolExecutor:
    """As many threads as OMP_NUM_THREADS or the cores allow, each with FAISS and its BLAS single-threaded."""
    one_each = (1,)
    return ThreadPoolExecutor(faiss.omp_get_max_threads(), "scan", faiss.omp_set_num_threads, one_each)


os.register_at_fork(after_in_child=_workers.cache_clear)  # threads do not survive a fork


def _scan_part(part: Part, admitted: Flags, queries: Vectors, width: int) -> Listed:
    used, count = len(admitted), int(np.count_nonzero(admitted))
    select = count < SELECT_BELOW[len(queries) >= MATRIX_FROM] * used
    width = min(used, width if select else width * used // count)  # of listed rows, that share will be dropped
    scores = np.empty((len(queries), width), np.float32)
    rows = np.empty((len(queries), width), np.int64)
    bits = np.packbits(admitted, bitorder="little")  # the selector borrows it: it must outlive the call
    faiss.knn_inner_product(
        faiss.swig_ptr(queries),
        faiss.swig_ptr(part.block.vectors),
        queries.shape[1],
        len(queries),
        used,
        width,
        faiss.swig_ptr(scores),
        faiss.swig_ptr(rows),
        faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits)) if select else None,
    )
    return Listed(scores, rows, _beyond(scores, rows, all_listed=width == used))


def _beyond(scores: NDArray[np.float32], rows: Numbers, *, all_listed: bool) -> NDArray[np.float64]:
    if all_listed:
        return np.full(len(scores), -np.inf)
    return np.where(rows[:, -1] < 0, -np.inf, scores[:, -1].astype(np.float64))
