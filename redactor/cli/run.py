"""`redactor run`: the main job."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from redactor.cli import options, run_folder
from redactor.cli.exits import Exit, Refusal, help_of, leave, worst

if TYPE_CHECKING:
    from rich.console import Console

    from redactor.batch import Entry, Ledger, Outcome
    from redactor.batch.threads import Stop
    from redactor.pipeline import Redactor
    from redactor.storage import Sink, Source
    from redactor.storage.imm_gate import ImmGate


@click.command(
    short_help="Find codes, decide, hide what must go, check and write.",
    epilog=help_of(
        "redactor run photos/ --out redacted/ --report report.html",
        "redactor run photo.jpg --out redacted.jpg --policy policies/strict.yaml",
        "redactor run oss://shop/uploads/ --out oss://shop/public/ --run-folder weekend/",
        "redactor run oss://shop/pictures/ --in-place --originals oss://kept/originals/"
        " --quarantine oss://kept/quarantine/",
    ),
)
@options.sources
@options.files_from
@click.option(
    "--out", metavar="DEST", help="Write to a file, a folder, oss://bucket/prefix/ or - (stdout)."
)
@options.policy()
@options.detector
@options.thorough
@click.option("--dry-run", is_flag=True, help="Tell what would be done; write no picture.")
@click.option("--results", metavar="FILE", help="Record each picture as a line of JSON here.")
@click.option("--report", metavar="FILE", help="Write an HTML page with pictures before and after.")
@options.page
@options.content
@run_folder.options
@options.jobs
@options.memory
@click.option(
    "--engine",
    type=click.Choice(["processes", "threads", "ray"]),
    default="processes",
    show_default=True,
    help="Work with --jobs processes here, with threads of this one (a decoder that crashes ends"
    " it), or with processes of Ray, here or on a cluster.",
)
@click.option("--address", metavar="ADDRESS", help="Of a cluster of Ray, or auto to find it.")
@click.option("--overwrite", is_flag=True, help="Replace pictures that are in DEST already.")
@click.option("--in-place", is_flag=True, help="Replace each picture; needs --originals.")
@click.option("--originals", metavar="PLACE", help="Keep the originals here; for --in-place.")
@click.option(
    "--purge-versions",
    is_flag=True,
    help="With --in-place, delete the version that still holds the code, where a bucket keeps it.",
)
@click.option(
    "--quarantine",
    metavar="PLACE",
    help="Copy pictures that could not be handled here; with --in-place, move objects.",
)
@click.option(
    "--max-quarantine",
    metavar="N|P%",
    help="Stop once more pictures, or a larger share, could not be handled (at least 20 may).",
    show_default="10% where objects are moved, else no limit",
)
@click.option(
    "--fail-on",
    type=click.Choice(["flagged", "redacted"]),
    help="Exit with 1 if a picture is flagged, or with `redacted` if one is redacted, too.",
)
@options.selection
@options.imm_limits
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=120,
    show_default=True,
    metavar="S",
    help="Give up on a picture once its requests took S seconds together.",
)
@options.oss
@options.quiet
@click.pass_context
def run(
    context: click.Context,
    *,
    sources: tuple[str, ...],
    files_from: str | None,
    out: str | None,
    policy_file: str,
    detector: str | None,
    thorough: bool,
    dry_run: bool,
    results: str | None,
    report: str | None,
    no_images: bool,
    show_codes: bool,
    content: str,
    run_folder_path: str | None,
    resume: bool | None,
    jobs: int,
    memory: int | None,
    engine: str,
    address: str | None,
    overwrite: bool,
    in_place: bool,
    originals: str | None,
    purge_versions: bool,
    quarantine: str | None,
    max_quarantine: str | None,
    fail_on: str | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    since: str | None,
    until: str | None,
    start_after: str,
    imm_project: str | None,
    imm_qps: float | None,
    max_imm_calls: int | None,
    imm_price: float,
    timeout: float,
    endpoint: str | None,
    region: str | None,
    quiet: bool,
) -> None:
    """Find codes in pictures, decide by a policy, hide what must go, check, and write.

    SOURCE is a file, a folder, a pattern, oss://bucket/key, oss://bucket/prefix/ or - (stdin).
    A folder is mirrored into DEST. What could not be handled safely is quarantined: it is named
    at the end, not written, and left where it is.
    """
    check_places(sources, out, dry_run=dry_run, in_place=in_place, originals=originals)
    if purge_versions and not in_place:
        raise click.UsageError("--purge-versions goes with --in-place")
    if results and results == report:
        raise click.UsageError("--results and --report name the same file")
    if quarantine and out and _is_within(quarantine, out):
        raise click.UsageError(
            "--quarantine lies within --out, where only finished pictures may go; keep it elsewhere"
        )
    if run_folder_path and out and _is_within(run_folder_path, out):
        raise click.UsageError(
            "--run-folder lies within --out; it keeps what codes say: keep it elsewhere"
        )
    if address and engine != "ray":
        raise click.UsageError("--address goes with --engine ray")
    detector = options.pick_detector(detector, sources, files_from)

    from redactor.batch import Batch, Capacity, processes, threads
    from redactor.cli import output
    from redactor.cli.follow import follow
    from redactor.cli.progress import Watch
    from redactor.cli.record import Record
    from redactor.cli.targets import open_targets
    from redactor.storage.imm_gate import ImmGate

    redactor = options.make_redactor(policy_file, detector, thorough=thorough)
    remarks = output.stderr(quiet=quiet)
    settings = options.oss_settings(endpoint, region, jobs, imm_project=imm_project)
    skip = [place for place in (out, originals, quarantine) if place]
    gate = ImmGate(imm_qps, max_imm_calls)
    source = options.open_sources(
        sources, files_from, exclude=skip, start_after=start_after, settings=settings, imm=gate
    )
    targets = open_targets(
        source,
        sources,
        settings,
        out=out,
        originals=originals,
        quarantine=quarantine,
        purge_versions=purge_versions,
        max_quarantine=max_quarantine,
        dry_run=dry_run,
    )
    if out and targets.sink and _is_itself(source, targets.sink):
        raise Refusal(
            f"{out}: the pictures lie there themselves, and the originals would be lost;"
            " write to another place, or replace them with --in-place --originals PLACE"
        )
    batch = Batch(
        redactor,
        sink=targets.sink,
        dry_run=dry_run,
        overwrite=overwrite,
        originals=targets.originals,
        quarantine=targets.quarantine,
        ceiling=targets.ceiling,
        timeout_s=timeout,
    )
    source = options.select(source, include, exclude, since, until)
    if redactor.local.remark:
        remarks.print(f"Remark: {redactor.local.remark}", style="yellow", soft_wrap=True)
    with ExitStack() as stack:
        ledger = run_folder.open_ledger(run_folder_path, resume, redactor, context.params)
        if ledger is not None:
            stack.enter_context(ledger)
            batch = replace(batch, wrote=ledger.wrote, ahead=_ahead(ledger, redactor))
        record = Record(
            redactor,
            title="Dry run" if dry_run else "Redaction run",
            source=options.source_names(sources, files_from),
            results=results,
            report=report,
            content=content,
            ledger=ledger,
            no_images=no_images,
            show_codes=show_codes,
            imm=lambda: _imm(gate, imm_price),
        )

        summary = run_folder.Summary(record, gate, imm_price, is_new=resume is False)

        def entries(stop: Stop) -> Iterator[Entry]:
            if engine == "ray":
                from redactor.batch import ray

                return ray.run(
                    batch,
                    source,
                    workers=jobs,
                    address=address,
                    gate=gate,
                    keeps_pictures=record.shows_pictures,
                    stop=stop,
                    recall=ledger,
                )
            work = threads.run if engine == "threads" else processes.run
            capacity = Capacity(jobs, memory)
            return work(batch, source, record.entry, capacity=capacity, stop=stop, recall=ledger)

        ended = follow(
            entries,
            record,
            Watch(
                remarks,
                "redacting",
                total=options.counted(source),
                gate=gate,
                price=imm_price,
                also=summary.write,
            ),
        )
        code = worst(ended, record.exit_code(fail_on))
        summary.write(code)
    record.print_tables(output.stderr() if out == "-" else output.stdout(), quiet=quiet)
    if record.recalled:
        were = "was" if record.recalled == 1 else "were"
        remarks.print(f"{record.recalled:,} of these pictures {were} done before.")
    _tell_imm(gate, imm_price, remarks)
    record.print_refresh()
    record.print_failures(context, is_whole=ended is Exit.DONE)
    for kind, path in (("Report", report), ("Run folder", ledger and str(ledger.folder))):
        if path:
            remarks.print(f"{kind}: {path}", soft_wrap=True)
    leave(code)


def _ahead(ledger: Ledger, redactor: Redactor) -> Callable[[Outcome], None]:
    from redactor.batch import entry_of

    return lambda outcome: ledger.record_ahead(entry_of(outcome, redactor.policy))


def _imm(gate: ImmGate, price: float) -> str:
    if not gate.calls:
        return ""
    return (
        f"asked {gate.calls:,} times and answered {gate.answers:,}:"
        f" about USD {gate.cost(price):.4f}"
    )


def _tell_imm(gate: ImmGate, price: float, remarks: Console) -> None:
    """Say what asking image/codes cost, and whether it was given up."""
    if not gate.calls:
        return
    remarks.print(f"image/codes was {_imm(gate, price)}", style="dim")
    if gate.is_broken:
        remarks.print("IMM failed too often and was not asked any more.", style="yellow")
    elif gate.is_used_up:
        remarks.print("--max-imm-calls was reached; the rest was not asked about.", style="yellow")


def check_places(
    sources: tuple[str, ...],
    out: str | None,
    *,
    dry_run: bool | None,
    in_place: bool,
    originals: str | None,
) -> None:
    """Refuse what would lose originals or leave nothing behind; `dry_run` is None where none is."""
    if in_place:
        if not originals:
            raise click.UsageError(
                "--in-place needs --originals PLACE: without a copy nothing can be put back"
            )
        if out:
            raise click.UsageError("--in-place writes where it reads; leave out --out")
        if "-" in sources:
            raise click.UsageError("--in-place is for files and objects, not standard input")
    elif originals:
        raise click.UsageError("--originals goes with --in-place")
    elif not out and not dry_run:
        can_look = "; or look first with --dry-run" if dry_run is not None else ""
        raise click.UsageError(f"no --out DEST{can_look}")


def _is_within(place: str, out: str) -> bool:
    """Say whether what is written to a place would be among what is written to DEST."""
    if place.startswith("oss://") or out.startswith("oss://"):
        return f"{place.rstrip('/')}/".startswith(f"{out.rstrip('/')}/")
    return Path(place).resolve().is_relative_to(Path(out).resolve())


def _is_itself(source: Source, sink: Sink) -> bool:
    """Say whether pictures would be written over themselves, by the first that is listed."""
    from redactor.storage.local import LocalItem, LocalSource
    from redactor.storage.local_sink import FileSink, FolderSink
    from redactor.storage.oss_store import OssSink
    from redactor.storage.places import Several, oss_folders
    from redactor.storage.select import Selected

    inner = source.source if isinstance(source, Selected) else source
    if isinstance(sink, OssSink):
        folders = oss_folders(inner)
        return sink.place.is_prefix and folders == [sink.place]
    parts = inner.sources if isinstance(inner, Several) else (inner,)
    for part in parts:
        first = next(iter(part.items()), None) if isinstance(part, LocalSource) else None
        if not isinstance(first, LocalItem):
            continue
        name = Path(os.path.abspath(first.name))  # noqa: PTH100 - resolves "..", not links
        if isinstance(sink, FileSink):
            return Path(sink.path).resolve() == name.resolve()
        if isinstance(sink, FolderSink):
            place = Path(sink.folder, first.relative)
            return place.parent.resolve() == name.parent.resolve() and place.name == name.name
    return False
