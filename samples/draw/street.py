"""Outdoors: a code in the dark, a code nobody reads, a wall without any."""

import dataclasses

import numpy as np

from draw import light
from draw.canvas import Canvas, Drawing, turned
from draw.codes import qr
from draw.files import case, jpeg


@case("A scooter stand at night: little light and much noise, the code still there.", jpeg(80))
def night_stand() -> Drawing:
    """An underexposed plate on a post."""
    scene = Canvas((1000, 1300), light.plaster((1000, 1300), "#3d4450", "#6a7180", 101))
    _bricks(scene, "#2a2e38", 102)
    scene.gradient((430, 0, 570, 1300), "#8a919c", "#4a505a", across=True)
    scene.box((420, 0, 442, 1300), "#1a1d2499", blur=8)
    plate = Canvas((520, 720), "#f7c948")
    mask = Canvas((520, 720), "#000000")
    mask.box((0, 0, 520, 720), "#ffffff", radius=36)
    plate.box((16, 16, 504, 704), outline="#23262d", width=5, radius=26)
    plate.text((260, 104), "Scan to ride", 60, "#23262d", anchor="ms", bold=2)
    code = qr("https://ride.example.com/stand/0417", "M")
    side = code.modules.shape[0] * 13
    plate.box(
        (260 - side / 2 - 40, 138, 260 + side / 2 + 40, 138 + side + 80), "#ffffff", radius=22
    )
    plate.code(code, (260 - side / 2, 178), 13, dark="#14161b")
    plate.text((260, 668), "Stand 0417", 40, "#23262d", anchor="ms", bold=1.2)
    at = ((246, 330), (752, 312), (760, 1016), (252, 1042))
    scene.polygon([(x + 16, y + 26) for x, y in at], "#000000bb", blur=20)
    scene.lay(plate, at, mask=mask.image.convert("L"))
    for x, y in ((500, 352), (508, 1004)):
        scene.disc((x, y), 9, "#6d737d")
    return scene.finish().through(
        light.lit((0.54, 0.16), 0.42, 0.08),
        light.softened(0.9),
        light.exposed(0.5),
        light.grain(6, 1309),
    )


def _bricks(scene: Canvas, joint: str, seed: int) -> None:
    """Joints of a brick wall, and bricks that differ a little."""
    random = np.random.default_rng(seed)
    width, height = scene.size
    tone = np.ones((height, width), np.float32)
    for row, y in enumerate(range(0, height, 62)):
        for x in range(-150 + row % 2 * 75, width, 150):
            tone[y : y + 62, max(0, x) : max(0, x + 150)] *= random.uniform(0.84, 1.12)
            scene.box((x - 3, y, x + 3, y + 62), joint)
        scene.box((0, y - 3, width, y + 3), joint)
    scene.shade(tone)


@case("A flyer scribbled over: the code is found by its corners, and nobody can read it.", jpeg(85))
def scribbled_flyer() -> Drawing:
    """A taped flyer whose code was crossed out with a marker."""
    wall = Canvas((1000, 1260), light.plaster((1000, 1260), "#8d8f8e", "#c4c5c0", 111))
    flyer = Canvas((660, 920), "#fdf6e3")
    flyer.gradient((0, 0, 660, 240), "#ff9e4f", "#ff6f61")
    flyer.text((330, 128), "LOST CAT", 100, "#ffffff", anchor="ms", bold=3, spacing=3)
    flyer.text((330, 194), "answers to Pixel", 42, "#fff1d6", anchor="ms", bold=0.8)
    _cat(flyer, (166, 452))
    flyer.text((66, 660), "Grey, curious,", 34, "#4a3b30")
    flyer.text((66, 704), "white paws.", 34, "#4a3b30")
    flyer.text((66, 780), "Seen near", 28, "#8b7462")
    flyer.text((66, 818), "Sample Street", 34, "#4a3b30", bold=1)
    code = qr("https://cats.example.org/lost/pixel", "L")
    side = code.modules.shape[0] * 10
    flyer.box((608 - side - 30, 316, 638, 316 + side + 60), "#ffffff", radius=14)
    box = flyer.code(code, (608 - side, 346), 10, dark="#16130f")
    flyer.codes[-1] = dataclasses.replace(flyer.codes[-1], content=None)
    _scribble(flyer, box)
    flyer.text((470, 740), "FOUND!", 62, "#1b3fae", anchor="ms", bold=3)
    flyer.line([(392, 762), (556, 752)], "#1b3fae", 7)
    at = turned((506, 640), (660, 920), 3)
    wall.polygon([(x + 8, y + 14) for x, y in at], "#1d1d1b99", blur=14)
    flyer.shade(0.95 + 0.08 * light.clouds(flyer.size, (160, 120), 112))
    wall.lay(flyer, at)
    for (x, y), degrees in zip(at, (-42, 48, -40, 44), strict=True):
        wall.polygon(turned((x, y), (130, 46), degrees), "#efe4bcb8")
    return wall.finish().through(
        light.lit((0.4, 0.3), 1.0, 0.35), light.vignette(0.25), light.grain(3, 110)
    )


