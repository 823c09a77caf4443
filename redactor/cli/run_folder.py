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
    return Ledger(
        folder or _own_folder(params, places),
        redactor,
        places,
        aside,
        in_place=params["in_place"] and not params["dry_run"],
        anew=resume is False,
    )


class Summary:
    """`run.json` of a run's folder: how far it is and how it ended, for programs.

    `totals` are of the whole run as this start has come to it: what earlier starts did counts once
    it was found done. `this_start` tells of this start alone. Seconds of stages are summed over
    threads. What IMM was asked is summed over all starts, but for the last minute of a killed one.

    Args:
        record: What is told; nothing is written where it has no ledger.
        gate: Counts what is asked of `image/codes`.
        price: Of 1,000 answers, in US dollars.
        is_new: The run begins anew: what was asked before does not count.
    """

    def __init__(self, record: Record, gate: ImmGate, price: float, *, is_new: bool) -> None:
        from redactor.batch.ledger import SUMMARY

        self._record, self._gate, self._price = record, gate, price
        self._path = record.ledger.folder / SUMMARY if record.ledger else None
        self._asked = (0, 0) if self._path is None or is_new else _asked_before(self._path)

    def write(self, exit_code: Exit | None = None) -> None:
        """Write how far the run is; with an exit code, how it ended."""
        if self._path is None:
            return
        now = datetime.now(UTC)
        told = {
            "schema_version": 2,
            "redactor": __version__,
            "policy": self._record.policy,
            "detector": self._record.detector,
            "source": self._record.source,
            "updated": now.isoformat(timespec="seconds"),
            "ended": None if exit_code is None else now.isoformat(timespec="seconds"),
            "exit_code": None if exit_code is None else int(exit_code),
            "totals": self._totals(),
            "this_start": self._this_start(now),
        }
        part = self._path.with_suffix(".part")
        try:
            part.write_text(json.dumps(told, indent=2) + "\n", "utf-8")
            part.replace(self._path)
        except OSError as error:
            click.echo(f"redactor: {self._path}: cannot be written: {error.strerror}", err=True)

    def _totals(self) -> dict[str, Any]:
        tally = self._record.tally
        calls, answers = self._asked
        return {
            "pictures": tally.pictures,
            "verdicts": {verdict.value: number for verdict, number in tally.verdicts.items()},
            "codes": tally.codes,
            "codes_not_read": tally.unread,
            "actions": {action.value: number for action, number in tally.actions.items()},
            "removed": tally.removed,
            "held": tally.held,
            "failed": len(self._record.failures),
            "thread_seconds_by_stage": {
                stage: round(spent, 3) for stage, spent in tally.seconds.items()
            },
            "imm": self._imm(calls + self._gate.calls, answers + self._gate.answers),
        }

    def _this_start(self, now: datetime) -> dict[str, Any]:
        seconds = (now - self._record.began).total_seconds()
        fresh = self._record.tally.pictures - self._record.recalled
        return {
            "began": self._record.began.isoformat(timespec="seconds"),
            "seconds": round(seconds, 3),
            "done_before": self._record.recalled,
            "pictures": fresh,
            "pictures_per_second": round(fresh / seconds, 3) if seconds else None,
            "imm": self._imm(self._gate.calls, self._gate.answers),
        }

    def _imm(self, calls: int, answers: int) -> dict[str, Any]:
        cost = answers * self._price / 1000
        return {"calls": calls, "answers": answers, "cost_usd": round(cost, 6)}


def _asked_before(path: Path) -> tuple[int, int]:
    """Give the calls and answers of IMM that earlier starts have told."""
    try:
        imm = json.loads(path.read_text("utf-8"))["totals"]["imm"]
        return int(imm["calls"]), int(imm["answers"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0, 0


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
