"""Whatever bytes come in: a picture, or an error of the tree, at little cost."""

import random
import struct
import subprocess
import sys
import time
import zlib

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from redactor import codec
from redactor.codec.markers import check_passes, split
from redactor.errors import DamagedPicture, LimitExceeded, PictureError, UnsupportedPicture
from redactor.model import Limits

ALL = [
    ("JPEG", "4:2:0"), ("JPEG", "progressive"), ("JPEG", "restart markers"), ("JPEG", "EXIF"),
    ("JPEG", "gray"), ("JPEG", "CMYK"), ("PNG", "RGB"), ("PNG", "P with tRNS"), ("PNG", "LA"),
    ("PNG", "1 with tRNS"), ("WEBP", "RGB"), ("WEBP", "RGBA"),
]  # fmt: skip


def opens(data, limits=None):
    """Open a file; None where it is refused the way it should be."""
    try:
        return codec.open_picture(data, *([limits] if limits else []))
    except PictureError:
        return None


@pytest.fixture(scope="module")
def a_valid(builders, a_scene):
    def build(form, kind):
        return builders[form][kind](a_scene(61, 45, channels=4))

    return build


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"", DamagedPicture, "the file is empty"),
        (b"\0", UnsupportedPicture, "not a picture"),
        (b"Hello, I am a text named holiday.jpg\n", UnsupportedPicture, "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnsupportedPicture, "not a picture"),
        (b"\xff\xd8\xff", DamagedPicture, "JPEG"),
        (b"\xff\xd8\xff\xd9", DamagedPicture, "JPEG"),
        (b"\x89PNG\r\n\x1a\n", DamagedPicture, "PNG"),
        (b"RIFF\4\0\0\0WEBP", DamagedPicture, "WEBP"),
        (b"RIFF\0\0\0\0WEBP", DamagedPicture, "WEBP"),
        (b"RIFF\xff\xff\xff\xffWEBP", DamagedPicture, "WebP is cut off"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(data, error, words):
    with pytest.raises(error, match=words):
        codec.open_picture(data)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\0\0\0\x18ftypmp42" + bytes(50), "MP4"),
        (b"\0\0\1\0" + bytes(50), "ICO"),
        (b"\xff\x0a" + bytes(50), "JPEG XL"),
        (b"%PDF-1.7" + bytes(50), "PDF"),
    ],
)
def test_formats_that_are_not_handled_are_named(data, name):
    with pytest.raises(UnsupportedPicture, match=f"{name} is not handled"):
        codec.open_picture(data)


