"""Trying again after what may pass: throttling, lost connections, damaged transfers.

One policy for every call, and one budget of seconds for all calls about a picture.
"""

from __future__ import annotations

import contextlib
import math
import random
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from redactor.errors import DamagedTransfer, StorageError, Unavailable

T = TypeVar("T")


@dataclass(slots=True)
class _Budget:
    """Seconds that are left for calls; only calls use them up, not what is done between them."""

    left_s: float
    since: float | None = None

    def left(self) -> float:
        spent_s = 0.0 if self.since is None else time.monotonic() - self.since
        return max(0.0, self.left_s - spent_s)


_budget: ContextVar[_Budget | None] = ContextVar("budget", default=None)


@contextlib.contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """Allow all calls inside so many seconds together; None for any number."""
    token = _budget.set(None if seconds is None else _Budget(seconds))
    try:
        yield
    finally:
        _budget.reset(token)


def deadline_left() -> float:
    """Give the seconds that calls may still take; infinite without a deadline."""
    budget = _budget.get()
    return math.inf if budget is None else budget.left()


@contextlib.contextmanager
def _spending() -> Iterator[None]:
    budget = _budget.get()
    if budget is None or budget.since is not None:  # a call within a call counts once
        yield
        return
    budget.since = time.monotonic()
    try:
        yield
    finally:
        budget.left_s, budget.since = budget.left(), None


@dataclass(frozen=True, slots=True)
class Retry:
    """Full jitter: after the n-th failure, wait a random part of 0.2 s times 2^n, 20 s at most.

    Attributes:
        attempts: How often something is tried; at least 1.
        sleep: Waits so many seconds.
        rand: Gives a number from 0 to 1.
    """

    attempts: int = 3
    sleep: Callable[[float], None] = time.sleep
    rand: Callable[[], float] = random.random

    def __call__(self, do: Callable[[], T]) -> T:
        """Do something until it succeeds.

        Raises:
            StorageError: The last failure, if every attempt failed or the deadline has passed;
                any other failure at once.
        """
        with _spending():
            return self._call(do)

    def _call(self, do: Callable[[], T]) -> T:
        if not deadline_left():
            raise Unavailable("the time for this picture is up; run again with a longer --timeout")
        for attempt in range(1, self.attempts):
            try:
                return do()
            except (Unavailable, DamagedTransfer) as error:
                wait_s = self.rand() * min(0.2 * 2**attempt, 20)
                if wait_s >= deadline_left():
                    raise _given_up(error, attempt, "the time for this picture is up") from error
                self.sleep(wait_s)
        try:
            return do()
        except (Unavailable, DamagedTransfer) as error:
            if self.attempts == 1:
                raise
            raise _given_up(error, self.attempts) from error


def _given_up(error: StorageError, attempts: int, why: str = "") -> StorageError:
    times = "once" if attempts == 1 else f"{attempts} times"
    return type(error)(f"{error}; tried {times}{f'; {why}' if why else ''}")
