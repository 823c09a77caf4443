"""The C library's allocator, told that the next picture takes what the last one gave back.

Rasters are large and short-lived. glibc hands their pages back to the system each time and gets
them anew, zeroed; and it keeps an arena of such memory for every thread, though few of them work
at the same time. A tenth of a run went into page faults.
"""

from __future__ import annotations

import ctypes
import os

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # malloc.h
_KEPT_BYTES = 256 << 20  # free, at the end of an arena, before it is handed back
_LARGE_BYTES = 32 << 20  # from here the system is asked each time: the most that glibc takes


def keep_pages(threads: int) -> None:
    """Keep freed memory for the next picture, in an arena for each thread that works.

    For processes that do nothing else: it holds for all of their memory. Does nothing where the C
    library is another one, or somebody has tuned it.
    """
    if any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_ARENA_MAX, threads)
    mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
    mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