@pytest.mark.parametrize(("form", "kind"), ALL)
def test_a_file_cut_off_anywhere_is_refused(form, kind, a_valid):
    data = a_valid(form, kind)
    cuts = {len(data) * part // 20 for part in range(20)} | {len(data) - 1}

    for cut in cuts:
        with pytest.raises(PictureError):
            codec.open_picture(data[:cut])


@pytest.mark.parametrize(("form", "kind"), ALL)
def test_the_bytes_decide_what_a_file_is(form, kind, a_valid):
    assert codec.open_picture(a_valid(form, kind)).format == form


def jpeg_of(width, height, data):
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + struct.pack(">HH", height, width) + data[place + 4 :]


def png_of(width, height, *, color=2, depth=8, body=b""):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(
        b"IDAT", zlib.compress(bytes(999))
    ) + chunk(b"IEND", b"")  # fmt: skip


def webp_of(width, height):
    bits = (width - 1) | (height - 1) << 14
    body = b"VP8L" + struct.pack("<I", 20) + b"\x2f" + struct.pack("<I", bits) + bytes(15)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


@pytest.mark.parametrize(
    ("size", "error"),
    [
        ((0, 10), DamagedPicture),
        ((10, 0), DamagedPicture),
        ((65_535, 65_535), LimitExceeded),
        ((65_535, 20), LimitExceeded),
        ((20, 65_535), LimitExceeded),
        ((12_000, 12_000), LimitExceeded),
    ],
)
def test_impossible_and_excessive_sizes_are_refused_by_the_header(size, error, a_valid):
    for data in (jpeg_of(*size, a_valid("JPEG", "4:2:0")), png_of(*size)):
        start = time.perf_counter()
        with pytest.raises(error):
            codec.open_picture(data)
        assert time.perf_counter() - start < 0.5


def test_a_large_webp_is_refused_by_the_header():
    with pytest.raises(LimitExceeded, match="16384 x 16384"):
        codec.open_picture(webp_of(16_384, 16_384))


def test_limits_hold_to_the_pixel(a_valid):
    for form, kind in (("PNG", "RGB"), ("JPEG", "4:2:0"), ("WEBP", "RGB")):
        data = a_valid(form, kind)
        assert opens(data, Limits(max_pixels=61 * 45))
        assert opens(data, Limits(max_side=61))
        assert opens(data, Limits(max_bytes=len(data)))
        for limits in (
            Limits(max_pixels=61 * 45 - 1), Limits(max_side=60), Limits(max_bytes=len(data) - 1),
        ):  # fmt: skip
            with pytest.raises(LimitExceeded):
                codec.open_picture(data, limits)


MEASURE = """
import resource, sys
from redactor import codec
from redactor.errors import LimitExceeded
files = [bytes.fromhex(line) for line in sys.stdin]
codec.open_picture(files.pop())  # a small one first: whatever loads, loads
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for data in files:
    try:
        codec.open_picture(data)
    except LimitExceeded:
        continue
    sys.exit("opened")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="measures with getrusage")
def test_bombs_cost_no_memory(a_valid):
    small = a_valid("JPEG", "4:2:0")
    bombs = [
        jpeg_of(60_000, 60_000, small),
        png_of(60_000, 60_000),
        png_of(65_000, 2_000, color=6),
        webp_of(16_384, 16_384),
        small + png_of(60_000, 60_000),
    ]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE],
        input="\n".join(data.hex() for data in [*bombs, small]),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    kilobytes = int(done.stdout) // (1024 if sys.platform == "darwin" else 1)
    assert kilobytes < 20_000


def test_text_that_inflates_is_refused(a_valid, add_chunk):
    bomb = b"k\0\0" + zlib.compress(bytes(50_000_000))

    start = time.perf_counter()
    opens(add_chunk(a_valid("PNG", "RGB"), b"zTXt", bomb))
    opens(add_chunk(a_valid("PNG", "RGB"), b"iCCP", bomb))
    assert time.perf_counter() - start < 5


def test_segments_and_chunks_without_end_are_refused(a_valid):
    jpeg = a_valid("JPEG", "4:2:0")
    with pytest.raises(LimitExceeded, match="segments"):
        codec.open_picture(jpeg[:2] + b"\xff\xe5\0\2" * 20_000 + jpeg[2:])
    with pytest.raises(LimitExceeded, match="chunks"):
        codec.open_picture(png_of(20, 20, body=(bytes(4) + b"prVt" + bytes(4)) * 100_000))
    chunks = b"prVt\0\0\0\0" * 20_000
    webp = a_valid("WEBP", "RGB")
    with pytest.raises(LimitExceeded, match="chunks"):
        codec.open_picture(
            b"RIFF" + struct.pack("<I", len(webp) - 8 + len(chunks)) + webp[8:] + chunks
        )


def test_many_segments_and_comments_do_no_harm(a_valid, add_segment, redact, a_region):
    data = a_valid("JPEG", "4:2:0")
    for number in range(60):
        data = add_segment(data, 0xE0 + number % 16, b"maker's data %d" % number)
        data = add_segment(data, 0xFE, bytes(60_000) if number % 2 else b"a comment")

    image, _ = redact(data, a_region())

    assert len(image) < 20_000
    assert image.count(b"a comment") == 30


def test_scans_without_end_are_refused(a_valid):
    progressive = a_valid("JPEG", "progressive")

    check_passes(progressive, (4_000, 3_000), Limits())
    with pytest.raises(LimitExceeded, match="10 scans"):
        check_passes(progressive, (41_000, 3_000), Limits())


def test_frames_that_no_header_announces_are_refused(a_file, a_scene, add_chunk):
    still = a_file(Image.fromarray(a_scene(30, 20)), "PNG")
    control = struct.pack(">IIIIIHHBB", 0, 30, 20, 0, 0, 1, 1, 0, 0)
    hidden = add_chunk(still, b"fcTL", control, before=b"IEND")
    data = still[still.index(b"IDAT") + 4 : -16]
    hidden = add_chunk(hidden, b"fdAT", struct.pack(">I", 1) + data, before=b"IEND")
    with pytest.raises(DamagedPicture, match="lacks frames, or has more"):
        codec.open_picture(hidden)
    two = add_chunk(still, b"acTL", struct.pack(">II", 2, 0))
    with pytest.raises(DamagedPicture, match="lacks frames, or has more"):
        codec.open_picture(two)


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"MM\0*\0\0\0\x08\xff\xff",
        b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x0112, 3, 0xFFFFFFFF, 6),
        b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x0112, 2, 4, 0x41414141),
        b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x8769, 4, 1, 8) + struct.pack("<I", 8),
        b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x0112, 3, 1, 77) + bytes(4),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's remarks on broken EXIF
def test_broken_exif_costs_the_exif_alone(block, a_valid, add_segment, redact, a_region):
    data = add_segment(a_valid("JPEG", "4:2:0"), 0xE1, b"Exif\0\0" + block)

    assert codec.open_picture(data).orientation == 1
    image, _ = redact(data, a_region())
    assert codec.open_picture(image).size == (61, 45)


@pytest.mark.parametrize(
    ("what", "error", "words"),
    [
        ("two headers", DamagedPicture, "frame header"),
        ("unknown marker", DamagedPicture, "unknown marker"),
        ("component twice", DamagedPicture, "codes a component twice"),
        ("shared id", DamagedPicture, "JPEG"),
        ("incomplete", DamagedPicture, "not complete"),
        ("out of order", DamagedPicture, "do not follow"),
        ("segment between", UnsupportedPicture, "between its scans"),
        ("no end", DamagedPicture, "no end marker"),
        ("arithmetic conditioning", UnsupportedPicture, "arithmetic coding"),
        ("arithmetic", UnsupportedPicture, "arithmetic coding"),
        ("garbage", DamagedPicture, "no marker at byte"),
    ],
)
def test_jpegs_that_readers_may_show_differently_are_refused(what, error, words, a_valid):
    data = a_valid("JPEG", "4:2:0")
    scan = split(data)[1]
    header = data.index(b"\xff\xc0")
    progressive = a_valid("JPEG", "progressive")
    last = progressive.rindex(b"\xff\xc4")
    broken = {
        "two headers": data[:header] + data[header : header + 19] + data[header:],
        "unknown marker": data[:2] + b"\xff\x02\0\2" + data[2:],
        "component twice": data[:-2] + scan,
        "shared id": data[: header + 13] + b"\1" + data[header + 14 :],
        "incomplete": progressive[:last] + b"\xff\xd9",
        "out of order": progressive[:-2] + progressive[last:],
        "segment between": data[:-2] + b"\xff\xe1\0\4ab" + scan,
        "no end": data[:-2],
        "arithmetic conditioning": data[:2] + b"\xff\xcc\0\4\0\x10" + data[2:],
        "arithmetic": data.replace(b"\xff\xc0", b"\xff\xc9"),
        "garbage": data[:header] + b"garbage" + data[header:],
    }

    with pytest.raises(error, match=words):
        codec.open_picture(broken[what])


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["set", "flip", "cut", "put", "copy"]),
        st.floats(0, 1, exclude_max=True),
        st.floats(0, 1, exclude_max=True),
        st.binary(min_size=1, max_size=9),
    ),
    min_size=1,
    max_size=6,
)


def edited(data, edits):
    data = bytearray(data)
    for what, share, other, new in edits:
        # Headers are where it hurts: half of the edits fall into the first tenth.
        place = int(share * len(data) / 10) if other < 0.5 else int(share * len(data))
        if what == "set":
            data[place : place + len(new)] = new
        elif what == "flip":
            data[place] ^= 1 << new[0] % 8
        elif what == "cut":
            del data[place : place + new[0] % 16]
        elif what == "put":
            data[place:place] = new
        else:
            start = int(other * len(data))
            data[place:place] = data[start : start + new[0] % 64]
    return bytes(data)


@pytest.mark.filterwarnings("ignore")  # Pillow's remarks on what is broken
@pytest.mark.parametrize(("form", "kind"), ALL)
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(edits=EDITS)
@example(edits=[("set", 0.0, 0.0, b"\xff")])
def test_any_edit_opens_or_is_refused(form, kind, edits, a_valid, a_region):
    picture = opens(edited(a_valid(form, kind), edits), Limits(max_pixels=1_000_000))
    if picture is not None and picture.refusal is None:
        try:
            image, _ = picture.encode(())
        except PictureError:
            return
        assert codec.open_picture(image).size == picture.size


@given(st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]))
def test_any_bytes_are_refused(data, magic):
    assert opens(magic + data) is None


CRASH = """
import io, random, sys, threading, warnings
from redactor import codec
from redactor.errors import PictureError
from redactor.geometry import Quad
from redactor.model import Action, Limits, Region, Style
from redactor.drawing import patches

warnings.simplefilter("ignore")
files = [bytes.fromhex(line) for line in sys.stdin]
region = Region(Quad.from_box(10, 10, 20, 15), Action.BLUR, Style())
failures = []

def work(seed):
    choose = random.Random(seed)
    for _ in range(250):
        data = bytearray(choose.choice(files))
        for _ in range(choose.choice((1, 1, 2, 5))):
            # From the end: the entropy-coded data, where the C library is on its own.
            from_end = choose.random() < 0.3
            place = -choose.randrange(1, 900) if from_end else choose.randrange(2, len(data))
            data[place] = choose.choice((0, 255, 1 << choose.randrange(8), choose.randrange(256)))
        try:
            picture = codec.open_picture(bytes(data), Limits(max_pixels=1_000_000))
            picture.encode(tuple(patches(picture, [region])))
        except PictureError:
            continue
        except BaseException as error:
            failures.append(repr(error))

threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(failures)
"""


def test_hostile_files_do_not_crash_the_process(a_valid):
    files = [a_valid("JPEG", kind) for kind in ("4:2:0", "progressive", "restart markers", "CMYK")]

    done = subprocess.run(
        [sys.executable, "-c", CRASH],
        input="\n".join(data.hex() for data in files),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr[-2000:]


def test_threads_get_what_they_would_get_alone(a_valid, redact, a_region):
    from concurrent.futures import ThreadPoolExecutor

    files = [a_valid("JPEG", kind) for kind in ("4:2:0", "progressive", "CMYK", "gray", "RGB")] * 8
    random.Random(1).shuffle(files)
    alone = [redact(data, a_region()) for data in files]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda data: redact(data, a_region()), files))

    assert alone == together


@pytest.mark.parametrize("has_turbo", [True, False])
def test_nothing_stays_in_the_temporary_folder(
    has_turbo, a_valid, redact, a_region, tmp_path, monkeypatch
):
    if not has_turbo:
        monkeypatch.setattr("redactor.codec.turbo.is_available", lambda: False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    data = a_valid("JPEG", "4:2:0")
    redact(data, a_region())
    broken = bytearray(data)
    broken[data.index(b"\xff\xda") + 6] = 0x33  # a Huffman table that is not there
    for image in (bytes(broken), data):
        picture = opens(image)
        if picture is not None:
            picture.read(a_region().quad.box.snap(picture.cell))

    assert list(tmp_path.iterdir()) == []
