"""Builders of picture files in every format and mode, and the way of the pipeline through one."""

import io
import os
import zlib

import jpeglib
import numpy as np
import pytest
from PIL import Image

from redactor import codec, render
from redactor.drawing import patches
from redactor.geometry import Quad
from redactor.model import Action, Region, Style


def scene(width, height, *, channels=3, seed=0):
    """Give smooth colours with some grain, of shape (height, width, channels)."""
    y, x = np.mgrid[:height, :width]
    shades = [
        128 + 70 * np.sin(x / (9 + k) + k) + 40 * np.cos(y / (7 + 2 * k)) for k in range(channels)
    ]
    grain = np.random.default_rng(seed).normal(0, 8, (height, width, channels))
    return np.clip(np.stack(shades, axis=-1) + grain, 0, 255).astype(np.uint8)


def saved(image, format_name, **options):
    file = io.BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


def chunk(kind, body):
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def with_chunk(png, kind, body, *, before=b"IDAT"):
    """Put a chunk into a PNG."""
    place = png.index(before) - 4
    return png[:place] + chunk(kind, body) + png[place:]


def with_segment(jpeg, marker, body):
    """Put a segment into a JPEG, right behind SOI."""
    return jpeg[:2] + bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]


def _gray(pixels):
    return pixels[..., 0]


def _palette(pixels, colors, **options):
    image = Image.fromarray((pixels[..., 0].astype(int) % colors).astype(np.uint8))
    image.putpalette(np.random.default_rng(5).integers(0, 256, colors * 3, np.uint8).tobytes())
    return saved(image, "PNG", **options)


PNG = {
    "L": lambda p: saved(Image.fromarray(_gray(p)), "PNG"),
    "RGB": lambda p: saved(Image.fromarray(p[..., :3]), "PNG"),
    "RGBA": lambda p: saved(Image.fromarray(p), "PNG"),
    "LA": lambda p: saved(Image.fromarray(p[..., [0, 3]]), "PNG"),
    "1": lambda p: saved(Image.fromarray(_gray(p)).point(lambda v: 255 * (v > 127), "1"), "PNG"),
    "P": lambda p: _palette(p, 256),
    "P of 4 bits": lambda p: _palette(p, 16, bits=4),
    "P of 1 bit": lambda p: _palette(p, 2, bits=1),
    "P with tRNS": lambda p: _palette(p, 40, transparency=bytes(range(0, 240, 6))),
    "L with tRNS": lambda p: saved(Image.fromarray(_gray(p)), "PNG", transparency=0),
    "RGB with tRNS": lambda p: saved(Image.fromarray(p[..., :3]), "PNG", transparency=(0, 0, 0)),
    "1 with tRNS": lambda p: with_chunk(PNG["1"](p), b"tRNS", b"\0\1"),
    "P with one clear colour": lambda p: _palette(p, 40, transparency=3),
}
WEBP = {
    "RGB": lambda p: saved(Image.fromarray(p[..., :3]), "WEBP", lossless=True, quality=10),
    "RGBA": lambda p: saved(
        Image.fromarray(p), "WEBP", lossless=True, quality=10, exact=True, exif=_exif()
    ),
}


def _exif(orientation=6):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Maker of cameras"
    return exif


def _jpeg(**options):
    return lambda p: saved(
        Image.fromarray(p[..., :3]), "JPEG", **{"quality": 88, "subsampling": 0, **options}
    )


def _sampled(factors, tmp=None):
    """Give a builder of JPEGs with sampling that Pillow does not write."""

    def build(pixels):
        image = jpeglib.from_spatial(np.ascontiguousarray(pixels[..., :3]))
        image.samp_factor = factors
        path = f"{tmp}/sampled.jpg"
        image.write_spatial(path, qt=85)
        with open(path, "rb") as file:  # noqa: PTH123 - a temporary file
            return file.read()

    return build


