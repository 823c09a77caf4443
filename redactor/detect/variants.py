"""Versions of one area that a determined reader would try: the second look, and the last."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from redactor.detect.lighting import sharpen
from redactor.geometry import Quad
from redactor.model import Pixels

_SMALL_PX = 500  # areas below this on the longer side are also looked at twice as large
_LARGE_PX = 250  # areas above this are also looked at half as large
COUNT = 7


def variants(gray: Pixels) -> Iterator[tuple[Pixels, float]]:
    """Give versions of an area, as it is first.

    Yields:
        The version, and the factor from its pixels back to those of the area.
    """
    side = max(gray.shape)
    yield gray, 1.0
    yield sharpen(gray, 2.0), 1.0
    yield np.asarray(cv2.createCLAHE(4.0, (8, 8)).apply(gray), dtype=np.uint8), 1.0
    yield np.asarray(255 - gray, dtype=np.uint8), 1.0
    if side < _SMALL_PX:
        doubled = cv2.resize(gray, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        yield np.asarray(doubled, dtype=np.uint8), 0.5
        yield sharpen(np.asarray(doubled, dtype=np.uint8), 3.0), 0.5
    if side > _LARGE_PX:
        halved = cv2.resize(gray, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        yield np.asarray(halved, dtype=np.uint8), 2.0


def cut(gray: Pixels, quad: Quad, *, margin: float) -> tuple[Pixels, int, int]:
    """Cut an area with some context out of a raster.

    Args:
        gray: The raster.
        quad: The area.
        margin: Context on each side, as a share of the area's longer side; at least 16 pixels.

    Returns:
        The part, and its left and top in the raster; empty where the quad lies outside.
    """
    box = quad.box
    height, width = gray.shape
    box = box.grow(max(16, int(margin * max(box.width, box.height)))).clip(width, height)
    part = np.ascontiguousarray(gray[box.top : box.bottom, box.left : box.right])
    return part, box.left, box.top


def to_raster(quad: Quad, factor: float, left: int, top: int) -> Quad:
    """Map a quad in a version of an area back to the raster."""
    return Quad.of([(x * factor + left, y * factor + top) for x, y in quad.corners])
