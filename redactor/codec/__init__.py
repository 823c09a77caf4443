"""File bytes to frames and back.

`open_picture` tells the format by the bytes alone, checks the limits on the header before it
decodes, and gives a `Picture`: its frames to look at, its planes to draw on, and `encode`, which
puts drawn patches in place and leaves the rest of the file as it was.
"""

from collections.abc import Callable

from redactor.codec import apng, webp
from redactor.codec.base import Page, Picture, header_size, sniff, translated
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
    return (WebpAnimation if _is_moving_webp(data) else webp.WebpPicture)(data, limits)


def _is_moving_webp(data: bytes) -> bool:
    return any(kind == b"ANMF" for kind, _ in webp.read_chunks(data)[0])


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


def count_pixels(data: bytes) -> int | None:
    """Read from the header how many pixels a picture has, before anything is decoded.

    0 for what will not be decoded; None where the header does not tell, as of animations.
    """
    try:
        name = sniff(data)
        opener = _CODECS.get(name)
        is_moving = (opener is _open_png and apng.is_animated(data)) or (
            opener is _open_webp and _is_moving_webp(data)
        )
    except Exception:  # noqa: BLE001 - opening it fails in the same way, and says why
        return 0
    size = None if is_moving else header_size(data, name)
    return None if size is None else size[0] * size[1]


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
