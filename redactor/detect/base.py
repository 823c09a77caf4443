"""What a detector is, and which ones a machine has."""

from __future__ import annotations

from typing import Protocol

from redactor.model import Detection, Pixels


class Detector(Protocol):
    """Finds codes in one grey raster; quads are in its pixels, frames are not its business."""

    @property
    def name(self) -> str:
        """A word for results and rules: `zxing`, `zbar`, `opencv`."""

    def detect(self, gray: Pixels) -> list[Detection]:
        """Find every code in a raster of shape (height, width)."""


class Reader(Protocol):
    """Reads codes in one grey raster; what it returns has content."""

    @property
    def name(self) -> str:
        """As the detector of the same engine."""

    def read(self, gray: Pixels) -> list[Detection]:
        """Read every code that can be read in a raster of shape (height, width)."""
