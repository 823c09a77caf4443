"""What is drawn: made of the surroundings alone, and good to look at."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redactor.model import Action, Style
from redactor.render import draw
from redactor.render.effects import membrane

HIDING = [Action.BLUR, Action.PIXELATE, Action.FILL]
AUTO = Style(color=None)


def plane_of(shade, *, width=96, height=72):
    """Give a plane of shade(x, y)."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.broadcast_to(np.float32(shade(x, y)), (height, width)).astype(np.float32)


def middle(plane, *, margin=20):
    """Give the mask of everything but a margin."""
    mask = np.zeros(plane.shape, dtype=bool)
    mask[margin:-margin, margin:-margin] = True
    return mask


def drawn(plane, action, *, hidden=None, style=AUTO, **options):
    mask = middle(plane) if hidden is None else hidden
    (new,) = draw((plane,), hidden=mask, target=mask, action=action, style=style, **options)
    return new


@pytest.mark.parametrize("action", HIDING)
@pytest.mark.parametrize("shade", [0, 255, 17])
def test_one_colour_all_around_is_the_colour_inside(action, shade):
    plane = plane_of(lambda x, y: shade)
    hidden = middle(plane)
    covered = np.where(hidden, 99, plane)

    assert np.allclose(drawn(covered, action, hidden=hidden), plane, atol=0.01)


@pytest.mark.parametrize(
    "shade",
    [lambda x, y: 2 * x, lambda x, y: 3 * y, lambda x, y: x + y + 20, lambda x, y: 250 - 2 * x],
)
def test_a_gradient_goes_on_under_the_blur(shade):
    plane = plane_of(shade)

    assert np.abs(drawn(plane, Action.BLUR) - plane).max() < 6  # of 110 and more


def test_a_blur_has_no_seam():
    plane = plane_of(lambda x, y: 128 + 60 * np.sin(x / 30) + 40 * np.cos(y / 25))

    new = drawn(plane, Action.BLUR)

    usual = max(np.abs(np.diff(plane, axis=axis)).max() for axis in (0, 1))
    for axis in (0, 1):
        assert np.abs(np.diff(new, axis=axis)).max() < 5 * usual


def test_a_blur_stays_within_the_colours_around():
    plane = np.random.default_rng(0).uniform(40, 200, (72, 96)).astype(np.float32)
    around = plane[~middle(plane)]

    new = drawn(plane, Action.BLUR)[middle(plane)]

    assert around.min() <= new.min() <= new.max() <= around.max()


@pytest.mark.parametrize("blocks", [1, 2, 5, 8, 13])
@pytest.mark.parametrize(("width", "height"), [(96, 72), (140, 61), (61, 140)])
def test_a_mosaic_has_as_many_blocks_as_asked_for(blocks, width, height):
    plane = plane_of(lambda x, y: x + y, width=width, height=height)

    new = drawn(plane, Action.PIXELATE, style=Style(blocks=blocks))

    area = new[20:-20, 20:-20]
    for axis in (0, 1):
        lines = np.abs(np.diff(area, axis=axis)).max(axis=1 - axis) > 1e-3
        sizes = np.diff([0, *(np.nonzero(lines)[0] + 1), area.shape[axis]])
        side = max(area.shape) / blocks
        assert len(sizes) == max(1, round(area.shape[axis] / side))
        assert np.ptp(sizes) <= 1


def test_a_mosaic_is_as_lively_as_what_surrounds_it():
    calm = plane_of(lambda x, y: 100)
    lively = calm + np.random.default_rng(0).normal(0, 30, calm.shape).astype(np.float32)

    blocks = drawn(lively, Action.PIXELATE)[middle(calm)]

    assert 3 < blocks.std() < 40
    assert drawn(calm, Action.PIXELATE)[middle(calm)].std() == 0


def test_auto_fill_is_the_median_around():
    plane = plane_of(lambda x, y: np.where(x < 60, 30, 200))

    assert set(drawn(plane, Action.FILL)[middle(plane)]) == {30}


