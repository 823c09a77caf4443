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
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from multiprocessing import Pipe
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
    {"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"}
    | {"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONWARNINGS"}
    | {"PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"}
)


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
            except WorkerLost:
                self._refuse_if_closed()  # it was ended, whatever the picture is
                raise

    def close(self) -> None:
        """End the processes; what they are at is lost."""
        self._is_closed = True
        for worker in self._workers:
            worker.stop()

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise Unavailable("the worker processes were closed; try again later")

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
        if self._starts_now and not self._is_closed:
            worker.start()

    @contextlib.contextmanager
    def _lent(self) -> Iterator[_Worker]:
        with self._lock:
            if not self._is_open:
                self._open()
        self._refuse_if_closed()
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


class _Worker:
    """One process, and the conversation with it."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process; what is not right with it shows when it is needed.

        Raises:
            BackendMissing: If the system starts none.
        """
        with contextlib.ExitStack() as unless_started:
            try:
                ours, theirs = Pipe()
                unless_started.enter_context(ours)
                with theirs:
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

    def stop(self) -> None:
        """End the process, if it was started; any thread may."""
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
        if self._process is not None and self._is_ready and self._process.poll() is not None:
            self.stop()  # it ended while nobody used it
        if self._process is None:
            self.start()
        if self._is_ready:
            return
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
        try:
            with left.running():
                self._connection.send(message)
                if not self._connection.poll(left.seconds):
                    raise WorkerLost(f"it took more than {left.whole_s:g} seconds")
                said: Said = self._connection.recv()
                return said
        except (OSError, EOFError):
            raise WorkerLost(self._end()) from None

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
    kept = {name: value for name, value in os.environ.items() if name in _INHERITED}
    return {**kept, **_ONE_THREAD, "PYTHONPATH": path, "PYDANTIC_DISABLE_PLUGINS": "1"}
