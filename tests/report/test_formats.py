"""CSV, Markdown and JUnit from rows: they tell what happened and nothing of them is run."""

import csv
import io
from xml.etree import ElementTree

import jsonschema
import pytest

from redactor.model import Flag, Verdict
from redactor.report import Content, row
from redactor.report.csv import csv_lines
from redactor.report.junit import junit
from redactor.report.markdown import markdown_lines
from redactor.report.rows import json_schema, read_rows

EVIL = [
    "=cmd()|' /C calc'!A0", " =1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "|x", "%0A=1",
    "\u00a0=1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM(A1)",
]  # fmt: skip


@pytest.fixture
def rows(a_result, a_code):
    code = a_code(rule="pay", reason='money, "mostly"', flag=Flag.HIGH)
    return [
        row(a_result("a,b.png", "flagged", code, a_code(None, "ean13"), flag=Flag.HIGH)),
        row(a_result("clean.png", "clean")),
        row(a_result("bad.png", "quarantined", reasons=("it is\nbroken",))),
    ]


def parsed(rows):
    return list(csv.DictReader(io.StringIO("".join(csv_lines(rows)), newline="")))


def test_csv_has_a_line_for_each_code_and_one_for_a_picture_without(rows):
    lines = parsed(rows)

    assert [(line["picture"], line["code"], line["symbology"]) for line in lines] == [
        ("a,b.png", "1", "qrcode"),
        ("a,b.png", "2", "ean13"),
        ("clean.png", "", ""),
        ("bad.png", "", ""),
    ]
    assert lines[0]["content"] == "https://example.com"
    assert lines[0]["rule_reason"] == 'money, "mostly"'
    assert lines[3]["reason"] == "it is\\nbroken"


@pytest.mark.parametrize("evil", EVIL)
def test_csv_holds_no_formula(evil, a_result, a_code):
    entry = row(a_result(evil, "redacted", a_code(evil, rule=evil)), content=Content.FULL)

    (line,) = parsed([entry])

    for column in ("picture", "content", "rule"):
        assert line[column].startswith(("'", "\\t", "\\r")), line[column]
    assert "\x00" not in str(line)


def test_numbers_in_csv_stay_numbers(a_result, a_code):
    from redactor.geometry import Quad

    (line,) = parsed([row(a_result("a", "redacted", a_code(quad=Quad.from_box(-4, 1, 9, 9))))])

    assert line["left"] == "-4.0"


def test_markdown_tells_sums_pictures_and_codes(rows):
    text = "".join(markdown_lines(rows, title="Run"))

    assert text.startswith("# Run\n")
    assert "| flagged | 1 | a person should look |" in text
    assert "| a,b.png | QR code | hxxps&#58;//example&#91;.&#93;com/… | pixelate | pay |" in text
    assert "1 more picture, of less risk." in text


@pytest.mark.parametrize(
    "evil", ["a|b", "[x](http://y)", "<img src=x>", "`x`", "@everyone", "www.x.com", "*b*", "a\nb"]
)
def test_markdown_holds_no_markup_of_others(evil, a_result, a_code):
    entry = row(a_result(evil, "flagged", a_code(evil, rule=evil)), content=Content.FULL)
    text = "".join(markdown_lines([entry], title=evil))
    table = [line for line in text.splitlines() if line.startswith("| ")]

    assert evil not in text
    assert all(line.count("|") in (4, 5, 6) for line in table)


def test_junit_has_a_case_for_each_picture(rows):
    suite = ElementTree.fromstring(junit(rows, title="Run", failing=[Verdict.FLAGGED]))

    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    assert [case.get("name") for case in suite] == ["a,b.png", "clean.png", "bad.png"]
    assert [[child.tag for child in case] for case in suite] == [["failure"], [], ["error"]]


def test_junit_is_xml_whatever_a_name_holds(a_result):
    name = "\x00\x1b]]><a b='&'\ud800\ufffe\u202e"

    suite = ElementTree.fromstring(junit([row(a_result(name, "clean"))], title=name))

    assert len(suite) == 1


# The schema.


def test_rows_are_as_the_schema_says(rows):
    validator = jsonschema.Draft202012Validator(json_schema())

    for entry in rows:
        validator.validate(entry)
    assert not validator.is_valid(dict(rows[0], verdict=3))


def test_rows_of_an_earlier_version_are_completed(rows):
    import json

    old = json.loads(json.dumps(rows[0]))
    for key in ("frame_sizes", "origin", "limit_reached", "picture_rules"):
        del old[key]
    for code in old["codes"]:
        for key in ("readings", "kinds", "plain", "site", "tags"):
            del code[key]

    (entry,) = read_rows([json.dumps(old)])

    assert entry["picture_rules"] == []
    assert entry["codes"][0]["kinds"] is None
    assert entry["origin"] is not None


def test_a_number_of_thousands_of_digits_is_damage(rows):
    import json

    from redactor.errors import RedactorError

    line = json.dumps(dict(rows[0], difference="@")).replace('"@"', "9" * 5000)

    with pytest.raises(RedactorError, match=r"r\.jsonl:1: damaged: .*digits"):
        list(read_rows([line], name="r.jsonl"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("codes", 7),
        ("codes", [{"quad": 1}]),
        ("verdict", "fine"),
        ("size", ["a", "b"]),
        ("seconds", {"detect": float("nan")}),
        ("name", None),
        ("size", [1]),
        ("size", [-1, 5]),
        ("frame_sizes", [[1, 2, 3]]),
        ("source_bytes", -1),
        ("output_bytes", 10**400),
        ("regions", [{"quad": [[1]], "action": "fill", "frame": 0}]),
        ("regions", [{"quad": [[1e308, 1]] * 4, "action": "fill", "frame": 0}]),
        ("regions", [{"quad": [[1, 1]] * 4, "action": "fill", "frame": -9}]),
    ],
)
def test_damaged_rows_are_named_with_their_line(key, value, rows):
    import json

    from redactor.errors import RedactorError

    with pytest.raises(RedactorError, match=r"r\.jsonl:1: damaged: "):
        list(read_rows([json.dumps(dict(rows[0], **{key: value}))], name="r.jsonl"))
