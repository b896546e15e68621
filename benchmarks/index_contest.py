"""Engines take turns on the same questions, and their times stand beside the limits of the machine.

It never lets one engine run while another is timed.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np
from rich.progress import Progress

from benchmarks.galleries import TEMPLATES, Gallery, filled
from benchmarks.peers import FLAT, Peer, faiss_peers, recall, true_nearest
from index import codes
from index.codes import Asked, room_for_codes
from index.flat import FlatIndex
from index.turns import in_turns
from index.types import Filter, Vectors

K = 10
ROUNDS = 7
REST_S = 0.1  # before each turn: threads of the engine before may still wait in loops
OURS = "Lighthouse"
IN_CACHE = (1_024, 256)  # rows and queries of a product whose operands stay in a core's cache


@dataclass(frozen=True, slots=True)
class Figure:
    """One engine's median wall time in ms, and the share of the true answers it gave."""

    engine: str
    ms: float
    recall: float


def take_turns(asks: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Median wall time of each in ms; a first round is not counted."""
    times: dict[str, list[float]] = {name: [] for name in asks}
    for turn in range(rounds + 1):
        for name, ask in asks.items():
            time.sleep(REST_S)
            started = time.perf_counter()
            ask()
            if turn:
                times[name].append((time.perf_counter() - started) * 1e3)
    return {name: median(some) for name, some in times.items()}


@dataclass(frozen=True, slots=True)
class Arena:
    """A gallery in our index and in FAISS, with the FAISS vectors as the ground for the truth."""

    gallery: Gallery
    ours: FlatIndex
    peers: list[Peer]
    vectors: Vectors

    @classmethod
    def of(cls, gallery: Gallery, progress: Progress) -> "Arena":
        ours = filled(gallery, progress)
        peers, vectors = faiss_peers((batch for _, batch in gallery.batches()), gallery.dimension)
        return cls(gallery, ours, peers, vectors)

    def contest(self, batch: int, peers: list[Peer]) -> list[Figure]:
        """Ours first, then the peers, for one batch of new templates."""
        queries = self.gallery.queries(batch)
        asks: dict[str, Callable[[], object]] = {OURS: lambda: self.ours.search(queries, K)}
        for peer in peers:
            asks[peer.name] = lambda peer=peer: peer.ask(queries, K)  # type: ignore[misc]
        times = take_turns(asks)
        true = true_nearest(self.vectors, queries, K * TEMPLATES)
        ours = Figure(OURS, times[OURS], person_recall(self.ours, queries, true))
        return [ours, *(Figure(one.name, times[one.name], recall(one.ask(queries, K), true[:, :K])) for one in peers)]

    @property
    def flat(self) -> Peer:
        return next(peer for peer in self.peers if peer.name == FLAT)


def person_recall(index: FlatIndex, queries: Vectors, true: np.ndarray) -> float:
    """Share of the truly nearest K persons that are answered, in their true places."""
    answers = index.search(queries, K)
    right = 0
    for answer, templates in zip(answers, true.tolist(), strict=True):
        persons = list(dict.fromkeys(template // TEMPLATES for template in templates))[:K]
        right += sum(one.person == person for one, person in zip(answer, persons, strict=True))
    return right / (K * len(queries))


def searches_ms(index: FlatIndex, queries: Vectors, filters: Mapping[str, Filter]) -> dict[str, float]:
    """Median wall time of one search under each filter, which take turns."""
    asks = {name: partial(index.search, queries, K, where) for name, where in filters.items()}
    return take_turns(asks, rounds=15)


def pass_limit_ms(index: FlatIndex, batch: int) -> float:
    """What the first pass must take at least: reading all codes once, or all integer products, whichever is more."""
    blocks = [part.block.codes[: len(part.live)] for part in index.view.parts]
    reading = take_turns({"read": lambda: in_turns(lambda one: int(one.reshape(-1).max()), blocks)}, rounds=5)["read"]
    if not codes.available():
        return reading
    rows, queries = IN_CACHE
    vectors = np.eye(queries, index.dimension, dtype=np.float32) + np.float32(0.01)
    asked, piece = Asked.of(vectors), room_for_codes(rows, index.dimension)
    task = [piece] * 64
    one = take_turns({"ops": lambda: in_turns(asked.products, task)}, rounds=5)["ops"] / (rows * len(task) * queries)
    return max(reading, one * index.stamp.count * batch)
