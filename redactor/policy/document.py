"""YAML text to plain values that remember where they stand.

A policy uses little of YAML, and this reads no more: mappings, lists and text. Every plain word
stays the text that was written, whatever YAML would make of it: `0123` is a barcode and not 83,
`no` is a word and not false. What a number or a yes is, the schema knows.

Tags, anchors and aliases are refused: a policy is read by people, and aliases make bombs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple, Protocol

import yaml

Path = tuple[str | int, ...]
Value = str | None | list["Value"] | dict[str, "Value"]

_DEEPEST = 30
_MOST_ALIKE = 20  # places of one mistake; more do not help
_UNPRINTABLE = re.compile(
    r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_TAB_INDENT = re.compile(r"^ *\t", re.MULTILINE)
_NOTHING = ("", "~", "null")


class Place(NamedTuple):
    """A place in a text, both from 1."""

    line: int
    column: int


class _Mark(Protocol):
    line: int
    column: int


class Wrong(NamedTuple):
    """Something wrong with the text itself."""

    place: Place
    message: str


@dataclass(frozen=True)
class Document:
    """What a text says, with places.

    Attributes:
        value: Mappings, lists, texts and None for what is left empty.
        wrong: What is wrong with it as YAML; the value is what could be read all the same.
    """

    value: Value = None
    wrong: list[Wrong] = field(default_factory=list)
    _values: dict[Path, Place] = field(default_factory=dict)
    _keys: dict[Path, Place] = field(default_factory=dict)

    def place(self, path: Path) -> Place:
        """Where a value stands, or the nearest value around it that is there."""
        return self._values.get(self._written(path), Place(1, 1))

    def place_of_key(self, path: Path) -> Place:
        """Where the key of a value stands."""
        written = (*self._written(path[:-1]), *path[-1:])
        return self._keys.get(written) or self.place(path)

    def _written(self, path: Path) -> Path:
        """Leave out the steps of a path that stand for what may be left out in writing."""
        written: Path = ()
        for step in path:
            if (*written, step) in self._values:
                written = (*written, step)
        return written


def read(text: str) -> Document:
    """Read a text; what is wrong with it is in the answer."""
    text = text.removeprefix("\ufeff")
    wrong = [*_find(_UNPRINTABLE, text, "a character that does not belong into a text file")]
    wrong += _find(_TAB_INDENT, text, "a tab; indent with spaces")
    if wrong:
        return Document(wrong=wrong)
    reader = _Reader(yaml.parse(text, Loader=yaml.SafeLoader))
    try:
        value = reader.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        hint = " (quote a text that holds `: `)" if "mapping values" in str(error.problem) else ""
        reader.wrong.append(Wrong(_place(mark), f"this is not YAML: {error.problem}{hint}"))
        return Document(wrong=reader.wrong)
    except _TooDeepError as error:
        return Document(wrong=[*reader.wrong, Wrong(error.place, "nested too deeply")])
    except (yaml.YAMLError, ValueError, OverflowError):
        # An escape beyond Unicode (a backslash, U and FFFFFFFF) fails so, without a mark.
        place = max(reader.values.values(), default=Place(1, 1))
        message = "this is not YAML from here: a number or an escape is out of range"
        return Document(wrong=[*reader.wrong, Wrong(place, message)])
    return Document(value, reader.wrong, reader.values, reader.keys)


class _TooDeepError(Exception):
    def __init__(self, place: Place) -> None:
        self.place = place


class _Reader:
    """Builds values from YAML events; goes on after what can be passed over."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        # The reader in Python, not the one in C: ten times slower at some 0.2 s for ten thousand
        # lines, but its messages are the same everywhere and say more.
        self.events = events
        self.values: dict[Path, Place] = {}
        self.keys: dict[Path, Place] = {}
        self.wrong: list[Wrong] = []

    def document(self) -> Value:
        value: Value = None
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents == 2:
                    self._wrong(event, "a second document; a file holds one policy")
                    break
                value = self._value(next(self.events), ())
        if not documents:
            self.wrong.append(Wrong(Place(1, 1), "the policy is empty; begin it with `version: 1`"))
        return value

    def _value(self, event: yaml.Event, path: Path) -> Value:
        place = _place(event.start_mark)
        if len(path) > _DEEPEST:
            raise _TooDeepError(place)
        self.values.setdefault(path, place)
        if isinstance(event, yaml.AliasEvent):
            self._wrong(
                event, f"alias {show(f'*{event.anchor}')}; write the value out, or name a list"
            )
            return None
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            self._refuse_extras(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._text(event, path)
        return (
            self._mapping(path) if isinstance(event, yaml.MappingStartEvent) else self._list(path)
        )

    def _refuse_extras(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor:
            self._wrong(event, f"anchor {show(f'&{event.anchor}')}; policies have none, remove it")
        if event.tag:
            self._wrong(event, f"tag {show(event.tag)}; policies have none, remove it")

    def _mapping(self, path: Path) -> Value:
        found: dict[str, Value] = {}
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                self._wrong(event, "a key is one word")
                self._value(event, (*path, "?"))
                self._value(next(self.events), (*path, "?"))
                continue
            self._refuse_extras(event)
            key = event.value
            place = _place(event.start_mark)
            if key in found:
                first = self.keys[*path, key]
                self._wrong(
                    event, f"duplicate key {show(key)}; it stands in line {first.line} already"
                )
                self._value(next(self.events), (*path, "?"))
                continue
            self.keys[*path, key] = place
            found[key] = self._value(next(self.events), (*path, key))
        return found

    def _list(self, path: Path) -> Value:
        found: list[Value] = []
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            found.append(self._value(event, (*path, len(found))))
        return found

    def _text(self, event: yaml.ScalarEvent, path: Path) -> Value:
        if event.implicit[0] and event.value in _NOTHING:
            self._wrong(event, f"{_name(path)} is empty; {_way_out(path)}")
            return None
        if any("\ud800" <= char <= "\udfff" for char in event.value):
            self._wrong(event, "half a character (an escape from \\ud800 to \\udfff)")
            return None
        return str(event.value)

    def _wrong(self, event: yaml.Event, message: str) -> None:
        self.wrong.append(Wrong(_place(event.start_mark), message))


def _name(path: Path) -> str:
    named = [part for part in path if isinstance(part, str)]
    if not named:
        return "the policy"
    return f"{'an entry of ' if isinstance(path[-1], int) else ''}{show(named[-1])}"


def _way_out(path: Path) -> str:
    if path and path[-1] == "color":
        return "a bare # begins a comment, so put the colour in quotes"
    return "give it a value or remove it" if path else "begin it with `version: 1`"


def _find(pattern: re.Pattern[str], text: str, message: str) -> Iterator[Wrong]:
    for match in islice(pattern.finditer(text), _MOST_ALIKE):
        before = text[: match.end() - 1]
        column = len(before) - (before.rfind("\n") + 1)
        yield Wrong(Place(before.count("\n") + 1, column + 1), message)


def _place(mark: _Mark | None) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)


def show(value: object) -> str:
    """Give a value in backticks, short and without control characters."""
    text = str(value)
    text = text if len(text) <= 40 else text[:39] + "…"
    return (
        f"`{''.join(c if c.isprintable() else c.encode('unicode_escape').decode() for c in text)}`"
    )
