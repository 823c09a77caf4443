"""The second look at what might be a linear code that nobody can read.

OpenCV's detector sees blurred codes that no decoder reads, and slats, shutters and rows of windows
as well. Bars run through from top to bottom, change often, and their widths differ: those of a
fence are all alike.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from redactor.detect.extent import across_bars, sample_lines
from redactor.geometry import Quad
from redactor.model import Pixels

_MIN_LENGTH_PX, _MIN_HEIGHT_PX = 110.0, 25.0
_MIN_EDGES, _MAX_EDGES = 16, 70  # EAN-13 has 60; blur takes two thirds of them
_MIN_COHERENCE = 0.4  # share of the variance that runs along the bars
_MIN_VARIETY = 0.38  # of the widths: standard deviation by mean; a fence has less
# What a decoder gets of bars that it has not read: more than a locator saw, turned upright.
_STRIP_LENGTH, _STRIP_HEIGHT = 1.6, 0.7  # of what was seen
_STRIP_PX, _MOST_STRIP_PX, _STRIP_ROWS = 900, 1_800, 24


def has_bars(gray: Pixels, quad: Quad) -> bool:
    """Say whether the area looks like bars of a code rather than of a fence."""
    for turned in (quad, Quad(quad.corners[1:] + quad.corners[:1])):
        length, height = turned.sides
        if length < _MIN_LENGTH_PX or height < _MIN_HEIGHT_PX:
            continue
        lines = _upright(gray, turned, length, height)
        profile = lines.mean(axis=0)
        if profile.var() < _MIN_COHERENCE * (lines.var() + 1e-6):
            continue
        widths = np.diff(_edges(profile))
        if not _MIN_EDGES <= len(widths) + 1 <= _MAX_EDGES:
            continue
        if widths.std() > _MIN_VARIETY * widths.mean():
            return True
    return False


def strip(gray: Pixels, quad: Quad) -> tuple[Pixels, NDArray[np.float64]] | None:
    """Cut bars out and turn them upright; decoders' scan lines miss low ones at a slant.

    Returns:
        The strip, and the matrix of shape (2, 3) that maps its points to the raster; None where
        no direction is that of bars.
    """
    along = across_bars(quad, gray)
    if along is None:
        return None
    center, down = np.array(quad.center), np.array((-along[1], along[0]))
    spread = quad.as_array() - center
    length = float(np.ptp(spread @ along)) * _STRIP_LENGTH
    height = float(np.ptp(spread @ down)) * _STRIP_HEIGHT
    columns = int(min(max(length, _STRIP_PX), _MOST_STRIP_PX))
    reach = _STRIP_ROWS // 2
    step, rise = along * (length / columns), down * (height / (2 * reach + 1))
    start = center - along * (length / 2)
    lines = sample_lines(gray, start, step, rise, columns, reach)
    back = np.column_stack((step, rise, start - rise * reach))
    return np.clip(lines, 0, 255).astype(np.uint8), back


def _upright(gray: Pixels, quad: Quad, length: float, height: float) -> NDArray[np.float32]:
    size = (int(min(max(length, 60), 600)), int(max(6, min(height * 0.7, 40))))
    upright = np.array(((0, 0), (size[0], 0), size, (0, size[1])), dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(quad.as_array().astype(np.float32), upright)
    part = cv2.warpPerspective(gray, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(part, dtype=np.float32)


def _edges(profile: NDArray[np.float32]) -> NDArray[np.intp]:
    """Give where a profile crosses the middle between its local extremes."""
    width = max(9, len(profile) // 8 | 1)
    line = profile[None, :]
    window = np.ones((1, width), dtype=np.uint8)
    extremes = np.asarray(cv2.dilate(line, window) + cv2.erode(line, window), dtype=np.float32)
    middle = np.asarray(cv2.blur(extremes / 2, (width, 1)))
    return np.flatnonzero(np.diff(line[0] > middle[0]))
