"""AVIF and HEIF: decoded, changed and encoded again at a stated quality.

Their headers do not tell the quality they were made with. Other pictures in the file (thumbnails,
second pictures) are looked at and never written.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from dataclasses import replace
from functools import cached_property

import numpy as np
from PIL import AvifImagePlugin, Image

from redactor.codec import boxes
from redactor.codec.base import check_size, main_frame, views
from redactor.codec.metadata import (
    clean_exif,
    embedded_frames,
    exif_orientation,
    has_picture,
    refuse_raw_thumbnail_in,
)
from redactor.codec.raster import Canvas
from redactor.errors import LimitExceeded, UnsupportedPicture
from redactor.model import Frame, Limits, Metadata, Patch

try:
    import pillow_heif
except ImportError:  # an extra
    pillow_heif = None  # type: ignore[assignment]

_QUALITY = 90  # of 100, as libavif and x265 count it
_MAX_OTHERS = 8
_PLAIN_MODES = ("L", "RGB", "RGBA")


class _Picture(ABC):
    """What AVIF and HEIF share; see `Picture`."""

    format: str
    moving = 0
    refusal: str | None = None
    _image: Image.Image
    _subsampling: str

    def __init__(self, data: bytes, limits: Limits) -> None:
        contents = boxes.read(data)
        if contents.is_moving:
            raise UnsupportedPicture(
                f"{self.format} with a sequence of pictures is not handled yet"
            )
        self._image = image = self._decode(data, limits)
        self.size = image.size
        exif = image.info.get("exif") or b""
        self.orientation = self._orientation(exif)
        refuse_raw_thumbnail_in(exif)
        self.trailing = len(data) - contents.end
        others = [("EXIF", exif), ("XMP", image.info.get("xmp") or b"")]
        self.frames = (
            main_frame(image, self.orientation),
            *self._others(data, contents, limits),
            *embedded_frames([*others, ("trailer", data[contents.end :])], limits),
        )

    @abstractmethod
    def _decode(self, data: bytes, limits: Limits) -> Image.Image:
        """Decode the picture itself; says in `refusal` why it cannot be changed."""

    def _orientation(self, exif: bytes) -> int:
        return exif_orientation(exif)

    def _others(self, data: bytes, contents: boxes.Contents, limits: Limits) -> tuple[Frame, ...]:
        """Decode every other picture, as if it were the picture itself.

        Raises:
            UnsupportedPicture: If one cannot be decoded.
            LimitExceeded: If there are too many.
        """
        others = sorted(contents.pictures - contents.parts - {contents.primary})
        if len(others) > _MAX_OTHERS:
            raise LimitExceeded(f"more than {_MAX_OTHERS} pictures inside the file")
        frames: list[Frame] = []
        for item in others:
            pixels = sum(width * height for width, height in (frame.size for frame in frames))
            left = replace(limits, max_pixels=limits.max_pixels - pixels)
            name = "thumbnail" if item in contents.thumbnails else "other picture"
            try:
                image = self._decode(contents.with_primary(data, item), left)
            except LimitExceeded:
                raise
            except Exception as error:
                raise UnsupportedPicture(f"its {name} cannot be looked at") from error
            frames.append(Frame(views(image), name))
        return tuple(frames)

    @cached_property
    def pages(self) -> tuple[Canvas]:
        """See `Picture.pages`."""
        pixels = np.asarray(self._image)
        return (Canvas(pixels[..., None] if pixels.ndim == 2 else pixels),)

    def encode(
        self, patches: tuple[Patch, ...], metadata: Metadata = Metadata.KEEP_SAFE
    ) -> tuple[bytes, str]:
        """See `Picture.encode`."""
        if self.refusal is not None:
            raise UnsupportedPicture(self.refusal)
        pixels, _ = self.pages[0].apply(patches)
        info = self._image.info
        exif, xmp = info.get("exif") or b"", info.get("xmp") or b""
        kept = {
            "exif": clean_exif(exif, metadata) if exif else b"",
            "xmp": xmp if metadata is Metadata.KEEP and not has_picture(xmp) else b"",
            "icc_profile": info.get("icc_profile") or b"",
        }
        image = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
        buffer = io.BytesIO()
        self._save(image, buffer, {key: value for key, value in kept.items() if value})
        return buffer.getvalue(), "re-encoded"

    @abstractmethod
    def _save(self, image: Image.Image, file: io.BytesIO, kept: dict[str, bytes]) -> None:
        """Encode the picture with metadata."""


class AvifPicture(_Picture):
    """A still AVIF; see `Picture`."""

    format = "AVIF"

    def _decode(self, data: bytes, limits: Limits) -> Image.Image:
        image = AvifImagePlugin.AvifImageFile(io.BytesIO(data))
        check_size(image.size, limits)
        image.load()
        self._set_coding((boxes.read(data).configuration + bytes(4))[2])
        return image

    def _set_coding(self, flags: int) -> None:
        """Read what `av1C` says of depth and subsampling."""
        if flags & 0x40:
            self.refusal = "AVIF of more than 8 bits can be looked at but not changed yet"
        is_gray, across, down = flags & 0x10, flags & 8, flags & 4
        self._subsampling = (
            "4:0:0" if is_gray else "4:2:0" if down else "4:2:2" if across else "4:4:4"
        )

    def _save(self, image: Image.Image, file: io.BytesIO, kept: dict[str, bytes]) -> None:
        options = {"quality": _QUALITY, "subsampling": self._subsampling}
        # One thread: how many there are must not show in the bytes.
        image.save(file, "AVIF", **options, max_threads=1, **kept)


class HeifPicture(_Picture):
    """A still HEIF; see `Picture`. It is stored as it is shown: readers ignore EXIF's turn."""

    format = "HEIF"

    def _orientation(self, exif: bytes) -> int:
        return 1

    def _decode(self, data: bytes, limits: Limits) -> Image.Image:
        file = pillow_heif.open_heif(data, convert_hdr_to_8bit=True)
        check_size(file.size, limits)
        info = file.info
        if info.get("bit_depth", 8) > 8:
            self.refusal = "HEIF of more than 8 bits can be looked at but not changed yet"
        self._subsampling = str(info.get("chroma") or 420)
        image = file.to_pillow()
        if image.mode not in _PLAIN_MODES:
            image = image.convert("RGBA" if "A" in image.mode else "RGB")
        image.info["exif"] = _upright(info.get("exif") or b"")
        image.info["xmp"] = info.get("xmp") or b""
        image.info["icc_profile"] = info.get("icc_profile") or b""
        return image

    def _save(self, image: Image.Image, file: io.BytesIO, kept: dict[str, bytes]) -> None:
        heif = pillow_heif.from_pillow(image)
        for key in ("exif", "xmp", "icc_profile"):
            heif.info[key] = kept.get(key)
        heif.save(file, quality=_QUALITY, chroma=int(self._subsampling), **kept)


def _upright(exif: bytes) -> bytes:
    """Take a turn out of EXIF that was applied already."""
    if exif_orientation(exif) == 1:
        return exif
    block = Image.Exif()
    block.load(exif)
    block[0x0112] = 1
    return block.tobytes()


def open_heif(data: bytes, limits: Limits) -> _Picture:
    """Open a HEIF.

    Raises:
        UnsupportedPicture: If pillow-heif is not installed.
    """
    if pillow_heif is None:
        raise UnsupportedPicture("HEIF is handled with pillow-heif: install redactor[heif]")
    return HeifPicture(data, limits)
