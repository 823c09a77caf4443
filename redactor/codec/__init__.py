"""File bytes to frames and back.

`open_picture` tells the format by the bytes alone, checks the limits on the header before it
decodes, and gives a `Picture`: its frames to look at, its planes to draw on, and `encode`, which
puts drawn patches in place and leaves the rest of the file as it was.
"""

from collections.abc import Callable

from redactor.codec.base import Picture, sniff, translated
from redactor.codec.jpeg import JpegPicture
from redactor.codec.png import PngPicture
from redactor.codec.webp import WebpPicture
from redactor.errors import LimitExceeded, UnsupportedPicture
from redactor.model import DEFAULT_LIMITS, Limits

__all__ = ["CONTENT_TYPES", "Picture", "open_picture"]

CONTENT_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}

_CODECS: dict[str, Callable[[bytes, Limits], Picture]] = {
    "JPEG": JpegPicture,
    "PNG": PngPicture,
    "WEBP": WebpPicture,
}


def open_picture(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Picture:
    """Open a picture file held in memory.

    Raises:
        UnsupportedPicture: If it is no picture, or one of a format that is not handled.
        LimitExceeded: If it is larger than the limits allow.
        DamagedPicture: If it cannot be decoded whole.
    """
    if len(data) > limits.max_bytes:
        raise LimitExceeded(f"{len(data):,} bytes, over the limit of {limits.max_bytes:,} bytes")
    codec = _CODECS.get(name := sniff(data))
    if codec is None:
        raise UnsupportedPicture(f"{name} is not handled yet; JPEG, PNG and still WebP are")
    with translated(name):
        return codec(data, limits)
