"""The local detector: a cascade of passes over every frame, then our own eyes, merged.

In brackets, what is lost without a pass on the 149 photographs of QR codes and the 555 of other
codes that `python -m tests.benchmarks.detection CORPUS --without PASS` was run on, and its share
of the time on the former.

Over the whole frame:

- zxing-cpp over a copy of at most 2,400 pixels, with the codes that it finds and cannot read, and
  for other symbologies in bad light over a small, evenly lit one: settles most pictures [32 %].
- zxing-cpp for the QR family alone, a twelfth of the time, over the raster as it is and over
  evenly lit copies: codes that are small, in the dark, in glare, very large or blurred
  [1 QR code, 6 %].
- zxing-cpp for light bars, PDF417 and small Aztec on dark ones, for which it does not invert, or
  not well [none there, 5 %].
- OpenCV's locator of bars: blurred ones that nobody reads [38 pictures not located, 4 %].
- `finders` in a crisp raster, then `locate`: finder patterns span codes, and suspicions are kept
  where there are modules or bars [10 points of coverage, 14 %].

Where there is reason to doubt, area by area, so that a decoy settles nothing but itself:

- The parts of a large picture that are lost in its copy, at their own scale (`detail`)
  [1 QR code; small codes of other kinds in large pictures, 11 %].
- Fine detail twice as large, for Data Matrix, Aztec and Micro QR [none there; a third of those
  that were left in random scenes, 3 %].
- Its colours, where they show more than its brightness (`looks`) [none there, little].
- Bars at any slant, turned upright (`bars`) [none there, little].
- Finder patterns without their code, in a larger raster [with `finders`].
- What was located and not read, up close and in every variant, until an engine reads it
  [14 contents, 6 %], and so a small picture in which nothing was found [4 codes, none].
- What zxing-cpp alone has read, once more by zbar, which may disagree [safety of `allow`, 4 %].
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from redactor.detect import zbar
from redactor.detect.bars import strip
from redactor.detect.base import Kind, Reader
from redactor.detect.detail import detailed
from redactor.detect.finders import distinct, find_finders
from redactor.detect.lighting import crisp, flatten, sharpen, shrink
from redactor.detect.locate import NAME as LOCATOR
from redactor.detect.locate import locate, outside
from redactor.detect.looks import Look, color_looks, looks
from redactor.detect.merge import merge
from redactor.detect.opencv import OpencvDetector
from redactor.detect.remedies import HARD_PX, hard_variants
from redactor.detect.variants import cut, to_raster, variants
from redactor.detect.zbar import ZbarDetector
from redactor.detect.zxing import ZxingDetector
from redactor.errors import DetectorError, LimitExceeded
from redactor.geometry import Box, Quad
from redactor.model import ONE_DIMENSIONAL, QR_FAMILY, Detection, Frame, Pixels, Symbology

_LARGE_PX = 2_400  # longer side, for zxing-cpp and all symbologies
_MIDDLE_PX = 1_000  # for OpenCV, finder patterns, light bars, and the last look at the whole
_CLOSER_PX = 1_400  # for finder patterns without a code
_SMALL_PX = 700  # for all symbologies in even light
_MOST_DOUBTS = 100  # in one frame; each is looked at in every variant
_TINY_PX = 480  # up to here a picture in which nothing was found is read in every variant
_ZBAR_VARIANTS = 2  # of them that zbar reads: as it is, and sharpened
_FAINT = 20.0  # standard deviation in levels
_FINE_PX = 700  # side of a square of fine detail that is also read twice as large,
_LITTLE_PX = 350  # and inverted: half of the time, and where detail is everywhere, it is no code
_MIN_SIDE_PX = 8  # no code is smaller, and zxing-cpp needs a few rows
_AREA_PX = 700  # of an area with a doubt: the largest QR code has 177 modules
_SECOND_PX = 500  # of a code that zbar reads once more
_AUDITED_PX = 360  # of a whole picture, in the harder versions
_BESIDE_PX = 16  # on each side of an area: blocks and resampling spread what was drawn so far
_MARGIN = 0.25  # of an area's longer side: the context it is looked at with
_SETTLED_SHARE = 0.5  # of a doubt, by what was read up close: it is no more in doubt


class LocalDetector:
    """Every decoder that this machine has. Holds no state: threads may share one.

    Args:
        thorough: Look at further scales and with zbar also where nothing is in doubt.
        audits: Look at every frame in all `hard_variants` as well: for pictures that somebody has
            redacted.

    Attributes:
        names: Of the engines that detect, in the order in which they are trusted.
        reader_names: Of those that also read.
        remark: What is missing and how to get it; None where nothing is.
    """

    def __init__(self, *, thorough: bool = False, audits: bool = False) -> None:
        self.is_thorough, self._audits = thorough, audits
        self._zxing, self._opencv = ZxingDetector(), OpencvDetector()
        self._zbar = ZbarDetector() if zbar.is_available() else None
        self._readers: list[Reader] = [self._zxing, *([self._zbar] if self._zbar else [])]
        self.remark: str | None = None
        if self._zbar is None:
            self.remark = "zbar is missing: install the system package libzbar0 (zbar on macOS)"
        self.reader_names = tuple(reader.name for reader in self._readers)
        self.names = (*self.reader_names, self._opencv.name, LOCATOR)

    def detect(self, frames: Sequence[Frame]) -> tuple[Detection, ...]:
        """Find the codes of every frame, in reading order; equal frames are looked at once.

        Raises:
            DetectorError: If an engine fails; a picture it has not seen is not safe.
        """
        known: list[tuple[Frame, list[Detection]]] = []
        found: list[Detection] = []
        for index, frame in enumerate(frames):
            codes = next((codes for other, codes in known if _are_equal(frame, other)), None)
            if codes is None:
                known.append((frame, codes := self._detect_in(frame)))
            found += [replace(code, frame=index) for code in codes]
        return tuple(found)

    def merge(self, detections: Iterable[Detection], frame: Frame) -> list[Detection]:
        """Join further reports of one frame with what is known of it."""
        return merge(detections, next(looks(frame)).gray)

    def read_last(self, frame: Frame, quads: Sequence[Quad], *, margin: float) -> list[Detection]:
        """Give what can be read in a frame by whoever tries hard in some areas; not merged.

        zxing-cpp looks at the whole frame at first sight: for bars, where it is large, only in
        the rows and columns of pixels through an area. Every engine sees each area as it is
        (zxing-cpp that of a small frame with the whole of it), much smaller where it is large, and
        inverted; zxing-cpp, the stronger one, in all `hard_variants`.

        Args:
            frame: The frame.
            quads: The areas.
            margin: Context around each, as a share of its longer side.

        Raises:
            DetectorError: If an engine fails.
        """
        found: list[Detection] = []
        seen: list[tuple[Quad, Pixels]] = []
        for look in looks(frame):
            is_small = max(look.gray.shape) <= _AREA_PX
            reads_bars = is_small or not quads
            found += map(look.back, self._glance(look.gray, reads_bars=reads_bars))
            if not reads_bars:
                there = [look.there(quad).box for quad in quads]
                found += map(look.back, self._read_bars_beside(look.gray, there))
            for quad in quads:
                area, place = _area(look, look.there(quad), margin, _AREA_PX)
                # Where nothing is transparent, it is the same on white and on black.
                if any(quad is other and np.array_equal(area, same) for other, same in seen):
                    continue
                seen.append((quad, area))
                # Small pictures were looked at as they are, and so was the area in them.
                for code in self._read_hard(area, is_seen=is_small):
                    found.append(look.back(replace(code, quad=to_raster(code.quad, *place))))
        return found

    def glance(self, frame: Frame) -> list[Detection]:
        """Give what zxing-cpp reads in a small frame, and twice as large; not merged."""
        found: list[Detection] = []
        for look in looks(frame):
            found += map(look.back, self._glance(look.gray))
            doubled = cv2.resize(look.gray, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
            for number in range(2):
                codes = self._read_one_of_many(np.asarray(doubled, dtype=np.uint8), 0.5, number)
                found += map(look.back, codes)
        return found

    def _glance(self, gray: Pixels, *, reads_bars: bool = True) -> list[Detection]:
        """Give what zxing-cpp reads in a raster; to hide one code can bring out another.

        Finder patterns that were one code's become another's, at any scale. Bars are read row by
        row, and column by column: see `_read_bars_beside`.
        """
        zxing = self._zxing
        large, shrunk = shrink(gray, _LARGE_PX)
        if min(large.shape) < _MIN_SIDE_PX:
            return []
        middle, factor = shrink(large, _MIDDLE_PX)
        factor *= shrunk
        read = zxing.read if reads_bars else zxing.read_matrix
        codes = _guarded(zxing.name, read, middle, factor)
        codes += _guarded(zxing.name, zxing.detect_qr, flatten(middle), factor)
        if factor > shrunk:
            codes += _guarded(zxing.name, zxing.detect_qr, large, shrunk)
        return [code for code in codes if code.is_read]

    def _read_bars_beside(self, gray: Pixels, areas: Sequence[Box]) -> Iterator[Detection]:
        """Give the bars that are read in the rows and the columns of pixels through some areas.

        Where something is hidden beside bars, they have their quiet zone. No other row has changed.
        """
        large, shrunk = shrink(gray, _LARGE_PX)
        height, width = large.shape
        boxes = [box.grow(_BESIDE_PX) for box in areas]
        read = self._zxing.read_bars
        for top, bottom in _bands([(box.top, box.bottom) for box in boxes], height, shrunk):
            for code in _guarded(self._zxing.name, read, large[top:bottom]):
                yield replace(code, quad=to_raster(code.quad.shift(0, top), shrunk, 0, 0))
        for left, right in _bands([(box.left, box.right) for box in boxes], width, shrunk):
            for code in self._read_turned(read, large[:, left:right]):
                yield replace(code, quad=to_raster(code.quad.shift(left, 0), shrunk, 0, 0))

    def _read_hard(self, area: Pixels, *, is_seen: bool = False) -> Iterator[Detection]:
        """Read an area in every hard variant; zxing-cpp has seen it as it is where `is_seen`."""
        if min(area.shape) < _MIN_SIDE_PX:
            return
        longest = _AUDITED_PX if self._audits else HARD_PX
        for number, (version, factor, is_plain) in enumerate(hard_variants(area, longest)):
            if is_plain:
                first = 1 if is_seen and number == 0 else 0
                last = 1 if factor < 1 else None  # see `_read_in`
                for reader in self._readers[first:last]:
                    yield from _guarded(reader.name, reader.read, version, factor)
            elif self._audits:
                yield from _guarded(self._zxing.name, self._zxing.read, version, factor)
            else:
                yield from self._read_one_of_many(version, factor, number)

    def _read_one_of_many(self, version: Pixels, factor: float, number: int) -> list[Detection]:
        """Read one of many versions of a raster: as it lies, and every other turned by a quarter.

        Bars that stand show in the turned ones; all else shows either way, in half of the time.
        """
        if number % 2 == 0:
            return _guarded(self._zxing.name, self._zxing.read_upright, version, factor)
        return self._read_turned(self._zxing.read_upright, version, factor)

    def _read_turned(
        self, read: Callable[[Pixels], list[Detection]], gray: Pixels, factor: float = 1.0
    ) -> list[Detection]:
        """Read a raster turned by a quarter; quads as `_guarded` gives them."""
        turned, width = np.ascontiguousarray(np.rot90(gray)), gray.shape[1]
        return [
            replace(code, quad=Quad.of([((width - y) * factor, x * factor) for x, y in corners]))
            for code in _guarded(self._zxing.name, read, turned)
            for corners in [code.quad.corners]
        ]

    def _detect_in(self, frame: Frame) -> list[Detection]:
        every = list(looks(frame))
        gray = every[0].gray
        if min(gray.shape) < _MIN_SIDE_PX:
            return []
        found = [look.back(code) for look in every for code in self._see(look.gray)]
        for raster, place in color_looks(frame):
            for code in _guarded(self._zxing.name, self._zxing.read, raster):
                found.append(replace(code, quad=to_raster(code.quad, *place)))
        merged = merge(found, gray)
        doubts = [code for code in merged if not code.is_read]
        if len(doubts) > _MOST_DOUBTS:
            raise LimitExceeded(
                f"more than {_MOST_DOUBTS} places look like codes that nobody reads"
            )
        again = [reading for code in doubts for reading in self._look_again(every, code)]
        if not merged and max(gray.shape) <= _TINY_PX:
            again = [code for look in every for code in self._read_tiny(look)]
        again += self._cross_check(every, [*merged, *again])
        if self._audits:
            again += self.read_last(frame, [Quad.from_box(0, 0, *frame.size)], margin=0)
        return merge(again, gray, merged) if again else merged

    def _see(self, gray: Pixels) -> list[Detection]:
        """Run every pass over one grey raster."""
        zxing, opencv = self._zxing, self._opencv
        large, shrunk = shrink(gray, _LARGE_PX)
        middle, factor = shrink(large, _MIDDLE_PX)
        factor *= shrunk
        small, further = shrink(flat := flatten(middle), _SMALL_PX)
        reported = [
            *_guarded(zxing.name, zxing.detect, large, shrunk),
            *_guarded(zxing.name, zxing.detect_upright, small, factor * further),
            *_guarded(zxing.name, zxing.read_light, middle, factor),
            *_guarded(opencv.name, opencv.find_bars, middle, factor),
        ]
        if further > 1:
            reported += _guarded(zxing.name, zxing.detect_qr, flat, factor)
        if shrunk > 1:
            reported += _guarded(zxing.name, zxing.detect_qr, gray)
        read = [code.quad for code in reported if code.is_read]
        for box in detailed(gray, read):
            part = np.ascontiguousarray(gray[box.top : box.bottom, box.left : box.right])
            codes = self._see_detail(part, is_new=shrunk > 1)
            reported += [replace(code, quad=code.quad.shift(box.left, box.top)) for code in codes]
        reported += self._read_slanted(gray, reported)
        finders = outside(find_finders(crisp(flat)), factor, reported)
        if finders or self.is_thorough:
            # A finder pattern without its code: where there is one, there are more.
            for raster, scale in self._closer(gray):
                reported += _guarded(zxing.name, zxing.detect_qr, raster, scale)
                more = [finder.scaled(scale / factor) for finder in find_finders(raster)]
                finders = distinct([*finders, *outside(more, factor, reported)])
        if self.is_thorough:
            reported += _guarded(zxing.name, zxing.read_small, middle, factor)
        if self.is_thorough and self._zbar is not None:
            reported += _guarded(self._zbar.name, self._zbar.read, large, shrunk)
        located = locate(gray, flat, factor, finders, reported)
        return [*(code for code in reported if code.is_read), *located]

    def _see_detail(self, part: Pixels, *, is_new: bool) -> list[Detection]:
        """Look at fine detail at its own scale, if that `is_new`, and twice as large."""
        zxing = self._zxing
        codes: list[Detection] = []
        if is_new:
            codes += _guarded(zxing.name, zxing.detect_unscaled, part)
            # zxing-cpp takes less than 24 levels for paper.
            if cv2.meanStdDev(part)[1].item() < _FAINT:
                codes += _guarded(zxing.name, zxing.detect_qr, flatten(part))
        if part.size <= _FINE_PX**2:
            is_little = part.size <= _LITTLE_PX**2
            codes += _guarded(zxing.name, zxing.read_small, part, try_invert=is_little)
        return codes

    def _closer(self, gray: Pixels) -> Iterator[tuple[Pixels, float]]:
        """Give rasters in which finder patterns without a code are looked for."""
        small, factor = shrink(gray, _CLOSER_PX)
        yield crisp(flat := flatten(small)), factor
        if self.is_thorough:
            yield sharpen(flat, 1.0), factor
            large, factor = shrink(gray, _LARGE_PX)
            yield crisp(flatten(large)), factor

    def _read_slanted(self, gray: Pixels, reported: Sequence[Detection]) -> Iterator[Detection]:
        """Read bars that were only located, turned upright."""
        for code in reported:
            if code.symbology is Symbology.ANY_1D and (cut_out := strip(gray, code.quad)):
                upright, back = cut_out
                for found in self._read_in(upright, Kind.BARS):
                    yield replace(found, quad=_mapped(found.quad, back))

    def _look_again(self, every: Sequence[Look], code: Detection) -> list[Detection]:
        """Read what was only located up close, in one variant after another until it is read."""
        readings: list[Detection] = []
        for look in every:
            for codes in self._up_close(
                look, look.there(code.quad), _kind_of(code), _MARGIN, _AREA_PX
            ):
                readings += [look.back(found) for found in codes]
                if any(
                    found.quad.overlap(code.quad) > _SETTLED_SHARE * code.quad.area
                    for found in readings
                ):
                    return readings
        return readings

    def _read_tiny(self, look: Look) -> Iterator[Detection]:
        """Read a crop or a thumbnail in one variant after another until something is read."""
        for number, (raster, factor) in enumerate(variants(look.gray)):
            found: list[Detection] = []
            if number:  # zxing-cpp has seen it as it is
                found += self._read_one_of_many(raster, factor, number)
            if self._zbar is not None and number < _ZBAR_VARIANTS:
                found += _guarded(self._zbar.name, self._zbar.read, raster, factor)
            if found:
                yield from map(look.back, found)
                return

    def _cross_check(
        self, every: Sequence[Look], codes: Sequence[Detection]
    ) -> Iterator[Detection]:
        """Give what zbar reads where only zxing-cpp has."""
        if self._zbar is None:
            return
        for code in codes:
            kind = _kind_of(code)
            if code.is_read and code.sources == (self._zxing.name,) and kind is not Kind.ANY:
                for look in every:
                    area, place = _area(look, look.there(code.quad), _MARGIN, _SECOND_PX)
                    if min(area.shape) >= _MIN_SIDE_PX:
                        for found in _guarded(self._zbar.name, self._zbar.read, area, kind=kind):
                            yield look.back(replace(found, quad=to_raster(found.quad, *place)))

    def _up_close(
        self,
        look: Look,
        quad: Quad,
        kind: Kind,
        margin: float,
        longest: int,
    ) -> Iterator[list[Detection]]:
        """Give what engines read in an area of a look, variant by variant; quads of the look."""
        area, (shrunk, left, top) = _area(look, quad, margin, longest)
        if min(area.shape) < _MIN_SIDE_PX:
            return
        for version, factor in variants(area):
            yield [
                replace(code, quad=to_raster(code.quad, factor * shrunk, left, top))
                for code in self._read_in(version, kind, is_enlarged=factor < 1)
            ]

    def _read_in(self, gray: Pixels, kind: Kind, *, is_enlarged: bool = False) -> list[Detection]:
        """Read a raster with every engine; zbar reads no more where it is larger."""
        if min(gray.shape) < _MIN_SIDE_PX:
            return []
        return [
            code
            for reader in self._readers[: 1 if is_enlarged else None]
            for code in _guarded(reader.name, reader.read, gray, kind=kind)
        ]


def _bands(spans: Iterable[tuple[int, int]], length: int, factor: float) -> list[tuple[int, int]]:
    """Bring spans to a raster of some length that is so many times smaller; join what meets."""
    bands: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        low, high = max(0, int(first / factor)), min(length, int(last / factor) + 1)
        if bands and low <= bands[-1][1]:
            low, high = bands[-1][0], max(bands.pop()[1], high)
        if low < high:
            bands.append((low, high))
    return bands


def _area(
    look: Look, quad: Quad, margin: float, longest: int
) -> tuple[Pixels, tuple[float, int, int]]:
    """Cut an area out of a look, at most so many pixels on its longer side.

    Returns:
        The area, and how it lies in the look: the factor from its pixels, and left and top.
    """
    area, left, top = cut(look.gray, quad, margin=margin)
    if min(area.shape) == 0:
        return area, (1.0, left, top)
    part, shrunk = shrink(area, longest)
    return part, (shrunk, left, top)


def _kind_of(code: Detection) -> Kind:
    if code.symbology in QR_FAMILY:
        return Kind.QR
    return Kind.BARS if code.symbology in ONE_DIMENSIONAL else Kind.ANY


def _are_equal(first: Frame, second: Frame) -> bool:
    """Say whether two frames show the same pixels in the same way."""
    if first.is_mirrored != second.is_mirrored or len(first.views) != len(second.views):
        return False
    return all(np.array_equal(a, b) for a, b in zip(first.views, second.views, strict=True))


def _mapped(quad: Quad, matrix: NDArray[np.float64]) -> Quad:
    """Map a quad by a matrix of shape (2, 3)."""
    return Quad.of(np.c_[quad.as_array(), np.ones(4)] @ matrix.T)


def _guarded(
    name: str,
    look: Callable[..., list[Detection]],
    gray: Pixels,
    factor: float = 1.0,
    **options: Kind | bool,
) -> list[Detection]:
    """Run an engine; quads come back in the pixels of a raster `factor` times as large."""
    try:
        codes = look(gray, **options)
    except LimitExceeded:
        raise
    except Exception as error:
        raise DetectorError(f"{name} failed: {type(error).__name__}: {error}") from error
    if factor == 1.0:
        return codes
    return [replace(code, quad=to_raster(code.quad, factor, 0, 0)) for code in codes]
