"""How far a symbol really reaches.

Decoders report for linear codes the scan lines that decoded, sometimes two pixels high, and for
PDF417 sometimes some of its rows. The bars themselves tell the rest: along the reading direction
every line through the symbol shows the same pattern, so lines are followed up and down from the
reported position until the pattern ends.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from redactor.geometry import Quad
from redactor.model import ONE_DIMENSIONAL, Detection, Pixels, Symbology

_SAMPLES = 256  # along the reading direction: two to three to a module of most linear codes
_ALIKE = 0.55  # correlation of a line with the pattern so far
_GAP_SHARE = 0.04  # of the length: a scratch or a fold that is stepped over
_REACH = 1.0  # in lengths: no linear code is higher than long, or hardly
_MAX_DRIFT = 2  # samples by which the pattern may move from one line to the next: skew
_MEMORY = 0.9  # how much of the pattern is kept from line to line: curvature, light
# The part of a PDF417 row at each end, start and stop pattern, that all rows share.
_PDF417_ENDS = 0.12


def whole_symbol(code: Detection, gray: Pixels) -> Detection:
    """Grow the quad of a linear or stacked code to the symbol's extent in the picture.

    Other codes, and those that were only located, are given back as they are.
    """
    stacked = code.symbology in (Symbology.PDF417, Symbology.MICROPDF417)
    if not stacked and code.symbology not in ONE_DIMENSIONAL:
        return code
    if code.content is None and not stacked:
        return code
    quad = code.quad if code.quad.area > 0 else code.quad.grow(0, 0.5)
    length, height = quad.sides
    if not stacked and height > length:  # reported across the bars
        a, b, c, d = quad.corners
        quad, length, height = Quad((b, c, d, a)), height, length
    if length < 8:
        return code
    return replace(code, quad=_follow(quad, length, height, gray, ends_only=stacked))


def _follow(quad: Quad, length: float, height: float, gray: Pixels, *, ends_only: bool) -> Quad:
    a, b, c, d = quad.as_array()
    start, end = (a + d) / 2, (b + c) / 2
    along = (end - start) / max(float(np.hypot(*(end - start))), 1e-9)
    down = np.array((-along[1], along[0]))
    if np.dot(down, (c + d) / 2 - (a + b) / 2) < 0:
        down = -down
    reach = int(height / 2 + length * _REACH) + 1
    lines = _sample(gray, start, along * length / _SAMPLES, down, reach)
    weight = np.ones(_SAMPLES, dtype=np.float32)
    if ends_only:
        weight[int(_SAMPLES * _PDF417_ENDS) : int(_SAMPLES * (1 - _PDF417_ENDS))] = 0
    half = max(int(height / 2), 0)
    pattern = lines[reach - half : reach + half + 1].mean(axis=0)
    gap = max(3, int(length * _GAP_SHARE))
    step = length / _SAMPLES
    below, drift_below = _march(lines[reach + half + 1 :], pattern, weight, gap)
    above, drift_above = _march(lines[: reach - half][::-1], pattern, weight, gap)
    if not below and not above:
        return quad
    top, bottom = -(half + above), half + below + 1
    shift_top, shift_bottom = along * step * drift_above, along * step * drift_below
    return Quad.of(
        (
            start + down * top + shift_top,
            end + down * top + shift_top,
            end + down * bottom + shift_bottom,
            start + down * bottom + shift_bottom,
        )
    )


def _sample(
    gray: Pixels,
    start: NDArray[np.float64],
    step: NDArray[np.float64],
    down: NDArray[np.float64],
    reach: int,
) -> NDArray[np.float32]:
    """Sample lines parallel to a code's reading direction, one pixel apart."""
    matrix = np.array(
        (
            (step[0], down[0], start[0] - reach * down[0]),
            (step[1], down[1], start[1] - reach * down[1]),
        )
    )
    lines = cv2.warpAffine(
        gray,
        matrix,
        (_SAMPLES, 2 * reach + 1),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(lines, dtype=np.float32)


def _march(
    lines: NDArray[np.float32], pattern: NDArray[np.float32], weight: NDArray[np.float32], gap: int
) -> tuple[int, int]:
    """Follow a pattern from line to line.

    Returns:
        How many lines it reaches, and by how many samples it has moved sideways there.
    """
    reached, drift, reached_drift, missed = 0, 0, 0, 0
    pattern = pattern.copy()
    for index, line in enumerate(lines):
        moves = range(-_MAX_DRIFT, _MAX_DRIFT + 1)
        scores = [_alike(np.roll(line, -(drift + move)), pattern, weight) for move in moves]
        best = int(np.argmax(scores))
        if scores[best] < _ALIKE:
            missed += 1
            if missed > gap:
                break
            continue
        drift += moves[best]
        pattern = _MEMORY * pattern + (1 - _MEMORY) * np.roll(line, -drift)
        reached, reached_drift, missed = index + 1, drift, 0
    return reached, reached_drift


def _alike(
    first: NDArray[np.float32], second: NDArray[np.float32], weight: NDArray[np.float32]
) -> float:
    """Correlate two lines; -1 where one of them is flat."""
    total = weight.sum()
    a = first - (first * weight).sum() / total
    b = second - (second * weight).sum() / total
    spread = float(np.sqrt((a * a * weight).sum() * (b * b * weight).sum()))
    if spread < 25.0 * total:  # a standard deviation of five levels: paper, not bars
        return -1.0
    return float((a * b * weight).sum()) / spread