def test_fill_takes_the_colour_that_it_is_given():
    plane = plane_of(lambda x, y: x)

    new = drawn(plane, Action.FILL, color=(77.0,))

    assert set(new[middle(plane)]) == {77}


@pytest.mark.parametrize("action", HIDING)
def test_a_picture_that_is_hidden_whole_is_neutral(action):
    plane = plane_of(lambda x, y: x)

    assert set(drawn(plane, action, hidden=np.ones(plane.shape, bool)).flat) == {128}


@pytest.mark.parametrize("action", HIDING)
def test_a_transparent_picture_that_is_hidden_whole_is_neutral_and_opaque(action):
    gray, alpha = plane_of(lambda x, y: x), plane_of(lambda x, y: y)
    everything = np.ones(gray.shape, bool)

    new = draw(
        (gray, alpha), hidden=everything, target=everything, action=action, style=AUTO,
        has_alpha=True,
    )  # fmt: skip

    assert [set(plane.flat) for plane in new] == [{128}, {255}]


@pytest.mark.parametrize("action", HIDING)
@pytest.mark.parametrize(
    "area",
    [
        np.s_[:30, :],
        np.s_[-30:, :],
        np.s_[:, :30],
        np.s_[:, -30:],
        np.s_[:20, :20],
        np.s_[-9:, -9:],
    ],
)
def test_a_region_at_the_edge_takes_its_colours_from_within(action, area):
    plane = plane_of(lambda x, y: 180)
    hidden = np.zeros(plane.shape, bool)
    hidden[area] = True

    assert np.allclose(drawn(np.where(hidden, 0, plane), action, hidden=hidden), 180, atol=0.01)


@pytest.mark.parametrize("action", [Action.BLUR, Action.FILL])
def test_transparent_pixels_lend_no_colour(action):
    # Left opaque and dark, right clear and, underneath, white.
    gray = plane_of(lambda x, y: np.where(x < 48, 40, 255))
    alpha = plane_of(lambda x, y: np.where(x < 48, 255, 0))
    hidden = middle(gray)

    new, opacity = draw(
        (gray, alpha), hidden=hidden, target=hidden, action=action, style=AUTO, has_alpha=True
    )

    assert np.allclose(new[hidden], 40, atol=0.1)
    if action is Action.BLUR:
        assert opacity[36, 24] > 200
        assert opacity[36, 72] < 60


def test_where_everything_around_is_clear_it_stays_clear():
    gray, clear = plane_of(lambda x, y: 90), plane_of(lambda x, y: 0)
    hidden = middle(gray)

    new, opacity = draw(
        (gray, clear), hidden=hidden, target=hidden, action=Action.BLUR, style=AUTO, has_alpha=True
    )

    assert opacity.max() == 0
    assert np.allclose(new, 90, atol=0.01)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 999),
    action=st.sampled_from(HIDING),
    has_alpha=st.booleans(),
    blocks=st.integers(1, 20),
    share=st.floats(0.05, 1),
)
def test_hidden_samples_are_never_read(seed, action, has_alpha, blocks, share):
    random = np.random.default_rng(seed)
    cells = random.random((9, 11)) < share
    target = cells & (random.random(cells.shape) < 0.7)
    # The first plane has four samples to a cell, the others one: like luma and chroma.
    shapes = [(18, 22), (9, 11)] if not has_alpha else [(9, 11), (9, 11)]
    planes = [random.uniform(0, 255, shape).astype(np.float32) for shape in shapes]
    others = []
    for plane in planes:
        scale = plane.shape[0] // 9
        hidden = cells.repeat(scale, axis=0).repeat(scale, axis=1)
        others.append(np.where(hidden, np.float32(random.choice([0, 255, np.nan, 1e30])), plane))

    options = {
        "hidden": cells, "target": target, "action": action, "has_alpha": has_alpha,
        "style": Style(color=None, blocks=blocks),
    }  # fmt: skip
    first, second = draw(tuple(planes), **options), draw(tuple(others), **options)

    for plane, one, other in zip(planes, first, second, strict=True):
        scale = plane.shape[0] // 9
        inside = target.repeat(scale, axis=0).repeat(scale, axis=1)
        assert np.array_equal(one[inside], other[inside])
        assert np.array_equal(one[~inside], plane[~inside])
        assert one.dtype == np.float32
        assert not inside.any() or np.isfinite(one[inside]).all()


