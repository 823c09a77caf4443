"""What a person reads who made a mistake in a policy: every one, with its place, in one go."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from redactor.errors import PolicyError
from redactor.policy import Policy

END = "default: {action: blur}"


def a_rule(**keys):
    given = {"id": "pay", "when": "{symbology: qrcode}", "action": "fill"} | keys
    written = ", ".join(f"{key}: {value}" for key, value in given.items() if value is not None)
    return f"version: 1\nrules:\n  - {{{written}}}\n{END}"


def when(conditions):
    return f"version: 1\nrules:\n  - id: pay\n    action: fill\n    when: {{{conditions}}}\n{END}"


def mistakes(text):
    with pytest.raises(PolicyError) as caught:
        Policy.parse(text, file="p.yaml")
    return [f"{m.file}:{m.line}:{m.column}: {m.message}" for m in caught.value.mistakes]


BROKEN = {
    "unknown key": (
        f"version: 1\nrulez: []\n{END}",
        "p.yaml:2:1: unknown key `rulez`; did you mean `rules`?",
    ),
    "begun name": (
        when("symbology: qr"),
        "p.yaml:5:23: unknown symbology `qr`; did you mean `qrcode`?",
    ),
    "unknown condition": (
        when("symbolgy: qrcode"),
        "p.yaml:5:12: unknown key `symbolgy`; did you mean `symbology`?",
    ),
    "condition beside when": (
        a_rule(symbology="qrcode"),
        "p.yaml:3:56: `symbology` is a condition; put it under `when`",
    ),
    "duplicate key": (
        f"version: 1\nname: a\nname: b\n{END}",
        "p.yaml:3:1: duplicate key `name`; it stands in line 2 already",
    ),
    "unknown action": (
        a_rule(action="blurr"),
        "p.yaml:3:50: unknown action `blurr`; did you mean `blur`?",
    ),
    "unknown action, unlike any": (
        a_rule(action="destroy"),
        "p.yaml:3:50: unknown action `destroy`; choose allow, blur, pixelate, fill or flag",
    ),
    "missing action": (
        a_rule(action=None),
        "p.yaml:3:5: missing `action`; choose allow, blur, pixelate, fill or flag",
    ),
    "missing id": (
        a_rule(id=None),
        "p.yaml:3:5: missing `id`; give the rule a name for reports: `id: own-links`",
    ),
    "missing when": (
        a_rule(when=None),
        "p.yaml:3:5: missing `when`; say which codes the rule is for: `when: {symbology: qrcode}`",
    ),
    "missing default": (
        "version: 1",
        "p.yaml:1:1: missing `default`; say what becomes of all other codes:"
        " `default: {action: blur}`",
    ),
    "missing version": (END, "p.yaml:1:1: missing `version`; begin the file with `version: 1`"),
    "unknown version": (
        f"version: 2\n{END}",
        "p.yaml:1:10: unknown version `2`; this release reads `version: 1`",
    ),
    "empty when": (
        a_rule(when="{}"),
        "p.yaml:3:21: `when` is empty; what no rule knows is for `default`",
    ),
    "empty value": (
        f"version: 1\nname:\n{END}",
        "p.yaml:2:6: `name` is empty; give it a value or remove it",
    ),
    "empty list": (
        when("symbology: []"),
        "p.yaml:5:23: `symbology` is empty; give it a value or remove it",
    ),
    "empty size": (when("size: {}"), "p.yaml:5:18: `size` is empty; give a bound or remove it"),
    "unknown symbology": (
        when("symbology: [ean-13]"),
        "p.yaml:5:24: unknown symbology `ean-13`; did you mean `ean13`?",
    ),
    "unknown payload": (
        when("payload: wechatpay"),
        "p.yaml:5:21: unknown payload `wechatpay`; did you mean `wechat-pay`?",
    ),
    "unknown detector": (
        when("detector: google"),
        "p.yaml:5:22: unknown detector `google`; choose zxing, zbar, opencv, locator or imm",
    ),
    "unknown flag": (
        a_rule(flag="urgent"),
        "p.yaml:3:62: unknown flag `urgent`; choose info, review or high",
    ),
    "unknown list": (
        when("domain: our").replace("rules:", "lists: {ours: example.com}\nrules:"),
        "p.yaml:6:20: unknown list `our`; did you mean `ours`?",
    ),
    "list without lists": (
        when("domain: ours"),
        "p.yaml:5:20: unknown list `ours`; name it under `lists`",
    ),
    "address for a domain": (
        when('domain: "https://example.com/"'),
        "p.yaml:5:20: `https://example.com/` is an address; give the domain alone: `example.com`",
    ),
    "path after a domain": (
        when("domain: [example.com/shop]"),
        "p.yaml:5:21: `example.com/shop` is more than a domain; give it alone: `example.com`",
    ),
    "star in a domain": (
        when('domain: "shop.*.com"'),
        "p.yaml:5:20: `shop.*.com` is no domain; write `example.com` or `*.example.com`",
    ),
    "bad domain in a list": (
        f"version: 1\nlists:\n  ours:\n    - example.com\n    - exa mple.com\nrules:\n"
        f"  - {{id: a, when: {{domain: ours}}, action: fill}}\n{END}",
        "p.yaml:5:7: `exa mple.com` is no domain; write `example.com` or `*.example.com`",
    ),
    "regex outside of RE2": (
        when("regex: '(?=pay)'"),
        "p.yaml:5:19: regex `(?=pay)` does not compile under RE2: invalid perl operator: (?=",
    ),
    "word for a number": (
        when("size: {min_side: big}"),
        "p.yaml:5:29: `min_side` must be a number, not `big`",
    ),
    "share over one": (
        when("size: {max_share: 40}"),
        "p.yaml:5:30: `max_share` must be at most 1, not `40`",
    ),
    "confidence below zero": (
        when("confidence: {min: -1}"),
        "p.yaml:5:30: `min` must be at least 0, not `-1`",
    ),
    "not a number": (
        when("confidence: {min: .nan}"),
        "p.yaml:5:30: `min` must be a number, not `.nan`",
    ),
    "neither yes nor no": (
        when("read: maybe"),
        "p.yaml:5:18: `read` must be true or false, not `maybe`",
    ),
    "mapping for values": (
        when("content: {a: b}"),
        "p.yaml:5:21: `content` must be one value or a list of values, not a mapping",
    ),
    "word for a mapping": (
        f"version: 1\ndefault: blur\n# {END}",
        "p.yaml:2:10: `default` must be a mapping (`key: value`), not `blur`",
    ),
    "rule that is a word": (
        f"version: 1\nrules: [pay]\n{END}",
        "p.yaml:2:9: a rule must be a mapping (`key: value`), not `pay`",
    ),
    "rules by name": (
        f"version: 1\nrules: {{pay: fill}}\n{END}",
        "p.yaml:2:8: `rules` must be a list of rules, not a mapping",
    ),
    "duplicate id": (
        f"version: 1\nrules:\n  - {{id: a, when: {{read: true}}, action: fill}}\n"
        f"  - {{id: a, when: {{read: true}}, action: fill}}\n{END}",
        "p.yaml:4:10: duplicate id `a`; rule 1 has it already",
    ),
    "reserved id": (
        a_rule(id="default"),
        "p.yaml:3:10: `default` is the name of what no rule knows",
    ),
    "id with a space": (
        a_rule(id="my rule"),
        "p.yaml:3:10: `my rule` is no id; use letters, digits and `-`",
    ),
    "colour without quotes": (
        f"version: 1\ndefault:\n  action: fill\n  color: #ff0000\n# {END}",
        "p.yaml:4:9: `color` is empty; a bare # begins a comment, so put the colour in quotes",
    ),
    "colour by name": (
        "version: 1\ndefault: {action: fill, color: red}",
        'p.yaml:2:32: `red` is no colour; write it as "#ff8800", or auto',
    ),
    "option of another action": (
        "version: 1\ndefault: {action: fill, blocks: 8}",
        "p.yaml:2:25: `blocks` is an option of pixelate, not of fill",
    ),
    "no blocks": (
        "version: 1\ndefault: {action: pixelate, blocks: 0}",
        "p.yaml:2:37: `blocks` must be at least 1, not `0`",
    ),
    "allow what is unread": (
        a_rule(action="allow", when="{read: false}"),
        "p.yaml:3:28: allow never matches a code that is unread; use `action: flag` to let it be",
    ),
    "allow what is disputed": (
        a_rule(action="allow", when="{disputed: yes}"),
        "p.yaml:3:32: allow never matches a code that is disputed; use `action: flag` to let it be",
    ),
    "control character in a reason": (
        a_rule(reason='"a\\eb"'),
        "p.yaml:3:64: a line break or control character; write one plain line",
    ),
    "alias": (
        when("symbology: *codes"),
        "p.yaml:5:23: alias `*codes`; write the value out, or name a list",
    ),
    "anchor": (
        when("symbology: &codes qrcode"),
        "p.yaml:5:23: anchor `&codes`; policies have none, remove it",
    ),
    "tag": (
        when("symbology: !!python/name:os.system qrcode"),
        "p.yaml:5:23: tag `tag:yaml.org,2002:python/name:os.system`; policies have none, remove it",
    ),
    "tab": (f"version: 1\nrules:\n\t- id: a\n{END}", "p.yaml:3:1: a tab; indent with spaces"),
    "second document": (
        f"version: 1\n{END}\n---\nversion: 1",
        "p.yaml:3:1: a second document; a file holds one policy",
    ),
    "nothing": ("# nothing yet", "p.yaml:1:1: the policy is empty; begin it with `version: 1`"),
    "a list": ("[1, 2]", "p.yaml:1:1: the policy must be a mapping (`key: value`), not a list"),
    "key that is a list": (f"version: 1\n? [a]\n: b\n{END}", "p.yaml:2:3: a key is one word"),
    "colon in a text": (
        f"version: 1\nname: our: links\n{END}",
        "p.yaml:2:10: this is not YAML: mapping values are not allowed here"
        " (quote a text that holds `: `)",
    ),
    "open bracket": (
        "version: 1\ndefault: {action: blur",
        "p.yaml:2:23: this is not YAML: expected ',' or '}', but got '<stream end>'",
    ),
    "NUL": (
        f"version: 1\nname: a\0b\n{END}",
        "p.yaml:2:8: a character that does not belong into a text file",
    ),
    "half a character": (
        f'version: 1\nname: "\\ud800"\n{END}',
        "p.yaml:2:7: half a character (an escape from \\ud800 to \\udfff)",
    ),
    "escape beyond Unicode": (
        f'version: 1\nname: "\\UFFFFFFFF"\n{END}',
        "p.yaml:1:10: this is not YAML from here: a number or an escape is out of range",
    ),
    "too deep": ("[" * 100_000, "p.yaml:1:32: nested too deeply"),
    "too large": ("#" * 1_000_001, "p.yaml:1:1: larger than 1 MB; a policy is for people to read"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_mistake_is_named_with_its_place_and_the_way_out(text, message):
    assert mistakes(text) == [message]


def test_all_mistakes_come_at_once_in_the_order_of_the_file():
    text = """\
