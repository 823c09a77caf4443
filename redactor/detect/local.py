"""The local detector: every engine over every look at every frame, then our own eyes, merged.

What each pass is for; `python -m tests.benchmarks.detection` measures what it covers and costs:

- zxing-cpp over a copy of at most 2,400 pixels, with the codes that it finds and cannot read, and
  over a larger raster as it is: small codes in large pictures.
- zxing-cpp over a small, evenly lit copy: codes in the dark or in glare, very large or blurred.
- zxing-cpp for bars at a slant and for light bars on dark ones, which its scan lines miss.
- zxing-cpp over the colours of a picture: codes in two colours of one brightness.
- zbar over a copy of at most 1,000 pixels: reads a few that zxing-cpp does not, and may disagree.
- OpenCV's locators over small copies.
- `locate`: finder patterns span codes, and suspicions are kept where there are modules or bars.

A code that was read settles its own area only. What was located and not read is looked at again,
up close and in every variant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from redactor.detect import zbar
from redactor.detect.base import Reader
from redactor.detect.finders import find_finders
from redactor.detect.lighting import colors, flatten, shrink, turns
from redactor.detect.locate import NAME as LOCATOR
from redactor.detect.locate import locate
from redactor.detect.merge import merge
from redactor.detect.opencv import OpencvDetector
from redactor.detect.variants import cut, to_raster, variants
from redactor.detect.zbar import ZbarDetector
from redactor.detect.zxing import ZxingDetector
from redactor.errors import DetectorError, LimitExceeded
from redactor.geometry import Quad
from redactor.model import Detection, Frame, Pixels

_LARGE_PX = 2_400  # longer side, for zxing-cpp and all symbologies
_MIDDLE_PX = 1_000  # for zbar, OpenCV and finder patterns
_MOST_DOUBTS = 100  # in one frame; each is looked at in every variant
_MOST_FOR_OPENCV = 100  # finder patterns; its time grows with their square, to minutes
_TINY_PX = 480  # up to here a picture in which nothing was found is read in every variant
_SMALL_PX = 700  # for zxing-cpp in even light
_MIN_SIDE_PX = 8  # no code is smaller, and zxing-cpp needs a few rows


class LocalDetector:
    """Every decoder that this machine has. Holds no state: threads may share one.

    Attributes:
        names: Of the engines that detect, in the order in which they are trusted.
        reader_names: Of those that also read.
        remark: What is missing and how to get it; None where nothing is.
    """

    def __init__(self) -> None:
        self._zxing, self._opencv = ZxingDetector(), OpencvDetector()
        self._zbar = ZbarDetector() if zbar.is_available() else None
        self._readers: list[Reader] = [self._zxing, *([self._zbar] if self._zbar else [])]
        self.remark: str | None = None
        if self._zbar is None:
            self.remark = "zbar is missing: install the system package libzbar0 (zbar on macOS)"
        self.reader_names = tuple(reader.name for reader in self._readers)
        self.names = (*self.reader_names, self._opencv.name, LOCATOR)

    def detect(self, frames: Sequence[Frame]) -> tuple[Detection, ...]:
        """Find the codes of every frame, in reading order.

        Raises:
            DetectorError: If an engine fails; a picture it has not seen is not safe.
        """
        return tuple(
            replace(detection, frame=index)
            for index, frame in enumerate(frames)
            for detection in self._detect_in(frame)
        )

    def merge(self, detections: Iterable[Detection], frame: Frame) -> list[Detection]:
        """Join further reports of one frame with what is known of it."""
        return merge(detections, next(_looks(frame)).gray)

    def read_areas(
        self, frame: Frame, quads: Sequence[Quad], *, margin: float = 0.25
    ) -> list[Detection]:
        """Give what any engine reads in areas of a frame, in any `variants`; not merged.

        Args:
            frame: The frame.
            quads: The areas.
            margin: Context around each, as a share of its longer side.

        Raises:
            DetectorError: If an engine fails.
        """
        readings: list[Detection] = []
        for look in _looks(frame):
            for quad in quads:
                area, left, top = cut(look.gray, look.there(quad), margin=margin)
                if min(area.shape) < _MIN_SIDE_PX:
                    continue
                # The largest QR code has 177 modules: here they are still five pixels wide.
                part, shrunk = shrink(area, _MIDDLE_PX)
                readings += [
                    look.back(replace(code, quad=to_raster(code.quad, factor * shrunk, left, top)))
                    for version, factor in variants(part)
                    for code in self._read_in(version)
                ]
        return readings

    def _detect_in(self, frame: Frame) -> list[Detection]:
        looks = list(_looks(frame))
        gray = looks[0].gray
        if min(gray.shape) < _MIN_SIDE_PX:
            return []
        found = [look.back(code) for look in looks for code in self._see(look.gray)]
        for raster, factor in _color_looks(frame):
            found += _guarded(self._zxing.name, self._zxing.read, raster, factor)
        merged = merge(found, gray)
        # The second look: what was located but not read, up close and in every variant.
        doubtful = [code.quad for code in merged if not code.is_read]
        if len(doubtful) > _MOST_DOUBTS:
            raise LimitExceeded(
                f"more than {_MOST_DOUBTS} places look like codes that nobody reads"
            )
        if not merged and max(gray.shape) <= _TINY_PX:  # a crop or a thumbnail: cheap to look at
            doubtful = [Quad.from_box(0, 0, *frame.size)]
        again = self.read_areas(frame, doubtful)
        return merge([*merged, *again], gray) if again else merged

    def _see(self, gray: Pixels) -> list[Detection]:
        """Run every pass over one grey raster."""
        large, shrunk = shrink(gray, _LARGE_PX)
        middle, factor = shrink(large, _MIDDLE_PX)
        factor *= shrunk
        small, further = shrink(flat := flatten(middle), _SMALL_PX)
        reported = [
            *_guarded(self._zxing.name, self._zxing.detect, large, shrunk),
            *_guarded(self._zxing.name, self._zxing.detect, small, factor * further),
            *_guarded(self._opencv.name, self._opencv.find_bars, middle, factor),
        ]
        finders = find_finders(flat)
        if len(finders) <= _MOST_FOR_OPENCV:
            reported += _guarded(self._opencv.name, self._opencv.find_squares, flat, factor)
        if shrunk > 1:
            reported += _guarded(self._zxing.name, self._zxing.detect_unscaled, gray)
        # zxing-cpp inverts for matrix codes alone.
        reported += _guarded(self._zxing.name, self._zxing.read_bars, 255 - middle, factor)
        for turned, back in turns(middle):
            slanted = _guarded(self._zxing.name, self._zxing.read_bars, turned)
            reported += [replace(code, quad=_turned(code.quad, back, factor)) for code in slanted]
        if self._zbar is not None:
            reported += _guarded(self._zbar.name, self._zbar.detect, middle, factor)
        located = locate(gray, flat, factor, finders, reported)
        return [*(code for code in reported if code.is_read), *located]

    def _read_in(self, gray: Pixels) -> list[Detection]:
        if min(gray.shape) < _MIN_SIDE_PX:
            return []
        return [
            code for reader in self._readers for code in _guarded(reader.name, reader.read, gray)
        ]


@dataclass(frozen=True, eq=False)
class _Look:
    """One grey raster of a frame, perhaps mirrored."""

    gray: Pixels
    is_flipped: bool = False

    def there(self, quad: Quad) -> Quad:
        """Map a quad of the frame into this raster."""
        if not self.is_flipped:
            return quad
        width = self.gray.shape[1]
        a, b, c, d = [(width - x, y) for x, y in quad.corners]
        return Quad.of((b, a, d, c))

    def back(self, code: Detection) -> Detection:
        """Map a detection in this raster to the frame."""
        return replace(code, quad=self.there(code.quad)) if self.is_flipped else code


def _looks(frame: Frame) -> Iterator[_Look]:
    """Give a frame's views in grey, each once, and mirrored where viewers mirror it."""
    seen: list[Pixels] = []
    for view in frame.views:
        gray = view if view.ndim == 2 else cv2.cvtColor(view, cv2.COLOR_RGB2GRAY)
        gray = np.ascontiguousarray(gray, dtype=np.uint8)
        if any(np.array_equal(gray, other) for other in seen):
            continue
        seen.append(gray)
        yield _Look(gray)
        if frame.is_mirrored:
            yield _Look(np.ascontiguousarray(gray[:, ::-1]), is_flipped=True)


def _color_looks(frame: Frame) -> Iterator[tuple[Pixels, float]]:
    """Give small rasters of a frame's colours, which may differ where their brightness does not."""
    for view in frame.views:
        if view.ndim == 3:
            small, factor = shrink(view, _SMALL_PX)
            for raster in colors(small):
                yield raster, factor


def _turned(quad: Quad, back: NDArray[np.float64], factor: float) -> Quad:
    """Map a quad in a turned raster back to one `factor` times as large."""
    points = np.c_[quad.as_array(), np.ones(4)] @ back.T
    return Quad.of(points * factor)


def _guarded(
    name: str, look: Callable[[Pixels], list[Detection]], gray: Pixels, factor: float = 1.0
) -> list[Detection]:
    """Run an engine; quads come back in the pixels of a raster `factor` times as large."""
    try:
        codes = look(gray)
    except LimitExceeded:
        raise
    except Exception as error:
        raise DetectorError(f"{name} failed: {type(error).__name__}: {error}") from error
    if factor == 1.0:
        return codes
    return [replace(code, quad=to_raster(code.quad, factor, 0, 0)) for code in codes]
