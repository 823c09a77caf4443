"""Pictures are written whole or not at all, and never outside of the folder."""

import errno
import io
import os
import threading
from pathlib import Path

import pytest

from redactor.errors import AlreadyExists, BackendMissing, StorageError
from redactor.storage.local_sink import FileSink, FolderSink, StreamSink
from redactor.storage.places import open_sink


def write(sink, relative="a/b.jpg", data=b"bytes", *, overwrite=False):
    return sink.write(relative, data, content_type="image/jpeg", overwrite=overwrite)


def found_in(folder):
    return [path.name for path in folder.iterdir()]


def test_the_tree_is_mirrored(tmp_path):
    name = write(FolderSink(str(tmp_path / "out")))

    assert name == str(tmp_path / "out/a/b.jpg")
    assert (tmp_path / "out/a/b.jpg").read_bytes() == b"bytes"


def test_names_are_shown_as_the_folder_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert write(FolderSink("out/")) == "out/a/b.jpg"


@pytest.mark.parametrize("target", ["../elsewhere", "/", "a"])
def test_a_link_that_leads_out_of_the_folder_is_not_followed(target, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/a").symlink_to(target)

    with pytest.raises(StorageError):
        write(FolderSink(str(tmp_path / "out")), "a/b/c.jpg", overwrite=True)

    assert found_in(tmp_path / "elsewhere") == []


def test_a_link_that_stays_below_the_folder_is_followed(tmp_path):
    (tmp_path / "out/b").mkdir(parents=True)
    (tmp_path / "out/a").symlink_to("b")
    (tmp_path / "also").symlink_to("out")

    write(FolderSink(str(tmp_path / "also")), "a/c.jpg")

    assert found_in(tmp_path / "out/b") == ["c.jpg"]


def test_nothing_else_is_left_behind(tmp_path):
    write(FolderSink(str(tmp_path)), "a.jpg")
    write(FolderSink(str(tmp_path)), "a.jpg", overwrite=True)

    assert found_in(tmp_path) == ["a.jpg"]


def test_what_exists_is_kept_unless_told_otherwise(tmp_path):
    sink = FolderSink(str(tmp_path))
    write(sink, "a.jpg", b"first")

    with pytest.raises(AlreadyExists, match=r"a\.jpg: exists"):
        write(sink, "a.jpg", b"second")
    assert (tmp_path / "a.jpg").read_bytes() == b"first"
    assert found_in(tmp_path) == ["a.jpg"]
    write(sink, "a.jpg", b"third", overwrite=True)
    assert (tmp_path / "a.jpg").read_bytes() == b"third"


def test_only_one_of_many_writers_wins(tmp_path):
    sink = FolderSink(str(tmp_path))
    won = []

    def attempt(number):
        try:
            write(sink, "a.jpg", str(number).encode())
        except AlreadyExists:
            return
        won.append(str(number).encode())

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert won == [(tmp_path / "a.jpg").read_bytes()]


def test_file_systems_without_links_keep_what_exists_too(tmp_path, monkeypatch):
    def no_links(self, target):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    sink = FolderSink(str(tmp_path))
    write(sink, "a.jpg", b"first")

    with pytest.raises(AlreadyExists):
        write(sink, "a.jpg", b"second")
    assert (tmp_path / "a.jpg").read_bytes() == b"first"
    assert found_in(tmp_path) == ["a.jpg"]


def test_a_replaced_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"first")
    path.chmod(0o640)

    write(FolderSink(str(tmp_path)), "a.jpg", overwrite=True)

    assert path.stat().st_mode & 0o777 == 0o640


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "other").touch()

    write(FolderSink(str(tmp_path)), "a.jpg")

    assert (tmp_path / "a.jpg").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize(
    "relative", ["../a.jpg", "/etc/a.jpg", "a/../../b.jpg", "a//b.jpg", "", ".", "a/", "a\0.jpg"]
)
def test_hostile_names_are_refused(tmp_path, relative):
    folder = tmp_path / "out"

    with pytest.raises(StorageError, match="not a name"):
        write(FolderSink(str(folder)), relative)
    assert found_in(tmp_path) == []


def test_a_file_in_the_way_of_a_folder_is_an_error(tmp_path):
    (tmp_path / "a").write_bytes(b"x")

    with pytest.raises(StorageError, match=r"b\.jpg"):
        write(FolderSink(str(tmp_path)))
    assert (tmp_path / "a").read_bytes() == b"x"


def test_a_folder_in_the_way_of_a_file_is_an_error(tmp_path):
    (tmp_path / "a.jpg").mkdir()

    with pytest.raises(StorageError, match=r"a\.jpg"):
        write(FolderSink(str(tmp_path)), "a.jpg", overwrite=True)
    assert found_in(tmp_path) == ["a.jpg"]


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_full_disk_ends_the_run_and_leaves_what_was_there(reason, tmp_path, monkeypatch):
    (tmp_path / "a.jpg").write_bytes(b"first")

    def full(descriptor):
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BackendMissing, match=r"a\.jpg: .*; make room, and run again"):
        write(FolderSink(str(tmp_path)), "a.jpg", overwrite=True)

    assert (tmp_path / "a.jpg").read_bytes() == b"first"
    assert found_in(tmp_path) == ["a.jpg"]


def test_one_picture_may_go_to_one_file(tmp_path):
    path = str(tmp_path / "made/out.jpg")

    sink = open_sink(path, single=True)

    assert write(sink, "whatever.jpg") == path
    assert Path(path).read_bytes() == b"bytes"


def test_one_picture_may_go_to_standard_output():
    stream = io.BytesIO()

    assert write(open_sink("-", single=True, stdout=stream)) == "-"
    assert stream.getvalue() == b"bytes"


@pytest.mark.parametrize(
    ("spec", "single", "kind"),
    [
        ("out", False, FolderSink),
        ("out.d/", True, FolderSink),
        ("out", True, FolderSink),
        ("out.png", True, FileSink),
        ("out.png", False, FolderSink),
        ("folder.png", True, FolderSink),
        ("file", True, FileSink),
        ("-", True, StreamSink),
    ],
)
def test_a_file_is_told_from_a_folder(tmp_path, monkeypatch, spec, single, kind):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()

    assert isinstance(open_sink(spec, single=single), kind)


@pytest.mark.parametrize("spec", ["locked", "locked/new/deeper"])
def test_a_folder_that_may_not_be_written_to_is_refused_at_once(tmp_path, monkeypatch, spec):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "locked").mkdir()
    # A real folder without permissions would do, were it not that root may write to any.
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path).name != "locked")

    with pytest.raises(BackendMissing, match="locked may not be written to"):
        open_sink(spec)
    assert open_sink("free").folder == "free"


@pytest.mark.parametrize(("spec", "single"), [("file/deeper", False), ("file/a.png", True)])
def test_a_place_below_a_file_is_refused_at_once(tmp_path, monkeypatch, spec, single):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()

    with pytest.raises(BackendMissing, match="file is no folder; choose another place"):
        open_sink(spec, single=single)


@pytest.mark.parametrize("spec", ["-", "file", "oss://bucket/key"])
def test_several_pictures_need_a_folder(tmp_path, monkeypatch, spec):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()

    with pytest.raises(ValueError, match="several pictures need"):
        open_sink(spec)
