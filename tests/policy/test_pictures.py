"""Rules for whole pictures: what they ask, and that every one that matches counts."""

from datetime import date

import pytest

from redactor.model import Facts, Flag, Origin, PictureDecision
from redactor.policy import Policy

FACTS = Facts(size=(1000, 500), format="PNG", origin=Origin("uploads", "in/a.png"))


@pytest.fixture
def said(a_code):
    """Give what rules, in one line each, say of a picture with these contents."""

    def ask(rules, contents=("hello",), facts=FACTS, lists="{}"):
        lines = "\n".join(f"  - {rule}" for rule in rules)
        policy = Policy.parse(
            f"version: 1\nlists: {lists}\ndefault: {{action: blur}}\npictures:\n{lines}\n"
        )
        codes = [a_code(text, at=(200 * n, 10)) for n, text in enumerate(contents)]
        return policy.decide_picture(codes, facts)

    return ask


@pytest.mark.parametrize(
    ("conditions", "contents", "expected"),
    [
        ("codes: {min: 3}", ("a", "b", "c"), True),
        ("codes: {min: 3}", ("a", "b"), False),
        ("codes: {max: 0}", (), True),
        ("format: PNG", (), True),
        ("key: 'in/*'", ("a",), True),
        ("bucket: other", ("a",), False),
        ("has: {content: b}", ("a", "b"), True),
        ("has: {content: c}", ("a", "b"), False),
        ("has: {prefix: a, suffix: z}", ("ab", "bz"), False),
        ("has: {prefix: a, suffix: z}", ("ab", "az"), True),
        ("has: {read: false}", ("a", None), True),
        ("has: {domain: evil.com}", ("see https://evil.com/",), True),
        ("has: {not: {domain: good.com}}", ("https://good.com/", "https://good.com/x"), False),
        ("has: {not: {domain: good.com}}", ("https://good.com/", "https://x@good.com/"), True),
        ("not: {has: {domain: good.com}}", ("https://good.com/",), False),
        ("not: {has: {domain: good.com}}", ("https://x@good.com/",), True),
        ("any: [{codes: {min: 5}}, {has: {content: a}}]", ("a",), True),
        ("all: [{codes: {min: 2}}, {has: {content: a}}]", ("a",), False),
        ("codes: {min: 1}, has: {payload: payment}", ("wxp://f2f0",), True),
    ],
)
def test_conditions_on_pictures(said, conditions, contents, expected):
    rule = f"{{id: x, when: {{{conditions}}}, flag: review}}"

    assert bool(said([rule], contents)) is expected


def test_every_rule_that_matches_counts_in_order(said):
    found = said(
        [
            "{id: many, when: {codes: {min: 2}}, flag: review, reason: many codes, tags: sheet}",
            "{id: jpeg, when: {format: JPEG}, flag: info}",
            "{id: denied, when: {has: {domain: denied}}, action: quarantine, flag: high}",
        ],
        ("https://evil.example/", "b"),
        lists="{denied: [evil.example]}",
    )

    assert found == (
        PictureDecision("many", Flag.REVIEW, False, "many codes", ("sheet",)),
        PictureDecision("denied", Flag.HIGH, True),
    )


def test_a_rule_for_pictures_expires(said):
    rule = "{id: x, when: {codes: {min: 1}}, flag: info, expires: 2027-01-31}"

    assert said([rule], facts=Facts((1, 1), day=date(2027, 1, 31)))
    assert not said([rule], facts=Facts((1, 1), day=date(2027, 2, 1)))


def test_a_disputed_code_counts_for_any_of_its_readings(a_code):
    policy = Policy.parse(
        "version: 1\ndefault: {action: allow}\n"
        "pictures: [{id: x, when: {has: {domain: evil.com}}, action: quarantine}]\n"
    )

    code = a_code("hello", readings=("hello", "https://evil.com/"))

    assert policy.decide_picture([code], FACTS)


def test_rules_for_pictures_are_part_of_the_hash():
    text = "version: 1\ndefault: {action: blur}\npictures: [{id: x, when: {codes: {min: 2}}, %s}]\n"

    hashes = {Policy.parse(text % effect).hash for effect in ("flag: info", "action: quarantine")}
    hashes.add(Policy.parse(text.replace("min: 2", "min: 3") % "flag: info").hash)

    assert len(hashes) == 3
