"""Builders of results and pictures; each hides what does not matter to a test."""

import io

import numpy as np
import pytest
import zxingcpp
from PIL import Image

from redactor.geometry import Quad
from redactor.model import Action, Decision, Detection, Result, Symbology, Verdict
from redactor.report import row

FORMATS = {
    "qrcode": zxingcpp.BarcodeFormat.QRCode,
    "ean13": zxingcpp.BarcodeFormat.EAN13,
    "datamatrix": zxingcpp.BarcodeFormat.DataMatrix,
    "code128": zxingcpp.BarcodeFormat.Code128,
    "pdf417": zxingcpp.BarcodeFormat.PDF417,
}


def make_code(
    content="https://example.com/pay?token=secret",
    symbology="qrcode",
    *,
    action="pixelate",
    rule="default",
    quad=None,
    confidence=1.0,
    **fields,
):
    decided = {key: fields.pop(key) for key in ("reason", "flag") if key in fields}
    fields.setdefault("sources", ("opencv", "zxing"))
    doubt = fields.pop("doubt", None)
    detection = Detection(
        quad=quad or Quad.from_box(10, 10, 80, 80),
        symbology=Symbology(symbology),
        content=content,
        confidence=confidence,
        reason=doubt,
        **fields,
    )
    return Decision(detection, Action(action), rule, **decided)


def make_result(name="photo.jpg", verdict="redacted", *codes, **fields):
    defaults = {"format": "PNG", "size": (100, 100), "policy": "default@1234abcd"}
    return Result(name, Verdict(verdict), codes=codes, **{**defaults, **fields})


def make_symbol(content, symbology="qrcode", *, scale=6):
    """Draw a code; gives an array of grey levels with a quiet zone."""
    barcode = zxingcpp.create_barcode(content, FORMATS[symbology])
    return np.array(barcode.to_image(scale=scale, add_quiet_zones=True))


def make_picture(*symbols, size=(1200, 900), format="PNG", **options):
    """Draw a scene with symbols at places (left, top, array); gives the bytes."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    shade = 140 + 60 * np.sin(x / 170) + 40 * np.cos(y / 110)
    scene = np.stack([shade, shade * 0.95, shade * 0.85], axis=-1).clip(0, 255).astype(np.uint8)
    for left, top, symbol in symbols:
        height, width = symbol.shape[:2]
        scene[top : top + height, left : left + width] = symbol[..., None]
    file = io.BytesIO()
    Image.fromarray(scene).save(file, format, **options)
    return file.getvalue()


@pytest.fixture(scope="session")
def a_code():
    return make_code


@pytest.fixture(scope="session")
def a_result():
    return make_result


@pytest.fixture(scope="session")
def a_row():
    return lambda *args, **fields: row(make_result(*args, **fields))


@pytest.fixture(scope="session")
def a_symbol():
    return make_symbol


@pytest.fixture(scope="session")
def a_picture():
    return make_picture
