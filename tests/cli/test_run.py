"""`redactor run` on folders and files: the main job."""

import json
import os
import re
import shlex
import subprocess
import sys
import zlib

import pytest

LINK = "https://example.org/secret?token=4711"


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


# The main job.


def test_a_folder_is_mirrored_with_its_codes_hidden(redactor, photos, shelf, tree, read_codes):
    ended = redactor("run", "photos", "--out", "out")

    out = photos.parent / "out"
    assert ended.code == 0
    assert tree(out) == sorted(shelf)
    assert [read_codes((out / name).read_bytes()) for name in sorted(shelf)] == [[], [], []]
    assert (out / "a/clean.png").read_bytes() == shelf["a/clean.png"]
    assert tree(photos) == sorted(shelf)
    assert all((photos / name).read_bytes() == data for name, data in shelf.items())


def test_the_table_goes_to_stdout_and_remarks_to_stderr(redactor, photos):
    ended = redactor("run", "photos", "--out", "out", "--report", "r.html")

    assert "redacted" in ended.out
    assert "2 codes: 2 blurred" in ended.out
    assert ended.lines == ["Report: r.html"]


def test_results_and_report_tell_of_every_picture(redactor, photos, shelf):
    ended = redactor(
        "run", "photos", "--out", "out", "--results", "o/r.jsonl", "--report", "o/r.html"
    )

    told = rows(photos.parent / "o" / "r.jsonl")
    page = (photos.parent / "o" / "r.html").read_text()
    assert ended.code == 0
    assert [row["name"] for row in told] == [f"photos/{name}" for name in sorted(shelf)]
    assert [row["written"] for row in told] == [f"out/{name}" for name in sorted(shelf)]
    assert [row["verdict"] for row in told] == ["clean", "redacted", "redacted"]
    assert all(name.rpartition("/")[2] in page for name in shelf)


def test_what_codes_say_is_told_only_when_asked_for(redactor, photos):
    quiet = redactor("run", "photos", "--out", "1", "--results", "1.jsonl", "--report", "1.html")
    full = redactor("run", "photos", "--out", "2", "--results", "2.jsonl", "--content", "full")

    told = quiet.out + quiet.err + (photos.parent / "1.jsonl").read_text()
    told += (photos.parent / "1.html").read_text()
    assert "token=4711" not in told
    assert "token=4711" in (photos.parent / "2.jsonl").read_text()
    assert full.code == 0


def test_a_dry_run_tells_and_writes_no_picture(redactor, photos, tree):
    ended = redactor("run", "photos", "--dry-run", "--results", "r.jsonl")

    assert ended.code == 0
    assert "2 would be blurred" in ended.out
    assert tree(photos.parent) == [
        "photos/a/clean.png",
        "photos/a/code.png",
        "photos/b/code.jpg",
        "r.jsonl",
    ]
    assert all(row["dry_run"] for row in rows(photos.parent / "r.jsonl"))


def test_the_output_may_lie_in_the_source(redactor, photos, shelf, tree):
    for extra in ([], ["--overwrite"]):
        ended = redactor("run", "photos", "--out", "photos/redacted", *extra)
        assert ended.code == 0

    assert tree(photos / "redacted") == sorted(shelf)


def test_one_file_goes_to_a_file_or_into_a_folder(redactor, photos, read_codes):
    to_file = redactor("run", "photos/a/code.png", "--out", "new/redacted.png")
    to_folder = redactor("run", "photos/a/code.png", "--out", "folder")

    assert (to_file.code, to_folder.code) == (0, 0)
    written = (photos.parent / "new" / "redacted.png").read_bytes()
    assert read_codes(written) == []
    assert (photos.parent / "folder" / "code.png").read_bytes() == written


def test_several_sources_and_patterns_are_mirrored_from_what_they_share(redactor, photos, tree):
    ended = redactor("run", "photos/a/*.png", "photos/b", "--out", "out")

    assert ended.code == 0
    assert tree(photos.parent / "out") == ["a/clean.png", "a/code.png", "b/code.jpg"]


