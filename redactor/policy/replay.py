"""Two policies on the same recorded codes: which decisions would change.

Recorded contents may be reduced to a host or a hash. A condition that asks for more than was
recorded cannot be judged; it is named, and no decision is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from redactor.model import Action, Decision, Detection, Facts, Flag, PictureDecision, Style
from redactor.policy.condition import Condition
from redactor.policy.overlap import hide_overlapping
from redactor.policy.payload import Payload, payloads
from redactor.policy.policy import Policy
from redactor.policy.subject import Code, Picture, readings_of, today
from redactor.policy.urls import read_link, site_of

# What one plain address, or none at all, suffices for.
_OF_HOST = frozenset(
    {"domain", "url.host", "url.site", "url.punycode", "url.mixed_scripts", "url.shortener"}
    | {"url.disguised"}
)


def profile(content: str) -> tuple[list[str], bool, str | None]:
    """Say what can be recorded of a content without telling it.

    Returns:
        What it is for; whether it is one web address that every reader reads alike; and the
        registrable domain of that, None for anything else.
    """
    link = read_link(content)
    is_plain = link is not None and link.is_plain
    site = site_of(link.host) if link is not None and is_plain else None
    return [kind.value for kind in payloads(content)], is_plain, site


@dataclass(frozen=True, slots=True)
class RecordedCode:
    """A code as a results file holds it.

    Attributes:
        detection: The code; its content is None where it was reduced.
        is_reduced: It was read, but its content was not recorded whole.
        kinds: What its content is for; None where that was not recorded.
        length: Of its content in characters; None where that was not recorded.
        origin: Scheme and host of the one web address that it is, and that every reader reads
            alike; None where it is something else or that was not recorded.
    """

    detection: Detection
    is_reduced: bool = False
    kinds: tuple[str, ...] | None = None
    length: int | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedPicture:
    """A picture as a results file holds it."""

    name: str
    facts: Facts
    codes: tuple[RecordedCode, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """What one policy says of a code: the part of a decision by which changes are grouped."""

    action: Action
    flag: Flag | None
    rule: str
    style: Style | None = None  # of what hides


@dataclass
class Change:
    """Codes about which two policies decide differently, in the same way.

    Attributes:
        count: How many.
        examples: Some of them, each with the name of its picture.
        pictures: Names of all their pictures, in order.
    """

    old: Side
    new: Side
    count: int = 0
    examples: list[tuple[str, RecordedCode]] = field(default_factory=list)
    pictures: dict[str, None] = field(default_factory=dict)


@dataclass
class PictureChange:
    """Pictures of which two policies say different things as a whole.

    Attributes:
        old: The rules for whole pictures that match.
        new: Likewise.
        pictures: Names, in order.
    """

    old: tuple[PictureDecision, ...]
    new: tuple[PictureDecision, ...]
    pictures: list[str] = field(default_factory=list)


@dataclass
class Difference:
    """What changes from one policy to another on recorded pictures.

    Attributes:
        pictures: How many were replayed.
        codes: How many they hold.
        terms: What differs besides decisions, by the policy's keys: old and new value.
        changes: Groups of codes, the most frequent first.
        picture_changes: Groups of pictures.
        unjudged: Codes that a condition needs more of than was recorded, by policy name, rule
            and condition. Where there are any, `changes` is not the whole.
    """

    pictures: int = 0
    codes: int = 0
    terms: list[tuple[str, str, str]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    picture_changes: list[PictureChange] = field(default_factory=list)
    unjudged: dict[tuple[str, str, str], int] = field(default_factory=dict)


def compare(
    old: Policy, new: Policy, recorded: Iterable[RecordedPicture], *, examples: int = 3
) -> Difference:
    """Decide about recorded pictures by two policies and group what differs.

    Args:
        old: What decides now.
        new: What might.
        recorded: Pictures, each looked at once.
        examples: Kept of each group.
    """
    found = Difference(terms=list(_terms(old, new)))
    groups: dict[tuple[Side, Side], Change] = {}
    of_pictures: dict[object, PictureChange] = {}
    for picture in recorded:
        found.pictures += 1
        found.codes += len(picture.codes)
        before, before_all = _replay(old, picture, found)
        after, after_all = _replay(new, picture, found)
        for code, one, other in zip(picture.codes, before, after, strict=True):
            sides = _side(one), _side(other)
            if sides[0] != sides[1]:
                group = groups.setdefault(sides, Change(*sides))
                group.count += 1
                group.pictures[picture.name] = None
                if len(group.examples) < examples:
                    group.examples.append((picture.name, code))
        if before_all != after_all:
            change = of_pictures.setdefault(
                (before_all, after_all), PictureChange(before_all, after_all)
            )
            change.pictures.append(picture.name)
    found.changes = sorted(groups.values(), key=lambda group: -group.count)
    found.picture_changes = sorted(of_pictures.values(), key=lambda group: -len(group.pictures))
    return found


def decide_recorded(
    policy: Policy, picture: RecordedPicture
) -> tuple[Sequence[Decision], tuple[PictureDecision, ...]]:
    """Decide about a recorded picture, as far as what was recorded suffices; see `compare`."""
    return _replay(policy, picture, Difference())


def _terms(old: Policy, new: Policy) -> Iterator[tuple[str, str, str]]:
    for key in ("hold", "metadata", "trailer", "on_error"):
        before, after = getattr(old, key), getattr(new, key)
        if before != after:
            yield key, str(before).lower(), str(after).lower()


def _side(decision: Decision) -> Side:
    style = decision.style if decision.action.hides else None
    return Side(decision.action, decision.flag, decision.rule, style)


def _replay(
    policy: Policy, picture: RecordedPicture, found: Difference
) -> tuple[Sequence[Decision], tuple[PictureDecision, ...]]:
    detections = [code.detection for code in picture.codes]
    if not any(code.is_reduced for code in picture.codes):
        return (
            policy.decide_all(detections, picture.facts),
            policy.decide_picture(detections, picture.facts),
        )
    day = picture.facts.day or today()
    readings = [_readings(code, picture) for code in picture.codes]
    decisions = [_judge(policy, codes, found) for codes in readings]
    whole = Picture(picture.facts, tuple(c for codes in readings for c in codes), day)
    return hide_overlapping(decisions), _judge_picture(policy, whole, found)


def _readings(recorded: RecordedCode, picture: RecordedPicture) -> tuple[Code, ...]:
    day = picture.facts.day or today()
    codes = readings_of(recorded.detection, picture.facts, day, is_reduced=recorded.is_reduced)
    if recorded.is_reduced and not codes[0].is_disputed:
        kinds = tuple(map(Payload, recorded.kinds or ()))
        link = read_link(recorded.origin + "/") if recorded.origin else None
        known = set[str]() if recorded.length is None else {"length"}
        if kinds:
            known.add("payload")
        if link is not None or (kinds and Payload.URL not in kinds):
            known |= _OF_HOST
        codes[0].recall(kinds, link, recorded.length, frozenset(known))
    return codes


def _judge(policy: Policy, codes: Sequence[Code], found: Difference) -> Decision:
    detection = codes[0].detection
    for rule in policy.rules:
        answers = {rule.judge(code) for code in codes}
        if True in answers:
            return rule.decide(detection)
        if None in answers:
            _note(policy, rule.id, rule.conditions, codes[0], found)
            break
    return policy.default.on(detection, rule="default")


def _judge_picture(
    policy: Policy, picture: Picture, found: Difference
) -> tuple[PictureDecision, ...]:
    said: list[PictureDecision] = []
    for rule in policy.pictures:
        answer = rule.judge(picture)
        if answer is None:
            unclear = next(code for code in picture.codes if code.is_reduced)
            _note(policy, rule.id, rule.conditions, unclear, found)
        elif answer:
            said.append(rule.decision)
    return tuple(said)


def _note(
    policy: Policy, rule: str, conditions: Sequence[Condition], code: Code, found: Difference
) -> None:
    for key in dict.fromkeys(_unjudged(conditions, code)):
        place = policy.name, rule, key
        found.unjudged[place] = found.unjudged.get(place, 0) + 1


def _unjudged(conditions: Sequence[Condition], code: Code) -> Iterable[str]:
    for condition in conditions:
        if condition.parts:
            yield from _unjudged(condition.parts, code)
        elif condition.is_about_content and condition.judge(code) is None:
            yield condition.key
