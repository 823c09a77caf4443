"""`redactor report`: what was recorded, as a page, a table or a file."""

import csv
import json
import os
import re

import pytest

from tests.cli.conftest import LINK


@pytest.fixture
def photos(tmp_path, monkeypatch, a_picture):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "code.png").write_bytes(a_picture(LINK))
    (folder / "plain.png").write_bytes(a_picture())
    return folder


def test_a_page_shows_pictures_that_are_still_the_same(redactor, photos, tmp_path, a_picture):
    redactor("run", "photos", "--out", "out", "--results", "r.jsonl")
    (photos / "plain.png").write_bytes(a_picture("another"))

    ended = redactor("report", "r.jsonl", "-o", "page.html")

    assert ended.code == 0, ended.err
    page = (tmp_path / "page.html").read_text()
    assert page.count("data:image/webp") == 3  # all but the one that has changed
    assert "no preview: the picture could not be shown" in page


def without_codes(row):
    row["codes"] = []


def with_one_code(row):
    del row["codes"][1:]


def with_codes_elsewhere(row):
    for code in row["codes"]:
        code["quad"] = [[x + 400, y + 400] for x, y in code["quad"]]


def with_codes_in_another_frame(row):
    for code in row["codes"]:
        code["frame"] = 7


def of_another_orientation(row):
    row["orientation"] = 5


def of_another_verdict(row):
    row["verdict"], row["codes"], row["regions"] = "clean", [], []


@pytest.mark.parametrize(
    "edit",
    [
        without_codes,
        with_one_code,
        with_codes_elsewhere,
        with_codes_in_another_frame,
        of_another_orientation,
        of_another_verdict,
    ],
)
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_no_code_is_live_on_a_page_whatever_a_row_tells_of_its_picture(
    edit, form, redactor, tmp_path, monkeypatch, a_picture, live_codes
):
    monkeypatch.chdir(tmp_path)
    picture = a_picture(LINK, "another", "9", format=form)
    (tmp_path / "codes.png").write_bytes(picture)
    redactor("run", "codes.png", "--dry-run", "--results", "r.jsonl", "--content", "none")
    row = json.loads((tmp_path / "r.jsonl").read_text())
    edit(row)
    (tmp_path / "r.jsonl").write_text(json.dumps(row) + "\n")

    redactor("report", "r.jsonl", "-o", "page.html")
    redactor("report", "r.jsonl", "-o", "shown.html", "--show-codes")

    assert live_codes((tmp_path / "page.html").read_text()) == []
    if edit is not of_another_orientation:
        assert live_codes((tmp_path / "shown.html").read_text()) != []


@pytest.mark.parametrize("name", ["pipe", "/dev/zero", "/dev/stdin", "folder", "no\0ne", "link"])
def test_a_page_reads_only_plain_files_of_the_recorded_length(
    name, redactor, photos, tmp_path, monkeypatch
):
    redactor("run", "photos/code.png", "--dry-run", "--results", "r.jsonl")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("pipe")
    row = json.loads((tmp_path / "r.jsonl").read_text())
    (tmp_path / "r.jsonl").write_text(json.dumps(row | {"name": name, "source_bytes": 10**12}))
    (tmp_path / "l.jsonl").write_text(json.dumps(row | {"source_bytes": 10**12}))

    for results in ("r.jsonl", "l.jsonl"):
        ended = redactor("report", results, "-o", "page.html")

        assert ended.code == 0, ended.err
        assert "no preview" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("content", ["host", "full", "none", "hash"])
def test_what_is_decided_on_the_page_of_a_recorded_plan_can_be_applied(
    content, redactor, photos, tmp_path
):
    redactor("plan", "photos", "-o", "plan.jsonl", "--content", content)

    ended = redactor("report", "plan.jsonl", "-o", "page.html", "--content", content)

    assert ended.code == 0, ended.err
    page = (tmp_path / "page.html").read_text()
    rows = json.loads(re.search(r'id="plan">(.*?)</script>', page, re.DOTALL)[1])
    decided = [json.dumps(row | {"approved": True}) for row in rows]
    (tmp_path / "decisions.jsonl").write_text("\n".join(decided))
    applied = redactor("apply", "decisions.jsonl", "--out", "out")
    assert applied.code == 0, applied.err


def test_the_page_of_a_plan_needs_what_the_plan_tells(redactor, photos):
    redactor("plan", "photos", "-o", "plan.jsonl", "--content", "full")

    ended = redactor("report", "plan.jsonl", "-o", "page.html", "--content", "none")

    assert ended.code == 2
    assert "give the --content that it was planned with" in ended.err


