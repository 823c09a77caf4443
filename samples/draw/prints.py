"""Printed matter, flat: a poster, a label, a pass, a coupon, a sticker."""

import math

import numpy as np
from PIL import Image

from draw.canvas import Box, Canvas, Drawing
from draw.codes import qr, symbol, with_check_digit
from draw.files import case, png

STOPS = (
    ("River Gate", "18:30", "#ff7a59"),
    ("Paper Mill", "18:50", "#ffb03a"),
    ("Old Dock", "19:10", "#e9c46a"),
    ("Moon Bridge", "19:30", "#8bd17c"),
    ("Tea House", "19:50", "#3fc1a5"),
    ("Clock Yard", "20:10", "#4aa8ff"),
    ("Fox Steps", "20:30", "#8c7bff"),
    ("Harbour", "20:50", "#e36bd0"),
)


@case("A poster with eight codes, more than the five that a listing of Aliyun holds.", png())
def poster() -> Drawing:
    """A lantern walk with a code for each of its stops."""
    canvas = Canvas((1100, 1556), "#101a3f")
    canvas.gradient((0, 0, 1100, 600), "#0c1236", "#47337f")
    canvas.gradient((0, 600, 1100, 900), "#47337f", "#c2607a")
    _night_sky(canvas)
    canvas.text((70, 168), "LANTERN WALK", 104, "#fff4dd", bold=2.4, spacing=3)
    canvas.text((74, 226), "Eight stops, eight stories, one river.", 38, "#ffdca8")
    canvas.text((74, 282), "Saturday 17 May · from dusk · free", 28, "#d9c9f2")
    canvas.box((0, 840, 1100, 1556), "#fff6e8")
    for i, stop in enumerate(STOPS):
        _stop(canvas, (58 + i % 4 * 250, 884 + i // 4 * 306), i, *stop)
    canvas.text((550, 1522), "walk.example.org · bring your own light", 22, "#8a6f63", anchor="ms")
    return canvas.finish()


def _night_sky(canvas: Canvas) -> None:
    random = np.random.default_rng(9)
    for i in range(110):
        x, y = random.uniform(0, 1100), random.uniform(0, 560)
        canvas.disc((x, y), random.uniform(0.7, 1.9), "#ffffff" if i % 3 else "#9d9bc9")
    canvas.disc((900, 430), 190, "#ffe9b044", blur=60)
    canvas.disc((900, 430), 104, "#ffefc4")
    for x, y, radius in ((870, 400, 20), (930, 462, 28), (918, 388, 11)):
        canvas.disc((x, y), radius, "#f3dca4")
    for layer, (base, height, color) in enumerate(
        ((700, 90, "#3a2a66"), (760, 70, "#2a2054"), (815, 46, "#1b1740"))
    ):
        ridge = [
            (x, base - height * (math.sin(x / 151 + layer * 2) + 0.6 * math.sin(x / 67 + layer)))
            for x in range(0, 1101, 10)
        ]
        canvas.polygon([*ridge, (1100, 860), (0, 860)], color)
    canvas.gradient((0, 800, 1100, 840), "#141235", "#2b2258")
    for x, y, size in (
        (150, 420, 1.0), (300, 560, 0.75), (430, 400, 0.62), (574, 628, 1.0),
        (690, 470, 0.7), (786, 622, 0.82), (1010, 620, 0.95), (220, 690, 0.5), (400, 710, 0.46),
    ):  # fmt: skip
        _lantern(canvas, x, y, size)


def _lantern(canvas: Canvas, x: float, y: float, size: float) -> None:
    canvas.disc((x, y), 78 * size, "#ff9a3c55", blur=26 * size)
    canvas.gradient(
        (x - 34 * size, y - 44 * size, x + 34 * size, y + 44 * size),
        "#ffd27a",
        "#ff7a2f",
        radius=26 * size,
    )
    canvas.disc((x, y + 12 * size), (16 * size, 22 * size), "#fff3c4aa", blur=7 * size)
    for offset in (-12, 0, 12):
        canvas.line(
            [(x + offset * size, y - 42 * size), (x + offset * size, y + 42 * size)],
            "#b3431c44",
            2 * size,
        )
    for edge in (-46, 40):
        canvas.box(
            (x - 20 * size, y + edge * size, x + 20 * size, y + (edge + 7) * size),
            "#6b2a1a",
            radius=3 * size,
        )


def _stop(
    canvas: Canvas, at: tuple[float, float], number: int, name: str, time: str, color: str
) -> None:
    x, y = at
    canvas.box((x, y + 8, x + 234, y + 292), "#8a6f6333", radius=20, blur=9)
    canvas.box((x, y, x + 234, y + 286), "#ffffff", radius=20)
    code = qr(f"https://walk.example.org/stop/{number + 1}", "M")
    side = code.modules.shape[0] * 6
    canvas.code(code, (x + (234 - side) / 2, y + 30), 6, dark="#1b1740")
    canvas.disc((x + 40, y + 246), 21, color)
    canvas.text((x + 40, y + 254), str(number + 1), 24, "#ffffff", anchor="ms", bold=2)
    canvas.text((x + 72, y + 242), name, 23, "#1b1740", bold=1)
    canvas.text((x + 72, y + 267), time, 19, "#8a6f63")


@case("A thermal parcel label in grey with three linear codes and nothing else to see.", png())
def parcel_label() -> Drawing:
    """A shipping label with Code 128, Code 39 and ITF."""
    canvas = Canvas((900, 1350), "#ffffff")
    canvas.box((20, 20, 880, 1330), outline="#000000", width=4, radius=10)
    canvas.box((20, 20, 232, 232), "#000000")
    canvas.text((126, 196), "P", 190, "#ffffff", anchor="ms", bold=3)
    canvas.text((262, 84), "EXAMPLE PARCEL", 44, "#000000", bold=2.4, spacing=1)
    canvas.text((262, 128), "Priority · 2 days", 29, "#000000")
    canvas.text((262, 170), "Ship date 17 May 2025", 25, "#000000")
    canvas.text((262, 206), "Weight 2.4 kg   Piece 1 of 1", 25, "#000000")
    _rule(canvas, 232)
    _address(
        canvas, (48, 272), "FROM", ("Tidewater Press", "4 Sample Quay", "00000 Exampleton"), 25
    )
    _rule(canvas, 400)
    receiver = ("Robin Sample", "221 Placeholder Street", "Flat 7", "99999 TESTVILLE")
    _address(canvas, (48, 446), "SHIP TO", receiver, 38)
    for x in (690, 780):
        _arrow_up(canvas, (x, 548))
    canvas.line([(646, 628), (824, 628)], "#000000", 8)
    _rule(canvas, 668)
    tracking = symbol("code128", "EX004277815503617ZZ")
    side = tracking.modules.shape[1] * 3
    canvas.text((450, 716), "TRACKING NUMBER", 24, "#000000", anchor="ms", bold=1.5, spacing=2)
    canvas.code(tracking, ((900 - side) / 2, 738), 3, height=190)
    canvas.text(
        (450, 968), "EX 0042 7781 5503 617 ZZ", 34, "#000000", anchor="ms", bold=1, spacing=2
    )
    _rule(canvas, 996)
    canvas.line([(500, 996), (500, 1180)], "#000000", 4)
    canvas.text((48, 1036), "REF", 22, "#000000", bold=1.5)
    canvas.code(symbol("code39", "PO-7734"), (92, 1056), 2.5, height=76)
    canvas.text((258, 1166), "PO-7734", 25, "#000000", anchor="ms", spacing=2)
    canvas.text((530, 1036), "ROUTE", 22, "#000000", bold=1.5)
    canvas.text((690, 1126), "TV-09", 92, "#000000", anchor="ms", bold=2)
    canvas.text((690, 1166), "Belt 3 · dock 12", 24, "#000000", anchor="ms")
    _rule(canvas, 1180)
    gtin = with_check_digit("1952123400017")
    carton = symbol("itf", gtin)
    side = carton.modules.shape[1] * 3.5
    left = (900 - side) / 2
    canvas.code(carton, (left, 1204), 3.5, height=74)
    canvas.text(
        (450, 1312), f"({gtin[:1]}) {gtin[1:8]} {gtin[8:]}", 25, "#000000", anchor="ms", spacing=3
    )
    drawn = canvas.finish()
    return Drawing(drawn.image.convert("L"), drawn.codes)


def _rule(canvas: Canvas, y: float) -> None:
    canvas.line([(22, y), (878, y)], "#000000", 4)


def _arrow_up(canvas: Canvas, at: tuple[float, float]) -> None:
    x, y = at
    canvas.box((x - 12, y - 40, x + 12, y + 62), "#000000")
    canvas.polygon([(x - 36, y - 30), (x, y - 84), (x + 36, y - 30)], "#000000")


def _address(
    canvas: Canvas, at: tuple[float, float], head: str, lines: tuple[str, ...], size: float
) -> None:
    canvas.text(at, head, 22, "#000000", bold=1.5, spacing=1)
    for i, line in enumerate(lines):
        y = at[1] + 14 + (i + 1) * size * 1.2
        canvas.text((at[0], y), line, size, "#000000", bold=1.2 if size > 30 else 0.4)


@case("A boarding pass with a PDF417 code, wide and full of personal data.", png())
def boarding_pass() -> Drawing:
    """A paper boarding pass with a stub."""
    canvas = Canvas((1400, 660), "#e8eef4")
    canvas.gradient((0, 0, 1400, 660), "#eaf3f8", "#c9d9e6")
    canvas.box((56, 76, 1344, 628), "#1d3b5366", radius=34, blur=22)
    canvas.box((50, 50, 1350, 604), "#ffffff", radius=34)
    canvas.gradient((50, 50, 1350, 158), "#0b7285", "#123f7a", radius=34, across=True)
    canvas.box((50, 124, 1350, 158), "#ffffff")
    canvas.gradient((50, 110, 1350, 138), "#0b7285", "#123f7a", across=True)
    _plane(canvas, (110, 96))
    canvas.text((150, 107), "EXAMPLE AIR", 34, "#ffffff", bold=2, spacing=3)
    canvas.text((1000, 106), "Boarding pass", 27, "#ffffffdd", anchor="rs")
    canvas.text((1066, 106), "EX 417", 30, "#ffffff", bold=1.2)
    _route(canvas)
    _fields(canvas)
    canvas.dashes((1032, 150), (1032, 596), "#b6c5d2", 2.5, 8)
    for y in (50, 604):
        canvas.disc((1032, y), 20, "#e2ecf3" if y == 50 else "#cddce8")
    _stub(canvas)
    content = (
        "M1SAMPLE/ROBIN MR     EEX4MPL XAAXBBEX 0417 137Y014C0062 147>1180  5137BEX 0000000000000"
    )
    canvas.code(symbol("pdf417", content, columns=6), (92, 424), 4, dark="#10263a")
    return canvas.finish()


def _plane(canvas: Canvas, at: tuple[float, float]) -> None:
    x, y = at
    canvas.polygon(
        [(x - 26, y + 4), (x + 22, y - 10), (x + 28, y - 6), (x + 22, y + 2), (x - 22, y + 12)],
        "#ffffff",
    )
    canvas.polygon([(x - 4, y), (x - 16, y - 20), (x - 8, y - 22), (x + 12, y - 4)], "#ffffff")
    canvas.polygon([(x - 2, y + 4), (x + 2, y + 20), (x + 10, y + 18), (x + 12, y)], "#ffffff")
    canvas.polygon([(x - 26, y + 6), (x - 32, y - 8), (x - 26, y - 10), (x - 16, y + 2)], "#ffffff")


def _route(canvas: Canvas) -> None:
    for x, code, city, anchor in ((92, "XAA", "Exampleton", "l"), (990, "XBB", "Testville", "r")):
        canvas.text((x, 262), code, 92, "#10263a", anchor=f"{anchor}s", bold=1.4)
        canvas.text((x, 300), city, 24, "#6b7f90", anchor=f"{anchor}s")
    canvas.dashes((310, 232), (500, 232), "#9fb4c4", 3, 8)
    canvas.dashes((590, 232), (770, 232), "#9fb4c4", 3, 8)
    for x in (298, 784):
        canvas.disc((x, 232), 8, outline="#0b7285", width=3)
    canvas.text((541, 240), "1 h 35", 22, "#6b7f90", anchor="ms")


def _fields(canvas: Canvas) -> None:
    fields = (
        ("PASSENGER", "SAMPLE / ROBIN", 92),
        ("DATE", "17 MAY", 372),
        ("BOARDS", "09:20", 530),
        ("GATE", "B 22", 680),
        ("SEAT", "14C", 806),
        ("GROUP", "3", 912),
    )
    for label, value, x in fields:
        canvas.text((x, 352), label, 17, "#8a9cab", spacing=1.5)
        canvas.text((x, 388), value, 29, "#10263a", bold=0.9)


def _stub(canvas: Canvas) -> None:
    fields = (
        ("PASSENGER", "SAMPLE / ROBIN", 1066, 204),
        ("FROM", "XAA", 1066, 290),
        ("TO", "XBB", 1210, 290),
        ("SEAT", "14C", 1066, 376),
        ("GATE", "B 22", 1210, 376),
        ("BOOKING", "EX4MPL", 1066, 462),
        ("SEQUENCE", "0062", 1210, 462),
    )
    for label, value, x, y in fields:
        canvas.text((x, y), label, 16, "#8a9cab", spacing=1.5)
        canvas.text((x, y + 36), value, 27, "#10263a", bold=0.9)
    canvas.text((1066, 566), "Gate closes 15 minutes before", 17, "#6b7f90")


@case("A coupon with a palette of 64 colours: new pixels must be made of old colours.", png())
def palette_coupon() -> Drawing:
    """A bakery's coupon in mode P."""
    canvas = Canvas((1100, 560), "#f7d9c4")
    canvas.box((48, 56, 1060, 524), "#c98f6b")
    canvas.box((40, 44, 1052, 512), "#fff3e4")
    canvas.box((40, 44, 660, 512), "#d6402b")
    _rays(canvas, (40, 44, 660, 512))
    for i in range(13):
        for x in (40, 1056):
            canvas.disc((x, 62 + i * 36), 10, "#f7d9c4")
    canvas.box((1056, 44, 1070, 530), "#f7d9c4")
    _croissant(canvas, (528, 352))
    canvas.text((92, 128), "CRUMB & CO", 30, "#ffe3c2", bold=2, spacing=4)
    canvas.text((86, 276), "2 for 1", 124, "#fff3e4", bold=2.6)
    canvas.text((92, 338), "every morning", 30, "#ffe3c2", bold=0.6)
    canvas.text((92, 374), "before nine", 30, "#ffe3c2", bold=0.6)
    canvas.box((90, 404, 356, 462), "#fff3e4", radius=29)
    canvas.text((223, 443), "until 31 May 2025", 25, "#a62c1b", anchor="ms", bold=0.8)
    code = qr("https://crumb.example.com/c/2for1?id=PX-88213", "M")
    side = code.modules.shape[0] * 9
    canvas.text((856, 108), "Scan at the till", 28, "#5b2c1c", anchor="ms", bold=0.8)
    canvas.code(code, (856 - side / 2, 138), 9, dark="#3c1a10")
    canvas.text((856, 478), "PX-88213", 25, "#5b2c1c", anchor="ms", spacing=3)
    drawn = canvas.finish()
    image = drawn.image.quantize(64, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return Drawing(image, drawn.codes)


def _rays(canvas: Canvas, box: Box) -> None:
    center = (528, 352)
    for i in range(0, 48, 2):
        first, second = (math.radians((i + k) * 7.5) for k in (0, 1))
        tips = []
        for angle in (first, second):
            across, down = math.cos(angle), math.sin(angle)
            room_x = (box[2] - center[0]) / across if across > 0 else (box[0] - center[0]) / across
            room_y = (box[3] - center[1]) / down if down > 0 else (box[1] - center[1]) / (down or 1)
            reach = min(room_x, room_y if down else room_x)
            tips.append((center[0] + across * reach, center[1] + down * reach))
        canvas.polygon([center, *tips], "#e2553c")


def _croissant(canvas: Canvas, at: tuple[float, float]) -> None:
    x, y = at
    canvas.disc((x + 4, y + 74), (112, 15), "#b5321f")
    parts = (
        (-86, 34, 26, 34),
        (86, 34, 26, 34),
        (-52, 2, 34, 46),
        (52, 2, 34, 46),
        (0, -16, 44, 56),
    )
    for dx, dy, across, down in parts:
        canvas.disc((x + dx, y + dy), (across + 4, down + 4), "#8a4a17")
        canvas.disc((x + dx, y + dy), (across, down), "#e39a3b")
        canvas.disc(
            (x + dx - across * 0.15, y + dy - down * 0.3), (across * 0.6, down * 0.45), "#f6c065"
        )


@case("A sticker on a transparent ground and a stamp whose light modules are transparent.", png())
def transparent_sticker() -> Drawing:
    """An RGBA picture: one code on its own paper, one that needs a light page behind it."""
    canvas = Canvas((900, 900), "#1f6f5c")
    paint = Canvas((900, 900), "#000000")
    shadow = Canvas((900, 900), "#000000")
    points = _scallops((450, 390), 330, 26)
    shadow.polygon([(x + 4, y + 12) for x, y in points], "#ffffff66", blur=12)
    paint.polygon(points, "#ffffff")
    canvas.polygon(points, "#ffffff")
    canvas.disc((450, 390), 318, "#1f6f5c")
    canvas.disc((450, 390), 318, outline="#ffffff", width=3)
    canvas.disc((450, 390), 306, outline="#f2c14e", width=5)
    canvas.text((450, 172), "PLANT SWAP", 38, "#ffffff", anchor="ms", bold=2, spacing=4)
    code = qr("https://plants.example.org/swap/may", "Q")
    side = code.modules.shape[0] * 9
    canvas.box(
        (450 - side / 2 - 38, 204, 450 + side / 2 + 38, 204 + side + 76), "#fffdf5", radius=26
    )
    canvas.code(code, (450 - side / 2, 242), 9, dark="#12453a")
    canvas.text((450, 642), "bring one, take one", 31, "#f2c14e", anchor="ms", bold=0.8)
    for side_x in (-1, 1):
        _leaf(canvas, (450 + side_x * 250, 390), side_x)
    stamp = qr("https://example.org/s/88", "M")
    width = stamp.modules.shape[0] * 4
    box = canvas.code(stamp, (200, 776), 4, dark="#12453a")
    paint.code(stamp, box[:2], 4, dark="#ffffff")
    for sheet, ink in ((canvas, "#12453a"), (paint, "#ffffff")):
        sheet.text((200 + width + 32, 810), "Cut me out", 30, ink, bold=1)
        sheet.text((200 + width + 32, 850), "and stick me on your pot", 26, ink)
    drawn = canvas.finish()
    alpha = paint.finish().image.convert("L")
    below = Image.new("RGBA", drawn.image.size, "#0a2b24")
    below.putalpha(shadow.finish().image.convert("L"))
    drawn.image.putalpha(alpha)
    return Drawing(Image.alpha_composite(below, drawn.image), drawn.codes)


def _scallops(center: tuple[float, float], radius: float, count: int) -> list[tuple[float, float]]:
    points = []
    for i in range(720):
        angle = math.radians(i / 2)
        reach = radius + 14 * abs(math.sin(angle * count / 2))
        points.append((center[0] + math.cos(angle) * reach, center[1] + math.sin(angle) * reach))
    return points


def _leaf(canvas: Canvas, at: tuple[float, float], side: int) -> None:
    x, y = at
    canvas.line([(x, y + 70), (x, y - 60)], "#7fc8a9", 5)
    for i in range(4):
        for way in (-1, 1):
            top = y + 40 - i * 32
            canvas.polygon(
                [
                    (x, top),
                    (x + way * 14, top - 26),
                    (x + way * 34, top - 30),
                    (x + way * 24, top - 8),
                ],
                "#7fc8a9" if way == side else "#58ad8b",
            )
