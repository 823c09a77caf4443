"""What every codec offers, and what they share: telling formats apart and decoding with Pillow."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from redactor.codec.markers import check_passes
from redactor.errors import DamagedPicture, LimitExceeded, PictureError, UnsupportedPicture
from redactor.geometry import Box, Mask
from redactor.magic import picture_format
from redactor.model import MIRRORED_ORIENTATIONS, Frame, Limits, Metadata, Patch, Pixels, Plane

_PLUGINS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
}


class Page(Protocol):
    """One raster of a picture that can be drawn on: the picture, a frame or a page of it.

    Attributes:
        size: Width and height in pixels.
        cell: Width and height in pixels of the units in which it can be changed.
        has_alpha: Whether the last plane is the opacity.
    """

    size: tuple[int, int]
    cell: tuple[int, int]
    has_alpha: bool

    def read(self, box: Box, needed: Mask | None = None) -> tuple[Plane, ...]:
        """Give the component planes under a box of whole cells.

        Each plane has the component's own resolution, and values from 0 to 255; in cells that are
        not `needed` they mean nothing.
        """

    def color(self, rgb: tuple[int, int, int]) -> tuple[float, ...] | None:
        """Give a colour's value in each plane; None where the file's colours cannot say it."""


class Picture(Protocol):
    """An open picture file.

    Attributes:
        format: `JPEG`, `PNG`, `WEBP` …
        size: Width and height of the stored raster in pixels; of a multi-page file, the first.
        orientation: EXIF orientation, 1 to 8.
        frames: What there is to look at: a frame for each page, in order, then every other picture
            in the file.
        moving: How many pages, from the first, follow each other in time; 0 in a still picture.
        refusal: Why this file cannot be changed; None where it can be.
        trailing: How many bytes lie behind the picture's end.
    """

    format: str
    size: tuple[int, int]
    orientation: int
    frames: tuple[Frame, ...]
    moving: int
    refusal: str | None
    trailing: int

    @property
    def pages(self) -> tuple[Page, ...]:
        """What can be drawn on: the picture, or each frame or page of it as viewers show it."""

    def encode(
        self, patches: tuple[Patch, ...], metadata: Metadata = Metadata.KEEP_SAFE
    ) -> tuple[bytes, str]:
        """Write the file with patches in place, and without any other picture in it.

        Args:
            patches: What was drawn; none where only other pictures or metadata have to go.
            metadata: What else stays.

        Returns:
            The bytes, and how they were made: `coefficients`, `lossless` or `re-encoded`.

        Raises:
            UnsupportedPicture: If `refusal` is not None.
        """


def sniff(data: bytes) -> str:
    """Tell the format by the first bytes.

    Raises:
        DamagedPicture: If there is nothing to tell by.
        UnsupportedPicture: If no known picture format begins like this.
    """
    if not data:
        raise DamagedPicture("the file is empty")
    if (name := picture_format(data)) is not None:
        return name
    raise UnsupportedPicture("not a picture: the bytes begin like no known picture format")


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn whatever hostile bytes make a reader raise into a `PictureError`."""
    try:
        yield
    except PictureError:
        raise
    except MemoryError:
        raise LimitExceeded("decoding it needs more memory than there is") from None
    except Exception as error:
        raise DamagedPicture(
            f"cannot be decoded as {name}: {str(error) or type(error).__name__}"
        ) from error


def decode(data: bytes, name: str, limits: Limits) -> ImageFile.ImageFile:
    """Decode a file whole with Pillow's plugin for one format; see `opened`."""
    image = opened(data, name, limits)
    with translated(name):
        image.load()
    return image


def opened(data: bytes, name: str, limits: Limits) -> ImageFile.ImageFile:
    """Open a file with Pillow's plugin for one format, not decoded yet.

    The plugin is called directly, so that no other plugin sees hostile bytes and the limits here
    stand in for Pillow's process-wide ones.

    Raises:
        PictureError: As `open_picture` says.
    """
    with translated(name):
        if name == "WEBP":  # opening one makes room for the whole picture
            check_size(_webp_size(data), limits)
        image = _PLUGINS[name](io.BytesIO(data))
        check_size(image.size, limits)
        if name == "JPEG":
            check_passes(data, image.size, limits)
        if getattr(image, "n_frames", 1) > 1:
            raise UnsupportedPicture(f"animated {name} pictures are not handled yet")
    return image


