"""The unmodified oss2 client finds an OSS behind `OssServer`."""

import base64
import hashlib
import urllib.error
import urllib.request

import oss2
import pytest

from redactor.testing import OssServer

UNUSUAL_KEYS = ["a b.jpg", "a+b.jpg", "100%.jpg", "图/片.jpg", "a&b=c?d#e.jpg", "~x/'(y)*!.jpg"]

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


def test_an_object_comes_back_as_it_was_put(client):
    client.put_object("in/a.jpg", b"bytes", headers={"x-oss-meta-owner": "ann"})

    with client.get_object("in/a.jpg") as result:
        assert result.read() == b"bytes"
        assert result.etag == hashlib.md5(b"bytes").hexdigest().upper()
        assert result.client_crc == result.server_crc
        assert result.content_type == "image/jpeg"
        assert result.headers["x-oss-meta-owner"] == "ann"
        assert result.headers["x-oss-object-type"] == "Normal"


def test_head_tells_what_get_would_send(client):
    client.put_object("a", b"12345")

    head = client.head_object("a")

    assert (head.content_length, head.object_type) == (5, "Normal")
    assert client.object_exists("a")
    assert not client.object_exists("b")


def test_the_checksum_is_the_one_of_the_documentation(client):
    put = client.put_object("a", b"123456789")

    assert put.crc == 11051210869376104954


@pytest.mark.parametrize("key", UNUSUAL_KEYS)
def test_unusual_keys_are_kept(client, server, key):
    client.put_object(key, b"x")

    assert server.keys("uploads") == [key]
    assert [found.key for found in oss2.ObjectIteratorV2(client)] == [key]
    assert client.get_object(key).read() == b"x"
    client.delete_object(key)
    assert server.keys("uploads") == []


def test_a_range_is_a_part(client):
    client.put_object("a", b"0123456789")

    assert client.get_object("a", byte_range=(2, 4)).read() == b"234"
    assert client.get_object("a", byte_range=(8, None)).read() == b"89"
    assert client.get_object("a", byte_range=(None, 3)).read() == b"789"


def test_a_range_outside_gives_everything_unless_told_otherwise(client, refusal):
    client.put_object("a", b"0123456789")
    standard = {"x-oss-range-behavior": "standard"}

    assert client.get_object("a", byte_range=(20, 30)).read() == b"0123456789"
    assert refusal(client.get_object, "a", byte_range=(20, 30), headers=standard) == (
        416,
        "InvalidRange",
    )


def test_reads_take_conditions(client, refusal):
    etag = client.put_object("a", b"x").etag

    for form in (etag, f'"{etag}"'):
        assert client.get_object("a", headers={"If-Match": form}).read() == b"x"
        assert refusal(client.get_object, "a", headers={"If-None-Match": form}) == (304, "")
    assert refusal(client.get_object, "a", headers={"If-Match": "other"}) == (
        412,
        "PreconditionFailed",
    )


def test_writes_take_no_conditions(client, refusal):
    headers = {"If-None-Match": "*"}

    assert refusal(client.put_object, "a", b"x", headers=headers) == (400, "NotImplemented")


def test_overwriting_can_be_forbidden(client, refusal, server):
    headers = {"x-oss-forbid-overwrite": "true"}
    client.put_object("a", b"first", headers=headers)

    assert refusal(client.put_object, "a", b"second", headers=headers) == (409, "FileAlreadyExists")
    assert server.get("uploads", "a") == b"first"


def test_a_wrong_digest_is_refused(client, refusal, server):
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()

    assert refusal(client.put_object, "a", b"x", headers={"Content-MD5": wrong}) == (
        400,
        "InvalidDigest",
    )
    assert server.keys("uploads") == []


def test_a_body_may_come_in_chunks(client, server):
    client.put_object("a", iter([b"one ", b"two"]))

    assert server.get("uploads", "a") == b"one two"


def test_what_does_not_exist_is_named(client, a_client, refusal):
    assert refusal(client.get_object, "none") == (404, "NoSuchKey")
    assert refusal(client.head_object, "none") == (404, "NoSuchKey")
    assert refusal(a_client("nowhere").get_object, "none") == (404, "NoSuchBucket")
    assert refusal(a_client("nowhere").list_objects_v2) == (404, "NoSuchBucket")


def test_errors_carry_a_request_id(client):
    with pytest.raises(oss2.exceptions.NoSuchKey) as caught:
        client.get_object("none")

    assert len(caught.value.request_id) == 24


def test_buckets_are_made_and_removed(a_client, refusal):
    bucket = a_client("fresh")
    bucket.create_bucket()
    bucket.put_object("a", b"x")

    assert bucket.get_bucket_info().name == "fresh"
    assert refusal(bucket.delete_bucket) == (409, "BucketNotEmpty")
    bucket.delete_object("a")
    bucket.delete_bucket()
    assert refusal(bucket.get_bucket_info) == (404, "NoSuchBucket")


