"""Whatever befalls the server or a writer: right answers or a clear refusal, and the same index works on afterwards."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from index.errors import EngineUnavailable, ServerUnreachable
from index.factory import new_index
from index.types import Change, Server, VectorIndex
from tests.index.exact_twin import Twin, entries_of, puts, same, units
from tests.milvus_machine import Machine, patiently


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.switch_off()


def index_on(machine: Machine) -> VectorIndex:
    server = Server(machine.uri, "faults", timeout_s=2)
    return new_index("milvus", "contract-a", 8, server=server)


def test_a_server_that_was_away_is_a_refusal_and_then_answers_again(machine: Machine, rng: np.random.Generator) -> None:
    index, twin, changes = index_on(machine), Twin(), puts(entries_of(units(rng, 30, 8)), after=0)
    index.apply(changes)
    twin.apply(changes)
    queries = units(rng, 2, 8)
    machine.switch_off()
    for ask in (lambda: index.search(queries, 3), lambda: index.stamp, lambda: list(index.entries())):
        with pytest.raises(ServerUnreachable):
            ask()
    machine.switch_on()
    assert same(patiently(lambda: index.search(queries, 3)), twin.search(queries, 3))
    assert index.stamp.revision == 30


def test_a_change_while_the_server_is_away_is_not_half_done(machine: Machine, rng: np.random.Generator) -> None:
    index, changes = index_on(machine), puts(entries_of(units(rng, 5, 8)), after=0)
    machine.switch_off()
    with pytest.raises(ServerUnreachable):
        index.apply(changes)
    machine.switch_on()
    patiently(lambda: index.apply(changes))
    assert (index.stamp.revision, index.stamp.count) == (5, 5)


def test_nobody_at_the_address_is_a_refusal(machine: Machine) -> None:
    with pytest.raises(EngineUnavailable):
        new_index("milvus", "contract-a", 8, server=Server("http://127.0.0.1:9", "faults", timeout_s=1))


DYING = """
import os, signal, sys
import numpy as np
from index.milvus import MilvusIndex
from index.types import Change, Entry, Server
class Dying(MilvusIndex):
    def _mark(self, *_):
        os.kill(os.getpid(), signal.SIGKILL)
index = Dying("contract-a", 8, server=Server(sys.argv[1], "faults"))
axes = np.eye(8, dtype=np.float32)
index.apply([Change(4, 1, None), Change(5, 2, Entry(2, 77, 0, 0, axes[5])), Change(6, 9, Entry(9, 9, 0, 0, axes[7]))])
"""


def test_what_a_killed_writer_has_half_applied_is_applied_again(machine: Machine) -> None:
    axes = np.eye(8, dtype=np.float32)
    index, twin = index_on(machine), Twin()
    first = puts(entries_of(axes[:3]), after=0)
    index.apply(first)
    killed = subprocess.run([sys.executable, "-c", DYING, machine.uri], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert index.stamp.revision == 3
    other = entries_of(axes[5:6], persons=[77], first=2) + entries_of(axes[7:8], first=9)
    rest = [Change(4, 1, None), *puts(other, after=4)]
    index.apply(rest)
    twin.apply([*first, *rest])
    assert same(index.search(axes, 5), twin.search(axes, 5))
    assert (index.stamp.revision, index.stamp.count) == (6, 3)
