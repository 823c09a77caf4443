"""`redactor policy check / explain / test / diff / schema`, as moderators type them."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from redactor.policy import json_schema

POLICIES = Path(__file__).resolve().parents[2] / "policies"
OWN = """\
version: 1
name: own
lists: {ours: [example.org]}
rules:
  - id: own-links
    when: {domain: ours}
    action: allow
    reason: our own links
  - id: unread
    when: {read: false}
    action: blur
    flag: review
default: {action: fill}
"""
HIDE = "version: 1\nname: hide\ndefault: {action: fill}\n"


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with two policies, to work in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").write_text(OWN)
    (tmp_path / "hide.yaml").write_text(HIDE)
    return tmp_path


# Check.


def test_warnings_are_told_and_fail_only_when_strict(redactor, desk):
    (desk / "own.yaml").write_text(OWN.replace("    reason: our own links\n", ""))

    told, strict = (
        redactor("policy", "check", "own.yaml"),
        redactor("policy", "check", "own.yaml", "--strict"),
    )

    warning = "own.yaml:5:9: warning: `own-links` allows without a `reason`; say why"
    assert (told.code, strict.code) == (0, 3)
    assert told.out.splitlines()[1:] == [warning]
    assert told.err == ""
    assert strict.out == told.out
    assert strict.lines == ["1 warning, which --strict takes for mistakes."]


def test_tests_are_checked_too(redactor, desk):
    (desk / "own.test.yaml").write_text("tests:\n  - {name: a, given: {contnet: x}}\n")

    ended = redactor("policy", "check", "own.yaml", "own.test.yaml")

    assert ended.code == 3
    assert "own.yaml: valid: own, 2 rules, hash " in ended.out
    assert "own.test.yaml:2:23: unknown key `contnet`; did you mean `content`?" in ended.out
    assert "own.test.yaml:2:5: missing `expect`; say what it is to decide" in ended.out


@pytest.mark.parametrize(
    ("name", "octets", "message"),
    [
        ("bomb", b"a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "alias `*a`"),
        ("large", b"#" * 10_000_000, "larger than 1 MB"),
        ("tabs", b"version: 1\nrules:\n\t- id: a\n", "a tab; indent with spaces"),
        ("future", b"version: 2\ndefault: {action: blur}\n", "this release reads `version: 1`"),
        ("list", b"- a\n- b\n", "the policy must be a mapping"),
        ("bytes", b"\xff\xfe\x00", "this is not UTF-8"),
        ("nothing", b"", "the policy is empty"),
        ("deep", b"[" * 10_000, "nested too deeply"),
        ("long", b"name: " + b"x" * 900_000 + b"\n", "is too long; at most 200 characters"),
    ],
)
def test_hostile_policies_end_with_a_message_and_exit_code_3(redactor, desk, name, octets, message):
    (desk / f"{name}.yaml").write_bytes(octets)

    for command in ("check", "explain"):
        rest = ["--unread"] if command == "explain" else []
        ended = redactor("policy", command, f"{name}.yaml", *rest)
        assert ended.code == 3
        assert message in ended.out + ended.err
        assert f"{name}.yaml:" in ended.out + ended.err


# Explain.


def test_explain_says_which_rule_decided_and_why_no_earlier_one(redactor, desk):
    ended = redactor("policy", "explain", "own.yaml", "--content", "https://example.org@evil.com/")

    assert ended.code == 0
    assert ended.out == (
        "QR code, url: https://example.org@evil.com/\n"
        "  own-links  no: the host is `evil.com` only to some readers; asks for the list `ours`\n"
        "  unread     no: it was read; asks for a code that could not be read\n"
        "  default    yes: no rule matches\n"
        "  → fill\n"
    )


def test_explain_ends_with_what_becomes_of_the_code(redactor, desk):
    allowed = redactor("policy", "explain", "own.yaml", "--content", "https://example.org/")
    unread = redactor("policy", "explain", "own.yaml", "--unread", "--symbology", "ean13")

    assert allowed.out.splitlines()[1:] == [
        "  own-links  yes (line 5)",
        "  → allow: our own links",
    ]
    assert unread.out.splitlines()[0] == "EAN-13, not read"
    assert unread.out.splitlines()[-1] == "  → blur, flag review"


def test_explain_says_which_size_it_takes_a_code_for(redactor, desk, a_picture):
    (desk / "a.png").write_bytes(a_picture("hello"))
    said = "a code of 200 px in the middle of a picture of 1000 by 1000 px"

    assert said in redactor("policy", "explain", "own.yaml", "--unread").err
    assert redactor("policy", "explain", "own.yaml", "--image", "a.png").err == ""


def test_explain_looks_for_the_codes_of_a_picture(redactor, desk, a_picture):
    (desk / "a.png").write_bytes(a_picture("https://example.org/x", "hello"))

    ended = redactor("policy", "explain", "own.yaml", "--image", "a.png")

    assert ended.out.count("→ allow: our own links") == 1
    assert ended.out.count("→ fill") == 1
    assert ended.out.endswith("Verdict: redacted\n")


def test_explain_speaks_json(redactor, desk):
    ended = redactor("policy", "explain", "own.yaml", "--content", "hello", "--json")

    told = json.loads(ended.out)
    (code,) = told["codes"]
    assert (code["action"], code["rule"], code["kinds"]) == ("fill", "default", ["text"])
    assert [(step["rule"], step["condition"]) for step in code["steps"]] == [
        ("own-links", "domain"),
        ("unread", "read"),
    ]
    assert told["picture"]["verdict"] == "redacted"


def test_explain_tells_of_rules_for_pictures(redactor, desk):
    rules = "pictures: [{id: inbox, when: {key: 'in/**'}, action: quarantine, reason: closed}]\n"
    (desk / "own.yaml").write_text(OWN + rules)

    ended = redactor("policy", "explain", "own.yaml", "--content", "hello", "--key", "in/a/b.jpg")

    assert ended.out.splitlines()[-5:] == [
        "The picture",
        "  inbox  yes (line 14)",
        "  → quarantine: closed",
        "",
        "Verdict: quarantined",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--content", "a", "--unread"],
        ["--unread", "--symbology", "qr-code"],
        ["--image", "none.png"],
        ["--image", "own.yaml"],
    ],
)
def test_explain_is_asked_one_thing(redactor, desk, arguments):
    assert redactor("policy", "explain", "own.yaml", *arguments).code == 2


def test_what_a_code_says_cannot_move_the_cursor(redactor, desk):
    ended = redactor("policy", "explain", "own.yaml", "--content", "a\x1b[2Jb\u202e")

    assert "\x1b" not in ended.out
    assert "\u202e" not in ended.out


# Test.

TESTS = """\
tests:
  - name: our own links stay
    given: {content: "https://example.org/"}
    expect: {action: allow, rule: own-links}
  - name: others do not
    given: {content: hello}
    expect: {action: %s}
