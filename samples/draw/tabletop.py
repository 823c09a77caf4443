"""Papers on a table: photographed from above or across it."""

import numpy as np

from draw import light
from draw.canvas import Canvas, Drawing, turned
from draw.codes import emv_payment, qr, symbol
from draw.files import Store, case, jpeg

RECEIPT = (
    ("Jasmine rice 1 kg", "18.60"),
    ("Spring onions", "3.20"),
    ("Silken tofu, 2 x", "9.80"),
    ("Chilli crisp 210 g", "16.50"),
    ("Eggs, ten", "14.90"),
    ("Pears 0.84 kg", "11.76"),
    ("Paper bag", "0.50"),
)


@case("A receipt on a table with a QR code and a linear code, slightly askew.", jpeg(84))
def receipt() -> Drawing:
    """A curled till receipt on planks."""
    table = Canvas((1000, 1450), light.wood((1000, 1450), "#4a2c1a", "#94633c", 11, planks=5))
    sheet = _receipt_sheet()
    sheet.shade(_curl(sheet, 0.05))
    at = ((232, 96), (772, 70), (806, 1372), (214, 1394))
    table.polygon([(x + 16, y + 22) for x, y in at], "#1b0d05aa", blur=20)
    table.polygon([(x + 3, y + 5) for x, y in at], "#1b0d0599", blur=4)
    table.lay(sheet, at)
    return table.finish().through(
        light.lit((0.3, 0.22), 0.75, 0.35), light.vignette(0.25), light.grain(3, 1)
    )


def _receipt_sheet() -> Canvas:
    sheet = Canvas((560, 1260), "#fdfbf6")
    ink = "#26262b"
    sheet.text((280, 88), "HANA'S GROCERY", 42, ink, anchor="ms", bold=2, spacing=2)
    sheet.text((280, 124), "12 Sample Street · Exampleton", 22, ink, anchor="ms")
    sheet.text((280, 152), "17 May 2025  18:24   till 3   no. 0417", 20, ink, anchor="ms")
    sheet.dashes((40, 182), (520, 182), ink, 2, 6)
    for i, (item, price) in enumerate(RECEIPT):
        sheet.text((40, 226 + i * 36), item, 24, ink)
        sheet.text((520, 226 + i * 36), price, 24, ink, anchor="rs")
    sheet.dashes((40, 466), (520, 466), ink, 2, 6)
    sheet.text((40, 516), "TOTAL  CNY", 34, ink, bold=2)
    sheet.text((520, 516), "75.26", 38, ink, anchor="rs", bold=2)
    for i, (label, value) in enumerate((("Cash", "100.00"), ("Change", "24.74"), ("Tax", "6.21"))):
        sheet.text((40, 560 + i * 32), label, 22, ink)
        sheet.text((520, 560 + i * 32), value, 22, ink, anchor="rs")
    code = qr("https://hana.example.com/r/0417?t=18240517&s=75.26", "M")
    side = code.modules.shape[0] * 8
    sheet.code(code, (280 - side / 2, 676), 8, dark=ink)
    sheet.text((280, 676 + side + 44), "Scan for points and your invoice", 23, ink, anchor="ms")
    sheet.dashes((40, 1020), (520, 1020), ink, 2, 6)
    number = symbol("code128", "R0417-180525-03")
    width = number.modules.shape[1] * 2.5
    sheet.code(number, (280 - width / 2, 1050), 2.5, height=92, dark=ink)
    sheet.text((280, 1178), "R0417-180525-03", 23, ink, anchor="ms", spacing=3)
    sheet.text((280, 1224), "Thank you, come again", 23, ink, anchor="ms")
    return sheet


def _curl(sheet: Canvas, depth: float) -> np.ndarray:
    """Soft bends across a paper, and fine crumples."""
    y = np.linspace(0, 1, sheet.size[1], dtype=np.float32)[:, None]
    bends = 1 - depth + depth * np.sin(y * 9.2 + 0.6)
    return bends * (0.965 + 0.07 * light.clouds(sheet.size, (90, 70), 5))


