"""What events say was uploaded, in every envelope they come in."""

import base64
import json

import pytest

from redactor.hooks.uploads import UnknownEventError, Upload, upload_in_callback, uploads_in

OBJECT = {"key": "in/a.png", "eTag": "AB12", "size": 122539, "deltaSize": 122539}
OSS = {"ossSchemaVersion": "1.0", "bucket": {"name": "uploads"}, "object": OBJECT}
UPLOAD = Upload("uploads", ("in/a.png",), "AB12")


def event(name="ObjectCreated:PutObject", **changes):
    return {"eventName": name, "eventSource": "acs:oss", "oss": OSS} | changes


def keyed(key):
    return event(oss={"bucket": {"name": "uploads"}, "object": {"key": key}})


def packed(value):
    return base64.b64encode(json.dumps(value).encode()).decode()


INSIDE = {"oss": OSS | {"region": "cn-hangzhou", "userIdentity": {}}}  # as MNS nests them
ENVELOPES = {
    "function compute": {"events": [event()]},
    "one event alone": event(),
    "a list of events": [event()],
    "numbers as strings": {"events": [event(oss=OSS | {"object": OBJECT | {"size": "122539"}})]},
    "older nesting": {"events": [event() | INSIDE]},
    "mns, base64": packed({"events": [event()]}),
    "mns message": {"Message": packed({"events": [event()]}), "MessageId": "1"},
    "mns body": [{"data": {"messageBody": packed({"events": [event()]})}, "type": "mns:Queue"}],
    "eventbridge, data.oss": {"type": "oss:ObjectCreated:PutObject", "data": {"oss": OSS}},
    "eventbridge, data.events": {"type": "oss:Other", "data": {"events": [event()]}},
    "eventbridge, list": [{"type": "oss:ObjectCreated:PostObject", "data": {"oss": OSS}}],
}


@pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=ENVELOPES)
def test_every_envelope_gives_the_upload(envelope):
    assert uploads_in(json.dumps(envelope).encode()) == [UPLOAD]


def test_a_bare_base64_body_is_understood():
    assert uploads_in(packed({"events": [event()]}).encode()) == [UPLOAD]


def test_several_events_give_several_uploads():
    assert len(uploads_in(json.dumps({"events": [event(), event(), keyed("b.jpg")]}))) == 3


@pytest.mark.parametrize(
    "name",
    [
        "ObjectRemoved:DeleteObject",
        "ObjectCreated:InitiateMultipartUpload",
        "ObjectCreated:UploadPart",
        "ObjectModified:UpdateObjectMeta",
        "",
    ],
)
def test_events_about_anything_else_give_nothing(name):
    assert uploads_in(json.dumps({"events": [event(name)]})) == []


@pytest.mark.parametrize(
    ("key", "keys"),
    [
        ("in/a b.jpg", ("in/a b.jpg",)),
        ("in/a%20b.jpg", ("in/a%20b.jpg", "in/a b.jpg")),
        ("in/a+b.jpg", ("in/a+b.jpg", "in/a b.jpg")),
        ("in/100%.jpg", ("in/100%.jpg",)),
        ("in/图片.jpg", ("in/图片.jpg",)),
        ("k" * 1023, ("k" * 1023,)),
        ("图" * 341, ("图" * 341,)),
    ],
)
def test_a_key_counts_as_it_is_and_then_as_it_would_be_decoded(key, keys):
    assert uploads_in(json.dumps({"events": [keyed(key)]}))[0].keys == keys


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"not json",
        b"[1]",
        b"null",
        b"{}",
        b'{"events": [{"eventName": "ObjectCreated:PutObject", "oss": null}]}',
        b'{"data": {"data": {"data": {"data": {"data": {"data": {"data": 1}}}}}}}',
        b"[" * 100_000,
        json.dumps({"events": [keyed("k" * 1024)]}).encode(),
        b'{"events": [{"eventName": "ObjectCreated:PutObject", "oss": {"bucket": {"name": "b"},'
        b' "object": {"key": "\\ud800"}}}]}',
    ],
)
def test_what_is_no_event_is_an_error_and_nothing_worse(body):
    with pytest.raises(UnknownEventError):
        uploads_in(body)


@pytest.mark.parametrize(
    ("body", "kind", "keys"),
    [
        (b"bucket=uploads&object=in%2Fa.jpg&etag=AB", "application/x-www-form-urlencoded",
         ("in/a.jpg", "in%2Fa.jpg")),
        (b"bucket=uploads&object=in/a+b.jpg&etag=AB", "", ("in/a b.jpg", "in/a+b.jpg")),
        (b'{"bucket": "uploads", "object": "in/a%b.jpg", "etag": "\\"ab\\""}', "application/json",
         ("in/a%b.jpg",)),
    ],
)  # fmt: skip
def test_a_callback_names_the_upload_in_a_form_or_in_json(body, kind, keys):
    assert upload_in_callback(body, kind) == Upload("uploads", keys, "AB")


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"bucket=uploads", ""), (b"\xff", ""), (b"[]", "application/json"), (b"x", "text/json")],
)
def test_a_callback_that_names_nothing_says_what_it_should_say(body, kind):
    with pytest.raises(UnknownEventError):
        upload_in_callback(body, kind)
