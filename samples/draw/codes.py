"""Symbols to draw, and where they ended up."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import zxingcpp
from numpy.typing import NDArray

Point = tuple[float, float]
Corners = tuple[Point, Point, Point, Point]

FORMATS = {
    "qrcode": zxingcpp.BarcodeFormat.QRCode,
    "aztec": zxingcpp.BarcodeFormat.Aztec,
    "datamatrix": zxingcpp.BarcodeFormat.DataMatrix,
    "pdf417": zxingcpp.BarcodeFormat.PDF417,
    "code128": zxingcpp.BarcodeFormat.Code128,
    "code39": zxingcpp.BarcodeFormat.Code39,
    "itf": zxingcpp.BarcodeFormat.ITF,
    "ean13": zxingcpp.BarcodeFormat.EAN13,
}
QUIET = {"qrcode": 4, "aztec": 2, "datamatrix": 2, "pdf417": 2}
QUIET_LINEAR = 10


@dataclass(frozen=True, slots=True)
class Symbol:
    """A code before it has a place.

    Attributes:
        symbology: A name of `redactor.model.Symbology`.
        content: What a reader says.
        modules: True where dark, shape (rows, columns); one row for a linear code.
    """

    symbology: str
    content: str
    modules: NDArray[np.bool_]

    @property
    def quiet(self) -> int:
        """Width of the quiet zone in modules."""
        return QUIET.get(self.symbology, QUIET_LINEAR)


@dataclass(frozen=True, slots=True)
class Code:
    """A code in a picture.

    Attributes:
        symbology: A name of `redactor.model.Symbology`.
        content: What a reader says; None where nobody can read it.
        quad: Corners without quiet zone: the symbol's own top left, top right, bottom right,
            bottom left.
    """

    symbology: str
    content: str | None
    quad: Corners

    def moved(self, move: Callable[[Point], Point]) -> "Code":
        """The same code with each corner moved."""
        first, second, third, fourth = map(move, self.quad)
        return replace(self, quad=(first, second, third, fourth))


def symbol(symbology: str, content: str, **options: object) -> Symbol:
    """A symbol of a content; options go to zxing-cpp (`ec_level`, `columns`)."""
    barcode = zxingcpp.create_barcode(content, FORMATS[symbology], **options)
    image = zxingcpp.write_barcode_to_image(barcode, scale=1, add_quiet_zones=False)
    modules = np.asarray(image) < 128
    return Symbol(symbology, content, modules if symbology in QUIET else modules[:1])


def qr(content: str, level: str = "M") -> Symbol:
    """A QR code; level L, M, Q or H says how much damage it survives."""
    return symbol("qrcode", content, ec_level=level)


def with_check_digit(digits: str) -> str:
    """A GTIN from all its digits but the last.

    The samples take theirs from 952, which GS1 keeps for demonstrations.
    """
    weighted = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits)))
    return f"{digits}{-weighted % 10}"


def emv_payment(account: str, name: str, city: str) -> str:
    """A merchant-presented payment code in the form of EMVCo, with its checksum."""

    def field(tag: str, value: str) -> str:
        return f"{tag}{len(value):02}{value}"

    merchant = field("26", field("00", "com.example.pay") + field("01", account))
    body = field("00", "01") + field("01", "11") + merchant + field("52", "5812")
    body += field("53", "156") + field("58", "CN") + field("59", name) + field("60", city) + "6304"
    return f"{body}{_crc16(body.encode()):04X}"


def _crc16(octets: bytes) -> int:
    crc = 0xFFFF
    for octet in octets:
        crc ^= octet << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc
