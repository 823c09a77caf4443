"""`redactor scan`: what codes are there."""

from __future__ import annotations

import click

from redactor.cli import options
from redactor.cli.exits import HELP, leave


@click.command(epilog=HELP + "\nexample:  redactor scan photos/ --content full")
@options.sources
@options.files_from
@options.detector
@click.option("--results", metavar="FILE", help="Write a line of JSON per picture.")
@options.content
@options.jobs
@options.oss
@options.quiet
def scan(
    *,
    sources: tuple[str, ...],
    files_from: str | None,
    detector: str | None,
    results: str | None,
    content: str,
    jobs: int,
    endpoint: str | None,
    region: str | None,
    quiet: bool,
) -> None:
    """List the codes in pictures; change nothing.

    SOURCE is a file, a folder, a pattern, oss://bucket/key, oss://bucket/prefix/ or - (stdin).
    """
    detector = options.pick_detector(detector, sources)

    from redactor.batch import Batch
    from redactor.cli import output
    from redactor.cli.record import Record

    redactor = options.make_redactor(None, detector)
    remarks = output.stderr(quiet=quiet)
    settings = options.oss_settings(endpoint, region, jobs)
    source = options.open_sources(sources, files_from, settings=settings)
    batch = Batch(redactor, dry_run=True, jobs=jobs)
    record = Record(
        redactor, title="Scan", source=" ".join(sources), results=results, content=content
    )
    with record:
        for outcome in output.with_progress(batch.run(source), remarks, "scanning"):
            record.add(outcome)
    record.print_codes(output.stdout())
    record.print_failures(remarks, lambda names: f"redactor scan {names}")
    leave(record.exit_code())
