"""How this process's memory is handed out and given back. It never looks at what is kept in it.

glibc gives each thread a heap of its own. A thread that decodes large pictures leaves its heap as large as its worst
moment, with small answers that live on pinned among the holes, and no other thread may use the room: every rare
coincidence raises the mark a little more. Threads that share one heap use each other's room. And once a large block
was freed, glibc takes blocks of that size from the heap too, where a small answer behind one keeps its room for good;
with a fixed mark they are mapped alone and go back whole.
"""

import ctypes
import os

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8  # names and numbers of glibc's malloc.h
SETTINGS = (
    (ARENA_MAX, 1, "MALLOC_ARENA_MAX"),
    (MMAP_THRESHOLD, 1 << 20, "MALLOC_MMAP_THRESHOLD_"),
    # Set with it: with a fixed mark glibc gives the end of the heap back at 128 KiB, and asks for it again at once.
    (TRIM_THRESHOLD, 16 << 20, "MALLOC_TRIM_THRESHOLD_"),
)


def settle_heap() -> None:
    """Let all threads that begin from now on share one heap, with large blocks outside it.

    What the environment chooses by itself is left to it, and a C library without such settings as it is.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt and "GLIBC_TUNABLES" not in os.environ:
        for what, value, name in SETTINGS:
            if name not in os.environ:
                mallopt(what, value)
