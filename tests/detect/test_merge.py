"""One code is one detection, whoever saw it; two codes stay two."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redactor.detect import merge
from redactor.geometry import Quad
from redactor.model import Detection, Symbology

BLANK = np.full((600, 600), 220, np.uint8)


def test_one_code_seen_by_all_is_one_detection(a_code):
    (code,) = merge(
        [
            a_code((103, 98, 95, 104), None, source="opencv", confidence=0.5),
            a_code((100, 100, 100, 100), modules=(25, 25)),
            a_code((101, 99, 101, 100), source="zbar"),
        ],
        BLANK,
    )

    assert code.sources == ("opencv", "zbar", "zxing")
    assert code.content == "one"
    assert code.readings == ("one",)
    assert code.modules == (25, 25)
    assert code.quad == Quad.from_box(100, 100, 100, 100)
    assert not code.is_disputed


def test_the_order_of_the_reports_does_not_matter(a_code):
    reports = [
        a_code((100, 100, 100, 100)),
        a_code((102, 99, 97, 103), "two", source="zbar"),
        a_code((95, 95, 110, 110), None, source="opencv", confidence=0.5),
        a_code((300, 100, 100, 100), "three", source="zbar"),
    ]

    results = {tuple(merge(order, BLANK)) for order in itertools.permutations(reports)}

    assert len(results) == 1


def test_codes_side_by_side_stay_two(a_code):
    left, right = a_code((100, 100, 100, 100)), a_code((204, 100, 100, 100))

    assert merge([right, left], BLANK) == [left, right]


def test_equal_codes_side_by_side_stay_two_even_with_one_content(a_code):
    reports = [a_code((100, 100, 100, 100)), a_code((195, 100, 100, 100), source="zbar")]

    assert len(merge(reports, BLANK)) == 2


def test_engines_that_disagree_are_on_record(a_code):
    (code,) = merge(
        [a_code((100, 100, 100, 100), "b", source="zbar"), a_code((100, 100, 100, 100), "a")], BLANK
    )

    assert code.is_disputed
    assert code.readings == ("a", "b")
    assert code.content == "a"


def test_reading_wins_over_seeing(a_code):
    (code,) = merge(
        [
            a_code((100, 100, 100, 100), None, confidence=0.6, reason="found but not read"),
            a_code((100, 100, 100, 100), source="zbar"),
        ],
        BLANK,
    )

    assert code.is_read
    assert code.reason is None
    assert code.sources == ("zbar", "zxing")


def test_confidence_adds_up_and_an_engine_counts_once(a_code):
    (code,) = merge(
        [
            a_code((100, 100, 100, 100), None, confidence=0.6),
            a_code((100, 100, 101, 100), None, confidence=0.6),
            a_code((100, 100, 100, 101), None, source="opencv", confidence=0.5),
        ],
        BLANK,
    )

    assert code.confidence == pytest.approx(1 - 0.4 * 0.5)


def test_a_small_linear_code_inside_a_matrix_code_stays(a_code):
    reports = [a_code((100, 100, 300, 300)), a_code((150, 200, 200, 40), "2", "ean13")]

    assert len(merge(reports, BLANK)) == 2


def test_a_small_code_inside_a_large_one_stays(a_code):
    reports = [a_code((100, 100, 300, 300)), a_code((230, 230, 40, 40), "decoy")]

    assert len(merge(reports, BLANK)) == 2


def test_a_decoy_does_not_shrink_the_code_around_it(a_code):
    around = a_code((100, 100, 300, 300), None, source="locator", confidence=0.9)
    decoy = a_code((230, 230, 40, 40), "decoy")

    merged = merge([decoy, around], BLANK)

    assert max(code.quad.area for code in merged) >= around.quad.area


def test_who_saw_more_of_an_unread_code_widens_it(a_code):
    (code,) = merge(
        [
            a_code((100, 100, 60, 60), None, confidence=0.6),
            a_code((100, 100, 120, 120), None, source="locator", confidence=0.9),
        ],
        BLANK,
    )

    assert code.quad.overlap(Quad.from_box(100, 100, 120, 120)) == pytest.approx(120 * 120)


def test_a_box_of_imm_names_no_symbology_and_moves_no_corner(a_code):
    exact = Quad.of(((150, 100), (200, 150), (150, 200), (100, 150)))

    (code,) = merge([a_code((100, 100, 100, 100), source="imm"), a_code(exact)], BLANK)

    assert code.quad == exact
    assert code.symbology is Symbology.QRCODE
    assert code.sources == ("imm", "zxing")


def test_an_unknown_symbology_takes_the_known_name(a_code):
    (code,) = merge(
        [
            a_code((100, 100, 100, 100), "x", "unknown", "zxing"),
            a_code((100, 100, 100, 100), "x", "aztec", "zbar"),
        ],
        BLANK,
    )

    assert code.symbology is Symbology.AZTEC


def test_codes_come_in_reading_order(a_code):
    """Row by row: in a photograph no row is quite level."""
    places = [(300, 4), (10, 10), (10, 300), (300, 280)]
    codes = [a_code((x, y, 50, 50), f"{x} {y}") for x, y in places]

    assert [c.content for c in merge(codes, BLANK)] == ["10 10", "300 4", "10 300", "300 280"]


def test_two_barcodes_one_above_the_other_stay_two(a_scene, a_code):
    upper = a_scene("4006381333931", "EAN13", scale=3, size=(520, 560), center=(260, 140))
    both = a_scene("5901234123457", "EAN13", scale=3, center=(260, 330), onto=upper.gray)
    lines = [
        a_code(Quad.from_box(box.left, box.top + 60, box.width, 2), text, "ean13")
        for box, text in ((upper.quad.box, "one"), (both.quad.box, "two"))
    ]

    assert [code.content for code in merge(lines, both.gray)] == ["one", "two"]


def test_what_is_known_already_is_joined_as_it_is(a_scene, a_code):
    """Whole symbols are not grown again: next to others of their kind they would grow on."""
    scene = a_scene("4006381333931", "EAN13", scale=3, size=(520, 360), center=(260, 180))
    part = Quad.from_box(*scene.quad.box[:2], scene.quad.box.width, 40)
    known = a_code(part, "one", "ean13")

    (code,) = merge([a_code(part, "one", "ean13", source="zbar")], scene.gray, [known])

    assert code.quad == known.quad
    assert code.sources == ("zbar", "zxing")


boxes = st.tuples(
    *[st.floats(-50, 650, allow_nan=False)] * 2, *[st.floats(0, 400, allow_nan=False)] * 2
)


@given(
    st.lists(
        st.tuples(
            boxes,
            st.sampled_from(["zxing", "zbar", "opencv", "imm", "locator"]),
            st.sampled_from([None, "a", "b"]),
            st.sampled_from(list(Symbology)),
        )
    )
)
def test_nothing_that_was_read_is_lost(reports):
    codes = [
        Detection(
            Quad.from_box(*box),
            symbology,
            content,
            0.7,
            (source,),
            () if content is None else (content,),
        )
        for box, source, content, symbology in reports
    ]

    merged = merge(codes, BLANK)

    assert {text for code in merged for text in code.readings} == {
        code.content for code in codes if code.content is not None
    }
    assert {s for code in merged for s in code.sources} == {c.sources[0] for c in codes}
    assert all(0 <= code.confidence <= 1 for code in merged)
