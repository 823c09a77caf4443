"""What OSS answers to a request, without HTTP: requests and answers are values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from xml.etree import ElementTree as ET

from redactor.testing.errors import OssFailure, invalid_argument, no_such_bucket, not_implemented
from redactor.testing.listing import iso8601, list_objects
from redactor.testing.store import Store, StoredObject

_KEPT_HEADERS = (
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "expires",
    "x-oss-storage-class",
)
_CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
_UNKNOWN_QUERY = ("acl", "tagging", "uploads", "uploadId", "append", "symlink", "restore", "delete")


@dataclass(frozen=True)
class Request:
    """A request as it came.

    Attributes:
        method: Of HTTP.
        bucket: Empty for a request about all buckets.
        key: Decoded; empty for a request about a bucket.
        query: Decoded names and values.
        headers: Names in lower case; values with bytes read as latin-1.
        body: Whole.
    """

    method: str
    bucket: str = ""
    key: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @property
    def process(self) -> str:
        """What `x-oss-process` asks for; empty if nothing."""
        return self.query.get("x-oss-process", "")


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Exchange:
    """A request with the status it was answered with; 0 where the connection was dropped."""

    request: Request
    status: int


class Service:
    """OSS over a store in memory.

    Attributes:
        store: Buckets and objects.
        region: Without `oss-`.
        image_codes_details: Whether `image/codes` sends Type and Confidence.
    """

    def __init__(self, store: Store, *, region: str, image_codes_details: bool = False) -> None:
        self.store = store
        self.region = region
        self.image_codes_details = image_codes_details

    def answer(self, request: Request) -> Answer:
        """Answer a request whose signature has been checked.

        Raises:
            OssFailure: If the answer is an error.
        """
        for name in _UNKNOWN_QUERY:
            if name in request.query:
                raise not_implemented(name)
        if not request.bucket:
            return self._buckets(request)
        if not request.key:
            return self._bucket(request)
        return self._object(request)

    def _buckets(self, request: Request) -> Answer:
        if request.method != "GET":
            raise _method_not_allowed(request)
        root = ET.Element("ListAllMyBucketsResult")
        buckets = ET.SubElement(root, "Buckets")
        for name in self.store.names():
            self._describe(ET.SubElement(buckets, "Bucket"), name)
        _add(root, "IsTruncated", "false")
        return _xml(root)

    def _bucket(self, request: Request) -> Answer:
        bucket = request.bucket
        match request.method:
            case "PUT":
                if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", bucket):
                    message = "The specified bucket is not valid."
                    raise OssFailure(400, "InvalidBucketName", message, {"BucketName": bucket})
                self.store.create(bucket)
                return Answer(200)
            case "DELETE":
                self.store.remove(bucket)
                return Answer(204)
            case "GET" if "bucketInfo" in request.query:
                return self._bucket_info(bucket)
            case "GET":
                body = list_objects(self.store, bucket, request.query)
                return Answer(200, {"Content-Type": "application/xml"}, body)
        raise _method_not_allowed(request)

    def _bucket_info(self, bucket: str) -> Answer:
        if bucket not in self.store.names():
            raise no_such_bucket(bucket)
        root = ET.Element("BucketInfo")
        element = ET.SubElement(root, "Bucket")
        self._describe(element, bucket)
        owner = ET.SubElement(element, "Owner")
        _add(owner, "ID", "1")
        _add(owner, "DisplayName", "1")
        _add(ET.SubElement(element, "AccessControlList"), "Grant", "private")
        return _xml(root)

    def _describe(self, element: ET.Element, bucket: str) -> None:
        _add(element, "Name", bucket)
        _add(element, "Location", f"oss-{self.region}")
        _add(element, "Region", self.region)
        _add(element, "CreationDate", iso8601(0))
        _add(element, "StorageClass", "Standard")
        _add(element, "ExtranetEndpoint", "127.0.0.1")
        _add(element, "IntranetEndpoint", "127.0.0.1")

    def _object(self, request: Request) -> Answer:
        if len(request.key.encode()) > 1023 or request.key[0] in "/\\":
            message = "The specified object is not valid."
            raise OssFailure(400, "InvalidObjectName", message, {"Key": request.key})
        match request.method:
            case "PUT":
                return self._put(request)
            case "GET" | "HEAD":
                return self._get(request)
            case "DELETE":
                self.store.delete(request.bucket, request.key)
                return Answer(204)
        raise _method_not_allowed(request)

    def _put(self, request: Request) -> Answer:
        headers = request.headers
        for name in (*_CONDITIONS, "x-oss-copy-source"):
            if name in headers:
                raise not_implemented(name)
        stored = StoredObject(request.body, _kept(headers))
        announced = headers.get("content-md5")
        if announced is not None and announced != stored.content_md5:
            message = "The Content-MD5 you specified was invalid."
            raise OssFailure(400, "InvalidDigest", message, {"Content-MD5": announced})
        forbid = headers.get("x-oss-forbid-overwrite", "false").lower()
        if forbid not in ("true", "false"):
            raise invalid_argument("x-oss-forbid-overwrite", forbid, "true or false is expected.")
        self.store.put(request.bucket, request.key, stored, overwrite=forbid == "false")
        return Answer(
            200,
            {
                "ETag": f'"{stored.etag}"',
                "x-oss-hash-crc64ecma": str(stored.crc64),
                "Content-MD5": stored.content_md5,
            },
        )

    def _get(self, request: Request) -> Answer:
        stored = self.store.get(request.bucket, request.key)
        _check_conditions(request.headers, stored)
        described = _describe_object(stored)
        if request.process:
            return self._process(request, stored, described)
        headers = {"content-type": "application/octet-stream", **described, **stored.headers}
        headers |= {"Content-MD5": stored.content_md5, "Accept-Ranges": "bytes"}
        return _cut(request.headers, stored.data, headers)

    def _process(
        self, request: Request, stored: StoredObject, described: Mapping[str, str]
    ) -> Answer:
        if request.process != "image/codes":
            message = "The stand-in knows image/codes only."
            raise invalid_argument("x-oss-process", request.process, message)
        # Decoders are loaded by those who ask for codes.
        from redactor.testing.image_codes import image_codes

        body = image_codes(stored.data, details=self.image_codes_details)
        headers = {
            **described,
            "Content-Type": "application/json;charset=utf-8",
            "Content-Disposition": "attachment",
            "x-oss-force-download": "true",
            "x-oss-ec": "0048-00000104",
        }
        return Answer(200, headers, body)


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name in _KEPT_HEADERS or name.startswith("x-oss-meta-")
    }


def _describe_object(stored: StoredObject) -> dict[str, str]:
    return {
        "ETag": f'"{stored.etag}"',
        "Last-Modified": formatdate(stored.modified, usegmt=True),
        "x-oss-hash-crc64ecma": str(stored.crc64),
        "x-oss-object-type": "Normal",
        "x-oss-storage-class": "Standard",
    }


def _check_conditions(headers: Mapping[str, str], stored: StoredObject) -> None:
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


def _method_not_allowed(request: Request) -> OssFailure:
    message = "The specified method is not allowed against this resource."
    return OssFailure(405, "MethodNotAllowed", message, {"Method": request.method})


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = text


def _xml(root: ET.Element) -> Answer:
    body = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return Answer(200, {"Content-Type": "application/xml"}, body)
