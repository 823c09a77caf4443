"""Rows as CSV, one line per code, that a spreadsheet can open without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from redactor.report.rows import CodeRow, Row
from redactor.report.text import escape_text

BOM = "\ufeff"
"""For spreadsheets that take a file without it for one in the encoding of their country."""
_COLUMNS = (
    "picture", "verdict", "flag", "reason", "format", "width", "height", "written", "error",
    "code", "symbology", "content", "content_as", "kinds", "site", "read", "action", "rule",
    "rule_reason", "code_flag", "left", "top", "right", "bottom", "frame",
)  # fmt: skip
_CODE_COLUMNS = 16  # of them, the last
# What spreadsheets take for the beginning of a formula, spaces before it or not:
# https://owasp.org/www-community/attacks/CSV_Injection
# Japanese and Chinese editions take the full width signs as well.
_FORMULA = tuple("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20")


def csv_lines(rows: Iterable[Row]) -> Iterator[str]:
    """Give lines by RFC 4180, the first with the names of the columns.

    A picture without codes has one line, with the columns of a code empty. Control characters are
    made visible, and a text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    yield _line(_COLUMNS)
    for entry in rows:
        if not entry["codes"]:
            yield _line(map(_cell, (*_of_picture(entry), *[None] * _CODE_COLUMNS)))
        for number, code in enumerate(entry["codes"], start=1):
            yield _line(map(_cell, (*_of_picture(entry), number, *_of_code(code, entry))))


def _of_picture(entry: Row) -> tuple[object, ...]:
    width, height = entry["size"] or (None, None)
    return (
        entry["name"],
        entry["verdict"],
        entry["flag"],
        "; ".join(entry["reasons"]),
        entry["format"],
        width,
        height,
        entry["written"],
        entry["error"],
    )


def _of_code(code: CodeRow, entry: Row) -> tuple[object, ...]:
    xs, ys = zip(*code["quad"], strict=True)
    frame = code["frame"]
    return (
        code["symbology"],
        code["content"],
        code["content_as"],
        " ".join(code["kinds"] or ()),
        code["site"],
        "yes" if code["read"] else "no",
        code["action"],
        code["rule"],
        code["reason"],
        code["flag"],
        *(round(value, 1) for value in (min(xs), min(ys), max(xs), max(ys))),
        entry["frames"][frame] if frame < len(entry["frames"]) else frame,
    )


def _cell(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    text = escape_text(value)
    return f"'{text}" if value.lstrip(" \u00a0\u3000").startswith(_FORMULA) else text


def _line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
