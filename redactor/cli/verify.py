"""`redactor verify`: can anything still be read?"""

from __future__ import annotations

import click

from redactor.cli import options
from redactor.cli.exits import Exit, help_of, leave, worst


@click.command(
    short_help="Look for codes that can still be read; exit with 5 if any can.",
    epilog=help_of(
        "redactor verify redacted/",
        "redactor verify redacted/ --policy policies/own-links.yaml",
    ),
)
@options.sources
@options.files_from
@options.policy(required=False, help_text="What this policy allows is no finding.")
@click.option(
    "--results",
    metavar="FILE",
    help="What the run that wrote these results allowed is no finding.",
)
@options.thorough
@options.content
@options.jobs
@options.oss
@options.quiet
@click.pass_context
def verify(
    context: click.Context,
    *,
    sources: tuple[str, ...],
    files_from: str | None,
    policy_file: str | None,
    results: str | None,
    thorough: bool,
    content: str,
    jobs: int,
    endpoint: str | None,
    region: str | None,
    quiet: bool,
) -> None:
    """Look for codes that can still be read; exit with 5 if there are any.

    Every engine looks at every picture whole, plain and in the versions that `run` tries on what it
    has drawn (sharpened, deblurred, by thresholds ...), and up close at whatever looks like a code.
    A code that --policy or --results allows is no finding.
    """
    from redactor.batch import Batch, Capacity, processes
    from redactor.cli import output
    from redactor.cli.allowed import Allowed
    from redactor.cli.follow import follow
    from redactor.cli.progress import Watch
    from redactor.cli.record import Record
    from redactor.detect import LocalDetector
    from redactor.report.words import count

    allowed = Allowed(results, has_policy=policy_file is not None)
    redactor = options.make_redactor(policy_file, "local", thorough=thorough)
    redactor.local = LocalDetector(thorough=thorough, audits=True)
    remarks = output.stderr(quiet=quiet)
    settings = options.oss_settings(endpoint, region, jobs)
    source = options.open_sources(sources, files_from, settings=settings)
    batch = Batch(redactor, dry_run=True)
    record = Record(
        redactor,
        title="Verification",
        source=options.source_names(sources, files_from),
        content=content,
        codes=True,
    )
    ended = follow(
        lambda stop: processes.run(
            batch,
            source,
            lambda outcome: record.entry(allowed.findings(outcome)),
            capacity=Capacity(jobs),
            stop=stop,
        ),
        record,
        Watch(remarks, "verifying", total=options.counted(source)),
    )
    console = output.stdout()
    record.print_codes(console)
    codes = record.tally.codes
    looked_at = record.tally.pictures - len(record.failures)
    if looked_at:
        pictures = count(looked_at, "picture")
        if codes:
            console.print(f"{count(codes, 'code')} can be read; looked at {pictures}.")
        else:
            console.print(f"Nothing can be read in {pictures}.")
    record.print_failures(context)
    # An audit that has looked at nothing has not passed.
    nothing = Exit.DONE if record.tally.pictures else Exit.SOME_FAILED
    leave(worst(ended, Exit.READABLE if codes else Exit.DONE, record.exit_code(), nothing))
