"""Codes in the frames between those that show them."""

import pytest

from redactor import motion
from redactor.geometry import Point, Quad
from redactor.model import Detection, Symbology

LINK = "https://example.org/one"


def a_code(frame, left=0, top=0, *, side=40, content=LINK, symbology=Symbology.QRCODE):
    quad = Quad.from_box(left, top, side, side)
    return Detection(quad, symbology, content, 1.0, ("zxing",), frame=frame)


def frames_of(codes):
    return [code.frame for code in codes]


def test_a_code_that_flickers_is_there_in_between():
    found = motion.fill_gaps([a_code(3), a_code(7)], 20)

    assert frames_of(found) == [3, 4, 5, 6, 7]
    assert {code.content for code in found} == {LINK}
    assert [code.reason for code in found] == [None, *[motion.REASON] * 3, None]


def test_a_code_seen_in_every_frame_is_added_nowhere():
    codes = [a_code(frame, 3 * frame) for frame in range(6)]

    assert motion.fill_gaps(codes, 6) == tuple(codes)


def test_a_code_that_moves_a_little_is_hidden_around_both_places():
    (_, between, _) = motion.fill_gaps([a_code(0, 10), a_code(2, 30)], 3)

    assert between.quad.box == (10, 0, 70, 40)


def test_a_code_that_moves_far_is_hidden_on_its_way_and_at_both_ends():
    found = motion.fill_gaps([a_code(0, 0), a_code(4, 400)], 5)

    middle = [code.quad for code in found if code.frame == 2]
    assert any(quad.contains(Point(220, 20)) for quad in middle)
    assert a_code(0, 0).quad in middle
    assert a_code(0, 400).quad in middle


def test_two_codes_of_one_content_each_keep_to_their_own_place():
    left, right = [a_code(0, 0), a_code(2, 4)], [a_code(0, 300), a_code(2, 304)]

    found = motion.fill_gaps([*left, *right], 3)

    assert sorted(code.quad.box.left for code in found if code.frame == 1) == [0, 300]


def test_an_unread_code_is_followed_by_its_place():
    unread = [a_code(0, content=None), a_code(3, 5, content=None)]

    assert frames_of(motion.fill_gaps(unread, 4)) == [0, 1, 2, 3]
    assert frames_of(motion.fill_gaps([a_code(0), a_code(2, 5, content=None)], 3)) == [0, 1, 2]
    apart = [a_code(0, content=None), a_code(3, 300, content=None)]
    assert frames_of(motion.fill_gaps(apart, 4)) == [0, 3]


def test_what_lies_in_its_place_unread_does_not_end_it():
    found = motion.fill_gaps([a_code(0), a_code(1, content=None), a_code(2)], 3)

    assert [code.content for code in found if code.frame == 1].count(LINK) == 1


def test_another_code_in_the_same_place_is_another_code():
    codes = [a_code(0), a_code(5, content="https://example.org/two")]

    assert frames_of(motion.fill_gaps(codes, 6)) == [0, 5]


@pytest.mark.parametrize("frames", [0, 1])
def test_pictures_that_do_not_follow_each_other_are_left_alone(frames):
    codes = (a_code(0), a_code(4))

    assert motion.fill_gaps(codes, frames) == codes
