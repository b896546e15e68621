"""Threads share one heap, or each leaves one of its own as large as its worst moment."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps a heap a thread")

# Loads a package, lets four threads allocate beside each other, and prints how many heaps there are.
HEAPS = """
import ctypes, sys, threading
from pathlib import Path
import {package}

assert not {{"cv2", "onnxruntime"}} & set(sys.modules), "their threads may be there before the heap is shared"
everybody = threading.Barrier(4)

def allocate():
    everybody.wait()
    kept = [bytes(100_000) for _ in range(20)]
    everybody.wait()

threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc, told = ctypes.CDLL(None), Path(sys.argv[1])
libc.fopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(libc.fopen(bytes(told), b"w"))
libc.malloc_info(0, stream)
libc.fclose(stream)
print(told.read_text().count("<heap nr="))
"""


def _heaps(folder: Path, package: str, **chosen: str) -> int:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")
    }
    done = subprocess.run(
        [sys.executable, "-c", HEAPS.format(package=package), folder / "heaps.xml"],
        env=environment | chosen,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.parametrize("package", ["facematch", "benchmarks"])
def test_all_threads_of_a_process_with_an_eye_share_one_heap(tmp_path: Path, package: str) -> None:
    assert _heaps(tmp_path, package) == 1


def test_a_number_of_heaps_that_the_environment_chooses_is_kept(tmp_path: Path) -> None:
    assert _heaps(tmp_path, "facematch", MALLOC_ARENA_MAX="3") == 3
