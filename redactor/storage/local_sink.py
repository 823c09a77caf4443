"""Pictures into files, whole or not at all.

A picture is written to a hidden file beside its place, brought to the disk and then renamed, so
that nobody ever sees half of one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from redactor.errors import AlreadyExists, BackendMissing, StorageError
from redactor.storage import Marks
from redactor.storage.local import local_failure
from redactor.storage.names import IF_THERE, check_relative

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
# A run that went on would look at every picture, at its price, and write none.
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@dataclass(frozen=True, slots=True)
class FolderSink:
    """A folder that the tree of the source is mirrored into.

    Attributes:
        folder: As the user gave it; made when the first picture is written.
        mode: Permissions of new files; None for what the umask says.
    """

    folder: str
    mode: int | None = None

    def write(
        self,
        relative: str,
        data: bytes,
        *,
        content_type: str,
        overwrite: bool,
        marks: Marks | None = None,
    ) -> str:
        """Write a picture below the folder."""
        path = Path(self.folder) / check_relative(relative)
        _refuse_links_out(path, self.folder)
        write_whole(path, data, overwrite=overwrite, mode=self.mode)
        return str(path)


@dataclass(frozen=True, slots=True)
class FileSink:
    """One file, for one picture.

    Attributes:
        path: As the user gave it.
        mode: As of `FolderSink`.
    """

    path: str
    mode: int | None = None

    def write(
        self,
        relative: str,
        data: bytes,
        *,
        content_type: str,
        overwrite: bool,
        marks: Marks | None = None,
    ) -> str:
        """Write the picture to the path."""
        write_whole(Path(self.path), data, overwrite=overwrite, mode=self.mode)
        return self.path


@dataclass(frozen=True, slots=True)
class StreamSink:
    """Standard output, for one picture.

    Attributes:
        stream: What is written to.
    """

    stream: BinaryIO

    def write(
        self,
        relative: str,
        data: bytes,
        *,
        content_type: str,
        overwrite: bool,
        marks: Marks | None = None,
    ) -> str:
        """Write the picture to the stream."""
        try:
            self.stream.write(data)
            self.stream.flush()
        except OSError as error:
            raise local_failure("standard output", error) from error
        return "-"


def write_whole(path: Path, data: bytes, *, overwrite: bool, mode: int | None = None) -> None:
    """Put a file in place, with the folders above it.

    Args:
        path: Where it goes.
        data: All of it.
        overwrite: Whether a file that is there is replaced; it then keeps its permissions.
        mode: Permissions of a new one; None for what the umask says.

    Raises:
        AlreadyExists: If it is there and may not be replaced.
        StorageError: If it cannot be written; what was there is still there.
        BackendMissing: If nothing can be written there any more, because the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _beside(path) as (temporary, file):
            if mode is not None:
                with contextlib.suppress(OSError):  # a file system without permissions
                    os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            if overwrite:
                _keep_mode(path, file)
            os.fsync(file.fileno())
            if overwrite:
                temporary.replace(path)
            else:
                _place(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise BackendMissing(
                f"{path}: {(error.strerror or str(error)).lower()}; make room, and run again"
            ) from error
        raise local_failure(str(path), error) from error


def refuse_unwritable(folder: str) -> None:
    """Refuse a folder in which nothing can be written, before pictures are worked on for it.

    Raises:
        BackendMissing: If it, or the one it is to be made in, may not be written to or is none.
    """
    path = Path(folder)
    there = next((above for above in (path, *path.absolute().parents) if above.exists()), path)
    if there.exists() and not there.is_dir():
        raise BackendMissing(f"{folder}: {there} is no folder; choose another place")
    if there.is_dir() and not os.access(there, os.W_OK | os.X_OK):
        raise BackendMissing(
            f"{folder}: {there} may not be written to; choose another place, or have it allowed"
        )


def _refuse_links_out(path: Path, folder: str) -> None:
    """Refuse a place that a link below a folder leads out of it.

    Raises:
        StorageError: If one does.
    """
    root, parent = os.path.realpath(folder), os.path.realpath(path.parent)
    if os.path.commonpath([root, parent]) != root:
        raise StorageError(
            f"{path}: a link below {folder} leads to {parent}; remove it, or write there itself"
        )


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Open a new file in the folder of another; it is removed unless it was renamed."""
    temporary = path.parent / f".redactor-{secrets.token_hex(8)}.part"
    try:
        # Not tempfile: its files are for their owner alone, whatever the umask says.
        with temporary.open("xb") as file:
            yield temporary, file
    finally:
        temporary.unlink(missing_ok=True)


def _place(temporary: Path, path: Path) -> None:
    """Give a file its name unless that is taken."""
    try:
        _link(temporary, path)
    except FileExistsError as error:
        message = f"{path}: exists; {IF_THERE}"
        raise AlreadyExists(message) from error


def _link(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Some file systems know no links: take the name first, then move the content there.
        path.touch(exist_ok=False)
        temporary.replace(path)


def _keep_mode(path: Path, file: BinaryIO) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk, where the system lets a folder be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
