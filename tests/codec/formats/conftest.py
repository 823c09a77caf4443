"""Builders of files in every format besides JPEG, and the tools of others that read them."""

import io
import os
import shutil
import struct
import subprocess
from dataclasses import dataclass, field

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from redactor.codec import gif_blocks, png_samples, tiff_directory, webp
from redactor.codec import tiff_pixels as tp
from redactor.codec.png import MAGIC
from redactor.codec.png_samples import Header, chunk

TOOLS = {
    "pngcheck": "pngcheck", "webpinfo": "webp", "dwebp": "webp", "webpmux": "webp",
    "gifsicle": "gifsicle", "tiffinfo": "libtiff-tools", "tiffcp": "libtiff-tools",
    "exiftool": "libimage-exiftool-perl", "avifdec": "libavif-bin", "heif-info": "libheif-examples",
    "apngdis": "apngdis",
}  # fmt: skip


@pytest.fixture(scope="session")
def tool():
    """Run a program of others; its package is installed by `make setup` where that can be."""

    def run(name, *arguments, cwd=None):
        if shutil.which(name) is None:
            missing = f"{name} is missing: install {TOOLS[name]}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
        done = subprocess.run(
            [name, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, check=False
        )
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return run


def saved(image, format_name, **options):
    file = io.BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


def colors(count, seed=5):
    return np.random.default_rng(seed).integers(0, 256, (count, 3)).astype(np.uint8)


# --- PNG -----------------------------------------------------------------------------------------


def png_of(samples, depth, color, *, interlaced=False, more=b""):
    height, width = samples.shape[:2]
    header = Header(width, height, depth, color, interlaced)
    deflated = png_samples.encode_samples(header, samples)
    parts = (chunk(b"IHDR", header.pack()), more, chunk(b"IDAT", deflated), chunk(b"IEND", b""))
    return MAGIC + b"".join(parts)


def deep(pixels, channels):
    """Give 16-bit samples whose low bytes matter."""
    low = pixels[..., channels].astype(np.uint16) * 37 % 256
    return pixels[..., channels].astype(np.uint16) << 8 | low


def _png(depth, color, *, interlaced=False, key=None):
    """Give a builder; `key` makes one colour transparent."""

    def build(pixels):
        channels = {0: [0], 2: [0, 1, 2], 3: [0], 4: [0, 3], 6: [0, 1, 2, 3]}[color]
        samples = deep(pixels, channels) if depth == 16 else pixels[..., channels]
        if depth < 8:
            samples = samples >> (8 - depth)
        more = b"" if color != 3 else chunk(b"PLTE", colors(1 << depth).tobytes())
        if key is not None:
            more += chunk(b"tRNS", struct.pack(f">{len(channels)}H", *[key] * len(channels)))
        return png_of(samples, depth, color, interlaced=interlaced, more=more)

    return build


PNG = {
    "gray of 2 bits": _png(2, 0), "gray of 4 bits": _png(4, 0),
    "gray of 4 bits with tRNS": _png(4, 0, key=9), "gray of 16 bits": _png(16, 0),
    "gray of 16 bits with tRNS": _png(16, 0, key=40_000), "RGB of 16 bits": _png(16, 2),
    "RGB of 16 bits with tRNS": _png(16, 2, key=0), "gray and alpha of 16 bits": _png(16, 4),
    "RGBA of 16 bits": _png(16, 6), "interlaced gray of 1 bit": _png(1, 0, interlaced=True),
    "interlaced palette": _png(8, 3, interlaced=True),
    "interlaced palette of 2 bits": _png(2, 3, interlaced=True),
    "interlaced RGB": _png(8, 2, interlaced=True),
    "interlaced RGBA of 16 bits": _png(16, 6, interlaced=True),
}  # fmt: skip


# --- BMP -----------------------------------------------------------------------------------------


def bmp_of(rows, width, height, bits, *, compression=0, masks=(), table=b"", top_down=False,
           profile=b""):  # fmt: skip
    length = 124 if profile or len(masks) > 3 else 40
    head = struct.pack("<IiiHHIIiiII", length, width, -height if top_down else height, 1, bits,
                       compression, len(rows), 2835, 2835, len(table) // 4, 0)  # fmt: skip
    masks_ = struct.pack(f"<{len(masks)}I", *masks)
    if length == 124:
        head = (head + masks_).ljust(56, b"\0") + (b"DEBM" if profile else b"BGRs")
        start = 14 + 124 + len(table)
        place = start - 14 + len(rows) if profile else 0
        head = head.ljust(112, b"\0") + struct.pack("<III", place, len(profile), 0)
        masks_ = b""
    body = head + masks_ + table
    start = 14 + len(body)
    whole = start + len(rows) + len(profile)
    return struct.pack("<2sIHHI", b"BM", whole, 0, 0, start) + body + rows + profile


def _padded(octets):
    return np.pad(octets, ((0, 0), (0, -octets.shape[1] % 4))).tobytes()


def _bmp_fields(bits, masks):
    def build(pixels):
        value = np.zeros(pixels.shape[:2], np.uint32)
        for index, mask in enumerate(masks):
            shift = (mask & -mask).bit_length() - 1
            channel = pixels[..., index].astype(np.float64) / 255
            value |= np.rint(channel * (mask >> shift)).astype(np.uint32) << np.uint32(shift)
        octets = value.astype(f"<u{bits // 8}")[::-1]
        rows = np.ascontiguousarray(octets).view(np.uint8).reshape(len(octets), -1)
        height, width = pixels.shape[:2]
        return bmp_of(_padded(rows), width, height, bits, compression=3, masks=masks)

    return build


def _bmp_palette(bits, *, top_down=False):
    def build(pixels):
        height, width = pixels.shape[:2]
        numbers = pixels[..., 0] >> (8 - bits)
        wide = np.unpackbits(numbers[..., None], axis=2)[..., 8 - bits :]
        octets = np.packbits(wide.reshape(height, -1), axis=1)
        octets = octets if top_down else octets[::-1]
        table = np.pad(colors(1 << bits), ((0, 0), (0, 1))).tobytes()
        return bmp_of(_padded(octets), width, height, bits, table=table, top_down=top_down)

    return build


def _bmp_runs(bits):
    def build(pixels):
        height, width = pixels.shape[:2]
        out = bytearray()
        for row in (pixels[::-1, :, 0] >> 5).tolist():
            for value in row:
                out += bytes((1, value if bits == 8 else value << 4))
            out += b"\0\0"
        table = np.pad(colors(8), ((0, 0), (0, 1))).tobytes()
        runs = bytes(out) + b"\0\1"
        return bmp_of(runs, width, height, bits, compression={8: 1, 4: 2}[bits], table=table)

    return build


def _bmp_plain(pixels):
    height, width = pixels.shape[:2]
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    rows = np.ascontiguousarray(pixels[::-1, :, 2::-1]).reshape(height, -1)
    return bmp_of(_padded(rows), width, height, 24, profile=profile)


BMP = {
    "24 bits with a profile": _bmp_plain,
    "24 bits": lambda p: saved(Image.fromarray(p[..., :3]), "BMP"),
    "32 bits": lambda p: saved(Image.fromarray(p), "BMP"),
    "5-6-5": _bmp_fields(16, (0xF800, 0x07E0, 0x001F)),
    "4-4-4-4": _bmp_fields(16, (0x0F00, 0x00F0, 0x000F, 0xF000)),
    "8-8-8-8": _bmp_fields(32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
    "11-11-10": _bmp_fields(32, (0xFFE00000, 0x1FFC00, 0x3FF)),
    "palette": _bmp_palette(8), "palette of 4 bits": _bmp_palette(4),
    "palette of 2 bits": _bmp_palette(2), "palette of 1 bit": _bmp_palette(1),
    "top-down palette": _bmp_palette(8, top_down=True), "runs": _bmp_runs(8),
    "runs of 4 bits": _bmp_runs(4),
}  # fmt: skip


# --- TIFF ----------------------------------------------------------------------------------------


def tiff_page(samples, *, photometric, bits=8, compression=1, predictor=1, rows=16, tile=None,
              planar=1, extra=None, order="<", big=False, more=None):  # fmt: skip
    """Give a page, its strips made by the codec's own writer; other readers check it."""
    height, width, channels = samples.shape
    form = tiff_directory.Form(order, is_big=big)

    def short(*numbers):
        return tiff_directory.Value(
            3, len(numbers), struct.pack(f"{order}{len(numbers)}H", *numbers)
        )

    tags = {
        256: short(width), 257: short(height), 258: short(*[bits] * channels),
        259: short(compression), 262: short(photometric), 277: short(channels),
        284: short(planar),
        **({317: short(predictor)} if predictor > 1 else {}),
        **({338: short(extra)} if extra is not None else {}),
        **({322: short(tile[0]), 323: short(tile[1])} if tile else {278: short(rows)}),
        **(more(short) if more else {}),
    }  # fmt: skip
    directory = tiff_directory.Directory(form, tags, is_tiled=tile is not None)
    across, down = tile or (width, min(rows, height))
    count = -(-width // across) * -(-height // down) * (channels if planar == 2 else 1)
    empty = tiff_directory.replace(directory, blocks=[b""] * count)
    everywhere = np.ones(samples.shape[:2], bool)
    blocks = tp.encode(empty, tp.layout_of(empty), samples, everywhere)
    return tiff_directory.replace(directory, blocks=blocks)


def _tiff(channels, *, bits=8, **options):
    def build(pixels):
        part = deep(pixels, channels) if bits == 16 else pixels[..., channels]
        samples = part >> (8 - bits) if bits < 8 else part
        return tiff_directory.write([tiff_page(samples, bits=bits, **options)])

    return build


def _map(short):
    return {320: short(*(colors(256).T.astype(int) * 257).ravel().tolist())}


def _mixed_pages(pixels):
    small = np.ascontiguousarray(pixels[:30, :40])
    return tiff_directory.write(
        [
            tiff_page(pixels[..., :3], photometric=2, compression=5),
            tiff_page(small[..., :1] >> 7, photometric=0, bits=1, compression=4),
            tiff_page(deep(small, [0, 1, 2]), photometric=2, bits=16, compression=8),
        ]
    )


_RGB, _GRAY, _ALL = [0, 1, 2], [0], [0, 1, 2, 3]
TIFF = {
    "RGB": lambda p: saved(Image.fromarray(p[..., :3]), "TIFF"),
    "RGB, LZW": lambda p: saved(Image.fromarray(p[..., :3]), "TIFF", compression="tiff_lzw"),
    "RGBA, deflate": lambda p: saved(
        Image.fromarray(p), "TIFF", compression="tiff_adobe_deflate"
    ),
    "gray, packbits": lambda p: saved(Image.fromarray(p[..., 0]), "TIFF", compression="packbits"),
    "BigTIFF": lambda p: saved(Image.fromarray(p[..., :3]), "TIFF", big_tiff=True),
    "CMYK": lambda p: saved(Image.fromarray(p, "CMYK"), "TIFF", compression="tiff_lzw"),
    "group 4": lambda p: saved(
        Image.fromarray(p[..., 0] > 127), "TIFF", compression="group4"
    ),
    "group 3": lambda p: saved(Image.fromarray(p[..., 0] > 127), "TIFF", compression="group3"),
    "white is zero": _tiff(_GRAY, photometric=0, compression=5),
    "gray of 4 bits": _tiff(_GRAY, photometric=1, bits=4, compression=32773),
    "gray of 16 bits": _tiff(_GRAY, photometric=1, bits=16, compression=5, predictor=2),
    "palette": _tiff(_GRAY, photometric=3, more=_map, compression=8),
    "RGB of 16 bits": _tiff(_RGB, photometric=2, bits=16, compression=8, predictor=2),
    "RGB of 16 bits, big-endian": _tiff(_RGB, photometric=2, bits=16, order=">", predictor=2,
                                        compression=5),
    "RGBA of 16 bits": _tiff(_ALL, photometric=2, bits=16, extra=2),
    "tiles": _tiff(_RGB, photometric=2, tile=(32, 16), compression=5, predictor=2),
    "RGB, LZMA": _tiff(_RGB, photometric=2, compression=34925, predictor=2),
    "RGB, Zstandard": _tiff(_RGB, photometric=2, compression=50000),
    "planes": _tiff(_RGB, photometric=2, planar=2, compression=8),
    "tiles of planes": _tiff(_RGB, photometric=2, planar=2, tile=(16, 16), compression=32773),
    "several pages": _mixed_pages,
}  # fmt: skip


# --- what is encoded again -----------------------------------------------------------------------


def _heif(pixels):
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(pixels[..., :3])).save(file, quality=85)
    return file.getvalue()


LOSSY = {
    ("WEBP", "RGB"): lambda p: saved(Image.fromarray(p[..., :3]), "WEBP", quality=85),
    ("WEBP", "RGBA"): lambda p: saved(Image.fromarray(p), "WEBP", quality=85),
    ("AVIF", "RGB"): lambda p: saved(Image.fromarray(p[..., :3]), "AVIF", quality=85),
    ("AVIF", "RGBA"): lambda p: saved(Image.fromarray(p), "AVIF", quality=85),
    ("AVIF", "4:4:4"): lambda p: saved(
        Image.fromarray(p[..., :3]), "AVIF", quality=85, subsampling="4:4:4"
    ),
    ("AVIF", "L"): lambda p: saved(Image.fromarray(p[..., 0]), "AVIF", quality=85),
    ("HEIF", "RGB"): _heif,
}


@pytest.fixture(scope="session")
def lossless():
    """Give builders of files by format and kind, each from pixels of four channels."""
    return {"PNG": PNG, "BMP": BMP, "TIFF": TIFF}


@pytest.fixture(scope="session")
def lossy():
    return LOSSY


# --- animations ----------------------------------------------------------------------------------


@dataclass
class Step:
    """One frame of an animation, for every format.

    Attributes:
        left: First column; even, as WebP asks for.
        top: First row; even.
        pixels: RGBA, shape (height, width, 4); clear or opaque.
        dispose: `none`, `background` or `previous` (WebP knows the first two).
        delay: In milliseconds, a multiple of ten.
        blended: Laid over what is there; a GIF knows nothing else.
    """

    left: int
    top: int
    pixels: np.ndarray
    dispose: str = "none"
    delay: int = 100
    blended: bool = True
    table: np.ndarray | None = field(default=None)


_DISPOSE = {"none": 0, "background": 1, "previous": 2}


def gif_of(steps, size, *, loop=0, table=None, interlaced=False):
    """Write a GIF whose colours are those of `table`; the last of them is the clear one."""
    table = STEP_COLORS if table is None else table
    head = b"GIF89a" + struct.pack("<HHBBB", *size, 0xF0 | 7, 0, 0) + table.tobytes()
    items = [gif_blocks.Extension(0xFF, b"\x0bNETSCAPE2.0\3\1" + struct.pack("<H", loop) + b"\0")]
    for step in steps:
        own = table if step.table is None else step.table
        distance = np.abs(step.pixels[..., None, :3].astype(int) - own[:255]).sum(axis=-1)
        indices = np.where(step.pixels[..., 3] == 0, 255, distance.argmin(axis=-1))
        height, width = indices.shape
        control = (
            (_DISPOSE[step.dispose] + 1) << 2 | 1, struct.pack("<H", step.delay // 10), 255,
        )  # fmt: skip
        data = gif_blocks.compress(indices.astype(np.uint8), is_interlaced=interlaced)
        flags = 0x40 * interlaced
        frame = gif_blocks.GifFrame(step.left, step.top, width, height, flags, None, data, control)
        items.append(frame if step.table is None else frame.with_table(step.table))
    return gif_blocks.join(head, items)


# 6 x 7 x 6 levels, and a few of no matter.
STEP_COLORS = np.array(
    [(r * 51, g * 42, b * 51) for r in range(6) for g in range(7) for b in range(6)]
    + [(0, 0, 0)] * 4,
    dtype=np.uint8,
)


def apng_of(steps, size, *, loop=0, color=6, default=None, more=b""):
    """Write an APNG; `default` is an image that viewers of still pictures show instead."""
    table = chunk(b"PLTE", STEP_COLORS.tobytes()) if color == 3 else b""
    if color == 3:
        table += chunk(b"tRNS", bytes([255] * 255 + [0]))
    header = Header(*size, 8, color, is_interlaced=False)
    out = [MAGIC, chunk(b"IHDR", header.pack()), table, more]
    out.append(chunk(b"acTL", struct.pack(">II", len(steps), loop)))

    def deflated(pixels):
        shape = Header(pixels.shape[1], pixels.shape[0], 8, color, is_interlaced=False)
        if color == 3:
            distance = np.abs(pixels[..., None, :3].astype(int) - STEP_COLORS[:255]).sum(axis=-1)
            pixels = np.where(pixels[..., 3] == 0, 255, distance.argmin(axis=-1))[..., None]
        return png_samples.encode_samples(shape, pixels[..., : header.channels].astype(np.uint8))

    if default is not None:
        out.append(chunk(b"IDAT", deflated(default)))
    number = 0
    for index, step in enumerate(steps):
        height, width = step.pixels.shape[:2]
        shape = (width, height, step.left, step.top, step.delay, 1000)
        place = struct.pack(">IIIIIHHBB", number, *shape, _DISPOSE[step.dispose], step.blended)
        out.append(chunk(b"fcTL", place))
        number += 1
        data = deflated(step.pixels)
        if index == 0 and default is None:
            out.append(chunk(b"IDAT", data))
        else:
            out.append(chunk(b"fdAT", struct.pack(">I", number) + data))
            number += 1
    return b"".join([*out, chunk(b"IEND", b"")])


def webp_of(steps, size, *, loop=0, quality=None):
    """Write an animated WebP, lossless unless a quality is given."""
    shape = b"".join((side - 1).to_bytes(3, "little") for side in size)
    chunks = [
        (b"VP8X", bytes((0x12, 0, 0, 0)) + shape),
        (b"ANIM", bytes(4) + struct.pack("<H", loop)),
    ]
    for step in steps:
        options = {"lossless": True, "exact": True} if quality is None else {"quality": quality}
        image = Image.fromarray(np.ascontiguousarray(step.pixels))
        inside = webp.read_chunks(saved(image, "WEBP", **options))[0]
        data = [(kind, body) for kind, body in inside if kind in (b"VP8L", b"VP8 ", b"ALPH")]
        places = (step.left // 2, step.top // 2, image.width - 1, image.height - 1, step.delay)
        flags = (step.dispose == "background") | (not step.blended) << 1
        body = b"".join(place.to_bytes(3, "little") for place in places) + bytes((flags,))
        chunks.append((b"ANMF", body + webp.join_chunks(data)[12:]))
    return webp.join_chunks(chunks)


ANIMATED = {"GIF": gif_of, "PNG": apng_of, "WEBP": webp_of}


@pytest.fixture(scope="session")
def a_step():
    return Step


@pytest.fixture(scope="session")
def animated():
    """Give builders of animations by format, each from steps and a size."""
    return ANIMATED


@pytest.fixture(scope="session")
def decode_deep():
    """Decode a picture of 16 bits with OpenCV."""

    def decode(data):
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)

    return decode


def _quantised(pixels):
    """Give the nearest colours of the animations' table."""
    steps = np.array([51, 42, 51])
    near = np.rint(pixels[..., :3] / steps) * steps
    return np.dstack([np.minimum(near, [255, 252, 255]), pixels[..., 3]]).astype(np.uint8)


@pytest.fixture(scope="session")
def quantised():
    return _quantised
