"""The directories of a TIFF or BigTIFF: read with everything they refer to, and written anew.

A file is written from its directories alone, so nothing that no directory refers to (what an
editor left behind, what was there before) gets into it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from redactor.errors import DamagedPicture, LimitExceeded

STRIPS, STRIP_SIZES, TILES, TILE_SIZES = 273, 279, 324, 325
SUB_DIRECTORIES, EXIF, GPS, INTEROP = 330, 34665, 34853, 40965
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8,
          17: 8, 18: 8}  # fmt: skip
_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_LONG, _LONG8, _UNDEFINED = 4, 16, 7
_BLOCK_TAGS = frozenset({STRIPS, STRIP_SIZES, TILES, TILE_SIZES})
_MAX_ENTRIES = 4_096
_MAX_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Form:
    """How numbers and places are written.

    Attributes:
        order: `<` or `>`.
        is_big: BigTIFF, with places of eight bytes.
    """

    order: str
    is_big: bool

    @property
    def place(self) -> str:
        """Format of a place in the file."""
        return self.order + ("Q" if self.is_big else "I")

    @property
    def count(self) -> str:
        """Format of a number of entries."""
        return self.order + ("Q" if self.is_big else "H")


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a tag: its type, how many, and the bytes."""

    kind: int
    count: int
    data: bytes


@dataclass(frozen=True)
class Directory:
    """One directory.

    Attributes:
        form: How the file writes.
        tags: Values by tag, without those that say where things lie.
        blocks: The strips or tiles, as they are stored; empty where it has no picture.
        is_tiled: The blocks are tiles.
        children: The directories that a tag refers to: previews, EXIF, GPS.
    """

    form: Form
    tags: dict[int, Value]
    blocks: Sequence[bytes] = ()
    is_tiled: bool = False
    children: dict[int, list[Directory]] = field(default_factory=dict)

    def numbers(self, tag: int, default: Sequence[int] = ()) -> tuple[int, ...]:
        """Give a tag's whole numbers.

        Raises:
            DamagedPicture: If it has others.
        """
        value = self.tags.get(tag)
        if value is None:
            return tuple(default)
        if value.kind not in _NUMBERS:
            raise DamagedPicture(f"tag {tag} of the TIFF is no number")
        letters = f"{self.form.order}{value.count}{_NUMBERS[value.kind]}"
        return struct.unpack(letters, value.data)

    def number(self, tag: int, default: int = 0) -> int:
        """Give a tag's first number."""
        return next(iter(self.numbers(tag)), default)

    def without(self, *tags: int) -> Directory:
        """Give the directory without some tags."""
        return replace(self, tags={tag: v for tag, v in self.tags.items() if tag not in tags})


_TILE_TAGS = frozenset({322, 323})  # width and height of a tile


@dataclass(frozen=True)
class Contents:
    """A file.

    Attributes:
        directories: The chain, in order.
        gaps: Bytes between what directories refer to.
        trailer: Bytes behind all of it.
    """

    directories: list[Directory]
    gaps: bytes
    trailer: bytes


def read(data: bytes, *, most: int) -> Contents:
    """Read a file's directories.

    Args:
        data: The file.
        most: Directories at most, those below others included.

    Raises:
        DamagedPicture: If something lies outside of the file.
        LimitExceeded: If there are more directories.
    """
    reader = _Reader(data, most)
    return reader.contents()


