"""A canvas of plain channels, for formats whose pixels are stored one by one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redactor.geometry import Box, Mask
from redactor.model import Patch, Plane

Samples = NDArray[np.unsignedinteger[Any]]  # of 8 or 16 bits

# A 4 x 4 ordered dither: fixed noise, the same for every picture.
_BAYER = (
    np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], dtype=np.float32) - 7.5
) / 16

_FEW_COLORS = 8  # of a palette: to compare with all is less work than to sort


class Canvas:
    """Pixels of shape (height, width, channels), to read from and to patch; see `Page`.

    Args:
        pixels: Of 8 or 16 bits a channel; planes have values from 0 to 255 all the same.
        has_alpha: Whether the last channel is the opacity; where None, of two channels or four.
    """

    cell = (1, 1)

    def __init__(self, pixels: Samples, *, has_alpha: bool | None = None) -> None:
        self.pixels = pixels
        self.size = pixels.shape[1], pixels.shape[0]
        self.has_alpha = pixels.shape[-1] in (2, 4) if has_alpha is None else has_alpha
        self._scale = np.float32(np.iinfo(pixels.dtype).max / 255)

    def read(self, box: Box, _needed: Mask | None = None) -> tuple[Plane, ...]:
        """Give each channel under a box, values from 0 to 255."""
        part = self.pixels[box.top : box.bottom, box.left : box.right].astype(np.float32)
        return tuple(part[..., index] / self._scale for index in range(part.shape[-1]))

    def color(self, rgb: tuple[int, int, int]) -> tuple[float, ...] | None:
        """Give a colour's value in each channel; opaque where there is an alpha channel."""
        channels = self.pixels.shape[-1]
        if channels - self.has_alpha not in (1, 3):
            return None
        # Rec. 601 luma, as Pillow converts to grey.
        gray = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
        color = (gray,) if channels <= 2 else tuple(float(value) for value in rgb)
        return (*color, 255.0) if self.has_alpha else color

    def apply(self, patches: Iterable[Patch]) -> tuple[Samples, Mask]:
        """Put patches in place.

        Returns:
            New pixels, and a mask of shape (height, width) of those that were drawn.
        """
        pixels = self.pixels.copy()
        drawn = np.zeros(pixels.shape[:2], dtype=bool)
        for patch in patches:
            rows, columns = patch.mask.shape
            part = np.s_[patch.top : patch.top + rows, patch.left : patch.left + columns]
            for index, plane in enumerate(patch.planes):
                values = np.clip(plane, 0, 255)
                if self._scale != 1:
                    values *= self._scale
                new = np.rint(values, out=values).astype(pixels.dtype)
                np.copyto(pixels[part][..., index], new, where=patch.mask)
            drawn[part] |= patch.mask
        return pixels, drawn


def exact_indices(pixels: Samples, palette: Samples) -> NDArray[np.intp]:
    """Give the index of each pixel's colour in a palette; -1 where it is not there.

    Args:
        pixels: Shape (…, channels).
        palette: Shape (colours, channels); of equal ones, the first counts.
    """
    colors, first = np.unique(_as_numbers(palette), return_index=True)
    wanted = _as_numbers(pixels)
    if not len(colors):
        return np.full(wanted.shape, -1)
    place = np.minimum(np.searchsorted(colors, wanted), len(colors) - 1)
    return np.where(colors[place] == wanted, first[place], -1)


def _as_numbers(pixels: Samples) -> NDArray[np.int64]:
    """Give each pixel as one number."""
    numbers = np.zeros(pixels.shape[:-1], dtype=np.int64)
    for channel in range(pixels.shape[-1]):
        numbers = numbers << 16 | pixels[..., channel].astype(np.int64)
    return numbers


def luma(rgb: Samples) -> NDArray[np.float64]:
    """Give the brightness of colours of shape (…, 3), by Rec. 601, as Pillow converts to grey."""
    return rgb @ np.array([0.299, 0.587, 0.114])


def palette_indices(pixels: Samples, drawn: Mask, palette: Samples, stored: Samples) -> Samples:
    """Give palette indices: the stored ones, and the nearest colours where something was drawn.

    Args:
        pixels: Shape (height, width, channels).
        drawn: Mask of shape (height, width).
        palette: Shape (colours, channels).
        stored: Indices as they were, shape (height, width).
    """
    result = stored.copy()
    rows, columns = np.nonzero(drawn)
    choices = palette.astype(np.float32)
    # Few colours want dithering; with many it only adds grain.
    strength = 255.0 / max(len(palette), 2) if len(palette) < 64 else 4.0
    values = pixels[rows, columns].astype(np.float32)
    values += (_BAYER[rows % 4, columns % 4] * strength)[:, None]
    whole = np.clip(np.rint(values), 0, 255)
    which: NDArray[np.intp] | slice = slice(None)
    if len(palette) > _FEW_COLORS:  # what is drawn is smooth: of many pixels few are different
        numbers = _as_numbers(whole.astype(np.uint16))
        _, first, which = np.unique(numbers, return_index=True, return_inverse=True)
        whole = whole[first]
    values = whole
    # The nearest is where |c|^2 - 2 v c is least: |v|^2 is the same for all.
    lengths = (choices**2).sum(axis=1)
    nearest = np.empty(len(values), dtype=np.intp)
    for start in range(0, len(values), 65_536):
        part = values[start : start + 65_536]
        nearest[start : start + 65_536] = (lengths - 2 * (part @ choices.T)).argmin(axis=1)
    result[rows, columns] = nearest[which].astype(result.dtype)
    return result
