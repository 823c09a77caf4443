"""What rules can ask of a code: its symbol, who saw it, where it lies, what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from redactor.model import ONE_DIMENSIONAL, QR_FAMILY, RETAIL, TWO_DIMENSIONAL, Symbology
from redactor.policy import picture_conditions, schema, url_conditions
from redactor.policy.condition import (
    Condition,
    Leaf,
    Terms,
    asked,
    between,
    bounds,
    either,
    expand,
    limits_of,
    listed,
    said,
    words,
    yes_or_no,
)
from redactor.policy.document import show
from redactor.policy.fields import CHARACTERS, POSITIONS
from redactor.policy.patterns import compile_regex, encode, quote
from redactor.policy.payload import GROUPS as PAYLOAD_GROUPS
from redactor.policy.payload import Payload
from redactor.policy.subject import Code

_SYMBOLOGY_GROUPS = {
    "any": frozenset(Symbology),
    "1d": ONE_DIMENSIONAL,
    # A family says less than `2d` asks for: IMM's `qrcode` may stand for what it cannot tell.
    "2d": frozenset(symbology for symbology in TWO_DIMENSIONAL if symbology.is_known),
    "qr-family": QR_FAMILY,
    "retail": RETAIL,
}


def _symbology(names: Sequence[str], _: Terms) -> Condition:
    members = frozenset(
        s for name in names for s in _SYMBOLOGY_GROUPS.get(name) or {Symbology(name)}
    )
    return Condition(
        "symbology",
        tuple(sorted(members)),
        lambda code: code.detection.symbology in members,
        lambda code: f"the symbology is {code.detection.symbology}",
        either(names),
        index=tuple(members),
    )


def _read(wanted: bool, _: Terms) -> Condition:
    return Condition(
        "read",
        (str(wanted),),
        lambda code: code.is_read is wanted,
        lambda code: "it was read" if code.is_read else "it could not be read",
        "a code that was read" if wanted else "a code that could not be read",
        index=(str(wanted),),
    )


def _disputed(wanted: bool, _: Terms) -> Condition:
    return Condition(
        "disputed",
        (str(wanted),),
        lambda code: code.is_disputed is wanted,
        lambda code: "engines disagree" if code.is_disputed else "engines do not disagree",
        "engines that disagree" if wanted else "engines that do not disagree",
    )


def _sources(code: Code) -> str:
    return ", ".join(code.detection.sources)


def _engines(wanted: schema.Count, _: Terms) -> Condition:
    within = between(wanted.min, wanted.max)
    return Condition(
        "engines",
        limits_of(wanted),
        lambda code: within(len(code.detection.sources)),
        lambda code: f"it was seen by {len(code.detection.sources)}: {_sources(code)}",
        bounds(wanted.min, wanted.max),
    )


def _detector(names: Sequence[str], _: Terms) -> Condition:
    members = frozenset(names)
    return Condition(
        "detector",
        tuple(sorted(members)),
        lambda code: not members.isdisjoint(code.detection.sources),
        lambda code: f"it was seen by {_sources(code)}",
        either(names),
    )


def _confidence(wanted: schema.Confidence, _: Terms) -> Condition:
    within = between(wanted.min, wanted.max)
    return Condition(
        "confidence",
        limits_of(wanted),
        lambda code: within(code.detection.confidence),
        lambda code: f"the confidence is {code.detection.confidence:.2g}",
        bounds(wanted.min, wanted.max),
    )


def _size(wanted: schema.Size, terms: Terms) -> Condition:
    side = between(wanted.min_side, wanted.max_side)
    share = between(wanted.min_share, wanted.max_share)
    asks_side = wanted.min_side is not None or wanted.max_side is not None
    asks_share = wanted.min_share is not None or wanted.max_share is not None
    unknown = terms.unknown

    def holds(code: Code) -> bool:
        if not side(code.side):
            return False
        if not asks_share:
            return True
        return unknown if code.share is None else share(code.share)

    def found(code: Code) -> str:
        told = [f"the side is {code.side:.0f} px"] if asks_side else []
        if asks_share:
            share = "not known" if code.share is None else f"{code.share:.3g}"
            told.append(f"the share of the picture is {share}")
        return " and ".join(told)

    asks = [f"a side of {bounds(wanted.min_side, wanted.max_side)} px"] if asks_side else []
    if asks_share:
        asks.append(f"a share of {bounds(wanted.min_share, wanted.max_share)}")
    return Condition("size", limits_of(wanted), holds, found, " and ".join(asks))


# From the raster as the file lies to how people see it, by EXIF orientation; both from 0 to 1.
_UPRIGHT: dict[int, Callable[[float, float], tuple[float, float]]] = {
    2: lambda x, y: (1 - x, y),
    3: lambda x, y: (1 - x, 1 - y),
    4: lambda x, y: (x, 1 - y),
    5: lambda x, y: (y, x),
    6: lambda x, y: (1 - y, x),
    7: lambda x, y: (1 - y, 1 - x),
    8: lambda x, y: (y, 1 - x),
}


def _place_of(code: Code) -> str | None:
    width, height = code.facts.size_of(code.detection.frame)
    if not width * height:
        return None
    center = code.detection.quad.center
    x, y = center.x / width, center.y / height
    if code.facts.orientation in _UPRIGHT:
        x, y = _UPRIGHT[code.facts.orientation](x, y)
    column, row = (min(max(int(3 * part), 0), 2) for part in (x, y))
    return POSITIONS[3 * row + column]


def _position(names: Sequence[str], terms: Terms) -> Condition:
    members, unknown = frozenset(names), terms.unknown

    def holds(code: Code) -> bool:
        place = _place_of(code)
        return unknown if place is None else place in members

    return Condition(
        "position",
        tuple(sorted(members)),
        holds,
        lambda code: f"it lies at {_place_of(code) or 'a place not known'}",
        either(names),
    )


def _touches_edge(wanted: bool, terms: Terms) -> Condition:
    def touches(code: Code) -> bool | None:
        width, height = code.facts.size_of(code.detection.frame)
        if not width * height:
            return None
        box = code.detection.quad.box
        return box.left <= 1 or box.top <= 1 or box.right >= width - 1 or box.bottom >= height - 1

    def holds(code: Code) -> bool:
        answer = touches(code)
        return terms.unknown if answer is None else answer is wanted

    said_of = {
        None: "the size of the picture is not known",
        True: "it touches the edge",
        False: "it lies within the picture",
    }
    return Condition(
        "touches_edge",
        (str(wanted),),
        holds,
        lambda code: said_of[touches(code)],
        yes_or_no(wanted),
    )


def _frame(names: Sequence[str], _: Terms) -> Condition:
    members = frozenset(names)

    def name(code: Code) -> str:
        at = code.detection.frame
        frames = code.facts.frames
        return frames[at][0] if at < len(frames) else ("picture" if at == 0 else "another picture")

    def holds(code: Code) -> bool:
        # The frames of an animation and the pages of a file are the picture itself.
        is_page = name(code).startswith(("frame ", "page ", "default image"))
        return name(code) in members or (is_page and "picture" in members)

    return Condition(
        "frame",
        tuple(sorted(members)),
        holds,
        lambda code: f"it is in the frame {show(name(code))}",
        words(names),
    )


def _picture(wanted: schema.PictureFacts, terms: Terms) -> tuple[Condition, ...]:
    made = [
        compile_leaf(value, terms)
        for key, compile_leaf in picture_conditions.LEAVES.items()
        if (value := getattr(wanted, key)) is not None
    ]
    return tuple(replace(leaf, key=f"picture.{leaf.key}") for leaf in made)


# What it says. An unread code says nothing: none of these holds of it.


def _content(values: Sequence[str], _: Terms) -> Condition:
    members = frozenset(values)
    return _of_content(
        "content", values, lambda code: code.content in members, index=tuple(members)
    )


def _listed(names: Sequence[str], terms: Terms) -> Condition:
    entries = expand(names, terms.lists)

    def holds(code: Code) -> bool:
        last = entries.get(code.content) if code.content is not None else None
        return last is not None and code.day <= last

    return replace(
        _of_content("listed", listed(entries), holds, index=tuple(entries)),
        asks=asked(names, terms.lists),
    )


def _prefix(values: Sequence[str], _: Terms) -> Condition:
    starts = tuple(values)
    return _of_content(
        "prefix",
        values,
        lambda code: code.content is not None and code.content.startswith(starts),
        index=tuple(f"^{quote(start)}" for start in starts),
    )


def _suffix(values: Sequence[str], _: Terms) -> Condition:
    ends = tuple(values)
    return _of_content(
        "suffix",
        values,
        lambda code: code.content is not None and code.content.endswith(ends),
        index=tuple(f"{quote(end)}$" for end in ends),
    )


def _contains(values: Sequence[str], _: Terms) -> Condition:
    return _of_content(
        "contains",
        values,
        lambda code: code.content is not None and any(part in code.content for part in values),
        index=tuple(map(quote, values)),
    )


def _regex(patterns: Sequence[str], _: Terms) -> Condition:
    compiled = [compile_regex(pattern) for pattern in patterns]

    def holds(code: Code) -> bool:
        if code.content is None:
            return False
        text = encode(code.content)
        return any(regex.search(text) for regex in compiled)

    return _of_content("regex", patterns, holds, index=tuple(patterns))


def _length(wanted: schema.Count, _: Terms) -> Condition:
    within = between(wanted.min, wanted.max)
    return Condition(
        "length",
        limits_of(wanted),
        lambda code: code.length is not None and within(code.length),
        lambda code: said(code) if code.length is None else f"it has {code.length:,} characters",
        f"{bounds(wanted.min, wanted.max)} characters",
        is_about_content=True,
    )


def _characters(names: Sequence[str], _: Terms) -> Condition:
    members = "".join(CHARACTERS[name] for name in names)
    regex = compile_regex(f"^[{members}]*$")
    return replace(
        _of_content(
            "characters",
            names,
            lambda code: code.content is not None and bool(regex.search(encode(code.content))),
        ),
        asks=f"{either(names)} alone",
    )


def _of_content(
    key: str, values: Sequence[str], holds: Callable[[Code], bool], *, index: tuple[str, ...] = ()
) -> Condition:
    return Condition(
        key,
        tuple(sorted(set(values))),
        holds,
        said,
        words(values),
        is_about_content=True,
        index=index,
    )


def _payload(names: Sequence[str], _: Terms) -> Condition:
    members = frozenset(p for name in names for p in PAYLOAD_GROUPS.get(name) or {Payload(name)})
    return Condition(
        "payload",
        tuple(sorted(members)),
        lambda code: not members.isdisjoint(code.payloads),
        lambda code: f"the payload is {', '.join(code.payloads)}" if code.payloads else said(code),
        either(names),
        is_about_content=True,
        index=tuple(members),
    )


def _domain(values: Sequence[str], terms: Terms) -> Condition:
    return url_conditions.host("domain", values, terms)


LEAVES: dict[str, Leaf] = {
    "symbology": _symbology,
    "read": _read,
    "disputed": _disputed,
    "detector": _detector,
    "engines": _engines,
    "confidence": _confidence,
    "frame": _frame,
    "picture": _picture,
    "size": _size,
    "position": _position,
    "touches_edge": _touches_edge,
    "content": _content,
    "listed": _listed,
    "prefix": _prefix,
    "suffix": _suffix,
    "contains": _contains,
    "length": _length,
    "domain": _domain,
    "url": url_conditions.parts,
    "payload": _payload,
    "characters": _characters,
    "regex": _regex,
}
"""By the key of the file, cheap ones first."""
