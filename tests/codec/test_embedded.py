"""Other pictures inside a file are looked at, and go when something is hidden."""

import base64
import struct

import numpy as np
import pytest
from PIL import Image

from redactor import codec
from redactor.codec.metadata import clean_exif
from redactor.errors import LimitExceeded
from redactor.model import Limits

SIZE = (40, 30)


def exif_with(thumbnail, *, byte_order="<", orientation=6):
    """Give an EXIF block whose second directory holds a JPEG."""

    def directory(entries, following):
        body = b"".join(struct.pack(byte_order + "HHII", *entry) for entry in entries)
        return (
            struct.pack(byte_order + "H", len(entries))
            + body
            + struct.pack(byte_order + "I", following)
        )

    order = b"II*\0" if byte_order == "<" else b"MM\0*"
    turned = orientation if byte_order == "<" else orientation << 16
    first = [(0x0112, 3, 1, turned), (0x011A, 5, 1, 200)]
    second_at = 8 + 2 + 12 * len(first) + 4
    second = [(0x0103, 3, 1, 6 if byte_order == "<" else 6 << 16), (0x0201, 4, 1, 256),
              (0x0202, 4, 1, len(thumbnail))]  # fmt: skip
    block = order + struct.pack(byte_order + "I", 8)
    block += directory(first, second_at) + directory(second, 0)
    block = block.ljust(200, b"\0") + struct.pack(byte_order + "II", 72, 1)
    return b"Exif\0\0" + block.ljust(256, b"\0") + thumbnail


@pytest.fixture(scope="module")
def thumbnail(a_scene, a_file):
    return a_file(Image.fromarray(a_scene(*SIZE, seed=3)), "JPEG")


@pytest.fixture(scope="module")
def a_plain(a_scene, a_file):
    def build(form, **options):
        if form == "WEBP":
            options = {"lossless": True, **options}
        return a_file(Image.fromarray(a_scene(64, 48)), form, **options)

    return build


def jpeg_places(thumbnail, plain, add_segment):
    big_endian = exif_with(thumbnail, byte_order=">")
    return {
        "EXIF": ("thumbnail", add_segment(plain, 0xE1, exif_with(thumbnail))),
        "big-endian EXIF": ("thumbnail", add_segment(plain, 0xE1, big_endian)),
        "JFXX": ("APP0", add_segment(plain, 0xE0, b"JFXX\0\x10" + thumbnail)),
        "maker's preview": ("APP4", add_segment(plain, 0xE4, b"PREVIEW" + thumbnail)),
        "comment": ("segment", add_segment(plain, 0xFE, b"look: " + thumbnail)),
        "profile": ("APP2", add_segment(plain, 0xE2, b"ICC_PROFILE\0\1\1" + thumbnail)),
        "second picture": ("trailer", plain + thumbnail),
        "motion photo": ("trailer", plain + bytes(999) + b"ftypmp42" + thumbnail),
    }  # fmt: skip


def png_places(thumbnail, plain, add_chunk):
    return {
        "eXIf": ("eXIf", add_chunk(plain, b"eXIf", exif_with(thumbnail)[6:])),
        "text": ("tEXt", add_chunk(plain, b"tEXt", b"Thumb\0" + thumbnail)),
        "private chunk": ("prVt", add_chunk(plain, b"prVt", thumbnail)),
        "behind the end": ("trailer", plain + thumbnail),
    }


def webp_places(thumbnail, a_plain, plain):
    def with_chunk(kind, body):
        body += b"\0" * (len(body) & 1)
        inside = plain[8:] + kind + struct.pack("<I", len(body)) + body
        return b"RIFF" + struct.pack("<I", len(inside)) + inside

    return {
        "EXIF": ("EXIF", a_plain("WEBP", exif=exif_with(thumbnail))),
        "XMP": ("XMP", a_plain("WEBP", xmp=b"<x>" + thumbnail)),
        "unknown chunk": ("prVt", with_chunk(b"prVt", thumbnail)),
        "behind the end": ("trailer", plain + thumbnail),
    }


PLACES = [
    *[("JPEG", place) for place in (
        "EXIF", "big-endian EXIF", "JFXX", "maker's preview", "comment", "profile",
        "second picture", "motion photo",
    )],
    *[("PNG", place) for place in ("eXIf", "text", "private chunk", "behind the end")],
    *[("WEBP", place) for place in ("EXIF", "XMP", "unknown chunk", "behind the end")],
]  # fmt: skip


@pytest.fixture
def a_nest(thumbnail, a_plain, add_segment, add_chunk):
    def build(form, place):
        plain = a_plain(form)
        if form == "JPEG":
            return jpeg_places(thumbnail, plain, add_segment)[place]
        if form == "PNG":
            return png_places(thumbnail, plain, add_chunk)[place]
        return webp_places(thumbnail, a_plain, plain)[place]

    return build


