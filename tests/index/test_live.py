"""Readers of a live index see a change whole or not at all, and never wait for a writer."""

import threading
from collections.abc import Callable

import numpy as np
import pytest

from index.errors import OtherContract, StaleRevision
from index.flat import FlatIndex
from index.live import LiveIndex
from index.types import Change, Entry, Lot, Neighbour, Vectors
from tests.index.exact_twin import entries_of, puts, units

PERSONS = 40
AXES = np.eye(8, dtype=np.float32)


def everybody(axis: int) -> list[Entry]:
    """All persons with one and the same vector."""
    return entries_of(np.repeat(AXES[axis : axis + 1], PERSONS, axis=0))


def answers_during(live: LiveIndex, write: Callable[[], None], k: int = 2 * PERSONS) -> list[list[Neighbour]]:
    """What three readers were answered while `write` ran."""
    seen: list[list[Neighbour]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.extend(live.search(AXES[:1], k))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        write()
    finally:
        done.set()
        for reader in readers:
            reader.join()
    return seen


def live_with(entries: list[Entry]) -> LiveIndex:
    live = LiveIndex(FlatIndex("contract-a", 8))
    live.apply(puts(entries, after=0))
    return live


def test_readers_see_all_of_a_batch_of_replacements_or_none() -> None:
    live = live_with(everybody(0))

    def write() -> None:
        for turn in range(1, 300):
            live.apply(puts(everybody(turn % 2), after=live.stamp.revision))

    seen = answers_during(live, write)
    assert {tuple(one.cosine for one in answer) for answer in seen} == {(1.0,) * PERSONS, (0.0,) * PERSONS}


def test_readers_see_all_of_a_batch_of_removals_or_none() -> None:
    live = live_with(everybody(0))

    def write() -> None:
        for _ in range(150):
            start = live.stamp.revision + 1
            live.apply([Change(start + step, step + 1, None) for step in range(PERSONS)])
            live.apply(puts(everybody(0), after=live.stamp.revision))

    assert {len(answer) for answer in answers_during(live, write)} == {0, PERSONS}


def test_readers_of_many_pieces_see_all_of_a_batch_or_none() -> None:
    crowd = [entries_of(np.repeat(AXES[axis : axis + 1], 30_000, axis=0)) for axis in (0, 1)]
    live = LiveIndex(FlatIndex("contract-a", 8))
    live.restore([Lot.of(crowd[0])], 0)

    def write() -> None:
        for turn in (1, 0, 1):
            live.apply(puts(crowd[turn], after=live.stamp.revision))

    assert {tuple(one.cosine for one in answer) for answer in answers_during(live, write, k=3)} <= {
        (1.0,) * 3,
        (0.0,) * 3,
    }


def test_readers_see_the_old_generation_or_the_new_one() -> None:
    live = live_with(everybody(0))

    def write() -> None:
        for turn in range(300):
            other = FlatIndex("contract-a", 8)
            other.restore([Lot.of(everybody(turn % 2))], turn)
            live.replace(other)

    seen = answers_during(live, write)
    assert {tuple(one.cosine for one in answer) for answer in seen} == {(1.0,) * PERSONS, (0.0,) * PERSONS}


def test_a_face_just_applied_is_found() -> None:
    live = live_with(everybody(0))
    live.apply([Change(PERSONS + 1, 999, Entry(999, 999, 0, 0, AXES[3]))])
    assert live.search(AXES[3:4], 1) == [[Neighbour(999, 999, 1.0)]]


def test_a_search_does_not_wait_for_the_writer() -> None:
    live = live_with(everybody(0))
    answered: list[list[Neighbour]] = []
    reader = threading.Thread(target=lambda: answered.extend(live.search(AXES[:1], 1)))
    with live.writing():
        reader.start()
        reader.join(timeout=30)
    assert answered == [[Neighbour(1, 1, 1.0)]]


def test_writers_take_turns_and_lose_nothing(rng: np.random.Generator) -> None:
    live, vectors = LiveIndex(FlatIndex("contract-a", 8)), units(rng, 400, 8)

    def enrol(share: Vectors, first: int) -> None:
        for template, vector in enumerate(share, first):
            with live.writing() as index:
                index.apply([Change(index.stamp.revision + 1, template, Entry(template, template, 0, 0, vector))])

    writers = [threading.Thread(target=enrol, args=(vectors[at : at + 100], at)) for at in range(0, 400, 100)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert (live.stamp.revision, sorted(one.template for one in live.entries())) == (400, list(range(400)))


def test_a_generation_of_another_contract_is_refused() -> None:
    live = live_with(everybody(0))
    with pytest.raises(OtherContract):
        live.replace(FlatIndex("contract-b", 8))
    assert live.stamp.count == PERSONS


def test_a_refused_change_frees_the_turn() -> None:
    live = live_with(everybody(0))
    with pytest.raises(StaleRevision):
        live.apply([Change(1, 1, None)])
    live.apply([Change(PERSONS + 1, 1, None)])
    assert live.stamp.count == PERSONS - 1
