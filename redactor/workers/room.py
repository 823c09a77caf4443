"""How many pixels may be in work at the same time."""

from __future__ import annotations

import threading

from redactor.errors import Unavailable


class Room:
    """Room for so many pixels. Whoever comes first is let in first; threads share it.

    Attributes:
        total: Pixels at most. A picture with more is let in, alone.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._used = 0
        self._turn = threading.Lock()
        self._freed = threading.Condition()

    def take(self, pixels: int, *, wait_s: float) -> None:
        """Wait for room, and keep it until the same is given back.

        Args:
            pixels: Of a picture.
            wait_s: Seconds after which it is given up.

        Raises:
            Unavailable: If there is no room in time.
        """
        # One waits at the front, the others behind it: small pictures must not pass a large one
        # for ever.
        if not self._turn.acquire(timeout=wait_s):
            raise _busy()
        wanted = min(pixels, self.total)
        try:
            with self._freed:
                if not self._freed.wait_for(lambda: self._used + wanted <= self.total, wait_s):
                    raise _busy()
                self._used += wanted
        finally:
            self._turn.release()

    def give(self, pixels: int) -> None:
        """Give back what was taken."""
        with self._freed:
            self._used -= min(pixels, self.total)
            self._freed.notify_all()


def _busy() -> Unavailable:
    return Unavailable("too many pixels are in work already; try again later")
