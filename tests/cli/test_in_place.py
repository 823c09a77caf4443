"""`redactor run --in-place` on oss://, and `redactor restore`, as a moderator types them."""

import json

import pytest

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

LINK = "https://example.org/secret?token=4711"
IN_PLACE = (
    "run", "oss://shop/in/", "--in-place", "--originals", "oss://kept/originals/",
    "--detector", "local",
)  # fmt: skip
QUARANTINE = ("--quarantine", "oss://kept/quarantine/")


@pytest.fixture
def shop(oss, a_picture, monkeypatch, tmp_path):
    """A bucket with a code, a clean picture and no picture, and one for originals."""
    monkeypatch.chdir(tmp_path)
    oss.create_bucket("kept")
    oss.put("shop", "in/code.png", a_picture(LINK), headers={"x-oss-meta-owner": "ann"})
    oss.put("shop", "in/clean.png", a_picture())
    return oss


def test_pictures_are_replaced_and_their_addresses_named(redactor, shop, read_codes):
    before = shop.get("shop", "in/code.png")
    clean = shop.stored("shop", "in/clean.png")

    ended = redactor(*IN_PLACE)

    assert ended.code == 0, ended.err
    stored = shop.stored("shop", "in/code.png")
    assert read_codes(stored.data) == []
    assert stored.headers["x-oss-meta-owner"] == "ann"
    assert [shop.get("kept", key) for key in shop.keys("kept")] == [before]
    assert shop.stored("shop", "in/clean.png") == clean
    assert "1 picture replaced; refresh in any cache" in ended.err
    assert f"{shop.endpoint}/shop/in/code.png" in ended.err


def test_a_second_run_writes_nothing(redactor, shop):
    redactor(*IN_PLACE)
    done = len(shop.requests)

    ended = redactor(*IN_PLACE)

    writes = [
        request.key
        for request in shop.requests[done:]
        if request.method == "PUT" and "probe" not in request.key
    ]
    assert (ended.code, writes) == (0, [])
    assert len(shop.keys("kept")) == 1


def test_an_upload_of_the_original_again_is_replaced_again(redactor, shop, read_codes):
    original = shop.get("shop", "in/code.png")
    redactor(*IN_PLACE, "--run-folder", "run")
    shop.put("shop", "in/code.png", original)

    ended = redactor(*IN_PLACE, "--run-folder", "run")

    assert ended.code == 0, ended.err
    assert read_codes(shop.get("shop", "in/code.png")) == []


def test_many_addresses_go_to_a_file(redactor, shop, a_picture, tmp_path):
    for number in range(21):
        shop.put("shop", f"in/{number:02}.png", a_picture(LINK, scale=2, margin=20))

    ended = redactor(*IN_PLACE, "--results", "r.jsonl")

    lines = (tmp_path / "r.jsonl.refresh.txt").read_text().splitlines()
    assert len(lines) == 22
    assert "r.jsonl.refresh.txt" in ended.err


def test_flagged_pictures_get_a_tag(redactor, shop, tmp_path):
    (tmp_path / "flag.yaml").write_text("version: 1\nname: f\ndefault: {action: flag}\n")
    before = shop.stored("shop", "in/code.png")

    ended = redactor(*IN_PLACE, "--policy", "flag.yaml")

    assert ended.code == 0, ended.err
    assert shop.stored("shop", "in/code.png").tags == {"redactor-flag": "review"}
    assert shop.stored("shop", "in/code.png").modified == before.modified
    assert shop.stored("shop", "in/clean.png").tags == {}


def test_flagged_pictures_carry_the_tag_to_another_prefix_too(redactor, shop, tmp_path):
    (tmp_path / "flag.yaml").write_text(
        "version: 1\nname: f\ndefault: {action: fill, flag: high}\n"
    )

    redactor("run", "oss://shop/in/", "--out", "oss://shop/out/", "--policy", "flag.yaml")

    stored = shop.stored("shop", "out/code.png")
    assert stored.tags == {"redactor-flag": "high"}
    etag = shop.stored("shop", "in/code.png").etag
    assert stored.headers["x-oss-meta-redactor-source-etag"] == etag
    assert stored.headers["x-oss-meta-redactor-verdict"] == "flagged"
    assert shop.stored("shop", "in/code.png").tags == {}


def test_what_cannot_be_handled_is_moved(redactor, shop, tmp_path):
    shop.put("shop", "in/broken.png", b"no picture")

    ended = redactor(*IN_PLACE, *QUARANTINE, "--results", "r.jsonl")

    assert ended.code == 4
    assert shop.keys("shop") == ["in/clean.png", "in/code.png"]
    (moved,) = shop.keys("kept", "quarantine/")
    assert moved.startswith("quarantine/in/broken.png/")
    told = (tmp_path / "r.jsonl").read_text()
    assert f"moved to oss://kept/{moved}" in told


@pytest.mark.parametrize(("limit", "moved"), [("3", 3), ("10%", 20)])
def test_a_run_stops_before_it_moves_a_bucket(redactor, shop, limit, moved):
    for number in range(40):
        shop.put("shop", f"in/{number:02}.png", b"no picture")

    ended = redactor(*IN_PLACE, *QUARANTINE, "--max-quarantine", limit, "--jobs", "2")

    assert ended.code == 6
    assert "stopped: more pictures than --max-quarantine" in ended.err
    assert len(shop.keys("kept", "quarantine/")) == moved
    assert len(shop.keys("shop", "in/")) == 42 - moved


