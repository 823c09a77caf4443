"""Looking rules up decides like trying them one after the other."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from redactor.model import Action, Facts, Symbology
from redactor.policy.patterns import PatternSet
from redactor.policy.subject import readings_of, today

FACTS = Facts(size=(1000, 1000), format="JPEG", codes=2)
WORDS = ["a", "ab", "pay", "https://", "example.com", "x.example.com", "7"]
CONDITIONS = [
    *(f"symbology: {name}" for name in ("qrcode", "ean13", "2d", "qr-family", "any")),
    *(f"read: {answer}" for answer in ("true", "false")),
    *(f"content: '{word}'" for word in WORDS),
    *(f"prefix: '{word}'" for word in WORDS),
    *(f"suffix: '{word}'" for word in WORDS),
    *(f"contains: ['{word}', zz]" for word in WORDS),
    *(f"regex: '{regex}'" for regex in ("^a", "b$", "(a|p)+", ".*", "[0-9]", "(?i)PAY")),
    *(f"domain: '{host}'" for host in ("example.com", "*.example.com")),
    *(f"payload: {kind}" for kind in ("url", "text", "payment", "binary")),
    "url: {host: '*.example.com', port: 443}",
    "listed: known",
    "disputed: true",
    "size: {min_share: 0.01}",
    "any: [{content: a}, {payload: url}]",
    "not: {prefix: a}",
    "not: {domain: example.com}",
    "picture: {codes: {min: 2}}",
]
CONTENTS = st.sampled_from(
    [
        *WORDS,
        *("https://example.com/", "https://x.example.com/a", "https://evil.com@example.com"),
        *("wxp://pay", "see https://example.com/", "p\x00q", "\ud800a", "aab7"),
    ]
)
RULES = st.lists(
    st.tuples(
        st.lists(
            st.sampled_from(CONDITIONS), min_size=1, max_size=3, unique_by=lambda c: c.split(":")[0]
        ),
        st.sampled_from(["allow", "blur", "flag"]),
    ),
    min_size=1,
    max_size=8,
)


def is_sound(rule):
    """Say whether a rule asks nothing that the laws refuse."""
    conditions, action = rule
    reads = [c for c in conditions if c in ("read: false", "disputed: true")]
    says = ("content", "prefix", "suffix", "contains", "regex", "domain", "payload", "url", "list")
    return not (reads and (action == "allow" or any(c.startswith(says) for c in conditions)))


@settings(max_examples=150)
@given(
    rules=RULES.map(lambda rules: [rule for rule in rules if is_sound(rule)]),
    content=st.none() | CONTENTS,
    other=st.none() | CONTENTS,
    symbology=st.sampled_from([Symbology.QRCODE, Symbology.EAN13, Symbology.ANY_QR]),
)
def test_the_first_rule_that_is_looked_up_is_the_first_that_matches(
    a_policy, a_code, rules, content, other, symbology
):
    written = [f"{{when: {{{', '.join(when)}}}, action: {action}}}" for when, action in rules]
    policy = a_policy(*written, lists="{known: [a, ab, pay]}")
    readings = tuple(sorted({c for c in (content, other) if c is not None and content is not None}))
    code = a_code(content, symbology, readings=readings)

    decided = policy.decide(code, FACTS)

    codes = readings_of(code, FACTS, today())
    tried = (rule.id for rule in policy.rules if any(rule.matches(c) for c in codes))
    assert decided.rule == next(tried, "default")


def test_many_patterns_are_looked_for_at_once():
    patterns = PatternSet(["^a", "b$", "^a"])

    assert patterns.patterns == ("^a", "b$")
    assert {place for place in patterns.found_in("ab") if place < 2} == {0, 1}
    assert {place for place in patterns.found_in("xb") if place < 2} == {1}
    assert patterns.found_in("xx") is not None


def test_where_patterns_are_too_many_for_one_look_each_is_tried(a_policy, a_code):
    """RE2 bounds its memory: what it cannot tell is no answer, and never a `no`."""
    large = [
        "(" + "|".join(f"[a-z]{{{n},{n + 60}}}x{m}" for n in range(40)) + ")" for m in range(40)
    ]
    assert PatternSet(large).found_in("abc") is None
    rules = [f"{{when: {{regex: '{pattern}'}}, action: blur}}" for pattern in large]

    policy = a_policy(*rules, "{id: last, when: {regex: '^hello$'}, action: blur}")

    assert policy.decide(a_code("hello")).rule == "last"


def test_a_hostile_content_takes_milliseconds_whatever_the_patterns(a_policy, a_code):
    nested = ["^(a|a)*(a*)*$", "(a+)+$", "(.*a){20}$", "([a-z]+)*!$", "(a|aa)+b", "^(a?){50}a{50}$"]
    rules = [f"{{when: {{regex: '{pattern}'}}, action: blur}}" for pattern in nested]
    policy = a_policy(*rules, default="{action: fill}")
    code = a_code("a" * 1_000_000 + "?")

    start = time.process_time()
    decision = policy.decide(code)

    assert decision.action is Action.FILL
    assert time.process_time() - start < 0.5
