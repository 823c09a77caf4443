"""ListObjects, versions 1 and 2: which keys a request asks for, page by page.

Names are percent-encoded where `encoding-type=url` asks for it, a space as `%20`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote
from xml.etree import ElementTree as ET

from redactor.testing.errors import invalid_argument
from redactor.testing.store import Store

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


def list_objects(store: Store, bucket: str, query: Mapping[str, str]) -> bytes:
    """Answer GET on a bucket."""
    is_v2 = query.get("list-type") == "2"
    max_keys = _max_keys(query)
    after = _start(query, is_v2=is_v2)
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    page = paginate(
        store.keys(bucket), prefix=prefix, delimiter=delimiter, after=after, max_keys=max_keys
    )
    encoding = query.get("encoding-type", "")
    root = ET.Element("ListBucketResult")

    def add(parent: ET.Element, name: str, text: str, *, is_name: bool = False) -> None:
        encoded = quote(text, safe="") if is_name and encoding == "url" else text
        ET.SubElement(parent, name).text = encoded

    add(root, "Name", bucket)
    add(root, "Prefix", prefix, is_name=True)
    add(root, "MaxKeys", str(max_keys))
    add(root, "Delimiter", delimiter, is_name=True)
    if encoding:
        add(root, "EncodingType", encoding)
    add(root, "IsTruncated", "true" if page.next is not None else "false")
    if is_v2:
        add(root, "KeyCount", str(len(page.keys) + len(page.prefixes)))
    if page.next is not None:
        add(root, "NextContinuationToken" if is_v2 else "NextMarker", page.next, is_name=True)
    for key in page.keys:
        stored = store.get(bucket, key)
        contents = ET.SubElement(root, "Contents")
        add(contents, "Key", key, is_name=True)
        add(contents, "LastModified", iso8601(stored.modified))
        add(contents, "ETag", f'"{stored.etag}"')
        add(contents, "Type", "Normal")
        add(contents, "Size", str(len(stored.data)))
        add(contents, "StorageClass", stored.headers.get("x-oss-storage-class", "Standard"))
    for name in page.prefixes:
        add(ET.SubElement(root, "CommonPrefixes"), "Prefix", name, is_name=True)
    return ET.tostring(root, encoding="UTF-8", xml_declaration=True)


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


def _max_keys(query: Mapping[str, str]) -> int:
    text = query.get("max-keys") or "100"
    if not text.isdecimal() or not 1 <= int(text) <= MAX_KEYS:
        raise invalid_argument("max-keys", text, "An integer from 1 to 1000 is expected.")
    return int(text)


def _start(query: Mapping[str, str], *, is_v2: bool) -> str:
    if not is_v2:
        return query.get("marker", "")
    return query.get("continuation-token") or query.get("start-after", "")
