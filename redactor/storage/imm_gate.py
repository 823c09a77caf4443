"""How often `image/codes` may be asked: so many a second, so many in all, and not while it is down.

Asking costs: it is billed by the call. What may not be asked is looked at locally, if the detector
looks there at all.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from redactor.errors import StorageError, Unavailable
from redactor.storage.retry import deadline_left

USD_PER_1000 = 0.1132075
"""Price of ImageQRCodes on the international site, 2026-02; that of the mainland is not known."""


class NotAsked(StorageError):
    """There was no leave to ask IMM; says nothing about IMM."""


@dataclass
class ImmGate:
    """Passes requests to `image/codes` and counts them. Safe to use from several threads.

    Attributes:
        per_second: Requests a second at most, evenly; None for any number.
        max_calls: Requests at most; None for any number.
        max_failures: After so many pictures in a row for which IMM failed, it is not asked again.
        rest_s: Seconds after which it is tried once more all the same, and asked again if it
            answers; infinite where a run is to end without it.
        calls: Requests that were passed. A request that failed may be billed, too.
        answers: Those that were answered.
        is_broken: Whether IMM is not asked because it failed too often.
        sleep: Waits so many seconds.
        clock: Gives seconds that only grow.
    """

    per_second: float | None = None
    max_calls: int | None = None
    max_failures: int = 5
    rest_s: float = math.inf
    calls: int = 0
    answers: int = 0
    is_broken: bool = False
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _failures: int = 0
    _rests_until: float = math.inf
    _next: float = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_used_up(self) -> bool:
        """Whether all requests that are allowed were made."""
        return self.max_calls is not None and self.calls >= self.max_calls

    def enter(self) -> None:
        """Wait for leave to make one request.

        Raises:
            NotAsked: If there is none to be had.
        """
        with self._lock:
            now = self.clock()
            self._check(now)
            start = max(now, self._next)
            wait_s = start - now
            if wait_s >= deadline_left():
                raise NotAsked("image/codes: no turn within the time for this picture")
            if self.is_broken:
                self._rests_until = now + self.rest_s  # for the others: one is trial enough
            if self.per_second is not None:
                self._next = start + 1 / self.per_second
            self.calls += 1
        if wait_s > 0:
            self.sleep(wait_s)

    def tell(self, error: StorageError | None) -> None:
        """Note what came of asking about a picture, all attempts together."""
        if isinstance(error, NotAsked):
            return
        with self._lock:
            self.answers += error is None
            # IMM that refuses a picture is there.
            if error is None or not isinstance(error, Unavailable):
                self._failures, self.is_broken = 0, False
                return
            self._failures += 1
            if self._failures >= self.max_failures:
                self.is_broken = True
                self._rests_until = self.clock() + self.rest_s

    def cost(self, usd_per_1000: float = USD_PER_1000) -> float:
        """Give what the answers cost, in US dollars."""
        return self.answers * usd_per_1000 / 1000

    def _check(self, now: float) -> None:
        if self.is_broken and now < self._rests_until:
            raise NotAsked(
                f"image/codes: failed {self.max_failures} times in a row; not asked any more"
            )
        if self.is_used_up:
            raise NotAsked(f"image/codes: asked {self.max_calls:,} times, as often as allowed")
