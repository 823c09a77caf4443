"""Consoles and progress: results to stdout, remarks and progress to stderr."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from redactor.batch import Outcome
from redactor.report.text import escape_text


def stdout() -> Console:
    """The console for results."""
    return Console(highlight=False, soft_wrap=False)


def stderr(*, quiet: bool = False) -> Console:
    """The console for remarks."""
    return Console(stderr=True, highlight=False, quiet=quiet)


def with_progress(outcomes: Iterable[Outcome], console: Console, word: str) -> Iterator[Outcome]:
    """Show how far a run is while it goes on; nothing where the console is no terminal."""
    if not console.is_terminal or console.quiet:
        yield from outcomes
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        TextColumn("[dim]{task.fields[name]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(word, total=None, name="")
        for outcome in outcomes:
            progress.update(task, advance=1, name=escape_text(outcome.result.name)[-60:])
            yield outcome
