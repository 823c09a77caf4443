"""Pixels that come by a shorter way are the same pixels."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from redactor import codec
from redactor.codec import turbo
from redactor.codec.png import Colors, read_chunks
from redactor.codec.png_samples import decode_samples, plain_samples
from redactor.errors import PictureError

RGB = [
    "4:4:4", "4:2:2", "4:2:0", "4:4:0", "4:1:1", "progressive", "optimised", "restart markers",
    "RGB", "coarse", "finest",
]  # fmt: skip


def by_pillow(data):
    try:
        return np.asarray(Image.open(io.BytesIO(data)))
    except OSError:
        return None


@pytest.mark.parametrize("kind", [*RGB, "gray"])
@pytest.mark.usefixtures("needs_turbo")
def test_turbojpeg_gives_the_pixels_that_pillow_gives(kind, jpegs, a_scene):
    data = jpegs[kind](a_scene(61, 45, channels=4))

    pixels = turbo.decode(data, (61, 45), is_gray=kind == "gray")

    assert np.array_equal(pixels, by_pillow(data))


@pytest.mark.parametrize("kind", ["odd", "CMYK"])
def test_what_turbojpeg_does_not_take_is_left_to_pillow(kind, jpegs, a_scene):
    data = jpegs[kind](a_scene(61, 45, channels=4))

    assert turbo.decode(data, (61, 45), is_gray=False) is None
    assert codec.open_picture(data).size == (61, 45)


@settings(max_examples=200)
@given(place=st.floats(0, 1), value=st.integers(0, 255), kind=st.sampled_from(RGB))
@pytest.mark.usefixtures("needs_turbo")
def test_of_damaged_files_it_gives_what_pillow_gives_or_nothing(place, value, kind, jpegs, a_scene):
    data = bytearray(jpegs[kind](a_scene(61, 45, channels=4)))
    data[int(place * (len(data) - 1))] = value
    data = bytes(data)

    pixels = turbo.decode(data, (61, 45), is_gray=False)

    assert pixels is None or np.array_equal(pixels, by_pillow(data))


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_file_that_is_cut_off_is_still_damaged(cut, jpegs, a_scene):
    data = jpegs["4:2:0"](a_scene(61, 45, channels=4))
    data = data[: int(cut * len(data))]

    assert turbo.decode(data, (61, 45), is_gray=False) is None
    with pytest.raises(PictureError):
        codec.open_picture(data)


@pytest.mark.usefixtures("needs_turbo")
def test_a_file_of_another_size_is_not_scaled(jpegs, a_scene):
    data = jpegs["4:4:4"](a_scene(61, 45, channels=4))

    assert turbo.decode(data, (122, 90), is_gray=False) is None
    assert turbo.decode(data, (31, 23), is_gray=False) is None


@pytest.mark.parametrize("kind", ["L", "RGB", "RGBA", "LA", "P", "P with tRNS", "RGB with tRNS"])
def test_pillow_holds_the_samples_of_a_plain_png_as_they_are_stored(kind, builders, a_scene):
    data = builders["PNG"][kind](a_scene(61, 45, channels=4))
    chunks, _ = read_chunks(data)
    header = Colors(chunks).header
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        samples = plain_samples(header, image)

    stored = decode_samples(header, b"".join(body for kind, body in chunks if kind == b"IDAT"))

    assert np.array_equal(samples, stored)


@pytest.mark.parametrize("kind", ["1", "P of 4 bits", "1 with tRNS"])
def test_pillow_holds_others_as_colours(kind, builders, a_scene):
    data = builders["PNG"][kind](a_scene(61, 45, channels=4))
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert plain_samples(Colors(read_chunks(data)[0]).header, image) is None
