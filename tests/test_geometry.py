"""Quads and boxes: what is hidden is never short by a row or a column."""

import io
import math

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from redactor.geometry import Box, Point, Quad, convex_hull, from_upright, intersection_area

PLACE = st.one_of(st.integers(-8, 40), st.integers(-512, 2560).map(lambda value: value / 64))
CORNERS = st.lists(st.tuples(PLACE, PLACE), min_size=4, max_size=4)
QUADS = CORNERS.map(Quad.of)
MARGINS = st.integers(0, 320).map(lambda value: value / 16)
CELLS = st.sampled_from([(1, 1), (8, 8), (16, 8), (16, 16), (32, 8)])
BOXES = st.builds(Box, *[st.integers(-50, 90)] * 4)


@st.composite
def seen_squares(draw):
    """Give the picture of a square under a strong perspective."""
    side = draw(st.floats(2, 60))
    tilt = [draw(st.floats(-0.8, 0.8)) / side for _ in range(2)]
    angle = draw(st.floats(0, 6.28))
    shear = draw(st.floats(-0.7, 0.7))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = np.eye(3)
    matrix[:2, :2] = turn @ np.array([[1, shear], [0, 1]])
    matrix[2, :2] = tilt
    corners = np.array(((0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)))
    assume(((corners * (side, side, 1)) @ matrix.T)[:, 2].min() > 0.15)
    return Quad.from_box(0, 0, side, side).map(matrix)


def is_inside(outer, point, tolerance=1e-6):
    """Say whether a point lies in the hull of a quad, or closely at it."""
    hull = outer.hull()
    edges = np.roll(hull, -1, axis=0) - hull
    to_point = np.array(point) - hull
    cross = edges[:, 0] * to_point[:, 1] - edges[:, 1] * to_point[:, 0]
    return bool((cross / np.hypot(edges[:, 0], edges[:, 1]) >= -tolerance).all())


def points_of(quad, count=7):
    """Give points all over a quad's hull: mixtures of its corners."""
    corners = quad.as_array()
    weights = np.random.default_rng(0).dirichlet((0.4,) * 4, count)
    return [*corners, *(weights @ corners)]


