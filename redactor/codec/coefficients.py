"""The DCT coefficients of a JPEG: how they are laid out, read, and written back.

Libraries are told by what they take: `turbo` first, where it is there; `portable` takes what
remains, unusual subsampling for one. Both are libjpeg-turbo and give the same coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from redactor.codec import portable, turbo
from redactor.codec.dct import Blocks, Rows, Table
from redactor.codec.markers import (
    BASELINE,
    DHT,
    EOI,
    EXTENDED,
    FRAME_HEADERS,
    PROGRESSIVE,
    SOI,
    Segment,
    components,
    quantisation,
    split,
)
from redactor.errors import DamagedPicture, UnsupportedPicture
from redactor.geometry import Box


def _zigzag(place: int) -> tuple[int, int]:
    """Order the places of a block as its values lie in a file: by diagonal, down and up in turn."""
    row, column = divmod(place, 8)
    return row + column, row if (row + column) % 2 else -row


_ZIGZAG = sorted(range(64), key=_zigzag)


_MOST = 1024  # a coefficient of 8-bit samples: from -1024 for the mean, and up to 1023


class Component(NamedTuple):
    """One colour component: its sampling, and the number of its quantisation table."""

    identity: int
    across: int
    down: int
    table: int


@dataclass(frozen=True)
class Layout:
    """How the blocks of a picture lie.

    Attributes:
        size: Width and height in pixels.
        components: In the order of the frame header.
        cell: Width and height of a minimum coded unit in pixels.
    """

    size: tuple[int, int]
    components: tuple[Component, ...]
    cell: tuple[int, int]

    @classmethod
    def of(cls, header: Segment, size: tuple[int, int]) -> Layout:
        """Read the frame header.

        Raises:
            DamagedPicture: If it is broken or states another size.
        """
        found = tuple(Component(*values) for values in components(header.body, size))
        cell = 8 * max(c.across for c in found), 8 * max(c.down for c in found)
        return cls(size, found, cell)

    def blocks(self, box: Box, index: int) -> Box:
        """Give the blocks of one component under a box of whole units."""
        component = self.components[index]
        return Box(
            box.left // self.cell[0] * component.across,
            box.top // self.cell[1] * component.down,
            -(-box.right // self.cell[0]) * component.across,
            -(-box.bottom // self.cell[1]) * component.down,
        )

    def plane_size(self, index: int) -> tuple[int, int]:
        """Give one component's own width and height in samples."""
        component, (width, height) = self.components[index], self.size
        return (
            -(-width * 8 * component.across // self.cell[0]),
            -(-height * 8 * component.down // self.cell[1]),
        )

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Rows and columns of blocks of each component; padding has no place in them."""
        sizes = [self.plane_size(index) for index in range(len(self.components))]
        return [(-(-height // 8), -(-width // 8)) for width, height in sizes]


class Coefficients:
    """The quantised coefficients of one file.

    Attributes:
        planes: Of each component; not to be modified.
        tables: The quantisation of each component.

    Args:
        segments: Of the file, before its scans.
        scans: To the end of the file.
        layout: As the frame header has it.

    Raises:
        DamagedPicture: If the coefficients cannot be read.
        UnsupportedPicture: If they are larger than those of any picture, or a file, can be.
    """

    def __init__(self, segments: Sequence[Segment], scans: bytes, layout: Layout) -> None:
        self._layout = layout
        self._header = next(s for s in segments if s.marker in FRAME_HEADERS)
        self._quantisation = quantisation(segments)
        self.tables = [_table(self._quantisation, c.table) for c in layout.components]
        bare = b"".join(s.bytes for s in segments if not s.is_application)
        self._file = bytes((0xFF, SOI)) + bare + scans
        self._is_turbo = turbo.is_available()
        self.planes = self._read()
        if not all(_is_in_range(plane) for plane in self.planes):
            raise UnsupportedPicture("the JPEG has coefficients larger than 8 bits give rise to")

    def _read(self) -> list[Blocks]:
        if self._is_turbo:
            try:
                return turbo.read(self._file, self._layout.shapes)
            except DamagedPicture:
                self._is_turbo = False
        return portable.read(self._file, self._layout.shapes)

    def write(self, rows: Sequence[Rows]) -> tuple[Segment, bytes]:
        """Write the coefficients anew.

        Args:
            rows: For each component, what takes the place of its own rows.

        Returns:
            The frame header, and Huffman tables and scans to the end of the file.
        """
        if self._is_turbo:
            is_progressive = self._header.marker == PROGRESSIVE
            segments, scans, _ = split(turbo.write(self._file, rows, is_progressive=is_progressive))
            return self._header, _huffman(segments) + scans
        return self._sequential(), self._write_portably(rows)

    def _write_portably(self, rows: Sequence[Rows]) -> bytes:
        planes = [plane.copy() for plane in self.planes]
        for plane, (top, blocks) in zip(planes, rows, strict=True):
            plane[top : top + len(blocks)] = blocks
        layout = self._layout
        ids = [component.identity for component in layout.components]
        if len(planes) == 3:
            factors = [(component.across, component.down) for component in layout.components]
            scans = _scan(portable.write(planes, layout.size, factors), ids)
        else:
            scans = b"".join(
                _scan(portable.write([plane], layout.plane_size(index), [(1, 1)]), [ids[index]])
                for index, plane in enumerate(planes)
            )
        return scans + bytes((0xFF, EOI))

    def _sequential(self) -> Segment:
        """Give the frame header for one scan after the other: baseline if the tables allow it."""
        if self._header.marker != PROGRESSIVE:
            return self._header
        is_extended = any(wide > 1 for wide, _ in self._quantisation.values())
        return Segment(EXTENDED if is_extended else BASELINE, self._header.body)


def _is_in_range(plane: Blocks) -> bool:
    """Say whether coefficients can be coded: libjpeg-turbo's fast encoder does not look."""
    low = int(plane.min(initial=0))
    if low < -_MOST or int(plane.max(initial=0)) >= _MOST:
        return False
    # The least value is one of black for the mean of a block alone.
    return low > -_MOST or bool((plane.reshape(-1, 64)[:, 1:] > -_MOST).all())


def _table(known: dict[int, tuple[int, tuple[int, ...]]], number: int) -> Table:
    if number not in known:
        raise DamagedPicture("the JPEG has no quantisation table for one of its components")
    table = np.empty(64, dtype=np.int32)
    table[_ZIGZAG] = known[number][1]
    # A divisor of zero stands for coefficients that decode to zero whatever they are.
    return np.maximum(table, 1).reshape(8, 8)


def _huffman(segments: Sequence[Segment]) -> bytes:
    return b"".join(segment.bytes for segment in segments if segment.marker == DHT)


def _scan(file: bytes, ids: list[int]) -> bytes:
    """Take the Huffman tables and the scan out of a file, under the ids of these components."""
    segments, scans, _ = split(file)
    header = bytearray(scans[: 5 + 2 * len(ids)])  # marker, length, count, then id and tables
    header[5::2] = bytes(ids)
    return _huffman(segments) + header + scans[len(header) : -2]