def _scribble(flyer: Canvas, box: tuple[float, float, float, float]) -> None:
    """A marker over the data, between the three finder patterns."""
    left, top, right, bottom = box
    ink = "#1b3fae"
    for start, end, low, high in (
        (left + 82, right - 82, top + 6, top + 70),
        (left + 6, right - 8, top + 92, bottom - 92),
        (left + 86, right - 6, bottom - 84, bottom - 6),
    ):
        count = round((end - start) / 13)
        points = []
        for i in range(count + 1):
            x = start + (end - start) * i / count
            points.append((x, (low if i % 2 else high) + 5 * np.sin(i * 1.7)))
        flyer.line(points, ink, 12)


def _cat(flyer: Canvas, at: tuple[float, float]) -> None:
    x, y = at
    flyer.disc((x, y), 112, "#ffe0a8")
    flyer.disc((x, y + 92), (66, 30), "#7d8794")
    for way in (-1, 1):
        flyer.polygon(
            [(x + way * 22, y - 50), (x + way * 72, y - 92), (x + way * 72, y - 8)], "#7d8794"
        )
        flyer.polygon(
            [(x + way * 38, y - 50), (x + way * 64, y - 74), (x + way * 64, y - 24)], "#e8a5a5"
        )
    flyer.disc((x, y), (78, 68), "#8f99a6")
    flyer.disc((x, y + 28), (40, 30), "#e6e9ed")
    for way in (-1, 1):
        flyer.disc((x + way * 32, y - 8), (15, 18), "#f6d860")
        flyer.disc((x + way * 32, y - 8), (5, 16), "#1d1d1b")
        for drop in (0, 12):
            flyer.line(
                [(x + way * 26, y + 26 + drop), (x + way * 92, y + 16 + drop * 1.6)], "#5b636e", 2.5
            )
    flyer.polygon([(x - 10, y + 12), (x + 10, y + 12), (x, y + 24)], "#d77f86")
    flyer.arc((x - 20, y + 16, x, y + 40), 10, 120, "#5b636e", 3)
    flyer.arc((x, y + 16, x + 20, y + 40), 60, 170, "#5b636e", 3)


@case(
    "Bricks, a barred window and tiles: stripes and squares that look like codes and are none.",
    jpeg(82),
)
def brick_wall() -> Drawing:
    """A wall with patterns that could fool a detector."""
    wall = Canvas((1300, 950), light.plaster((1300, 950), "#8a3f2c", "#bd6a4a", 121))
    _bricks(wall, "#d8c6b4", 122)
    _window(wall, (140, 150, 600, 690))
    _tiles(wall, (790, 250), 46)
    wall.box((0, 890, 1300, 950), "#6f6a66")
    wall.box((0, 884, 1300, 896), "#3b241a88", blur=6)
    return wall.finish().through(
        light.lit((0.45, 0.2), 1.0, 0.35),
        light.softened(0.5),
        light.vignette(0.25),
        light.grain(4, 11),
    )


def _window(wall: Canvas, box: tuple[float, float, float, float]) -> None:
    left, top, right, bottom = box
    wall.box((left - 26, top - 26, right + 26, bottom + 26), "#efe6da", radius=4)
    wall.gradient(box, "#31465a", "#101a26")
    wall.polygon(
        [(left, top + 330), (left + 300, top), (left + 400, top), (left, top + 440)], "#ffffff16"
    )
    wall.box((left, (top + bottom) / 2 - 9, right, (top + bottom) / 2 + 9), "#e2d6c6")
    wall.box(((left + right) / 2 - 9, top, (left + right) / 2 + 9, bottom), "#e2d6c6")
    for i in range(13):
        x = left + 18 + i * (right - left - 36) / 12
        wall.box((x - 2, top - 10, x + 12, bottom + 10), "#00000055", blur=4)
        wall.box((x - 6, top - 12, x + 6, bottom + 12), "#1e1f22", radius=4)
    wall.box((left - 50, bottom + 24, right + 50, bottom + 62), "#d9cdbd", radius=3)
    wall.box((left - 50, bottom + 60, right + 50, bottom + 76), "#3b241a77", blur=7)


def _tiles(wall: Canvas, at: tuple[float, float], side: float) -> None:
    """A mosaic beside the door: squares at random, as in a code without any pattern."""
    random = np.random.default_rng(124)
    colors = ("#1f3f5b", "#2f6f8f", "#e9dcc3", "#d7a13b", "#f4ecdd")
    wall.box(
        (at[0] - 18, at[1] - 10, at[0] + side * 8 + 22, at[1] + side * 10 + 26), "#3b241a88", blur=9
    )
    wall.box((at[0] - 16, at[1] - 16, at[0] + side * 8 + 16, at[1] + side * 10 + 16), "#cfc4b4")
    for row in range(10):
        for column in range(8):
            x, y = at[0] + column * side, at[1] + row * side
            color = colors[random.integers(len(colors))]
            wall.box((x + 2, y + 2, x + side - 2, y + side - 2), color, radius=3)
