"""What `image/codes` may answer, and what becomes of each answer."""

import json

import pytest

from redactor.detect import parse_image_codes
from redactor.detect.imm import why_not
from redactor.errors import DetectorError
from redactor.geometry import Quad
from redactor.model import Symbology

SIZE = (800, 600)
# The sample of the OSS page "QR code recognition".
DOCUMENTED = {
    "Codes": [
        {
            "Content": "https://help.aliyun.com/document_detail/214740.htm",
            "Boundary": {"Width": 284, "Height": 296, "Left": 41, "Top": 60},
        }
    ],
    "RequestId": "6E9FDE2D-B1D1-5FC3-B4DF-14AFB5A9BB8D",
}
BOX = {"Left": 10, "Top": 20, "Width": 100, "Height": 50}


def parse(answer, size=SIZE, orientation=1):
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return parse_image_codes(body, size, orientation)


def an_answer(*codes, **fields):
    return {"RequestId": "1", "Codes": list(codes), **fields}


def a_reported(**fields):
    return {"Content": "one", "Boundary": BOX, **fields}


def test_the_documented_sample_is_understood():
    answer = parse(DOCUMENTED)

    (code,) = answer.settled()
    assert code.content == "https://help.aliyun.com/document_detail/214740.htm"
    assert code.quad == Quad.from_box(41, 60, 284, 296)
    assert (code.symbology, code.confidence) == (Symbology.UNKNOWN, 1.0)
    assert code.sources == ("imm",)
    assert not answer.is_capped


@pytest.mark.parametrize(
    "answer",
    [
        {"RequestId": "1"},
        {"RequestId": "1", "Codes": None},
        {"RequestId": "1", "Codes": []},
        {"Codes": []},
        {"RequestId": "1", "Codes": [], "More": {"than": ["is", "documented"]}},
    ],
    ids=str,
)
def test_no_codes_is_an_answer(answer):
    parsed = parse(answer)

    assert parsed.settled() == ()
    assert not parsed.is_capped


@pytest.mark.parametrize(
    ("kind", "symbology"),
    [
        ("qrcode", "qr-family"),
        ("QRCode", "qr-family"),
        ("QRCODE", "qr-family"),
        ("barcode", "1d"),
        ("BarCode", "1d"),
        ("datamatrix", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
        (7, "unknown"),
        (["qrcode"], "unknown"),
    ],
)
def test_a_type_names_a_family_in_any_case(kind, symbology):
    (code,) = parse(an_answer(a_reported(Type=kind))).settled()

    assert code.symbology is Symbology(symbology)


@pytest.mark.parametrize(
    ("confidence", "is_read"),
    [(1, True), (0.81, True), (0.8, False), (0.2, False), (0, False), (None, True)],
)
def test_low_confidence_is_doubt_and_not_absence(confidence, is_read):
    (code,) = parse(an_answer(a_reported(Confidence=confidence))).settled()

    assert code.is_read is is_read
    assert code.readings == ("one",)  # others may have read something else
    assert is_read or "confidence" in code.reason


@pytest.mark.parametrize(("confidence", "kept"), [(7, 1.0), (-3, 0.0), (1e300, 1.0)])
def test_a_confidence_beyond_its_range_is_brought_back(confidence, kept):
    assert parse(an_answer(a_reported(Confidence=confidence))).settled()[0].confidence == kept


@pytest.mark.parametrize(("count", "is_capped"), [(0, False), (4, False), (5, True), (6, True)])
def test_five_codes_may_be_more(count, is_capped):
    answer = parse(an_answer(*[a_reported()] * count))

    assert len(answer.readings[0]) == count
    assert answer.is_capped is is_capped


@pytest.mark.parametrize("fields", [{"Content": ""}, {"Content": None}])
def test_no_content_is_seen_and_not_read(fields):
    (code,) = parse(an_answer(a_reported(**fields))).settled()

    assert not code.is_read
    assert code.readings == ()
    assert code.reason == "IMM found it but did not read it"


def test_a_code_may_come_without_the_field_content():
    (code,) = parse(an_answer({"Boundary": BOX})).settled()

    assert not code.is_read


def test_a_polygon_beside_a_box_is_ignored():
    box = {**BOX, "Polygon": [{"X": -1e9, "Y": "nonsense"}, None]}

    (code,) = parse(an_answer({"Content": "one", "Boundary": box})).settled()

    assert code.quad == Quad.from_box(10, 20, 100, 50)


def test_a_polygon_in_the_place_of_a_box_is_hidden_whole():
    points = [{"X": 60, "Y": 20}, {"X": 110, "Y": 60}, {"X": 50, "Y": 90}, {"X": 10, "Y": 50}]

    (code,) = parse(an_answer({"Boundary": {"Polygon": points}})).settled()

    assert code.quad == Quad.from_box(10, 20, 100, 70)


@pytest.mark.parametrize("polygon", ["text", {"X": 1}, [1], [{}], [{"X": 1}], [{"X": 1, "Y": 1}]])
def test_a_polygon_that_is_none_is_an_error(polygon):
    with pytest.raises(DetectorError):
        parse(an_answer({"Boundary": {"Polygon": polygon}}))


def test_broken_numbers_are_numbers():
    box = {"Left": 0.5, "Top": 1e1, "Width": 2.25, "Height": 3}

    assert parse(an_answer({"Boundary": box})).settled()[0].quad == Quad.from_box(0.5, 10, 2.25, 3)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"<Error><Code>ImageCodes</Code></Error>",
        b"\xff\xfe{}",
        b'{"Codes": [}',
        b"[" * 100_000,
        b'{"Codes":' * 50_000,
        b"9" * 10_000,
        b"null",
        b"[]",
        b'"Codes"',
        b"{}",
        b'{"Code": "AccessDenied", "Message": "no"}',
        b'{"Codes": {"Content": "one"}}',
        b'{"Codes": "one"}',
        b'{"Codes": 5}',
        b'{"Codes": [null]}',
        b'{"Codes": ["one"]}',
        b'{"Codes": [[]]}',
        b'{"Codes": [{"Content": "one"}]}',
        b'{"Codes": [{"Content": "one", "Boundary": null}]}',
        b'{"Codes": [{"Content": "one", "Boundary": [10, 20, 100, 50]}]}',
        b'{"Codes": [{"Content": "one", "Boundary": {}}]}',
    ],
    ids=lambda body: repr(body[:30]),
)
def test_nonsense_is_an_error(body):
    with pytest.raises(DetectorError, match="image/codes answered"):
        parse(body)


