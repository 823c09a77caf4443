"""The grey rasters in which a frame is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from redactor.detect.lighting import colors, more_than_brightness, shrink, stretch
from redactor.geometry import Box, Quad
from redactor.model import Detection, Frame, Pixels

_SMALL_PX = 350  # longer side, to see where colours change; they are read at up to
_LARGE_PX = 2_400


@dataclass(frozen=True, eq=False)
class Look:
    """One grey raster of a frame, perhaps mirrored."""

    gray: Pixels
    is_flipped: bool = False

    def there(self, quad: Quad) -> Quad:
        """Map a quad of the frame into this raster."""
        if not self.is_flipped:
            return quad
        width = self.gray.shape[1]
        a, b, c, d = [(width - x, y) for x, y in quad.corners]
        return Quad.of((b, a, d, c))

    def back(self, code: Detection) -> Detection:
        """Map a detection in this raster to the frame."""
        return replace(code, quad=self.there(code.quad)) if self.is_flipped else code


def looks(frame: Frame) -> Iterator[Look]:
    """Give a frame's views in grey, each once, and mirrored where viewers mirror it."""
    grays = (
        view if view.ndim == 2 else cv2.cvtColor(view, cv2.COLOR_RGB2GRAY) for view in frame.views
    )
    for gray in _each_once(np.ascontiguousarray(gray, dtype=np.uint8) for gray in grays):
        yield Look(gray)
        if frame.is_mirrored:
            yield Look(np.ascontiguousarray(gray[:, ::-1]), is_flipped=True)


def color_looks(frame: Frame) -> Iterator[tuple[Pixels, tuple[float, int, int]]]:
    """Give rasters of a frame's colours where they show what its brightness does not.

    Yields:
        The raster, and how it lies in the frame: the factor from its pixels, left and top.
    """
    for view in _each_once(view for view in frame.views if view.ndim == 3):
        # Neighbours are left out rather than averaged: all that counts is where colours change.
        step = -(-max(view.shape) // _SMALL_PX)
        small = np.ascontiguousarray(view[::step, ::step])
        gray = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        for index, color in enumerate(colors(small)):
            box = more_than_brightness(color, gray)
            if box is None:
                continue
            left, top, right, bottom = (value * step for value in box)
            area = Box(left, top, right, bottom).clip(view.shape[1], view.shape[0])
            part, factor = shrink(
                np.ascontiguousarray(view[area.top : area.bottom, area.left : area.right]),
                _LARGE_PX,
            )
            yield stretch(colors(part)[index]), (factor, area.left, area.top)


def _each_once(rasters: Iterable[Pixels]) -> Iterator[Pixels]:
    """Leave out what shows nothing new: a pixel that is almost opaque looks the same on any page.

    One level is what rounding makes of it.
    """
    seen: list[Pixels] = []
    for raster in rasters:
        if seen and int(raster.max()) - int(raster.min()) <= 1:
            continue
        if not any(cv2.norm(raster, other, cv2.NORM_INF) <= 1 for other in seen):
            seen.append(raster)
            yield raster
