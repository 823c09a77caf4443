"""PNG: samples in every type and depth, every other chunk carried over by hand.

Only new samples are written; sizes, types, interlacing and the chunks that say what colours mean
stay those of the file. Pixel-identical outside the hidden region.
"""

from __future__ import annotations

import itertools
import re
import struct
import zlib
from collections.abc import Iterator
from functools import cached_property

import numpy as np

from redactor.codec.base import decode, deep_views, main_frame
from redactor.codec.metadata import (
    clean_exif,
    embedded_frames,
    has_picture,
    orientation,
    refuse_raw_thumbnail,
)
from redactor.codec.png_samples import (
    GRAY,
    GRAY_ALPHA,
    PALETTE,
    RGB,
    RGBA,
    Header,
    chunk,
    decode_samples,
    encode_samples,
    plain_samples,
)
from redactor.codec.raster import Canvas, Samples, exact_indices, luma, palette_indices
from redactor.errors import DamagedPicture, LimitExceeded, UnsupportedPicture
from redactor.geometry import Mask
from redactor.model import Frame, Limits, Metadata, Patch, Pixels

Chunks = list[tuple[bytes, bytes]]

MAGIC = b"\x89PNG\r\n\x1a\n"
# What says how pixels are shown: it stays in any case.
_COLOR_CHUNKS = frozenset(b"PLTE tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI sBIT bKGD".split())
# Plain facts: kept when something was hidden. Text and unknown chunks can hold a copy of the
# code; APNG's can hold whole frames.
_SAFE_CHUNKS = _COLOR_CHUNKS | {b"pHYs", b"tIME"}
_TEXT_CHUNKS = frozenset({b"tEXt", b"iTXt", b"zTXt"})
# Which of two some readers take first and others last.
_SINGLE_CHUNKS = tuple(b"IHDR PLTE tRNS gAMA cHRM sRGB iCCP cICP sBIT bKGD eXIf pHYs acTL".split())
_PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"acTL", b"fcTL", b"fdAT"})
_END = b"IEND"
_RAW_PROFILE = b"Raw profile type"
_MAX_TEXT = 8_000_000  # of what is compressed: no thumbnail is larger
_MAX_CHUNKS = 100_000  # of 1 KB each in the largest file


class PngPicture:
    """A still PNG; see `Picture`."""

    format = "PNG"
    moving = 0
    refusal: str | None = None

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._chunks, trailer = read_chunks(data)
        image = decode(data, "PNG", limits)
        self._colors = Colors(self._chunks)
        self._plain = plain_samples(self._colors.header, image)
        self.size = image.size
        self.orientation = orientation(image)
        self.trailing = len(trailer)
        refuse_raw_thumbnail(image)
        frame = main_frame(image, self.orientation, self._plain)
        if (header := self._colors.header).depth == 16 and header.color != GRAY:
            # Pillow gives the high bytes; a code may lie in a narrow range of all 16 bits.
            values = self._samples[..., : 1 if header.color == GRAY_ALPHA else 3].astype(np.uint16)
            deep = deep_views(values.squeeze(-1) if values.shape[-1] == 1 else values)
            frame = frame.also(deep[1])
        self.frames = (frame, *other_pictures(self._chunks, trailer, limits))

    @cached_property
    def _samples(self) -> Samples:
        if self._plain is not None:
            return self._plain
        deflated = b"".join(body for kind, body in self._chunks if kind == b"IDAT")
        return decode_samples(self._colors.header, deflated)

    @cached_property
    def pages(self) -> tuple[Canvas]:
        """See `Picture.pages`."""
        return (Canvas(self._colors.channels(self._samples)),)

    def encode(
        self, patches: tuple[Patch, ...], metadata: Metadata = Metadata.KEEP_SAFE
    ) -> tuple[bytes, str]:
        """See `Picture.encode`."""
        pixels = None
        if patches:
            samples = self._colors.samples(*self.pages[0].apply(patches), self._samples)
            pixels = encode_samples(self._colors.header, samples)
        return b"".join(self._written(pixels, metadata)), "lossless"

    def _written(self, pixels: bytes | None, metadata: Metadata) -> Iterator[bytes]:
        """Give the chunks that stay, with new pixels among them where there are some."""
        yield MAGIC
        for kind, body in kept_chunks(self._chunks, metadata):
            if kind != b"IDAT" or pixels is None:
                yield chunk(kind, body)
            elif pixels:
                yield chunk(b"IDAT", pixels)
                pixels = b""
        yield chunk(_END, b"")


