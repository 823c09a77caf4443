"""`redactor scan`: what codes are there."""

from __future__ import annotations

import click

from redactor.cli import options
from redactor.cli.exits import help_of, leave, worst


@click.command(epilog=help_of("redactor scan photos/ --content full"))
@options.sources
@options.files_from
@options.detector
@options.thorough
@click.option("--results", metavar="FILE", help="Record each picture as a line of JSON here.")
@options.content
@options.jobs
@options.imm_project
@options.oss
@options.quiet
@click.pass_context
def scan(
    context: click.Context,
    *,
    sources: tuple[str, ...],
    files_from: str | None,
    detector: str | None,
    thorough: bool,
    results: str | None,
    content: str,
    jobs: int,
    imm_project: str | None,
    endpoint: str | None,
    region: str | None,
    quiet: bool,
) -> None:
    """List the codes in pictures; change nothing.

    SOURCE is a file, a folder, a pattern, oss://bucket/key, oss://bucket/prefix/ or - (stdin).
    """
    detector = options.pick_detector(detector, sources, files_from)

    from redactor.batch import Batch, Capacity, processes
    from redactor.cli import output
    from redactor.cli.follow import follow
    from redactor.cli.progress import Watch
    from redactor.cli.record import Record
    from redactor.report.words import count

    redactor = options.make_redactor(None, detector, thorough=thorough)
    remarks = output.stderr(quiet=quiet)
    settings = options.oss_settings(endpoint, region, jobs, imm_project=imm_project)
    source = options.open_sources(sources, files_from, settings=settings)
    batch = Batch(redactor, dry_run=True)
    record = Record(
        redactor,
        title="Scan",
        source=options.source_names(sources, files_from),
        results=results,
        content=content,
        codes=True,
    )
    capacity = Capacity(jobs)
    ended = follow(
        lambda stop: processes.run(batch, source, record.entry, capacity=capacity, stop=stop),
        record,
        Watch(remarks, "scanning", total=options.counted(source)),
    )
    record.print_codes(output.stdout())
    if record.tally.pictures:
        pictures = count(record.tally.pictures, "picture")
        remarks.print(f"{count(record.tally.codes, 'code')} in {pictures}.")
    record.print_failures(context)
    leave(worst(ended, record.exit_code()))
