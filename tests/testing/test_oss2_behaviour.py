"""A slice of what oss2 does against OSS, through unmodified calls, against the stand-in."""

import base64
import hashlib
import http.server
import json
import threading
import time
import urllib.error
import urllib.request

import oss2
import pytest
from oss2.models import BucketVersioningConfig, PartInfo, Tagging, TaggingRule

pytestmark = [
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
    # oss2 has no way to close a session: its connections end when they are collected.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

UNUSUAL = "图 +%/'(a)&b=c?.jpg"
PART = 100 * 1024


def tags_of(bucket, key):
    return bucket.get_object_tagging(key).tag_set.tagging_rule


def set_versioning(bucket, status):
    config = BucketVersioningConfig()
    config.status = status
    bucket.put_bucket_versioning(config)


# Copies.


def test_a_copy_takes_bytes_metadata_and_tags_and_not_the_acl(client, server):
    headers = {
        "Content-Type": "image/png",
        "Cache-Control": "no-store",
        "x-oss-meta-owner": "ann",
        "x-oss-tagging": "team=a%20b",
        "x-oss-object-acl": "public-read",
    }
    client.put_object(UNUSUAL, b"bytes", headers=headers)

    copied = client.copy_object("uploads", UNUSUAL, "copy")

    stored = server.stored("uploads", "copy")
    assert copied.etag == hashlib.md5(b"bytes").hexdigest().upper()
    assert stored.data == b"bytes"
    assert stored.headers["content-type"] == "image/png"
    assert stored.headers["cache-control"] == "no-store"
    assert stored.headers["x-oss-meta-owner"] == "ann"
    assert (stored.tags, stored.acl) == ({"team": "a b"}, "default")


def test_a_copy_can_replace_metadata_and_tags(client, server):
    client.put_object("a", b"x", headers={"x-oss-meta-owner": "ann", "x-oss-tagging": "a=1"})
    headers = {
        "x-oss-metadata-directive": "REPLACE",
        "x-oss-tagging-directive": "Replace",
        "x-oss-meta-owner": "bob",
        "x-oss-tagging": "b=2",
        "x-oss-object-acl": "private",
    }

    client.copy_object("uploads", "a", "b", headers=headers)

    stored = server.stored("uploads", "b")
    assert stored.headers["x-oss-meta-owner"] == "bob"
    assert (stored.tags, stored.acl) == ({"b": "2"}, "private")


def test_a_copy_takes_conditions_on_its_source_alone(client, refusal):
    etag = client.put_object("a", b"x").etag

    client.copy_object("uploads", "a", "b", headers={"x-oss-copy-source-if-match": etag})
    wrong = {"x-oss-copy-source-if-match": "0" * 32}
    assert refusal(client.copy_object, "uploads", "a", "c", headers=wrong) == (
        412,
        "PreconditionFailed",
    )
    assert refusal(client.copy_object, "uploads", "none", "c") == (404, "NoSuchKey")


def test_a_copy_may_be_forbidden_to_overwrite(client, refusal, server):
    server.put("uploads", "a", b"new")
    server.put("uploads", "b", b"old")
    headers = {"x-oss-forbid-overwrite": "true"}

    assert refusal(client.copy_object, "uploads", "a", "b", headers=headers) == (
        409,
        "FileAlreadyExists",
    )
    assert server.get("uploads", "b") == b"old"


# Versions.


def test_versions_are_kept_and_read_by_id(client, server, refusal):
    set_versioning(client, "Enabled")
    assert client.get_bucket_versioning().status == "Enabled"
    first = client.put_object("a", b"first").versionid
    second = client.put_object("a", b"second").versionid

    assert client.get_object("a").read() == b"second"
    assert client.get_object("a", params={"versionId": first}).read() == b"first"
    assert client.head_object("a").versionid == second
    assert refusal(client.get_object, "a", params={"versionId": "0"}) == (404, "NoSuchVersion")
    listed = client.list_object_versions(prefix="a").versions
    assert [(one.versionid, one.is_latest) for one in listed] == [(second, True), (first, False)]
    client.delete_object("a", params={"versionId": second})
    assert client.get_object("a").read() == b"first"


def test_deleting_without_a_version_leaves_a_marker(client, refusal, server):
    set_versioning(client, "Enabled")
    version = client.put_object("a", b"x").versionid

    marker = client.delete_object("a")

    assert marker.delete_marker
    with pytest.raises(oss2.exceptions.NoSuchKey) as caught:
        client.get_object("a")
    assert caught.value.headers["x-oss-delete-marker"] == "true"
    assert client.get_object("a", params={"versionId": version}).read() == b"x"
    assert refusal(client.get_object, "a", params={"versionId": marker.versionid})[0] == 405
    assert server.keys("uploads") == []
    client.delete_object("a", params={"versionId": marker.versionid})
    assert client.get_object("a").read() == b"x"


def test_a_suspended_bucket_writes_the_version_null(client):
    set_versioning(client, "Enabled")
    first = client.put_object("a", b"first").versionid
    set_versioning(client, "Suspended")

    assert client.put_object("a", b"second").versionid == "null"
    assert client.put_object("a", b"third").versionid == "null"
    listed = [one.versionid for one in client.list_object_versions(prefix="a").versions]
    assert listed == ["null", first]


@pytest.mark.parametrize("status", ["Enabled", "Suspended"])
def test_overwriting_cannot_be_forbidden_where_there_are_versions(client, server, status):
    client.put_object("a", b"first")
    set_versioning(client, status)

    client.put_object("a", b"second", headers={"x-oss-forbid-overwrite": "true"})

    assert server.get("uploads", "a") == b"second"


def test_long_listings_of_versions_come_in_pages(client, server):
    set_versioning(client, "Enabled")
    for number in range(5):
        client.put_object("a", str(number).encode())
        client.put_object("b", b"x")

    page = client.list_object_versions(max_keys=3)
    seen = [one.versionid for one in page.versions]
    while page.is_truncated:
        page = client.list_object_versions(
            max_keys=3,
            key_marker=page.next_key_marker,
            versionid_marker=page.next_versionid_marker,
        )
        seen += [one.versionid for one in page.versions]

    assert len(seen) == len(set(seen)) == 10


# Tags and access lists.


def test_tags_are_put_read_counted_and_removed(client):
    client.put_object("a", b"x", headers={"x-oss-tagging": "a=1&b%20c=%E5%9B%BE"})
    modified = client.head_object("a").last_modified

    assert tags_of(client, "a") == {"a": "1", "b c": "图"}
    assert client.head_object("a").headers["x-oss-tagging-count"] == "2"
    rule = TaggingRule()
    rule.add("flag", "review")
    client.put_object_tagging("a", Tagging(rule))
    assert tags_of(client, "a") == {"flag": "review"}
    assert client.head_object("a").last_modified == modified
    client.delete_object_tagging("a")
    assert tags_of(client, "a") == {}


def test_eleven_tags_are_too_many(client, refusal):
    tags = "&".join(f"k{number}=v" for number in range(11))

    assert refusal(client.put_object, "a", b"x", headers={"x-oss-tagging": tags})[0] == 400


def test_an_overwrite_keeps_nothing(client, server):
    headers = {"x-oss-object-acl": "private", "x-oss-tagging": "a=1", "x-oss-meta-a": "1"}
    client.put_object("a", b"x", headers=headers)

    client.put_object("a", b"y")

    stored = server.stored("uploads", "a")
    assert (stored.acl, stored.tags) == ("default", {})
    assert "x-oss-meta-a" not in stored.headers


def test_access_lists_decide_what_strangers_read(client, a_client, server, refusal):
    anonymous = oss2.Bucket(oss2.AnonymousAuth(), server.endpoint, "uploads")
    client.put_object("a", b"x")
    assert client.get_object_acl("a").acl == "default"
    assert refusal(anonymous.get_object, "a") == (403, "AccessDenied")

    client.put_object_acl("a", oss2.OBJECT_ACL_PUBLIC_READ)
    assert anonymous.get_object("a").read() == b"x"
    assert refusal(anonymous.put_object, "a", b"y") == (403, "AccessDenied")

    server.configure("uploads", acl="public-read")
    client.put_object("b", b"x", headers={"x-oss-object-acl": "private"})
    assert refusal(anonymous.get_object, "b") == (403, "AccessDenied")
    client.put_object("b", b"x")
    assert anonymous.get_object("b").read() == b"x"


def test_a_bucket_policy_can_grant_what_the_acl_denies(server):
    anonymous = oss2.Bucket(oss2.AnonymousAuth(), server.endpoint, "uploads")
    server.configure("uploads", public_prefixes=["in/"])
    server.put("uploads", "in/a", b"x", acl="private")

    assert anonymous.get_object("in/a").read() == b"x"


# Uploads in parts.


def test_parts_become_an_object_with_an_opaque_etag(client, server):
    upload = client.init_multipart_upload("a", headers={"Content-Type": "image/png"})
    parts = []
    for number, data in ((1, b"a" * PART), (2, b"b")):
        part = client.upload_part("a", upload.upload_id, number, data)
        parts.append(PartInfo(number, part.etag, size=len(data), part_crc=part.crc))
    assert [part.size for part in client.list_parts("a", upload.upload_id).parts] == [PART, 1]

    done = client.complete_multipart_upload("a", upload.upload_id, parts)

    head = client.head_object("a")
    assert server.get("uploads", "a") == b"a" * PART + b"b"
    assert head.etag == done.etag
    assert head.etag.endswith("-2")
    assert head.object_type == "Multipart"
    assert "Content-MD5" not in head.headers


def test_small_parts_and_wrong_parts_are_refused(client, refusal):
    upload = client.init_multipart_upload("a").upload_id
    parts = [
        PartInfo(number, client.upload_part("a", upload, number, b"x").etag) for number in (1, 2)
    ]

    assert refusal(client.complete_multipart_upload, "a", upload, parts)[0] == 400
    wrong = [PartInfo(1, "0" * 32)]
    assert refusal(client.complete_multipart_upload, "a", upload, wrong) == (400, "InvalidPart")
    client.abort_multipart_upload("a", upload)
    assert refusal(client.list_parts, "a", upload) == (404, "NoSuchUpload")


def test_oss2_uploads_large_files_by_itself(client, server, tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(range(256)) * 1200)

    oss2.resumable_upload(client, "a", str(path), multipart_threshold=PART, part_size=PART)

    assert server.get("uploads", "a") == path.read_bytes()


# Symlinks, archives, many at once.


def test_a_symlink_shows_its_target_and_is_replaced_alone(client, server, refusal):
    client.put_object("target", b"bytes")
    client.put_symlink("target", "link")

    assert client.get_object("link").read() == b"bytes"
    assert client.head_object("link").object_type == "Symlink"
    assert client.get_symlink("link").target_key == "target"
    assert [(one.key, one.type) for one in oss2.ObjectIteratorV2(client)] == [
        ("link", "Symlink"),
        ("target", "Normal"),
    ]
    client.put_object("link", b"other")
    assert server.get("uploads", "target") == b"bytes"
    assert refusal(client.get_symlink, "target")[0] == 400
    client.put_symlink("none", "dangling")
    assert refusal(client.get_object, "dangling") == (404, "SymlinkTargetNotExist")


def test_an_archive_is_read_once_it_is_restored(client, refusal):
    client.put_object("a", b"x", headers={"x-oss-storage-class": "Archive"})

    assert client.head_object("a").headers["x-oss-storage-class"] == "Archive"
    assert refusal(client.get_object, "a") == (403, "InvalidObjectState")
    client.restore_object("a")
    assert client.get_object("a").read() == b"x"
    assert 'ongoing-request="false"' in client.head_object("a").headers["x-oss-restore"]


def test_many_objects_are_deleted_at_once(client, server):
    for key in ("a", UNUSUAL, "c"):
        client.put_object(key, b"x")

    assert client.batch_delete_objects(["a", UNUSUAL]).deleted_keys == ["a", UNUSUAL]
    assert server.keys("uploads") == ["c"]


def test_replication_rules_are_told(client, server, refusal):
    assert refusal(client.get_bucket_replication)[0] == 404
    server.configure("uploads", replicas=["elsewhere"])

    (rule,) = client.get_bucket_replication().rule_list

    assert (rule.target_bucket_name, rule.status) == ("elsewhere", "doing")


# Who may.


@pytest.mark.parametrize("key", ["a", UNUSUAL])
def test_signatures_of_version_1_are_verified(server, key, refusal):
    auth = oss2.Auth(server.access_key_id, server.access_key_secret)
    bucket = oss2.Bucket(auth, server.endpoint, "uploads")
    wrong = oss2.Bucket(oss2.Auth(server.access_key_id, "wrong"), server.endpoint, "uploads")

    bucket.put_object(key, b"x", headers={"x-oss-meta-a": "1", "Content-Type": "a/b"})

    assert bucket.get_object(key).read() == b"x"
    assert bucket.get_object_acl(key).acl == "default"
    assert [one.key for one in oss2.ObjectIteratorV2(bucket)] == [key]
    assert refusal(wrong.get_object, key) == (403, "SignatureDoesNotMatch")


def test_urls_of_version_1_are_verified_and_expire(server):
    auth = oss2.Auth(server.access_key_id, server.access_key_secret)
    bucket = oss2.Bucket(auth, server.endpoint, "uploads")
    bucket.put_object("a", b"x")
    url = bucket.sign_url("GET", "a", 60)

    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"x"
    server.clock = lambda: time.time() + 120
    with pytest.raises(urllib.error.HTTPError, match="403") as caught:
        urllib.request.urlopen(url)
    caught.value.close()


def test_a_token_expires(server, a_client, refusal):
    server.security_token = "first"
    old, new = a_client(token="first"), a_client(token="second")
    old.put_object("a", b"x")

    server.expire_token("second")

    assert refusal(old.get_object, "a") == (403, "SecurityTokenExpired")
    assert new.get_object("a").read() == b"x"


def test_permissions_are_taken_one_by_one(client, server, refusal):
    client.put_object("in/a", b"x")
    server.deny("oss:PutObjectTagging", "uploads", "in/")

    assert client.get_object("in/a").read() == b"x"
    assert refusal(client.put_object, "in/b", b"x", headers={"x-oss-tagging": "a=1"}) == (
        403,
        "AccessDenied",
    )
    client.put_object("out/b", b"x", headers={"x-oss-tagging": "a=1"})


# What goes wrong.


def test_requests_beyond_the_rate_are_throttled(client, server, refusal):
    server.put("uploads", "a", b"x")
    server.throttle(2, when=lambda request: request.method == "HEAD")

    client.head_object("a")
    assert refusal(client.head_object, "a")[0] == 503
    assert client.get_object("a").read() == b"x"
    time.sleep(0.5)
    client.head_object("a")


def test_a_body_drips(client, server):
    server.put("uploads", "a", b"0123456789")
    server.drip(0.02)
    started = time.monotonic()

    assert client.get_object("a").read() == b"0123456789"
    assert time.monotonic() - started > 0.18


def test_a_checksum_of_a_write_is_wrong(client, server):
    server.corrupt()

    with pytest.raises(oss2.exceptions.InconsistentError):
        client.put_object("a", b"x")


# Callbacks.


@pytest.fixture
def listener():
    """An HTTP server that keeps what is posted, and answers with JSON."""
    posted = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.path, dict(self.headers), body))
            self.send_response(500 if self.path.startswith("/fail") else 200)
            self.end_headers()
            self.wfile.write(b'{"Status": "OK"}')

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", posted
        server.shutdown()


