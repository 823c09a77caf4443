"""Regions drawn on the pages of a picture, and pages compared outside of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from redactor import codec, render
from redactor.codec.raster import Canvas
from redactor.geometry import Box
from redactor.model import Patch, Region

_RING_SHARE = 0.04  # of a region's longer side: how far around it colours are taken from
_RING_CELLS = 2


def patches(picture: codec.Picture, regions: Sequence[Region]) -> Iterator[Patch]:
    """Draw every region of every page."""
    for index, page in enumerate(picture.pages):
        here = [region for region in regions if region.frame == index]
        yield from (replace(patch, frame=index) for patch in _patches_of(page, here))


def _patches_of(page: codec.Page, regions: Sequence[Region]) -> Iterator[Patch]:
    """Draw regions of one page; each from the surroundings of all, so their order is no matter."""
    if not regions:
        return
    hidden = render.hidden_area(regions, page.size, page.cell)
    across, down = page.cell
    for region in regions:
        touched, mask = region.quad.touched(*page.size, cell=page.cell)
        if not mask.any():
            continue
        ring = max(_RING_CELLS, round(_RING_SHARE * max(touched.width, touched.height)))
        cells = touched.grow(ring).clip(hidden.shape[1], hidden.shape[0])
        target = np.zeros((cells.height, cells.width), dtype=np.bool_)
        top, left = touched.top - cells.top, touched.left - cells.left
        target[top : top + touched.height, left : left + touched.width] = mask
        box = Box(cells.left * across, cells.top * down, cells.right * across, cells.bottom * down)
        covered = hidden[cells.top : cells.bottom, cells.left : cells.right]
        planes = render.draw(
            page.read(box, ~covered),  # what is hidden is not even decoded
            hidden=covered,
            target=target,
            action=region.action,
            style=region.style,
            color=page.color(region.style.color) if region.style.color else None,
            brightness=_brightness(page),
            has_alpha=page.has_alpha,
        )
        yield Patch(box.left, box.top, target, planes)


def _brightness(page: codec.Page) -> tuple[float, ...] | None:
    """Give what one step of brightness is in each plane."""
    black, white = page.color((0, 0, 0)), page.color((255, 255, 255))
    if black is None or white is None:
        return None
    return tuple((high - low) / 255 for low, high in zip(black, white, strict=True))


def difference(before: codec.Picture, after: codec.Picture, regions: Sequence[Region]) -> int:
    """Give the largest difference of any sample outside of the hidden regions, rounded up."""
    worst = 0.0
    for index, (old, new) in enumerate(zip(before.pages, after.pages, strict=True)):
        here = [region for region in regions if region.frame == index]
        if isinstance(old, Canvas) and isinstance(new, Canvas):
            found = render.difference_outside(old.pixels, new.pixels, here)
            worst = max(worst, 255 / np.iinfo(old.pixels.dtype).max * found)
            continue
        # Coefficients are compared as readers show them.
        views = zip(before.frames[index].views, after.frames[index].views, strict=True)
        for seen, now in views:
            worst = max(worst, render.difference_outside(seen, now, here, old.cell))
    return math.ceil(worst)
