"""The seal on a finished picture: proof that this deployment made these bytes for this place.

Metadata proves nothing, because whoever uploads can write or copy it. A seal is an HMAC under the
deployment's key over bucket, key, the SHA-256 of the bytes as they are stored and the policy's
hash, and it counts only when it is computed again from the bytes that were read.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from redactor.errors import BackendMissing
from redactor.storage.oss_attributes import MARK
from redactor.storage.oss_place import OssPlace

HEADER = f"{MARK}seal"
_MIN_KEY_BYTES = 16


class Seals:
    """Makes and checks seals for one policy.

    Args:
        key: The deployment's secret; None to make none, and let none count.
        policy: Hash of the policy.

    Raises:
        BackendMissing: If the key is shorter than 16 bytes.
    """

    def __init__(self, key: bytes | None, policy: str) -> None:
        if key is not None and len(key) < _MIN_KEY_BYTES:
            raise BackendMissing(f"the key of seals must have {_MIN_KEY_BYTES} bytes at least")
        self._key = key
        self._policy = policy

    @property
    def are_made(self) -> bool:
        """Whether there is a key."""
        return self._key is not None

    def headers(self, place: OssPlace, data: bytes) -> dict[str, str]:
        """Give the metadata that seals bytes for a place; none without a key."""
        return {HEADER: self._seal(self._key, place, data)} if self._key else {}

    def holds(self, place: OssPlace, data: bytes, headers: Mapping[str, str]) -> bool:
        """Whether bytes that were read bear a seal that holds.

        Args:
            place: Where they were read.
            data: The bytes.
            headers: Of the object, names in lower case.
        """
        if not self._key:
            return False
        expected = self._seal(self._key, place, data).encode()
        return hmac.compare_digest(headers.get(HEADER, "").encode("utf-8", "replace"), expected)

    def _seal(self, key: bytes, place: OssPlace, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        # No part can hold a line feed but the key, and that is last.
        text = "\n".join(("redactor-seal-1", place.bucket, digest, self._policy, place.key))
        return hmac.new(key, text.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
