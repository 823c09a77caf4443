"""Screenshots and other flat pictures made for a screen."""

from draw import light
from draw.canvas import Box, Canvas, Drawing
from draw.codes import qr
from draw.files import case, png, webp

INK = "#1d2129"
FAINT = "#86909c"


@case("Two wallets' payment codes in a phone's screenshot, the commonest upload to hide.", png())
def payment_screenshot() -> Drawing:
    """A phone screen with an Alipay-style and a WeChat-Pay-style code."""
    canvas = Canvas((720, 1520), "#f2f3f7")
    canvas.gradient((0, 0, 720, 520), "#ffffff", "#f2f3f7")
    _status_bar(canvas, INK)
    canvas.line([(52, 112), (38, 126), (52, 140)], INK, 4)
    canvas.text((360, 136), "Pay merchant", 30, INK, anchor="ms", bold=1.6)
    _noodle_bowl(canvas, (360, 246), 52)
    canvas.text((360, 346), "Hana's Noodle Bar", 28, INK, anchor="ms", bold=1)
    canvas.text((360, 382), "Table 6 · order A-1027", 21, FAINT, anchor="ms")
    canvas.text((312, 462), "CNY", 27, INK, anchor="rs", bold=1)
    canvas.text((324, 462), "68.00", 62, INK, anchor="ls", bold=1.6)
    _wallet(
        canvas, 512, ("#1f82ff", "#0f56d8"), "Alipay", "https://qr.alipay.com/fkx01953example00417a"
    )
    _wallet(
        canvas,
        964,
        ("#1fcb6d", "#0a9a4d"),
        "WeChat Pay",
        "wxp://f2f0EXAMPLE5d1c77e20a94b0000003bd6",
    )
    canvas.box((40, 1410, 680, 1466), "#e7eaf1", radius=28)
    canvas.text((360, 1447), "Codes expire in 04:59", 22, "#4e5969", anchor="ms")
    canvas.box((250, 1496, 470, 1503), "#c9cdd4", radius=3)
    return canvas.finish()


def _status_bar(canvas: Canvas, ink: str) -> None:
    right = canvas.size[0] - 20
    canvas.text((54, 56), "9:41", 26, ink, bold=1.8)
    for i in range(4):
        x = right - 170 + i * 9
        canvas.box((x, 52 - 7 - i * 4, x + 6, 54), ink, radius=1.5)
    for i, reach in enumerate((24, 15)):
        center = (right - 110, 54)
        box = (center[0] - reach, center[1] - reach, center[0] + reach, center[1] + reach)
        canvas.arc(box, 225, 315, ink, 4 + i * 0.5)
    canvas.disc((right - 110, 51), 3.5, ink)
    canvas.box((right - 80, 34, right - 36, 54), outline=ink, radius=6, width=2)
    canvas.box((right - 76, 38, right - 46, 50), ink, radius=3)
    canvas.box((right - 34, 40, right - 31, 48), ink, radius=1)


def _noodle_bowl(canvas: Canvas, center: tuple[float, float], radius: float) -> None:
    x, y = center
    canvas.disc((x, y + 8), radius, "#c2410c40", blur=12)
    canvas.disc(center, radius, "#ff8a3d")
    canvas.disc((x - 10, y - 14), radius * 0.75, "#ffa25e55", blur=10)
    canvas.wedge((x - 34, y - 30, x + 34, y + 38), 0, 180, "#ffffff")
    for i in range(3):
        left = x - 22 + i * 16
        canvas.arc((left, y - 14, left + 12, y + 14), 180, 360, "#fff3c4", 4)
    canvas.line([(x - 6, y - 4), (x + 30, y - 34)], "#7c2d12", 4)
    canvas.line([(x + 4, y - 4), (x + 36, y - 30)], "#7c2d12", 4)
    canvas.box((x - 38, y, x + 38, y + 6), "#ffe8d6", radius=3)


