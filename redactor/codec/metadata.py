"""What lies around the pixels: EXIF, and other pictures hidden in a file.

`keep-safe` is the rule when something was hidden: orientation, profile, resolution and plain
camera tags stay; everything that can hold pixels goes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from PIL import ExifTags, Image

from redactor.codec.base import decode, has_header, translated, views
from redactor.errors import LimitExceeded, PictureError, UnsupportedPicture
from redactor.model import Frame, Limits, Metadata

# Larger binary values than this can hold a picture; the longest plain tags are far shorter.
_MAX_TAG_BYTES = 256
# Files hold a thumbnail and perhaps a few previews; more is an attack on our time.
_MAX_EMBEDDED = 8
_MAX_STARTS = 64

_OTHER_PICTURE = re.compile(rb"GIF8[79]a")
_OTHER_STARTS = (b"BM", b"II*\0", b"MM\0*")
_BASE64_JPEG = re.compile(rb"/9j/(?:[A-Za-z0-9+/]|&#x[aAdD];|\s){200,}")
_PICTURE_START = re.compile(
    rb"\xff\xd8\xff[\xc0-\xfe]|\x89PNG\r\n\x1a\n|RIFF....WEBPVP8", re.DOTALL
)


def has_picture(data: bytes) -> bool:
    """Say whether something in these bytes begins like a picture."""
    return _PICTURE_START.search(data) is not None or _BASE64_JPEG.search(data) is not None


def orientation(image: Image.Image) -> int:
    """Give the EXIF orientation, 1 where it is absent or nonsense."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - Pillow's EXIF reader raises anything on hostile bytes
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def exif_orientation(block: bytes) -> int:
    """Give the orientation that an EXIF block states, 1 where it is absent or nonsense."""
    return orientation(_bare(block))


def _bare(block: bytes) -> Image.Image:
    """Give a picture of nothing but an EXIF block."""
    image = Image.Image()
    image.info["exif"] = block
    return image


def clean_exif(block: bytes, metadata: Metadata = Metadata.KEEP_SAFE) -> bytes:
    """Take everything that can hold pixels out of an EXIF block.

    Args:
        block: With or without the leading `Exif` and two zero bytes.
        metadata: `strip` leaves the orientation alone; `keep` takes out pictures alone.

    Returns:
        The same bytes where there was nothing to take out; else a new block in the same form.
        A block that cannot be read is dropped but for its orientation.
    """
    prefix = b"Exif\0\0" if block.startswith(b"Exif\0\0") else b""
    if metadata is Metadata.STRIP:
        return _orientation_only(block, prefix)
    if metadata is Metadata.KEEP and not has_picture(block) and not _has_thumbnail(block):
        return block
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
        Frames in order; bytes that merely begin like a picture are none.

    Raises:
        UnsupportedPicture: If one is animated, damaged or of a format that is not handled: some
            readers would show it.
        LimitExceeded: If there are more than eight, or together they are larger than the limits
            allow.
    """
    frames: list[Frame] = []
    starts, pixels = 0, limits.max_pixels
    for name, data in _with_base64(places):
        if _OTHER_PICTURE.search(data) or (name == "trailer" and data.startswith(_OTHER_STARTS)):
            raise UnsupportedPicture(f"its {name} holds a picture that cannot be looked at yet")
        for match in _PICTURE_START.finditer(data):
            starts += 1
            if len(frames) >= _MAX_EMBEDDED or starts > _MAX_STARTS:
                raise LimitExceeded(f"more than {_MAX_EMBEDDED} pictures inside the file")
            kind = {0xFF: "JPEG", 0x89: "PNG"}.get(data[match.start()], "WEBP")
            try:
                with translated(kind):
                    image = decode(data[match.start() :], kind, replace(limits, max_pixels=pixels))
                    seen = views(image)
            except (LimitExceeded, UnsupportedPicture):
                raise
            except PictureError:
                if has_header(data[match.start() :], kind):
                    raise UnsupportedPicture(f"its {name} holds a damaged picture") from None
                continue
            pixels -= image.width * image.height
            frames.append(Frame(seen, name))
    return tuple(frames)


def refuse_raw_thumbnail(image: Image.Image) -> None:
    """Stop at an EXIF thumbnail of bare pixels, which nothing here decodes.

    Raises:
        UnsupportedPicture: If there is one.
    """
    try:
        has_strips = ExifTags.Base.StripOffsets in image.getexif().get_ifd(ExifTags.IFD.IFD1)
    except Exception:  # noqa: BLE001 - Pillow's EXIF reader raises anything on hostile bytes
        return
    if has_strips:
        raise UnsupportedPicture("its EXIF thumbnail is uncompressed and cannot be looked at yet")


def refuse_raw_thumbnail_in(block: bytes) -> None:
    """Stop at an EXIF block with a thumbnail of bare pixels; see `refuse_raw_thumbnail`."""
    refuse_raw_thumbnail(_bare(block))


def _with_base64(places: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Give places, and after each the pictures that it holds in base64, as XMP does."""
    for name, data in places:
        yield name, data
        for match in _BASE64_JPEG.finditer(data):
            text = re.sub(rb"&#x[aAdD];|\s", b"", match[0])
            text = text[: len(text) - (len(text) % 4 == 1)]
            yield name, base64.b64decode(text + b"=" * (-len(text) % 4))


def _has_thumbnail(block: bytes) -> bool:
    try:
        exif = Image.Exif()
        exif.load(block)
        return bool(exif.get_ifd(ExifTags.IFD.IFD1))
    except Exception:  # noqa: BLE001 - as above
        return True


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
