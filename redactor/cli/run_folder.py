"""The folder of a run: what it has done, so that the next goes on, and how it ended."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redactor.cli.exits import Exit
from redactor.version import __version__

if TYPE_CHECKING:
    from redactor.batch import Ledger
    from redactor.cli.record import Record
    from redactor.pipeline import Redactor
    from redactor.storage.imm_gate import ImmGate

_OSS = "oss://"
_PLACES = ("out", "originals", "in_place", "dry_run")


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options for a run that goes on where the last one ended."""
    command = click.option(
        "--resume/--no-resume",
        default=None,
        help="Skip what is done; without a --run-folder, by one kept for this user.",
        show_default="resume where the folder exists",
    )(command)
    return click.option(
        "--run-folder",
        "run_folder_path",
        metavar="FOLDER",
        help="Keep ledger, results and a summary here, so that a killed run can go on.",
    )(command)


def open_ledger(
    folder: str | None, resume: bool | None, redactor: Redactor, params: dict[str, Any]
) -> Ledger | None:
    """Open the ledger of a run; None where none is asked for.

    Args:
        folder: As the user gave it.
        resume: Whether what is done is skipped; None to skip it.
        redactor: What will run.
        params: Of the command.

    Raises:
        RunFolderError: If it cannot be used.
        click.UsageError: If standard input is read, which is gone once it was read.
    """
    if folder is None and not resume:
        return None
    if "-" in params["sources"]:
        raise click.UsageError("standard input cannot be read again; leave --run-folder out")
    from redactor.batch import Ledger

    places = json.dumps({name: _absolute(params[name]) for name in _PLACES})
    aside = params["quarantine"] and str(_absolute(params["quarantine"]))
    ledger = Ledger(folder or _own_folder(params, places), redactor, places, aside)
    if resume is False:
        ledger.forget()
    return ledger


def write_summary(record: Record, gate: ImmGate, price: float, exit_code: Exit) -> None:
    """Say in `run.json` of the run's folder how it ended, for programs."""
    ledger = record.ledger
    if ledger is None:
        return
    from redactor.batch.ledger import SUMMARY

    ended = datetime.now(UTC)
    seconds = (ended - record.began).total_seconds()
    tally = record.tally
    fresh = tally.pictures - record.recalled
    told = {
        "schema_version": 1,
        "redactor": __version__,
        "policy": record.policy,
        "detector": record.detector,
        "source": record.source,
        "began": record.began.isoformat(timespec="seconds"),
        "ended": ended.isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "exit_code": int(exit_code),
        "pictures": tally.pictures,
        "done_before": record.recalled,
        "pictures_per_second": round(fresh / seconds, 3) if seconds else None,
        "verdicts": {verdict.value: number for verdict, number in tally.verdicts.items()},
        "actions": {action.value: number for action, number in tally.actions.items()},
        "removed": tally.removed,
        "codes": tally.codes,
        "codes_not_read": tally.unread,
        "held": tally.held,
        "failed": len(record.failures),
        "imm": {
            "calls": gate.calls,
            "answers": gate.answers,
            "cost_usd": round(gate.cost(price), 6),
        },
        "seconds_by_stage": {stage: round(spent, 3) for stage, spent in tally.seconds.items()},
    }
    path = ledger.folder / SUMMARY
    part = path.with_suffix(".part")
    try:
        part.write_text(json.dumps(told, indent=2) + "\n", "utf-8")
        part.replace(path)
    except OSError as error:
        click.echo(f"redactor: {path}: cannot be written: {error.strerror}", err=True)


def _own_folder(params: dict[str, Any], places: str) -> str:
    """Name a folder in the user's state folder for a run from these sources to these places."""
    sources = [
        source if source.startswith(_OSS) else _absolute(source) for source in params["sources"]
    ]
    key = json.dumps([sources, params["files_from"] and _absolute(params["files_from"]), places])
    name = "".join(c if c.isascii() and c.isalnum() else "-" for c in str(params["sources"][:1]))
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return str(Path(state) / "redactor" / "runs" / f"{name.strip('-')[:40].strip('-')}-{digest}")


def _absolute(place: object) -> object:
    if not isinstance(place, str) or place.startswith(_OSS) or place == "-":
        return place
    return os.path.abspath(place)  # noqa: PTH100 - resolves "..", not links
