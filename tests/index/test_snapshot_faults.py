"""Whatever befalls a saver, the folder holds one whole snapshot."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from index import snapshot
from index.types import Stamp
from tests.index.conftest import KEY

DYING = """
import os, signal, sys
from pathlib import Path
from index import snapshot
from index.flat import FlatIndex
from index.store import View
from index.types import Lot
class DyingView(View):
    def rows(self):
        yield from super().rows()
        os.kill(os.getpid(), signal.SIGKILL)
class Dying(FlatIndex):
    view = property(lambda self: DyingView(self.stamp, super().view.parts))
path, key = Path(sys.argv[1]), sys.argv[2].encode()
index = Dying("contract-a", 16)
index.restore([Lot.of(snapshot.load(path, key, contract="contract-a").entries())], 99)
snapshot.save(index, path, key)
"""


def test_a_saver_killed_in_the_middle_leaves_the_old_snapshot(saved: Path) -> None:
    with python(DYING, str(saved), KEY.decode()) as saver:
        assert saver.wait() == -signal.SIGKILL
    assert snapshot.load(saved, KEY, contract="contract-a").stamp.revision == 60


SAVING = """
import sys
from pathlib import Path
from index import snapshot
from index.types import Lot
path, key = Path(sys.argv[1]), sys.argv[2].encode()
index = snapshot.load(path, key, contract="contract-a")
index.restore([Lot.of(index.entries())], int(sys.argv[3]))
for turn in range(int(sys.argv[4])):
    snapshot.save(index, path, key)
    print(turn, flush=True)
"""


def python(script: str, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE)


def test_a_saver_killed_at_any_moment_leaves_a_whole_snapshot(saved: Path) -> None:
    with python(SAVING, str(saved), KEY.decode(), "61", "1000000") as saver:
        assert saver.stdout is not None
        for _ in range(20):
            saver.stdout.readline()
        saver.kill()
    assert snapshot.load(saved, KEY, contract="contract-a").stamp == Stamp("contract-a", 61, 60)


def test_two_processes_saving_to_one_folder_never_show_a_half(saved: Path) -> None:
    with (
        python(SAVING, str(saved), KEY.decode(), "61", "5") as one,
        python(SAVING, str(saved), KEY.decode(), "62", "5") as other,
    ):
        while one.poll() is None or other.poll() is None:
            assert snapshot.load(saved, KEY, contract="contract-a").stamp.revision in {60, 61, 62}
    assert (one.returncode, other.returncode) == (0, 0)
    assert os.listdir(saved.parent) == ["index.snap"]


def test_a_full_disk_leaves_the_old_snapshot_and_nothing_else(saved: Path) -> None:
    before, index = saved.read_bytes(), snapshot.load(saved, KEY, contract="contract-a")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) - 100, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            snapshot.save(index, saved, KEY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (saved.read_bytes(), os.listdir(saved.parent)) == (before, ["index.snap"])
