"""JPEG, changed in its DCT coefficients: blocks that nothing touches stay exactly as they are.

Drawing happens on the component planes at their own resolution, from inverse-transformed blocks:
no chroma upsampling mixes a hidden block into its neighbours, so what is drawn depends on the
blocks around the region alone. Only the entropy-coded data and its Huffman tables are written
anew; quantisation tables, frame header and segments are those of the file.

Coefficients go through the C library that jpeglib brings, libjpeg-turbo. jpeglib's Python layer
stays out of the way: it decodes a file three times, keeps markers in variables that threads
overwrite, never writes the fourth component (the black plane of CMYK keeps the code), prints to
stdout, and leaves copies of pictures behind when it fails. The library sees tables and scans
alone, already held to the grammar by `markers.split`.
"""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import jpeglib
import numpy as np
from numpy.typing import NDArray

from redactor.codec.base import Page, decode, main_frame
from redactor.codec.dct import Blocks, Table, forward, inverse, part
from redactor.codec.markers import (
    APP0,
    APP1,
    APP2,
    APP14,
    BASELINE,
    COM,
    DHT,
    DQT,
    EOI,
    EXTENDED,
    FRAME_HEADERS,
    PROGRESSIVE,
    SOI,
    Segment,
    components,
    has_16_bits,
    split,
)
from redactor.codec.metadata import (
    clean_exif,
    embedded_frames,
    has_picture,
    orientation,
    refuse_raw_thumbnail,
)
from redactor.errors import DamagedPicture, UnsupportedPicture
from redactor.geometry import Box
from redactor.model import Frame, Limits, Metadata, Patch, Plane

_MAX_COMMENT_BYTES = 1024  # a sentence stays; what could be a copy of a code goes

_GRAY, _YCC = 1, 3  # libjpeg's J_COLOR_SPACE
_OPTIMIZE_CODING = 1 << 6  # jpeglib's flag
_FOLDER = Path(jpeglib.__file__).parent / "cjpeglib"
# Of the libraries jpeglib brings, the newest libjpeg-turbo; its functions are those of 1.0.x.
_LIBRARY = ctypes.CDLL(str(next(_FOLDER.glob("cjpeglib_turbo210.*"), _FOLDER)))


def _raw_thumbnail(segment: Segment) -> Frame | None:
    """Give the thumbnail of bare RGB pixels that a JFIF header can hold.

    Raises:
        UnsupportedPicture: If it is one of JFXX's uncompressed kinds.
    """
    body = segment.body
    if segment.marker == APP0 and body.startswith(b"JFXX\0") and body[5:6] in (b"\x11", b"\x13"):
        raise UnsupportedPicture("its JFXX thumbnail is uncompressed and cannot be looked at yet")
    if segment.marker != APP0 or not body.startswith(b"JFIF\0") or len(body) < 17:
        return None
    width, height = body[12], body[13]
    if not width * height or len(body) < 14 + 3 * width * height:
        return None
    pixels = np.frombuffer(body, dtype=np.uint8, count=3 * width * height, offset=14)
    return Frame((pixels.reshape(height, width, 3),), "thumbnail")


