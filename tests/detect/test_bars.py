"""The second look at bars: those of a code differ in width, those of a fence do not."""

import numpy as np
import pytest

from redactor.detect.bars import has_bars, strip
from redactor.detect.zxing import ZxingDetector
from redactor.geometry import Quad


@pytest.mark.parametrize("blur", [0, 1, 2.5])
@pytest.mark.parametrize("turn", [0, 30, 90, 200])
def test_blurred_bars_are_bars(a_scene, blur, turn):
    scene = a_scene("4006381333931", "EAN13", scale=3, size=(480, 480), blur=blur, turn=turn)

    assert has_bars(scene.gray, scene.quad)


def test_the_corner_that_comes_first_does_not_matter(a_scene):
    scene = a_scene("4006381333931", "EAN13", scale=3, size=(480, 300), blur=2)
    corners = scene.quad.corners

    for start in range(4):
        assert has_bars(scene.gray, Quad(corners[start:] + corners[:start]))


@pytest.mark.parametrize("period", [6, 10, 16])
def test_a_picket_fence_is_not_bars(period):
    fence = np.full((200, 400), 220, np.uint8)
    fence[:, np.arange(400) % period < period / 2] = 40

    assert not has_bars(fence, Quad.from_box(20, 20, 340, 150))


def test_text_is_not_bars(text_page):
    for box in ((20, 20, 300, 100), (20, 40, 400, 30), (100, 100, 200, 200)):
        assert not has_bars(text_page, Quad.from_box(*box))


def test_paper_noise_and_modules_are_not_bars(a_scene):
    noise = np.random.default_rng(3).integers(0, 256, (200, 400)).astype(np.uint8)
    code = a_scene(scale=6)

    assert not has_bars(np.full((200, 400), 220, np.uint8), Quad.from_box(20, 20, 300, 100))
    assert not has_bars(noise, Quad.from_box(20, 20, 300, 100))
    assert not has_bars(code.gray, code.quad)


def test_what_is_too_small_to_tell_is_not_bars(a_scene):
    scene = a_scene("4006381333931", "EAN13", scale=1, size=(200, 100))

    assert not has_bars(scene.gray, scene.quad)


@pytest.mark.parametrize("box", [(-500, -500, 300, 100), (0, 0, 9000, 9000), (30, 30, 0, 0)])
def test_any_quad_goes(box):
    assert not has_bars(np.full((200, 400), 220, np.uint8), Quad.from_box(*box))


# Turned upright.


@pytest.mark.parametrize("turn", range(0, 360, 15))
@pytest.mark.parametrize("part", [1.0, 0.7])
def test_bars_at_any_slant_are_read_upright(a_scene, turn, part):
    """As locators report them: a box that is not quite turned like the bars, or a part of them."""
    scene = a_scene("4006381333931", "EAN13", scale=3, size=(480, 480), turn=turn)
    width, height = scene.quad.sides
    seen = scene.quad.grow((part - 1) * width / 2, -0.3 * height)

    upright, back = strip(scene.gray, seen)

    codes = ZxingDetector().read(upright)
    assert [code.content for code in codes] == ["4006381333931"]
    points = np.c_[codes[0].quad.as_array(), np.ones(4)] @ back.T
    assert scene.quad.grow(4).contains(Quad.of(points).center)


def test_paper_has_no_bars_to_turn():
    assert strip(np.full((200, 400), 220, np.uint8), Quad.from_box(20, 20, 300, 100)) is None
