"""How much a machine works on at the same time: cores, and pixels in memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from redactor.codec import count_pixels
from redactor.model import AskImageCodes, ImageCodes
from redactor.workers.room import Room

BYTES_PER_PIXEL = 75
"""What a pixel takes in work at most: a transparent picture, seen in three ways and drawn anew.

Measured as the growth of the peak of resident memory; samples of 16 bits take 100.
"""
_UNTOLD_PIXELS = 25_000_000  # taken for a picture whose header does not tell, such as animations
_SHARE = 0.6  # of the machine's memory, where no other bound is given


class Capacity:
    """Lets so many pictures be worked on at a time. Threads share it.

    Reading and writing are not bounded by it: more threads than jobs keep the cores busy while
    some wait for disks and networks.

    Args:
        jobs: Pictures decoded, looked at and drawn at the same time; at least 1.
        memory: Bytes that they may take together, about; a picture that takes more is worked on
            alone. None for six tenths of the machine's.
    """

    def __init__(self, jobs: int, memory: int | None = None) -> None:
        self.jobs = jobs
        self._cores = threading.Semaphore(jobs)
        bound = memory if memory is not None else int(_SHARE * machine_memory())
        self._room = Room(max(1, bound // BYTES_PER_PIXEL))

    @contextmanager
    def working(self, data: bytes) -> Iterator[None]:
        """Wait for room for a picture file and for a core, and keep both."""
        pixels = count_pixels(data)
        pixels = _UNTOLD_PIXELS if pixels is None else pixels
        self._room.take(pixels, wait_s=threading.TIMEOUT_MAX)
        try:
            with self._cores:
                yield
        finally:
            self._room.give(pixels)

    def waiting(self, ask: AskImageCodes) -> AskImageCodes:
        """Give the core to others while something is asked over the network."""

        def asked() -> ImageCodes:
            self._cores.release()
            try:
                return ask()
            finally:
                self._cores.acquire()

        return asked


def machine_memory() -> int:
    """Give the memory of this machine, or of its container, in bytes."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as file:  # noqa: PTH123
            limit = file.read().strip()
    except OSError:
        return whole
    return min(whole, int(limit)) if limit.isdigit() else whole
