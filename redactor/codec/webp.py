"""Still WebP: lossless files stay lossless; lossy ones are encoded again at a stated quality."""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import Image

from redactor.codec.base import decode, main_frame
from redactor.codec.metadata import clean_exif, embedded_frames, orientation, refuse_raw_thumbnail
from redactor.codec.raster import Canvas
from redactor.errors import DamagedPicture, LimitExceeded, UnsupportedPicture
from redactor.geometry import Box
from redactor.model import Limits, Patch, Plane

_QUALITY = 90  # the header of a lossy WebP does not tell the quality it was made with
_EFFORT = 75  # what libwebp calls the quality of a lossless file; 100 takes 1.6 times as long
_MAX_CHUNKS = 1_000


class WebpPicture:
    """A still WebP; see `Picture`."""

    format = "WEBP"
    cell = (1, 1)
    refusal: str | None = None

    def __init__(self, data: bytes, limits: Limits) -> None:
        chunks, trailer = _read_chunks(data)
        first = dict(reversed(chunks))
        if b"ANMF" in first:
            raise UnsupportedPicture("animated WebP pictures are not handled yet")
        image = decode(data, "WEBP", limits)
        self._is_lossless = b"VP8L" in first
        self._icc = first.get(b"ICCP")
        self._exif = first.get(b"EXIF")
        self.size = image.size
        self.orientation = orientation(image)
        refuse_raw_thumbnail(image)
        others = [
            (kind.decode("latin-1").strip(), body)
            for kind, body in chunks
            if kind not in (b"VP8 ", b"VP8L", b"ALPH")
        ]
        frames = embedded_frames([*others, ("trailer", trailer)], limits)
        self.frames = (main_frame(image, self.orientation), *frames)
        self._canvas = Canvas(np.asarray(image))
        self.has_alpha = self._canvas.has_alpha

    def read(self, box: Box) -> tuple[Plane, ...]:
        """See `Picture.read`."""
        return self._canvas.read(box)

    def color(self, rgb: tuple[int, int, int]) -> tuple[float, ...]:
        """See `Picture.color`."""
        return self._canvas.color(rgb)

    def encode(self, patches: tuple[Patch, ...]) -> tuple[bytes, str]:
        """See `Picture.encode`."""
        pixels, _ = self._canvas.apply(patches)
        buffer = io.BytesIO()
        exif = clean_exif(self._exif) if self._exif else b""
        Image.fromarray(pixels).save(
            buffer,
            "WEBP",
            lossless=self._is_lossless,
            exact=True,  # colours under full transparency stay as they are
            quality=_EFFORT if self._is_lossless else _QUALITY,
            method=4,
            icc_profile=self._icc or b"",
            exif=exif,
        )
        return buffer.getvalue(), "lossless" if self._is_lossless else "re-encoded"


def _read_chunks(data: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
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
    chunks: list[tuple[bytes, bytes]] = []
    place = 12
    while place + 8 <= end:
        kind = data[place : place + 4]
        (size,) = struct.unpack_from("<I", data, place + 4)
        chunks.append((kind, data[place + 8 : min(place + 8 + size, end)]))
        place += 8 + size + (size & 1)
        if len(chunks) > _MAX_CHUNKS:
            raise LimitExceeded(f"more than {_MAX_CHUNKS:,} chunks in the WebP")
    return chunks, data[end:]
