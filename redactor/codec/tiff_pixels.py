"""The samples of a TIFF page: strips and tiles to numbers and back, one by one.

A strip that nothing touches keeps its bytes. Compression works on rows of bytes whatever they
mean, so Pillow's libtiff sees each strip as a small grey picture of bytes.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, TiffImagePlugin

from redactor.codec.raster import Samples
from redactor.codec.tiff_directory import Directory, Form, Value, read, write
from redactor.errors import DamagedPicture
from redactor.geometry import Box, Mask
from redactor.model import Pixels

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
FILL_ORDER, ORIENTATION, SAMPLES, ROWS, PLANAR = 266, 274, 277, 278, 284
T4, PREDICTOR, COLORS, TILE_WIDTH, TILE_HEIGHT = 292, 317, 320, 322, 323
EXTRA, FORMAT = 338, 339
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, MASK, CMYK = range(6)

_RAW, _DEFLATE = 1, (8, 32946)
# Readers undo differences of these alone: LZW, deflate, LZMA and Zstandard.
_WITH_PREDICTOR = frozenset({5, *_DEFLATE, 34925, 50000})
_NAMES = {6: "with an old JPEG inside", 7: "with JPEG inside", 50001: "with WebP inside"}
_BY_PILLOW = {
    2: "tiff_ccitt",
    3: "group3",
    4: "group4",
    5: "tiff_lzw",
    32773: "packbits",
    34925: "lzma",
    50000: "zstd",
}
_FAX = (2, 3, 4)
_MAX_BLOCKS = 100_000
_OVERHANG = 1_024


@dataclass(frozen=True)
class Layout:
    """How the samples of a page lie in its blocks.

    Attributes:
        size: Width and height of the page in pixels.
        channels: Samples of a pixel.
        bits: Of a sample.
        block: Width and height of a block in pixels.
        compression: As TIFF numbers it.
        has_differences: Samples are stored as differences from their left neighbour.
        is_planar: Each channel has blocks of its own.
        form: How the file writes numbers.
        options: Of fax compression.
    """

    size: tuple[int, int]
    channels: int
    bits: int
    block: tuple[int, int]
    compression: int
    has_differences: bool
    is_planar: bool
    form: Form
    options: int

    @property
    def in_block(self) -> int:
        """Samples of a pixel in one block."""
        return 1 if self.is_planar else self.channels


def why_not(directory: Directory) -> str | None:
    """Say why the samples of a page cannot be changed; None where they can be."""
    compression, kind = directory.number(COMPRESSION, 1), directory.number(PHOTOMETRIC, -1)
    bits = directory.numbers(BITS, (1,))
    channels = directory.number(SAMPLES, 1)
    extra = directory.numbers(EXTRA)
    usual = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, PALETTE: 1, RGB: 3, CMYK: 4}
    is_known = compression in (_RAW, *_DEFLATE, *_BY_PILLOW)
    if not is_known:
        name = _NAMES.get(compression, f"of compression {compression}")
        return f"a TIFF {name} can be looked at but not changed yet"
    if kind not in usual:
        return f"a TIFF of colour space {kind} can be looked at but not changed yet"
    if set(directory.numbers(FORMAT, (1,))) != {1} or directory.number(PREDICTOR, 1) > 2:
        return "a TIFF of signed or floating-point numbers can be looked at but not changed yet"
    if len(set(bits)) > 1 or bits[0] not in (1, 2, 4, 8, 16):
        return "TIFF of such bits a sample can be looked at but not changed yet"
    if channels != usual[kind] + len(extra) or (extra and (kind == CMYK or len(extra) > 1)):
        return "TIFF with such extra channels can be looked at but not changed yet"
    if bits[0] < 8 and channels > 1:
        return "TIFF of few bits in several channels can be looked at but not changed yet"
    if directory.number(FILL_ORDER, 1) != 1 and compression not in _FAX:
        return "TIFF of reversed bits can be looked at but not changed yet"
    if compression in _FAX and bits[0] != 1:
        return "TIFF of fax compression has one bit a pixel, and this one has more"
    return None


def layout_of(directory: Directory) -> Layout:
    """Give the layout of a page whose samples can be changed.

    Raises:
        DamagedPicture: If it has not as many blocks as it needs.
    """
    size = directory.number(WIDTH), directory.number(HEIGHT)
    block = (
        (directory.number(TILE_WIDTH), directory.number(TILE_HEIGHT))
        if directory.is_tiled
        else (size[0], min(directory.number(ROWS, size[1]), size[1]))
    )
    # A tile may reach over the edge, but not so far that it costs more than the page.
    if not all(0 < side < whole + _OVERHANG for side, whole in zip(block, size, strict=True)):
        raise DamagedPicture("the TIFF's strips or tiles have no size, or are far too large")
    found = Layout(
        size,
        directory.number(SAMPLES, 1),
        directory.number(BITS, 1),
        block,
        directory.number(COMPRESSION, 1),
        directory.number(PREDICTOR, 1) == 2 and directory.number(COMPRESSION, 1) in _WITH_PREDICTOR,
        directory.number(PLANAR, 1) == 2 and directory.number(SAMPLES, 1) > 1,
        directory.form,
        directory.number(T4),
    )
    needed = sum(1 for _ in _places(found))
    if len(directory.blocks) != needed or needed > _MAX_BLOCKS:
        raise DamagedPicture(f"the TIFF has {len(directory.blocks)} strips and needs {needed}")
    return found


def _places(layout: Layout) -> Iterator[tuple[Box, slice]]:
    """Give the area of each block, not cut at the edge, and the channels in it."""
    (width, height), (across, down) = layout.size, layout.block
    planes = range(layout.channels) if layout.is_planar else (None,)
    for plane in planes:
        for top in range(0, height, down):
            for left in range(0, width, across):
                channels = slice(None) if plane is None else slice(plane, plane + 1)
                yield Box(left, top, left + across, top + down), channels


def decode(directory: Directory, layout: Layout) -> Samples:
    """Give the samples of a page, of shape (height, width, channels)."""
    width, height = layout.size
    dtype = np.uint16 if layout.bits == 16 else np.uint8
    samples: Samples = np.zeros((height, width, layout.channels), dtype=dtype)
    for data, (area, channels) in zip(directory.blocks, _places(layout), strict=True):
        rows = area.height if directory.is_tiled else min(area.bottom, height) - area.top
        block = _decode_block(data, rows, layout)
        inside = area.clip(width, height)
        samples[inside.top : inside.bottom, inside.left : inside.right, channels] = block[
            : inside.height, : inside.width
        ]
    return samples


def encode(directory: Directory, layout: Layout, samples: Samples, changed: Mask) -> list[bytes]:
    """Give the blocks of a page, those anew in which a sample was changed."""
    width, height = layout.size
    blocks = []
    for data, (area, channels) in zip(directory.blocks, _places(layout), strict=True):
        inside = area.clip(width, height)
        cut = np.s_[inside.top : inside.bottom, inside.left : inside.right]
        rows = area.height if directory.is_tiled else inside.height
        if not changed[cut].any():
            # What stands behind the samples is no part of them.
            is_raw = layout.compression == _RAW
            blocks.append(data[: _row(layout) * rows] if is_raw else data)
            continue
        block = np.zeros((rows, area.width, layout.in_block), dtype=samples.dtype)
        block[: inside.height, : inside.width] = samples[cut][..., channels]
        blocks.append(_encode_block(block, layout))
    return blocks


def _row(layout: Layout) -> int:
    """Give the bytes of a row of a block."""
    return -(-layout.block[0] * layout.in_block * layout.bits // 8)


def _decode_block(data: bytes, rows: int, layout: Layout) -> Samples:
    """Give the samples of one block, of shape (rows, columns, channels in it)."""
    width = layout.block[0]
    octets = _expand(data, _row(layout), rows, layout)
    if layout.bits < 8:
        bits = np.unpackbits(octets, axis=1)[:, : width * layout.bits]
        wide = bits.reshape(rows, width, layout.bits)
        return (np.packbits(wide, axis=2) >> (8 - layout.bits)).astype(np.uint8)
    order = layout.form.order + "u2" if layout.bits == 16 else "u1"
    values: Samples = octets.view(order).astype(np.uint16 if layout.bits == 16 else np.uint8)
    samples = np.asarray(values.reshape(rows, width, layout.in_block))
    if not layout.has_differences:
        return samples
    return np.asarray(np.cumsum(samples, axis=1, dtype=samples.dtype))


def _encode_block(samples: Samples, layout: Layout) -> bytes:
    rows, width, _ = samples.shape
    if layout.bits < 8:
        wide = np.unpackbits(samples.astype(np.uint8).reshape(rows, width, 1), axis=2)
        bits = wide[..., 8 - layout.bits :].reshape(rows, width * layout.bits)
        return _compress(np.packbits(bits, axis=1), layout)
    if layout.has_differences:
        before = np.zeros_like(samples)
        before[:, 1:] = samples[:, :-1]
        samples = samples - before
    order = layout.form.order + "u2" if layout.bits == 16 else "u1"
    octets = np.ascontiguousarray(samples.reshape(rows, -1).astype(order)).view(np.uint8)
    return _compress(octets, layout)


def _expand(data: bytes, row: int, rows: int, layout: Layout) -> Pixels:
    """Decompress a block to bytes of shape (rows, bytes of a row)."""
    if layout.compression in _BY_PILLOW:
        return _expand_by_pillow(data, row, rows, layout)
    if layout.compression in _DEFLATE:
        data = zlib.decompressobj().decompress(data, row * rows)
    if len(data) < row * rows:
        raise DamagedPicture("a strip of the TIFF is cut off")
    return np.frombuffer(data, dtype=np.uint8, count=row * rows).reshape(rows, row)


def _expand_by_pillow(data: bytes, row: int, rows: int, layout: Layout) -> Pixels:
    form = Form("<", is_big=False)
    is_fax = layout.compression in _FAX
    numbers = {
        WIDTH: layout.block[0] if is_fax else row,
        HEIGHT: rows,
        BITS: 1 if is_fax else 8,
        COMPRESSION: layout.compression,
        PHOTOMETRIC: BLACK_IS_ZERO,
        SAMPLES: 1,
        ROWS: rows,
        T4: layout.options,
    }
    tags = {tag: Value(4, 1, number.to_bytes(4, "little")) for tag, number in numbers.items()}
    with TiffImagePlugin.TiffImageFile(io.BytesIO(write([Directory(form, tags, [data])]))) as image:
        image.load()
        octets = np.array(image)
    return np.packbits(octets, axis=1) if is_fax else octets


def _compress(octets: Pixels, layout: Layout) -> bytes:
    if layout.compression == _RAW:
        return octets.tobytes()
    if layout.compression in _DEFLATE:
        return zlib.compress(octets.tobytes(), 6)
    rows, row = octets.shape
    if layout.compression in _FAX:
        image = Image.fromarray(np.unpackbits(octets, axis=1)[:, : layout.block[0]] > 0)
    else:
        image = Image.fromarray(octets)
    buffer = io.BytesIO()
    options = {ROWS: rows, **({T4: layout.options} if layout.compression in _FAX else {})}
    image.save(buffer, "TIFF", compression=_BY_PILLOW[layout.compression], tiffinfo=options)
    written = read(buffer.getvalue(), most=10).directories[0]
    (block,) = written.blocks
    if written.number(COMPRESSION) != layout.compression or not np.array_equal(
        _expand(block, row, rows, layout), octets
    ):
        raise DamagedPicture("a strip of the TIFF could not be compressed as it was")
    return block