@pytest.mark.parametrize(("form", "place"), PLACES)
def test_a_picture_inside_is_found_and_goes(form, place, a_nest, thumbnail, redact, a_region):
    name, data = a_nest(form, place)
    picture = codec.open_picture(data)

    assert [frame.name for frame in picture.frames] == ["picture", name]
    assert picture.frames[1].size == SIZE

    for patches in ((), None):  # whether it or something in the picture itself is hidden
        image = redact(data, a_region())[0] if patches is None else picture.encode(patches)[0]

        left = codec.open_picture(image)
        assert len(left.frames) == 1
        assert thumbnail[-80:-40] not in image
        assert left.orientation == picture.orientation


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_picture_inside_may_be_of_another_format(kind, a_plain, a_scene, a_file):
    inner = a_file(Image.fromarray(a_scene(*SIZE)), kind)

    frames = codec.open_picture(a_plain("JPEG") + inner).frames

    assert frames[1].size == SIZE


def test_pictures_inside_pictures_are_found(a_plain, thumbnail, add_segment):
    nested = add_segment(thumbnail, 0xE1, exif_with(thumbnail))

    frames = codec.open_picture(add_segment(a_plain("JPEG"), 0xE1, exif_with(nested))).frames

    assert [frame.name for frame in frames] == ["picture", "thumbnail", "thumbnail"]


def test_a_transparent_picture_inside_is_seen_in_every_way(a_plain, a_scene, a_file):
    inner = a_file(Image.fromarray(a_scene(*SIZE, channels=4)), "PNG")

    assert len(codec.open_picture(a_plain("PNG") + inner).frames[1].views) == 4


def test_more_than_eight_pictures_inside_are_too_many(a_plain, thumbnail):
    assert len(codec.open_picture(a_plain("PNG") + thumbnail * 8).frames) == 9
    with pytest.raises(LimitExceeded, match="more than 8 pictures inside"):
        codec.open_picture(a_plain("PNG") + thumbnail * 9)


def test_beginnings_without_a_picture_are_skipped_but_not_without_end(a_plain):
    false_start = b"\xff\xd8\xff\xe0nothing"

    assert len(codec.open_picture(a_plain("PNG") + false_start * 60).frames) == 1
    with pytest.raises(LimitExceeded):
        codec.open_picture(a_plain("PNG") + false_start * 70)


def test_pictures_inside_share_one_limit(a_plain, thumbnail):
    limits = Limits(max_pixels=64 * 48)

    assert len(codec.open_picture(a_plain("PNG") + thumbnail * 2, limits).frames) == 3
    with pytest.raises(LimitExceeded):
        codec.open_picture(a_plain("PNG") + thumbnail * 3, limits)


def test_clean_exif_leaves_a_plain_block_alone(an_exif):
    block = an_exif().tobytes()

    assert clean_exif(block) == block


@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_clean_exif_takes_the_thumbnail_and_keeps_the_orientation(thumbnail, byte_order):
    cleaned = clean_exif(exif_with(thumbnail, byte_order=byte_order, orientation=8))

    exif = Image.Exif()
    exif.load(cleaned)
    assert exif[0x0112] == 8
    assert exif.get_ifd(0x014A) == {}
    assert len(cleaned) < 200
    assert cleaned.startswith(b"Exif\0\0")


def test_clean_exif_keeps_plain_camera_tags(an_exif):
    exif = an_exif()
    details = exif.get_ifd(0x8769)
    details[0x829A] = 0.01  # exposure time
    details[0x9003] = "2025:01:02 03:04:05"
    details[0x927C] = b"maker's note " * 40
    details[0x9286] = base64.b64encode(bytes(900))  # a long comment
    exif.get_ifd(0x8825)[1] = "N"

    cleaned = Image.Exif()
    cleaned.load(clean_exif(exif.tobytes()))

    kept = cleaned.get_ifd(0x8769)
    assert cleaned[0x010F] == "Maker of cameras"
    assert cleaned[0x0112] == 6
    assert (float(kept[0x829A]), kept[0x9003]) == (0.01, "2025:01:02 03:04:05")
    assert kept.keys().isdisjoint({0x927C, 0x9286})
    assert cleaned.get_ifd(0x8825)[1] == "N"


def test_clean_exif_takes_what_lies_between_tags(an_exif):
    block = an_exif().tobytes()

    assert clean_exif(block + bytes(5000)) == block
    assert b"\x89PNG" not in clean_exif(block + b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("seed", range(20))
def test_clean_exif_takes_any_bytes(seed, thumbnail):
    random = np.random.default_rng(seed)
    block = bytearray(exif_with(thumbnail))
    for place in random.integers(6, 100, 6):
        block[place] = random.integers(256)

    cleaned = clean_exif(bytes(block))

    assert len(cleaned) <= len(block)


def test_clean_exif_drops_what_nobody_can_read():
    assert clean_exif(b"Exif\0\0II*\0\xff\xff\xff\xff") == b""
    assert clean_exif(b"") == b""
