"""Threads share one heap, or each leaves one of its own as large as its worst moment; large blocks stay outside it."""

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

# Frees a block of 8 MiB, which moves glibc's own mark, and prints how many blocks of 2 MiB then lie outside the heap.
OUTSIDE = """
import ctypes
import facematch

class Mallinfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd a b c d e".split()]

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
libc.mallinfo2.restype = Mallinfo2
libc.free(libc.malloc(8 << 20))
before = libc.mallinfo2().hblks
blocks = [libc.malloc(2 << 20) for _ in range(10)]
print(libc.mallinfo2().hblks - before)
"""


def _heaps(folder: Path, package: str, **chosen: str) -> int:
    return _told(HEAPS.format(package=package), folder / "heaps.xml", **chosen)


def _told(program: str, *arguments: Path, **chosen: str) -> int:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_TUNABLES"))
    }
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
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


def test_large_blocks_go_back_whole_after_larger_ones_were_freed() -> None:
    assert _told(OUTSIDE) == 10


def test_a_mark_for_large_blocks_that_the_environment_chooses_is_kept() -> None:
    assert _told(OUTSIDE, MALLOC_MMAP_THRESHOLD_=str(4 << 20)) == 0
