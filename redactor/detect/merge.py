"""What several engines say about one code, as one detection.

Two reports are of one code when one's quad covers a good part of the other's, or when a scan line
or another partial position lies inside a larger one; codes that merely lie side by side stay two.
Before they are compared, partial positions grow to the whole symbol (`extent`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np

from redactor.detect.extent import whole_symbol
from redactor.geometry import Quad
from redactor.model import ONE_DIMENSIONAL, QR_FAMILY, TWO_DIMENSIONAL, Detection, Pixels, Symbology

_SAME_SHARE = 0.4  # of the smaller quad, for two reports to be of one code
_MUCH_LARGER = 2.5  # than a code whose corners are known: it is another one
_AROUND = 1.6  # an unread code this much larger than one that was read is another code
_LARGER = 1.25  # an engine that saw this much more of a code saw the rest of it
# Who is trusted first for content, symbology and corners.
_TRUST = {"zxing": 0, "zbar": 1, "imm": 2, "locator": 3, "opencv": 4}


def merge(
    detections: Iterable[Detection], gray: Pixels, known: Iterable[Detection] = ()
) -> list[Detection]:
    """Join reports of one raster and sort them in reading order.

    Args:
        detections: Of any number of engines over the same raster.
        gray: The raster, to find how far a symbol reaches.
        known: What an earlier call gave: whole symbols, joined with the new reports.
    """
    groups: list[list[Detection]] = []
    reports = [*((code, True) for code in known), *((code, False) for code in detections)]
    for report, is_whole in sorted(reports, key=lambda pair: _rank(pair[0])):
        if (found := _group_of_reading(report, groups)) is not None:
            found.append(replace(report, quad=found[0].quad))
            continue
        code = report if is_whole else whole_symbol(report, gray)
        for group in groups:
            if any(_are_same(code, other) for other in group):
                group.append(code)
                break
        else:
            groups.append([code])
    return _in_reading_order([_join(group) for group in groups])


def _in_reading_order(codes: Iterable[Detection]) -> list[Detection]:
    """Sort codes row by row; those whose middle lies beside the first of a row are in it."""
    rows: list[list[Detection]] = []
    for code in sorted(codes, key=lambda code: (code.quad.box.top, code.quad.box.left)):
        if rows and code.quad.center.y < rows[-1][0].quad.box.bottom:
            rows[-1].append(code)
        else:
            rows.append([code])
    return [code for row in rows for code in sorted(row, key=lambda code: code.quad.box.left)]


def _group_of_reading(code: Detection, groups: list[list[Detection]]) -> list[Detection] | None:
    """Find the linear code that this is one more reading of: it need not be followed again."""
    if code.content is None or code.symbology not in ONE_DIMENSIONAL:
        return None
    for group in groups:
        same = (group[0].content, group[0].symbology) == (code.content, code.symbology)
        if same and group[0].quad.contains(code.quad.center):
            return group
    return None


def _rank(code: Detection) -> tuple[bool, int, float]:
    return code.content is None, _TRUST.get(code.sources[0], 9), -code.quad.area


def _are_same(first: Detection, second: Detection) -> bool:
    if not _are_akin(first.symbology, second.symbology):
        return False
    shared = first.quad.overlap(second.quad)
    smaller = min(first.quad.area, second.quad.area)
    if smaller > 0 and not shared:
        return False
    if _is_around(first, second):
        return False
    if smaller <= 0:
        return first.quad.contains(second.quad.center) or second.quad.contains(first.quad.center)
    share = shared / smaller
    if any(
        _is_exact(one) and one.quad.area * _MUCH_LARGER < other.quad.area
        for one, other in ((first, second), (second, first))
    ):
        return False  # a decoy inside of it, and no reason to give up the code around
    if first.content is not None and first.content == second.content:
        return share > _SAME_SHARE / 4
    return share > _SAME_SHARE


def _is_exact(code: Detection) -> bool:
    """Say whether the corners are known: a matrix code cannot be read without."""
    return code.is_read and code.symbology in TWO_DIMENSIONAL and code.sources == ("zxing",)


def _is_around(first: Detection, second: Detection) -> bool:
    """Say whether one is an unread matrix code around a smaller one that was read.

    A small code in the middle of a large one must not settle what the large one says. Of linear
    codes a reading is often a part, and the larger box the whole.
    """
    if first.symbology in ONE_DIMENSIONAL or first.is_read == second.is_read:
        return False
    read, unread = (first, second) if first.is_read else (second, first)
    return unread.quad.area > _AROUND * read.quad.area


def _are_akin(first: Symbology, second: Symbology) -> bool:
    """Say whether two engines may mean one code, calling it by these names."""
    if Symbology.UNKNOWN in (first, second):
        return True
    return (first in ONE_DIMENSIONAL) == (second in ONE_DIMENSIONAL)


def _join(group: list[Detection]) -> Detection:
    best = group[0]
    if len(group) == 1:
        return best
    readings = sorted({text for code in group for text in code.readings})
    doubt = 1.0
    for source in {code.sources[0]: code for code in reversed(group)}.values():
        doubt *= 1 - source.confidence
    symbology = next((c.symbology for c in group if c.symbology.is_known), best.symbology)
    return Detection(
        _quad_of(group),
        symbology,
        best.content,
        1 - doubt,
        tuple(sorted({source for code in group for source in code.sources})),
        tuple(readings),
        best.frame,
        next((code.modules for code in group if code.modules), None),
        best.reason,
    )


def _quad_of(group: list[Detection]) -> Quad:
    """Give the most trusted quad, or one around several where another saw much more."""
    best = group[0].quad
    others = [
        code.quad
        for code in group[1:]
        if code.quad.area > best.area * _LARGER and code.sources != ("imm",)
    ]
    if group[0].content is not None and group[0].symbology in TWO_DIMENSIONAL:
        # Who read a matrix code knew all four corners; zbar's and OpenCV's wobble more.
        others = (
            [] if group[0].sources[0] == "zxing" and group[0].symbology in QR_FAMILY else others
        )
    if not others:
        return best
    points = np.concatenate([quad.as_array() for quad in (best, *others)]).astype(np.float32)
    return Quad.of(cv2.boxPoints(cv2.minAreaRect(points)).astype(np.float64))
