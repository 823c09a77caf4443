"""Comparing two policies on recorded codes: exact, or refused."""

import pytest

from redactor.model import Action, Facts, Flag
from redactor.policy import Policy, RecordedCode, RecordedPicture, compare, profile
from redactor.report.text import Content, disclose

FACTS = Facts(size=(1000, 1000), format="JPEG")
HIDE = Policy.parse("version: 1\nname: hide\ndefault: {action: blur}\n")


@pytest.fixture
def recorded(a_code):
    """Record pictures of one code each, as much of it as a run with `--content` would."""

    def record(*contents, mode="full", readings=()):
        for number, content in enumerate(contents):
            code = a_code(content, readings=readings or (() if content is None else (content,)))
            told = disclose(content, Content(mode))
            if mode == "full" or content is None:
                made = RecordedCode(code)
            else:
                kinds, is_plain, _ = profile(content)
                origin = told.text if told.kind == "host" and is_plain else None
                bare = a_code(None, readings=tuple(map(str, range(len(readings)))))
                made = RecordedCode(
                    bare, True, None if mode == "none" else tuple(kinds), len(content), origin
                )
            yield RecordedPicture(f"{number}.jpg", FACTS, (made,))

    return record


def unjudged(found):
    return {f"{rule}: {condition}": n for (_, rule, condition), n in found.unjudged.items()}


def test_only_decisions_that_change_are_listed_in_groups(a_policy, recorded):
    new = a_policy(
        "{id: links, when: {payload: url}, action: allow}",
        "{id: money, when: {payload: payment}, action: fill, flag: high}",
        default="{action: blur}",
    )
    contents = ["https://a.example/", "wxp://f2f0", "hello", "https://b.example/", None]

    found = compare(HIDE, new, recorded(*contents))

    assert (found.pictures, found.codes) == (5, 5)
    assert [
        (c.old.action, c.new.action, c.new.rule, c.new.flag, c.count, list(c.pictures))
        for c in found.changes
    ] == [
        (Action.BLUR, Action.ALLOW, "links", None, 2, ["0.jpg", "3.jpg"]),
        (Action.BLUR, Action.FILL, "money", Flag.HIGH, 1, ["1.jpg"]),
    ]
    assert found.unjudged == {}


def test_some_examples_of_each_group_are_kept(a_policy, recorded):
    found = compare(HIDE, a_policy(default="{action: fill}"), recorded(*"abcdef"), examples=2)

    assert [name for name, _ in found.changes[0].examples] == ["0.jpg", "1.jpg"]
    assert len(found.changes[0].pictures) == 6


def test_the_same_policy_changes_nothing(recorded):
    found = compare(HIDE, HIDE, recorded("a", None, "https://example.com/"))

    assert (found.changes, found.picture_changes) == ([], [])


def test_codes_that_overlap_are_decided_together(a_policy, a_code):
    new = a_policy("{when: {content: a}, action: allow}", default="{action: blur}")
    picture = RecordedPicture(
        "x.jpg", FACTS, (RecordedCode(a_code("a")), RecordedCode(a_code("b", at=(20, 20))))
    )

    assert compare(HIDE, new, [picture]).changes[0].new.action is Action.BLUR


def test_pictures_that_rules_say_other_things_of_are_listed(recorded):
    new = Policy.parse(
        "version: 1\ndefault: {action: blur}\n"
        "pictures: [{id: link, when: {has: {payload: url}}, action: quarantine}]\n"
    )

    found = compare(HIDE, new, recorded("https://example.com/", "a"))

    (change,) = found.picture_changes
    assert (change.old, [said.rule for said in change.new]) == ((), ["link"])
    assert change.pictures == ["0.jpg"]


