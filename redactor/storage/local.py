"""Pictures in files: named, in folders, matching a pattern, or on standard input.

Names are shown as the user gave them. From folders and patterns only what is named like a picture
is taken, and nothing hidden; whether it is a picture, its bytes decide. Each folder is entered
once, so that links in a circle end.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO

from redactor.errors import AccessRefused, LimitExceeded, NotFound, RedactorError, StorageError
from redactor.magic import HEAD
from redactor.model import AskImageCodes
from redactor.storage import Blob, Item
from redactor.storage.names import (
    FailedItem,
    begins_like_picture,
    is_picture,
    shared_folder,
    too_large,
)

_MAGIC = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class LocalItem:
    """One file.

    Attributes:
        name: Its path as the user gave it.
        relative: Its place below the source, with `/`.
    """

    name: str
    relative: str

    @property
    def ask_image_codes(self) -> AskImageCodes | None:
        """None: files cannot be asked about."""
        return None

    @property
    def modified(self) -> float | None:
        """When the file was written last."""
        found = self._stat()
        return found and found.st_mtime

    @property
    def size(self) -> int | None:
        """As the system says."""
        found = self._stat()
        return found and found.st_size

    @property
    def state(self) -> str | None:
        """Size, times of writing and of change, and inode; the latter two cannot be set back."""
        found = self._stat()
        return found and (
            f"{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}-{found.st_dev}-{found.st_ino}"
        )

    def _stat(self) -> os.stat_result | None:
        try:
            return os.stat(self.name)  # noqa: PTH116 - the path as given
        except (OSError, ValueError):
            return None  # reading it will tell

    def read(self, *, max_bytes: int) -> Blob:
        """Read the file."""
        try:
            if stat.S_ISFIFO(os.stat(self.name).st_mode):  # noqa: PTH116 - the path as given
                # Opening it would wait for a writer, perhaps for ever.
                raise OSError(errno.ENXIO, "a pipe; use - for standard input")
            with Path(self.name).open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size > max_bytes:
                    raise too_large(self.name, max_bytes, size)
                return Blob(_bounded(file, self.name, max_bytes))
        except OSError as error:
            raise local_failure(self.name, error) from error


@dataclass(slots=True)
class StreamItem:
    """Standard input, read once; what came of it is kept.

    Attributes:
        stream: What is read.
    """

    stream: BinaryIO
    name: str = "-"
    relative: str = "stdin"
    _found: Blob | RedactorError | None = field(default=None, repr=False)

    @property
    def ask_image_codes(self) -> AskImageCodes | None:
        """None: a stream cannot be asked about."""
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
        """Read to the end."""
        if self._found is None:
            self._found = self._read(max_bytes)
        if isinstance(self._found, RedactorError):
            raise self._found
        return self._found

    def _read(self, max_bytes: int) -> Blob | RedactorError:
        # Failures are kept too: reading on after one would give the rest for the whole.
        try:
            return Blob(_bounded(self.stream, "standard input", max_bytes))
        except OSError as error:
            return local_failure("standard input", error)
        except LimitExceeded as error:
            return error


@dataclass(frozen=True, slots=True)
class LocalSource:
    """What a list of paths and patterns stands for.

    One folder is mirrored from below itself; several paths are mirrored from below the folder
    that they share, so that no two pictures meet at one place.

    Attributes:
        specs: Files, folders and patterns, as the user gave them.
        exclude: Files and folders that are not taken, such as the output.
        literal: Those of the specs that are never patterns. Others are where they hold `*`, `?`
            or `[` and no file has that very name.
    """

    specs: Sequence[str]
    exclude: Sequence[str] = ()
    literal: Collection[str] = ()

    def items(self) -> Iterator[Item]:
        """List the files in the order of the specs, sorted within each."""
        roots = [self._root(spec) for spec in self.specs]
        base = self._base(roots)
        skip = self._skip(roots)
        seen: set[str] = set()
        for spec in self.specs:
            for item in self._expand(spec, base, skip):
                path = str(Path(item.name).absolute())
                if path not in seen:
                    seen.add(path)
                    yield item

    def _root(self, spec: str) -> str:
        """Give the folder that a spec's pictures are in, absolute."""
        if self._is_pattern(spec):
            return os.path.abspath(_split_pattern(spec)[0])  # noqa: PTH100 - resolves "..", not links
        path = os.path.abspath(spec.replace("\0", ""))  # noqa: PTH100 - resolves "..", not links
        return path if _is_folder(path) else str(Path(path).parent)

    def _base(self, roots: Sequence[str]) -> str:
        """Give the folder that relative names start from."""
        if len(self.specs) == 1:
            return roots[0]
        # A folder among several keeps its own name, as with cp.
        folders = [
            str(Path(root).parent) if _is_folder(spec) else root
            for spec, root in zip(self.specs, roots, strict=True)
        ]
        return (
            str(Path(*shared_folder([Path(folder).parts for folder in folders]))) if folders else ""
        )

    def _skip(self, roots: Sequence[str]) -> frozenset[str]:
        """Give what to leave out; an output that holds the input itself leaves out nothing."""
        outputs = {os.path.realpath(path) for path in self.exclude}
        real = [Path(os.path.realpath(root)) for root in roots]
        inputs = {str(above) for root in real for above in (root, *root.parents)}
        return frozenset(outputs - inputs)

    def _expand(self, spec: str, base: str, skip: Collection[str]) -> Iterator[Item]:
        if "\0" in spec:
            yield _missing(spec, "no file has such a name")
        elif self._is_pattern(spec):
            yield from self._matching(spec, base, skip)
        elif _is_folder(spec):
            for path, error in walk(spec, skip):
                yield _item(path, base, error)
        elif os.path.lexists(spec):
            yield _item(spec, base)
        else:
            yield _missing(spec, "no such file or folder")

    def _matching(self, spec: str, base: str, skip: Collection[str]) -> Iterator[Item]:
        folder, pattern = _split_pattern(spec)
        depth = None if "**" in pattern else len(pattern)
        is_empty = True
        for path, error in walk(folder or ".", skip, max_depth=depth):
            parts = Path(path).relative_to(folder or ".").parts
            if error is not None or _matches(parts, pattern):
                is_empty = False
                yield _item(path, base, error)
        if is_empty:
            yield _missing(spec, "no picture matches")

    def _is_pattern(self, spec: str) -> bool:
        return spec not in self.literal and is_pattern(spec)


