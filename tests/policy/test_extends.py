"""A policy that adds to another one."""

import pytest

from redactor.errors import PolicyError
from redactor.model import Action, Flag
from redactor.policy import Policy

BASE = """\
version: 1
name: base
lists: {ours: [example.com]}
rules:
  - {id: own-links, when: {domain: ours}, action: allow, reason: ours}
  - {id: unread, when: {read: false}, action: blur, flag: review}
default: {action: blur}
pictures:
  - {id: many, when: {codes: {min: 6}}, flag: review}
on_error: {flag: high}
hold: true
"""


@pytest.fixture
def load(tmp_path):
    """Write policies by their names, load one of them."""

    def write(name="child", **texts):
        for stem, text in {"base": BASE, **texts}.items():
            (tmp_path / f"{stem}.yaml").write_text(text)
        return Policy.load(tmp_path / f"{name}.yaml")

    return write


def refused(load, **texts):
    with pytest.raises(PolicyError) as caught:
        load(**texts)
    return [
        ": ".join([f"{m.file.rpartition('/')[2]}:{m.line}:{m.column}", m.message])
        for m in caught.value.mistakes
    ]


def child(*lines):
    return "\n".join(["version: 1", "extends: base.yaml", *lines, ""])


def test_its_rules_come_first_and_the_rest_is_as_in_the_base(load, a_code):
    policy = load(child=child("rules: [{id: goods, when: {symbology: retail}, action: fill}]"))

    assert [rule.id for rule in policy.rules] == ["goods", "own-links", "unread"]
    assert [rule.id for rule in policy.pictures] == ["many"]
    assert (policy.default.action, policy.on_error, policy.hold) == (Action.BLUR, Flag.HIGH, True)
    assert policy.name == "child"
    assert policy.decide(a_code()).rule == "own-links"


def test_what_it_says_itself_counts(load):
    policy = load(
        child=child(
            "default: {action: fill}", "on_error: {flag: info}", "hold: false", "name: mine"
        )
    )

    assert (policy.default.action, policy.on_error, policy.hold) == (Action.FILL, Flag.INFO, False)
    assert policy.name == "mine"


def test_its_rules_use_the_lists_of_the_base(load, a_code):
    policy = load(child=child("rules: [{id: first, when: {domain: ours}, action: fill}]"))

    assert policy.decide(a_code()).rule == "first"


def test_a_rule_and_a_list_can_be_left_out_and_replaced(load, a_code):
    policy = load(
        child=child(
            "without: [unread, ours, many]",
            "lists: {ours: [shop.example]}",
            "rules: [{id: unread, when: {read: false}, action: fill}]",
        )
    )

    assert [rule.id for rule in policy.rules] == ["unread", "own-links"]
    assert policy.pictures == ()
    assert policy.decide(a_code(None)).action is Action.FILL
    assert policy.decide(a_code("https://shop.example/")).rule == "own-links"
    assert policy.decide(a_code("https://example.com/")).rule == "default"


def test_the_hash_is_that_of_the_same_rules_in_one_file(load):
    policy = load(child=child("rules: [{id: goods, when: {symbology: retail}, action: fill}]"))
    goods = "rules:\n  - {id: goods, when: {symbology: retail}, action: fill}"

    assert policy == Policy.parse(BASE.replace("rules:", goods, 1))


def test_rules_and_lists_of_one_name_are_conflicts(load):
    text = child(
        "lists: {ours: [shop.example]}",
        "rules:",
        "  - {id: unread, when: {read: false}, action: fill}",
        "pictures:",
        "  - {id: many, when: {codes: {min: 2}}, flag: info}",
    )

    found = [message.replace("/", "|") for message in refused(load, child=text)]

    assert [message.split(": ", 1)[0] for message in found] == [
        "child.yaml:3:9",
        "child.yaml:5:10",
        "child.yaml:7:10",
    ]
    assert found[0].endswith(
        "base.yaml has a list `ours` too; choose another name, or leave that out: `without: [ours]`"
    )
    assert "has a rule `unread` too" in found[1]


def test_what_is_left_out_must_be_there(load):
    (message,) = refused(load, child=child("without: [unraed]"))

    assert message.startswith("child.yaml:3:11: `unraed` is no rule or list of ")
    assert message.endswith("did you mean `unread`?")


def test_a_list_that_is_left_out_and_still_used_is_missed(load):
    (message,) = refused(load, child=child("without: [ours]"))

    assert message == "base.yaml:5:27: the list `ours` is left out by `without`"


def test_a_circle_is_reported(load):
    messages = refused(
        load,
        child="version: 1\nextends: a.yaml\ndefault: {action: blur}\n",
        a="version: 1\nextends: child.yaml\ndefault: {action: blur}\n",
    )

    assert len(messages) == 1
    assert messages[0].startswith("a.yaml:2:10: a circle: ")
    assert messages[0].count(", which extends ") == 2


def test_a_policy_cannot_extend_itself(load):
    (message,) = refused(load, child="version: 1\nextends: child.yaml\n")

    assert "a circle: " in message


def test_a_long_line_of_policies_is_refused(load):
    texts = {f"p{n}": f"version: 1\nextends: p{n + 1}.yaml\n" for n in range(12)}

    messages = refused(load, name="p0", **texts)

    assert any("more than 10 policies that extend one another" in message for message in messages)


def test_mistakes_of_both_files_come_at_once(load):
    messages = refused(
        load,
        base=BASE.replace("action: allow", "action: alow"),
        child=child("rules: [{id: x, when: {symbolgy: qrcode}, action: fill}]"),
    )

    assert messages == [
        "base.yaml:5:51: unknown action `alow`; did you mean `allow`?",
        "child.yaml:3:24: unknown key `symbolgy`; did you mean `symbology`?",
    ]


def test_a_base_that_is_not_there_is_named_where_it_is_asked_for(load):
    (message,) = refused(load, child="version: 1\nextends: none.yaml\n")

    assert message.startswith("child.yaml:2:10: ")
    assert message.endswith("cannot be read: No such file or directory")


def test_leaving_out_needs_something_to_extend():
    with pytest.raises(PolicyError, match="`without` goes with `extends`"):
        Policy.parse("version: 1\nwithout: [x]\ndefault: {action: blur}\n")
