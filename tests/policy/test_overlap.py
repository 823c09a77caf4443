"""Where codes overlap, hiding beats allowing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redactor.geometry import Quad
from redactor.model import Action, Flag

PAY = "wxp://f2f0"


@pytest.fixture
def policy(a_policy):
    return a_policy(
        "{id: payment, when: {payload: wechat-pay}, action: pixelate, blocks: 6, flag: review}",
        default="{action: allow}",
    )


def actions(decisions):
    return [decision.action for decision in decisions]


def test_an_allowed_code_over_a_hidden_one_is_hidden_like_it(policy, a_code):
    allowed, hidden = policy.decide_all([a_code(at=(50, 50)), a_code(PAY, at=(0, 0))])

    assert (allowed.action, allowed.style) == (Action.PIXELATE, hidden.style)
    assert allowed.rule == "default"
    assert allowed.reason == "overlaps a code that `payment` hides"
    assert allowed.flag is Flag.REVIEW


@pytest.mark.parametrize(
    ("at", "action"),
    [
        ((0, 0), Action.PIXELATE),
        ((98, 0), Action.PIXELATE),
        ((99, 0), Action.ALLOW),
        ((100, 0), Action.ALLOW),
        ((300, 300), Action.ALLOW),
    ],
)
def test_a_sliver_is_no_overlap(policy, a_code, at, action):
    decisions = policy.decide_all([a_code(PAY, at=(0, 0), side=100), a_code(at=at, side=100)])

    assert decisions[1].action is action


def test_a_small_code_inside_a_large_one_is_hidden_and_the_other_way_round(policy, a_code):
    large, small = {"at": (0, 0), "side": 1000}, {"at": (500, 500), "side": 20}

    assert actions(policy.decide_all([a_code(PAY, **large), a_code(**small)])) == (
        [Action.PIXELATE] * 2
    )
    assert actions(policy.decide_all([a_code(**large), a_code(PAY, **small)])) == (
        [Action.PIXELATE] * 2
    )


def test_hiding_spreads_from_code_to_code(policy, a_code):
    codes = [a_code(at=(160, 0)), a_code(at=(80, 0)), a_code(PAY, at=(0, 0)), a_code(at=(400, 0))]

    assert actions(policy.decide_all(codes)) == [Action.PIXELATE] * 3 + [Action.ALLOW]


def test_codes_of_different_frames_do_not_meet(policy, a_code):
    codes = [a_code(PAY, at=(0, 0)), a_code(at=(0, 0), frame=1)]

    assert actions(policy.decide_all(codes)) == [Action.PIXELATE, Action.ALLOW]


def test_a_barcode_seen_as_a_line_overlaps_what_it_crosses(policy, a_code):
    line = Quad.of([(20, 50), (80, 50), (80, 50), (20, 50)])

    decisions = policy.decide_all([a_code(PAY, at=(0, 0)), a_code(quad=line)])

    assert decisions[1].action is Action.PIXELATE


def test_the_higher_flag_stays(a_policy, a_code):
    policy = a_policy(
        "{when: {payload: wechat-pay}, action: fill, flag: info}",
        default="{action: flag, flag: high}",
    )

    decisions = policy.decide_all([a_code(PAY), a_code()])

    assert decisions[1].flag is Flag.HIGH


def test_no_codes_are_no_decisions(policy):
    assert policy.decide_all([]) == ()


PLACES = st.lists(
    st.tuples(st.booleans(), st.integers(0, 200), st.integers(0, 200), st.integers(1, 120)),
    max_size=12,
)


@given(PLACES)
def test_no_allowed_code_overlaps_a_hidden_one(a_policy, a_code, places):
    policy = a_policy("{when: {content: pay}, action: fill}", default="{action: allow}")
    codes = [a_code("pay" if pay else "no", at=(x, y), side=side) for pay, x, y, side in places]

    decisions = policy.decide_all(codes)

    assert [decision.detection for decision in decisions] == codes
    hidden = [d.detection.quad for d in decisions if d.action.hides]
    shown = [d.detection.quad for d in decisions if not d.action.hides]
    assert all(h.overlap(s) <= 0.0101 * min(h.area, s.area) for h in hidden for s in shown)
    assert all(d.action.hides for d in decisions if d.detection.content == "pay")
