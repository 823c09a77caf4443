"""The answer of `image/codes` (Alibaba Cloud IMM's DetectImageCodes) as detections.

Facts from the OSS page "QR code recognition" (2026-03-20) and the IMM API page: RequestId, and
Codes[] with Content and Boundary {Left, Top, Width, Height} in pixels; Type (`qrcode` or
`barcode`), Confidence (0 to 1) and Boundary.Polygon may be there. At most five codes are
answered, and the rest are not mentioned. Extra fields are ignored, nonsense is an error.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from redactor.errors import DetectorError
from redactor.geometry import Quad, from_upright
from redactor.model import Detection, Symbology

NAME = "imm"
CAP = 5  # Aliyun lists at most five codes: five may mean more
_MAX_SIDE = 30_000  # OSS's own limit on a side; beyond it a box is nonsense
_TRUSTED = 0.8  # the API page: above this is trustworthy; up to it, doubt and not absence
_AGREED_SHARE = 0.4  # of the larger quad: IMM's boxes are upright, local quads lie as codes do
_TYPES = {"qrcode": Symbology.ANY_QR, "barcode": Symbology.ANY_1D}
# Formats `image/codes` takes, by the current overview of OSS image processing and the older
# limits of IMM: GIF is not supported for codes, WebP and TIFF are converted first.
FORMATS = frozenset({"JPEG", "PNG", "BMP", "WEBP", "TIFF"})
MIN_SIDE, MAX_BYTES, MAX_PIXELS = 40, 20_000_000, 250_000_000


@dataclass(frozen=True, slots=True)
class ImageCodesAnswer:
    """What IMM found.

    Attributes:
        readings: Its codes, once for each frame that its boxes may be in. In which frame the
            boxes of a turned picture are is undocumented: the stored raster's or the upright
            picture's. One reading where the picture is not turned or the bounds tell.
        is_capped: Whether there may be more than it answered.
    """

    readings: tuple[tuple[Detection, ...], ...]
    is_capped: bool

    def settled(self, known: Iterable[Detection] = ()) -> tuple[Detection, ...]:
        """Give the codes where they are, or everywhere they may be.

        Args:
            known: What was found locally. Where it agrees with one reading alone, that is right.
        """
        known = tuple(known)
        agreeing = [
            reading
            for reading in self.readings
            if any(_agree(code, other) for code in reading for other in known)
        ]
        chosen = agreeing if len(agreeing) == 1 else self.readings
        every = [code for reading in chosen for code in reading]
        return tuple({(code.quad.box, code.content): code for code in every}.values())


def parse_image_codes(body: bytes, size: tuple[int, int], orientation: int = 1) -> ImageCodesAnswer:
    """Read the JSON that `image/codes` answers.

    Args:
        body: As it came.
        size: Width and height of the stored raster in pixels; a box must lie in it, or in the
            upright picture.
        orientation: EXIF orientation, 1 to 8.

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
    detections = tuple(_detection(code) for code in codes)
    readings = []
    upright = size if orientation < 5 else size[::-1]
    if _all_inside(detections, size):
        readings.append(detections)
    if orientation != 1 and _all_inside(detections, upright):
        matrix = from_upright(orientation, size)
        readings.append(tuple(replace(code, quad=code.quad.map(matrix)) for code in detections))
    if not readings:
        raise DetectorError(
            f"image/codes answered a box outside of the picture of {size[0]} x {size[1]} pixels"
        )
    return ImageCodesAnswer(tuple(readings), is_capped=len(detections) >= CAP)


def _all_inside(codes: Iterable[Detection], size: tuple[int, int]) -> bool:
    return all(
        -1 <= x <= size[0] + 1 and -1 <= y <= size[1] + 1
        for code in codes
        for x, y in code.quad.corners
    )


def _agree(code: Detection, local: Detection) -> bool:
    """Say whether a local detection is the code that IMM reports."""
    if None not in (code.content, local.content) and code.content != local.content:
        return False
    shared = code.quad.overlap(local.quad)
    return shared > _AGREED_SHARE * max(code.quad.area, local.quad.area)


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


def _detection(code: Any) -> Detection:  # noqa: ANN401 - JSON
    if not isinstance(code, dict) or not isinstance(code.get("Boundary"), dict):
        raise DetectorError("image/codes answered a code without a Boundary")
    left, top, width, height = _box(code["Boundary"])
    if width <= 0 or height <= 0:
        raise DetectorError("image/codes answered a box without width or height")
    confidence = code.get("Confidence")
    confidence = 1.0 if confidence is None else _number(confidence, "Confidence")
    content = code.get("Content")
    if content is not None and not isinstance(content, str):
        raise DetectorError("image/codes answered a Content that is not text")
    kind = code.get("Type")
    symbology = _TYPES.get(kind.lower(), Symbology.UNKNOWN) if isinstance(kind, str) else None
    if content == "":
        content = None
    reason = None if content is not None else "IMM found it but did not read it"
    if content is not None and confidence <= _TRUSTED:
        reason = f"IMM read it with a confidence of {confidence:.2g}, too little to count"
    return Detection(
        Quad.from_box(left, top, width, height),
        symbology or Symbology.UNKNOWN,
        content if reason is None else None,
        min(max(confidence, 0.0), 1.0),
        (NAME,),
        # What it thinks it read still counts as disagreement with what others read.
        () if content is None else (content,),
        reason=reason,
    )


def _box(boundary: dict[str, Any]) -> tuple[float, ...]:
    """Give left, top, width and height; IMM's SDK says that a polygon may stand in their place."""
    sides = ("Left", "Top", "Width", "Height")
    polygon = boundary.get("Polygon")
    if not polygon or not boundary.keys().isdisjoint(sides):
        return tuple(_number(boundary.get(key), key) for key in sides)
    if not isinstance(polygon, list) or not all(isinstance(point, dict) for point in polygon):
        raise DetectorError("image/codes answered a Polygon that is not a list of points")
    xs, ys = ([_number(point.get(axis), axis) for point in polygon] for axis in "XY")
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def _number(value: Any, key: str) -> float:  # noqa: ANN401 - JSON
    if not isinstance(value, bool) and isinstance(value, int | float):
        with suppress(OverflowError):  # JSON's whole numbers may have any length
            if math.isfinite(number := float(value)):
                return number
    raise DetectorError(f"image/codes answered a {key} that is not a number")
