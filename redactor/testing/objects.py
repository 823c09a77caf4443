"""What OSS answers about one object: put, copy, get, delete, tags, access lists, symlinks."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import replace
from email.utils import formatdate
from urllib.parse import parse_qsl, quote, unquote
from xml.etree import ElementTree as ET

from redactor.testing.errors import (
    OssFailure,
    invalid_argument,
    method_not_allowed,
    not_implemented,
)
from redactor.testing.listing import iso8601
from redactor.testing.messages import Answer, Request, add, parse_xml, xml_answer
from redactor.testing.store import Store, StoredObject

_KEPT_HEADERS = (
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "expires",
    "x-oss-storage-class",
    "x-oss-server-side-encryption",
    "x-oss-server-side-encryption-key-id",
    "x-oss-server-side-data-encryption",
)
# A copy takes these from the request alone.
_NOT_COPIED = ("x-oss-storage-class", "x-oss-server-side", "x-oss-restore")
_CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
_ACLS = ("default", "private", "public-read", "public-read-write")
_MAX_TAGS = 10


class Objects:
    """Objects of a store."""

    def __init__(self, store: Store, *, image_codes_details: bool = False) -> None:
        self._store = store
        self._details = image_codes_details

    def answer(self, request: Request) -> Answer:
        """Answer a request about an object."""
        if "acl" in request.query:
            return self._acl(request)
        if "tagging" in request.query:
            return self._tagging(request)
        if "symlink" in request.query:
            return self._symlink(request)
        match request.method:
            case "PUT" if "x-oss-copy-source" in request.headers:
                return self._copy(request)
            case "PUT":
                return self._put(request)
            case "GET" | "HEAD":
                return self._get(request)
            case "DELETE":
                return self._delete(request)
            case "POST" if "restore" in request.query:
                return self._restore(request)
        raise method_not_allowed(request.method)

    def delete_many(self, request: Request) -> Answer:
        """Answer POST ?delete on a bucket."""
        root = ET.Element("DeleteResult")
        add(root, "EncodingType", "url")
        for element in parse_xml(request.body).iter("Object"):
            key = element.findtext("Key") or ""
            self._store.delete(request.bucket, key, element.findtext("VersionId"))
            add(add(root, "Deleted"), "Key", quote(key, safe=""))
        return xml_answer(root)

    def _put(self, request: Request) -> Answer:
        headers = request.headers
        for name in _CONDITIONS:
            if name in headers:
                raise not_implemented(name)
        stored = new_object(request, request.body)
        announced = headers.get("content-md5")
        if announced is not None and announced != stored.content_md5:
            message = "The Content-MD5 you specified was invalid."
            raise OssFailure(400, "InvalidDigest", message, {"Content-MD5": announced})
        stored = self._store.put(request.bucket, request.key, stored, overwrite=_may(headers))
        return Answer(
            200,
            {
                "ETag": f'"{stored.etag}"',
                "x-oss-hash-crc64ecma": str(stored.crc64),
                "Content-MD5": stored.content_md5,
                **self._versioned(request.bucket, stored),
            },
        )

    def _copy(self, request: Request) -> Answer:
        headers = request.headers
        source = unquote(headers["x-oss-copy-source"], errors="strict")
        path, _, version = source.partition("?versionId=")
        bucket, _, key = path.removeprefix("/").partition("/")
        found = self._store.get(bucket, key, version or None)
        check_readable(found)
        _check_conditions(
            {
                "if-match": headers.get("x-oss-copy-source-if-match"),
                "if-none-match": headers.get("x-oss-copy-source-if-none-match"),
            },
            found,
        )
        asked = new_object(request, found.data)
        if headers.get("x-oss-metadata-directive", "COPY").upper() == "COPY":
            kept = {k: v for k, v in found.headers.items() if not k.startswith(_NOT_COPIED)}
            sent = {k: v for k, v in asked.headers.items() if k.startswith(_NOT_COPIED)}
            asked = replace(asked, headers=kept | sent)
        if headers.get("x-oss-tagging-directive", "Copy").lower() == "copy":
            asked = replace(asked, tags=found.tags)
        asked = replace(asked, parts=found.parts, kind=found.kind)
        stored = self._store.put(request.bucket, request.key, asked, overwrite=_may(headers))
        root = ET.Element("CopyObjectResult")
        add(root, "LastModified", iso8601(stored.modified))
        add(root, "ETag", f'"{stored.etag}"')
        described = {"ETag": f'"{stored.etag}"', "x-oss-hash-crc64ecma": str(stored.crc64)}
        return xml_answer(root, described | self._versioned(request.bucket, stored))

    def _get(self, request: Request) -> Answer:
        stored = self._store.get(request.bucket, request.key, request.version)
        link = stored
        if stored.kind == "Symlink":
            stored = self._target(request.bucket, stored)
        conditions = {name: request.headers.get(name) for name in ("if-match", "if-none-match")}
        _check_conditions(conditions, stored)
        described = _describe_object(stored) | self._versioned(request.bucket, link)
        described |= {"x-oss-object-type": link.kind}
        if request.method == "GET":
            check_readable(stored)
        if request.process:
            return self._process(request, stored, described)
        headers = {"content-type": "application/octet-stream", **described, **link.headers}
        if stored.kind == "Normal":
            headers["Content-MD5"] = stored.content_md5
        if stored.tags:
            headers["x-oss-tagging-count"] = str(len(stored.tags))
        return _cut(request.headers, stored.data, headers | {"Accept-Ranges": "bytes"})

    def _target(self, bucket: str, link: StoredObject) -> StoredObject:
        try:
            target = self._store.get(bucket, link.target)
        except OssFailure:
            message = "The target object of the symlink does not exist."
            raise OssFailure(404, "SymlinkTargetNotExist", message) from None
        if target.kind == "Symlink":
            raise OssFailure(400, "InvalidTargetType", "The target of a symlink is a symlink.")
        return target

    def _process(
        self, request: Request, stored: StoredObject, described: Mapping[str, str]
    ) -> Answer:
        if request.process != "image/codes":
            message = "The stand-in knows image/codes only."
            raise invalid_argument("x-oss-process", request.process, message)
        # Decoders are loaded by those who ask for codes.
        from redactor.testing.image_codes import image_codes

        body = image_codes(stored.data, details=self._details)
        headers = {
            **described,
            "Content-Type": "application/json;charset=utf-8",
            "Content-Disposition": "attachment",
            "x-oss-force-download": "true",
            "x-oss-ec": "0048-00000104",
        }
        return Answer(200, headers, body)

    def _delete(self, request: Request) -> Answer:
        gone = self._store.delete(request.bucket, request.key, request.version)
        if gone is None:
            return Answer(204)
        marker = {"x-oss-delete-marker": "true"} if gone.is_marker else {}
        return Answer(204, {"x-oss-version-id": gone.version, **marker})

    def _acl(self, request: Request) -> Answer:
        place = (request.bucket, request.key, request.version)
        if request.method == "PUT":
            self._store.change(*place, acl=check_acl(request.headers.get("x-oss-object-acl", "")))
            return Answer(200)
        root = ET.Element("AccessControlPolicy")
        add(add(root, "AccessControlList"), "Grant", self._store.get(*place).acl)
        return xml_answer(root)

    def _tagging(self, request: Request) -> Answer:
        place = (request.bucket, request.key, request.version)
        match request.method:
            case "PUT":
                tags = {
                    tag.findtext("Key") or "": tag.findtext("Value") or ""
                    for tag in parse_xml(request.body).iter("Tag")
                }
                self._store.change(*place, tags=_check_tags(tags))
                return Answer(200)
            case "DELETE":
                self._store.change(*place, tags={})
                return Answer(204)
        root = ET.Element("Tagging")
        tag_set = add(root, "TagSet")
        for key, value in self._store.get(*place).tags.items():
            tag = add(tag_set, "Tag")
            add(tag, "Key", key)
            add(tag, "Value", value)
        return xml_answer(root)

    def _symlink(self, request: Request) -> Answer:
        if request.method == "PUT":
            target = unquote(request.headers.get("x-oss-symlink-target", ""))
            link = replace(new_object(request, b""), kind="Symlink", target=target)
            stored = self._store.put(
                request.bucket, request.key, link, overwrite=_may(request.headers)
            )
            return Answer(200, {"ETag": f'"{stored.etag}"'})
        link = self._store.get(request.bucket, request.key, request.version)
        if link.kind != "Symlink":
            raise OssFailure(400, "NotSymlink", "The object is not a symlink.")
        return Answer(200, {"x-oss-symlink-target": quote(link.target), "ETag": f'"{link.etag}"'})

    def _restore(self, request: Request) -> Answer:
        stored = self._store.get(request.bucket, request.key, request.version)
        if not stored.storage_class.endswith("Archive"):
            message = "The operation is not valid for the object's state."
            raise OssFailure(400, "OperationNotSupported", message)
        # At once; OSS takes from a minute to a day.
        until = formatdate(time.time() + 86_400, usegmt=True)
        restored = {"x-oss-restore": f'ongoing-request="false", expiry-date="{until}"'}
        place = (request.bucket, request.key, request.version)
        self._store.change(*place, headers={**stored.headers, **restored})
        return Answer(202)

    def _versioned(self, bucket: str, stored: StoredObject) -> dict[str, str]:
        has_versions = self._store.bucket(bucket).versioning
        return {"x-oss-version-id": stored.version} if has_versions else {}


def new_object(request: Request, data: bytes) -> StoredObject:
    """Give an object as the headers of a request want it."""
    headers = request.headers
    kept = {
        name: value
        for name, value in headers.items()
        if name in _KEPT_HEADERS or name.startswith("x-oss-meta-")
    }
    if len("".join(k + v for k, v in kept.items() if k.startswith("x-oss-meta-"))) > 8192:
        raise OssFailure(400, "MetadataTooLarge", "User metadata has more than 8 KB.")
    tags = dict(parse_qsl(headers.get("x-oss-tagging", ""), keep_blank_values=True))
    acl = check_acl(headers.get("x-oss-object-acl", "default"))
    return StoredObject(data, kept, acl=acl, tags=_check_tags(tags))


def check_acl(acl: str) -> str:
    """Give an ACL back if it is one."""
    if acl not in _ACLS:
        raise invalid_argument("x-oss-object-acl", acl, "no such acl exists")
    return acl


def check_readable(stored: StoredObject) -> None:
    """Refuse what is in an archive."""
    if stored.is_frozen:
        message = "The operation is not valid for the object's state."
        raise OssFailure(403, "InvalidObjectState", message)


def _check_tags(tags: dict[str, str]) -> dict[str, str]:
    is_fine = all(
        1 <= len(key.encode()) <= 128 and len(value.encode()) <= 256 for key, value in tags.items()
    )
    if len(tags) > _MAX_TAGS or not is_fine:
        raise invalid_argument("tagging", str(len(tags)), "Ten tags at most are expected.")
    return tags


def _may(headers: Mapping[str, str]) -> bool:
    """Say whether a request may replace what is there."""
    forbid = headers.get("x-oss-forbid-overwrite", "false").lower()
    if forbid not in ("true", "false"):
        raise invalid_argument("x-oss-forbid-overwrite", forbid, "true or false is expected.")
    return forbid == "false"


def _describe_object(stored: StoredObject) -> dict[str, str]:
    return {
        "ETag": f'"{stored.etag}"',
        "Last-Modified": formatdate(stored.modified, usegmt=True),
        "x-oss-hash-crc64ecma": str(stored.crc64),
        "x-oss-object-type": stored.kind,
        "x-oss-storage-class": stored.storage_class,
    }


def _check_conditions(headers: Mapping[str, str | None], stored: StoredObject) -> None:
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    # oss2's own ranged download sends the ETag without quotes.
    if match is not None and match.strip('"') not in (stored.etag, "*"):
        message = "At least one of the pre-conditions you specified did not hold."
        raise OssFailure(412, "PreconditionFailed", message, {"Condition": "If-Match"})
    if none_match is not None and none_match.strip('"') in (stored.etag, "*"):
        raise OssFailure(304, "")


def _cut(request: Mapping[str, str], data: bytes, headers: Mapping[str, str]) -> Answer:
    """Answer with the range that is asked for, or with everything."""
    size = len(data)
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", request.get("range", ""))
    if not found or found.group() == "bytes=-":
        return Answer(200, headers, data)
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    stop = min(int(last) + 1, size) if first and last else size
    if start >= stop:
        if request.get("x-oss-range-behavior") == "standard":
            raise OssFailure(416, "InvalidRange", "The requested range cannot be satisfied.")
        # As OSS does unless told otherwise.
        return Answer(200, headers, data)
    ranged = {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{size}"}
    ranged.pop("Content-MD5", None)
    return Answer(206, ranged, data[start:stop])
