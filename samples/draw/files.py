"""How a drawing becomes the files of a case: the stored raster, its metadata, what is expected."""

import io
import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from PIL import Image, ImageCms

from draw.canvas import Drawing
from draw.codes import Code, Point

SUFFIXES = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "GIF": "gif", "TIFF": "tif"}


@dataclass(frozen=True, slots=True)
class Store:
    """How a picture lies in its file.

    Attributes:
        format: A key of `SUFFIXES`.
        orientation: EXIF orientation, 1 to 8; the stored raster is turned the other way.
        thumbnail: Longer side of the picture embedded in EXIF, in pixels; 0 for none.
        thumbnail_codes: How many codes can be found in that thumbnail.
        icc: Whether an sRGB profile is embedded.
        exif: Whether camera data is embedded.
        options: What Pillow takes to save this format.
    """

    format: str
    orientation: int = 1
    thumbnail: int = 0
    thumbnail_codes: int = 0
    icc: bool = False
    exif: bool = False
    options: dict[str, object] = field(default_factory=dict)


def png() -> Store:
    """A PNG in the mode of the drawing."""
    return Store("PNG", options={"optimize": True})


def webp(quality: int) -> Store:
    """A lossy still WebP."""
    return Store("WEBP", options={"quality": quality, "method": 6})


def jpeg(quality: int, *, subsampling: str = "4:2:0", progressive: bool = False) -> Store:
    """A plain JPEG."""
    options = {"quality": quality, "subsampling": subsampling, "progressive": progressive}
    return Store("JPEG", options=options | {"optimize": True})


def gif(milliseconds: int) -> Store:
    """An animation that goes on for ever."""
    return Store("GIF", options={"duration": milliseconds, "loop": 0, "optimize": False})


def tiff() -> Store:
    """Pages, each compressed by what suits its mode."""
    return Store("TIFF")


@dataclass(frozen=True, slots=True)
class Case:
    """One folder of samples: what it is about and how it is drawn and stored."""

    name: str
    about: str
    store: Store
    draw: Callable[[], Drawing]

    @property
    def picture(self) -> str:
        """Name of the picture's file."""
        return f"picture.{SUFFIXES[self.store.format]}"

    def files(self) -> dict[str, bytes]:
        """Name and bytes of each file in the folder."""
        upright = self.draw()
        size = upright.image.size
        stored = replace(
            upright,
            image=turn(upright.image, self.store.orientation),
            codes=tuple(
                code.moved(lambda point: _turn_point(point, size, self.store.orientation))
                for code in upright.codes
            ),
        )
        return {
            self.picture: encode(replace(upright, image=stored.image), self.store),
            "expected.yaml": self.expected(stored).encode(),
        }

    def expected(self, stored: Drawing) -> str:
        """What the pipeline is held to, as YAML."""
        frames = (stored, *stored.more)
        codes = [(number, code) for number, frame in enumerate(frames) for code in frame.codes]
        unread = any(code.content is None for _, code in codes)
        is_hidden = codes or self.store.thumbnail_codes
        verdict = "flagged" if unread else "redacted" if is_hidden else "clean"
        lines = [
            f"case: {self.name}",
            f"about: {json.dumps(self.about)}",
            "policy: default",
            f"picture: {self.picture}",
            f"size: [{stored.image.width}, {stored.image.height}]",
            f"orientation: {self.store.orientation}",
            f"verdict: {verdict}",
            *([f"pages: {len(frames)}"] if stored.more else []),
            "codes:" if codes else "codes: []",
            *(line for number, code in codes for line in _code_lines(code, number)),
        ]
        if self.store.thumbnail:
            lines.append(f"frames: {{thumbnail: {self.store.thumbnail_codes}}}")
        return "\n".join(lines) + "\n"


CASES: list[Case] = []


def case(about: str, store: Store) -> Callable[[Callable[[], Drawing]], Callable[[], Drawing]]:
    """Make a function that draws a picture a case, named after the function."""

    def register(draw: Callable[[], Drawing]) -> Callable[[], Drawing]:
        CASES.append(Case(draw.__name__.replace("_", "-"), about, store, draw))
        return draw

    return register


