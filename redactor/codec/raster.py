"""A canvas of plain channels, for formats whose pixels are stored one by one."""

from __future__ import annotations

import numpy as np

from redactor.geometry import Box
from redactor.model import Patch, Pixels, Plane

# A 4 x 4 ordered dither: fixed noise, the same for every picture.
_BAYER = (
    np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], dtype=np.float32) - 7.5
) / 16


class Canvas:
    """Pixels of shape (height, width, channels), to read from and to patch; never modified."""

    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is the opacity."""
        return self._pixels.shape[-1] in (2, 4)

    def read(self, box: Box) -> tuple[Plane, ...]:
        """Give each channel under a box, values from 0 to 255."""
        part = self._pixels[box.top : box.bottom, box.left : box.right]
        return tuple(part[..., index].astype(np.float32) for index in range(part.shape[-1]))

    def color(self, rgb: tuple[int, int, int]) -> tuple[float, ...]:
        """Give a colour's value in each channel; opaque where there is an alpha channel."""
        channels = self._pixels.shape[-1]
        # Rec. 601 luma, as Pillow converts to grey.
        gray = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
        color = (gray,) if channels <= 2 else tuple(float(value) for value in rgb)
        return (*color, 255.0) if self.has_alpha else color

    def apply(self, patches: tuple[Patch, ...]) -> tuple[Pixels, Pixels]:
        """Put patches in place.

        Returns:
            New pixels, and a mask of shape (height, width) of those that were drawn.
        """
        pixels = self._pixels.copy()
        drawn = np.zeros(pixels.shape[:2], dtype=bool)
        for patch in patches:
            rows, columns = patch.mask.shape
            part = np.s_[patch.top : patch.top + rows, patch.left : patch.left + columns]
            values = np.stack(patch.planes, axis=-1)
            new = np.clip(np.rint(values), 0, 255).astype(np.uint8)
            pixels[part][patch.mask] = new[patch.mask]
            drawn[part] |= patch.mask
        return pixels, drawn


def palette_indices(pixels: Pixels, drawn: Pixels, palette: Pixels, stored: Pixels) -> Pixels:
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
    nearest = np.empty(len(values), dtype=np.intp)
    for start in range(0, len(values), 65_536):
        part = values[start : start + 65_536, None, :]
        nearest[start : start + 65_536] = ((part - choices) ** 2).sum(axis=-1).argmin(axis=1)
    result[rows, columns] = nearest.astype(result.dtype)
    return result
