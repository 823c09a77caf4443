"""Why a policy decides as it does: for each earlier rule, the one condition that failed."""

from datetime import date

import pytest

from redactor.model import Facts, Origin
from redactor.policy import explain, explain_picture

PICTURE = Facts(size=(1000, 500), format="JPEG", codes=1)


@pytest.fixture
def why(a_policy):
    """Say why a rule with these conditions does not match a code: what is found, what is asked."""

    def ask(conditions, code, facts=PICTURE, action="fill", lists="{}", rest=""):
        policy = a_policy(
            f"{{when: {{{conditions}}}, action: {action}{rest}}}",
            default="{action: allow}",
            lists=lists,
        )
        (step,) = explain(policy, code, facts).steps
        assert not step.matched
        return f"{step.condition}: {step.found}; asks for {step.asks}"

    return ask


@pytest.mark.parametrize(
    ("conditions", "code", "told"),
    [
        (
            "symbology: [ean13, retail]",
            {},
            "symbology: the symbology is qrcode; asks for ean13 or retail",
        ),
        ("read: false", {}, "read: it was read; asks for a code that could not be read"),
        ("content: bye", {}, "content: it says `hello`; asks for `bye`"),
        (
            "prefix: [a, b, c, d, e, f, g]",
            {},
            "prefix: it says `hello`; asks for `a`, `b`, `c`, `d`, `e` or 2 more",
        ),
        ("regex: '^a'", {"content": None}, "regex: it could not be read; asks for `^a`"),
        ("length: {min: 8}", {}, "length: it has 5 characters; asks for at least 8 characters"),
        (
            "characters: digits",
            {},
            "characters: it says `hello`; asks for digits alone",
        ),
        ("payload: payment", {}, "payload: the payload is text; asks for payment"),
        ("domain: a.example", {}, "domain: it holds no web address; asks for a.example"),
        (
            "domain: ours",
            {"content": "https://evil.com/"},
            "domain: the domain is `evil.com`; asks for the list `ours`",
        ),
        (
            "url: {port: 8443}",
            {"content": "https://a.example/"},
            "url.port: the port is 443; asks for 8443",
        ),
        (
            "url: {shortener: true}",
            {"content": "https://a.example/"},
            "url.shortener: shortener is false; asks for true",
        ),
        (
            "size: {min_side: 200}",
            {},
            "size: the side is 100 px; asks for a side of at least 200 px",
        ),
        (
            "size: {max_share: 0.01}",
            {},
            "size: the share of the picture is 0.02; asks for a share of at most 0.01",
        ),
        (
            "confidence: {min: 0.5, max: 0.9}",
            {"confidence": 1.0},
            "confidence: the confidence is 1; asks for 0.5 to 0.9",
        ),
        ("detector: zbar", {}, "detector: it was seen by zxing; asks for zbar"),
        ("engines: {min: 2}", {}, "engines: it was seen by 1: zxing; asks for at least 2"),
        ("position: center", {}, "position: it lies at top-left; asks for center"),
        ("touches_edge: true", {}, "touches_edge: it lies within the picture; asks for true"),
        ("frame: thumbnail", {}, "frame: it is in the frame `picture`; asks for `thumbnail`"),
        (
            "picture: {codes: {min: 5}}",
            {},
            "picture.codes: codes: 1; asks for at least 5",
        ),
        (
            "picture: {format: PNG}",
            {},
            "picture.format: the picture's format is `JPEG`; asks for `PNG`",
        ),
        (
            "picture: {tag: {a: b}}",
            {},
            "picture.tag: the picture's tag is not known; asks for a=b",
        ),
        ("disputed: true", {}, "disputed: engines do not disagree; asks for engines that disagree"),
        (
            "not: {payload: text}",
            {},
            "not: the payload is text; asks for not (payload text)",
        ),
        (
            "any: [{prefix: a}, {payload: url}]",
            {},
            "any: it says `hello`, the payload is text; asks for prefix `a` or payload url",
        ),
        ("read: true, prefix: a", {}, "prefix: it says `hello`; asks for `a`"),
    ],
)
def test_the_condition_that_failed_is_told_in_words(why, a_code, conditions, code, told):
    given = {"content": "hello"} | code

    assert why(conditions, a_code(**given), lists="{ours: [example.com]}") == told


UNSETTLED = "asks for a code that was read, of a known symbology, on whose content engines agree"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ({"content": None}, "it could not be read"),
        ({"readings": ("a", "https://example.com/")}, "engines disagree"),
        ({"symbology": "qr-family"}, "the symbology is qr-family"),
    ],
)
def test_a_rule_that_allows_says_what_it_passes_over(why, a_code, code, found):
    told = why("domain: example.com", a_code(**code), action="allow")

    assert told == f"allow: {found}; {UNSETTLED}"


def test_a_disguised_address_is_told_from_another(why, a_code):
    told = why("domain: example.com", a_code("https://x@example.com/"), action="allow")

    assert told == "domain: the host is `example.com` only to some readers; asks for example.com"


def test_a_rule_that_expired_says_so(why, a_code):
    facts = Facts((1, 1), day=date(2027, 2, 1))

    told = why("read: true", a_code(), facts, rest=", expires: 2027-01-31")

    assert told == "expires: it expired on 2027-01-31; asks for a day until then"


def test_rules_after_the_one_that_decides_are_not_asked(a_policy, a_code):
    policy = a_policy(
        "{id: one, when: {prefix: x}, action: fill}",
        "{id: two, when: {read: true}, action: blur}",
        "{id: three, when: {read: true}, action: fill}",
    )

    explanation = explain(policy, a_code(), PICTURE)

    assert [(step.rule, step.matched) for step in explanation.steps] == [
        ("one", False),
        ("two", True),
    ]
    assert explanation.decision == policy.decide(a_code(), PICTURE)
    assert explanation.steps[1].line == 7


def test_where_no_rule_matches_the_default_decides(a_policy, a_code):
    policy = a_policy("{id: one, when: {prefix: x}, action: blur}", default="{action: fill}")

    explanation = explain(policy, a_code(), PICTURE)

    assert explanation.decision.rule == "default"
    assert [step.matched for step in explanation.steps] == [False]


def test_every_rule_for_pictures_is_asked(a_policy, a_code):
    policy = a_policy(
        top="pictures:\n"
        "  - {id: many, when: {codes: {min: 2}}, flag: review}\n"
        "  - {id: link, when: {has: {payload: url}}, flag: info}\n"
        "  - {id: key, when: {key: 'in/*'}, flag: info}\n"
    )

    said, steps = explain_picture(policy, [a_code("hello")], Facts((1, 1), origin=Origin(key="x")))

    assert said == ()
    assert [f"{step.found}; {step.asks}" for step in steps] == [
        "codes: 1; at least 2",
        "no code is like that; a code with payload url",
        "the picture's key is `x`; `in/*`",
    ]
