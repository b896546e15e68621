"""Work shared by the threads that search; none of it starts threads of its own. It never knows what the work is.

FAISS's own threads would: here each is told to use one.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar, cast

import faiss

Item = TypeVar("Item")
Result = TypeVar("Result")


@cache
def _workers() -> ThreadPoolExecutor:
    """Threads, each with FAISS and its BLAS single-threaded."""
    return ThreadPoolExecutor(threads(), "scan", faiss.omp_set_num_threads, (1,))


@cache
def threads() -> int:
    """How many threads search: OMP_NUM_THREADS, or the cores there are."""
    return faiss.omp_get_max_threads()


def in_turns(work: Callable[[Item], Result], items: Sequence[Item], *, alone: bool = False) -> list[Result]:
    """The work done for each item, in their order, each thread taking the next item as soon as it is free.

    The caller does it `alone` where there is little: threads would wait for the interpreter longer than they work.
    """
    if alone:
        return _by_the_caller(work, items)
    results: list[Result | None] = [None] * len(items)
    waiting = iter(enumerate(items))

    def take() -> None:
        for place, item in waiting:
            results[place] = work(item)

    for turn in [_workers().submit(take) for _ in range(min(threads(), len(items)))]:
        turn.result()
    return cast(list[Result], results)


def _by_the_caller(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    usual = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        return [work(item) for item in items]
    finally:
        faiss.omp_set_num_threads(usual)


os.register_at_fork(after_in_child=_workers.cache_clear)  # threads do not survive a fork
