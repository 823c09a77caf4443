"""Blur, mosaic and fill that are made of the surroundings alone.

All three begin with the *membrane*: a smooth surface through the ring of known pixels around the
hidden area, by pull-push interpolation (Gortler et al., "The Lumigraph", 1996): averages of the
known pixels at ever coarser scales, then back, filling what is unknown from the coarser scale,
and smoothed at each. Known pixels are read; hidden ones are replaced by zero before anything
looks at them.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from redactor.geometry import Mask
from redactor.model import Action, Plane, Style

# Where a picture has no pixel left to take colours from: grey, and opaque.
_NEUTRAL, _OPAQUE = 128.0, 255.0
_SMOOTHING_ROUNDS = 3


def draw(
    planes: tuple[Plane, ...],
    *,
    hidden: Mask,
    target: Mask,
    action: Action,
    style: Style,
    color: tuple[float, ...] | None = None,
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
        color: The value of `fill` in each plane; None for the median of the known samples.
        has_alpha: Whether the last plane is the opacity; it then weighs the others.

    Returns:
        New planes; samples outside of `target` are as they were.
    """
    weights = _weights(planes, hidden, has_alpha=has_alpha)
    drawn = []
    for index, plane in enumerate(planes):
        is_alpha = has_alpha and index == len(planes) - 1
        known = _spread(~hidden, plane.shape).astype(np.float32)
        weight = known if is_alpha or weights is None else known * weights
        if weight.max(initial=0) == 0:
            weight = known
        if is_alpha and weight.max(initial=0) == 0:
            new = np.full(plane.shape, _OPAQUE, dtype=np.float32)
        elif action is Action.FILL:
            value = _median(plane, weight) if color is None else color[index]
            new = np.full(plane.shape, value, dtype=np.float32)
        else:
            new = membrane(plane, weight)
            if action is Action.PIXELATE and not is_alpha:
                new = _mosaic(new, plane, weight, _spread(target, plane.shape), style.blocks, index)
        drawn.append(np.where(_spread(target, plane.shape), new, plane).astype(np.float32))
    return tuple(drawn)


def membrane(plane: Plane, weight: Plane) -> Plane:
    """Interpolate a smooth surface through weighted samples.

    Args:
        plane: Samples; those of weight 0 are not read.
        weight: From 0 (unknown) to 1 (known).

    Returns:
        A plane equal to the samples where the weight is 1; neutral grey where all weights are 0.
    """
    if weight.max(initial=0) == 0:
        return np.full(plane.shape, _NEUTRAL, dtype=np.float32)
    sums = np.where(weight > 0, plane, 0).astype(np.float32) * weight
    return _fill(sums, weight)


def _fill(sums: Plane, weight: Plane) -> Plane:
    height, width = sums.shape
    values = np.asarray(sums / np.maximum(weight, 1e-6), dtype=np.float32)
    if weight.min() > 0 or max(height, width) == 1:
        return values
    half = -(-width // 2), -(-height // 2)
    padding = (0, half[1] * 2 - height, 0, half[0] * 2 - width, cv2.BORDER_CONSTANT)
    smaller_sums = cv2.resize(
        cv2.copyMakeBorder(sums, *padding, value=0.0), half, interpolation=cv2.INTER_AREA
    )
    smaller_weight = cv2.resize(
        cv2.copyMakeBorder(weight, *padding, value=0.0), half, interpolation=cv2.INTER_AREA
    )
    coarse = _fill(
        np.asarray(smaller_sums, dtype=np.float32), np.asarray(smaller_weight, dtype=np.float32)
    )
    doubled = cv2.resize(coarse, (half[0] * 2, half[1] * 2), interpolation=cv2.INTER_LINEAR)
    filled = values * weight + doubled[:height, :width] * (1 - weight)
    for _ in range(_SMOOTHING_ROUNDS):
        filled = values * weight + cv2.blur(filled, (3, 3)) * (1 - weight)
    return np.asarray(filled, dtype=np.float32)


def _mosaic(
    smooth: Plane, plane: Plane, weight: Plane, target: Mask, blocks: int, seed: int
) -> Plane:
    """Make blocks of one value each: the membrane at the block, stirred by fixed noise."""
    rows, columns = np.nonzero(target.any(axis=1))[0], np.nonzero(target.any(axis=0))[0]
    if not len(rows):
        return smooth
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    side = max(1, -(-max(bottom - top, right - left) // blocks))
    result = smooth.copy()
    area = smooth[top:bottom, left:right]
    small = cv2.resize(
        area, (-(-area.shape[1] // side), -(-area.shape[0] // side)), interpolation=cv2.INTER_AREA
    )
    # As lively as the surroundings, whatever is hidden: seeded by the plane, never by the picture.
    noise = np.random.default_rng(seed).standard_normal(size=small.shape, dtype=np.float32)
    small = np.asarray(small + noise * min(_spread_of(plane, weight), 24.0) * 0.5)
    large = small.repeat(side, axis=0).repeat(side, axis=1)
    result[top:bottom, left:right] = large[: area.shape[0], : area.shape[1]]
    return result


def _weights(planes: tuple[Plane, ...], hidden: Mask, *, has_alpha: bool) -> Plane | None:
    """Give how much the colour of each sample counts: transparent ones count nothing."""
    if not has_alpha:
        return None
    return np.where(_spread(hidden, planes[-1].shape), 0, planes[-1] / 255).astype(np.float32)


def _spread(cells: Mask, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Repeat cells to the resolution of a plane."""
    rows, columns = shape[0] // cells.shape[0], shape[1] // cells.shape[1]
    if rows == columns == 1:
        return cells
    return cells.repeat(rows, axis=0).repeat(columns, axis=1)


def _median(plane: Plane, weight: Plane) -> float:
    known = plane[weight > 0]
    return float(np.median(known)) if known.size else _NEUTRAL


def _spread_of(plane: Plane, weight: Plane) -> float:
    """Give the standard deviation of the known samples."""
    known = plane[weight > 0]
    return float(known.std()) if known.size else 0.0
