"""`redactor verify`: can anything still be read?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from redactor.cli import options
from redactor.cli.exits import HELP, Exit, leave, worst

if TYPE_CHECKING:
    from redactor.geometry import Quad
    from redactor.model import Decision, Result


@click.command(epilog=HELP + "\nexample:  redactor verify redacted/ --policy policies/default.yaml")
@options.sources
@options.files_from
@options.policy(required=False)
@click.option(
    "--results",
    metavar="FILE",
    help="What an earlier run allowed to stay is no finding (its --results file).",
)
@options.content
@options.jobs
@options.oss
@options.quiet
def verify(
    *,
    sources: tuple[str, ...],
    files_from: str | None,
    policy_file: str | None,
    results: str | None,
    content: str,
    jobs: int,
    endpoint: str | None,
    region: str | None,
    quiet: bool,
) -> None:
    """Look for codes that can still be read; exit with 5 if there are any.

    Every engine looks at every picture whole, and again, up close and in harder versions, at
    whatever looks like a code. A code that --policy or --results allows is no finding.
    """
    from redactor.batch import Batch
    from redactor.cli import output
    from redactor.cli.record import Record

    allowed = _allowed(results) if results else {}
    redactor = options.make_redactor(policy_file, "local")
    remarks = output.stderr(quiet=quiet)
    settings = options.oss_settings(endpoint, region, jobs)
    source = options.open_sources(sources, files_from, settings=settings)
    record = Record(redactor, title="Verification", source=" ".join(sources), content=content)
    with record:
        batch = Batch(redactor, dry_run=True, jobs=jobs)
        for outcome in output.with_progress(batch.run(source), remarks, "verifying"):
            quads = allowed.get(outcome.result.name, ())
            readable = [
                decision
                for decision in outcome.result.codes
                if _is_finding(decision, outcome.result, quads, has_policy=policy_file is not None)
            ]
            record.add(outcome.with_codes(readable))
    console = output.stdout()
    record.print_codes(console)
    count = record.tally.codes
    pictures = f"{record.tally.pictures:,} picture{'' if record.tally.pictures == 1 else 's'}"
    console.print(
        f"Nothing can be read in {pictures}."
        if not count
        else f"{count:,} code{'' if count == 1 else 's'} can be read in {pictures}."
    )
    record.print_failures(remarks, lambda names: f"redactor verify {names}")
    leave(worst(Exit.READABLE if count else Exit.DONE, record.exit_code()))


def _is_finding(
    decision: Decision, result: Result, allowed: tuple[Quad, ...], *, has_policy: bool
) -> bool:
    """Say whether a code that was read should not be there."""
    if not decision.detection.is_read:
        return False
    if has_policy and not decision.action.hides:
        return False
    center = decision.detection.quad.center
    return not any(quad.contains(center) for quad in allowed)


def _allowed(path: str) -> dict[str, tuple[Quad, ...]]:
    """Give the quads of the codes that a run let stay, by where it wrote the picture."""
    from redactor.geometry import Quad
    from redactor.model import Action
    from redactor.report import read_rows

    try:
        with Path(path).open(encoding="utf-8") as lines:
            rows = list(read_rows(lines, name=path))
    except OSError as error:
        raise click.UsageError(f"{path}: cannot be read: {error.strerror}") from error
    return {
        entry["written"]: tuple(
            Quad.of(code["quad"]) for code in entry["codes"] if code["action"] == Action.ALLOW
        )
        for entry in rows
        if entry["written"]
    }
