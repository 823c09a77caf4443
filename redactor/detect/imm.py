"""The answer of `image/codes` (Alibaba Cloud IMM's DetectImageCodes) as detections.

Facts from the OSS page "QR code recognition" (2026-03-20) and the IMM API page: RequestId, and
Codes[] with Content and Boundary {Left, Top, Width, Height} in pixels; Type (`qrcode` or
`barcode`), Confidence (0 to 1) and Boundary.Polygon may be there. At most five codes are
answered, and the rest are not mentioned. Extra fields are ignored, nonsense is an error.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from redactor.errors import DetectorError
from redactor.geometry import Quad
from redactor.model import Detection, Symbology

NAME = "imm"
CAP = 5  # Aliyun lists at most five codes: five may mean more
_MAX_SIDE = 30_000  # OSS's own limit on a side; beyond it a box is nonsense
_TRUSTED = 0.8  # the API page: above this is trustworthy
_TYPES = {"qrcode": Symbology.ANY_QR, "barcode": Symbology.ANY_1D}
# Formats `image/codes` takes, by the current overview of OSS image processing and the older
# limits of IMM: GIF is not supported for codes, WebP and TIFF are converted first.
FORMATS = frozenset({"JPEG", "PNG", "BMP", "WEBP", "TIFF"})
MIN_SIDE, MAX_BYTES, MAX_PIXELS = 40, 20_000_000, 250_000_000


@dataclass(frozen=True, slots=True)
class ImageCodesAnswer:
    """What IMM found.

    Attributes:
        detections: Its codes.
        is_capped: Whether there may be more than it answered.
        is_doubtful: Whether it trusts one of its own findings too little.
    """

    detections: tuple[Detection, ...]
    is_capped: bool
    is_doubtful: bool


def parse_image_codes(body: bytes, size: tuple[int, int]) -> ImageCodesAnswer:
    """Read the JSON that `image/codes` answers.

    Args:
        body: As it came.
        size: Width and height of the stored raster in pixels; a box must lie in it.

    Raises:
        DetectorError: If it is no such answer, or a box lies outside of the picture.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise DetectorError("image/codes answered something that is not JSON") from None
    if not isinstance(answer, dict) or not ({"Codes", "RequestId"} & answer.keys()):
        raise DetectorError("image/codes answered JSON without Codes and RequestId")
    codes = answer.get("Codes")
    if codes is None:
        codes = []
    if not isinstance(codes, list):
        raise DetectorError("image/codes answered Codes that are not a list")
    detections = tuple(_detection(code, size) for code in codes)
    return ImageCodesAnswer(
        detections,
        is_capped=len(detections) >= CAP,
        is_doubtful=any(code.confidence <= _TRUSTED for code in detections),
    )


def why_not(format_name: str, size: tuple[int, int], length: int) -> str | None:
    """Say why `image/codes` cannot take a picture; None where it can."""
    width, height = size
    if format_name not in FORMATS:
        return f"image/codes does not take {format_name}"
    if min(width, height) < MIN_SIDE:
        return f"image/codes does not take pictures under {MIN_SIDE} pixels a side"
    if length > MAX_BYTES or width * height > MAX_PIXELS or max(width, height) > _MAX_SIDE:
        return "image/codes does not take a picture this large"
    return None


def _detection(code: Any, size: tuple[int, int]) -> Detection:  # noqa: ANN401 - JSON
    if not isinstance(code, dict) or not isinstance(code.get("Boundary"), dict):
        raise DetectorError("image/codes answered a code without a Boundary")
    left, top, width, height = (
        _number(code["Boundary"].get(key), key) for key in ("Left", "Top", "Width", "Height")
    )
    if width <= 0 or height <= 0:
        raise DetectorError("image/codes answered a box without width or height")
    if left < -1 or top < -1 or left + width > size[0] + 1 or top + height > size[1] + 1:
        raise DetectorError(
            f"image/codes answered a box outside of the picture of {size[0]} x {size[1]} pixels"
        )
    confidence = code.get("Confidence")
    confidence = 1.0 if confidence is None else _number(confidence, "Confidence")
    content = code.get("Content")
    if content is not None and not isinstance(content, str):
        raise DetectorError("image/codes answered a Content that is not text")
    kind = code.get("Type")
    symbology = _TYPES.get(kind.lower(), Symbology.UNKNOWN) if isinstance(kind, str) else None
    if content == "":
        content = None
    return Detection(
        Quad.from_box(left, top, width, height),
        symbology or Symbology.UNKNOWN,
        content,
        min(max(confidence, 0.0), 1.0),
        (NAME,),
        () if content is None else (content,),
        reason=None if content is not None else "IMM found it but did not read it",
    )


def _number(value: Any, key: str) -> float:  # noqa: ANN401 - JSON
    if not isinstance(value, bool) and isinstance(value, int | float):
        with suppress(OverflowError):  # JSON's whole numbers may have any length
            if math.isfinite(number := float(value)):
                return number
    raise DetectorError(f"image/codes answered a {key} that is not a number")
