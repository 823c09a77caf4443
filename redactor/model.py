"""The values that travel through the pipeline. Frozen; units are stated.

Coordinates are pixels of the stored raster (as the file's data lies, before EXIF orientation):
origin top left, x right, y down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from redactor.errors import NotPublishable
from redactor.geometry import Mask, Quad

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]


class Symbology(StrEnum):
    """What kind of symbol a code is.

    The last three are what some detectors say when they do not tell the symbology itself:
    `1d` and `qr-family` are IMM's `barcode` and `qrcode`.
    """

    QRCODE = "qrcode"
    MICROQR = "microqr"
    RMQR = "rmqr"
    AZTEC = "aztec"
    DATAMATRIX = "datamatrix"
    MAXICODE = "maxicode"
    PDF417 = "pdf417"
    MICROPDF417 = "micropdf417"
    EAN13 = "ean13"
    EAN8 = "ean8"
    UPCA = "upca"
    UPCE = "upce"
    CODE128 = "code128"
    CODE39 = "code39"
    CODE93 = "code93"
    CODABAR = "codabar"
    ITF = "itf"
    DATABAR = "databar"
    DATABAR_EXPANDED = "databar-expanded"
    DATABAR_LIMITED = "databar-limited"
    TELEPEN = "telepen"
    DXFILMEDGE = "dxfilmedge"
    ANY_1D = "1d"
    ANY_QR = "qr-family"
    UNKNOWN = "unknown"

    @property
    def is_known(self) -> bool:
        """Whether the symbology itself is known, not just a family or nothing."""
        return self not in (Symbology.ANY_1D, Symbology.ANY_QR, Symbology.UNKNOWN)


QR_FAMILY = frozenset({Symbology.QRCODE, Symbology.MICROQR, Symbology.RMQR, Symbology.ANY_QR})
TWO_DIMENSIONAL = QR_FAMILY | {
    Symbology.AZTEC,
    Symbology.DATAMATRIX,
    Symbology.MAXICODE,
    Symbology.PDF417,
    Symbology.MICROPDF417,
}
ONE_DIMENSIONAL = frozenset(Symbology) - TWO_DIMENSIONAL - {Symbology.UNKNOWN}
RETAIL = frozenset({Symbology.EAN13, Symbology.EAN8, Symbology.UPCA, Symbology.UPCE})


class Action(StrEnum):
    """What becomes of a code."""

    ALLOW = "allow"
    BLUR = "blur"
    PIXELATE = "pixelate"
    FILL = "fill"

    @property
    def hides(self) -> bool:
        """Whether pixels are replaced."""
        return self is not Action.ALLOW


class Flag(StrEnum):
    """How urgently a person should look, mildest first."""

    INFO = "info"
    REVIEW = "review"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for the mildest."""
        return list(Flag).index(self)


class Metadata(StrEnum):
    """What stays around the pixels of a picture in which something was hidden.

    Other pictures in the file never stay. `strip` holds for untouched pictures as well.
    """

    KEEP_SAFE = "keep-safe"
    STRIP = "strip"
    KEEP = "keep"


class Trailer(StrEnum):
    """What becomes of bytes behind the end of a picture."""

    KEEP = "keep"
    STRIP = "strip"
    QUARANTINE = "quarantine"


class Verdict(StrEnum):
    """What became of a picture. Where several apply, the first in this order."""

    QUARANTINED = "quarantined"
    FLAGGED = "flagged"
    REDACTED = "redacted"
    ALLOWED = "allowed"
    CLEAN = "clean"


@dataclass(frozen=True, eq=False)
class Frame:
    """One raster to look at: the picture itself, or another picture inside the same file.

    Attributes:
        views: What the raster can look like, each of shape (height, width) or
            (height, width, 3), RGB, read-only. An opaque picture has one view; a transparent
            one is seen over white, over black and without its transparency, because a reader
            may show it in each of these ways. The first is for showing to people.
        name: `picture`, `thumbnail` or another word for a report.
        is_mirrored: Viewers flip it (EXIF orientation 2, 4, 5 or 7): a code that looks right to
            them lies mirrored in the raster.
    """

    views: tuple[Pixels, ...]
    name: str = "picture"
    is_mirrored: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.views[0].shape[:2]
        return width, height

    def also(self, *views: Pixels) -> Frame:
        """Give the frame with further views."""
        return replace(self, views=(*self.views, *views))


MIRRORED_ORIENTATIONS = frozenset({2, 4, 5, 7})


@dataclass(frozen=True, slots=True)
class Detection:
    """One code found in one picture. Its `repr` does not tell the content: logs are read by many.

    Attributes:
        quad: Outline of the symbol without its quiet zone, in pixels of the stored raster.
        symbology: As the detector names it; a family or unknown where it cannot tell.
        content: Decoded text; None where the code was seen but not read.
        confidence: From 0 to 1; 1 for a code whose checksums held.
        sources: Names of the detectors that reported it, sorted, without repetition.
        readings: Every different text that an engine read here, sorted. More than one means
            that engines disagree; `content` is then the one of the most trusted engine.
        frame: Index into the frames of the picture; 0 is the picture itself.
        modules: Modules across and down, or None where not known. For linear codes, down is 0.
        reason: Why a code that was seen is in doubt; None for a code that was read.
    """

    quad: Quad
    symbology: Symbology
    content: str | None = field(repr=False)
    confidence: float
    sources: tuple[str, ...]
    readings: tuple[str, ...] = field(default=(), repr=False)
    frame: int = 0
    modules: tuple[int, int] | None = None
    reason: str | None = None

    @property
    def is_read(self) -> bool:
        """Whether an engine read it."""
        return self.content is not None

    @property
    def is_disputed(self) -> bool:
        """Whether engines read different contents."""
        return len(self.readings) > 1


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a picture comes from, as far as the caller knows.

    Attributes:
        bucket: Of the object; None where it is none, or not known.
        key: Of the object, or the path of the file; None where not known.
        tags: Of the object; None where they were not asked for.
        metadata: Of the object, names without `x-oss-meta-`; None where not asked for.
    """

    bucket: str | None = None
    key: str | None = None
    tags: Mapping[str, str] | None = None
    metadata: Mapping[str, str] | None = None

    @classmethod
    def of(cls, name: str) -> Origin:
        """Give what a name tells: `oss://bucket/key`, or a path; `-` tells nothing."""
        if name in ("", "-"):
            return cls()
        if name.startswith("oss://"):
            bucket, _, key = name.removeprefix("oss://").partition("/")
            return cls(bucket, key)
        return cls(key=name)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a picture besides its codes, for rules to match.

    Attributes:
        size: Width and height of the stored raster in pixels; (0, 0) where not known.
        format: `JPEG`, `PNG`, `WEBP` …; empty where not known.
        codes: How many codes were found; None for as many as are decided about.
        orientation: EXIF orientation, 1 to 8.
        frames: Name, width and height of each frame; empty where only the picture is known.
        origin: Where the picture comes from.
        limit_reached: There may be more codes than are listed, because a bound was reached.
        day: On which is decided, for what expires; None for today in UTC.
    """

    size: tuple[int, int]
    format: str = ""
    codes: int | None = None
    orientation: int = 1
    frames: tuple[tuple[str, int, int], ...] = ()
    origin: Origin = Origin()
    limit_reached: bool = False
    day: date | None = None

    def size_of(self, frame: int) -> tuple[int, int]:
        """Give width and height of a frame in pixels; (0, 0) where not known."""
        if frame < len(self.frames):
            return self.frames[frame][1:]
        return self.size if frame == 0 else (0, 0)


@dataclass(frozen=True, slots=True)
class Style:
    """How an action is drawn.

    Attributes:
        color: RGB of `fill`, each from 0 to 255; None for the median colour around the region.
        blocks: Blocks along the longer side of a region, for `pixelate`; at least 1.
    """

    color: tuple[int, int, int] | None = (0, 0, 0)
    blocks: int = 8


@dataclass(frozen=True, slots=True)
class Decision:
    """A detection with what the policy says of it.

    Attributes:
        detection: The code.
        action: What becomes of it.
        rule: Id of the rule that decided; `default` where none matched.
        reason: The rule's reason, or why the rule's action was overruled; None without one.
        flag: The level, where a person should look.
        style: How the action is drawn.
        tags: The rule's words for the report.
    """

    detection: Detection
    action: Action
    rule: str
    reason: str | None = None
    flag: Flag | None = None
    style: Style = Style()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PictureDecision:
    """What a rule for whole pictures says of one.

    Attributes:
        rule: Id of the rule.
        flag: The level, where a person should look.
        quarantine: Whether the picture is held back.
        reason: The rule's reason; None without one.
        tags: The rule's words for the report.
    """

    rule: str
    flag: Flag | None = None
    quarantine: bool = False
    reason: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Region:
    """An area of one frame that is hidden.

    Attributes:
        quad: The code with a margin, on its grid, before it grows to whole pixels or blocks.
        action: How it is drawn.
        style: The action's options.
        frame: Index into the frames of the picture: a page of it, or another picture in the file.
    """

    quad: Quad
    action: Action
    style: Style = Style()
    frame: int = 0


@dataclass(frozen=True, eq=False)
class Patch:
    """New pixels for a part of one page of a picture, for a codec to put in place.

    Attributes:
        left: First column, a multiple of the codec's cell width, in pixels.
        top: First row, a multiple of the codec's cell height, in pixels.
        mask: Cells to replace; shape (rows of cells, columns of cells).
        planes: One per component, at the component's own resolution.
        frame: Index of the page.
    """

    left: int
    top: int
    mask: Mask
    planes: tuple[Plane, ...]
    frame: int = 0


