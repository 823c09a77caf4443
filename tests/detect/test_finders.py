"""Finder patterns, and the codes that two or three of them span; nothing is decoded here."""

import cv2
import numpy as np
import pytest

from redactor.detect.finders import find_finders, squares
from redactor.detect.lighting import flatten


def spanned(gray):
    flat = flatten(gray)
    return squares(find_finders(flat), flat)


def without_corner(scene, which, scale=4):
    """Paint over a finder pattern: 0 for top left, 1 for top right, 3 for bottom left."""
    gray = scene.gray.copy()
    corner = np.array(scene.quad.corners[which])
    inward = np.array(scene.quad.center) - corner
    middle = corner + inward / np.hypot(*inward) * 3.5 * scale * np.sqrt(2)
    cv2.circle(gray, tuple(int(v) for v in np.rint(middle)), 6 * scale, 200, -1)
    return gray


@pytest.mark.parametrize("turn", range(0, 360, 15))
def test_three_patterns_are_found_at_every_rotation(a_scene, turn):
    assert len(find_finders(flatten(a_scene(turn=turn).gray))) == 3


@pytest.mark.parametrize("turn", range(0, 360, 15))
def test_three_patterns_span_the_code(a_scene, corner_error, turn):
    scene = a_scene(turn=turn, spoil=True)

    (square,) = spanned(scene.gray)

    assert len(square.finders) == 3
    assert corner_error(scene.quad, square.quad) < 0.08


@pytest.mark.parametrize("slant", [-0.25, -0.12, 0.12, 0.25])
@pytest.mark.parametrize("turn", [0, 40])
def test_perspective_is_borne(a_scene, covered, slant, turn):
    scene = a_scene(turn=turn, slant=slant, scale=5, size=(520, 520))

    (square,) = spanned(scene.gray)

    assert covered(scene.quad, square.quad) > 0.85


@pytest.mark.parametrize("scale", [3, 4, 6, 10, 16])
def test_size_does_not_matter(a_scene, corner_error, scale):
    scene = a_scene(scale=scale, size=(720, 720))

    (square,) = spanned(scene.gray)

    assert corner_error(scene.quad, square.quad) < 0.08


def test_three_percent_of_the_brightness_range_is_enough(a_scene, corner_error):
    scene = a_scene(low=20, high=28, grain=1, scale=5)

    (square,) = spanned(scene.gray)

    assert corner_error(scene.quad, square.quad) < 0.08


@pytest.mark.parametrize("turn", [0, 25, 70, 180])
@pytest.mark.parametrize("missing", [0, 1, 3])
def test_two_patterns_span_the_code(a_scene, covered, excess, turn, missing):
    scene = a_scene("https://example.org/" + "x" * 40, turn=turn)

    (square,) = spanned(without_corner(scene, missing))

    assert len(square.finders) == 2
    assert covered(scene.quad, square.quad) > 0.85
    assert excess(scene.quad, square.quad) < 0.2


def test_two_codes_share_no_pattern(a_scene, covered):
    left = a_scene("left", size=(600, 300), center=(150, 150), scale=5)
    both = a_scene("right", center=(430, 150), scale=5, onto=left.gray)

    found = spanned(both.gray)

    assert len(found) == 2
    assert not found[0].finders & found[1].finders
    for code in (left.quad, both.quad):
        assert max(covered(code, square.quad) for square in found) > 0.9


def test_nested_squares_on_blank_paper_span_nothing():
    gray = np.full((400, 400), 230, np.uint8)
    for x, y in ((60, 60), (260, 60), (60, 260)):
        cv2.rectangle(gray, (x, y), (x + 69, y + 69), 20, -1)
        cv2.rectangle(gray, (x + 10, y + 10), (x + 59, y + 59), 230, -1)
        cv2.rectangle(gray, (x + 20, y + 20), (x + 49, y + 49), 20, -1)
    flat = flatten(gray)

    assert len(find_finders(flat)) == 3
    assert squares(find_finders(flat), flat) == []


def test_a_page_of_text_spans_nothing(text_page):
    assert spanned(text_page) == []


def test_hundreds_of_nested_squares_cost_little():
    tile = np.full((36, 36), 230, np.uint8)
    cv2.rectangle(tile, (4, 4), (31, 31), 20, -1)
    cv2.rectangle(tile, (8, 8), (27, 27), 230, -1)
    cv2.rectangle(tile, (12, 12), (23, 23), 20, -1)

    assert spanned(np.tile(tile, (25, 25))) == []