@pytest.mark.parametrize("end", ["\n", "\0", "\r\n"], ids=["lines", "NULs", "Windows"])
def test_sources_come_from_a_list(end, redactor, photos, tree):
    names = ["photos/a/code.png", "photos/b/code.jpg"]
    (photos.parent / "list").write_bytes("".join(f"{name}{end}" for name in names).encode())

    ended = redactor("run", "--files-from", "list", "--out", "out")

    assert ended.code == 0
    assert tree(photos.parent / "out") == ["a/code.png", "b/code.jpg"]


def test_stdin_goes_to_stdout(redactor, photos, shelf, read_codes):
    ended = redactor("run", "-", "--out", "-", stdin=shelf["b/code.jpg"])

    assert ended.code == 0
    assert ended.data.startswith(b"\xff\xd8\xff")
    assert read_codes(ended.data) == []
    assert "redacted" in ended.err


def test_nothing_goes_to_stdout_of_a_picture_that_cannot_be_handled(redactor, photos):
    ended = redactor("run", "-", "--out", "-", stdin=b"no picture")

    assert ended.code == 4
    assert ended.data == b""
    assert "not a picture" in ended.err


def test_a_policy_decides(redactor, photos, shelf, tree):
    (photos.parent / "mine.yaml").write_text(
        "version: 1\nrules:\n  - {id: png, when: {domain: example.org}, action: allow}\n"
        "default: {action: fill}\n"
    )

    ended = redactor("run", "photos", "--out", "out", "--policy", "mine.yaml")

    assert ended.code == 0
    assert "2 allowed" in ended.out
    out = photos.parent / "out"
    assert all((out / name).read_bytes() == data for name, data in shelf.items())


def test_an_empty_folder_is_said_to_be_empty(redactor, tmp_path):
    ended = redactor("run", tmp_path, "--out", tmp_path / "out")

    assert ended.code == 0
    assert "No pictures were found" in ended.err


# Overwriting and replacing.


def test_what_is_there_is_not_replaced_unless_asked(redactor, photos, shelf):
    redactor("run", "photos", "--out", "out")
    (photos.parent / "out/a/code.png").write_bytes(b"mine")

    ended = redactor("run", "photos", "--out", "out")

    assert ended.code == 4
    assert "1 picture could not be handled" in ended.err  # the others are there as they should be
    assert "photos/a/code.png: out/a/code.png: exists" in ended.err
    assert "To run those again" not in ended.err  # it would fail in the same way
    assert (photos.parent / "out/a/code.png").read_bytes() == b"mine"
    assert redactor("run", "photos", "--out", "out", "--overwrite").code == 0
    assert (photos.parent / "out/a/code.png").read_bytes() != b"mine"


@pytest.mark.parametrize("extra", [[], ["--overwrite"]], ids=["", "--overwrite"])
@pytest.mark.parametrize(
    ("source", "out"),
    [("photos/", "photos"), ("photos", "link"), ("link", "photos"), ("photos/a/code.png",) * 2],
)
def test_pictures_are_never_written_over_themselves(
    source, out, extra, redactor, photos, shelf, tree
):
    (photos.parent / "link").symlink_to(photos)

    ended = redactor("run", source, "--out", out, *extra, "--results", "r.jsonl")

    assert ended.code == 2
    assert ended.lines == [
        f"redactor: {out}: the pictures lie there themselves, and the originals would be lost;"
        " write to another place, or replace them with --in-place --originals PLACE"
    ]
    assert not (photos.parent / "r.jsonl").exists()
    assert all((photos / name).read_bytes() == data for name, data in shelf.items())


def test_in_place_keeps_the_originals(redactor, photos, shelf, tree, read_codes):
    ended = redactor("run", "photos", "--in-place", "--originals", "before")

    assert ended.code == 0
    assert tree(photos) == sorted(shelf)
    assert tree(photos.parent / "before") == ["a/code.png", "b/code.jpg"]
    assert read_codes((photos / "a/code.png").read_bytes()) == []
    assert (photos.parent / "before/a/code.png").read_bytes() == shelf["a/code.png"]


