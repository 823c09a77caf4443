"""A pool of worker processes, so that no picture takes a service or a run with it.

A thread inside a C decoder cannot be stopped, and a decoder that crashes ends its process. So
pictures are worked on in processes that are given up after a time-out, and that may have no more
than so much memory. What hangs, crashes or needs more is quarantined alone; the pool goes on.
Nor do processes wait for each other's lock of Python, which threads hold for a tenth of the work.

This bounds what a picture can cost. It is no sandbox: a picture that takes over a decoder has what
the process has.
"""

from __future__ import annotations

import contextlib
import math
import os
import queue
import socket
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from redactor.errors import BackendMissing, RedactorError, Unavailable, WorkerLost
from redactor.model import AskImageCodes, Origin, Result
from redactor.pipeline import Job, Redactor, Way, load
from redactor.workers.process import Ask, Ready, Said, Setup, Task, Weight
from redactor.workers.room import Room

DEFAULT_TIMEOUT_S = 60.0
DEFAULT_MEMORY_BYTES = 4 << 30
DEFAULT_PIXELS = 200_000_000
_START_S = 60.0
_RESTS_S = (0.2, 1.0, 3.0)  # before it is tried again to start a process
_GRACE_S = 5  # by which the process outlives the parent's patience before it ends itself
# While modules are loaded there is no garbage to look for.
_CODE = (
    "import gc, sys; gc.set_threshold(50_000);"
    " from redactor.workers.process import serve; serve(int(sys.argv[1]))"
)
# Each process looks at one picture: threads of numerical libraries only take address space.
_ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1"
)

