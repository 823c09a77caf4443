"""BMP: the pixels that are drawn are put among the others, which keep their bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np

from redactor.codec.base import check_size, rgba_views
from redactor.codec.metadata import embedded_frames
from redactor.codec.raster import Canvas, Samples, palette_indices
from redactor.errors import DamagedPicture, UnsupportedPicture
from redactor.geometry import Mask
from redactor.model import Frame, Limits, Metadata, Patch, Pixels

_FILE, _CORE, _INFO, _V3, _V5 = 14, 12, 40, 56, 124  # lengths of headers in bytes
_PLAIN, _RLE8, _RLE4, _FIELDS, _ALPHA_FIELDS = 0, 1, 2, 3, 6
_USUAL_MASKS = {16: (0x7C00, 0x03E0, 0x001F), 32: (0xFF0000, 0xFF00, 0xFF, 0xFF000000)}
_EMBEDDED, _SRGB = b"DEBM", b"BGRs"  # of V5's colour space


@dataclass(frozen=True)
class _Header:
    """What a BMP's headers state.

    Attributes:
        size: Width and height in pixels.
        is_top_down: The first row stored is the uppermost.
        bits: Of a pixel.
        compression: As BMP numbers it.
        masks: Of each channel, where pixels are 16 or 32 bits.
        has_alpha: The last mask is of the opacity.
        palette: Shape (colours, 3); empty where there is none.
        palette_end: First byte behind the headers and the palette.
        start: First byte of the pixels.
    """

    size: tuple[int, int]
    is_top_down: bool
    bits: int
    compression: int
    masks: tuple[int, ...]
    has_alpha: bool
    palette: Pixels
    palette_end: int
    start: int

    @property
    def row(self) -> int:
        """Bytes of a row."""
        return (self.size[0] * self.bits + 31) // 32 * 4


class BmpPicture:
    """A BMP; see `Picture`."""

    format = "BMP"
    orientation = 1
    moving = 0
    refusal: str | None = None

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._data = data
        self._header = header = _read_header(data, limits)
        self.size = header.size
        if header.compression in (_RLE8, _RLE4):
            stored, length = _expand(data[header.start :], header)
        else:
            length = header.row * header.size[1]
            stored = self._plain(length)
        self._stored: Samples = stored
        end = header.start + length
        self._profile = self._find_profile(end)
        trailer = data[end:].replace(self._profile, b"", 1) if self._profile else data[end:]
        self.trailing = 0 if self._profile else len(trailer)
        self._channels = self._lookup()
        gap = data[header.palette_end : header.start]
        others = [("gap", gap), ("profile", self._profile), ("trailer", trailer)]
        self.frames = (Frame(self._views()), *embedded_frames(others, limits))

    def _plain(self, length: int) -> Samples:
        """Give what is stored for each pixel, upper rows first."""
        header, (width, height) = self._header, self.size
        octets = self._data[header.start : header.start + length]
        if len(octets) < length:
            raise DamagedPicture("the BMP is cut off")
        rows = np.frombuffer(octets, dtype=np.uint8).reshape(height, header.row)
        rows = rows if header.is_top_down else rows[::-1]
        if header.bits < 8:
            bits = np.unpackbits(rows, axis=1)[:, : width * header.bits]
            wide = np.packbits(bits.reshape(height, width, header.bits), axis=2)
            return (wide[..., 0] >> (8 - header.bits)).astype(np.uint8)
        if header.bits == 24:
            return rows[:, : 3 * width].reshape(height, width, 3)[..., ::-1]
        letters = {8: "u1", 16: "<u2", 32: "<u4"}[header.bits]
        return np.ascontiguousarray(rows).view(letters)[:, :width]

    def _lookup(self) -> Samples:
        """Give colours over the whole range of 8 or 16 bits, shape (height, width, channels)."""
        header = self._header
        if header.bits == 24:
            return np.ascontiguousarray(self._stored).astype(np.uint8)
        if header.bits <= 8:
            table = np.zeros((256, 3), dtype=np.uint8)
            table[: len(header.palette)] = header.palette
            return table[self._stored]
        is_deep = max(_bits(mask) for mask in header.masks) > 8
        most, dtype = (65_535, np.uint16) if is_deep else (255, np.uint8)
        channels = []
        for mask in header.masks:
            values = (self._stored.astype(np.uint32) & mask) >> _shift(mask)
            channels.append(np.rint(values * (most / (mask >> _shift(mask)))).astype(dtype))
        return np.stack(channels, axis=-1)

    @cached_property
    def pages(self) -> tuple[Canvas]:
        """See `Picture.pages`."""
        return (Canvas(self._channels, has_alpha=self._header.has_alpha),)

    def _views(self) -> tuple[Pixels, ...]:
        colors = self._channels
        eight = colors.astype(np.uint8) if colors.dtype == np.uint8 else _high(colors)
        if self._header.has_alpha:
            return rgba_views(eight)
        views = (np.ascontiguousarray(eight[..., :3]),)
        # The fourth byte means nothing, and viewers differ in what they make of it.
        has_rest = eight.shape[-1] == 4 and np.ptp(eight[..., 3]) > 0
        return (*views, np.ascontiguousarray(eight[..., 3])) if has_rest else views

    def encode(
        self, patches: tuple[Patch, ...], metadata: Metadata = Metadata.KEEP_SAFE
    ) -> tuple[bytes, str]:
        """See `Picture.encode`."""
        stored = self._stored
        if patches:
            channels, drawn = self.pages[0].apply(patches)
            stored = self._back(channels, drawn)
        header = self._header
        if header.compression in (_RLE8, _RLE4):
            pixels = _shorten(stored[::-1], header.bits)
        else:
            pixels = self._packed(stored)
        head = bytearray(self._data[: header.start])
        head[header.palette_end :] = bytes(header.start - header.palette_end)
        return bytes(self._finished(head, len(pixels))) + pixels + self._profile, "lossless"

    def _back(self, channels: Samples, drawn: Mask) -> Samples:
        """Turn colours back into what is stored."""
        header = self._header
        if header.bits == 24:
            return channels
        if header.bits <= 8:
            return palette_indices(channels, drawn, header.palette, self._stored.astype(np.uint8))
        most = np.iinfo(channels.dtype).max
        stored = self._stored.copy()
        new = np.zeros(int(drawn.sum()), dtype=np.uint32)
        for index, mask in enumerate(header.masks):
            share = channels[drawn, index].astype(np.float64) / most
            new |= np.rint(share * (mask >> _shift(mask))).astype(np.uint32) << _shift(mask)
        stored[drawn] = new.astype(stored.dtype)
        return stored

    def _packed(self, stored: Samples) -> bytes:
        """Give rows of bytes; those between rows are those of the file."""
        header, (width, height) = self._header, self.size
        rows = np.zeros((height, header.row), dtype=np.uint8)
        if header.bits < 8:
            wide = np.unpackbits(stored.astype(np.uint8)[..., None], axis=2)
            bits = wide[..., 8 - header.bits :].reshape(height, width * header.bits)
            octets = np.packbits(bits, axis=1)
        elif header.bits == 24:
            octets = np.ascontiguousarray(stored[..., ::-1]).reshape(height, 3 * width)
        else:
            octets = np.ascontiguousarray(stored).view(np.uint8).reshape(height, -1)
        rows[:, : octets.shape[1]] = octets
        return (rows if header.is_top_down else rows[::-1]).tobytes()

    def _find_profile(self, end: int) -> bytes:
        """Give the colour profile that lies behind the pixels."""
        data = self._data
        (length,) = struct.unpack_from("<I", data, _FILE)
        if length < _V5 or data[_FILE + 56 : _FILE + 60] != _EMBEDDED:
            return b""
        place, size = struct.unpack_from("<II", data, _FILE + 112)
        if place + _FILE < end or place + _FILE + size > len(data):
            raise DamagedPicture("the BMP's colour profile is cut off")
        return data[place + _FILE : place + _FILE + size]

    def _finished(self, head: bytearray, length: int) -> bytearray:
        """Let the headers say how long everything is, and where the profile lies."""
        start = self._header.start
        struct.pack_into("<I", head, 2, start + length + len(self._profile))
        (size,) = struct.unpack_from("<I", head, _FILE)
        if size >= _INFO:
            struct.pack_into("<I", head, _FILE + 20, length)
        if size >= _V5:
            place = start - _FILE + length if self._profile else 0
            struct.pack_into("<II", head, _FILE + 112, place, len(self._profile))
            if not self._profile and head[_FILE + 56 : _FILE + 60] in (_EMBEDDED, b"KNIL"):
                head[_FILE + 56 : _FILE + 60] = _SRGB
        return head


def _read_header(data: bytes, limits: Limits) -> _Header:
    if len(data) < _FILE + _CORE:
        raise DamagedPicture("the BMP is cut off")
    start, length = struct.unpack_from("<II", data, 10)
    if length < _CORE or len(data) < _FILE + length:
        raise DamagedPicture("the BMP's header is broken")
    compression = used = 0
    if length < _INFO:
        width, height, planes, bits = struct.unpack_from("<HHHH", data, _FILE + 4)
    else:
        width, height, planes, bits = struct.unpack_from("<iiHH", data, _FILE + 4)
        compression, _, _, _, used = struct.unpack_from("<IIIII", data, _FILE + 16)
    check_size((width, abs(height)), limits)
    is_top_down = height < 0
    is_rle = compression in (_RLE8, _RLE4)
    known = {_PLAIN: (1, 2, 4, 8, 16, 24, 32), _RLE8: (8,), _RLE4: (4,), _FIELDS: (16, 32),
             _ALPHA_FIELDS: (16, 32)}  # fmt: skip
    if bits not in known.get(compression, ()) or planes != 1 or (is_rle and is_top_down):
        raise UnsupportedPicture(f"BMP of {bits} bits and compression {compression} is not handled")
    masks, has_alpha, end = _read_masks(data, length, bits, compression)
    palette, end = _read_palette(data, length, bits, used, end, start)
    if not end <= start <= len(data):
        raise DamagedPicture("the BMP's pixels begin outside of it")
    size = width, abs(height)
    return _Header(size, is_top_down, bits, compression, masks, has_alpha, palette, end, start)


def _read_masks(
    data: bytes, length: int, bits: int, compression: int
) -> tuple[tuple[int, ...], bool, int]:
    """Give the masks, whether the last is of the opacity, and where the headers end."""
    end = _FILE + length
    if compression not in (_FIELDS, _ALPHA_FIELDS):
        return _USUAL_MASKS.get(bits, ()), False, end
    count = 4 if length >= _V3 or compression == _ALPHA_FIELDS else 3
    if length < _V3:
        end = max(end, _FILE + _INFO + 4 * count)
    if len(data) < _FILE + _INFO + 4 * count:
        raise DamagedPicture("the BMP is cut off")
    masks = list(struct.unpack_from(f"<{count}I", data, _FILE + _INFO))
    has_alpha = count == 4 and masks[3] > 0
    masks = masks[: 3 + has_alpha]
    joined = 0
    for mask in masks:
        is_run = mask and (mask >> _shift(mask)) & ((mask >> _shift(mask)) + 1) == 0
        if not is_run or mask & joined or mask >= 1 << bits:
            raise UnsupportedPicture("BMP with such channels is not handled")
        joined |= mask
    return tuple(masks), has_alpha, end


def _read_palette(
    data: bytes, length: int, bits: int, used: int, end: int, start: int
) -> tuple[Pixels, int]:
    """Give the colours, and where they end."""
    if bits > 8:
        return np.zeros((0, 3), dtype=np.uint8), end
    entry = 3 if length < _INFO else 4
    if used > 1 << bits:
        raise DamagedPicture(f"the BMP states {used:,} colours for pixels of {bits} bits")
    stated = used or 1 << bits
    count = min(stated, 1 << bits, max(start - end, 0) // entry)
    if not count:
        raise DamagedPicture("the BMP has no colours")
    if count < stated:
        # Other readers take the colours that lie under the pixels, too.
        raise DamagedPicture("the BMP's pixels begin within its colours: readers would differ")
    table = np.frombuffer(data[end : end + count * entry], dtype=np.uint8)
    if table.size < count * entry:
        raise DamagedPicture("the BMP is cut off")
    return table.reshape(count, entry)[:, 2::-1], end + count * entry


def _expand(data: bytes, header: _Header) -> tuple[Pixels, int]:
    """Give the colour numbers of run-length pixels, upper rows first, and the bytes they take."""
    width, height = header.size
    rows = np.zeros((height, width), dtype=np.uint8)
    column = row = place = 0
    # Codes that draw nothing would cost time alone: no picture needs more of them.
    end = min(len(data), 4 * (width + 2) * (height + 2))
    while place + 2 <= end:
        count, value = data[place], data[place + 1]
        place += 2
        if not count and value == 1:
            return rows[::-1], place
        if not count and value == 0:
            column, row = 0, row + 1
            continue
        if not count and value == 2:
            if place + 2 > end:
                break
            column, row, place = column + data[place], row + data[place + 1], place + 2
            continue
        length = 1 if count else (value if header.bits == 8 else -(-value // 2))
        octets = data[place - 1 : place] if count else data[place : place + length]
        place += 0 if count else length + length % 2
        count = count or value
        if row >= height or column + count > width:
            raise DamagedPicture("the BMP's pixels lie outside of it")
        numbers = np.frombuffer(octets, dtype=np.uint8)
        if header.bits == 4:
            numbers = np.stack([numbers >> 4, numbers & 15], axis=-1).ravel()
        rows[row, column : column + count] = np.resize(numbers, count)
        column += count
    raise DamagedPicture("the BMP's pixels have no end")


def _shorten(rows: Pixels, bits: int) -> bytes:
    """Give colour numbers, lower rows first, as runs."""
    out = bytearray()
    for row in rows.astype(np.uint8):
        for value, run in groupby(row.tolist()):
            octet = value if bits == 8 else value << 4 | value
            left = sum(1 for _ in run)
            while left:
                out += bytes((min(left, 255), octet))
                left -= min(left, 255)
        out += b"\0\0"
    return bytes(out[:-2] + b"\0\1")


def _shift(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _bits(mask: int) -> int:
    return mask.bit_count()


def _high(colors: Samples) -> Pixels:
    return (colors >> 8).astype(np.uint8)
