"""zxing-cpp: the strongest open decoder; also says where it found a code that it cannot read."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import zxingcpp

from redactor.detect.base import Kind
from redactor.errors import LimitExceeded
from redactor.geometry import Quad
from redactor.model import Detection, Pixels, Symbology

_SYMBOLOGIES = {
    "QRCode": Symbology.QRCODE,
    "QRCodeModel1": Symbology.QRCODE,
    "QRCodeModel2": Symbology.QRCODE,
    "MicroQRCode": Symbology.MICROQR,
    "RMQRCode": Symbology.RMQR,
    "Aztec": Symbology.AZTEC,
    "AztecCode": Symbology.AZTEC,
    "AztecRune": Symbology.AZTEC,
    "DataMatrix": Symbology.DATAMATRIX,
    "MaxiCode": Symbology.MAXICODE,
    "PDF417": Symbology.PDF417,
    "CompactPDF417": Symbology.PDF417,
    "MicroPDF417": Symbology.MICROPDF417,
    "EAN13": Symbology.EAN13,
    "ISBN": Symbology.EAN13,
    "EAN8": Symbology.EAN8,
    "UPCA": Symbology.UPCA,
    "UPCE": Symbology.UPCE,
    "Code128": Symbology.CODE128,
    "Code39": Symbology.CODE39,
    "Code39Std": Symbology.CODE39,
    "Code39Ext": Symbology.CODE39,
    "Code32": Symbology.CODE39,
    "PZN": Symbology.CODE39,
    "Code93": Symbology.CODE93,
    "Codabar": Symbology.CODABAR,
    "ITF": Symbology.ITF,
    "ITF14": Symbology.ITF,
    "DataBar": Symbology.DATABAR,
    "DataBarOmni": Symbology.DATABAR,
    "DataBarStk": Symbology.DATABAR,
    "DataBarStkOmni": Symbology.DATABAR,
    "DataBarExp": Symbology.DATABAR_EXPANDED,
    "DataBarExpStk": Symbology.DATABAR_EXPANDED,
    "DataBarLtd": Symbology.DATABAR_LIMITED,
    "Telepen": Symbology.TELEPEN,
    "TelepenAlpha": Symbology.TELEPEN,
    "TelepenNumeric": Symbology.TELEPEN,
    "DXFilmEdge": Symbology.DXFILMEDGE,
}

_FORMATS = {
    Kind.QR: [
        zxingcpp.BarcodeFormat.QRCode,
        zxingcpp.BarcodeFormat.MicroQRCode,
        zxingcpp.BarcodeFormat.RMQRCode,
    ],
    Kind.BARS: [zxingcpp.BarcodeFormat.AllLinear],
}
_LIGHT = [
    zxingcpp.BarcodeFormat.AllLinear,
    zxingcpp.BarcodeFormat.PDF417,
    zxingcpp.BarcodeFormat.Aztec,
]
_SMALL = [
    zxingcpp.BarcodeFormat.DataMatrix,
    zxingcpp.BarcodeFormat.Aztec,
    zxingcpp.BarcodeFormat.MicroQRCode,
]
_MATRIX = [zxingcpp.BarcodeFormat.AllMatrix]
_MOST_SYMBOLS = 255  # zxing-cpp's own cap: as many may mean more

_CONFIDENCE_UNREAD = 0.6  # a finder pattern was there; 14 of 268 pictures without codes have one


class ZxingDetector:
    """Reads and locates more than twenty symbologies."""

    name = "zxing"

    def detect(self, gray: Pixels) -> list[Detection]:
        """Find codes in a grey raster; those found but not read have content None."""
        return _look(gray, return_errors=True)

    def detect_upright(self, gray: Pixels) -> list[Detection]:
        """Find codes in half of the time: no bars on their side, Data Matrix one way of four."""
        return _look(gray, return_errors=True, try_rotate=False)

    def detect_qr(self, gray: Pixels) -> list[Detection]:
        """Find the QR family alone: a twelfth of the time."""
        return _look(gray, Kind.QR, return_errors=True)

    def detect_unscaled(self, gray: Pixels) -> list[Detection]:
        """Find codes at the raster's own scale alone, as small ones in a large picture need."""
        return _look(gray, return_errors=True, try_downscale=False)

    def read_light(self, gray: Pixels) -> list[Detection]:
        """Read in light on dark what zxing-cpp does not invert for of itself.

        Those are linear codes and PDF417; Aztec it does invert for, and misses small ones.
        """
        return _look(np.asarray(255 - gray), formats=_LIGHT, try_downscale=False, try_invert=False)

    def read_small(self, gray: Pixels, *, try_invert: bool = True) -> list[Detection]:
        """Read matrix codes but QR in a raster twice as large: low contrast, few pixels."""
        doubled = np.asarray(
            cv2.resize(gray, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), dtype=np.uint8
        )
        found = _look(doubled, formats=_SMALL, try_downscale=False, try_invert=try_invert)
        return [replace(code, quad=_halved(code.quad)) for code in found]

    def read_upright(self, gray: Pixels) -> list[Detection]:
        """Find only codes that can be read, and neither lie on their side nor are inverted.

        Matrix codes but Data Matrix may lie as they like. For one version of many: a third of the
        time.
        """
        return _look(gray, try_rotate=False, try_invert=False)

    def read_matrix(self, gray: Pixels) -> list[Detection]:
        """Find only matrix codes and PDF417 that can be read: half of the time."""
        return _look(gray, formats=_MATRIX)

    def read_bars(self, gray: Pixels) -> list[Detection]:
        """Find only linear codes that can be read from left to right or back."""
        return _look(np.ascontiguousarray(gray), Kind.BARS, try_rotate=False)

    def read(self, gray: Pixels, kind: Kind = Kind.ANY) -> list[Detection]:
        """Find only codes that can be read."""
        return _look(gray, kind, try_downscale=kind is not Kind.BARS)


