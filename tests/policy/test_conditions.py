"""Every condition that a rule can ask: what meets it, and what does not."""

from datetime import date

import pytest

from redactor.model import Action, Facts, Origin

PICTURE = Facts(
    size=(1000, 500),
    format="JPEG",
    codes=3,
    frames=(("picture", 1000, 500), ("thumbnail", 200, 100), ("page 2", 300, 300)),
    origin=Origin(
        "uploads", "in/2027/a.jpg", {"trusted": "yes", "kind": "photo"}, {"Camera": "phone"}
    ),
)
LINK = "https://shop.example.co.uk:8443/pay/42?to=me&amount=5#x"


@pytest.fixture
def matches(a_policy):
    """Say whether a rule with these conditions hides a code."""

    def ask(conditions, code, facts=PICTURE):
        policy = a_policy(f"{{when: {{{conditions}}}, action: blur}}", default="{action: allow}")
        return policy.decide(code, facts).action is Action.BLUR

    return ask


@pytest.mark.parametrize(
    ("conditions", "content", "expected"),
    [
        ("suffix: .pdf", "https://example.com/a.pdf", True),
        ("suffix: [.pdf, .apk]", "https://example.com/a.apk", True),
        ("suffix: .pdf", "a.pdf?x", False),
        ("contains: secret", "a secret thing", True),
        ("contains: '.*'", "a secret thing", False),
        ("contains: [x, y]", "xyz", True),
        ("contains: 'a+b(c'", "x a+b(c", True),
        ("prefix: '^a$'", "^a$bc", True),
        ("length: {min: 3, max: 5}", "abc", True),
        ("length: {min: 3, max: 5}", "ab", False),
        ("length: {min: 3, max: 5}", "abcdef", False),
        ("length: {max: 2}", "😀😀", True),
        ("characters: digits", "0123", True),
        ("characters: digits", "0123a", False),
        ("characters: digits", "٠١٢", False),
        ("characters: [digits, upper]", "A1B2", True),
        ("characters: [digits, upper]", "A1b2", False),
        ("characters: hex", "00ffAA", True),
        ("characters: han", "你好", True),
        ("characters: han", "你好a", False),
        ("characters: [han, ascii]", "你好 a!", True),
        ("characters: latin", "Ünïcödé", True),
        ("characters: cyrillic", "москва", True),
        ("characters: letters", "abcдж你", True),
        ("characters: ascii", "a\nb", False),
        ("regex: '(?i)^TICKET-[0-9]+$'", "ticket-42", True),
    ],
)
def test_contents(matches, a_code, conditions, content, expected):
    assert matches(conditions, a_code(content)) is expected


