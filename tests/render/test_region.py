"""The region of a code: its quad with its quiet zone, on every side."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redactor.geometry import Point, Quad
from redactor.model import Action, Decision, Detection, Region, Style, Symbology
from redactor.render import difference_outside, hidden_area, region_of

SIZE = 200


def a_region(symbology="qrcode", *, width=SIZE, height=SIZE, modules=None, scale=1.0, **fields):
    quad = Quad.from_box(100, 100, width, height)
    code = Detection(quad, Symbology(symbology), None, 1.0, ("zxing",), modules=modules, **fields)
    return region_of(Decision(code, Action.BLUR, "default"), scale=scale)


STEP = 12  # a twentieth of the side, and a step of the sizes of grids


def margins(region, width=SIZE, height=SIZE):
    """Give how far a region reaches beyond its code: left, right, above, below."""
    xs, ys = zip(*region.quad.corners, strict=True)
    return 100 - min(xs), max(xs) - 100 - width, 100 - min(ys), max(ys) - 100 - height


@pytest.mark.parametrize("symbology", ["qrcode", "datamatrix", "aztec", "unknown"])
@pytest.mark.parametrize("modules", [None, (21, 21), (177, 177)])
def test_codes_of_squares_get_a_margin_of_a_twenty_fifth_and_go_on_to_the_grid(symbology, modules):
    for margin in margins(a_region(symbology, modules=modules)):
        assert 0.04 * SIZE + 1 <= margin < 0.04 * SIZE + 1 + STEP


def test_a_flat_code_gets_a_margin_by_its_longer_side():
    for margin in margins(a_region("rmqr", width=430, height=70), width=430, height=70):
        assert 0.02 * 430 + 0.02 * 70 + 1 <= margin < 0.02 * 430 + 0.02 * 70 + 1 + 5


@pytest.mark.parametrize(
    ("symbology", "least"), [("ean13", 9 / 95), ("ean8", 9 / 67), ("code128", 0.06), ("1d", 0.06)]
)
def test_bars_have_quiet_zones_at_their_ends_alone(symbology, least):
    left, right, above, below = margins(a_region(symbology, height=80), height=80)

    assert min(left, right) >= least * SIZE
    assert 0 < min(above, below) <= max(above, below) < 8


def test_a_larger_region_holds_the_smaller():
    small, large = a_region(), a_region(scale=1.6)

    assert all(more > less for more, less in zip(margins(large), margins(small), strict=True))


@pytest.mark.parametrize("angle", [0, 12, 45, 90, 203.7])
def test_codes_whose_corners_wobble_have_the_same_region(angle):
    turn = np.radians(angle)
    axes = np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))])
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    random = np.random.default_rng(5)
    same = 0
    for _ in range(200):
        corners = square * random.uniform(60, 300) @ axes + random.uniform(300, 500, 2)
        one, other = (
            region_of(
                Decision(
                    Detection(Quad.of(moved), Symbology.QRCODE, None, 1.0, ("zxing",)),
                    Action.BLUR,
                    "default",
                )
            )
            for moved in (corners, corners + random.normal(0, 0.15, corners.shape))
        )
        same += one == other

    assert same > 160


def test_a_region_keeps_action_style_and_frame():
    quad = Quad.from_box(5, 5, 30, 30)
    code = Detection(quad, Symbology.AZTEC, "x", 1.0, ("zxing",), frame=2)
    style = Style(color=(1, 2, 3), blocks=5)

    region = region_of(Decision(code, Action.PIXELATE, "default", style=style))

    assert (region.action, region.style, region.frame) == (Action.PIXELATE, style, 2)


@given(angle=st.floats(0, 6.28), side=st.floats(3, 300), symbology=st.sampled_from(list(Symbology)))
def test_a_region_holds_its_code_however_it_is_turned(angle, side, symbology):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    quad = Quad.of(np.array([(0, 0), (side, 0), (side, side), (0, side)]) @ turn.T)
    code = Detection(quad, symbology, None, 0.5, ("opencv",))

    region = region_of(Decision(code, Action.BLUR, "default"))

    assert all(region.quad.contains(corner) for corner in quad.corners)
    assert region.quad.area > quad.area


@pytest.mark.parametrize("symbology", ["code128", "qrcode", "ean13"])
def test_a_line_that_a_decoder_calls_a_code_is_hidden(symbology):
    code = Detection(
        Quad.of([(10, 20), (90, 20), (90, 20), (10, 20)]), Symbology(symbology), "x", 1.0, ("zbar",)
    )

    region = region_of(Decision(code, Action.FILL, "default"))

    assert region.quad.contains(Point(50, 20))
    assert region.quad.mask(120, 60)[20, 10:90].all()


def test_the_hidden_area_is_that_of_every_region():
    one = Region(Quad.from_box(3, 3, 4, 4), Action.BLUR)
    two = Region(Quad.from_box(20, 10, 5, 5), Action.FILL)
    apart = Region(Quad.from_box(99, 99, 5, 5), Action.FILL)

    pixels = hidden_area([one, two, apart], (30, 20))
    cells = hidden_area([one, two, apart], (30, 20), (8, 8))

    assert np.array_equal(pixels, one.quad.mask(30, 20) | two.quad.mask(30, 20))
    assert cells.shape == (3, 4)
    assert np.argwhere(cells).tolist() == [[0, 0], [1, 2], [1, 3]]
    assert not hidden_area([], (30, 20)).any()


HIDDEN = Region(Quad.from_box(16, 8, 8, 8), Action.FILL)


@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize(
    ("place", "cell", "seen"),
    [
        ((8, 16), (1, 1), 0),
        ((15, 23), (1, 1), 0),
        ((8, 15), (1, 1), 7),
        ((16, 16), (1, 1), 0),  # the quad's edge touches this row
        ((17, 16), (1, 1), 7),
        ((8, 12), (8, 8), 0),  # upsampled over the edge of a block
        ((8, 11), (8, 8), 7),
        ((39, 59), (8, 8), 7),
    ],
)
def test_a_difference_outside_of_what_is_hidden_is_seen(place, cell, seen, channels):
    before = np.full((40, 60, *channels), 100, dtype=np.uint8)
    after = before.copy()
    after[8:16, 16:24] = 0
    after[place] = 93 if seen else 0

    assert difference_outside(before, after, [HIDDEN], cell) == seen


def test_a_picture_of_another_size_differs_as_much_as_can_be():
    assert difference_outside(np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8), []) == 255


def test_regions_over_the_edge_hide_what_lies_within():
    before, after = np.zeros((40, 60), np.uint8), np.zeros((40, 60), np.uint8)
    after[30:, 50:] = 9
    corner = Region(Quad.from_box(45, 27, 99, 99), Action.BLUR)
    far = Region(Quad.from_box(-99, -99, 9, 9), Action.BLUR)

    for cell in ((1, 1), (16, 16)):
        assert difference_outside(before, after, [corner, far], cell) == 0