def _wallet(canvas: Canvas, top: float, colors: tuple[str, str], name: str, content: str) -> None:
    box: Box = (40, top, 680, top + 420)
    canvas.box((56, top + 26, 664, top + 430), colors[1] + "66", radius=32, blur=16)
    canvas.gradient(box, *colors, radius=32)
    canvas.disc((560, top + 290), 116, "#ffffff0e")
    canvas.disc((590, top + 310), 84, "#ffffff0e")
    symbol = qr(content, "H")
    side = symbol.modules.shape[0] * 8
    canvas.box((72, top + 42, 72 + 336, top + 42 + 336), "#ffffff", radius=24)
    edge = (336 - side) / 2
    canvas.code(symbol, (72 + edge, top + 42 + edge), 8)
    _mark(canvas, (240, top + 210), colors[1])
    canvas.text((440, top + 100), name, 36, "#ffffff", bold=1.6)
    canvas.text((440, top + 142), "Scan to pay", 24, "#ffffffcc")
    canvas.line([(440, top + 176), (640, top + 176)], "#ffffff44", 1.5)
    for i, (label, value) in enumerate((("Amount", "CNY 68.00"), ("Paid to", "Hana's Noodle Bar"))):
        canvas.text((440, top + 222 + i * 84), label, 19, "#ffffffaa")
        canvas.text((440, top + 252 + i * 84), value, 23, "#ffffff", bold=0.6)


def _mark(canvas: Canvas, center: tuple[float, float], color: str) -> None:
    """A yuan sign on a tile, as wallets put one in the middle of a code."""
    x, y = center
    canvas.box((x - 30, y - 30, x + 30, y + 30), "#ffffff", radius=12)
    canvas.box((x - 24, y - 24, x + 24, y + 24), color, radius=10)
    canvas.line([(x - 11, y - 14), (x, y), (x + 11, y - 14)], "#ffffff", 4)
    canvas.line([(x, y), (x, y + 15)], "#ffffff", 4)
    canvas.line([(x - 10, y + 2), (x + 10, y + 2)], "#ffffff", 3)
    canvas.line([(x - 10, y + 9), (x + 10, y + 9)], "#ffffff", 3)


@case("A ticket in a dark theme: the code is light on dark, which some readers miss.", png())
def dark_mode_ticket() -> Drawing:
    """A concert ticket whose code has white modules on near-black."""
    canvas = Canvas((720, 1440), "#0b0b12")
    canvas.gradient((0, 0, 720, 760), "#241246", "#0b0b12")
    canvas.disc((600, 180), 260, "#ff3d8155", blur=110)
    canvas.disc((110, 320), 220, "#4f46ff66", blur=110)
    _status_bar(canvas, "#ffffff")
    canvas.line([(52, 112), (38, 126), (52, 140)], "#ffffff", 4)
    canvas.text((360, 136), "My ticket", 30, "#ffffff", anchor="ms", bold=1.6)
    card: Box = (44, 196, 676, 1330)
    canvas.box(card, "#15151fee", radius=40)
    canvas.gradient((44, 196, 676, 520), "#ff4d8d", "#6a4bff", radius=40, across=True)
    canvas.box((44, 470, 676, 540), "#161620")
    _sound_wave(canvas, (44, 236, 676, 470))
    canvas.text((84, 300), "NIGHT SIGNALS", 50, "#ffffff", bold=2.2, spacing=1)
    canvas.text((84, 344), "Live at the Example Dome", 26, "#ffffffdd")
    for i, (label, value) in enumerate(
        (("DATE", "Sat 17 May"), ("DOORS", "19:30"), ("SEAT", "B 12"))
    ):
        x = 84 + i * 205
        canvas.text((x, 532), label, 19, "#8b8ba3", spacing=2)
        canvas.text((x, 570), value, 30, "#ffffff", bold=0.8)
    canvas.dashes((92, 630), (628, 630), "#ffffff33", 2, 9)
    canvas.box(card, outline="#ffffff1c", radius=40, width=1.5)
    canvas.wedge((20, 606, 68, 654), -90, 90, "#0d0c18")
    canvas.wedge((652, 606, 700, 654), 90, 270, "#0d0c18")
    symbol = qr("https://tickets.example.com/v/NS-2025-B12-7F3K9Q", "Q")
    side = symbol.modules.shape[0] * 13
    canvas.code(symbol, ((720 - side) / 2, 704), 13, dark="#ffffff", light="#0d0d14", radius=34)
    canvas.text((360, 1228), "NS-2025 · B12 · 7F3K9Q", 25, "#ffffff", anchor="ms", spacing=1.5)
    canvas.text((360, 1272), "Turn up your brightness at the door", 22, "#8b8ba3", anchor="ms")
    canvas.box((250, 1412, 470, 1419), "#ffffff66", radius=3)
    return canvas.finish()


