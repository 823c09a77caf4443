"""Still WebP: lossless files stay lossless; lossy ones are encoded again at a stated quality."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image

from redactor.codec.base import decode, main_frame
from redactor.codec.metadata import (
    clean_exif,
    embedded_frames,
    has_picture,
    orientation,
    refuse_raw_thumbnail,
)
from redactor.codec.raster import Canvas
from redactor.errors import DamagedPicture, LimitExceeded
from redactor.model import Frame, Limits, Metadata, Patch

Chunks = list[tuple[bytes, bytes]]

VP8X, XMP = b"VP8X", b"XMP "
EFFORT = 75  # what libwebp calls the quality of a lossless file; 100 takes 1.6 times as long
_QUALITY = 90  # the header of a lossy WebP does not tell the quality it was made with
_MAX_CHUNKS = 10_000
_PIXELS = frozenset({b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"})
_FLAGS = {b"EXIF": 0x08, XMP: 0x04}  # in VP8X


class WebpPicture:
    """A still WebP; see `Picture`."""

    format = "WEBP"
    moving = 0
    refusal: str | None = None

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._chunks, trailer = read_chunks(data)
        image = decode(data, "WEBP", limits)
        self._is_lossless = any(kind == b"VP8L" for kind, _ in self._chunks)
        self.size = image.size
        self.orientation = orientation(image)
        self.trailing = len(trailer)
        refuse_raw_thumbnail(image)
        frames = other_pictures(self._chunks, trailer, limits)
        self.frames = (main_frame(image, self.orientation), *frames)
        self.pages = (Canvas(np.asarray(image)),)

    def encode(
        self, patches: tuple[Patch, ...], metadata: Metadata = Metadata.KEEP_SAFE
    ) -> tuple[bytes, str]:
        """See `Picture.encode`."""
        kept = list(kept_chunks(self._chunks, metadata))
        if not patches:
            return join_chunks(kept), "lossless"
        pixels, _ = self.pages[0].apply(patches)
        about = dict(reversed(kept))
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(
            buffer,
            "WEBP",
            lossless=self._is_lossless,
            exact=True,  # colours under full transparency stay as they are
            quality=EFFORT if self._is_lossless else _QUALITY,
            method=4,
            icc_profile=about.get(b"ICCP", b""),
            exif=about.get(b"EXIF", b""),
            xmp=about.get(XMP, b""),
        )
        return buffer.getvalue(), "lossless" if self._is_lossless else "re-encoded"


def other_pictures(chunks: Chunks, trailer: bytes, limits: Limits) -> tuple[Frame, ...]:
    """Give the pictures that lie in chunks and behind the end."""
    places = [
        (kind.decode("latin-1").strip(), body) for kind, body in chunks if kind not in _PIXELS
    ]
    return embedded_frames([*places, ("trailer", trailer)], limits)


def kept_chunks(chunks: Chunks, metadata: Metadata) -> Iterator[tuple[bytes, bytes]]:
    """Give the chunks that stay when something was hidden, pixels included."""
    kept: Chunks = []
    for kind, body in chunks:
        if kind in _PIXELS or kind in (VP8X, b"ICCP"):
            kept.append((kind, body))
        elif kind == b"EXIF" and (cleaned := clean_exif(body, metadata)):
            kept.append((kind, cleaned))
        elif kind == XMP and metadata is Metadata.KEEP and not has_picture(body):
            kept.append((kind, body))
    gone = sum(flag for kind, flag in _FLAGS.items() if kind not in dict(kept))
    for kind, body in kept:
        yield kind, bytes((body[0] & ~gone,)) + body[1:] if kind == VP8X and body else body


def read_chunks(data: bytes) -> tuple[Chunks, bytes]:
    """Split a WebP into its chunks, and what follows the RIFF container.

    Raises:
        DamagedPicture: If the container is longer than the file.
        LimitExceeded: If there are more chunks than any program writes.
    """
    if len(data) < 12:
        raise DamagedPicture("the WebP is cut off")
    (length,) = struct.unpack_from("<I", data, 4)
    end = 8 + length
    if end > len(data):
        raise DamagedPicture("the WebP is cut off")
    return split_chunks(data[12:end]), data[end:]


def split_chunks(data: bytes) -> Chunks:
    """Split the inside of a container into chunks.

    Raises:
        LimitExceeded: If there are more chunks than any program writes.
    """
    chunks: Chunks = []
    place = 0
    while place + 8 <= len(data):
        kind = data[place : place + 4]
        (size,) = struct.unpack_from("<I", data, place + 4)
        chunks.append((kind, data[place + 8 : place + 8 + size]))
        place += 8 + size + (size & 1)
        if len(chunks) > _MAX_CHUNKS:
            raise LimitExceeded(f"more than {_MAX_CHUNKS:,} chunks in the WebP")
    return chunks


def join_chunks(chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Put a WebP together."""
    inside = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(body)) + body + bytes(len(body) & 1) for kind, body in chunks
    )
    return b"RIFF" + struct.pack("<I", len(inside)) + inside
