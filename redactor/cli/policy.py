"""`redactor policy`: work on policies."""

from __future__ import annotations

import click

from redactor.cli.exits import HELP
from redactor.errors import Mistake, PolicyError


@click.group(epilog=HELP)
def policy() -> None:
    """Work on policies."""


@policy.command(epilog=HELP + "\nexample:  redactor policy check policies/*.yaml")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
def check(files: tuple[str, ...]) -> None:
    """Find every mistake in policy files, each with its line and column."""
    from redactor.policy import Policy

    mistakes: list[Mistake] = []
    for file in files:
        try:
            found = Policy.load(file)
        except PolicyError as error:
            mistakes.extend(error.mistakes)
        else:
            rules = f"{len(found.rules)} rule{'' if len(found.rules) == 1 else 's'}"
            click.echo(f"{file}: valid: {found.name}, {rules}, hash {found.hash}")
    if mistakes:
        raise PolicyError(mistakes)
