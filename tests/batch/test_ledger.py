"""A run that goes on where the last one ended: what is done stays done, and nothing else."""

import json
import os
import sqlite3
import stat
import time
from contextlib import nullcontext

import pytest

from redactor import Policy
from redactor.batch import Batch, Capacity, Ledger, entry_of, threads
from redactor.errors import BackendMissing, RunFolderError
from redactor.pipeline import Redactor
from redactor.storage.local import LocalItem, LocalSource
from redactor.storage.local_sink import FolderSink

LINK = "https://example.org/secret?token=4711"
PLACES = '{"out": "out"}'


@pytest.fixture
def photos(tmp_path, a_picture, monkeypatch):
    """A folder with a code, a picture without one, and no picture."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "code.png").write_bytes(a_picture(LINK))
    (folder / "plain.png").write_bytes(a_picture())
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def a_redactor(policy="default: {action: fill}", **options):
    return Redactor(Policy.parse(f"version: 1\nname: p\n{policy}\n"), **options)


def go(redactor, *, folder="run", out="out", **options):
    """Run over the photos; gives by name whether the earlier run was believed, and the rows."""
    with Ledger(folder, redactor, PLACES) as ledger:
        options = {"sink": FolderSink(out), "wrote": ledger.wrote, **options}
        batch = Batch(redactor, **options)
        entries = threads.run(
            batch,
            LocalSource(["photos"]),
            lambda outcome: entry_of(outcome, redactor.policy),
            capacity=Capacity(1),
            recall=ledger,
        )
        recalled = {}
        for entry in entries:
            if not entry.is_recalled:
                ledger.record(entry)
            recalled[os.path.basename(entry.row["name"])] = entry.is_recalled  # noqa: PTH119
        rows = {os.path.basename(row["name"]): row for row in ledger.rows()}  # noqa: PTH119
    return recalled, rows


ALL = {"broken.png": True, "code.png": True, "plain.png": True}
NONE = dict.fromkeys(ALL, False)


def test_what_is_done_is_not_done_again(photos):
    first, _ = go(a_redactor())
    again, rows = go(a_redactor())

    assert (first, again) == (NONE, ALL)
    assert [row["verdict"] for row in rows.values()] == ["quarantined", "redacted", "clean"]
    assert rows["code.png"]["codes"][0]["content"] == LINK


def test_the_folder_is_for_its_owner_alone(photos, tmp_path):
    go(a_redactor())

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "run").iterdir()}
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}, modes


def test_a_changed_picture_is_done_again_and_a_touched_one_only_read(photos, a_picture):
    go(a_redactor())
    (photos / "plain.png").write_bytes(a_picture("now with a code"))
    os.utime(photos / "code.png", (1, 1))

    recalled, rows = go(a_redactor(), overwrite=True)

    assert recalled == ALL | {"plain.png": False}
    assert rows["plain.png"]["verdict"] == "redacted"


def test_an_output_that_is_gone_is_written_again(photos, tmp_path):
    go(a_redactor())
    (tmp_path / "out/code.png").unlink()

    recalled, _ = go(a_redactor())

    assert recalled == ALL | {"code.png": False}
    assert (tmp_path / "out/code.png").exists()


def test_what_was_written_but_not_recorded_counts_as_done(photos, tmp_path):
    go(a_redactor())

    recalled, rows = go(a_redactor(), folder="another")

    assert recalled == NONE
    assert rows["code.png"]["error"] is None
    assert rows["code.png"]["written"] == "out/code.png"


def test_an_output_that_was_edited_is_no_longer_believed(photos, tmp_path):
    go(a_redactor())
    output = tmp_path / "out/code.png"
    size = output.stat().st_size
    output.write_bytes((photos / "code.png").read_bytes()[:size].ljust(size, b"\0"))

    recalled, rows = go(a_redactor())

    assert recalled == ALL | {"code.png": False}
    assert "exists" in rows["code.png"]["error"]


def test_an_output_that_was_only_touched_is_still_there(photos, tmp_path):
    go(a_redactor())
    os.utime(tmp_path / "out/code.png", (1, 1))

    recalled, _ = go(a_redactor())

    assert recalled == ALL


def test_a_picture_that_changes_while_it_is_looked_up_is_done_the_next_time(photos, a_picture):
    go(a_redactor())
    picture = LocalItem("photos/plain.png", "plain.png")
    state, blob = picture.state, picture.read(max_bytes=10**6)
    (photos / "plain.png").write_bytes(a_picture("now with a code"))
    with Ledger("run", a_redactor(), PLACES) as ledger:
        assert ledger.same(picture, blob, 2, state)

    recalled, rows = go(a_redactor(), overwrite=True)

    assert recalled == ALL | {"plain.png": False}
    assert rows["plain.png"]["verdict"] == "redacted"


def one_outcome(redactor):
    """Look at one picture of `photos` and write nothing."""
    source = LocalSource(["photos/code.png"])
    (outcome,) = threads.run(
        Batch(redactor, dry_run=True), source, lambda outcome: outcome, capacity=Capacity(1)
    )
    return outcome


def test_what_is_finished_is_on_the_disk_a_second_later_though_nothing_follows(photos):
    redactor = a_redactor()
    outcome = one_outcome(redactor)
    with Ledger("run", redactor, PLACES) as ledger:
        ledger.record(entry_of(outcome, redactor.policy))
        end = time.monotonic() + 5
        while not (there := rows_on_disk("run")) and time.monotonic() < end:
            time.sleep(0.05)

    assert there == 1


def rows_on_disk(folder):
    with Ledger(folder) as ledger:
        return len(list(ledger.rows()))


# In place.


def in_place(redactor):
    return go(redactor, sink=None, originals=FolderSink("originals"))


def test_a_picture_that_was_replaced_is_known_without_being_read(photos):
    in_place(a_redactor())
    code = LocalItem("photos/code.png", "code.png")

    with Ledger("run", a_redactor(), PLACES) as ledger:
        assert ledger.done(code, 1)


@pytest.mark.parametrize("has_happened", [True, False])
def test_a_picture_that_was_replaced_when_the_run_was_killed_keeps_its_record(
    has_happened, photos, read_codes
):
    redactor, before = a_redactor(), (photos / "code.png").read_bytes()
    with Ledger("run", redactor, PLACES) as ledger:

        def ahead(outcome):
            ledger.record_ahead(entry_of(outcome, redactor.policy))
            if not has_happened:
                raise BackendMissing("killed before it is replaced")

        batch = Batch(redactor, originals=FolderSink("originals"), ahead=ahead)
        with nullcontext() if has_happened else pytest.raises(BackendMissing):
            list(threads.run(batch, LocalSource(["photos"]), str, capacity=Capacity(1)))
    assert ((photos / "code.png").read_bytes() != before) == has_happened

    recalled, rows = in_place(redactor)

    assert recalled["code.png"] is has_happened
    assert rows["code.png"]["verdict"] == "redacted"
    assert [code["content"] for code in rows["code.png"]["codes"]] == [LINK]
    assert read_codes((photos / "code.png").read_bytes()) == []
    assert in_place(redactor)[0] == ALL


def test_what_was_hidden_in_place_is_not_forgotten_for_another_policy(photos):
    first, second = a_redactor(), a_redactor("default: {action: blur}")
    with Ledger("run", first, PLACES, in_place=True):
        pass

    for other, what in [(second, "policy"), (a_redactor(thorough=True), "detector or version")]:
        with pytest.raises(RunFolderError, match=f"in place with another {what}.*--no-resume"):
            Ledger("run", other, PLACES, in_place=True)
    with Ledger("run", second, PLACES, in_place=True, anew=True):
        pass
    in_place(second)
    with sqlite3.connect("run/ledger.sqlite") as base:  # of an earlier version
        base.execute("DELETE FROM run WHERE key = 'way'")
    with pytest.raises(RunFolderError, match="another policy"):
        Ledger("run", first, PLACES, in_place=True)
    with Ledger("run", second, PLACES, in_place=True):
        pass


def test_an_original_that_was_put_back_is_replaced_again(photos, tmp_path, read_codes):
    in_place(a_redactor())
    (photos / "code.png").write_bytes((tmp_path / "originals/code.png").read_bytes())

    recalled, _ = in_place(a_redactor())

    assert recalled == ALL | {"code.png": False}
    assert read_codes((photos / "code.png").read_bytes()) == []


# Another policy.


@pytest.mark.parametrize(
    ("policy", "again"),
    [
        ("default: {action: fill}", set()),
        ("rules: [{id: all, when: {read: true}, action: fill}]\ndefault: {action: fill}", set()),
        ("default: {action: blur}", {"code.png"}),
        ('default: {action: fill, color: "#ffffff"}', {"code.png"}),
        ("default: {action: fill, flag: high}", {"code.png"}),
        ("default: {action: fill}\nmetadata: strip", {"code.png", "plain.png"}),
        ("default: {action: fill}\nhold: true", {"code.png", "plain.png"}),
    ],
)
def test_another_policy_does_again_what_it_decides_otherwise(policy, again, photos):
    go(a_redactor())

    recalled, rows = go(a_redactor(policy), overwrite=True)

    # Whether what is no picture could be opened may hang on the policy.
    done_again = {name for name, was in recalled.items() if not was} - {"broken.png"}
    assert done_again == again
    hash_now = Policy.parse(f"version: 1\nname: p\n{policy}\n").hash
    assert {row["policy"] for row in rows.values()} == {f"p@{hash_now}"}


def test_a_code_that_was_allowed_and_no_longer_is_goes(photos, tmp_path, read_codes):
    allows = "rules: [{id: ours, when: {domain: example.org}, action: allow}]"
    go(a_redactor(f"{allows}\ndefault: {{action: fill}}"))
    assert read_codes((tmp_path / "out/code.png").read_bytes()) == [LINK]

    go(a_redactor())  # what the run has written itself, it replaces

    assert read_codes((tmp_path / "out/code.png").read_bytes()) == []


def test_what_others_wrote_is_not_replaced(photos, tmp_path):
    go(a_redactor())
    (tmp_path / "out/code.png").write_bytes(b"mine")

    _, rows = go(a_redactor("default: {action: blur}"))

    assert "exists" in rows["code.png"]["error"]
    assert (tmp_path / "out/code.png").read_bytes() == b"mine"


def test_rules_that_expire_are_asked_again_on_another_day(photos, monkeypatch):
    policy = (
        "rules: [{id: ours, when: {domain: example.org}, action: allow, expires: 2999-01-01}]\n"
        "default: {action: fill}"
    )
    go(a_redactor(policy))
    with sqlite3.connect("run/ledger.sqlite") as base:
        base.execute("UPDATE pictures SET day = '1999-01-01', decided = 'what it was then'")
    base.close()

    recalled, _ = go(a_redactor(policy))

    assert recalled == NONE


@pytest.mark.parametrize("options", [{"thorough": True}, {"detector": "hybrid"}])
def test_another_way_of_looking_looks_at_all_again(options, photos):
    go(a_redactor())

    recalled, _ = go(a_redactor(**options))

    assert recalled == NONE


def test_what_could_not_be_stored_is_tried_again(photos, tmp_path):
    (tmp_path / "out").write_bytes(b"a file where a folder should be")
    _, rows = go(a_redactor())
    assert rows["code.png"]["error"] is not None
    (tmp_path / "out").unlink()

    recalled, rows = go(a_redactor())

    assert recalled == ALL | {"code.png": False, "plain.png": False}
    assert rows["code.png"]["error"] is None


# Folders that will not do.


@pytest.mark.parametrize("damage", ["row = '{}'", "row = substr(row, 1, 99)", "row = x'00ff'"])
def test_a_damaged_ledger_ends_the_run_in_words(damage, photos):
    go(a_redactor())
    with sqlite3.connect("run/ledger.sqlite") as base:
        base.execute(f"UPDATE pictures SET {damage}")
    base.close()

    with pytest.raises(RunFolderError, match=r"ledger\.sqlite: damaged: .* remove it"):
        go(a_redactor())


def test_a_ledger_without_its_columns_ends_the_run_in_words(photos):
    go(a_redactor())
    with sqlite3.connect("run/ledger.sqlite") as base:
        base.execute("ALTER TABLE pictures DROP COLUMN day")
    base.close()

    with pytest.raises(RunFolderError, match=r"ledger\.sqlite: damaged: no such column"):
        go(a_redactor())


def test_two_runs_do_not_use_one_folder(photos):
    with (
        Ledger("run", a_redactor(), PLACES),
        pytest.raises(RunFolderError, match=f"another run is using it \\(process {os.getpid()}\\)"),
    ):
        Ledger("run", a_redactor(), PLACES)


def test_a_folder_of_a_run_to_another_place_is_refused(photos):
    go(a_redactor())

    with pytest.raises(RunFolderError, match="--out out, and this is one with --out elsewhere"):
        Ledger("run", a_redactor(), json.dumps({"out": "elsewhere"}))


def test_a_ledger_of_another_version_is_left_as_it_is(photos, tmp_path):
    go(a_redactor())
    with sqlite3.connect("run/ledger.sqlite") as base:
        base.execute("PRAGMA user_version = 7")
    base.close()
    before = (tmp_path / "run/ledger.sqlite").read_bytes()

    with pytest.raises(RunFolderError, match="version 7 of the ledger"):
        go(a_redactor())

    assert (tmp_path / "run/ledger.sqlite").read_bytes() == before


@pytest.mark.parametrize("data", [b"not a database at all, but long enough" * 50, b"{}"])
def test_a_file_that_is_no_ledger_is_left_as_it_is(data, photos, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/ledger.sqlite").write_bytes(data)

    with pytest.raises(RunFolderError, match="not a database"):
        go(a_redactor())

    assert (tmp_path / "run/ledger.sqlite").read_bytes() == data


def test_a_database_of_others_is_left_as_it_is(photos, tmp_path):
    (tmp_path / "run").mkdir()
    with sqlite3.connect("run/ledger.sqlite") as base:
        base.execute("CREATE TABLE theirs (x)")
    base.close()

    with pytest.raises(RunFolderError, match="not a ledger of redactor"):
        go(a_redactor())


def test_a_link_is_not_followed(photos, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "elsewhere").touch()
    (tmp_path / "run/ledger.sqlite").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(RunFolderError):
        go(a_redactor())

    assert (tmp_path / "elsewhere").read_bytes() == b""


def test_a_folder_that_vanishes_ends_the_run_in_words(photos, tmp_path):
    redactor = a_redactor()
    outcome = one_outcome(redactor)
    ledger = Ledger("run", redactor, PLACES)
    ledger.record(entry_of(outcome, redactor.policy))
    for path in (tmp_path / "run").iterdir():
        path.unlink()

    with pytest.raises(RunFolderError, match="run: the run cannot be recorded: it is gone"):
        ledger.flush()


def test_a_ledger_can_be_read_without_running(photos):
    go(a_redactor())

    with Ledger("run") as ledger:
        assert len(list(ledger.rows())) == 3
    with pytest.raises(RunFolderError, match="no run folder"):
        Ledger("photos")