@pytest.mark.parametrize("key", ["Left", "Top", "Width", "Height"])
@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "1e999", "true", "null", '"10"', "[10]", "{}"]
)
def test_a_side_that_is_no_number_is_an_error(key, value):
    sides = {name: str(number) for name, number in BOX.items()} | {key: value}
    text = ", ".join(f'"{name}": {number}' for name, number in sides.items())

    with pytest.raises(DetectorError, match=key):
        parse(b'{"Codes": [{"Content": "one", "Boundary": {%s}}]}' % text.encode())


@pytest.mark.parametrize("value", ["NaN", "true", '"high"', "[]"])
def test_a_confidence_that_is_no_number_is_an_error(value):
    box = json.dumps(BOX).encode()

    with pytest.raises(DetectorError, match="Confidence"):
        parse(b'{"Codes": [{"Boundary": %s, "Confidence": %s}]}' % (box, value.encode()))


@pytest.mark.parametrize("digits", [400, 5_000])
def test_a_number_of_any_length_is_an_error_and_not_a_crash(digits):
    with pytest.raises(DetectorError):
        parse(b'{"Codes": [{"Boundary": {"Left": %s}}]}' % (b"9" * digits))


@pytest.mark.parametrize("content", [5, True, ["one"], {"text": "one"}])
def test_a_content_that_is_no_text_is_an_error(content):
    with pytest.raises(DetectorError, match="Content"):
        parse(an_answer(a_reported(Content=content)))


@pytest.mark.parametrize(
    "change",
    [
        {"Left": 750},
        {"Top": 580},
        {"Left": -20},
        {"Top": -20},
        {"Width": 9_000},
        {"Height": 1e12},
        {"Left": 1e300, "Width": 1e300},
    ],
    ids=str,
)
def test_a_box_outside_of_the_picture_is_an_error(change):
    with pytest.raises(DetectorError, match="outside of the picture of 800 x 600"):
        parse(an_answer(a_reported(Boundary=BOX | change)))


@pytest.mark.parametrize("change", [{"Width": 0}, {"Height": 0}, {"Width": -5}, {"Height": -0.1}])
def test_a_box_without_extent_is_an_error(change):
    with pytest.raises(DetectorError, match="without width or height"):
        parse(an_answer(a_reported(Boundary=BOX | change)))