@case(
    "A tent card on a café table, seen across it: perspective, blur and a payment code.", jpeg(84)
)
def cafe_table() -> Drawing:
    """A card with an EMV payment code under perspective, a cup beside it."""
    ground = Canvas((1400, 1050), "#2b1a12")
    ground.gradient((0, 0, 1400, 520), "#3a251b", "#7a5136")
    room = light.bokeh(
        (1400, 1050), ground.finish().image, ["#ffcf87", "#ff9d5c", "#ffe9c7", "#9fd0c4"], 21, 46
    )
    scene = Canvas((1400, 1050), light.softened(5)(room))
    planks = Canvas((1400, 1000), light.wood((1400, 1000), "#5d3820", "#b57d4c", 32, planks=7))
    scene.lay(planks, ((-60, 428), (1460, 428), (2250, 1050), (-850, 1050)))
    scene.box((-20, 418, 1420, 436), "#1e100899", blur=7)
    _cup(scene, (1138, 690))
    _tent_card(scene)
    return scene.finish().through(
        light.lit((0.4, 0.5), 0.62, 0.35),
        light.softened(0.6),
        light.vignette(0.35),
        light.grain(2.5, 202),
    )


def _tent_card(scene: Canvas) -> None:
    card = Canvas((560, 760), "#fffaf0")
    card.gradient((0, 0, 560, 170), "#1d5c4f", "#17483f")
    card.text((280, 92), "The Slow Cup", 58, "#fff3d9", anchor="ms", bold=1.6)
    card.text((280, 136), "pay at the table", 28, "#bfe0cf", anchor="ms")
    code = qr(emv_payment("EX0004172205", "The Slow Cup", "Exampleton"), "L")
    side = code.modules.shape[0] * 10
    card.box((280 - side / 2 - 44, 196, 280 + side / 2 + 44, 196 + side + 88), "#ffffff", radius=20)
    card.code(code, (280 - side / 2, 240), 10)
    card.text((280, 716), "Table 9 · thank you", 32, "#1d5c4f", anchor="ms", bold=0.8)
    face = ((392, 232), (786, 196), (832, 812), (366, 864))
    scene.polygon(
        [(372, 850), (832, 806), (938, 764), (1090, 800), (880, 846), (420, 882)],
        "#140a04aa",
        blur=13,
    )
    scene.line([(370, 864), (832, 813), (937, 771)], "#140a04cc", 7, blur=3)
    scene.polygon([(786, 196), (800, 206), (938, 770), (832, 812)], "#cfc4ae")
    scene.lay(card, face)
    scene.line([face[0], face[1]], "#fffdf6", 2)


def _cup(scene: Canvas, at: tuple[float, float]) -> None:
    x, y = at
    scene.disc((x + 26, y + 62), (246, 74), "#140a04aa", blur=18)
    scene.disc((x, y + 40), (236, 72), "#d9d0c1")
    scene.disc((x, y + 32), (236, 70), "#f6f0e4")
    scene.disc((x, y + 32), (150, 42), "#dcd3c3", blur=5)
    scene.arc((x + 92, y - 88, x + 206, y), -100, 120, "#e9e1d2", 22)
    outline = ((-142, -108), (142, -108), (96, 22), (52, 44), (-52, 44), (-96, 22))
    scene.polygon(
        [(x + across, y + down) for across, down in outline],
        "#f3ecdf",
    )
    scene.polygon(
        [(x + 60, y - 90), (x + 140, y - 104), (x + 94, y + 20), (x + 40, y + 40)],
        "#b9ab9555",
        blur=14,
    )
    scene.disc((x, y - 108), (142, 42), "#fffaf0")
    scene.disc((x, y - 104), (128, 35), "#5a3018")
    scene.disc((x - 6, y - 104), (96, 24), "#c98f5a", blur=4)
    scene.disc((x - 4, y - 104), (52, 12), "#f0d9b8", blur=3)