class JpegPicture:
    """A JPEG; see `Picture`."""

    format = "JPEG"
    has_alpha = False
    moving = 0

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._segments, self._scans, trailer = split(data)
        image = decode(data, "JPEG", limits)
        self.size = image.size
        self.orientation = orientation(image)
        refuse_raw_thumbnail(image)
        self.trailing = len(trailer)
        others = [(_name(segment), segment.body) for segment in self._segments]
        frames = embedded_frames([*others, ("trailer", trailer)], limits)
        raw = (f for s in self._segments if (f := _raw_thumbnail(s)) is not None)
        self.frames = (main_frame(image, self.orientation), *frames, *raw)
        self._header = next(s for s in self._segments if s.marker in FRAME_HEADERS)
        self._components = components(self._header.body, self.size)
        self._factors = [(across, down) for _, across, down in self._components]
        # A minimum coded unit.
        self.cell = (8 * max(f[0] for f in self._factors), 8 * max(f[1] for f in self._factors))
        self.refusal = self._why_not()
        self._planes: list[tuple[Blocks, Table]] | None = None

    def _why_not(self) -> str | None:
        if (
            self._header.marker not in (BASELINE, EXTENDED, PROGRESSIVE)
            or self._header.body[0] != 8
        ):
            return "JPEG with arithmetic coding, lossless or more than 8 bits cannot be changed yet"
        return None

    @property
    def pages(self) -> tuple[Page, ...]:
        """See `Picture.pages`."""
        return (self,)

    def read(self, box: Box) -> tuple[Plane, ...]:
        """See `Picture.read`."""
        return tuple(
            inverse(part(blocks, self._block_box(box, index)), table)
            for index, (blocks, table) in enumerate(self._open())
        )

    def color(self, rgb: tuple[int, int, int]) -> tuple[float, ...] | None:
        """See `Picture.color`; CMYK has no unique answer."""
        red, green, blue = rgb
        luma = 0.299 * red + 0.587 * green + 0.114 * blue
        if len(self._components) == 1:
            return (luma,)
        if len(self._components) != 3:
            return None
        if self._is_rgb():
            return (float(red), float(green), float(blue))
        return (luma, 128 + (blue - luma) * 0.564, 128 + (red - luma) * 0.713)

    def encode(
        self, patches: tuple[Patch, ...], metadata: Metadata = Metadata.KEEP_SAFE
    ) -> tuple[bytes, str]:
        """See `Picture.encode`."""
        if patches:
            tables = [segment for segment in self._segments if segment.marker == DQT]
            kept, scans = [*tables, self._sequential(tables)], self._write(patches)
        else:  # only other pictures in the file were hidden: the scans stay as they are
            kept = [segment for segment in self._segments if not segment.is_application]
            scans = self._scans
        segments = (*_kept(self._segments, metadata), *kept)
        start = bytes((0xFF, SOI))
        return start + b"".join(segment.bytes for segment in segments) + scans, "coefficients"

    def _write(self, patches: tuple[Patch, ...]) -> bytes:
        """Give Huffman tables and scans with patches in place, to the end of the file."""
        planes = []
        for index, (blocks, table) in enumerate(self._open()):
            changed = blocks.copy()
            for patch in patches:
                self._put(changed, patch, index, table)
            planes.append(changed)
        ids = [identity for identity, *_ in self._components]
        if len(planes) == 3:
            scans = _scan(_encode(planes, self.size, self._factors), ids)
        else:
            scans = b"".join(
                _scan(_encode([plane], self._plane_size(index), [(1, 1)]), [ids[index]])
                for index, plane in enumerate(planes)
            )
        return scans + bytes((0xFF, EOI))

    def _put(self, blocks: Blocks, patch: Patch, index: int, table: Table) -> None:
        """Write one patch's blocks of one component into an array of coefficients."""
        across, down = self._factors[index]
        top = patch.top // self.cell[1] * down
        left = patch.left // self.cell[0] * across
        mask = patch.mask.repeat(down, axis=0).repeat(across, axis=1)
        # Blocks beyond the last whole one are the encoder's padding and have no place here.
        target = blocks[top : top + mask.shape[0], left : left + mask.shape[1]]
        mask = mask[: target.shape[0], : target.shape[1]]
        new = forward(patch.planes[index], table)[: mask.shape[0], : mask.shape[1]]
        target[mask] = new[mask]

    def _block_box(self, box: Box, index: int) -> Box:
        across, down = self._factors[index]
        return Box(
            box.left // self.cell[0] * across,
            box.top // self.cell[1] * down,
            -(-box.right // self.cell[0]) * across,
            -(-box.bottom // self.cell[1]) * down,
        )

    def _plane_size(self, index: int) -> tuple[int, int]:
        """Give a component's own width and height in samples."""
        across, down = self._factors[index]
        width, height = self.size
        return -(-width * 8 * across // self.cell[0]), -(-height * 8 * down // self.cell[1])

    def _open(self) -> list[tuple[Blocks, Table]]:
        """Read the coefficients on first use: most pictures are never changed."""
        if self.refusal is not None:
            raise UnsupportedPicture(self.refusal)
        if self._planes is None:
            bare = b"".join(s.bytes for s in self._segments if not s.is_application)
            sizes = [self._plane_size(index) for index in range(len(self._components))]
            shapes = [(-(-height // 8), -(-width // 8)) for width, height in sizes]
            self._planes = _read(bytes((0xFF, SOI)) + bare + self._scans, shapes)
        return self._planes

    def _sequential(self, tables: Sequence[Segment]) -> Segment:
        """Give the frame header for what is written: baseline where the tables allow it."""
        if self._header.marker != PROGRESSIVE:
            return self._header
        is_extended = any(has_16_bits(segment.body) for segment in tables)
        return Segment(EXTENDED if is_extended else BASELINE, self._header.body)

    def _is_rgb(self) -> bool:
        """Say whether three components are red, green and blue, by libjpeg's rules."""
        if any(s.marker == APP0 and s.body.startswith(b"JFIF\0") for s in self._segments):
            return False
        for segment in self._segments:
            if segment.marker == APP14 and segment.body.startswith(b"Adobe"):
                return segment.body[11:12] == b"\0"
        return [identity for identity, *_ in self._components] == list(b"RGB")


def _scan(file: bytes, ids: list[int]) -> bytes:
    """Take the Huffman tables and the scan out of a file, under the ids of these components."""
    segments, scans, _ = split(file)
    tables = b"".join(segment.bytes for segment in segments if segment.marker == DHT)
    header = bytearray(scans[: 5 + 2 * len(ids)])  # marker, length, count, then id and tables
    header[5::2] = bytes(ids)
    return tables + header + scans[len(header) : -2]


def _name(segment: Segment) -> str:
    if segment.marker == APP1 and segment.body.startswith(b"Exif"):
        return "thumbnail"
    return f"APP{segment.marker - APP0}" if APP0 <= segment.marker < APP0 + 16 else "segment"


def _kept(segments: list[Segment], metadata: Metadata) -> Iterator[Segment]:
    """Give the application segments that stay when something was hidden."""
    for segment in segments:
        marker, body = segment.marker, segment.body
        if marker == APP0 and body.startswith(b"JFIF\0") and len(body) >= 14:
            # Version, unit and density stay; a thumbnail inside goes.
            yield Segment(APP0, body[:12] + b"\0\0")
        elif marker == APP1 and body.startswith(b"Exif\0\0"):
            if cleaned := clean_exif(body, metadata):
                yield Segment(APP1, cleaned)
        elif marker == APP14 and body.startswith(b"Adobe") and len(body) >= 12:
            yield Segment(APP14, body[:12])
        elif _stays(segment, metadata):
            yield segment


def _stays(segment: Segment, metadata: Metadata) -> bool:
    """Say whether a segment stays: a profile; a short comment; by `keep`, all but pictures."""
    if has_picture(segment.body) or not segment.is_application:
        return False
    if segment.marker == APP2 and segment.body.startswith(b"ICC_PROFILE\0"):
        return True
    if metadata is Metadata.KEEP:
        # What describes other pictures in the file goes with them.
        return not segment.body.startswith((b"MPF\0", b"JFXX\0"))
    is_short = segment.marker == COM and len(segment.body) <= _MAX_COMMENT_BYTES
    return is_short and metadata is Metadata.KEEP_SAFE


def _read(file: bytes, shapes: Sequence[tuple[int, int]]) -> list[tuple[Blocks, Table]]:
    """Read the quantised coefficients of each component, and its quantisation table.

    Args:
        file: A JPEG without application segments and comments.
        shapes: Rows and columns of blocks of each component, as the frame header has them.

    Raises:
        DamagedPicture: If the file cannot be read.
    """
    planes = [np.zeros((*shape, 8, 8), dtype=np.int16) for shape in shapes]
    tables = np.zeros((4, 8, 8), dtype=np.uint16)
    numbers = np.zeros(4, dtype=np.int16)
    with tempfile.TemporaryDirectory(prefix="redactor-") as folder:
        path = Path(folder) / "picture.jpg"
        path.write_bytes(file)
        name = str(path).encode()
        # The header by itself first: the call after it cannot cope with a broken one.
        if not _LIBRARY.read_jpeg_markers(name, (ctypes.c_ubyte * 1)()) or not (
            _LIBRARY.read_jpeg_dct(name, *_pointers(planes), _pointer(tables), _pointer(numbers))
        ):
            raise DamagedPicture("the JPEG's coefficients cannot be read")
    # A divisor of zero stands for coefficients that decode to zero whatever they are.
    used = np.maximum(tables, 1).astype(np.int32)
    return [(plane, used[number]) for plane, number in zip(planes, numbers, strict=False)]


def _encode(
    planes: Sequence[Blocks], size: tuple[int, int], factors: Sequence[tuple[int, int]]
) -> bytes:
    """Write coefficients as one baseline scan with Huffman tables of its own.

    Args:
        planes: Of one component or three; not modified.
        size: Width and height in pixels.
        factors: Horizontal and vertical sampling of each component.

    Returns:
        A JPEG file; its quantisation tables, segments and component ids mean nothing.

    Raises:
        UnsupportedPicture: If a coefficient is too large for baseline.
    """
    dims = np.array([plane.shape[:2] for plane in planes], dtype=np.int32)
    samplings = np.array([(down, across) for across, down in factors], dtype=np.int32)
    planes = [np.ascontiguousarray(plane, dtype=np.int16) for plane in planes]
    with tempfile.TemporaryDirectory(prefix="redactor-") as folder:
        path = Path(folder) / "picture.jpg"
        written = _LIBRARY.write_jpeg_dct(
            None,
            str(path).encode(),
            *_pointers(planes),
            (ctypes.c_int * 2)(size[1], size[0]),
            _pointer(dims),
            _pointer(samplings),
            ctypes.c_int(_YCC if len(planes) == 3 else _GRAY),
            ctypes.c_int(len(planes)),
            None,
            ctypes.c_short(-1),
            None,
            ctypes.c_int(0),
            None,
            None,
            None,
            ctypes.c_uint(_OPTIMIZE_CODING),
            ctypes.c_uint(_OPTIMIZE_CODING),
        )
        if not written:
            raise UnsupportedPicture("the JPEG's coefficients cannot be written as baseline")
        return path.read_bytes()


def _pointers(planes: Sequence[Blocks]) -> list[ctypes.c_void_p | None]:
    """Give one for each of the four components there can be."""
    return [_pointer(plane) for plane in planes] + [None] * (4 - len(planes))


def _pointer(array: NDArray[np.generic]) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)