def test_moving_has_a_limit_by_default(redactor, shop):
    for number in range(30):
        shop.put("shop", f"in/{number:02}.png", b"no picture")

    assert redactor(*IN_PLACE, *QUARANTINE).code == 6
    assert len(shop.keys("kept", "quarantine/")) == 20


@pytest.mark.parametrize(
    ("bucket", "public", "named"),
    [
        ("shop", "in/", "oss://shop/in/"),
        ("kept", "originals/", "oss://kept/originals/"),
        ("kept", "quarantine/", "oss://kept/quarantine/"),
    ],
)
def test_it_does_not_start_where_strangers_can_read(redactor, shop, bucket, public, named):
    shop.configure(bucket, public_prefixes=[public])
    before = shop.get("shop", "in/code.png")

    ended = redactor(*IN_PLACE, *QUARANTINE)

    assert ended.code == 6
    assert f"--in-place does not start: {named}: strangers can read there" in ended.err
    assert shop.get("shop", "in/code.png") == before
    assert shop.keys("kept") == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--originals", "originals/"), "give oss://bucket/prefix/"),
        (("--originals", "oss://kept/one"), "end it with /"),
        (("--originals", "oss://shop/"), "holds the source"),
        (("--originals", "oss://shop/in/"), "holds the source"),
        (("--originals", "oss://kept/o/", "--quarantine", "oss://shop/"), "holds the source"),
        (("--originals", "oss://kept/o/", "--max-quarantine", "many"), "expected a number"),
        (("--originals", "oss://kept/o/", "."), "run them separately"),
    ],
)
def test_places_that_will_not_do_are_refused(redactor, shop, options, said):
    ended = redactor("run", "oss://shop/in/", "--in-place", *options)

    assert ended.code == 2
    assert said in ended.err
    assert shop.keys("kept") == []


def test_the_command_for_failures_keeps_the_places_as_they_are(redactor, shop, a_picture):
    shop.put("shop", "in/deep/x.png", a_picture(LINK))
    shop.deny("oss:PutObject", "shop", "in/deep/x")

    ended = redactor(*IN_PLACE)

    assert ended.code == 4
    assert "--originals oss://kept/originals/ " in ended.lines[-2] + ended.err
    assert "originals/deep" not in ended.err


# Restore.


def test_an_original_is_put_back_and_recorded(redactor, shop, tmp_path):
    before = shop.stored("shop", "in/code.png")
    shop.put("shop", "in/code.png", before.data, headers=dict(before.headers), acl="private")
    redactor(*IN_PLACE)

    ended = redactor(
        "restore", "oss://shop/in/code.png", "--originals", "oss://kept/originals/",
        "--reason", "appeal 12", "--log", "log.jsonl",
    )  # fmt: skip

    stored = shop.stored("shop", "in/code.png")
    assert ended.code == 0, ended.err
    assert (stored.data, stored.acl) == (before.data, "private")
    assert stored.headers == {**before.headers, "x-oss-storage-class": "Standard"}
    (entry,) = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
    assert entry["name"] == "oss://shop/in/code.png"
    assert (entry["etag"], entry["reason"]) == (before.etag, "appeal 12")
    assert len(shop.keys("kept")) == 1


def test_a_picture_is_put_back_from_quarantine(redactor, shop):
    shop.put("shop", "in/broken.png", b"no picture")
    redactor(*IN_PLACE, *QUARANTINE)

    ended = redactor("restore", "oss://shop/in/broken.png", "--originals", QUARANTINE[1])

    assert ended.code == 0, ended.err
    assert shop.get("shop", "in/broken.png") == b"no picture"
    assert shop.stored("shop", "in/broken.png").acl == "private"


def test_a_later_upload_is_not_replaced_unasked(redactor, shop):
    redactor(*IN_PLACE)
    shop.put("shop", "in/code.png", b"later")
    command = ("restore", "oss://shop/in/code.png", "--originals", "oss://kept/originals/")

    ended = redactor(*command)

    assert ended.code == 4
    assert "perhaps a later upload" in ended.err
    assert shop.get("shop", "in/code.png") == b"later"
    assert redactor(*command, "--overwrite").code == 0
    assert shop.get("shop", "in/code.png") != b"later"


def test_which_of_several_originals_is_meant_must_be_clear(redactor, shop):
    shop.put("kept", "originals/in/x.png/AAA", b"1")
    shop.put("kept", "originals/in/x.png/BBB", b"2")
    command = ("restore", "oss://shop/in/x.png", "--originals", "oss://kept/originals/")

    ended = redactor(*command)

    assert ended.code == 4
    assert "choose one with --etag: AAA, BBB" in ended.err
    assert redactor(*command, "--etag", "BBB").code == 0
    assert shop.get("shop", "in/x.png") == b"2"
    assert "no original of it" in redactor(*command[:1], "oss://shop/y", *command[2:]).err
