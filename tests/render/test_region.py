"""The region of a code: its quad with its quiet zone, on every side."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redactor.geometry import Point, Quad
from redactor.model import Action, Decision, Detection, Region, Style, Symbology
from redactor.render import hidden_area, region_of

SIZE = 200


def a_region(symbology="qrcode", *, width=SIZE, height=SIZE, modules=None, scale=1.0, **fields):
    quad = Quad.from_box(100, 100, width, height)
    code = Detection(quad, Symbology(symbology), None, 1.0, ("zxing",), modules=modules, **fields)
    return region_of(Decision(code, Action.BLUR, "default"), scale=scale)


def margins(region, width=SIZE, height=SIZE):
    """Give how far a region reaches beyond its code: left and right, above and below."""
    xs, ys = zip(*region.quad.corners, strict=True)
    assert 100 - min(xs) == pytest.approx(max(xs) - 100 - width)
    assert 100 - min(ys) == pytest.approx(max(ys) - 100 - height)
    return 100 - min(xs), 100 - min(ys)


@pytest.mark.parametrize(
    ("symbology", "modules", "quiet"),
    [
        ("qrcode", 69, 4),
        ("qrcode", 177, 4),
        ("rmqr", 35, 2),
        ("datamatrix", 24, 1),
        ("aztec", 19, 1),
        ("maxicode", 30, 1),
    ],
)
def test_square_codes_get_the_quiet_zone_of_their_standard(symbology, modules, quiet):
    across, down = margins(a_region(symbology, modules=(modules, modules)))

    least = quiet * SIZE / modules
    assert across == down
    assert least + 1 <= across <= least + 0.03 * SIZE + 1


@pytest.mark.parametrize("modules", [None, (21, 21), (33, 33)])
def test_coarse_codes_and_those_of_unknown_size_get_a_share_of_their_side(modules):
    # Four modules of a small code are a third of its area: blank paper, hidden for nothing.
    assert margins(a_region(modules=modules)) == pytest.approx((0.08 * SIZE + 1,) * 2)


def test_a_flat_code_gets_a_zone_of_its_own_modules():
    across, down = margins(
        a_region("rmqr", width=430, height=70, modules=(43, 7)), width=430, height=70
    )

    assert across == down == pytest.approx(2 * 10 + 1 + 0.02 * 70)


@pytest.mark.parametrize(
    ("symbology", "least"), [("ean13", 9 / 95), ("ean8", 9 / 67), ("code128", 0.06), ("1d", 0.06)]
)
def test_bars_have_quiet_zones_at_their_ends_alone(symbology, least):
    across, down = margins(a_region(symbology, height=80), height=80)

    assert across >= least * SIZE
    assert 0 < down < 4


def test_a_larger_region_holds_the_smaller():
    small, large = a_region(), a_region(scale=1.6)

    assert margins(large) == pytest.approx([1.6 * margin for margin in margins(small)])


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
