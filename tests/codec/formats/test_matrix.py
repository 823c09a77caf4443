"""Every format and kind: something hidden or nothing, opened afterwards by the readers of others.

JPEG has its own tests.
"""

import io
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from redactor import codec
from redactor.geometry import Quad
from redactor.model import Action, Region, Style

SIZE = (75, 53)
LOSSLESS = [
    *[("PNG", kind) for kind in (
        "gray of 2 bits", "gray of 4 bits", "gray of 4 bits with tRNS", "gray of 16 bits",
        "gray of 16 bits with tRNS", "RGB of 16 bits", "RGB of 16 bits with tRNS",
        "gray and alpha of 16 bits", "RGBA of 16 bits", "interlaced gray of 1 bit",
        "interlaced palette", "interlaced palette of 2 bits", "interlaced RGB",
        "interlaced RGBA of 16 bits",
    )],
    *[("BMP", kind) for kind in (
        "24 bits with a profile", "24 bits", "32 bits", "5-6-5", "4-4-4-4", "8-8-8-8", "11-11-10",
        "palette", "palette of 4 bits", "palette of 2 bits", "palette of 1 bit",
        "top-down palette", "runs", "runs of 4 bits",
    )],
    *[("TIFF", kind) for kind in (
        "RGB", "RGB, LZW", "RGBA, deflate", "gray, packbits", "BigTIFF", "CMYK", "group 4",
        "group 3", "white is zero", "gray of 4 bits", "gray of 16 bits", "palette",
        "RGB of 16 bits", "RGB of 16 bits, big-endian", "RGBA of 16 bits", "tiles", "planes",
        "tiles of planes", "several pages", "RGB, LZMA", "RGB, Zstandard",
    )],
]  # fmt: skip
LOSSY = [("WEBP", "RGB"), ("WEBP", "RGBA"), ("AVIF", "RGB"), ("AVIF", "RGBA"), ("AVIF", "4:4:4"),
         ("AVIF", "L"), ("HEIF", "RGB")]  # fmt: skip
# What Pillow cannot open; our own decoder and OpenCV do.
NOT_FOR_PILLOW = {"4-4-4-4", "11-11-10", "palette of 2 bits"}

# What OpenCV reads in its own way (clear colours, more pages), or not at all.
UNLIKE_OPENCV = NOT_FOR_PILLOW | {
    "CMYK", "BigTIFF", "8-8-8-8", "several pages", "group 3", "32 bits", "RGBA, deflate",
    "RGB, LZMA", "RGB, Zstandard",
}  # fmt: skip


@pytest.fixture
def check(tool, tmp_path):
    """Let the tool of the format look at a file."""

    def look(data, form):
        path = tmp_path / "picture"
        path.write_bytes(data)
        if form == "PNG":
            assert tool("pngcheck", path).startswith("OK")
        elif form == "TIFF":
            assert "Warning" not in (said := tool("tiffinfo", "-D", path)), said
        elif form == "WEBP":
            assert "No error detected" in tool("webpinfo", path)
        elif form == "AVIF":
            tool("avifdec", "--info", path)
        elif form == "HEIF":
            tool("heif-info", path)
        else:
            said = tool("exiftool", "-validate", "-warning", "-a", path)
            assert "Error" not in said, said

    return look


def stored(data):
    """Give the samples of every page as the codec reads them."""
    return [page.pixels for page in codec.open_picture(data).pages]


def shown(data):
    """Give every page as Pillow shows it, in its own mode."""
    with Image.open(io.BytesIO(data)) as image:
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            yield image.mode, np.array(image)


@pytest.mark.parametrize(("form", "kind"), LOSSLESS)
def test_lossless_pictures_are_the_same_outside(
    form, kind, lossless, a_scene, redact, a_region, check
):
    data = lossless[form][kind](a_scene(*SIZE, channels=4))
    region = a_region(action="pixelate")

    image, path = redact(data, region)

    assert path == "lossless"
    outside = ~region.quad.mask(*SIZE)
    old, new = stored(data), stored(image)
    assert np.array_equal(old[0][outside], new[0][outside])
    assert not np.array_equal(old[0][~outside], new[0][~outside])
    assert all(np.array_equal(one, other) for one, other in zip(old[1:], new[1:], strict=True))
    if kind not in NOT_FOR_PILLOW:
        for index, (before, after) in enumerate(zip(shown(data), shown(image), strict=True)):
            assert before[0] == after[0]
            where = outside if index == 0 else np.ones(before[1].shape[:2], bool)
            assert np.array_equal(before[1][where], after[1][where])
    check(image, form)


