"""`when`, compiled: which conditions a rule asks, and how they are joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from redactor.policy import code_conditions, picture_conditions, schema
from redactor.policy.condition import Condition, Leaf, Terms
from redactor.policy.subject import Picture


def on_code(when: schema.When, terms: Terms) -> tuple[Condition, ...]:
    """Compile conditions on a code, cheap ones first."""
    return _compiled(when, terms, code_conditions.LEAVES, on_code)


def on_picture(when: schema.PictureFacts, terms: Terms) -> tuple[Condition, ...]:
    """Compile conditions on a picture; what they ask of a code, they ask of its picture."""
    made = _compiled(when, terms, picture_conditions.LEAVES, on_picture)
    if isinstance(when, schema.PictureWhen) and when.has is not None:
        made += (_having(when.has, terms),)
    return made


def _compiled(
    when: Any,  # noqa: ANN401 - one of two models
    terms: Terms,
    leaves: Mapping[str, Leaf],
    again: Callable[[Any, Terms], tuple[Condition, ...]],
) -> tuple[Condition, ...]:
    made: list[Condition] = []
    for key, compile_leaf in leaves.items():
        if (value := getattr(when, key, None)) is not None:
            leaf = compile_leaf(value, terms)
            made += leaf if isinstance(leaf, tuple) else [leaf]
    if getattr(when, "all", None):
        parts = [_joined(again(part, terms)) for part in when.all]
        made.append(_combined("all", parts))
    if getattr(when, "any", None):
        parts = [_joined(again(part, terms)) for part in when.any]
        made.append(_combined("any", parts))
    if getattr(when, "not_", None):
        made.append(_excepted(again(when.not_, terms.turned()), terms))
    return tuple(made)


def _excepted(parts: tuple[Condition, ...], terms: Terms) -> Condition:
    made = _combined("not", parts)
    if not terms.shows or not any(map(_asks_content, parts)):
        return made
    # An unread code may say just what is excepted.
    return replace(made, holds=lambda code: code.is_read and made.holds(code))


def _asks_content(condition: Condition) -> bool:
    return condition.is_about_content or any(map(_asks_content, condition.parts))


def _joined(parts: tuple[Condition, ...]) -> Condition:
    return parts[0] if len(parts) == 1 else _combined("all", parts)


def _combined(key: str, parts: Sequence[Condition]) -> Condition:
    tests = [part.holds for part in parts]
    holds: Callable[[Any], bool] = {
        "any": lambda subject: any(test(subject) for test in tests),
        "all": lambda subject: all(test(subject) for test in tests),
        "not": lambda subject: not all(test(subject) for test in tests),
    }[key]

    def found(subject: Any) -> str:  # noqa: ANN401 - a code or a picture
        return ", ".join(dict.fromkeys(part.found(subject) for part in parts))

    word = {"any": " or ", "all": " and ", "not": " and "}[key]
    asks = word.join(map(_asked, parts))
    return Condition(
        key, (), holds, found, f"not ({asks})" if key == "not" else asks, parts=tuple(parts)
    )


def _having(when: schema.When, terms: Terms) -> Condition:
    """Compile `has`: one of the codes meets the conditions."""
    parts = on_code(when, terms)
    tests = [part.holds for part in parts]

    def holds(picture: Picture) -> bool:
        return any(all(test(code) for test in tests) for code in picture.codes)

    asks = " and ".join(map(_asked, parts))
    none = "no code is like that"
    return Condition("has", (), holds, lambda _: none, f"a code with {asks}", parts=parts)


def _asked(part: Condition) -> str:
    return part.asks if part.parts else f"{part.key.rpartition('.')[2]} {part.asks}"
