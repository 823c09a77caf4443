"""`redactor plan`: decide now, so that people can approve."""

from __future__ import annotations

import os

import click

from redactor.cli import options
from redactor.cli.exits import Exit, Refusal, help_of, leave, worst


@click.command(
    short_help="Decide now, for people to approve; change nothing.",
    epilog=help_of("redactor plan photos/ -o plan.jsonl --report plan.html"),
)
@options.sources
@options.files_from
@click.option(
    "-o", "--output", "plan_file", required=True, metavar="FILE", help="Write the plan here."
)
@click.option("--overwrite", is_flag=True, help="Replace a plan that is there already.")
@options.policy()
@options.detector
@options.thorough
@click.option("--report", metavar="FILE", help="Write an HTML page to decide by.")
@options.page
@options.content
@options.jobs
@options.memory
@options.selection
@options.imm_limits
@options.oss
@options.quiet
@click.pass_context
def plan(
    context: click.Context,
    *,
    sources: tuple[str, ...],
    files_from: str | None,
    plan_file: str,
    overwrite: bool,
    policy_file: str,
    detector: str | None,
    thorough: bool,
    report: str | None,
    no_images: bool,
    show_codes: bool,
    content: str,
    jobs: int,
    memory: int | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    since: str | None,
    until: str | None,
    start_after: str,
    imm_project: str | None,
    imm_qps: float | None,
    max_imm_calls: int | None,
    imm_price: float,
    endpoint: str | None,
    region: str | None,
    quiet: bool,
) -> None:
    """Find codes, decide by a policy, and write down what would be done; change nothing.

    The plan has a line for each picture. Set `approved: true` in it, of a picture or of a code,
    or change the `action` of a code and say `by` whom and for what `reason`; then let
    `redactor apply` do exactly that.
    """
    if not overwrite and _is_written(plan_file):
        raise Refusal(
            f"{plan_file}: exists, and somebody may have written into it;"
            " name another file, or replace it with --overwrite"
        )
    detector = options.pick_detector(detector, sources, files_from)

    from redactor.batch import Batch, Capacity, processes
    from redactor.batch.plan import plan_row
    from redactor.cli import output
    from redactor.cli.follow import follow
    from redactor.cli.progress import Watch
    from redactor.cli.record import Record, part_of
    from redactor.report.text import Content
    from redactor.storage.imm_gate import ImmGate

    redactor = options.make_redactor(policy_file, detector, thorough=thorough)
    remarks = output.stderr(quiet=quiet)
    gate = ImmGate(imm_qps, max_imm_calls)
    source = options.open_sources(
        sources,
        files_from,
        start_after=start_after,
        settings=options.oss_settings(endpoint, region, jobs, imm_project=imm_project),
        imm=gate,
    )
    source = options.select(source, include, exclude, since, until)
    record = Record(
        redactor,
        title="Plan",
        source=options.source_names(sources, files_from),
        results=plan_file,
        report=report,
        content=content,
        line=lambda entry: plan_row(entry, Content(content)),
        is_plan=True,
        no_images=no_images,
        show_codes=show_codes,
    )
    batch, capacity = Batch(redactor, dry_run=True), Capacity(jobs, memory)
    ended = follow(
        lambda stop: processes.run(batch, source, record.entry, capacity=capacity, stop=stop),
        record,
        Watch(remarks, "planning", total=options.counted(source), gate=gate, price=imm_price),
    )
    record.print_tables(output.stdout(), quiet=quiet)
    record.print_failures(context, is_whole=ended is Exit.DONE)
    if ended is not Exit.DONE:
        told = f"The plan broke off; what there is of it lies in {part_of(plan_file)}"
        output.stderr().print(told, soft_wrap=True)
    else:
        remarks.print(f"Plan: {plan_file}", soft_wrap=True)
    if report:
        remarks.print(f"Report: {report}", soft_wrap=True)
    leave(worst(ended, record.exit_code()))


def _is_written(path: str) -> bool:
    return os.path.isfile(path) and os.path.getsize(path) > 0  # noqa: PTH113, PTH202 - never raise
