"""Pictures as the locators want them: small, and evenly lit."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from redactor.model import Pixels

_WINDOW_SHARE = 8  # of the longer side: light changes slower than this, codes faster
_CONTRAST = 50.0  # standard deviation, in levels, that every part of the picture is brought to
_LEAST_COLOR = 24.0  # levels of difference between colours; less is noise
_NOISE = 3.0  # below this standard deviation there is nothing but noise to bring out


def shrink(gray: Pixels, longest: int) -> tuple[Pixels, float]:
    """Shrink a raster to a longer side in pixels; smaller ones stay as they are.

    Returns:
        The raster, and the factor from its pixels back to the original's, at least 1.
    """
    factor = max(1.0, max(gray.shape) / longest)
    if factor == 1.0:
        return gray, factor
    size = (max(1, round(gray.shape[1] / factor)), max(1, round(gray.shape[0] / factor)))
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), dtype=np.uint8), factor


def flatten(gray: Pixels) -> Pixels:
    """Bring every part of a picture to the same brightness and contrast.

    Codes in the dark or half in glare come out like those in good light; a code on 1 % of the
    brightness range of its picture is as plain as any other.
    """
    window = max(15, max(gray.shape) // _WINDOW_SHARE | 1)
    mean, deviation = local_statistics(gray, window)
    flat = 128 + (gray - mean) * (_CONTRAST / (deviation + _NOISE))
    return np.clip(flat, 0, 255).astype(np.uint8)


def local_statistics(gray: Pixels, window: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give mean and standard deviation around every pixel, in a square window."""
    values = gray.astype(np.float32)
    mean = cv2.blur(values, (window, window))
    square = cv2.blur(values * values, (window, window))
    deviation = np.sqrt(np.maximum(square - mean * mean, 0))
    return np.asarray(mean, dtype=np.float32), np.asarray(deviation, dtype=np.float32)


def colors(view: Pixels) -> Iterator[Pixels]:
    """Give grey rasters of the colours of an RGB view: red to green, and blue to yellow.

    A code may be drawn in two colours of the same brightness. Nothing where there is no colour.
    """
    red, green, blue = (view[..., index].astype(np.float32) for index in range(3))
    for difference in (red - green, blue - (red + green) / 2):
        low, high = (float(value) for value in np.percentile(difference, (0.5, 99.5)))
        if high - low >= _LEAST_COLOR:
            stretched = (difference - low) * (255 / (high - low))
            yield np.clip(stretched, 0, 255).astype(np.uint8)


def turns(gray: Pixels) -> Iterator[tuple[Pixels, NDArray[np.float64]]]:
    """Give a raster turned by 30, 45 and 60 degrees: scan lines miss low bars at a slant.

    Yields:
        The turned raster, and the matrix of shape (2, 3) that maps its points back.
    """
    height, width = gray.shape
    side = int(np.hypot(width, height)) + 1
    for angle in (30, 45, 60):
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
        matrix[:, 2] += ((side - width) / 2, (side - height) / 2)
        turned = cv2.warpAffine(gray, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)
        back = np.asarray(cv2.invertAffineTransform(matrix), dtype=np.float64)
        yield np.asarray(turned, dtype=np.uint8), back