class _Reader:
    def __init__(self, data: bytes, most: int) -> None:
        self._data, self._most = data, most
        order = "<" if data[:2] == b"II" else ">"
        self._form = Form(order, is_big=data[2:4] in (b"+\0", b"\0+"))
        self._used: list[tuple[int, int]] = [(0, 16 if self._form.is_big else 8)]
        self._seen: set[int] = set()

    def contents(self) -> Contents:
        (place,) = self._unpack(self._form.place, 8 if self._form.is_big else 4)
        chain = []
        while place:
            directory, place = self._directory(place, 0)
            chain.append(directory)
        gaps, end = [], 0
        for start, stop in sorted(self._used):
            if start > end:
                gaps.append(self._data[end:start])
            end = max(end, stop)
        return Contents(chain, b"".join(gaps), self._data[end:])

    def _directory(self, place: int, depth: int) -> tuple[Directory, int]:
        if place in self._seen or depth > _MAX_DEPTH:
            raise DamagedPicture("the TIFF's directories refer to each other in a circle")
        self._seen.add(place)
        if len(self._seen) > self._most:
            raise LimitExceeded(f"more than {self._most:,} pages in the TIFF")
        form = self._form
        (count,) = self._unpack(form.count, place)
        if count > _MAX_ENTRIES:
            raise LimitExceeded(f"{count:,} entries in one directory of the TIFF")
        entry, start = (20, place + 8) if form.is_big else (12, place + 2)
        entries = [self._entry(start + entry * index) for index in range(count)]
        tags = dict(entries)
        if len(tags) < len(entries):  # readers differ on which of two entries counts
            raise DamagedPicture("the TIFF states one thing twice")
        end = start + entry * count
        self._used.append((place, end + struct.calcsize(form.place)))
        (following,) = self._unpack(form.place, end)
        directory = Directory(form, {tag: value for tag, value in tags.items() if value})
        children = {
            tag: [self._directory(at, depth + 1)[0] for at in directory.numbers(tag)]
            for tag in (SUB_DIRECTORIES, EXIF, GPS, INTEROP)
            if tag in directory.tags
        }
        is_tiled = TILES in directory.tags
        has_tiles = is_tiled or bool(_TILE_TAGS & directory.tags.keys())
        if has_tiles and (STRIPS in directory.tags or not directory.tags.keys() >= _TILE_TAGS):
            raise DamagedPicture("the TIFF has strips and tiles at once: readers would differ")
        places, sizes = (TILES, TILE_SIZES) if is_tiled else (STRIPS, STRIP_SIZES)
        blocks = self._blocks(directory.numbers(places), directory.numbers(sizes))
        bare = directory.without(*_BLOCK_TAGS, *children)
        return replace(bare, blocks=blocks, is_tiled=is_tiled, children=children), following

    def _entry(self, place: int) -> tuple[int, Value | None]:
        """Read one entry; None for a type that readers pass over."""
        form = self._form
        tag, kind, count = self._unpack(form.order + ("HHQ" if form.is_big else "HHI"), place)
        if kind not in _SIZES:
            return tag, None
        length, room = _SIZES[kind] * count, 8 if form.is_big else 4
        at = place + 12 - (0 if form.is_big else 4)
        if length > room:
            (at,) = self._unpack(form.place, at)
        return tag, Value(kind, count, self._cut(at, length))

    def _blocks(self, places: Sequence[int], sizes: Sequence[int]) -> list[bytes]:
        if len(places) != len(sizes):
            raise DamagedPicture("the TIFF does not say how long its strips are")
        return [self._cut(place, size) for place, size in zip(places, sizes, strict=True)]

    def _unpack(self, letters: str, place: int) -> tuple[int, ...]:
        if not 0 <= place <= len(self._data) - struct.calcsize(letters):
            raise DamagedPicture("the TIFF is cut off")
        return struct.unpack_from(letters, self._data, place)

    def _cut(self, place: int, length: int) -> bytes:
        if place + length > len(self._data):
            raise DamagedPicture("the TIFF is cut off")
        self._used.append((place, place + length))
        return self._data[place : place + length]


def write(directories: Sequence[Directory]) -> bytes:
    """Write a file of these directories and what they hold."""
    form = directories[0].form
    mark = b"II" if form.order == "<" else b"MM"
    head = struct.pack(form.order + "HHH", 43, 8, 0) if form.is_big else struct.pack(
        form.order + "H", 42
    )  # fmt: skip
    out = bytearray(mark + head)
    link = len(out)
    out += bytes(struct.calcsize(form.place))
    for directory in directories:
        place, following = _append(out, directory)
        struct.pack_into(form.place, out, link, place)
        link = following
    return bytes(out)


def _append(out: bytearray, directory: Directory) -> tuple[int, int]:
    """Append a directory; gives its place, and that of its link to the next one."""
    form = directory.form
    tags = dict(directory.tags)
    for tag, children in directory.children.items():
        tags[tag] = _places(form, [_append(out, child)[0] for child in children])
    if directory.blocks:
        places = []
        for block in directory.blocks:
            places.append(_aligned(out))
            out += block
        names = (TILES, TILE_SIZES) if directory.is_tiled else (STRIPS, STRIP_SIZES)
        tags[names[0]] = _places(form, places)
        tags[names[1]] = _places(form, [len(block) for block in directory.blocks])
    room = 8 if form.is_big else 4
    entries = b""
    for tag, value in sorted(tags.items()):
        data = value.data
        if len(data) > room:
            place = _aligned(out)
            out += data
            data = struct.pack(form.place, place)
        letters = form.order + ("HHQ" if form.is_big else "HHI")
        entries += struct.pack(letters, tag, value.kind, value.count) + data.ljust(room, b"\0")
    place = _aligned(out)
    out += struct.pack(form.count, len(tags)) + entries
    link = len(out)
    out += bytes(room)
    return place, link


def _places(form: Form, numbers: Sequence[int]) -> Value:
    kind = _LONG8 if form.is_big else _LONG
    letters = form.order + str(len(numbers)) + _NUMBERS[kind]
    return Value(kind, len(numbers), struct.pack(letters, *numbers))


def _aligned(out: bytearray) -> int:
    """Fill up to an even place, as the format asks for."""
    out += bytes(len(out) % 2)
    return len(out)


def everything(directories: Sequence[Directory]) -> Iterator[Directory]:
    """Give directories and all that lie below them."""
    for directory in directories:
        yield directory
        for children in directory.children.values():
            yield from everything(children)