def touched(quad, width, height, cell):
    """Give the cells that points of a quad lie in, by trying many of them."""
    across, down = cell
    mask = np.zeros((-(-height // down), -(-width // across)), dtype=bool)
    a, b, c, d = quad.as_array()
    steps = np.linspace(0, 1, 60)
    hull = quad.hull()
    edges = [
        start + (end - start) * step
        for start, end in zip(hull, np.roll(hull, -1, axis=0), strict=True)
        for step in steps
    ]
    inner = [
        p * (1 - s - t) + q * s + r * t
        for p, q, r in ((a, b, c), (a, c, d), (a, b, d), (b, c, d))
        for s in steps[::4]
        for t in steps[::4]
        if s + t <= 1
    ]
    for x, y in edges + inner:
        x, y = round(float(x), 6), round(float(y), 6)  # mixtures are a hair off
        column, row = math.floor(x / across), math.floor(y / down)
        if 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]:
            mask[row, column] = True
    return mask


@settings(max_examples=120)
@given(quad=QUADS, cell=CELLS)
@example(quad=Quad.of([(3, 3)] * 4), cell=(1, 1))
@example(quad=Quad.of([(2, 5), (30, 5), (30, 5), (2, 5)]), cell=(1, 1))
@example(quad=Quad.of([(0, 0), (10, 10), (10, 0), (0, 10)]), cell=(8, 8))
def test_a_mask_holds_every_cell_that_the_quad_touches(quad, cell):
    mask = quad.mask(33, 29, cell=cell)

    assert not (touched(quad, 33, 29, cell) & ~mask).any()


@settings(max_examples=80)
@given(quad=QUADS, cell=CELLS)
def test_a_mask_holds_no_cell_that_lies_apart(quad, cell):
    assume(len(quad.hull()) > 2)
    across, down = cell

    for row, column in np.argwhere(quad.mask(33, 29, cell=cell))[::7]:
        around = Quad.from_box(column * across, row * down, across, down).grow(0.01)
        assert quad.overlap(around) > 0


@given(QUADS)
def test_a_mask_by_cells_is_the_mask_by_pixels_grown(quad):
    pixels, cells = quad.mask(32, 24), quad.mask(32, 24, cell=(8, 8))

    assert not (pixels & ~cells.repeat(8, axis=0).repeat(8, axis=1)).any()


@given(quad=QUADS, cell=CELLS)
def test_the_touched_part_is_all_of_the_mask(quad, cell):
    box, touched = quad.touched(33, 29, cell=cell)
    mask = quad.mask(33, 29, cell=cell)

    assert np.array_equal(mask[box.top : box.bottom, box.left : box.right], touched)
    assert mask.sum() == touched.sum()


def test_a_quad_outside_of_the_picture_touches_nothing():
    for left, top in ((-30, 5), (50, 5), (5, -30), (5, 50)):
        assert not Quad.from_box(left, top, 10, 10).mask(40, 40).any()


def test_an_upright_quad_on_whole_pixels_takes_those_and_what_its_edge_touches():
    mask = Quad.from_box(3, 2, 5, 4).mask(12, 12)

    rows, columns = np.nonzero(mask)
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (3, 8, 2, 6)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_corners_that_are_no_numbers_are_refused(value):
    with pytest.raises(ValueError, match="not finite"):
        Quad.of([(0, 0), (1, 0), (1, value), (0, 1)])


def test_a_quad_has_four_corners():
    with pytest.raises(ValueError, match="four corners, not 3"):
        Quad.of([(0, 0), (1, 0), (1, 1)])


@settings(max_examples=300)
@given(quad=st.one_of(QUADS, seen_squares()), across=MARGINS, down=st.one_of(st.none(), MARGINS))
@example(quad=Quad.of([(0, 0), (10, 10), (10, 0), (0, 10)]), across=2.0, down=None)
@example(quad=Quad.of([(0, 0), (10, 0), (3, 3), (0, 10)]), across=2.0, down=None)
@example(quad=Quad.of([(0, 0), (10, 0), (10, 0), (0, 10)]), across=2.0, down=5.0)
@example(quad=Quad.of([(0, 0), (100, 0), (100, 1), (0, 90)]), across=0.5, down=9.0)
def test_a_grown_quad_holds_the_original(quad, across, down):
    grown = quad.grow(across, down)

    if len(grown.hull()) >= 3:
        assert all(is_inside(grown, corner) for corner in quad.corners)
    else:  # nothing was added to something flat
        assert min(across, across if down is None else down) == 0


@settings(max_examples=200)
@given(quad=st.one_of(QUADS, seen_squares()), margin=st.floats(0.5, 20))
def test_a_grown_quad_holds_everything_within_the_margin(quad, margin):
    assume(len(quad.hull()) > 2)
    grown = quad.grow(margin)

    for x, y in points_of(quad):
        for angle in np.linspace(0, 2 * np.pi, 12):
            around = (x + margin * math.cos(angle), y + margin * math.sin(angle))
            assert is_inside(grown, around, tolerance=1e-3)


@given(quad=seen_squares(), margin=st.floats(0.5, 20))
def test_growing_adds_no_more_than_a_reader_needs(quad, margin):
    # A mitre is the farthest that a corner goes; then it is a rectangle around everything.
    grown = quad.grow(margin).box

    reach = 8 * margin + 2 + math.dist(quad.box[:2], quad.box[2:])
    limit = quad.box.grow(math.ceil(reach))
    assert limit == Box(
        min(limit.left, grown.left), min(limit.top, grown.top),
        max(limit.right, grown.right), max(limit.bottom, grown.bottom),
    )  # fmt: skip


def test_sides_and_ends_grow_by_their_own_margin():
    assert Quad.from_box(10, 20, 30, 5).grow(3, 1) == Quad.from_box(7, 19, 36, 7)


def test_a_turned_quad_grows_along_its_own_axes():
    grown = Quad.of([(10, 0), (10, 30), (5, 30), (5, 0)]).grow(3, 1)

    assert grown.box == Box(4, -3, 11, 33)


@pytest.mark.parametrize(
    ("corners", "box"),
    [
        ([(5, 5)] * 4, Box(2, 4, 8, 6)),
        ([(0, 5), (20, 5), (20, 5), (0, 5)], Box(-3, 4, 23, 6)),
        ([(5, 0), (5, 20), (5, 20), (5, 0)], Box(4, -3, 6, 23)),
    ],
)
def test_points_and_lines_grow_to_rectangles(corners, box):
    assert Quad.of(corners).grow(3, 1).box == box


@given(first=QUADS, second=QUADS)
def test_overlap_is_symmetric_and_bounded(first, second):
    shared = first.overlap(second)
    areas = [intersection_area(quad.hull(), quad.hull()) for quad in (first, second)]

    assert shared == pytest.approx(second.overlap(first), abs=1e-3)
    assert -1e-6 <= shared <= min(areas) + 1e-3


@given(QUADS)
def test_a_quad_overlaps_itself_with_its_hull(quad):
    hull = quad.hull()
    x, y = hull[:, 0], hull[:, 1]
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2

    assert quad.overlap(quad) == pytest.approx(area, abs=1e-3)
    assert quad.overlap(quad.shift(100, 0)) == 0


@given(quad=QUADS, x=PLACE, y=PLACE)
def test_a_shift_moves_every_corner(quad, x, y):
    moved = quad.shift(x, y)

    assert [(c.x - x, c.y - y) for c in moved.corners] == [
        pytest.approx(corner) for corner in quad.corners
    ]


@given(QUADS)
def test_the_box_of_a_quad_holds_it(quad):
    box = quad.box

    for x, y in quad.corners:
        assert box.left <= x <= box.right
        assert box.top <= y <= box.bottom


@given(seen_squares())
def test_contains_knows_inside_from_outside(quad):
    assert quad.contains(quad.center)
    assert not quad.contains(Point(quad.box.right + 1, quad.center.y))


@given(CORNERS)
def test_a_hull_turns_one_way_and_holds_every_corner(corners):
    hull = convex_hull(np.array(corners, dtype=float))
    assume(len(hull) >= 3)

    ahead, back = np.roll(hull, -1, axis=0) - hull, hull - np.roll(hull, 1, axis=0)
    assert (back[:, 0] * ahead[:, 1] - back[:, 1] * ahead[:, 0] > 0).all()
    for corner in corners:
        edges, away = np.roll(hull, -1, axis=0) - hull, np.array(corner) - hull
        assert (edges[:, 0] * away[:, 1] - edges[:, 1] * away[:, 0] >= -1e-6).all()


@given(box=BOXES, width=st.integers(1, 60), height=st.integers(1, 60))
def test_a_clipped_box_lies_inside_its_picture(box, width, height):
    clipped = box.clip(width, height)

    assert 0 <= clipped.left <= clipped.right <= width
    assert 0 <= clipped.top <= clipped.bottom <= height
    assert clipped.clip(width, height) == clipped
    assert (clipped.width, clipped.height) >= (0, 0)


@given(box=BOXES, width=st.integers(1, 60), height=st.integers(1, 60))
def test_clipping_loses_nothing_that_lies_inside(box, width, height):
    clipped = box.clip(width, height)

    for x in range(width):
        assert (clipped.left <= x < clipped.right) == (box.left <= x < box.right)
    for y in range(height):
        assert (clipped.top <= y < clipped.bottom) == (box.top <= y < box.bottom)


@given(box=BOXES, cell=CELLS)
def test_a_snapped_box_is_the_smallest_of_whole_cells(box, cell):
    snapped = box.snap(cell)

    assert all(value % size == 0 for value, size in zip(snapped, cell * 2, strict=True))
    assert snapped.left <= box.left < snapped.left + cell[0]
    assert snapped.top <= box.top < snapped.top + cell[1]
    assert snapped.right - cell[0] < box.right <= snapped.right
    assert snapped.bottom - cell[1] < box.bottom <= snapped.bottom
    assert snapped.snap(cell) == snapped


@given(box=BOXES, margin=st.integers(0, 9))
def test_growing_a_box_and_back_is_the_box(box, margin):
    grown = box.grow(margin)

    assert grown.grow(-margin) == box
    assert grown.width == box.width + 2 * margin


def test_sides_and_area_are_measured_along_the_symbol():
    quad = Quad.of([(0, 0), (30, 40), (22, 46), (-8, 6)])

    assert quad.sides == (50, 10)
    assert quad.area == pytest.approx(500)
    assert Quad.of(reversed(quad.corners)).area == pytest.approx(500)
    assert quad.center == Point(11, 23)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_upright_picture_maps_to_the_stored_raster(orientation):
    stored = np.arange(12, dtype=np.uint8).reshape(3, 4)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.fromarray(stored).save(file, "PNG", exif=exif.tobytes())
    upright = np.asarray(ImageOps.exif_transpose(Image.open(file)))
    matrix = from_upright(orientation, (4, 3))

    for (row, column), value in np.ndenumerate(upright):
        x, y, _ = matrix @ (column + 0.5, row + 0.5, 1)
        assert stored[int(y), int(x)] == value


@given(st.one_of(QUADS, seen_squares()), st.floats(1, 40), st.integers(32, 400))
def test_a_snapped_quad_holds_the_quad(quad, step, directions):
    snapped = quad.snap(step, directions)

    assume(len(snapped.hull()) > 2)
    assert all(is_inside(snapped, point, 1e-3) for point in points_of(quad))


def test_an_upright_quad_snaps_to_the_lines_of_a_grid():
    snapped = Quad.from_box(13, 21, 30, 39).snap(8, 128)

    assert snapped.box == (8, 16, 48, 64)
    assert snapped == snapped.snap(8, 128)


def test_a_nearly_upright_quad_becomes_upright():
    nearly = Quad.of([(13.2, 21), (43, 21.4), (42.8, 60), (13, 59.7)])

    assert nearly.snap(8, 128) == Quad.from_box(13, 21, 30, 39).snap(8, 128)


@pytest.mark.parametrize(
    "corners",
    [
        [(5, 5), (5, 5), (5, 5), (5, 5)],
        [(0, 0), (10, 0), (20, 0), (30, 0)],
        [(0, 0), (10, 0), (5, 9), (5, 3)],
    ],
)
def test_what_has_no_four_sides_does_not_snap(corners):
    assert Quad.of(corners).snap(8, 128) == Quad.of(corners)
