"""One upload to OSS: read, redact, write to the public place, and leave the rest private."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from redactor.codec import CONTENT_TYPES
from redactor.errors import (
    AccessRefused,
    BackendMissing,
    Changed,
    DamagedTransfer,
    NotFound,
    NotPublishable,
    PictureError,
    StorageError,
    Unavailable,
)
from redactor.hooks.seal import Seals
from redactor.hooks.uploads import Upload
from redactor.model import AskImageCodes, ImageCodes, Result, Verdict
from redactor.report.text import escape_text
from redactor.storage import Blob, Marks
from redactor.storage.imm_gate import ImmGate
from redactor.storage.names import check_relative, too_large
from redactor.storage.oss_attributes import (
    MAX_TAGS,
    SOURCE_ETAG,
    flag_tags,
    mark_headers,
    tag_headers,
)
from redactor.storage.oss_in_place import OssQuarantine
from redactor.storage.oss_place import OssPlace
from redactor.storage.oss_probe import PROBE, check_private
from redactor.storage.oss_store import OssItem
from redactor.storage.retry import deadline
from redactor.version import __version__
from redactor.workers import Workers

if TYPE_CHECKING:
    from redactor.storage.oss import Head, OssClient

VERDICT_TAG = "redactor-verdict"
_ROUNDS = 3
PASSING = (Unavailable, DamagedTransfer, Changed, AccessRefused, BackendMissing)
"""Failures that may pass: the same upload should be tried again later."""


class Status(StrEnum):
    """What became of an upload."""

    WRITTEN = "written"
    HELD = "held"  # quarantined, or flagged and held by the policy: it stays private
    ALREADY = "already"  # finished before, from the same bytes by the same policy
    IGNORED = "ignored"  # not in a place that is watched
    GONE = "gone"  # deleted since


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an upload.

    Attributes:
        place: The object.
        status: What was done.
        written: Where the finished picture is; None where none is.
        result: What the pipeline says; None where it did not come to that.
    """

    place: OssPlace
    status: Status
    written: OssPlace | None = None
    result: Result | None = None


