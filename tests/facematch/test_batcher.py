"""Gathering many threads' pictures: everybody gets their own answers, and nobody another's trouble."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from facematch.batcher import Batcher

LARGEST = 4
Pictures = Sequence[NDArray[np.uint8]]


class Device:
    """Answers each picture with its first value and its width, remembers its batches, and can be held up."""

    def __init__(self) -> None:
        self.batches: list[list[tuple[int, ...]]] = []
        self.free = threading.Event()
        self.free.set()
        self.begun = threading.Event()

    def __call__(self, pictures: Pictures) -> list[NDArray[np.float32]]:
        self.begun.set()
        self.free.wait(10)
        self.batches.append([picture.shape for picture in pictures])
        if any(picture.flat[0] == 255 for picture in pictures):
            raise ArithmeticError("a picture this device cannot bear")
        first = np.array([picture.flat[0] for picture in pictures], np.float32)
        return [first, np.array([[picture.shape[1]] for picture in pictures], np.float32)]


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def pictures(values: Sequence[int], width: int = 2) -> list[NDArray[np.uint8]]:
    return [np.full((2, width, 3), value, np.uint8) for value in values]


def ask_together(
    batcher: Batcher, device: Device, requests: Sequence[list[NDArray[np.uint8]]]
) -> list[list[NDArray[np.float32]] | ArithmeticError]:
    """Many threads ask while the device is held up, so that all wait at once."""

    def ask(request: list[NDArray[np.uint8]]) -> list[NDArray[np.float32]] | ArithmeticError:
        try:
            return batcher.ask(request)
        except ArithmeticError as trouble:
            return trouble

    device.free.clear()
    with ThreadPoolExecutor(max(1, len(requests))) as callers:
        asked = [callers.submit(ask, request) for request in requests]
        time.sleep(0.01)
        device.free.set()
        return [one.result(10) for one in asked]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.lists(st.integers(0, 254), min_size=1, max_size=9), st.integers(1, 3)), max_size=12))
def test_everybody_gets_their_own_answers_in_order(requests: list[tuple[list[int], int]]) -> None:
    device = Device()
    with ThreadPoolExecutor(1) as thread:
        batcher = Batcher(device, largest=lambda _: LARGEST, device=thread)
        answers = ask_together(batcher, device, [pictures(values, width) for values, width in requests])
    for (values, width), answer in zip(requests, answers, strict=True):
        assert not isinstance(answer, ArithmeticError)
        assert answer[0].tolist() == values
        assert answer[1].tolist() == [[width]] * len(values)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 3)), max_size=12))
def test_a_batch_holds_one_size_and_never_too_many(requests: list[tuple[int, int]]) -> None:
    device = Device()
    with ThreadPoolExecutor(1) as thread:
        batcher = Batcher(device, largest=lambda _: LARGEST, device=thread)
        ask_together(batcher, device, [pictures([7] * count, width) for count, width in requests])
    assert all(len(batch) <= LARGEST and len(set(batch)) == 1 for batch in device.batches)
    assert sum(map(len, device.batches)) == sum(count for count, _ in requests)


def test_callers_who_wait_together_run_together(thread: ThreadPoolExecutor) -> None:
    device = Device()
    batcher = Batcher(device, largest=lambda _: LARGEST, device=thread)
    ask_together(batcher, device, [pictures([value]) for value in range(9)])
    assert len(device.batches) <= 4  # one that was running, then full ones


def test_a_failed_batch_fails_its_own_callers_only(thread: ThreadPoolExecutor) -> None:
    device = Device()
    batcher = Batcher(device, largest=lambda _: 1, device=thread)
    answers = ask_together(batcher, device, [pictures([value]) for value in (1, 255, 3)])
    assert [isinstance(answer, ArithmeticError) for answer in answers] == [False, True, False]
    assert batcher.ask(pictures([5]))[0].tolist() == [5]


def test_everybody_in_a_failed_batch_hears_of_it(thread: ThreadPoolExecutor) -> None:
    device = Device()
    batcher = Batcher(device, largest=lambda _: 2, device=thread)
    device.free.clear()
    with ThreadPoolExecutor(2) as callers:
        first = callers.submit(batcher.ask, pictures([1, 1]))
        second = callers.submit(batcher.ask, pictures([255, 2]))
        device.free.set()
        assert first.result(10)[0].tolist() == [1, 1]
        with pytest.raises(ArithmeticError):
            second.result(10)


def test_a_lone_caller_is_not_kept_waiting(thread: ThreadPoolExecutor) -> None:
    batcher = Batcher(Device(), largest=lambda _: LARGEST, device=thread)
    batcher.ask(pictures([1]))
    begun = time.perf_counter()
    for _ in range(100):
        batcher.ask(pictures([1]))
    assert time.perf_counter() - begun < 100 * 0.002  # LINGER_S each, had it waited


def test_closing_answers_those_inside_and_refuses_the_rest(thread: ThreadPoolExecutor) -> None:
    device = Device()
    batcher = Batcher(device, largest=lambda _: LARGEST, device=thread)
    device.free.clear()
    with ThreadPoolExecutor(2) as callers:
        inside = callers.submit(batcher.ask, pictures([1]))
        assert device.begun.wait(10)
        closing = callers.submit(batcher.close)
        device.free.set()
        closing.result(10)
        assert inside.result(10)[0].tolist() == [1]
    with pytest.raises(RuntimeError):
        batcher.ask(pictures([1]))


def test_two_networks_of_one_device_never_run_at_once(thread: ThreadPoolExecutor) -> None:
    running = threading.Lock()

    def alone(batch: Pictures) -> list[NDArray[np.float32]]:
        assert running.acquire(blocking=False)
        time.sleep(0.001)
        running.release()
        return [np.zeros(len(batch), np.float32)]

    networks = [Batcher(alone, largest=lambda _: LARGEST, device=thread) for _ in range(2)]
    with ThreadPoolExecutor(8) as callers:
        asked = [callers.submit(networks[turn % 2].ask, pictures([1])) for turn in range(40)]
        assert all(len(one.result(10)[0]) == 1 for one in asked)
