"""Builders of scenes with codes whose corners are known, and of what engines say of them."""

from typing import NamedTuple

import cv2
import numpy as np
import pytest
import zxingcpp

from redactor.detect import LocalDetector
from redactor.geometry import Quad
from redactor.model import Detection, Frame, Pixels, Symbology

PAPER = 235


class Scene(NamedTuple):
    """A grey raster and the corners of the one code in it, in the code's own order."""

    gray: Pixels
    quad: Quad


def _symbol(content, symbology, scale):
    """Give a symbol with its quiet zone, and its own corners."""
    barcode = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat[symbology])
    image = zxingcpp.write_barcode_to_image(barcode, scale=scale, add_quiet_zones=True)
    symbol = np.array(image)
    rows, columns = np.nonzero((symbol < 128).any(axis=1))[0], np.nonzero((symbol < 128).any(0))[0]
    left, top, right, bottom = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return symbol, Quad.of(((left, top), (right, top), (right, bottom), (left, bottom)))


def _placed(symbol_size, size, turn, slant, center):
    """Give the map that turns a symbol about its middle, slants it and puts it in its place."""
    width, height = symbol_size
    angle = np.deg2rad(turn)
    cos, sin = np.cos(angle), np.sin(angle)
    middle = np.array(((1, 0, -width / 2), (0, 1, -height / 2), (0, 0, 1)))
    turned = np.array(((cos, -sin, 0), (sin, cos, 0), (0, 0, 1)))
    slanted = np.array(((1, 0, 0), (0, 1, 0), (slant / width, slant / height / 2, 1)))
    x, y = center or (size[0] / 2, size[1] / 2)
    return np.array(((1, 0, x), (0, 1, y), (0, 0, 1))) @ turned @ slanted @ middle


@pytest.fixture(scope="session")
def a_scene():
    """Give a builder of scenes: a code on paper with some grain.

    Its options: `scale` in pixels to a module; `turn` in degrees; `slant`, of the perspective;
    `size` of the raster; `center` of the code; `spoil` to make it unreadable, its finder patterns
    left; `blur`, a standard deviation in pixels; `low` and `high`, the brightness of bars and of
    paper; `onto`, a raster to draw on.
    """

    def build(
        content="https://example.org/4711",
        symbology="QRCode",
        *,
        scale=4,
        turn=0.0,
        slant=0.0,
        size=(400, 400),
        center=None,
        spoil=False,
        blur=0.0,
        low=25,
        high=PAPER,
        grain=4,
        onto=None,
    ):
        symbol, quad = _symbol(content, symbology, scale)
        if spoil:
            symbol = _spoilt(symbol, quad, scale)
        if onto is not None:
            size = onto.shape[::-1]
        matrix = _placed(symbol.shape[::-1], size, turn, slant, center)
        half = np.array(((1, 0, 0.5), (0, 1, 0.5), (0, 0, 1)))  # OpenCV's pixels have whole centres
        drawn = cv2.warpPerspective(
            symbol, np.linalg.inv(half) @ matrix @ half, size, flags=cv2.INTER_AREA, borderValue=255
        )
        light = drawn / 255.0 if onto is None else np.minimum(drawn / 255.0, _lightness(onto, low))
        if blur:
            light = cv2.GaussianBlur(light, (0, 0), blur)
        noise = np.random.default_rng(11).normal(0, grain / 2, light.shape)
        gray = np.clip(low + (high - low) * light + noise, 0, 255).astype(np.uint8)
        return Scene(gray, quad.map(matrix))

    return build


def _lightness(gray, low):
    return np.clip((gray.astype(float) - low) / (PAPER - low), 0, 1)


def _spoilt(symbol, quad, scale):
    """Turn over modules at random, but for finder patterns and what lies beside them."""
    spoilt = symbol.copy()
    random = np.random.default_rng(3)
    left, top, right, bottom = quad.box
    far = 9 * scale
    for y in range(top, bottom, scale):
        for x in range(left, right, scale):
            near_left, near_top = x - left < far, y - top < far
            near_right, near_bottom = right - x <= far, bottom - y <= far
            at_corner = ((near_left or near_right) and near_top) or (near_left and near_bottom)
            if not at_corner and random.random() < 0.5:
                spoilt[y : y + scale, x : x + scale] = 255 - spoilt[y : y + scale, x : x + scale]
    return spoilt


@pytest.fixture(scope="session")
def detector():
    return LocalDetector()


@pytest.fixture(scope="session")
def find(detector):
    """Give a function that detects in one raster, perhaps of several views."""

    def detect(*views, **fields):
        return detector.detect([Frame(tuple(views), **fields)])

    return detect


@pytest.fixture(scope="session")
def a_code():
    """Give a builder of detections as engines report them."""

    def build(quad, content="one", symbology="qrcode", source="zxing", **fields):
        if not isinstance(quad, Quad):
            quad = Quad.from_box(*quad)
        readings = () if content is None else (content,)
        fields = {"confidence": 1.0, "readings": readings} | fields
        return Detection(quad, Symbology(symbology), content, sources=(source,), **fields)

    return build


@pytest.fixture(scope="session")
def covered():
    """Give the share of a code's area that a quad takes in."""

    def share(code, found):
        return code.overlap(found) / code.area

    return share


@pytest.fixture(scope="session")
def excess():
    """Give how much larger than a code a quad is that is said to be it."""

    def share(code, found):
        return (found.area - code.overlap(found)) / code.area

    return share


@pytest.fixture(scope="session")
def corner_error():
    """Give the largest distance of a corner from the nearest found one, in shares of the side."""

    def error(code, found):
        offsets = code.as_array()[:, None] - found.as_array()[None]
        return float(np.hypot(*np.moveaxis(offsets, -1, 0)).min(axis=1).max()) / max(code.sides)

    return error


@pytest.fixture(scope="session")
def text_page():
    """Give a raster of printed lines: the commonest thing that is no code."""
    page = np.full((420, 560), PAPER, np.uint8)
    for index, y in enumerate(range(30, 410, 22)):
        line = f"The quick brown fox jumps over it, {index * 7919} times, and sleeps."
        cv2.putText(page, line, (12, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 30, 1, cv2.LINE_AA)
    return page
