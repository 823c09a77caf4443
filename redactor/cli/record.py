"""What a run leaves behind: the results file, the report, the tables, and what to run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

import click
from rich.console import Console

from redactor.batch import Entry, Ledger, Outcome, entry_of
from redactor.batch.ledger import RESULTS
from redactor.cli import output
from redactor.cli.again import NAMED, Failure, commands, whole_command
from redactor.cli.exits import Exit, Refusal, worst
from redactor.errors import BackendMissing
from redactor.model import Verdict
from redactor.pipeline import Redactor
from redactor.report import (
    Row,
    Tally,
    codes_table,
    dump_row,
    pictures_table,
    reduce,
    summary_table,
)
from redactor.report.pictures import Pictures
from redactor.report.text import Content, escape_text
from redactor.report.words import count
from redactor.storage.names import IF_THERE, is_picture

if TYPE_CHECKING:
    from redactor.report.html import HtmlReport

_MOST_SHOWN = 20_000  # pictures on a page
_TABLE_ROWS = 60  # more pictures than this are summed up, not listed


class Record:
    """Takes what becomes of pictures one by one. A context manager: its files close with it.

    Args:
        redactor: What ran.
        title: Of the report.
        source: Where the pictures came from, for the report.
        results: Path of the results file; None for none.
        report: Path of the report; None for none.
        content: How much of what codes say is told.
        codes: Whether `print_codes` will be asked for, which has no limit.
        ledger: Of a run that can be resumed; its folder then holds the results. None for none.
        line: Gives what results file and report hold of a picture; its row where None.
        is_plan: That is the line of a plan.
        no_images: The report shows no pictures.
        show_codes: Codes in its pictures can be read.
        imm: Tells at the end what was asked of IMM; empty if nothing was.
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
        codes: bool = False,
        ledger: Ledger | None = None,
        line: Callable[[Entry], Row] | None = None,
        is_plan: bool = False,
        no_images: bool = False,
        show_codes: bool = False,
        imm: Callable[[], str] | None = None,
    ) -> None:
        self.recalled = 0
        self.has_ended_early = False
        self.began = datetime.now(UTC)
        self.ledger = ledger
        self.policy = f"{redactor.policy.name}@{redactor.policy.hash}"
        self.detector, self.source = redactor.where.value, source
        self._decides = redactor.policy
        if ledger is not None:
            results = results or str(ledger.folder / RESULTS)
        self.tally = Tally()
        self.failures: list[Failure] = []
        self._refresh: list[str] = []
        self._keeps_codes = codes
        self._content = Content(content)
        self._results_path, self._report_path = results, report
        self._entries: list[Entry] = []
        self._ahead: dict[int, str] = {}
        self._line = line
        self._has_images, self._imm = not no_images, imm
        self._next = 0
        self._files = ExitStack()
        # Opened before any work is done: a typing mistake must not cost a night.
        # Half a plan is none, and half a page would take the place of the one before.
        self._plan_part = part_of(results) if results and is_plan else None
        self._report_part = part_of(report) if report else None
        grows = self._plan_part or results
        self._results = self._files.enter_context(_new_file(grows)) if grows else None
        page = self._report_part
        self._report = self._files.enter_context(_new_file(page)) if page else None
        self._page: HtmlReport | None = None
        if report is not None:
            from redactor.report.html import HtmlReport

            self._page = HtmlReport(
                title,
                policy=self.policy,
                detector=self.detector,
                source=source,
                started=self.began,
                content=self._content,
                is_plan=is_plan,
                show_codes=show_codes,
                **beside(report),
            )

    def __enter__(self) -> Record:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._files:
            if self._report is not None and self._report_path and self._page is not None:
                self._tell_end()
                with _room_for(self._report_path):
                    self._report.write(self._page.render())
                    self._report.close()
                    _put(self._report_part, self._report_path)
            if self._results is not None and self._results_path is not None:
                with _room_for(self._results_path):  # of a run that ended early
                    self._results.writelines(self._ahead[number] for number in sorted(self._ahead))
                    self._results.close()
                    if kind is None and not self.has_ended_early:
                        _put(self._plan_part, self._results_path)
        if self.ledger is not None and self._results_path is not None:
            with _room_for(self._results_path):
                self._rewrite(self.ledger, Path(self._results_path))

    def tell(self, label: str, value: str) -> None:
        """Add to what the top of the report tells of the run."""
        if self._page is not None:
            self._page.tell(label, value)

    def _tell_end(self) -> None:
        seconds = (datetime.now(UTC) - self.began).total_seconds()
        fresh = self.tally.pictures - self.recalled
        self.tell("Took", f"{seconds:,.0f} s" if seconds >= 10 else f"{seconds:.1f} s")
        if fresh and seconds:
            self.tell("Rate", f"{fresh / seconds:,.1f} pictures a second")
        if self._imm is not None and (told := self._imm()):
            self.tell("IMM", told)

    def entry(self, outcome: Outcome) -> Entry:
        """Put down what happened to one picture; on any thread."""
        entry = entry_of(
            outcome,
            self._decides,
            keeps_pictures=self.shows_pictures,
            explains=self._report is not None,
        )
        return self.shown(entry)

    @property
    def shows_pictures(self) -> bool:
        """Whether a report is made that shows pictures."""
        return self._report is not None and self._has_images

    def shown(self, entry: Entry) -> Entry:
        """Make the small pictures of an entry that has the large ones, on any thread."""
        if self._page is None or (entry.before is None and entry.image is None):
            return entry
        small = self._page.pictures_of(entry.row, entry.before, entry.image)
        return replace(entry, before=None, image=None, pictures=small)

    def add(self, entry: Entry) -> None:
        """Record what happened to one picture."""
        told = self._line(entry) if self._line else reduce(entry.row, self._content)
        if self.ledger is not None and not entry.is_recalled:
            self.ledger.record(entry)
        self.recalled += entry.is_recalled
        self.tally.add(told)
        if told["codes"] if self._keeps_codes else len(self._entries) <= _TABLE_ROWS:
            self._entries.append(replace(entry, row=told, before=None, image=None, pictures=None))
        if self._results is not None:
            self._ahead[entry.number] = dump_row(told)
            self._write_in_order()
        if self._page is not None:
            self._page.add_pictures(told, self.shown(entry).pictures or Pictures())
        if entry.refresh:
            self._refresh.append(entry.refresh)
        if entry.has_failed:
            is_quarantined = told["error"] is None
            self.failures.append(
                Failure(
                    told["name"],
                    entry.relative,
                    entry.reason,
                    entry.number,
                    is_quarantined,
                    entry.is_moved,
                )
            )

    def _write_in_order(self) -> None:
        """Write the results that are next in the order of the source, and keep those ahead."""
        while self._results is not None and (line := self._ahead.get(self._next)):
            with _room_for(self._results_path or ""):
                self._results.write(line)
                self._results.flush()
            del self._ahead[self._next]
            self._next += 1

    def print_tables(self, console: Console, *, quiet: bool = False) -> None:
        """Print the pictures, if there are few, and the sums."""
        rows = self._rows()
        if not quiet and 0 < len(rows) <= _TABLE_ROWS:
            output.print_table(console, pictures_table(rows))
        output.print_table(console, summary_table(self.tally))

    def _rows(self) -> list[Row]:
        """Give the rows that were kept, in the order of the source."""
        return [entry.row for entry in sorted(self._entries, key=lambda entry: entry.number)]

    def _rewrite(self, ledger: Ledger, path: Path) -> None:
        """Give the results every picture of the run once, in order, whatever was killed when."""
        path = path.resolve()  # a link stays one
        if not path.is_file():
            return  # /dev/stdout and its kin must not be replaced by a file
        part = path.with_name(f"{path.name}.part")
        with _new_file(str(part)) as file:
            file.writelines(dump_row(reduce(row, self._content)) for row in ledger.rows())
        part.replace(path)

    def print_codes(self, console: Console) -> None:
        """Print the codes of every picture that was kept for the table."""
        rows = self._rows()
        if any(entry["codes"] for entry in rows):
            output.print_table(console, codes_table(rows))

    def print_failures(self, context: click.Context, *, is_whole: bool = True) -> None:
        """Name what could not be handled, and the command that runs those again.

        Even a quiet run says this: what failed is no remark.

        Args:
            context: Of the command that ran.
            is_whole: Whether it came to the end of the source; otherwise the command goes on.
        """
        console = output.stderr()
        if not is_whole and self.tally.pictures:
            if self.ledger is not None:
                then = "To go on:"
            elif "run_folder_path" in context.params:
                then = "To begin anew (with --run-folder FOLDER the next one could go on):"
            else:
                then = "To begin anew:"
            console.print(f"The run ended early. {then}", soft_wrap=True)
            console.print(f"  {whole_command(context)}", soft_wrap=True)
        if not self.failures:
            return
        console.print(f"{count(len(self.failures), 'picture')} could not be handled:", style="bold")
        failures = sorted(self.failures, key=lambda one: one.number)
        for one in failures[:NAMED]:
            said = escape_text(one.reason.removeprefix(f"{one.name}: "))
            console.print(f"  {escape_text(one.name)}: {said}", soft_wrap=True)
        if len(failures) > NAMED:
            console.print(f"  and {len(failures) - NAMED:,} more")
        # Where something else lies in DEST, the same command would fail in the same way.
        here = [one for one in failures if not (one.is_moved or one.reason.endswith(IF_THERE))]
        if self.ledger is not None or "sources" not in context.params:
            self._print_same_again(console, context, here)
        elif here:
            self._print_again(console, context, here)

    def _print_again(
        self, console: Console, context: click.Context, failures: Sequence[Failure]
    ) -> None:
        console.print("To run those again:")
        try:
            for again in commands(context, failures, self._list_path):
                console.print(f"  {again.command}", soft_wrap=True)
                if again.below:
                    told = f"  and apply that plan with --out DEST/{escape_text(again.below)}/"
                    console.print(told, soft_wrap=True)
        except OSError as error:
            console.print(f"  {error.filename}: cannot be written: {error.strerror}")

    def _print_same_again(
        self, console: Console, context: click.Context, failures: Sequence[Failure]
    ) -> None:
        """Tell of the same command, which leaves alone what is done."""
        # Of pictures that were replaced, a plan says that they have changed.
        is_possible = self.ledger is not None or not context.params.get("in_place")
        if is_possible and not all(one.is_quarantined for one in failures):
            console.print("To run those again:")
            console.print(f"  {whole_command(context)}", soft_wrap=True)
        if self.ledger is not None and any(one.is_quarantined for one in failures):
            told = "What is quarantined is looked at again once it, the policy or redactor changes."
            console.print(told, soft_wrap=True)

    def print_refresh(self) -> None:
        """Name the addresses at which caches still have the pictures that were replaced."""
        if not self._refresh:
            return
        console = output.stderr()
        replaced = count(len(self._refresh), "picture")
        console.print(f"{replaced} replaced; refresh in any cache in front of OSS:", style="bold")
        if len(self._refresh) > NAMED:
            path = Path(f"{self._stem}.refresh.txt")
            path.write_text("".join(f"{url}\n" for url in self._refresh), "utf-8")
            console.print(f"  the addresses in {path}", soft_wrap=True)
            return
        for url in self._refresh:
            console.print(f"  {url}", soft_wrap=True)

    def exit_code(self, fail_on: str | None = None) -> Exit:
        """Give the exit code of the run."""
        asked = {"flagged": (Verdict.FLAGGED,), "redacted": (Verdict.FLAGGED, Verdict.REDACTED)}
        hit = any(self.tally.verdicts[verdict] for verdict in asked.get(fail_on or "", ()))
        return worst(
            Exit.SOME_FAILED if self.failures else Exit.DONE, Exit.FAILED_ON if hit else Exit.DONE
        )

    @property
    def _stem(self) -> str:
        """What names of further files begin with."""
        if self.ledger is not None:
            return str(self.ledger.folder / "redactor")
        return self._results_path or self._report_path or "redactor"

    @property
    def _list_path(self) -> str:
        return f"{self._stem}.failed.txt"