def _ycck(pixels):
    """Say of a CMYK file that it is YCCK: the colours are wrong, the structure is right."""
    data = saved(Image.fromarray(pixels, "CMYK"), "JPEG", quality=90)
    place = data.index(b"Adobe") + 11
    return data[:place] + b"\2" + data[place + 1 :]


@pytest.fixture(scope="session")
def jpegs(tmp_path_factory):
    """Give builders of JPEGs by name, each from pixels of four channels."""
    tmp = tmp_path_factory.mktemp("jpegs")
    return {
        "4:4:4": _jpeg(),
        "4:2:2": _jpeg(subsampling=1),
        "4:2:0": _jpeg(subsampling=2),
        "4:4:0": _sampled("4:4:0", tmp),
        "4:1:1": _sampled("4:1:1", tmp),
        "odd": _sampled(((2, 3), (1, 1), (2, 1)), tmp),  # of each component: down, across
        "progressive": _jpeg(subsampling=2, progressive=True),
        "optimised": _jpeg(optimize=True),
        "restart markers": _jpeg(subsampling=2, restart_marker_blocks=3),
        "EXIF": _jpeg(exif=_exif()),
        "RGB": _jpeg(keep_rgb=True),
        "coarse": _jpeg(quality=5, subsampling=2),
        "finest": _jpeg(quality=100),
        "gray": lambda p: saved(Image.fromarray(_gray(p)), "JPEG", quality=88),
        "CMYK": lambda p: saved(Image.fromarray(p, "CMYK"), "JPEG", quality=88),
        "progressive CMYK": lambda p: saved(
            Image.fromarray(p, "CMYK"), "JPEG", quality=88, progressive=True
        ),
        "YCCK": _ycck,
    }


@pytest.fixture(scope="session")
def needs_turbo():
    """Stop where libturbojpeg is missing; `make setup` installs it where that can be."""
    if not codec.has_turbo():
        missing = "libturbojpeg is missing: install libturbojpeg0"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)


@pytest.fixture(scope="session")
def builders(jpegs):
    """Give builders of files by format and kind, each from pixels of four channels."""
    return {"PNG": PNG, "WEBP": WEBP, "JPEG": jpegs}


@pytest.fixture(scope="session")
def redact():
    """Hide regions the way the pipeline does; gives the bytes and how they were made."""

    def hide(data, *regions):
        picture = codec.open_picture(data)
        return picture.encode(tuple(patches(picture, regions)))

    return hide


@pytest.fixture(scope="session")
def hidden_pixels():
    """Give the mask of pixels that regions hide in a file, grown to its cells."""

    def mask(data, *regions):
        page = codec.open_picture(data).pages[0]
        cells = render.hidden_area(regions, page.size, page.cell)
        across, down = page.cell
        width, height = page.size
        return cells.repeat(down, axis=0).repeat(across, axis=1)[:height, :width]

    return mask


@pytest.fixture(scope="session")
def a_region():
    """Give a builder of regions; the fill takes its colour from the surroundings."""

    def build(left=20, top=16, width=24, height=20, action="blur", color=None, blocks=8):
        quad = Quad.from_box(left, top, width, height)
        return Region(quad, Action(action), Style(color=color, blocks=blocks))

    return build


@pytest.fixture(scope="session")
def a_scene():
    return scene


@pytest.fixture(scope="session")
def a_file():
    return saved


@pytest.fixture(scope="session")
def add_chunk():
    return with_chunk


@pytest.fixture(scope="session")
def add_segment():
    return with_segment


@pytest.fixture(scope="session")
def an_exif():
    return _exif


@pytest.fixture
def coefficients(tmp_path):
    """Read a JPEG with another reader than the codec's own: libjpeg 6b, through jpeglib."""

    def read(data):
        path = tmp_path / "read.jpg"
        path.write_bytes(data)
        jpeg = jpeglib.read_dct(str(path))
        jpeg.load()
        return jpeg

    return read
