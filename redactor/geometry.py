"""Points and quads: the geometry of codes in a picture. Numbers only.

Coordinates are pixels of the stored raster, origin top left, x right, y down, and continuous:
the pixel in column i covers the interval from i to i + 1.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


class Point(NamedTuple):
    """A place in a picture, in pixels."""

    x: float
    y: float


class Box(NamedTuple):
    """Whole pixels: columns left to right - 1, rows top to bottom - 1."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns covered."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows covered."""
        return self.bottom - self.top

    def grow(self, margin: int) -> Box:
        """Move each side outward by a number of pixels."""
        return Box(self.left - margin, self.top - margin, self.right + margin, self.bottom + margin)

    def clip(self, width: int, height: int) -> Box:
        """Cut to a picture; empty (zero width or height) where nothing of it lies inside."""
        left, right = (min(max(value, 0), width) for value in (self.left, self.right))
        top, bottom = (min(max(value, 0), height) for value in (self.top, self.bottom))
        return Box(left, top, max(left, right), max(top, bottom))

    def snap(self, cell: tuple[int, int]) -> Box:
        """Grow outward to whole cells of a grid that starts at the origin."""
        across, down = cell
        return Box(
            self.left // across * across,
            self.top // down * down,
            -(-self.right // across) * across,
            -(-self.bottom // down) * down,
        )


@dataclass(frozen=True, slots=True)
class Quad:
    """Four corners in order around the symbol.

    From decoders the order is that of the symbol: its own top left, top right, bottom right and
    bottom left, however it is turned in the picture.
    """

    corners: tuple[Point, Point, Point, Point]

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for corner in self.corners for value in corner):
            raise ValueError(f"corner is not finite: {self.corners}")

    @classmethod
    def of(cls, points: Iterable[Sequence[float] | NDArray[np.float64]]) -> Quad:
        """Make a quad of four (x, y) pairs.

        Raises:
            ValueError: If there are not exactly four, or one is not finite.
        """
        corners = tuple(Point(float(point[0]), float(point[1])) for point in points)
        if len(corners) != 4:
            raise ValueError(f"a quad has four corners, not {len(corners)}")
        return cls(corners)

    @classmethod
    def from_box(cls, left: float, top: float, width: float, height: float) -> Quad:
        """Make an upright quad."""
        right, bottom = left + width, top + height
        return cls.of(((left, top), (right, top), (right, bottom), (left, bottom)))

    def as_array(self) -> NDArray[np.float64]:
        """Give the corners as an array of shape (4, 2)."""
        return np.array(self.corners, dtype=np.float64)

    @property
    def box(self) -> Box:
        """The smallest whole-pixel box around it; not clipped to any picture."""
        x, y = ([corner[axis] for corner in self.corners] for axis in (0, 1))
        return Box(math.floor(min(x)), math.floor(min(y)), math.ceil(max(x)), math.ceil(max(y)))

    @property
    def center(self) -> Point:
        """The mean of the corners."""
        x, y = (sum(corner[axis] for corner in self.corners) / 4 for axis in (0, 1))
        return Point(x, y)

    @property
    def area(self) -> float:
        """Area in square pixels, whatever the direction of the corners."""
        return abs(_signed_area(self.corners))

    @property
    def sides(self) -> tuple[float, float]:
        """Mean lengths in pixels along its own top and bottom, and along its left and right."""
        a, b, c, d = self.corners
        return (math.dist(a, b) + math.dist(d, c)) / 2, (math.dist(a, d) + math.dist(b, c)) / 2

    def grow(self, across: float, down: float | None = None) -> Quad:
        """Move every side outward.

        Args:
            across: Pixels by which the left and the right side move, along the symbol's own axes.
            down: The same for the top and the bottom; `across` where None.
        """
        down = across if down is None else down
        points, hull = self.as_array(), self.hull()
        if len(hull) < 3:
            return _rectangle(points, across, down)
        if not _is_convex(points):
            points = hull  # corners out of order; one that lies inside the others is left out
        grown = _grow_sides(points, across, down) if len(points) == 4 else None
        # What has no four sides to move, or sides that meet far away, gets a rectangle around it.
        return grown or _rectangle(points, *[max(across, down)] * 2)

    def snap(self, step: float, directions: int) -> Quad:
        """Move every side outward to a grid, so that nearly equal quads become equal ones.

        Args:
            step: Distances of the sides from the origin become multiples of it, in pixels.
            directions: How many there are for them to face, around the circle; a multiple of 8
                keeps upright quads upright, and those on a corner as they are.

        Returns:
            A quad that holds this one; this one where it has no four sides to move, or where two
            of them would meet far away.
        """
        points = self.as_array()
        if not _is_convex(points):
            points = self.hull()
        if len(points) != 4:
            return self
        lines = [_snapped_line(points, index, step, directions) for index in range(4)]
        corners = [_meet(lines[index - 1], lines[index]) for index in range(4)]
        reach = 4 * step + max(self.sides)
        if any(math.dist(*pair) > reach for pair in zip(corners, points, strict=True)):
            return self
        return Quad.of(np.round(corners, 6))  # on a whole line, not a rounding error beside it

    def map(self, matrix: NDArray[np.float64]) -> Quad:
        """Apply a 3 x 3 projective map to the corners."""
        points = np.c_[self.as_array(), np.ones(4)] @ matrix.T
        return Quad.of(points[:, :2] / points[:, 2:])

    def shift(self, x: float, y: float) -> Quad:
        """Move by whole or broken pixels."""
        return Quad.of([(corner.x + x, corner.y + y) for corner in self.corners])

    def hull(self) -> NDArray[np.float64]:
        """The convex hull: shape (n, 2) with n of 1 to 4."""
        return _hull(self.corners)

    def contains(self, point: Point) -> bool:
        """Say whether a point lies in the hull, its edge included."""
        hull = self.hull()
        if len(hull) < 3:
            return False
        edges = np.roll(hull, -1, axis=0) - hull
        to_point = np.array(point) - hull
        cross = edges[:, 0] * to_point[:, 1] - edges[:, 1] * to_point[:, 0]
        return bool((cross >= -1e-9).all())

    def overlap(self, other: Quad) -> float:
        """Area in square pixels that the hulls of both share."""
        for axis in (0, 1):  # most pairs of codes lie apart, and this is a tenth of the work
            own, others = ([corner[axis] for corner in q.corners] for q in (self, other))
            if max(own) <= min(others) or max(others) <= min(own):
                return 0.0
        return intersection_area(self.hull(), other.hull())

    def mask(self, width: int, height: int, *, cell: tuple[int, int] = (1, 1)) -> Mask:
        """Cells of a grid over a picture that the quad touches.

        The answer errs outward only: a cell that the quad touches in a single point is in it,
        so what is hidden is never short by a row or a column.

        Args:
            width: Of the picture, in pixels.
            height: Of the picture, in pixels.
            cell: Width and height of a cell in pixels.

        Returns:
            Shape (rows of cells, columns of cells); the last ones may reach over the edge.
        """
        across, down = cell
        result = np.zeros((-(-height // down), -(-width // across)), dtype=np.bool_)
        box, touched = self.touched(width, height, cell=cell)
        result[box.top : box.bottom, box.left : box.right] = touched
        return result

    def touched(
        self, width: int, height: int, *, cell: tuple[int, int] = (1, 1)
    ) -> tuple[Box, Mask]:
        """Give the part of `mask` that is not empty, and its place in cells.

        Much cheaper than the mask of a whole picture where the quad is small.
        """
        across, down = cell
        xs, ys = ([corner[axis] for corner in self.corners] for axis in (0, 1))
        box = Box(
            math.floor(min(xs) / across),
            math.floor(min(ys) / down),
            math.floor(max(xs) / across) + 1,
            math.floor(max(ys) / down) + 1,
        ).clip(-(-width // across), -(-height // down))
        x = (np.arange(box.left, box.right) + 0.5) * across
        y = (np.arange(box.top, box.bottom) + 0.5) * down
        # From where to where the quad reaches in each row of cells.
        first, last = np.full(box.height, -np.inf), np.full(box.height, np.inf)
        hull = self.hull().tolist()
        if len(hull) >= 2:
            for start, end in zip(hull, [*hull[1:], hull[0]], strict=True):
                # Inside lies to the right of the edge in this left-handed frame; half a cell's
                # extent along the normal turns "centre inside" into "touches".
                normal_x, normal_y = start[1] - end[1], end[0] - start[0]
                reach = (abs(normal_x) * across + abs(normal_y) * down) / 2 + 1e-9
                least = normal_y * (start[1] - y) - reach  # of normal_x * (x - start[0])
                if normal_x > 0:
                    np.maximum(first, start[0] + least / normal_x, out=first)
                elif normal_x < 0:
                    np.minimum(last, start[0] + least / normal_x, out=last)
                else:
                    first[least > 0] = np.inf
        columns = np.arange(box.width)
        begin, end = np.searchsorted(x, first)[:, None], np.searchsorted(x, last, "right")[:, None]
        return box, (columns >= begin) & (columns < end)


# By EXIF orientation: where a point of the upright picture lies in the stored raster, from its own
# coordinates and the raster's width and height.
_FROM_UPRIGHT = {
    1: ((1, 0, 0, 0), (0, 1, 0, 0)),
    2: ((-1, 0, 1, 0), (0, 1, 0, 0)),
    3: ((-1, 0, 1, 0), (0, -1, 0, 1)),
    4: ((1, 0, 0, 0), (0, -1, 0, 1)),
    5: ((0, 1, 0, 0), (1, 0, 0, 0)),
    6: ((0, 1, 0, 0), (-1, 0, 0, 1)),
    7: ((0, -1, 1, 0), (-1, 0, 0, 1)),
    8: ((0, -1, 1, 0), (1, 0, 0, 0)),
}


def from_upright(orientation: int, size: tuple[int, int]) -> NDArray[np.float64]:
    """Give the map from the upright picture to the stored raster, of shape (3, 3).

    Args:
        orientation: EXIF orientation, 1 to 8.
        size: Width and height of the stored raster in pixels.
    """
    rows = [(x, y, w * size[0] + h * size[1]) for x, y, w, h in _FROM_UPRIGHT[orientation]]
    return np.array((*rows, (0, 0, 1)), dtype=np.float64)


@functools.lru_cache(maxsize=1_000)
def _hull(corners: tuple[Point, ...]) -> NDArray[np.float64]:
    """Remember hulls: the same few codes are held against each other, and drawn, many times."""
    hull = convex_hull(np.array(corners, dtype=np.float64))
    hull.setflags(write=False)
    return hull


def convex_hull(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Order the outermost points so that the inside lies at positive cross product.

    Andrew's monotone chain; duplicates and points on an edge are left out.
    """
    unique = sorted({(float(x), float(y)) for x, y in points})
    if len(unique) < 3:
        return np.array(unique, dtype=np.float64)

    def chain(ordered: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
        kept: list[tuple[float, float]] = []
        for point in ordered:
            while len(kept) >= 2 and _cross(kept[-2], kept[-1], point) <= 0:
                kept.pop()
            kept.append(point)
        return kept[:-1]

    return np.array(chain(unique) + chain(reversed(unique)), dtype=np.float64)


def intersection_area(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Area shared by two convex polygons as `convex_hull` gives them (Sutherland-Hodgman)."""
    if len(first) < 3 or len(second) < 3:
        return 0.0
    polygon: list[tuple[float, ...]] = [tuple(point) for point in first.tolist()]
    edges = second.tolist()
    for start, end in zip(edges, [*edges[1:], edges[0]], strict=True):
        clipped: list[tuple[float, ...]] = []
        for index, point in enumerate(polygon):
            previous = polygon[index - 1]
            here, before = _cross(start, end, point), _cross(start, end, previous)
            if (here >= 0) != (before >= 0):
                share = before / (before - here)
                clipped.append(
                    tuple(p + share * (q - p) for p, q in zip(previous, point, strict=True))
                )
            if here >= 0:
                clipped.append(point)
        polygon = clipped
        if len(polygon) < 3:
            return 0.0
    return abs(_signed_area(polygon))


def _signed_area(points: Sequence[Sequence[float]]) -> float:
    following = [*points[1:], points[0]]
    return sum(a[0] * b[1] - a[1] * b[0] for a, b in zip(points, following, strict=True)) / 2


def _cross(a: Sequence[float], b: Sequence[float], c: Sequence[float]) -> float:
    return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))


def _moved_line(
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    center: NDArray[np.float64],
    distance: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Move a side away from the centre; returns a point on it and its direction."""
    direction = end - start
    normal = np.array((direction[1], -direction[0]))
    normal /= np.hypot(*normal)
    if np.dot(normal, (start + end) / 2 - center) < 0:
        normal = -normal
    return start + normal * distance, direction


def _snapped_line(
    points: NDArray[np.float64], index: int, step: float, directions: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Snap the side that begins at a corner; returns a point on the line and its direction."""
    start, end = points[index], points[(index + 1) % 4]
    normal = np.array((end[1] - start[1], start[0] - end[0]))
    if np.dot(normal, (start + end) / 2 - points.mean(axis=0)) < 0:
        normal = -normal
    circle = 2 * math.pi
    turns = round(math.atan2(normal[1], normal[0]) / circle * directions) % directions
    normal = np.array([f(turns / directions * circle) for f in (math.cos, math.sin)])
    # By all corners: with the direction turned a little, another one may reach further out.
    distance = math.ceil(float((points @ normal).max()) / step - 1e-6) * step
    return normal * distance, np.array((-normal[1], normal[0]))


def _meet(
    first: tuple[NDArray[np.float64], NDArray[np.float64]],
    second: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Where two lines cross; far away where they hardly do."""
    (p, d), (q, e) = first, second
    cross = d[0] * e[1] - d[1] * e[0]
    offset = q - p
    share = (offset[0] * e[1] - offset[1] * e[0]) / (cross or 1e-300)
    return p + d * min(max(share, -1e9), 1e9)


def _is_convex(points: NDArray[np.float64]) -> bool:
    """Say whether four corners turn the same way all around."""
    turns = [_cross(points[i - 2], points[i - 1], points[i]) for i in range(4)]
    return min(turns) > 0 or max(turns) < 0


def _grow_sides(points: NDArray[np.float64], across: float, down: float) -> Quad | None:
    """Move each side of a convex quad along its own normal; None if a corner lands far away."""
    center = points.mean(axis=0)
    lines = [
        _moved_line(points[index], points[(index + 1) % 4], center, distance)
        for index, distance in enumerate((down, across, down, across))
    ]
    corners = [_meet(lines[index - 1], lines[index]) for index in range(4)]
    reach = 4 * (abs(across) + abs(down)) + 1
    if any(math.dist(*pair) > reach for pair in zip(corners, points, strict=True)):
        return None
    return Quad.of(corners)


def _rectangle(points: NDArray[np.float64], across: float, down: float) -> Quad:
    """Give a rectangle around points, along their length, with margins at its ends and sides."""
    spread = points - points.mean(axis=0)
    farthest = spread[np.argmax(np.hypot(spread[:, 0], spread[:, 1]))]
    length = float(np.hypot(*farthest))
    axis = farthest / length if length > 1e-9 else np.array((1.0, 0.0))
    if axis[0] < 0:
        axis = -axis
    normal = np.array((-axis[1], axis[0]))
    along, aside = spread @ axis, spread @ normal
    center = points.mean(axis=0)
    left, right = axis * (along.min() - across), axis * (along.max() + across)
    top, bottom = normal * (aside.min() - down), normal * (aside.max() + down)
    return Quad.of(
        center + corner for corner in (left + top, right + top, right + bottom, left + bottom)
    )
