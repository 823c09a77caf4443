"""Buckets and objects in memory, with what OSS keeps about an object."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import crcmod  # type: ignore[import-untyped,unused-ignore]  # ships no types; oss2 uses it too

from redactor.testing.errors import OssFailure, no_such_bucket, no_such_key

# CRC-64/XZ, as OSS computes it.
_crc64 = crcmod.mkCrcFun(0x142F0E1EBA9EA3693, initCrc=0, rev=True, xorOut=0xFFFFFFFFFFFFFFFF)


def crc64(data: bytes) -> int:
    """Compute the checksum of `x-oss-hash-crc64ecma`."""
    return int(_crc64(data))


@dataclass(frozen=True)
class StoredObject:
    """One version of an object, or the marker of its deletion.

    Attributes:
        data: The bytes.
        headers: What was sent with them and comes back on reading: Content-Type, user metadata.
        modified: Seconds since 1970.
        acl: `default` (as the bucket), `private`, `public-read` or `public-read-write`.
        tags: Values by key.
        kind: `Normal`, `Multipart` or `Symlink`.
        parts: How many it was uploaded in; 0 for one piece.
        target: The key that a symlink points to; empty for others.
        version: Its id; `null` where the bucket had no versioning when it was written.
        is_marker: Whether it says that the object was deleted.
    """

    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    modified: float = field(default_factory=time.time)
    acl: str = "default"
    tags: Mapping[str, str] = field(default_factory=dict)
    kind: str = "Normal"
    parts: int = 0
    target: str = ""
    version: str = "null"
    is_marker: bool = False

    @cached_property
    def md5(self) -> bytes:
        """MD5 of the bytes."""
        return hashlib.md5(self.data, usedforsecurity=False).digest()

    @cached_property
    def etag(self) -> str:
        """Upper-case hex, without quotes; of what came in parts, opaque."""
        return self.md5.hex().upper() + (f"-{self.parts}" if self.parts else "")

    @cached_property
    def content_md5(self) -> str:
        """As the header of that name has it."""
        return base64.b64encode(self.md5).decode()

    @cached_property
    def crc64(self) -> int:
        """As `x-oss-hash-crc64ecma` has it."""
        return crc64(self.data)

    @property
    def storage_class(self) -> str:
        """Such as Standard or Archive."""
        return self.headers.get("x-oss-storage-class", "Standard")

    @property
    def is_frozen(self) -> bool:
        """Whether it is in an archive and has not been restored."""
        restored = 'ongoing-request="false"' in self.headers.get("x-oss-restore", "")
        return self.storage_class.endswith("Archive") and not restored


@dataclass
class Upload:
    """An upload in parts that is under way.

    Attributes:
        key: Of the object that it will be.
        stored: What will be kept about it; without bytes so far.
        parts: Bytes by part number.
    """

    key: str
    stored: StoredObject
    parts: dict[int, StoredObject] = field(default_factory=dict)


@dataclass
class Bucket:
    """A bucket.

    Attributes:
        acl: `private`, `public-read` or `public-read-write`.
        versioning: Empty, `Enabled` or `Suspended`.
        public_prefixes: What a bucket policy lets everybody read, whatever the ACL says.
        replicas: Buckets that copies go to.
        uploads: Uploads in parts that are under way, by id.
    """

    acl: str = "private"
    versioning: str = ""
    public_prefixes: tuple[str, ...] = ()
    replicas: tuple[str, ...] = ()
    uploads: dict[str, Upload] = field(default_factory=dict)
    objects: dict[str, list[StoredObject]] = field(default_factory=dict)

    def current(self, key: str) -> StoredObject | None:
        """Give the newest version that is no marker; None where there is none."""
        versions = self.objects.get(key)
        return None if not versions or versions[-1].is_marker else versions[-1]

    def new_version(self) -> str:
        """Give the id that the next version gets."""
        return uuid.uuid4().hex.upper() if self.versioning == "Enabled" else "null"


class Store:
    """Buckets by name. Safe to use from several threads."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}
        self._lock = threading.RLock()

    def create(self, bucket: str) -> None:
        """Make a bucket; one that exists stays as it is."""
        with self._lock:
            self._buckets.setdefault(bucket, Bucket())

    def remove(self, bucket: str) -> None:
        """Remove an empty bucket."""
        with self._lock:
            if self.bucket(bucket).objects:
                message = "The bucket you tried to delete is not empty."
                raise OssFailure(409, "BucketNotEmpty", message, {"BucketName": bucket})
            del self._buckets[bucket]

    def names(self) -> list[str]:
        """Name every bucket, sorted."""
        with self._lock:
            return sorted(self._buckets)

    def bucket(self, bucket: str) -> Bucket:
        """Give a bucket."""
        with self._lock:
            try:
                return self._buckets[bucket]
            except KeyError:
                raise no_such_bucket(bucket) from None

    def keys(self, bucket: str) -> list[str]:
        """Name every object, in the order of their UTF-8 bytes."""
        with self._lock:
            found = self.bucket(bucket)
            return sorted((key for key in found.objects if found.current(key)), key=str.encode)

    def get(self, bucket: str, key: str, version: str | None = None) -> StoredObject:
        """Give an object, or one version of it."""
        with self._lock:
            found = self.bucket(bucket)
            if version is None:
                if (current := found.current(key)) is not None:
                    return current
                marker = {"x-oss-delete-marker": "true"} if key in found.objects else {}
                raise replace(no_such_key(key), headers=marker)
            for stored in found.objects.get(key, ()):
                if stored.version == version and not stored.is_marker:
                    return stored
                if stored.version == version:
                    headers = {"x-oss-delete-marker": "true", "x-oss-version-id": version}
                    raise OssFailure(405, "MethodNotAllowed", "A delete marker.", headers=headers)
            message = "The specified version does not exist."
            raise OssFailure(404, "NoSuchVersion", message, {"Key": key, "VersionId": version})

    def put(
        self, bucket: str, key: str, stored: StoredObject, *, overwrite: bool = True
    ) -> StoredObject:
        """Store an object whole; gives it with its version."""
        with self._lock:
            found = self.bucket(bucket)
            # As documented: with versioning, on or suspended, overwriting cannot be forbidden.
            if not overwrite and not found.versioning and found.current(key):
                message = "The object you specified already exists and can not be overwritten."
                raise OssFailure(409, "FileAlreadyExists", message, {"Key": key})
            stored = replace(stored, version=found.new_version())
            self._append(found, key, stored)
            return stored

    def change(self, bucket: str, key: str, version: str | None, **changes: object) -> StoredObject:
        """Change what is kept about an object, and not its bytes or its time."""
        with self._lock:
            before = self.get(bucket, key, version)
            after = replace(before, **changes)  # type: ignore[arg-type]
            versions = self.bucket(bucket).objects[key]
            versions[versions.index(before)] = after
            return after

    def delete(self, bucket: str, key: str, version: str | None = None) -> StoredObject | None:
        """Remove an object or a version; what does not exist is no error.

        Returns:
            The version that was removed, or the marker that was written; None for neither.
        """
        with self._lock:
            found = self.bucket(bucket)
            if version is None and found.versioning:
                marker = StoredObject(b"", version=found.new_version(), is_marker=True)
                self._append(found, key, marker)
                return marker
            versions = found.objects.get(key, [])
            gone = [one for one in versions if version is None or one.version == version]
            found.objects[key] = [one for one in versions if one not in gone]
            if not found.objects[key]:
                del found.objects[key]
            return gone[-1] if version is not None and gone else None

    def versions(self, bucket: str) -> list[tuple[str, StoredObject, bool]]:
        """Give every version with its key, newest first within a key, and whether it is current."""
        with self._lock:
            objects = self.bucket(bucket).objects
            return [
                (key, stored, stored is objects[key][-1])
                for key in sorted(objects, key=str.encode)
                for stored in reversed(objects[key])
            ]

    def _append(self, bucket: Bucket, key: str, stored: StoredObject) -> None:
        kept = [one for one in bucket.objects.get(key, ()) if one.version != stored.version]
        bucket.objects[key] = [*kept, stored]