@pytest.mark.parametrize(
    ("parts", "content", "expected"),
    [
        ("scheme: https", LINK, True),
        ("scheme: http", LINK, False),
        ("scheme: [weixin, wxp]", "wxp://f2f0", True),
        ("scheme: MAILTO", "mailto:a@example.com", True),
        ("scheme: https", "mailto:https@example.com", False),
        ("host: shop.example.co.uk", LINK, True),
        ("host: example.co.uk", LINK, False),
        ("host: '*.example.co.uk'", LINK, True),
        ("site: example.co.uk", LINK, True),
        ("site: shop.example.co.uk", LINK, True),
        ("site: example.com", "https://example.com.evil.com/", False),
        ("site: co.uk", LINK, False),
        ("port: 8443", LINK, True),
        ("port: 443", "https://example.com/", True),
        ("port: 80", "http://example.com/", True),
        ("port: [80, 443]", LINK, False),
        ("path: /pay/*", LINK, True),
        ("path: /pay/*", "https://example.com/pay/a/b", False),
        ("path: /pay/**", "https://example.com/pay/a/b", True),
        ("path: '/**/*.apk'", "https://example.com/x.apk", True),
        ("path: /pay/**", "https://example.com/p%61y/x", True),
        ("path: /pay/**", "https://example.com/x/../pay/y", True),
        ("path: /pay/**", "https://example.com/PAY/x", False),
        ("query: amount", LINK, True),
        ("query: [a, to]", LINK, True),
        ("query: x", LINK, False),
        ("query: amount", "https://example.com/?am%6Funt=1", True),
        ("userinfo: true", "https://me:pass@example.com/", True),
        ("userinfo: true", "https://example.com/@me", False),
        ("userinfo: false", LINK, True),
        ("ip: true", "https://127.0.0.1/", True),
        ("ip: true", "https://2130706433/", True),
        ("ip: true", "https://0x7f.1/", True),
        ("ip: true", "https://[::1]/", True),
        ("ip: true", LINK, False),
        ("punycode: true", "https://bücher.example/", True),
        ("punycode: true", LINK, False),
        ("mixed_scripts: true", "https://p\u0430ypal.com/", True),
        ("mixed_scripts: true", "https://xn--pypal-4ve.com/", True),
        ("mixed_scripts: false", "https://bücher.example/", True),
        ("shortener: true", "https://bit.ly/abc", True),
        ("shortener: true", "https://bit.ly.example/abc", False),
        ("shortener: true", "https://t.cn/A6abc", True),
        ("disguised: true", "https://example.com\\@evil.com", True),
        ("disguised: true", "https://example.com/ https://evil.com/", True),
        ("disguised: true", LINK, False),
        ("disguised: false", LINK, True),
        ("disguised: false", "hello", False),
        ("host: shop.example.co.uk, port: 8443, path: /pay/**", LINK, True),
        ("host: shop.example.co.uk, port: 443", LINK, False),
        ("port: 443", "hello", False),
        ("userinfo: false", "hello", False),
    ],
)
def test_parts_of_addresses(matches, a_code, parts, content, expected):
    assert matches(f"url: {{{parts}}}", a_code(content)) is expected


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/shop/a", True),
        ("/shop/a%20b", True),
        ("/shop/../pay", False),
        ("/shop/%2e%2e/pay", False),
        ("/shop/%2e%2e%2fpay", False),
        ("/shop/..%2fpay", False),
        ("/shop/..%5cpay", False),
        ("/shop\\..\\pay", False),
        ("/%73hop/a", False),
        ("/shop/%00", False),
        ("//shop/a", False),
    ],
)
def test_a_path_is_allowed_only_where_servers_cannot_read_it_otherwise(
    a_policy, a_code, path, allowed
):
    policy = a_policy("{when: {url: {host: example.com, path: /shop/**}}, action: allow}")

    decision = policy.decide(a_code(f"https://example.com{path}"))

    assert (decision.action is Action.ALLOW) is allowed


@pytest.mark.parametrize(
    ("conditions", "code", "expected"),
    [
        ("position: top-left", {"at": (0, 0)}, True),
        ("position: center", {"at": (450, 200)}, True),
        ("position: [bottom, bottom-right]", {"at": (880, 380)}, True),
        ("position: top", {"at": (880, 380)}, False),
        ("touches_edge: true", {"at": (0, 100)}, True),
        ("touches_edge: true", {"at": (899, 100)}, True),
        ("touches_edge: true", {"at": (500, 400)}, True),
        ("touches_edge: true", {"at": (10, 10)}, False),
        ("touches_edge: false", {"at": (10, 10)}, True),
        ("frame: picture", {}, True),
        ("frame: thumbnail", {"frame": 1}, True),
        ("frame: picture", {"frame": 1}, False),
        ("frame: picture", {"frame": 2}, True),
        ("frame: page 2", {"frame": 2}, True),
        ("frame: page 3", {"frame": 2}, False),
        ("size: {min_share: 0.4}", {"frame": 1}, True),
        ("size: {min_share: 0.4}", {"frame": 0}, False),
        ("engines: {min: 2}", {"sources": ("zbar", "zxing")}, True),
        ("engines: {min: 2}", {}, False),
        ("engines: {max: 1}", {}, True),
    ],
)
def test_where_a_code_lies_and_who_saw_it(matches, a_code, conditions, code, expected):
    assert matches(conditions, a_code(**code)) is expected


