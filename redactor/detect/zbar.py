"""zbar through pyzbar: reads some codes of low contrast or without quiet zone.

Needs the system's libzbar; `is_available` tells.

DataBar is left to zxing-cpp (zbar's decoder prints C warnings on ordinary photographs), and so
are PDF417, ITF and Codabar (unreliable: short numeric codes where there are none).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import string_at
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
_DENSE_PX = 480  # every line of a raster up to here, every other one of a larger: half the time
_EVERY = 0  # symbologies, in a setting
_GRAY = int.from_bytes(b"Y800", "little")


@functools.cache
def _zbar() -> ModuleType | None:
    """Give the functions of libzbar that pyzbar declares: its own `decode` sets no density."""
    try:
        from pyzbar import wrapper
    except (ImportError, OSError):  # pyzbar raises ImportError where libzbar is missing
        return None
    return wrapper


def is_available() -> bool:
    """Say whether pyzbar finds libzbar."""
    return _zbar() is not None


class ZbarDetector:
    """Reads QR codes and the common linear symbologies."""

    name = "zbar"

    def read(self, gray: Pixels, kind: Kind = Kind.ANY) -> list[Detection]:
        """Find codes in a grey raster; zbar reports only what it reads."""
        zbar = _zbar()
        if zbar is None or gray.size == 0:
            return []
        pixels = np.ascontiguousarray(gray)
        height, width = pixels.shape
        density = 1 if max(pixels.shape) <= _DENSE_PX else 2
        with _made(zbar.zbar_image_scanner_create, zbar.zbar_image_scanner_destroy) as scanner:
            settings = zbar.ZBarConfig
            for symbology, setting, value in (
                (_EVERY, settings.CFG_ENABLE, 0),
                *((zbar.ZBarSymbol[name], settings.CFG_ENABLE, 1) for name in _NAMES[kind]),
                (_EVERY, settings.CFG_X_DENSITY, density),
                (_EVERY, settings.CFG_Y_DENSITY, density),
            ):
                zbar.zbar_image_scanner_set_config(scanner, symbology, setting, value)
            with _made(zbar.zbar_image_create, zbar.zbar_image_destroy) as image:
                zbar.zbar_image_set_format(image, _GRAY)
                zbar.zbar_image_set_size(image, width, height)
                zbar.zbar_image_set_data(image, pixels.ctypes.data, pixels.nbytes, None)
                if zbar.zbar_scan_image(scanner, image) < 0:
                    raise RuntimeError("libzbar does not take the raster")
                return list(_detections(zbar, image))


@contextmanager
def _made(create: Callable[[], Any], destroy: Callable[[Any], None]) -> Iterator[Any]:
    made = create()
    if not made:
        raise MemoryError("libzbar gives nothing to work with")
    try:
        yield made
    finally:
        destroy(made)


def _detections(zbar: ModuleType, image: Any) -> Iterator[Detection]:  # noqa: ANN401 - a pointer
    names = {symbol.value: symbol.name for symbol in zbar.ZBarSymbol}
    code = zbar.zbar_image_first_symbol(image)
    while code:
        data = string_at(zbar.zbar_symbol_get_data(code), zbar.zbar_symbol_get_data_length(code))
        points = [
            (zbar.zbar_symbol_get_loc_x(code, index), zbar.zbar_symbol_get_loc_y(code, index))
            for index in range(zbar.zbar_symbol_get_loc_size(code))
        ]
        detection = _detection(names.get(code.contents.type, ""), data, points)
        if detection is not None:
            yield detection
        code = zbar.zbar_symbol_next(code)


def _detection(name: str, data: bytes, place: list[tuple[int, int]]) -> Detection | None:
    symbology = _SYMBOLOGIES.get(name, Symbology.UNKNOWN)
    if not place:
        return None
    quad = _quad(np.array(place, dtype=np.float64))
    if quad.box.width <= 1 and quad.box.height <= 1:
        return None
    text = data.decode("utf-8", errors="replace")
    if symbology is Symbology.EAN13 and len(text) == 13 and text.startswith("0"):
        symbology, text = Symbology.UPCA, text[1:]
    confidence = 1.0 if symbology is Symbology.QRCODE else _CONFIDENCE_1D
    return Detection(quad, symbology, text, confidence, ("zbar",), (text,))


def _quad(points: NDArray[np.float64]) -> Quad:
    """Give four corners around the points that zbar reports: corners, or where lines crossed."""
    hull = convex_hull(points)
    if len(hull) == 4:
        return Quad.of(hull)
    low, high = points.min(axis=0), points.max(axis=0)
    return Quad.from_box(low[0], low[1], high[0] - low[0], high[1] - low[1])
