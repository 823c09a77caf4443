"""Animated PNG: every frame in the type, depth and palette of the file."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from redactor.codec.animation import (
    Change,
    Dispose,
    Part,
    check_frames,
    compose,
    frame_of,
    over_exactly,
    redrawn,
    rewrite,
)
from redactor.codec.base import check_size
from redactor.codec.metadata import exif_orientation, refuse_raw_thumbnail_in
from redactor.codec.png import MAGIC, Colors, kept_chunks, other_pictures, read_chunks
from redactor.codec.png_samples import chunk, decode_samples, encode_samples
from redactor.codec.raster import Canvas, Samples
from redactor.errors import DamagedPicture
from redactor.geometry import Mask
from redactor.model import MIRRORED_ORIENTATIONS, Limits, Metadata, Patch

_CONTROL = struct.Struct(">IIIIIHHBB")
_DISPOSE = (Dispose.NONE, Dispose.BACKGROUND, Dispose.PREVIOUS)


@dataclass(eq=False)
class _Stored:
    """A frame as it is stored.

    Attributes:
        width: In pixels.
        height: In pixels.
        left: First column on the canvas.
        top: First row.
        delay: Numerator and denominator of its time in seconds.
        dispose: 0 to 2, as the format numbers them.
        is_blended: As the format has it.
        is_default: Its pixels lie in IDAT chunks, for viewers that know no animation.
        data: Deflated samples, chunk by chunk.
    """

    width: int
    height: int
    left: int = 0
    top: int = 0
    delay: tuple[int, int] = (0, 0)
    dispose: int = 0
    is_blended: bool = False
    is_default: bool = False
    data: list[bytes] = field(default_factory=list)


class ApngPicture:
    """An animated PNG; see `Picture`. A default image that is no frame is its last page."""

    format = "PNG"
    refusal: str | None = None

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._chunks, trailer = read_chunks(data)
        self._colors = Colors(self._chunks)
        header = self._colors.header
        self.size = header.width, header.height
        check_size(self.size, limits)
        self._stored, default = _frames(self._chunks, self.size)
        check_frames(self.size, len(self._stored) + (default is not None), limits)
        exif = next((body for kind, body in self._chunks if kind == b"eXIf"), b"")
        self.orientation = exif_orientation(exif)
        refuse_raw_thumbnail_in(exif)
        self.trailing = len(trailer)
        self._parts = [self._part(stored) for stored in self._stored]
        self._default = default and self._part(default)
        self.moving = len(self._parts)
        is_mirrored = self.orientation in MIRRORED_ORIENTATIONS
        shown = [page.pixels for page in self.pages]
        parts = [*self._parts, *([self._default] if self._default else [])]
        self.frames = (
            *(
                frame_of(canvas, part, _name(index, self.moving), is_mirrored=is_mirrored)
                for index, (canvas, part) in enumerate(zip(shown, parts, strict=True))
            ),
            *other_pictures(self._chunks, trailer, limits),
        )

    def _part(self, stored: _Stored) -> Part:
        header = replace(self._colors.header, width=stored.width, height=stored.height)
        pixels = self._colors.rgba(decode_samples(header, b"".join(stored.data)))
        dispose = _DISPOSE[stored.dispose]
        return Part(stored.left, stored.top, pixels, dispose, is_blended=stored.is_blended)

    @cached_property
    def pages(self) -> tuple[Canvas, ...]:
        """See `Picture.pages`."""
        shown = compose(self._parts, self.size, over_exactly)
        if self._default:
            shown.append(self._default.pixels)
        return tuple(Canvas(canvas) for canvas in shown)

    def encode(
        self, patches: tuple[Patch, ...], metadata: Metadata = Metadata.KEEP_SAFE
    ) -> tuple[bytes, str]:
        """See `Picture.encode`."""
        targets, hidden = redrawn(self.pages, patches, self._settle)
        changes = rewrite(
            self._parts,
            targets[: self.moving],
            hidden[: self.moving],
            over_exactly,
            can_clear=self._colors.has_clear,
        )
        frames = [
            self._changed(stored, change) if change else stored
            for stored, change in zip(self._stored, changes, strict=True)
        ]
        default = None
        if self._default:
            default = [body for kind, body in self._chunks if kind == b"IDAT"]
            if hidden[-1].any():
                default = [self._deflated(targets[-1])]
        return b"".join(self._written(frames, default, metadata)), "lossless"

    def _settle(self, _index: int, pixels: Samples, drawn: Mask) -> Samples:
        return self._colors.settle(pixels, drawn)

    def _changed(self, stored: _Stored, change: Change) -> _Stored:
        area = change.part.box
        return replace(
            stored,
            width=area.width,
            height=area.height,
            left=area.left,
            top=area.top,
            dispose=_DISPOSE.index(change.part.dispose),
            is_blended=False,
            data=[self._deflated(change.part.pixels)],
        )

    def _deflated(self, pixels: Samples) -> bytes:
        header = replace(self._colors.header, width=pixels.shape[1], height=pixels.shape[0])
        return encode_samples(header, self._colors.from_rgba(pixels))

    def _written(
        self, frames: list[_Stored], default: list[bytes] | None, metadata: Metadata
    ) -> Iterator[bytes]:
        """Give the chunks of the file: what stays, and all frames where the first pixels lie."""
        plays = next(body for kind, body in self._chunks if kind == b"acTL")
        places = [kind for kind, _ in self._chunks]
        before = self._chunks[: places.index(b"IDAT")]
        yield MAGIC
        for kind, body in kept_chunks(before, metadata):
            yield chunk(kind, body)
        yield chunk(b"acTL", plays)
        for body in default or ():
            yield chunk(b"IDAT", body)
        number = 0
        for frame in frames:
            shape = (frame.width, frame.height, frame.left, frame.top, *frame.delay)
            yield chunk(b"fcTL", _CONTROL.pack(number, *shape, frame.dispose, frame.is_blended))
            number += 1
            for body in frame.data:
                if frame.is_default:
                    yield chunk(b"IDAT", body)
                    continue
                yield chunk(b"fdAT", struct.pack(">I", number) + body)
                number += 1
        after = [(kind, body) for kind, body in self._chunks[len(before) :] if kind != b"IDAT"]
        for kind, body in kept_chunks(after, metadata):
            yield chunk(kind, body)
        yield chunk(b"IEND", b"")


def _name(index: int, moving: int) -> str:
    return f"frame {index + 1}" if index < moving else "default image"


def _frames(
    chunks: list[tuple[bytes, bytes]], size: tuple[int, int]
) -> tuple[list[_Stored], _Stored | None]:
    """Give the frames, and the default image where it is none of them.

    Raises:
        DamagedPicture: If they are not as the format asks for: viewers would differ.
    """
    frames: list[_Stored] = []
    default = _Stored(*size)
    number = 0
    for kind, body in chunks:
        if kind == b"IDAT":
            (frames[-1] if frames else default).data.append(body)
            if frames:
                frames[-1].is_default = True
        if kind in (b"fcTL", b"fdAT"):
            if len(body) < 4 or struct.unpack_from(">I", body)[0] != number:
                raise DamagedPicture("the animated PNG's frames are out of order")
            number += 1
        if kind == b"fcTL":
            frames.append(_control(body, size))
        elif kind == b"fdAT":
            if not frames or frames[-1].is_default:
                raise DamagedPicture("the animated PNG has pixels that belong to no frame")
            frames[-1].data.append(body[4:])
    stated = next((body[:4] for kind, body in chunks if kind == b"acTL"), b"")
    is_whole = all(frame.data for frame in frames) and struct.pack(">I", len(frames)) == stated
    if not is_whole or any(frame.is_default for frame in frames[1:]):
        raise DamagedPicture("the animated PNG lacks frames, or has more than it states")
    if frames and frames[0].is_default and (frames[0].width, frames[0].height) != size:
        raise DamagedPicture("the animated PNG's first frame is not as large as the picture")
    return frames, default if default.data else None


def _control(body: bytes, size: tuple[int, int]) -> _Stored:
    if len(body) != _CONTROL.size:
        raise DamagedPicture("a frame of the animated PNG is broken")
    _, width, height, left, top, delay, unit, dispose, blend = _CONTROL.unpack(body)
    is_inside = left + width <= size[0] and top + height <= size[1]
    if not width or not height or not is_inside or dispose > 2 or blend > 1:
        raise DamagedPicture("a frame of the animated PNG lies outside of it")
    return _Stored(width, height, left, top, (delay, unit), dispose, bool(blend))


def is_animated(data: bytes) -> bool:
    """Say whether a PNG has chunks of an animation."""
    return any(kind in (b"acTL", b"fcTL", b"fdAT") for kind, _ in read_chunks(data)[0])
