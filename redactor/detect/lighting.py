"""Pictures as the locators want them: small, and evenly lit."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from redactor.geometry import Box
from redactor.model import Pixels

_WINDOW_SHARE = 8  # of the longer side: light changes slower than this, codes faster
_CONTRAST = 50.0  # standard deviation, in levels, that every part of the picture is brought to
_LEAST_COLOR = 8.0  # standard deviation of half a difference between colours; less is noise
_COLOR_SHARE = 2.0  # of the change in brightness: with less, brightness shows the code too
_COLOR_WINDOW_SHARE = 24  # of the longer side: the smallest code that only colour shows
_CRISP_PX = 2.0
_NOISE = 3.0  # below this standard deviation there is nothing but noise to bring out


def shrink(gray: Pixels, longest: int) -> tuple[Pixels, float]:
    """Shrink a raster to a longer side in pixels; smaller ones stay as they are.

    Returns:
        The raster, and the factor from its pixels back to the original's, at least 1.
    """
    factor = max(gray.shape[:2]) / longest
    if factor <= 1:
        return gray, 1.0
    part, halved = gray, 1
    # Halving is a tenth of the work of any other factor, and what is left needs no averaging.
    while factor / halved >= 2:
        height, width = part.shape[0] // 2, part.shape[1] // 2
        if not height or not width:
            break
        even = part[: 2 * height, : 2 * width]
        part = np.asarray(
            cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8
        )
        halved *= 2
    rest = factor / halved
    size = (max(1, round(part.shape[1] / rest)), max(1, round(part.shape[0] / rest)))
    small = cv2.resize(part, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(small, dtype=np.uint8), factor


def flatten(gray: Pixels) -> Pixels:
    """Bring every part of a picture to the same brightness and contrast.

    Codes in the dark or half in glare come out like those in good light; a code on 1 % of the
    brightness range of its picture is as plain as any other.
    """
    window = max(15, max(gray.shape) // _WINDOW_SHARE | 1)
    mean, deviation = local_statistics(gray, window)
    # In place: half of the time would go to pages of memory that are used once.
    np.subtract(gray, mean, out=mean)
    np.divide(np.float32(_CONTRAST), np.add(deviation, _NOISE, out=deviation), out=deviation)
    np.add(np.multiply(mean, deviation, out=mean), 128, out=mean)
    return np.clip(mean, 0, 255, out=mean).astype(np.uint8)


def sharpen(gray: Pixels, sigma: float) -> Pixels:
    """Bring out what is finer than a standard deviation in pixels."""
    # As GaussianBlur does it, but for rounding, which for bytes takes two to three times as long.
    kernel = cv2.getGaussianKernel(round(6 * sigma + 1) | 1, sigma, cv2.CV_32F)
    soft = cv2.sepFilter2D(gray, cv2.CV_8U, kernel, kernel)
    return np.asarray(cv2.addWeighted(gray, 2.5, soft, -1.5, 0), dtype=np.uint8)


def crisp(flat: Pixels) -> Pixels:
    """Bring out edges in an evenly lit raster, and take its noise away.

    Finder patterns show better and in half the time: noise makes thousands of contours.
    """
    return np.asarray(cv2.medianBlur(sharpen(flat, _CRISP_PX), 3), dtype=np.uint8)


def local_statistics(gray: Pixels, window: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give mean and standard deviation around every pixel, in a square window."""
    mean = np.asarray(cv2.boxFilter(gray, cv2.CV_32F, (window, window)), dtype=np.float32)
    square = cv2.sqrBoxFilter(gray, cv2.CV_32F, (window, window))
    deviation = np.asarray(square, dtype=np.float32)
    np.subtract(deviation, mean * mean, out=deviation)
    np.sqrt(np.maximum(deviation, 0, out=deviation), out=deviation)
    return mean, deviation


def colors(view: Pixels) -> tuple[Pixels, ...]:
    """Give grey rasters of the colours of an RGB view: red to green, and blue to yellow."""
    red, green, blue = cv2.split(view)
    yellow = cv2.addWeighted(red, 0.5, green, 0.5, 0)
    return tuple(
        np.asarray(cv2.addWeighted(one, 0.5, other, -0.5, 128), dtype=np.uint8)
        for one, other in ((red, green), (blue, yellow))
    )


def stretch(raster: Pixels) -> Pixels:
    """Bring the values of a raster to the whole range."""
    low, high = (float(value) for value in np.percentile(raster, (0.5, 99.5)))
    stretched = (raster - low) * (255 / max(high - low, 1.0))
    return np.clip(stretched, 0, 255).astype(np.uint8)


def more_than_brightness(color: Pixels, gray: Pixels) -> Box | None:
    """Give a box around where a colour changes, and brightness does not; None where nowhere.

    A code may be drawn in two colours of the same brightness.
    """
    low, high, *_ = cv2.minMaxLoc(color)
    if high - low <= 2 * _LEAST_COLOR:  # a deviation is at most half the range
        return None
    window = max(9, max(gray.shape) // _COLOR_WINDOW_SHARE | 1)
    _, change = local_statistics(color, window)
    if np.count_nonzero(change > _LEAST_COLOR) < window:
        return None
    _, brightness = local_statistics(gray, window)
    is_more = (change > _LEAST_COLOR) & (change > _COLOR_SHARE * brightness)
    if np.count_nonzero(is_more) < window:
        return None
    left, top, width, height = cv2.boundingRect(is_more.astype(np.uint8))
    return Box(left, top, left + width, top + height).grow(window)
