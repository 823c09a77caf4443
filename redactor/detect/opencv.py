"""OpenCV's barcode detector, to locate only: it sees blurred linear codes that nobody reads.

It fires on one picture without codes in twelve. OpenCV's QR detectors are not used: decoding takes
minutes on large photographs of many codes, and where finder patterns are looked for in evenly lit,
crisp rasters, its locators find none that `finders` does not.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

from redactor.geometry import Quad
from redactor.model import Detection, Pixels, Symbology

_CONFIDENCE = 0.4
_MIN_AREA_PX = 64.0


class OpencvDetector:
    """Locates linear codes by the direction of bars."""

    name = "opencv"

    def find_bars(self, gray: Pixels) -> list[Detection]:
        """Find linear codes in a grey raster; none of them is read."""
        _, corners = cv2.barcode.BarcodeDetector().detectMulti(gray)
        return _detections(corners)


def _detections(corners: ArrayLike | None) -> list[Detection]:
    if corners is None:
        return []
    result = []
    for points in np.asarray(corners, dtype=np.float64).reshape(-1, 4, 2):
        if not np.isfinite(points).all():
            continue
        quad = Quad.of(points)
        if quad.area >= _MIN_AREA_PX:
            reason = "bars without a code that can be read"
            result.append(
                Detection(quad, Symbology.ANY_1D, None, _CONFIDENCE, ("opencv",), reason=reason)
            )
    return result