def _sound_wave(canvas: Canvas, box: Box) -> None:
    heights = light.clouds((46, 1), (2.2, 1), 41)[0]
    for i, height in enumerate(heights):
        x = box[0] + 40 + i * 12
        canvas.box((x, box[3] - 8 - height * 92, x + 6, box[3] - 8), "#ffffff50", radius=3)


@case("A profile card shared in a chat, stored as lossy WebP; its code is dark violet.", webp(86))
def profile_card() -> Drawing:
    """A potter's card with a drawn portrait and a coloured code."""
    canvas = Canvas((900, 1200), "#fbe9e1")
    canvas.gradient((0, 0, 900, 1200), "#ffb199", "#7f6bd6")
    canvas.disc((760, 130), 260, "#ffe0b866", blur=60)
    canvas.disc((90, 1080), 300, "#4c2f9c66", blur=70)
    canvas.box((90, 130, 810, 1110), "#2b1a5c66", radius=48, blur=30)
    canvas.box((80, 90, 820, 1080), "#fffaf6", radius=48)
    _portrait(canvas, (450, 240), 112)
    canvas.text((450, 412), "Mira Example", 46, "#2d2150", anchor="ms", bold=1.6)
    canvas.text((450, 456), "Potter · small batches, slow glazes", 25, "#8577a8", anchor="ms")
    for i, (number, label) in enumerate((("214", "posts"), ("8.6k", "followers"), ("97", "pots"))):
        x = 250 + i * 200
        canvas.text((x, 524), number, 32, "#2d2150", anchor="ms", bold=1.2)
        canvas.text((x, 554), label, 20, "#8577a8", anchor="ms")
    symbol = qr("https://social.example.org/@mira.makes.pots", "Q")
    side = symbol.modules.shape[0] * 11
    canvas.box((450 - 222, 592, 450 + 222, 592 + 444), "#f3ecff", radius=36)
    canvas.code(symbol, ((900 - side) / 2, 592 + (444 - side) / 2), 11, dark="#3a1f86")
    canvas.text((450, 1140), "Scan to follow", 24, "#ffffffdd", anchor="ms", spacing=1)
    return canvas.finish()


def _portrait(canvas: Canvas, center: tuple[float, float], radius: float) -> None:
    face = Canvas((240, 240), "#ffd7a8")
    face.gradient((0, 0, 240, 240), "#ffcf8f", "#ff9d8a")
    face.disc((120, 104), (66, 74), "#3b1f2b")
    face.box((54, 104, 186, 170), "#3b1f2b", radius=30)
    face.disc((120, 262), (92, 76), "#4f6d5c")
    face.box((104, 146, 136, 200), "#d98e6b", radius=14)
    face.disc((120, 118), (46, 54), "#eda37d")
    face.wedge((70, 44, 170, 140), 180, 360, "#3b1f2b")
    for x in (101, 139):
        face.disc((x, 118), (5, 6), "#3b1f2b")
        face.disc((x + (-9 if x < 120 else 9), 138), 10, "#f0806a66", blur=3)
    face.arc((102, 122, 138, 154), 30, 150, "#9c3f3a", 4)
    face.box((98, 196, 142, 240), "#e8e0d0", radius=6)
    picture = face.finish().image.resize((int(radius * 4),) * 2)
    disc = Canvas((int(radius * 2),) * 2, "#000000")
    disc.disc((radius, radius), radius, "#ffffff")
    canvas.disc((center[0], center[1] + 10), radius, "#2b1a5c55", blur=16)
    canvas.disc(center, radius + 8, "#ffffff")
    at = (int((center[0] - radius) * 2), int((center[1] - radius) * 2))
    canvas.image.paste(picture, at, disc.image.convert("L"))


