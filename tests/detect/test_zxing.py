"""zxing-cpp's codes as detections: names, sizes, and codes that it finds and cannot read."""

import numpy as np
import pytest
import zxingcpp

from redactor.detect.zxing import _SYMBOLOGIES, ZxingDetector
from redactor.model import Symbology


@pytest.mark.parametrize(
    ("format_name", "content", "symbology"),
    [
        ("QRCode", "hello", "qrcode"),
        ("MicroQRCode", "12345", "microqr"),
        ("RMQRCode", "hello", "rmqr"),
        ("Aztec", "hello", "aztec"),
        ("DataMatrix", "hello", "datamatrix"),
        ("MaxiCode", "hello", "maxicode"),
        ("PDF417", "hello world", "pdf417"),
        ("EAN13", "4006381333931", "ean13"),
        ("EAN8", "73513537", "ean8"),
        ("UPCA", "036000291452", "upca"),
        ("UPCE", "01234565", "upce"),
        ("Code128", "Hello-128", "code128"),
        ("Code39", "HELLO39", "code39"),
        ("Code93", "HELLO93", "code93"),
        ("Codabar", "A123456A", "codabar"),
        ("ITF", "1234567890", "itf"),
        ("DataBarOmni", "0124012345678905", "databar"),
        ("DataBarExp", "(01)98898765432106", "databar-expanded"),
        ("DataBarLtd", "0115012345678907", "databar-limited"),
    ],
)
def test_a_code_is_read_and_named(a_scene, format_name, content, symbology):
    scene = a_scene(content, format_name, scale=3, size=(700, 520))

    (code,) = ZxingDetector().detect(scene.gray)

    assert code.symbology is Symbology(symbology)
    assert code.is_read
    assert code.readings == (code.content,)
    assert (code.confidence, code.sources, code.reason) == (1.0, ("zxing",), None)


def test_every_symbology_that_zxing_reads_has_a_name():
    families = {"None", "NONE", "Any", "EANUPC", "OtherBarcode", "LinearCodes", "MatrixCodes"}
    formats = {name for name in zxingcpp.BarcodeFormat.__members__ if not name.startswith("All")}

    nameless = {name for name in formats - families if name not in _SYMBOLOGIES}

    # Additions beside an EAN-13 are read with it; the long names are others' for the short.
    assert nameless <= {"EAN2", "EAN5", "PharmaCode", "DataBarExpanded", "DataBarLimited"}


def test_an_ean_that_begins_with_zero_is_a_upc(a_scene):
    (code,) = ZxingDetector().read(a_scene("0036000291452", "EAN13", size=(500, 300)).gray)

    assert (code.symbology, code.content) == (Symbology.UPCA, "036000291452")


@pytest.mark.parametrize("digits", ["01234565", "04963406", "05096893", "01278907", "01234531"])
def test_a_upce_says_the_eight_digits_that_are_printed(a_scene, digits):
    (code,) = ZxingDetector().read(a_scene(digits[:7], "UPCE", size=(500, 300)).gray)

    assert code.content == digits


@pytest.mark.parametrize(
    ("format_name", "content", "modules"),
    [
        ("QRCode", "hello", (21, 21)),
        ("QRCode", "https://example.org/" + "x" * 60, (37, 37)),
        ("MicroQRCode", "12345", (11, 11)),
        ("DataMatrix", "hello", (12, 12)),
    ],
)
def test_modules_are_known_from_the_version(a_scene, format_name, content, modules):
    (code,) = ZxingDetector().detect(a_scene(content, format_name, scale=5).gray)

    assert code.modules == modules


def test_modules_of_a_flat_code_are_across_and_down(a_scene):
    (code,) = ZxingDetector().detect(a_scene("hello", "RMQRCode", scale=5, size=(500, 300)).gray)

    across, down = code.modules
    assert across > down
    assert across / down == pytest.approx(np.divide(*code.quad.sides), rel=0.1)


def test_the_quad_is_the_symbol_without_its_quiet_zone(a_scene, corner_error):
    scene = a_scene(turn=20)

    (code,) = ZxingDetector().detect(scene.gray)

    assert corner_error(scene.quad, code.quad) < 0.02


def test_a_code_that_cannot_be_read_is_a_value(a_scene):
    code, *_ = ZxingDetector().detect(a_scene(spoil=True).gray)

    assert code.content is None
    assert code.readings == ()
    assert code.symbology is Symbology.QRCODE
    assert 0 < code.confidence < 1
    assert code.reason.startswith("found but not read")


def test_reading_leaves_out_what_cannot_be_read(a_scene):
    assert ZxingDetector().read(a_scene(spoil=True).gray) == []