def test_a_box_may_fill_the_picture():
    box = {"Left": 0, "Top": 0, "Width": 800, "Height": 600}

    assert parse(an_answer(a_reported(Boundary=box))).settled()[0].quad.area == 800 * 600


def test_one_bad_code_spoils_the_answer():
    with pytest.raises(DetectorError):
        parse(an_answer(a_reported(), {"Content": "two"}))


def test_megabytes_are_taken():
    (code,) = parse(an_answer(a_reported(Content="x" * 4_000_000), More=["y" * 100])).settled()

    assert len(code.content) == 4_000_000


@pytest.mark.parametrize(
    ("picture", "refusal"),
    [
        (("JPEG", (800, 600), 50_000), None),
        (("WEBP", (40, 40), 50_000), None),
        (("GIF", (800, 600), 50_000), "does not take GIF"),
        (("PNG", (39, 600), 50_000), "under 40 pixels"),
        (("PNG", (800, 600), 20_000_001), "this large"),
        (("PNG", (30_001, 600), 50_000), "this large"),
        (("PNG", (20_000, 20_000), 50_000), "this large"),
    ],
    ids=str,
)
def test_pictures_beyond_imm_are_known_before_it_is_asked(picture, refusal):
    answer = why_not(*picture)

    assert answer is None if refusal is None else refusal in answer


# Turned pictures: in which frame the boxes are is undocumented.


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (2, (690, 20, 100, 50)),
        (3, (690, 530, 100, 50)),
        (4, (10, 530, 100, 50)),
        (5, (20, 10, 50, 100)),
        (6, (20, 490, 50, 100)),
        (7, (730, 490, 50, 100)),
        (8, (730, 10, 50, 100)),
    ],
)
def test_a_box_of_a_turned_picture_may_be_in_either_frame(orientation, upright):
    codes = parse(an_answer(a_reported()), orientation=orientation).settled()

    boxes = {code.quad.box for code in codes}
    assert boxes == {Quad.from_box(10, 20, 100, 50).box, Quad.from_box(*upright).box}


@pytest.mark.parametrize(
    ("box", "found"),
    [
        ({"Left": 10, "Top": 700}, (700, 10, 50, 100)),  # below the stored raster's 600 rows
        ({"Left": 690, "Top": 20}, (690, 20, 100, 50)),  # beyond the upright picture's 600 columns
    ],
)
def test_the_bounds_rule_a_frame_out(box, found):
    (code,) = parse(an_answer(a_reported(Boundary=BOX | box)), orientation=5).settled()

    assert code.quad.box == Quad.from_box(*found).box


def test_one_box_out_of_bounds_tells_the_frame_of_all():
    outside = a_reported(Boundary=BOX | {"Left": 690})

    assert len(parse(an_answer(a_reported(), outside), orientation=6).settled()) == 2


@pytest.mark.parametrize("content", ["one", None])
@pytest.mark.parametrize("place", [(12, 18, 96, 52), (690, 530, 100, 50)])
def test_what_was_found_locally_rules_a_frame_out(a_code, content, place):
    answer = parse(an_answer(a_reported()), orientation=3)

    (code,) = answer.settled([a_code(place, content)])

    assert code.quad.overlap(Quad.from_box(*place)) > 0.9 * 100 * 50


@pytest.mark.parametrize(
    "local",
    [
        [],
        [((12, 18, 96, 52), "two")],
        [((300, 300, 90, 90), "one")],
        [((10, 20, 100, 50), "one"), ((690, 530, 100, 50), "one")],
    ],
    ids=["nothing", "another content", "another place", "both places"],
)
def test_both_readings_stay_where_nothing_rules_one_out(a_code, local):
    answer = parse(an_answer(a_reported()), orientation=3)

    assert len(answer.settled([a_code(*code) for code in local])) == 2


def test_a_box_outside_of_both_frames_is_an_error():
    with pytest.raises(DetectorError, match="outside of the picture"):
        parse(an_answer(a_reported(Boundary=BOX | {"Left": 900})), orientation=6)


def test_a_square_box_in_the_middle_of_a_square_picture_is_one_code():
    box = {"Left": 350, "Top": 350, "Width": 100, "Height": 100}

    codes = parse(an_answer(a_reported(Boundary=box)), size=(800, 800), orientation=3).settled()

    assert len({code.quad.box for code in codes}) == 1
