"""How this process's memory is handed out among its threads. It never looks at what is kept in it.

glibc gives each thread a heap of its own. A thread that decodes large pictures leaves its heap as large as its worst
moment, with small answers that live on pinned among the holes, and no other thread may use the room: every rare
coincidence raises the mark a little more. Threads that share one heap use each other's room.
"""

import ctypes
import os

ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h: so many heaps at most
CHOSEN_ELSEWHERE = ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")


def share_one_heap() -> bool:
    """Let all threads that begin from now on share one heap; whether that was possible and left to us.

    Not where the environment chooses by itself (CHOSEN_ELSEWHERE), and not on a C library without heaps a thread.
    """
    if any(name in os.environ for name in CHOSEN_ELSEWHERE):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(ARENA_MAX, 1) == 1
