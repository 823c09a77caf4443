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
    PARTICIPLES,
    SYMBOLS,
    codes_of,
    content_of,
    count,
    done_to,
    meaning,
    symbology_name,
)

_WHOLE_NAME = 40  # characters, of 80 in a terminal

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
    entries = list(rows)
    folder = shared_folder(entry["name"] for entry in entries)
    done = "What would be done" if any(entry["dry_run"] for entry in entries) else "What was done"
    table = _table("Picture", "Verdict", "Codes", done, folder=folder)
    _keep_whole(table, entries, folder)
    for entry in entries:
        is_lost = entry["verdict"] == Verdict.QUARANTINED
        table.add_row(
            _plain(entry["name"].removeprefix(folder)),
            verdict_text(Verdict(entry["verdict"])),
            _plain(codes_of(entry) or ("not known" if is_lost else "none")),
            _plain(done_to(entry).removeprefix("would be: " if entry["dry_run"] else "")),
        )
    return table


def codes_table(rows: Iterable[Row]) -> Table:
    """List codes: picture, symbology, content as far as the rows tell, who saw it."""
    entries = [entry for entry in rows if entry["codes"]]
    folder = shared_folder(entry["name"] for entry in entries)
    table = _table("Picture", "Code", "Content", "Seen by", folder=folder)
    _keep_whole(table, entries, folder)
    for entry in entries:
        for code in entry["codes"]:
            content, is_quote = content_of(code, limit=80)
            table.add_row(
                _plain(entry["name"].removeprefix(folder)),
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
        table.add_row(label, f"{number:,}", meaning(verdict, dry_run=tally.dry_run), style=style)
    if tally.errors:
        named = "of these; named at the end"
        label = Text("✕ not read or written", style="red")
        table.add_row(label, f"{tally.errors:,}", named)
    if tally.held:
        label = Text("⚑ held back", style=COLORS[Verdict.FLAGGED])
        table.add_row(label, f"{tally.held:,}", "of these; not written")
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
    if tally.removed:
        done.append(f"{tally.removed:,} {would}removed with a further picture of the file")
    if left := tally.codes - tally.actions.total() - tally.removed:
        were = "would not be" if tally.dry_run else "were not"
        done.append(f"{left:,} in pictures that {were} written")
    parts = ", ".join(done)
    return f"{count(tally.codes, 'code')}{': ' if parts else ''}{parts}"


def shared_folder(names: Iterable[str]) -> str:
    """Give the folder that all names begin with, its slash included; empty if there is none.

    A single name keeps its folder: there is nothing to be said once instead of often.
    """
    distinct = set(names)
    if len(distinct) < 2:
        return ""
    folders = {name.rpartition("/")[0] for name in distinct}
    parts = [folder.split("/") for folder in folders]
    shared = []
    for level in zip(*parts, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    # `oss://` and `/` alone say nothing.
    nothing = {"oss:": 2, "": 1}.get(shared[0], 0) if shared else 0
    return "/".join(shared) + "/" if len(shared) > nothing else ""


def _table(*columns: str, folder: str = "") -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    if folder:
        table.title = _plain(f"in {folder}", style="dim")
        table.title_justify = "left"
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _keep_whole(table: Table, entries: Iterable[Row], folder: str) -> None:
    """Let the other columns give way where names are short: they are copied from here."""
    longest = max((len(entry["name"]) - len(folder) for entry in entries), default=0)
    table.columns[0].no_wrap = longest <= _WHOLE_NAME


def _plain(text: str, *, style: str = "") -> Text:
    return Text(escape_text(shorten(text)), style=style)
