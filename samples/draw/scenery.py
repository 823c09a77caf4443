"""A landscape: nothing to find, nothing to change."""

import math

import numpy as np

from draw import light
from draw.canvas import Canvas, Drawing
from draw.files import case, jpeg


@case("A lake at sunrise, without any code: the file must come out byte for byte.", jpeg(86))
def landscape() -> Drawing:
    """Hills, water, a boat and birds."""
    canvas = Canvas((1500, 940), "#f7b58a")
    canvas.gradient((0, 0, 1500, 330), "#33477f", "#d98a93")
    canvas.gradient((0, 330, 1500, 560), "#d98a93", "#ffd9a0")
    canvas.disc((866, 372), 300, "#ffe3a866", blur=90)
    canvas.disc((866, 372), 74, "#fff3d0")
    _cloud_bands(canvas)
    ridges = (
        (470, 120, "#a9829c"),
        (510, 96, "#7f6a93"),
        (540, 66, "#574f80"),
        (572, 42, "#333761"),
    )
    for layer, (base, height, color) in enumerate(ridges):
        canvas.polygon([*_ridge(base, height, layer), (1500, 600), (0, 600)], color)
        canvas.box((0, base + 20, 1500, base + 60), "#ffd9a018", blur=24)
    _water(canvas)
    _boat(canvas, (520, 742))
    _reeds(canvas)
    for x, y, size in (
        (300, 190, 20),
        (360, 160, 15),
        (420, 205, 17),
        (480, 150, 12),
        (250, 240, 13),
    ):
        canvas.line([(x - size, y - size * 0.4), (x, y), (x + size, y - size * 0.5)], "#2b2f55", 3)
    return canvas.finish().through(light.vignette(0.25), light.grain(2.5, 12))


def _cloud_bands(canvas: Canvas) -> None:
    random = np.random.default_rng(131)
    for _ in range(16):
        x, y = random.uniform(0, 1500), random.uniform(60, 380)
        across = random.uniform(120, 300)
        canvas.disc((x, y), (across, random.uniform(5, 14)), "#ffe6d055", blur=9)


def _ridge(base: float, height: float, layer: int) -> list[tuple[float, float]]:
    waves = ((211, 0.6), (97, 0.28), (41, 0.1), (17, 0.04))
    return [
        (
            x,
            base
            - height
            * sum(
                part * (1 + math.sin(x / length + layer * 2.1 + i))
                for i, (length, part) in enumerate(waves)
            ),
        )
        for x in range(0, 1504, 4)
    ]


def _water(canvas: Canvas) -> None:
    canvas.gradient((0, 590, 1500, 940), "#e9b08f", "#2a3a6b")
    canvas.box((0, 584, 1500, 596), "#2b2f5588", blur=4)
    random = np.random.default_rng(132)
    for i in range(150):
        y = 598 + 340 * random.random() ** 1.4
        near = (y - 590) / 350
        # The sun's road lies below it; elsewhere the water answers the sky.
        on_road = i % 2 == 0
        x = random.normal(866, 40 + 110 * near) if on_road else random.uniform(0, 1500)
        across = random.uniform(14, 60) * (0.5 + near)
        canvas.disc(
            (x, y), (across, 1.2 + 2.4 * near), "#ffe9bd" if on_road and i % 4 else "#b58a98"
        )


def _boat(canvas: Canvas, at: tuple[float, float]) -> None:
    x, y = at
    canvas.disc((x, y + 26), (150, 12), "#141a3a88", blur=6)
    canvas.polygon(
        [(x - 140, y - 22), (x + 150, y - 26), (x + 104, y + 24), (x - 96, y + 24)], "#2a1f2e"
    )
    canvas.polygon(
        [(x - 140, y - 22), (x + 150, y - 26), (x + 142, y - 14), (x - 130, y - 10)], "#6b3f3a"
    )
    canvas.disc((x + 6, y - 92), 18, "#2a1f2e")
    canvas.polygon(
        [(x - 18, y - 74), (x + 28, y - 74), (x + 34, y - 20), (x - 24, y - 20)], "#a8443f"
    )
    canvas.polygon([(x - 34, y - 96), (x + 44, y - 96), (x + 6, y - 122)], "#d9a95b")
    canvas.line([(x + 20, y - 58), (x + 120, y + 46)], "#1b1526", 5)


def _reeds(canvas: Canvas) -> None:
    random = np.random.default_rng(133)
    for i in range(70):
        x = random.uniform(-10, 300) if i % 3 else random.uniform(1330, 1510)
        tall = random.uniform(90, 260)
        lean = random.uniform(-30, 40)
        points = [(x + lean * t * t, 950 - tall * t) for t in (0, 0.25, 0.5, 0.75, 1)]
        canvas.line(points, "#171c3a", random.uniform(2.5, 5))
        if i % 4 == 0:
            tip = points[-1]
            canvas.line([(tip[0], tip[1] + 34), tip], "#3a2433", 10)
