"""What OSS keeps beside the bytes of an object, and forgets when the object is overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from redactor.errors import StorageError
from redactor.storage import Marks

MARK = "x-oss-meta-redactor-"
SOURCE_ETAG = f"{MARK}source-etag"
FLAG_TAG = "redactor-flag"
MAX_TAGS = 10

# HEAD tells these, and a PUT takes them. What it tells besides (ETag, checksums, dates, types,
# restoring, expiry) belongs to the bytes or is decided by OSS.
_KEPT = frozenset(
    {
        "content-type",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "expires",
        "x-oss-storage-class",
    }
)
_ENCRYPTION = frozenset(
    {
        "x-oss-server-side-encryption",
        "x-oss-server-side-encryption-key-id",
        "x-oss-server-side-data-encryption",
    }
)


def kept_headers(head: Mapping[str, str]) -> dict[str, str | bytes]:
    """Give the headers that an overwrite must send so that nothing is lost.

    Access list and tags are not among them: HEAD does not tell them.

    Args:
        head: Headers of HEAD, names in lower case.
    """
    return {
        name: _sendable(value)
        for name, value in head.items()
        if name in _KEPT | _ENCRYPTION or name.startswith("x-oss-meta-")
    }


def encryption_headers(head: Mapping[str, str]) -> dict[str, str | bytes]:
    """Give the headers by which a copy is encrypted as its source; copies do not inherit that."""
    return {name: value for name, value in head.items() if name in _ENCRYPTION}


def mark_headers(marks: Marks) -> dict[str, str]:
    """Give marks as user metadata.

    They tell people and sweeps where an object comes from and prove nothing: whoever uploads can
    write or copy them.
    """
    found = {
        f"{MARK}version": marks.version,
        f"{MARK}policy": marks.policy,
        f"{MARK}verdict": marks.verdict,
    }
    return found | ({SOURCE_ETAG: marks.source_etag} if marks.source_etag else {})


def flag_tags(marks: Marks) -> dict[str, str]:
    """Give the tag of a flagged picture; none for others."""
    return {FLAG_TAG: marks.flag} if marks.flag else {}


def tag_headers(tags: Mapping[str, str]) -> dict[str, str]:
    """Give tags as the header of a PUT."""
    if not tags:
        return {}
    pairs = (f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in tags.items())
    return {"x-oss-tagging": "&".join(pairs)}


def merged_tags(name: str, tags: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Add tags to those of an object.

    Raises:
        StorageError: If there would be more than OSS allows.
    """
    merged = {**tags, **more}
    if len(merged) > MAX_TAGS:
        raise StorageError(f"{name}: has {len(tags)} tags, and {MAX_TAGS} are the most; remove one")
    return merged


def _sendable(value: str) -> str | bytes:
    # Headers come as latin-1 whatever they are. oss2 signs text as UTF-8 and sends it as latin-1,
    # which OSS would refuse: so the very bytes are given back.
    return value if value.isascii() else value.encode("latin-1")
