"""What `policy check` warns of: valid, and yet it looks like a mistake."""

from datetime import date

import pytest

from redactor.policy import Policy, warnings

DAY = date(2027, 1, 15)


def a_rule(name, when, action="fill", rest=""):
    return f"  - {{id: {name}, when: {{{when}}}, action: {action}, reason: why{rest}}}"


def warned(*rules, lists="{}", default="{action: blur}"):
    text = "\n".join(["version: 1", f"lists: {lists}", f"default: {default}", "rules:", *rules])
    return [f"{w.line}: {w.message}" for w in warnings(Policy.parse(text, file="p.yaml"), day=DAY)]


SHADOWED = {
    "the same": ("symbology: qrcode", "symbology: qrcode"),
    "fewer kinds": ("symbology: 2d", "symbology: [qrcode, aztec]"),
    "every kind": ("symbology: any", "symbology: ean13, size: {min_side: 5}"),
    "one condition more": ("read: true", "read: true, payload: url"),
    "a longer beginning": ("prefix: [http, ftp]", "prefix: https"),
    "a longer end": ("suffix: .com", "suffix: example.com"),
    "a longer part": ("contains: pay", "contains: [payment, repay]"),
    "a host below": ("domain: '*.example.com'", "domain: [a.example.com, '*.b.example.com']"),
    "a kind of a group": ("payload: payment", "payload: [alipay, emv]"),
    "narrower bounds": ("size: {min_side: 10}", "size: {min_side: 20, max_side: 30}"),
    "a content of that kind": ("payload: url", "content: 'https://example.com/'"),
    "a content that begins so": ("prefix: a", "content: [ab, ac]"),
    "a content with that pattern": ("regex: '^[0-9]+$'", "content: ['12', '3']"),
    "one of several": ("any: [{prefix: a}, {payload: url}]", "payload: url"),
    "all parts": ("all: [{prefix: a}, {suffix: z}]", "prefix: a, suffix: z, length: {max: 9}"),
    "parts of all": ("prefix: a", "all: [{prefix: ab}, {suffix: z}]"),
    "every alternative": ("prefix: a", "any: [{prefix: ab}, {prefix: ac}]"),
    "the same exception": ("not: {prefix: a}", "not: {prefix: a}, read: true"),
    "more tags": ("picture: {tag: {a: b}}", "picture: {tag: {a: b, c: d}}"),
    "a larger count": ("picture: {codes: {min: 2}}", "picture: {codes: {min: 5}}"),
}


@pytest.mark.parametrize(("first", "second"), SHADOWED.values(), ids=SHADOWED)
def test_a_rule_that_an_earlier_one_always_beats_is_named(first, second):
    assert warned(a_rule("one", first), a_rule("two", second)) == [
        "6: `two` never matches: `one` (line 5) always does first; move it up or remove it"
    ]


NOT_SHADOWED = {
    "more kinds": ("symbology: qrcode", "symbology: 2d"),
    "another condition": ("symbology: qrcode, read: true", "symbology: qrcode"),
    "a shorter beginning": ("prefix: https", "prefix: http"),
    "the host itself": ("domain: '*.example.com'", "domain: example.com"),
    "wider bounds": ("size: {min_side: 20}", "size: {min_side: 10}"),
    "a content of another kind": ("payload: url", "content: [hello, 'https://example.com/']"),
    "one alternative": ("prefix: ab", "any: [{prefix: ab}, {prefix: ac}]"),
    "another exception": ("not: {prefix: a}", "not: {prefix: b}"),
    "another tag": ("picture: {tag: {a: b}}", "picture: {tag: {c: d}}"),
    "fewer tags": ("picture: {tag: {a: b, c: d}}", "picture: {tag: {a: b}}"),
}


@pytest.mark.parametrize(("first", "second"), NOT_SHADOWED.values(), ids=NOT_SHADOWED)
def test_a_rule_that_can_match_is_not_named(first, second):
    assert warned(a_rule("one", first), a_rule("two", second)) == []


def test_a_rule_that_allows_does_not_stand_before_one_that_hides():
    """It passes over what is unread, disputed or disguised; the later rule does not."""
    rules = a_rule("one", "domain: example.com", "allow"), a_rule("two", "domain: example.com")

    assert warned(*rules) == []
    assert len(warned(*reversed(rules))) == 1


def test_a_rule_that_expires_does_not_stand_before_one_that_stays():
    rules = (
        a_rule("one", "read: true", rest=", expires: 2028-01-01"),
        a_rule("two", "read: true"),
    )

    assert warned(*rules) == []
    assert len(warned(*reversed(rules))) == 1


@pytest.mark.parametrize(
    ("expires", "message"),
    [
        ("2027-01-14", "expired on 2027-01-14 and no longer counts; renew or remove it"),
        ("2027-01-15", "expires today, on 2027-01-15; renew it in time"),
        ("2027-01-16", "expires tomorrow, on 2027-01-16; renew it in time"),
        ("2027-02-14", "expires in 30 days, on 2027-02-14; renew it in time"),
        ("2027-02-15", None),
    ],
)
def test_an_entry_is_named_from_30_days_before_it_expires(expires, message):
    found = warned(
        a_rule("one", "domain: ours"),
        lists=f"{{ours: [a.example, {{value: b.example, expires: {expires}}}]}}",
    )

    assert found == ([f"2: `b.example` {message}"] if message else [])


def test_a_rule_is_named_too_when_it_expires():
    (found,) = warned(a_rule("one", "read: true", rest=", expires: 2027-01-20"))

    assert found == "5: rule `one` expires in 5 days, on 2027-01-20; renew it in time"


def test_of_many_entries_that_expire_some_are_named_and_the_rest_counted():
    entries = ", ".join(f"{{value: h{n}.example, expires: 2027-01-01}}" for n in range(50))

    found = warned(a_rule("one", "domain: ours"), lists=f"{{ours: [{entries}]}}")

    assert len(found) == 21
    assert any("the list `ours` has 30 more entries that expire" in text for text in found)


def test_a_rule_that_allows_gives_a_reason():
    rule = "  - {id: ours, when: {domain: example.com}, action: allow}"

    assert warned(rule) == ["5: `ours` allows without a `reason`; say why"]


def test_a_list_that_no_rule_uses_is_named():
    assert warned(a_rule("one", "read: true"), lists="{ours: [example.com]}") == [
        "2: no rule uses the list `ours`; name it in a rule or remove it"
    ]


def test_a_list_that_is_used_anywhere_is_not_named():
    for when in (
        "not: {domain: ours}",
        "any: [{read: false}, {url: {site: ours}}]",
        "all: [{url: {host: ours}}]",
        "listed: ours",
    ):
        assert warned(a_rule("one", when), lists="{ours: [example.com]}") == []


def test_warnings_come_in_the_order_of_the_file():
    found = warned(
        "  - {id: one, when: {domain: example.com}, action: allow}",
        a_rule("two", "read: true"),
        a_rule("three", "read: true"),
        lists="{ours: [example.com]}",
    )

    assert [int(text.split(":")[0]) for text in found] == [2, 5, 7]
