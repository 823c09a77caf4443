"""A run with a folder of its own: killed, interrupted, and run again."""

import json
import os
import stat

import pytest

from tests.benchmarks.resume import disturb
from tests.forks import Forks

LINK = "https://example.org/secret?token=4711"


@pytest.fixture
def photos(tmp_path, monkeypatch, a_picture):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, picture in {"b.png": a_picture(LINK), "a.png": a_picture()}.items():
        (folder / name).write_bytes(picture)
    return folder


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_run_that_is_killed_again_and_again_ends_as_if_nothing_had_happened(tmp_path):
    with Forks() as forks:
        found = disturb(forks, tmp_path, pictures=40, kills=3, jobs=2)

    assert found.is_right, "\n".join(found.lines)


def test_a_second_run_does_nothing_twice_and_tells_of_all(redactor, photos, tmp_path):
    first = redactor("run", "photos", "--out", "out", "--run-folder", "run")
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}

    again = redactor("run", "photos", "--out", "out", "--run-folder", "run")

    assert (first.code, again.code) == (0, 0)
    assert "2 of these pictures were done before." in again.err
    assert again.out == first.out
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == written
    assert [row["name"] for row in rows(tmp_path / "run/results.jsonl")] == [
        "photos/a.png",
        "photos/b.png",
    ]


def test_the_summary_tells_totals_and_this_start_apart(redactor, photos, tmp_path):
    for done_before in (0, 2):
        redactor("run", "photos", "--out", "out", "--run-folder", "run")

        told = json.loads((tmp_path / "run/run.json").read_text())
        assert told["exit_code"] == 0
        assert told["totals"]["pictures"] == 2
        assert told["totals"]["verdicts"] == {"clean": 1, "redacted": 1}
        assert told["totals"]["actions"] == {"blur": 1}
        assert told["this_start"]["done_before"] == done_before
        assert told["this_start"]["pictures"] == 2 - done_before


def test_only_the_ledger_tells_what_codes_say(redactor, photos, tmp_path):
    redactor("run", "photos", "--out", "out", "--run-folder", "run")

    telling = {
        path.name for path in (tmp_path / "run").iterdir() if b"token=4711" in path.read_bytes()
    }
    assert telling <= {"ledger.sqlite", "ledger.sqlite-wal"}
    assert all(
        not stat.S_IMODE(path.stat().st_mode) & 0o077
        for path in (tmp_path / "run").glob("ledger.sqlite*")
    )


def test_without_a_folder_resume_keeps_one_for_the_user(redactor, photos, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    redactor("run", "photos", "--out", "out", "--resume")

    again = redactor("run", "photos", "--out", "out", "--resume")

    assert "2 of these pictures were done before." in again.err
    (folder,) = (tmp_path / "state/redactor/runs").iterdir()
    assert folder.name.startswith("photos-")


@pytest.mark.parametrize("target", ["real.jsonl", os.devnull])
def test_results_go_where_a_link_leads_and_a_device_stays_one(target, redactor, photos, tmp_path):
    (tmp_path / "r.jsonl").symlink_to(target)

    ended = redactor("run", "photos", "--out", "out", "--run-folder", "run", "--results", "r.jsonl")

    assert ended.code == 0
    assert (tmp_path / "r.jsonl").is_symlink()
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)  # noqa: PTH116


def test_a_quarantine_that_is_named_later_gets_its_copies(redactor, photos, tmp_path):
    (photos / "broken.png").write_bytes(b"no picture")
    command = ("run", "photos", "--out", "out", "--run-folder", "run")
    redactor(*command)

    again = redactor(*command, "--quarantine", "aside")

    assert "2 of these pictures were done before." in again.err
    assert (tmp_path / "aside/broken.png").read_bytes() == b"no picture"
    assert "3 of these pictures" in redactor(*command, "--quarantine", "aside").err


def test_no_resume_begins_anew(redactor, photos):
    redactor("run", "photos", "--out", "out", "--run-folder", "run")

    again = redactor("run", "photos", "--out", "out", "--run-folder", "run", "--no-resume")

    assert again.code == 0
    assert "done before" not in again.err


def test_what_has_failed_is_told_again_until_it_is_handled(redactor, photos):
    (photos / "broken.png").write_bytes(b"no picture")
    redactor("run", "photos", "--out", "out", "--run-folder", "run")

    again = redactor("run", "photos", "--out", "out", "--run-folder", "run")

    assert again.code == 4
    assert "photos/broken.png" in again.err
    assert "3 of these pictures were done before." in again.err


def test_without_a_folder_the_same_run_again_finds_its_work_done(redactor, photos):
    redactor("run", "photos", "--out", "out")

    again = redactor("run", "photos", "--out", "out")

    assert again.code == 0, again.err


def test_a_folder_in_use_or_of_another_run_ends_with_6(redactor, photos):
    redactor("run", "photos", "--out", "out", "--run-folder", "run")

    ended = redactor("run", "photos", "--out", "elsewhere", "--run-folder", "run")

    assert ended.code == 6
    assert "name another --run-folder" in ended.err
    assert not os.path.exists("elsewhere")  # noqa: PTH110


def test_a_folder_among_what_is_published_is_refused(redactor, photos):
    ended = redactor("run", "photos", "--out", "out", "--run-folder", "out/run")

    assert ended.code == 2
    assert "it keeps what codes say" in ended.err


def test_standard_input_cannot_be_resumed(redactor, photos):
    ended = redactor("run", "-", "--out", "-", "--run-folder", "run", stdin=b"x")

    assert ended.code == 2


def test_objects_are_known_by_their_etag(redactor, photos, tmp_path, monkeypatch, a_picture):
    from redactor.testing import OssServer

    with OssServer(buckets=["shop"]) as server:
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        server.put("shop", "in/a.png", a_picture(LINK))
        server.put("shop", "in/b.png", a_picture())
        run = ("run", "oss://shop/in/", "--out", "oss://shop/out/", "--run-folder", "run")
        assert redactor(*run).code == 0
        before = len(server.requests)
        server.put("shop", "in/b.png", a_picture("new"))

        again = redactor(*run)

        assert again.code == 0, again.err  # what the run has written itself, it replaces
        asked = [one for one in server.requests[before:] if one.method == "GET" and one.key]
        assert {one.key for one in asked} == {"in/b.png", "out/b.png"}
