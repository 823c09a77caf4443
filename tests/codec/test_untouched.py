"""Outside of the hidden regions everything stays as it was."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from redactor import codec
from redactor.codec.markers import split
from redactor.geometry import Quad
from redactor.model import Action, Region, Style

JPEGS = [
    "4:4:4", "4:2:2", "4:2:0", "4:4:0", "4:1:1", "odd", "progressive", "optimised",
    "restart markers", "EXIF", "RGB", "coarse", "finest", "gray", "CMYK",
    "progressive CMYK", "YCCK",
]  # fmt: skip
PNGS = [
    "L", "RGB", "RGBA", "LA", "1", "P", "P of 4 bits", "P of 1 bit", "P with tRNS", "L with tRNS",
    "RGB with tRNS", "1 with tRNS", "P with one clear colour",
]  # fmt: skip
ACTIONS = ["blur", "pixelate", "fill"]
TURNED = Region(Quad.of([(30, 12), (58, 30), (40, 52), (14, 35)]), Action.BLUR, Style(color=None))


def pixels_of(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image, np.asarray(image)


def segments_of(data, marker):
    return [segment.body for segment in split(data)[0] if segment.marker == marker]


def test_an_empty_hand_of_patches_leaves_the_pixels(builders, a_scene):
    for form in builders.values():
        for build in form.values():
            data = build(a_scene(61, 45, channels=4))

            image, _ = codec.open_picture(data).encode(())

            assert np.array_equal(pixels_of(image)[1], pixels_of(data)[1])


@pytest.mark.parametrize("kind", PNGS)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_png_is_pixel_identical_outside(kind, action, builders, redact, a_scene, a_region):
    data = builders["PNG"][kind](a_scene(61, 45, channels=4))
    region = a_region(action=action)

    image, path = redact(data, region)

    before, old = pixels_of(data)
    after, new = pixels_of(image)
    outside = ~region.quad.mask(61, 45)
    assert path == "lossless"
    assert np.array_equal(old[outside], new[outside])
    assert not np.array_equal(old[~outside], new[~outside])
    assert (after.mode, after.size) == (before.mode, before.size)
    assert after.getpalette() == before.getpalette()
    assert after.info.get("transparency") == before.info.get("transparency")
    assert image[16:26] == data[16:26]  # width, height, depth and colour type


@pytest.mark.parametrize("kind", ["RGB", "RGBA"])
@pytest.mark.parametrize("action", ACTIONS)
def test_a_lossless_webp_is_pixel_identical_outside(
    kind, action, builders, redact, a_scene, a_region
):
    data = builders["WEBP"][kind](a_scene(61, 45, channels=4))
    region = a_region(action=action)

    image, path = redact(data, region)

    outside = ~region.quad.mask(61, 45)
    assert path == "lossless"
    assert np.array_equal(pixels_of(data)[1][outside], pixels_of(image)[1][outside])
    assert b"VP8L" in image


def test_colours_under_full_transparency_stay(a_file, redact, a_scene, a_region):
    pixels = a_scene(61, 45, channels=4)
    pixels[..., 3] = 0
    for data in (
        a_file(Image.fromarray(pixels), "PNG"),
        a_file(Image.fromarray(pixels), "WEBP", lossless=True, exact=True),
    ):
        image, _ = redact(data, a_region())

        outside = ~a_region().quad.mask(61, 45)
        assert np.array_equal(pixels_of(image)[1][outside], pixels[outside])


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("region", [TURNED, "upright", "corner"], ids=["turned", "upright", "edge"])
def test_a_jpeg_keeps_every_coefficient_outside(
    kind, region, jpegs, redact, coefficients, hidden_pixels, a_scene, a_region
):
    if isinstance(region, str):
        region = a_region() if region == "upright" else a_region(left=40, top=30)
    data = jpegs[kind](a_scene(61, 45, channels=4))

    image, path = redact(data, region)

    assert path == "coefficients"
    before, after = coefficients(data), coefficients(image)
    mask = hidden_pixels(data, region)
    names = ("Y", "Cb", "Cr", "K")[: before.num_components]
    changed = 0
    for index, name in enumerate(names):
        old, new = getattr(before, name), getattr(after, name)
        most = before.samp_factor.max(axis=0) if len(names) > 1 else before.samp_factor[0]
        down, across = 8 * most // before.samp_factor[index]
        hidden = mask[::down, ::across]
        assert np.array_equal(old[~hidden], new[~hidden])
        assert np.array_equal(before.get_component_qt(index), after.get_component_qt(index))
        changed += not np.array_equal(old[hidden], new[hidden])
    assert changed
    assert np.array_equal(before.samp_factor, after.samp_factor)
    assert before.jpeg_color_space is after.jpeg_color_space
    assert (before.width, before.height) == (after.width, after.height)


@pytest.mark.parametrize("kind", JPEGS)
def test_a_jpeg_shows_the_same_outside(kind, jpegs, redact, hidden_pixels, a_scene, a_region):
    # Readers upsample chroma over the edge of a block: at most a few pixels around change.
    data = jpegs[kind](a_scene(96, 80, channels=4))
    region = a_region(width=10, height=10)

    image, _ = redact(data, region)

    near = hidden_pixels(data, region)
    for _ in range(4):
        near = near | np.roll(near, 1, 0) | np.roll(near, -1, 0)
        near = near | np.roll(near, 1, 1) | np.roll(near, -1, 1)
    before, after = pixels_of(data), pixels_of(image)
    assert before[0].mode == after[0].mode
    assert np.array_equal(before[1][~near], after[1][~near])


@pytest.mark.parametrize(
    ("kind", "most"),
    # Huffman tables made for a grainy picture are up to a tenth better than the standard ones,
    # and those are what TurboJPEG 2 writes.
    [("4:2:0", 1.01), ("gray", 1.01), ("progressive", 1.01), ("optimised", 1.12)],
)
@pytest.mark.usefixtures("needs_turbo")
def test_a_jpeg_hardly_changes_in_size(kind, most, jpegs, redact, a_scene, a_region):
    data = jpegs[kind](a_scene(640, 480, channels=4))

    image, _ = redact(data, a_region(left=200, top=200, width=60, height=60))

    assert 0.8 < len(image) / len(data) < most


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.usefixtures("needs_turbo")
def test_a_jpeg_stays_baseline_or_progressive(kind, jpegs, redact, a_scene, a_region):
    data = jpegs[kind](a_scene(61, 45, channels=4))

    image, _ = redact(data, a_region())

    kinds = [{s.marker for s in split(file)[0]} & {0xC0, 0xC1, 0xC2} for file in (data, image)]
    assert kinds[0] == kinds[1] == ({0xC2} if "progressive" in kind else {0xC0})


def test_tables_of_16_bits_stay(jpegs, redact, a_scene, a_region, a_file, coefficients):
    table = [min(8 + 9 * index, 600) for index in range(64)]
    pixels = Image.fromarray(a_scene(64, 48))
    for progressive in (False, True):
        data = a_file(pixels, "JPEG", qtables=[table, table], progressive=progressive)

        image, _ = redact(data, a_region())

        assert coefficients(image).get_component_qt(0).max() == table[-1]
        assert pixels_of(image)[0].size == (64, 48)


def test_profile_resolution_comment_and_colour_of_a_jpeg_stay(
    a_file, redact, a_scene, a_region, an_exif
):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = a_file(
        Image.fromarray(a_scene(64, 48)), "JPEG", icc_profile=profile * 150, dpi=(301, 302),
        comment=b"seen in Hangzhou", exif=an_exif(),
    )  # fmt: skip
    assert len(segments_of(data, 0xE2)) > 1

    image, _ = redact(data, a_region())

    for marker in (0xE0, 0xE1, 0xE2, 0xFE):
        assert segments_of(image, marker) == segments_of(data, marker)
    assert pixels_of(image)[0].info["dpi"] == (301, 302)


def test_the_adobe_segment_stays(jpegs, redact, a_scene, a_region):
    for kind in ("CMYK", "YCCK"):
        data = jpegs[kind](a_scene(64, 48, channels=4))

        image, _ = redact(data, a_region())

        assert segments_of(image, 0xEE) == segments_of(data, 0xEE)


def test_what_describes_the_colours_of_a_png_stays(
    a_file, redact, a_scene, a_region, an_exif, add_chunk
):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = a_file(
        Image.fromarray(a_scene(64, 48)), "PNG", icc_profile=profile, dpi=(300, 300), exif=an_exif()
    )
    extra = {
        b"gAMA": struct.pack(">I", 45455),
        b"sBIT": b"\5\6\5",
        b"cHRM": bytes(range(32)),
        b"bKGD": b"\0\1\0\2\0\3",
        b"tIME": b"\7\xe9\1\2\3\4\5",
    }
    for kind, body in extra.items():
        data = add_chunk(data, kind, body)

    image, _ = redact(data, a_region())

    for kind, body in extra.items():
        assert kind + body in image
    old, new = pixels_of(data)[0].info, pixels_of(image)[0].info
    assert {key: new[key] for key in ("icc_profile", "dpi", "exif")} == {
        key: old[key] for key in ("icc_profile", "dpi", "exif")
    }


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_and_camera_stay(form, orientation, a_file, redact, a_scene, a_region, an_exif):
    data = a_file(
        Image.fromarray(a_scene(64, 48)), form, exif=an_exif(orientation), **(
            {"lossless": True} if form == "WEBP" else {}
        ),
    )  # fmt: skip

    image, _ = redact(data, a_region())

    picture = codec.open_picture(image)
    assert picture.orientation == orientation
    assert picture.frames[0].is_mirrored == (orientation in (2, 4, 5, 7))
    assert pixels_of(image)[0].getexif()[0x010F] == "Maker of cameras"


def test_a_lossy_webp_keeps_profile_and_transparency(a_file, redact, a_scene, a_region, an_exif):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = a_file(
        Image.fromarray(a_scene(64, 48, channels=4)), "WEBP", icc_profile=profile, exif=an_exif()
    )

    image, path = redact(data, a_region())

    assert path == "re-encoded"
    after = pixels_of(image)[0]
    assert after.info["icc_profile"] == profile
    assert after.mode == "RGBA"


def test_text_goes_with_what_was_hidden(a_file, redact, a_scene, a_region):
    info = PngInfo()
    info.add_text("Description", "https://example.com/secret")
    info.add_itxt("XML:com.adobe.xmp", "<x/>")
    info.add(b"prVt", b"private")
    data = a_file(Image.fromarray(a_scene(64, 48)), "PNG", pnginfo=info)

    image, _ = redact(data, a_region())

    assert b"secret" not in image
    assert b"iTXt" not in image
    assert b"prVt" not in image
