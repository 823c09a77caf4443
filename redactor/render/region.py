"""Which part of a picture a code takes up: its quad, a margin, a grid, whole cells."""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np

from redactor.geometry import Box, Mask
from redactor.model import (
    ONE_DIMENSIONAL,
    Decision,
    Detection,
    Pixels,
    Region,
    Symbology,
)

# Around codes of squares, where the paper ends is of no use to anybody; this share of the longer
# side makes up for frames and glare that the detector took for the edge.
_MARGIN_SHARE = 0.02

# At the ends of bars the quiet zone is hidden: how far the bars go on is the hardest to see. In
# modules, as the standards ask for: ISO/IEC 15420 (EAN/UPC 7 to 11), 15417 and others (10).
_QUIET_MODULES_RETAIL = 9.0
_QUIET_MODULES_1D = 10.0
_MODULES_RETAIL = {
    Symbology.EAN13: 95,
    Symbology.UPCA: 95,
    Symbology.EAN8: 67,
    Symbology.UPCE: 51,
}
_USUAL_MODULES_1D = 150  # ten characters of Code 128
# A decoder's corners are a pixel or two off, more on large codes.
_CORNER_ERROR_SHARE = 0.02
_CORNER_ERROR_PX = 1.0

# Decoders place the corners of equal codes with different contents a fraction of a pixel apart.
# Sides move outward to a grid of this share of the code's shorter side, and to even
# directions, so that most such codes have one and the same region.
_STEP_SHARE = 0.05
_STEP_RATIO = 1.25  # sizes of the grid: powers of it, in pixels
_DIRECTIONS = 184  # nearly two degrees apart, with 45 among them

_RIM_PX = 4  # what readers of JPEG blend over the edge of a block, and more


def region_of(decision: Decision, *, scale: float = 1.0) -> Region:
    """Give the area to hide for a code: its quad with a margin, out to the next line of a grid.

    Args:
        decision: What becomes of the code.
        scale: Larger than 1 for a wider margin; verification asks for it.
    """
    quad = decision.detection.quad
    step = _step(min(quad.sides))
    # A larger one has to be larger on every side, wherever the lines of the grid lie.
    further = step if scale > 1 else 0.0
    across, down = (margin * scale + further for margin in _margins(decision.detection))
    return Region(
        quad.grow(across, down).snap(step, _DIRECTIONS),
        decision.action,
        decision.style,
        decision.detection.frame,
    )


def _step(side: float) -> float:
    """Give the size of the grid for a code, in pixels; at least one."""
    wanted = max(1.0, _STEP_SHARE * side)
    return float(_STEP_RATIO ** round(math.log(wanted, _STEP_RATIO)))


def hidden_area(
    regions: Iterable[Region], size: tuple[int, int], cell: tuple[int, int] = (1, 1)
) -> Mask:
    """Give the cells of a picture that any region touches; see `Quad.mask`."""
    width, height = size
    mask = np.zeros((-(-height // cell[1]), -(-width // cell[0])), dtype=np.bool_)
    for region in regions:
        box, touched = region.quad.touched(width, height, cell=cell)
        mask[box.top : box.bottom, box.left : box.right] |= touched
    return mask


def difference_outside(
    before: Pixels, after: Pixels, regions: Iterable[Region], cell: tuple[int, int] = (1, 1)
) -> int:
    """Give the largest difference of any sample outside of what regions hide.

    Where cells are larger than a pixel, four more around them do not count: readers of JPEG
    upsample colours over the edge of a block.

    Args:
        before: Shape (height, width) or (height, width, channels), of 8 or 16 bits.
        after: The same picture redacted.
        regions: What was hidden.
        cell: Width and height in pixels of the units in which it was hidden.
    """
    if before.shape != after.shape or before.dtype != after.dtype:
        return int(np.iinfo(before.dtype).max)
    height, width = before.shape[:2]
    counts = np.full((height, width), 255, dtype=np.uint8)
    rim = 0 if cell == (1, 1) else _RIM_PX
    for region in regions:
        cells, touched = region.quad.touched(width, height, cell=cell)
        mask = touched.repeat(cell[1], axis=0).repeat(cell[0], axis=1).astype(np.uint8)
        left, top = cells.left * cell[0] - rim, cells.top * cell[1] - rim
        mask = np.pad(mask, rim)
        if rim and mask.size:
            kernel = np.ones((2 * rim + 1, 2 * rim + 1), dtype=np.uint8)
            mask = np.asarray(cv2.dilate(mask, kernel), dtype=np.uint8)
        whole = Box(left, top, left + mask.shape[1], top + mask.shape[0])
        box = whole.clip(width, height)
        inside = mask[box.top - top : box.bottom - top, box.left - left : box.right - left]
        counts[box.top : box.bottom, box.left : box.right][inside > 0] = 0
    return int(cv2.norm(before, after, cv2.NORM_INF, counts)) if counts.size else 0


def _margins(detection: Detection) -> tuple[float, float]:
    """Give how far to move the sides and the ends outward, in pixels."""
    width, height = detection.quad.sides
    error = _CORNER_ERROR_PX + _CORNER_ERROR_SHARE * min(width, height)
    if detection.symbology in ONE_DIMENSIONAL:
        # Bars have no quiet zone above and below.
        if modules := _MODULES_RETAIL.get(detection.symbology):
            return _QUIET_MODULES_RETAIL * width / modules + error, error
        return _QUIET_MODULES_1D * width / _USUAL_MODULES_1D + error, error
    margin = _MARGIN_SHARE * max(width, height) + error
    return margin, margin
