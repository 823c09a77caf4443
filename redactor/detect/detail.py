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

# A cell of the grid: one that holds much plain ground around a small symbol seems plain. In large
# pictures, where the grid takes longer, cells are twice as large.
_CELL_PX, _LARGE_PX = 32, 1_000
_LINES = 8  # rows (columns) of a cell that are looked at
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
    cell = _CELL_PX if max(gray.shape) <= _LARGE_PX else 2 * _CELL_PX
    rows, columns = gray.shape[0] // cell, gray.shape[1] // cell
    if not rows or not columns:
        return []
    part, stride = gray[: rows * cell, : columns * cell], cell // _LINES
    across = _changes(np.ascontiguousarray(part[::stride]), (columns, rows))
    down = _changes(np.ascontiguousarray(part[:, ::stride].T), (rows, columns)).T
    change = np.minimum(across, down)
    ground = _ABOVE_GROUND * float(np.sort(change, axis=None)[change.size // 2])
    fine = (change >= min(max(ground, _LEAST_CHANGE), _MIN_CHANGE)).astype(np.uint8)
    for quad in settled:
        box, touched = quad.touched(*part.shape[::-1], cell=(cell, cell))
        fine[box.top : box.bottom, box.left : box.right][touched] = 0
    # A code ends anywhere in the next cell, and its quiet zone beyond.
    fine = np.asarray(cv2.dilate(fine, np.ones((3, 3), dtype=np.uint8)))
    count, _, stats, _ = cv2.connectedComponentsWithStats(fine)
    boxes = []
    for left, top, width, height, _ in stats[1:count].tolist():
        right = gray.shape[1] if left + width == columns else (left + width) * cell
        bottom = gray.shape[0] if top + height == rows else (top + height) * cell
        boxes.append(Box(left * cell, top * cell, right, bottom))
    if sum(box.width * box.height for box in boxes) > gray.size:  # they overlap
        return [Box(0, 0, gray.shape[1], gray.shape[0])]
    return boxes


def _changes(lines: Pixels, size: tuple[int, int]) -> NDArray[np.float32]:
    """Give the mean change from pixel to pixel along lines, in cells of a grid (across, down)."""
    change = np.zeros(lines.shape, dtype=np.uint8)
    cv2.absdiff(lines[:, 1:], lines[:, :-1], dst=change[:, 1:])
    return np.asarray(cv2.resize(change, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
