"""What a rule can ask of a code.

A condition is a key of `when` with what it wants, compiled once. It holds or it does not; what
is combined of conditions later (any, all, not) can be a condition too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from redactor.model import (
    ONE_DIMENSIONAL,
    QR_FAMILY,
    RETAIL,
    TWO_DIMENSIONAL,
    Detection,
    Facts,
    Symbology,
)
from redactor.policy import schema
from redactor.policy.payload import Payload, payloads
from redactor.policy.urls import Domains, Link, read_link


class Code:
    """A detection as conditions see it: what is worked out is worked out once.

    Attributes:
        contents: Every content an engine read, the most trusted one first.
    """

    def __init__(self, detection: Detection, facts: Facts) -> None:
        self.detection = detection
        self.facts = facts
        self.contents: tuple[str, ...] = ()
        if detection.content is not None:
            self.contents = tuple(dict.fromkeys((detection.content, *detection.readings)))

    @property
    def is_settled(self) -> bool:
        """Whether it was read, all engines agree, and its symbology is known."""
        return len(self.contents) == 1 and self.detection.symbology.is_known

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """The contents that are one web address."""
        return tuple(link for link in map(read_link, self.contents) if link)

    @cached_property
    def payloads(self) -> frozenset[Payload]:
        """What the contents are for."""
        return frozenset(kind for content in self.contents for kind in payloads(content))

    @property
    def side(self) -> float:
        """The longer side in pixels."""
        return max(self.detection.quad.sides)

    @property
    def share(self) -> float | None:
        """Share of the picture's area, 0 to 1; None where the picture's size is not known."""
        width, height = self.facts.size
        return min(self.detection.quad.area / (width * height), 1.0) if width * height else None


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a rule.

    Attributes:
        key: As under `when`.
        wanted: The values, sorted: two conditions with equal key and wanted mean the same.
        holds: Whether a code meets it. Of a code on whose content engines disagree, any
            reading suffices: such a code is only ever hidden or flagged by it.
    """

    key: str
    wanted: tuple[str, ...]
    holds: Callable[[Code], bool] = field(compare=False, repr=False)


_GROUPS = {
    "any": frozenset(Symbology),
    "1d": ONE_DIMENSIONAL,
    # A family says less than `2d` asks for: IMM's `qrcode` may stand for what it cannot tell.
    "2d": frozenset(symbology for symbology in TWO_DIMENSIONAL if symbology.is_known),
    "qr-family": QR_FAMILY,
    "retail": RETAIL,
}


def conditions(
    when: schema.When, lists: dict[str, tuple[str, ...]], *, plain_links: bool
) -> tuple[Condition, ...]:
    """Compile the conditions of a rule, cheap ones first.

    Args:
        when: As written.
        lists: Domains by the name of their list.
        plain_links: Whether `domain` takes only addresses that every reader reads alike.
    """
    made: list[Condition] = []
    if when.read is not None:
        made.append(_read(when.read))
    if when.disputed is not None:
        made.append(_disputed(when.disputed))
    if when.symbology:
        made.append(_symbology(when.symbology))
    if when.detector:
        made.append(_detector(when.detector))
    if when.confidence:
        made.append(_confidence(when.confidence))
    if when.content:
        made.append(_content(when.content))
    if when.prefix:
        made.append(_prefix(when.prefix))
    if when.size:
        made.append(_size(when.size))
    if when.domain:
        made.append(_domain(when.domain, lists, plain=plain_links))
    if when.payload:
        made.append(_payload(when.payload))
    if when.regex:
        made.append(_regex(when.regex))
    return tuple(made)


def _sorted(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _read(wanted: bool) -> Condition:
    return Condition("read", (str(wanted),), lambda code: code.detection.is_read is wanted)


def _disputed(wanted: bool) -> Condition:
    return Condition("disputed", (str(wanted),), lambda code: (len(code.contents) > 1) is wanted)


def _symbology(names: Sequence[str]) -> Condition:
    members = frozenset(s for name in names for s in _GROUPS.get(name) or {Symbology(name)})
    return Condition(
        "symbology", _sorted([*members]), lambda code: code.detection.symbology in members
    )


def _detector(names: Sequence[str]) -> Condition:
    members = frozenset(names)
    return Condition(
        "detector", _sorted(names), lambda code: not members.isdisjoint(code.detection.sources)
    )


def _confidence(wanted: schema.Confidence) -> Condition:
    within = _between(wanted.min, wanted.max)
    return Condition("confidence", _bounds(wanted), lambda code: within(code.detection.confidence))


def _content(values: Sequence[str]) -> Condition:
    members = frozenset(values)
    return Condition("content", _sorted(values), lambda code: not members.isdisjoint(code.contents))


def _prefix(values: Sequence[str]) -> Condition:
    starts = tuple(values)
    return Condition(
        "prefix",
        _sorted(values),
        lambda code: any(content.startswith(starts) for content in code.contents),
    )


def _size(wanted: schema.Size) -> Condition:
    side = _between(wanted.min_side, wanted.max_side)
    share = _between(wanted.min_share, wanted.max_share)
    asks_share = wanted.min_share is not None or wanted.max_share is not None

    def holds(code: Code) -> bool:
        if not side(code.side):
            return False
        return not asks_share or (code.share is not None and share(code.share))

    return Condition("size", _bounds(wanted), holds)


def _domain(values: Sequence[str], lists: dict[str, tuple[str, ...]], *, plain: bool) -> Condition:
    patterns = [pattern for value in values for pattern in lists.get(value, (value,))]
    domains = Domains(patterns)
    return Condition(
        "domain",
        _sorted(patterns),
        lambda code: any(
            link.host in domains and (link.is_plain or not plain) for link in code.links
        ),
    )


def _payload(names: Sequence[str]) -> Condition:
    members = frozenset(map(Payload, names))
    return Condition("payload", _sorted(names), lambda code: not members.isdisjoint(code.payloads))


def _regex(patterns: Sequence[str]) -> Condition:
    compiled = [schema.compile_regex(pattern) for pattern in patterns]

    def holds(code: Code) -> bool:
        texts = [content.encode("utf-8", "surrogatepass") for content in code.contents]
        return any(regex.search(text) for text in texts for regex in compiled)

    return Condition("regex", _sorted(patterns), holds)


def _between(low: float | None, high: float | None) -> Callable[[float], bool]:
    return lambda value: (low is None or value >= low) and (high is None or value <= high)


def _bounds(wanted: schema.Size | schema.Confidence) -> tuple[str, ...]:
    return tuple(f"{key}: {value}" for key, value in wanted if value is not None)