def test_in_place_a_link_is_followed_within_what_was_named_alone(
    redactor, tmp_path, monkeypatch, a_picture
):
    monkeypatch.chdir(tmp_path)
    picture = a_picture(LINK)
    for folder in ("named", "other"):
        (tmp_path / folder).mkdir()
    (tmp_path / "other/picture.png").write_bytes(picture)
    (tmp_path / "named/out.png").symlink_to("../other/picture.png")
    (tmp_path / "named/in.png").symlink_to("real/picture.png")
    (tmp_path / "named/real").mkdir()
    (tmp_path / "named/real/picture.png").write_bytes(picture)

    ended = redactor("run", "named", "--in-place", "--originals", "before")

    assert ended.code == 4
    assert "which was not named; give that as a SOURCE itself" in ended.err
    assert (tmp_path / "other/picture.png").read_bytes() == picture
    assert (tmp_path / "named/real/picture.png").read_bytes() != picture
    assert (tmp_path / "named/in.png").is_symlink()


def test_in_place_may_keep_them_in_the_folder_itself(redactor, photos, shelf):
    for _ in range(2):
        ended = redactor("run", "photos", "--in-place", "--originals", "photos/before")
        assert ended.code == 0

    assert (photos / "before/a/code.png").read_bytes() == shelf["a/code.png"]


def test_quarantine_takes_copies_of_what_failed(redactor, photos, fill, tree):
    fill(photos, {"b/bad.jpg": b"no picture"})

    ended = redactor("run", "photos", "--out", "out", "--quarantine", "held")

    assert ended.code == 4
    assert tree(photos.parent / "held") == ["b/bad.jpg"]
    assert (photos / "b/bad.jpg").read_bytes() == b"no picture"
    assert not (photos.parent / "out/b/bad.jpg").exists()


