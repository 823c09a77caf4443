"""What is done with one picture of a run: read, redact, write back.

One bad picture never stops a run: whatever happens to it is in its outcome. What makes every
picture fail alike (no such bucket, refused credentials) is raised as `BackendMissing`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from redactor.batch.capacity import Capacity
from redactor.batch.ceiling import Ceiling
from redactor.batch.keep import find, is_itself, keep, left_there
from redactor.codec import CONTENT_TYPES
from redactor.errors import (
    AlreadyExists,
    BackendMissing,
    Changed,
    PictureError,
    StorageError,
    WorkerLost,
)
from redactor.model import Decision, Result, Verdict
from redactor.pipeline import Redactor
from redactor.storage import Blob, Item, Marks, Sink
from redactor.storage.local import LocalItem
from redactor.storage.local_sink import FileSink
from redactor.storage.oss_in_place import OssInPlace, OssQuarantine
from redactor.storage.oss_store import OssItem
from redactor.storage.retry import deadline
from redactor.version import __version__

T = TypeVar("T")

MOVED_TO = "moved to "
"""Begins the remark that says where an object lies now."""

_UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one picture of a run.

    Attributes:
        result: What the pipeline says.
        relative: Its place below the source.
        before: The bytes that came in; None where they could not be read.
        written: Where the finished picture is; None where none was written.
        error: Why it could not be read or written; None if it could.
        refresh: URL that caches should fetch again, because it shows another picture now; None
            where nothing was replaced.
        number: Its place in the listing, from 0.
        state: What the store said of it before it was read; see `Item.state`.
    """

    result: Result
    relative: str
    before: bytes | None = None
    written: str | None = None
    error: str | None = None
    refresh: str | None = None
    number: int = 0
    state: str | None = None

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
        originals: Replace pictures in place, after a copy of the original went here; None not to.
            A sink for files, and for objects what replaces them.
        quarantine: Where every quarantined picture goes: a sink takes a copy, the other moves
            objects; None to leave them alone.
        ceiling: How many may be quarantined before the run stops; None for any number.
        wrote: Says whether an earlier run wrote a file of this SHA-256 for a picture, so that it
            may be replaced; None where none did.
        ahead: Told of a picture that is about to be replaced in place; None where nobody wants to
            know. What it raises keeps that from happening.
        capacity: What the machine can work on at the same time; None for any number.
        timeout_s: Seconds that all requests about one picture may take together; None for any
            number.
    """

    redactor: Redactor
    sink: Sink | None = None
    dry_run: bool = False
    overwrite: bool = False
    originals: Sink | OssInPlace | None = None
    quarantine: Sink | OssQuarantine | None = None
    ceiling: Ceiling | None = None
    wrote: Callable[[Item, str], bool] | None = None
    ahead: Callable[[Outcome], None] | None = None
    capacity: Capacity | None = None
    timeout_s: float | None = None

    def handle(self, item: Item, known: Callable[[Blob], T | None] | None = None) -> Outcome | T:
        """Give the outcome of one picture.

        Args:
            item: The picture.
            known: Asked once it has been read; what it gives is given instead, and nothing done.

        Raises:
            BackendMissing: If no picture can be handled.
        """
        try:
            return self._handle(item, known)
        except BackendMissing:
            raise
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not stop a run
            reason = f"internal error: {type(error).__name__}: {error}"
            failed = self.redactor.quarantine(item.name, reason)
            return Outcome(failed, item.relative, error=reason)

    def _handle(self, item: Item, known: Callable[[Blob], T | None] | None) -> Outcome | T:
        with deadline(self.timeout_s):
            blob = self._read(item)
            if isinstance(blob, Outcome):
                return self._failed(item, blob)
            if known is not None and (earlier := known(blob)) is not None:
                return earlier
            outcome = self._look(item, blob)
            if outcome.error is not None:
                return self._failed(item, outcome)
            result = outcome.result
            is_admitted = self._admit(is_quarantined=result.verdict is Verdict.QUARANTINED)
            try:
                return outcome if self.dry_run else self._store(item, blob, outcome, is_admitted)
            except StorageError as error:
                return replace(outcome, error=str(error))

    def _failed(self, item: Item, outcome: Outcome) -> Outcome:
        """Count a picture that was not looked at; it stays where it is."""
        self._admit(is_quarantined=True)
        try:
            return outcome if self.dry_run else self._left_behind(item, outcome)
        except StorageError as error:
            return replace(outcome, error=outcome.error or str(error))

    def _look(self, item: Item, blob: Blob) -> Outcome:
        look = self.redactor.plan if self.dry_run else self.redactor.redact
        data, ask, capacity = blob.data, item.ask_image_codes, self.capacity
        if capacity is not None and ask is not None:
            ask = capacity.waiting(ask)
        try:
            with nullcontext() if capacity is None else capacity.working(data):
                result = look(data, name=item.name, etag=blob.etag, ask=ask)
        except WorkerLost as lost:
            # As one that could not be read, it stays where it is and is tried again: what ended
            # the process may not have been this picture.
            failed = self.redactor.quarantine(item.name, str(lost), data)
            return Outcome(failed, item.relative, data, error=str(lost))
        return Outcome(result, item.relative, data)

    def _admit(self, *, is_quarantined: bool) -> bool:
        return self.ceiling is None or self.ceiling.admit(is_quarantined=is_quarantined)

    def _read(self, item: Item) -> Blob | Outcome:
        try:
            return item.read(max_bytes=self.redactor.limits.max_bytes)
        except PictureError as error:
            return Outcome(self.redactor.quarantine(item.name, str(error)), item.relative)
        except StorageError as error:
            failed = self.redactor.quarantine(item.name, str(error))
            return Outcome(failed, item.relative, error=str(error))

    def _store(self, item: Item, blob: Blob, outcome: Outcome, is_admitted: bool) -> Outcome:
        """Put a picture where it belongs; gives the outcome with what came of that."""
        result = outcome.result
        content_type = CONTENT_TYPES.get(result.format or "", _UNKNOWN_TYPE)
        if result.verdict is Verdict.QUARANTINED and self.quarantine is not None:
            if not is_admitted:
                raise StorageError(f"{item.name}: left where it is: the run stops")
            if isinstance(self.quarantine, OssQuarantine):
                return self._move(self.quarantine, item, blob, outcome)
            keep(self.quarantine, item, blob.data, content_type)
        if isinstance(self.originals, OssInPlace):
            return self._replace_object(self.originals, item, blob, outcome)
        if not result.is_publishable:
            return self._left_behind(item, outcome)
        if self.originals is not None:
            outcome = replace(outcome, written=item.name)
            self._replace_file(self.originals, item, blob, outcome, content_type)
            return outcome
        if self.sink is None:
            return outcome
        if is_itself(self.sink, item):
            raise StorageError(
                f"{item.name}: would be written over itself, and the original be lost;"
                " write to another place, or replace it with --in-place --originals PLACE"
            )
        try:
            written = self.sink.write(
                item.relative,
                result.image,
                content_type=content_type,
                overwrite=self.overwrite,
                marks=_marks(blob, result),
            )
        except AlreadyExists:
            written = self._again(self.sink, item, blob, result, content_type)
        return replace(outcome, written=written)

    def _left_behind(self, item: Item, outcome: Outcome) -> Outcome:
        """Give the outcome of a picture that is not written; says so if an earlier one was.

        Raises:
            StorageError: If that cannot be found out.
        """
        there = left_there(self.sink, item.relative) if self.sink is not None else None
        if there is None:
            return outcome
        result = outcome.result
        why = "; ".join(result.reasons) or "held back"
        return replace(
            outcome, error=f"{why}; but {there} is there from before: look at it, or remove it"
        )

    def _again(self, sink: Sink, item: Item, blob: Blob, result: Result, content_type: str) -> str:
        """Settle for what is there already, or replace it if an earlier run wrote it.

        Raises:
            AlreadyExists: If it is neither.
        """
        target, there = find(sink, item.relative)
        # A run that was killed before it could say so, or the same run again.
        if target is not None and there == result.image:
            return target
        digest = hashlib.sha256(there).hexdigest()
        return sink.write(
            item.relative,
            result.image,
            content_type=content_type,
            overwrite=self.wrote is not None and self.wrote(item, digest),
            marks=_marks(blob, result),
        )

    def _move(self, place: OssQuarantine, item: Item, blob: Blob, outcome: Outcome) -> Outcome:
        """Move an object to quarantine."""
        if not isinstance(item, OssItem):
            raise StorageError(f"{item.name}: only objects can be moved to oss:// in place")
        remark = f"{MOVED_TO}{place.move(item, blob)}"
        return _with_remarks(outcome, (remark,))

    def _replace_object(
        self, place: OssInPlace, item: Item, blob: Blob, outcome: Outcome
    ) -> Outcome:
        """Replace an object by its redacted version, or note beside it what was found."""
        if not isinstance(item, OssItem):
            raise StorageError(f"{item.name}: only objects can be replaced with originals in OSS")
        result = outcome.result
        if not result.is_publishable or not result.changed:
            place.settle(item, blob, _marks(blob, result))
            return replace(outcome, written=item.name if result.is_publishable else None)
        outcome = replace(outcome, written=item.name)
        if self.ahead is not None:
            self.ahead(outcome)
        done = place.replace(item, blob, result.image, _marks(blob, result))
        outcome = replace(outcome, refresh=done.url)
        return _with_remarks(outcome, done.remarks)

    def _replace_file(
        self, originals: Sink, item: Item, blob: Blob, outcome: Outcome, content_type: str
    ) -> None:
        """Replace a file by its redacted version, once a copy of the original is safe."""
        if not isinstance(item, LocalItem):
            raise StorageError(f"{item.name}: only files can be replaced in place")
        result = outcome.result
        if not result.changed:
            return
        # Where a link leads: replacing the link would leave what it shows as it is.
        path = Path(item.name).resolve()
        root = os.path.abspath(item.name).removesuffix(item.relative)  # noqa: PTH100 - not links
        if not path.is_relative_to(Path(root).resolve()):
            raise StorageError(
                f"{item.name}: a link to {path}, which was not named; give that as a SOURCE itself"
            )
        keep(originals, item, blob.data, content_type)
        if item.read(max_bytes=self.redactor.limits.max_bytes).data != blob.data:
            raise Changed(f"{item.name}: changed while it was redacted; run it again")
        if self.ahead is not None:
            self.ahead(outcome)
        place = FileSink(str(path))
        place.write(item.relative, result.image, content_type=content_type, overwrite=True)


def _marks(blob: Blob, result: Result) -> Marks:
    flag = None if result.flag is None else result.flag.value
    # The policy's hash: its name may be any text, and metadata is ASCII.
    policy = result.policy.rpartition("@")[2]
    return Marks(__version__, policy, result.verdict.value, blob.etag, flag)


def _with_remarks(outcome: Outcome, remarks: Sequence[str]) -> Outcome:
    result = replace(outcome.result, remarks=(*outcome.result.remarks, *remarks))
    return replace(outcome, result=result)
