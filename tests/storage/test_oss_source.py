"""Listing what is in OSS, and opening places by what the user typed."""

import subprocess
import sys
import threading

import pytest

from redactor.errors import AccessRefused, BackendMissing, NotFound, StorageError, Unavailable
from redactor.storage.oss import connect
from redactor.storage.oss_place import OssPlace, OssSettings
from redactor.storage.oss_store import OssSource
from redactor.storage.places import open_sink, open_source

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

A_LOT = 1_000_000


def relatives(*specs, **options):
    return [item.relative for item in open_source(list(specs), **options).items()]


def test_a_prefix_gives_what_is_below_it(server):
    for key in ("in/a.jpg", "in/b c+%图.jpg", "in/deep/", "in/deep/d", "other.jpg", "inner.jpg"):
        server.put("uploads", key, key.encode())

    items = list(open_source("oss://uploads/in/").items())

    assert [item.relative for item in items] == ["a.jpg", "b c+%图.jpg", "deep/d"]
    assert items[1].name == "oss://uploads/in/b c+%图.jpg"
    assert items[1].read(max_bytes=A_LOT).data == "in/b c+%图.jpg".encode()


def test_a_probe_that_was_left_is_no_picture_and_no_picture_hides_behind_its_name(server):
    server.put("uploads", "in/.redactor-probe-0123456789abcdef", b"redactor was here")
    server.put("uploads", "in/.redactor-probe-evil.jpg", b"a picture with a code")

    assert relatives("oss://uploads/in/") == [".redactor-probe-evil.jpg"]


def test_an_object_gives_itself_without_a_listing(server):
    server.put("uploads", "in/a.jpg", b"bytes")

    (item,) = open_source("oss://uploads/in/a.jpg").items()

    assert (item.name, item.relative) == ("oss://uploads/in/a.jpg", "a.jpg")
    assert server.requests == []


def test_a_whole_bucket_is_a_source(server):
    server.put("uploads", "a/b.jpg", b"x")

    assert relatives("oss://uploads/") == relatives("oss://uploads") == ["a/b.jpg"]


def test_long_listings_stream_page_by_page(server):
    for number in range(2_345):
        server.put("uploads", f"in/{number:05} +.jpg", b"")

    items = open_source("oss://uploads/in/").items()

    assert next(items).relative == "00000 +.jpg"
    assert len(server.requests) == 1
    assert len(list(items)) == 2_344
    assert len(server.requests) == 3


def test_a_prefix_with_a_space_or_a_plus_is_found(server):
    server.put("uploads", "a b+c%/d.jpg", b"x")

    assert relatives("oss://uploads/a b+c%/") == ["d.jpg"]


def test_several_places_lie_below_what_they_share(server):
    for key in ("in/x/a.jpg", "in/y/a.jpg"):
        server.put("uploads", key, b"x")

    assert relatives("oss://uploads/in/x/", "oss://uploads/in/y/") == ["x/a.jpg", "y/a.jpg"]
    assert relatives("oss://uploads/in/x/a.jpg", "oss://uploads/in/y/") == ["x/a.jpg", "y/a.jpg"]


def test_several_buckets_keep_their_names(server):
    server.put("uploads", "in/a.jpg", b"x")
    server.put("archive", "in/a.jpg", b"x")

    found = relatives("oss://uploads/in/", "oss://archive/in/")

    assert found == ["uploads/in/a.jpg", "archive/in/a.jpg"]


def test_the_output_is_not_an_input(server):
    for key in ("in/a.jpg", "in/out/a.jpg", "in/outer.jpg"):
        server.put("uploads", key, b"x")

    assert relatives("oss://uploads/in/", exclude=["oss://uploads/in/out/"]) == [
        "a.jpg",
        "outer.jpg",
    ]
    assert len(relatives("oss://uploads/in/", exclude=["oss://uploads/"])) == 3
    assert len(relatives("oss://uploads/in/", exclude=["oss://archive/in/out/"])) == 3


def test_files_and_objects_go_together(server, tmp_path):
    server.put("uploads", "in/a.jpg", b"x")
    (tmp_path / "b.jpg").write_bytes(b"y")

    assert relatives(str(tmp_path), "oss://uploads/in/") == ["b.jpg", "a.jpg"]


def test_a_listing_that_fails_is_tried_again(client, server):
    server.put("uploads", "in/a.jpg", b"x")
    server.fail(times=2)

    assert [item.relative for item in a_source(client).items()] == ["a.jpg"]


