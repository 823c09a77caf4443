"""Frames to detections: where the codes are and what they say.

Each decoder has one file and says what it sees of one grey raster; `merge` joins what several say
of one code. `imm` turns the answer of `image/codes` into the same values.
"""

from redactor.detect.imm import ImageCodesAnswer, parse_image_codes
from redactor.detect.local import LocalDetector
from redactor.detect.merge import merge

__all__ = [
    "ImageCodesAnswer",
    "LocalDetector",
    "merge",
    "parse_image_codes",
]
