"""Signatures of version 1 (HMAC-SHA1), which old clients still send."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from redactor.testing.errors import OssFailure, access_denied

if TYPE_CHECKING:
    from redactor.testing.messages import Request

# Parameters that are signed; the others are not.
_NAMES = """
    acl append bucketInfo callback callback-var continuation-token delete encryption objectMeta
    partNumber policy position replication response-cache-control response-content-disposition
    response-content-type response-expires restore security-token stat symlink tagging uploadId
    uploads versionId versioning versions x-oss-process
"""
_SIGNED = frozenset(_NAMES.split())


@dataclass(frozen=True, slots=True)
class ClaimV1:
    """What a request says about its own signature.

    Attributes:
        access_key_id: Whose signature it is.
        signature: Base64.
        date: As it is signed: a date of HTTP, or the end of a URL's life in seconds since 1970.
        expires: That end; None in a header.
    """

    access_key_id: str
    signature: str
    date: str
    expires: float | None = None

    def age_s(self, now: float) -> float:
        """Give the seconds since it was signed; of a URL, since its end."""
        if self.expires is not None:
            return now - self.expires
        try:
            return now - parsedate_to_datetime(self.date).timestamp()
        except ValueError:
            raise access_denied("OSS authentication requires a valid Date.") from None


def read_claim_v1(request: Request) -> ClaimV1 | None:
    """Find a signature of version 1; None where there is none."""
    authorization = request.headers.get("authorization", "")
    if authorization.startswith("OSS "):
        access_key_id, _, signature = authorization[4:].partition(":")
        date = request.headers.get("x-oss-date") or request.headers.get("date", "")
        return ClaimV1(access_key_id, signature, date)
    if {"OSSAccessKeyId", "Signature", "Expires"} <= request.query.keys():
        expires = request.query["Expires"]
        if not expires.isdecimal():
            raise OssFailure(403, "AccessDenied", "Invalid date: it should be an integer.")
        claim = (request.query["OSSAccessKeyId"], request.query["Signature"], expires)
        return ClaimV1(*claim, float(expires))
    return None


def sign_v1(request: Request, secret: str, date: str) -> str:
    """Give the signature, in base64."""
    headers = request.headers
    oss = sorted((name, value) for name, value in headers.items() if name.startswith("x-oss-"))
    lines = [
        request.method,
        headers.get("content-md5", ""),
        headers.get("content-type", ""),
        date,
        *(f"{name}:{value}" for name, value in oss),
        "",
    ]
    # Values of headers are bytes read as latin-1; names of objects are UTF-8.
    text = "\n".join(lines).encode("latin-1") + _resource(request).encode()
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha1).digest()).decode()


def _resource(request: Request) -> str:
    path = f"/{request.bucket}/{request.key}" if request.bucket else "/"
    signed = _query(request.query)
    return f"{path}?{signed}" if signed else path


def _query(query: Mapping[str, str]) -> str:
    pairs = sorted((name, value) for name, value in query.items() if name in _SIGNED)
    return "&".join(f"{name}={value}" if value else name for name, value in pairs)
