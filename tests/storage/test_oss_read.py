"""Reading from OSS: whole, checked, tried again, and each failure by its name."""

import hashlib
import io
import time

import pytest
from PIL import Image

from redactor.errors import (
    AccessRefused,
    BackendMissing,
    DamagedTransfer,
    LimitExceeded,
    NotFound,
    StorageError,
    Unavailable,
    UnsupportedPicture,
)
from redactor.storage.oss import OssClient
from redactor.storage.oss_place import OssPlace, OssSettings

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

A_LOT = 1_000_000
UNUSUAL_KEYS = [
    "a b.jpg",
    "a+b.jpg",
    "100%.jpg",
    "%41.jpg",
    "图/片.jpg",
    "a?b#c&d=e.jpg",
    "a//b.jpg",
]


def read(client, place, max_bytes=A_LOT):
    return client.read(place, max_bytes=max_bytes)


def a_png():
    file = io.BytesIO()
    Image.new("L", (50, 50), 255).save(file, "PNG")
    return file.getvalue()


def test_bytes_come_with_their_etag(client, server, place):
    server.put("uploads", "in/a.jpg", b"bytes")

    blob = read(client, place)

    assert blob.data == b"bytes"
    assert blob.etag == hashlib.md5(b"bytes").hexdigest().upper()


def test_an_empty_object_is_empty(client, server, place):
    server.put("uploads", "in/a.jpg", b"")

    assert read(client, place).data == b""


def test_a_large_object_is_whole(client, server, place):
    data = bytes(range(256)) * 4096
    server.put("uploads", "in/a.jpg", data)

    assert read(client, place, 2_000_000).data == data


@pytest.mark.parametrize("key", UNUSUAL_KEYS)
def test_unusual_keys_are_read(client, server, key):
    server.put("uploads", key, b"bytes")

    assert read(client, OssPlace("uploads", key)).data == b"bytes"


def test_one_request_does(client, server, place):
    server.put("uploads", "in/a.jpg", b"bytes")

    read(client, place)

    assert [request.method for request in server.requests] == ["GET"]


def test_an_object_beyond_the_limit_is_refused_unread(client, server, place, waits):
    server.put("uploads", "in/a.jpg", bytes(1001))

    with pytest.raises(LimitExceeded, match=r"oss://uploads/in/a\.jpg: 1,001 bytes, more than"):
        read(client, place, 1000)
    assert waits == []


def test_throttling_is_waited_for(client, server, place, waits):
    server.put("uploads", "in/a.jpg", b"bytes")
    server.fail(times=2, status=503, code="ServiceUnavailable")

    assert read(client, place).data == b"bytes"
    assert waits == [0.4, 0.8]


def test_a_store_that_stays_busy_is_unavailable(client, server, place):
    server.fail(times=None, status=503, code="TotalQpsLimitExceeded")

    with pytest.raises(Unavailable, match=r"TotalQpsLimitExceeded.*tried 3 times"):
        read(client, place)
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("status", "code"), [(500, "InternalError"), (502, ""), (400, "RequestTimeout")]
)
def test_other_passing_failures_are_tried_again(client, server, place, status, code):
    server.put("uploads", "in/a.jpg", b"bytes")
    server.fail(status=status, code=code)

    assert read(client, place).data == b"bytes"


def test_a_cut_body_is_read_again(client, server, place):
    server.put("uploads", "in/a.jpg", b"0123456789")
    server.cut(4)

    assert read(client, place).data == b"0123456789"


def test_a_body_that_is_always_cut_is_damaged(client, server, place):
    server.put("uploads", "in/a.jpg", b"0123456789")
    server.cut(4, times=None)

    with pytest.raises(DamagedTransfer, match=r"oss://uploads/in/a\.jpg: the connection broke"):
        read(client, place)


def test_a_changed_byte_is_noticed(client, server, place):
    server.put("uploads", "in/a.jpg", b"0123456789")
    server.corrupt()

    assert read(client, place).data == b"0123456789"
    assert len(server.requests) == 2


def test_a_byte_that_always_changes_is_damage(client, server, place):
    server.put("uploads", "in/a.jpg", b"0123456789")
    server.corrupt(times=None)

    with pytest.raises(DamagedTransfer, match="the checksum differs"):
        read(client, place)


def test_a_lost_connection_is_tried_again(client, server, place):
    server.put("uploads", "in/a.jpg", b"bytes")
    server.reset()

    assert read(client, place).data == b"bytes"


def test_a_slow_answer_is_given_up_and_tried_again(impatient, server, place):
    server.put("uploads", "in/a.jpg", b"bytes")
    server.delay(30)
    started = time.monotonic()

    assert read(impatient, place).data == b"bytes"
    assert time.monotonic() - started < 10


def test_a_store_that_never_answers_is_unavailable(impatient, server, place):
    server.delay(30, times=None)

    with pytest.raises(Unavailable, match="did not answer in time"):
        read(impatient, place)


