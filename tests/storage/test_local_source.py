"""Which files are taken, what they are called, and what happens to those that cannot be read."""

import builtins
import errno
import inspect
import io
import os
import sys
from pathlib import Path

import pytest

from redactor.errors import AccessRefused, AlreadyExists, LimitExceeded, NotFound, StorageError
from redactor.storage.places import names_one, open_source

A_LOT = 1_000_000


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Give a folder with pictures and other things; it is the current one."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "photos/b.jpg",
        "photos/a.PNG",
        "photos/deep/er/c.webp",
        "photos/deep/d.jpeg",
        "photos/notes.txt",
        "photos/.hidden.jpg",
        "photos/.git/e.jpg",
        "photos/out/f.jpg",
        "other/b.jpg",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path


def names(*specs, **options):
    return [item.name for item in open_source(list(specs), **options).items()]


def relatives(*specs, **options):
    return [item.relative for item in open_source(list(specs), **options).items()]


@pytest.mark.usefixtures("tree")
def test_a_folder_gives_its_pictures_sorted():
    assert names("photos") == [
        "photos/a.PNG",
        "photos/b.jpg",
        "photos/deep/d.jpeg",
        "photos/deep/er/c.webp",
        "photos/out/f.jpg",
    ]
    assert relatives("photos/")[:3] == ["a.PNG", "b.jpg", "deep/d.jpeg"]


@pytest.mark.parametrize(
    ("head", "is_taken"),
    [
        (b"\xff\xd8\xff\xe0", True),
        (b"\x89PNG\r\n\x1a\n", True),
        (b"GIF89a", True),
        (b"BM" + bytes(40), True),
        (b"BMW, Audi, Fiat", False),
        (b"%PDF-1.7", False),
        (b"hello", False),
        (b"", False),
    ],
)
def test_an_upload_named_by_a_hash_is_taken_if_it_begins_like_a_picture(tree, head, is_taken):
    for name in ("9f86d081884c7d65", "upload.dat"):
        (tree / "photos" / name).write_bytes(head)

    found = {"photos/9f86d081884c7d65", "photos/upload.dat"} & set(names("photos"))

    assert bool(found) is is_taken
    assert len(found) in (0, 2)


def test_the_current_folder_is_not_spelled_out(monkeypatch, tree):
    monkeypatch.chdir(tree / "photos/deep")

    assert names(".") == ["d.jpeg", "er/c.webp"]
    assert names("../deep") == ["../deep/d.jpeg", "../deep/er/c.webp"]
    assert relatives("../deep") == ["d.jpeg", "er/c.webp"]


@pytest.mark.usefixtures("tree")
def test_a_named_file_is_taken_whatever_its_name():
    assert relatives("photos/notes.txt") == ["notes.txt"]
    assert relatives("photos/.hidden.jpg") == [".hidden.jpg"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("photos/*.jpg", ["b.jpg"]),
        ("photos/?.*", ["a.PNG", "b.jpg"]),
        ("photos/*", ["a.PNG", "b.jpg"]),
        ("photos/**/*.jp*g", ["b.jpg", "deep/d.jpeg", "out/f.jpg"]),
        ("photos/[b-d]*/*", ["deep/d.jpeg"]),
        ("*/b.jpg", ["other/b.jpg", "photos/b.jpg"]),
    ],
)
@pytest.mark.usefixtures("tree")
def test_a_pattern_gives_what_matches(pattern, found):
    assert relatives(pattern) == found


def test_a_file_named_like_a_pattern_is_that_file(tree):
    (tree / "a[1].jpg").write_bytes(b"x")

    assert names("a[1].jpg") == ["a[1].jpg"]


@pytest.mark.usefixtures("tree")
def test_several_inputs_lie_below_the_folder_they_share():
    assert relatives("photos/b.jpg", "other/b.jpg") == ["photos/b.jpg", "other/b.jpg"]
    assert relatives("photos/b.jpg", "photos/a.PNG") == ["b.jpg", "a.PNG"]
    assert relatives("photos/deep", "other") == [
        "photos/deep/d.jpeg",
        "photos/deep/er/c.webp",
        "other/b.jpg",
    ]


