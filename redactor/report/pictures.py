"""The small pictures of one row: made where the work is done, on any thread or in any process.

A row may tell of fewer codes than its picture holds: it was filtered, edited, or written by an
older version. So what is made from one is read again, and what can be read in it is broken up. A
row that was made just now tells every code that was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from redactor.detect import LocalDetector
from redactor.geometry import Quad
from redactor.model import Action, Frame, Limits, Verdict
from redactor.report import words
from redactor.report.rows import CodeRow, Row
from redactor.report.thumbnails import Thumbnail, thumbnail

MOST_AREAS = 1_000
"""Broken up one by one; a picture with more is shown as a blur."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """A picture before and after, small.

    Attributes:
        before: As it came, the codes in it broken up; None where it cannot be shown.
        after: As it was stored; None likewise, or where it is the same.
        is_changed: Whether what was stored differs from what came.
    """

    before: Thumbnail | None = None
    after: Thumbnail | None = None
    is_changed: bool = False


def pictures_of(
    entry: Row,
    before: bytes | None,
    after: bytes | None,
    *,
    show_codes: bool = False,
    is_whole: bool = False,
    limits: Limits | None = None,
) -> Pictures:
    """Make the small pictures for a row.

    Args:
        entry: What happened to the picture.
        before: The bytes that came in, perhaps damaged or hostile; None where they are not at hand.
        after: The bytes that were stored; None where there are none.
        show_codes: Leave codes in them readable.
        is_whole: Whether the row tells every code; the small pictures are not read again then.
        limits: Larger pictures are not shown.
    """
    is_unknown = entry["verdict"] == Verdict.QUARANTINED
    is_changed = after is not None and after != before and not is_unknown

    areas = _areas(entry)
    # Not opened by who looked at it: it may have ended that process.
    is_closed = entry["format"] is None

    def shrink(data: bytes | None, hide: Sequence[Quad], *, coarse: bool) -> Thumbnail | None:
        if data is None or is_closed:
            return None
        return thumbnail(
            data,
            orientation=entry["orientation"],
            hide=() if show_codes or len(hide) > MOST_AREAS else hide,
            find=None if show_codes or is_whole else readable,
            # So many cover the picture, and one by one they would take minutes.
            coarse=(coarse or len(hide) > MOST_AREAS) and not show_codes,
            page=shown_frame(entry),
            limits=limits or Limits(),
        )

    left = [Quad.of(code["quad"]) for code in left_codes(entry)]
    return Pictures(
        shrink(before, areas, coarse=is_unknown),
        shrink(after, left, coarse=False) if is_changed else None,
        is_changed,
    )


def readable(picture: Image.Image) -> list[Quad]:
    """Find the codes in a small picture that can be read, also by whoever enlarges it."""
    frame = Frame((np.asarray(picture.convert("RGB")),))
    return [code.quad for code in _detector().glance(frame)]


def shown_frame(entry: Row) -> int:
    """Choose the frame or page to show: the first with a code."""
    frames = entry["frames"]
    seen = sorted(code["frame"] for code in entry["codes"] if code["frame"] < len(frames))
    return next((frame for frame in seen if frames[frame].startswith(words.PAGES)), 0)


def left_codes(entry: Row) -> list[CodeRow]:
    """Give the codes of the frame that is shown which stay in it."""
    shown = shown_frame(entry)
    return [
        code
        for code in entry["codes"]
        if code["frame"] == shown and not Action(code["action"]).hides
    ]


def _areas(entry: Row) -> list[Quad]:
    """Find what holds codes in a picture as it came: the regions, and the codes that stay."""
    shown = shown_frame(entry)
    return [
        Quad.of(area["quad"])
        for area in (*entry["regions"], *entry["codes"])
        if area["frame"] == shown
    ]


@cache
def _detector() -> LocalDetector:
    return LocalDetector()
