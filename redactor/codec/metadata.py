"""What lies around the pixels: EXIF, and other pictures hidden in a file.

`keep-safe` is the rule when something was hidden: orientation, profile, resolution and plain
camera tags stay; everything that can hold pixels goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from PIL import ExifTags, Image

from redactor.codec.base import decode, translated, views
from redactor.errors import LimitExceeded, PictureError
from redactor.model import Frame, Limits

# Larger binary values than this can hold a picture; the longest plain tags are far shorter.
_MAX_TAG_BYTES = 256
# Files hold a thumbnail and perhaps a few previews; more is an attack on our time.
_MAX_EMBEDDED = 8
_MAX_STARTS = 64

_PICTURE_START = re.compile(
    rb"\xff\xd8\xff[\xc0-\xfe]|\x89PNG\r\n\x1a\n|RIFF....WEBPVP8", re.DOTALL
)


def has_picture(data: bytes) -> bool:
    """Say whether something in these bytes begins like a picture."""
    return _PICTURE_START.search(data) is not None


def orientation(image: Image.Image) -> int:
    """Give the EXIF orientation, 1 where it is absent or nonsense."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - Pillow's EXIF reader raises anything on hostile bytes
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def clean_exif(block: bytes) -> bytes:
    """Take everything that can hold pixels out of an EXIF block.

    Args:
        block: With or without the leading `Exif` and two zero bytes.

    Returns:
        The same bytes where there was nothing to take out; else a new block in the same form.
        A block that cannot be read is dropped but for its orientation.
    """
    prefix = b"Exif\0\0" if block.startswith(b"Exif\0\0") else b""
    try:
        exif = Image.Exif()
        exif.load(block)
        thumbnail = exif.get_ifd(ExifTags.IFD.IFD1)
        nested = [exif.get_ifd(tag) for tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)]
        large = [tag for tag, value in exif.items() if _is_large(value)]
        has_large = large or any(_is_large(v) for ifd in nested for v in ifd.values())
        note = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.MakerNote)
        if not thumbnail and not has_large and note is None and _is_tight(exif, block, prefix):
            return block
        clean = Image.Exif()
        clean.endian = exif.endian
        for tag, value in exif.items():
            if not _is_large(value) and tag not in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
                clean[tag] = value
        for tag, ifd in zip((ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo), nested, strict=True):
            kept = {
                key: value
                for key, value in ifd.items()
                if not _is_large(value)
                and key not in (ExifTags.Base.MakerNote, ExifTags.IFD.Interop)
            }
            if kept:
                clean.get_ifd(tag).update(kept)
        return prefix + clean.tobytes().removeprefix(b"Exif\0\0")
    except Exception:  # noqa: BLE001 - Pillow's EXIF reader raises anything on hostile bytes
        return _orientation_only(block, prefix)


def embedded_frames(places: Iterable[tuple[str, bytes]], limits: Limits) -> tuple[Frame, ...]:
    """Find and decode every picture that lies inside other bytes.

    Args:
        places: What each stretch of bytes is called, and the bytes.
        limits: As for the picture itself; all the pictures inside it share them.

    Returns:
        Frames in order; what begins like a picture but cannot be decoded shows nobody a code.

    Raises:
        LimitExceeded: If there are more than eight, or together they are larger than the limits
            allow.
    """
    frames: list[Frame] = []
    starts, pixels = 0, limits.max_pixels
    for name, data in places:
        for match in _PICTURE_START.finditer(data):
            starts += 1
            if len(frames) >= _MAX_EMBEDDED or starts > _MAX_STARTS:
                raise LimitExceeded(f"more than {_MAX_EMBEDDED} pictures inside the file")
            kind = {0xFF: "JPEG", 0x89: "PNG"}.get(data[match.start()], "WEBP")
            try:
                with translated(kind):
                    image = decode(data[match.start() :], kind, replace(limits, max_pixels=pixels))
                    seen = views(image)
            except LimitExceeded:
                raise
            except PictureError:
                continue
            pixels -= image.width * image.height
            frames.append(Frame(seen, name))
    return tuple(frames)


def _orientation_only(block: bytes, prefix: bytes) -> bytes:
    try:
        exif = Image.Exif()
        exif.load(block)
        clean = Image.Exif()
        clean[ExifTags.Base.Orientation] = int(exif[ExifTags.Base.Orientation])
        return prefix + clean.tobytes().removeprefix(b"Exif\0\0")
    except Exception:  # noqa: BLE001 - as above
        return b""


def _is_large(value: object) -> bool:
    if isinstance(value, bytes):
        return len(value) > _MAX_TAG_BYTES or has_picture(value)
    if isinstance(value, str):
        return len(value) > _MAX_TAG_BYTES
    return isinstance(value, tuple) and len(value) > _MAX_TAG_BYTES // 4


def _is_tight(exif: Image.Exif, block: bytes, prefix: bytes) -> bool:
    """Say whether a block is little longer than what its readable tags need."""
    return not has_picture(block) and len(block) <= len(prefix) + len(exif.tobytes()) * 2 + 1024
