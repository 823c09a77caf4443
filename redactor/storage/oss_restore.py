"""Putting originals back that were redacted in place or moved to quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from redactor.errors import Changed, DamagedTransfer, NotFound, StorageError
from redactor.storage.oss_attributes import SOURCE_ETAG, encryption_headers
from redactor.storage.oss_place import OssPlace

if TYPE_CHECKING:
    from redactor.storage.oss import Head
    from redactor.storage.oss_in_place import OssShelf


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back.

    Attributes:
        source: Where the original was, and still is.
        etag: Of the original, without quotes.
        replaced_etag: Of what it replaced; None where there was nothing.
        url: What caches in front of OSS should fetch again.
    """

    source: OssPlace
    etag: str
    replaced_etag: str | None
    url: str


def put_back(
    shelf: OssShelf, target: OssPlace, *, etag: str | None = None, overwrite: bool = False
) -> Restored:
    """Put an original back to where it was.

    Args:
        shelf: Where originals are kept.
        target: Where it was.
        etag: Which one; None for the one that the object there names, or the only one.
        overwrite: Whether to replace an object that names no original: a later upload.

    Raises:
        NotFound: If there is no such original.
        Changed: If what is there is a later upload.
        StorageError: If it is not clear which one is meant, or it cannot be put back.
    """
    client = shelf.client
    now = client.find(target)
    named = now.headers.get(SOURCE_ETAG) if now is not None else None
    chosen = etag or _choose(shelf, target, named)
    source = shelf.place_of(target, chosen)
    original = client.head(source)
    if now is not None and named != chosen and not overwrite:
        raise Changed(
            f"{target}: was not made of {source}, it is perhaps a later upload; look at it, then"
            " put the original in its place with --overwrite"
        )
    client.copy(source, target, _headers(shelf, target, source, original, now))
    after = client.head(target)
    if (after.size, after.crc) != (original.size, original.crc):
        raise DamagedTransfer(f"{target}: differs from {source} by length or checksum; run again")
    url = client.session.settings.url(target)
    return Restored(source, chosen, None if now is None else now.etag, url)


def _headers(
    shelf: OssShelf, target: OssPlace, source: OssPlace, original: Head, now: Head | None
) -> dict[str, str | bytes]:
    before = original if now is None else now
    return {
        **encryption_headers(before.headers),
        "x-oss-storage-class": before.headers.get("x-oss-storage-class", "Standard"),
        "x-oss-copy-source-if-match": original.etag,
        # The copy is private; the object has the access list that the original had.
        "x-oss-object-acl": "private" if now is None else shelf.client.acl(target),
    }


def _choose(shelf: OssShelf, target: OssPlace, named: str | None) -> str:
    prefix = shelf.place_of(target, "")
    kept = [
        entry.key.removeprefix(prefix.key)
        for entry in shelf.client.entries(prefix)
        if "/" not in entry.key.removeprefix(prefix.key)
    ]
    if named in kept and named is not None:
        return named
    if not kept:
        raise NotFound(f"{target}: no original of it below {shelf.place}")
    if len(kept) > 1:
        raise StorageError(
            f"{target}: several originals are kept; choose one with --etag: {', '.join(kept)}"
        )
    return kept[0]
