"""How far a symbol really reaches.

Decoders report for linear codes the scan lines that decoded, sometimes two pixels high, and for
PDF417 sometimes some of its rows; zbar reports where its scan lines crossed, which may be a sliver
of the symbol or half of it; OpenCV reports the middle of blurred bars. The bars
themselves tell the rest: along the reading direction every line through the symbol shows the same
pattern, so lines are followed up and down from the reported position until the pattern ends, and
what zbar reports is followed along the bars to the quiet zones first.
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from redactor.geometry import Quad
from redactor.model import ONE_DIMENSIONAL, Detection, Pixels, Symbology

_SAMPLES = 256  # along the reading direction: two to three to a module of most linear codes
_LIGHT_SAMPLES = 65  # light changes slower than this, bars faster: the widest takes up eight
_CENTER_PX = 2  # lines around the middle that make up the pattern; more would smear slanted bars
_ALIKE = 0.55  # correlation of a line with the pattern so far
_MIN_SPREAD, _SPREAD_SHARE = 1.0, 0.2  # standard deviation: levels; share of the pattern's
_GAP_SHARE = 0.04  # of the length: a scratch or a fold that is stepped over
_REACH = 1.0  # in lengths: no linear code is higher than long, or hardly
_MAX_DRIFT = 2  # samples by which the pattern may move from one line to the next: skew
_FLAT = np.full(2 * _MAX_DRIFT + 1, -1, dtype=np.float32)
_MEMORY = 0.9  # how much of the pattern is kept from line to line: curvature, light
# The part of a PDF417 row at each end, start and stop pattern, that all rows share.
_PDF417_ENDS = 0.12

_SLANT = 0.98  # cosine between a scan line and the direction squarely across the bars
_MIN_SHARE = 0.4  # of the area in the other direction; less has lost the bars

# zbar reports where its scan lines crossed, which may be a sliver of the symbol.
_SLIVER_LINES = 7  # averaged, along the bars
_SLIVER_GROWTH = 1.15  # a reported length that falls short by less is right
_MEAN_ELEMENT = 1.6  # modules: EAN-13 has 59 bars and spaces on 95 modules
_QUIET_MODULES = 6.0  # no symbology that zbar reads has a wider element than four
_FEW_EDGES = 10
_CONTRAST_SHARE = 0.25  # of the contrast in the middle of the sliver
_MODULES = {Symbology.EAN13: 95, Symbology.UPCA: 95, Symbology.EAN8: 67, Symbology.UPCE: 51}
_SLACK = 2.0  # on the length of a symbol of so many modules


def whole_symbol(code: Detection, gray: Pixels) -> Detection:
    """Grow the quad of a linear or stacked code to the symbol's extent in the picture.

    Other codes are given back as they are.
    """
    stacked = code.symbology in (Symbology.PDF417, Symbology.MICROPDF417)
    if not stacked and code.symbology not in ONE_DIMENSIONAL:
        return code
    quad = code.quad if code.quad.area > 0 else code.quad.grow(0, 0.5)
    length, height = quad.sides
    if not stacked and height > length:  # reported across the bars
        a, b, c, d = quad.corners
        quad, length, height = Quad((b, c, d, a)), height, length
    if not stacked and code.sources == ("zbar",):
        quad = _lengthwise(quad, gray, _MODULES.get(code.symbology))
        length, height = quad.sides
    if length < 8:
        return code
    grown = _follow(quad, gray, ends_only=stacked)
    if not stacked and (straight := _straightened(quad, gray)) is not None:
        other = _follow(straight, gray, ends_only=False)
        if _MIN_SHARE * grown.area < other.area < grown.area:
            grown = other
    return replace(code, quad=grown)


def _follow(quad: Quad, gray: Pixels, *, ends_only: bool) -> Quad:
    length, height = quad.sides
    a, b, c, d = quad.as_array()
    start, end = (a + d) / 2, (b + c) / 2
    along = _unit(end - start)
    down = np.array((-along[1], along[0]))
    if np.dot(down, (c + d) / 2 - (a + b) / 2) < 0:
        down = -down
    spacing = max(1.0, length / _SAMPLES)
    reach = int((height / 2 + length * _REACH) / spacing) + 1
    step = along * length / _SAMPLES
    lines = _sample(gray, start, step, down * spacing, reach)
    within = _inside(gray, (start + end) / 2, down * spacing, reach)
    weight = np.ones(_SAMPLES, dtype=np.float32)
    if ends_only:
        weight[int(_SAMPLES * _PDF417_ENDS) : int(_SAMPLES * (1 - _PDF417_ENDS))] = 0
    half = min(int(height / 2 / spacing), _CENTER_PX)
    pattern = lines[reach - half : reach + half + 1].mean(axis=0)
    gap = max(3, int(length * _GAP_SHARE / spacing))
    below, drift_below = _march(lines[reach:][within[reach:]], pattern, weight, gap)
    above, drift_above = _march(lines[reach::-1][within[reach::-1]], pattern, weight, gap)
    top, bottom = (above - 1) * spacing, below * spacing
    if top <= height / 2 and bottom <= height / 2:
        return quad
    # Never less than what was reported, with the slant that was seen.
    top, bottom = max(top, height / 2), max(bottom, height / 2)
    shift_top, shift_bottom = step * drift_above, step * drift_below
    return Quad.of(
        (
            start - down * top + shift_top,
            end - down * top + shift_top,
            end + down * bottom + shift_bottom,
            start + down * bottom + shift_bottom,
        )
    )


def _straightened(quad: Quad, gray: Pixels) -> Quad | None:
    """Turn a scan line that crosses the bars at a slant to where it crosses them squarely.

    Returns:
        None where it does already. Of bars that lean the slanted line is the right one: it grows
        to less.
    """
    a, b, c, d = quad.as_array()
    reported, along = _unit((b + c) - (a + d)), across_bars(quad, gray)
    if along is None or abs(float(along @ reported)) > _SLANT:
        return None
    along = along if along @ reported > 0 else -along
    center, down = np.array(quad.center), np.array((-along[1], along[0]))
    half = abs(float(((b + c) - (a + d)) / 4 @ along))
    return Quad.of(
        center + along * x + down * y for x, y in ((-half, -1), (half, -1), (half, 1), (-half, 1))
    )


def _lengthwise(quad: Quad, gray: Pixels, modules: int | None) -> Quad:
    """Extend a sliver along the reading direction to where the bars end.

    Args:
        quad: As reported: perhaps a few bars of the symbol, perhaps higher than long.
        gray: The raster.
        modules: Of the whole symbol, where its symbology tells.
    """
    center = np.array(quad.center)
    along = across_bars(quad, gray)
    if along is None:
        return quad
    down = np.array((-along[1], along[0]))
    spread = quad.as_array() - center
    low, high = float((spread @ along).min()), float((spread @ along).max())
    middle, contrast = _profile(gray, center, along, down)
    origin = len(middle) // 2
    near = np.s_[max(0, origin + int(low)) : origin + int(high) + 2]
    is_bars = contrast > _CONTRAST_SHARE * float(np.median(contrast[near]))
    edges = np.flatnonzero(np.diff(middle > 0) & is_bars[1:]) - origin + 1
    if len(edges) < _FEW_EDGES:
        return quad
    # Where the sliver shows too few bars to tell their width, the next ones do.
    reach = float(np.sort(np.abs(edges))[_FEW_EDGES - 1])
    inner = edges[(edges >= min(low - 1, -reach)) & (edges <= max(high + 1, reach))]
    widths = np.diff(inner)
    module = max(float(widths.mean()) / _MEAN_ELEMENT, float(np.percentile(widths, 25)), 1.0)
    first = _last_before_gap(-edges[edges <= inner[0]][::-1], module)
    last = _last_before_gap(edges[edges >= inner[-1]], module)
    left, right = min(low, -first), max(high, last)
    if right - left < _SLIVER_GROWTH * (high - low):
        return quad
    if modules is not None and right - left > _SLACK * modules * module:
        return quad
    top, bottom = float((spread @ down).min()), float((spread @ down).max())
    return Quad.of(
        center + along * x + down * y
        for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))
    )


def across_bars(quad: Quad, gray: Pixels) -> NDArray[np.float64] | None:
    """Give the direction in which brightness changes; None where it changes in all alike."""
    box = quad.box.grow(4).clip(gray.shape[1], gray.shape[0])
    if min(box.width, box.height) < 3:
        return None
    part = gray[box.top : box.bottom, box.left : box.right].astype(np.float32)
    x = cv2.Sobel(part, cv2.CV_32F, 1, 0)
    y = cv2.Sobel(part, cv2.CV_32F, 0, 1)
    xx, xy, yy = (float((p * q).sum()) for p, q in ((x, x), (x, y), (y, y)))
    if np.hypot(xx - yy, 2 * xy) < 0.3 * (xx + yy) or xx + yy == 0:
        return None
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    return np.array((np.cos(angle), np.sin(angle)))


def _profile(
    gray: Pixels,
    center: NDArray[np.float64],
    along: NDArray[np.float64],
    down: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give brightness along a line across the whole raster, about its local middle.

    Returns:
        The profile, a pixel to a sample and the centre in its middle, and the contrast around
        each sample.
    """
    reach = int(np.hypot(*gray.shape))
    lines = sample_lines(
        gray, center - along * reach, along, down, 2 * reach + 1, _SLIVER_LINES // 2
    )
    line = lines.mean(axis=0, keepdims=True)
    window = np.ones((1, 25), dtype=np.uint8)
    high, low = cv2.dilate(line, window), cv2.erode(line, window)
    middle = line - cv2.blur((high + low) / 2, (25, 1))
    return middle[0].astype(np.float32), (high - low)[0].astype(np.float32)


