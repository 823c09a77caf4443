"""Rows: what a results file holds, and reading it back."""

import json
import math

import pytest

from redactor.errors import RedactorError
from redactor.geometry import Quad
from redactor.model import Action, Check, Flag, Region
from redactor.report import Content, Row, dump_row, read_rows, row


def test_a_row_tells_what_happened(a_result, a_code):
    code = a_code(
        action="blur",
        rule="payment",
        reason="money",
        flag=Flag.HIGH,
        quad=Quad.from_box(0.04, 1.26, 10, 10),
    )
    region = Region(Quad.from_box(0, 0, 20, 20), Action.FILL)
    check = Check(("zxing",), 9, (Quad.from_box(1, 1, 2, 2),), "regions", "fill")
    result = a_result("a.png", "flagged", code, regions=(region,), checks=(check,), flag=Flag.HIGH)

    entry = row(result, written="out/a.png")

    assert entry["schema_version"] == 1
    assert entry["verdict"] == "flagged"
    assert entry["flag"] == "high"
    assert entry["written"] == "out/a.png"
    assert entry["codes"][0]["quad"] == [[0.0, 1.3], [10.0, 1.3], [10.0, 11.3], [0.0, 11.3]]
    assert entry["codes"][0]["rule"] == "payment"
    assert entry["regions"][0]["action"] == "fill"
    assert entry["checks"][0]["remedy"] == "fill"


def test_keys_stand_in_a_fixed_order(a_row):
    assert list(a_row()) == list(Row.__annotations__)
    assert dump_row(a_row()).startswith('{"schema_version": 1, "name": "photo.jpg", ')


@pytest.mark.parametrize(
    ("mode", "content", "kind"),
    [
        (Content.FULL, "https://example.com/pay?token=secret", "full"),
        (Content.HOST, "https://example.com", "host"),
        (Content.NONE, None, "none"),
    ],
)
def test_a_row_tells_no_more_content_than_asked_for(a_result, a_code, mode, content, kind):
    code = row(a_result("a.png", "redacted", a_code()), content=mode)["codes"][0]

    assert (code["content"], code["content_as"]) == (content, kind)
    assert code["length"] == 36
    assert code["read"]


def test_no_row_leaks_a_secret_unless_asked(a_result, a_code):
    readings = ("WIFI:P:hunter2", "WIFI:P:hunter3")
    result = a_result("a.png", "redacted", a_code("WIFI:P:hunter2", readings=readings))

    for mode in (Content.HOST, Content.HASH, Content.NONE):
        entry = row(result, content=mode)
        assert "hunter" not in dump_row(entry)
        assert entry["codes"][0]["disputed"]


def test_an_unread_code_is_told_as_such(a_result, a_code):
    code = row(a_result("a.png", "redacted", a_code(None, doubt="checksum")))["codes"][0]

    assert (code["read"], code["content"], code["length"]) == (False, None, None)
    assert code["doubt"] == "checksum"


def test_what_is_no_number_becomes_null(a_result, a_code):
    result = a_result("a", "redacted", a_code(confidence=math.nan), seconds={"detect": math.inf})

    entry = json.loads(dump_row(row(result)))

    assert entry["codes"][0]["confidence"] is None
    assert entry["seconds"] == {"detect": None}


@pytest.mark.parametrize(
    "name", ["two\nlines", 'quo"te', "lone \ud800", "sep\u2028", "nul\0", "日本"]
)
def test_a_row_is_one_ascii_line_and_comes_back_the_same(a_row, name):
    entry = a_row(name)

    line = dump_row(entry)

    assert line.isascii()
    assert line.count("\n") == 1
    assert list(read_rows([line])) == [entry]


def test_a_last_line_cut_by_a_kill_is_skipped_and_counted(a_row):
    whole = dump_row(a_row())
    for length in range(1, len(whole) - 2):
        rows = read_rows([whole, whole[:length]])

        assert len(list(rows)) == 1
        assert rows.cut == 1


def test_reading_goes_on_after_a_cut_line_and_blank_lines(a_row):
    whole = dump_row(a_row())
    rows = read_rows([whole[:50] + "\n", "\n", whole, "\0\0\0"])

    assert len(list(rows)) == 1
    assert rows.cut == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("<html>", r"run.jsonl:1: not a row of results; give the file"),
        ("[1]", r"run.jsonl:1: not a row of results; it has no schema_version"),
        ("{}", r"run.jsonl:1: not a row of results; it has no schema_version"),
        ('{"schema_version": 2}', r"run.jsonl:1: schema_version 2 is not known"),
        ('{"schema_version": true}', r"schema_version True is not known"),
        ('{"schema_version": 1, "name": "a"}', r"damaged: verdict: field required"),
        ("[" * 100_000, r"not a row of results"),
    ],
)
def test_what_is_no_row_of_this_schema_is_refused(line, message):
    with pytest.raises(RedactorError, match=message):
        list(read_rows([line], name="run.jsonl"))