# Wrong usage.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["photos"], "--out"),
        (["--out", "out"], "no SOURCE"),
        (["photos", "--in-place"], "--originals PLACE"),
        (["photos", "--in-place", "--originals", "o", "--out", "x"], "leave out --out"),
        (["-", "--in-place", "--originals", "o"], "--in-place is for files and objects"),
        (["photos", "--out", "out", "--purge-versions"], "goes with --in-place"),
        (["photos", "--out", "out", "--originals", "o"], "goes with --in-place"),
        (["photos", "--out", "-"], "several pictures need a folder"),
        (["photos", "--out", "photos/a/code.png"], "several pictures need a folder"),
        (["photos", "--out", "oss://x"], "no place in OSS"),
        (["oss://UPPER/x/", "--out", "out"], "no place in OSS"),
        (["photos", "--out", "out", "--quarantine", "out"], "--quarantine lies within --out"),
        (["photos", "--out", "out", "--quarantine", "./out/q"], "--quarantine lies within --out"),
        (["photos", "--out", "out", "--detector", "imm"], "--detector imm"),
        (["photos", "--out", "out", "--detector", "magic"], "imm"),
        (["photos", "--out", "out", "--jobs", "0"], "--jobs"),
        (["photos", "--out", "out", "--fail-on", "x"], "--fail-on"),
        (["photos", "--out", "out", "--results", "photos/a/code.png"], "named like a picture"),
        (["photos", "--out", "out", "--results", "photos"], "cannot be written"),
        (["photos", "--out", "out", "--results", "photos/a/code.png/x"], "cannot be written"),
        (["--files-from", "absent.txt", "--out", "out"], "absent.txt: no such file"),
        (["photos", "--nonsense"], "--nonsense"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_refused_before_anything_is_done(
    arguments, said, redactor, photos, shelf, tree
):
    ended = redactor("run", *arguments)

    assert ended.code == 2
    assert said in ended.err
    assert ended.out == ""
    assert tree(photos) == sorted(shelf)
    assert all((photos / name).read_bytes() == data for name, data in shelf.items())
    assert not (photos.parent / "out").exists()


# Exit codes.


@pytest.mark.parametrize(
    ("fail_on", "policy", "code"),
    [
        (None, "redact", 0),
        ("flagged", "redact", 0),
        ("redacted", "redact", 1),
        ("flagged", "flag", 1),
        ("redacted", "flag", 1),
        (None, "flag", 0),
    ],
)
def test_fail_on_ends_with_1_when_it_happens(fail_on, policy, code, redactor, photos):
    action = {"redact": "{action: fill}", "flag": "{action: flag, flag: info}"}[policy]
    (photos.parent / "p.yaml").write_text(f"version: 1\ndefault: {action}\n")
    extra = ["--fail-on", fail_on] if fail_on else []

    ended = redactor("run", "photos", "--out", "out", "--policy", "p.yaml", *extra)

    assert ended.code == code


def test_a_failure_weighs_more_than_fail_on(redactor, photos, fill):
    fill(photos, {"bad.jpg": b""})

    assert redactor("run", "photos", "--out", "out", "--fail-on", "redacted").code == 4


def test_a_policy_with_mistakes_ends_with_3_and_all_of_them(redactor, photos):
    (photos.parent / "p.yaml").write_text(
        "version: 1\nrules:\n  - {id: a, when: {symbolgy: qrcode}, action: blurr}\n"
        "defualt: {action: fill}\n"
    )

    ended = redactor("run", "photos", "--out", "out", "--policy", "p.yaml", "--results", "r.jsonl")

    assert ended.code == 3
    assert [line.split(" ")[0] for line in ended.lines[:-1]] == [
        "p.yaml:1:1:",
        "p.yaml:3:20:",
        "p.yaml:3:47:",
        "p.yaml:4:1:",
    ]
    assert "blurr" in ended.err
    assert ended.lines[-1] == "redactor: the policy is invalid; nothing was done"
    assert not (photos.parent / "out").exists()
    assert not (photos.parent / "r.jsonl").exists()


def test_a_policy_that_is_not_there_ends_with_3(redactor, photos):
    ended = redactor("run", "photos", "--out", "out", "--policy", "absent.yaml")

    assert ended.code == 3
    assert "absent.yaml" in ended.lines[0]


# Bad input.


def bad(name, a_picture):
    jpeg, png = a_picture(LINK, format="JPEG"), a_picture(LINK)
    header = bytearray(png)
    header[16:24] = (60_000).to_bytes(4, "big") * 2
    header[29:33] = zlib.crc32(header[12:29]).to_bytes(4, "big")
    return {
        "corrupt.png": png[:80] + bytes(80) + png[160:],
        "truncated.jpg": jpeg[: len(jpeg) // 2],
        "text.jpg": b"dear customer\n",
        "empty.png": b"",
        "huge.png": bytes(header),
        "icon.ico": b"\0\0\1\0" + bytes(40),
    }[name]


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("corrupt.png", "PNG"),
        ("truncated.jpg", "JPEG"),
        ("text.jpg", "not a picture"),
        ("empty.png", "the file is empty"),
        ("huge.png", "limit of 100,000,000 pixels"),
        ("icon.ico", "ICO is not handled yet"),
    ],
)
def test_bad_input_gets_one_line_and_exit_4_and_stays(
    name, cause, redactor, photos, fill, a_picture, tree
):
    data = bad(name, a_picture)
    fill(photos, {name: data})

    ended = redactor("run", "photos", "--out", "out")

    assert ended.code == 4
    assert ended.lines[0] == "1 picture could not be handled:"
    assert ended.lines[1].startswith(f"  photos/{name}: ")
    assert cause in ended.lines[1]
    assert ended.lines[2:] == ["To run those again:", f"  redactor run --out out photos/{name}"]
    assert (photos / name).read_bytes() == data
    # One bad picture does not stop the others.
    assert tree(photos.parent / "out") == ["a/clean.png", "a/code.png", "b/code.jpg"]


def test_a_missing_file_is_named(redactor, photos):
    ended = redactor("run", "photos/absent.jpg", "photos/a/code.png", "--out", "out")

    assert ended.code == 4
    assert ended.lines[1] == "  photos/absent.jpg: no such file or folder"
    assert (photos.parent / "out").exists()


