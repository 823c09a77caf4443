"""`redactor policy`: work on policies."""

from __future__ import annotations

import click

from redactor.cli.exits import Exit, help_of, leave
from redactor.errors import Mistake, PolicyError


@click.group(epilog=help_of("redactor policy check policies/*.yaml"))
def policy() -> None:
    """Work on policies."""


@policy.command(epilog=help_of("redactor policy check policies/*.yaml"))
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
def check(files: tuple[str, ...]) -> None:
    """Find every mistake in policy files, each with its line and column."""
    from redactor.cli import output
    from redactor.policy import Policy
    from redactor.report.text import escape_text
    from redactor.report.words import count

    console = output.stdout()
    mistakes: list[Mistake] = []
    wrong = 0
    for file in files:
        try:
            found = Policy.load(file)
        except PolicyError as error:
            mistakes.extend(error.mistakes)
            wrong += 1
        else:
            rules = count(len(found.rules), "rule")
            told = f"{file}: valid: {found.name}, {rules}, hash {found.hash}"
            console.print(escape_text(told), soft_wrap=True)
    for mistake in mistakes:
        console.print(escape_text(str(mistake)), soft_wrap=True)
    if mistakes:
        of_files = f"{wrong:,} of {count(len(files), 'file')}"
        output.stderr().print(f"{count(len(mistakes), 'mistake')} in {of_files}.")
        leave(Exit.POLICY)