@pytest.mark.parametrize(("form", "kind"), LOSSLESS)
def test_what_is_written_without_patches_shows_the_same(form, kind, lossless, a_scene, check):
    data = lossless[form][kind](a_scene(*SIZE, channels=4))

    image, _ = codec.open_picture(data).encode(())

    assert all(np.array_equal(*pair) for pair in zip(stored(data), stored(image), strict=True))
    if form != "BMP":  # exiftool takes its time, and has seen them above
        check(data, form)
        check(image, form)


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        pair
        for pair in LOSSLESS
        if pair[1] not in UNLIKE_OPENCV
        and "tRNS" not in pair[1]
        and pair != ("TIFF", "gray of 4 bits")
    ],
)
def test_opencv_sees_what_we_see(form, kind, lossless, a_scene, decode_deep):
    data = lossless[form][kind](a_scene(*SIZE, channels=4))

    found, ours = decode_deep(data), stored(data)[0]

    found = found[..., None] if found.ndim == 2 else found
    if found.shape[-1] >= 3:  # it gives blue first
        found = found[..., [2, 1, 0, *range(3, found.shape[-1])]]
    if ours.shape[-1] == 2:
        ours = ours[..., [0, 0, 0, 1]]
    assert found.dtype == ours.dtype
    most = 8 if kind == "5-6-5" else 0  # it does not spread five bits over eight
    assert np.abs(found[..., : ours.shape[-1]].astype(int) - ours).max() <= most


REGIONS = st.lists(
    st.builds(
        lambda left, top, width, height, action, page: Region(
            Quad.from_box(left, top, width, height), action, Style(color=None), page
        ),
        st.integers(-5, 70), st.integers(-5, 50), st.integers(1, 40), st.integers(1, 40),
        st.sampled_from([Action.BLUR, Action.PIXELATE, Action.FILL]), st.integers(0, 2),
    ),
    min_size=1,
    max_size=3,
)  # fmt: skip


@pytest.mark.parametrize(("form", "kind"), [pair for pair in LOSSLESS if "runs" not in pair[1]])
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(regions=REGIONS, seed=st.integers(0, 99))
def test_pictures_that_differ_inside_the_hidden_regions_alone_come_out_the_same(
    form, kind, regions, seed, lossless, a_scene, redact
):
    build = lossless[form][kind]
    pixels = a_scene(*SIZE, channels=4, seed=seed)
    # The pages of a TIFF are cut from one scene: what differs is hidden in each of them.
    regions = [
        Region(region.quad, region.action, region.style, page)
        for region in regions
        for page in range(3 if kind == "several pages" else 1)
    ]
    mask = np.zeros(pixels.shape[:2], bool)
    for region in regions:
        mask |= region.quad.mask(*SIZE)
    other = pixels.copy()
    other[mask] = np.random.default_rng(seed).integers(0, 256, (mask.sum(), 4))

    assert redact(build(pixels), *regions) == redact(build(other), *regions)


@pytest.mark.parametrize(("form", "kind"), LOSSY)
def test_lossy_pictures_are_nearly_the_same_outside(
    form, kind, lossy, a_scene, redact, a_region, check
):
    data = lossy[form, kind](a_scene(*SIZE, channels=4) if kind != "RGBA" else _half_clear(a_scene))
    region = a_region()

    image, path = redact(data, region)

    assert path == "re-encoded"
    far = ~region.quad.grow(10).mask(*SIZE)
    old, new = stored(data)[0], stored(image)[0]
    assert old.shape == new.shape
    seen = old[..., -1] > 0 if kind == "RGBA" else np.ones(far.shape, bool)
    change = np.abs(old.astype(int) - new)[far & seen]
    assert change.mean() < 6
    assert codec.open_picture(image).format == form
    check(image, form)


def _half_clear(a_scene):
    pixels = a_scene(*SIZE, channels=4)
    pixels[..., 3] = 255
    pixels[:10, :, 3] = 0
    return pixels


def test_the_subsampling_of_an_avif_stays(lossy, a_scene, redact, a_region, tool, tmp_path):
    for kind, name in (("RGB", "YUV420"), ("4:4:4", "YUV444"), ("L", "YUV400")):
        image, _ = redact(lossy["AVIF", kind](a_scene(*SIZE, channels=4)), a_region())
        path = tmp_path / "picture.avif"
        path.write_bytes(image)

        assert re.search(rf"Format\s*: {name}", tool("avifdec", "--info", path))
