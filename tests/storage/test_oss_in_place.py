"""Replacing objects where they lie: nothing lost, nothing exposed, at whatever step it ends."""

import pytest

from redactor.errors import BackendMissing, Changed, StorageError, Unavailable
from redactor.storage import Marks
from redactor.storage.oss_in_place import OssInPlace, OssQuarantine, OssShelf
from redactor.storage.oss_place import OssPlace
from redactor.storage.oss_probe import PROBE, check_private
from redactor.storage.oss_store import OssItem

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

KEY = "in/a b+c%图.jpg"
ORIGINAL, REDACTED, LATER = b"original", b"redacted!", b"a later upload"
MARKS = Marks("1.2", "abc123", "redacted", "ETAG")
KEPT = {
    "Content-Type": "image/x-own",
    "Cache-Control": "max-age=60",
    "Content-Disposition": 'inline; filename="a.jpg"',
    "Content-Encoding": "identity",
    "Expires": "Thu, 01 Jan 2037 00:00:00 GMT",
    "x-oss-meta-owner": "ann",
    "x-oss-storage-class": "IA",
    "x-oss-server-side-encryption": "KMS",
    "x-oss-server-side-encryption-key-id": "key-1",
}


def is_put(request):
    return request.method == "PUT" and request.key == KEY


def is_copy(request):
    return "x-oss-copy-source" in request.headers


@pytest.fixture
def item(client, server):
    server.create_bucket("kept")
    server.put("uploads", KEY, ORIGINAL, headers=KEPT, acl="private", tags={"team": "a b&c"})
    return OssItem(client, OssPlace("uploads", KEY), KEY)


@pytest.fixture
def shelf(client):
    return OssShelf(client, OssPlace.parse("oss://kept/originals/"))


def read(item):
    return item.read(max_bytes=1000)


def replace(item, shelf, *, blob=None, marks=MARKS, **options):
    return OssInPlace(shelf, **options).replace(item, blob or read(item), REDACTED, marks)


def original_of(server, data=ORIGINAL):
    (key,) = [key for key in server.keys("kept") if server.get("kept", key) == data]
    return server.stored("kept", key)


# What it does.


def test_everything_an_overwrite_would_lose_is_kept(item, shelf, server):
    done = replace(item, shelf)

    stored = server.stored("uploads", KEY)
    assert stored.data == REDACTED
    assert {name: stored.headers[name.lower()] for name in KEPT} == KEPT
    assert (stored.acl, stored.tags) == ("private", {"team": "a b&c"})
    assert stored.headers["x-oss-meta-redactor-policy"] == "abc123"
    assert stored.headers["x-oss-meta-redactor-source-etag"] == "ETAG"
    assert done.url == f"{server.endpoint}/uploads/in/a%20b%2Bc%25%E5%9B%BE.jpg"


def test_the_original_is_kept_under_its_etag_private_and_with_its_metadata(item, shelf, server):
    etag = read(item).etag

    replace(item, shelf)

    assert server.keys("kept") == [f"originals/{KEY}/{etag}"]
    stored = original_of(server)
    assert stored.acl == "private"
    assert stored.headers["x-oss-meta-owner"] == "ann"
    assert stored.headers["x-oss-server-side-encryption-key-id"] == "key-1"
    assert stored.tags == {"team": "a b&c"}


def test_metadata_that_is_no_ascii_stays_as_it_is(item, shelf, server):
    raw = "图é".encode().decode("latin-1")
    server.put("uploads", KEY, ORIGINAL, headers={"x-oss-meta-title": raw})

    replace(item, shelf)

    assert server.stored("uploads", KEY).headers["x-oss-meta-title"] == raw


def test_the_original_is_safe_before_anything_is_overwritten(item, shelf, server):
    replace(item, shelf)

    steps = [(request.method, request.bucket) for request in server.requests]
    put = steps.index(("PUT", "uploads"))
    assert ("PUT", "kept") in steps[:put]
    assert steps[put - 1] == ("HEAD", "uploads")


def test_an_original_is_never_replaced(item, shelf, server):
    blob = read(item)
    copy = shelf.place_of(item.place, blob.etag)
    server.put("kept", copy.key, b"other")

    with pytest.raises(StorageError, match="differs from the original"):
        replace(item, shelf)
    assert server.get("kept", copy.key) == b"other"
    assert server.get("uploads", KEY) == ORIGINAL


def test_a_copy_from_a_run_that_was_killed_is_taken(item, shelf, server):
    blob = read(item)
    server.put("kept", shelf.place_of(item.place, blob.etag).key, ORIGINAL)

    replace(item, shelf)

    assert server.get("uploads", KEY) == REDACTED
    assert not any(map(is_copy, server.requests))