def _webp_size(data: bytes) -> tuple[int, int]:
    """Read width and height from the first chunk, which has to state them."""
    kind, body = data[12:16], data[20:30]
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    sides = struct.unpack("<HH", body[6:10])
    return sides[0] & 0x3FFF, sides[1] & 0x3FFF


def has_header(data: bytes, name: str) -> bool:
    """Say whether bytes begin with the header of a picture, whatever follows."""
    try:
        image = _PLUGINS[name](io.BytesIO(data))
    except Exception:  # noqa: BLE001 - Pillow's plugins raise anything on hostile bytes
        return False
    return min(image.size) > 0


def header_size(data: bytes, name: str) -> tuple[int, int] | None:
    """Read width and height of a still picture from its header.

    (0, 0) where there is no whole header, None for formats whose readers decode at once.
    """
    if name not in _PLUGINS:
        return None
    try:
        return _webp_size(data) if name == "WEBP" else _PLUGINS[name](io.BytesIO(data)).size
    except Exception:  # noqa: BLE001 - Pillow's plugins raise anything on hostile bytes
        return 0, 0


def check_size(size: tuple[int, int], limits: Limits) -> None:
    """Hold width and height, as the header states them, against the limits.

    Raises:
        LimitExceeded: If the picture is too large.
        DamagedPicture: If a side is zero.
    """
    width, height = size
    if width <= 0 or height <= 0:
        raise DamagedPicture(f"the header states {width} x {height} pixels")
    if width * height > limits.max_pixels:
        raise LimitExceeded(
            f"{width} x {height} pixels, over the limit of {limits.max_pixels:,} pixels"
        )
    if max(width, height) > limits.max_side:
        raise LimitExceeded(
            f"{width} x {height} pixels, over the limit of {limits.max_side:,} on a side"
        )


def main_frame(image: Image.Image, orientation: int, stored: Pixels | None = None) -> Frame:
    """Give the frame of the picture itself; arguments as `views`."""
    return Frame(views(image, stored), is_mirrored=orientation in MIRRORED_ORIENTATIONS)


def views(image: Image.Image, stored: Pixels | None = None) -> tuple[Pixels, ...]:
    """Give what a picture can look like; see `Frame.views`.

    Args:
        image: Decoded.
        stored: Its pixels, of shape (height, width, channels), where somebody has them already.
    """
    if image.mode.startswith("I;16"):
        return deep_views(np.asarray(image).astype(np.uint16))

    def pixels(mode: str) -> Pixels:
        if image.mode != mode:
            return np.asarray(image.convert(mode))
        if stored is None:
            return np.asarray(image)
        return stored if stored.shape[-1] > 1 else stored[..., 0]

    if not has_transparency(image):
        return (_read_only(pixels("L" if image.mode in "1L" else "RGB")),)
    return rgba_views(pixels("RGBA"))


def rgba_views(rgba: Pixels) -> tuple[Pixels, ...]:
    """Give what pixels with opacity, shape (height, width, 4), can look like."""
    color = rgba[..., :3]
    if rgba[..., 3].min() == 255:
        return (_read_only(np.ascontiguousarray(color)),)
    alpha = rgba[..., 3:].astype(np.uint16)
    shown = color * alpha
    over_white = ((shown + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    seen = (over_white, ((shown + 127) // 255).astype(np.uint8), color, rgba[..., 3])
    return tuple(_read_only(np.ascontiguousarray(view)) for view in seen)


def deep_views(values: NDArray[np.uint16]) -> tuple[Pixels, ...]:
    """Give the high byte of 16-bit values, and their whole range stretched over 8 bits.

    Args:
        values: Shape (height, width) or (height, width, 3).
    """
    low, high = int(values.min()), int(values.max())
    stretched = (values - low) * (255.0 / max(high - low, 1))
    return _read_only((values >> 8).astype(np.uint8)), _read_only(stretched.astype(np.uint8))


def has_transparency(image: Image.Image) -> bool:
    """Say whether pixels can be transparent: an alpha channel or a transparent colour."""
    return image.mode in ("LA", "RGBA", "PA", "La", "RGBa") or "transparency" in image.info


def _read_only(array: Pixels) -> Pixels:
    array = array.view()
    array.setflags(write=False)
    return array
