"""A run over a source.

One bad picture never stops a run: whatever happens to it is in its outcome. What makes every
picture fail alike (no such bucket, refused credentials) stops the run as `BackendMissing`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from redactor.codec import CONTENT_TYPES
from redactor.errors import AlreadyExists, Changed, PictureError, StorageError
from redactor.model import Decision, Result, Verdict
from redactor.pipeline import Redactor
from redactor.storage import Blob, Item, Sink, Source
from redactor.storage.local_sink import FileSink

_UNKNOWN_TYPE = "application/octet-stream"
_AHEAD = 2  # pictures in hand per job: enough to hide reading and writing behind the decoders


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one picture of a run.

    Attributes:
        result: What the pipeline says.
        before: The bytes that came in; None where they could not be read.
        written: Where the finished picture is; None where none was written.
        error: Why it could not be read or written; None if it could.
    """

    result: Result
    before: bytes | None = None
    written: str | None = None
    error: str | None = None

    @property
    def has_failed(self) -> bool:
        """Whether the picture was quarantined, or could not be read or written."""
        return self.error is not None or self.result.verdict is Verdict.QUARANTINED

    def with_codes(self, codes: Sequence[Decision]) -> Outcome:
        """Give the same outcome with other codes."""
        return replace(self, result=replace(self.result, codes=tuple(codes)))


@dataclass(frozen=True)
class Batch:
    """How a source is worked through.

    Attributes:
        redactor: What is done with each picture.
        sink: Where finished pictures go; None to write none, or to replace them in place.
        dry_run: Cut after the decision.
        overwrite: Replace what is in the sink already.
        originals: Replace files in place, after a copy of the original went here; None not to.
        quarantine: Where a copy of every quarantined picture goes; None to leave them alone.
        jobs: Pictures worked on at the same time.
    """

    redactor: Redactor
    sink: Sink | None = None
    dry_run: bool = False
    overwrite: bool = False
    originals: Sink | None = None
    quarantine: Sink | None = None
    jobs: int = 1

    def run(self, source: Source) -> Iterator[Outcome]:
        """Give the outcome of each picture, in the order of the source.

        Raises:
            BackendMissing: If no picture can be handled.
        """
        pending: deque[Future[Outcome]] = deque()
        pool = ThreadPoolExecutor(self.jobs, thread_name_prefix="redactor")
        try:
            for item in source.items():
                pending.append(pool.submit(self._one, item))
                if len(pending) >= self.jobs * _AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            # What is in hand is finished, what has not begun is dropped.
            pool.shutdown(wait=True, cancel_futures=True)

    def _one(self, item: Item) -> Outcome:
        try:
            blob = item.read(max_bytes=self.redactor.limits.max_bytes)
        except PictureError as error:
            return Outcome(self.redactor.quarantine(item.name, str(error)))
        except StorageError as error:
            return Outcome(self.redactor.quarantine(item.name, str(error)), error=str(error))
        look = self.redactor.plan if self.dry_run else self.redactor.redact
        result = look(blob.data, name=item.name, etag=blob.etag, ask=item.ask_image_codes)
        try:
            return Outcome(result, blob.data, self._store(item, blob, result))
        except StorageError as error:
            return Outcome(result, blob.data, error=str(error))

    def _store(self, item: Item, blob: Blob, result: Result) -> str | None:
        if self.dry_run:
            return None
        content_type = CONTENT_TYPES.get(result.format or "", _UNKNOWN_TYPE)
        if result.verdict is Verdict.QUARANTINED and self.quarantine is not None:
            _keep(self.quarantine, item, blob.data, content_type)
        if not result.is_publishable:
            return None
        if self.originals is not None:
            return self._replace(self.originals, item, blob, result, content_type)
        if self.sink is None:
            return None
        return self.sink.write(
            item.relative, result.image, content_type=content_type, overwrite=self.overwrite
        )

    def _replace(
        self, originals: Sink, item: Item, blob: Blob, result: Result, content_type: str
    ) -> str:
        """Replace a file by its redacted version, once a copy of the original is safe."""
        if not result.changed:
            return item.name
        _keep(originals, item, blob.data, content_type)
        if item.read(max_bytes=self.redactor.limits.max_bytes).data != blob.data:
            raise Changed(f"{item.name}: changed while it was redacted; run it again")
        return FileSink(item.name).write(
            item.relative, result.image, content_type=content_type, overwrite=True
        )


def _keep(sink: Sink, item: Item, data: bytes, content_type: str) -> None:
    """Put a copy aside. One that is there already is kept: it is the first original."""
    try:
        sink.write(item.relative, data, content_type=content_type, overwrite=False)
    except AlreadyExists:
        return
