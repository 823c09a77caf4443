"""`redactor apply`: do what a plan says, and nothing else."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from redactor.cli import options
from redactor.cli.exits import Exit, Refusal, help_of, leave, worst

if TYPE_CHECKING:
    from redactor.batch import Entry
    from redactor.batch.plan import Plan


@click.command(
    short_help="Do what a plan says, as far as it was approved.",
    epilog=help_of(
        "redactor apply plan.jsonl --out redacted/",
        "redactor apply plan.jsonl --out redacted/ --approve clean --approve redacted",
    ),
)
@click.argument("plan_file", metavar="PLAN")
@click.option("--out", metavar="DEST", help="Write to a folder or oss://bucket/prefix/.")
@click.option(
    "--approve",
    multiple=True,
    type=click.Choice(["clean", "allowed", "redacted", "flagged"]),
    help="Take pictures of this verdict for approved where the plan says nothing; repeatable.",
)
@click.option(
    "--max-changes",
    metavar="N|P%",
    help="Do nothing if something is to be hidden in more pictures, or in a larger share.",
)
@click.option("--results", metavar="FILE", help="Record each picture as a line of JSON here.")
@click.option("--report", metavar="FILE", help="Write an HTML page with pictures before and after.")
@options.content
@options.jobs
@options.memory
@click.option("--overwrite", is_flag=True, help="Replace pictures that are in DEST already.")
@click.option("--in-place", is_flag=True, help="Replace each picture; needs --originals.")
@click.option("--originals", metavar="PLACE", help="Keep the originals here; for --in-place.")
@options.oss
@options.quiet
@click.pass_context
def apply(
    context: click.Context,
    *,
    plan_file: str,
    out: str | None,
    approve: tuple[str, ...],
    max_changes: str | None,
    results: str | None,
    report: str | None,
    content: str,
    jobs: int,
    memory: int | None,
    overwrite: bool,
    in_place: bool,
    originals: str | None,
    endpoint: str | None,
    region: str | None,
    quiet: bool,
) -> None:
    """Do what a plan says, as far as it was approved; hold back everything else.

    Pictures that have changed since are left alone and named. What was hidden is verified as ever;
    where more had to be hidden than planned, the results say so, and a code that nobody has
    decided about holds its picture back.
    """
    from redactor.batch import Batch, Capacity, processes
    from redactor.batch.apply import PlanFollower
    from redactor.cli import output
    from redactor.cli.follow import follow
    from redactor.cli.progress import Watch
    from redactor.cli.record import Record
    from redactor.cli.run import check_places
    from redactor.cli.targets import open_targets
    from redactor.report.words import count
    from redactor.storage.places import Listed

    check_places((plan_file,), out, dry_run=None, in_place=in_place, originals=originals)
    for option, path in (("--results", results), ("--report", report)):
        if path and _is_same(path, plan_file):
            raise click.UsageError(f"{option} names the plan itself; what people approved is in it")
    plan = _read(plan_file, approve)
    _check_changes(plan, max_changes)
    settings = options.oss_settings(endpoint, region, jobs)
    pairs = [(name, one.row["relative"]) for name, one in plan.pictures.items()]
    source = Listed(pairs, settings)
    targets = open_targets(
        source,
        (),
        settings,
        out=out,
        originals=originals,
        quarantine=None,
        purge_versions=False,
        max_quarantine=None,
        dry_run=False,
    )
    follower = PlanFollower(plan)
    remarks = output.stderr(quiet=quiet)
    record = Record(
        follower,
        title="Plan, applied",
        source=plan_file,
        results=results,
        report=report,
        content=content,
    )
    batch = Batch(follower, targets.sink, overwrite=overwrite, originals=targets.originals)
    capacity = Capacity(jobs, memory)
    ends: Counter[str] = Counter()
    ended = follow(
        lambda stop: _counted(
            processes.run(
                batch,
                source,
                lambda outcome: record.shown(
                    follower.entry(outcome, keeps_pictures=record.shows_pictures)
                ),
                capacity=capacity,
                stop=stop,
            ),
            ends,
        ),
        record,
        Watch(remarks, "applying", total=lambda: len(pairs)),
    )
    record.print_tables(output.stdout(), quiet=quiet)
    for end, number in sorted((+ends).items()):
        remarks.print(f"{count(number, 'picture')} {end}.", style="yellow")
    record.print_failures(context, is_whole=ended is Exit.DONE)
    leave(worst(ended, record.exit_code()))


def _read(path: str, approve: tuple[str, ...]) -> Plan:
    from redactor.batch.plan import Plan, PlanError
    from redactor.model import Verdict

    try:
        with open(path, encoding="utf-8", errors="replace") as lines:  # noqa: PTH123
            return Plan.read(lines, name=path, also=tuple(map(Verdict, approve)))
    except OSError as error:
        raise Refusal(f"{path}: cannot be read: {error.strerror}") from error
    except PlanError as error:
        raise Refusal(str(error)) from error


def _is_same(path: str, other: str) -> bool:
    return Path(path).resolve() == Path(other).resolve()


def _counted(entries: Iterator[Entry], ends: Counter[str]) -> Iterator[Entry]:
    """Count what did not go as planned, while it passes."""
    from redactor.batch.apply import CHANGED

    for entry in entries:
        ends["held back: not approved"] += entry.row["held"]
        ends["left alone: changed since the plan"] += CHANGED in entry.row["reasons"]
        ends["not as planned: see `deviation` in the results"] += bool(entry.row.get("deviation"))
        yield entry


def _check_changes(plan: Plan, limit: str | None) -> None:
    """Refuse what would touch more pictures than the user allows."""
    if limit is None:
        return
    try:
        share = limit.endswith("%")
        value = float(limit.removesuffix("%")) if share else int(limit)
        if not 0 <= value < math.inf:  # false for NaN, too
            raise ValueError
    except ValueError:
        raise click.UsageError(
            f"--max-changes {limit}: expected a number of pictures, or a share such as 10%"
        ) from None
    most = value * len(plan.pictures) / 100 if share else value
    if plan.changes > most:
        raise Refusal(
            f"something is to be hidden in {plan.changes:,} of {len(plan.pictures):,} pictures,"
            f" more than --max-changes {limit} allows; nothing was done"
        )
