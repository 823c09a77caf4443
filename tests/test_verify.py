"""The last look: what can still be read, where, and whether it may."""

import numpy as np
import pytest
import zxingcpp

from redactor import verify
from redactor.detect import LocalDetector
from redactor.geometry import Quad
from redactor.model import Action, Decision, Detection, Frame, Region, Symbology

ONE, TWO = "https://example.org/one", "https://example.org/two"


@pytest.fixture(scope="module")
def detector():
    return LocalDetector()


@pytest.fixture(scope="module")
def sheet(a_raster):
    """Give two codes side by side."""
    return a_raster(ONE, TWO)


@pytest.fixture(scope="module")
def quads(detector, sheet):
    found = {code.content: code.quad for code in detector.detect([Frame((sheet,))])}
    return found[ONE], found[TWO]


@pytest.fixture
def look(detector):
    def check(raster, hidden=(), allowed=(), *, others=(), whole=False):
        frames = [Frame((raster,)), *(Frame((other,), "thumbnail") for other in others)]
        regions = [Region(quad.grow(8), Action.BLUR) for quad in hidden]
        return verify.check(detector, frames, regions, allowed, whole=whole)

    return check


def an_allowed(quad, content=ONE, frame=0):
    code = Detection(quad, Symbology.QRCODE, content, 1.0, ("zxing",), frame=frame)
    return Decision(code, Action.ALLOW, "ours")


def without(raster, *quads):
    """Paint over codes."""
    raster = raster.copy()
    for quad in quads:
        raster[quad.grow(8).mask(raster.shape[1], raster.shape[0])] = 200
    return raster


def test_a_code_that_is_gone_is_no_leak(look, sheet, quads):
    findings = look(without(sheet, *quads), quads)

    assert findings.is_clean
    assert findings.leaks == (False, False)
    assert findings.check.readable == ()


def test_a_code_that_is_still_there_is_a_leak(look, sheet, quads):
    findings = look(without(sheet, quads[0]), quads)

    assert findings.leaks == (False, True)
    assert not findings.is_clean
    assert len(findings.check.readable) == 1


@pytest.mark.parametrize("way", ["faint", "inverted", "small blur"])
def test_a_code_that_a_harder_look_reads_is_a_leak(way, look, sheet, quads):
    import cv2

    raster = {
        "faint": (sheet // 8 + 120).astype(np.uint8),
        "inverted": 255 - sheet,
        "small blur": cv2.GaussianBlur(sheet, (0, 0), 1.2),
    }[way]

    assert look(raster, quads).leaks == (True, True)


def test_an_allowed_code_beside_a_region_is_no_leak(look, sheet, quads):
    tall = Quad.from_box(185, -140, 165, 460)  # so that its context shows the other code whole

    assert look(without(sheet, quads[1]), [tall], [an_allowed(quads[0])]).is_clean


def test_an_allowed_code_with_another_content_is_a_stranger(look, sheet, quads):
    tall = Quad.from_box(185, -140, 165, 460)  # so that its context shows the other code whole
    findings = look(without(sheet, quads[1]), [tall], [an_allowed(quads[0], TWO)])

    assert {code.content for code in findings.strangers} == {ONE}
    assert findings.leaks == (False,)
    assert not findings.is_clean


def test_an_allowed_content_in_another_place_is_a_stranger(look, sheet, quads):
    elsewhere = an_allowed(quads[0].shift(0, 400))

    findings = look(without(sheet, quads[1]), (), [elsewhere], whole=True)

    assert {code.content for code in findings.strangers} == {ONE}


def test_an_allowed_content_does_not_excuse_what_is_in_a_region(look, sheet, quads):
    findings = look(sheet, [quads[0]], [an_allowed(quads[0])])

    assert findings.leaks == (True,)


@pytest.mark.parametrize("turns", [0, 1])
@pytest.mark.parametrize("side", [960, 1_400, 2_600])
def test_bars_that_a_hidden_code_had_kept_from_being_read_are_seen(side, turns, look):
    code = zxingcpp.create_barcode(ONE, zxingcpp.BarcodeFormat.QRCode)
    matrix = np.asarray(code.to_image(scale=4, add_quiet_zones=False))
    bars = zxingcpp.create_barcode("SECRET-42", zxingcpp.BarcodeFormat.Code128)
    row = np.repeat(np.asarray(bars.to_image(scale=1, add_quiet_zones=False))[20], 3)
    raster = np.full((side, side), 255, dtype=np.uint8)
    right = 60 + len(matrix)
    raster[60:right, 60:right] = matrix
    raster[80:92, right + 12 : right + 12 + len(row)] = row
    quad = Quad.from_box(60, 60, len(matrix), len(matrix))
    raster[50 : right + 10, 50 : right + 10] = 255
    hidden = np.ascontiguousarray(np.rot90(raster, turns))
    there = Quad.of([(x, y) if not turns else (y, side - x) for x, y in quad.corners])

    (stranger,) = look(hidden, [there]).strangers

    assert stranger.content == "SECRET-42"


@pytest.mark.parametrize("whole", [False, True])
def test_what_lies_far_from_every_region_is_seen_too(whole, look, a_raster):
    raster = a_raster(ONE, TWO, margin=400)
    spot = [Quad.from_box(20, 20, 30, 30)]

    findings = look(raster, spot, whole=whole)

    assert {code.content for code in findings.strangers} == {ONE, TWO}
    assert findings.check.scope == ("picture" if whole else "regions")


def test_a_whole_look_sees_the_other_frames(look, sheet, quads):
    clean = without(sheet, *quads)

    assert look(clean, others=[sheet]).is_clean
    findings = look(clean, others=[clean, sheet], whole=True)

    assert {(code.content, code.frame) for code in findings.strangers} == {(ONE, 2), (TWO, 2)}


def test_a_code_allowed_in_one_frame_is_a_stranger_in_another(look, sheet, quads):
    both = [an_allowed(quads[0], frame=1), an_allowed(quads[1], TWO, frame=1)]
    clean = without(sheet, *quads)

    assert look(clean, (), both, others=[sheet], whole=True).is_clean
    assert not look(sheet, (), both, others=[clean], whole=True).is_clean


def test_a_region_does_not_reach_into_other_frames(look, sheet, quads):
    findings = look(without(sheet, *quads), quads, others=[sheet], whole=True)

    assert findings.leaks == (False, False)
    assert len({code.content for code in findings.strangers}) == 2


def test_a_check_says_who_looked_and_how_often(look, detector, sheet, quads):
    check = look(without(sheet, *quads), quads).check

    assert check.engines == detector.reader_names
    assert check.variants > 1
    assert (check.scope, check.remedy) == ("regions", None)


def test_a_look_without_regions_finds_nothing_to_look_at(look, sheet):
    assert look(sheet).is_clean


def test_a_mirrored_frame_is_looked_at_as_viewers_see_it(detector, sheet, quads):
    flipped = np.ascontiguousarray(sheet[:, ::-1])
    width = sheet.shape[1]
    regions = [
        Region(Quad.of([(width - x, y) for x, y in quad.corners]), Action.FILL) for quad in quads
    ]

    findings = verify.check(
        detector, [Frame((flipped,), is_mirrored=True)], regions, [], whole=False
    )

    assert findings.leaks == (True, True)
