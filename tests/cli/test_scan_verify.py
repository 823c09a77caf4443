"""`redactor scan` and `redactor verify`: what is there, and what can still be read."""

import io
import json

import pytest
from PIL import Image, ImageFilter

LINK = "https://example.org/secret?token=4711"
OURS = "https://example.com/menu"


# Scan.


def test_a_scan_lists_codes_and_changes_nothing(redactor, photos, shelf, tree):
    ended = redactor("scan", "photos")

    assert ended.code == 0
    assert ended.out.count("QR code") == 2
    assert "hxxps://example[.]org/…" in ended.out
    assert "secret" not in ended.out
    assert ended.lines == ["2 codes in 3 pictures."]
    assert tree(photos.parent) == [f"photos/{name}" for name in sorted(shelf)]


def test_a_scan_tells_all_when_asked(redactor, photos):
    assert "token=4711" in redactor("scan", "photos", "--content", "full").out


def test_a_scan_lists_the_codes_of_any_number_of_pictures(redactor, tmp_path, a_picture, fill):
    fill(tmp_path, {f"{n:02}.png": a_picture(f"code {n}", scale=2) for n in range(70)})

    ended = redactor("scan", tmp_path, "--content", "full")

    assert ended.code == 0
    assert all(f"code {n}" in ended.out for n in range(70))


def test_a_scan_of_stdin(redactor, shelf):
    assert "QR code" in redactor("scan", "-", stdin=shelf["a/code.png"]).out


def test_a_scan_names_what_it_cannot_open(redactor, photos, fill):
    fill(photos, {"bad.jpg": b""})

    ended = redactor("scan", "photos", "--detector", "hybrid")

    assert ended.code == 4
    assert ended.lines[-1].strip() == "redactor scan --detector hybrid photos/bad.jpg"


def test_a_scan_can_be_recorded(redactor, photos):
    redactor("scan", "photos", "--results", "r.jsonl")

    lines = (photos.parent / "r.jsonl").read_text().splitlines()
    assert [len(json.loads(line)["codes"]) for line in lines] == [0, 1, 1]


# Verify.


def test_what_can_be_read_ends_with_5(redactor, photos):
    ended = redactor("verify", "photos")

    assert ended.code == 5
    assert "2 codes can be read; looked at 3 pictures." in ended.out
    assert "a/code.png" in ended.out
    assert "clean.png" not in ended.out
    assert "secret" not in ended.out


def test_what_was_redacted_ends_with_0(redactor, photos):
    redactor("run", "photos", "--out", "out")

    ended = redactor("verify", "out")

    assert ended.code == 0
    assert ended.out.strip() == "Nothing can be read in 3 pictures."


def test_what_cannot_be_opened_ends_with_4_and_what_can_be_read_weighs_more(redactor, photos, fill):
    fill(photos, {"c/bad.jpg": b"", "c/gone.png": b"x"})

    assert redactor("verify", "photos/c").code == 4
    assert redactor("verify", "photos", "--thorough").code == 5


@pytest.fixture
def allowing(photos, fill, a_picture):
    """A folder with a code that a policy allows beside one that it hides, and the policy."""
    fill(photos, {"both.png": a_picture(OURS, LINK, margin=90)})
    policy = photos.parent / "ours.yaml"
    policy.write_text(
        "version: 1\nrules:\n  - {id: ours, when: {domain: example.com}, action: allow}\n"
        "default: {action: fill}\n"
    )
    return policy


def test_what_a_policy_allows_is_no_finding(redactor, allowing):
    redactor("run", "photos", "--out", "out", "--policy", allowing)

    assert redactor("verify", "out").code == 5
    ended = redactor("verify", "out", "--policy", allowing)
    assert ended.code == 0
    assert "Nothing can be read in 4 pictures" in ended.out


def test_what_a_run_allowed_is_no_finding_wherever_the_picture_lies(
    redactor, allowing, photos, monkeypatch
):
    redactor("run", "photos", "--out", "out", "--policy", allowing, "--results", "r.jsonl")
    (photos.parent / "out").rename(photos.parent / "moved")

    for place in ("moved", "./moved/", str(photos.parent / "moved")):
        assert redactor("verify", place, "--results", "r.jsonl").code == 0


def test_what_a_run_allowed_is_a_finding_in_another_picture(redactor, allowing, photos, a_picture):
    redactor("run", "photos", "--out", "out", "--policy", allowing, "--results", "r.jsonl")
    # The same code at the same place, but not the picture that the run has looked at.
    (photos.parent / "out" / "both.png").write_bytes(a_picture(OURS, LINK[::-1], margin=90))

    ended = redactor("verify", "out", "--results", "r.jsonl")

    assert ended.code == 5


def test_what_a_report_only_run_left_is_known_from_its_results(redactor, photos):
    (photos.parent / "p.yaml").write_text("version: 1\ndefault: {action: flag, flag: info}\n")
    redactor("run", "photos", "--out", "out", "--policy", "p.yaml", "--results", "r.jsonl")

    assert redactor("verify", "out", "--results", "r.jsonl").code == 0
    assert redactor("verify", "out").code == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "r.jsonl: cannot be read"),
        ("no json\n", "r.jsonl:1: not a row of results"),
        ('{"schema_version": 99}\n', "schema_version 99"),
    ],
    ids=["absent", "other", "newer"],
)
def test_results_that_cannot_be_read_are_wrong_usage(text, said, redactor, photos):
    if text is not None:
        (photos.parent / "r.jsonl").write_text(text)

    ended = redactor("verify", "photos", "--results", "r.jsonl")

    assert ended.code == 2
    assert said in ended.err


@pytest.mark.parametrize("command", ["scan", "verify"])
def test_without_a_source_the_usage_is_told(command, redactor):
    ended = redactor(command)

    assert ended.code == 2
    assert "no SOURCE" in ended.err


def test_an_audit_reads_what_a_blur_of_known_kind_hides(redactor, tmp_path, a_picture, fill):
    sharp = Image.open(io.BytesIO(a_picture(LINK, scale=8, margin=8, noise=0)))
    file = io.BytesIO()
    sharp.filter(ImageFilter.GaussianBlur(5.5)).save(file, "PNG")
    fill(tmp_path, {"soft.png": file.getvalue()})

    seen = redactor("scan", tmp_path, "--content", "full", "--results", tmp_path / "r.jsonl")
    audited = redactor("verify", tmp_path / "soft.png")

    assert "secret" not in seen.out
    assert audited.code == 5
    assert "1 code can be read" in audited.out