def _look(
    gray: Pixels,
    kind: Kind = Kind.ANY,
    **options: Any,  # noqa: ANN401 - zxing-cpp's own
) -> list[Detection]:
    if formats := _FORMATS.get(kind):
        options["formats"] = formats
    found = zxingcpp.read_barcodes(gray, text_mode=zxingcpp.TextMode.Plain, **options)
    if len(found) >= _MOST_SYMBOLS:
        raise LimitExceeded(f"{_MOST_SYMBOLS} codes or more: there may be further ones")
    return [detection for code in found if (detection := _detection(code)) is not None]


def _halved(quad: Quad) -> Quad:
    return Quad.of([(x / 2, y / 2) for x, y in quad.corners])


def _detection(code: zxingcpp.Barcode) -> Detection | None:
    symbology = _SYMBOLOGIES.get(code.format.name, Symbology.UNKNOWN)
    corners = (
        code.position.top_left,
        code.position.top_right,
        code.position.bottom_right,
        code.position.bottom_left,
    )
    quad = Quad.of([(corner.x, corner.y) for corner in corners])
    if quad.box.width <= 1 and quad.box.height <= 1:
        return None
    extra = code.extra if isinstance(code.extra, dict) else {}
    version = str(extra.get("Version", ""))
    modules = _modules(symbology, version)
    if not code.valid:
        kind = code.error.type.name.lower() if code.error else "unknown"
        reason = f"found but not read: {kind} error"
        return Detection(
            quad, symbology, None, _CONFIDENCE_UNREAD, ("zxing",), modules=modules, reason=reason
        )
    text = code.text
    if symbology is Symbology.EAN13 and len(text) == 13 and text.startswith("0"):
        symbology, text = Symbology.UPCA, text[1:]  # the same bars; UPC-A is what is printed
    if symbology is Symbology.UPCE:
        text = _as_printed(text)
    return Detection(quad, symbology, text, 1.0, ("zxing",), (text,), modules=modules)


def _as_printed(text: str) -> str:
    """Give the eight digits of a UPC-E code, as zbar does, where zxing-cpp gives thirteen."""
    match = re.fullmatch(
        r"0(\d)(?:"
        r"(\d\d)([012])0000(\d{3})"
        r"|(\d{3})00000(\d\d)"
        r"|(\d{4})00000(\d)"
        r"|(\d{5})0000([5-9])"
        r")(\d)",
        text,
    )
    if match is None:
        return text
    system, check = match[1], match[11]
    if match[2]:
        return f"{system}{match[2]}{match[4]}{match[3]}{check}"
    if match[5]:
        return f"{system}{match[5]}{match[6]}3{check}"
    if match[7]:
        return f"{system}{match[7]}{match[8]}4{check}"
    return f"{system}{match[9]}{match[10]}{check}"


def _modules(symbology: Symbology, version: str) -> tuple[int, int] | None:
    """Give modules across and down from a version such as `7`, `M3`, `R11x27` or `10x10`."""
    if match := re.fullmatch(r"R?(\d+)x(\d+)", version):
        return int(match[2]), int(match[1])
    if symbology is Symbology.QRCODE and version.isdigit():
        side = 17 + 4 * int(version)
    elif symbology is Symbology.MICROQR and version[1:].isdigit():
        side = 9 + 2 * int(version[1:])
    else:
        return None
    return side, side