@pytest.mark.parametrize(
    ("orientation", "place"),
    [
        (1, "top-left"),
        (2, "top-right"),
        (3, "bottom-right"),
        (4, "bottom-left"),
        (5, "top-left"),
        (6, "top-right"),
        (7, "bottom-right"),
        (8, "bottom-left"),
    ],
)
def test_a_position_is_what_people_see_however_the_file_lies(matches, a_code, orientation, place):
    facts = Facts(size=(1000, 500), orientation=orientation)

    assert matches(f"position: {place}", a_code(at=(0, 0)), facts)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ("codes: {min: 3}", True),
        ("codes: {min: 4}", False),
        ("format: jpeg", True),
        ("format: [PNG, WEBP]", False),
        ("width: {min: 1000}", True),
        ("width: {max: 999}", False),
        ("height: {max: 500}", True),
        ("bucket: uploads", True),
        ("bucket: other", False),
        ("key: 'in/*/*.jpg'", True),
        ("key: 'in/*.jpg'", False),
        ("key: 'in/**.jpg'", True),
        ("key: 'in/**/a.???'", True),
        ("key: ['x/**', 'in/**']", True),
        ("key: 2027", False),
        ("tag: {trusted: yes}", True),
        ("tag: {trusted: [no, yes], kind: photo}", True),
        ("tag: {trusted: yes, kind: scan}", False),
        ("tag: {other: yes}", False),
        ("metadata: {camera: phone}", True),
        ("metadata: {CAMERA: [phone]}", True),
        ("metadata: {camera: scanner}", False),
        ("limit_reached: false", True),
        ("limit_reached: true", False),
    ],
)
def test_what_is_known_of_the_picture(matches, a_code, conditions, expected):
    assert matches(f"picture: {{{conditions}}}", a_code()) is expected


@pytest.mark.parametrize(
    "conditions",
    [
        "codes: {min: 2}",
        "format: JPEG",
        "width: {min: 0}",
        "bucket: uploads",
        "key: '**'",
        "tag: {a: b}",
        "metadata: {a: b}",
    ],
)
def test_what_is_not_known_of_a_picture_does_not_match(matches, a_code, conditions):
    assert not matches(f"picture: {{{conditions}}}", a_code(), Facts(size=(0, 0)))


# Any, all, not.


@pytest.mark.parametrize(
    ("conditions", "content", "expected"),
    [
        ("any: [{prefix: a}, {suffix: z}]", "az", True),
        ("any: [{prefix: a}, {suffix: z}]", "ab", True),
        ("any: [{prefix: a}, {suffix: z}]", "bc", False),
        ("all: [{prefix: a}, {suffix: z}]", "az", True),
        ("all: [{prefix: a}, {suffix: z}]", "ab", False),
        ("not: {prefix: a}", "bc", True),
        ("not: {prefix: a}", "ab", False),
        ("not: {prefix: a, suffix: z}", "ab", True),
        ("not: {prefix: a, suffix: z}", "az", False),
        ("not: {not: {prefix: a}}", "ab", True),
        ("prefix: a, any: [{suffix: y}, {suffix: z}]", "az", True),
        ("prefix: a, any: [{suffix: y}, {suffix: z}]", "bz", False),
        ("any: [{all: [{prefix: a}, {suffix: z}]}, {content: x}]", "x", True),
        ("any: [{prefix: a, suffix: z}, {not: {contains: q}}]", "aq", False),
    ],
)
def test_conditions_combine(matches, a_code, conditions, content, expected):
    assert matches(conditions, a_code(content)) is expected


def test_several_conditions_must_hold_of_one_and_the_same_reading(matches, a_code):
    code = a_code("wxp://f2f0", readings=("wxp://f2f0", "a link"))

    assert matches("payload: wechat-pay", code)
    assert matches("prefix: a", code)
    assert not matches("payload: wechat-pay, prefix: a", code)


def test_a_rule_hides_by_what_one_reading_is_not(matches, a_code):
    code = a_code("https://example.com/", readings=("https://example.com/", "https://evil.com/"))

    assert matches("not: {domain: example.com}", code)


def test_what_is_not_ours_is_also_what_was_not_read(matches, a_code):
    assert matches("not: {domain: example.com}", a_code(None))


DISGUISED = "https://evil.com@example.com/"


def test_a_disguised_address_is_not_plainly_ours(matches, a_code):
    assert matches("not: {domain: example.com}", a_code(DISGUISED))