def test_an_object_without_a_checksum_is_compared_by_its_bytes(item, shelf, server, monkeypatch):
    from redactor.testing import objects

    def without(stored, describe=objects._describe_object):
        found = describe(stored)
        del found["x-oss-hash-crc64ecma"]  # as OSS has it for objects from before it had checksums
        return found

    monkeypatch.setattr(objects, "_describe_object", without)

    replace(item, shelf)

    assert server.get("uploads", KEY) == REDACTED


def test_a_flagged_picture_gets_a_tag(item, shelf, server):
    replace(item, shelf, marks=Marks("1", "p", "flagged", flag="high"))

    assert server.stored("uploads", KEY).tags == {"team": "a b&c", "redactor-flag": "high"}


def test_flagging_alone_rewrites_no_data(item, shelf, server):
    before = server.stored("uploads", KEY)

    for _ in range(2):
        OssInPlace(shelf).settle(item, read(item), Marks("1", "p", "flagged", flag="review"))

    after = server.stored("uploads", KEY)
    assert after.tags == {"team": "a b&c", "redactor-flag": "review"}
    assert (after.data, after.modified, after.headers) == (
        before.data,
        before.modified,
        before.headers,
    )
    assert sum(request.method == "PUT" for request in server.requests) == 1


def test_an_eleventh_tag_is_refused_before_anything_is_written(item, shelf, server):
    server.put("uploads", KEY, ORIGINAL, tags={f"k{number}": "v" for number in range(10)})

    with pytest.raises(StorageError, match="has 10 tags"):
        replace(item, shelf, marks=Marks("1", "p", "flagged", flag="high"))
    assert server.get("uploads", KEY) == ORIGINAL


def test_a_symlink_is_refused(client, shelf, server):
    server.put("uploads", "target", ORIGINAL)
    client.session.call(
        OssPlace("uploads", "link"), lambda bucket: bucket.put_symlink("target", "link")
    )
    server.create_bucket("kept")

    with pytest.raises(StorageError, match=r"a symlink.*its target"):
        replace(OssItem(client, OssPlace("uploads", "link"), "link"), shelf)
    assert server.keys("kept") == []


# Others at work.


def test_an_upload_before_the_last_look_is_left_alone(item, shelf, server):
    blob = read(item)
    server.put("uploads", KEY, LATER)

    with pytest.raises(Changed, match="changed while it was redacted"):
        replace(item, shelf, blob=blob)
    assert server.get("uploads", KEY) == LATER


def upload_before_the_put(server):
    """Let somebody upload right before the overwrite, after the last look."""
    once = []

    def when(request):
        if is_put(request) and not once:
            once.append(request)
            server.put("uploads", KEY, LATER)
        return False

    server.fail(times=None, when=when)


def test_an_upload_after_the_last_look_is_noticed_where_there_are_versions(item, shelf, server):
    server.configure("uploads", versioning="Enabled")
    server.put("uploads", KEY, ORIGINAL)
    upload_before_the_put(server)

    with pytest.raises(Changed, match="an upload came between; it is in front again"):
        replace(item, shelf)
    assert server.get("uploads", KEY) == LATER
    assert REDACTED not in [one.data for one in server.versions("uploads", KEY)]


def test_without_versions_such_an_upload_is_lost(item, shelf, server):
    # Documented: OSS has no compare-and-swap. The test is here to notice the day it does.
    upload_before_the_put(server)

    replace(item, shelf)

    assert server.get("uploads", KEY) == REDACTED


def test_an_attempt_whose_answer_was_lost_is_not_made_again(item, shelf, server):
    server.reset(after_work=True, when=is_put)

    replace(item, shelf)

    assert server.get("uploads", KEY) == REDACTED
    assert sum(map(is_put, server.requests)) == 1


def test_an_upload_between_two_attempts_is_left_alone(item, shelf, server):
    blob = read(item)

    def when(request):
        if is_put(request):
            server.put("uploads", KEY, LATER)
            return True
        return False

    server.fail(times=1, when=when)

    with pytest.raises(Changed):
        replace(item, shelf, blob=blob)
    assert server.get("uploads", KEY) == LATER


def test_two_at_once_keep_one_original_and_write_one_result(item, shelf, server):
    first, second = read(item), read(item)

    replace(item, shelf, blob=first)
    with pytest.raises(Changed):
        replace(item, shelf, blob=second)

    assert server.get("uploads", KEY) == REDACTED
    assert len(server.keys("kept")) == 1