@pytest.mark.usefixtures("tree")
def test_what_is_named_twice_is_taken_once():
    assert names("photos/b.jpg", "./photos/b.jpg", "photos/*.jpg") == ["photos/b.jpg"]


@pytest.mark.usefixtures("tree")
def test_the_output_is_not_an_input():
    assert "photos/out/f.jpg" not in names("photos", exclude=["photos/out/"])
    assert "photos/out/f.jpg" not in names("photos/**/*.jpg", exclude=["./photos/out"])


def test_the_output_is_not_an_input_by_whatever_way_it_is_reached(tree):
    (tree / "results").symlink_to("photos/out")
    (tree / "photos/link").symlink_to("deep")
    (tree / "uploads").symlink_to("photos")

    assert "photos/out/f.jpg" not in names("photos", exclude=["results"])
    assert "uploads/out/f.jpg" not in names("uploads", exclude=["photos/out"])
    assert not [name for name in names("photos", exclude=["photos/deep"]) if "d.jpeg" in name]
    assert len(names("uploads", exclude=["photos"])) == 5


@pytest.mark.usefixtures("tree")
def test_an_output_around_the_input_leaves_out_nothing():
    assert len(names("photos", exclude=["photos"])) == 5
    assert len(names("photos", exclude=["."])) == 5


def test_a_list_names_files_without_patterns(tree):
    (tree / "list").write_bytes(b"photos/b.jpg\r\n\nother/*.jpg\n")

    items = list(open_source([], files_from="list").items())

    assert [item.name for item in items] == ["photos/b.jpg", "other/*.jpg"]
    with pytest.raises(NotFound):
        items[1].read(max_bytes=A_LOT)


@pytest.mark.usefixtures("tree")
def test_a_list_may_be_separated_by_nul():
    listed = io.BytesIO(b"photos/b.jpg\0photos/a.PNG\0")

    assert len(list(open_source([], files_from="-", stdin=listed).items())) == 2


def test_a_list_goes_with_patterns(tree):
    (tree / "list").write_bytes(b"other/b.jpg\n")

    assert names("photos/*.jpg", files_from="list") == ["photos/b.jpg", "other/b.jpg"]


@pytest.mark.usefixtures("tree")
def test_a_missing_list_is_an_error():
    with pytest.raises(NotFound, match="nowhere: no such file"):
        open_source([], files_from="nowhere")


@pytest.mark.usefixtures("tree")
def test_one_picture_is_told_from_many():
    assert names_one("photos/b.jpg")
    assert names_one(["-"])
    assert names_one("oss://bucket/key")
    assert not names_one("photos")
    assert not names_one("photos/*.jpg")
    assert not names_one("oss://bucket/prefix/")
    assert not names_one(["photos/b.jpg", "photos/a.PNG"])


def test_links_in_a_circle_end(tree):
    (tree / "photos/deep/again").symlink_to(tree / "photos")

    assert len(names("photos")) == 5
    assert len(names("photos/**/*.jpg")) == 2


