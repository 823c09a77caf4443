"""TIFF: every page, each in its own size, depth and compression."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from PIL import Image, TiffImagePlugin

from redactor.codec import tiff_pixels as pixels
from redactor.codec.base import check_size, deep_views, rgba_views, views
from redactor.codec.metadata import embedded_frames, has_picture
from redactor.codec.raster import Canvas, Samples, palette_indices
from redactor.codec.tiff_directory import (
    EXIF,
    GPS,
    SUB_DIRECTORIES,
    Directory,
    Value,
    everything,
    read,
    write,
)
from redactor.errors import DamagedPicture, LimitExceeded, UnsupportedPicture
from redactor.geometry import Mask
from redactor.model import MIRRORED_ORIENTATIONS, Frame, Limits, Metadata, Patch, Pixels

_KIND, _OLD_KIND, _THUMBNAIL = 254, 255, 513
_MAKER_NOTE, _PROFILE = 37500, 34675
# What decoding needs, and the size on paper.
_STRUCTURE = frozenset(
    (_KIND, _OLD_KIND, 256, 257, 258, 259, 262, 266, 274, 277, 278, 282, 283, 284, 292, 293, 296,
     317, 318, 319, 320, 322, 323, 332, 334, 338, 339, 347, 529, 530, 531, 532, _PROFILE)
)  # fmt: skip
_TEXTS = frozenset((269, 270, 271, 272, 285, 297, 305, 306, 315, 316, 33432))
_MAX_TAG_BYTES = 256  # longer ones can hold a copy of a code
_REDUCED, _MASK_PAGE = 1, 4
_PADDING = 16  # bytes: up to so many zeros at the end come from writers that align what follows


class TiffPicture:
    """A TIFF; see `Picture`. Reduced copies and previews are other pictures, not pages."""

    format = "TIFF"
    moving = 0
    refusal: str | None = None  # some pages may be changed and others not

    def __init__(self, data: bytes, limits: Limits) -> None:
        contents = read(data, most=limits.max_frames)
        chain = contents.directories
        if not chain:
            raise DamagedPicture("the TIFF has no page")
        self._pages = [chain[0], *(page for page in chain[1:] if not _is_copy(page))]
        copies = [page for page in chain[1:] if _is_copy(page)]
        copies += [
            child
            for directory in everything(chain)
            for child in directory.children.get(SUB_DIRECTORIES, ())
        ]
        _check_sizes([*self._pages, *copies], limits)
        self.size = _size(chain[0])
        self.orientation = _orientation(chain[0])
        is_padding = len(contents.trailer) < _PADDING and not any(contents.trailer)
        self.trailing = 0 if is_padding else len(contents.trailer)
        places = [
            ("tags", value.data)
            for directory in everything(chain)
            for tag, value in directory.tags.items()
            if tag not in _STRUCTURE or tag == _PROFILE
        ]
        self._drawable = [_Page(page) if pixels.why_not(page) is None else None
                          for page in self._pages]  # fmt: skip
        self.frames = (
            *(
                _frame(page, drawable, f"page {index + 1}" if len(self._pages) > 1 else "picture")
                for index, (page, drawable) in enumerate(
                    zip(self._pages, self._drawable, strict=True)
                )
            ),
            *(_frame(copy, None, "preview") for copy in copies),
            *embedded_frames(
                [*places, ("gap", contents.gaps), ("trailer", contents.trailer)], limits
            ),
        )

    @cached_property
    def pages(self) -> tuple[Canvas, ...]:
        """See `Picture.pages`; what cannot be changed is there to count and to measure alone."""
        return tuple(
            drawable.canvas if drawable else Canvas(frame.views[0].reshape(*frame.size[::-1], -1))
            for drawable, frame in zip(self._drawable, self.frames, strict=False)
        )

    def encode(
        self, patches: tuple[Patch, ...], metadata: Metadata = Metadata.KEEP_SAFE
    ) -> tuple[bytes, str]:
        """See `Picture.encode`."""
        written = []
        for index, (page, drawable) in enumerate(zip(self._pages, self._drawable, strict=True)):
            here = [patch for patch in patches if patch.frame == index]
            if here and drawable is None:
                raise UnsupportedPicture(pixels.why_not(page) or "")
            kept = _kept(page, metadata)
            written.append(replace(kept, blocks=drawable.draw(here)) if here and drawable else kept)
        return write(written), "lossless"


class _Page:
    """A page whose samples can be changed."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._layout = pixels.layout_of(directory)
        self._kind = directory.number(pixels.PHOTOMETRIC)
        self._samples = pixels.decode(directory, self._layout)
        has_alpha = directory.numbers(pixels.EXTRA) in ((1,), (2,))
        self.canvas = Canvas(self._channels(), has_alpha=has_alpha)

    @cached_property
    def _ramp(self) -> Pixels | None:
        """The colours that few samples can be; None where any value can be written."""
        count = 1 << self._layout.bits
        if self._kind == pixels.PALETTE:
            colors = np.array(self._directory.numbers(pixels.COLORS), dtype=np.uint16)
            if len(colors) != 3 * count:
                raise DamagedPicture("the TIFF's palette is not as long as it should be")
            is_narrow = not (colors > 255).any()  # as some programs write it
            return (colors if is_narrow else colors >> 8).reshape(3, -1).T.astype(np.uint8)
        if self._layout.bits >= 8:
            return None
        levels = np.arange(count, dtype=np.uint8) * np.uint8(255 // (count - 1))
        return (levels[::-1] if self._kind == pixels.WHITE_IS_ZERO else levels)[:, None]

    def _channels(self) -> Samples:
        if self._ramp is not None:
            if self._layout.bits == 16:
                return self._ramp[self._samples[..., 0]]
            return self._ramp[np.minimum(self._samples[..., 0], len(self._ramp) - 1)]
        return self._turned(self._samples)

    def _turned(self, samples: Samples) -> Samples:
        """Make black zero, or back."""
        if self._kind != pixels.WHITE_IS_ZERO:
            return samples
        turned = samples.copy()
        turned[..., 0] = np.iinfo(samples.dtype).max - turned[..., 0]
        return turned

    def draw(self, patches: Sequence[Patch]) -> list[bytes]:
        """Give the blocks of the page with patches in place."""
        channels, drawn = self.canvas.apply(patches)
        samples = self._back(channels, drawn)
        return pixels.encode(self._directory, self._layout, samples, drawn)

    def _back(self, channels: Samples, drawn: Mask) -> Samples:
        if self._ramp is not None:
            return palette_indices(channels, drawn, self._ramp, self._samples[..., 0])[..., None]
        return self._turned(channels)

    def views(self) -> tuple[Pixels, ...]:
        """Give what the page can look like."""
        values = self.canvas.pixels
        channels = values.shape[-1] - self.canvas.has_alpha
        eight = values.astype(np.uint8) if values.dtype == np.uint8 else _high(values)
        if self._kind == pixels.CMYK:
            image = Image.fromarray(np.ascontiguousarray(eight[..., :4]), "CMYK")
            seen: tuple[Pixels, ...] = views(image)
        elif self.canvas.has_alpha:
            color = eight[..., [0, 0, 0]] if channels == 1 else eight[..., :3]
            seen = rgba_views(np.dstack([color, eight[..., -1]]))
        else:
            seen = (np.ascontiguousarray(eight[..., 0] if channels < 3 else eight[..., :3]),)
        if values.dtype == np.uint16 and self._kind != pixels.CMYK:
            part = values[..., 0] if channels < 3 else values[..., :3]
            seen = (*seen, deep_views(part.astype(np.uint16))[1])
        if values.shape[-1] > 3 + (self._kind == pixels.CMYK) or values.shape[-1] == 2:
            seen = (*seen, np.ascontiguousarray(eight[..., -1]))
        return seen


def _high(values: Samples) -> Pixels:
    return (values >> 8).astype(np.uint8)


def _frame(page: Directory, drawable: _Page | None, name: str) -> Frame:
    seen = drawable.views() if drawable else _look(page)
    return Frame(seen, name, _orientation(page) in MIRRORED_ORIENTATIONS)


def _look(page: Directory) -> tuple[Pixels, ...]:
    """Decode a page with Pillow, for looking alone."""
    if page.number(pixels.COMPRESSION, 1) == 6:
        raise UnsupportedPicture("TIFF with JPEG of the old kind is not handled")
    kept = _kept(page, Metadata.STRIP).without(pixels.ORIENTATION)  # Pillow would turn it
    with TiffImagePlugin.TiffImageFile(io.BytesIO(write([kept]))) as image:
        image.load()
        if image.mode in ("F", "I"):
            values = np.asarray(image, dtype=np.float64)
            finite = np.where(np.isfinite(values), values, 0)
            low, high = finite.min(), finite.max()
            return (((finite - low) * (255 / max(high - low, 1e-9))).astype(np.uint8),)
        return views(image)


def _is_copy(page: Directory) -> bool:
    """Say whether a page is a smaller copy of another one, or a mask for it."""
    return bool(page.number(_KIND) & (_REDUCED | _MASK_PAGE)) or page.number(_OLD_KIND) == 2


def _size(page: Directory) -> tuple[int, int]:
    return page.number(pixels.WIDTH), page.number(pixels.HEIGHT)


def _orientation(page: Directory) -> int:
    value = page.number(pixels.ORIENTATION, 1)
    return value if 1 <= value <= 8 else 1


def _check_sizes(pages: Sequence[Directory], limits: Limits) -> None:
    for page in pages:
        check_size(_size(page), limits)
        if _THUMBNAIL in page.tags and not page.blocks:
            raise UnsupportedPicture("TIFF with JPEG of the old kind is not handled")
        if not page.blocks:
            raise DamagedPicture("a page of the TIFF has no pixels")
    total = sum(width * height for width, height in map(_size, pages))
    if total > limits.max_pixels:
        raise LimitExceeded(
            f"{total:,} pixels in {len(pages)} pages, over the limit of {limits.max_pixels:,}"
        )


def _kept(page: Directory, metadata: Metadata) -> Directory:
    """Give a page with the tags that stay when something was hidden."""
    if metadata is Metadata.STRIP:
        return replace(page, tags=_only(page, _STRUCTURE), children={})
    is_kept = metadata is Metadata.KEEP
    known = page.tags.keys() if is_kept else _STRUCTURE | _TEXTS
    children = {
        tag: [replace(_plain(child, is_kept=is_kept), children={}) for child in below]
        for tag, below in page.children.items()
        if tag in (EXIF, GPS)
    }
    return replace(page, tags=_only(page, known, is_kept=is_kept), children=children)


def _plain(directory: Directory, *, is_kept: bool) -> Directory:
    tags = directory.tags.keys() - (set() if is_kept else {_MAKER_NOTE})
    return replace(directory, tags=_only(directory, tags, is_kept=is_kept))


def _only(
    directory: Directory, known: Collection[int], *, is_kept: bool = False
) -> dict[int, Value]:
    return {
        tag: value
        for tag, value in directory.tags.items()
        if tag in known
        and (
            tag in _STRUCTURE
            or (not has_picture(value.data) and (is_kept or len(value.data) <= _MAX_TAG_BYTES))
        )
    }
