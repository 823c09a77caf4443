"""File bytes to frames and back.

`open_picture` tells the format by the bytes alone, checks the limits on the header before it
decodes, and gives a `Picture`: its frames to look at, its planes to draw on, and `encode`, which
puts drawn patches in place and leaves the rest of the file as it was.
"""

from collections.abc import Callable

from redactor.codec import apng, webp
from redactor.codec.base import Page, Picture, count_pixels, sniff, translated
from redactor.codec.bmp import BmpPicture
from redactor.codec.gif import GifPicture
from redactor.codec.heif import AvifPicture, open_heif
from redactor.codec.jpeg import JpegPicture
from redactor.codec.png import PngPicture
from redactor.codec.tiff import TiffPicture
from redactor.codec.turbo import is_available as has_turbo
from redactor.codec.webp_animation import WebpAnimation
from redactor.errors import LimitExceeded, UnsupportedPicture
from redactor.model import DEFAULT_LIMITS, Limits

__all__ = ["CONTENT_TYPES", "Page", "Picture", "count_pixels", "has_turbo", "open_picture"]

CONTENT_TYPES = {
    "AVIF": "image/avif",
    "BMP": "image/bmp",
    "GIF": "image/gif",
    "HEIF": "image/heic",
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
}


def _open_png(data: bytes, limits: Limits) -> Picture:
    return (apng.ApngPicture if apng.is_animated(data) else PngPicture)(data, limits)


def _open_webp(data: bytes, limits: Limits) -> Picture:
    is_animated = any(kind == b"ANMF" for kind, _ in webp.read_chunks(data)[0])
    return (WebpAnimation if is_animated else webp.WebpPicture)(data, limits)


_CODECS: dict[str, Callable[[bytes, Limits], Picture]] = {
    "AVIF": AvifPicture,
    "BMP": BmpPicture,
    "GIF": GifPicture,
    "HEIF": open_heif,
    "JPEG": JpegPicture,
    "PNG": _open_png,
    "TIFF": TiffPicture,
    "WEBP": _open_webp,
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
        raise UnsupportedPicture(f"{name} is not handled yet; {', '.join(_CODECS)} are")
    with translated(name):
        return codec(data, limits)
