"""What a reader is."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from redactor.model import Detection, Pixels


class Kind(StrEnum):
    """Which codes a reader looks for: to look for all of them takes most of the time."""

    ANY = "any"
    QR = "qr"
    BARS = "bars"


class Reader(Protocol):
    """Reads codes in one grey raster; what it returns has content."""

    @property
    def name(self) -> str:
        """A word for results and rules: `zxing`, `zbar`."""

    def read(self, gray: Pixels, kind: Kind = Kind.ANY) -> list[Detection]:
        """Read every code of a kind that can be read in a raster of shape (height, width)."""
