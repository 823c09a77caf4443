"""Things with codes on them: packages, parts, badges."""

import numpy as np
from PIL import Image

from draw import light
from draw.canvas import Canvas, Drawing, turned
from draw.codes import qr, symbol, with_check_digit
from draw.files import Store, case, jpeg


@case("A tea carton in a studio with an EAN-13 on its side: a shopper's picture.", jpeg(86))
def tea_carton() -> Drawing:
    """A carton seen from a corner, its barcode under perspective."""
    scene = Canvas((1200, 1200), "#f3d9c6")
    scene.gradient((0, 0, 1200, 860), "#f0c9ae", "#f8e3d2")
    scene.gradient((0, 820, 1200, 1200), "#f5dbc8", "#e2b596")
    scene.box((-40, 790, 1240, 860), "#f6dfcd", blur=30)
    left, right = _carton_front(), _carton_side()
    left.shade(np.linspace(0.82, 0.97, 64, dtype=np.float32)[None, :].repeat(2, 0))
    right.shade(np.linspace(1.0, 0.93, 64, dtype=np.float32)[None, :].repeat(2, 0))
    scene.polygon(
        [(190, 960), (560, 1074), (1130, 1000), (1190, 900), (800, 860)], "#7a3d2066", blur=34
    )
    scene.line([(226, 962), (556, 1066), (1022, 972)], "#5a2a14aa", 10, blur=6)
    scene.lay(left, ((206, 212), (560, 180), (556, 1062), (224, 958)))
    scene.lay(right, ((560, 180), (1044, 222), (1024, 968), (556, 1062)))
    scene.line([(560, 180), (556, 1062)], "#ffffff55", 3, blur=1)
    return scene.finish().through(
        light.lit((0.62, 0.35), 1.1, 0.45), light.softened(0.5), light.grain(2, 6)
    )


def _carton_front() -> Canvas:
    front = Canvas((420, 880), "#1f5f57")
    front.gradient((0, 0, 420, 880), "#2a7a6f", "#184b45")
    for i, (x, y) in enumerate(
        ((70, 640), (150, 720), (250, 690), (340, 640), (380, 740), (40, 760))
    ):
        _tea_leaf(front, (x, y), 90 + 14 * (i % 3), -40 + i * 27)
    front.disc((210, 320), 150, "#f3d27a")
    front.disc((210, 320), 138, "#1f5f57")
    front.disc((210, 320), 132, outline="#f3d27a", width=2)
    front.text((210, 312), "HILL", 74, "#f8e6b4", anchor="ms", bold=2, spacing=4)
    front.text((210, 374), "& LEAF", 50, "#f8e6b4", anchor="ms", bold=1.6, spacing=3)
    front.text((210, 530), "Jasmine green", 42, "#ffffff", anchor="ms", bold=0.8)
    front.text((210, 572), "20 bags · 40 g", 28, "#bfe0d6", anchor="ms")
    return front


def _tea_leaf(sheet: Canvas, at: tuple[float, float], size: float, degrees: float) -> None:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    steps = np.linspace(0, 1, 24)
    wide = np.sin(steps * np.pi) ** 0.8 * 0.26
    outline = [*zip(steps, wide, strict=True), *zip(steps[::-1], -wide[::-1], strict=True)]
    points = [
        (at[0] + (u * cos - v * sin) * size, at[1] + (u * sin + v * cos) * size) for u, v in outline
    ]
    sheet.polygon(points, "#4fa386")
    sheet.line([at, (at[0] + cos * size, at[1] + sin * size)], "#2a7a6f", 2)


def _carton_side() -> Canvas:
    side = Canvas((580, 880), "#f7efdc")
    side.box((0, 0, 580, 108), "#1f5f57")
    side.text((290, 70), "HILL & LEAF", 42, "#f8e6b4", anchor="ms", bold=1.6, spacing=3)
    side.text((50, 168), "How to brew", 32, "#1f5f57", bold=1.2)
    for i, step in enumerate(
        ("1 bag, 200 ml, 80 °C", "steep for two minutes", "once more, a minute longer")
    ):
        side.disc((68, 208 + i * 48), 16, "#1f5f57")
        side.text((68, 216 + i * 48), str(i + 1), 22, "#f8e6b4", anchor="ms", bold=1)
        side.text((100, 217 + i * 48), step, 26, "#33413d")
    side.line([(50, 346), (530, 346)], "#c9bd9e", 2)
    side.text((50, 392), "Ingredients", 28, "#1f5f57", bold=1.2)
    side.text((50, 430), "Green tea, jasmine blossom. Store dry,", 23, "#33413d")
    side.text((50, 460), "away from light. Best before 05 2027.", 23, "#33413d")
    side.box((50, 506, 530, 836), "#ffffff", radius=10)
    gtin = with_check_digit("952123400417")
    barcode = symbol("ean13", gtin)
    width = barcode.modules.shape[1] * 4
    left = 290 - width / 2
    side.code(barcode, (left, 540), 4, height=220)
    # The digits stand below the bars, the first to their left.
    side.text((left - 12, 800), gtin[0], 36, "#000000", anchor="rs")
    side.text((left + 96, 800), gtin[1:7], 36, "#000000", anchor="ms", spacing=5)
    side.text((left + 282, 800), gtin[7:], 36, "#000000", anchor="ms", spacing=5)
    return side


