"""Copies that must not be lost: originals that are replaced, pictures that go to quarantine."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from dataclasses import replace
from pathlib import Path, PurePosixPath

from redactor.errors import AlreadyExists, PictureError, StorageError
from redactor.model import DEFAULT_LIMITS
from redactor.storage import Item, Sink
from redactor.storage.local import LocalItem
from redactor.storage.local_sink import FileSink, FolderSink
from redactor.storage.oss_place import SCHEME
from redactor.storage.oss_store import OssSink

_MAX_BYTES = DEFAULT_LIMITS.max_bytes * 4  # what is written may be larger than what came in


def keep(sink: Sink, item: Item, data: bytes, content_type: str) -> None:
    """Put a copy of a picture aside; what is there already is never replaced.

    Where another picture has the name, the copy's own name gets a piece of its hash.

    Raises:
        StorageError: If the copy would be the picture itself, or cannot be written.
    """
    if is_itself(sink, item):
        raise StorageError(f"{item.name}: no place for a copy of it; that is where it lies itself")
    if isinstance(sink, FolderSink | FileSink):
        sink = replace(sink, mode=_mode(item))
    try:
        sink.write(item.relative, data, content_type=content_type, overwrite=False)
    except AlreadyExists:
        if find(sink, item.relative)[1] == data:
            return
        # By its hash: if that is there, this very copy is.
        with contextlib.suppress(AlreadyExists):
            sink.write(
                _by_hash(item.relative, data), data, content_type=content_type, overwrite=False
            )


def _mode(item: Item) -> int | None:
    """Give the permissions of a file: who may not see a picture must not see its copy."""
    if not isinstance(item, LocalItem):
        return None
    try:
        there = Path(item.name).stat()
    except OSError:  # gone: for its owner alone
        return stat.S_IRUSR | stat.S_IWUSR
    mode = stat.S_IMODE(there.st_mode)
    return mode if there.st_gid == os.getegid() else mode & ~stat.S_IRWXG


def is_itself(sink: Sink, item: Item) -> bool:
    """Say whether a sink would write to where the picture was read from."""
    target = _target(sink, item.relative)
    if target is None or target.startswith(SCHEME) or item.name.startswith(SCHEME):
        return target == item.name
    try:
        return Path(target).samefile(item.name)
    except (OSError, ValueError):  # a NUL in a name
        return False


def _target(sink: Sink, relative: str) -> str | None:
    """Name what a sink would write; None where nothing else could name it."""
    match sink:
        case FolderSink():
            return str(Path(sink.folder) / relative)
        case FileSink():
            return sink.path
        case OssSink():
            return str(sink.place.below(relative) if sink.place.is_prefix else sink.place)
    return None


def find(sink: Sink, relative: str) -> tuple[str | None, bytes]:
    """Give what a sink has for a picture, with its name; None and no bytes where it has nothing."""
    target = _target(sink, relative)
    if target is None:
        return None, b""
    try:
        if isinstance(sink, OssSink):
            place = sink.place.below(relative) if sink.place.is_prefix else sink.place
            return target, sink.client.read(place, max_bytes=_MAX_BYTES).data
        return target, LocalItem(target, relative).read(max_bytes=_MAX_BYTES).data
    except (StorageError, PictureError):
        return None, b""


def left_there(sink: Sink, relative: str) -> str | None:
    """Name what a sink has for a picture; None where it has nothing, or nobody can tell.

    Raises:
        StorageError: If that cannot be found out.
    """
    target = _target(sink, relative)
    if target is None:
        return None
    if isinstance(sink, OssSink):
        place = sink.place.below(relative) if sink.place.is_prefix else sink.place
        return target if sink.client.find(place) else None
    is_there = os.path.isfile(target) or os.path.islink(target)  # noqa: PTH113, PTH114 - never raise
    return target if is_there else None


def _by_hash(relative: str, data: bytes) -> str:
    path = PurePosixPath(relative)
    return str(path.with_name(f"{path.stem}.{hashlib.sha256(data).hexdigest()[:12]}{path.suffix}"))
