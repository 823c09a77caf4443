"""What a server can be told to do wrong, and to which requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from redactor.testing.errors import OssFailure
from redactor.testing.messages import Request

When = Callable[[Request], bool]


@dataclass
class Fault:
    """One thing that goes wrong.

    Attributes:
        times: How many more requests it befalls; None for every one.
        when: Which requests; None for all.
        failure: An error to answer with.
        delay_s: Seconds to wait before answering.
        keep_bytes: Bytes of the body that are sent before the connection is dropped.
        drip_s: Seconds to wait after each byte of the body.
        corrupt: Whether one byte of the body is changed while the checksums stay; where there is
            no body, the checksum is changed.
        reset: `before` or `after` the work is done, the connection is reset without an answer.
    """

    times: int | None = 1
    when: When | None = None
    failure: OssFailure | None = None
    delay_s: float = 0
    keep_bytes: int | None = None
    drip_s: float = 0
    corrupt: bool = False
    reset: str | None = None


@dataclass
class Faults:
    """The faults that are still to come, in the order in which they were asked for."""

    _faults: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        """Arrange for a fault."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Do everything right from now on."""
        with self._lock:
            self._faults.clear()

    def take(self, request: Request) -> Fault:
        """Give the next fault for a request; one without effect where there is none."""
        with self._lock:
            for fault in self._faults:
                if fault.when is None or fault.when(request):
                    return self._use(fault)
        return Fault()

    def _use(self, fault: Fault) -> Fault:
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
        return fault


@dataclass
class Throttle:
    """Lets so many requests a second pass, and no burst beyond one.

    Attributes:
        per_second: Requests.
        when: Which requests are counted; None for all.
    """

    per_second: float
    when: When | None = None
    _next: float = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, request: Request) -> None:
        """Refuse a request that comes too early."""
        if self.when is not None and not self.when(request):
            return
        with self._lock:
            now = time.monotonic()
            if now < self._next:
                message = "Please reduce your request rate."
                raise OssFailure(503, "TotalQpsLimitExceeded", message)
            self._next = now + 1 / self.per_second