JUDGED = {
    "nothing of the content": ("symbology: qrcode, size: {min_side: 5}", "https://a.example/"),
    "whether it was read": ("read: true", "hello"),
    "what it is for": ("payload: url", "https://a.example/x?y=z"),
    "the host": ("domain: a.example", "https://a.example/x"),
    "how long it is": ("length: {max: 5}", "hello"),
    "the site": ("url: {site: example.co.uk}", "https://shop.example.co.uk/"),
    "a shortener": ("url: {shortener: true}", "https://bit.ly/abc"),
    "not a host": ("not: {domain: b.example}", "https://a.example/x"),
    "one of several": ("any: [{prefix: x}, {symbology: qrcode}]", "hello"),
}


@pytest.mark.parametrize(("conditions", "content"), JUDGED.values(), ids=JUDGED)
def test_what_was_recorded_suffices_for_some_conditions(a_policy, recorded, conditions, content):
    new = a_policy(f"{{when: {{{conditions}}}, action: fill}}", default="{action: blur}")

    reduced = compare(HIDE, new, recorded(content, mode="host"))
    whole = compare(HIDE, new, recorded(content))

    assert reduced.unjudged == {}
    assert [c.new for c in reduced.changes] == [c.new for c in whole.changes]
    assert len(whole.changes) == 1


UNJUDGED = {
    "a text in full": ("content: hello", "hello", "host", "content"),
    "a beginning": ("prefix: https", "https://a.example/", "host", "prefix"),
    "a pattern": ("regex: 'a.c'", "abc", "hash", "regex"),
    "a path": ("url: {path: /x}", "https://a.example/x", "host", "url.path"),
    "a port": ("url: {port: 443}", "https://a.example/x", "host", "url.port"),
    "what it is for": ("payload: url", "https://a.example/", "none", "payload"),
    "a host behind a hash": ("domain: a.example", "https://a.example/", "hash", "domain"),
    "a host that readers differ on": (
        "domain: a.example",
        "https://x@a.example/",
        "host",
        "domain",
    ),
    "addresses among text": ("domain: a.example", "see https://a.example/", "host", "domain"),
    "one of several": ("any: [{prefix: x}, {symbology: ean13}]", "hello", "host", "prefix"),
    "an exception": ("not: {prefix: x}", "hello", "host", "prefix"),
}


@pytest.mark.parametrize(("conditions", "content", "mode", "key"), UNJUDGED.values(), ids=UNJUDGED)
def test_a_condition_that_needs_more_than_was_recorded_is_named(
    a_policy, recorded, conditions, content, mode, key
):
    new = a_policy(f"{{id: x, when: {{{conditions}}}, action: fill}}", default="{action: blur}")

    assert unjudged(compare(HIDE, new, recorded(content, mode=mode))) == {f"x: {key}": 1}


def test_a_condition_that_does_not_matter_is_not_named(a_policy, recorded):
    new = a_policy(
        "{id: goods, when: {symbology: ean13, prefix: '69'}, action: allow}",
        "{id: all, when: {symbology: qrcode}, action: fill}",
        "{id: late, when: {prefix: x}, action: allow}",
    )

    assert compare(HIDE, new, recorded("hello", mode="none")).unjudged == {}


def test_a_disputed_code_is_disputed_in_a_replay_too(a_policy, recorded):
    new = a_policy(
        "{id: disputed, when: {disputed: true}, action: fill}",
        "{id: ours, when: {domain: a.example}, action: allow}",
        default="{action: blur}",
    )
    readings = ("https://a.example/", "https://b.example/")

    for mode in ("full", "none"):
        found = compare(HIDE, new, recorded("https://a.example/", mode=mode, readings=readings))
        assert [change.new.rule for change in found.changes] == ["disputed"]


def test_a_rule_for_pictures_is_named_too(recorded):
    new = Policy.parse(
        "version: 1\ndefault: {action: blur}\n"
        "pictures: [{id: link, when: {has: {prefix: x}}, action: quarantine}]\n"
    )

    assert unjudged(compare(HIDE, new, recorded("a", "b", mode="host"))) == {"link: prefix": 2}
