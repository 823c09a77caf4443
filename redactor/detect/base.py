"""What a reader is."""

from __future__ import annotations

from typing import Protocol

from redactor.model import Detection, Pixels


class Reader(Protocol):
    """Reads codes in one grey raster; what it returns has content."""

    @property
    def name(self) -> str:
        """A word for results and rules: `zxing`, `zbar`."""

    def read(self, gray: Pixels) -> list[Detection]:
        """Read every code that can be read in a raster of shape (height, width)."""
