"""What runs in a worker process: one picture after the other, within limits.

The parent and the process talk through one connection, in turns. The process asks before it
decodes whether there is room for so many pixels, and has the parent ask `image/codes`, because
only the parent has the client.
"""

from __future__ import annotations

import contextlib
import resource
import signal
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection

from redactor.codec import count_pixels
from redactor.errors import RedactorError
from redactor.model import AskImageCodes, ImageCodes, Result
from redactor.pipeline import Job, Redactor
from redactor.workers.allocator import keep_pages


@dataclass(frozen=True)
class Setup:
    """What a process is made for.

    Attributes:
        redactor: Works on the pictures.
        memory_bytes: Address space of the process at most.
        seconds: After which a picture is given up, and the process ends.
    """

    redactor: Redactor
    memory_bytes: int
    seconds: int


@dataclass(frozen=True)
class Task:
    """A picture to work on, and whether `image/codes` can be asked about it."""

    job: Job
    can_ask: bool


@dataclass(frozen=True)
class Ready:
    """The process is ready for its first picture."""


@dataclass(frozen=True)
class Weight:
    """The process wants to decode a picture; the parent answers True once there is room.

    Attributes:
        pixels: As the header says; None where only decoding would tell.
    """

    pixels: int | None


@dataclass(frozen=True)
class Ask:
    """The process wants to know what `image/codes` says; the parent answers that, or an error."""


Said = Ready | Weight | Ask | Result | RedactorError


def serve(descriptor: int) -> None:
    """Work on what comes through a connection until it is closed."""
    # A parent that has ended leaves nobody to tell.
    with contextlib.suppress(EOFError, ConnectionError):
        _serve(Connection(descriptor))


def _serve(connection: Connection) -> None:
    setup: Setup = connection.recv()
    keep_pages(1)
    limit(setup.memory_bytes)
    connection.send(Ready())
    while True:
        task: Task = connection.recv()
        connection.send(Weight(count_pixels(task.job.data)))
        if connection.recv():
            _work(connection, setup.redactor, task, setup.seconds)


def limit(memory_bytes: int) -> None:
    """Bound the address space of this process, and keep pictures out of core dumps."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":  # macOS refuses the limit
        return
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY:
        memory_bytes = min(memory_bytes, most)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _work(connection: Connection, redactor: Redactor, task: Task, seconds: int) -> None:
    # Should the parent be gone, or wait for an answer that has begun: the alarm ends the process,
    # also within a C library.
    signal.alarm(seconds)
    said: Result | RedactorError
    try:
        said = redactor.do(task.job, _asker(connection, seconds) if task.can_ask else None)
    except RedactorError as error:
        said = error
    connection.send(said)
    signal.alarm(0)


def _asker(connection: Connection, seconds: int) -> AskImageCodes:
    def ask() -> ImageCodes:
        left = signal.alarm(0)  # the service's time is not the picture's
        connection.send(Ask())
        answer: ImageCodes | RedactorError = connection.recv()
        signal.alarm(left or seconds)
        if isinstance(answer, RedactorError):
            raise answer
        return answer

    return ask
