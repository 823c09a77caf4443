"""Frames that are drawn one over the other: what viewers see, and how to write it anew.

What is looked at and hidden are the *composed* canvases that a viewer shows. A code may be put
together from several frames, and a frame may bring back what an earlier one hid, so a file is
written by playing it: a frame stays as it is stored only where it touches nothing hidden and
still gives the canvas it should; any other is stored anew, as the part of the canvas that has to
change. What is written follows from the canvases as they should be, from where something is
hidden, and from the frames that stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from redactor.codec.base import deep_views, rgba_views
from redactor.codec.raster import Canvas, Samples
from redactor.errors import DamagedPicture, LimitExceeded
from redactor.geometry import Box, Mask
from redactor.model import Frame, Limits, Patch

Over = Callable[[Samples, Samples], Samples]
"""Lays pixels over others, both of shape (height, width, 4)."""


class Dispose(Enum):
    """What becomes of a frame's area before the next frame is drawn."""

    NONE = "none"
    BACKGROUND = "background"  # it is cleared
    PREVIOUS = "previous"  # it is as it was before


@dataclass(frozen=True, eq=False)
class Part:
    """What one frame draws on the canvas.

    Attributes:
        left: First column.
        top: First row.
        pixels: RGBA, shape (height, width, 4).
        dispose: What becomes of its area afterwards.
        is_blended: It is laid over what is there; else it takes its place.
    """

    left: int
    top: int
    pixels: Samples
    dispose: Dispose = Dispose.NONE
    is_blended: bool = True

    @property
    def box(self) -> Box:
        """Its area on the canvas."""
        height, width = self.pixels.shape[:2]
        return Box(self.left, self.top, self.left + width, self.top + height)


@dataclass(frozen=True, eq=False)
class Change:
    """A frame to store anew; what it draws takes the place of what is there.

    Attributes:
        part: The frame.
        needed: Mask of its area: the pixels that the canvas does not show already.
    """

    part: Part
    needed: Mask


def check_frames(size: tuple[int, int], frames: int, limits: Limits) -> None:
    """Hold the frames of an animation against the limits.

    Raises:
        DamagedPicture: If there are none.
        LimitExceeded: If there are too many, or too many pixels in all of them.
    """
    if frames < 1:
        raise DamagedPicture("the animation has no frames")
    if frames > limits.max_frames:
        raise LimitExceeded(f"{frames:,} frames, over the limit of {limits.max_frames:,}")
    width, height = size
    if width * height * frames > limits.max_pixels:
        raise LimitExceeded(
            f"{frames:,} frames of {width} x {height} pixels,"
            f" over the limit of {limits.max_pixels:,} pixels"
        )


def compose(parts: Sequence[Part], size: tuple[int, int], over: Over) -> list[Samples]:
    """Give the canvas that each frame shows, of shape (height, width, 4)."""
    canvas = _blank(parts[0], size)
    shown = []
    for index, part in enumerate(parts):
        drawn = _draw(canvas, part, over)
        shown.append(drawn)
        canvas = _dispose(canvas, drawn, part.box, part.dispose, is_first=index == 0)
    return shown


_CLEAR = 128  # an opacity below which a frame may hold colours that its canvas does not show


def frame_of(canvas: Samples, part: Part, name: str, *, is_mirrored: bool = False) -> Frame:
    """Give what there is to look at in a frame: the canvas, and colours it hides as transparent."""
    if canvas.dtype == np.uint16:
        views = rgba_views((canvas >> 8).astype(np.uint8))
        return Frame((*views, deep_views(canvas[..., :3].astype(np.uint16))[1]), name, is_mirrored)
    views = rgba_views(canvas.astype(np.uint8))
    clear = part.pixels[..., 3] < _CLEAR
    if part.is_blended and part.pixels[clear, :3].any():
        bare = canvas[..., :3].astype(np.uint8)
        area = part.box
        bare[area.top : area.bottom, area.left : area.right] = part.pixels[..., :3]
        views = (*views, bare)
    return Frame(views, name, is_mirrored)


