"""JPEG, changed in its DCT coefficients: blocks that nothing touches stay exactly as they are.

Drawing happens on the component planes at their own resolution, from inverse-transformed blocks:
no chroma upsampling mixes a hidden block into its neighbours, so what is drawn depends on the
blocks around the region alone. Only the entropy-coded data and its Huffman tables are written
anew; quantisation tables, frame header and segments are those of the file.

Coefficients go through libjpeg-turbo: the system's libturbojpeg where it is there and takes the
file, else the copy that jpeglib brings. Either sees tables and scans alone, already held to the
grammar by `markers.split`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

from redactor.codec import turbo
from redactor.codec.base import Page, opened, translated, views
from redactor.codec.coefficients import Coefficients, Layout
from redactor.codec.dct import Rows, forward, inverse, part
from redactor.codec.markers import (
    APP0,
    APP1,
    APP2,
    APP14,
    BASELINE,
    COM,
    DQT,
    EXTENDED,
    FRAME_HEADERS,
    PROGRESSIVE,
    SOI,
    Segment,
    split,
)
from redactor.codec.metadata import (
    clean_exif,
    embedded_frames,
    has_picture,
    orientation,
    refuse_raw_thumbnail,
)
from redactor.errors import UnsupportedPicture
from redactor.geometry import Box, Mask
from redactor.model import MIRRORED_ORIENTATIONS, Frame, Limits, Metadata, Patch, Pixels, Plane

_MAX_COMMENT_BYTES = 1024  # a sentence stays; what could be a copy of a code goes


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


def _views(data: bytes, image: Image.Image) -> tuple[Pixels, ...]:
    """Decode what was opened: by TurboJPEG where it takes it, a quarter of Pillow's time."""
    with translated("JPEG"):
        if image.mode in ("L", "RGB"):
            pixels = turbo.decode(data, image.size, is_gray=image.mode == "L")
            if pixels is not None:
                pixels.setflags(write=False)
                return (pixels,)
        image.load()
    return views(image)


class JpegPicture:
    """A JPEG; see `Picture`."""

    format = "JPEG"
    has_alpha = False
    moving = 0

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._segments, self._scans, trailer = split(data)
        image = opened(data, "JPEG", limits)
        self.size = image.size
        self.orientation = orientation(image)
        refuse_raw_thumbnail(image)
        self.trailing = len(trailer)
        others = [(_name(segment), segment.body) for segment in self._segments]
        frames = embedded_frames([*others, ("trailer", trailer)], limits)
        raw = (f for s in self._segments if (f := _raw_thumbnail(s)) is not None)
        is_mirrored = self.orientation in MIRRORED_ORIENTATIONS
        self.frames = (Frame(_views(data, image), is_mirrored=is_mirrored), *frames, *raw)
        self._header = next(s for s in self._segments if s.marker in FRAME_HEADERS)
        self._layout = Layout.of(self._header, self.size)
        self.cell = self._layout.cell
        self.refusal = self._why_not()
        self._coefficients: Coefficients | None = None

    def _why_not(self) -> str | None:
        if (
            self._header.marker not in (BASELINE, EXTENDED, PROGRESSIVE)
            or self._header.body[0] != 8
        ):
            return "JPEG that is lossless or of more than 8 bits cannot be changed yet"
        return None

    @property
    def pages(self) -> tuple[Page, ...]:
        """See `Picture.pages`."""
        return (self,)

    def read(self, box: Box, needed: Mask | None = None) -> tuple[Plane, ...]:
        """See `Page.read`."""
        coefficients = self._open()
        planes = []
        for index, table in enumerate(coefficients.tables):
            blocks = part(coefficients.planes[index], self._layout.blocks(box, index))
            wanted = None if needed is None else self._spread(needed, index)
            planes.append(inverse(blocks, table, wanted))
        return tuple(planes)

    def _spread(self, cells: Mask, index: int) -> Mask:
        """Repeat cells to the blocks of one component."""
        component = self._layout.components[index]
        return cells.repeat(component.down, axis=0).repeat(component.across, axis=1)

    def color(self, rgb: tuple[int, int, int]) -> tuple[float, ...] | None:
        """See `Picture.color`; CMYK has no unique answer."""
        red, green, blue = rgb
        luma = 0.299 * red + 0.587 * green + 0.114 * blue
        if len(self._layout.components) == 1:
            return (luma,)
        if len(self._layout.components) != 3:
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
            rows = [self._rows(patches, index) for index in range(len(self._layout.components))]
            header, scans = self._open().write(rows)
            kept = [*tables, header]
        else:  # only other pictures in the file were hidden: the scans stay as they are
            kept = [segment for segment in self._segments if not segment.is_application]
            scans = self._scans
        segments = (*_kept(self._segments, metadata), *kept)
        start = bytes((0xFF, SOI))
        return start + b"".join(segment.bytes for segment in segments) + scans, "coefficients"

    def _rows(self, patches: tuple[Patch, ...], index: int) -> Rows:
        """Give the rows of one component that patches change, with the patches in place."""
        coefficients = self._open()
        places = [self._layout.blocks(_box(patch, self.cell), index) for patch in patches]
        top = min(place.top for place in places)
        blocks = coefficients.planes[index][top : max(place.bottom for place in places)].copy()
        for patch, place in zip(patches, places, strict=True):
            mask = self._spread(patch.mask, index)
            # Blocks beyond the last whole one are the encoder's padding and have no place here.
            target = blocks[place.top - top : place.bottom - top, place.left : place.right]
            mask = mask[: target.shape[0], : target.shape[1]]
            samples = patch.planes[index].reshape(place.height, 8, place.width, 8).swapaxes(1, 2)
            drawn = samples[: mask.shape[0], : mask.shape[1]][mask]
            target[mask] = forward(drawn, coefficients.tables[index])
        return Rows(top, blocks)

    def _open(self) -> Coefficients:
        """Read the coefficients on first use: most pictures are never changed."""
        if self.refusal is not None:
            raise UnsupportedPicture(self.refusal)
        if self._coefficients is None:
            self._coefficients = Coefficients(self._segments, self._scans, self._layout)
        return self._coefficients

    def _is_rgb(self) -> bool:
        """Say whether three components are red, green and blue, by libjpeg's rules."""
        if any(s.marker == APP0 and s.body.startswith(b"JFIF\0") for s in self._segments):
            return False
        for segment in self._segments:
            if segment.marker == APP14 and segment.body.startswith(b"Adobe"):
                return segment.body[11:12] == b"\0"
        return [component.identity for component in self._layout.components] == list(b"RGB")


def _box(patch: Patch, cell: tuple[int, int]) -> Box:
    rows, columns = patch.mask.shape
    return Box(patch.left, patch.top, patch.left + columns * cell[0], patch.top + rows * cell[1])


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
