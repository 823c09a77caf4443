"""Buckets and objects in memory, with what OSS keeps about an object."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    """One object.

    Attributes:
        data: The bytes.
        headers: What was sent with them and comes back on reading: Content-Type, user metadata.
        modified: Seconds since 1970.
    """

    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    modified: float = field(default_factory=time.time)

    @cached_property
    def md5(self) -> bytes:
        """MD5 of the bytes."""
        return hashlib.md5(self.data, usedforsecurity=False).digest()

    @cached_property
    def etag(self) -> str:
        """Upper-case hex, without quotes."""
        return self.md5.hex().upper()

    @cached_property
    def content_md5(self) -> str:
        """As the header of that name has it."""
        return base64.b64encode(self.md5).decode()

    @cached_property
    def crc64(self) -> int:
        """As `x-oss-hash-crc64ecma` has it."""
        return crc64(self.data)


class Store:
    """Buckets by name. Safe to use from several threads."""

    def __init__(self) -> None:
        self._buckets: dict[str, dict[str, StoredObject]] = {}
        self._lock = threading.Lock()

    def create(self, bucket: str) -> None:
        """Make a bucket; one that exists stays as it is."""
        with self._lock:
            self._buckets.setdefault(bucket, {})

    def remove(self, bucket: str) -> None:
        """Remove an empty bucket."""
        with self._lock:
            if self._objects(bucket):
                message = "The bucket you tried to delete is not empty."
                raise OssFailure(409, "BucketNotEmpty", message, {"BucketName": bucket})
            del self._buckets[bucket]

    def names(self) -> list[str]:
        """Name every bucket, sorted."""
        with self._lock:
            return sorted(self._buckets)

    def keys(self, bucket: str) -> list[str]:
        """Name every object, in the order of their UTF-8 bytes."""
        with self._lock:
            return sorted(self._objects(bucket), key=str.encode)

    def get(self, bucket: str, key: str) -> StoredObject:
        """Give an object."""
        with self._lock:
            try:
                return self._objects(bucket)[key]
            except KeyError:
                raise no_such_key(key) from None

    def put(self, bucket: str, key: str, stored: StoredObject, *, overwrite: bool = True) -> None:
        """Store an object whole."""
        with self._lock:
            objects = self._objects(bucket)
            if not overwrite and key in objects:
                message = "The object you specified already exists and can not be overwritten."
                raise OssFailure(409, "FileAlreadyExists", message, {"Key": key})
            objects[key] = stored

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object; one that does not exist is no error."""
        with self._lock:
            self._objects(bucket).pop(key, None)

    def _objects(self, bucket: str) -> dict[str, StoredObject]:
        try:
            return self._buckets[bucket]
        except KeyError:
            raise no_such_bucket(bucket) from None
