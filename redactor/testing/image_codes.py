"""What `image/codes` answers about a picture.

As documented: at most five codes, the rest silently missing; boxes in pixels, upright rectangles;
JPEG, PNG, BMP, WebP and TIFF; not GIF. Positions are in the stored raster (OSS does not document
which raster they are in). The service recognises QR codes and barcodes; other matrix codes are
not reported, because nothing documents that they are.
"""

from __future__ import annotations

import io
import json
import uuid

import zxingcpp
from PIL import Image

from redactor.testing.errors import OssFailure

MAX_CODES = 5
MIN_SIDE = 40
MAX_SIDE = 30_000
MAX_PIXELS = 250_000_000
MAX_BYTES = 20 * 1024 * 1024
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF")
_QR_FAMILY = (
    zxingcpp.BarcodeFormat.QRCode,
    zxingcpp.BarcodeFormat.MicroQRCode,
    zxingcpp.BarcodeFormat.RMQRCode,
)
_KNOWN = zxingcpp.BarcodeFormats([*_QR_FAMILY, zxingcpp.BarcodeFormat.AllLinear])


def image_codes(data: bytes, *, details: bool = False) -> bytes:
    """Answer with JSON.

    Args:
        data: The stored object.
        details: Add Type and Confidence, which some accounts get and the OSS page does not list.

    Raises:
        OssFailure: If it is not a picture the service takes.
    """
    if len(data) > MAX_BYTES:
        raise OssFailure(400, "ImageTooLarge", "The image file is too large.")
    found = zxingcpp.read_barcodes(_open(data), formats=_KNOWN)
    codes = [_code(barcode, details=details) for barcode in found[:MAX_CODES]]
    return json.dumps({"RequestId": str(uuid.uuid4()).upper(), "Codes": codes}).encode()


def imm_failure(code: str, text: str) -> OssFailure:
    """Wrap an error of IMM as OSS does."""
    return OssFailure(400, "Imm Client", f"{code}, {text} {str(uuid.uuid4()).upper()}")


def _open(data: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            _check_size(*picture.size)
            # Not turned by EXIF: positions are those of the stored raster.
            return picture.convert("RGB")
    except Image.DecompressionBombError:
        raise OssFailure(400, "ImageTooLarge", "The image has too many pixels.") from None
    except (OSError, ValueError, SyntaxError):
        text = "The image is damaged or its format is not supported."
        raise imm_failure("InvalidArgument", text) from None


def _check_size(width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise OssFailure(400, "ImageTooLarge", "The image has too many pixels.")
    if min(width, height) < MIN_SIDE:
        raise imm_failure("InvalidArgument", f"The image is smaller than {MIN_SIDE} pixels.")


def _code(barcode: zxingcpp.Barcode, *, details: bool) -> dict[str, object]:
    at = barcode.position
    corners = (at.top_left, at.top_right, at.bottom_right, at.bottom_left)
    left, top = min(p.x for p in corners), min(p.y for p in corners)
    width, height = max(p.x for p in corners) - left, max(p.y for p in corners) - top
    code: dict[str, object] = {
        "Content": barcode.text,
        "Boundary": {"Left": left, "Top": top, "Width": width, "Height": height},
    }
    if details:
        code["Type"] = "qrcode" if barcode.format in _QR_FAMILY else "barcode"
        code["Confidence"] = 0.99
    return code
