"""What `redactor serve` keeps: workers, the queue of uploads and those who work it off."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

from redactor.errors import RedactorError
from redactor.hooks.callback import CallbackVerifier
from redactor.hooks.metrics import Metrics
from redactor.hooks.objects import PASSING, ObjectHook, describe
from redactor.hooks.queue import UploadQueue
from redactor.hooks.uploads import Upload
from redactor.report.text import escape_text
from redactor.workers import Workers

log = logging.getLogger("redactor.hooks")
_IDLE_S = 0.5  # how often the queue is looked at for what is due again


@dataclass
class Service:
    """A service; `start` and `stop` it.

    Attributes:
        workers: Redact.
        metrics: Count.
        hook: Handles uploads; None where the service takes none.
        queue: Where they wait; None likewise.
        verifier: Checks upload callbacks.
        token: What requests must bear; None for nothing.
        max_in_hand: Pictures of requests that are taken in at the same time.
        body_s: Seconds within which a request must have come whole.
    """

    workers: Workers
    metrics: Metrics = field(default_factory=Metrics)
    hook: ObjectHook | None = None
    queue: UploadQueue | None = None
    verifier: CallbackVerifier = field(default_factory=CallbackVerifier)
    token: str | None = None
    max_in_hand: int = 16
    body_s: float = 30

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._added = threading.Semaphore(0)
        self._threads: list[threading.Thread] = []
        if self.queue is not None:
            queue = self.queue
            self.metrics.watch("queued_uploads", "Uploads that wait.", lambda: len(queue))

    def start(self) -> None:
        """Begin to work off the queue."""
        if self.hook is None or self.queue is None:
            return
        for number in range(self.workers.count):
            thread = threading.Thread(
                target=self._work, args=(self.hook, self.queue), name=f"uploads-{number}"
            )
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Finish what is in hand, leave the rest in the queue, and end the processes."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self.workers.close()
        if self.queue is not None:
            self.queue.close()

    def enqueue(self, upload: Upload) -> bool:
        """Queue an upload, on disk. False if it was queued before, or is not watched.

        Raises:
            Unavailable: If the queue does not take it.
        """
        assert self.hook is not None
        assert self.queue is not None
        if not self.hook.watches(upload) or not self.queue.put(upload):
            return False
        self._added.release()
        return True

    def _work(self, hook: ObjectHook, queue: UploadQueue) -> None:
        while not self._stopping.is_set():
            try:
                upload = queue.take()
                if upload is None:
                    self._added.acquire(timeout=_IDLE_S)
                else:
                    self._handle(hook, queue, upload)
            except Exception:  # such as a full disk: what was in hand waits for the next start
                log.exception("the queue failed")
                self._stopping.wait(_IDLE_S)

    def _handle(self, hook: ObjectHook, queue: UploadQueue, upload: Upload) -> None:
        try:
            done = hook.handle(upload)
        except PASSING as error:
            self._delay(queue, upload, error)
        except Exception as error:  # a mistake of ours must not end the service
            log.exception("%s: internal error", _name(upload))
            self._delay(queue, upload, error)
        else:
            log.info("%s", describe(done))
            queue.done(upload)

    def _delay(self, queue: UploadQueue, upload: Upload, error: Exception) -> None:
        waits = queue.back(upload)
        self.metrics.failed_upload(is_final=not waits)
        said = str(error) if isinstance(error, RedactorError) else type(error).__name__
        later = "tried again later" if waits else "given up; it stays private, for a sweep to find"
        log.warning("%s: %s; %s", _name(upload), escape_text(said), later)


def _name(upload: Upload) -> str:
    return escape_text(f"oss://{upload.bucket}/{upload.keys[0]}")
