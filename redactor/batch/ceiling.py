"""How many pictures may be quarantined before a run stops: an outage must not move a bucket."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Self

_FLOOR = 20  # a share of a few pictures says nothing: this many are always allowed


@dataclass
class Ceiling:
    """A limit that a run counts against. Safe to use from several threads.

    Attributes:
        number: How many pictures; None where a share is given.
        percent: Share of the pictures so far, from 0 to 100; at least 20 pictures are allowed.
        is_hit: Whether the limit was reached, so that the run ends.
    """

    number: int | None = None
    percent: float | None = None
    is_hit: bool = False
    _seen: int = 0
    _quarantined: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `20` or `10%`.

        Raises:
            ValueError: If it is neither.
        """
        try:
            limit = cls(percent=float(text[:-1])) if text.endswith("%") else cls(int(text))
        except ValueError:
            limit = cls(-1)
        if (limit.number or 0) < 0 or not 0 <= (limit.percent or 0) <= 100:
            raise ValueError(f"{text!r}: expected a number of pictures, or a share such as 10%")
        return limit

    def admit(self, *, is_quarantined: bool) -> bool:
        """Count a picture; says whether it is within the limit."""
        with self._lock:
            self._seen += 1
            if not is_quarantined or self.is_hit:
                return not is_quarantined
            share = 0 if self.percent is None else int(self._seen * self.percent / 100)
            allowed = max(_FLOOR, share) if self.number is None else self.number
            self.is_hit = self._quarantined >= allowed
            self._quarantined += not self.is_hit
            return not self.is_hit

    def __str__(self) -> str:
        return f"{self.percent:g}%" if self.number is None else f"{self.number:,} pictures"
