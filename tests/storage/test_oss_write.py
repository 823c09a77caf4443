"""Writing to OSS: whole, checked on both sides, and nothing replaced without leave."""

import base64
import hashlib
from dataclasses import replace

import pytest

from redactor.errors import (
    AccessRefused,
    AlreadyExists,
    BackendMissing,
    DamagedTransfer,
    StorageError,
    Unavailable,
)
from redactor.storage import Marks
from redactor.storage.oss_place import OssPlace
from redactor.storage.oss_store import OssSink

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


@pytest.fixture
def sink(client):
    return OssSink(client, OssPlace.parse("oss://uploads/out/"))


def write(sink, relative="a.jpg", data=b"bytes", *, overwrite=False):
    return sink.write(relative, data, content_type="image/jpeg", overwrite=overwrite)


def test_a_picture_goes_below_the_prefix(sink, server):
    assert write(sink, "图 +%/a.jpg") == "oss://uploads/out/图 +%/a.jpg"

    stored = server.stored("uploads", "out/图 +%/a.jpg")
    assert stored.data == b"bytes"
    assert stored.headers["content-type"] == "image/jpeg"


def test_one_picture_may_go_to_one_key(client, server):
    sink = OssSink(client, OssPlace.parse("oss://uploads/made.jpg"))

    assert write(sink, "whatever.jpg") == "oss://uploads/made.jpg"
    assert server.keys("uploads") == ["made.jpg"]


def test_the_store_can_check_what_came(sink, server):
    write(sink)

    digest = base64.b64encode(hashlib.md5(b"bytes").digest()).decode()
    (sent,) = [request for request in server.requests if request.method == "PUT"]
    assert sent.headers["content-md5"] == digest


def test_what_exists_is_kept_unless_told_otherwise(sink, server, waits):
    server.put("uploads", "out/a.jpg", b"first")

    with pytest.raises(AlreadyExists, match=r"out/a\.jpg: FileAlreadyExists .*allow overwriting"):
        write(sink)
    assert server.get("uploads", "out/a.jpg") == b"first"
    assert waits == []
    write(sink, overwrite=True)
    assert server.get("uploads", "out/a.jpg") == b"bytes"


def test_a_busy_store_is_tried_again(sink, server):
    server.fail(times=2)

    write(sink)

    assert server.get("uploads", "out/a.jpg") == b"bytes"


def test_a_lost_answer_is_no_failure(sink, server):
    server.reset(after_work=True, when=lambda request: request.method == "PUT")

    assert write(sink) == "oss://uploads/out/a.jpg"
    assert [request.method for request in server.requests if "versioning" not in request.query] == [
        "PUT",
        "PUT",
        "HEAD",
    ]


@pytest.mark.parametrize("versioning", ["Enabled", "Suspended"])
def test_what_exists_is_kept_where_oss_would_not_keep_it(sink, server, versioning):
    server.configure("uploads", versioning=versioning)
    server.put("uploads", "out/a.jpg", b"first")

    with pytest.raises(AlreadyExists, match="allow overwriting"):
        write(sink)
    assert server.get("uploads", "out/a.jpg") == b"first"
    write(sink, "b.jpg")
    asked = [request for request in server.requests if "versioning" in request.query]
    assert len(asked) == 1


def test_what_may_not_be_asked_about_versions_is_looked_for(sink, server):
    server.configure("uploads", versioning="Enabled")
    server.deny("oss:GetBucketVersioning", "uploads")
    server.put("uploads", "out/a.jpg", b"first")

    with pytest.raises(AlreadyExists):
        write(sink)


def test_another_writer_is_not_taken_for_oneself(sink, server):
    server.put("uploads", "out/a.jpg", b"other")
    server.fail(when=lambda request: request.method == "PUT")

    with pytest.raises(AlreadyExists):
        write(sink)
    assert server.get("uploads", "out/a.jpg") == b"other"


def test_a_store_that_stays_busy_is_unavailable(sink, server):
    server.fail(times=None)

    with pytest.raises(Unavailable, match="tried 3 times"):
        write(sink)


def test_a_store_that_always_gets_other_bytes_is_damage(sink, server):
    server.fail(times=None, status=400, code="InvalidDigest")

    with pytest.raises(DamagedTransfer, match="the bytes changed"):
        write(sink)


def test_a_refused_write_is_named(sink, server):
    server.deny("oss:PutObject", "uploads")

    with pytest.raises(AccessRefused, match="need oss:GetObject, oss:PutObject"):
        write(sink)


def test_a_missing_bucket_is_a_missing_backend(client):
    with pytest.raises(BackendMissing, match="NoSuchBucket"):
        write(OssSink(client, OssPlace.parse("oss://nowhere/out/")))


@pytest.mark.parametrize("relative", ["../a.jpg", "/a.jpg", "a/../b.jpg", "", "a/"])
def test_hostile_names_are_refused(sink, server, relative):
    with pytest.raises(StorageError, match="not a name"):
        write(sink, relative)
    assert server.requests == []


@pytest.mark.parametrize(
    ("relative", "message"), [("x" * 1030, "1 to 1023 bytes"), ("a\udcff.jpg", "UTF-8")]
)
def test_names_that_oss_does_not_take_are_refused(sink, server, relative, message):
    with pytest.raises(StorageError, match=message):
        write(sink, relative)
    assert server.requests == []


def test_doubled_slashes_are_names_of_their_own(sink, server):
    write(sink, "a//b.jpg")

    assert server.keys("uploads") == ["out/a//b.jpg"]


def test_what_is_not_needed_any_more_is_deleted(client, server):
    server.put("uploads", "a", b"x")

    client.delete(OssPlace("uploads", "a"))
    client.delete(OssPlace("uploads", "a"))

    assert server.keys("uploads") == []


MARKS = Marks("1", "policy", "redacted", "ETAG")


def stored(sink, data=b"bytes", marks=MARKS):
    sink.write("a.jpg", data, content_type="image/jpeg", overwrite=True, marks=marks)


def puts(server):
    return sum(request.method == "PUT" for request in server.requests)


def test_what_is_there_already_is_not_written_again(sink, server):
    stored(sink)
    stored(sink)

    assert puts(server) == 1


@pytest.mark.parametrize(
    "change",
    [{"data": b"other"}, {"marks": replace(MARKS, policy="other")},
     {"marks": replace(MARKS, source_etag="OTHER")}, {"marks": None}],
    ids=str,
)  # fmt: skip
def test_what_differs_in_anything_is_written_again(sink, server, change):
    stored(sink)
    stored(sink, **change)

    assert puts(server) == 2


def test_who_may_only_write_there_does(sink, server):
    stored(sink)
    server.deny("oss:GetObject", "uploads")

    stored(sink)

    assert puts(server) == 2
