"""JPEG, changed in its DCT coefficients: blocks that nothing touches stay exactly as they are.

Drawing happens on the component planes at their own resolution, from inverse-transformed blocks:
no chroma upsampling mixes a hidden block into its neighbours, so what is drawn depends on the
blocks around the region alone. jpeglib (libjpeg) reads and writes the coefficients; the segments
around them are spliced here, because jpeglib reorders them and holds at most fifty.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jpeglib
import numpy as np
from numpy.typing import NDArray

from redactor.codec.base import decode, main_frame
from redactor.codec.metadata import clean_exif, embedded_frames, orientation
from redactor.errors import DamagedPicture, UnsupportedPicture
from redactor.geometry import Box
from redactor.model import Limits, Patch, Plane

_SOI, _EOI, _SOS, _COM = 0xD8, 0xD9, 0xDA, 0xFE
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_STANDALONE = frozenset((0x01, *range(0xD0, 0xD8)))
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOFn: frame headers
_HUFFMAN_8_BIT = frozenset((0xC0, 0xC1, 0xC2))  # baseline, extended, progressive


@dataclass(frozen=True, slots=True)
class Segment:
    """One marker segment before the entropy-coded data.

    Attributes:
        marker: The byte after 0xFF.
        body: Without marker and length.
    """

    marker: int
    body: bytes

    @property
    def bytes(self) -> bytes:
        """The segment as it lies in a file."""
        return bytes((0xFF, self.marker)) + (len(self.body) + 2).to_bytes(2, "big") + self.body


class JpegPicture:
    """A JPEG; see `Picture`."""

    format = "JPEG"
    has_alpha = False

    def __init__(self, data: bytes, limits: Limits) -> None:
        image = decode(data, "JPEG", limits)
        self._segments, self._scans, self._trailer = split(data)
        self.size = image.size
        self.orientation = orientation(image)
        others = [(_name(segment), segment.body) for segment in self._segments]
        frames = embedded_frames([*others, ("trailer", self._trailer)], limits)
        self.frames = (main_frame(image, self.orientation), *frames)
        self._components = _components(self._segments)
        self.cell = _cell(self._components)
        self.refusal = self._why_not(image.mode)
        self._coefficients: jpeglib.DCTJPEG | None = None

    def _why_not(self, mode: str) -> str | None:
        (header,) = (segment for segment in self._segments if segment.marker in _SIZES)
        if header.marker not in _HUFFMAN_8_BIT or header.body[0] != 8:
            return "JPEG with arithmetic coding, lossless or more than 8 bits cannot be changed yet"
        factors = {component[1:] for component in self._components}
        if mode == "CMYK" and len(factors) > 1:
            return "CMYK JPEG with subsampled components cannot be changed yet"
        return None

    def read(self, box: Box) -> tuple[Plane, ...]:
        """See `Picture.read`."""
        return tuple(
            _inverse(_part(blocks, self._block_box(box, index)), table)
            for index, (blocks, table) in enumerate(self._planes())
        )

    def color(self, rgb: tuple[int, int, int]) -> tuple[float, ...] | None:
        """See `Picture.color`; CMYK has no unique answer."""
        red, green, blue = rgb
        luma = 0.299 * red + 0.587 * green + 0.114 * blue
        if len(self._components) == 1:
            return (luma,)
        if len(self._components) != 3:
            return None
        if self._open().jpeg_color_space is jpeglib.JCS_RGB:
            return (float(red), float(green), float(blue))
        return (luma, 128 + (blue - luma) * 0.564, 128 + (red - luma) * 0.713)

    def encode(self, patches: tuple[Patch, ...]) -> tuple[bytes, str]:
        """See `Picture.encode`."""
        kept = b"".join(segment.bytes for segment in _safe(self._segments))
        start = bytes((0xFF, _SOI))
        if not patches:  # only other pictures in the file were hidden: the scans stay as they are
            tables = b"".join(s.bytes for s in self._segments if not _is_application(s))
            return start + kept + tables + self._scans, "coefficients"
        jpeg = self._open().copy()
        for index, name in enumerate(("Y", "Cb", "Cr", "K")[: len(self._components)]):
            blocks, table = self._planes()[index]
            changed = blocks.copy()
            for patch in patches:
                self._put(changed, patch, index, table)
            setattr(jpeg, name, changed)
        segments, scans, _ = split(_write(jpeg))
        tables = b"".join(s.bytes for s in segments if not _is_application(s))
        return start + kept + tables + scans, "coefficients"

    def _put(
        self, blocks: NDArray[np.int16], patch: Patch, index: int, table: NDArray[np.int32]
    ) -> None:
        """Write one patch's blocks of one component into an array of coefficients."""
        _, across, down = self._components[index]
        top = patch.top // self.cell[1] * down
        left = patch.left // self.cell[0] * across
        mask = patch.mask.repeat(down, axis=0).repeat(across, axis=1)
        # Blocks beyond the last whole one are the encoder's padding and have no place here.
        target = blocks[top : top + mask.shape[0], left : left + mask.shape[1]]
        mask = mask[: target.shape[0], : target.shape[1]]
        new = _forward(patch.planes[index], table)[: mask.shape[0], : mask.shape[1]]
        target[mask] = new[mask]

    def _block_box(self, box: Box, index: int) -> Box:
        _, across, down = self._components[index]
        return Box(
            box.left // self.cell[0] * across,
            box.top // self.cell[1] * down,
            -(-box.right // self.cell[0]) * across,
            -(-box.bottom // self.cell[1]) * down,
        )

    def _planes(self) -> list[tuple[NDArray[np.int16], NDArray[np.int32]]]:
        jpeg = self._open()
        blocks = (jpeg.Y, jpeg.Cb, jpeg.Cr, jpeg.K)[: len(self._components)]
        return [
            (plane, jpeg.get_component_qt(index).astype(np.int32))
            for index, plane in enumerate(blocks)
        ]

    def _open(self) -> jpeglib.DCTJPEG:
        """Read the coefficients on first use: most pictures are never changed."""
        if self.refusal is not None:
            raise UnsupportedPicture(self.refusal)
        if self._coefficients is None:
            bare = b"".join(segment.bytes for segment in _bare(self._segments))
            bare = bytes((0xFF, _SOI)) + bare + self._scans
            self._coefficients = _read(bare)
        return self._coefficients


def split(data: bytes) -> tuple[list[Segment], bytes, bytes]:
    """Split a JPEG into the segments before its first scan, its scans, and what follows its end.

    Returns:
        The segments, the bytes from the first SOS up to and including EOI, and the trailer.

    Raises:
        DamagedPicture: If markers are broken, or there is no scan or no end.
        UnsupportedPicture: If other data lies between the scans.
    """
    segments: list[Segment] = []
    place = 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            raise DamagedPicture(f"the JPEG has no marker at byte {place}")
        marker = data[place + 1]
        if marker == 0xFF:  # fill byte
            place += 1
            continue
        if marker in _STANDALONE:
            place += 2
            continue
        if marker == _SOS:
            end = _end_of_scans(data, place)
            if not any(segment.marker in _SIZES for segment in segments):
                break
            return segments, data[place:end], data[end:]
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        if length < 2 or place + 2 + length > len(data):
            break
        segments.append(Segment(marker, data[place + 4 : place + 2 + length]))
        place += 2 + length
    raise DamagedPicture("the JPEG is broken or cut off before its first scan")


def _end_of_scans(data: bytes, place: int) -> int:
    """Find the byte after the EOI that ends the scans which begin at `place`."""
    while place + 4 <= len(data):
        marker = data[place + 1]
        if marker == _EOI:
            return place + 2
        if _APP0 <= marker < _APP0 + 16 or marker == _COM:
            raise UnsupportedPicture("JPEG with other data between its scans is not handled yet")
        if marker not in _STANDALONE and marker not in (0x00, 0xFF):
            # A table or a scan header between scans: step over its body.
            place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        else:
            place += 1
        while True:  # entropy-coded data: find the next real marker
            place = data.find(b"\xff", place)
            if place < 0:
                raise DamagedPicture("the JPEG is cut off: it has no end marker")
            following = data[place + 1 : place + 2]
            if following == b"\xff":
                place += 1
            elif following == b"" or following[0] == 0 or following[0] in _STANDALONE:
                place += 2
            else:
                break
    if data[place : place + 2] == bytes((0xFF, _EOI)):
        return place + 2
    raise DamagedPicture("the JPEG is cut off: it has no end marker")


def _components(segments: list[Segment]) -> list[tuple[int, int, int]]:
    """Read id, horizontal and vertical sampling of each component from the frame header."""
    headers = [segment.body for segment in segments if segment.marker in _SIZES]
    if len(headers) != 1 or len(headers[0]) < 6 + 3 * headers[0][5]:
        raise DamagedPicture("the JPEG has no single, whole frame header")
    body = headers[0]
    found = [
        (body[at], body[at + 1] >> 4, body[at + 1] & 15) for at in range(6, 6 + 3 * body[5], 3)
    ]
    if any(not 1 <= factor <= 4 for _, *factors in found for factor in factors):
        raise DamagedPicture("the JPEG's sampling factors are out of range")
    # A single component is not interleaved: its unit is one block whatever its factors say.
    return found if len(found) > 1 else [(found[0][0], 1, 1)]


def _cell(components: list[tuple[int, int, int]]) -> tuple[int, int]:
    """Give the size of a minimum coded unit in pixels."""
    return 8 * max(c[1] for c in components), 8 * max(c[2] for c in components)


def _name(segment: Segment) -> str:
    if segment.marker == _APP1 and segment.body.startswith(b"Exif"):
        return "thumbnail"
    return f"APP{segment.marker - _APP0}" if _APP0 <= segment.marker < _APP0 + 16 else "segment"


def _is_application(segment: Segment) -> bool:
    return _APP0 <= segment.marker < _APP0 + 16 or segment.marker == _COM


def _safe(segments: list[Segment]) -> Iterator[Segment]:
    """Give the application segments that stay when something was hidden."""
    for segment in segments:
        if (
            segment.marker == _APP0
            and segment.body.startswith(b"JFIF\0")
            and len(segment.body) >= 14
        ):
            # Version, unit and density stay; a thumbnail inside goes.
            yield Segment(_APP0, segment.body[:12] + b"\0\0")
        elif segment.marker == _APP1 and segment.body.startswith(b"Exif\0\0"):
            if cleaned := clean_exif(segment.body):
                yield Segment(_APP1, cleaned)
        elif (
            (segment.marker == _APP2 and segment.body.startswith(b"ICC_PROFILE\0"))
            or (segment.marker == _APP14 and segment.body.startswith(b"Adobe"))
            or segment.marker == _COM
        ):
            yield segment


def _bare(segments: list[Segment]) -> Iterator[Segment]:
    """Give the tables and what tells the colours: jpeglib's buffers hold fifty other segments."""
    seen: set[int] = set()
    for segment in segments:
        if not _is_application(segment):
            yield segment
        elif segment.marker in (_APP0, _APP14) and segment.marker not in seen:
            seen.add(segment.marker)
            yield segment


def _read(data: bytes) -> jpeglib.DCTJPEG:
    # jpeglib works on files. The folder is readable by its owner alone and goes at once.
    with tempfile.TemporaryDirectory(prefix="redactor-") as folder:
        path = Path(folder) / "picture.jpg"
        path.write_bytes(data)
        try:
            jpeg = jpeglib.read_dct(str(path))
            jpeg.load()
        except Exception as error:
            raise UnsupportedPicture(f"the JPEG's coefficients cannot be read: {error}") from error
    return jpeg


def _write(jpeg: jpeglib.DCTJPEG) -> bytes:
    with tempfile.TemporaryDirectory(prefix="redactor-") as folder:
        path = Path(folder) / "picture.jpg"
        try:
            jpeg.write_dct(str(path), flags=["+OPTIMIZE_CODING"])
        except Exception as error:
            raise UnsupportedPicture(f"the JPEG cannot be written: {error}") from error
        return path.read_bytes()


def _part(blocks: NDArray[np.int16], box: Box) -> NDArray[np.int16]:
    """Cut blocks out; beyond the last one, the edge is repeated."""
    rows, columns = blocks.shape[:2]
    part = blocks[box.top : min(box.bottom, rows), box.left : min(box.right, columns)]
    missing = ((0, box.height - part.shape[0]), (0, box.width - part.shape[1]), (0, 0), (0, 0))
    return np.pad(part, missing, mode="edge")


def _dct_matrix() -> NDArray[np.float32]:
    k, n = np.mgrid[:8, :8]
    matrix = np.cos((2 * n + 1) * k * np.pi / 16) / 2
    matrix[0] /= np.sqrt(2)
    return matrix.astype(np.float32)


_DCT = _dct_matrix()


def _inverse(blocks: NDArray[np.int16], table: NDArray[np.int32]) -> Plane:
    """Turn coefficients of shape (rows, columns, 8, 8) into a plane of samples, 0 to 255."""
    values = _DCT.T @ (blocks * table).astype(np.float32) @ _DCT + np.float32(128)
    rows, columns = blocks.shape[:2]
    return np.clip(values, 0, 255).transpose(0, 2, 1, 3).reshape(rows * 8, columns * 8)


def _forward(plane: Plane, table: NDArray[np.int32]) -> NDArray[np.int16]:
    """Turn a plane of samples into quantised coefficients."""
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    samples = np.clip(plane, 0, 255).reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3) - 128
    return np.rint(_DCT @ samples @ _DCT.T / table).astype(np.int16)