def encode(drawing: Drawing, store: Store) -> bytes:
    """The file of a stored raster, and of what follows it."""
    image, options = drawing.image, dict(store.options)
    if store.icc:
        options["icc_profile"] = srgb_profile()
    if store.exif:
        small = thumbnail(drawing.thumbnail or image, store.thumbnail)
        options["exif"] = exif(store.orientation, small)
    out = io.BytesIO()
    if drawing.more:
        rest = [frame.image for frame in drawing.more]
        if store.format == "TIFF":
            for page in (image, *rest):
                is_fax = page.mode == "1"
                page.encoderinfo = {"compression": "group4" if is_fax else "tiff_lzw"}
            options |= image.encoderinfo
        options |= {"save_all": True, "append_images": rest}
    image.save(out, store.format, **options)
    return out.getvalue()


def thumbnail(image: Image.Image, side: int) -> bytes:
    """A small JPEG of the stored raster, as cameras embed it; empty for side 0."""
    if not side:
        return b""
    small = image.convert("RGB")
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85)
    return out.getvalue()


def srgb_profile() -> bytes:
    """The profile of sRGB, with a fixed date."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # LittleCMS writes the time of creation into the header, bytes 24 to 35.
    profile[24:36] = struct.pack(">6H", 2025, 5, 17, 12, 0, 0)
    return bytes(profile)


# To store a raster whose viewer applies an orientation, undo what the viewer does.
_TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
}


def turn(upright: Image.Image, orientation: int) -> Image.Image:
    """The stored raster of an upright picture."""
    method = _TURNS[orientation]
    return upright if method is None else upright.transpose(method)


def _turn_point(point: Point, size: tuple[int, int], orientation: int) -> Point:
    x, y = point
    return {1: (x, y), 2: (size[0] - x, y), 5: (y, x), 6: (y, size[0] - x)}[orientation]


def exif(orientation: int, small: bytes) -> bytes:
    """Camera data: a TIFF of two directories, the second with the thumbnail."""
    main = [
        _ascii(0x010F, "Example"),
        _ascii(0x0110, "Pocket Camera 2"),
        _short(0x0112, orientation),
        _rational(0x011A, 72),
        _rational(0x011B, 72),
        _short(0x0128, 2),
        _ascii(0x0132, "2025:05:17 18:24:00"),
    ]
    if not small:
        return b"Exif\0\0" + _tiff([main], b"")
    entries = [
        _short(0x0103, 6),
        _short(0x0112, orientation),
        _rational(0x011A, 72),
        _rational(0x011B, 72),
        _short(0x0128, 2),
        _long(0x0201, 0),
        _long(0x0202, len(small)),
    ]
    # Where the thumbnail starts is known once everything before it has its length.
    start = len(_tiff([main, entries], b""))
    entries[5] = _long(0x0201, start)
    return b"Exif\0\0" + _tiff([main, entries], small)


Entry = tuple[int, int, int, bytes]


def _ascii(tag: int, text: str) -> Entry:
    return tag, 2, len(text) + 1, text.encode() + b"\0"


def _short(tag: int, number: int) -> Entry:
    return tag, 3, 1, struct.pack(">HH", number, 0)


def _long(tag: int, number: int) -> Entry:
    return tag, 4, 1, struct.pack(">L", number)


def _rational(tag: int, number: int) -> Entry:
    return tag, 5, 1, struct.pack(">LL", number, 1)


def _tiff(directories: Sequence[Sequence[Entry]], tail: bytes) -> bytes:
    out = b"MM\0*" + struct.pack(">L", 8)
    for i, entries in enumerate(directories):
        table, extra = b"", b""
        after = len(out) + 2 + 12 * len(entries) + 4
        for tag, kind, count, value in entries:
            if len(value) > 4:
                table += struct.pack(">HHLL", tag, kind, count, after + len(extra))
                extra += value + b"\0" * (len(value) % 2)
            else:
                table += struct.pack(">HHL", tag, kind, count) + value.ljust(4, b"\0")
        following = after + len(extra) if i + 1 < len(directories) else 0
        out += struct.pack(">H", len(entries)) + table + struct.pack(">L", following) + extra
    return out + tail


def _code_lines(code: Code, frame: int) -> list[str]:
    content = "null" if code.content is None else json.dumps(code.content, ensure_ascii=False)
    quad = ", ".join(f"[{_number(x)}, {_number(y)}]" for x, y in code.quad)
    lines = [f"  - symbology: {code.symbology}", f"    content: {content}", f"    quad: [{quad}]"]
    return [*lines, f"    frame: {frame}"] if frame else lines


def _number(value: float) -> str:
    return f"{round(value, 1):.1f}".removesuffix(".0")
