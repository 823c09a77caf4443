"""Attacks that bring back what a classical mosaic or blur hides, and get nothing from ours.

Each is first shown to work: on a picture in which stock decoders read nothing any more.
"""

import io
import itertools

import cv2
import numpy as np
import pytest
import zxingcpp
from PIL import Image

from redactor import codec
from redactor.detect.remedies import deblurred, restored
from redactor.drawing import patches
from redactor.geometry import Quad
from redactor.model import Action, Region, Style

SECRET = "https://example.org/pay/4711"
MODULE, BLOCK, LEFT, TOP = 8, 11, 60, 50  # pixels


def symbol_of(content):
    """Give the modules of a code, True where dark, without its quiet zone."""
    code = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.QRCode)
    return np.array(zxingcpp.write_barcode_to_image(code, scale=1, add_quiet_zones=False)) == 0


def paper(content, *, module=MODULE):
    """Print a code on white paper; gives a grey raster."""
    dark = symbol_of(content).repeat(module, axis=0).repeat(module, axis=1)
    shades = np.where(dark, 0, 255).astype(np.uint8)
    return np.pad(shades, ((TOP, TOP), (LEFT, LEFT)), constant_values=255)


def read(gray):
    return {code.text for code in zxingcpp.read_barcodes(np.ascontiguousarray(gray))}


def region_on(sheet, action):
    height, width = sheet.shape
    quad = Quad.from_box(LEFT - 9, TOP - 9, width - 2 * LEFT + 18, height - 2 * TOP + 18)
    return Region(quad, action, Style(color=None, blocks=12))


def redacted(sheet, action, form="PNG"):
    """Hide the code the way the pipeline does; gives the bytes."""
    file = io.BytesIO()
    options = {"lossless": True} if form == "WEBP" else {}
    Image.fromarray(sheet).save(file, form, **options)
    picture = codec.open_picture(file.getvalue())
    return picture.encode(tuple(patches(picture, [region_on(sheet, action)])))[0]


def ours(sheet, action):
    return np.asarray(Image.open(io.BytesIO(redacted(sheet, action))).convert("L"))


# Block by block: a mean tells how many pixels of a block are dark, and there are few ways for
# whole modules to make up that number.


def mosaic(sheet):
    """Give every block its mean, from the code's first pixel on."""
    result = sheet.copy()
    height, width = sheet.shape
    for top, left in itertools.product(
        range(TOP, height - TOP, BLOCK), range(LEFT, width - LEFT, BLOCK)
    ):
        block = result[top : top + BLOCK, left : left + BLOCK]
        block[:] = round(float(block.mean()))
    return result


def overlaps(count):
    """Give for each block along a side the modules it touches, and the pixels of each."""
    side = count * MODULE
    for start in range(0, side, BLOCK):
        place = np.arange(start, min(start + BLOCK, side + LEFT))
        modules, pixels = np.unique(place[place < side] // MODULE, return_counts=True)
        yield modules, pixels, len(place)


def solve(picture, count):
    """Find the modules of a code under a mosaic; gives the share of dark for each, 0 to 1.

    Blocks are looked at again and again: a module on which all the ways to make up a block's
    mean agree is known, and leaves fewer ways to its neighbours.
    """
    known = np.full((count, count), -1)
    blocks = [
        (rows, columns, np.outer(down, across).ravel(), tall * wide, top, left)
        for (top, (rows, down, tall)), (left, (columns, across, wide)) in itertools.product(
            *[list(enumerate(overlaps(count)))] * 2
        )
    ]
    for _ in range(12):
        before = known.copy()
        for rows, columns, pixels, area, top, left in blocks:
            cells = np.ix_(rows, columns)
            mean = float(picture[TOP + top * BLOCK, LEFT + left * BLOCK])
            settled = known[cells].ravel()
            ways = np.array(list(itertools.product((0, 1), repeat=len(pixels))))
            ways = ways[((settled < 0) | (ways == settled)).all(axis=1)]
            if len(ways):
                error = np.abs(255 * (1 - ways @ pixels / area) - mean)
                ways = ways[error <= 0.51]
            if len(ways):
                agreed = np.where((ways == ways[0]).all(axis=0), ways[0], settled)
                known[cells] = agreed.reshape(len(rows), len(columns))
        if np.array_equal(before, known):
            break
    return known


def as_picture(modules):
    """Print modules; those that are not known are grey."""
    shades = np.choose(modules + 1, [128, 255, 0]).astype(np.uint8)
    return np.pad(
        shades.repeat(MODULE, axis=0).repeat(MODULE, axis=1), 4 * MODULE, constant_values=255
    )


def test_the_block_by_block_solver_undoes_a_classical_mosaic_and_gets_nothing_from_ours():
    sheet, modules = paper(SECRET), symbol_of(SECRET)
    hidden = mosaic(sheet)
    assert read(sheet) == {SECRET}
    assert read(hidden) == set()

    assert read(as_picture(solve(hidden, len(modules)))) == {SECRET}
    for action in (Action.PIXELATE, Action.BLUR, Action.FILL):
        solved = solve(ours(sheet, action), len(modules))
        assert read(as_picture(solved)) == set()


# Deconvolution: a blur of known width is undone.


@pytest.mark.parametrize(
    ("undo", "sigma"),
    [(lambda soft, s: deblurred(soft, s), 6.5), (lambda soft, s: restored(soft, s, 100), 5.0)],
    ids=["Wiener", "Richardson-Lucy"],
)
def test_deconvolution_undoes_a_classical_blur_and_gets_nothing_from_ours(undo, sigma):
    sheet = paper(SECRET)
    soft = cv2.GaussianBlur(sheet, (0, 0), sigma)
    assert read(soft) == set()

    assert read(undo(soft, sigma)) == {SECRET}
    for action in (Action.BLUR, Action.PIXELATE):
        for guess in (2.0, 4.0, sigma, 9.0):
            assert read(undo(ours(sheet, action), guess)) == set()


# A dictionary: with a list of what the code may say, each is rendered and compared.


def candidates(count):
    return [f"https://example.org/{index:08}" for index in range(count)]


def test_a_dictionary_finds_what_a_classical_blur_hides():
    contents = candidates(60)
    blurs = [cv2.GaussianBlur(paper(content, module=3), (0, 0), 12) for content in contents]

    distances = [np.abs(blur.astype(int) - blurs[41]).sum() for blur in blurs]

    assert np.argsort(distances)[0] == 41
    assert sorted(distances)[1] > 0


@pytest.mark.parametrize(
    ("action", "form", "count"),
    [(Action.PIXELATE, "JPEG", 1000), (Action.BLUR, "PNG", 100), (Action.FILL, "WEBP", 20)],
)
def test_a_dictionary_does_no_better_than_chance_on_ours(action, form, count):
    # Every candidate comes out as the very bytes of the target: none is likelier than another.
    target = redacted(paper("https://example.org/00000xyz", module=3), action, form)

    equal = sum(redacted(paper(c, module=3), action, form) == target for c in candidates(count))

    assert equal == count