def test_a_name_that_no_file_can_have_fails_alone(redactor, photos):
    name = "n" * 300 + ".jpg"

    ended = redactor("run", name, "photos/a/code.png", "--out", "out")

    assert ended.code == 4
    assert f"{name}: no such file or folder" in ended.err
    assert (photos.parent / "out").exists()


def test_a_place_that_cannot_be_written_is_named(redactor, photos):
    (photos.parent / "out").write_text("a file where a folder should be")

    ended = redactor("run", "photos/a", "--out", "out/x")

    assert ended.code == 6
    assert re.search(r"out/x: \S*out is no folder; choose another place", ended.err)


def test_a_quiet_run_still_names_what_failed(redactor, photos, fill):
    fill(photos, {"bad.jpg": b""})

    ended = redactor("run", "photos", "--out", "out", "-q")

    assert "photos/bad.jpg: the file is empty" in ended.err


# The command for what failed.


ODD = [
    "with space.jpg",
    "it's.jpg",
    'double"quote.jpg',
    "$HOME.jpg",
    "`id`.jpg",
    "new\nline.jpg",
    "tab\tand \x1b[31mcolour.jpg",
    "-dash.jpg",
    "[red]markup[/red].jpg",
    "[/].jpg",
    "star*.jpg",
    ":smile:.jpg",
    "한국어 \u202egpj.jpg",
    b"latin\xff.jpg",
]


def test_the_command_for_failures_runs_them_again_whatever_they_are_called(
    redactor, photos, fill, shelf
):
    names = [os.fsdecode(name) for name in ODD]
    fill(photos, dict.fromkeys(names, b"") | {"star1.jpg": shelf["a/clean.png"]})

    first = redactor("run", "photos", "--out", "out", "--results", "r.jsonl")
    command = first.lines[-1].strip()
    # The pictures are mended, and the command is pasted into a shell.
    fill(photos, dict.fromkeys(names, shelf["a/clean.png"]))
    ended = in_a_shell(command, photos.parent)

    assert first.code == 4
    assert {"\x1b", "\u202e"}.isdisjoint(first.err + first.out)
    assert ended.returncode == 0, ended.stderr
    written = [(photos.parent / "out" / name).read_bytes() for name in names]
    assert written == [shelf["a/clean.png"]] * len(names)


def test_a_name_like_an_option_is_none(redactor, photos, monkeypatch):
    monkeypatch.chdir(photos)
    (photos / "-v.jpg").write_bytes(b"")

    ended = redactor("scan", "--", "-v.jpg")

    assert ended.lines[-1].strip() == "redactor scan -- -v.jpg"


def in_a_shell(command, folder):
    here = f'redactor() {{ {shlex.quote(sys.executable)} -m redactor "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-c", here], cwd=folder, capture_output=True, check=False, timeout=60
    )


def test_what_runs_again_goes_where_it_would_have_gone(redactor, photos, fill, shelf, tree):
    fill(photos, {"b/deep/bad1.jpg": b"", "b/deep/bad2.jpg": b"", "b/bad3.jpg": b""})
    first = redactor("run", "photos", "--out", "out dir", "--quarantine", "held")
    command = first.lines[-1].strip()
    assert tree(photos.parent / "held") == ["b/bad3.jpg", "b/deep/bad1.jpg", "b/deep/bad2.jpg"]
    fill(photos, dict.fromkeys(["b/deep/bad1.jpg", "b/deep/bad2.jpg"], shelf["a/clean.png"]))

    ended = in_a_shell(command, photos.parent)

    assert ended.returncode == 4
    assert tree(photos.parent / "out dir") == [
        "a/clean.png",
        "a/code.png",
        "b/code.jpg",
        "b/deep/bad1.jpg",
        "b/deep/bad2.jpg",
    ]
    assert tree(photos.parent / "held") == ["b/bad3.jpg", "b/deep/bad1.jpg", "b/deep/bad2.jpg"]


