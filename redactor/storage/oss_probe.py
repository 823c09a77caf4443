"""Whether strangers can read what is in a prefix.

The access list of a bucket does not tell: a bucket policy can grant what it denies. So an object
is put there, asked for without a signature, and deleted.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING

from redactor.errors import BackendMissing, StorageError
from redactor.storage.oss_place import OssPlace

if TYPE_CHECKING:
    from redactor.storage.oss import OssClient

PROBE = ".redactor-probe-"
"""What names of probes begin with."""
BODY = b"redactor was here"


def is_probe(key: str, size: int) -> bool:
    """Whether an object is a probe that a killed run left, which listings leave out.

    By its size, too: else an upload could hide behind the name. No picture is that small.
    """
    return PROBE in key and size == len(BODY)


def stranger_status(client: OssClient, place: OssPlace) -> int:
    """Give the status of HTTP that a stranger gets for what is in a prefix; 403 is private.

    Args:
        client: Puts and deletes the probe.
        place: A prefix, or an object, for the prefix that it is in.

    Raises:
        StorageError: If the probe cannot be put or asked for.
        BackendMissing: If bucket or credentials are missing.
    """
    probe = OssPlace(place.bucket, f"{place.folder}{PROBE}{secrets.token_hex(8)}")
    version = client.put_once(probe, BODY, {"Content-Type": "text/plain"})
    try:
        return client.session.unsigned_status(probe)
    finally:
        client.delete(probe, version=version)


def check_private(client: OssClient, places: Iterable[OssPlace]) -> None:
    """Do nothing if strangers can read in none of these prefixes.

    Raises:
        BackendMissing: If they can, or if it cannot be told.
    """
    for place in places:
        try:
            status = stranger_status(client, place)
        except StorageError as error:
            raise BackendMissing(
                f"{place}: whether strangers can read there cannot be told: {error}"
            ) from error
        if status != 403:
            raise BackendMissing(
                f"{place}: strangers can read there (an unsigned request got HTTP {status}, not"
                " 403); make bucket, policy and objects private, and let only finished pictures"
                " reach a public prefix"
            )
