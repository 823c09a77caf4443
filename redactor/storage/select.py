"""Which pictures of a source are taken: by name and by when they last changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from redactor.storage import Item, Source

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Selection:
    """What is taken. Empty, it takes everything.

    Attributes:
        include: Patterns with `*`, `?` and `[…]`, where `*` passes `/`; one must match the place
            below the source. Empty for all.
        exclude: Patterns of which none may match.
        since: Seconds since 1970; what changed before is left out. None for any time.
        until: Seconds since 1970; what changed then or later is left out. None for any time.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    since: float | None = None
    until: float | None = None

    def takes(self, item: Item) -> bool:
        """Say whether an item is taken.

        What cannot tell when it changed (named itself, or standard input) is of any time.
        """
        return self._takes_name(item.relative) and self._takes_time(item.modified)

    def _takes_name(self, name: str) -> bool:
        if any(fnmatchcase(name, pattern) for pattern in self.exclude):
            return False
        return not self.include or any(fnmatchcase(name, pattern) for pattern in self.include)

    def _takes_time(self, modified: float | None) -> bool:
        if modified is None:
            return True
        is_late = self.since is None or modified >= self.since
        return is_late and (self.until is None or modified < self.until)


@dataclass(frozen=True, slots=True)
class Selected:
    """A source of which only some pictures are taken.

    Attributes:
        source: All of them.
        selection: Which are taken.
    """

    source: Source
    selection: Selection

    def items(self) -> Iterator[Item]:
        """List the pictures that are taken."""
        return filter(self.selection.takes, self.source.items())


def parse_time(text: str, *, now: datetime | None = None) -> float:
    """Read `2026-01-31`, `2026-01-31T12:00+08:00`, or how long ago: `90m`, `24h`, `7d`, `2w`.

    Without a zone, UTC is meant.

    Returns:
        Seconds since 1970.

    Raises:
        ValueError: If it is none of these.
    """
    now = now or datetime.now(UTC)
    if ago := re.fullmatch(r"(\d{1,6})([mhdw])", text):
        return (now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})).timestamp()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no time; expected one such as 2026-01-31, 2026-01-31T12:00+08:00,"
            " or how long ago: 90m, 24h, 7d"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
