"""What is valid in a policy and yet looks like a mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from itertools import islice

from redactor.errors import Mistake
from redactor.geometry import Quad
from redactor.model import Action, Detection, Facts, Symbology
from redactor.policy.condition import ALWAYS, Condition
from redactor.policy.document import show
from redactor.policy.policy import Policy
from redactor.policy.rules import Rule
from redactor.policy.subject import Code, today
from redactor.policy.urls import patterns_for

_SOON = timedelta(days=30)
_MOST_ALIKE = 20  # entries of one list that are named


def warnings(policy: Policy, *, day: date | None = None) -> tuple[Mistake, ...]:
    """Give what looks like a mistake in a policy, in the order of its files.

    Args:
        policy: As it was loaded.
        day: For what expires; today where None.
    """
    found = [
        *_shadowed(policy),
        *_expiring_rules(policy, day or today()),
        *_expiring_entries(policy, day or today()),
        *_without_reason(policy),
        *_unused_lists(policy),
    ]
    return tuple(sorted(found, key=lambda m: (m.file, m.line, m.column, m.message)))


def _at(policy: Policy, rule: str, message: str) -> Mistake:
    written = policy.source.written[rule]
    return Mistake(written.file, written.line, written.column, message, rule)


def _without_reason(policy: Policy) -> Iterator[Mistake]:
    for rule in policy.rules:
        if rule.effect.action is Action.ALLOW and not rule.effect.reason:
            yield _at(policy, rule.id, f"{show(rule.id)} allows without a `reason`; say why")


def _unused_lists(policy: Policy) -> Iterator[Mistake]:
    used = {name for written in policy.source.written.values() for name in written.lists}
    for name, entries in policy.source.lists.items():
        if name not in used and entries:
            first = entries[0]
            message = f"no rule uses the list {show(name)}; name it in a rule or remove it"
            yield Mistake(first.file, first.line, first.column, message)


# What expires.


def _expiring_rules(policy: Policy, day: date) -> Iterator[Mistake]:
    ends = {rule.id: rule.expires for rule in policy.rules}
    ends |= {rule.id: rule.expires for rule in policy.pictures}
    for rule, expires in ends.items():
        if message := _expiry(expires, day, f"rule {show(rule)}", "matches"):
            yield _at(policy, rule, message)


def _expiring_entries(policy: Policy, day: date) -> Iterator[Mistake]:
    for name, entries in policy.source.lists.items():
        found = (
            Mistake(entry.file, entry.line, entry.column, message)
            for entry in entries
            if (message := _expiry(entry.expires or ALWAYS, day, show(entry.value), "counts"))
        )
        yield from islice(found, _MOST_ALIKE)
        if more := sum(1 for _ in found):
            first = entries[0]
            message = f"the list {show(name)} has {more:,} more entries that expire"
            yield Mistake(first.file, first.line, first.column, message)


def _expiry(expires: date, day: date, what: str, verb: str) -> str | None:
    if expires < day:
        return f"{what} expired on {expires} and no longer {verb}; renew or remove it"
    if expires - day <= _SOON:
        left = (expires - day).days
        when = {0: "today", 1: "tomorrow"}.get(left, f"in {left} days")
        return f"{what} expires {when}, on {expires}; renew it in time"
    return None


# Rules that never match.


def _shadowed(policy: Policy) -> Iterator[Mistake]:
    for place, rule in enumerate(policy.rules):
        earlier = next((e for e in policy.rules[:place] if _always_first(e, rule)), None)
        if earlier is not None:
            where = policy.source.written[earlier.id]
            line = f"line {where.line}"
            if where.file != policy.source.written[rule.id].file:
                line = f"{where.file}:{where.line}"
            message = (
                f"{show(rule.id)} never matches: {show(earlier.id)} ({line}) always does first;"
                " move it up or remove it"
            )
            yield _at(policy, rule.id, message)


def _always_first(earlier: Rule, rule: Rule) -> bool:
    """Say whether every code that a rule matches is matched by an earlier one."""
    if earlier.only_settled and not rule.only_settled:
        return False
    return earlier.expires >= rule.expires and all(
        _follows(wanted, _flat(rule.conditions)) for wanted in earlier.conditions
    )


def _flat(conditions: Sequence[Condition]) -> list[Condition]:
    """Take conditions out of every `all`."""
    parts = (_flat(c.parts) if c.key == "all" else [c] for c in conditions)
    return [condition for part in parts for condition in part]


def _follows(wanted: Condition, given: Sequence[Condition]) -> bool:
    """Say whether a condition holds wherever some others hold; False where that is not plain."""
    if wanted.key == "all":
        return all(_follows(part, given) for part in wanted.parts)
    if wanted.key == "any" and any(_follows(part, given) for part in wanted.parts):
        return True
    return any(_implies(condition, wanted) for condition in given)


def _implies(given: Condition, wanted: Condition) -> bool:
    if given == wanted:
        return True
    if given.key == "any":
        return all(_follows(wanted, _flat([part])) for part in given.parts)
    if given.parts or wanted.parts:
        return False
    if given.key == "content" and wanted.is_about_content:
        return all(wanted.holds(_saying(content)) for content in given.wanted)
    if given.key != wanted.key or given.scope > wanted.scope:
        return False
    within = _WITHIN.get(given.key, _is_one_of)
    return within(given.wanted, wanted.wanted)


def _saying(content: str) -> Code:
    quad = Quad.from_box(0, 0, 1, 1)
    detection = Detection(quad, Symbology.QRCODE, content, 1.0, ())
    return Code(detection, Facts(size=(0, 0)), content)


_Within = Callable[[Sequence[str], Sequence[str]], bool]


def _is_one_of(values: Sequence[str], wanted: Sequence[str]) -> bool:
    return set(values) <= set(wanted)


def _each(fits: Callable[[str, str], bool]) -> _Within:
    return lambda values, wanted: all(any(fits(v, w) for w in wanted) for v in values)


def _are_hosts_of(values: Sequence[str], wanted: Sequence[str]) -> bool:
    return all(not set(patterns_for(value)).isdisjoint(wanted) for value in values)


def _is_narrower(values: Sequence[str], wanted: Sequence[str]) -> bool:
    given = {key: float(bound) for key, _, bound in (value.partition(": ") for value in values)}
    return all(
        key in given
        and (given[key] >= float(b) if key.startswith("min") else given[key] <= float(b))
        for key, _, b in (value.partition(": ") for value in wanted)
    )


def _needs_all(values: Sequence[str], wanted: Sequence[str]) -> bool:
    # Of tags, each name must fit: fewer names match more pictures.
    names = {value.partition("=")[0] for value in wanted}
    return {value for value in values if value.partition("=")[0] in names} <= set(wanted) and (
        names <= {value.partition("=")[0] for value in values}
    )


_BOUNDED = ("size", "confidence", "engines", "length")
_OF_PICTURE = ("codes", "width", "height")
_WITHIN: dict[str, _Within] = {
    "prefix": _each(str.startswith),
    "suffix": _each(str.endswith),
    "contains": _each(lambda value, wanted: wanted in value),
    "domain": _are_hosts_of,
    "url.host": _are_hosts_of,
    "picture.tag": _needs_all,
    "picture.metadata": _needs_all,
    **dict.fromkeys(_BOUNDED, _is_narrower),
    **{f"picture.{key}": _is_narrower for key in _OF_PICTURE},
}
