"""The policies that come with the project, each with what it promises."""

from datetime import date
from pathlib import Path

import pytest

from redactor.cli.options import look_at
from redactor.model import Action, Facts, Flag
from redactor.policy import Policy, Suite, warnings

FOLDER = Path(__file__).parents[2] / "policies"
PICTURE = Facts(size=(1000, 1000), format="JPEG")
PAYMENT = "wxp://f2f0AbCd"
CODES = {
    "own": {"content": "https://shop.example.com/item"},
    "link": {"content": "https://elsewhere.example/"},
    "payment": {"content": PAYMENT},
    "login": {"content": "otpauth://totp/a?secret=JBSWY3DPEHPK3PXP"},
    "product": {"content": "4006381333931", "symbology": "ean13"},
    "unread": {"content": None},
    "disputed": {"content": "a", "readings": ("a", "b")},
    "imm": {"content": "https://shop.example.com/item", "symbology": "qr-family"},
}
PROMISES = {
    "default": {
        "own": "blur",
        "link": "blur",
        "payment": "blur",
        "login": "blur",
        "product": "blur",
        "unread": "blur, review",
        "disputed": "blur",
        "imm": "blur",
    },
    "marketplace": {
        "own": "allow",
        "link": "blur",
        "payment": "pixelate, high",
        "login": "blur",
        "product": "allow",
        "unread": "blur, review",
        "disputed": "blur",
        "imm": "blur",
    },
    "own-links": {
        "own": "allow",
        "link": "blur",
        "payment": "blur",
        "login": "blur",
        "product": "blur",
        "unread": "blur, review",
        "disputed": "blur",
        "imm": "blur",
    },
    "payments-only": {
        "own": "allow",
        "link": "allow",
        "payment": "pixelate, high",
        "login": "allow",
        "product": "allow",
        "unread": "blur, review",
        "disputed": "blur, review",
        "imm": "allow",
    },
    "report-only": {
        "own": "allow, info",
        "link": "allow, info",
        "payment": "allow, high",
        "login": "allow, info",
        "product": "allow, info",
        "unread": "allow, review",
        "disputed": "allow, info",
        "imm": "allow, info",
    },
    "strict": {
        "own": "fill, review",
        "link": "fill, review",
        "payment": "fill, high",
        "login": "fill, high",
        "product": "fill, review",
        "unread": "fill, high",
        "disputed": "fill, review",
        "imm": "fill, review",
    },
}


POLICIES = {path.stem for path in FOLDER.glob("*.yaml") if not path.stem.endswith(".test")}


def test_every_shipped_policy_states_its_behaviour_here():
    assert set(PROMISES) == POLICIES


@pytest.mark.parametrize("name", PROMISES)
def test_a_shipped_policy_keeps_its_promise(name, a_code):
    policy = Policy.load(FOLDER / f"{name}.yaml")

    decided = {what: policy.decide(a_code(**code), PICTURE) for what, code in CODES.items()}

    said = {
        what: ", ".join(filter(None, (decision.action, decision.flag)))
        for what, decision in decided.items()
    }
    assert said == PROMISES[name]


@pytest.mark.parametrize("name", PROMISES)
def test_a_shipped_policy_says_who_it_is_for_and_flags_errors(name):
    policy = Policy.load(FOLDER / f"{name}.yaml")

    lines = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# yaml-language-server: $schema=policy.schema.json"
    assert lines[1].startswith("# for ")
    assert policy.name == name
    assert policy.description
    assert policy.on_error is Flag.HIGH


@pytest.mark.parametrize("name", PROMISES)
def test_a_shipped_policy_passes_its_tests_and_they_reach_every_rule(name):
    suite = Suite.load(str(FOLDER / f"{name}.test.yaml"))

    outcomes = list(suite.run(look_at))

    assert [outcome.problems for outcome in outcomes if outcome.problems] == []
    assert frozenset().union(*(outcome.rules for outcome in outcomes)) == set(suite.rules)


@pytest.mark.parametrize("name", PROMISES)
def test_nothing_about_a_shipped_policy_looks_like_a_mistake(name):
    # On the day it was written: what expires in it is meant to.
    assert warnings(Policy.load(FOLDER / f"{name}.yaml"), day=date(2026, 11, 24)) == ()


def test_only_the_strict_policy_holds_flagged_pictures():
    assert {name for name in PROMISES if Policy.load(FOLDER / f"{name}.yaml").hold} == {"strict"}


def test_report_only_hides_nothing_even_where_codes_overlap(a_code):
    policy = Policy.load(FOLDER / "report-only.yaml")

    decisions = policy.decide_all([a_code(**code) for code in CODES.values()])

    assert {decision.action for decision in decisions} == {Action.ALLOW}
