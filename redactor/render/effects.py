"""Blur, mosaic and fill that are made of the surroundings alone.

All three begin with the ring: the known samples next to the hidden area, shrunk to a small raster
that all planes share (`_Grid`). Known samples are read; hidden ones are replaced by zero before
anything looks at them. Blur and mosaic go on with the *membrane*, a smooth surface through the
ring by pull-push interpolation (Gortler et al., "The Lumigraph", 1996): averages of the known
samples at ever coarser scales, then back, filling what is unknown from the coarser scale, and
smoothed at each. It has nothing finer to show than the ring, so the small raster is enough.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from redactor.geometry import Mask
from redactor.model import Action, Plane, Style

Raster = NDArray[np.float32]  # shape (rows, columns, planes)

# Where a picture has no pixel left to take colours from: grey, and opaque.
_NEUTRAL, _OPAQUE = 128.0, 255.0
_LONGEST = 64  # samples of the small raster along its longer side
_REACH = 5  # of them; half as far around the hidden area samples count
_SMOOTHING_ROUNDS = 3
_FACETS = 4  # samples to each of the small raster's, at which its facets are smoothed away
# A mosaic: how far a block goes from the membrane towards a colour from somewhere in the ring,
# and how far its brightness is moved as well, so that it looks like one on blank paper too.
_STIRRING, _RELIEF = 0.35, 8.0


def draw(
    planes: tuple[Plane, ...],
    *,
    hidden: Mask,
    target: Mask,
    action: Action,
    style: Style,
    color: tuple[float, ...] | None = None,
    brightness: tuple[float, ...] | None = None,
    has_alpha: bool = False,
) -> tuple[Plane, ...]:
    """Draw one effect over an area.

    Args:
        planes: Component planes of a window of whole cells; not modified. A plane may have its
            own resolution, a whole number of samples to a cell.
        hidden: Every cell in the window that is hidden by any region; those samples are not read.
        target: The cells to draw on, within `hidden`.
        action: `blur`, `pixelate` or `fill`.
        style: The action's options.
        color: The value of `fill` in each plane; None for the median of the ring.
        brightness: What one step of brightness is in each plane; None where nobody can say.
        has_alpha: Whether the last plane is the opacity; it then weighs the others.

    Returns:
        New planes; samples outside of `target` are as they were.
    """
    if action is Action.FILL and color is not None:
        drawn = [np.full(p.shape, v, np.float32) for p, v in zip(planes, color, strict=True)]
    else:
        grid = _Grid.of(planes)
        ring, weights = _ring(planes, hidden, grid, has_alpha=has_alpha)
        if action is Action.FILL:
            levels = _medians(ring, weights, has_alpha=has_alpha)
            drawn = [np.full(p.shape, v, np.float32) for p, v in zip(planes, levels, strict=True)]
        else:
            surface = membrane(ring, weights)
            if has_alpha and not weights[..., -1].any():
                surface[..., -1] = _OPAQUE
            if action is Action.BLUR:
                drawn = [grid.enlarge(surface[..., i], p.shape) for i, p in enumerate(planes)]
            else:
                box = _bounds(target)
                colors = _sampled(surface, grid, box, style.blocks)
                colors = _stirred(colors, ring, weights, brightness or (0.0,) * len(planes))
                drawn = [_blocks(colors[..., i], p.shape, box) for i, p in enumerate(planes)]
    kept = {shape: _spread(~target, shape) for shape in {plane.shape for plane in planes}}
    for plane, new in zip(planes, drawn, strict=True):
        np.copyto(new, plane, where=kept[plane.shape])
    return tuple(drawn)


def membrane(values: Raster, weights: Raster) -> Raster:
    """Interpolate a smooth surface through weighted samples.

    Args:
        values: Samples, each times its weight.
        weights: From 0 (unknown) to 1 (known), of the same shape.

    Returns:
        A raster equal to the samples where the weight is 1; neutral grey where all weights of a
        plane are 0.
    """
    surface = _fill(values, weights)
    surface[..., ~weights.any(axis=(0, 1))] = _NEUTRAL
    return surface


def _fill(values: Raster, weights: Raster) -> Raster:
    height, width = values.shape[:2]
    known = np.asarray(values / np.maximum(weights, 1e-6), dtype=np.float32)
    if max(height, width) == 1 or weights.min() > 0:
        return known
    half = -(-width // 2), -(-height // 2)
    padding = (0, half[1] * 2 - height, 0, half[0] * 2 - width, cv2.BORDER_CONSTANT)
    coarse = _fill(
        *(
            _deep(cv2.resize(cv2.copyMakeBorder(r, *padding), half, interpolation=cv2.INTER_AREA))
            for r in (values, weights)
        )
    )
    doubled = cv2.resize(coarse, (half[0] * 2, half[1] * 2), interpolation=cv2.INTER_LINEAR)
    known *= weights
    unknown = 1 - weights
    filled = known + _deep(doubled)[:height, :width] * unknown
    for _ in range(_SMOOTHING_ROUNDS):
        filled = known + _deep(cv2.blur(filled, (3, 3))) * unknown
    return filled


@dataclass(frozen=True, slots=True)
class _Grid:
    """A small raster over a window, the same for planes of every resolution.

    Attributes:
        base: Height and width of the finest raster of which every plane is a multiple.
        step: Its samples to a side of a square that one sample of the small raster stands for.
    """

    base: tuple[int, int]
    step: int

    @classmethod
    def of(cls, planes: tuple[Plane, ...]) -> _Grid:
        height, width = (math.gcd(*(p.shape[axis] for p in planes)) for axis in (0, 1))
        return cls((height, width), max(1, -(-max(height, width) // _LONGEST)))

    def squares(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Give height and width of a square in samples of a plane of this shape."""
        return self.step * shape[0] // self.base[0], self.step * shape[1] // self.base[1]

    def shrink(self, plane: Plane | Mask, wanted: Mask | None = None) -> Plane:
        """Give the mean of each square; what is not wanted, or beyond the edge, is zero."""
        height, width = plane.shape
        down, across = self.squares(plane.shape)
        rows, columns = -(-height // down), -(-width // across)
        # Whole squares: OpenCV is several times as fast as with broken ones.
        whole = np.zeros((rows * down, columns * across), dtype=np.float32)
        np.copyto(whole[:height, :width], plane, where=True if wanted is None else wanted)
        small = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
        return np.asarray(small, dtype=np.float32)

    def enlarge(self, small: Plane, shape: tuple[int, ...]) -> Plane:
        """Bring a small raster to the size of a plane, without facets."""
        down, across = self.squares(shape)
        rows, columns = small.shape
        finer = [min(_FACETS, side) for side in (across, down)]
        size = columns * finer[0], rows * finer[1]
        smooth = cv2.resize(np.ascontiguousarray(small), size, interpolation=cv2.INTER_LINEAR)
        if max(finer) > 1:  # over a square, so that its neighbours show no edge between them
            smooth = cv2.blur(smooth, (finer[0] | 1, finer[1] | 1))
        # Smooth at this scale, it is so at any other.
        large = cv2.resize(smooth, (columns * across, rows * down), interpolation=cv2.INTER_LINEAR)
        return np.asarray(large, dtype=np.float32)[: shape[0], : shape[1]]


def _ring(
    planes: tuple[Plane, ...], hidden: Mask, grid: _Grid, *, has_alpha: bool
) -> tuple[Raster, Raster]:
    """Give the known samples near the hidden area, times their weights, and the weights."""
    covered = _spread(hidden, grid.base)
    # What lies further off, in the corners around a turned code, belongs to something else.
    edge = cv2.dilate((grid.shrink(covered) > 0).astype(np.float32), np.ones((_REACH, _REACH)))
    near = np.asarray(edge, dtype=np.float32)
    known = {shape: ~_spread(hidden, shape) for shape in {plane.shape for plane in planes}}
    sums = [(plane, known[plane.shape]) for plane in planes]
    weights = [grid.shrink(~covered)] * len(planes)
    if has_alpha and (opacity := _opacity(*sums[-1])).any():
        # Transparent samples lend no colour, unless all are.
        sums[:-1] = [(plane * opacity, wanted) for plane, wanted in sums[:-1]]
        weights[:-1] = [grid.shrink(opacity)] * (len(planes) - 1)
    ring = np.dstack([grid.shrink(plane, wanted) * near for plane, wanted in sums])
    return ring, np.dstack([weight * near for weight in weights])


def _opacity(plane: Plane, known: Mask) -> Plane:
    """Give what is known of the opacity, from 0 to 1."""
    opacity: Plane = np.where(known, plane / np.float32(255), np.float32(0))
    return opacity


def _bounds(target: Mask) -> tuple[float, float, float, float]:
    """Give top, bottom, left and right of what is drawn on, as shares of the window."""
    rows, columns = np.nonzero(target.any(axis=1))[0], np.nonzero(target.any(axis=0))[0]
    if not len(rows):
        return 0.0, 1.0, 0.0, 1.0
    height, width = target.shape
    return rows[0] / height, (rows[-1] + 1) / height, columns[0] / width, (columns[-1] + 1) / width


def _sampled(
    surface: Raster, grid: _Grid, box: tuple[float, float, float, float], blocks: int
) -> Raster:
    """Give the membrane at the middle of each block, with square blocks in a box."""
    top, bottom, left, right = box
    height, width = (side / grid.step for side in grid.base)
    tall, wide = (bottom - top) * height, (right - left) * width
    # By the longer side: by the shorter, a long thin barcode keeps its bars.
    down, across = (max(1, round(blocks * side / max(tall, wide))) for side in (tall, wide))
    y = top * height + (np.arange(down) + 0.5) / down * tall
    x = left * width + (np.arange(across) + 0.5) / across * wide
    chosen: Raster = surface[np.ix_(y.astype(int), x.astype(int))]
    return chosen


def _stirred(
    colors: Raster, ring: Raster, weights: Raster, brightness: tuple[float, ...]
) -> Raster:
    """Move the colours of blocks apart, towards places in the ring and by fixed noise."""
    random = np.random.default_rng(0)  # the same for every picture
    place, noise = random.random(colors.shape[:2]), random.standard_normal(colors.shape[:2])
    known = weights.min(axis=-1) > 0.5
    if known.any():
        others = (ring[known] / weights[known])[(place * known.sum()).astype(int)]
        colors = colors + _STIRRING * (others - colors)
    step = np.array(brightness, dtype=np.float32)
    level = (colors * step).sum(axis=-1) / max(float((step**2).sum()), 1e-6)
    # Towards the side on which there is room.
    relief = np.where(level > _NEUTRAL, -_RELIEF, _RELIEF) * np.abs(noise)
    return np.asarray(colors + relief[..., None] * step, dtype=np.float32)


def _blocks(colors: Plane, shape: tuple[int, ...], box: tuple[float, float, float, float]) -> Plane:
    """Paint blocks of one colour each over a box of a plane."""
    height, width = shape
    top, bottom = round(box[0] * height), round(box[1] * height)
    left, right = round(box[2] * width), round(box[3] * width)
    result = np.zeros(shape, dtype=np.float32)
    size = right - left, bottom - top
    colors = np.ascontiguousarray(colors)
    result[top:bottom, left:right] = cv2.resize(colors, size, interpolation=cv2.INTER_NEAREST)
    return result


def _medians(ring: Raster, weights: Raster, *, has_alpha: bool) -> list[float]:
    """Give the median of the ring in each plane."""
    levels = []
    for index in range(ring.shape[-1]):
        weight = weights[..., index]
        known = weight > 0
        if known.any():
            levels.append(float(np.median(ring[..., index][known] / weight[known])))
        else:
            is_alpha = has_alpha and index == ring.shape[-1] - 1
            levels.append(_OPAQUE if is_alpha else _NEUTRAL)
    return levels


def _spread(cells: Mask, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Repeat cells to the resolution of a plane."""
    rows, columns = shape[0] // cells.shape[0], shape[1] // cells.shape[1]
    if rows == columns == 1:
        return cells
    return cells.repeat(rows, axis=0).repeat(columns, axis=1)


def _deep(raster: object) -> Raster:
    """Give a raster its third axis back, which OpenCV drops where it is one long."""
    array = np.asarray(raster, dtype=np.float32)
    return array[..., None] if array.ndim == 2 else array
