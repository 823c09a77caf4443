"""The commands that are printed after failures, typed as they stand once the cause is mended."""

import shlex
import subprocess
import sys

import pytest

from tests.cli.conftest import LINK

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

BAD = ("a/bad.png", "b/deep/worse.png")


def hints(ended):
    """Give the commands that a run told."""
    return [line.strip() for line in ended.lines if line.startswith("  redactor ")]


def typed(command, folder):
    here = f'redactor() {{ {shlex.quote(sys.executable)} -m redactor "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-c", here], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


def typed_all(ended, folder):
    assert hints(ended), ended.err
    for command in hints(ended):
        done = typed(command, folder)
        assert done.returncode == 0, f"{command}\n{done.stderr}"


RUNS = [
    "run photos --out out",
    "run photos --out out --results r.jsonl --report r.html",
    "run photos/a photos/b --out out",
    "run photos --out out --include '*/*.png' --include '*/*/*.png' --since 24h",
    "run photos --dry-run",
    "run photos --out out --quarantine held --max-quarantine 9",
    "run photos --in-place --originals kept --quarantine held",
    "run photos --out out --max-quarantine 0",
    "run photos --out out --max-quarantine 0 --run-folder kept --no-resume",
    "plan photos -o plan.jsonl",
    "plan photos/a photos/b -o plan.jsonl --report plan.html",
    "scan photos",
    "verify photos/a/bad.png photos/b/deep",
]


@pytest.mark.parametrize("line", RUNS)
def test_what_is_told_after_failures_works_as_it_stands(line, redactor, photos, fill, shelf):
    fill(photos, dict.fromkeys(BAD, b""))
    ended = redactor(*shlex.split(line))
    assert ended.code in (4, 6)

    fill(photos, dict.fromkeys(BAD, shelf["a/clean.png"]))

    typed_all(ended, photos.parent)
    if "--out" in line:
        assert all((photos.parent / "out" / name).exists() for name in BAD)


def test_a_run_with_a_folder_is_told_to_be_run_again_as_it_was(redactor, photos, fill, shelf):
    """The place of a picture is taken by what another run wrote: by name it would be refused."""
    run = ("run", "--out", "out", "--results", "r.jsonl", "--run-folder", "kept", "photos")
    redactor(*run)
    (photos / "a/code.png").rename(photos.parent / "aside.png")
    (photos / "a/code.png").symlink_to(photos.parent / "nowhere.png")
    ended = redactor(*run)
    (photos / "a/code.png").unlink()
    fill(photos, {"a/code.png": shelf["a/clean.png"]})

    typed_all(ended, photos.parent)

    assert hints(ended) == [f"redactor {shlex.join(run)}"]
    assert (photos.parent / "out/a/code.png").read_bytes() == shelf["a/clean.png"]


def test_with_a_folder_what_is_quarantined_waits_until_it_changes(redactor, photos, fill, shelf):
    run = ("run", "photos", "--out", "out", "--run-folder", "kept")
    fill(photos, dict.fromkeys(BAD, b""))

    ended = redactor(*run)

    assert hints(ended) == []
    assert "is looked at again once it, the policy or redactor changes" in ended.err
    fill(photos, dict.fromkeys(BAD, shelf["a/clean.png"]))
    assert redactor(*run).code == 0


def test_a_plan_is_applied_again(redactor, photos, tmp_path):
    redactor("plan", "photos", "-o", "plan.jsonl")
    (photos / "a/code.png").rename(tmp_path / "aside.png")
    ended = redactor("apply", "plan.jsonl", "--out", "out", "--approve", "redacted")
    (tmp_path / "aside.png").rename(photos / "a/code.png")

    typed_all(ended, tmp_path)

    assert (tmp_path / "out/a/code.png").exists()


def test_a_second_plan_leaves_the_first_alone(redactor, photos, fill, tmp_path):
    fill(photos, {"b/bad.png": b""})
    ended = redactor("plan", "photos", "-o", "plan.jsonl")
    before = (tmp_path / "plan.jsonl").read_bytes()

    assert hints(ended) == ["redactor plan --output plan.2.jsonl photos/b/bad.png"]
    assert "  and apply that plan with --out DEST/b/" in ended.lines
    refused = redactor("plan", "photos", "-o", "plan.jsonl")

    assert refused.code == 2
    assert refused.lines == [
        "redactor: plan.jsonl: exists, and somebody may have written into it;"
        " name another file, or replace it with --overwrite"
    ]
    assert (tmp_path / "plan.jsonl").read_bytes() == before
    assert redactor("plan", "photos", "-o", "plan.jsonl", "--overwrite").code == 4


def test_what_was_moved_is_told_with_its_place_and_not_to_be_run_again(
    redactor, oss, tmp_path, monkeypatch, a_picture
):
    monkeypatch.chdir(tmp_path)
    oss.create_bucket("kept")
    oss.put("shop", "in/bad.png", b"no picture")
    oss.put("shop", "in/deep/code.png", a_picture(LINK))
    oss.deny("oss:PutObject", "shop", "in/deep/code")

    ended = redactor(
        "run", "oss://shop/in/", "--in-place", "--originals", "oss://kept/originals/",
        "--quarantine", "oss://kept/quarantine/", "--detector", "local",
    )  # fmt: skip

    (moved,) = oss.keys("kept", "quarantine/")
    (told,) = [line for line in ended.lines if line.startswith("  oss://shop/in/bad.png: ")]
    assert told.endswith(f"; moved to oss://kept/{moved}")
    assert "in/bad.png" not in " ".join(hints(ended))
    done = typed(hints(ended)[0], tmp_path)
    assert "1 picture could not be handled:\n  oss://shop/in/deep/code.png: " in done.stderr