def rewrite(
    parts: Sequence[Part],
    targets: Sequence[Samples],
    hidden: Sequence[Mask],
    over: Over,
    *,
    can_clear: bool,
    step: int = 1,
) -> Iterator[Change | None]:
    """Say how to store each frame so that the canvases become what they should.

    Args:
        parts: The frames as they are stored.
        targets: The canvas that each should show.
        hidden: Mask of each canvas: what was drawn over. Nothing stored under it stays.
        over: How the format blends.
        can_clear: Whether a frame can make pixels transparent.
        step: Frames begin at multiples of this.

    Yields:
        A change, or None for a frame that stays as it is stored.
    """
    canvas = _blank(parts[0], targets[0].shape[1::-1])
    for index, part in enumerate(parts):
        is_first, target = index == 0, targets[index]
        following = targets[index + 1] if index + 1 < len(targets) and not can_clear else None
        area = part.box
        if not hidden[index][area.top : area.bottom, area.left : area.right].any():
            drawn = _draw(canvas, part, over)
            after = _dispose(canvas, drawn, area, part.dispose, is_first=is_first)
            if np.array_equal(drawn, target) and not _stuck(after, following).any():
                yield None
                canvas = after
                continue
        needed = (canvas != target).any(axis=-1)
        dispose = part.dispose
        area = _around(needed, area)
        after = _dispose(canvas, target, area, dispose, is_first=is_first)
        if (stuck := _stuck(after, following)).any():
            # The next frame cannot make these transparent; so this one does when it goes.
            dispose, area = Dispose.BACKGROUND, _around(stuck, area)
        area = area.snap((step, step)).clip(*targets[0].shape[1::-1])
        cut = np.s_[area.top : area.bottom, area.left : area.right]
        yield Change(Part(area.left, area.top, target[cut], dispose, is_blended=False), needed[cut])
        canvas = _dispose(canvas, target, area, dispose, is_first=is_first)


def redrawn(
    pages: Sequence[Canvas],
    patches: Sequence[Patch],
    settle: Callable[[int, Samples, Mask], Samples],
) -> tuple[list[Samples], list[Mask]]:
    """Give the canvases as they should be, and where something is drawn on each.

    Args:
        pages: The canvases as they are.
        patches: What is drawn.
        settle: Turns drawn pixels of a frame into ones that it can store.
    """
    targets, hidden = [], []
    for index, page in enumerate(pages):
        here = [patch for patch in patches if patch.frame == index]
        pixels, drawn = page.apply(here) if here else (page.pixels, np.zeros(page.size[::-1], bool))
        targets.append(settle(index, pixels, drawn) if here else pixels)
        hidden.append(drawn)
    return targets, hidden


def _blank(part: Part, size: tuple[int, ...]) -> Samples:
    return np.zeros((size[1], size[0], 4), dtype=part.pixels.dtype)


def _draw(canvas: Samples, part: Part, over: Over) -> Samples:
    drawn = canvas.copy()
    area = part.box
    below = drawn[area.top : area.bottom, area.left : area.right]
    below[...] = over(part.pixels, below) if part.is_blended else part.pixels
    return drawn


def _dispose(
    before: Samples, drawn: Samples, area: Box, dispose: Dispose, *, is_first: bool
) -> Samples:
    if dispose is Dispose.NONE:
        return drawn
    if dispose is Dispose.PREVIOUS and not is_first:
        return before
    cleared = drawn.copy()
    cleared[area.top : area.bottom, area.left : area.right] = 0
    return cleared


def _stuck(canvas: Samples, following: Samples | None) -> Mask:
    """Say where the next canvas is transparent and this one is not."""
    if following is None:
        return np.zeros(canvas.shape[:2], dtype=np.bool_)
    return (canvas[..., 3] > 0) & (following[..., 3] == 0)


def _around(mask: Mask, area: Box) -> Box:
    """Grow an area to hold everything in a mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return area
    return Box(
        min(area.left, int(columns[0])),
        min(area.top, int(rows[0])),
        max(area.right, int(columns[-1]) + 1),
        max(area.bottom, int(rows[-1]) + 1),
    )


def over_exactly(above: Samples, below: Samples) -> Samples:
    """Lay pixels over others as PNG's specification says; exact where nothing is half clear."""
    most = np.iinfo(above.dtype).max
    alpha = above[..., 3:]
    if ((alpha == 0) | (alpha == most)).all():
        return np.where(alpha == 0, below, above)
    top, bottom = above.astype(np.float64) / most, below.astype(np.float64) / most
    share = bottom[..., 3:] * (1 - top[..., 3:])
    opacity = top[..., 3:] + share
    colors = (top[..., :3] * top[..., 3:] + bottom[..., :3] * share) / np.maximum(opacity, 1e-9)
    mixed = np.rint(np.concatenate([colors, opacity], axis=-1) * most).astype(above.dtype)
    return np.where(alpha == 0, below, np.where(alpha == most, above, mixed))
