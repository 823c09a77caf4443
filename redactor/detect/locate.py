"""Codes that no engine reads: what engines suspect and what finder patterns tell, looked at again.

A suspicion counts when it shows the texture of modules or of bars. Half of what zxing-cpp reports
unread, and all but a few of the boxes of OpenCV's barcode detector in pictures without codes, go
here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from redactor.detect.bars import has_bars
from redactor.detect.finders import Finder, squares
from redactor.detect.texture import density, grow
from redactor.geometry import Point, Quad
from redactor.model import ONE_DIMENSIONAL, Detection, Pixels, Symbology

NAME = "locator"
_COVERED_SHARE = 0.5  # of a suspicion, by a code that was read: then it is that code
_SAME_SHARE = 0.3  # of an unread report, by a code that was located: then it is that code
_SAME_CODE_SHARE = 0.7  # of the larger of two quads that mean one code
_FINDER_INSET = 0.2  # from a corner of a code to its middle: there a finder pattern is
_MIN_OWN_FINDERS = 2
_MIN_DENSITY = 0.35  # transitions per module in a suspicion without a finder pattern
_MIN_AREA_PX = 300.0
_CORNER_MODULES, _CORNER_SHARE = 9.0, 0.3  # how near a finder pattern is to a corner of its code
# zxing-cpp's partial positions take in about this many modules on a side.
_PARTIAL_MODULES = 21
# What has three finder patterns, or may: the rest of the family is seen in noise like the others.
_WITH_FINDERS = frozenset({Symbology.QRCODE, Symbology.ANY_QR})
_CONFIDENCE = {"three finder patterns": 0.9, "two finder patterns": 0.75, "a finder pattern": 0.65}


def locate(
    gray: Pixels,
    flat: Pixels,
    factor: float,
    finders: Sequence[Finder],
    reported: Sequence[Detection],
) -> list[Detection]:
    """Give the codes that were not read.

    Args:
        gray: The raster, shape (height, width).
        flat: A small, evenly lit copy of it.
        factor: From the copy's pixels to the raster's.
        finders: The finder patterns in the copy that are `outside` of what was read.
        reported: What engines report of the raster, read or not.

    Returns:
        Detections without content; each stands for the whole code.
    """
    read = [code.quad for code in reported if code.is_read]
    doubts = [code for code in reported if not code.is_read and not _is_covered(code.quad, read)]
    found = list(_by_finders(gray, flat, factor, finders))
    for code in doubts:
        if code.symbology in _WITH_FINDERS or _is_seen_twice(code, doubts):
            if _is_patchwork(code.quad, [*read, *(c.quad for c in found)], finders, factor):
                continue
            found += _suspected(code, gray, flat, factor, finders, found)
        elif code.symbology in ONE_DIMENSIONAL and (
            code.sources == ("zxing",) or has_bars(gray, code.quad)
        ):
            found.append(code)
    return found


def outside(
    finders: Sequence[Finder], factor: float, reported: Sequence[Detection]
) -> list[Finder]:
    """Give the finder patterns of a copy that belong to no code that was read."""
    read = [code.quad for code in reported if code.is_read]
    return [
        finder
        for finder in finders
        if not any(quad.contains(_point(finder, factor)) for quad in read)
    ]


def _by_finders(
    gray: Pixels, flat: Pixels, factor: float, finders: Sequence[Finder]
) -> Iterator[Detection]:
    lone = set(range(len(finders)))
    for square in squares(finders, flat):
        lone -= square.finders
        seen = "three finder patterns" if len(square.finders) == 3 else "two finder patterns"
        yield _located(_scaled(square.quad, factor), seen)
    for index in sorted(lone):
        finder = finders[index]
        seed, module = _point(finder, factor), finder.module * factor
        quad = grow(gray, seed, module)
        if quad is not None and _stands_at_corner(seed, module, quad):
            yield _located(quad, "a finder pattern")


def _suspected(
    code: Detection,
    gray: Pixels,
    flat: Pixels,
    factor: float,
    finders: Sequence[Finder],
    found: Sequence[Detection],
) -> list[Detection]:
    """Give what an engine's unread matrix code turns out to be; nothing where it is none."""
    quad = code.quad
    if quad.area < _MIN_AREA_PX:
        return []
    if any(other.quad.overlap(quad) > _SAME_SHARE * quad.area for other in found):
        return []
    module = max(float(np.sqrt(quad.area)) / _PARTIAL_MODULES, 1.0)
    grown = grow(gray, quad.center, module)
    if grown is not None and grown.area > quad.area / 2:
        return [_with_quad(code, grown)]
    if any(quad.contains(_point(finder, factor)) for finder in finders):
        return [code]
    small = _scaled(quad, 1 / factor)
    has_texture = density(flat, small, max(module / factor, 0.5)) > _MIN_DENSITY
    return [code] if has_texture else []


def _is_patchwork(
    quad: Quad, others: Sequence[Quad], finders: Sequence[Finder], factor: float
) -> bool:
    """Say whether an unread code is put together from the finder patterns of others.

    zxing-cpp tries every three finder patterns of a picture. A code around another one has finder
    patterns of its own.
    """
    lenders = [other for other in others if _lends(other, quad)]
    own = [finder for finder in finders if quad.contains(_point(finder, factor))]
    free = [f for f in own if not any(other.contains(_point(f, factor)) for other in lenders)]
    return bool(lenders) and len(free) < _MIN_OWN_FINDERS


def _lends(other: Quad, quad: Quad) -> bool:
    """Say whether a finder pattern of a quad stands in another code, which is not the same one."""
    shared = other.overlap(quad)
    if shared > _SAME_CODE_SHARE * max(other.area, quad.area):
        return False
    corners, center = quad.as_array(), np.array(quad.center)
    spots = corners + (center - corners) * _FINDER_INSET
    # zxing-cpp gives a code's own top left, top right, bottom right, bottom left.
    return any(other.contains(Point(*spots[index])) for index in (0, 1, 3))


def _is_seen_twice(code: Detection, doubts: Sequence[Detection]) -> bool:
    """Say whether an unread matrix code without three finder patterns shows in two versions.

    zxing-cpp sees them in sensor noise and foliage: in 13 of 292 pictures without codes.
    """
    if code.symbology in ONE_DIMENSIONAL:
        return False
    return any(
        other is not code
        and other.symbology is code.symbology
        and other.quad.overlap(code.quad) > code.quad.area / 2
        for other in doubts
    )


def _is_covered(quad: Quad, read: Sequence[Quad]) -> bool:
    return any(other.overlap(quad) > _COVERED_SHARE * quad.area for other in read)


def _stands_at_corner(seed: Point, module: float, quad: Quad) -> bool:
    """Say whether a finder pattern stands where those of a code do."""
    nearest = min(float(np.hypot(seed.x - x, seed.y - y)) for x, y in quad.corners)
    return nearest < max(_CORNER_MODULES * module, _CORNER_SHARE * float(np.sqrt(quad.area)))


def _located(quad: Quad, seen: str) -> Detection:
    return Detection(
        quad,
        Symbology.QRCODE,
        None,
        _CONFIDENCE[seen],
        (NAME,),
        reason=f"{seen} without a code that can be read",
    )


def _with_quad(code: Detection, quad: Quad) -> Detection:
    return Detection(quad, code.symbology, None, code.confidence, code.sources, reason=code.reason)


def _point(finder: Finder, factor: float) -> Point:
    x, y = finder.center * factor
    return Point(float(x), float(y))


def _scaled(quad: Quad, factor: float) -> Quad:
    return Quad.of(quad.as_array() * factor)
