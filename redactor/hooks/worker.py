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
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from redactor.codec import count_pixels
from redactor.errors import RedactorError
from redactor.model import AskImageCodes, ImageCodes, Limits, Origin, Result
from redactor.pipeline import Redactor
from redactor.policy import Policy


@dataclass(frozen=True)
class Setup:
    """What a process is made for.

    Attributes:
        policy: What decides.
        detector: `local`, `imm` or `hybrid`.
        limits: Bounds on what is taken in.
        thorough: Look at every scale with every engine.
        memory_bytes: Address space of the process at most.
        seconds: After which a picture is given up, and the process ends.
    """

    policy: Policy
    detector: str
    limits: Limits
    thorough: bool
    memory_bytes: int
    seconds: int


@dataclass(frozen=True)
class Job:
    """A picture to redact; see `Redactor.redact`."""

    data: bytes = field(repr=False)
    name: str | None
    etag: str | None
    origin: Origin | None
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
    """Redact what comes through a connection until it is closed."""
    # A parent that has ended leaves nobody to tell.
    with contextlib.suppress(EOFError, ConnectionError):
        _serve(Connection(descriptor))


def _serve(connection: Connection) -> None:
    setup: Setup = connection.recv()
    redactor = Redactor(
        setup.policy, detector=setup.detector, limits=setup.limits, thorough=setup.thorough
    )
    limit(setup.memory_bytes)
    connection.send(Ready())
    while True:
        job: Job = connection.recv()
        connection.send(Weight(count_pixels(job.data)))
        if connection.recv():
            _work(connection, redactor, job, setup.seconds)


def limit(memory_bytes: int) -> None:
    """Bound the address space of this process, and keep pictures out of core dumps."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":  # macOS refuses the limit
        return
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY:
        memory_bytes = min(memory_bytes, most)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _work(connection: Connection, redactor: Redactor, job: Job, seconds: int) -> None:
    # Should the parent be gone, or wait for an answer that has begun: the alarm ends the process,
    # also within a C library.
    signal.alarm(seconds)
    said: Result | RedactorError
    try:
        said = redactor.redact(
            job.data,
            name=job.name,
            etag=job.etag,
            ask=_asker(connection, seconds) if job.can_ask else None,
            origin=job.origin,
        )
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
