"""The rasters in which a frame is looked at."""

import numpy as np
import pytest

from redactor.detect.looks import color_looks, looks
from redactor.geometry import Quad
from redactor.model import Frame


def in_colors(scene, dark, light):
    """Give a scene in two colours."""
    mask = scene.gray > 127
    return np.where(mask[..., None], np.array(light), np.array(dark)).astype(np.uint8)


def test_equal_views_are_one_look():
    gray = np.full((50, 60), 9, np.uint8)

    assert len(list(looks(Frame((gray, gray.copy(), np.dstack([gray] * 3)))))) == 1


def test_views_that_only_rounding_tells_apart_are_one_look(a_scene):
    gray = a_scene().gray
    nearly_opaque = np.full_like(gray, 254)
    nearly_opaque[::2] = 255

    assert len(list(looks(Frame((gray, gray - gray % 2, nearly_opaque))))) == 1
    assert len(list(looks(Frame((gray, gray - gray % 3, nearly_opaque - gray % 3))))) == 3


def test_what_is_all_there_is_to_see_is_looked_at_however_faint():
    faint = np.full((50, 60), 9, np.uint8)
    faint[20:30] += 1

    assert len(list(looks(Frame((faint, faint + 1))))) == 1


def test_a_mirrored_frame_is_looked_at_both_ways_and_quads_come_back():
    gray = np.arange(60, dtype=np.uint8)[None].repeat(50, axis=0)

    plain, flipped = looks(Frame((gray,), is_mirrored=True))

    quad = Quad.from_box(5, 10, 20, 15)
    assert (flipped.gray == gray[:, ::-1]).all()
    assert flipped.there(quad).box == Quad.from_box(35, 10, 20, 15).box
    assert flipped.there(flipped.there(quad)) == quad
    assert plain.there(quad) is quad


@pytest.mark.parametrize(
    ("dark", "light"),
    [
        ((255, 19, 0), (0, 149, 0)),
        ((226, 226, 226), (255, 255, 1)),
        ((90, 110, 200), (90, 135, 60)),
    ],
)
@pytest.mark.parametrize("size", [(400, 400), (3000, 2000)])
def test_two_colours_of_one_brightness_are_looked_at(a_scene, dark, light, size):
    scene = a_scene(scale=4 if size[0] < 1000 else 20, size=size)

    assert list(color_looks(Frame((in_colors(scene, dark, light),))))


@pytest.mark.parametrize(
    ("size", "scale"), [((1400, 1000), 3), ((2800, 1900), 3), ((3000, 2000), 6), ((4000, 3000), 10)]
)
def test_a_code_that_only_colour_shows_is_found_in_a_large_picture(a_scene, find, size, scale):
    center = (size[0] * 0.3, size[1] * 0.4)
    scene = a_scene(scale=scale, size=size, center=center, grain=0)

    (code,) = find(in_colors(scene, (0, 168, 168), (255, 60, 60)))

    assert code.content == "https://example.org/4711"
    assert scene.quad.overlap(code.quad) > 0.95 * scene.quad.area


def test_what_brightness_shows_too_is_not_looked_at_in_colour(a_scene):
    scene = a_scene()

    for dark, light in (((20, 20, 20), (240, 240, 240)), ((0, 0, 90), (250, 240, 120))):
        assert not list(color_looks(Frame((in_colors(scene, dark, light),))))
    assert not list(color_looks(Frame((scene.gray,))))


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 2)])
def test_any_size_goes(size):
    view = np.random.default_rng(2).integers(0, 256, (*size, 3)).astype(np.uint8)

    for raster, (factor, left, top) in color_looks(Frame((view,))):
        assert raster.ndim == 2
        assert factor >= 1
        assert (left, top) >= (0, 0)
