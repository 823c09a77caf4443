"""How far a run is, while it goes on: on a terminal only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from redactor.model import Verdict
from redactor.report.words import count

if TYPE_CHECKING:
    from redactor.batch import Entry
    from redactor.report import Tally
    from redactor.storage.imm_gate import ImmGate

_PACE_S = 30.0  # over which the rate is told


class Watch:
    """Shows pictures done and to be done, the rate, the time left, verdicts, and what IMM costs.

    Args:
        console: Where; nothing is shown where it is no terminal.
        word: What is going on, such as `redacting`.
        total: Counts the pictures of the source, on a thread of its own; None where that would
            cost requests, and then no time left is told.
        gate: Counts what is asked of `image/codes`; None where it is not asked.
        price: Of 1,000 answers, in US dollars.
    """

    def __init__(
        self,
        console: Console,
        word: str,
        *,
        total: Callable[[], int] | None = None,
        gate: ImmGate | None = None,
        price: float = 0.0,
    ) -> None:
        self.console = console
        self._word, self._total = word, total
        self._gate, self._price = gate, price

    def over(self, entries: Iterable[Entry], tally: Tally) -> Iterator[Entry]:
        """Give entries on, and show how far they are.

        Args:
            entries: What is finished, as it comes.
            tally: Counts them, elsewhere.
        """
        if not self.console.is_terminal or self.console.quiet:
            yield from entries
            return
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            *([TimeRemainingColumn()] if self._total else []),
            TextColumn("{task.fields[told]}", style="dim", markup=False),
        )
        began = time.monotonic()
        with Progress(
            *columns, console=self.console, transient=True, speed_estimate_period=_PACE_S
        ) as progress:
            task = progress.add_task(self._word, total=None, rate="", told="")
            if (counts := self._total) is not None:
                threading.Thread(
                    target=lambda: progress.update(task, total=counts()), daemon=True
                ).start()
            for number, entry in enumerate(entries, start=1):
                yield entry
                seconds = time.monotonic() - began
                progress.update(
                    task,
                    advance=1,
                    rate=f"{number / seconds:.1f}/s" if seconds > 1 else "",
                    told=self._told(tally),
                )

    def _told(self, tally: Tally) -> str:
        told = [
            f"{tally.verdicts[verdict]:,} {verdict}"
            for verdict in Verdict
            if tally.verdicts[verdict]
        ]
        if self._gate is not None and self._gate.calls:
            cost = self._gate.cost(self._price)
            told.append(f"{count(self._gate.calls, 'call')} of IMM, about USD {cost:.4f}")
        return " · ".join(told)
