"""OpenCV's detectors, to locate only: they see codes that nobody reads.

Its QR decoding takes minutes on large photographs of many codes and is not used. The barcode
detector sees blurred linear codes, and fires on one picture without codes in twelve.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

from redactor.geometry import Quad
from redactor.model import Detection, Pixels, Symbology

_CONFIDENCE_QR = 0.5
_CONFIDENCE_BARCODE = 0.4
_MIN_AREA_PX = 64.0


class OpencvDetector:
    """Locates QR codes by their finder patterns, and linear codes by the direction of bars."""

    name = "opencv"

    def find_squares(self, gray: Pixels) -> list[Detection]:
        """Find QR codes in a grey raster; none of them is read."""
        _, corners = cv2.QRCodeDetectorAruco().detectMulti(gray)
        return _detections(corners, Symbology.QRCODE, _CONFIDENCE_QR, "finder patterns")

    def find_bars(self, gray: Pixels) -> list[Detection]:
        """Find linear codes in a grey raster; none of them is read."""
        _, corners = cv2.barcode.BarcodeDetector().detectMulti(gray)
        return _detections(corners, Symbology.ANY_1D, _CONFIDENCE_BARCODE, "bars")


def _detections(
    corners: ArrayLike | None,
    symbology: Symbology,
    confidence: float,
    seen: str,
) -> list[Detection]:
    if corners is None:
        return []
    result = []
    for points in np.asarray(corners, dtype=np.float64).reshape(-1, 4, 2):
        if not np.isfinite(points).all():
            continue
        quad = Quad.of(points)
        if quad.area >= _MIN_AREA_PX:
            reason = f"{seen} without a code that can be read"
            result.append(Detection(quad, symbology, None, confidence, ("opencv",), reason=reason))
    return result
