"""Small pictures for a report, upright, with no code in them that a reader could read.

The bytes may be hostile: the format, the pixels and the scans are bounded before anything is
decoded, and a picture that cannot be shown is None, never an error.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from redactor.geometry import Point, Quad
from redactor.model import Limits

LONGEST = 720
"""Longer side of a small picture, in pixels."""
ROUNDS = 3
"""Looks for codes that can still be read, before a picture is broken up whole."""
MARGIN = 0.1
"""How far beyond a code it is broken up, as a part of its own width and height."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture, upright.

    Attributes:
        webp: The file.
        size: Width and height in pixels, as shown.
        stored: Width and height of the stored raster it was made from.
        orientation: EXIF orientation of that raster.
    """

    webp: bytes
    size: tuple[int, int]
    stored: tuple[int, int]
    orientation: int

    @property
    def full(self) -> tuple[int, int]:
        """Width and height of that raster, upright."""
        return self.stored[::-1] if self.orientation in (5, 6, 7, 8) else self.stored

    def place(self, point: Sequence[float]) -> Point:
        """Say where a point of the stored raster is, from 0 to 1 across and down."""
        x, y = point[0] / self.stored[0], point[1] / self.stored[1]
        return Point(*_UPRIGHT.get(self.orientation, _UPRIGHT[1])(x, y))


def thumbnail(
    data: bytes,
    *,
    orientation: int = 1,
    hide: Sequence[Quad] = (),
    find: Callable[[Image.Image], Sequence[Quad]] | None = None,
    coarse: bool = False,
    longest: int = LONGEST,
    page: int = 0,
    limits: Limits | None = None,
) -> Thumbnail | None:
    """Make a small picture.

    Args:
        data: A picture file; may be damaged or hostile.
        orientation: EXIF orientation, 1 to 8.
        hide: Codes to break up beyond reading, in pixels of the stored raster.
        find: Gives the codes in the small picture that can be read; they are broken up as well.
            None to break up nothing but `hide`.
        coarse: Break up the whole picture; for one whose codes are not all known.
        longest: Longer side at most, in pixels.
        page: Which frame or page is shown.
        limits: Larger pictures are not shown.

    Returns:
        None where the picture cannot be shown.
    """
    try:
        small, stored = _shrink(data, longest, page, limits or Limits())
        if _is_tiff(data):  # Pillow has turned it upright already
            back = _BACK.get(orientation)
            small = small if back is None else small.transpose(back)
            stored = stored[::-1] if orientation >= 5 else stored
        if coarse:
            small = _coarse(small, cells=_CELLS)
        for quad in hide:
            _break_up(small, _scaled(quad, small.size, stored))
        turn = _TURNS.get(orientation)
        upright = small if turn is None else small.transpose(turn)
        if find is not None:
            upright = _without_codes(upright, find)
        file = io.BytesIO()
        upright.save(file, "WEBP", quality=80)
    except Exception:  # noqa: BLE001 - decoders raise anything on hostile bytes; all mean the same
        return None
    return Thumbnail(file.getvalue(), upright.size, stored, orientation)


_JPEG = b"\xff\xd8\xff"
_OPENERS: tuple[tuple[bytes, Callable[[io.BytesIO], ImageFile]], ...] = (
    (_JPEG, JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImageFile),
    (b"RIFF", WebPImageFile),
    (b"GIF8", GifImageFile),
    (b"BM", BmpImageFile),
    (b"II", TiffImageFile),
    (b"MM", TiffImageFile),
)
# A progressive picture has about ten scans; thousands make a decoder work for minutes.
_MAX_SCANS = 200
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BACK = _TURNS | {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
_UPRIGHT: dict[int, Callable[[float, float], tuple[float, float]]] = {
    1: lambda x, y: (x, y),
    2: lambda x, y: (1 - x, y),
    3: lambda x, y: (1 - x, 1 - y),
    4: lambda x, y: (x, 1 - y),
    5: lambda x, y: (y, x),
    6: lambda x, y: (1 - y, x),
    7: lambda x, y: (1 - y, 1 - x),
    8: lambda x, y: (y, 1 - x),
}
_CELLS = 16  # along the longer side of a picture that is broken up whole
_VEIL = (233, 234, 237)


def _shrink(
    data: bytes, longest: int, page: int, limits: Limits
) -> tuple[Image.Image, tuple[int, int]]:
    """Decode no more than needed; gives a small RGB picture and the size it was made from."""
    with _open(data, limits) as picture:
        if page:
            picture.seek(page)
        stored = picture.size
        if stored[0] * stored[1] > limits.max_pixels or max(stored) > limits.max_side:
            raise ValueError("too large")
        picture.draft("RGB", (2 * longest, 2 * longest))
        flat = _eight_bit(picture)
        flat.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=2.0)
        return (_over_checks(flat) if flat.mode == "RGBA" else flat), stored


def _open(data: bytes, limits: Limits) -> ImageFile:
    if len(data) > limits.max_bytes:
        raise ValueError("too large")
    if data.startswith(_JPEG) and data.count(b"\xff\xda") > _MAX_SCANS:
        raise ValueError("too many scans")
    for magic, opener in _OPENERS:
        if data.startswith(magic):
            # Not Image.open: it warns of large pictures, and warnings are shared by threads.
            return opener(io.BytesIO(data))
    if data[4:8] == b"ftyp" and b"avif" in data[8:32]:
        return AvifImageFile(io.BytesIO(data))
    raise ValueError("not a picture that is shown")


def _is_tiff(data: bytes) -> bool:
    return data[:2] in (b"II", b"MM")


def _eight_bit(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16"):
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("RGB")
    has_alpha = picture.has_transparency_data
    return picture.convert("RGBA" if has_alpha else "RGB")


def _over_checks(picture: Image.Image) -> Image.Image:
    """Lay a transparent picture over a pale chequerboard."""
    width, height = picture.size
    tile = Image.new("L", (2, 2))
    tile.putdata((255, 238, 238, 255))
    board = tile.resize((16, 16), Image.Resampling.NEAREST).convert("RGBA")
    ground = Image.new("RGBA", picture.size)
    for top in range(0, height, 16):
        for left in range(0, width, 16):
            ground.paste(board, (left, top))
    return Image.alpha_composite(ground, picture).convert("RGB")


def _scaled(quad: Quad, size: tuple[int, int], stored: tuple[int, int]) -> Quad:
    across, down = size[0] / stored[0], size[1] / stored[1]
    return Quad.of([(x * across, y * down) for x, y in quad.corners])


def _break_up(picture: Image.Image, quad: Quad) -> None:
    """Replace a code by a pale shadow of itself: four shades along its longer side."""
    width, height = quad.sides
    grown = quad.grow(_margin(width, height), _margin(height, width))
    box = grown.box.clip(*picture.size)
    if not box.width or not box.height:
        return
    shadow = _coarse(picture.crop(box), cells=4)
    veiled = Image.blend(shadow, Image.new("RGB", shadow.size, _VEIL), 0.5)
    mask = grown.shift(-box.left, -box.top).mask(box.width, box.height)
    picture.paste(veiled, box[:2], Image.fromarray(mask))


def _without_codes(
    picture: Image.Image, find: Callable[[Image.Image], Sequence[Quad]]
) -> Image.Image:
    """Break up what can be read, until nothing can."""
    for _ in range(ROUNDS):
        found = find(picture)
        if not found:
            return picture
        for quad in found:
            _break_up(picture, quad)
    return _coarse(picture, cells=_CELLS) if find(picture) else picture


def _margin(side: float, other: float) -> float:
    """Say how far to go beyond a code along one of its sides, in pixels.

    A quad this flat is a scan line of a barcode: the bars may stand far above and below it.
    """
    if side < other / 10:
        return max(other / 2, 4.0)
    return max(MARGIN * side, 3.0)


def _coarse(picture: Image.Image, *, cells: int) -> Image.Image:
    size = max(picture.size) / cells
    few = (max(1, round(picture.width / size)), max(1, round(picture.height / size)))
    tiny = picture.resize(few, Image.Resampling.BOX)
    return tiny.resize(picture.size, Image.Resampling.BICUBIC)