@case("A dashboard with charts and a table, dense with lines and text, and no code.", png())
def dashboard() -> Drawing:
    """A screenshot of sales figures."""
    canvas = Canvas((1440, 900), "#f4f6fb")
    _sidebar(canvas)
    canvas.text((280, 78), "Harbour Market", 32, "#111827", bold=1.4)
    canvas.text((280, 110), "Week 20 · all stalls", 19, "#6b7280")
    canvas.box((1220, 52, 1392, 100), "#3b5bfd", radius=12)
    canvas.text((1306, 83), "Export report", 20, "#ffffff", anchor="ms")
    figures = (
        ("Takings", "48 210", "+12.4 %", "#12a150"),
        ("Orders", "1 934", "+3.1 %", "#12a150"),
        ("Average", "24.93", "-1.8 %", "#e5484d"),
        ("Returns", "27", "-9.6 %", "#12a150"),
    )
    for i, figure in enumerate(figures):
        _figure(canvas, 280 + i * 284, figure)
    _bars(canvas, (280, 298, 888, 580))
    _shares(canvas, (908, 298, 1392, 580))
    _table(canvas, (280, 600, 1392, 868))
    return canvas.finish()


def _panel(canvas: Canvas, box: Box) -> None:
    canvas.box((box[0], box[1] + 6, box[2], box[3] + 6), "#11182714", radius=18, blur=9)
    canvas.box(box, "#ffffff", radius=18)


def _sidebar(canvas: Canvas) -> None:
    canvas.gradient((0, 0, 232, 900), "#151b3d", "#0d1230")
    canvas.disc((52, 66), 20, "#5b7cff")
    canvas.polygon([(42, 74), (52, 52), (62, 74)], "#ffffff")
    canvas.text((86, 75), "Tidewater", 25, "#ffffff", bold=1.2)
    names = ("Overview", "Orders", "Stalls", "Stock", "People", "Settings")
    for i, name in enumerate(names):
        y = 152 + i * 58
        if not i:
            canvas.box((18, y - 32, 214, y + 14), "#ffffff1c", radius=12)
        canvas.box(
            (38, y - 20, 58, y), outline="#ffffff" if not i else "#8f9bd0", radius=5, width=2
        )
        canvas.text((76, y - 2), name, 20, "#ffffff" if not i else "#aab3dd")
    canvas.text((38, 852), "v 4.2 · example.com", 16, "#6d79b5")


def _figure(canvas: Canvas, x: float, figure: tuple[str, str, str, str]) -> None:
    label, value, change, color = figure
    _panel(canvas, (x, 138, x + 260, 278))
    canvas.text((x + 24, 176), label, 18, "#6b7280")
    canvas.text((x + 24, 226), value, 42, "#111827", bold=1.2)
    canvas.text((x + 24, 258), change, 18, color, bold=0.8)
    heights = light.clouds((12, 1), (3, 1), int(x))[0]
    points = [(x + 140 + i * 9, 256 - height * 26) for i, height in enumerate(heights)]
    canvas.line(points, color, 2.5)


