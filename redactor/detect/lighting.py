"""Pictures as the locators want them: small, and evenly lit."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from redactor.model import Pixels

_WINDOW_SHARE = 8  # of the longer side: light changes slower than this, codes faster
_CONTRAST = 50.0  # standard deviation, in levels, that every part of the picture is brought to
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
