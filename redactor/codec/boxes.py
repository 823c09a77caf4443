"""The boxes of AVIF and HEIF files: what pictures there are, and where the file ends."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from redactor.errors import DamagedPicture, LimitExceeded

_TOP = frozenset(b"ftyp styp meta mdat moov free skip wide uuid pdin".split())
_FULL = 4  # bytes of version and flags
_MAX_BOXES = 10_000


class Box(NamedTuple):
    """One box: its kind, and where its content begins and ends."""

    kind: bytes
    start: int
    end: int


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes:
        primary: Id of the picture itself.
        pictures: Ids of everything that is decoded to pixels.
        thumbnails: Ids of small copies.
        parts: Ids of what others are made of: tiles; and the opacity.
        place: Where the primary id is written, and in how many bytes.
        end: Where the file ends and a trailer begins.
        configuration: Content of the first `av1C`; empty where there is none.
        links: Where it is written that one picture is a thumbnail of another, or goes with it.
        is_moving: There is a video or a sequence of pictures, too.
    """

    primary: int
    pictures: frozenset[int]
    thumbnails: tuple[int, ...]
    parts: frozenset[int]
    place: tuple[int, int]
    end: int
    configuration: bytes
    links: tuple[int, ...]
    is_moving: bool

    def with_primary(self, data: bytes, item: int) -> bytes:
        """Give the file with another picture as the picture itself."""
        place, size = self.place
        changed = bytearray(data)
        changed[place : place + size] = item.to_bytes(size, "big")
        for link in self.links:  # readers pass over such pictures otherwise
            changed[link : link + 4] = b"skip"
        return bytes(changed)


_CODED = frozenset(b"av01 hvc1 avc1 jpeg j2k1 vvc1 grid iden iovl unci mski".split())
_TONE_MAP = b"tmap"  # a rendering of a picture and its gain map, each a picture of its own
_OPACITY = (b"auxiliary:alpha", b"auxid:1")


def read(data: bytes) -> Contents:
    """Read what a file holds.

    Raises:
        DamagedPicture: If it has no picture, or boxes that do not fit into each other.
    """
    end, meta, is_moving = 0, None, False
    for box in _boxes(data, 0, len(data), known=_TOP):
        end = box.end
        is_moving |= box.kind == b"moov"
        meta = box if box.kind == b"meta" and meta is None else meta
    if meta is None:
        raise DamagedPicture("the file holds no picture")
    inner = {box.kind: box for box in _boxes(data, meta.start + _FULL, meta.end)}
    if b"pitm" not in inner or b"iinf" not in inner:
        raise DamagedPicture("the file does not say what its picture is")
    width = 2 if data[inner[b"pitm"].start] == 0 else 4
    place = inner[b"pitm"].start + _FULL
    kinds = dict(_items(data, inner[b"iinf"]))
    references = list(_references(data, inner[b"iref"])) if b"iref" in inner else []
    where = data.find(b"av1C", meta.start, meta.end)
    is_opacity = all(name.endswith(_OPACITY) for name in _auxiliaries(data, meta))
    return Contents(
        int.from_bytes(data[place : place + width], "big"),
        frozenset(item for item, kind in kinds.items() if kind in _CODED),
        tuple(origin for kind, _, origin, _ in references if kind == b"thmb"),
        frozenset(o for kind, _, o, _ in references if kind == b"auxl" and is_opacity)
        | frozenset(
            target
            for kind, _, origin, targets in references
            if kind == b"dimg" and kinds.get(origin) != _TONE_MAP
            for target in targets
        ),
        (place, width),
        end,
        data[where + 4 : where + 8] if where >= 0 else b"",
        tuple(place for kind, place, *_ in references if kind in (b"thmb", b"auxl")),
        is_moving,
    )


def _auxiliaries(data: bytes, meta: Box) -> Iterator[bytes]:
    """Give what auxiliary pictures are called: opacity, depth, gain map."""
    for match in re.finditer(rb"auxC....([^\0]*)", data[meta.start : meta.end], re.DOTALL):
        yield match[1]


def _items(data: bytes, box: Box) -> Iterator[tuple[int, bytes]]:
    """Give the id and the kind of each item."""
    start = box.start + _FULL + (2 if data[box.start] == 0 else 4)
    for entry in _boxes(data, start, box.end):
        version = data[entry.start]
        width = 4 if version >= 3 else 2
        place = entry.start + _FULL
        yield (
            int.from_bytes(data[place : place + width], "big"),
            data[place + width + 2 : place + width + 6],
        )


def _references(data: bytes, box: Box) -> Iterator[tuple[bytes, int, int, list[int]]]:
    """Give kind, where the kind is written, origin and targets of each reference."""
    width = 2 if data[box.start] == 0 else 4
    for entry in _boxes(data, box.start + _FULL, box.end):
        numbers = data[entry.start : entry.end]
        origin = int.from_bytes(numbers[:width], "big")
        targets = numbers[width + 2 :]
        yield (
            entry.kind,
            entry.start - 4,
            origin,
            [
                int.from_bytes(targets[at : at + width], "big")
                for at in range(0, len(targets), width)
            ],
        )


def _boxes(
    data: bytes, start: int, end: int, *, known: frozenset[bytes] | None = None
) -> Iterator[Box]:
    """Give boxes that follow each other, up to one that is not known.

    Raises:
        DamagedPicture: If one reaches beyond the end.
        LimitExceeded: If there are more than any program writes.
    """
    for _ in range(_MAX_BOXES):
        if start + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, start)
        if known is not None and kind not in known:
            return
        head = 8
        if size == 1 and start + 16 <= end:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            head = 16
        stop = end if size == 0 else start + size
        if size and (size < head or stop > end):
            raise DamagedPicture("the file is cut off, or its boxes are broken")
        yield Box(kind, start + head, stop)
        start = stop
    raise LimitExceeded(f"more than {_MAX_BOXES:,} boxes in the file")
