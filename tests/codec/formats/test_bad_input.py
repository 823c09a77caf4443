"""Whatever bytes come in: a picture, or an error of the tree, at little cost."""

import io
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from redactor import codec
from redactor.codec import tiff_directory
from redactor.errors import DamagedPicture, LimitExceeded, PictureError
from redactor.model import Limits

SIZE = (61, 45)
KINDS = [
    ("PNG", "RGBA of 16 bits"), ("PNG", "interlaced palette"), ("BMP", "24 bits with a profile"),
    ("BMP", "8-8-8-8"), ("BMP", "palette of 4 bits"), ("BMP", "runs"), ("TIFF", "RGB, LZW"),
    ("TIFF", "BigTIFF"), ("TIFF", "tiles of planes"), ("TIFF", "several pages"),
    ("TIFF", "group 4"),
]  # fmt: skip
LOSSY = [("WEBP", "RGBA"), ("AVIF", "RGBA"), ("HEIF", "RGB")]
MOVING = ["GIF", "PNG", "WEBP"]
ALL = [*KINDS, *LOSSY, *[(form, "animation") for form in MOVING]]
SMALL = Limits(max_pixels=1_000_000)


@pytest.fixture(scope="module")
def a_valid(lossless, lossy, animated, a_scene, a_step):
    def build(form, kind):
        pixels = a_scene(*SIZE, channels=4)
        if kind == "animation":
            full = np.dstack([pixels[..., :3], np.full(pixels.shape[:2], 255, np.uint8)])
            part = a_step(4, 6, full[:20, :30], dispose="background")
            return animated[form]([a_step(0, 0, full), part, a_step(8, 8, full[:9, :9])], SIZE)
        return lossy[form, kind](pixels) if (form, kind) in LOSSY else lossless[form][kind](pixels)

    return build


@pytest.mark.parametrize(("form", "kind"), ALL)
def test_a_file_cut_off_anywhere_is_refused(form, kind, a_valid):
    data = a_valid(form, kind)

    for cut in {len(data) * part // 20 for part in range(20)} | {len(data) - 1}:
        with pytest.raises(PictureError):
            codec.open_picture(data[:cut])


EDITS = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.booleans(), st.binary(min_size=1, max_size=5)),
    min_size=1, max_size=5,
)  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # Pillow's remarks on what is broken
@pytest.mark.parametrize(("form", "kind"), ALL)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits=EDITS)
def test_any_edit_opens_or_is_refused(form, kind, edits, a_valid):
    data = bytearray(a_valid(form, kind))
    for share, is_early, new in edits:
        place = int(share * len(data) / (20 if is_early else 1))
        data[place : place + len(new)] = new
    try:
        picture = codec.open_picture(bytes(data), SMALL)
        image, _ = picture.encode(())
    except PictureError:
        return

    again = codec.open_picture(image)
    assert [page.size for page in again.pages] == [page.size for page in picture.pages]


def sized(form, kind, size, a_valid):
    """Give a file whose header states another size."""
    data = a_valid(form, kind)
    width, height = size
    if form == "BMP":
        return data[:18] + struct.pack("<ii", width, height) + data[26:]
    if form == "GIF":
        return data[:6] + struct.pack("<HH", width & 0xFFFF, height & 0xFFFF) + data[10:]
    page = tiff_directory.read(data, most=9).directories[0]
    tags = dict(page.tags)
    for tag, side in ((256, width), (257, height)):
        tags[tag] = tiff_directory.Value(4, 1, struct.pack("<I", side))
    return tiff_directory.write([tiff_directory.replace(page, tags=tags)])


@pytest.mark.parametrize(
    ("form", "kind"), [("BMP", "8-8-8-8"), ("GIF", "animation"), ("TIFF", "RGB, LZW")]
)
@pytest.mark.parametrize("size", [(65_535, 65_535), (65_535, 70), (70, 65_535), (60_000, 60_000)])
def test_excessive_sizes_are_refused_by_the_header(form, kind, size, a_valid):
    with pytest.raises(LimitExceeded):
        codec.open_picture(sized(form, kind, size, a_valid))


@pytest.mark.parametrize(("form", "kind"), [("BMP", "8-8-8-8"), ("TIFF", "RGB, LZW")])
@pytest.mark.parametrize("size", [(0, 10), (10, 0)])
def test_pictures_without_size_are_refused(form, kind, size, a_valid):
    with pytest.raises(DamagedPicture):
        codec.open_picture(sized(form, kind, size, a_valid))


