"""What rules can ask of a picture: what is known of it besides its codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from redactor.model import Facts
from redactor.policy import schema
from redactor.policy.condition import (
    Condition,
    Terms,
    between,
    bounds,
    either,
    limits_of,
    words,
    yes_or_no,
)
from redactor.policy.document import show
from redactor.policy.patterns import compile_regex, encode, from_glob
from redactor.policy.subject import Code, Picture

_Subject = Code | Picture


def _told(value: str | int | None) -> str:
    if value is None:
        return "is not known"
    return f"is {show(value)}" if isinstance(value, str) else f"is {value:,}"


def _codes(wanted: schema.Count, _: Terms) -> Condition:
    # A code that is decided about by itself is the one code of its picture.
    def codes(facts: Facts) -> int:
        return 1 if facts.codes is None else facts.codes

    made = _number("codes", wanted, codes)
    return replace(made, found=lambda subject: f"codes: {codes(subject.facts):,}")


def _width(wanted: schema.Count, terms: Terms) -> Condition:
    return _number("width", wanted, lambda facts: facts.size[0] or None, terms)


def _height(wanted: schema.Count, terms: Terms) -> Condition:
    return _number("height", wanted, lambda facts: facts.size[1] or None, terms)


def _number(
    key: str, wanted: schema.Count, read: Callable[[Facts], int | None], terms: Terms | None = None
) -> Condition:
    within = between(wanted.min, wanted.max)
    unknown = terms is not None and terms.unknown

    def holds(subject: _Subject) -> bool:
        value = read(subject.facts)
        return unknown if value is None else within(value)

    def found(subject: _Subject) -> str:
        value = read(subject.facts)
        return f"the picture's {key} {_told(value)}"

    return Condition(key, limits_of(wanted), holds, found, bounds(wanted.min, wanted.max))


def _format(names: Sequence[str], terms: Terms) -> Condition:
    return _text("format", names, lambda facts: facts.format or None, terms)


def _bucket(names: Sequence[str], terms: Terms) -> Condition:
    return _text("bucket", names, lambda facts: facts.origin.bucket, terms)


def _text(
    key: str, names: Sequence[str], read: Callable[[Facts], str | None], terms: Terms
) -> Condition:
    members, unknown = frozenset(names), terms.unknown

    def holds(subject: _Subject) -> bool:
        value = read(subject.facts)
        return unknown if value is None else value in members

    def found(subject: _Subject) -> str:
        value = read(subject.facts)
        return f"the picture's {key} {_told(value)}"

    return Condition(key, tuple(sorted(members)), holds, found, words(names))


def _key(globs: Sequence[str], terms: Terms) -> Condition:
    patterns = [compile_regex(from_glob(glob)) for glob in globs]
    unknown = terms.unknown

    def holds(subject: _Subject) -> bool:
        key = subject.facts.origin.key
        if key is None:
            return unknown
        octets = encode(key)
        return any(pattern.search(octets) for pattern in patterns)

    def found(subject: _Subject) -> str:
        key = subject.facts.origin.key
        return f"the picture's key {_told(key)}"

    return Condition("key", tuple(sorted(set(globs))), holds, found, words(globs))


def _tag(wanted: Mapping[str, Sequence[str]], terms: Terms) -> Condition:
    return _pairs("tag", wanted, lambda facts: facts.origin.tags, terms)


def _metadata(wanted: Mapping[str, Sequence[str]], terms: Terms) -> Condition:
    lower = {name.lower(): values for name, values in wanted.items()}
    return _pairs("metadata", lower, lambda facts: _lower(facts.origin.metadata), terms)


def _lower(pairs: Mapping[str, str] | None) -> Mapping[str, str] | None:
    # Names of metadata travel as HTTP headers, which know no case.
    return None if pairs is None else {name.lower(): value for name, value in pairs.items()}


def _pairs(
    key: str,
    wanted: Mapping[str, Sequence[str]],
    read: Callable[[Facts], Mapping[str, str] | None],
    terms: Terms,
) -> Condition:
    members = {name: frozenset(values) for name, values in wanted.items()}
    unknown = terms.unknown

    def holds(subject: _Subject) -> bool:
        pairs = read(subject.facts)
        if pairs is None:
            return unknown
        return all(pairs.get(name) in values for name, values in members.items())

    def found(subject: _Subject) -> str:
        pairs = read(subject.facts)
        if pairs is None:
            return f"the picture's {key} is not known"
        told = [f"{name}={pairs[name]}" for name in members if name in pairs]
        return f"the picture's {key} is {words(told) if told else 'not set'}"

    flat = [f"{name}={value}" for name, values in wanted.items() for value in values]
    return Condition(key, tuple(sorted(flat)), holds, found, either(flat))


def _limit_reached(wanted: bool, _: Terms) -> Condition:
    return Condition(
        "limit_reached",
        (str(wanted),),
        lambda subject: subject.facts.limit_reached is wanted,
        lambda subject: f"limit_reached is {yes_or_no(subject.facts.limit_reached)}",
        yes_or_no(wanted),
    )


LEAVES: dict[str, Callable[[Any, Terms], Condition]] = {
    "codes": _codes,
    "limit_reached": _limit_reached,
    "format": _format,
    "width": _width,
    "height": _height,
    "bucket": _bucket,
    "tag": _tag,
    "metadata": _metadata,
    "key": _key,
}
"""By the key of the file, cheap ones first."""