"""


def test_tests_that_pass_are_listed_with_the_rules_they_reach(redactor, desk):
    (desk / "own.test.yaml").write_text(TESTS % "fill")

    ended = redactor("policy", "test", "own.yaml")

    assert ended.code == 0
    assert ended.out == (
        "own.test.yaml\n"
        "  ✓ our own links stay\n"
        "  ✓ others do not\n"
        "  rules tested: 2 of 3; not: unread\n"
        "\n"
        "2 tests, none failed.\n"
    )


def test_a_test_that_fails_says_what_happened_instead(redactor, desk):
    (desk / "own.test.yaml").write_text(TESTS % "blur")

    ended = redactor("policy", "test", "own.test.yaml", "own.yaml", "--junit", "out/junit.xml")

    assert ended.code == 1
    assert "  ✕ others do not (line 5)\n      action is fill by rule `default`, not blur\n" in (
        ended.out
    )
    assert ended.out.endswith("2 tests, 1 failed.\n")
    (suite,) = ElementTree.parse(desk / "out" / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert suite.find("testcase/failure").get("message") == (
        "action is fill by rule `default`, not blur"
    )


def test_a_test_looks_at_a_picture_beside_it(redactor, desk, a_picture):
    (desk / "pictures").mkdir()
    (desk / "pictures" / "a.png").write_bytes(a_picture("https://example.org/x", "hello"))
    (desk / "own.test.yaml").write_text(
        "tests:\n  - name: a picture\n    given: {image: pictures/a.png}\n"
        "    expect: {codes: [{content: https://example.org/x, action: allow}]}\n"
    )

    ended = redactor("policy", "test", "own.yaml")

    assert ended.code == 1
    assert "qrcode `hello` is hidden by rule `default`, which is not expected" in ended.out


def test_a_policy_without_tests_is_told(redactor, desk):
    ended = redactor("policy", "test", "own.yaml")

    assert ended.code == 2
    assert "own.yaml has no tests; write them into own.test.yaml" in ended.err


def test_tests_of_a_policy_that_is_wrong_do_not_run(redactor, desk):
    (desk / "own.yaml").write_text(OWN.replace("action: fill", "action: fil"))
    (desk / "own.test.yaml").write_text(TESTS % "fill")

    ended = redactor("policy", "test", "own.yaml")

    assert ended.code == 3
    assert "own.yaml:13:19: unknown action `fil`; did you mean `fill`?" in ended.err


# Diff.


@pytest.fixture
def results(redactor, desk, a_picture):
    """Record a run over three pictures, and give a function that says how much."""
    (desk / "photos").mkdir()
    (desk / "photos" / "link.png").write_bytes(a_picture("https://example.org/secret?x=1"))
    (desk / "photos" / "text.png").write_bytes(a_picture("hello"))
    (desk / "photos" / "clean.png").write_bytes(a_picture())

    def record(content):
        arguments = ["--dry-run", "--results", "results.jsonl", "--content", content, "-q"]
        assert redactor("run", "photos", "--policy", "hide.yaml", *arguments).code == 0
        return "results.jsonl"

    return record


@pytest.mark.parametrize(
    ("recorded", "asked", "told"),
    [
        ("full", ("--content", "full"), "hxxps://example[.]org/secret?x=1"),
        ("full", (), "hxxps://example[.]org"),
        ("full", ("--content", "none"), "text of 30 characters"),
        ("host", (), "hxxps://example[.]org"),
        ("host", ("--content", "full"), "hxxps://example[.]org"),
    ],
)
def test_diff_lists_only_what_changes_and_no_contents_unasked(
    recorded, asked, told, redactor, results
):
    against = ("--against", results(recorded), *asked)

    ended = redactor("policy", "diff", "hide.yaml", "own.yaml", *against)

    assert ended.code == 0
    assert ended.out == (
        "fill (default)  →  allow (own-links)\n"
        "  1 code in 1 picture\n"
        f"    QR code: {told}\n"
        "  in photos/link.png\n"
        "\n"
        "1 decision changes. 2 codes in 3 pictures replayed.\n"
    )


def test_diff_can_fail_on_a_change(redactor, results):
    against = ["--against", results("host"), "--fail-on-change"]

    assert redactor("policy", "diff", "hide.yaml", "own.yaml", *against).code == 1
    same = redactor("policy", "diff", "hide.yaml", "hide.yaml", *against)
    assert same.code == 0
    assert same.out == "No decision changes. 2 codes in 3 pictures replayed.\n"


@pytest.mark.parametrize("content", ["hash", "none"])
def test_diff_names_what_was_recorded_too_little_of(redactor, results, content):
    ended = redactor("policy", "diff", "hide.yaml", "own.yaml", "--against", results(content))

    codes = {"hash": "1 code", "none": "2 codes"}[content]
    assert ended.code == 2
    assert ended.out == ""
    assert ended.lines == [
        "These conditions need more of what codes say than was recorded:",
        f"  own: rule own-links: domain ({codes})",
        "Nothing is compared. Record the run again with --content full.",
    ]


def test_diff_speaks_json(redactor, results):
    against = ["--against", results("full"), "--json"]

    told = json.loads(redactor("policy", "diff", "hide.yaml", "own.yaml", *against).out)

    assert (told["pictures"], told["codes"]) == (3, 2)
    (change,) = told["changes"]
    style = {"color": [0, 0, 0], "blocks": 8}
    assert change["old"] == {"action": "fill", "flag": None, "rule": "default", "style": style}
    assert change["new"] == {"action": "allow", "flag": None, "rule": "own-links", "style": None}
    assert change["pictures"] == ["photos/link.png"]


def test_diff_tells_of_what_else_a_policy_says_and_of_styles(redactor, desk, results):
    (desk / "held.yaml").write_text(HIDE + "hold: true\n")
    (desk / "white.yaml").write_text(HIDE.replace("action: fill", 'action: fill, color: "#ffffff"'))
    against = ["--against", results("host")]

    held = redactor("policy", "diff", "hide.yaml", "held.yaml", *against, "--fail-on-change")
    white = redactor("policy", "diff", "hide.yaml", "white.yaml", *against)

    assert held.code == 1
    assert held.out.splitlines()[0] == "hold: false  →  true"
    assert white.out.splitlines()[0] == "fill (default)  →  fill #ffffff (default)"


def test_diff_shows_the_codes_that_change_on_a_page(redactor, desk, results):
    ended = redactor(
        "policy", "diff", "hide.yaml", "own.yaml", "--against", results("full"),
        "--report", "diff.html",
    )  # fmt: skip

    assert ended.code == 0, ended.err
    page = (desk / "diff.html").read_text()
    assert "fill by rule default before" in page
    assert page.count('<article id="p') == 1
    assert "hide@" in page
    assert "Pictures in which something changes" in page
    assert "riskiest first" not in page


def test_the_page_of_a_diff_tells_nothing_of_what_the_old_run_did(
    redactor, desk, a_picture, live_codes
):
    (desk / "photos").mkdir()
    (desk / "photos" / "link.jpg").write_bytes(a_picture("https://example.org/", format="JPEG"))
    run = ["--out", "out", "--results", "r.jsonl", "--policy", "hide.yaml"]
    assert redactor("run", "photos", *run).code == 0

    redactor(
        "policy", "diff", "hide.yaml", "own.yaml", "--against", "r.jsonl", "--report", "diff.html"
    )

    page = (desk / "diff.html").read_text()
    for fact in ("coefficients kept", "of the bytes", "looked at again", "Nothing was written"):
        assert fact not in page
    assert '<article id="p1" class="v-allowed">' in page


def test_the_page_of_a_diff_breaks_up_codes_that_it_does_not_list(
    redactor, desk, a_picture, live_codes
):
    (desk / "photos").mkdir()
    pair = a_picture("https://example.org/secret?x=1", "the neighbour")
    (desk / "photos" / "pair.png").write_bytes(pair)
    redactor("run", "photos", "--policy", "hide.yaml", "--dry-run", "--results", "r.jsonl")
    for shown in ([], ["--show-codes"]):
        ended = redactor(
            "policy", "diff", "hide.yaml", "own.yaml", "--against", "r.jsonl",
            "--report", "diff.html", *shown,
        )  # fmt: skip
        page = (desk / "diff.html").read_text()

        assert ended.code == 0, ended.err
        assert page.count("data-rule=") == 1
        assert ("the neighbour" in live_codes(page)) is bool(shown)


def test_diff_names_damaged_lines(redactor, desk, results):
    path = desk / results("host")
    first, *others = path.read_text().splitlines()
    damaged = json.dumps(json.loads(first) | {"codes": 7})
    path.write_text("\n".join([damaged, *others]))

    ended = redactor("policy", "diff", "hide.yaml", "own.yaml", "--against", path)

    assert ended.code == 2
    assert ":1: damaged: codes" in ended.err


def test_diff_tells_of_pictures_as_a_whole(redactor, desk, results):
    (desk / "held.yaml").write_text(
        HIDE + "pictures: [{id: links, when: {has: {payload: url}}, action: quarantine}]\n"
    )

    ended = redactor("policy", "diff", "hide.yaml", "held.yaml", "--against", results("host"))

    assert ended.out.splitlines() == [
        "picture: nothing  →  quarantine (links)",
        "  1 picture",
        "  in photos/link.png",
        "",
        "1 picture as a whole changes. 2 codes in 3 pictures replayed.",
    ]


@pytest.mark.parametrize("text", ["", "hello\n", '{"schema_version": 1}\n', "[1]\n"])
def test_diff_reads_results_and_nothing_else(redactor, desk, text):
    (desk / "x.jsonl").write_text(text)

    ended = redactor("policy", "diff", "own.yaml", "own.yaml", "--against", "x.jsonl")

    assert ended.code == (2 if text else 0)


def test_diff_needs_results_that_are_there(redactor, desk):
    ended = redactor("policy", "diff", "own.yaml", "own.yaml", "--against", "none.jsonl")

    assert ended.code == 2
    assert "none.jsonl: cannot be read: No such file or directory" in ended.err


# Schema.


def test_the_schema_is_printed(redactor):
    assert redactor("policy", "schema").out == json_schema()
    assert redactor("policy", "schema", "--tests").out == json_schema(tests=True)
