"""The policies that come with the project, each with what it promises."""

from pathlib import Path

import pytest

from redactor.model import Action, Flag
from redactor.policy import Policy

FOLDER = Path(__file__).parents[2] / "policies"
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


def test_every_shipped_policy_states_its_behaviour_here():
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(PROMISES)


@pytest.mark.parametrize("name", PROMISES)
def test_a_shipped_policy_keeps_its_promise(name, a_code):
    policy = Policy.load(FOLDER / f"{name}.yaml")

    decided = {what: policy.decide(a_code(**code)) for what, code in CODES.items()}

    said = {
        what: ", ".join(filter(None, (decision.action, decision.flag)))
        for what, decision in decided.items()
    }
    assert said == PROMISES[name]


@pytest.mark.parametrize("name", PROMISES)
def test_a_shipped_policy_says_who_it_is_for_and_flags_errors(name):
    policy = Policy.load(FOLDER / f"{name}.yaml")

    first = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# for ")
    assert policy.name == name
    assert policy.description
    assert policy.on_error is Flag.HIGH


def test_only_the_strict_policy_holds_flagged_pictures():
    assert {name for name in PROMISES if Policy.load(FOLDER / f"{name}.yaml").hold} == {"strict"}


def test_report_only_hides_nothing_even_where_codes_overlap(a_code):
    policy = Policy.load(FOLDER / "report-only.yaml")

    decisions = policy.decide_all([a_code(**code) for code in CODES.values()])

    assert {decision.action for decision in decisions} == {Action.ALLOW}
