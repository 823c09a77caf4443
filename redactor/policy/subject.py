"""What conditions are asked about: a code as one engine read it, and a picture as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from redactor.model import Detection, Facts
from redactor.policy.payload import Payload, payloads
from redactor.policy.urls import Link, links_in, read_link

NO_DAY = date.min


class Code:
    """A detection taken to say one of the contents that engines read in it.

    What is worked out is worked out once, and only when a condition asks.

    Attributes:
        detection: The code.
        facts: Of its picture.
        content: What it is taken to say; None where it was not read, or `is_reduced`.
        day: On which is decided.
        is_disputed: Engines read different contents in it.
        is_reduced: It was read, but what it says was not recorded (a replay of results).
        known: Conditions on the content that can be judged all the same, by their keys.
    """

    __slots__ = (
        *("_length", "_link", "_links", "_payloads"),
        *("content", "day", "detection", "facts", "is_disputed", "is_reduced", "known"),
    )

    def __init__(
        self,
        detection: Detection,
        facts: Facts,
        content: str | None,
        day: date = NO_DAY,
        *,
        is_disputed: bool = False,
        is_reduced: bool = False,
    ) -> None:
        self.detection = detection
        self.facts = facts
        self.content = content
        self.day = day
        self.is_disputed = is_disputed
        self.is_reduced = is_reduced
        self.known: frozenset[str] = frozenset()
        self._length = None if content is None else len(content)
        self._link: Link | bool | None = False
        self._links: tuple[Link, ...] | None = None
        self._payloads: tuple[Payload, ...] | None = None

    def recall(
        self,
        kinds: tuple[Payload, ...],
        link: Link | None,
        length: int | None,
        known: frozenset[str],
    ) -> None:
        """Take what was recorded of a reduced content, and the conditions that it suffices for."""
        self._payloads, self._link, self._length, self.known = kinds, link, length, known
        self._links = (link,) if link else ()

    @property
    def length(self) -> int | None:
        """Characters of the content; None where it was not read."""
        return self._length

    @property
    def is_settled(self) -> bool:
        """Whether it was read, all engines agree, and its symbology is known."""
        return self.is_read and not self.is_disputed and self.detection.symbology.is_known

    @property
    def is_read(self) -> bool:
        """Whether an engine read it."""
        return self.content is not None or self.is_reduced

    @property
    def link(self) -> Link | None:
        """The content as one web address; None where it is something else."""
        if self._link is False:
            self._link = None if self.content is None else read_link(self.content)
        return self._link if isinstance(self._link, Link) else None

    @property
    def links(self) -> tuple[Link, ...]:
        """Every web address in the content, whatever stands around it."""
        if self._links is None:
            self._links = () if self.content is None else tuple(links_in(self.content))
        return self._links

    @property
    def payloads(self) -> tuple[Payload, ...]:
        """What the content is for; empty where it was not read."""
        if self._payloads is None:
            self._payloads = () if self.content is None else payloads(self.content, self.links)
        return self._payloads

    @property
    def side(self) -> float:
        """The longer side in pixels."""
        return max(self.detection.quad.sides)

    @property
    def share(self) -> float | None:
        """Share of the area of its frame, 0 to 1; None where the frame's size is not known."""
        width, height = self.facts.size_of(self.detection.frame)
        return min(self.detection.quad.area / (width * height), 1.0) if width * height else None


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with its codes.

    Attributes:
        facts: What is known of it.
        codes: Each code, once for every content that was read in it.
        day: On which is decided.
    """

    facts: Facts
    codes: tuple[Code, ...] = ()
    day: date = NO_DAY

    @property
    def is_reduced(self) -> bool:
        """Whether what one of its codes says was not recorded."""
        return any(code.is_reduced for code in self.codes)


def readings_of(
    detection: Detection, facts: Facts, day: date = NO_DAY, *, is_reduced: bool = False
) -> tuple[Code, ...]:
    """Give a code once for every different content that was read in it, once if none was.

    Args:
        detection: The code.
        facts: Of its picture.
        day: On which is decided.
        is_reduced: It was read, but `detection.content` is None because it was not recorded.
    """
    content, readings = detection.content, detection.readings
    if content is None:
        is_disputed = is_reduced and len(readings) > 1
        return (Code(detection, facts, None, day, is_disputed=is_disputed, is_reduced=is_reduced),)
    if not readings or readings == (content,):
        return (Code(detection, facts, content, day),)
    contents = dict.fromkeys((content, *readings))
    is_disputed = len(contents) > 1
    return tuple(Code(detection, facts, text, day, is_disputed=is_disputed) for text in contents)


def today() -> date:
    """Give the day in UTC."""
    return datetime.now(UTC).date()
