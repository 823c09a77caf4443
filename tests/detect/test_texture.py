"""The texture of modules: how far it reaches, and where there is none."""

import cv2
import numpy as np
import pytest

from redactor.detect.lighting import flatten
from redactor.detect.texture import density, grow
from redactor.geometry import Point, Quad

LONG = "https://example.org/" + "x" * 90


@pytest.mark.parametrize("turn", [0, 15, 45, 80])
@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_texture_grows_to_the_whole_code(a_scene, covered, excess, turn, place):
    scene = a_scene(LONG, turn=turn, scale=5, size=(520, 520))
    a, _, c, _ = scene.quad.as_array()

    quad = grow(scene.gray, Point(*(a + (c - a) * place)), 5.0)

    assert covered(scene.quad, quad) > 0.88
    assert excess(scene.quad, quad) < 0.2


@pytest.mark.parametrize("scale", [2, 4, 9])
def test_any_size_of_module_goes(a_scene, covered, scale):
    scene = a_scene(LONG, scale=scale, size=(700, 700))

    assert covered(scene.quad, grow(scene.gray, scene.quad.center, float(scale))) > 0.88


def test_a_module_size_that_is_a_third_off_is_borne(a_scene, covered):
    scene = a_scene(LONG, scale=4)

    for module in (3.0, 5.3):
        assert covered(scene.quad, grow(scene.gray, scene.quad.center, module)) > 0.8


def test_there_is_nothing_on_paper(a_scene):
    scene = a_scene(size=(700, 700), center=(150, 150))

    assert grow(scene.gray, Point(550, 550), 4.0) is None


def test_a_texture_that_goes_on_everywhere_is_no_code():
    noise = np.random.default_rng(5).integers(0, 2, (150, 150)).astype(np.uint8) * 200
    everywhere = cv2.resize(noise, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)

    assert grow(everywhere, Point(300, 300), 4.0) is None


@pytest.mark.parametrize("seed", [(-50, -50), (0, 0), (399, 399), (5000, 10)])
def test_any_seed_goes(a_scene, seed):
    quad = grow(a_scene().gray, Point(*seed), 4.0)

    assert quad is None or np.isfinite(quad.as_array()).all()


def test_density_tells_modules_from_the_rest(a_scene, text_page):
    scene = a_scene(LONG, turn=20)
    bars = a_scene("4006381333931", "EAN13", size=(400, 300), scale=3)
    modules = density(flatten(scene.gray), scene.quad, 4.0)

    assert 0.35 < modules < 0.7
    assert density(flatten(bars.gray), bars.quad, 3.0) < 0.15
    assert density(flatten(np.full((400, 400), 210, np.uint8)), scene.quad, 4.0) == 0
    half = scene.quad.shift(150, 60)
    assert density(flatten(scene.gray), half, 4.0) < 0.75 * modules
    assert density(flatten(text_page), Quad.from_box(50, 50, 200, 200), 4.0) < modules


def test_density_of_a_quad_beyond_the_raster_is_a_number(a_scene):
    flat = flatten(a_scene().gray)

    assert np.isfinite(density(flat, Quad.from_box(-900, -900, 50, 50), 4.0))
    assert np.isfinite(density(flat, Quad.from_box(10, 10, 0, 0), 0.5))