@pytest.mark.parametrize(
    "content",
    [
        "https://evil.com/",
        "https://me@evil.com/",
        "https://evil.com\\@example.com",
        "see https://evil.com/",
        "https://example.com/ https://evil.com/",
    ],
)
def test_an_exception_to_allowing_sees_through_disguises(a_policy, a_code, content):
    policy = a_policy("{when: {payload: url, not: {domain: evil.com}}, action: allow}")

    assert policy.decide(a_code(content)).action is Action.FILL
    assert policy.decide(a_code("https://good.com/")).action is Action.ALLOW


@pytest.mark.parametrize(
    "conditions",
    [
        "size: {max_share: 0.5}",
        "picture: {tag: {blocked: yes}}",
        "picture: {key: 'blocked/**'}",
        "picture: {bucket: blocked}",
        "picture: {width: {max: 10}}",
        "position: center",
        "touches_edge: true",
    ],
)
def test_what_is_not_known_never_helps_to_allow(a_policy, a_code, conditions):
    policy = a_policy(f"{{when: {{read: true, not: {{{conditions}}}}}, action: allow}}")

    assert policy.decide(a_code(), Facts(size=(0, 0))).action is Action.FILL


# Expiry.


@pytest.mark.parametrize(
    ("day", "action"),
    [
        (date(2027, 1, 30), Action.ALLOW),
        (date(2027, 1, 31), Action.ALLOW),
        (date(2027, 2, 1), Action.FILL),
    ],
)
def test_a_rule_and_an_entry_end_with_their_last_day(a_policy, a_code, day, action):
    by_rule = a_policy("{when: {domain: example.com}, action: allow, expires: 2027-01-31}")
    by_entry = a_policy(
        "{when: {domain: ours}, action: allow}",
        lists="{ours: [{value: example.com, expires: 2027-01-31}]}",
    )
    by_content = a_policy(
        "{when: {listed: ours}, action: allow}",
        lists="{ours: [{value: 'https://example.com/', expires: 2027-01-31}]}",
    )
    facts = Facts(size=(1000, 1000), day=day)

    for policy in (by_rule, by_entry, by_content):
        assert policy.decide(a_code(), facts).action is action


def test_of_two_entries_the_later_day_counts(a_policy, a_code):
    policy = a_policy(
        "{when: {domain: ours}, action: allow}",
        lists="{ours: [{value: example.com, expires: 2020-01-31}, EXAMPLE.com]}",
    )

    assert policy.decide(a_code()).action is Action.ALLOW


def test_a_decision_carries_the_tags_of_its_rule(a_policy, a_code):
    policy = a_policy("{when: {read: true}, action: fill, tags: [money, urgent]}")

    assert policy.decide(a_code()).tags == ("money", "urgent")


# Which addresses in a content a rule asks about.


@pytest.mark.parametrize(
    ("content", "hidden", "flagged", "allowed"),
    [
        ("https://example.com/", True, True, True),
        ("https://me@example.com/", True, True, False),
        ("see https://example.com/", True, False, False),
        ("https://evil.com/?to=https://example.com/", True, False, False),
        ("https://evil.com/", False, False, False),
    ],
)
def test_the_less_a_rule_hides_the_fewer_addresses_it_takes(
    a_policy, a_code, content, hidden, flagged, allowed
):
    def takes(action):
        policy = a_policy(f"{{id: x, when: {{domain: example.com}}, action: {action}}}")
        return policy.decide(a_code(content)).rule == "x"

    assert (takes("fill"), takes("flag"), takes("allow")) == (hidden, flagged, allowed)


@pytest.mark.parametrize("content", ["https://me@evil.com/", "see https://evil.com/", None])
@pytest.mark.parametrize("action", ["flag", "allow"])
def test_an_exception_to_letting_codes_be_takes_every_address(a_policy, a_code, action, content):
    policy = a_policy(f"{{when: {{not: {{domain: evil.com}}}}, action: {action}}}")

    assert policy.decide(a_code(content)).action is Action.FILL
    assert policy.decide(a_code("https://good.com/")).action is Action.ALLOW