@case(
    "A railway ticket with an Aztec code, which has no quiet zone of its own.",
    jpeg(85, subsampling="4:4:4"),
)
def train_ticket() -> Drawing:
    """A card ticket on dark slate."""
    table = Canvas((1300, 860), light.plaster((1300, 860), "#20262b", "#4b555c", 51))
    ticket = Canvas((1060, 560), "#fdf1dc")
    for i in range(0, 1060, 26):
        ticket.line([(i, 0), (i + 210, 560)], "#f7d9ae66", 6)
    ticket.box((0, 0, 1060, 92), "#e4572e")
    ticket.box((0, 516, 1060, 560), "#e4572e")
    ticket.text((44, 62), "EXAMPLE RAIL", 42, "#ffffff", bold=2.2, spacing=3)
    ticket.text((1016, 60), "DAY RETURN", 32, "#ffe6d8", anchor="rs", bold=1.2, spacing=1)
    for i, (label, value) in enumerate((("From", "Exampleton Central"), ("To", "Harbour Quay"))):
        ticket.text((44, 152 + i * 98), label, 22, "#9a6a48")
        ticket.text((44, 196 + i * 98), value, 43, "#3a2417", bold=1.2)
    fields = (
        ("Date", "17 MAY 25", 44),
        ("Class", "STD", 258),
        ("Coach", "C", 380),
        ("Seat", "41A", 478),
    )
    for label, value, x in fields:
        ticket.text((x, 350), label, 22, "#9a6a48")
        ticket.text((x, 390), value, 34, "#3a2417", bold=1)
    ticket.text((44, 468), "Adult  24.90", 34, "#3a2417", bold=1)
    ticket.text((270, 468), "No. EX-7741-0093-K", 24, "#7d5a41")
    content = "EXR:7741-0093-K;XCN-XHQ;2025-05-17;STD;C41A;ADT;24.90;any train, one break allowed"
    code = symbol("aztec", content)
    module = 9 if code.modules.shape[0] < 38 else 8
    side = code.modules.shape[0] * module
    ticket.code(
        code,
        (1016 - side, 148 + (330 - side) / 2),
        module,
        dark="#23160e",
        light="#ffffff",
        radius=10,
    )
    at = turned((650, 432), (1060, 560), -5)
    table.polygon([(x + 12, y + 18) for x, y in at], "#000000bb", blur=16)
    table.lay(ticket, at)
    return table.finish().through(
        light.lit((0.35, 0.2), 0.9, 0.3), light.vignette(0.3), light.grain(2.5, 3)
    )


@case(
    "A portrait photo stored lying on its side (orientation 6), the code in its thumbnail too.",
    Store(
        "JPEG",
        orientation=6,
        thumbnail=320,
        thumbnail_codes=1,
        exif=True,
        options={"quality": 85, "subsampling": "4:2:2", "optimize": True},
    ),
)
def rotated_business_card() -> Drawing:
    """A florist's card on linen, in the shade of leaves."""
    cloth = _linen((1050, 1400))
    table = Canvas((1050, 1400), cloth)
    card = Canvas((720, 1060), "#fffdf8")
    card.gradient((0, 0, 720, 300), "#f6b7a8", "#e98a86")
    for x, y, radius in ((96, 60, 64), (210, 210, 46), (600, 90, 84), (480, 230, 40)):
        _flower(card, (x, y), radius)
    card.text((360, 176), "Peony & Pine", 68, "#ffffff", anchor="ms", bold=2)
    card.text((360, 384), "Jo Example, florist", 38, "#4b2e2a", anchor="ms", bold=1)
    card.text((360, 430), "7 Placeholder Lane · Exampleton", 26, "#94746d", anchor="ms")
    code = qr("https://peony.example.com/jo", "M")
    side = code.modules.shape[0] * 18
    card.code(code, (360 - side / 2, 474), 18, dark="#3b2320")
    card.text((360, 474 + side + 54), "flowers for every day", 28, "#94746d", anchor="ms")
    at = turned((525, 700), (720, 1060), 4)
    table.polygon([(x + 14, y + 20) for x, y in at], "#3a2a1c88", blur=20)
    table.lay(card, at)
    _leaf_shade(table)
    return table.finish().through(light.vignette(0.22), light.grain(2.5, 104))


def _linen(size: tuple[int, int]) -> "light.Image.Image":
    warp, weft = light.clouds(size, (3, 90), 61), light.clouds(size, (90, 3), 62)
    return light.blend("#b39f83", "#e6d8c1", 0.5 * warp + 0.5 * weft)


def _flower(card: Canvas, at: tuple[float, float], radius: float) -> None:
    for i in range(6):
        angle = i * np.pi / 3
        place = (at[0] + np.cos(angle) * radius * 0.6, at[1] + np.sin(angle) * radius * 0.6)
        card.disc(place, radius * 0.5, "#fff1ec55")
    card.disc(at, radius * 0.28, "#ffd98a99")


def _leaf_shade(table: Canvas) -> None:
    """The shadow of a twig that stands outside the picture."""
    for i in range(9):
        x, y = 1010 - i * 52, 30 + i * 46
        for way in (-1, 1):
            tip = (x - 96 - way * 26, y + 30 + way * 84)
            side = (x - 70 + way * 24, y + 30 + way * 30)
            table.polygon(
                [(x, y), side, tip, (x - 30 - way * 40, y + 40 + way * 36)], "#3a2a1c30", blur=9
            )