def test_the_command_carries_every_option_that_was_given(redactor, photos, fill):
    fill(photos, {"bad.jpg": b""})
    (photos.parent / "my policy.yaml").write_text("version: 1\ndefault: {action: fill}\n")

    ended = redactor(
        "run", "photos", "--in-place", "--originals", "before", "--policy", "my policy.yaml",
        "--detector", "hybrid", "--endpoint", "http://127.0.0.1:9", "--region", "cn-x",
        "--jobs", "3", "--content", "none", "--fail-on", "flagged", "--quarantine", "held",
        "--results", "r.jsonl", "--report", "r.html", "--overwrite",
    )  # fmt: skip

    words = shlex.split(ended.lines[3])
    assert words[:2] == ["redactor", "run"]
    assert words[-1] == "photos/bad.jpg"
    pairs = " ".join(words)
    for given in (
        "--in-place", "--originals before", "--policy my policy.yaml", "--detector hybrid",
        "--endpoint http://127.0.0.1:9", "--region cn-x", "--jobs 3", "--content none",
        "--fail-on flagged", "--quarantine held", "--overwrite",
    ):  # fmt: skip
        assert given in pairs
    # A second run must not write over the results of the first.
    assert "--results" not in words
    assert "--report" not in words


def test_a_dry_run_is_run_dry_again(redactor, photos, fill):
    fill(photos, {"bad.jpg": b""})

    ended = redactor("run", "photos", "--dry-run")

    assert ended.lines[-1].strip() == "redactor run --dry-run photos/bad.jpg"


def test_many_failures_go_into_a_file(redactor, photos, fill, shelf, tree):
    fill(photos, {f"bad/{n:02}.jpg": b"" for n in range(24)} | {"bad/new\nline.jpg": b""})
    ended = redactor("run", "photos", "--out", "out", "--results", "r.jsonl")
    assert "and 5 more" in ended.err
    assert ended.lines[-1].strip() == (
        "redactor run --out out/bad/ --files-from r.jsonl.failed.txt"
    )
    fill(photos, {f"bad/{n:02}.jpg": shelf["a/clean.png"] for n in range(24)})
    fill(photos, {"bad/new\nline.jpg": shelf["a/clean.png"]})

    again = redactor(*shlex.split(ended.lines[-1])[1:])

    assert again.code == 0
    assert len(tree(photos.parent / "out" / "bad")) == 25


# Terminals.


def test_what_a_code_says_cannot_move_the_cursor(redactor, tmp_path, a_picture, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(a_picture("tel:\x1b]0;owned\x07\x1b[2J\r\nhello"))

    for command in (["scan", "a.png"], ["verify", "a.png"]):
        ended = redactor(*command, "--content", "full")
        assert "hello" in ended.out
        assert {"\x1b", "\x07", "\r"}.isdisjoint(ended.out + ended.err)
        assert r"\x1b" in ended.out


def test_an_encoding_without_our_marks_ends_no_run(redactor, photos, fill):
    fill(photos, {"한국어.jpg": b""})

    ended = redactor("run", "photos", "--out", "out", encoding="ascii")

    assert ended.code == 4
    assert "redacted" in ended.out
    assert "\\u" in ended.err


def test_a_table_in_a_pipe_is_not_broken(redactor, photos, fill, shelf):
    name = "a-very-long-name-" * 6 + ".png"
    fill(photos, {name: shelf["a/clean.png"]})

    ended = redactor("run", "photos", "--out", "out")

    assert any(name in line and "clean" in line for line in ended.out.splitlines())


@pytest.mark.parametrize("columns", [80, 120])
def test_a_table_keeps_to_the_width_of_the_terminal(columns, redactor, photos):
    ended = redactor("run", "photos", "--out", "out", columns=columns)

    assert max(map(len, ended.out.splitlines())) <= columns


def test_without_a_terminal_there_is_no_progress(redactor, photos):
    ended = redactor("run", "photos", "--out", "out")

    assert "redacting" not in ended.err
    assert ended.err == ""


def test_a_table_in_a_pipe_has_no_trailing_blanks(redactor, photos):
    ended = redactor("run", "photos", "--out", "out")

    assert ended.out == "".join(f"{line.rstrip()}\n" for line in ended.out.splitlines())
