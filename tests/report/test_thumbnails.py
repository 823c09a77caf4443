"""Small pictures: upright, bounded, and without a readable code."""

import io
import struct
import zlib

import numpy as np
import pytest
import zxingcpp
from PIL import Image, ImageFilter, ImageOps

from redactor.geometry import Quad
from redactor.model import Limits
from redactor.report.thumbnails import thumbnail


def opened(small):
    return Image.open(io.BytesIO(small.webp)).convert("RGB")


def readings(picture):
    """What the strongest reader finds in a picture, also enlarged, sharpened and contrasted."""
    large = picture.resize((picture.width * 2, picture.height * 2), Image.Resampling.BICUBIC)
    sharp = large.filter(ImageFilter.UnsharpMask(6, 300))
    views = (picture, ImageOps.equalize(picture), large, ImageOps.autocontrast(sharp, 5))
    return [code.text for view in views for code in zxingcpp.read_barcodes(view)]


def placed(left, top, symbol, quiet):
    height, width = symbol.shape
    return Quad.from_box(left + quiet, top + quiet, width - 2 * quiet, height - 2 * quiet)


@pytest.mark.parametrize(
    ("symbology", "content", "scale"),
    [
        ("qrcode", "https://example.com/pay", 6),
        ("qrcode", "https://example.com/pay", 14),
        ("qrcode", "1", 18),
        ("datamatrix", "12", 24),
        ("pdf417", "some longer text in it", 5),
        ("ean13", "4006381333931", 5),
        ("code128", "AB12", 5),
    ],
)
def test_no_code_can_be_read_in_a_small_picture(a_picture, a_symbol, symbology, content, scale):
    symbol = a_symbol(content, symbology, scale=scale)
    size = (symbol.shape[1] + 200, symbol.shape[0] + 200)
    data = a_picture((100, 100, symbol), size=size)
    quad = placed(100, 100, symbol, scale * 2)
    assert readings(opened(thumbnail(data, longest=700)))

    assert not readings(opened(thumbnail(data, hide=[quad])))
    assert not readings(opened(thumbnail(data, hide=[quad], longest=900)))
    assert not readings(opened(thumbnail(data, coarse=True)))


def test_a_barcode_located_as_a_mere_line_is_broken_up_all_the_same(a_picture, a_symbol):
    symbol = a_symbol("4006381333931", "ean13", scale=4)[100:200]
    data = a_picture((100, 100, symbol), size=(800, 400))
    line = Quad.from_box(100, 150, symbol.shape[1], 0)
    assert readings(opened(thumbnail(data)))

    assert not readings(opened(thumbnail(data, hide=[line])))


def test_outside_of_the_codes_nothing_is_broken_up(a_picture):
    data = a_picture(size=(400, 400))
    plain, hidden = thumbnail(data), thumbnail(data, hide=[Quad.from_box(300, 300, 40, 40)])

    first, second = (np.asarray(opened(small)).astype(int)[:200] for small in (plain, hidden))

    assert abs(first - second).max() <= 6  # of lossy coding


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_and_its_places_are_turned_upright_alike(orientation):
    upright = Image.new("RGB", (120, 80), "white")
    upright.paste((255, 0, 0), (0, 0, 40, 20))  # a mark in the upper left corner
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright if orientation == 1 else upright.transpose(undo[orientation])
    file = io.BytesIO()
    stored.save(file, "PNG")
    where = np.argwhere(np.asarray(stored)[..., 1] == 0)[:, ::-1] + 0.5

    small = thumbnail(file.getvalue(), orientation=orientation)

    assert small.size == (120, 80)
    assert opened(small).getpixel((5, 5))[1] < 60
    places = [small.place(point) for point in where]
    assert max(place.x for place in places) < 40 / 120
    assert max(place.y for place in places) < 20 / 80


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_mode_of_a_picture_is_shown(mode):
    picture = Image.new("RGBA", (1000, 500), (200, 200, 200, 128))
    picture = Image.new("I;16", (1000, 500), 51_200) if mode == "I;16" else picture.convert(mode)
    file = io.BytesIO()
    picture.save(file, "JPEG" if mode == "CMYK" else "PNG")

    small = thumbnail(file.getvalue())

    assert small.size == (720, 360)
    assert small.stored == (1000, 500)
    assert min(opened(small).getpixel((100, 100))) > 150


def png_of(width, height):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        b"\xff\xd8\xff",
        b"RIFF\0\0\0\0WEBP",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        png_of(60_000, 60_000),
        png_of(0, 0),
        b"\xff\xd8\xff" + b"\xff\xda" * 1000,
        b"GIF89a" + bytes(20),
    ],
)
def test_what_cannot_be_shown_is_none(data):
    assert thumbnail(data) is None


def test_limits_are_kept_before_decoding(a_picture):
    data = a_picture(size=(100, 100))

    assert thumbnail(data, limits=Limits(max_pixels=10_000)) is not None
    assert thumbnail(data, limits=Limits(max_pixels=9_999)) is None
    assert thumbnail(data, limits=Limits(max_side=99)) is None
    assert thumbnail(data, limits=Limits(max_bytes=len(data) - 1)) is None


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_a_damaged_picture_is_shown_or_none_but_never_an_error(a_picture, format):
    data = a_picture(size=(60, 40), format=format)
    generator = np.random.default_rng(1)

    for _ in range(60):
        noisy = bytearray(data)
        for place in generator.integers(0, len(data), 4):
            noisy[place] = generator.integers(0, 256)
        thumbnail(bytes(noisy))
        thumbnail(data[: generator.integers(0, len(data))])


@pytest.mark.parametrize(
    "quad",
    [
        Quad.from_box(-1e12, -1e12, 2e12, 2e12),
        Quad.from_box(500, 500, 10, 10),
        Quad.from_box(5, 5, 0, 0),
        Quad.of([(0, 0), (50, 50), (50, 0), (0, 50)]),
    ],
)
def test_strange_quads_do_no_harm(a_picture, quad):
    assert thumbnail(a_picture(size=(60, 40)), hide=[quad]) is not None


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF", "AVIF"])
def test_each_format_that_is_written_is_shown(form):
    file = io.BytesIO()
    Image.new("RGB", (90, 60), (200, 30, 40)).save(file, form)

    small = thumbnail(file.getvalue())

    assert small.size == (90, 60)
    assert np.abs(np.array(opened(small))[30, 45].astype(int) - (200, 30, 40)).max() < 12


def test_the_page_asked_for_is_shown():
    pages = [Image.new("RGB", (40, 40), color) for color in ("red", "lime")]
    for form in ("GIF", "TIFF"):
        file = io.BytesIO()
        pages[0].save(file, form, save_all=True, append_images=pages[1:])

        assert np.array(opened(thumbnail(file.getvalue(), page=1)))[20, 20, 1] > 200


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_tiff_is_turned_once(orientation):
    stored = Image.new("RGB", (120, 60), "white")
    stored.paste("blue", (0, 0, 30, 30))
    file, plain = io.BytesIO(), io.BytesIO()
    stored.save(file, "TIFF", tiffinfo={274: orientation})
    stored.save(plain, "PNG")

    turned = thumbnail(file.getvalue(), orientation=orientation)
    expected = thumbnail(plain.getvalue(), orientation=orientation)

    assert (turned.size, turned.stored) == (expected.size, expected.stored)
    difference = np.array(opened(turned)).astype(int) - np.array(opened(expected))
    assert np.abs(difference).mean() < 3  # lossy, and not the same when mirrored
