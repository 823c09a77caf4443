"""A policy as a value: its name, what it is equal to, and that it decides about everything."""

import copy
import dataclasses
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redactor.model import Facts, Flag, Symbology
from redactor.policy import Policy

TEXT = """\
version: 1
name: shop
description: Our shop.
lists: {ours: [example.com, shop.example]}
rules:
  - id: own-links
    when: {domain: ours, symbology: [qrcode, aztec]}
    action: allow
default: {action: fill}
on_error: {flag: high}
hold: true
"""
SAME = """\
# the same, said differently
hold: yes
on_error: {flag: "high"}
default:
  action: fill
  color: "#000000"
rules:
  - when:
      symbology: [aztec, qrcode, aztec]
      domain: [shop.example, EXAMPLE.com.]
    id: own-links
    action: allow
version: 1
"""


def test_a_policy_says_what_its_file_says():
    policy = Policy.parse(TEXT)

    assert (policy.name, policy.description) == ("shop", "Our shop.")
    assert (policy.hold, policy.on_error) == (True, Flag.HIGH)
    assert [rule.id for rule in policy.rules] == ["own-links"]


def test_what_a_file_leaves_out_is_off():
    policy = Policy.parse("version: 1\ndefault: {action: blur}", file="folder/plain.yaml")

    assert (policy.name, policy.description) == ("plain", "")
    assert (policy.hold, policy.on_error, policy.rules) == (False, None, ())


def test_the_hash_is_of_the_meaning_not_of_the_words():
    policy, same = Policy.parse(TEXT), Policy.parse(SAME)

    assert policy.hash == same.hash
    assert policy == same
    assert len(policy.hash) == 12
    assert int(policy.hash, 16)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("action: fill", "action: blur"),
        ("action: fill", 'action: fill, color: "#000001"'),
        ("action: allow", "action: flag"),
        ("flag: high", "flag: info"),
        ("hold: true", "hold: false"),
        ("example.com", "example.net"),
        ("id: own-links", "id: other"),
        ("domain: ours", "content: ours"),
    ],
)
def test_the_hash_changes_with_the_meaning(before, after):
    assert before in TEXT

    assert Policy.parse(TEXT.replace(before, after)).hash != Policy.parse(TEXT).hash


def test_the_order_of_rules_is_part_of_the_meaning(a_policy):
    rules = (
        "{id: a, when: {payload: url}, action: allow}",
        "{id: b, when: {read: true}, action: blur}",
    )

    assert a_policy(*rules).hash != a_policy(*reversed(rules)).hash


def test_a_policy_cannot_be_changed():
    policy = Policy.parse(TEXT)

    with pytest.raises(dataclasses.FrozenInstanceError):
        policy.hold = False


def test_a_policy_travels_to_other_processes(a_code):
    policy = Policy.parse(TEXT)

    for travelled in (pickle.loads(pickle.dumps(policy)), copy.deepcopy(policy)):
        assert travelled == policy
        assert travelled.name == "shop"
        assert travelled.decide(a_code()) == policy.decide(a_code())


EVERYTHING = """\
version: 1
rules:
  - {id: a, when: {domain: example.com, payload: [url, emv], size: {max_share: 0.1}}, action: allow}
  - {id: b, when: {regex: "^a+$", confidence: {min: 0.5}}, action: pixelate}
  - {id: c, when: {disputed: true, detector: zbar}, action: blur}
  - {id: d, when: {prefix: [a, b], content: abc}, action: flag}
default: {action: fill}
"""


@given(
    content=st.none() | st.text(max_size=40),
    readings=st.lists(st.text(max_size=5), max_size=2),
    symbology=st.sampled_from(Symbology),
    confidence=st.floats(0, 1),
    at=st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)),
    side=st.floats(0, 1e6),
    size=st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)),
)
def test_a_policy_decides_about_every_code(a_code, size, readings, **code):
    policy = Policy.parse(EVERYTHING)

    decision = policy.decide(a_code(**code, readings=tuple(readings)), Facts(size=size))

    assert decision.rule in {"a", "b", "c", "d", "default"}
    assert policy.decide_all([decision.detection], Facts(size=size)) == (decision,)