def _last_before_gap(edges: NDArray[np.int_], module: float) -> float:
    """Give the last of rising places that the first is joined with by steps of a bar or less."""
    wide = np.flatnonzero(np.diff(edges) > _QUIET_MODULES * module)
    return float(edges[wide[0]] if len(wide) else edges[-1])


def _inside(
    gray: Pixels, middle: NDArray[np.float64], down: NDArray[np.float64], reach: int
) -> NDArray[np.bool_]:
    """Say of each sampled line whether its middle lies in the raster."""
    places = middle + np.arange(-reach, reach + 1)[:, None] * down
    return np.asarray(((places >= 0) & (places < gray.shape[::-1])).all(axis=1))


def _sample(
    gray: Pixels,
    start: NDArray[np.float64],
    step: NDArray[np.float64],
    down: NDArray[np.float64],
    reach: int,
) -> NDArray[np.float32]:
    """Sample lines parallel to a code's reading direction, in even light."""
    lines = sample_lines(gray, start, step, down, _SAMPLES, reach)
    return lines - np.asarray(cv2.blur(lines, (_LIGHT_SAMPLES, 1)), dtype=np.float32)


def sample_lines(
    gray: Pixels,
    start: NDArray[np.float64],
    step: NDArray[np.float64],
    down: NDArray[np.float64],
    samples: int,
    reach: int,
) -> NDArray[np.float32]:
    """Sample 2 * reach + 1 parallel lines; those in the middle begin at the start."""
    # Pixel centres have whole numbers in OpenCV, and halves here.
    left, top = start - reach * down - 0.5
    matrix = np.array(((step[0], down[0], left), (step[1], down[1], top)))
    lines = cv2.warpAffine(
        gray,
        matrix,
        (samples, 2 * reach + 1),
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
    around = np.tile(lines, (1, 3))  # so that none reaches over an end, wherever it has moved
    # Moved around, a whole line keeps its mean and spread; the ends of one do not.
    is_whole = bool(weight.all())
    spreads = lines.std(axis=1).tolist() if is_whole else []
    for index in range(len(lines)):
        first = (drift - _MAX_DRIFT) % _SAMPLES
        line = around[index, first : first + _SAMPLES + 2 * _MAX_DRIFT]
        scores = _alike(line, pattern, weight, spreads[index] if is_whole else None)
        best = int(scores.argmax())
        if scores[best] < _ALIKE:
            missed += 1
            if missed > gap:
                break
            continue
        drift += best - _MAX_DRIFT
        pattern = _MEMORY * pattern + (1 - _MEMORY) * line[best : best + _SAMPLES]
        reached, reached_drift, missed = index + 1, drift, 0
    return reached, reached_drift


def _alike(
    line: NDArray[np.float32],
    pattern: NDArray[np.float32],
    weight: NDArray[np.float32],
    spread: float | None,
) -> NDArray[np.float32]:
    """Correlate a longer line with a pattern at every place in it.

    Args:
        line: Longer than the pattern by twice what that may move.
        pattern: What is looked for.
        weight: How much each of its samples counts.
        spread: Standard deviation of the line where it is the same at every place.

    Returns:
        By place; -1 where the line is flat beside the pattern: paper, not bars.
    """
    total = float(weight.sum())
    expected = (pattern - pattern.dot(weight) / total) * weight
    contrast = math.sqrt(expected.dot(expected) / total)
    least = max(_MIN_SPREAD, _SPREAD_SHARE * contrast)
    found = np.correlate(line, expected)
    if spread is not None:
        if spread < least:
            return _FLAT
        return np.asarray(found / max(total * spread * contrast, 1e-6), dtype=np.float32)
    mean = np.correlate(line, weight) / total
    spreads = np.sqrt(np.maximum(np.correlate(line * line, weight) / total - mean * mean, 0))
    scores = found / np.maximum(total * spreads * contrast, 1e-6)
    scores[spreads < least] = -1
    return np.asarray(scores, dtype=np.float32)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / max(float(np.hypot(*vector)), 1e-9)
