"""Consoles and progress: results to stdout, remarks and progress to stderr.

What is printed is text, never markup: names and payloads may look like it. Lines are not broken;
tables are as wide as the terminal, and as wide as they need where there is none.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from redactor.batch import Outcome
from redactor.report.text import escape_text

_WIDE = 400  # columns of a table in a file or a pipe


class _Console(Console):
    """A console that goes on in silence when nobody reads it any more."""

    def on_broken_pipe(self) -> None:
        """Work on: what the run does matters more than who looks on."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())


def _console(*, stderr: bool = False, quiet: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    is_sized = stream.isatty() or "COLUMNS" in os.environ
    return _Console(
        stderr=stderr,
        quiet=quiet,
        highlight=False,
        markup=False,
        emoji=False,
        width=None if is_sized else _WIDE,
    )


def stdout() -> Console:
    """The console for results."""
    return _console()


def stderr(*, quiet: bool = False) -> Console:
    """The console for remarks."""
    return _console(stderr=True, quiet=quiet)


def tell(message: str) -> None:
    """Print one line about what went wrong, whether remarks are wanted or not."""
    stderr().print(f"redactor: {escape_text(message)}", soft_wrap=True)


def with_progress(outcomes: Iterable[Outcome], console: Console, word: str) -> Iterator[Outcome]:
    """Show how far a run is while it goes on; nothing where the console is no terminal."""
    if not console.is_terminal or console.quiet:
        yield from outcomes
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[name]}", style="dim", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(word, total=None, name="")
        for outcome in outcomes:
            progress.update(task, advance=1, name=escape_text(outcome.result.name)[-60:])
            yield outcome
