"""The second look at bars: those of a code differ in width, those of a fence do not."""

import numpy as np
import pytest

from redactor.detect.bars import has_bars
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
