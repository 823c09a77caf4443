"""Replacing objects of OSS where they lie, so that at no step anything is lost or exposed.

OSS has no compare-and-swap, and an overwrite forgets everything but the bytes. Therefore, in this
order: the original is copied to a restricted prefix, under its own ETag, and the copy is checked;
what an overwrite would lose is asked for; the object is looked at once more, and only if it is
still the one that was read, it is overwritten. Whoever is killed at any step leaves the original
in place or in the restricted prefix, and a second run finishes the work.

An upload between that last look and the overwrite is lost in a bucket without versions. Where
there are versions it is noticed, and the upload is put in front again.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redactor.errors import AccessRefused, AlreadyExists, Changed, StorageError
from redactor.storage import Blob, Marks
from redactor.storage.oss_attributes import (
    SOURCE_ETAG,
    encryption_headers,
    flag_tags,
    kept_headers,
    mark_headers,
    merged_tags,
    tag_headers,
)
from redactor.storage.oss_place import OssPlace
from redactor.storage.oss_store import OssItem

if TYPE_CHECKING:
    from redactor.storage.oss import Head, OssClient


@dataclass(frozen=True, slots=True)
class OssShelf:
    """A restricted prefix where originals are kept, under `<prefix><key>/<ETag>`.

    Attributes:
        client: Copies within OSS.
        place: The prefix.
    """

    client: OssClient
    place: OssPlace

    def place_of(self, source: OssPlace, etag: str) -> OssPlace:
        """Give the place of an original."""
        return self.place.below(f"{source.key}/{etag}")

    def keep(self, source: OssPlace, blob: Blob, head: Head) -> OssPlace:
        """Make sure that the original is here, private, and whole.

        Args:
            source: Where the object is.
            blob: What was read there.
            head: What is known about it.

        Returns:
            Where the copy is.

        Raises:
            Changed: If the object is not the one that was read.
            StorageError: If there is no such copy in the end.
        """
        copy = self.place_of(source, head.etag)
        # By its ETag: what is there under it is this very original, from a run that was killed.
        # Asked first, because OSS replaces it all the same where the bucket has versions.
        found = self.client.find(copy)
        if found is None:
            self._copy(source, copy, head)
            found = self.client.head(copy)
        if not self._is_whole(copy, found, blob):
            raise StorageError(
                f"{copy}: differs from the original of {source} by length or checksum;"
                " remove it and run again"
            )
        return copy

    def _copy(self, source: OssPlace, copy: OssPlace, head: Head) -> None:
        headers = {
            **encryption_headers(head.headers),
            "x-oss-copy-source-if-match": head.etag,
            "x-oss-object-acl": "private",
            "x-oss-forbid-overwrite": "true",
        }
        # It may be there by now: the answer to an attempt was lost, or another run does the same.
        with contextlib.suppress(AlreadyExists):
            self.client.copy(source, copy, headers)

    def _is_whole(self, copy: OssPlace, found: Head, blob: Blob) -> bool:
        if found.crc is not None:
            return found.is_of(blob.data)
        if found.size != len(blob.data):
            return False
        return self.client.read(copy, max_bytes=len(blob.data)).data == blob.data


@dataclass(frozen=True, slots=True)
class Replaced:
    """What came of replacing an object.

    Attributes:
        remarks: What a person should know.
        url: What caches in front of OSS should fetch again; None where nothing was replaced.
    """

    remarks: tuple[str, ...] = ()
    url: str | None = None


@dataclass(frozen=True, slots=True)
class OssInPlace:
    """Replaces objects by their redacted versions.

    Attributes:
        originals: Where the originals are kept.
        purge_versions: Delete the version that still holds the code, in buckets with versions.
    """

    originals: OssShelf
    purge_versions: bool = False

    @property
    def client(self) -> OssClient:
        """Reads and writes."""
        return self.originals.client

    def replace(self, item: OssItem, blob: Blob, data: bytes, marks: Marks) -> Replaced:
        """Replace an object, and keep all that belongs to it.

        Args:
            item: The object.
            blob: What was read there.
            data: What it is replaced by.
            marks: What is noted beside it.

        Raises:
            Changed: If it is not the one that was read any more.
            StorageError: If it cannot be replaced, or the original not be kept.
        """
        source = item.place
        head = unchanged(self.client, source, blob)
        # That HEAD of a symlink tells the kind of the link and not of its target is unverified; if
        # not, the link is replaced, and its target is looked at under its own name.
        if head.kind == "Symlink":
            raise StorageError(
                f"{source}: a symlink; what it shows would stay as it is: run its target instead"
            )
        self.originals.keep(source, blob, head)
        headers = self._headers(source, head, marks)
        before, version = self._overwrite(source, blob, data, headers)
        remarks = self._after(source, before, version)
        return Replaced(remarks, self.client.session.settings.url(source))

    def settle(self, item: OssItem, blob: Blob, marks: Marks) -> Replaced:
        """Do what is left to do about an object whose bytes stay.

        It gets the tag of a flagged picture. Where versions are purged, so is the one that an
        earlier run, killed before it could, replaced by this.
        """
        source = item.place
        if flag := flag_tags(marks):
            head = unchanged(self.client, source, blob)
            tags = self._tags(source, head)
            if tags.items() < merged_tags(str(source), tags, flag).items():
                self.client.put_tags(source, {**tags, **flag})
        if self.purge_versions and self.client.versioning(source):
            self._purge_leftover(source)
        return Replaced()

    def _headers(self, source: OssPlace, head: Head, marks: Marks) -> dict[str, str | bytes]:
        """Give everything that an overwrite would lose."""
        tags = merged_tags(str(source), self._tags(source, head), flag_tags(marks))
        return {
            **kept_headers(head.headers),
            **mark_headers(marks),
            **tag_headers(tags),
            # Without it, a private object in a public bucket would become public.
            "x-oss-object-acl": self.client.acl(source),
        }

    def _tags(self, source: OssPlace, head: Head) -> dict[str, str]:
        count = head.headers.get("x-oss-tagging-count", "0")
        return self.client.tags(source) if count != "0" else {}

    def _overwrite(
        self, source: OssPlace, blob: Blob, data: bytes, headers: dict[str, str | bytes]
    ) -> tuple[Head, str | None]:
        """Write, looking before each attempt whether the object is still the one that was read.

        Returns:
            The object as it was looked at last, and the id of the version written.
        """
        seen: list[Head] = []

        def once() -> str | None:
            now = self.client.head_once(source)
            if seen and now.is_of(data):  # the answer to an attempt before was lost
                return now.version
            _check_same(source, now, blob)
            seen.append(now)
            return self.client.put_once(source, data, headers)

        version = self.client.session.retry(once)
        return seen[-1], version

    def _after(self, source: OssPlace, before: Head, version: str | None) -> tuple[str, ...]:
        """Look at what lies behind the version that was written."""
        if version is None or before.version is None or version == before.version:
            return ()
        try:
            between = self._between(source, version, before.version)
        except AccessRefused:
            between = False
            remark = (
                "whether an upload came between cannot be told: oss:ListObjectVersions is missing"
            )
            return (remark, *self._old_version(source, before.version))
        if between:
            self.client.delete(source, version=version)
            raise Changed(f"{source}: an upload came between; it is in front again; run again")
        return self._old_version(source, before.version)

    def _between(self, source: OssPlace, version: str, before: str) -> bool:
        ids = [one.id for one in self.client.versions(source)]
        if version not in ids or before not in ids:
            return False  # deleted since
        return ids.index(before) - ids.index(version) != 1

    def _old_version(self, source: OssPlace, version: str) -> tuple[str, ...]:
        if self.purge_versions:
            self.client.delete(source, version=version)
            return ()
        return (
            f"the bucket keeps versions: {version} still holds the code;"
            " --purge-versions deletes it",
        )

    def _purge_leftover(self, source: OssPlace) -> None:
        head = self.client.head(source)
        etag = head.headers.get(SOURCE_ETAG)
        if not etag:
            return
        # The mark may be forged: only a version whose copy is among the originals goes.
        copy = self.client.find(self.originals.place_of(source, etag))
        if copy is None:
            return
        for version in self.client.versions(source):
            if not version.is_latest and (version.etag, version.size) == (etag, copy.size):
                self.client.delete(source, version=version.id)


@dataclass(frozen=True, slots=True)
class OssQuarantine:
    """Moves objects that could not be handled out of the way, under `<prefix><key>/<ETag>`.

    Attributes:
        shelf: Where they go.
    """

    shelf: OssShelf

    def move(self, item: OssItem, blob: Blob) -> str:
        """Move an object; gives the name it has then.

        In a bucket with versions its older versions stay, behind a marker of deletion.

        Raises:
            Changed: If it is not the one that was read any more.
            StorageError: If it cannot be copied or deleted.
        """
        client, source = self.shelf.client, item.place
        head = unchanged(client, source, blob)
        if head.kind == "Symlink":
            raise StorageError(f"{source}: a symlink; move its target instead")
        copy = self.shelf.keep(source, blob, head)
        unchanged(client, source, blob)
        client.delete(source)
        return str(copy)


def unchanged(client: OssClient, source: OssPlace, blob: Blob) -> Head:
    """Look at an object, which must be the one that was read.

    Raises:
        Changed: If it is another.
    """
    head = client.head(source)
    _check_same(source, head, blob)
    return head


def _check_same(source: OssPlace, head: Head, blob: Blob) -> None:
    # The ETag tells uploads apart; that of a part-wise upload may say nothing of the bytes.
    if head.etag != blob.etag or head.size != len(blob.data):
        raise Changed(f"{source}: changed while it was redacted; run it again")