def test_nothing_that_is_given_is_modified():
    plane = plane_of(lambda x, y: x)
    plane.setflags(write=False)
    hidden = middle(plane)
    hidden.setflags(write=False)

    for action in HIDING:
        drawn(plane, action, hidden=hidden)


def test_a_membrane_goes_through_what_is_known():
    values = np.random.default_rng(1).uniform(0, 255, (33, 47, 2)).astype(np.float32)
    weights = (np.random.default_rng(2).random(values.shape) < 0.2).astype(np.float32)
    known = weights == 1

    surface = membrane(values * weights, weights)

    assert np.allclose(surface[known], values[known], atol=1e-3)
    assert values[known].min() <= surface.min()
    assert surface.max() <= values[known].max() + 1e-3


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 3), (7, 129)])
@pytest.mark.parametrize("planes", [1, 3])
def test_a_membrane_copes_with_any_shape(shape, planes):
    weights = np.zeros((*shape, planes), np.float32)
    weights[0, 0] = 1

    assert np.allclose(membrane(70 * weights, weights), 70, atol=0.01)


@pytest.mark.parametrize("action", HIDING)
@pytest.mark.parametrize("size", [(9, 9), (40, 25), (301, 507), (2000, 333)])
def test_effects_look_the_same_at_every_size(action, size):
    # A ramp from left to right: what is drawn does not depend on how fine it is sampled.
    width, height = size
    plane = plane_of(lambda x, y: 40 + 160 * (x + 0.5) / width, width=width, height=height)
    hidden = np.zeros(plane.shape, bool)
    hidden[height // 4 : -(height // 4), width // 4 : -(width // 4)] = True

    new = drawn(np.where(hidden, 0, plane), action, hidden=hidden)

    inside = new[hidden].reshape(-1, hidden.any(axis=0).sum())
    left, right = inside[:, : width // 6].mean(), inside[:, -(width // 6) :].mean()
    if action is Action.FILL:
        assert left == right == pytest.approx(120, abs=30)
    else:
        assert 60 < left < 120 < right < 180


def test_a_window_whose_corners_are_of_another_colour_keeps_that_of_the_ring():
    # A turned code on white paper, the paper on black ground.
    y, x = np.mgrid[:120, :120]
    distance = abs(x - 60) + abs(y - 60)
    plane = np.where(distance < 56, 240, 10).astype(np.float32)
    hidden = distance < 44

    for action in HIDING:
        assert np.allclose(drawn(plane, action, hidden=hidden)[hidden], 240, atol=1)


def test_a_mosaic_on_blank_paper_shows_that_it_is_one():
    white = plane_of(lambda x, y: 250)

    new = drawn(white, Action.PIXELATE, brightness=(1.0,))[middle(white)]

    assert 2 < new.std() < 12
    assert new.max() <= 250


@pytest.mark.parametrize("action", HIDING)
def test_planes_may_differ_in_both_directions(action):
    # As in a JPEG whose components are sampled 3 x 2, 1 x 1 and 1 x 2.
    shapes = [(88, 120), (44, 40), (88, 40)]
    hidden = np.zeros((11, 5), bool)
    hidden[4:7, 1:4] = True
    planes = tuple(np.full(shape, 30 + 60 * i, np.float32) for i, shape in enumerate(shapes))

    new = draw(planes, hidden=hidden, target=hidden, action=action, style=AUTO)

    assert [plane.shape for plane in new] == shapes
    assert all(np.allclose(*pair, atol=0.01) for pair in zip(new, planes, strict=True))
