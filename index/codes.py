"""Seven bits a component: what the first pass reads instead of vectors, and how far it may be wrong. It never decides.

This is the door of NumKong, whose integer products are exact. A vector x becomes step * c with whole c (`encode`, which
keeps MIDDLE + c) and error e = |x - step * c|; a query q becomes unit * a with a int8 (`Asked`) and error
f = |q - unit * a|. Then

    <q, x> = <unit a, step c> + <unit a, x - step c> + <q - unit a, x>

and by Cauchy and Schwarz, with |x| <= LONGEST, the true inner product is at most

    unit step (<a, c> + |a| e / step) + LONGEST f.

So for a row with e <= NEAR to reach a score s, its integer product <a, MIDDLE + c> must be at least

    MIDDLE sum(a) + (s - LONGEST f) / (unit step) - |a| NEAR / step          (`Asked.needed`)

and a row with a larger error is lifted by |a| (e - NEAR) / step before it is compared (`Asked.lift`). The errors are
measured on the codes as they are stored, so the bound holds however they were rounded or clipped.

Codes are positive, and so the same byte to kernels that read it with a sign and to those that read it without one
(`single`). The eighth bit would halve e; what it would save is a few rows read in full.
"""

import subprocess
import sys
import threading
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from index.types import Vectors

try:
    import numkong

    HERE = True
except ImportError:  # no wheel for this platform: the float32 pass serves
    HERE = False

Codes = NDArray[np.int8]
Products = NDArray[np.int32]
Floats = NDArray[np.float64]

MIDDLE, TOP = 64, 63  # codes lie within MIDDLE - TOP … MIDDLE + TOP
SPREAD = 4.5  # components beyond so many times 1 / sqrt(d) are clipped: hardly a real template has one
NEAR = 0.0235  # rounding alone gives SPREAD / TOP / sqrt(12) = 0.0206; 99.9 % of real templates are within this
ASKED_TOP = 127
LONGEST = 1.001 + 1e-6  # norm of what is let in
LINE = 64  # bytes of a cache line: codes that begin on one are read a third faster
LEAST = np.iinfo(np.int32).min
PROBE = """
import numkong
row = numkong.zeros((16, 64), dtype="int8")
numkong.dots_packed(row, numkong.dots_pack(row, dtype="int8"))
"""


@cache
def available() -> bool:
    """Whether integer products can be had here.

    Some virtual machines list AMX and stop the program that uses it, so another process tries first.
    """
    if not HERE:
        return False
    if numkong.get_capabilities().get("sapphireamx"):
        tried = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, check=False)
        if tried.returncode != 0:
            numkong.disable_capability("sapphireamx")
    return True


def processor() -> list[str]:
    """The families of instructions that serve here, by NumKong's names."""
    return [name for name, there in numkong.get_capabilities().items() if there]


def step(dimension: int) -> float:
    """The value of one unit of a code, the same for every template."""
    return SPREAD / TOP / float(np.sqrt(dimension))


def room_for_codes(slots: int, dimension: int) -> Codes:
    """Zeros (slots, dimension) that begin on a cache line; pages never written take no memory."""
    room = np.zeros(slots * dimension + LINE, np.int8)
    start = -room.ctypes.data % LINE
    return room[start : start + slots * dimension].reshape(slots, dimension)


def encode(vectors: Vectors) -> tuple[Codes, NDArray[np.float32]]:
    """Codes int8 (n, d), positive, of vectors (n, d), and their errors (n,), rounded up.

    The errors are summed in float32, which may lose d * 2**-24 of them and 2**-23 of the vector: less than is added.
    """
    width = np.float32(step(vectors.shape[1]))
    scaled = vectors / width
    np.rint(scaled, out=scaled)
    np.clip(scaled, -TOP, TOP, out=scaled)
    codes = scaled.astype(np.int8)
    codes += MIDDLE
    scaled *= width
    scaled -= vectors
    return codes, np.sqrt(np.vecdot(scaled, scaled)) * np.float32(1 + 1e-3) + np.float32(1e-6)


@dataclass(frozen=True, eq=False)
class Asked:
    """Queries (b, d) as the first pass reads them: whole numbers; per query unit, their norm and sum, and the error."""

    whole: Codes
    unit: Floats
    norm: Floats
    sum: Floats
    error: Floats

    @classmethod
    def of(cls, queries: Vectors) -> "Asked":
        true = queries.astype(np.float64)
        unit = np.abs(true).max(axis=1) / ASKED_TOP
        whole = np.rint(true / unit[:, None])
        error = np.linalg.norm(true - whole * unit[:, None], axis=1)
        return cls(whole.astype(np.int8), unit, np.linalg.norm(whole, axis=1), whole.sum(axis=1), error)

    @cached_property
    def step(self) -> float:
        return step(self.whole.shape[1])

    @cached_property
    def packed(self) -> "numkong.PackedMatrix":
        return numkong.dots_pack(self.whole, dtype="int8")

    def needed(self, scores: Floats) -> Products:
        """The integer product (b,) that a row with error NEAR needs to reach the scores (b,)."""
        least = (scores - LONGEST * self.error) / (self.unit * self.step) - self.norm * (NEAR / self.step)
        return np.floor(np.maximum(least + MIDDLE * self.sum, LEAST + 2.0)).astype(np.int32) - 1

    def lift(self, errors: NDArray[np.float32]) -> Products:
        """What to add to the products (n, b) of rows with errors (n,) above NEAR."""
        beyond = (errors.astype(np.float64) - NEAR) / self.step
        return np.ceil(np.outer(beyond, self.norm)).astype(np.int32) + 1

    def products(self, codes: Codes) -> Products:
        """Exact <codes, query codes> (n, b), in room that this thread uses again for its next call."""
        out = _room_for("int32", len(codes), len(self.unit))
        numkong.dots_packed(codes, self.packed, out=out)
        return np.asarray(out)


def room(rows: int, dimension: int) -> Codes:
    """Codes (rows, d) to be written and read next, in room that this thread uses again."""
    return np.asarray(_room_for("int8", rows, dimension))


def _room_for(kind: Literal["int8", "int32"], rows: int, columns: int) -> "numkong.Tensor":
    """A tensor (rows, columns) that this thread has to itself, and gets again as long as it asks for no more."""
    held: numkong.Tensor | None = _room.__dict__.get(kind)
    if held is None or held.shape[0] < rows or held.shape[1] != columns:
        held = _room.__dict__[kind] = numkong.empty((rows, columns), dtype=kind)
    return held[:rows]  # type: ignore[return-value] # a slice of rows is a tensor


_room = threading.local()
