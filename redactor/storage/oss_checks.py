"""What the credentials may do in a prefix, tried one by one with an object of its own."""

from __future__ import annotations

import json
import secrets
import struct
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from redactor.errors import AccessRefused, BackendMissing, StorageError
from redactor.storage.oss_place import OssPlace
from redactor.storage.oss_probe import PROBE

if TYPE_CHECKING:
    from redactor.storage.oss import OssClient

IMM_ACTION = "imm:DetectImageCodes"
_MAX_SKEW_S = 5 * 60  # OSS refuses what is off by more than 15 minutes


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was tried.

    Attributes:
        place: A prefix.
        subject: What, in words.
        is_fine: Whether it works; None where a person must judge.
        says: What was seen, or what to do.
        actions: What a RAM policy must grant for it.
    """

    place: OssPlace
    subject: str
    is_fine: bool | None
    says: str
    actions: tuple[str, ...] = ()


def check_place(client: OssClient, place: OssPlace) -> Iterator[Checked]:
    """Try everything that runs, hooks and in-place runs do in a prefix.

    An object is put there and deleted. Where the bucket cannot be reached at all, that is the
    only answer.
    """

    def tried(subject: str, action: str, do: Callable[[], object], fine: str = "works") -> Checked:
        try:
            do()
        except (StorageError, BackendMissing) as error:
            return Checked(place, subject, False, str(error), (action,))
        return Checked(place, subject, True, fine, (action,))

    probe = OssPlace(place.bucket, f"{place.folder}{PROBE}{secrets.token_hex(8)}")
    listed = tried("can be listed", "oss:ListObjects", lambda: client.check(place))
    yield listed
    if not listed.is_fine and "AccessDenied" not in listed.says:
        return
    yield from _bucket(client, place)
    versions: list[str | None] = []
    headers = {"Content-Type": "image/png"}
    written = tried(
        "write",
        "oss:PutObject",
        lambda: versions.append(client.put_once(probe, _picture(), headers)),
    )
    yield written
    if not written.is_fine:
        says = "not tried: nothing can be written"
        yield Checked(place, "read, tags, ACL, image/codes, strangers", None, says)
        return
    yield tried("read", "oss:GetObject", lambda: client.read(probe, max_bytes=10_000))
    yield tried("write tags", "oss:PutObjectTagging", lambda: client.put_tags(probe, {"a": "b"}))
    yield tried("read tags", "oss:GetObjectTagging", lambda: client.tags(probe))
    yield tried("read ACL", "oss:GetObjectAcl", lambda: client.acl(probe))
    yield tried(
        "write ACL",
        "oss:PutObjectAcl",
        lambda: client.put_once(probe, _picture(), {**headers, "x-oss-object-acl": "default"}),
    )
    project = client.session.settings.imm_project
    yield tried(
        "image/codes" if project is None else f"IMM, project {project}",
        "oss:ProcessImm" if project is None else IMM_ACTION,
        lambda: client.ask_image_codes(probe),
    )
    yield from _clock(client, place, probe)
    yield _strangers(client, place, probe)
    markers: list[str | None] = []
    yield tried("delete", "oss:DeleteObject", lambda: markers.append(client.delete(probe)))
    _sweep(client, probe, markers)


def ram_policy(missing: Sequence[Checked]) -> str:
    """Give a RAM policy, as JSON to paste, that grants what is missing."""
    statements = []
    for place in dict.fromkeys(one.place for one in missing):
        actions = {name for one in missing if one.place == place for name in one.actions}
        resource = f"acs:oss:*:*:{place.bucket}"
        if in_oss := sorted(actions - {IMM_ACTION}):
            resources = [resource, f"{resource}/{place.folder}*"]
            statements.append({"Effect": "Allow", "Action": in_oss, "Resource": resources})
        if actions & {IMM_ACTION, "oss:ProcessImm"}:
            imm = {"Effect": "Allow", "Action": [IMM_ACTION], "Resource": ["acs:imm:*"]}
            statements.append(imm)
    return json.dumps({"Version": "1", "Statement": statements}, indent=2)


def _bucket(client: OssClient, place: OssPlace) -> Iterator[Checked]:
    versioning = client.versioning(place)
    action = ("oss:GetBucketVersioning",)
    if versioning == "unknown":
        says = "may not be asked; overwriting is then guarded by looking first"
        yield Checked(place, "versions", False, says, action)
    elif versioning:
        says = f"{versioning}: old versions keep what was replaced (--purge-versions)"
        yield Checked(place, "versions", None, says, action)
    else:
        says = "none: an upload during an in-place write can be lost"
        yield Checked(place, "versions", True, says, action)
    action = ("oss:GetBucketReplication",)
    try:
        replicas = client.replicas(place)
    except AccessRefused:
        yield Checked(place, "replication", False, "may not be asked", action)
    except StorageError as error:
        yield Checked(place, "replication", None, str(error), action)
    else:
        says = f"copies go to {', '.join(replicas)}, originals too" if replicas else "none"
        yield Checked(place, "replication", None if replicas else True, says, action)


def _clock(client: OssClient, place: OssPlace, probe: OssPlace) -> Iterator[Checked]:
    try:
        there = parsedate_to_datetime(client.head(probe).headers.get("date", "")).timestamp()
    except (StorageError, ValueError):
        return
    skew_s = abs(time.time() - there)
    says = f"{skew_s:.0f} s off; OSS refuses what is off by 15 minutes"
    yield Checked(place, "clock", skew_s < _MAX_SKEW_S, says)


def _strangers(client: OssClient, place: OssPlace, probe: OssPlace) -> Checked:
    try:
        status = client.session.unsigned_status(probe)
    except StorageError as error:
        return Checked(place, "strangers", None, str(error))
    if status == 403:
        return Checked(place, "strangers", True, "cannot read here: fit for uploads and originals")
    says = (
        f"can read here (HTTP {status}): right for finished pictures, wrong for uploads, originals"
        " and quarantine"
    )
    return Checked(place, "strangers", None, says)


def _sweep(client: OssClient, probe: OssPlace, markers: Sequence[str | None]) -> None:
    """Remove what versions keep of the probe; where that may not be done, it stays."""
    try:
        if client.versioning(probe):
            ids = [version.id for version in client.versions(probe)]
            for version in (*ids, *filter(None, markers)):
                client.delete(probe, version=version)
    except StorageError:
        return


def _picture() -> bytes:
    """Give a white PNG of 64 pixels a side: IMM takes none under 40."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\xff" * 64) * 64)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )
