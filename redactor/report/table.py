"""Tables for the terminal. Foreign text in them is escaped and never read as markup."""

from collections.abc import Iterable

from rich import box
from rich.table import Table
from rich.text import Text

from redactor.model import Action, Verdict
from redactor.report.rows import Row
from redactor.report.tally import Tally
from redactor.report.text import escape_text, shorten
from redactor.report.words import (
    MEANINGS,
    PARTICIPLES,
    SYMBOLS,
    codes_of,
    content_of,
    count,
    done_to,
    symbology_name,
)

COLORS = {
    Verdict.QUARANTINED: "red",
    Verdict.FLAGGED: "yellow",
    Verdict.REDACTED: "blue",
    Verdict.ALLOWED: "green",
    Verdict.CLEAN: "bright_black",
}


def verdict_text(verdict: Verdict) -> Text:
    """Give a verdict as symbol, word and colour."""
    return Text(f"{SYMBOLS[verdict]} {verdict}", style=COLORS[verdict], no_wrap=True)


def pictures_table(rows: Iterable[Row]) -> Table:
    """List pictures: name, verdict, codes, what was done."""
    table = _table("Picture", "Verdict", "Codes", "What was done")
    for entry in rows:
        table.add_row(
            _plain(entry["name"]),
            verdict_text(Verdict(entry["verdict"])),
            _plain(codes_of(entry) or "none"),
            _plain(done_to(entry)),
        )
    return table


def codes_table(rows: Iterable[Row]) -> Table:
    """List codes: picture, symbology, content as far as the rows tell, who saw it."""
    table = _table("Picture", "Code", "Content", "Seen by")
    for entry in rows:
        for code in entry["codes"]:
            content, is_quote = content_of(code, limit=80)
            table.add_row(
                _plain(entry["name"]),
                _plain(symbology_name(code["symbology"])),
                _plain(content, style="" if is_quote else "italic"),
                _plain(", ".join(code["sources"])),
            )
    return table


def summary_table(tally: Tally) -> Table:
    """Sum up a run: pictures by verdict, codes by action."""
    table = _table("Pictures", "", "")
    table.columns[1].justify = "right"
    for verdict in Verdict:
        number = tally.verdicts[verdict]
        style = "" if number else "dim"
        label = verdict_text(verdict) if number else Text(f"{SYMBOLS[verdict]} {verdict}")
        table.add_row(label, f"{number:,}", MEANINGS[verdict], style=style)
    table.add_section()
    table.add_row("all", f"{tally.pictures:,}", _of_codes(tally))
    return table


def _of_codes(tally: Tally) -> str:
    if not tally.codes:
        return "no codes"
    would = "would be " if tally.dry_run else ""
    done = [
        f"{tally.actions[action]:,} {would}{PARTICIPLES[action]}"
        for action in Action
        if tally.actions[action]
    ]
    parts = ", ".join(done)
    return f"{count(tally.codes, 'code')}{': ' if parts else ''}{parts}"


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _plain(text: str, *, style: str = "") -> Text:
    return Text(escape_text(shorten(text)), style=style)
