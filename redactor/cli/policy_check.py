"""`redactor policy check`: every mistake in policies at once, and what looks like one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from redactor.cli.exits import Exit, help_of, leave

if TYPE_CHECKING:
    from redactor.errors import Mistake


@click.command(
    short_help="Find every mistake in policies, with its place.",
    epilog=help_of(
        "redactor policy check policies/*.yaml", "redactor policy check shop.yaml --strict"
    ),
)
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--strict", is_flag=True, help="Take warnings for mistakes: exit with 3.")
def check(*, files: tuple[str, ...], strict: bool) -> None:
    """Find every mistake in policies and their tests, each with its line and column.

    Warnings name what is valid and looks wrong all the same: rules that never match, entries
    that expire within 30 days, rules that allow without a reason, lists that nobody uses.
    """
    from redactor.cli import output
    from redactor.errors import PolicyError
    from redactor.report.text import escape_text
    from redactor.report.words import count

    console = output.stdout()
    mistakes: list[Mistake] = []
    found_warnings: list[Mistake] = []
    wrong = 0
    for file in files:
        try:
            told, found = _look(file)
        except PolicyError as error:
            mistakes.extend(error.mistakes)
            wrong += 1
        else:
            found_warnings.extend(found)
            console.print(escape_text(f"{file}: valid: {told}"), soft_wrap=True)
    for mistake in dict.fromkeys(mistakes):
        console.print(escape_text(str(mistake)), soft_wrap=True)
    for warning in dict.fromkeys(found_warnings):
        place = f"{warning.file}:{warning.line}:{warning.column}"
        console.print(escape_text(f"{place}: warning: {warning.message}"), soft_wrap=True)
    if mistakes:
        of_files = f"{wrong:,} of {count(len(files), 'file')}"
        output.stderr().print(f"{count(len(set(mistakes)), 'mistake')} in {of_files}.")
        leave(Exit.POLICY)
    if found_warnings and strict:
        told = count(len(set(found_warnings)), "warning")
        output.stderr().print(f"{told}, which --strict takes for mistakes.")
        leave(Exit.POLICY)


def _look(file: str) -> tuple[str, tuple[Mistake, ...]]:
    """Say what a valid file is, and give the warnings about it."""
    from redactor.policy import Policy, Suite, warnings
    from redactor.policy.suite import SUFFIX
    from redactor.report.words import count

    if file.endswith(SUFFIX):
        suite = Suite.load(file)
        return f"{count(len(suite.cases), 'test')} of {suite.policy.name}", ()
    policy = Policy.load(file)
    rules = count(len(policy.rules) + len(policy.pictures), "rule")
    return f"{policy.name}, {rules}, hash {policy.hash}", warnings(policy)
