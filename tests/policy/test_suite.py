"""Tests of policies: what they give, what they expect, and that they fail both ways."""

import pytest

from redactor.errors import PolicyError
from redactor.model import Facts
from redactor.policy import Suite

POLICY = """\
version: 1
rules:
  - {id: pay, when: {payload: payment}, action: pixelate, flag: high, reason: money, tags: money}
  - {id: ours, when: {domain: example.com}, action: allow}
  - {id: small, when: {size: {max_side: 50}}, action: blur}
default: {action: fill}
pictures:
  - {id: many, when: {codes: {min: 3}}, flag: review}
  - {id: secret, when: {tag: {secret: yes}}, action: quarantine}
"""


@pytest.fixture
def outcomes(tmp_path):
    """Run tests, one YAML flow mapping each, and give their outcomes."""

    def run(*tests, look=None, policy=POLICY):
        (tmp_path / "p.yaml").write_text(policy)
        lines = "\n".join(f"  - {{name: test {n}, {test}}}" for n, test in enumerate(tests, 1))
        (tmp_path / "p.test.yaml").write_text(f"tests:\n{lines}\n")
        return list(Suite.load(str(tmp_path / "p.test.yaml")).run(look))

    return run


@pytest.mark.parametrize(
    "test",
    [
        "given: {content: wxp://f2f0}, expect: {action: pixelate, rule: pay, flag: high}",
        "given: {content: wxp://f2f0}, expect: {action: pixelate, reason: money, tags: money}",
        "given: {content: 'https://example.com/'}, expect: {action: allow, flag: none}",
        "given: {content: 007, symbology: ean13}, expect: {action: fill, rule: default}",
        "given: {content: x, side: 40}, expect: {action: blur, rule: small}",
        "given: {symbology: qrcode}, expect: {action: fill, verdict: redacted}",
        "given: {readings: [a, 'https://example.com/']}, expect: {action: fill}",
        "given: {content: 'https://example.com/', picture: {codes: 3}},"
        " expect: {action: allow, verdict: flagged, picture_rules: [many]}",
        "given: {codes: [], picture: {tags: {secret: yes}}}, expect: {verdict: quarantined}",
        "given: {codes: []}, expect: {verdict: clean, codes: [], picture_rules: []}",
        "given: {codes: [{content: a}, {content: wxp://f2f0}]},"
        " expect: {codes: [{content: wxp://f2f0, action: pixelate}, {content: a, action: fill}]}",
        "given: {codes: [{content: 'https://example.com/'}]}, expect: {codes: []}",
    ],
)
def test_what_comes_true_passes(outcomes, test):
    (outcome,) = outcomes(test)

    assert outcome.problems == ()


@pytest.mark.parametrize(
    ("test", "problems"),
    [
        (
            "given: {content: wxp://f2f0}, expect: {action: allow}",
            ["action is pixelate by rule `pay` (money), not allow"],
        ),
        (
            "given: {codes: [{content: 'https://example.com/', at: [1, 1]},"
            " {content: x, at: [9, 9]}]}, expect: {codes: [{content: x, action: fill},"
            " {content: 'https://example.com/', action: allow}, {action: blur}]}",
            [
                "qrcode `https://example.com/`: action is fill by rule `ours`"
                " (overlaps a code that `default` hides), not allow",
                "no code is left to become blur",
            ],
        ),
        (
            "given: {content: wxp://f2f0}, expect: {action: pixelate, flag: none, rule: ours}",
            ["rule is `pay`, not `ours`", "flag is high by rule `pay`, not none"],
        ),
        (
            "given: {content: x}, expect: {action: fill, flag: review}",
            ["flag is none by rule `default`, not review"],
        ),
        (
            "given: {content: x}, expect: {action: fill, reason: because, tags: a}",
            ["reason is `none`, not `because`", "tags are none, not a"],
        ),
        (
            "given: {codes: [{content: a}]}, expect: {codes: []}",
            ["qrcode `a` is hidden by rule `default`, which is not expected"],
        ),
        (
            "given: {codes: [{content: a}, {content: b}]},"
            " expect: {codes: [{content: a, action: fill}]}",
            ["qrcode `b` is hidden by rule `default`, which is not expected"],
        ),
        (
            "given: {codes: [{content: a}]},"
            " expect: {codes: [{content: a, action: fill}, {content: b, action: fill}]}",
            ["no code says `b`"],
        ),
        (
            "given: {codes: [{}]}, expect: {codes: [{action: allow}]}",
            ["qrcode not read: action is fill by rule `default`, not allow"],
        ),
        (
            "given: {content: x}, expect: {action: fill, verdict: clean, picture_rules: [many]}",
            ["picture rules that match are none, not many", "verdict is redacted, not clean"],
        ),
    ],
)
def test_what_does_not_come_true_is_a_problem(outcomes, test, problems):
    (outcome,) = outcomes(test)

    assert list(outcome.problems) == problems


def test_of_codes_that_say_the_same_the_one_as_expected_is_taken_first(outcomes):
    (outcome,) = outcomes(
        "given: {codes: [{content: x}, {content: x, side: 40}]},"
        " expect: {codes: [{content: x, action: blur}, {content: x, action: fill}]}"
    )

    assert outcome.problems == ()


def test_the_rules_that_decided_are_told_for_coverage(outcomes):
    (outcome,) = outcomes(
        "given: {codes: [{content: wxp://f2f0}, {content: a}, {content: b}]},"
        " expect: {verdict: flagged, codes: [{action: pixelate}, {action: fill}, {action: fill}]}"
    )

    assert outcome.problems == ()
    assert outcome.rules == {"pay", "default", "many"}


def test_codes_come_from_a_picture_beside_the_test(outcomes, a_code, tmp_path):
    looked = []

    def look(name):
        looked.append(name)
        return [a_code("wxp://f2f0")], Facts((1000, 1000))

    (outcome,) = outcomes(
        "given: {image: pictures/a.png}, expect: {codes: [{action: pixelate}]}", look=look
    )

    assert outcome.problems == ()
    assert looked == [f"{tmp_path}/pictures/a.png"]


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("given: {content: a}", "missing `expect`; say what it is to decide"),
        ("given: {content: a}, expect: {}", "missing `action` under `expect`"),
        ("given: {contents: a}, expect: {action: fill}", "unknown key `contents`; did you mean"),
        (
            "given: {width: 5}, expect: {action: fill}",
            "put it under `picture`",
        ),
        ("given: {content: a}, expect: {action: flag}", "unknown action `flag`; choose allow"),
        ("given: {content: a}, expect: {action: fill, flag: urgent}", "unknown flag `urgent`"),
        ("given: {codes: []}, expect: {action: fill}", "list what becomes of them"),
        ("given: {codes: []}, expect: {}", "nothing is expected"),
        ("given: {codes: [], image: a.png}, expect: {codes: []}", "both given; choose one"),
        ("given: {codes: [], content: a}, expect: {codes: []}", "put it among the codes"),
        ("given: {content: a}, expect: {action: fill, codes: []}", "are expected of one code"),
    ],
)
def test_a_mistake_in_a_test_is_named_with_its_place(outcomes, test, message):
    with pytest.raises(PolicyError) as caught:
        outcomes(test)

    (mistake,) = caught.value.mistakes
    assert mistake.line == 2
    assert message in mistake.message


@pytest.mark.parametrize("given", ["side: .inf", "side: .nan", "at: [.nan, 0]", "at: [0, .inf]"])
def test_sides_and_places_are_finite(given, outcomes):
    with pytest.raises(PolicyError):
        outcomes(f"given: {{{given}}}, expect: {{action: fill}}")
