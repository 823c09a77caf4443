"""The local detector: frames to detections."""

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from redactor.detect import LocalDetector
from redactor.errors import DetectorError
from redactor.geometry import Quad
from redactor.model import Frame

LINK = "https://example.org/4711"


@pytest.mark.parametrize("turn", range(0, 360, 15))
def test_a_code_is_read_at_every_rotation(a_scene, find, corner_error, turn):
    scene = a_scene(turn=turn)

    (code,) = find(scene.gray)

    assert code.content == LINK
    assert corner_error(scene.quad, code.quad) < 0.03


@pytest.mark.parametrize(("scale", "resized"), [(3, 0.5), (2, 1), (4, 1), (9, 1), (20, 1)])
def test_a_code_is_read_at_every_size(a_scene, find, covered, scale, resized):
    scene = a_scene(scale=scale, size=(760, 760))
    gray = cv2.resize(scene.gray, None, fx=resized, fy=resized, interpolation=cv2.INTER_AREA)

    (code,) = find(gray)

    assert code.content == LINK
    assert covered(Quad.of(scene.quad.as_array() * resized), code.quad) > 0.95


def test_a_small_code_in_a_large_picture_is_read(a_scene, find):
    scene = a_scene(scale=3, size=(4000, 3000), center=(3400, 2500))

    assert [code.content for code in find(scene.gray)] == [LINK]


def test_a_code_curved_around_a_bottle_is_read(a_scene, find):
    scene = a_scene(scale=6)
    y, x = np.mgrid[:400, :400].astype(np.float32)
    around = 200 + 160 * np.arcsin(np.clip((x - 200) / 175, -1, 1)).astype(np.float32)
    bent = cv2.remap(scene.gray, around, y, cv2.INTER_LINEAR, borderValue=235)

    assert LINK in [code.content for code in find(bent)]


def test_glare_noise_and_a_missing_quiet_zone_are_borne(a_scene, find):
    gray = a_scene(scale=5, grain=30).gray.astype(np.float32)
    y, x = np.mgrid[:400, :400]
    glare = 200 * np.exp(-((x - 230) ** 2 + (y - 200) ** 2) / 2 / 60**2)
    hazy = np.clip(gray + glare, 0, 255).astype(np.uint8)
    scene = a_scene(scale=5)
    box = scene.quad.box
    bare = np.full((400, 400), 30, np.uint8)
    part = np.s_[box.top : box.bottom, box.left : box.right]
    bare[part] = scene.gray[part]

    assert find(hazy)
    assert find(bare)


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("QRCode", 4),
        ("DataMatrix", 4),
        ("Aztec", 4),
        ("Code128", 2),
        ("Code128", 3),
        ("Code128", 4),
    ],
)
def test_a_code_in_light_on_dark_is_read(a_scene, find, name, scale):
    scene = a_scene("inverted", name, scale=scale, size=(700, 400))

    assert "inverted" in [code.content for code in find(255 - scene.gray)]


def test_several_codes_come_in_reading_order(a_scene, find):
    scene = a_scene("a", size=(700, 300), center=(560, 150))
    scene = a_scene("b", center=(130, 150), onto=scene.gray)
    scene = a_scene("4006381333931", "EAN13", scale=2, center=(345, 150), onto=scene.gray)

    assert sorted(code.content for code in find(scene.gray)) == ["4006381333931", "a", "b"]


# The second look.


@pytest.mark.parametrize(
    ("symbology", "scale", "turn"), [("DataMatrix", 2, 45), ("Aztec", 2, 5), ("Aztec", 3, 30)]
)
def test_small_matrix_codes_are_read_twice_as_large(symbology, scale, turn, a_scene, detector):
    scene = a_scene(
        "X123456789", symbology, scale=scale, turn=turn, high=120, grain=1, size=(500, 500)
    )

    (code,) = detector.detect([Frame((scene.gray,))])

    assert code.content == "X123456789"
    assert scene.quad.grow(6, 6).contains(code.quad.center)


def test_what_no_engine_reads_at_first_is_read_up_close(a_scene, detector):
    """A blurred code is found whole, and read in the sharpened crop."""
    scene = a_scene(scale=5, blur=2.9, grain=1, size=(900, 900))

    (code,) = detector.detect([Frame((scene.gray,))])

    assert code.content == LINK