# Versions.


@pytest.mark.parametrize("purge", [False, True])
def test_the_version_that_holds_the_code_is_told_or_purged(item, shelf, server, purge):
    server.configure("uploads", versioning="Enabled")
    server.put("uploads", KEY, ORIGINAL)
    old = server.stored("uploads", KEY).version

    done = replace(item, shelf, purge_versions=purge)

    ids = [one.version for one in server.versions("uploads", KEY)]
    assert (old in ids) is not purge
    assert ([old in remark for remark in done.remarks] == [True]) is not purge
    assert server.get("uploads", KEY) == REDACTED


def test_a_version_that_was_not_purged_is_purged_by_the_next_run(item, shelf, server):
    server.configure("uploads", versioning="Enabled")
    server.put("uploads", KEY, ORIGINAL)
    old = server.stored("uploads", KEY)
    replace(item, shelf, marks=Marks("1", "p", "redacted", old.etag))

    OssInPlace(shelf, purge_versions=True).settle(item, read(item), MARKS)

    assert old.version not in [one.version for one in server.versions("uploads", KEY)]
    assert original_of(server).data == ORIGINAL


def test_a_forged_mark_purges_nothing_that_is_not_among_the_originals(item, shelf, server):
    server.configure("uploads", versioning="Enabled")
    server.put("uploads", KEY, ORIGINAL)
    old = server.stored("uploads", KEY)
    server.put("uploads", KEY, LATER, headers={"x-oss-meta-redactor-source-etag": old.etag})

    OssInPlace(shelf, purge_versions=True).settle(item, read(item), MARKS)

    assert old.version in [one.version for one in server.versions("uploads", KEY)]


def test_a_suspended_bucket_overwrites_its_version_null(item, shelf, server):
    server.configure("uploads", versioning="Suspended")

    assert replace(item, shelf).remarks == ()
    assert [one.data for one in server.versions("uploads", KEY)] == [REDACTED]


def test_where_versions_may_not_be_listed_that_is_said(item, shelf, server):
    server.configure("uploads", versioning="Enabled")
    server.deny("oss:ListObjectVersions", "uploads")

    remarks = replace(item, shelf).remarks

    assert any("oss:ListObjectVersions is missing" in remark for remark in remarks)


# Quarantine.


def test_a_picture_is_moved_out_of_the_way(item, shelf, server):
    name = OssQuarantine(shelf).move(item, read(item))

    assert server.keys("uploads") == []
    assert original_of(server).acl == "private"
    assert name == f"oss://kept/{server.keys('kept')[0]}"


def test_a_picture_whose_copy_fails_is_not_deleted(item, shelf, server):
    server.fail(times=None, when=is_copy)

    with pytest.raises(Unavailable):
        OssQuarantine(shelf).move(item, read(item))
    assert server.get("uploads", KEY) == ORIGINAL


def test_a_later_upload_is_not_deleted(item, shelf, server):
    blob = read(item)
    server.put("uploads", KEY, LATER)

    with pytest.raises(Changed):
        OssQuarantine(shelf).move(item, blob)
    assert server.get("uploads", KEY) == LATER


# Whether strangers can read.


def test_a_private_prefix_is_private(client, server):
    check_private(client, [OssPlace.parse("oss://uploads/in/")])

    assert server.keys("uploads") == []
    assert all(PROBE in request.key for request in server.requests if request.key)


@pytest.mark.parametrize(
    "configuration", [{"acl": "public-read"}, {"public_prefixes": ["in/"]}], ids=["acl", "policy"]
)
def test_a_public_prefix_is_named(client, server, configuration):
    server.configure("uploads", **configuration)

    with pytest.raises(BackendMissing, match=r"oss://uploads/in/: strangers can read there"):
        check_private(client, [OssPlace.parse("oss://uploads/in/")])
    assert server.keys("uploads") == []


@pytest.mark.parametrize("status", [404, 500])
def test_what_cannot_be_told_counts_as_public(client, server, status):
    server.fail(None, status=status, code="Odd", when=lambda request: request.method == "GET")

    with pytest.raises(BackendMissing):
        check_private(client, [OssPlace.parse("oss://uploads/in/")])


def test_a_probe_in_a_versioned_bucket_leaves_nothing(client, server):
    server.configure("uploads", versioning="Enabled")

    check_private(client, [OssPlace.parse("oss://uploads/in/")])

    (probe,) = {request.key for request in server.requests if request.key}
    assert server.versions("uploads", probe) == []