def is_pattern(spec: str) -> bool:
    """Whether it holds `*`, `?` or `[`, and no file has that very name."""
    return not _MAGIC.isdisjoint(spec) and "\0" not in spec and not os.path.lexists(spec)


def walk(
    folder: str, skip: Collection[str] = (), *, max_depth: int | None = None
) -> Iterator[tuple[str, OSError | None]]:
    """Find what is named like a picture below a folder, sorted by name.

    Args:
        folder: As the user gave it; what is found is shown below it.
        skip: Real paths that are left out with all that is in them.
        max_depth: How many names deep; None for all.

    Yields:
        Paths; with an error, those of folders that cannot be listed.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [(folder, 1)]
    while waiting:
        path, depth = waiting.pop()
        if depth > 1 and not _is_folder(path):
            yield path, None
            continue
        try:
            entries = _entries(path, seen, skip)
        except OSError as error:
            yield path, error
            continue
        # The last is looked at first.
        waiting.extend(
            (entry.path if path != "." else entry.name, depth + 1)
            for entry in reversed(entries)
            if max_depth is None or depth < max_depth or not _is_folder(entry.path)
        )


def local_failure(name: str, error: OSError) -> StorageError:
    """Translate what the system says of a file."""
    kinds = {FileNotFoundError: NotFound, PermissionError: AccessRefused}
    kind = kinds.get(type(error), StorageError)
    return kind(f"{name}: {(error.strerror or str(error)).lower()}")


def _entries(
    folder: str, seen: set[tuple[int, int]], skip: Collection[str]
) -> list[os.DirEntry[str]]:
    """List pictures and folders, sorted; nothing for a folder that was listed before."""
    stat = os.stat(folder)  # noqa: PTH116 - as scandir, on the path as given
    if (stat.st_dev, stat.st_ino) in seen:
        return []
    seen.add((stat.st_dev, stat.st_ino))
    with os.scandir(folder) as found:
        entries = [entry for entry in found if _is_wanted(entry)]
    if skip:  # an output may be reached through a link, and lie elsewhere than it says
        here = os.path.realpath(folder)
        entries = [entry for entry in entries if _real(entry, here) not in skip]
    return sorted(entries, key=lambda entry: entry.name)


def _real(entry: os.DirEntry[str], folder: str) -> str:
    return os.path.realpath(entry.path) if entry.is_symlink() else str(Path(folder, entry.name))


def _is_wanted(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith("."):
        return False
    try:
        if entry.is_dir():
            return True
        # A link to nothing is taken, so that it is named as what could not be read; a link to a
        # pipe or device is not, because reading from those may never end.
        if not entry.is_file():
            is_missing = entry.is_symlink() and not Path(entry.path).exists()
            return is_picture(entry.name) and is_missing
        return is_picture(entry.name) or _may_be_picture(entry.path)
    except OSError:
        return is_picture(entry.name)


def _may_be_picture(path: str) -> bool:
    """Whether a file is one by its bytes, not its name; uploads are often named by a hash."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - the path as given
            return begins_like_picture(file.read(HEAD))
    except OSError:
        return True  # nobody can say that it is none: reading it will tell what is wrong


def _split_pattern(spec: str) -> tuple[str, tuple[str, ...]]:
    """Split into the folder before the first wildcard and the parts from there on."""
    parts = Path(spec).parts
    first = next((n for n, part in enumerate(parts) if not _MAGIC.isdisjoint(part)), len(parts))
    return str(Path(*parts[:first])) if first else "", parts[first:]


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[n:], pattern[1:]) for n in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


def _item(path: str, base: str, error: OSError | None = None) -> Item:
    relative = os.path.relpath(os.path.abspath(path), base)  # noqa: PTH100 - resolves ".."
    if error is not None:
        return FailedItem(path, relative, local_failure(path, error))
    return LocalItem(path, relative)


def _missing(spec: str, reason: str) -> FailedItem:
    return FailedItem(spec, spec, NotFound(f"{spec}: {reason}"))


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False


def _bounded(file: BinaryIO, name: str, max_bytes: int) -> bytes:
    data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise too_large(name, max_bytes)
    return data