def test_a_listing_that_breaks_off_is_one_failure(client, server):
    for number in range(1_500):
        server.put("uploads", f"in/{number:05}.jpg", b"")
    server.fail(
        times=None,
        when=lambda request: (
            "continuation-token" in request.query and request.query["continuation-token"] != ""
        ),
    )

    *good, broken = a_source(client).items()

    assert len(good) == 1000
    assert broken.name == "oss://uploads/in/"
    with pytest.raises(Unavailable):
        broken.read(max_bytes=A_LOT)


def test_a_listing_that_makes_no_sense_is_one_failure(client, server):
    server.corrupt(times=None)

    (broken,) = a_source(client).items()

    with pytest.raises(StorageError, match="not one of OSS"):
        broken.read(max_bytes=A_LOT)


@pytest.mark.parametrize("code", ["NoSuchBucket", "AccessDenied", "InvalidAccessKeyId"])
def test_a_bucket_that_cannot_be_listed_is_a_missing_backend(client, server, code):
    server.fail(status=404 if code == "NoSuchBucket" else 403, code=code)

    with pytest.raises(BackendMissing, match=f"oss://uploads/in/: {code}"):
        list(a_source(client).items())


def test_a_listing_that_cannot_begin_is_a_missing_backend(client, server):
    server.stop()

    with pytest.raises(BackendMissing, match="OSS cannot be reached"):
        list(OssSource(client, OssPlace.parse("oss://uploads/in/"), "in/").items())


def test_a_wrong_region_is_a_missing_backend(server, monkeypatch):
    monkeypatch.setenv("OSS_REGION", "cn-nowhere")

    with pytest.raises(BackendMissing, match="set OSS_REGION to the bucket's own region"):
        relatives("oss://uploads/in/")


def test_a_bucket_can_be_checked(client):
    client.check(OssPlace.parse("oss://uploads/"))

    with pytest.raises(BackendMissing, match="NoSuchBucket"):
        client.check(OssPlace.parse("oss://nowhere/"))


def test_an_object_may_refuse_and_the_others_not(client, server):
    for key in ("in/a.jpg", "in/b.jpg"):
        server.put("uploads", key, b"x")
    server.fail(status=403, code="AccessDenied", when=lambda request: request.key == "in/a.jpg")

    refused, good = a_source(client).items()

    with pytest.raises(AccessRefused):
        refused.read(max_bytes=A_LOT)
    assert good.read(max_bytes=A_LOT).data == b"x"


def test_an_object_can_be_asked_about(server):
    (item,) = open_source("oss://uploads/none.jpg").items()

    with pytest.raises(NotFound):
        item.ask_image_codes()
    assert server.requests[0].process == "image/codes"


def test_a_sink_opens_by_what_was_typed(server):
    sink = open_sink("oss://uploads/out/")

    sink.write("a.jpg", b"x", content_type="image/jpeg", overwrite=False)

    assert server.keys("uploads") == ["out/a.jpg"]


def test_all_share_one_client(server):
    assert connect(OssSettings()) is connect(OssSettings(server.endpoint))


@pytest.mark.usefixtures("server")
def test_a_changed_environment_is_another_client(monkeypatch):
    before = connect(OssSettings())
    monkeypatch.setenv("OSS_REGION", "cn-beijing")

    assert connect(OssSettings()) is not before


def test_connections_are_kept(client, server):
    opened = count_connections(server)
    server.put("uploads", "a", b"x")

    for _ in range(5):
        client.read(OssPlace("uploads", "a"), max_bytes=A_LOT)

    assert len(opened) == 1


def test_many_threads_share_a_client(client, server):
    for number in range(50):
        server.put("uploads", f"in/{number}.jpg", str(number).encode())
    client = connect(OssSettings(connections=8))
    items = list(a_source(client).items())
    found = {}

    def read(item):
        found[item.relative] = item.read(max_bytes=A_LOT).data

    threads = [threading.Thread(target=read, args=(item,)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == {f"{number}.jpg": str(number).encode() for number in range(50)}


def test_oss2_is_loaded_only_for_oss():
    script = (
        "import sys; from redactor.storage.places import open_source, open_sink;"
        "list(open_source('.').items()); open_sink('out');"
        "sys.exit('oss2' in sys.modules or 'requests' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def a_source(client):
    return OssSource(client, OssPlace.parse("oss://uploads/in/"), "in/")


def count_connections(server):
    opened = []
    accept = server._http.get_request

    def counted():
        opened.append(1)
        return accept()

    server._http.get_request = counted
    return opened
