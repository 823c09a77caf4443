"""Which part of a picture a code takes up: its quad, its quiet zone, whole cells."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from redactor.geometry import Mask
from redactor.model import (
    ONE_DIMENSIONAL,
    Decision,
    Detection,
    Region,
    Symbology,
)

# Quiet zones as the symbology standards ask for, in modules: ISO/IEC 18004 (QR 4, Micro QR 2),
# 23941 (rMQR 2), 16022 (Data Matrix 1), 24778 (Aztec 0), 16023 (MaxiCode 1), 15438 (PDF417 2),
# 15420 (EAN/UPC 7 to 11), 15417 and the other linear codes (10).
_QUIET_MODULES = {
    Symbology.QRCODE: 4.0,
    Symbology.ANY_QR: 4.0,
    Symbology.MICROQR: 2.0,
    Symbology.RMQR: 2.0,
    Symbology.AZTEC: 1.0,
    Symbology.DATAMATRIX: 1.0,
    Symbology.MAXICODE: 1.0,
    Symbology.PDF417: 2.0,
    Symbology.MICROPDF417: 1.0,
}
_QUIET_MODULES_RETAIL = 9.0
_QUIET_MODULES_1D = 10.0

# The quiet zone is hidden to this share of the longer side: four modules around a small QR code
# take up more of the picture than half the code does, all of it blank paper.
_QUIET_SHARE = 0.06

# Modules along the shorter side where the detector cannot tell: the smaller the number, the wider
# the quiet zone. The most common QR codes in photographs are versions 2 to 4.
_USUAL_MODULES = {Symbology.QRCODE: 29, Symbology.ANY_QR: 29, Symbology.MICROQR: 15}
_USUAL_MODULES_2D = 20
_MODULES_RETAIL = {
    Symbology.EAN13: 95,
    Symbology.UPCA: 95,
    Symbology.EAN8: 67,
    Symbology.UPCE: 51,
}
_USUAL_MODULES_1D = 150  # ten characters of Code 128
# A decoder's corners are a pixel or two off, more on large codes.
_CORNER_ERROR_SHARE = 0.02
_CORNER_ERROR_PX = 1.0


def region_of(decision: Decision, *, scale: float = 1.0) -> Region:
    """Give the area to hide for a code: its quad grown by its quiet zone.

    Args:
        decision: What becomes of the code.
        scale: Larger than 1 for a wider margin; verification asks for it.
    """
    across, down = _margins(decision.detection)
    return Region(
        decision.detection.quad.grow(across * scale, down * scale),
        decision.action,
        decision.style,
        decision.detection.frame,
    )


def hidden_area(
    regions: Iterable[Region], size: tuple[int, int], cell: tuple[int, int] = (1, 1)
) -> Mask:
    """Give the cells of a picture that any region touches; see `Quad.mask`."""
    width, height = size
    mask = np.zeros((-(-height // cell[1]), -(-width // cell[0])), dtype=np.bool_)
    for region in regions:
        box, touched = region.quad.touched(width, height, cell=cell)
        mask[box.top : box.bottom, box.left : box.right] |= touched
    return mask


def _margins(detection: Detection) -> tuple[float, float]:
    """Give how far to move the sides and the ends outward, in pixels."""
    width, height = detection.quad.sides
    error = _CORNER_ERROR_PX + _CORNER_ERROR_SHARE * min(width, height)
    if detection.symbology in ONE_DIMENSIONAL:
        # Bars have no quiet zone above and below.
        if modules := _MODULES_RETAIL.get(detection.symbology):
            return _QUIET_MODULES_RETAIL * width / modules + error, error
        return _QUIET_MODULES_1D * width / _USUAL_MODULES_1D + error, error
    if detection.modules and min(detection.modules) > 0:
        across, down = detection.modules
    else:
        usual = _USUAL_MODULES.get(detection.symbology, _USUAL_MODULES_2D)
        across = down = usual
    quiet = _QUIET_MODULES.get(detection.symbology, 4.0)
    most = _QUIET_SHARE * max(width, height)
    return min(quiet * width / across, most) + error, min(quiet * height / down, most) + error
