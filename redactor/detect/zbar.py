"""zbar through pyzbar: reads some codes of low contrast or without quiet zone.

Needs the system's libzbar; `is_available` tells.

DataBar is left to zxing-cpp (zbar's decoder prints C warnings on ordinary photographs), and so
are PDF417, ITF and Codabar (unreliable: short numeric codes where there are none).
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redactor.detect.base import Kind
from redactor.geometry import Quad, convex_hull
from redactor.model import Detection, Pixels, Symbology

_SYMBOLOGIES = {
    "QRCODE": Symbology.QRCODE,
    "SQCODE": Symbology.UNKNOWN,
    "EAN13": Symbology.EAN13,
    "EAN8": Symbology.EAN8,
    "UPCA": Symbology.UPCA,
    "UPCE": Symbology.UPCE,
    "CODE128": Symbology.CODE128,
    "CODE39": Symbology.CODE39,
    "CODE93": Symbology.CODE93,
}
_MATRIX = frozenset({"QRCODE", "SQCODE"})
_NAMES = {
    Kind.ANY: frozenset(_SYMBOLOGIES),
    Kind.QR: _MATRIX,
    Kind.BARS: frozenset(_SYMBOLOGIES) - _MATRIX,
}
_CONFIDENCE_1D = 0.8


@functools.cache
def _pyzbar() -> ModuleType | None:
    try:
        from pyzbar import pyzbar
    except (ImportError, OSError):  # pyzbar raises ImportError where libzbar is missing
        return None
    return pyzbar


@functools.cache
def _wanted(kind: Kind) -> list[Any]:
    pyzbar = _pyzbar()
    return [pyzbar.ZBarSymbol[name] for name in _NAMES[kind]] if pyzbar else []


def is_available() -> bool:
    """Say whether pyzbar finds libzbar."""
    return _pyzbar() is not None


class ZbarDetector:
    """Reads QR codes and the common linear symbologies."""

    name = "zbar"

    def read(self, gray: Pixels, kind: Kind = Kind.ANY) -> list[Detection]:
        """Find codes in a grey raster; zbar reports only what it reads."""
        pyzbar = _pyzbar()
        if pyzbar is None:
            return []
        image = np.ascontiguousarray(gray)
        found = pyzbar.decode(
            (image.tobytes(), image.shape[1], image.shape[0]), symbols=_wanted(kind)
        )
        return [detection for code in found if (detection := _detection(code)) is not None]


def _detection(code: Any) -> Detection | None:  # noqa: ANN401 - pyzbar has no types
    symbology = _SYMBOLOGIES.get(code.type, Symbology.UNKNOWN)
    points = np.array([(point.x, point.y) for point in code.polygon], dtype=np.float64)
    if len(points) == 0:
        return None
    quad = _quad(points)
    if quad.box.width <= 1 and quad.box.height <= 1:
        return None
    text = code.data.decode("utf-8", errors="replace")
    if symbology is Symbology.EAN13 and len(text) == 13 and text.startswith("0"):
        symbology, text = Symbology.UPCA, text[1:]
    confidence = 1.0 if symbology is Symbology.QRCODE else _CONFIDENCE_1D
    return Detection(quad, symbology, text, confidence, ("zbar",), (text,))


def _quad(points: NDArray[np.float64]) -> Quad:
    """Give the four corners of what zbar calls a polygon: four points, a scan line or a point."""
    if len(points) == 4:
        return Quad.of(points)
    hull = convex_hull(points)
    if len(hull) == 4:
        return Quad.of(hull)
    low, high = points.min(axis=0), points.max(axis=0)
    return Quad.from_box(low[0], low[1], high[0] - low[0], high[1] - low[1])
