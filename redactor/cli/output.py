"""Consoles: results to stdout, remarks and progress to stderr.

What is printed is text, never markup: names and payloads may look like it. Lines are not broken;
tables are as wide as the terminal, and as wide as they need where there is none.
"""

from __future__ import annotations

import os
import sys

from rich.console import Console
from rich.table import Table

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


def print_table(console: Console, table: Table) -> None:
    """Print a table; in a file or a pipe without the blanks that fill it up."""
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as shown:
        console.print(table)
    lines = shown.get().rstrip("\n").split("\n")
    console.out("\n".join(line.rstrip() for line in lines), highlight=False)


def tell(message: str) -> None:
    """Print one line about what went wrong, whether remarks are wanted or not."""
    stderr().print(f"redactor: {escape_text(message)}", soft_wrap=True)
