"""Which slot holds a template: a sorted table with a small book of late changes over it. It never holds a vector.

A dict of a million numbers takes some 130 bytes each; the table takes 12, and many names are looked up at once.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from index.labels import Numbers

NOWHERE = -1
LATE = 4_096  # late changes carried before they are merged, or a sixteenth of the table where that is more


def last_of_each(names: Numbers) -> Numbers:
    """Where each name stands for the last time, in the order of the names."""
    order = np.argsort(names, kind="stable")
    ordered = names[order]
    last = np.ones(len(names), np.bool_)
    last[:-1] = ordered[1:] != ordered[:-1]
    return order[last]


class SlotTable:
    """Template ids to slots. One thread changes it; nobody else looks."""

    def __init__(self) -> None:
        self._names: Numbers = np.empty(0, np.int64)
        self._slots: NDArray[np.int32] = np.empty(0, np.int32)
        self._late: dict[int, int] = {}
        self.count = 0

    def begin(self, names: Numbers, slots: Numbers) -> None:
        """Hold these and nothing else; the names ascend and are distinct."""
        self._names, self._slots, self._late = names, slots.astype(np.int32), {}
        self.count = len(names)

    def find(self, names: Sequence[int]) -> Numbers:
        """The slot of each name, NOWHERE where there is none."""
        asked = np.fromiter(names, np.int64)
        found = self._in_table(asked)
        if self._late:
            late = self._late
            found = np.fromiter(
                (late.get(name, slot) for name, slot in zip(asked.tolist(), found.tolist(), strict=True)), np.int64
            )
        return found

    def change(self, gone: Sequence[int], put: Sequence[int], slots: Numbers) -> Numbers:
        """Forget `gone`, then set `put` (distinct) to `slots`; returns the slots that this gives up."""
        held = self.find([*dict.fromkeys((*gone, *put))])
        left: Numbers = held[held != NOWHERE]
        self._late.update(dict.fromkeys(gone, NOWHERE))
        self._late.update(zip(put, slots.tolist(), strict=True))
        self.count += len(put) - len(left)
        if len(self._late) > max(LATE, len(self._names) // 16):
            self._merge()
        return left

    def _in_table(self, names: Numbers) -> Numbers:
        found = np.full(len(names), NOWHERE, np.int64)
        if len(self._names):
            places = np.minimum(np.searchsorted(self._names, names), len(self._names) - 1)
            hit = self._names[places] == names
            found[hit] = self._slots[places[hit]]
        return found

    def _merge(self) -> None:
        names = np.fromiter(self._late.keys(), np.int64)
        slots = np.fromiter(self._late.values(), np.int32)
        places = np.searchsorted(self._names, names)
        held = places < len(self._names)
        held[held] = self._names[places[held]] == names[held]
        stays = np.ones(len(self._names), np.bool_)
        stays[places[held]] = False
        there = slots != NOWHERE
        names = np.concatenate((self._names[stays], names[there]))
        order = np.argsort(names, kind="stable")
        self._names = names[order]
        self._slots = np.concatenate((self._slots[stays], slots[there]))[order]
        self._late = {}
