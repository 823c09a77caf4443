"""Pictures made to slip through: each hid a code from an earlier version of the pipeline."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import zxingcpp
from PIL import Image

from redactor import Redactor
from redactor.policy import Policy

Format = zxingcpp.BarcodeFormat
OWN_LINKS = """
version: 1
name: own
lists: {ours: [example.com]}
rules: [{id: ours, when: {domain: ours}, action: allow}]
default: {action: fill}
"""


@pytest.fixture(scope="module")
def redactor():
    return Redactor(Policy.parse("version: 1\nname: hide\ndefault: {action: fill}\n"))


def drawn(content, symbology=Format.QRCode, *, scale=6, **options):
    code = zxingcpp.create_barcode(content, symbology, **options)
    return np.array(zxingcpp.write_barcode_to_image(code, scale=scale))


def placed(code, size, *, background=255):
    """Put a code into the middle of an empty raster of (height, width)."""
    canvas = np.full(size, background, dtype=np.uint8)
    top, left = (size[0] - code.shape[0]) // 2, (size[1] - code.shape[1]) // 2
    canvas[top : top + code.shape[0], left : left + code.shape[1]] = code
    return canvas


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def texts(image):
    """Give what plain zxing-cpp reads in a picture file, at three sizes."""
    gray = np.asarray(Image.open(io.BytesIO(image)).convert("L"))
    sizes = (1.0, 0.5, 0.25)
    looks = [cv2.resize(gray, None, fx=s, fy=s, interpolation=cv2.INTER_AREA) for s in sizes]
    return {code.text for look in looks for code in zxingcpp.read_barcodes(look)}


@pytest.fixture(scope="module")
def nested():
    """A code of high error correction with a small code of our own in its middle."""
    outer = drawn("https://evil.example.org/pay", scale=14, ec_level="H")
    inner = drawn("https://example.com/a", scale=3)
    top, left = ((o - i) // 2 for o, i in zip(outer.shape, inner.shape, strict=True))
    outer[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return png(placed(outer, (700, 700)))


def test_a_code_inside_a_code_does_not_stand_for_it(redactor, nested):
    result = redactor.redact(nested)

    assert not result.is_publishable or not texts(result.image)


def test_an_allowed_code_inside_a_code_does_not_let_it_through(nested):
    result = Redactor(Policy.parse(OWN_LINKS)).redact(nested)

    assert not result.is_publishable or not any("evil" in text for text in texts(result.image))


@pytest.mark.parametrize(
    ("dark", "light"),
    [((255, 19, 0), (0, 149, 0)), ((226, 226, 226), (255, 255, 1))],
    ids=["red-on-green", "yellow-on-grey"],
)
def test_a_code_in_two_colours_of_one_brightness_is_found(redactor, dark, light):
    mask = placed(drawn("https://evil.example.org"), (400, 400)) > 127
    picture = np.where(mask[..., None], light, dark).astype(np.uint8)

    assert redactor.redact(png(picture)).verdict == "redacted"


@pytest.mark.parametrize(
    ("symbology", "scale"), [(Format.DataMatrix, 3), (Format.Aztec, 3), (Format.PDF417, 2)]
)
def test_a_small_matrix_code_in_a_large_picture_is_found(redactor, symbology, scale):
    picture = placed(drawn("PARCEL-0042-EXAMPLE", symbology, scale=scale), (3000, 4000))

    result = redactor.plan(png(picture))

    assert [decision.detection.content for decision in result.codes] == ["PARCEL-0042-EXAMPLE"]


@pytest.mark.parametrize("angle", [30, 45, 60])
def test_low_bars_at_a_slant_are_found(redactor, angle):
    bars = drawn("EXAMPLE-42", Format.Code128, scale=2)[:30]
    turn = cv2.getRotationMatrix2D((250, 250), angle, 1)
    picture = cv2.warpAffine(placed(bars, (500, 500)), turn, (500, 500), borderValue=255)

    assert redactor.plan(png(picture)).codes


def test_a_sheet_of_nested_squares_ends_soon(redactor):
    square = np.pad(np.pad(np.zeros((3, 3)), 1, constant_values=255), 1)
    tile = np.pad(square.repeat(2, axis=0).repeat(2, axis=1), 3, constant_values=255)

    result = redactor.redact(png(np.tile(tile, (20, 20)).astype(np.uint8)))

    assert sum(result.seconds.values()) < 30


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_a_png_that_states_its_transparency_twice_is_quarantined(redactor):
    image = Image.fromarray(placed(drawn("https://evil.example.org"), (400, 400)) // 255)
    image.putpalette([255] * 6)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=b"\xff\x00")
    data = buffer.getvalue()
    place = data.index(b"IDAT") - 4

    result = redactor.redact(data[:place] + chunk(b"tRNS", b"\xff\xff") + data[place:])

    assert result.verdict == "quarantined"
    assert "twice" in result.reasons[0]


def test_a_faint_code_in_16_bits_is_found(redactor):
    mask = placed(drawn("https://evil.example.org"), (400, 400)) > 127
    faint = np.where(mask, 30_120, 30_000).astype(np.uint16)

    result = redactor.redact(png(faint))

    assert result.verdict == "redacted"
    assert redactor.plan(result.image).codes == ()


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_a_foreign_picture_behind_the_end_is_quarantined(redactor, kind):
    code = Image.fromarray(placed(drawn("https://evil.example.org"), (300, 300)))
    front, behind = io.BytesIO(), io.BytesIO()
    Image.new("L", (64, 64), 200).save(front, "JPEG")
    code.save(behind, kind)

    assert redactor.redact(front.getvalue() + behind.getvalue()).verdict == "quarantined"


def test_a_picture_behind_the_end_that_is_cut_off_is_quarantined(redactor):
    front, behind = io.BytesIO(), io.BytesIO()
    Image.new("L", (64, 64), 200).save(front, "JPEG")
    Image.fromarray(placed(drawn("https://evil.example.org"), (300, 300))).save(behind, "JPEG")

    assert redactor.redact(front.getvalue() + behind.getvalue()[:-40]).verdict == "quarantined"


def test_what_a_code_says_is_not_in_a_log_line(redactor):
    result = redactor.plan(png(placed(drawn("https://example.com/?token=secret"), (400, 400))))

    assert result.codes
    assert "secret" not in repr(result)


def tiff(**options):
    buffer = io.BytesIO()
    code = Image.fromarray(placed(drawn("https://evil.example.org"), (304, 400)))
    code.save(buffer, "TIFF", **options)
    return buffer.getvalue()


def with_entries(data, change):
    """Write the only directory of a TIFF anew at its end, its entries changed."""
    (place,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, place)
    entries = [data[place + 2 + 12 * n : place + 14 + 12 * n] for n in range(count)]
    entries = change(entries)
    body = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    return data[:4] + struct.pack("<I", len(data)) + data[8:] + body


def entry(tag, value):
    return struct.pack("<HHIHH", tag, 3, 1, value, 0)


@pytest.mark.parametrize(
    "change",
    [
        lambda entries: [*entries, entry(257, 1)],
        lambda entries: [*entries, entry(256, 1)],
        lambda entries: [*entries, entry(322, 400), entry(323, 304)],
    ],
    ids=["height twice", "width twice", "strips and tiles"],
)
def test_a_tiff_that_readers_read_differently_is_quarantined(redactor, change):
    result = redactor.redact(with_entries(tiff(), change))

    assert result.verdict == "quarantined"


def test_differences_that_no_reader_undoes_hide_no_code(redactor):
    result = redactor.redact(with_entries(tiff(), lambda entries: [*entries, entry(317, 2)]))

    assert not result.is_publishable or not texts(result.image)


def test_a_bmp_whose_pixels_begin_within_its_colours_is_quarantined(redactor):
    buffer = io.BytesIO()
    Image.fromarray(placed(drawn("https://evil.example.org"), (300, 300))).save(buffer, "BMP")
    data = bytearray(buffer.getvalue())
    struct.pack_into("<I", data, 10, 54 + 800)
    cut = bytes(data[: 54 + 800] + data[1078:])

    assert redactor.redact(cut).verdict == "quarantined"
