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
_MAX_SIDE_PX = 4_000  # finder patterns of larger pictures are found at half the size
_MIN_AREA_PX = 64.0


class OpencvDetector:
    """Locates QR codes by their finder patterns, and linear codes by the direction of bars."""

    name = "opencv"

    def detect(self, gray: Pixels) -> list[Detection]:
        """Find codes in a grey raster; none of them is read."""
        scale, image = _bounded(gray)
        _, codes = cv2.QRCodeDetectorAruco().detectMulti(image)
        _, bars = cv2.barcode.BarcodeDetector().detectMulti(image)
        return [
            *_detections(codes, scale, Symbology.QRCODE, _CONFIDENCE_QR, "finder patterns"),
            *_detections(bars, scale, Symbology.ANY_1D, _CONFIDENCE_BARCODE, "bars"),
        ]


def _bounded(gray: Pixels) -> tuple[float, Pixels]:
    """Shrink a large raster; gives the factor back to the original's pixels."""
    scale = max(1.0, max(gray.shape) / _MAX_SIDE_PX)
    if scale == 1.0:
        return scale, gray
    size = (round(gray.shape[1] / scale), round(gray.shape[0] / scale))
    return scale, np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _detections(
    corners: ArrayLike | None,
    scale: float,
    symbology: Symbology,
    confidence: float,
    seen: str,
) -> list[Detection]:
    if corners is None:
        return []
    result = []
    for points in np.asarray(corners, dtype=np.float64).reshape(-1, 4, 2) * scale:
        if not np.isfinite(points).all():
            continue
        quad = Quad.of(points)
        if quad.area >= _MIN_AREA_PX:
            reason = f"{seen} without a code that can be read"
            result.append(Detection(quad, symbology, None, confidence, ("opencv",), reason=reason))
    return result
