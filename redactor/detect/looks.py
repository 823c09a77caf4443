"""The grey rasters in which a frame is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from redactor.detect.lighting import colors, shrink
from redactor.geometry import Quad
from redactor.model import Detection, Frame, Pixels

_SMALL_PX = 700  # longer side; colours in photographs are coarser than brightness


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
    seen: list[Pixels] = []
    for view in frame.views:
        gray = view if view.ndim == 2 else cv2.cvtColor(view, cv2.COLOR_RGB2GRAY)
        gray = np.ascontiguousarray(gray, dtype=np.uint8)
        if any(np.array_equal(gray, other) for other in seen):
            continue
        seen.append(gray)
        yield Look(gray)
        if frame.is_mirrored:
            yield Look(np.ascontiguousarray(gray[:, ::-1]), is_flipped=True)


def color_looks(frame: Frame) -> Iterator[tuple[Pixels, float]]:
    """Give small rasters of a frame's colours where they show what its brightness does not.

    Yields:
        The raster, and the factor from its pixels to the frame's.
    """
    for view in frame.views:
        if view.ndim == 3:
            # Neighbours are left out rather than averaged: most files keep half the colours anyway.
            step = max(1, max(view.shape) // _SMALL_PX)
            small, factor = shrink(np.ascontiguousarray(view[::step, ::step]), _SMALL_PX)
            for raster in colors(small):
                yield raster, factor * step
