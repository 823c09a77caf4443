"""How far a symbol reaches: a scan line tells where the code is, the bars tell the rest."""

import cv2
import numpy as np
import pytest

from redactor.detect.extent import whole_symbol
from redactor.geometry import Quad

EAN = "4006381333931"
GUARD = 5 / 55


@pytest.fixture
def an_ean(a_scene):
    """Give a builder of an EAN-13 in a scene; guard bars reach 5 modules below what counts."""

    def build(**options):
        scene = a_scene(EAN, "EAN13", **({"scale": 3, "size": (520, 460)} | options))
        return scene._replace(quad=part(scene.quad, 0, 1 - GUARD))

    return build


def part(quad, top, bottom, left=0.0, right=1.0):
    """Give a part of a code, in shares of its sides, as an engine reports it."""
    corners = np.array(((0, 0), (1, 0), (1, 1), (0, 1)), dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(corners, quad.as_array().astype(np.float32))
    return Quad.from_box(left, top, right - left, bottom - top).map(matrix)


@pytest.mark.parametrize("turn", [0, 7, 30, 45, 90, 135, 180, 222, 270, 315])
@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_scan_line_grows_to_the_whole_bars(an_ean, a_code, covered, excess, turn, place):
    scene = an_ean(turn=turn)
    line = a_code(part(scene.quad, place, place + 0.012), EAN, "ean13")

    grown = whole_symbol(line, scene.gray)

    assert covered(scene.quad, grown.quad) > 0.95
    assert excess(scene.quad, grown.quad) < 0.1


def test_a_scan_line_without_any_height_grows_too(an_ean, a_code, covered):
    scene = an_ean()
    line = a_code(part(scene.quad, 0.5, 0.5), EAN, "ean13")

    assert covered(scene.quad, whole_symbol(line, scene.gray).quad) > 0.95


@pytest.mark.parametrize("turn", [0, 20, 75, 190])
@pytest.mark.parametrize("rise", [-0.28, -0.24, 0.28])
def test_a_line_across_the_bars_at_a_slant_takes_in_no_more(
    an_ean, a_code, covered, excess, turn, rise
):
    scene = an_ean(turn=turn)
    a, b, c, d = scene.quad.as_array()
    height = (d - a) * 0.02
    start, end = (a + d) / 2 - (d - a) * rise * 1.5, (b + c) / 2 + (d - a) * rise * 1.5
    line = a_code(Quad.of((start, end, end + height, start + height)), EAN, "ean13")

    grown = whole_symbol(line, scene.gray)

    assert covered(scene.quad, grown.quad) > 0.9
    assert excess(scene.quad, grown.quad) < 0.15


@pytest.mark.parametrize("slant", [0.2, -0.2])
def test_a_code_in_perspective_is_taken_in(an_ean, a_code, covered, slant):
    scene = an_ean(slant=slant, turn=10)
    line = a_code(part(scene.quad, 0.45, 0.55), EAN, "ean13")

    assert covered(scene.quad, whole_symbol(line, scene.gray).quad) > 0.88


@pytest.mark.parametrize("lean", [-0.35, 0.35])
def test_bars_that_lean_are_followed(an_ean, a_code, covered, lean):
    scene = an_ean()
    matrix = np.array(((1, lean, -230 * lean), (0, 1, 0), (0, 0, 1)))
    gray = cv2.warpPerspective(scene.gray, matrix, scene.gray.shape[::-1], borderValue=235)
    quad = scene.quad.map(matrix)
    line = a_code(part(quad, 0.48, 0.52), EAN, "ean13")

    assert covered(quad, whole_symbol(line, gray).quad) > 0.95


def test_growing_again_changes_nothing_more(an_ean, a_code, covered):
    scene = an_ean(turn=12)
    once = whole_symbol(a_code(part(scene.quad, 0.5, 0.52), EAN, "ean13"), scene.gray)

    again = whole_symbol(once, scene.gray)

    assert again.quad.area == pytest.approx(once.quad.area, rel=0.04)
    assert covered(once.quad, again.quad) > 0.96


def test_a_scratch_is_stepped_over(an_ean, a_code, covered):
    scene = an_ean()
    gray = scene.gray.copy()
    gray[200:207] = 130
    line = a_code(part(scene.quad, 0.8, 0.82), EAN, "ean13")

    assert covered(scene.quad, whole_symbol(line, gray).quad) > 0.95


def test_the_digits_below_are_not_bars(an_ean, a_code, excess):
    scene = an_ean()
    gray, box = scene.gray.copy(), scene.quad.box
    cv2.putText(gray, EAN, (box.left, box.bottom + 34), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 20, 3)
    line = a_code(part(scene.quad, 0.5, 0.52), EAN, "ean13")

    assert excess(scene.quad, whole_symbol(line, gray).quad) < 0.1


def test_bars_at_the_edge_of_a_picture_end_there(an_ean, a_code):
    scene = an_ean()
    gray = scene.gray[150:300]  # bars run out of it above and below
    quad = Quad.from_box(scene.quad.box.left, 70, scene.quad.box.width, 3)

    grown = whole_symbol(a_code(quad, EAN, "ean13"), gray).quad.box

    assert -2 <= grown.top <= 2
    assert 148 <= grown.bottom <= 152


def test_uneven_light_on_paper_is_not_bars(an_ean, a_code, excess):
    scene = an_ean(grain=0)
    x = np.linspace(0.45, 1, scene.gray.shape[1])
    gray = (scene.gray * x[None]).astype(np.uint8)
    line = a_code(part(scene.quad, 0.4, 0.42), EAN, "ean13")

    assert excess(scene.quad, whole_symbol(line, gray).quad) < 0.1


@pytest.mark.parametrize(("low", "high"), [(100, 108), (20, 60)])
def test_contrast_does_not_matter(an_ean, a_code, covered, low, high):
    scene = an_ean(low=low, high=high, grain=1)
    line = a_code(part(scene.quad, 0.5, 0.52), EAN, "ean13")

    assert covered(scene.quad, whole_symbol(line, scene.gray).quad) > 0.9


def test_two_barcodes_one_above_the_other_stay_two(a_scene, a_code):
    upper = a_scene(EAN, "EAN13", scale=3, size=(520, 560), center=(260, 140))
    both = a_scene("5901234123457", "EAN13", scale=3, center=(260, 330), onto=upper.gray)
    line = a_code(part(upper.quad, 0.5, 0.52), EAN, "ean13")

    grown = whole_symbol(line, both.gray)

    assert grown.quad.overlap(both.quad) < 0.05 * both.quad.area


@pytest.mark.parametrize("turn", [0, 5, 20, 90, 160])
@pytest.mark.parametrize(
    ("left", "right"), [(0.42, 0.48), (0.0, 0.5), (0.5, 1.0), (0.7, 0.78)], ids=str
)
def test_zbar_reports_a_sliver_or_a_half_of_the_bars(
    an_ean, a_code, covered, excess, turn, left, right
):
    scene = an_ean(turn=turn)
    sliver = a_code(part(scene.quad, 0.3, 0.7, left, right), EAN, "ean13", "zbar")

    grown = whole_symbol(sliver, scene.gray)

    assert covered(scene.quad, grown.quad) > 0.93
    assert excess(scene.quad, grown.quad) < 0.3


def test_a_zbar_report_of_the_whole_length_keeps_it(an_ean, a_code, excess):
    scene = an_ean()
    line = a_code(part(scene.quad, 0.4, 0.6), EAN, "ean13", "zbar")

    assert excess(scene.quad, whole_symbol(line, scene.gray).quad) < 0.1


def test_a_sliver_does_not_run_into_a_neighbour(a_scene, a_code):
    first = a_scene(EAN, "EAN13", scale=2, size=(700, 260), center=(180, 130))
    both = a_scene("5901234123457", "EAN13", scale=2, center=(460, 130), onto=first.gray)
    sliver = a_code(part(first.quad, 0.3, 0.7, 0.3, 0.5), EAN, "ean13", "zbar")

    assert whole_symbol(sliver, both.gray).quad.overlap(both.quad) < 0.05 * both.quad.area


def test_some_rows_of_a_pdf417_grow_to_all(a_scene, a_code, covered, excess):
    scene = a_scene("A stacked code has many rows " * 3, "PDF417", scale=2, size=(640, 400))
    rows = a_code(part(scene.quad, 0.4, 0.6), None, "pdf417", confidence=0.6)

    grown = whole_symbol(rows, scene.gray)

    assert covered(scene.quad, grown.quad) > 0.95
    assert excess(scene.quad, grown.quad) < 0.1


def test_bars_that_nobody_reads_are_taken_in_whole(an_ean, a_code, covered, excess):
    scene = an_ean(blur=4)
    box = part(scene.quad, 0.3, 0.7)
    doubt = a_code(box, None, "1d", "opencv", confidence=0.4)

    grown = whole_symbol(doubt, scene.gray)

    assert covered(scene.quad, grown.quad) > 0.9
    assert excess(scene.quad, grown.quad) < 0.15


def test_a_matrix_code_is_left_as_it_is(a_scene, a_code):
    scene = a_scene()
    code = a_code(scene.quad)

    assert whole_symbol(code, scene.gray) is code


@pytest.mark.parametrize("box", [(-40, 90, 30, 10), (500, 440, 60, 60), (0, 0, 520, 460)], ids=str)
def test_a_report_beyond_the_raster_is_survived(an_ean, a_code, box):
    for source in ("zxing", "zbar"):
        grown = whole_symbol(a_code(box, EAN, "ean13", source), an_ean().gray)
        assert np.isfinite(grown.quad.as_array()).all()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_where_there_are_no_bars_nothing_grows(a_code, value):
    gray = np.full((200, 300), value, np.uint8)
    for source in ("zxing", "zbar"):
        code = a_code((50, 90, 200, 4), EAN, "ean13", source)
        assert whole_symbol(code, gray).quad == code.quad
