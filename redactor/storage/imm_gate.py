"""How often `image/codes` may be asked: so many a second, so many in all, and not while it is down.

Asking costs: it is billed by the call. What may not be asked is looked at locally, if the detector
looks there at all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from redactor.errors import StorageError, Unavailable
from redactor.storage.retry import deadline_left

USD_PER_1000 = 0.1132075
"""Price of ImageQRCodes on the international site, 2026-02; that of the mainland is not known."""


@dataclass
class ImmGate:
    """Passes requests to `image/codes` and counts them. Safe to use from several threads.

    Attributes:
        per_second: Requests a second at most, evenly; None for any number.
        max_calls: Requests at most; None for any number.
        max_failures: After so many pictures in a row for which IMM failed, it is not asked again.
        calls: Requests that were passed. A request that failed may be billed, too.
        answers: Those that were answered.
        is_broken: Whether IMM is not asked any more because it failed too often.
        sleep: Waits so many seconds.
        clock: Gives seconds that only grow.
    """

    per_second: float | None = None
    max_calls: int | None = None
    max_failures: int = 5
    calls: int = 0
    answers: int = 0
    is_broken: bool = False
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _failures: int = 0
    _next: float = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_used_up(self) -> bool:
        """Whether all requests that are allowed were made."""
        return self.max_calls is not None and self.calls >= self.max_calls

    def enter(self) -> None:
        """Wait for leave to make one request.

        Raises:
            StorageError: If there is none to be had.
        """
        with self._lock:
            self._check()
            now = self.clock()
            start = max(now, self._next)
            wait_s = start - now
            if wait_s >= deadline_left():
                raise StorageError("image/codes: no turn within the time for this picture")
            if self.per_second is not None:
                self._next = start + 1 / self.per_second
            self.calls += 1
        if wait_s > 0:
            self.sleep(wait_s)

    def tell(self, error: StorageError | None) -> None:
        """Note what came of asking about a picture, all attempts together."""
        with self._lock:
            self.answers += error is None
            # A picture that IMM refuses says nothing about IMM.
            if error is None or not isinstance(error, Unavailable):
                self._failures = 0
                return
            self._failures += 1
            self.is_broken = self.is_broken or self._failures >= self.max_failures

    def cost(self, usd_per_1000: float = USD_PER_1000) -> float:
        """Give what the answers cost, in US dollars."""
        return self.answers * usd_per_1000 / 1000

    def _check(self) -> None:
        if self.is_broken:
            raise StorageError(
                f"image/codes: failed {self.max_failures} times in a row; not asked any more"
            )
        if self.is_used_up:
            raise StorageError(f"image/codes: asked {self.max_calls:,} times, as often as allowed")
