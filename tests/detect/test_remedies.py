"""The harder versions of an area: what each brings back that a plain look does not read."""

import cv2
import numpy as np
import pytest
import zxingcpp

from redactor.detect import remedies as v


def read(gray):
    return {code.text for code in zxingcpp.read_barcodes(gray)}


@pytest.fixture(scope="module")
def code():
    barcode = zxingcpp.create_barcode(
        "https://example.org/secret?token=4711", zxingcpp.BarcodeFormat.QRCode
    )
    symbol = np.array(zxingcpp.write_barcode_to_image(barcode, scale=8))
    return np.pad(symbol, 40, constant_values=255)


def blurred(code, sigma):
    return cv2.GaussianBlur(code, (0, 0), sigma)


def faint(code, steps):
    """Put a code on a slope, a few steps of brightness above it."""
    slope = 100 + np.arange(code.shape[1]) / 4
    return (slope[None, :] + (code > 127) * steps).astype(np.uint8)


@pytest.mark.parametrize(
    ("remedy", "damage"),
    [
        (v.deblurred, lambda code: blurred(code, 5.5)),
        (v.deblurred, lambda code: blurred(code, 6.5)),
        (v.split_locally, lambda code: faint(code, 3)),
        (v.split_in_two, lambda code: (100 + (code > 127)).astype(np.uint8)),
    ],
)
def test_a_remedy_brings_back_what_a_plain_look_does_not_read(remedy, damage, code):
    damaged = damage(code)

    assert read(damaged) == set()
    assert read(remedy(damaged)) == read(code)


def test_both_deconvolutions_undo_a_blur_that_they_know(code):
    soft = blurred(code, 6)

    assert read(soft) == set()
    assert read(v.deblurred(soft, 6)) == read(code)
    closer = np.abs(v.restored(soft, 6, rounds=60).astype(int) - code).mean()
    assert closer < 0.8 * np.abs(soft.astype(int) - code).mean()


@pytest.mark.parametrize("shape", [(8, 8), (1, 300), (480, 480), (700, 90), (33, 2000)])
def test_every_version_is_a_grey_raster_that_lies_over_the_area(shape):
    area = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    versions = list(v.hard_variants(area))

    assert len(v.REMEDIES) < len(versions) <= v.HARD_COUNT
    assert sum(is_plain for _, _, is_plain in versions) in (2, 3)
    for version, factor, _ in versions:
        assert version.dtype == np.uint8
        assert version.flags.c_contiguous
        for side, whole in zip(version.shape, shape, strict=True):
            assert side * factor == pytest.approx(whole, abs=factor)


@pytest.mark.parametrize("remedy", v.REMEDIES)
@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_remedy_sees_nothing_where_nothing_is(remedy, shade):
    version = remedy(np.full((60, 80), shade, dtype=np.uint8))

    assert version.shape == (60, 80)
    assert version.std() == 0