_INHERITED = frozenset(
    {"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "GLIBC_TUNABLES"}
    | {"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"}
    | {"PYTHONHOME", "PYTHONWARNINGS", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"}
)
_INHERITED_WITH = "MALLOC_"


class Workers:
    """Works on pictures in processes of their own; `redact` is that of `Redactor`.

    Threads may share it, and it ends its processes with `close` or `with`.

    Attributes:
        redactor: What is done with each picture.
        count: Processes.
    """

    def __init__(
        self,
        redactor: Redactor,
        *,
        count: int | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        wait_s: float = DEFAULT_TIMEOUT_S,
        memory_bytes: int = DEFAULT_MEMORY_BYTES,
        max_pixels_in_work: int = DEFAULT_PIXELS,
        starts_now: bool = True,
    ) -> None:
        """Start the processes; they are waited for when the first picture comes.

        Args:
            redactor: What is done with each picture.
            count: Processes; as many as there are cores where None.
            timeout_s: Seconds that a picture may take, without what `image/codes` takes.
            wait_s: Seconds that a picture may wait for a process and for room.
            memory_bytes: Address space of each process.
            max_pixels_in_work: Of all pictures that are in work at the same time.
            starts_now: Start all of them now; each when it is first needed where False.
        """
        if not isinstance(redactor, Redactor):
            kind = type(redactor).__name__
            raise TypeError(f"workers take a Redactor, such as Redactor.from_policy(…), not {kind}")
        self.redactor = redactor
        self.count = count or cores()
        self._timeout_s = timeout_s
        self._wait_s = wait_s
        self._is_closed = False
        self._lock = threading.Lock()
        self._max_pixels = max_pixels_in_work
        self._setup = Setup(redactor, memory_bytes, math.ceil(timeout_s) + _GRACE_S)
        self._starts_now = starts_now
        self._open()
        _pools.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pids(self) -> tuple[int, ...]:
        """The ids of the processes."""
        return tuple(worker.pid for worker in self._workers if worker.pid is not None)

    def redact(
        self,
        source: bytes | str | Path | BinaryIO,
        *,
        name: str | None = None,
        etag: str | None = None,
        ask: AskImageCodes | None = None,
        origin: Origin | None = None,
    ) -> Result:
        """Find codes, decide, hide what must go and check that it is gone.

        Arguments as for `Redactor.redact`.

        Raises:
            Unavailable: If no process or no room is free in time, or the pool is closed; nothing
                was done.
            BackendMissing: If processes cannot be started, or `ask` finds that no picture can be
                asked about.
        """
        data, name = load(source, name, max_bytes=self.redactor.limits.max_bytes)
        try:
            return self.do(Job(Way.REDACT, data, name, etag, origin), ask)
        except WorkerLost as lost:
            return self.redactor.quarantine(name, str(lost), data)

    def do(self, job: Job, ask: AskImageCodes | None = None) -> Result:
        """The same for whatever is to be done with a picture; further errors as for `redact`.

        Raises:
            WorkerLost: If the process hangs or ends over it.
        """
        with self._lent() as worker:
            try:
                return worker.do(job, ask, self._room, self._timeout_s, self._wait_s)
            except (WorkerLost, BackendMissing):
                if self._is_closed:  # it was ended, whatever the picture is
                    raise _closed() from None
                raise

    def close(self) -> None:
        """End the processes; what they are at is lost."""
        self._is_closed = True
        for worker in self._workers:
            worker.stop(for_good=True)

    def _open(self) -> None:
        self._room = Room(self._max_pixels)
        self._workers = [_Worker(self._setup) for _ in range(self.count)]
        if self._starts_now:
            for worker in self._workers:
                worker.start()
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._is_open = True

    def _leave_to_parent(self) -> None:
        """Let go of processes that belong to the one that this was forked from."""
        for worker in self._workers:
            worker.disown()
        self._lock = threading.Lock()
        self._workers = []
        self._is_open = False

    def _replace(self, worker: _Worker) -> None:
        worker.stop()
        if self._starts_now:
            with contextlib.suppress(BackendMissing, Unavailable):  # the next picture tries again
                worker.start()

    @contextlib.contextmanager
    def _lent(self) -> Iterator[_Worker]:
        with self._lock:
            if not self._is_open:
                self._open()
        if self._is_closed:
            raise _closed()
        try:
            worker = self._idle.get(timeout=self._wait_s)
        except queue.Empty:
            raise Unavailable(f"all {self.count} workers are busy; try again later") from None
        try:
            yield worker
        except Unavailable:
            raise
        except BaseException:
            # Wherever the conversation broke off, the next picture must not get its answer.
            self._replace(worker)
            raise
        finally:
            self._idle.put(worker)


def _closed() -> Unavailable:
    return Unavailable("the worker processes were closed; try again later")


class _Worker:
    """One process, and the conversation with it."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._process: subprocess.Popen[bytes] | None = None
        self._is_over = False
        self._guard = threading.Lock()  # of beginning and end

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process else None

    def start(self) -> None:
        """Start the process; what is not right with it shows when it is needed.

        Raises:
            Unavailable: If the pool is closed.
            BackendMissing: If the system starts none.
        """
        with self._guard, contextlib.ExitStack() as unless_started:
            if self._is_over:
                raise _closed()
            try:
                ours, theirs = Pipe()
                unless_started.enter_context(ours)
                with theirs:
                    self._bound(ours)
                    self._process = self._popen(theirs.fileno())
            except OSError as error:
                raise BackendMissing(
                    f"a worker process cannot be started: {error.strerror}; fewer of them may do"
                ) from error
            unless_started.pop_all()
            self._connection = ours
        self._is_ready = False
        with contextlib.suppress(OSError):
            self._connection.send(self._setup)

    def _bound(self, connection: Connection) -> None:
        """Bound how long a process that hangs keeps who sends to it, or reads half of an answer."""
        seconds = struct.pack("ll", self._setup.seconds - _GRACE_S, 0)
        with socket.socket(fileno=os.dup(connection.fileno())) as end:
            for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
                end.setsockopt(socket.SOL_SOCKET, option, seconds)

    def _popen(self, descriptor: int) -> subprocess.Popen[bytes]:
        # Not by multiprocessing: it would import the caller's main module again, which in
        # Function Compute is the runtime itself.
        return subprocess.Popen(
            # -P: not the modules of whatever folder this happens to run in.
            [sys.executable, "-P", "-c", _CODE, str(descriptor)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(descriptor,),
            env=_environment(),
            start_new_session=True,  # Ctrl-C is for the parent, which ends the processes in order
        )

    def stop(self, *, for_good: bool = False) -> None:
        """End the process, if it was started; any thread may."""
        with self._guard:
            self._is_over |= for_good
            process, self._process = self._process, None
        if process is not None:
            self._connection.close()
            process.kill()
            process.wait()

    def disown(self) -> None:
        if self._process is not None:
            self._connection.close()
            self._process.returncode = 0  # nobody here may wait for it

    def do(
        self, job: Job, ask: AskImageCodes | None, room: Room, timeout_s: float, wait_s: float
    ) -> Result:
        """Have a picture worked on.

        Raises:
            WorkerLost: If the process hangs or ends over it.
        """
        self._make_ready()
        left = _Clock(timeout_s)
        weight = self._hear(Task(job, ask is not None), left)
        assert isinstance(weight, Weight)
        most = self._setup.redactor.limits.max_pixels
        pixels = most if weight.pixels is None else min(weight.pixels, most)
        try:
            room.take(pixels, wait_s=wait_s)
        except Unavailable:
            with contextlib.suppress(OSError):  # it has ended meanwhile: the next finds that out
                self._connection.send(False)
            raise
        try:
            return self._converse(ask, left)
        finally:
            room.give(pixels)

    def _make_ready(self) -> None:
        process = self._process
        if process is not None and self._is_ready and process.poll() is not None:
            self.stop()  # it ended while nobody used it
        for rest_s in (*_RESTS_S, None):
            try:
                if self._process is None:
                    self.start()
                if not self._is_ready:
                    self._wait_until_ready()
                return
            except BackendMissing:
                # Memory may be short for a moment: that is when processes are ended, too.
                self.stop()
                if rest_s is None:
                    raise
                time.sleep(rest_s)

    def _wait_until_ready(self) -> None:
        try:
            self._is_ready = self._connection.poll(_START_S) and isinstance(
                self._connection.recv(), Ready
            )
        except (OSError, EOFError):
            self._is_ready = False
        if not self._is_ready:
            raise BackendMissing(
                "a worker process cannot be started; what it wrote to standard error says why"
                " (too little memory is one reason)"
            )

    def _converse(self, ask: AskImageCodes | None, left: _Clock) -> Result:
        said = self._hear(True, left)
        while isinstance(said, Ask):
            said = self._hear(_answer(ask), left)
        if isinstance(said, RedactorError):
            raise said
        assert isinstance(said, Result)
        return said

    def _hear(self, message: object, left: _Clock) -> Said:
        """Say something, and wait for what the process says to it."""
        connection = self._connection
        try:
            with left.running():
                connection.send(message)
                if not connection.poll(left.seconds):
                    raise BlockingIOError
                said: Said = connection.recv()
                return said
        except BlockingIOError:
            raise WorkerLost(f"it took more than {left.whole_s:g} seconds") from None
        except (OSError, EOFError):
            raise WorkerLost(self._end()) from None
        except TypeError:
            if not connection.closed:
                raise
            raise WorkerLost(self._end()) from None  # closed by another thread meanwhile

    def _end(self) -> str:
        status = None
        if (process := self._process) is not None:  # None once the pool is closed
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = process.wait(1)
        if status is not None and status < 0:
            return f"its worker process was ended by signal {-status}"
        return "its worker process ended"


class _Clock:
    """Seconds that are left for a picture; it stands still while others are waited for."""

    def __init__(self, seconds: float) -> None:
        self.whole_s = self.seconds = seconds

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds = max(0.0, self.seconds - (time.monotonic() - start))


# Servers that load an application and then fork would have all their processes talk to the same
# workers, and pictures would get one another's results. So each that was forked starts its own.
_pools: weakref.WeakSet[Workers] = weakref.WeakSet()


def _after_fork() -> None:
    for pool in _pools:
        pool._leave_to_parent()


os.register_at_fork(after_in_child=_after_fork)


def cores() -> int:
    """Give the cores that this process may use, which in a container are not all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _answer(ask: AskImageCodes | None) -> object:
    assert ask is not None
    try:
        return ask()
    except RedactorError as error:
        return error


def _environment() -> dict[str, str]:
    """Give what a process needs to start; no credentials, because it decodes hostile bytes."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(dict.fromkeys([*filter(None, sys.path), root]))
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _INHERITED or name.startswith(_INHERITED_WITH)
    }
    return {**kept, **_ONE_THREAD, "PYTHONPATH": path, "PYDANTIC_DISABLE_PLUGINS": "1"}