@case(
    "A circuit board with two Data Matrix codes: a label, and one light on dark on a chip.",
    jpeg(86),
)
def component_label() -> Drawing:
    """A green board with parts and a serial label."""
    board = Canvas((1300, 940), light.plaster((1300, 940), "#0d4a35", "#146048", 81))
    _traces(board)
    _chip(board, (250, 560), (300, 300), pins=11)
    _chip(board, (1060, 250), (230, 170), pins=8)
    _small_parts(board)
    etched = symbol("datamatrix", "U7-EX2291")
    side = etched.modules.shape[0] * 6
    board.code(etched, (330 - side / 2, 630 - side / 2 + 10), 6, dark="#c3cad2")
    board.text((132, 470), "EXAMPLE", 38, "#b9c1c9", bold=1.2, spacing=2)
    board.text((132, 512), "EX2291-B", 30, "#b9c1c9")
    board.text((132, 546), "2519 · 7", 24, "#8f979f")
    label = Canvas((560, 270), "#fbfbf7")
    content = "[)>06:1PEX-4410-B:S000451778:D250517:4LXX:example.com/p/EX-4410-B"
    code = symbol("datamatrix", content, force_square=True)
    module = 216 // code.modules.shape[0]
    width = code.modules.shape[0] * module
    label.code(code, (30, (270 - width) / 2), module)
    for i, (text, size) in enumerate(
        (
            ("P/N EX-4410-B", 33),
            ("S/N 000451778", 33),
            ("REV C  2025-05-17", 27),
            ("Example Works", 27),
        )
    ):
        label.text((60 + width, 70 + i * 52), text, size, "#16181c", bold=1 if size > 30 else 0.3)
    at = turned((760, 620), (560, 270), -4)
    board.polygon([(x + 5, y + 8) for x, y in at], "#02140daa", blur=6)
    board.lay(label, at)
    return board.finish().through(
        light.lit((0.55, 0.35), 0.8, 0.3),
        light.softened(0.5),
        light.vignette(0.3),
        light.grain(3, 7),
    )


def _traces(board: Canvas) -> None:
    random = np.random.default_rng(82)
    for i in range(26):
        x, y = random.uniform(0, 1300), random.uniform(0, 940)
        points = [(x, y)]
        for _ in range(3):
            way = random.integers(8) * np.pi / 4
            reach = random.uniform(60, 240)
            points.append(
                (points[-1][0] + np.cos(way) * reach, points[-1][1] + np.sin(way) * reach)
            )
        board.line(points, "#1f7a5a" if i % 3 else "#26916b", 5)
        for end in (points[0], points[-1]):
            board.disc(end, 11, "#c9a24a")
            board.disc(end, 5, "#0a2f22")


def _chip(board: Canvas, at: tuple[float, float], size: tuple[float, float], pins: int) -> None:
    x, y = at
    across, down = size[0] / 2, size[1] / 2
    for i in range(pins):
        offset = -across + (i + 0.5) * size[0] / pins
        board.box(
            (x + offset - 5, y - down - 22, x + offset + 5, y + down + 22), "#cfd3d6", radius=2
        )
    board.box(
        (x - across + 8, y - down + 12, x + across + 8, y + down + 12),
        "#02140d99",
        radius=6,
        blur=9,
    )
    board.box((x - across, y - down, x + across, y + down), "#1c1f23", radius=6)
    board.box((x - across, y - down, x + across, y - down + 5), "#3a3f45", radius=3)
    board.disc((x - across + 24, y - down + 24), 9, "#2c3036")


