"""Codes that move: the frames of an animation in which one was missed.

A code that is seen in one frame and again in a later one is taken to be there in between, too,
whatever the detector saw: motion blur, a cross-fade or a flicker hide a code from it that a
viewer who stops the animation can read. Only places are filled in here; rules decide of them as
of the code itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from redactor.geometry import Quad
from redactor.model import Detection

REASON = "not found in this frame, but in frames before and after"
_SAME_PLACE = 0.3  # of the smaller quad's area that two unread codes share


def fill_gaps(detections: Sequence[Detection], frames: int) -> tuple[Detection, ...]:
    """Add each code to the frames between those in which it was found.

    A code that was read is followed by its content, however far it jumps; one that was not, by
    its place.

    Args:
        detections: Of all frames.
        frames: How many of the frames follow each other in time; others are left alone.

    Returns:
        What was given and what was added, by frame.
    """
    seen = sorted((code for code in detections if code.frame < frames), key=lambda c: c.frame)
    added = [
        between
        for number, code in enumerate(seen)
        for is_same in (_says_the_same, _lies_there)
        if (following := _next(code, islice(seen, number + 1, None), is_same)) is not None
        for between in _between(code, following)
    ]
    return tuple(sorted([*detections, *_each_once(added, seen)], key=lambda code: code.frame))


def _next(
    code: Detection, later: Iterable[Detection], is_same: Callable[[Detection, Detection], bool]
) -> Detection | None:
    """Give the same code in the next frame that shows it; the nearest where there are several."""
    same: list[Detection] = []
    for other in later:
        if same and other.frame != same[0].frame:
            break
        if other.frame > code.frame and is_same(code, other):
            same.append(other)
    return min(same, key=lambda other: _distance(code.quad, other.quad), default=None)


def _says_the_same(one: Detection, other: Detection) -> bool:
    return one.is_read and (one.symbology, one.content) == (other.symbology, other.content)


def _lies_there(one: Detection, other: Detection) -> bool:
    """Say whether two codes of which not both were read lie in one place."""
    if one.is_read and other.is_read:
        return False
    if _distance(one.quad, other.quad) > sum((*one.quad.sides, *other.quad.sides)):
        return False
    smaller = min(one.quad.area, other.quad.area)
    return one.quad.overlap(other.quad) > _SAME_PLACE * smaller


def _between(code: Detection, following: Detection) -> Iterator[Detection]:
    steps = following.frame - code.frame
    for step in range(1, steps):
        for quad in _places(code.quad, following.quad, step / steps, steps):
            yield replace(code, quad=quad, frame=code.frame + step, reason=REASON, modules=None)


def _places(first: Quad, last: Quad, share: float, steps: int) -> tuple[Quad, ...]:
    """Say where a code may be between two places.

    Around both where they touch. Else it is on its way, as far off as it moves in a step, or
    still at one of its ends.
    """
    if first.overlap(last) > 0:
        corners = np.vstack([first.as_array(), last.as_array()])
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        return (Quad.from_box(left, top, right - left, bottom - top),)
    on_its_way = first.as_array() * (1 - share) + _turned_like(first, last) * share
    return first, Quad.of(on_its_way).grow(_distance(first, last) / steps), last


def _turned_like(first: Quad, last: Quad) -> NDArray[np.float64]:
    """Give the last quad's corners in the order that moves them least."""
    start, end = first.as_array(), last.as_array()
    turns = [np.roll(end, turn, axis=0) for turn in range(4)]
    return min(turns, key=lambda turn: float(np.abs(turn - start).sum()))


def _distance(one: Quad, other: Quad) -> float:
    (x, y), (u, v) = one.center, other.center
    return float(np.hypot(x - u, y - v))


def _each_once(added: Iterable[Detection], seen: Iterable[Detection]) -> list[Detection]:
    known = {(code.frame, code.quad, code.content) for code in seen}
    kept = []
    for code in added:
        if (place := (code.frame, code.quad, code.content)) not in known:
            known.add(place)
            kept.append(code)
    return kept
