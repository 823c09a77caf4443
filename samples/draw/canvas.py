"""A sheet to draw on, and laying one sheet on another in perspective."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFilter, ImageFont

from draw.codes import Code, Corners, Point, Symbol

Box = tuple[float, float, float, float]
Pen = ImageDraw.ImageDraw

# Drawn at twice the size and shrunk in the end: edges come out smooth, and a symbol at whole
# pixels stays sharp.
SCALE = 2


@dataclass(frozen=True, slots=True)
class Drawing:
    """A finished picture, upright, with the codes in it.

    Attributes:
        image: What it shows.
        codes: The codes in it.
        more: The frames or pages that follow it.
        thumbnail: What its thumbnail shows, where that is not the picture itself.
    """

    image: Image.Image
    codes: tuple[Code, ...] = ()
    more: tuple["Drawing", ...] = ()
    thumbnail: Image.Image | None = None

    def through(self, *steps: Callable[[Image.Image], Image.Image]) -> "Drawing":
        """The drawing with its image passed through steps that move nothing."""
        image = self.image
        for step in steps:
            image = step(image)
        return replace(self, image=image)


class Canvas:
    """A sheet of a size in pixels; colours are `#rrggbb` or `#rrggbbaa`.

    Every shape takes `blur`, the radius in pixels of a soft edge: shadows and glows are shapes.
    """

    def __init__(self, size: tuple[int, int], paper: str | Image.Image = "#ffffff") -> None:
        self.size = size
        full = (size[0] * SCALE, size[1] * SCALE)
        if isinstance(paper, str):
            self.image = Image.new("RGB", full, paper)
        else:
            self.image = paper.convert("RGB").resize(full, Image.Resampling.BICUBIC)
        self.codes: list[Code] = []

    def finish(self) -> Drawing:
        """The drawing at its own size."""
        return Drawing(self.image.reduce(SCALE), tuple(self.codes))

    def box(
        self,
        box: Box,
        fill: str | None = None,
        *,
        radius: float = 0,
        outline: str | None = None,
        width: float = 1,
        blur: float = 0,
    ) -> None:
        """A rectangle, filled, outlined or both."""
        left, top, right, bottom = (v * SCALE for v in box)
        edges = (left, top, right - 1, bottom - 1)
        pixels = round(width * SCALE)
        if fill:
            self._paint(
                lambda pen, ink: pen.rounded_rectangle(edges, radius * SCALE, fill=ink), fill, blur
            )
        if outline:
            self._paint(
                lambda pen, ink: pen.rounded_rectangle(
                    edges, radius * SCALE, outline=ink, width=pixels
                ),
                outline,
                blur,
            )

    def gradient(
        self, box: Box, start: str, end: str, *, radius: float = 0, across: bool = False
    ) -> None:
        """A rectangle that runs from one colour to another, downward or across."""
        left, top, right, bottom = (round(v * SCALE) for v in box)
        size = (right - left, bottom - top)
        ramp = Image.linear_gradient("L")
        ramp = (ramp.transpose(Image.Transpose.ROTATE_90) if across else ramp).resize(size)
        fill = Image.composite(Image.new("RGB", size, end), Image.new("RGB", size, start), ramp)
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).rounded_rectangle(
            (0, 0, size[0] - 1, size[1] - 1), radius * SCALE, fill=255
        )
        self.image.paste(fill, (left, top), mask)

    def disc(
        self,
        center: Point,
        radius: float | tuple[float, float],
        fill: str | None = None,
        *,
        outline: str | None = None,
        width: float = 1,
        blur: float = 0,
    ) -> None:
        """A circle, or an ellipse where two radii are given."""
        across, down = radius if isinstance(radius, tuple) else (radius, radius)
        x, y = center
        edges = tuple(v * SCALE for v in (x - across, y - down, x + across, y + down))
        pixels = round(width * SCALE)
        if fill:
            self._paint(lambda pen, ink: pen.ellipse(edges, fill=ink), fill, blur)
        if outline:
            self._paint(
                lambda pen, ink: pen.ellipse(edges, outline=ink, width=pixels), outline, blur
            )

    def arc(self, box: Box, start: float, end: float, fill: str, width: float) -> None:
        """A part of an ellipse's outline, in degrees clockwise from three o'clock."""
        edges = tuple(v * SCALE for v in box)
        self._paint(
            lambda pen, ink: pen.arc(edges, start, end, fill=ink, width=round(width * SCALE)), fill
        )

    def wedge(self, box: Box, start: float, end: float, fill: str) -> None:
        """A slice of a pie, in degrees clockwise from three o'clock."""
        edges = tuple(v * SCALE for v in box)
        self._paint(lambda pen, ink: pen.pieslice(edges, start, end, fill=ink), fill)

    def polygon(self, points: Sequence[Point], fill: str, *, blur: float = 0) -> None:
        """A filled outline."""
        self._paint(lambda pen, ink: pen.polygon(_scaled(points), fill=ink), fill, blur)

    def line(
        self, points: Sequence[Point], fill: str, width: float = 1, *, blur: float = 0
    ) -> None:
        """A line through points, with round joints and ends."""
        pixels = max(1, round(width * SCALE))
        places = _scaled(points)

        def stroke(pen: Pen, ink: object) -> None:
            pen.line(places, fill=ink, width=pixels, joint="curve")
            for x, y in (places[0], places[-1]) if pixels > 4 else ():
                half = pixels / 2 - 0.5
                pen.ellipse((x - half, y - half, x + half, y + half), fill=ink)

        self._paint(stroke, fill, blur)

    def dashes(self, start: Point, end: Point, fill: str, width: float, dash: float) -> None:
        """A dashed line, level or upright."""
        length = abs(end[0] - start[0]) + abs(end[1] - start[1])
        step = ((end[0] - start[0]) / length, (end[1] - start[1]) / length)
        for at in np.arange(0, length, 2 * dash):
            to = min(at + dash, length)
            first = (start[0] + step[0] * at, start[1] + step[1] * at)
            self.line([first, (start[0] + step[0] * to, start[1] + step[1] * to)], fill, width)

    def text(
        self,
        at: Point,
        words: str,
        size: float,
        fill: str = "#111111",
        *,
        anchor: str = "ls",
        bold: float = 0,
        spacing: float = 0,
        blur: float = 0,
    ) -> None:
        """One line of text.

        Args:
            at: Where the anchor lies.
            words: What it says, in the characters of Pillow's own font.
            size: Height of the font in pixels.
            fill: Colour.
            anchor: As Pillow names it; `ls` is the left end of the base line.
            bold: Width added to each side of a stroke, in hundredths of the size.
            spacing: Pixels added between letters.
            blur: Radius of a soft edge in pixels.
        """
        font = _font(size * SCALE)
        thick = bold * size * SCALE / 100
        width = (font.getlength(words) + spacing * SCALE * (len(words) - 1)) if spacing else 0
        x, y = at[0] * SCALE, at[1] * SCALE
        x -= {"l": 0.0, "m": width / 2, "r": width}[anchor[0]]

        def stroke(pen: Pen, ink: object) -> None:
            if not spacing:
                pen.text((x, y), words, fill=ink, font=font, anchor=anchor, stroke_width=thick)
                return
            for i, letter in enumerate(words):
                before = font.getlength(words[:i]) + i * spacing * SCALE
                pen.text(
                    (x + before, y), letter, ink, font, anchor=f"l{anchor[1]}", stroke_width=thick
                )

        self._paint(stroke, fill, blur)

    def code(
        self,
        symbol: Symbol,
        at: Point,
        module: float,
        *,
        height: float = 0,
        dark: str = "#000000",
        light: str | None = None,
        quiet: float | None = None,
        radius: float = 0,
    ) -> Box:
        """A symbol, and where it lies.

        Args:
            symbol: What to draw.
            at: Top left corner of the symbol itself, without its quiet zone.
            module: Side of a module in pixels, a multiple of a half.
            height: Of the bars of a linear code, in pixels.
            dark: Colour of the dark modules (the light ones on a reversed code).
            light: Colour of the ground; None draws none.
            quiet: Width of the ground around the symbol in modules; by default its quiet zone.
            radius: Of the ground's corners.
        """
        rows, columns = symbol.modules.shape
        size = (columns * module, height or rows * module)
        box = (at[0], at[1], at[0] + size[0], at[1] + size[1])
        if light:
            margin = module * (symbol.quiet if quiet is None else quiet)
            below = margin if symbol.modules.shape[0] > 1 else min(margin, 12)
            self.box(
                (box[0] - margin, box[1] - below, box[2] + margin, box[3] + below),
                light,
                radius=radius,
            )
        mask = Image.fromarray(symbol.modules.astype(np.uint8) * 255)
        full = (round(size[0] * SCALE), round(size[1] * SCALE))
        self.image.paste(
            dark,
            (round(at[0] * SCALE), round(at[1] * SCALE)),
            mask.resize(full, Image.Resampling.NEAREST),
        )
        self.codes.append(Code(symbol.symbology, symbol.content, corners(box)))
        return box

    def lay(self, sheet: "Canvas", at: Corners, *, mask: Image.Image | None = None) -> None:
        """Lay another sheet on this one, its four corners where they are told to be.

        Args:
            sheet: What to lay; its codes come along.
            at: Where its top left, top right, bottom right and bottom left corners go.
            mask: What of it to show, at the size of `sheet.image`; None for all of it.
        """
        whole = corners((0, 0, *sheet.size))
        back = _homography(_scaled(at), _scaled(whole))
        warp = {
            "size": self.image.size,
            "method": Image.Transform.PERSPECTIVE,
            "data": back.flatten()[:8].tolist(),
            "resample": Image.Resampling.BICUBIC,
        }
        shown = (mask or Image.new("L", sheet.image.size, 255)).transform(**warp)
        self.image.paste(sheet.image.transform(**warp), mask=shown)
        forth = _homography(whole, at)
        self.codes += [code.moved(lambda point: _project(forth, point)) for code in sheet.codes]

    def shade(self, field: np.ndarray) -> None:
        """Multiply the picture by a field of shape (rows, columns) stretched over it."""
        stretched = Image.fromarray(field.astype(np.float32)).resize(
            self.image.size, Image.Resampling.BICUBIC
        )
        lit = np.asarray(self.image) * np.asarray(stretched)[..., None]
        self.image = Image.fromarray(np.clip(lit + 0.5, 0, 255).astype(np.uint8))

    def _paint(self, stroke: Callable[[Pen, object], None], fill: str, blur: float = 0) -> None:
        *color, alpha = ImageColor.getcolor(fill, "RGBA")
        if alpha == 255 and not blur:
            stroke(ImageDraw.Draw(self.image), tuple(color))
            return
        mask = Image.new("L", self.image.size)
        stroke(ImageDraw.Draw(mask), alpha)
        if blur:
            mask = mask.filter(ImageFilter.GaussianBlur(blur * SCALE))
        self.image.paste(tuple(color), mask=mask)


def corners(box: Box) -> Corners:
    """The corners of a box, clockwise from the top left."""
    left, top, right, bottom = box
    return (left, top), (right, top), (right, bottom), (left, bottom)


def turned(center: Point, size: tuple[float, float], degrees: float) -> Corners:
    """The corners of a box around a center, turned clockwise."""
    across, down = size[0] / 2, size[1] / 2
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    offsets = corners((-across, -down, across, down))
    first, second, third, fourth = (
        (float(center[0] + x * cos - y * sin), float(center[1] + x * sin + y * cos))
        for x, y in offsets
    )
    return first, second, third, fourth


@cache
def _font(size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _scaled(points: Sequence[Point]) -> list[Point]:
    return [(x * SCALE, y * SCALE) for x, y in points]


def _homography(source: Sequence[Point], target: Sequence[Point]) -> np.ndarray:
    rows, values = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.append(np.linalg.solve(np.array(rows), np.array(values)), 1).reshape(3, 3)


def _project(matrix: np.ndarray, point: Point) -> Point:
    x, y, w = matrix @ np.array([*point, 1.0])
    return float(x / w), float(y / w)