def _small_parts(board: Canvas) -> None:
    for x, y, name in ((520, 150, "C11"), (600, 150, "C12"), (680, 150, "C13"), (910, 400, "C20")):
        board.disc((x + 6, y + 10), 33, "#02140d99", blur=7)
        board.disc((x, y), 32, "#8d949b")
        board.disc((x, y), 28, "#c9ced3")
        board.wedge((x - 28, y - 28, x + 28, y + 28), 120, 200, "#4a4f56")
        board.text((x, y + 60), name, 19, "#e8f1ec", anchor="ms")
    for i in range(6):
        x, y = 470 + i * 62, 330
        board.box((x, y, x + 40, y + 20), "#d9d4c8", radius=2)
        board.box((x + 9, y - 1, x + 31, y + 21), "#1b1b1d" if i % 2 else "#8c6a3f")
        board.text((x + 20, y + 44), f"R{i + 31}", 17, "#e8f1ec", anchor="ms")
    board.box((60, 60, 380, 190), "#d8dcdf", radius=8)
    board.box((74, 74, 366, 176), "#aab0b6", radius=4)
    for i in range(12):
        board.box((88 + i * 23, 84, 98 + i * 23, 166), "#5d646b", radius=2)
    for x, y in ((40, 900), (1262, 900), (1262, 40)):
        board.disc((x, y), 27, "#c9a24a")
        board.disc((x, y), 17, "#e9e4da")


@case(
    "A badge seen by a front camera, mirrored and turned (orientation 5), in its thumbnail too.",
    Store(
        "JPEG",
        orientation=5,
        thumbnail=240,
        thumbnail_codes=1,
        exif=True,
        options={"quality": 84, "subsampling": "4:2:0", "optimize": True},
    ),
)
def mirrored_badge() -> Drawing:
    """A conference badge on a jumper."""
    scene = Canvas((1280, 960), _jumper((1280, 960)))
    for way in (-1, 1):
        strap = [
            (640 + way * 330, -10),
            (640 + way * 268, -10),
            (640 + way * 2, 128),
            (640 + way * 22, 160),
        ]
        scene.polygon([(x + 6, y + 12) for x, y in strap], "#0a102066", blur=10)
        scene.polygon(strap, "#ff6b5e" if way > 0 else "#f25749")
    scene.box((612, 112, 668, 186), "#c9ced6", radius=8)
    scene.box((624, 124, 656, 150), "#8b93a0", radius=6)
    badge = Canvas((880, 720), "#ffffff")
    mask = Canvas((880, 720), "#000000")
    mask.box((0, 0, 880, 720), "#ffffff", radius=34)
    badge.gradient((0, 0, 880, 196), "#ff6b5e", "#7b4dff", across=True)
    badge.text((56, 126), "PyExample Conf", 62, "#ffffff", bold=2)
    badge.text((824, 124), "2025", 46, "#ffffffcc", anchor="rs", bold=1)
    badge.box((400, 26, 480, 44), "#2a2144", radius=9)
    badge.text((56, 330), "Alex", 92, "#1d1836", bold=2)
    badge.text((56, 414), "Testcase", 66, "#1d1836", bold=1.2)
    badge.text((56, 474), "Example Works", 34, "#6f6a87")
    badge.box((56, 574, 270, 640), "#7b4dff", radius=33)
    badge.text((163, 619), "SPEAKER", 30, "#ffffff", anchor="ms", bold=1.4, spacing=2)
    code = qr("EXCONF-25-0417-ALEX", "L")
    side = code.modules.shape[0] * 20
    badge.code(code, (832 - side, 238), 20, dark="#1d1836")
    at = turned((640, 530), (880, 720), -3)
    scene.polygon([(x + 14, y + 24) for x, y in at], "#0a1020aa", blur=24)
    scene.lay(badge, at, mask=mask.image.convert("L"))
    scene.polygon([(330, 170), (500, 160), (330, 880), (190, 890)], "#ffffff1c", blur=24)
    return scene.finish().through(
        light.lit((0.35, 0.3), 0.9, 0.4), light.softened(0.5), light.grain(3, 208)
    )


def _jumper(size: tuple[int, int]) -> Image.Image:
    """Knitted ribs: rows of slanted stitches."""
    y, x = np.mgrid[: size[1], : size[0]].astype(np.float32)
    rib = np.abs((x / 26) % 1 - 0.5) * 2
    stitch = 0.5 + 0.5 * np.sin((y / 18 + rib * 0.9) * 2 * np.pi)
    field = (
        0.25 + 0.4 * stitch * np.sqrt(1 - rib**2 * 0.9) + 0.2 * light.clouds(size, (300, 300), 91)
    )
    return light.blend("#16233d", "#3f5f92", np.clip(field, 0, 1).astype(np.float32))
