"""What a run leaves behind: the results file, the report, the tables, and what to run again."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TextIO

import click
from rich.console import Console

from redactor.batch import Outcome
from redactor.cli.exits import Exit, worst
from redactor.model import Verdict
from redactor.pipeline import Redactor
from redactor.report import (
    HtmlReport,
    Row,
    Tally,
    codes_table,
    dump_row,
    pictures_table,
    row,
    summary_table,
)
from redactor.report.text import Content, escape_text

_TABLE_ROWS = 60  # more pictures than this are summed up, not listed
_NAMED = 20  # more failures than this go into a file


class Record:
    """Takes the outcomes of a run one by one. A context manager: its files close with it.

    Args:
        redactor: What ran.
        title: Of the report.
        source: Where the pictures came from, for the report.
        results: Path of the results file; None for none.
        report: Path of the report; None for none.
        content: How much of what codes say is told.
    """

    def __init__(
        self,
        redactor: Redactor,
        *,
        title: str,
        source: str,
        results: str | None = None,
        report: str | None = None,
        content: str = Content.HOST,
    ) -> None:
        self.tally = Tally()
        self.failed: list[tuple[str, str]] = []
        self._content = Content(content)
        self._results_path, self._report_path = results, report
        self._rows: list[Row] = []
        self._files = ExitStack()
        # Opened before any work is done: a typing mistake must not cost a night.
        self._results = self._files.enter_context(_new_file(results)) if results else None
        self._report = self._files.enter_context(_new_file(report)) if report else None
        self._page = HtmlReport(
            title,
            policy=f"{redactor.policy.name}@{redactor.policy.hash}",
            detector=redactor.where.value,
            source=source,
            started=datetime.now(UTC),
            content=self._content,
        )

    def __enter__(self) -> Record:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._report is not None:
            self._report.write(self._page.render())
        self._files.close()

    def add(self, outcome: Outcome) -> None:
        """Record what happened to one picture."""
        result = outcome.result
        entry = row(result, written=outcome.written, error=outcome.error, content=self._content)
        self.tally.add(entry)
        if len(self._rows) <= _TABLE_ROWS:
            self._rows.append(entry)
        if self._results is not None:
            self._results.write(dump_row(entry))
            self._results.flush()
        if self._report is not None:
            after = result.image if result.is_publishable else None
            self._page.add_row(entry, outcome.before, after)
        if outcome.has_failed:
            self.failed.append((result.name, outcome.error or "; ".join(result.reasons)))

    def print_tables(self, console: Console, *, quiet: bool = False) -> None:
        """Print the pictures, if there are few, and the sums."""
        if not quiet and 0 < len(self._rows) <= _TABLE_ROWS:
            console.print(pictures_table(self._rows))
        console.print(summary_table(self.tally))

    def print_codes(self, console: Console) -> None:
        """Print the codes of every picture that was kept for the table."""
        if any(entry["codes"] for entry in self._rows):
            console.print(codes_table(self._rows))

    def print_failures(self, remarks: Console, again: Callable[[str], str]) -> None:
        """Name what could not be handled, and a command that runs those again.

        Args:
            remarks: Where to.
            again: Gives the command for sources as they are typed.
        """
        if not self.tally.pictures:
            remarks.print("No pictures were found there.", style="yellow")
        if not self.failed:
            return
        remarks.print(f"{len(self.failed):,} could not be handled:", style="bold")
        for name, reason in self.failed[:_NAMED]:
            remarks.print(f"  {escape_text(name)}: {_without(name, reason)}", soft_wrap=True)
        if len(self.failed) <= _NAMED:
            names = " ".join(shlex.quote(name) for name, _ in self.failed)
        else:
            remarks.print(f"  and {len(self.failed) - _NAMED:,} more")
            names = f"--files-from {shlex.quote(self._write_failures())}"
        remarks.print("To run those again:")
        remarks.print(f"  {escape_text(again(names))}", soft_wrap=True, markup=False)

    def exit_code(self, fail_on: str | None = None) -> Exit:
        """Give the exit code of the run."""
        asked = {"flagged": (Verdict.FLAGGED,), "redacted": (Verdict.FLAGGED, Verdict.REDACTED)}
        hit = any(self.tally.verdicts[verdict] for verdict in asked.get(fail_on or "", ()))
        return worst(
            Exit.SOME_FAILED if self.failed else Exit.DONE, Exit.FAILED_ON if hit else Exit.DONE
        )

    def _write_failures(self) -> str:
        path = f"{self._results_path or self._report_path or 'redactor'}.failed.txt"
        Path(path).write_text("".join(f"{name}\n" for name, _ in self.failed), encoding="utf-8")
        return path


def _without(name: str, reason: str) -> str:
    """Give a reason without the name that stands before it already."""
    return escape_text(reason.removeprefix(f"{name}: "))


def _new_file(path: str) -> TextIO:
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return Path(path).open("w", encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{path}: cannot be written: {error.strerror}") from error
