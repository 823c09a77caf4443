"""Animated WebP: frames that have to be stored anew are stored without loss."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from PIL import Image, WebPImagePlugin

from redactor.codec.animation import (
    Change,
    Dispose,
    Part,
    check_frames,
    compose,
    frame_of,
    redrawn,
    rewrite,
)
from redactor.codec.base import check_size
from redactor.codec.metadata import exif_orientation, refuse_raw_thumbnail_in
from redactor.codec.raster import Canvas, Samples
from redactor.codec.webp import (
    EFFORT,
    VP8X,
    join_chunks,
    kept_chunks,
    other_pictures,
    read_chunks,
    split_chunks,
)
from redactor.errors import DamagedPicture
from redactor.geometry import Mask
from redactor.model import MIRRORED_ORIENTATIONS, Limits, Metadata, Patch

_HAS_ALPHA = 0x10  # in VP8X
_CLEARS, _REPLACES = 1, 2  # in ANMF


@dataclass(frozen=True)
class _Stored:
    """A frame as it is stored; `flags` also say what becomes of it."""

    left: int
    top: int
    width: int
    height: int
    time: bytes
    flags: int
    data: bytes

    @property
    def body(self) -> bytes:
        """Of its chunk."""
        places = (self.left // 2, self.top // 2, self.width - 1, self.height - 1)
        return (
            b"".join(value.to_bytes(3, "little") for value in places)
            + self.time
            + bytes((self.flags,))
            + self.data
        )


class WebpAnimation:
    """An animated WebP; see `Picture`."""

    format = "WEBP"
    refusal: str | None = None

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._chunks, trailer = read_chunks(data)
        first = dict(reversed(self._chunks))
        head = first.get(VP8X, b"")
        if len(head) < 10 or b"ANIM" not in first:
            raise DamagedPicture("the animated WebP does not say how large it is")
        width, height = (int.from_bytes(head[place : place + 3], "little") for place in (4, 7))
        self.size = width + 1, height + 1
        check_size(self.size, limits)
        self._stored = [_stored(body, self.size) for kind, body in self._chunks if kind == b"ANMF"]
        check_frames(self.size, len(self._stored), limits)
        exif = first.get(b"EXIF", b"")
        self.orientation = exif_orientation(exif)
        refuse_raw_thumbnail_in(exif)
        self.trailing = len(trailer)
        self._parts = [_part(stored) for stored in self._stored]
        self.moving = len(self._parts)
        is_mirrored = self.orientation in MIRRORED_ORIENTATIONS
        self.frames = (
            *(
                frame_of(page.pixels, part, f"frame {index + 1}", is_mirrored=is_mirrored)
                for index, (page, part) in enumerate(zip(self.pages, self._parts, strict=True))
            ),
            *other_pictures(self._chunks, trailer, limits),
        )

    @cached_property
    def pages(self) -> tuple[Canvas, ...]:
        """See `Picture.pages`."""
        return tuple(Canvas(shown) for shown in compose(self._parts, self.size, _over))

    def encode(
        self, patches: tuple[Patch, ...], metadata: Metadata = Metadata.KEEP_SAFE
    ) -> tuple[bytes, str]:
        """See `Picture.encode`."""
        targets, hidden = redrawn(self.pages, patches, self._settle)
        changes = rewrite(self._parts, targets, hidden, _over, can_clear=True, step=2)
        frames = iter(
            [
                _changed(stored, change) if change else stored
                for stored, change in zip(self._stored, changes, strict=True)
            ]
        )
        has_clear = any((target[..., 3] < 255).any() for target in targets)
        chunks = [
            (kind, next(frames).body) if kind == b"ANMF" else (kind, body)
            for kind, body in kept_chunks(self._chunks, metadata)
        ]
        if patches and has_clear:  # what is stored anew says so in its own way
            chunks = [(k, _with_alpha(body) if k == VP8X else body) for k, body in chunks]
        return join_chunks(chunks), "lossless"

    def _settle(self, _index: int, pixels: Samples, drawn: Mask) -> Samples:
        """Make drawn pixels opaque where the file has no opacity."""
        if not dict(self._chunks)[VP8X][0] & _HAS_ALPHA:
            pixels[drawn, 3] = 255
        return pixels


def _with_alpha(head: bytes) -> bytes:
    return bytes((head[0] | _HAS_ALPHA,)) + head[1:]


def _stored(body: bytes, size: tuple[int, int]) -> _Stored:
    if len(body) < 24:
        raise DamagedPicture("a frame of the animated WebP is broken")
    left, top, width, height = (
        int.from_bytes(body[place : place + 3], "little") for place in (0, 3, 6, 9)
    )
    stored = _Stored(2 * left, 2 * top, width + 1, height + 1, body[12:15], body[15], body[16:])
    if stored.left + stored.width > size[0] or stored.top + stored.height > size[1]:
        raise DamagedPicture("a frame of the animated WebP lies outside of it")
    return stored


def _part(stored: _Stored) -> Part:
    """Decode a frame by itself."""
    chunks = split_chunks(stored.data)
    if any(kind in (b"ANMF", b"ANIM", VP8X) for kind, _ in chunks):
        raise DamagedPicture("a frame of the animated WebP holds another animation")
    shape = b"".join((side - 1).to_bytes(3, "little") for side in (stored.width, stored.height))
    head = [(VP8X, bytes((_HAS_ALPHA, 0, 0, 0)) + shape)]
    file = join_chunks([*(head if b"VP8 " in dict(chunks) else []), *chunks])
    with WebPImagePlugin.WebPImageFile(io.BytesIO(file)) as image:
        if image.size != (stored.width, stored.height):
            raise DamagedPicture("a frame of the animated WebP is of another size than it states")
        pixels = np.array(image.convert("RGBA"))
    dispose = Dispose.BACKGROUND if stored.flags & _CLEARS else Dispose.NONE
    is_blended = not stored.flags & _REPLACES
    return Part(stored.left, stored.top, pixels, dispose, is_blended=is_blended)


def _changed(stored: _Stored, change: Change) -> _Stored:
    area, pixels = change.part.box, change.part.pixels
    image = Image.fromarray(np.ascontiguousarray(pixels.astype(np.uint8)))
    if pixels[..., 3].min() == 255:
        image = image.convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=True, exact=True, quality=EFFORT, method=4)
    data = next(body for kind, body in read_chunks(buffer.getvalue())[0] if kind == b"VP8L")
    flags = stored.flags & ~_CLEARS | _REPLACES
    return replace(
        stored,
        left=area.left,
        top=area.top,
        width=area.width,
        height=area.height,
        flags=flags | (_CLEARS if change.part.dispose is Dispose.BACKGROUND else 0),
        data=b"VP8L" + struct.pack("<I", len(data)) + data + bytes(len(data) & 1),
    )


def _over(above: Samples, below: Samples) -> Samples:
    """Lay pixels over others with libwebp's own arithmetic."""
    top, bottom = above.astype(np.uint32), below.astype(np.uint32)
    alpha = top[..., 3:]
    share = bottom[..., 3:] * (256 - alpha) >> 8
    opacity = alpha + share
    scale = (1 << 24) // np.maximum(opacity, 1)
    colors = (top[..., :3] * alpha + bottom[..., :3] * share).astype(np.uint64) * scale >> 24
    mixed = np.concatenate([colors.astype(np.uint8), opacity.astype(np.uint8)], axis=-1)
    return np.where(alpha == 255, above, np.where(alpha == 0, below, mixed)).astype(np.uint8)