version: 1
name: a
name: b
lists: {ours: "http://example.com"}
rules:
  - id: x
    when: {domain: [ours, theirs], regex: "("}
    action: blurr
  - id: x
    when: {}
    action: fill
    colour: red
"""

    assert mistakes(text) == [
        "p.yaml:1:1: missing `default`; say what becomes of all other codes:"
        " `default: {action: blur}`",
        "p.yaml:3:1: duplicate key `name`; it stands in line 2 already",
        "p.yaml:4:15: `http://example.com` is an address; give the domain alone: `example.com`",
        "p.yaml:7:27: unknown list `theirs`; there is only `ours`",
        "p.yaml:7:43: regex `(` does not compile under RE2: missing ): (",
        "p.yaml:8:13: unknown action `blurr`; did you mean `blur`?",
        "p.yaml:9:9: duplicate id `x`; rule 1 has it already",
        "p.yaml:10:11: `when` is empty; what no rule knows is for `default`",
        "p.yaml:12:5: unknown key `colour`; did you mean `color`?",
    ]


def test_a_mistake_in_a_rule_carries_the_rules_id():
    with pytest.raises(PolicyError) as caught:
        Policy.parse(when("read: maybe"))

    (mistake,) = caught.value.mistakes
    assert mistake.rule == "pay"
    assert str(mistake).startswith("policy:5:18: pay: `read` must be true or false")


def test_of_very_many_mistakes_the_first_are_shown():
    found = mistakes("version: 1\n" + "a: 1\n" * 10_000 + END)

    assert len(found) == 101
    assert found[-1].endswith("and more; begin with those above")


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        (b"version: 1\nname: \xff\n", ":2:7: this is not UTF-8; save the file as UTF-8"),
        (b"#" * 1_000_001, ":1:1: larger than 1 MB; a policy is for people to read"),
    ],
    ids=["not utf-8", "too large"],
)
def test_a_file_that_is_no_text_is_refused(tmp_path, octets, message):
    path = tmp_path / "p.yaml"
    path.write_bytes(octets)

    with pytest.raises(PolicyError) as caught:
        Policy.load(path)

    assert str(caught.value) == f"{path}{message}"


def test_a_file_that_is_not_there_is_a_mistake_too(tmp_path):
    with pytest.raises(PolicyError, match="cannot be read: No such file or directory"):
        Policy.load(tmp_path / "none.yaml")


YAML_LIKE = st.text(
    alphabet=st.sampled_from(list("-: \n{}[]#&*!|>'\"%@`?,~\\\t01ab")) | st.characters(),
    max_size=60,
)
KEYS = [
    *("version", "name", "lists", "rules", "default", "on_error", "hold", "id", "when", "action"),
    *("flag", "reason", "color", "blocks", "symbology", "content", "prefix", "regex", "domain"),
    *("payload", "read", "size", "confidence", "min"),
]
VALUES = st.recursive(
    st.sampled_from(["1", "qrcode", "fill", "allow", "true", "ours", "(", "", "a b", "0.5"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda v: f"[{', '.join(v)}]")
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        ).map(lambda d: "{" + ", ".join(f"{k}: {v}" for k, v in d.items()) + "}")
    ),
    max_leaves=12,
)


@given(YAML_LIKE | VALUES)
@example("%YAML 9.9\n---\n{}")
@example("? ? ? a")
@example("<<: {version: 1}")
@example("version: 1\ndefault: {action: fill, blocks: " + "9" * 5_000 + "}")
def test_parsing_raises_nothing_but_policy_errors(text):
    found = ()
    try:
        Policy.parse(text)
    except PolicyError as error:
        found = error.mistakes

    assert all(mistake.line >= 1 and mistake.column >= 1 for mistake in found)
