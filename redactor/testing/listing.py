"""ListObjects, versions 1 and 2, and ListObjectVersions: what a request asks for, page by page.

Names are percent-encoded where `encoding-type=url` asks for it, a space as `%20`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote
from xml.etree import ElementTree as ET

from redactor.testing.errors import invalid_argument
from redactor.testing.messages import Answer, add, xml_answer
from redactor.testing.store import Store, StoredObject

MAX_KEYS = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a listing.

    Attributes:
        keys: Objects.
        prefixes: What the delimiter rolls up.
        next: Where the next page starts after; None on the last one.
    """

    keys: tuple[str, ...]
    prefixes: tuple[str, ...]
    next: str | None


def list_objects(store: Store, bucket: str, query: Mapping[str, str]) -> Answer:
    """Answer GET on a bucket."""
    is_v2 = query.get("list-type") == "2"
    max_keys = _max_keys(query)
    after = _start(query, is_v2=is_v2)
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    page = paginate(
        store.keys(bucket), prefix=prefix, delimiter=delimiter, after=after, max_keys=max_keys
    )
    root = _head("ListBucketResult", bucket, query, max_keys)
    add(root, "IsTruncated", "true" if page.next is not None else "false")
    if is_v2:
        add(root, "KeyCount", str(len(page.keys) + len(page.prefixes)))
    if page.next is not None:
        add(root, "NextContinuationToken" if is_v2 else "NextMarker", _encoded(page.next, query))
    for key in page.keys:
        contents = add(root, "Contents")
        _describe(contents, _encoded(key, query), store.get(bucket, key))
    for name in page.prefixes:
        add(add(root, "CommonPrefixes"), "Prefix", _encoded(name, query))
    return xml_answer(root)


def list_versions(store: Store, bucket: str, query: Mapping[str, str]) -> Answer:
    """Answer GET ?versions on a bucket. Nothing is rolled up."""
    max_keys = _max_keys(query)
    after = (query.get("key-marker", ""), query.get("version-id-marker", ""))
    found = [
        (key, stored, is_latest)
        for key, stored, is_latest in store.versions(bucket)
        if key.startswith(query.get("prefix", ""))
    ]
    if after[0]:
        passed = [n for n, (key, one, _) in enumerate(found) if (key, one.version) == after]
        first = (
            passed[-1] + 1
            if passed
            else sum(key.encode() <= after[0].encode() for key, _, _ in found)
        )
        found = found[first:]
    root = _head("ListVersionsResult", bucket, query, max_keys)
    add(root, "KeyMarker", _encoded(after[0], query))
    add(root, "VersionIdMarker", after[1])
    add(root, "IsTruncated", "true" if len(found) > max_keys else "false")
    if len(found) > max_keys:
        add(root, "NextKeyMarker", _encoded(found[max_keys - 1][0], query))
        add(root, "NextVersionIdMarker", found[max_keys - 1][1].version)
    for key, stored, is_latest in found[:max_keys]:
        element = add(root, "DeleteMarker" if stored.is_marker else "Version")
        if stored.is_marker:
            add(element, "Key", _encoded(key, query))
            add(element, "LastModified", iso8601(stored.modified))
        else:
            _describe(element, _encoded(key, query), stored)
        add(element, "VersionId", stored.version)
        add(element, "IsLatest", "true" if is_latest else "false")
        owner = add(element, "Owner")
        add(owner, "ID", "1")
        add(owner, "DisplayName", "1")
    return xml_answer(root)


def paginate(
    keys: Sequence[str], *, prefix: str, delimiter: str, after: str, max_keys: int
) -> Page:
    """Choose the keys and rolled-up prefixes of one page.

    Args:
        keys: Of the bucket, in order.
        prefix: What a key starts with.
        delimiter: Keys are rolled up to its first occurrence after the prefix; empty for none.
        after: The last name of the page before; empty for the first.
        max_keys: Of keys and prefixes together.
    """
    found: list[str] = []
    prefixes: list[str] = []
    last = ""
    for key in keys:
        if not key.startswith(prefix):
            continue
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        name = key if cut < 0 else key[: cut + len(delimiter)]
        if name.encode() <= after.encode() or (cut >= 0 and name == last):
            continue
        if len(found) + len(prefixes) == max_keys:
            return Page(tuple(found), tuple(prefixes), last)
        (found if cut < 0 else prefixes).append(name)
        last = name
    return Page(tuple(found), tuple(prefixes), None)


def iso8601(seconds: float) -> str:
    """Write a time as listings do."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _head(name: str, bucket: str, query: Mapping[str, str], max_keys: int) -> ET.Element:
    root = ET.Element(name)
    add(root, "Name", bucket)
    add(root, "Prefix", _encoded(query.get("prefix", ""), query))
    add(root, "MaxKeys", str(max_keys))
    add(root, "Delimiter", _encoded(query.get("delimiter", ""), query))
    if encoding := query.get("encoding-type"):
        add(root, "EncodingType", encoding)
    return root


def _describe(element: ET.Element, name: str, stored: StoredObject) -> None:
    add(element, "Key", name)
    add(element, "LastModified", iso8601(stored.modified))
    add(element, "ETag", f'"{stored.etag}"')
    add(element, "Type", stored.kind)
    add(element, "Size", str(len(stored.data)))
    add(element, "StorageClass", stored.storage_class)


def _encoded(text: str, query: Mapping[str, str]) -> str:
    return quote(text, safe="") if query.get("encoding-type") == "url" else text


def _max_keys(query: Mapping[str, str]) -> int:
    text = query.get("max-keys") or "100"
    if not text.isdecimal() or not 1 <= int(text) <= MAX_KEYS:
        raise invalid_argument("max-keys", text, "An integer from 1 to 1000 is expected.")
    return int(text)


def _start(query: Mapping[str, str], *, is_v2: bool) -> str:
    if not is_v2:
        return query.get("marker", "")
    return query.get("continuation-token") or query.get("start-after", "")