def callback_headers(url, body="bucket=${bucket}&key=${object}&etag=${etag}&who=${x:who}"):
    def encoded(value):
        return base64.b64encode(json.dumps(value).encode()).decode()

    return {
        "x-oss-callback": encoded({"callbackUrl": url, "callbackBody": body}),
        "x-oss-callback-var": encoded({"x:who": "ann"}),
    }


def test_a_callback_is_posted_with_a_signature_and_its_reply_relayed(client, server, listener):
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    url, posted = listener

    result = client.put_object("a b.jpg", b"x", headers=callback_headers(f"{url}/h%20k?id=1"))

    ((path, headers, body),) = posted
    assert json.loads(result.resp.read()) == {"Status": "OK"}
    assert path == "/h%20k?id=1"
    assert body == f"bucket=uploads&key=a b.jpg&etag={result.etag}&who=ann".encode()
    signature = base64.b64decode(headers["Authorization"])
    numbers = load_pem_public_key(server.callback_public_key).public_numbers()
    block = pow(int.from_bytes(signature, "big"), numbers.e, numbers.n).to_bytes(64, "big")
    assert block.endswith(hashlib.md5(b"/h k?id=1\n" + body).digest())


def test_a_failed_callback_leaves_the_upload(client, server, listener):
    url, _ = listener

    result = client.put_object("a", b"x", headers=callback_headers(f"{url}/fail"))

    assert result.status == 203
    assert server.get("uploads", "a") == b"x"