@case(
    "A library card as a progressive JPEG with an embedded sRGB profile, which has to stay.",
    Store(
        "JPEG",
        icc=True,
        options={"quality": 86, "subsampling": "4:4:4", "progressive": True},
    ),
)
def library_card() -> Drawing:
    """A library card with an owl on a green desk mat."""
    table = Canvas((1200, 860), light.plaster((1200, 860), "#1e4a43", "#2f6b5f", 71))
    card = Canvas((960, 600), "#fdf8ec")
    mask = Canvas((960, 600), "#000000")
    mask.box((0, 0, 960, 600), "#ffffff", radius=40)
    card.gradient((0, 0, 960, 600), "#fff7e0", "#f3d9a6")
    card.gradient((0, 0, 960, 132), "#5b2a86", "#b0467f", across=True)
    card.text((48, 86), "Exampleton City Library", 46, "#fff4de", bold=1.6)
    _owl(card, (176, 336))
    card.text((326, 222), "Robin Sample", 37, "#3a1c4f", bold=1.4)
    for i, (label, value) in enumerate(
        (("Reader", "EX 2041 7755"), ("Since", "May 2019"), ("Branch", "Harbour"))
    ):
        card.text((326, 284 + i * 78), label, 22, "#97764a")
        card.text((326, 318 + i * 78), value, 30, "#3a1c4f", bold=0.8)
    code = qr("LIB:EX20417755;BR:HARBOUR", "Q")
    side = code.modules.shape[0] * 11
    card.box((912 - side - 44, 176, 912, 176 + side + 44), "#ffffff", radius=22)
    card.code(code, (912 - side - 22, 198), 11, dark="#3a1c4f")
    card.text((48, 566), "library.example.org", 24, "#97764a")
    card.text((912, 566), "return by the door, day and night", 22, "#97764a", anchor="rs")
    at = turned((600, 430), (960, 600), 3)
    _soft_card_shadow(table, at)
    table.lay(card, at, mask=mask.image.convert("L"))
    table.line([(1010, 850), (1186, 620)], "#00000066", 30, blur=12)
    _pencil(table, (1002, 838), (1178, 608))
    return table.finish().through(
        light.lit((0.3, 0.15), 1.0, 0.4), light.vignette(0.25), light.grain(2, 5)
    )


def _soft_card_shadow(table: Canvas, at: tuple) -> None:
    table.polygon([(x + 10, y + 16) for x, y in at], "#041512aa", blur=18)


def _pencil(table: Canvas, start: tuple[float, float], end: tuple[float, float]) -> None:
    across = np.array([end[1] - start[1], start[0] - end[0]], float)
    across *= 11 / np.hypot(*across)
    first, last = np.array(start, float), np.array(end, float)
    along = (last - first) / np.hypot(*(last - first))
    body = first + along * 46
    for shift, color in ((-1, "#f0b429"), (-0.33, "#ffc94d"), (0.33, "#d9951a")):
        low, high = across * shift, across * (shift + 0.67)
        table.polygon([tuple(p) for p in (body + low, body + high, last + high, last + low)], color)
    table.polygon([tuple(first), tuple(body + across), tuple(body - across)], "#f1d6ae")
    tip = first + along * 14
    table.polygon([tuple(first), tuple(tip + across * 0.3), tuple(tip - across * 0.3)], "#2b2b2b")


def _owl(card: Canvas, at: tuple[float, float]) -> None:
    x, y = at
    card.disc((x, y), 122, "#5b2a8622")
    card.disc((x, y + 22), (74, 92), "#7a4a2b")
    card.disc((x, y + 48), (48, 60), "#e8c48e")
    for way in (-1, 1):
        card.polygon(
            [(x + way * 20, y - 56), (x + way * 70, y - 92), (x + way * 68, y - 24)], "#7a4a2b"
        )
        card.disc((x + way * 30, y - 22), 32, "#fff7e6")
        card.disc((x + way * 28, y - 20), 15, "#2b1a12")
        card.disc((x + way * 33, y - 26), 5, "#ffffff")
        card.disc((x + way * 66, y + 40), (20, 52), "#633a20")
    card.polygon([(x - 12, y), (x + 12, y), (x, y + 24)], "#f0a22e")
    for row in range(3):
        for i in range(-1, 2):
            left = x + i * 26 - 11
            card.arc((left, y + 28 + row * 22, left + 22, y + 48 + row * 22), 20, 160, "#b98550", 3)
