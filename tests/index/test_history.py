"""Any history of changes leaves the index equal to its twin, answers and entries alike."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from index import snapshot
from index.flat import FlatIndex
from index.types import Change, Entry, Filter, Lot, VectorIndex
from tests.index.exact_twin import Twin, admits, held_by, same, units

DIMENSION = 6
POOL = units(np.random.default_rng(3), 12, DIMENSION)  # few vectors, so that histories are full of ties
names = st.integers(0, 15)
entry = st.builds(
    Entry,
    template=names,
    person=st.integers(0, 5),
    kind=st.integers(0, 2),
    region=st.integers(0, 3),
    vector=st.integers(0, len(POOL) - 1).map(lambda row: POOL[row]),
)
steps = st.lists(st.one_of(entry, names), max_size=12)
labels = st.none() | st.frozensets(st.integers(0, 3), max_size=3)
filters = st.builds(Filter, kinds=labels, regions=labels, excluded_persons=st.frozensets(st.integers(0, 5), max_size=4))


class History(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.index: VectorIndex = FlatIndex("contract-a", DIMENSION)
        self.twin = Twin()
        self.revision = 0

    @rule(steps=steps)
    def change(self, steps: list[Entry | int]) -> None:
        changes = []
        for revision, step in enumerate(steps, self.revision + 1):
            put = isinstance(step, Entry)
            changes.append(Change(revision, step.template if put else step, step if put else None))
        self.index.apply(changes)
        self.twin.apply(changes)
        self.revision += len(changes)

    @rule(where=filters, k=st.integers(1, 7), rows=st.lists(st.integers(0, len(POOL) - 1), min_size=1, max_size=3))
    def ask(self, where: Filter, k: int, rows: list[int]) -> None:
        answers = self.index.search(POOL[rows], k, where)
        assert same(answers, self.twin.search(POOL[rows], k, where))
        assert all(admits(where, self.twin.held[one.template]) for answer in answers for one in answer)

    @rule()
    def sleep_and_wake(self) -> None:
        with TemporaryDirectory() as folder:
            snapshot.save(self.index, Path(folder) / "a", b"key")
            self.index = snapshot.load(Path(folder) / "a", b"key", contract="contract-a")

    @rule()
    def rebuild(self) -> None:
        self.index.restore([Lot.of(self.twin.held.values())], self.revision)

    @invariant()
    def holds_the_same(self) -> None:
        assert held_by(self.index.entries()) == held_by(self.twin.held.values())
        assert (self.index.stamp.revision, self.index.stamp.count) == (self.revision, len(self.twin.held))


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