def test_a_store_that_is_gone_is_unavailable(client, server, place):
    server.stop()

    with pytest.raises(Unavailable, match=r"cannot be reached .*check OSS_ENDPOINT"):
        read(client, place)


def test_a_server_that_is_no_oss_is_named(client, server, place):
    server.fail(status=418, code="")

    with pytest.raises(StorageError, match="HTTP 418"):
        read(client, place)


@pytest.mark.parametrize(
    ("status", "code", "error", "message"),
    [
        (403, "AccessDenied", AccessRefused, "need oss:GetObject"),
        (403, "InvalidObjectState", StorageError, "restore it from the archive"),
        (403, "SecurityTokenExpired", BackendMissing, "fresh credentials"),
        (403, "RequestTimeTooSkewed", BackendMissing, "clock"),
        (405, "MethodNotAllowed", NotFound, "MethodNotAllowed"),
    ],
)
def test_failures_are_named_with_the_way_out(
    client, server, place, waits, status, code, error, message
):
    server.fail(status=status, code=code, message="Said so.")

    with pytest.raises(error, match=message) as caught:
        read(client, place)
    text = str(caught.value)
    assert text.startswith(f"oss://uploads/in/a.jpg: {code} Said so. (request ")
    assert "\n" not in text
    assert waits == []


def test_a_missing_object_is_not_found(client, place):
    with pytest.raises(NotFound, match=r"oss://uploads/in/a\.jpg: NoSuchKey"):
        read(client, place)


def test_a_missing_bucket_is_a_missing_backend(client):
    with pytest.raises(BackendMissing, match=r"oss://nowhere/a: NoSuchBucket .*check the bucket"):
        read(client, OssPlace("nowhere", "a"))


@pytest.mark.parametrize(
    ("variable", "code"),
    [
        ("OSS_ACCESS_KEY_ID", "InvalidAccessKeyId"),
        ("OSS_ACCESS_KEY_SECRET", "SignatureDoesNotMatch"),
    ],
)
def test_refused_credentials_are_a_missing_backend(client, monkeypatch, place, variable, code):
    monkeypatch.setenv(variable, "wrong")

    with pytest.raises(BackendMissing, match=f"{code} .*check OSS_ACCESS_KEY_ID"):
        read(client, place)


@pytest.mark.usefixtures("server")
def test_missing_credentials_are_told_before_anything_is_sent(monkeypatch):
    monkeypatch.delenv("OSS_ACCESS_KEY_ID")

    with pytest.raises(BackendMissing, match="set OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET"):
        OssClient()


def test_an_endpoint_that_is_none_is_told(server, place):
    with pytest.raises(BackendMissing, match="check OSS_ENDPOINT"):
        read(OssClient(OssSettings(endpoint="http://a b", region="cn-hangzhou")), place)


def test_an_object_that_is_stored_compressed_is_not_taken(client, server, place):
    server.put("uploads", "in/a.jpg", b"bytes", headers={"Content-Encoding": "gzip"})

    with pytest.raises(UnsupportedPicture, match="Content-Encoding gzip"):
        read(client, place)


def test_a_content_encoding_that_packs_nothing_is_no_matter(client, server, place):
    server.put("uploads", "in/a.jpg", b"bytes", headers={"Content-Encoding": "utf-8"})

    assert read(client, place).data == b"bytes"


def test_a_proxy_and_a_netrc_do_not_come_between(server, place, monkeypatch, tmp_path):
    server.put("uploads", "in/a.jpg", b"bytes")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    assert read(OssClient(), place).data == b"bytes"


def test_codes_are_asked_for(client, server, place):
    server.put("uploads", "in/a.jpg", b"not a picture")

    with pytest.raises(
        StorageError, match=r"a\.jpg\?x-oss-process=image/codes: Imm Client Invalid"
    ):
        client.ask_image_codes(place)
    assert server.requests[0].query == {"x-oss-process": "image/codes"}


def test_an_answer_about_codes_comes_as_it_is(client, server, place):
    server.put("uploads", "in/a.jpg", a_png())

    answer = client.ask_image_codes(place)

    assert b'"Codes": []' in answer.body
    assert answer.etag == server.stored("uploads", "in/a.jpg").etag


def test_an_answer_without_end_is_no_answer(client, server, place, monkeypatch):
    monkeypatch.setattr("redactor.storage.oss.MAX_ANSWER_BYTES", 10)
    server.put("uploads", "in/a.jpg", a_png())

    with pytest.raises(StorageError, match="more than the limit of 10 bytes"):
        client.ask_image_codes(place)


def test_asking_for_codes_is_tried_again(client, server, place):
    server.fail(times=None, status=503, code="CpuLimitExceeded")

    with pytest.raises(Unavailable):
        client.ask_image_codes(place)
    assert len(server.requests) == 3