def test_a_deep_tree_is_no_problem(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("d/" * 200).mkdir(parents=True)
    Path("d/" * 200 + "x.jpg").touch()
    limit = sys.getrecursionlimit()

    sys.setrecursionlimit(len(inspect.stack()) + 100)
    try:
        found = names("d")
    finally:
        sys.setrecursionlimit(limit)

    assert [name.count("/") for name in found] == [200]


def test_bytes_come_back(tree):
    (item,) = open_source(str(tree / "photos/b.jpg")).items()

    assert item.read(max_bytes=A_LOT).data == b"photos/b.jpg"
    assert item.ask_image_codes is None


def test_a_file_beyond_the_limit_is_refused(tree):
    (item,) = open_source("photos/b.jpg").items()

    assert item.read(max_bytes=12).data
    with pytest.raises(LimitExceeded, match=r"photos/b\.jpg: 12 bytes, more than the limit of 11"):
        item.read(max_bytes=11)


def test_a_file_without_end_is_refused():
    (item,) = open_source("/dev/zero").items()

    with pytest.raises(LimitExceeded):
        item.read(max_bytes=1000)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("none.jpg", "none.jpg: no such file or folder"),
        ("none/*.jpg", "no such file"),
        ("photos/*.bmp", r"photos/\*.bmp: no picture matches"),
        ("photos/a\0b.jpg", "no file has such a name"),
        ("x" * 5000, "file name too long|no such file"),
    ],
)
@pytest.mark.usefixtures("tree")
def test_what_is_not_there_fails_on_its_own(spec, message):
    broken, good = open_source([spec, "photos/b.jpg"]).items()

    with pytest.raises(StorageError, match=message):
        broken.read(max_bytes=A_LOT)
    assert good.read(max_bytes=A_LOT).data


@pytest.mark.usefixtures("tree")
def test_a_link_to_nothing_fails_on_its_own(tree):
    (tree / "photos/0.jpg").symlink_to("nowhere")

    broken, *good = open_source("photos").items()

    with pytest.raises(NotFound):
        broken.read(max_bytes=A_LOT)
    assert len(good) == 5


@pytest.mark.usefixtures("tree")
def test_a_folder_that_may_not_be_listed_fails_on_its_own(monkeypatch):
    scandir = os.scandir

    def guarded(path):
        if path == "photos/deep":
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(path)

    # A real folder without permissions would do, were it not that root may list any.
    monkeypatch.setattr(os, "scandir", guarded)
    items = {item.name: item for item in open_source("photos").items()}

    assert list(items) == ["photos/a.PNG", "photos/b.jpg", "photos/deep", "photos/out/f.jpg"]
    with pytest.raises(AccessRefused, match="photos/deep: permission denied"):
        items["photos/deep"].read(max_bytes=A_LOT)


@pytest.mark.usefixtures("tree")
def test_an_upload_that_nobody_may_read_is_named_whatever_its_name(tree, monkeypatch):
    (tree / "photos/0a1b2c").write_bytes(b"who knows")
    real_open = builtins.open

    def guarded(path, *args, **options):
        if str(path).endswith("0a1b2c"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real_open(path, *args, **options)

    # A file without permissions would do, were it not that root may read any.
    monkeypatch.setattr(builtins, "open", guarded)

    assert names("photos")[0] == "photos/0a1b2c"


def test_standard_input_is_one_picture():
    (item,) = open_source("-", stdin=io.BytesIO(b"bytes")).items()

    assert (item.name, item.relative) == ("-", "stdin")
    assert item.read(max_bytes=5).data == b"bytes"
    assert item.read(max_bytes=5).data == b"bytes"


def test_standard_input_has_a_limit():
    (item,) = open_source("-", stdin=io.BytesIO(bytes(11))).items()

    with pytest.raises(LimitExceeded, match="standard input"):
        item.read(max_bytes=10)


def test_the_rest_of_standard_input_is_not_taken_for_the_whole():
    (item,) = open_source("-", stdin=io.BytesIO(bytes(15))).items()

    for _ in range(2):
        with pytest.raises(LimitExceeded):
            item.read(max_bytes=10)


@pytest.mark.usefixtures("tree")
def test_pipes_and_devices_in_a_folder_are_not_taken(tree):
    os.mkfifo(tree / "photos/pipe.jpg")
    (tree / "photos/link.jpg").symlink_to("pipe.jpg")
    (tree / "photos/zero.jpg").symlink_to("/dev/zero")

    assert len(names("photos")) == 5


def test_two_pictures_for_one_place_are_named(tmp_path):
    (tmp_path / "stdin").write_bytes(b"x")

    _, second = open_source(["-", str(tmp_path / "stdin")], stdin=io.BytesIO(b"y")).items()

    with pytest.raises(AlreadyExists, match="would be written where - is"):
        second.read(max_bytes=A_LOT)