@dataclass(frozen=True)
class ObjectHook:
    """Handles uploads below some prefixes.

    Attributes:
        client: Reads and writes.
        workers: Redact.
        sources: Private prefixes that uploads land in.
        target: The prefix that finished pictures go to; keys are mirrored below it.
        seals: Proof that a picture is finished.
        asks: Whether `image/codes` is asked.
        gate: Counts and limits that; None for no limits.
        quarantine: Where uploads that cannot be handled are moved; None to leave them, tagged.
        timeout_s: Seconds that all requests about one upload may take together.
        told: Is called with what became of each upload.
        imm: Is called for each question to `image/codes`, with whether it was answered.
    """

    client: OssClient
    workers: Workers
    sources: tuple[OssPlace, ...]
    target: OssPlace
    seals: Seals
    asks: bool = False
    gate: ImmGate | None = None
    quarantine: OssQuarantine | None = None
    timeout_s: float = 120
    told: Callable[[Done], None] = field(default=lambda _: None)
    imm: Callable[[bool], None] = field(default=lambda _: None)

    def __post_init__(self) -> None:
        check_apart(self.sources, self.target)
        if self.quarantine is not None:
            check_apart((*self.sources, self.target), self.quarantine.shelf.place)

    def check(self) -> None:
        """Do nothing if uploads, and what is moved to quarantine, are private.

        Raises:
            BackendMissing: If strangers can read there, or if it cannot be told.
        """
        aside = () if self.quarantine is None else (self.quarantine.shelf.place,)
        check_private(self.client, (*self.sources, *aside))

    def handle(self, upload: Upload) -> Done:
        """Handle one upload. The same again gives the same, and writes nothing twice.

        Raises:
            StorageError: One of `PASSING`, if it should be tried again later.
            BackendMissing: If bucket, credentials or workers are missing.
        """
        with deadline(self.timeout_s):
            done = self._handle(upload)
        self.told(done)
        return done

    def watches(self, upload: Upload) -> bool:
        """Whether an upload is where uploads are watched."""
        return any(self._relative(place) is not None for place in _places(upload))

    def _handle(self, upload: Upload) -> Done:
        places = [place for place in _places(upload) if self._relative(place) is not None]
        if not places:
            return Done(OssPlace(upload.bucket, upload.keys[0]), Status.IGNORED)
        for _ in range(_ROUNDS):
            found = self._find(places, upload.etag)
            if found is None:
                return Done(places[0], Status.GONE)
            place, head = found
            try:
                return self._finish_or_hold(place, head)
            except (Changed, NotFound):
                continue  # replaced or deleted meanwhile, which the next look tells
        raise Changed(f"{places[0]}: changes faster than it can be redacted; try again later")

    def _find(self, places: Iterable[OssPlace], etag: str) -> tuple[OssPlace, Head] | None:
        """Find the object meant: the one of this ETag or, if it has changed, the likeliest."""
        found = [(place, head) for place in places if (head := self.client.find(place)) is not None]
        meant = (one for one in found if one[1].etag.upper() == etag)
        return next(meant, found[0] if found else None)

    def _finish_or_hold(self, place: OssPlace, head: Head) -> Done:
        try:
            return self._finish(place, head)
        except (*PASSING, NotFound):
            raise
        except (PictureError, StorageError) as error:
            # It would fail in the same way however often it came.
            held = self.workers.redactor.quarantine(str(place), str(error))
            return self._hold(place, head, held)

    def _finish(self, place: OssPlace, head: Head) -> Done:
        relative = check_relative(self._relative(place) or "", empty_parts=True)
        target = self.target.below(relative)
        most = self.workers.redactor.limits.max_bytes
        if head.size > most:
            raise too_large(str(place), most, head.size)  # before a byte of it is read
        blob = self.client.read(place, max_bytes=most)
        if self.seals.holds(place, blob.data, head.headers):
            return Done(place, Status.ALREADY)
        if self._is_finished(target, blob):
            return Done(place, Status.ALREADY, target)
        result = self.workers.redact(
            blob.data, name=str(place), etag=blob.etag, ask=self._asker(place)
        )
        try:
            image = result.image
        except NotPublishable:
            return self._hold(place, head, result, blob)
        self._check_same(place, blob)
        self._write(target, image, blob, result)
        # And again: if another came between, whose result this has replaced, it is done anew.
        self._check_same(place, blob)
        self._note(place, head, result, is_new=False)
        return Done(place, Status.WRITTEN, target, result)

    def _is_finished(self, target: OssPlace, blob: Blob) -> bool:
        """Whether the target holds what this policy made of these very bytes."""
        if not self.seals.are_made:
            return False
        head = self.client.find(target)
        if head is None or head.headers.get(SOURCE_ETAG) != blob.etag:
            return False
        if head.size > 2 * self.workers.redactor.limits.max_bytes:
            return False
        written = self.client.read(target, max_bytes=head.size)
        return self.seals.holds(target, written.data, head.headers)

    def _check_same(self, place: OssPlace, blob: Blob) -> None:
        """Look again: what is public in the end must not be older than the upload."""
        if self.client.head(place).etag != blob.etag:
            raise Changed(f"{place}: changed while it was redacted")

    def _write(self, target: OssPlace, image: bytes, blob: Blob, result: Result) -> None:
        flag = None if result.flag is None else result.flag.value
        policy = result.policy.rpartition("@")[2]
        marks = Marks(__version__, policy, result.verdict.value, blob.etag, flag)
        self.client.write(
            target,
            image,
            content_type=CONTENT_TYPES[result.format or ""],
            # A later upload under the same key replaces what was made of the earlier one.
            overwrite=True,
            headers={
                **mark_headers(marks),
                **self.seals.headers(target, image),
                **tag_headers(flag_tags(marks)),
            },
        )

    def _hold(self, place: OssPlace, head: Head, result: Result, blob: Blob | None = None) -> Done:
        """Leave an upload where it is, with a tag that tells why nothing is public.

        What is quarantined is moved, where there is a place for it, and it could be read.
        """
        self._note(place, head, result, is_new=True)
        is_moved = self.quarantine is not None and result.verdict is Verdict.QUARANTINED
        if self.quarantine is None or not is_moved or blob is None:
            return Done(place, Status.HELD, result=result)
        item = OssItem(self.client, place, self._relative(place) or "")
        moved = self.quarantine.move(item, blob)
        return Done(place, Status.HELD, OssPlace.parse(moved), result)

    def _note(self, place: OssPlace, head: Head, result: Result, *, is_new: bool) -> None:
        """Tag an upload with its verdict; one that was not tagged before, only if it is new."""
        tags = self.client.tags(place) if head.headers.get("x-oss-tagging-count") else {}
        if not is_new and VERDICT_TAG not in tags:
            return
        more = {VERDICT_TAG: result.verdict.value}
        if result.flag is not None:
            more |= flag_tags(Marks("", "", "", flag=result.flag.value))
        merged = {**tags, **more}
        # With all ten tags taken it is held all the same, only without the note.
        if merged != tags and len(merged) <= MAX_TAGS:
            self.client.put_tags(place, merged)

    def _asker(self, place: OssPlace) -> AskImageCodes | None:
        if not self.asks:
            return None

        def ask() -> ImageCodes:
            try:
                answer = self.client.ask_image_codes(place, gate=self.gate)
            except (StorageError, BackendMissing):
                self.imm(False)
                raise
            self.imm(True)
            return answer

        return ask

    def _relative(self, place: OssPlace) -> str | None:
        """Give the place below the prefix that is watched; None where none is."""
        if place.key.endswith("/") or PROBE in place.key:
            return None  # a folder's placeholder, or our own look for strangers
        for source in self.sources:
            if source.bucket == place.bucket and place.key.startswith(source.key):
                return place.key.removeprefix(source.key)
        return None


def check_apart(sources: Iterable[OssPlace], target: OssPlace) -> None:
    """Do nothing if no finished picture can be taken for an upload.

    Raises:
        BackendMissing: If a source and the target lie within each other, or one is no prefix.
    """
    for place in (*sources, target):
        if not place.is_prefix:
            raise BackendMissing(f"{place}: hooks need prefixes; end it with /")
    for source in sources:
        is_within = source.key.startswith(target.key) or target.key.startswith(source.key)
        if source.bucket == target.bucket and is_within:
            raise BackendMissing(
                f"{source} and {target} lie within each other: what is written would be an upload"
                " again, for ever; write to another prefix or bucket"
            )


def _places(upload: Upload) -> list[OssPlace]:
    return [OssPlace(upload.bucket, key) for key in upload.keys]


def describe(done: Done) -> str:
    """Say in a line what became of an upload; of codes it tells the number alone."""
    said = f"{done.place}: {done.status.value}"
    if done.result is not None:
        said += f", {done.result.verdict.value}, codes: {len(done.result.codes)}"
        said += "".join(f"; {reason}" for reason in done.result.reasons)
    if done.written is not None:
        said += f"; now {done.written}"
    return escape_text(said)
