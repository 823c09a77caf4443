"""Work through a run: record each outcome as it comes, and end well when interrupted."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import threading
from collections.abc import Callable, Generator, Iterator
from types import FrameType

from redactor.batch import Entry
from redactor.batch.threads import Stop
from redactor.cli import output
from redactor.cli.exits import Exit
from redactor.cli.progress import Watch
from redactor.cli.record import Record
from redactor.errors import BackendMissing

_SIGNS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STOPPING = b"\nredactor: interrupted; finishing the pictures in hand (again to drop them)\n"


def follow(entries: Callable[[Stop], Iterator[Entry]], record: Record, watch: Watch) -> Exit:
    """Record every outcome of a run.

    Args:
        entries: Gives them; once its event is set, only those of pictures in hand.
        record: Takes them.
        watch: Shows how far it is.

    Returns:
        How it ended: done, interrupted, or for lack of a backend, which has been told.
    """
    with _interruptible() as stop:
        try:
            with record, _closing(entries(stop)) as coming:
                try:
                    for entry in watch.over(coming, record.tally):
                        record.add(entry)
                except KeyboardInterrupt:
                    if not stop.is_urgent:
                        raise
                record.has_ended_early = stop.is_set()
        except BackendMissing as error:
            output.tell(str(error))
            return Exit.BACKEND
    if stop.is_set():
        return Exit.INTERRUPTED
    if not record.tally.pictures:
        watch.console.print("No pictures were found there.", style="yellow")
    return Exit.DONE


@contextlib.contextmanager
def _closing(entries: Iterator[Entry]) -> Iterator[Iterator[Entry]]:
    """End what gives entries, wherever it is left."""
    try:
        yield entries
    finally:
        if isinstance(entries, Generator):
            entries.close()


@contextlib.contextmanager
def _interruptible() -> Iterator[Stop]:
    """Stop in order at the first Ctrl-C, SIGTERM or SIGHUP, and at once at the second."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def finish(number: int, _frame: FrameType | None) -> None:
        if stop.is_urgent:
            return
        if stop.is_set():
            stop.drop()
            raise KeyboardInterrupt
        stop.set()
        if number == signal.SIGHUP:
            _let_go_of_terminal()
        # Not through a console: the signal may have come while one was writing.
        with contextlib.suppress(OSError):
            os.write(2, _STOPPING)

    def go_on(_number: int, _frame: FrameType | None) -> None:
        _let_go_of_terminal()

    # Service managers and containers end a program by SIGTERM, and wait a while; terminals that
    # close do by SIGHUP, which nohup has ignored.
    before = {sign: signal.signal(sign, finish) for sign in _SIGNS}
    if before[signal.SIGHUP] is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, go_on)

    try:
        yield stop
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def _let_go_of_terminal() -> None:
    """Write to nowhere instead of to a terminal that is gone: to fail there would end the run."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        for descriptor in (1, 2):
            with contextlib.suppress(OSError):
                if stat.S_ISCHR(os.fstat(descriptor).st_mode):
                    os.dup2(nowhere.fileno(), descriptor)
