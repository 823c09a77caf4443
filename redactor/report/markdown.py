"""Rows as Markdown, for a merge request or a ticket."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from redactor.model import Action, Verdict
from redactor.report.rows import Row
from redactor.report.tally import Tally
from redactor.report.text import escape_text, shorten
from redactor.report.words import (
    PARTICIPLES,
    codes_of,
    content_of,
    count,
    done_to,
    meaning,
    risk,
    symbology_name,
)

MOST_PICTURES = 200
"""Listed one by one, the riskiest; the rest is summed up."""
# What is markup, a link or a mention, also in the dialects of code forges.
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#|~&$:@]|(?<=www)\.", re.IGNORECASE)


def markdown_lines(rows: Iterable[Row], *, title: str) -> Iterator[str]:
    """Give the lines of a document: sums, then pictures, then codes.

    Foreign text is text in it: nothing of it is markup, a link or a mention.
    """
    entries = list(rows)
    tally = Tally.of(entries)
    yield f"# {_text(title)}\n"
    yield "\n| Pictures | | |\n|---|--:|---|\n"
    for verdict in Verdict:
        means = meaning(verdict, dry_run=tally.dry_run)
        yield f"| {verdict} | {tally.verdicts[verdict]:,} | {means} |\n"
    yield f"| all | {tally.pictures:,} | {_codes_in(tally)} |\n"
    listed = sorted(entries, key=risk)[:MOST_PICTURES]
    shown = [entry for entry in listed if entry["verdict"] not in (Verdict.CLEAN, Verdict.ALLOWED)]
    if shown:
        done = "What would be done" if tally.dry_run else "What was done"
        yield f"\n| Picture | Verdict | Codes | {done} |\n|---|---|---|---|\n"
    for entry in shown:
        cells = (
            entry["name"],
            entry["verdict"],
            codes_of(entry) or "none",
            done_to(entry).removeprefix("would be: "),
        )
        yield _row(cells)
    coded = [entry for entry in shown if entry["codes"]]
    if coded:
        yield "\n| Picture | Code | Content | Action | Rule |\n|---|---|---|---|---|\n"
    for entry in coded:
        for code in entry["codes"]:
            content, _ = content_of(code, limit=80)
            yield _row(
                (
                    entry["name"],
                    symbology_name(code["symbology"]),
                    content,
                    code["action"],
                    code["rule"],
                )
            )
    if len(entries) > len(shown):
        yield f"\n{count(len(entries) - len(shown), 'more picture')}, of less risk.\n"


def _codes_in(tally: Tally) -> str:
    would = "would be " if tally.dry_run else ""
    parts = [
        f"{tally.actions[action]:,} {would}{PARTICIPLES[action]}"
        for action in Action
        if tally.actions[action]
    ]
    if tally.removed:
        parts.append(f"{tally.removed:,} removed with a further picture of the file")
    return f"{count(tally.codes, 'code')}{': ' if parts else ''}{', '.join(parts)}"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(_text, cells))} |\n"


def _text(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", escape_text(shorten(text, limit=120)))
