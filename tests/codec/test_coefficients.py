"""Both libraries give and take the same coefficients; without the first, the second does all."""

import itertools

import numpy as np
import pytest
from PIL import Image

from redactor.codec import portable, turbo
from redactor.codec.coefficients import Coefficients, Layout
from redactor.codec.dct import Rows, forward, inverse
from redactor.codec.markers import FRAME_HEADERS, split
from redactor.errors import DamagedPicture, UnsupportedPicture

KINDS = [
    "4:4:4", "4:2:2", "4:2:0", "4:4:0", "4:1:1", "odd", "progressive", "optimised",
    "restart markers", "RGB", "coarse", "finest", "gray", "CMYK", "progressive CMYK", "YCCK",
]  # fmt: skip


def bare_of(data):
    """Give what the libraries see of a file, and how its blocks lie."""
    segments, scans, _ = split(data)
    header = next(segment for segment in segments if segment.marker in FRAME_HEADERS)
    body = header.body
    size = int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big")
    kept = [segment for segment in segments if not segment.is_application]
    return kept, scans, Layout.of(header, size)


@pytest.fixture
def without_turbo(monkeypatch):
    def leave():
        monkeypatch.setattr(turbo, "is_available", lambda: False)

    return leave


@pytest.fixture
def coefficients_of(jpegs, a_scene):
    def build(kind, seed=0):
        return Coefficients(*bare_of(jpegs[kind](a_scene(61, 45, channels=4, seed=seed))))

    return build


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("needs_turbo")
def test_both_libraries_read_the_same(kind, coefficients_of, without_turbo):
    ours = coefficients_of(kind)
    without_turbo()
    others = coefficients_of(kind)

    for one, other in zip(ours.planes, others.planes, strict=True):
        assert one.any()
        assert np.array_equal(one, other)


@pytest.mark.parametrize("has_turbo", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_changed_rows_come_back_and_nothing_else_changes(
    kind, has_turbo, coefficients_of, without_turbo
):
    if not has_turbo:
        without_turbo()
    before, source = coefficients_of(kind), coefficients_of(kind, seed=1)
    rows = [Rows(1, plane[1:2].copy()) for plane in source.planes]

    header, scans = before.write(rows)

    kept = [s for s in before_segments(before) if s.marker not in FRAME_HEADERS]
    after = Coefficients([*kept, header], scans, before._layout)
    for index, (old, new) in enumerate(zip(before.planes, after.planes, strict=True)):
        expected = old.copy()
        expected[1:2] = rows[index].blocks
        assert np.array_equal(new, expected)


def before_segments(coefficients):
    return [s for s in split(coefficients._file)[0] if s.marker not in (0xC4, 0xDD)]


@pytest.mark.usefixtures("needs_turbo")
def test_what_turbojpeg_does_not_take_the_other_reads(jpegs, a_scene):
    segments, scans, layout = bare_of(jpegs["gray"](a_scene(48, 48, channels=4)))

    with pytest.raises(DamagedPicture):
        turbo.read(b"\xff\xd8\xff\xd9", layout.shapes)
    with pytest.raises(DamagedPicture):
        portable.read(b"\xff\xd8\xff\xd9", layout.shapes)
    with pytest.raises(DamagedPicture):  # a row of another length than the header says
        turbo.read(split_file(segments, scans), [(6, 5)])


def split_file(segments, scans):
    return b"\xff\xd8" + b"".join(segment.bytes for segment in segments) + scans


def a_file_of_one_block(last):
    """Give a grey JPEG of one block: mean 0, one coefficient of 14 bits, then the end."""
    tables = b"\xff\xdb\0\x43\0" + b"\1" * 64
    header = b"\xff\xc0\0\x0b\x08\0\x08\0\x08\1\1\x11\0"
    means = b"\xff\xc4\0\x14\0\1" + bytes(15) + b"\0"
    others = b"\xff\xc4\0\x15\x10\1\1" + bytes(14) + bytes((last, 0))
    bits = "00" + "1" * last + "10"
    bits += "1" * (-len(bits) % 8)
    coded = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    scan = b"\xff\xda\0\x08\1\1\0\0\x3f\0" + coded
    return b"\xff\xd8" + tables + header + means + others + scan + b"\xff\xd9"


@pytest.mark.parametrize("has_turbo", [True, False])
def test_coefficients_that_no_picture_has_are_refused(has_turbo, without_turbo):
    if not has_turbo:
        without_turbo()

    assert Coefficients(*bare_of(a_file_of_one_block(10))).planes[0].max() == 1023
    for bits in (11, 14):
        with pytest.raises(UnsupportedPicture, match="larger than 8 bits"):
            Coefficients(*bare_of(a_file_of_one_block(bits)))


def test_quantisation_is_read_in_the_order_of_the_file(a_file, a_scene, coefficients):
    table = list(range(1, 65))
    data = a_file(Image.fromarray(a_scene(32, 32)), "JPEG", qtables=[table, table[::-1]])

    ours = Coefficients(*bare_of(data)).tables

    theirs = [coefficients(data).get_component_qt(index) for index in range(3)]
    assert all(np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True))
    assert not np.array_equal(ours[0], ours[1])


def test_samples_go_to_coefficients_and_back():
    plane = np.random.default_rng(0).uniform(0, 255, (24, 40)).astype(np.float32)
    ones = np.ones((8, 8), dtype=np.int32)
    blocks = plane.reshape(3, 8, 5, 8).swapaxes(1, 2)

    coded = forward(blocks, ones).reshape(3, 5, 8, 8)

    assert np.abs(inverse(coded, ones) - plane).max() < 3
    needed = np.random.default_rng(1).random((3, 5)) < 0.5
    spread = needed.repeat(8, axis=0).repeat(8, axis=1)
    some = inverse(coded, ones, needed)
    assert np.allclose(some[spread], inverse(coded, ones)[spread], atol=0.01)
    assert (some[~spread] == 128).all()
    assert np.allclose(coded[..., 0, 0], 8 * (blocks.mean(axis=(2, 3)) - 128), atol=0.6)


@pytest.mark.usefixtures("needs_turbo")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_is_raised_while_rows_are_put_in_place_is_not_lost(coefficients_of, monkeypatch):
    coefficients = coefficients_of("4:2:0")
    calls = itertools.count()

    def interrupted(*_):
        if next(calls) == 1:  # as the handler of a signal does
            raise TimeoutError

    monkeypatch.setattr(turbo, "_into", interrupted)

    with pytest.raises(DamagedPicture, match="not all"):
        coefficients.write([Rows(0, plane) for plane in coefficients.planes])
