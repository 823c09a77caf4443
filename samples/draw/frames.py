"""Files with more than one picture in them."""

import math

from PIL import Image

from draw import light
from draw.canvas import Canvas, Drawing
from draw.codes import qr, symbol
from draw.files import Store, case, gif, tiff

_TEASER = (480, 480)


@case("A cinema's animation: the code is on three of six frames, and moves.", gif(700))
def cinema_teaser() -> Drawing:
    """Curtain, title, three frames with the code, and the end."""
    frames = [_teaser(number).finish() for number in range(6)]
    # One palette for all, so that nothing flickers.
    strip = Image.new("RGB", (_TEASER[0], _TEASER[1] * len(frames)))
    for number, frame in enumerate(frames):
        strip.paste(frame.image, (0, number * _TEASER[1]))
    palette = strip.quantize(96, Image.Quantize.MEDIANCUT)
    first, *more = (
        Drawing(f.image.quantize(palette=palette, dither=Image.Dither.NONE), f.codes)
        for f in frames
    )
    return Drawing(first.image, first.codes, tuple(more))


def _teaser(number: int) -> Canvas:
    canvas = Canvas(_TEASER, "#1a1030")
    canvas.gradient((0, 0, 480, 480), "#2b1650", "#0e0a1c")
    _curtain(canvas, open_by=min(number, 2) * 70)
    for index in range(12):
        is_lit = (index + number) % 3 == 0
        canvas.disc((24 + index * 39.3, 462), 6, "#ffd36b" if is_lit else "#6b4a2a")
    if number == 1:
        canvas.text((240, 236), "TONIGHT", 60, "#ffe9b8", anchor="ms", bold=2.4, spacing=5)
        canvas.text((240, 282), "outdoors, if it stays dry", 22, "#c9b6e8", anchor="ms")
    elif 2 <= number <= 4:
        code = qr("https://lumen.example.com/tonight", "M")
        side = code.modules.shape[0] * 7
        left = 240 - side / 2 + (number - 3) * 26
        canvas.text((240, 88), "LUMEN OPEN AIR", 34, "#ffe9b8", anchor="ms", bold=1.6, spacing=2)
        canvas.box((left - 34, 116, left + side + 34, 184 + side), "#fff8e8", radius=18)
        canvas.code(code, (left, 150), 7, dark="#24123f", light="#fff8e8")
        canvas.text((240, 424), "seats at the gate", 22, "#c9b6e8", anchor="ms")
    elif number == 5:
        canvas.text((240, 232), "See you there", 46, "#ffe9b8", anchor="ms", bold=1.6)
        canvas.text((240, 276), "doors 20:30", 24, "#c9b6e8", anchor="ms")
    return canvas


def _curtain(canvas: Canvas, *, open_by: int) -> None:
    """Two halves with folds, drawn aside."""
    for side in (-1, 1):
        for fold in range(7):
            near = 240 + side * (fold * 36 + open_by * 1.6)
            far = near + side * 38
            color = "#7c1f33" if fold % 2 else "#641829"
            left, right = sorted((near, far))
            if left < 480 and right > 0:
                canvas.box((left, 0, right, 438), color)


@case("A delivery note scanned to three pages: fax, grey and colour, one code on two.", tiff())
def delivery_note() -> Drawing:
    """Terms, the note with a Code 128, and a leaflet with a QR code."""
    terms, note, leaflet = _terms().finish(), _note().finish(), _leaflet().finish()
    fax = terms.image.convert("L").point(lambda value: 255 * (value > 140), "1")
    return Drawing(fax, terms.codes, (Drawing(note.image.convert("L"), note.codes), leaflet))


def _terms() -> Canvas:
    page = Canvas((620, 860))
    page.text((60, 96), "Terms of delivery", 36, "#000000", bold=1.4)
    for number in range(18):
        width = 470 + round(30 * math.sin(number * 2.3))
        if number % 6 == 5:
            continue
        page.text((60, 160 + number * 36), f"{number + 1}.", 18, "#000000")
        page.line([(96, 154 + number * 36), (60 + width, 154 + number * 36)], "#000000", 3)
    return page


def _note() -> Canvas:
    page = Canvas((620, 420))
    page.text((48, 78), "Delivery note", 36, "#202020", bold=1.2)
    page.text((48, 116), "Example Crates Ltd. · order A-1027", 20, "#606060")
    for row, (count, what) in enumerate((("4", "crate, oak"), ("12", "lid"), ("1", "pallet"))):
        page.text((64, 172 + row * 34), count, 22, "#202020")
        page.text((120, 172 + row * 34), what, 22, "#202020")
        page.line([(48, 182 + row * 34), (572, 182 + row * 34)], "#b0b0b0", 1)
    code = symbol("code128", "DN-2025-1027")
    width = code.modules.shape[1] * 3
    page.code(code, (310 - width / 2, 288), 3, height=80)
    page.text((310, 396), "DN-2025-1027", 20, "#404040", anchor="ms", spacing=3)
    return page


def _leaflet() -> Canvas:
    page = Canvas((420, 420), "#f4efe4")
    page.box((0, 0, 420, 92), "#2f6f5e")
    page.text((210, 60), "How did we do?", 34, "#ffffff", anchor="ms", bold=1.2)
    code = qr("https://crates.example.com/rate/1027", "M")
    side = code.modules.shape[0] * 7
    page.code(code, (210 - side / 2, 132), 7, dark="#1d3f36", light="#f4efe4")
    page.text((210, 386), "two questions, one minute", 20, "#5d6d66", anchor="ms")
    return page


@case(
    "A seller painted over the code; the thumbnail still shows it, and nothing else does.",
    Store(
        "JPEG",
        thumbnail=300,
        thumbnail_codes=1,
        exif=True,
        options={"quality": 86, "subsampling": "4:2:0", "optimize": True},
    ),
)
def retouched_listing() -> Drawing:
    """A lamp for sale, with a note that was scrawled over before it was posted."""
    before, after = _listing().finish(), _listing(is_retouched=True).finish()
    steps = (light.vignette(0.18), light.grain(2.0, 77))
    return Drawing(after.through(*steps).image, (), (), before.through(*steps).image)


def _listing(*, is_retouched: bool = False) -> Canvas:
    scene = Canvas((900, 900), light.plaster((900, 900), "#cfc4b2", "#efe7da", 31))
    scene.box((0, 700, 900, 900), "#8a6242")
    scene.box((0, 700, 900, 712), "#6d4a30")
    scene.disc((250, 770), (150, 26), "#4a32208a", blur=14)
    scene.polygon([(150, 330), (350, 330), (300, 150), (200, 150)], "#e7b64c")
    scene.box((242, 330, 258, 740), "#3d3d44")
    scene.disc((250, 752), (86, 20), "#3d3d44")
    scene.disc((250, 420), 150, "#ffe9a855", blur=60)
    scene.box((456, 184, 836, 640), "#5a46302e", radius=6, blur=16)
    scene.box((448, 170, 828, 628), "#fffdf6", radius=4)
    scene.text((638, 236), "Lamp, 25.-", 46, "#2a2a33", anchor="ms", bold=1.4)
    code = qr("https://pay.example.com/lamp", "M")
    side = code.modules.shape[0] * 12
    left = 638 - side / 2
    if not is_retouched:
        scene.code(code, (left, 274), 12, light="#fffdf6")
    else:
        scene.box((left - 14, 262, left + side + 14, 286 + side), "#2e8f83", radius=24)
        scene.text((638, 274 + side / 2 + 12), "sold!", 70, "#ffffff", anchor="ms", bold=2)
    return scene
