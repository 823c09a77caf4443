"""What rules for whole pictures do to a picture on its way through the pipeline."""

import json

import pytest

from redactor import Flag, Redactor, Verdict
from redactor.errors import NotPublishable
from redactor.model import ImageCodes, Origin
from redactor.policy import Policy, profile
from redactor.report import Tally, row
from redactor.report.words import done_to


def a_redactor(*rules, default="blur", extra="", **options):
    lines = "\n".join(f"  - {rule}" for rule in rules)
    head = f"version: 1\nname: test\n{extra}\ndefault: {{action: {default}}}\n"
    return Redactor(Policy.parse(f"{head}pictures:\n{lines}\n"), **options)


MANY = "{id: many, when: {codes: {min: 2}}, flag: review, reason: more than one code, tags: sheet}"
DENIED = "{id: denied, when: {has: {domain: evil.example}}, action: quarantine, reason: denied}"


@pytest.fixture(scope="module")
def two_codes(a_picture):
    return a_picture("https://evil.example/", "hello")


@pytest.mark.parametrize("look", ["redact", "plan"])
def test_a_flag_on_the_picture_is_the_flag_of_its_result(look, two_codes):
    result = getattr(a_redactor(MANY), look)(two_codes)

    assert (result.verdict, result.flag) == (Verdict.FLAGGED, Flag.REVIEW)
    assert [said.rule for said in result.picture_rules] == ["many"]


def test_a_flagged_picture_is_redacted_and_written_all_the_same(two_codes, read_codes):
    result = a_redactor(MANY).redact(two_codes)

    assert result.is_publishable
    assert read_codes(result.image) == []


def test_it_is_held_where_the_policy_holds_flagged_pictures(two_codes):
    result = a_redactor(MANY, extra="hold: true").redact(two_codes)

    assert result.held
    assert not result.is_publishable


@pytest.mark.parametrize("look", ["redact", "plan"])
def test_a_rule_can_quarantine_a_picture(look, two_codes):
    result = getattr(a_redactor(DENIED, MANY), look)(two_codes)

    assert result.verdict is Verdict.QUARANTINED
    assert result.reasons == ("rule denied: denied",)
    assert result.flag is Flag.REVIEW
    assert len(result.codes) == 2
    with pytest.raises(NotPublishable, match="denied"):
        _ = result.image


def test_a_quarantine_that_a_rule_asks_for_is_no_error(two_codes):
    result = a_redactor(DENIED, extra="on_error: {flag: high}").redact(two_codes)

    assert result.verdict is Verdict.QUARANTINED
    assert result.flag is None


def test_a_picture_that_no_rule_matches_is_as_before(a_picture):
    result = a_redactor(DENIED, MANY).redact(a_picture("hello"))

    assert (result.verdict, result.flag, result.picture_rules) == (Verdict.REDACTED, None, ())


def test_a_picture_without_codes_can_be_flagged_too(a_picture):
    result = a_redactor("{id: png, when: {format: PNG}, flag: info}").redact(a_picture())

    assert (result.verdict, result.flag) == (Verdict.FLAGGED, Flag.INFO)
    assert not result.changed


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("oss://uploads/in/a.png", "{when: {bucket: uploads, key: 'in/*'}}"),
        ("photos/a.png", "{when: {key: 'photos/**'}}"),
    ],
)
def test_the_name_tells_bucket_and_key(a_picture, name, rule):
    redactor = a_redactor(rule.replace("{when", "{id: x, flag: info, when", 1))

    assert redactor.plan(a_picture(), name=name).picture_rules
    assert not redactor.plan(a_picture(), name="-").picture_rules


def test_what_the_caller_knows_can_be_matched(a_picture):
    rule = "{id: x, when: {tag: {trusted: no}, metadata: {shop: a}}, action: quarantine}"
    origin = Origin("uploads", "a.png", {"trusted": "no"}, {"Shop": "a"})

    result = a_redactor(rule).redact(a_picture(), origin=origin)

    assert result.verdict is Verdict.QUARANTINED
    assert result.facts.origin == origin


@pytest.mark.parametrize(("codes", "expected"), [(4, []), (5, ["maybe-more"])])
def test_five_codes_from_image_codes_may_be_more(a_picture, codes, expected):
    rule = "{id: maybe-more, when: {limit_reached: true}, flag: review}"
    redactor = a_redactor(rule, detector="hybrid")
    boxes = [{"Left": 2 + 30 * n, "Top": 10, "Width": 20, "Height": 20} for n in range(codes)]
    answer = {"RequestId": "1", "Codes": [{"Content": "x", "Boundary": box} for box in boxes]}

    result = redactor.plan(a_picture(), ask=lambda: ImageCodes(json.dumps(answer).encode()))

    assert [said.rule for said in result.picture_rules] == expected
    assert result.facts.limit_reached is bool(expected)


def test_rows_and_tables_tell_what_the_rules_said(two_codes):
    entry = row(a_redactor(MANY).redact(two_codes, name="a.png"), profile=profile)

    assert entry["picture_rules"] == [
        {
            "rule": "many",
            "flag": "review",
            "quarantine": False,
            "reason": "more than one code",
            "tags": ["sheet"],
        }
    ]
    assert entry["origin"] == {"bucket": None, "key": "a.png", "tags": None, "metadata": None}
    assert entry["frame_sizes"] == [entry["size"]]
    assert sorted(code["kinds"] for code in entry["codes"]) == [["text"], ["url"]]
    assert done_to(entry).endswith("; many")
    assert Tally.of([entry]).verdicts[Verdict.FLAGGED] == 1
