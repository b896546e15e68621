"""Memory that a card and Python share: page-locked arrays, and copies between them and the card. It never computes.

A copy from ordinary memory goes through a buffer of the driver, which is slower, and may still be on its way when the
call returns. The CUDA runtime is asked by ctypes, because onnxruntime's Python offers no page-locked memory.
"""

import ctypes
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

ANY_DIRECTION = 4  # cudaMemcpyDefault: the addresses say what lies where

Array = NDArray[Any]


class CudaError(RuntimeError):
    """A call of the CUDA runtime failed; the message is the runtime's own."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a network keeps its inputs and outputs: onnxruntime's device name and number, arrays, copies.

    `copy(to, source, bytes)` takes addresses and returns when the bytes have arrived.
    """

    kind: str
    number: int
    array: Callable[[Sequence[int], DTypeLike], Array]
    copy: Callable[[int, int, int], object]


def host() -> Place:
    """The processor's own memory, for trying out what a card would do."""
    return Place("cpu", 0, np.zeros, ctypes.memmove)


def card(number: int, runtime: str) -> Place:
    """Memory of the card with that number; `runtime` names the CUDA runtime's library. OSError, CudaError."""
    cuda = ctypes.CDLL(runtime)
    cuda.cudaGetErrorString.restype = ctypes.c_char_p
    cuda.cudaHostAlloc.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_size_t, ctypes.c_uint]
    cuda.cudaFreeHost.argtypes = [ctypes.c_void_p]
    cuda.cudaMemcpy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]

    def check(code: int) -> None:
        if code:
            raise CudaError(cuda.cudaGetErrorString(code).decode())

    def locked(shape: Sequence[int], dtype: DTypeLike) -> Array:
        size = prod(shape) * np.dtype(dtype).itemsize
        address = ctypes.c_void_p()
        check(cuda.cudaSetDevice(number))
        check(cuda.cudaHostAlloc(ctypes.byref(address), size, 0))
        buffer = (ctypes.c_ubyte * size).from_address(address.value or 0)
        weakref.finalize(buffer, cuda.cudaFreeHost, address.value).atexit = False  # the process frees all by ending
        return np.frombuffer(memoryview(buffer), np.dtype(dtype)).reshape(shape)

    def copy(to: int, source: int, size: int) -> None:
        check(cuda.cudaMemcpy(to, source, size, ANY_DIRECTION))

    return Place("cuda", number, locked, copy)


def free_and_total(number: int, runtime: str) -> tuple[int, int]:
    """Bytes free on the card and bytes in all; OSError, CudaError."""
    cuda = ctypes.CDLL(runtime)
    cuda.cudaGetErrorString.restype = ctypes.c_char_p
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    code = cuda.cudaSetDevice(number) or cuda.cudaMemGetInfo(ctypes.byref(free), ctypes.byref(total))
    if code:
        raise CudaError(cuda.cudaGetErrorString(code).decode())
    return free.value, total.value