class Colors:
    """What the samples of a PNG mean: its header, palette and transparent colour."""

    def __init__(self, chunks: Chunks) -> None:
        found = dict(reversed(chunks))
        self.header = Header.parse(found[b"IHDR"])
        self._palette = np.frombuffer(found.get(b"PLTE", b"")[:768], dtype=np.uint8)
        self._transparency = found.get(b"tRNS", b"")

    @cached_property
    def table(self) -> Pixels:
        """The palette, of shape (colours, 3), or (colours, 4) where some are transparent."""
        count = len(self._palette) // 3
        colors = self._palette[: 3 * count].reshape(-1, 3)
        if not self._transparency:
            return colors
        alpha = np.full((count, 1), 255, dtype=np.uint8)
        stated = np.frombuffer(self._transparency[:count], dtype=np.uint8)
        alpha[: len(stated), 0] = stated
        return np.hstack([colors, alpha])

    @cached_property
    def key(self) -> Samples | None:
        """The colour that is transparent, by channel; None where there is none."""
        if self.header.color not in (GRAY, RGB) or not self._transparency:
            return None
        stated = np.frombuffer(self._transparency[: 2 * self.header.channels], dtype=">u2")
        return (stated & (2**self.header.depth - 1)).astype(np.uint16)

    def channels(self, samples: Samples) -> Samples:
        """Give colours over the whole range of 8 or 16 bits, of shape (height, width, channels).

        The transparent colour of an opaque type is a colour like any other here.
        """
        if self.header.color == PALETTE:
            table = np.zeros((256, self.table.shape[1]), dtype=np.uint8)
            table[: len(self.table)] = self.table
            return table.take(samples[..., 0], axis=0)
        if self.header.depth < 8:
            return samples * np.uint8(255 // (2**self.header.depth - 1))
        return samples

    def rgba(self, samples: Samples) -> Samples:
        """Give colours with their opacity, of shape (height, width, 4)."""
        colors = self.channels(samples)
        most = np.iinfo(colors.dtype).max
        gray = colors.shape[-1] <= 2
        shown = np.full((*colors.shape[:2], 4), most, dtype=colors.dtype)
        shown[..., :3] = colors[..., :1] if gray else colors[..., :3]
        if colors.shape[-1] in (2, 4):
            shown[..., 3] = colors[..., -1]
        if self.key is not None:
            shown[(samples == self.key).all(axis=-1), 3] = 0
        return shown

    def samples(self, channels: Samples, drawn: Mask, stored: Samples) -> Samples:
        """Turn channels back into samples.

        Args:
            channels: As `channels` gives them, with something drawn.
            drawn: Where; everything else stays as it is stored.
            stored: The samples as they were.
        """
        if (ramp := self._ramp()) is not None:
            return palette_indices(channels, drawn, ramp, stored[..., 0])[..., None]
        if self.key is not None:
            # What is drawn must not become transparent by chance: step aside by one level.
            channels[drawn & (channels == self.key).all(axis=-1), 0] ^= 1
        return channels

    @property
    def has_clear(self) -> bool:
        """Whether a pixel can be fully transparent."""
        if self.header.color == PALETTE:
            return self.table.shape[1] == 4 and not self.table[:, 3].all()
        return self.key is not None or self.header.color in (GRAY_ALPHA, RGBA)

    def settle(self, rgba: Samples, drawn: Mask) -> Samples:
        """Turn drawn RGBA pixels into ones that this type can store."""
        new = rgba[drawn]
        most = np.iinfo(rgba.dtype).max
        if self.header.color in (GRAY, GRAY_ALPHA):
            new[:, :3] = np.rint(luma(new[:, :3]))[:, None]
        if self.header.color not in (GRAY_ALPHA, RGBA) and not self._has_opacities:
            new[:, 3] = most
        rgba[drawn] = new
        if (ramp := self._ramp()) is not None:
            channels = rgba[..., :1] if self.header.color == GRAY else rgba[..., : ramp.shape[1]]
            unset = np.zeros(drawn.shape, dtype=np.uint8)
            nearest = palette_indices(channels, drawn, ramp, unset)
            rgba[drawn] = self.rgba(nearest[..., None])[drawn]
            if self.key is not None:
                rgba[drawn, 3] = most
        if self.key is not None:
            colors = rgba[..., :1] if self.header.color == GRAY else rgba[..., :3]
            same = drawn & (self._unramped(colors) == self.key).all(axis=-1)
            step = 1 if ramp is None else most // (2**self.header.depth - 1)
            rgba[same, 0] ^= step
            if self.header.color == GRAY:
                rgba[same, 1:3] = rgba[same, :1]
        return rgba

    def from_rgba(self, rgba: Samples) -> Samples:
        """Turn RGBA pixels into samples.

        Raises:
            UnsupportedPicture: If this type cannot store one of them.
        """
        clear = rgba[..., 3] == 0
        if self.header.color == RGBA:
            return rgba
        if self.header.color == GRAY_ALPHA:
            return rgba[..., ::3]  # its first and its last channel
        if self.header.color == PALETTE:
            found = exact_indices(rgba[..., : self.table.shape[1]], self.table)
            if self.has_clear:
                found[clear] = np.flatnonzero(self.table[:, 3] == 0)[0]
            clear = found < 0
            samples: Samples = found.astype(np.uint8)[..., None]
        else:
            samples = self._unramped(rgba[..., :1] if self.header.color == GRAY else rgba[..., :3])
            if self.key is not None:
                samples[clear] = self.key
                clear = clear & False
            clear = clear | ((rgba[..., 3] > 0) & (rgba[..., 3] < np.iinfo(rgba.dtype).max))
        if clear.any():
            raise UnsupportedPicture("a frame cannot be written anew in the PNG's own colours")
        return samples

    @property
    def _has_opacities(self) -> bool:
        return self.header.color == PALETTE and self.table.shape[1] == 4

    def _unramped(self, channels: Samples) -> Samples:
        if self.header.depth >= 8:
            return channels.copy()
        return (channels // (255 // (2**self.header.depth - 1))).astype(np.uint8)

    def _ramp(self) -> Samples | None:
        """The colours that few samples can be; None where any value can be written."""
        if self.header.color == PALETTE:
            return self.table
        if self.header.depth >= 8:
            return None
        levels = np.arange(2**self.header.depth) * (255 // (2**self.header.depth - 1))
        return levels.astype(np.uint8)[:, None]


def other_pictures(chunks: Chunks, trailer: bytes, limits: Limits) -> tuple[Frame, ...]:
    """Give the pictures that lie in chunks and behind the end."""
    places = [(kind.decode("latin-1"), body) for kind, body in chunks if kind not in _PIXELS]
    texts = [("text", text) for kind, body in chunks if (text := _hidden_text(kind, body))]
    return embedded_frames([*places, *texts, ("trailer", trailer)], limits)


def _hidden_text(kind: bytes, body: bytes) -> bytes:
    """Give what a text chunk holds compressed, or in hexadecimal digits as ImageMagick does."""
    keyword, _, text = body.partition(b"\0")
    if kind == b"iCCP":
        try:
            return zlib.decompressobj().decompress(text[1:], _MAX_TEXT)
        except zlib.error:
            return b""
    is_deflated = kind == b"zTXt" or (kind == b"iTXt" and text[:1] == b"\1")
    if kind not in _TEXT_CHUNKS or not (is_deflated or keyword.startswith(_RAW_PROFILE)):
        return b""
    if is_deflated:
        text = text[1:] if kind == b"zTXt" else text[2:].split(b"\0", 2)[-1]
        try:
            text = zlib.decompressobj().decompress(text, _MAX_TEXT)
        except zlib.error:
            return b""
    if keyword.startswith(_RAW_PROFILE):
        digits = re.sub(rb"[^0-9a-fA-F]", b"", b"".join(text.split(b"\n")[3:]))
        return bytes.fromhex(digits[: len(digits) // 2 * 2].decode())
    return text


def _is_plain_text(kind: bytes, body: bytes) -> bool:
    """Say whether a chunk is text that anybody can look into, without a picture."""
    return kind in _TEXT_CHUNKS and not _hidden_text(kind, body) and not has_picture(body)


def kept_chunks(chunks: Chunks, metadata: Metadata) -> Iterator[tuple[bytes, bytes]]:
    """Give the chunks that stay when something was hidden, with the pixels."""
    for kind, body in chunks:
        if kind in (b"IHDR", b"IDAT") or kind in _COLOR_CHUNKS:
            yield kind, body
        elif kind == b"eXIf":
            if kept := clean_exif(body, metadata):
                yield kind, kept
        elif metadata is Metadata.STRIP:
            continue
        elif kind in _SAFE_CHUNKS or (metadata is Metadata.KEEP and _is_plain_text(kind, body)):
            yield kind, body


def read_chunks(data: bytes) -> tuple[Chunks, bytes]:
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
    if any(kind in kinds[pixels:] for kind in (b"PLTE", b"tRNS", b"acTL")):
        raise DamagedPicture("the PNG states its colours after its pixels")
    end = 8 + sum(12 + len(body) for _, body in chunks)
    return chunks[:-1], data[end:]


def _walk(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        kind = data[place + 4 : place + 8]
        body = data[place + 8 : place + 8 + length]
        if len(body) < length or len(data) < place + 12 + length:
            return
        (checksum,) = struct.unpack_from(">I", data, place + 8 + length)
        # Readers pass over what they need not, each in its own way; of pixels they must not.
        if kind in _PIXELS and checksum != zlib.crc32(kind + body):
            raise DamagedPicture(f"the checksum of a chunk {kind.decode()} of the PNG is wrong")
        yield kind, body
        if kind == _END:
            return
        place += 12 + length
