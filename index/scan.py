"""The first pass over the blocks: candidate rows with their scores, and how far such a score may be wrong.

This is the door of FAISS for vectors, as `single` is for codes. A scan never decides: what it lists, and the bound on
what it does not, is judged in `grouping`, so another scan (`sift` over codes, another device) needs only its `slack`.
"""

import math
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, cast

import faiss
import numpy as np
from numpy.typing import NDArray

from index.errors import EngineUnavailable
from index.grouping import Listed, Pairs
from index.labels import Flags, Numbers, Wanted
from index.store import BLOCK, Block, Part
from index.turns import in_turns
from index.types import Vectors

MATRIX_FROM = 8  # queries: from here one matrix product a block is cheaper than query by query (512-d: half at 8)
SELECT_BELOW = (0.9, 0.25)  # share admitted under which rows are tested one by one: few queries, many (no BLAS then)
CARD_WIDEST = 2_048  # largest k of FAISS on a card
FIRST_WIDTH = 32  # rows each block lists at first: room for k persons with a few templates each
WIDER = 8  # how much longer the lists are at each further attempt

faiss.cvar.distance_compute_blas_threshold = MATRIX_FROM  # its own 128,000 means never


@dataclass(frozen=True, eq=False)
class Scope:
    """A part, and which of its rows the labels admit: flags (used,), or the rows themselves, ascending."""

    part: Part
    admitted: Flags | Numbers

    @cached_property
    def flags(self) -> Flags:
        """Which rows are admitted (used,)."""
        if self.admitted.dtype == np.bool_:
            return cast(Flags, self.admitted)
        flags = np.zeros(len(self.part.live), np.bool_)
        flags[self.admitted] = True
        return flags

    @cached_property
    def rows(self) -> Numbers:
        """The admitted rows (count,)."""
        return np.flatnonzero(self.admitted) if self.admitted.dtype == np.bool_ else cast(Numbers, self.admitted)

    @cached_property
    def count(self) -> int:
        """How many rows are admitted."""
        return int(np.count_nonzero(self.admitted)) if self.admitted.dtype == np.bool_ else len(self.admitted)


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What a scan is asked: the best `k` persons for each query (n, d) among the scopes, nobody that is barred."""

    scopes: Sequence[Scope]
    queries: Vectors
    k: int
    wanted: Wanted


class Scan(Protocol):
    """One way to score blocks."""

    def slack(self, dimension: int) -> float:
        """Largest |score - true inner product| for vectors of norm within 1e-3 of 1."""

    def look(self, task: Task, *, attempt: int) -> Listed:
        """Pairs that may matter; a further attempt lists more."""


@dataclass(frozen=True, slots=True)
class Lists:
    """Per query, descending: `scores` float32 (n, m) and `rows` int64 (n, m), -1 where there was no more.

    Rows that are not admitted may be listed; the caller drops them. `beyond` float64 (n,): no admitted row left
    out scores above it (-inf: none was left out).
    """

    scores: NDArray[np.float32]
    rows: Numbers
    beyond: NDArray[np.float64]


class HostScan:
    """FAISS on the processor: the kernels of `IndexFlatIP` over the blocks where they lie, a block to a thread.

    FAISS's own threads meet at a barrier every few rows and burn the processor there when it is shared: one query
    of 100,000 x 128 on two busy cores took 32 ms with them and 5.5 ms without.
    """

    def slack(self, dimension: int) -> float:
        """g = d u / (1 - d u), u = 2**-24, in any order of summation (Higham, Accuracy and Stability, 3.1)."""
        unit = dimension * 2.0**-24
        return 1.01 * unit / (1 - unit)  # 1.01 covers norms up to 1.001 and rounding to subnormals

    def look(self, task: Task, *, attempt: int) -> Listed:
        return _gathered(task, self.best(task.scopes, task.queries, width=width_of(task.k, attempt)))

    def best(self, scopes: Sequence[Scope], queries: Vectors, *, width: int) -> list[Lists]:
        """About `width` best rows of each scope for each query (n, d)."""
        return in_turns(lambda scope: _scan_part(scope, queries, width), scopes)


class CardScan:
    """FAISS on a CUDA card: each block is mirrored there in float16 and sent again when it has changed."""

    def __init__(self) -> None:
        if not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() == 0:
            raise EngineUnavailable(engine="flat", device="cuda")
        self._resources, self._settings = faiss.StandardGpuResources(), faiss.GpuIndexFlatConfig()
        self._settings.useFloat16 = True
        self._mirrors: weakref.WeakKeyDictionary[Block, tuple[int, faiss.Index]] = weakref.WeakKeyDictionary()
        self._turn = threading.Lock()  # FAISS resources of a card serve one thread at a time
        self._host = HostScan()

    def slack(self, dimension: int) -> float:
        return half_slack(dimension)

    def look(self, task: Task, *, attempt: int) -> Listed:
        width = width_of(task.k, attempt)
        if width > CARD_WIDEST:  # a narrow filter or a mass of ties asks for more than the card can list
            return self._host.look(task, attempt=attempt)
        with self._turn:
            return _gathered(task, [self._scan_part(scope.part, task.queries, width) for scope in task.scopes])

    def _scan_part(self, part: Part, queries: Vectors, width: int) -> Lists:
        mirror = self._mirror(part)
        width = min(width, mirror.ntotal)
        scores, rows = mirror.search(queries, width)
        beyond = _beyond(scores, rows, all_listed=width == mirror.ntotal)
        rows[rows >= len(part.live)] = -1  # written after this view
        return Lists(scores, rows, beyond)

    def _mirror(self, part: Part) -> faiss.Index:
        block, used = part.block, len(part.live)
        version, mirror = self._mirrors.get(block, (-1, None))
        if mirror is None or version != block.version or mirror.ntotal < used:
            version = block.version  # read before the copy: a write meanwhile makes the copy old, never wrongly new
            mirror = faiss.GpuIndexFlatIP(self._resources, block.vectors.shape[1], self._settings)
            mirror.add(block.vectors[:used])
            self._mirrors[block] = (version, mirror)
        return mirror


def half_slack(dimension: int) -> float:
    """The slack where both factors are rounded to float16 and multiplied in float32, or in TF32 with its 10 bits.

    Rounding to float16 moves a component by 2**-11 of itself, or by 2**-25 where that is more; cutting off to TF32 by
    2**-10 of itself. With norms within 1e-3 of 1 a sum of products so moves by less than the first two terms.
    """
    return 2.0**-9 * (1 + 2.0**-8) + math.sqrt(dimension) * 2.0**-23 + HostScan().slack(dimension)


def scan_for(device: str) -> Scan:
    """The scan of a device, `cpu` or `cuda`; EngineUnavailable where it is not there."""
    if device == "cpu":
        return HostScan()
    if device == "cuda":
        return CardScan()
    raise EngineUnavailable(engine="flat", device=device)


def pair_products(vectors: Vectors, rows: Numbers, *, queries: Vectors, which: Numbers) -> NDArray[np.float32]:
    """Inner products (n,) in float32, with the slack of `HostScan`: of vectors[rows[i]] with queries[which[i]]."""
    scores = np.empty(len(rows), np.float32)
    rows, which = np.ascontiguousarray(rows), np.ascontiguousarray(which)
    if len(rows):
        faiss.pairwise_indexed_inner_product(  # type: ignore[attr-defined]
            queries.shape[1],
            len(rows),
            faiss.swig_ptr(queries),
            faiss.swig_ptr(which),
            faiss.swig_ptr(vectors),
            faiss.swig_ptr(rows),
            faiss.swig_ptr(scores),
        )
    return scores


def width_of(k: int, attempt: int) -> int:
    """Rows listed for the best `k` persons of a block or piece."""
    return int(max(FIRST_WIDTH, 2 * k) * WIDER**attempt)


def _scan_part(scope: Scope, queries: Vectors, width: int) -> Lists:
    part, admitted, used = scope.part, scope.flags, len(scope.flags)
    select = scope.count < SELECT_BELOW[len(queries) >= MATRIX_FROM] * used
    width = min(used, width if select else width * used // scope.count)  # of listed rows, that share will be dropped
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
    return Lists(scores, rows, _beyond(scores, rows, all_listed=width == used))


def _beyond(scores: NDArray[np.float32], rows: Numbers, *, all_listed: bool) -> NDArray[np.float64]:
    if all_listed:
        return np.full(len(scores), -np.inf)
    return np.where(rows[:, -1] < 0, -np.inf, scores[:, -1].astype(np.float64))


def _gathered(task: Task, lists: list[Lists]) -> Listed:
    """The admitted rows that the parts listed, side by side."""
    found = [_admitted(task, scope, one) for scope, one in zip(task.scopes, lists, strict=True)]
    return Listed(Pairs.join(found), np.max([one.beyond for one in lists], axis=0))


def _admitted(task: Task, scope: Scope, lists: Lists) -> Pairs:
    kept = (lists.rows >= 0) & scope.flags[lists.rows]
    queries, rows, scores = np.nonzero(kept)[0], lists.rows[kept], lists.scores[kept]
    persons = scope.part.block.labels.person[rows]
    pairs = Pairs(queries, rows + scope.part.number * BLOCK, persons, scores)
    barred = task.wanted.bars(persons)
    return pairs if barred is None else pairs.at(~barred)