@dataclass(frozen=True, slots=True)
class Check:
    """One round of looking at the rendered picture.

    Attributes:
        engines: Names of the decoders that looked.
        variants: How many versions of each area they looked at.
        readable: Quads of what could still be read, in pixels; empty when nothing could.
        scope: `regions` or `picture`.
        remedy: What was done about it: `larger`, `fill`, `quarantine`; None if nothing was needed.
    """

    engines: tuple[str, ...]
    variants: int
    readable: tuple[Quad, ...]
    scope: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class ImageCodes:
    """An answer of `image/codes`, as it came.

    Attributes:
        body: The JSON.
        etag: ETag of the object it was computed from, without quotes; None where not sent.
    """

    body: bytes
    etag: str | None = None


AskImageCodes = Callable[[], ImageCodes]
"""Asks `image/codes` about the object in hand; raises `StorageError` or `BackendMissing`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what is taken in, so that hostile input costs little.

    Attributes:
        max_bytes: Of a file.
        max_pixels: Width times height, and of all frames or pages together; read from the headers
            before anything is decoded.
        max_side: Of the longer side, in pixels.
        max_codes: In one picture, or in each frame; more are a reason for quarantine.
        max_frames: Frames of an animation, or pages.
    """

    max_bytes: int = 50_000_000
    max_pixels: int = 100_000_000
    max_side: int = 65_500
    max_codes: int = 1_000
    max_frames: int = 1_000


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Result:
    """What happened to one picture.

    Attributes:
        name: Path or key as the user gave it; `-` where there is none.
        verdict: What became of it.
        codes: Every code with its decision, in reading order; codes in other frames last.
        regions: The areas hidden, as they were drawn in the end.
        frames: Names of the frames that were looked at.
        flag: The highest level any rule raised; None if none.
        reasons: Why it was quarantined, in words; empty otherwise.
        remarks: What else a person may want to know, in words.
        held: The policy holds flagged pictures back and this one is flagged.
        format: `JPEG` …; None where the bytes are no picture.
        size: Width and height of the stored raster; None where the header could not be read.
        orientation: EXIF orientation, 1 to 8.
        source_hash: SHA-256 of the bytes that came in, hex; empty if they could not be read.
        output_hash: SHA-256 of the bytes to store, hex; None where there are none.
        source_bytes: Length of what came in.
        output_bytes: Length of what is to be stored; None where there is nothing.
        path: How the bytes were made: `unchanged`, `coefficients`, `lossless`, `re-encoded`;
            None where there are none.
        difference: The largest difference of any sample outside of the hidden regions, as both
            pictures decode to 8 bits; None where nothing was hidden. Not 0 only for `re-encoded`.
        policy: Name and hash of the policy, as `name@hash`.
        detectors: Names of what looked for codes.
        checks: What verification saw, round by round.
        seconds: Time spent in each stage.
        dry_run: Cut after the decision: there are no bytes, and the verdict is what would be.
        picture_rules: What the rules for whole pictures say of it, in their order.
        facts: What was known of the picture when its codes were decided about; None where it
            did not come to that.
    """

    name: str
    verdict: Verdict
    codes: tuple[Decision, ...] = ()
    regions: tuple[Region, ...] = ()
    frames: tuple[str, ...] = ("picture",)
    flag: Flag | None = None
    reasons: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    held: bool = False
    format: str | None = None
    size: tuple[int, int] | None = None
    orientation: int = 1
    source_hash: str = ""
    output_hash: str | None = None
    source_bytes: int = 0
    output_bytes: int | None = None
    path: str | None = None
    difference: int | None = None
    policy: str = ""
    detectors: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    dry_run: bool = False
    picture_rules: tuple[PictureDecision, ...] = ()
    facts: Facts | None = None
    _image: bytes | None = field(default=None, repr=False)

    @property
    def image(self) -> bytes:
        """The bytes to store; the bytes that came in where nothing was hidden.

        Raises:
            NotPublishable: If the picture is quarantined or held, or only a plan was made.
        """
        if self.verdict is Verdict.QUARANTINED:
            raise NotPublishable(f"{self.name}: quarantined: {'; '.join(self.reasons)}")
        if self.held:
            raise NotPublishable(f"{self.name}: flagged, and the policy holds flagged pictures")
        if self._image is None:
            raise NotPublishable(f"{self.name}: only planned, nothing was drawn")
        return self._image

    @property
    def is_publishable(self) -> bool:
        """Whether `image` gives bytes."""
        return self.verdict is not Verdict.QUARANTINED and not self.held and self._image is not None

    @cached_property
    def changed(self) -> bool:
        """Whether the bytes to store differ from those that came in."""
        return self.output_hash is not None and self.output_hash != self.source_hash