def beside(report: str | None) -> dict[str, Any]:
    """Give the options of a page that keeps its further pictures in a folder beside it."""
    if report is None or report == "-":
        return {}
    folder = Path(report).with_suffix("")

    def keep(name: str, data: bytes) -> None:
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)

    if folder == Path(report):  # a page without an ending
        return {}
    return {"keep": keep, "folder": folder.name, "max_pictures": _MOST_SHOWN}


def part_of(path: str) -> str:
    """Name the file that grows until it is whole; itself where nothing can take its place."""
    whole = Path(path)
    if whole.exists() and not whole.is_file():  # /dev/stdout and its kin
        return path
    return f"{whole.resolve()}.part"  # a link stays one


def _put(part: str | None, path: str) -> None:
    if part is not None and part != path:
        Path(part).replace(Path(path).resolve())


@contextmanager
def _room_for(path: str) -> Iterator[None]:
    """End a run that cannot be told of, by a full disk for one: its pictures would be lost."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BackendMissing(f"{path}: {reason}; make room, and run again") from error


def _new_file(path: str) -> TextIO:
    if is_picture(path):
        raise Refusal(f"{path}: named like a picture; it would be written over")
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return Path(path).open("w", encoding="utf-8")
    except OSError as error:
        raise Refusal(f"{path}: cannot be written: {error.strerror}") from error
