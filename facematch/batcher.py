"""Many callers, one device: their pictures run together, and each gets its own answers. It never lets one caller's
trouble reach a caller of another batch, and never keeps a lone caller waiting for company.

Batches form by themselves while the device is busy: whoever asks meanwhile joins the next batch of its picture size.
Only where the last batch had several callers does the device wait a moment for them to come back (LINGER_S): a stream
of many threads fills its batches, a single probe passes at once.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Answers = list[NDArray[np.float32]]  # one array an output; where several pictures ran, their answers are its rows
Size = tuple[int, ...]  # the shape of one picture
Run = Callable[[Sequence[Picture]], Answers]

LINGER_S = 0.002  # what a batch waits at most for company
WAITING = 1_024  # callers in the queue; one more has to wait before it may join


class _Batch:
    """Pictures of one size that run together; open until it runs or is full."""

    def __init__(self) -> None:
        self.pictures: list[Picture] = []
        self.callers = 0
        self.full = threading.Event()
        self.answers: Future[Answers]


class Batcher:
    """Gathers the pictures of many threads for `run`, which gets at most `largest(size)` of one size at a time.

    `run` is called on `device`, an executor of one thread that several batchers of one device may share.
    """

    def __init__(self, run: Run, *, largest: Callable[[Size], int], device: ThreadPoolExecutor) -> None:
        self._run, self._largest, self._device = run, largest, device
        self._open: dict[Size, _Batch] = {}
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(WAITING)
        self._company = False  # whether the last batch had several callers
        self._closed = False

    def ask(self, pictures: Sequence[Picture]) -> Answers:
        """The answers to pictures of one size, at least one; raises what their own batch raises.

        Raises RuntimeError after `close`.
        """
        most = self._largest(pictures[0].shape)
        chunks = [pictures[start : start + most] for start in range(0, len(pictures), most)]
        with self._room:
            joined = [self._join(chunk, most) for chunk in chunks]
            parts = [_own(batch, start, len(chunk)) for (batch, start), chunk in zip(joined, chunks, strict=True)]
        return [np.concatenate(rows) if len(parts) > 1 else rows[0] for rows in zip(*parts, strict=True)]

    def close(self) -> None:
        """Let nobody else in, and return when everybody inside has an answer. The device's thread is left running."""
        with self._lock:
            self._closed = True
            inside = list(self._open.values())
        for batch in inside:
            batch.full.set()
        self._device.submit(_nothing).result()  # one thread, one queue: all batches came before

    def _join(self, pictures: Sequence[Picture], most: int) -> tuple[_Batch, int]:
        size = pictures[0].shape
        with self._lock:
            if self._closed:
                raise RuntimeError("the batcher is closed")
            batch = self._open.get(size)
            if batch is None or len(batch.pictures) + len(pictures) > most:
                batch = self._opened(batch, size)
            start = len(batch.pictures)
            batch.pictures += pictures
            batch.callers += 1
            if len(batch.pictures) == most:
                batch.full.set()
        return batch, start

    def _opened(self, before: _Batch | None, size: Size) -> _Batch:
        if before is not None:
            before.full.set()
        batch = self._open[size] = _Batch()
        batch.answers = self._device.submit(self._serve, batch, size)
        return batch

    def _serve(self, batch: _Batch, size: Size) -> Answers:
        if self._company:
            batch.full.wait(LINGER_S)
        with self._lock:
            if self._open.get(size) is batch:
                del self._open[size]
            self._company = batch.callers > 1
        return self._run(batch.pictures)


def _own(batch: _Batch, start: int, count: int) -> Answers:
    """A caller's rows of each output; who was alone gets all, because an answer to one picture may have any shape."""
    answers = batch.answers.result()
    return answers if batch.callers == 1 else [output[start : start + count] for output in answers]


def _nothing() -> None:
    pass
