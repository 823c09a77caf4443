"""Work through a run: record each outcome as it comes, and end well when interrupted."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from threading import Event
from types import FrameType

from redactor.batch import Entry
from redactor.cli import output
from redactor.cli.exits import Exit
from redactor.cli.progress import Watch
from redactor.cli.record import Record
from redactor.errors import BackendMissing

_STOPPING = b"\nredactor: interrupted; finishing the pictures in hand (again to drop them)\n"


def follow(entries: Callable[[Event], Iterator[Entry]], record: Record, watch: Watch) -> Exit:
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
            with record:
                for entry in watch.over(entries(stop), record.tally):
                    record.add(entry)
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
def _interruptible() -> Iterator[Event]:
    """Set an event at the first Ctrl-C or SIGTERM; a second one ends the program as ever."""
    stop = Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def finish(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        restore()
        # Not through a console: the signal may have come while one was writing.
        with contextlib.suppress(OSError):
            os.write(2, _STOPPING)

    # Service managers and containers end a program by SIGTERM, and wait a while.
    before = {sign: signal.signal(sign, finish) for sign in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for sign, handler in before.items():
            signal.signal(sign, handler)

    try:
        yield stop
    finally:
        restore()
