"""Trying again after what may pass: throttling, lost connections, damaged transfers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from redactor.errors import DamagedTransfer, Unavailable

T = TypeVar("T")


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
            StorageError: The last failure, if every attempt failed; any other failure at once.
        """
        for attempt in range(1, self.attempts):
            try:
                return do()
            except (Unavailable, DamagedTransfer):
                self.sleep(self.rand() * min(0.2 * 2**attempt, 20))
        try:
            return do()
        except (Unavailable, DamagedTransfer) as error:
            if self.attempts == 1:
                raise
            raise type(error)(f"{error}; tried {self.attempts} times") from error
