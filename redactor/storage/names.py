"""Names of pictures: which files are taken for pictures, and where one is mirrored to."""

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from redactor.errors import LimitExceeded, StorageError
from redactor.magic import picture_format
from redactor.model import AskImageCodes
from redactor.storage import Blob

PICTURE_SUFFIXES = frozenset(
    f".{suffix}"
    for suffixes in ("jpg jpeg jpe jfif png apng webp gif", "bmp tif tiff heic heif avif jp2 ico")
    for suffix in suffixes.split()
)
"""What is taken from folders and globs. A file that is named is taken whatever its name says."""

IF_THERE = "allow overwriting (--overwrite) or choose another place"
"""Ends the message of `AlreadyExists`."""


@dataclass(frozen=True, slots=True)
class FailedItem:
    """Stands for something that was asked for and cannot even be listed.

    Attributes:
        name: As the user would type it.
        relative: Its place below the source.
        error: What every read ends in.
    """

    name: str
    relative: str
    error: StorageError

    @property
    def ask_image_codes(self) -> AskImageCodes | None:
        """None."""
        return None

    @property
    def modified(self) -> float | None:
        """None."""
        return None

    @property
    def size(self) -> int | None:
        """None."""
        return None

    @property
    def state(self) -> str | None:
        """None."""
        return None

    def read(self, *, max_bytes: int) -> Blob:
        """Raise the error."""
        raise self.error


def is_picture(name: str) -> bool:
    """Whether a name in a folder looks like a picture's; hidden files do not."""
    base = posixpath.basename(name)
    return not base.startswith(".") and posixpath.splitext(base)[1].lower() in PICTURE_SUFFIXES


def begins_like_picture(head: bytes) -> bool:
    """Whether the first bytes of a file whose name tells nothing are a picture's."""
    name = picture_format(head)
    if name == "BMP":  # two letters alone begin many texts
        return head[6:10] == bytes(4)
    return name not in (None, "PDF", "MP4")


def check_relative(relative: str, *, empty_parts: bool = False) -> str:
    """Give a relative name back if it stays below the place it is joined to.

    Args:
        relative: With `/`.
        empty_parts: Whether `a//b` is a name of its own, as it is in a bucket.

    Raises:
        StorageError: If it is empty, absolute or climbs out.
    """
    parts = relative.split("/")
    refused = {".", ".."} if empty_parts else {"", ".", ".."}
    if not parts[0] or not parts[-1] or "\0" in relative or refused & set(parts):
        raise StorageError(f"{relative!r}: not a name that can be written below a folder; skipped")
    return relative


def shared_folder(folders: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Give the longest folder that all of them lie in, part by part."""
    # Of sorted folders, the first and the last differ the most.
    first, last = min(folders), max(folders)
    same = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return tuple(part for part, _ in same)


def too_large(name: str, max_bytes: int, size: int | None = None) -> LimitExceeded:
    """Say that something has more bytes than the limit allows."""
    found = "more" if size is None else f"{size:,} bytes, more"
    return LimitExceeded(f"{name}: {found} than the limit of {max_bytes:,} bytes")