def test_directories_in_a_circle_are_refused(a_valid):
    data = bytearray(a_valid("TIFF", "tiles of planes"))
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * count, first)

    with pytest.raises(DamagedPicture, match="circle"):
        codec.open_picture(bytes(data))


def test_pages_without_end_are_refused(lossless, a_scene):
    data = lossless["TIFF"]["RGB"](a_scene(8, 8, channels=4))
    page = tiff_directory.read(data, most=9).directories[0]

    with pytest.raises(LimitExceeded, match="more than 50 pages"):
        codec.open_picture(tiff_directory.write([page] * 60), Limits(max_frames=50))
    with pytest.raises(LimitExceeded, match="3,840 pixels in 60 pages"):
        codec.open_picture(tiff_directory.write([page] * 60), Limits(max_pixels=3_839))


def test_a_tile_far_larger_than_its_page_is_refused(a_valid):
    page = tiff_directory.read(a_valid("TIFF", "tiles of planes"), most=9).directories[0]
    huge = {tag: tiff_directory.Value(4, 1, struct.pack("<I", 60_000)) for tag in (322, 323)}
    data = tiff_directory.write([tiff_directory.replace(page, tags=page.tags | huge)])

    with pytest.raises(DamagedPicture, match="far too large"):
        codec.open_picture(data)


MEASURE = """
import resource, sys
from redactor import codec
from redactor.errors import PictureError
files = [bytes.fromhex(line) for line in sys.stdin]
codec.open_picture(files.pop())  # a small one first: whatever loads, loads
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
opened = 0
for data in files:
    try:
        opened += codec.open_picture(data).size[0] > 0
    except PictureError:
        continue
print(opened, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def measured(files, small):
    """Open files in a process of its own; gives how many opened, and the kilobytes it took."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE],
        input="\n".join(data.hex() for data in [*files, small]),
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    opened, used = map(int, done.stdout.split())
    return opened, used // (1024 if sys.platform == "darwin" else 1)


def test_bombs_cost_no_memory(a_valid, animated, a_step):
    dot = np.full((2, 2, 4), 255, np.uint8)
    many = [a_step(0, 0, dot)] * 900
    bombs = [
        sized("BMP", "8-8-8-8", (60_000, 60_000), a_valid),
        sized("TIFF", "RGB, LZW", (60_000, 60_000), a_valid),
        sized("GIF", "animation", (60_000, 60_000), a_valid),
        *(animated[form](many, (4_000, 4_000)) for form in ("GIF", "WEBP")),
        animated["PNG"](many, (4_000, 4_000), default=dot),
    ]

    opened, kilobytes = measured(bombs, a_valid("GIF", "animation"))

    assert opened == 0
    assert kilobytes < 30_000


def test_memory_keeps_to_the_bound_that_is_stated(animated, a_step, a_valid):
    """SECURITY.md: about 30 bytes for each pixel of all frames together."""
    side, frames = 400, 30
    pixels = np.full((side, side, 4), 255, np.uint8)
    pixels[::2, :, 3] = 0  # the most expensive kind: transparent everywhere
    steps = [a_step(0, 0, pixels, blended=False)] * frames
    data = animated["WEBP"](steps, (side, side))

    opened, kilobytes = measured([data], a_valid("GIF", "animation"))

    assert opened == 1
    assert kilobytes * 1024 < 32 * side * side * frames


def test_a_picture_within_a_picture_within_a_picture_is_held_back_or_removed(a_scene, redact):
    inner = io.BytesIO()
    Image.fromarray(a_scene(30, 20)).save(inner, "JPEG")
    middle = io.BytesIO()
    Image.fromarray(a_scene(40, 30)).save(middle, "JPEG", comment=inner.getvalue())
    outer = io.BytesIO()
    Image.fromarray(a_scene(*SIZE)).save(outer, "GIF", comment=b"look: " + middle.getvalue())

    picture = codec.open_picture(outer.getvalue())

    assert [frame.size for frame in picture.frames] == [SIZE, (40, 30), (30, 20)]
    assert b"\xff\xd8" not in picture.encode(())[0]


def test_what_no_directory_refers_to_does_not_stay(a_valid):
    data = a_valid("TIFF", "RGB, LZW")
    (first,) = struct.unpack_from("<I", data, 4)
    secret = b"a strip that an editor left behind"
    hidden = data[:4] + struct.pack("<I", first + len(data) + len(secret)) + data[8:] + secret
    moved = bytearray(hidden + data)
    # The directory is read from the copy at the end, whose places still refer to the first part.
    image, _ = codec.open_picture(bytes(moved)).encode(())

    assert secret not in image
