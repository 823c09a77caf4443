"""`redactor policy test`: run the tests that lie beside policies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import click

from redactor.cli import options
from redactor.cli.exits import Exit, Refusal, help_of, leave

if TYPE_CHECKING:
    from rich.console import Console

    from redactor.policy import Suite
    from redactor.policy.suite import Outcome


@click.command(
    short_help="Run the tests that lie beside policies.",
    epilog=help_of(
        "redactor policy test policies/default.yaml",
        "redactor policy test policies/*.yaml --junit policies.xml",
    ),
)
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--junit", metavar="FILE", help="Write the outcome as JUnit XML, for CI.")
def test(*, files: tuple[str, ...], junit: str | None) -> None:
    """Run the tests of policies: x.test.yaml beside x.yaml.

    A test fails where what it expects does not come true, and where something is hidden that it
    does not expect. Exits with 1 if one fails.
    """
    from redactor.cli import output
    from redactor.errors import Mistake, PolicyError
    from redactor.policy import Suite
    from redactor.report.words import count

    console = output.stdout()
    mistakes: list[Mistake] = []
    suites = []
    for name in dict.fromkeys(map(_tests_of, files)):
        try:
            suites.append(Suite.load(name))
        except PolicyError as error:
            mistakes.extend(error.mistakes)
    if mistakes:
        raise PolicyError(mistakes)
    looked = {suite.file: list(suite.run(options.look_at)) for suite in suites}
    for suite in suites:
        _print(console, suite, looked[suite.file])
    if junit is not None:
        _write(junit, _junit(looked))
    outcomes = [outcome for found in looked.values() for outcome in found]
    failed = sum(1 for outcome in outcomes if outcome.problems)
    told = count(len(outcomes), "test")
    console.print(f"{told}, {failed or 'none'} failed.")
    leave(Exit.FAILED_ON if failed else Exit.DONE)


def _tests_of(file: str) -> str:
    from redactor.policy.suite import SUFFIX

    if file.endswith(SUFFIX):
        return file
    if not Path(file).is_file():
        raise Refusal(f"{file}: cannot be read: no such file")
    name = f"{file.removesuffix('.yaml').removesuffix('.yml')}{SUFFIX}"
    if not Path(name).is_file():
        raise click.UsageError(f"{file} has no tests; write them into {name}")
    return name


def _print(console: Console, suite: Suite, outcomes: list[Outcome]) -> None:
    from redactor.report.text import escape_text

    console.print(escape_text(suite.file), style="bold", soft_wrap=True)
    for outcome in outcomes:
        mark, style = ("✕", "red") if outcome.problems else ("✓", "green")
        where = f" (line {outcome.line})" if outcome.problems else ""
        console.print(f"  {mark} {escape_text(outcome.name)}{where}", style=style, soft_wrap=True)
        for problem in outcome.problems:
            console.print(f"      {escape_text(problem)}", soft_wrap=True)
    tested = frozenset[str]().union(*(outcome.rules for outcome in outcomes))
    untested = [rule for rule in suite.rules if rule not in tested]
    covered = f"{len(suite.rules) - len(untested)} of {len(suite.rules)}"
    told = f"; not: {', '.join(untested)}" if untested else ""
    console.print(f"  rules tested: {covered}{told}", soft_wrap=True)
    console.print()


def _junit(looked: dict[str, list[Outcome]]) -> bytes:
    from redactor.report.text import escape_text

    root = ElementTree.Element("testsuites")
    for file, outcomes in looked.items():
        failed = sum(1 for outcome in outcomes if outcome.problems)
        suite = ElementTree.SubElement(
            root, "testsuite", name=file, tests=str(len(outcomes)), failures=str(failed)
        )
        for outcome in outcomes:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                name=escape_text(outcome.name),
                classname=file,
                file=file,
                line=str(outcome.line),
            )
            if outcome.problems:
                message = escape_text("; ".join(outcome.problems))
                ElementTree.SubElement(case, "failure", message=message)
    ElementTree.indent(root)
    made: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return made + b"\n"


def _write(path: str, made: bytes) -> None:
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(made)
    except OSError as error:
        raise Refusal(f"{path}: cannot be written: {error.strerror}") from error
