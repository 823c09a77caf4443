"""QR codes by their finder patterns, whether or not anybody can read them.

A finder pattern is a dark square in a light one in a dark one, with sides as 3 : 5 : 7 modules.
Three of them at the corners of a square span a code, and two do where there is a module texture
between them; what a lone one belongs to, `texture` finds out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from redactor.detect.lighting import shrink
from redactor.detect.texture import density
from redactor.errors import LimitExceeded
from redactor.geometry import Quad
from redactor.model import Pixels

Vector = NDArray[np.float64]

# Thresholds adapt to a neighbourhood; two sizes of it, as shares of the longer side, see finder
# patterns of small and of large codes. Large ones show in a raster of half the size as well.
_NEIGHBOURHOODS = ((1, 40), (2, 12))
_THRESHOLD_OFFSET = 14  # levels of even light, of which noise has ten
_MIN_AREA_PX = 80.0
# Areas of the light and the inner dark square, as shares of the whole: 25/49 and 9/49, with room
# for blur, which thins or thickens both.
_LIGHT_SHARE = (0.3, 0.75)
_CORE_SHARE = (0.05, 0.4)
_MAX_ASPECT = 2.2  # seen at a slant
_MIN_FILL = 0.7  # of the rectangle around it
_MAX_SHARE = 0.4  # of the raster's longer side: three of them and what is between do not fit in
_SAME_SIZE = 2.0  # a pattern within a larger one is the same only if not much smaller
_MAX_OFFSET = 0.15  # of the longer side, between the centres of the whole and of its core

_MOST_FINDERS = 1_500  # in both neighbourhoods: three to a code, and room
_MAX_FOR_TRIPLES = 14  # finder patterns without a code; combinations grow with the cube
_MAX_FOR_PAIRS = 24
_MIN_DENSITY_TRIPLE = 0.15  # transitions per module; random modules have 0.5, paper none
_MIN_DENSITY_PAIR = 0.28


@dataclass(frozen=True, eq=False)
class Finder:
    """One finder pattern.

    Attributes:
        center: (x, y) in pixels.
        module: Side of a module in pixels.
        axes: Two unit vectors along its sides.
    """

    center: Vector
    module: float
    axes: tuple[Vector, Vector]

    def scaled(self, factor: float) -> Finder:
        """Give it in the pixels of a raster so many times as large."""
        return Finder(self.center * factor, self.module * factor, self.axes)


@dataclass(frozen=True, eq=False)
class Square:
    """A code that finder patterns span.

    Attributes:
        quad: Its outline in pixels.
        finders: Indices of the finder patterns.
    """

    quad: Quad
    finders: frozenset[int]


def find_finders(flat: Pixels) -> list[Finder]:
    """Find finder patterns in an evenly lit raster, the largest first."""
    found: list[Finder] = []
    for factor, neighbourhood in _NEIGHBOURHOODS:
        small, _ = shrink(flat, max(flat.shape) // factor)
        nested = _nested_squares(small, max(11, max(small.shape) // neighbourhood | 1))
        found += [finder.scaled(factor) for finder in nested]
    if len(found) > _MOST_FINDERS:
        raise LimitExceeded("more finder patterns than any sheet of codes has")
    largest = _MAX_SHARE * max(flat.shape) / 7
    return distinct(finder for finder in found if finder.module < largest)


def distinct(finders: Iterable[Finder]) -> list[Finder]:
    """Give each finder pattern once, the largest first; several rasters may show the same."""
    found = sorted(finders, key=lambda finder: -finder.module)
    modules = np.array([finder.module for finder in found])
    centers = np.array([finder.center for finder in found]).reshape(-1, 2)
    chosen: list[Finder] = []
    is_free = np.ones(len(found), dtype=np.bool_)
    for index, finder in enumerate(found):
        if is_free[index]:
            chosen.append(finder)
            is_near = np.hypot(*(centers - finder.center).T) < 3 * finder.module
            is_free &= ~(is_near & (finder.module < _SAME_SIZE * modules))
    return chosen


def squares(finders: Sequence[Finder], flat: Pixels) -> list[Square]:
    """Give the codes that finder patterns span, three or two each; none shares a pattern."""
    chosen: list[Square] = []
    taken: set[int] = set()
    for candidates in (_triples(finders, flat), _pairs(finders, flat, taken)):
        for _, square in sorted(candidates, key=lambda scored: -scored[0]):
            if not taken & square.finders:
                taken |= square.finders
                chosen.append(square)
    return chosen


def _nested_squares(flat: Pixels, neighbourhood: int) -> Iterator[Finder]:
    dark = cv2.adaptiveThreshold(
        flat,
        255,
        cv2.ADAPTIVE_THRESH_MEAN_C,
        cv2.THRESH_BINARY_INV,
        neighbourhood,
        _THRESHOLD_OFFSET,
    )
    found, tree = cv2.findContours(dark, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
    if tree is None:
        return
    children, parents = tree[0][:, 2], tree[0][:, 3]
    # A pattern is three contours within each other; most of a picture's have none inside.
    has_child = children >= 0
    is_around = np.zeros(len(found), dtype=np.bool_)
    is_around[parents[has_child & (parents >= 0)]] = True
    following = tree[0][:, 0]
    areas: dict[int, float] = {}

    def area(index: int) -> float:
        if index not in areas:
            areas[index] = cv2.contourArea(found[index])
        return areas[index]

    def largest_child(index: int) -> int:
        best, child = -1, int(children[index])
        while child >= 0:
            if best < 0 or area(child) > area(best):
                best = child
            child = int(following[child])
        return best

    for index in map(int, np.flatnonzero(is_around)):
        whole = area(index)
        if whole < _MIN_AREA_PX:
            continue
        light = largest_child(index)
        if not _LIGHT_SHARE[0] * whole < area(light) < _LIGHT_SHARE[1] * whole:
            continue
        core = largest_child(light)
        if core < 0 or not _CORE_SHARE[0] * whole < area(core) < _CORE_SHARE[1] * whole:
            continue
        outer, inner = (np.asarray(found[i], dtype=np.int32) for i in (index, core))
        finder = _finder(outer, inner, whole)
        if finder is not None:
            yield finder


def _finder(contour: NDArray[np.int32], core: NDArray[np.int32], area: float) -> Finder | None:
    rectangle = cv2.minAreaRect(contour)
    width, height = rectangle[1]
    longer, shorter = max(width, height), min(width, height)
    if shorter < 6 or longer > _MAX_ASPECT * shorter or area < _MIN_FILL * width * height:
        return None
    center = np.array(rectangle[0], dtype=np.float64)
    moments = cv2.moments(core)
    if moments["m00"] == 0:
        return None
    inner = np.array((moments["m10"], moments["m01"])) / moments["m00"]
    if np.hypot(*(inner - center)) > _MAX_OFFSET * longer:
        return None
    corners = cv2.boxPoints(rectangle).astype(np.float64)
    axes = (_unit(corners[1] - corners[0]), _unit(corners[2] - corners[1]))
    return Finder(center, float(np.sqrt(width * height)) / 7, axes)


def _triples(finders: Sequence[Finder], flat: Pixels) -> Iterator[tuple[float, Square]]:
    """Score every three finder patterns that could be top left, top right and bottom left."""
    if len(finders) > _MAX_FOR_TRIPLES:
        return
    for three in itertools.combinations(range(len(finders)), 3):
        modules = [finders[index].module for index in three]
        if max(modules) > 1.9 * min(modules):
            continue
        for turn in range(3):
            corner, right, down = three[turn], three[turn - 2], three[turn - 1]
            square = _triple(finders, (corner, right, down), flat, float(np.mean(modules)))
            if square is not None:
                score, quad = square
                score -= 0.3 * float(np.log(max(modules) / min(modules)))
                yield score, Square(quad, frozenset(three))


def _triple(
    finders: Sequence[Finder], indices: tuple[int, int, int], flat: Pixels, module: float
) -> tuple[float, Quad] | None:
    corner, right, down = (finders[index] for index in indices)
    across, along = right.center - corner.center, down.center - corner.center
    width, height = float(np.hypot(*across)), float(np.hypot(*along))
    if not 0.45 < width / height < 2.2 or min(width, height) < 10 * module:
        return None
    if max(width, height) > 175 * module:
        return None
    u, v = across / width, along / height
    if abs(u @ v) > 0.55:
        return None
    sides = ((u, corner), (v, corner), (u, right), (v, down))
    if min(_alignment(direction, finder) for direction, finder in sides) < 0.85:
        return None
    a = corner.center - (u + v) * 3.5 * corner.module
    b = right.center + (u - v) * 3.5 * right.module
    d = down.center + (v - u) * 3.5 * down.module
    quad = Quad.of((a, b, b + d - a, d))
    modules = density(flat, quad, module)
    if modules < _MIN_DENSITY_TRIPLE:
        return None
    return modules - abs(float(u @ v)) - 0.3 * abs(float(np.log(width / height))), quad


def _pairs(
    finders: Sequence[Finder], flat: Pixels, taken: set[int]
) -> Iterator[tuple[float, Square]]:
    """Score every two finder patterns that could stand at a side or at a diagonal of a code."""
    free = [index for index in range(len(finders)) if index not in taken]
    if len(free) > _MAX_FOR_PAIRS:
        return
    for i, j in itertools.combinations(free, 2):
        first, second = finders[i], finders[j]
        if max(first.module, second.module) > 1.5 * min(first.module, second.module):
            continue
        module = (first.module + second.module) / 2
        scored = [
            (density(flat, quad, module), quad) for quad in _pair_quads(first, second, module)
        ]
        if scored:
            score, quad = max(scored, key=lambda pair: pair[0])
            if score > _MIN_DENSITY_PAIR:
                yield score, Square(quad, frozenset((i, j)))


def _pair_quads(first: Finder, second: Finder, module: float) -> Iterator[Quad]:
    offset = second.center - first.center
    length = float(np.hypot(*offset))
    if not 13 * module < length < 175 * module:
        return
    along = offset / length
    normal = np.array((-along[1], along[0]))
    alignments = [_alignment(along, finder) for finder in (first, second)]
    if min(alignments) > 0.93:  # two ends of one side; the code lies on one hand or the other
        for inward in (normal, -normal):
            a = first.center - (along + inward) * 3.5 * module
            b = second.center + (along - inward) * 3.5 * module
            depth = inward * (length + 7 * module)
            yield Quad.of((a, b, b + depth, a + depth))
    elif max(alignments) < 0.82 and length > 18 * module:  # two ends of a diagonal
        middle = (first.center + second.center) / 2
        half = (length + 7 * module * np.sqrt(2)) / 2
        ends = (-along, normal, along, -normal)
        yield Quad.of([middle + end * half for end in ends])


def _alignment(direction: Vector, finder: Finder) -> float:
    """Give the cosine between a direction and the nearest side of a finder pattern."""
    return max(abs(float(direction @ axis)) for axis in finder.axes)


def _unit(vector: Vector) -> Vector:
    return vector / max(float(np.hypot(*vector)), 1e-9)
