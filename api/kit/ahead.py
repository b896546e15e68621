"""Work done beside the one who waits for it. Never more than one step ahead."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Generator[Item, None, None]) -> Generator[Item, None, None]:
    """The same items (none of them None), the next being made by another thread while the caller is busy with one.

    Whoever stops early closes this, and then nothing of it runs any more.
    """
    with closing(items), ThreadPoolExecutor(1, "ahead") as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item
