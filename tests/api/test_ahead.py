"""Work ahead of the one who waits for it keeps the order, tells what went wrong, and stops when nobody wants it."""

import threading
from collections.abc import Generator

import pytest

from api.kit.ahead import ahead


def counted(until: int, closed: list[str]) -> Generator[int, None, None]:
    try:
        yield from range(until)
        raise LookupError("no more")
    finally:
        closed.append(threading.current_thread().name)


def test_items_come_in_order_and_then_what_went_wrong() -> None:
    seen: list[int] = []
    with pytest.raises(LookupError, match="no more"):
        seen.extend(ahead(ahead(counted(100, []))))
    assert seen == list(range(100))


def test_the_next_is_made_while_the_caller_is_busy() -> None:
    made = [threading.Event() for _ in range(3)]

    def making() -> Generator[int, None, None]:
        for number, event in enumerate(made):
            event.set()
            yield number

    for number in ahead(making()):
        assert all(event.wait(10) for event in made[: number + 2])


def test_nothing_runs_any_more_once_it_is_closed() -> None:
    closed: list[str] = []
    before = threading.active_count()
    items = ahead(ahead(counted(100, closed)))
    assert next(items) == 0
    items.close()
    assert len(closed) == 1
    assert threading.active_count() == before