def test_areas_are_read_in_every_hard_variant(a_scene, detector):
    scene = a_scene(scale=3, low=110, high=124, grain=1)

    readings = detector.read_last(Frame((scene.gray,)), [scene.quad], margin=0.25)

    assert {code.content for code in readings} == {LINK}
    for code in readings:
        assert scene.quad.contains(code.quad.center)


def test_engines_cross_check_each_other(a_scene, find):
    """What zxing-cpp has read zbar reads too, and may disagree."""
    (code,) = find(a_scene(scale=5).gray)

    assert code.sources == ("zbar", "zxing")


def test_low_bars_at_a_slant_are_read(a_scene, find):
    scene = a_scene("EXAMPLE-42", "Code128", scale=2, size=(500, 500))
    box = scene.quad.box
    low = scene.gray.copy()
    low[: box.top + 5], low[box.top + 35 :] = 235, 235
    for turn in (20, 35, 50, 70, 110, 155):
        matrix = cv2.getRotationMatrix2D((250, 250), turn, 1)
        turned = cv2.warpAffine(low, matrix, (500, 500), borderValue=235)

        assert "EXAMPLE-42" in [code.content for code in find(turned)]


def test_an_area_outside_of_the_frame_holds_nothing(a_scene, detector):
    frame, outside = Frame((a_scene().gray,)), Quad.from_box(5000, 5000, 90, 90)

    assert detector.read_last(frame, [outside], margin=0.25) == detector.read_last(
        frame, [], margin=0.25
    )


@pytest.mark.parametrize("turns", range(4))
def test_bars_are_read_last_however_they_stand(turns, a_scene, detector):
    """So faint that only a remedy reads them, and a remedy looks in one direction."""
    scene = a_scene("EXAMPLE-42", "Code128", scale=2, low=110, high=116, grain=0)
    gray = np.ascontiguousarray(np.rot90(scene.gray, turns))
    whole = Quad.from_box(0, 0, 400, 400)

    readings = detector.read_last(Frame((gray,)), [whole], margin=0)

    assert "EXAMPLE-42" in {code.content for code in readings}
    assert all(whole.contains(code.quad.center) for code in readings)


def test_a_thorough_look_finds_no_less_and_nothing_on_a_page_of_text(a_scene, text_page):
    thorough = LocalDetector(thorough=True)
    both = a_scene(spoil=True, size=(700, 300), center=(160, 150))
    both = a_scene("one", center=(520, 150), onto=both.gray)

    assert [code.content for code in thorough.detect([Frame((both.gray,))])] == [None, "one"]
    assert thorough.detect([Frame((text_page,))]) == ()


# Frames.


def test_every_frame_is_looked_at(a_scene, detector):
    frames = [Frame((a_scene(text).gray,)) for text in ("one", "two")]
    blank = Frame((np.full((90, 90, 3), 220, np.uint8),))

    found = detector.detect([frames[0], blank, frames[1]])

    assert [(code.frame, code.content) for code in found] == [(0, "one"), (2, "two")]


def test_equal_frames_are_looked_at_once(a_scene, detector, monkeypatch):
    frames = [Frame((a_scene(text).gray.copy(),)) for text in ("one", "one", "two", "one")]
    looked = []
    monkeypatch.setattr(
        detector,
        "_detect_in",
        lambda frame, real=detector._detect_in: looked.append(1) or real(frame),
    )

    found = detector.detect(frames)

    assert [(code.frame, code.content) for code in found] == [
        (0, "one"), (1, "one"), (2, "two"), (3, "one")
    ]  # fmt: skip
    assert len(looked) == 2


def test_colour_is_seen_as_grey(a_scene, find):
    assert [code.content for code in find(np.dstack([a_scene().gray] * 3))] == [LINK]


def test_a_code_that_only_one_view_shows_is_found(a_scene, find):
    """A transparent picture: black modules on clear show over white alone."""
    over_white = a_scene("over white").gray
    over_black = np.zeros_like(over_white)

    for views in ((over_white, over_black), (over_black, over_white)):
        assert [code.content for code in find(*views)] == ["over white"]


def test_two_views_may_show_two_codes(a_scene, find):
    first = a_scene("first", size=(500, 250), center=(125, 125)).gray
    second = a_scene("second", size=(500, 250), center=(375, 125)).gray

    assert [code.content for code in find(first, second)] == ["first", "second"]