def test_a_page_that_cannot_be_made_leaves_the_last_one(redactor, photos, tmp_path):
    (tmp_path / "page.html").write_text("the last one")
    (tmp_path / "r.jsonl").write_text('{"schema_version": 1, "name": 7}\n')

    assert redactor("report", "r.jsonl", "-o", "page.html").code == 2
    assert (tmp_path / "page.html").read_text() == "the last one"


def test_results_are_not_written_over(redactor, photos, tmp_path):
    redactor("run", "photos", "--dry-run", "--results", "r.jsonl")
    before = (tmp_path / "r.jsonl").read_bytes()

    ended = redactor("report", "r.jsonl", "-o", "./r.jsonl")

    assert ended.code == 2
    assert "holds the results themselves" in ended.err
    policy = tmp_path / "p.yaml"
    policy.write_text("version: 1\nname: p\ndefault: {action: fill}\n")
    against = ["--against", "r.jsonl", "--report", "r.jsonl"]
    assert redactor("policy", "diff", policy, policy, *against).code == 2
    assert (tmp_path / "r.jsonl").read_bytes() == before


def test_a_plan_and_results_are_no_one_page(redactor, photos):
    redactor("plan", "photos", "-o", "plan.jsonl")
    redactor("run", "photos", "--dry-run", "--results", "r.jsonl")

    ended = redactor("report", "plan.jsonl", "r.jsonl", "-o", "page.html")

    assert ended.code == 2
    assert "a plan and results make two pages" in ended.err


def test_no_images_shows_none(redactor, photos, tmp_path):
    redactor("run", "photos", "--out", "out", "--results", "r.jsonl")
    redactor("report", "r.jsonl", "-o", "page.html", "--no-images")

    assert "data:image" not in (tmp_path / "page.html").read_text()


def test_the_page_of_a_plan_is_one_to_decide_on(redactor, photos, tmp_path):
    redactor("plan", "photos", "-o", "plan.jsonl")
    redactor("report", "plan.jsonl", "-o", "plan.html")

    assert "Download decisions" in (tmp_path / "plan.html").read_text()


@pytest.mark.parametrize("name", ["r.csv", "r.md", "r.xml", "r.jsonl2"])
def test_the_ending_tells_the_format(name, redactor, photos, tmp_path):
    redactor("run", "photos", "--dry-run", "--results", "r.jsonl")

    assert redactor("report", "r.jsonl", "-o", name).code == 0
    assert (tmp_path / name).read_text()


def test_a_run_folder_is_reported_with_no_more_content_than_asked_for(redactor, photos, tmp_path):
    redactor("run", "photos", "--out", "out", "--run-folder", "run")

    hosts = redactor("report", "run", "--format", "csv").out
    full = redactor("report", "run", "--format", "csv", "--content", "full").out

    assert "token=4711" not in hosts
    assert "token=4711" in full
    # What was recorded with less cannot be told with more.
    less = redactor("report", "run/results.jsonl", "--format", "csv", "--content", "full").out
    assert "token=4711" not in less


def test_spreadsheets_get_their_mark_when_asked(redactor, photos, tmp_path):
    redactor("run", "photos", "--dry-run", "--results", "r.jsonl")
    redactor("report", "r.jsonl", "-o", "r.csv", "--bom")

    data = (tmp_path / "r.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbfpicture,")
    first, *_ = csv.DictReader(data.decode("utf-8-sig").splitlines())
    assert first["verdict"] == "redacted"


def test_the_schema_is_printed(redactor):
    told = json.loads(redactor("report", "--schema").out)

    assert told["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "no RESULTS"),
        (("absent.jsonl",), "cannot be read"),
        (("photos",), "no run folder"),
        (("photos/code.png",), "not a row of results"),
    ],
)
def test_what_cannot_be_reported_is_named(arguments, told, redactor, photos):
    ended = redactor("report", *arguments)

    assert ended.code == 2
    assert told in ended.err


def test_a_line_cut_by_a_kill_is_left_out_with_a_word(redactor, photos, tmp_path):
    redactor("run", "photos", "--dry-run", "--results", "r.jsonl")
    text = (tmp_path / "r.jsonl").read_text()
    (tmp_path / "r.jsonl").write_text(text[:-40])

    ended = redactor("report", "r.jsonl", "--format", "csv")

    assert ended.code == 0
    assert "1 unfinished line left out" in ended.err
