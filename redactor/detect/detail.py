"""Where a large picture has detail that a smaller copy of it loses.

A symbol whose modules are a few pixels wide changes brightness every few pixels, across and down.
Most of a large photograph does not: it is smooth, or out of focus at that scale. So only the parts
that do are read at their own scale, by the decoders whose time grows with the area.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from redactor.geometry import Box, Quad
from redactor.model import Pixels

_CELL_PX = 64
_STRIDE = 8  # every so many rows (columns) are looked at: 512 pixels to a cell
# Mean change from pixel to pixel: modules of 3 px with a contrast of 30 levels have 5; noise of
# a standard deviation of 3 levels has 3.4.
_MIN_CHANGE = 4.0
# On even ground, as screenshots have, less stands out.
_LEAST_CHANGE, _ABOVE_GROUND = 2.0, 3.0


def detailed(gray: Pixels, settled: Iterable[Quad] = ()) -> list[Box]:
    """Give boxes around every part with fine detail in both directions, with a margin.

    Args:
        gray: Shape (height, width).
        settled: Codes that were read: their modules are no reason to look again.
    """
    rows, columns = gray.shape[0] // _CELL_PX, gray.shape[1] // _CELL_PX
    if not rows or not columns:
        return []
    part = gray[: rows * _CELL_PX, : columns * _CELL_PX]
    across = _changes(np.ascontiguousarray(part[::_STRIDE]), (columns, rows))
    down = _changes(np.ascontiguousarray(part[:, ::_STRIDE].T), (rows, columns)).T
    change = np.minimum(across, down)
    ground = _ABOVE_GROUND * float(np.median(change))
    fine = (change >= min(max(ground, _LEAST_CHANGE), _MIN_CHANGE)).astype(np.uint8)
    for quad in settled:
        box, touched = quad.touched(*part.shape[::-1], cell=(_CELL_PX, _CELL_PX))
        fine[box.top : box.bottom, box.left : box.right][touched] = 0
    # A code ends anywhere in the next cell, and its quiet zone beyond.
    fine = np.asarray(cv2.dilate(fine, np.ones((3, 3), dtype=np.uint8)))
    count, _, stats, _ = cv2.connectedComponentsWithStats(fine)
    boxes = []
    for left, top, width, height, _ in stats[1:count].tolist():
        right = gray.shape[1] if left + width == columns else (left + width) * _CELL_PX
        bottom = gray.shape[0] if top + height == rows else (top + height) * _CELL_PX
        boxes.append(Box(left * _CELL_PX, top * _CELL_PX, right, bottom))
    if sum(box.width * box.height for box in boxes) > gray.size:  # they overlap
        return [Box(0, 0, gray.shape[1], gray.shape[0])]
    return boxes


def _changes(lines: Pixels, size: tuple[int, int]) -> NDArray[np.float32]:
    """Give the mean change from pixel to pixel along lines, in cells of a grid (across, down)."""
    change = np.zeros(lines.shape, dtype=np.uint8)
    cv2.absdiff(lines[:, 1:], lines[:, :-1], dst=change[:, 1:])
    return np.asarray(cv2.resize(change, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
