"""Bucket inventories: lists of all objects that OSS writes daily or weekly, as a source.

A listing of a hundred million objects takes hours and its requests cost; the inventory has it
ready. `manifest.json` names the columns and the CSV files, packed with gzip. Object names in them
are URL-encoded. What has changed since the inventory was made shows only when it is read.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote

from redactor.errors import StorageError
from redactor.storage.oss_place import OssPlace

if TYPE_CHECKING:
    from redactor.storage.oss import Entry, OssClient

NAME = "manifest.json"
MAX_MANIFEST_BYTES = 20_000_000
MAX_PART_BYTES = 1_000_000_000
_MAX_LINE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a manifest says.

    Attributes:
        bucket: That the objects are in.
        columns: Of the files.
        files: In the order of the manifest.
    """

    bucket: str
    columns: tuple[str, ...]
    files: tuple[OssPlace, ...]


def is_inventory(place: OssPlace) -> bool:
    """Whether a place names the manifest of an inventory."""
    return place.key.rpartition("/")[2] == NAME


def read_manifest(client: OssClient, place: OssPlace) -> Inventory:
    """Read a manifest.

    Raises:
        StorageError: If it cannot be read or is none.
    """
    data = client.read(place, max_bytes=MAX_MANIFEST_BYTES).data
    try:
        found = json.loads(data)
        columns = tuple(name.strip() for name in found["fileSchema"].split(","))
        files = tuple(OssPlace(place.bucket, one["key"]) for one in found["files"])
        bucket, form = found["sourceBucket"], found["fileFormat"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _no_inventory(place) from error
    if form != "CSV" or not {"Bucket", "Key"} <= set(columns):
        raise _no_inventory(place)
    return Inventory(bucket, columns, files)


def entries(client: OssClient, inventory: Inventory) -> Iterator[Entry]:
    """Give the objects that an inventory names, one file after the other.

    Old versions, markers of deletion and folder placeholders are left out.

    Raises:
        StorageError: If a file cannot be read.
    """
    from redactor.storage.oss import Entry

    for place in inventory.files:
        packed = client.read(place, max_bytes=MAX_PART_BYTES).data
        for values in _rows(place, packed):
            row = dict(zip(inventory.columns, values, strict=False))
            key = unquote(row.get("Key", ""))
            is_old = row.get("IsLatest") == "false" or row.get("IsDeleteMarker") == "true"
            if key and not is_old and not key.endswith("/"):
                size, modified = _number(row.get("Size")), _seconds(row.get("LastModifiedDate"))
                yield Entry(key, size, modified, row.get("ETag", "").strip('"'))


def _rows(place: OssPlace, packed: bytes) -> Iterator[list[str]]:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            # Line by line: a file of a hundred megabytes may hold gigabytes.
            lines = iter(lambda: file.readline(_MAX_LINE_BYTES).decode(), "")
            yield from csv.reader(lines)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise StorageError(f"{place}: no CSV packed with gzip: {error}") from error


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _seconds(text: str | None) -> float:
    """Read a time; 0 where there is none. Two forms are seen: with dashes and without."""
    for form in ("%Y-%m-%dT%H-%M-%SZ", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            return datetime.strptime(text or "", form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    return 0.0


def _no_inventory(place: OssPlace) -> StorageError:
    return StorageError(f"{place}: not the manifest of a bucket inventory in CSV")
