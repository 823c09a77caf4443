"""GIF, animated or still: every frame keeps its colours, its time and what follows it."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

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
from redactor.codec.gif_blocks import Blocks, Extension, GifFrame, compress, indices_of, join, split
from redactor.codec.metadata import embedded_frames, has_picture
from redactor.codec.raster import Canvas, Samples, exact_indices, palette_indices
from redactor.errors import DamagedPicture, UnsupportedPicture
from redactor.geometry import Mask
from redactor.model import Limits, Metadata, Patch, Pixels

_DISPOSE = {2: Dispose.BACKGROUND, 3: Dispose.PREVIOUS}
_NUMBERS = {Dispose.NONE: 1, Dispose.BACKGROUND: 2, Dispose.PREVIOUS: 3}


class GifPicture:
    """A GIF; see `Picture`."""

    format = "GIF"
    orientation = 1
    refusal: str | None = None

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._blocks = blocks = split(data, limits)
        images = blocks.images
        # Some viewers widen the screen for a frame that lies beyond it: so it is looked at whole.
        self.size = (
            max([blocks.size[0], *(image.left + image.width for image in images)]),
            max([blocks.size[1], *(image.top + image.height for image in images)]),
        )
        check_size(self.size, limits)
        check_frames(self.size, len(images), limits)
        self._parts = [_part(image, blocks) for image in images]
        self.moving = len(images) if len(images) > 1 else 0
        self.trailing = len(blocks.trailer)
        others = [("extension", i.content) for i in blocks.items if isinstance(i, Extension)]
        self.frames = (
            *(
                frame_of(page.pixels, part, f"frame {index + 1}" if self.moving else "picture")
                for index, (page, part) in enumerate(zip(self.pages, self._parts, strict=True))
            ),
            *embedded_frames([*others, ("trailer", blocks.trailer)], limits),
        )

    @cached_property
    def pages(self) -> tuple[Canvas, ...]:
        """See `Picture.pages`."""
        return tuple(Canvas(shown) for shown in compose(self._parts, self.size, over_exactly))

    def encode(
        self, patches: tuple[Patch, ...], metadata: Metadata = Metadata.KEEP_SAFE
    ) -> tuple[bytes, str]:
        """See `Picture.encode`."""
        targets, hidden = redrawn(self.pages, patches, self._settle)
        changes = rewrite(self._parts, targets, hidden, over_exactly, can_clear=False)
        images = iter(
            [
                _changed(image, change, self._blocks.table) if change else image
                for image, change in zip(self._blocks.images, changes, strict=True)
            ]
        )
        items = [
            next(images) if isinstance(item, GifFrame) else item
            for item in self._blocks.items
            if isinstance(item, GifFrame) or _stays(item, metadata)
        ]
        return join(self._blocks.head, items), "lossless"

    def _settle(self, index: int, pixels: Samples, drawn: Mask) -> Samples:
        """Turn drawn pixels into colours of the frame, opaque or clear."""
        image = self._blocks.images[index]
        table = _colors(image, self._blocks.table)
        # The clear colour may lie behind the others.
        usable = table[np.arange(len(table)) != image.clear]
        usable = usable if len(usable) else table
        unset = np.zeros(drawn.shape, dtype=np.uint8)
        nearest = palette_indices(pixels[..., :3], drawn, usable, unset)
        is_clear = drawn & (pixels[..., 3] < 128)
        pixels[drawn, :3] = usable[nearest[drawn]]
        pixels[drawn, 3] = 255
        pixels[is_clear] = 0
        return pixels


def _colors(image: GifFrame, table: Pixels | None) -> Pixels:
    colors = table if image.table is None else image.table
    if colors is None:
        raise DamagedPicture("a frame of the GIF has no colours")
    return colors


def _part(image: GifFrame, blocks: Blocks) -> Part:
    if not image.width or not image.height:
        raise DamagedPicture("a frame of the GIF is empty")
    table = np.zeros((256, 4), dtype=np.uint8)
    colors = _colors(image, blocks.table)
    table[: len(colors), :3] = colors
    table[:, 3] = 255
    if image.clear is not None:
        table[image.clear] = 0
    number = (image.control[0] >> 2) & 7 if image.control else 0
    dispose = _DISPOSE.get(number, Dispose.NONE)
    return Part(image.left, image.top, table[indices_of(image)], dispose)


def _changed(image: GifFrame, change: Change, table: Pixels | None) -> GifFrame:
    """Store a change with the colours of the frame, or with its own where they do not suffice.

    Raises:
        UnsupportedPicture: If it has more colours than a frame can have.
    """
    pixels, needed = change.part.pixels, change.needed
    if (pixels[needed, 3] == 0).any():
        raise UnsupportedPicture("a frame of the GIF would have to clear what lies below it")
    colors, clear = _colors(image, table), image.clear
    wanted = pixels[needed, :3]
    usable = np.flatnonzero(np.arange(len(colors)) != clear)
    found = exact_indices(wanted, colors[usable])
    found = np.where(found < 0, -1, usable[found])
    new = image
    if (found < 0).any() or (clear is None and not needed.all()):
        colors = np.unique(wanted, axis=0) if (found < 0).any() else colors
        clear = None if needed.all() else len(colors)
        if len(colors) + (clear is not None) > 256:
            colors = np.unique(wanted, axis=0)
            clear = None if needed.all() else len(colors)
        if len(colors) + (clear is not None) > 256:
            raise UnsupportedPicture("a frame of the GIF would need more than 256 colours")
        found = exact_indices(wanted, colors)
        new = image.with_table(np.vstack([colors, colors[:1]]) if clear is not None else colors)
    indices = np.full(needed.shape, clear or 0, dtype=np.uint8)
    indices[needed] = found
    area = change.part.box
    return replace(
        new,
        left=area.left,
        top=area.top,
        width=area.width,
        height=area.height,
        data=compress(indices, is_interlaced=bool(new.flags & 0x40)),
        control=_control(image, change.part.dispose, clear),
    )


def _control(image: GifFrame, dispose: Dispose, clear: int | None) -> tuple[int, bytes, int] | None:
    flags, delay, _ = image.control or (0, b"\0\0", 0)
    number = flags >> 2 & 7
    if _DISPOSE.get(number, Dispose.NONE) is not dispose:
        number = _NUMBERS[dispose]
    flags = flags & 0xE2 | number << 2 | (clear is not None)
    return (flags, delay, clear or 0) if flags or image.control else None


def _stays(item: Extension, metadata: Metadata) -> bool:
    if metadata is Metadata.KEEP and item.is_text:
        return not has_picture(item.content)
    return item.is_safe and not has_picture(item.content)
