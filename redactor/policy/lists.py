"""Lists of domains or contents: written in the policy, or in files beside it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from pydantic import TypeAdapter, ValidationError

from redactor.errors import Mistake, PolicyError
from redactor.policy import schema
from redactor.policy.document import Document, read, show
from redactor.policy.mistakes import findings
from redactor.policy.texts import MAX_LIST_BYTES, Texts

_LINE_END = re.compile("\r\n|\n|\r")
# Nobody sees them in an editor, and no host or content has them by intention.
_HIDDEN = re.compile("[\0\u200b\u2060\ufeff]")
_REMARK = re.compile(r"(?:^|\s)#.*$")
_COLUMNS = ("value", "expires", "reason")


@dataclass(frozen=True, slots=True)
class ListEntry:
    """An entry of a list.

    Attributes:
        value: A domain or a content, as written.
        expires: The last day on which it counts; None for ever.
        reason: Why it stands there; None where nobody said.
        file: Where it stands.
        line: From 1.
        column: From 1.
    """

    value: str
    expires: date | None
    reason: str | None
    file: str
    line: int
    column: int


def inline(
    document: Document, name: str, items: tuple[schema.Item, ...], file: str
) -> Iterator[ListEntry]:
    """Give the entries of a list that stand in the policy."""
    for index, item in enumerate(items):
        place = document.place(("lists", name, "entries", index))
        yield ListEntry(item.value, item.expires, item.reason, file, *place)


def from_file(name: str, texts: Texts) -> tuple[ListEntry, ...]:
    """Give the entries of a list that has a file of its own.

    Raises:
        PolicyError: If it cannot be read, or with every mistake in it.
    """
    kind = name.rpartition(".")[2].lower()
    readers = {"txt": _lines, "csv": _table, "yaml": _yaml, "yml": _yaml}
    if kind not in readers:
        message = "what kind of list is this? name it .txt, .csv or .yaml"
        raise PolicyError([Mistake(name, 1, 1, message)])
    text = texts.read(name, max_bytes=MAX_LIST_BYTES).removeprefix("\ufeff")
    return tuple(readers[kind](text, name))


def _lines(text: str, name: str) -> Iterator[ListEntry]:
    # Each kind of line end: with CR alone, all would be one remark or one strange entry.
    for number, line in enumerate(_LINE_END.split(text), 1):
        if hidden := _HIDDEN.search(line):
            message = f"an invisible character (U+{ord(hidden[0]):04X}); take it out"
            raise PolicyError([Mistake(name, number, hidden.start() + 1, message)])
        bare = _REMARK.sub("", line).rstrip()
        if value := bare.lstrip():
            yield ListEntry(value, None, None, name, number, len(bare) - len(value) + 1)


def _table(text: str, name: str) -> Iterator[ListEntry]:
    # Strict: a quote that is never closed would swallow the rest of the file.
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    columns = rows.fieldnames or ()
    wrong = [
        Mistake(name, 1, 1, f"unknown column {show(c)}; choose value, expires or reason")
        for c in columns
        if c not in _COLUMNS
    ]
    if "value" not in columns:
        wrong = [
            Mistake(name, 1, 1, "no column `value`; begin the file with `value,expires,reason`")
        ]
    if wrong:
        raise PolicyError(wrong)
    try:
        for row in rows:
            if extra := row.pop(None, None):
                message = f"more values than columns: {show(extra[0])}; put quotes around commas"
                wrong.append(Mistake(name, rows.line_num, 1, message))
                continue
            given = {key: value.strip() for key, value in row.items() if value and value.strip()}
            if not given:
                continue
            item = _checked(schema.Item, given, wrong, name, rows.line_num)
            if item is not None:
                yield ListEntry(item.value, item.expires, item.reason, name, rows.line_num, 1)
    except csv.Error as error:
        wrong.append(Mistake(name, rows.line_num, 1, f"this is not CSV: {error}"))
    if wrong:
        raise PolicyError(wrong)


def _checked(
    model: type[schema.Item], given: dict[str, str], wrong: list[Mistake], name: str, line: int
) -> schema.Item | None:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        wrong += [Mistake(name, line, 1, found.message) for found in findings(error, model)]
        return None


def _yaml(text: str, name: str) -> Iterator[ListEntry]:
    document = read(text)
    wrong = [Mistake(name, *found.place, found.message) for found in document.wrong]
    items: tuple[schema.Item, ...] = ()
    if not isinstance(document.value, list) and not wrong:
        wrong.append(Mistake(name, 1, 1, "a list is needed: `- example.com`, one a line"))
    elif isinstance(document.value, list):
        try:
            items = TypeAdapter(tuple[schema.AnyItem, ...]).validate_python(document.value)
        except ValidationError as error:
            for path, message, at_key in findings(error, schema.Item):
                place = document.place_of_key(path) if at_key else document.place(path)
                wrong.append(Mistake(name, *place, message))
    if wrong:
        raise PolicyError(wrong)
    for index, item in enumerate(items):
        yield ListEntry(item.value, item.expires, item.reason, name, *document.place((index,)))
