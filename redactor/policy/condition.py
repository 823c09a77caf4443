"""A condition: a key of `when` with what it wants, that holds of a code or picture, or does not.

The action of its rule bends a condition to the side of hiding, and `not` turns it round. What
matters is which addresses in a content are asked about (`Scope`), and that what is not known never
helps a code to stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import IntEnum
from typing import Any

from redactor.policy.document import show
from redactor.policy.subject import Code

Listed = Mapping[str, date]
"""Entries of a list, each with the last day on which it counts."""

ALWAYS = date.max

Leaf = Callable[[Any, "Terms"], "Condition | tuple[Condition, ...]"]
"""Compiles what stands under one key."""


class Scope(IntEnum):
    """Which addresses in a content a condition asks about, the fewest first."""

    PLAIN = 0
    """The one that is the whole content, if every reader reads it alike: to allow."""
    WHOLE = 1
    """The one that is the whole content: to flag."""
    ANY = 2
    """Every one, whatever stands around it: to hide."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a rule, on a code or on a picture.

    Attributes:
        key: As in the file: `domain`, `url.host`, `picture.codes`, `any`, `not`.
        wanted: The values, sorted: two conditions with equal key, wanted, scope and parts mean
            the same.
        holds: Whether it is met.
        found: What is there, as a clause: `the domain is evil.example`.
        asks: What is asked for, as words after `asks for`.
        scope: Which addresses in the content it asks about, if it asks about addresses.
        is_about_content: Whether it asks what the code says.
        parts: The conditions inside `any`, `all`, `not`, `has`.
        index: Values by which rules are looked up: the code must have one of them. Empty where
            it cannot be looked up.
    """

    key: str
    wanted: tuple[str, ...]
    holds: Callable[[Any], bool] = field(compare=False, repr=False)
    found: Callable[[Any], str] = field(compare=False, repr=False)
    asks: str = field(compare=False)
    scope: Scope = Scope.ANY
    is_about_content: bool = field(default=False, compare=False)
    parts: tuple[Condition, ...] = ()
    index: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def judge(self, subject: Any) -> bool | None:  # noqa: ANN401 - a code or a picture
        """Say whether it is met; None where that depends on what was not recorded."""
        if not subject.is_reduced:
            return self.holds(subject)
        match self.key:
            case "any":
                return _any(part.judge(subject) for part in self.parts)
            case "all":
                return _all(part.judge(subject) for part in self.parts)
            case "not":
                inner = _all(part.judge(subject) for part in self.parts)
                return None if inner is None else not inner
            case "has":
                return _any(_all(p.judge(code) for p in self.parts) for code in subject.codes)
        if self.is_about_content and self.key not in subject.known:
            return None
        return self.holds(subject)


def _any(judged: Iterable[bool | None]) -> bool | None:
    seen = set(judged)
    return True if True in seen else (None if None in seen else False)


def _all(judged: Iterable[bool | None]) -> bool | None:
    seen = set(judged)
    return False if False in seen else (None if None in seen else True)


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms conditions are compiled.

    Attributes:
        lists: By name, as written.
        domains: Those that stand for domains, in the form that domains are compared in.
        allows: They stand in a rule with `action: allow`.
        flags: They stand in a rule with `action: flag`.
        negated: They stand under `not`; false again under `not` in `not`.
    """

    lists: Mapping[str, Listed]
    domains: Mapping[str, Listed]
    allows: bool = False
    flags: bool = False
    negated: bool = False

    @property
    def shows(self) -> bool:
        """Whether the rule lets codes stay as they are."""
        return self.allows or self.flags

    @property
    def scope(self) -> Scope:
        """Which addresses in a content are asked about."""
        if self.shows:
            return Scope.ANY if self.negated else Scope.PLAIN if self.allows else Scope.WHOLE
        return Scope.PLAIN if self.negated else Scope.ANY

    @property
    def unknown(self) -> bool:
        """What a condition comes to on what is not known."""
        return self.negated and self.shows

    def turned(self) -> Terms:
        """Give the terms under a `not`."""
        return replace(self, negated=not self.negated)


# What leaves share.


def either(values: Sequence[str], *, limit: int = 5) -> str:
    """Name values: `a, b or c`; of many, the first."""
    shown = list(values[:limit])
    if len(values) > limit:
        shown.append(f"{len(values) - limit:,} more")
    return " or ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def words(values: Iterable[str]) -> str:
    """Quote values and name them."""
    return either([show(value) for value in values])


def expand(values: Sequence[str], lists: Mapping[str, Listed]) -> dict[str, date]:
    """Put values and the entries of lists that are named among them into one list."""
    entries: dict[str, date] = {}
    for value in values:
        for entry, last in lists.get(value, {value: ALWAYS}).items():
            entries[entry] = max(last, entries.get(entry, date.min))
    return entries


def listed(entries: Listed) -> tuple[str, ...]:
    """Give the entries of a list as what is wanted: sorted, with the days they end on."""
    return tuple(
        sorted(
            value if last == ALWAYS else f"{value} until {last}" for value, last in entries.items()
        )
    )


def asked(values: Sequence[str], lists: Mapping[str, Listed]) -> str:
    """Name values and lists: ``the list `ours` or example.com``."""
    return either([f"the list {show(v)}" if v in lists else v for v in values])


def between(low: float | None, high: float | None) -> Callable[[float], bool]:
    """Give the test whether a number lies within bounds."""
    return lambda value: (low is None or value >= low) and (high is None or value <= high)


def bounds(low: float | None, high: float | None) -> str:
    """Name bounds: `at least 5`, `3 to 5`."""
    if low is not None and high is not None:
        return f"{low:,.9g} to {high:,.9g}" if low != high else f"{low:,.9g}"
    return f"at least {low:,.9g}" if low is not None else f"at most {high:,.9g}"


def limits_of(wanted: Any) -> tuple[str, ...]:  # noqa: ANN401 - any of the models with bounds
    """Give bounds as what is wanted."""
    return tuple(f"{key}: {value}" for key, value in wanted if value is not None)


def said(code: Code) -> str:
    """Say what a code says, short."""
    return f"it says {show(code.content)}" if code.content is not None else "it could not be read"


def yes_or_no(answer: bool) -> str:
    """Give a truth as policies write it."""
    return "true" if answer else "false"