def test_buckets_are_listed(client, server):
    service = oss2.Service(client.auth, server.endpoint, region=server.region)

    assert [bucket.name for bucket in service.list_buckets().buckets] == ["uploads"]


@pytest.mark.parametrize("iterator", [oss2.ObjectIterator, oss2.ObjectIteratorV2])
def test_long_listings_come_in_pages(client, server, iterator):
    keys = [f"in/{number:05} +%图.jpg" for number in range(2_345)]
    for key in keys:
        server.put("uploads", key, b"")

    found = [entry.key for entry in iterator(client, prefix="in/", max_keys=1000)]

    assert found == keys
    assert len(server.requests) == 3


@pytest.mark.parametrize("max_keys", [1, 2, 1000])
@pytest.mark.parametrize("iterator", [oss2.ObjectIterator, oss2.ObjectIteratorV2])
def test_a_delimiter_rolls_folders_up(client, server, iterator, max_keys):
    for key in ("a/1", "a/2", "b", "c d/1", "c d/2/3"):
        server.put("uploads", key, b"")

    found = [entry.key for entry in iterator(client, delimiter="/", max_keys=max_keys)]
    below = [entry.key for entry in iterator(client, prefix="c d/", delimiter="/")]

    assert found == ["a/", "b", "c d/"]
    assert below == ["c d/1", "c d/2/"]


def test_page_sizes_have_a_bound(client, refusal):
    assert refusal(client.list_objects_v2, max_keys=1001) == (400, "InvalidArgument")


def test_strangers_are_refused(client, a_client, refusal, server):
    anonymous = oss2.Bucket(oss2.AnonymousAuth(), server.endpoint, "uploads")
    version_1 = oss2.Bucket(oss2.Auth("a", "b"), server.endpoint, "uploads")

    assert refusal(anonymous.get_object, "a") == (403, "AccessDenied")
    assert refusal(version_1.get_object, "a") == (403, "InvalidAccessKeyId")
    assert refusal(a_client(secret="wrong").get_object, "a") == (403, "SignatureDoesNotMatch")
    assert refusal(a_client(key_id="who").get_object, "a") == (403, "InvalidAccessKeyId")
    assert refusal(a_client(secret="wrong").head_object, "a") == (403, "SignatureDoesNotMatch")


def test_a_wrong_clock_is_refused(client, refusal, server):
    server.clock = lambda: 0

    assert refusal(client.get_object, "a") == (403, "RequestTimeTooSkewed")


def test_a_session_token_can_be_asked_for():
    with OssServer(buckets=["uploads"], security_token="token") as server:
        assert server.env()["OSS_SESSION_TOKEN"] == "token"
        for token, status in (("", 403), ("token", 404)):
            credentials = oss2.credentials.StaticCredentialsProvider(
                server.access_key_id, server.access_key_secret, token
            )
            bucket = oss2.Bucket(
                oss2.ProviderAuthV4(credentials), server.endpoint, "uploads", region=server.region
            )
            with pytest.raises(oss2.exceptions.OssError) as caught:
                bucket.get_object("none")
            assert caught.value.status == status


def test_a_presigned_url_needs_no_header(client):
    client.put_object("图 +%.jpg", b"bytes")

    with urllib.request.urlopen(client.sign_url("GET", "图 +%.jpg", 60)) as response:
        assert response.read() == b"bytes"


def test_a_presigned_url_expires(client, server):
    url = client.sign_url("GET", "a", 60)
    server.clock = lambda: 4e9

    with pytest.raises(urllib.error.HTTPError, match="403") as caught:
        urllib.request.urlopen(url)
    caught.value.close()


def test_a_changed_url_is_refused(client):
    client.put_object("b", b"bytes")
    url = client.sign_url("GET", "a", 60).replace("/uploads/a", "/uploads/b")

    with pytest.raises(urllib.error.HTTPError, match="403") as caught:
        urllib.request.urlopen(url)
    caught.value.close()


def test_requests_are_recorded(client, server):
    client.put_object("a", b"x")

    (exchange,) = server.exchanges
    assert exchange.status == 200
    assert (exchange.request.method, exchange.request.bucket, exchange.request.key) == (
        "PUT",
        "uploads",
        "a",
    )
    assert exchange.request.body == b"x"


def test_the_fixture_sets_the_environment(oss_server):
    import os

    oss_server.create_bucket("uploads")
    auth = oss2.ProviderAuthV4(oss2.credentials.EnvironmentVariableCredentialsProvider())
    bucket = oss2.Bucket(
        auth, os.environ["OSS_ENDPOINT"], "uploads", region=os.environ["OSS_REGION"]
    )
    bucket.put_object("a", b"x")

    assert oss_server.get("uploads", "a") == b"x"
