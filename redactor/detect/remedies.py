"""Versions of an area that bring back what is hidden badly: the last look at what was drawn.

Detection does not pay for them: it goes by `variants`, which find what cameras do to codes; these
undo what people do to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from redactor.detect.lighting import sharpen
from redactor.model import Pixels

HARD_PX = 240
"""The size for every remedy: 53 modules are three pixels wide, the context taken off."""
_MUCH_SMALLER = 1.4  # than the area, for a smaller version to show something else
_TINY_PX = 240  # areas below this on the longer side are also looked at twice as large
# The blur that deconvolution undoes, as a sigma in shares of an area's longer side, and how much.
_WIENER_SHARE, _WIENER_NOISE = 0.014, 0.001
_LUCY_SHARE, _LUCY_ROUNDS = 0.010, 6
_LUCY_REACH = 2.5  # sigmas, of the kernel to each side


def hard_variants(gray: Pixels, longest: int = HARD_PX) -> Iterator[tuple[Pixels, float, bool]]:
    """Give the versions of an area that the last look tries.

    Args:
        gray: The area.
        longest: Its longer side in pixels for all but the first.

    Yields:
        As `variants` does, and whether it is for every engine.
    """
    yield gray, 1.0, True
    factor = max(1.0, max(gray.shape) / longest)
    if factor > 1:
        size = [max(1, round(side / factor)) for side in gray.shape[::-1]]
        gray = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        if factor > _MUCH_SMALLER:
            yield gray, factor, True
    elif max(gray.shape) < _TINY_PX:
        doubled = cv2.resize(gray, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        yield np.asarray(doubled, dtype=np.uint8), 0.5, True
    for remedy in REMEDIES:
        yield remedy(gray), factor, remedy is inverted


def sharpened(gray: Pixels) -> Pixels:
    """Raise the contrast of edges: an unsharp mask."""
    return np.asarray(sharpen(gray, 2.0), dtype=np.uint8)


def equalised(gray: Pixels) -> Pixels:
    """Raise the local contrast."""
    return np.asarray(cv2.createCLAHE(4.0, (8, 8)).apply(gray), dtype=np.uint8)


def inverted(gray: Pixels) -> Pixels:
    """Swap dark and light."""
    return np.asarray(255 - gray, dtype=np.uint8)


def lightened(gray: Pixels) -> Pixels:
    """Spread what is dark: gamma 0.4."""
    return _gamma(gray, 0.4)


def darkened(gray: Pixels) -> Pixels:
    """Spread what is light: gamma 2.5."""
    return _gamma(gray, 2.5)


def split_in_two(gray: Pixels) -> Pixels:
    """Make black and white of it, by one threshold for all (Otsu's)."""
    return np.asarray(cv2.threshold(gray, 0, 255, cv2.THRESH_OTSU)[1], dtype=np.uint8)


def split_locally(gray: Pixels) -> Pixels:
    """Make black and white of it by the mean around: brings out a difference of one step."""
    side = max(3, max(gray.shape) // 12 | 1)
    mean = cv2.ADAPTIVE_THRESH_MEAN_C
    return np.asarray(
        cv2.adaptiveThreshold(gray, 255, mean, cv2.THRESH_BINARY, side, 0), dtype=np.uint8
    )


def deblurred(gray: Pixels, sigma: float | None = None) -> Pixels:
    """Undo a Gaussian blur by Wiener's filter.

    Args:
        gray: The blurred raster.
        sigma: Of the blur, in pixels; a share of the longer side where None.
    """
    sigma = sigma or _WIENER_SHARE * max(gray.shape)
    height, width = (
        2 * cv2.getOptimalDFTSize((side + 8 * int(sigma + 1) + 1) // 2) for side in gray.shape
    )
    below, beside = height - gray.shape[0], width - gray.shape[1]
    # Mirrored at its edges, which would ring otherwise.
    whole = cv2.copyMakeBorder(gray.astype(np.float32), 0, below, 0, beside, cv2.BORDER_REFLECT_101)
    spectrum = np.asarray(cv2.dft(whole), dtype=np.float32)
    kept = _kept(height, width, sigma)
    undone = spectrum * kept / (kept * kept + np.float32(_WIENER_NOISE))
    level = cv2.idft(undone, flags=cv2.DFT_SCALE)[: gray.shape[0], : gray.shape[1]]
    return np.clip(np.rint((1 + _WIENER_NOISE) * level), 0, 255).astype(np.uint8)


def _kept(height: int, width: int, sigma: float) -> NDArray[np.float32]:
    """Give what a Gaussian blur leaves of each value of a spectrum of even sides.

    OpenCV packs real and imaginary parts side by side, but those of the first and the last column,
    which are real across, one below the other.
    """
    down, across = (
        np.exp(-2 * (np.pi * sigma * np.arange(side // 2 + 1) / side) ** 2).astype(np.float32)
        for side in (height, width)
    )
    rows, columns = np.arange(height), np.arange(width)
    kept = np.outer(down[np.minimum(rows, height - rows)], across[(columns + 1) // 2])
    kept[:, [0, -1]] = np.outer(down[(rows + 1) // 2], across[[0, -1]])
    return kept


def restored(gray: Pixels, sigma: float | None = None, rounds: int = _LUCY_ROUNDS) -> Pixels:
    """Undo a Gaussian blur step by step, as Richardson and Lucy do; arguments as `deblurred`."""
    sigma = sigma or _LUCY_SHARE * max(gray.shape)
    width = 2 * max(1, round(_LUCY_REACH * sigma)) + 1
    seen = gray.astype(np.float32) + 1
    guess = seen
    for _ in range(rounds):
        ratio = seen / cv2.GaussianBlur(guess, (width, width), sigma)
        guess = guess * cv2.GaussianBlur(ratio, (width, width), sigma)
    return np.clip(guess - 1, 0, 255).astype(np.uint8)


REMEDIES: tuple[Callable[[Pixels], Pixels], ...] = (
    sharpened,
    equalised,
    inverted,
    lightened,
    darkened,
    split_in_two,
    split_locally,
    deblurred,
    restored,
)
HARD_COUNT = 2 + len(REMEDIES)


def _gamma(gray: Pixels, power: float) -> Pixels:
    table = np.rint(255 * (np.arange(256) / 255) ** power).astype(np.uint8)
    return np.asarray(cv2.LUT(gray, table), dtype=np.uint8)
