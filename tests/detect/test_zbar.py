"""zbar's codes as detections. Skipped where the system has no libzbar."""

import os

import numpy as np
import pytest

from redactor.detect import zbar
from redactor.detect.zbar import ZbarDetector
from redactor.model import Symbology

pytestmark = pytest.mark.skipif(
    not zbar.is_available() and "CI" not in os.environ, reason="libzbar is missing"
)


@pytest.mark.parametrize(
    ("format_name", "content", "symbology", "read"),
    [
        ("QRCode", "hello", "qrcode", "hello"),
        ("EAN13", "4006381333931", "ean13", "4006381333931"),
        ("EAN13", "0036000291452", "upca", "036000291452"),
        ("UPCA", "036000291452", "upca", "036000291452"),
        ("EAN8", "73513537", "ean8", "73513537"),
        ("Code128", "Hello-128", "code128", "Hello-128"),
        ("Code39", "HELLO39", "code39", "HELLO39"),
        ("Code93", "HELLO93", "code93", "HELLO93"),
    ],
)
def test_a_code_is_read_and_named(a_scene, format_name, content, symbology, read):
    scene = a_scene(content, format_name, scale=3, size=(700, 300))

    (code,) = ZbarDetector().read(scene.gray)

    assert (code.symbology, code.content, code.readings) == (Symbology(symbology), read, (read,))
    assert code.sources == ("zbar",)


def test_text_beyond_ascii_is_text(a_scene):
    (code,) = ZbarDetector().read(a_scene("grün 你好").gray)

    assert code.content == "grün 你好"


@pytest.mark.parametrize(
    ("format_name", "content"),
    [("PDF417", "hello world"), ("ITF", "1234567890"), ("Codabar", "A123456A")],
)
def test_what_zbar_reads_badly_is_left_to_others(a_scene, format_name, content):
    assert ZbarDetector().read(a_scene(content, format_name, size=(900, 300)).gray) == []


def test_databar_is_left_alone_and_nothing_is_printed(a_scene, capfd):
    scene = a_scene("(01)98898765432106", "DataBarExp", size=(900, 300))

    assert ZbarDetector().read(scene.gray) == []
    assert capfd.readouterr() == ("", "")


def test_a_raster_that_is_no_whole_block_of_memory_is_taken(a_scene):
    gray = np.dstack([a_scene("hello").gray] * 3)[:, :, 1]

    assert [code.content for code in ZbarDetector().read(gray)] == ["hello"]


@pytest.mark.parametrize("points", [[(5, 9)], [(5, 9), (80, 9)], [(0, 0), (9, 0), (9, 3), (4, 4)]])
def test_whatever_zbar_calls_a_polygon_becomes_a_quad(points):
    quad = zbar._quad(np.array(points, dtype=float))

    assert len(quad.corners) == 4
    for x, y in points:
        assert quad.box.left <= x <= quad.box.right
        assert quad.box.top <= y <= quad.box.bottom