@pytest.mark.parametrize("content", [LINK, "4006381333931"])
def test_a_mirrored_frame_is_read_as_viewers_show_it(a_scene, find, covered, content):
    name = "EAN13" if content.isdigit() else "QRCode"
    scene = a_scene(content, name, scale=3, center=(150, 200))
    stored = np.ascontiguousarray(scene.gray[:, ::-1])
    quad = Quad.of([(400 - x, y) for x, y in scene.quad.corners])

    (code,) = find(stored, is_mirrored=True)

    assert code.content == content
    assert covered(quad, code.quad) > 0.85


def test_an_unreadable_code_in_a_mirrored_frame_is_one_detection(a_scene, find, covered):
    scene = a_scene(spoil=True, center=(150, 200))
    quad = Quad.of([(400 - x, y) for x, y in scene.quad.corners])

    (code,) = find(np.ascontiguousarray(scene.gray[:, ::-1]), is_mirrored=True)

    assert covered(quad, code.quad) > 0.95


# Whatever comes.


@pytest.mark.parametrize(
    "size", [(1, 1), (7, 7), (8, 8), (1, 5000), (5000, 1), (8, 5000), (5000, 9), (16, 16)]
)
@pytest.mark.parametrize("filling", ["plain", "noise", "stripes"])
def test_tiny_and_thin_rasters_are_borne(find, size, filling):
    gray = {
        "plain": lambda: np.full(size, 130, np.uint8),
        "noise": lambda: np.random.default_rng(1).integers(0, 256, size).astype(np.uint8),
        "stripes": lambda: (np.indices(size).sum(axis=0) // 3 % 2 * 255).astype(np.uint8),
    }[filling]()

    for code in find(gray) + find(gray, is_mirrored=True):
        assert np.isfinite(code.quad.as_array()).all()


@pytest.mark.parametrize("value", [0, 255])
def test_a_blank_picture_is_clean(find, value):
    assert find(np.full((500, 700), value, np.uint8)) == ()


@st.composite
def rasters(draw):
    """Noise, steps, stripes, nested squares and shreds of codes, in one raster."""
    height, width = draw(st.integers(8, 160)), draw(st.integers(8, 160))
    coarse = draw(arrays.arrays(np.uint8, (draw(st.integers(1, 12)), draw(st.integers(1, 12)))))
    gray = cv2.resize(coarse, (width, height), interpolation=draw(st.sampled_from([0, 1])))
    for _ in range(draw(st.integers(0, 6))):
        left, top = draw(st.integers(-20, width)), draw(st.integers(-20, height))
        side = draw(st.integers(7, 70))
        for share, value in ((1, 0), (5 / 7, 255), (3 / 7, 0)):
            margin = int(side * (1 - share) / 2)
            low, high = (left + margin, top + margin), (left + side - margin, top + side - margin)
            cv2.rectangle(gray, low, high, value, -1)
    if draw(st.booleans()):
        period = draw(st.integers(2, 9))
        gray[:, np.arange(width) % period < period // 2] = draw(st.integers(0, 255))
    return gray


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(rasters(), st.booleans())
def test_a_detector_never_raises_and_its_quads_are_finite(detector, gray, is_mirrored):
    before = gray.copy()

    for code in detector.detect([Frame((gray,), is_mirrored=is_mirrored)]):
        assert np.isfinite(code.quad.as_array()).all()
        assert 0 <= code.confidence <= 1
        assert code.is_read or code.reason
        assert list(code.readings) == sorted(set(code.readings))
    assert (gray == before).all()


def test_an_engine_that_fails_is_no_empty_answer(a_scene, monkeypatch):
    detector = LocalDetector()

    def fail(gray):
        raise RuntimeError("out of order")

    monkeypatch.setattr(detector._zxing, "detect", fail)

    with pytest.raises(DetectorError, match="zxing failed: RuntimeError: out of order"):
        detector.detect([Frame((a_scene().gray,))])


def test_the_detector_says_who_looks(detector):
    assert detector.names[0] == "zxing"
    assert set(detector.reader_names) <= set(detector.names)
    assert (detector.remark is None) == ("zbar" in detector.names)
