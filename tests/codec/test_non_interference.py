"""What is hidden is gone: the bytes written do not depend on it."""

import numpy as np
import pytest
import zxingcpp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redactor.geometry import Quad
from redactor.model import Action, Decision, Detection, Region, Style, Symbology
from redactor.render import region_of

COLORS = st.one_of(st.none(), st.tuples(*[st.integers(0, 255)] * 3))
STYLES = st.builds(Style, color=COLORS, blocks=st.integers(1, 12))
HIDING = st.sampled_from([Action.BLUR, Action.PIXELATE, Action.FILL])
PLACES = st.floats(-15, 75, width=32)
QUADS = st.builds(lambda *values: Quad.of(np.reshape(values, (4, 2))), *[PLACES] * 8)
REGIONS = st.lists(st.builds(Region, QUADS, HIDING, STYLES), min_size=1, max_size=3)
SIZES = st.tuples(st.integers(9, 60), st.integers(9, 60))

KINDS = [
    *[("PNG", kind) for kind in (
        "L", "RGB", "RGBA", "LA", "1", "P", "P of 4 bits", "P of 1 bit", "P with tRNS",
        "L with tRNS", "RGB with tRNS", "1 with tRNS", "P with one clear colour",
    )],
    *[("WEBP", kind) for kind in ("RGB", "RGBA")],
    *[("JPEG", kind) for kind in (
        "4:4:4", "4:2:2", "4:2:0", "4:4:0", "4:1:1", "odd", "progressive", "optimised",
        "restart markers", "EXIF", "RGB", "coarse", "finest", "gray", "CMYK", "progressive CMYK",
        "YCCK",
    )],
]  # fmt: skip


@pytest.mark.parametrize(("form", "kind"), KINDS)
@settings(max_examples=14, suppress_health_check=list(HealthCheck))
@given(size=SIZES, regions=REGIONS, seed=st.integers(0, 999))
def test_pictures_that_differ_inside_the_hidden_regions_alone_come_out_the_same(
    form, kind, size, regions, seed, builders, redact, hidden_pixels, a_scene
):
    build = builders[form][kind]
    pixels = a_scene(*size, channels=4, seed=seed)
    first = build(pixels)
    mask = hidden_pixels(first, *regions)
    other = pixels.copy()
    other[mask] = np.random.default_rng(seed).integers(0, 2, (mask.sum(), 4)) * 255

    assert redact(first, *regions) == redact(build(other), *regions)


@pytest.mark.parametrize("kind", ["4:4:4", "4:2:0", "4:1:1", "gray", "progressive"])
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(size=SIZES, regions=REGIONS, seed=st.integers(0, 999))
def test_no_coefficient_of_a_hidden_block_matters(
    kind, size, regions, seed, jpegs, redact, coefficients, hidden_pixels, a_scene, tmp_path
):
    plain = jpegs[kind](a_scene(*size, channels=4, seed=seed))
    jpeg = coefficients(plain)
    path = tmp_path / "other.jpg"
    jpeg.write_dct(str(path))  # by the same writer as the other one
    first = path.read_bytes()
    mask = hidden_pixels(first, *regions)
    random = np.random.default_rng(seed)
    planes = [jpeg.Y, jpeg.Cb, jpeg.Cr] if jpeg.has_chrominance else [jpeg.Y]
    for blocks, factors in zip(planes, jpeg.samp_factor, strict=True):
        # A component's block is hidden with the pixels it covers; all or none of its MCU are.
        down, across = 8 * jpeg.samp_factor.max(axis=0) // factors if len(planes) > 1 else (8, 8)
        hidden = mask[::down, ::across]
        blocks[: hidden.shape[0], : hidden.shape[1]][hidden] = random.integers(
            -900, 900, (hidden.sum(), 8, 8)
        )
    jpeg.write_dct(str(path))

    assert redact(first, *regions) == redact(path.read_bytes(), *regions)


def _with_code(content, scene, symbology, scale):
    barcode = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat[symbology])
    symbol = np.array(zxingcpp.write_barcode_to_image(barcode, scale=scale, add_quiet_zones=False))
    height, width = symbol.shape
    sheet = scene.copy()
    sheet[40 : 40 + height, 50 : 50 + width] = symbol[..., None]
    return sheet, Quad.from_box(50, 40, width, height)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("action", [Action.BLUR, Action.PIXELATE, Action.FILL])
@pytest.mark.parametrize(
    ("symbology", "contents"),
    [
        ("QRCode", ("https://example.com/1234", "https://example.org/9876")),
        ("EAN13", ("4006381333931", "9780201379624")),
        ("DataMatrix", ("ABCDEFGH", "HGFEDCBA")),
    ],
)
def test_swapping_the_code_changes_nothing(
    form, action, symbology, contents, builders, redact, a_scene
):
    kind = {"PNG": "RGB", "JPEG": "4:2:0", "WEBP": "RGB"}[form]
    ground = a_scene(380, 230, channels=4)
    results = []
    for content in contents:
        sheet, quad = _with_code(content, ground, symbology, 3)
        kind_of_code = Symbology(symbology.lower())
        code = Detection(quad, kind_of_code, content, 1.0, ("zxing",))
        region = region_of(Decision(code, action, "default"))
        results.append((sheet, redact(builders[form][kind](sheet), region)))

    (one, first), (other, second) = results
    assert not np.array_equal(one, other)
    assert first == second
