"""How far a run is, while it goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task
from rich.table import Column
from rich.text import Text

from redactor.model import Verdict

if TYPE_CHECKING:
    from redactor.batch import Entry
    from redactor.report import Tally
    from redactor.storage.imm_gate import ImmGate

EVERY_S = 60.0
"""Between two lines, where there is no terminal."""


class Watch:
    """Shows pictures done and to be done, the rate, the time left, what IMM costs, and verdicts.

    On a terminal all the time; elsewhere in a line a minute. Of a narrow terminal the verdicts
    give way.

    Args:
        console: Where.
        word: What is going on, such as `redacting`.
        total: Counts the pictures of the source, on a thread of its own; None where that would
            cost requests, and then no time left is told.
        gate: Counts what is asked of `image/codes`; None where it is not asked.
        price: Of 1,000 answers, in US dollars.
        also: Called at the start and whenever a line would be due, while nothing is recorded.
        every_s: Between two lines.
    """

    def __init__(
        self,
        console: Console,
        word: str,
        *,
        total: Callable[[], int] | None = None,
        gate: ImmGate | None = None,
        price: float = 0.0,
        also: Callable[[], None] = lambda: None,
        every_s: float = EVERY_S,
    ) -> None:
        self.console = console
        self._word, self._total = word, total
        self._gate, self._price = gate, price
        self._also, self._every_s = also, every_s

    def over(self, entries: Iterable[Entry], tally: Tally) -> Iterator[Entry]:
        """Give entries on, and show how far they are.

        Args:
            entries: What is finished, as it comes.
            tally: Counts them, elsewhere.
        """
        self._also()
        pace, guard, ended = _Pace(), threading.Lock(), threading.Event()
        has_bar = self.console.is_terminal and not self.console.quiet

        def beat() -> None:
            while not ended.wait(self._every_s):
                with guard:
                    self._also()
                    if not has_bar:
                        self.console.print(self._line(pace, tally), soft_wrap=True)

        if (counts := self._total) is not None and not self.console.quiet:
            threading.Thread(target=lambda: pace.count(counts), daemon=True).start()
        threading.Thread(target=beat, daemon=True).start()
        try:
            with self._bar(pace, tally) if has_bar else nullcontext():
                for entry in entries:
                    with guard:  # until it is recorded
                        yield entry
                        pace.add(entry)
        finally:
            ended.set()

    @contextmanager
    def _bar(self, pace: _Pace, tally: Tally) -> Iterator[None]:
        verdicts = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        with Progress(
            SpinnerColumn(),
            _Text(lambda: self._line(pace, tally, verdicts=False)),
            _Text(lambda: _verdicts(tally), verdicts),
            console=self.console,
            transient=True,
            expand=True,
        ) as progress:
            progress.add_task("", total=None)
            yield

    def _line(self, pace: _Pace, tally: Tally, *, verdicts: bool = True) -> str:
        of = f" of {pace.total:,}" if pace.total is not None else ""
        told = [f"{self._word} {pace.done:,}{of}"]
        told += [f"{pace.before:,} done before"] if pace.before else []
        told += [f"{pace.rate:.1f}/s"] if pace.rate else []
        told.append(f"{timedelta(seconds=int(pace.seconds))} elapsed")
        if pace.left_s is not None:
            told.append(f"{timedelta(seconds=int(pace.left_s))} left")
        if self._gate is not None and self._gate.calls:
            told.append(f"IMM USD {self._gate.cost(self._price):.4f}")
        told += [_verdicts(tally)] if verdicts else []
        return ", ".join(filter(None, told))


class _Pace:
    """How fast a run is, by what this start has handled."""

    def __init__(self) -> None:
        self.total: int | None = None
        self.before = self.fresh = 0
        self._began = self._first = time.monotonic()

    def count(self, total: Callable[[], int]) -> None:
        self.total = total()

    def add(self, entry: Entry) -> None:
        self.before += entry.is_recalled
        self.fresh += not entry.is_recalled
        if not self.fresh:
            self._first = time.monotonic()  # finding what is done is no work

    @property
    def done(self) -> int:
        return self.before + self.fresh

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    @property
    def rate(self) -> float:
        seconds = time.monotonic() - self._first
        return self.fresh / seconds if seconds > 1 else 0.0

    @property
    def left_s(self) -> float | None:
        if self.total is None or not self.rate:
            return None
        return max(0, self.total - self.done) / self.rate


class _Text(ProgressColumn):
    """Text that is made anew whenever it is shown."""

    def __init__(self, text: Callable[[], str], column: Column | None = None) -> None:
        super().__init__(column or Column(no_wrap=True))
        self._text = text

    def render(self, _task: Task) -> Text:
        return Text(self._text())


def _verdicts(tally: Tally) -> str:
    numbers = ((tally.verdicts[verdict], verdict) for verdict in Verdict)
    return " · ".join(f"{number:,} {verdict}" for number, verdict in numbers if number)
