"""What events say was uploaded: Function Compute, MNS, EventBridge and upload callbacks.

Facts from the pages on trigger events (2026-04-01), OSS events of EventBridge and the older page
on event notifications. Undocumented, so that both readings are taken: whether a key is URL-encoded
(the one whose object exists counts), and how EventBridge nests what OSS says. Nothing that an
event says besides bucket, key and ETag is used: the object itself is asked.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus

# `ObjectCreated:*` includes InitiateMultipartUpload and UploadPart, when there is no object yet.
_CREATED = frozenset(
    f"ObjectCreated:{name}"
    for name in (
        "PutObject",
        "PostObject",
        "CopyObject",
        "CompleteMultipartUpload",
        "AppendObject",
    )
)
_ENVELOPES = ("data", "Message", "messageBody", "MessageBody", "body")
_DEPTH = 6
_MAX_KEY_BYTES = 1023


class UnknownEventError(ValueError):
    """No event that is understood; it will not be, however often it comes."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An object that is said to be new.

    Attributes:
        bucket: Its name.
        keys: What its key may be, the likeliest first.
        etag: Without quotes, upper case; empty where it is not said.
    """

    bucket: str
    keys: tuple[str, ...]
    etag: str = ""


def uploads_in(event: bytes | str) -> list[Upload]:
    """Give the uploads that an event tells of; none for events about something else.

    Args:
        event: JSON, or base64 of it; an event, a list of them, or an envelope around either.

    Raises:
        UnknownEventError: If it is none of these.
    """
    return list(_uploads(_decoded(event), _DEPTH))


def upload_in_callback(body: bytes, content_type: str) -> Upload:
    """Give the upload that a callback tells of; its body has `bucket`, `object` and `etag`.

    Raises:
        UnknownEventError: If bucket or object are missing.
    """
    if "json" in content_type.lower():
        found = _decoded(body)
        fields = found if isinstance(found, dict) else {}
        keys: tuple[str, ...] = (_text(fields.get("object")),)
    else:
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise UnknownEventError("the body of the callback is not UTF-8") from None
        fields = dict(parse_qsl(text, keep_blank_values=True))
        raw = dict(pair.partition("=")[::2] for pair in text.split("&"))
        keys = _text(fields.get("object")), _text(raw.get("object"))
    return _named(_text(fields.get("bucket")), *keys, etag=fields.get("etag"))


def _uploads(event: Any, depth: int) -> Iterator[Upload]:  # noqa: ANN401 - JSON
    if depth == 0:
        raise UnknownEventError("the event is nested too deeply")
    if isinstance(event, str):
        event = _decoded(event)
    if isinstance(event, list):
        for one in event:
            yield from _uploads(one, depth - 1)
        return
    if not isinstance(event, dict):
        raise UnknownEventError("the event is no JSON object")
    if "events" in event:
        yield from _uploads(event["events"], depth - 1)
        return
    if "oss" in event:
        yield from _upload(event, str(event.get("eventName") or ""))
        return
    inner = next((event[name] for name in _ENVELOPES if event.get(name)), None)
    if inner is None:
        raise UnknownEventError("the event names no object of OSS: neither `events` nor `oss`")
    if isinstance(inner, dict) and "oss" in inner:
        # EventBridge names the event outside of what OSS says.
        yield from _upload(inner, str(inner.get("eventName") or event.get("type") or ""))
        return
    yield from _uploads(inner, depth - 1)


def _upload(event: dict[str, Any], name: str) -> Iterator[Upload]:
    if name.removeprefix("oss:") not in _CREATED:
        return
    oss = event["oss"] if isinstance(event["oss"], dict) else {}
    bucket, found = oss.get("bucket"), oss.get("object")
    if not isinstance(bucket, dict) or not isinstance(found, dict):
        raise UnknownEventError("the event names no bucket and object")
    key = _text(found.get("key"))
    keys = key, unquote(key), unquote_plus(key)
    yield _named(_text(bucket.get("name")), *keys, etag=found.get("eTag"))


def _decoded(event: bytes | str) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(event)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(base64.b64decode(event, validate=True))
    except (ValueError, RecursionError):
        raise UnknownEventError("the event is neither JSON nor base64 of it") from None


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    return value if isinstance(value, str) else ""


def _plain(etag: Any) -> str:  # noqa: ANN401 - JSON
    found = _text(etag).strip('"').upper()
    return found if re.fullmatch(r"[0-9A-Z-]{1,100}", found) else ""


def _named(bucket: str, *keys: str, etag: Any) -> Upload:  # noqa: ANN401 - JSON
    """Give an upload by the keys that can be those of an object."""
    able = tuple(key for key in dict.fromkeys(keys) if _is_key(key))
    if not bucket or not able:
        raise UnknownEventError(
            'no object is named; a callback says "bucket=${bucket}&object=${object}&etag=${etag}"'
        )
    return Upload(bucket, able, _plain(etag))


def _is_key(key: str) -> bool:
    try:
        return 1 <= len(key.encode()) <= _MAX_KEY_BYTES
    except UnicodeEncodeError:
        return False
