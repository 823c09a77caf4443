"""The samples of a PNG: the numbers that its pixels are stored as, in every type and depth.

Pillow and OpenCV decode; neither writes every depth, interlaced pictures or the frames of an
animation, so rows are filtered here and deflated by zlib-ng.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from zlib_ng import zlib_ng

from redactor.codec.raster import Samples
from redactor.errors import DamagedPicture
from redactor.model import Pixels

GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
_CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGBA: 4}
_MODES = {GRAY: "L", RGB: "RGB", PALETTE: "P", GRAY_ALPHA: "LA", RGBA: "RGBA"}
# First column and row, and the steps, of Adam7's passes.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
           (0, 1, 1, 2))  # fmt: skip
_PAETH = 4  # the filter of PNG that suits photographs, and hurts nothing else
_MAGIC = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Header:
    """What an IHDR chunk states; `color` is PNG's colour type."""

    width: int
    height: int
    depth: int
    color: int
    is_interlaced: bool

    @classmethod
    def parse(cls, body: bytes) -> Header:
        """Read the body of the chunk.

        Raises:
            DamagedPicture: If it is not 13 bytes long.
        """
        if len(body) != 13:
            raise DamagedPicture("the PNG's header is broken")
        width, height, depth, color, _, _, interlace = struct.unpack(">IIBBBBB", body)
        return cls(width, height, depth, color, bool(interlace))

    @property
    def channels(self) -> int:
        """Samples in a pixel."""
        return _CHANNELS.get(self.color, 1)

    def pack(self) -> bytes:
        """Give the body of the chunk."""
        return struct.pack(
            ">IIBBBBB", self.width, self.height, self.depth, self.color, 0, 0, self.is_interlaced
        )


def chunk(kind: bytes, body: bytes) -> bytes:
    """Give the bytes of a chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def decode_samples(header: Header, deflated: bytes) -> Samples:
    """Give the samples of an image, of shape (height, width, channels).

    Raises:
        DamagedPicture: If OpenCV cannot decode them.
    """
    if header.depth == 16 and header.color in (RGB, RGBA):
        return _decode_deep(_file(header, deflated))
    if header.depth == 16 and header.color == GRAY_ALPHA:
        # Pillow would drop the low bytes. Rows of four bytes a pixel look like RGBA to filters.
        as_bytes = Header(header.width, header.height, 8, RGBA, header.is_interlaced)
        return decode_samples(as_bytes, deflated).view(">u2").astype(np.uint16)
    with PngImagePlugin.PngImageFile(io.BytesIO(_file(header, deflated))) as image:
        image.load()
        samples = np.array(image)
    if header.depth == 16:
        return samples.astype(np.uint16)[..., None]
    samples = samples.astype(np.uint8)
    if header.color == GRAY and header.depth in (2, 4):
        samples //= 255 // (2**header.depth - 1)  # Pillow spreads them over 8 bits
    return samples if samples.ndim == 3 else samples[..., None]


def plain_samples(header: Header, image: Image.Image) -> Samples | None:
    """Give the samples of a picture that Pillow has decoded, if it holds them as they are stored.

    Args:
        header: Of the file.
        image: Pillow's.
    """
    if header.depth != 8 or image.mode != _MODES.get(header.color):
        return None
    samples: Pixels = np.asarray(image)
    return samples if samples.ndim == 3 else samples[..., None]


def _decode_deep(file: bytes) -> NDArray[np.uint16]:
    found = cv2.imdecode(np.frombuffer(file, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16 or found.ndim != 3:
        raise DamagedPicture("the PNG's 16-bit samples cannot be decoded")
    order = [2, 1, 0, 3][: found.shape[2]]
    return np.ascontiguousarray(found[..., order]).astype(np.uint16)


def _file(header: Header, deflated: bytes) -> bytes:
    """Give a file of nothing but samples: what colours they mean is no matter here."""
    colors = chunk(b"PLTE", bytes(3 << header.depth)) if header.color == PALETTE else b""
    head = _MAGIC + chunk(b"IHDR", header.pack()) + colors
    return head + chunk(b"IDAT", deflated) + chunk(b"IEND", b"")


def encode_samples(header: Header, samples: Samples) -> bytes:
    """Filter and deflate samples of shape (height, width, channels)."""
    # A fifth of the time that zlib takes at its usual level, for one percent more bytes.
    deflate = zlib_ng.compressobj(5)
    parts = [
        deflate.compress(_filtered(header, rows))
        for rows in (_passes(samples) if header.is_interlaced else (samples,))
        if rows.size
    ]
    return b"".join([*parts, deflate.flush()])


def _passes(samples: Samples) -> Iterator[Samples]:
    for left, top, across, down in _PASSES:
        yield samples[top::down, left::across]


def _filtered(header: Header, samples: Samples) -> bytes:
    """Give rows of bytes, each behind the number of its filter.

    To try every filter on every row would take three times as long, for half a percent of bytes.
    """
    rows = _pack(samples, header.depth)
    number = 0 if header.depth < 8 or header.color == PALETTE else _PAETH
    if number:
        rows = rows - _predicted(rows, header.channels * header.depth // 8)
    return np.hstack([np.full((len(rows), 1), number, dtype=np.uint8), rows]).tobytes()


def _predicted(rows: Pixels, step: int) -> Pixels:
    """Give what Paeth's filter takes bytes for: left, above or above left, the likeliest of them.

    Args:
        rows: Bytes.
        step: From a byte to its like in the next pixel.
    """
    left, above, corner = (np.zeros_like(rows) for _ in range(3))
    left[:, step:] = rows[:, :-step]
    above[1:] = rows[:-1]
    corner[1:, step:] = rows[:-1, :-step]
    # Left + above - corner lies as far from left as above does from the corner, and so on.
    from_left, from_above = cv2.absdiff(above, corner), cv2.absdiff(left, corner)
    nearest = np.where(from_left <= from_above, left, above)
    # The corner is nearer where it lies between the two, and about in the middle.
    is_between = (left > corner) != (above > corner)
    is_between &= cv2.absdiff(from_left, from_above) < cv2.min(from_left, from_above)
    np.copyto(nearest, corner, where=is_between)
    return nearest


def _pack(samples: Samples, depth: int) -> Pixels:
    """Give the bytes of rows, without filters; shape (height, bytes of a row)."""
    height, width, channels = samples.shape
    if depth >= 8:
        big_endian = samples.astype(">u2" if depth == 16 else np.uint8)
        return np.ascontiguousarray(big_endian).reshape(height, width * channels).view(np.uint8)
    bits = np.unpackbits(samples.astype(np.uint8).reshape(height, width, 1), axis=2)
    return np.packbits(bits[..., 8 - depth :].reshape(height, width * depth), axis=1)