def _bars(canvas: Canvas, box: Box) -> None:
    _panel(canvas, box)
    canvas.text((box[0] + 24, box[1] + 42), "Takings by day", 21, "#111827", bold=0.8)
    base = box[3] - 50
    for i in range(5):
        y = base - i * 42
        canvas.line([(box[0] + 70, y), (box[2] - 24, y)], "#e5e7eb", 1)
        canvas.text((box[0] + 58, y + 6), f"{i * 3}k", 15, "#9ca3af", anchor="rs")
    days = (
        ("Mon", 70),
        ("Tue", 86),
        ("Wed", 64),
        ("Thu", 98),
        ("Fri", 132),
        ("Sat", 160),
        ("Sun", 118),
    )
    for i, (day, height) in enumerate(days):
        x = box[0] + 92 + i * 70
        canvas.gradient((x, base - height, x + 24, base), "#5b7cff", "#3b5bfd", radius=5)
        canvas.box((x + 28, base - height * 0.78, x + 46, base), "#c7d2fe", radius=5)
        canvas.text((x + 23, base + 28), day, 16, "#6b7280", anchor="ms")


def _shares(canvas: Canvas, box: Box) -> None:
    _panel(canvas, box)
    canvas.text((box[0] + 24, box[1] + 42), "Share by stall", 21, "#111827", bold=0.8)
    ring = (box[0] + 34, box[1] + 72, box[0] + 224, box[1] + 262)
    shares = (
        ("Fish", 34, "#3b5bfd"),
        ("Bread", 26, "#12b5a6"),
        ("Fruit", 22, "#f5a524"),
        ("Flowers", 18, "#e5488f"),
    )
    start = -90.0
    for i, (name, share, color) in enumerate(shares):
        canvas.wedge(ring, start, start + share * 3.6, color)
        start += share * 3.6
        y = box[1] + 112 + i * 40
        canvas.disc((box[0] + 272, y - 6), 7, color)
        canvas.text((box[0] + 290, y), name, 18, "#374151")
        canvas.text((box[2] - 30, y), f"{share} %", 18, "#111827", anchor="rs")
    canvas.disc(((ring[0] + ring[2]) / 2, (ring[1] + ring[3]) / 2), 56, "#ffffff")


def _table(canvas: Canvas, box: Box) -> None:
    _panel(canvas, box)
    columns = ((24, "Order"), (170, "Customer"), (420, "Stall"), (600, "Placed"), (790, "State"))
    for x, name in columns:
        canvas.text((box[0] + x, box[1] + 38), name, 17, "#9ca3af")
    canvas.text((box[2] - 24, box[1] + 38), "Total", 17, "#9ca3af", anchor="rs")
    rows = (
        ("A-1027", "Jo Example", "Fish", "17 May 18:24", "Paid", "68.00"),
        ("A-1026", "Robin Sample", "Bread", "17 May 18:09", "Packed", "12.40"),
        ("A-1025", "Kim Placeholder", "Flowers", "17 May 17:51", "Paid", "31.90"),
        ("A-1024", "Alex Testcase", "Fruit", "17 May 17:40", "Refunded", "9.75"),
        ("A-1023", "Sam Fixture", "Fish", "17 May 17:22", "Paid", "44.10"),
    )
    colors = {"Paid": "#12a150", "Packed": "#3b5bfd", "Refunded": "#e5484d"}
    for i, row in enumerate(rows):
        y = box[1] + 80 + i * 42
        canvas.line([(box[0] + 24, y - 28), (box[2] - 24, y - 28)], "#eef0f4", 1)
        for (x, _), value in zip(columns[:4], row, strict=False):
            canvas.text((box[0] + x, y), value, 18, "#1f2937")
        canvas.box((box[0] + 784, y - 21, box[0] + 884, y + 8), colors[row[4]] + "1f", radius=14)
        canvas.text((box[0] + 834, y - 1), row[4], 16, colors[row[4]], anchor="ms")
        canvas.text((box[2] - 24, y), row[5], 18, "#111827", anchor="rs", bold=0.6)
