"""PNG: pixels through Pillow, every other chunk carried over by hand.

Pillow drops what it does not know (gamma, chromaticities, significant bits …), so only the new
IHDR and IDAT come from it. Pixel-identical outside the hidden region.
"""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from redactor.codec.base import decode, has_transparency, main_frame
from redactor.codec.metadata import clean_exif, embedded_frames, orientation, refuse_raw_thumbnail
from redactor.codec.raster import Canvas, palette_indices
from redactor.errors import DamagedPicture, LimitExceeded, UnsupportedPicture
from redactor.geometry import Box
from redactor.model import Limits, Patch, Pixels, Plane

# Kept when something was hidden: colour, size and display. Text and unknown chunks can hold
# a copy of the code; APNG's can hold whole frames.
_SAFE_CHUNKS = frozenset(
    b"PLTE tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI sBIT pHYs bKGD tIME".split()
)
# Which of two some readers take first and others last.
_SINGLE_CHUNKS = tuple(b"IHDR PLTE tRNS gAMA cHRM sRGB iCCP cICP sBIT bKGD eXIf pHYs".split())
_END = b"IEND"
_MAX_CHUNKS = 100_000  # of 1 KB each in the largest file


class PngPicture:
    """A still PNG; see `Picture`."""

    format = "PNG"
    cell = (1, 1)

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._chunks, trailer = _read_chunks(data)
        if any(kind == b"fdAT" for kind, _ in self._chunks):
            raise UnsupportedPicture("animated PNG pictures are not handled yet")
        image = decode(data, "PNG", limits)
        header = self._chunks[0][1]
        self._depth, self._color = header[8], header[9]
        self._image = image
        self.size = image.size
        self.orientation = orientation(image)
        refuse_raw_thumbnail(image)
        others = [(kind.decode("latin-1"), body) for kind, body in self._chunks if kind != b"IDAT"]
        frames = embedded_frames([*others, ("trailer", trailer)], limits)
        self.frames = (main_frame(image, self.orientation), *frames)
        self.refusal = self._why_not()
        self._canvas = Canvas(_channels(image)) if self.refusal is None else None
        self.has_alpha = self._canvas is not None and self._canvas.has_alpha

    def _why_not(self) -> str | None:
        if self._depth == 16:
            return "PNG with 16 bits a channel can be looked at but not changed yet"
        if self._color == 0 and self._depth in (2, 4):
            return f"grey PNG of {self._depth} bits can be looked at but not changed yet"
        if self._image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
            return f"PNG of mode {self._image.mode} can be looked at but not changed yet"
        return None

    def read(self, box: Box) -> tuple[Plane, ...]:
        """See `Picture.read`."""
        return self._open_canvas().read(box)

    def color(self, rgb: tuple[int, int, int]) -> tuple[float, ...]:
        """See `Picture.color`."""
        return self._open_canvas().color(rgb)

    def encode(self, patches: tuple[Patch, ...]) -> tuple[bytes, str]:
        """See `Picture.encode`."""
        pixels, drawn = self._open_canvas().apply(patches)
        image = Image.fromarray(self._from_channels(pixels, drawn))
        if self._image.mode == "1":
            image = image.convert("1", dither=Image.Dither.NONE)
        if self._image.mode == "P":
            image = image.convert("L")
            image.putpalette(self._image.getpalette() or [])
        buffer = io.BytesIO()
        bits = {"bits": self._depth} if self._image.mode == "P" else {}
        image.save(buffer, "PNG", **bits)
        return self._splice(buffer.getvalue()), "lossless"

    def _open_canvas(self) -> Canvas:
        if self._canvas is None:
            raise UnsupportedPicture(self.refusal or "")
        return self._canvas

    def _from_channels(self, pixels: Pixels, drawn: Pixels) -> Pixels:
        """Turn channels back into what the mode stores."""
        mode = self._image.mode
        if mode == "1":
            palette = np.array([[0], [255]], dtype=np.uint8)
            stored = np.asarray(self._image).astype(np.uint8)
            return palette_indices(pixels, drawn, palette, stored) * np.uint8(255)
        if mode == "P":
            colors = _palette(self._image)[: len(self._image.getpalette("RGB") or []) // 3]
            return palette_indices(pixels, drawn, colors, np.asarray(self._image))
        key = self._image.info.get("transparency")
        if key is not None:
            # What is drawn must not become transparent by chance: step aside by one level.
            same = drawn & (pixels == np.array(key, dtype=np.uint8)).all(axis=-1).astype(bool)
            pixels[same, 0] ^= 1
        return pixels[..., 0] if pixels.shape[-1] == 1 else pixels

    def _splice(self, encoded: bytes) -> bytes:
        """Put new pixel data among the chunks of the file that may stay."""
        fresh, _ = _read_chunks(encoded)
        out = [b"\x89PNG\r\n\x1a\n", _chunk(b"IHDR", fresh[0][1])]
        pixels_written = False
        for kind, body in self._chunks[1:]:
            if kind == b"IDAT" and not pixels_written:
                out += [_chunk(b"IDAT", part) for name, part in fresh if name == b"IDAT"]
                pixels_written = True
            elif kind == b"eXIf":
                kept = clean_exif(body)
                out += [_chunk(kind, kept)] if kept else []
            elif kind in _SAFE_CHUNKS:
                out.append(_chunk(kind, body))
        return b"".join([*out, _chunk(_END, b"")])


def _channels(image: Image.Image) -> Pixels:
    """Give pixels as (height, width, channels); a palette is looked up."""
    if image.mode == "P":
        palette = _palette(image)
        return palette[np.asarray(image)]
    if image.mode == "1":
        image = image.convert("L")
    pixels = np.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _palette(image: Image.Image) -> Pixels:
    """Give 256 colours of shape (256, 3), or (256, 4) where some are transparent."""
    table = np.zeros((256, 4 if has_transparency(image) else 3), dtype=np.uint8)
    colors = np.array(image.getpalette("RGB") or [], dtype=np.uint8).reshape(-1, 3)
    table[: len(colors), :3] = colors
    if table.shape[1] == 4:
        alpha = image.info["transparency"]
        table[:, 3] = 255
        if isinstance(alpha, bytes):
            table[: len(alpha), 3] = np.frombuffer(alpha, dtype=np.uint8)[:256]
        else:
            table[alpha, 3] = 0
    return table


def _read_chunks(data: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Split a PNG into chunks up to IEND, and what follows it.

    Raises:
        DamagedPicture: If the chunks do not end with IEND.
        LimitExceeded: If there are more chunks than any program writes.
    """
    chunks = list(itertools.islice(_walk(data), _MAX_CHUNKS))
    if len(chunks) == _MAX_CHUNKS:
        raise LimitExceeded(f"{_MAX_CHUNKS:,} chunks or more in the PNG")
    if not chunks or chunks[0][0] != b"IHDR" or chunks[-1][0] != _END:
        raise DamagedPicture("the PNG's chunks are broken or cut off")
    kinds = [kind for kind, _ in chunks]
    if any(kinds.count(kind) > 1 for kind in _SINGLE_CHUNKS):
        raise DamagedPicture("the PNG states one thing twice: readers would show it differently")
    pixels = kinds.index(b"IDAT") if b"IDAT" in kinds else len(kinds)
    if any(kind in kinds[pixels:] for kind in (b"PLTE", b"tRNS")):
        raise DamagedPicture("the PNG states its colours after its pixels")
    end = 8 + sum(12 + len(body) for _, body in chunks)
    return chunks[:-1], data[end:]


def _walk(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        kind = data[place + 4 : place + 8]
        body = data[place + 8 : place + 8 + length]
        if len(body) < length:
            return
        yield kind, body
        if kind == _END:
            return
        place += 12 + length


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
