"""Signatures verified as OSS does: version 4 (OSS4-HMAC-SHA256), and version 1 for old clients.

Facts that are easy to get wrong: the bucket is part of the canonical path even where the wire
has it in the host name; an empty query value is signed as `k`, not `k=`; Host is not signed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from redactor.testing.errors import OssFailure, access_denied, invalid_argument
from redactor.testing.signature_v1 import ClaimV1, read_claim_v1, sign_v1

if TYPE_CHECKING:
    from redactor.testing.messages import Request

ALGORITHM = "OSS4-HMAC-SHA256"
MAX_SKEW_S = 15 * 60
MAX_PRESIGNED_S = 7 * 24 * 3600
_ALWAYS_SIGNED = ("content-type", "content-md5")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says about its own signature.

    Attributes:
        access_key_id: Whose signature it is.
        scope: Date, region and product, as in the credential.
        date: `x-oss-date`, such as 20260102T030405Z.
        additional: Names of further signed headers, lower case, sorted.
        signature: Hex.
        expires_s: Seconds that a presigned URL is good for; None in a header.
    """

    access_key_id: str
    scope: tuple[str, str, str]
    date: str
    additional: tuple[str, ...]
    signature: str
    expires_s: int | None = None


@dataclass(frozen=True, slots=True)
class Verifier:
    """Accepts what was signed with these credentials, for this region, about now.

    Attributes:
        access_key_id: The one that is known.
        access_key_secret: Its secret.
        region: Without `oss-`, such as cn-hangzhou.
        security_token: What every request must carry; None for credentials without one.
        clock: Gives the time in seconds since 1970.
        expired_tokens: Tokens that were good once.
    """

    access_key_id: str
    access_key_secret: str
    region: str
    security_token: str | None
    clock: Callable[[], float]
    expired_tokens: Collection[str] = ()

    def check(self, request: Request) -> None:
        """Do nothing for a rightly signed request.

        Raises:
            OssFailure: As OSS answers the others.
        """
        old = read_claim_v1(request)
        claim = old or read_claim(request)
        self._check_token(request)
        if claim.access_key_id != self.access_key_id:
            message = "The OSS Access Key Id you provided does not exist in our records."
            raise OssFailure(
                403, "InvalidAccessKeyId", message, {"OSSAccessKeyId": claim.access_key_id}
            )
        if isinstance(claim, ClaimV1):
            self._check_time_v1(claim)
            expected = sign_v1(request, self.access_key_secret, claim.date)
        else:
            self._check_scope(claim)
            self._check_time(claim)
            expected = self._expected(request, claim)
        if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
            raise OssFailure(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. "
                "Check your key and signing method.",
                {"OSSAccessKeyId": claim.access_key_id, "SignatureProvided": claim.signature},
            )

    def _check_token(self, request: Request) -> None:
        name = "x-oss-security-token"
        token = request.query.get(name) or request.headers.get(name)
        token = token or request.query.get("security-token")  # in URLs of version 1
        if token in self.expired_tokens:
            message = "The security token you provided has expired."
            raise OssFailure(403, "SecurityTokenExpired", message)
        if self.security_token is not None and token != self.security_token:
            message = "The security token you provided is invalid."
            raise OssFailure(403, "InvalidSecurityToken", message)

    def _check_scope(self, claim: Claim) -> None:
        day, region, product = claim.scope
        if region != self.region:
            message = f"Invalid signing region in Authorization header; this is {self.region}."
            raise invalid_argument("Region", region, message)
        if product != "oss" or day != claim.date[:8]:
            message = "Invalid credential scope in Authorization header."
            raise invalid_argument("Credential", "/".join(claim.scope), message)

    def _check_time(self, claim: Claim) -> None:
        age_s = self.clock() - _seconds(claim.date)
        if claim.expires_s is not None and age_s > claim.expires_s:
            raise access_denied("Request has expired.")
        skewed = abs(age_s) if claim.expires_s is None else -age_s
        if skewed > MAX_SKEW_S:
            message = "The difference between the request time and the current time is too large."
            raise OssFailure(403, "RequestTimeTooSkewed", message)

    def _check_time_v1(self, claim: ClaimV1) -> None:
        age_s = claim.age_s(self.clock())
        if claim.expires is not None and age_s > 0:
            raise access_denied("Request has expired.")
        if claim.expires is None and abs(age_s) > MAX_SKEW_S:
            message = "The difference between the request time and the current time is too large."
            raise OssFailure(403, "RequestTimeTooSkewed", message)

    def _expected(self, request: Request, claim: Claim) -> str:
        canonical = canonical_request(
            request.method,
            request.bucket,
            request.key,
            {name: value for name, value in request.query.items() if name != "x-oss-signature"},
            request.headers,
            claim.additional,
        )
        return sign(canonical, self.access_key_secret, date=claim.date, scope=claim.scope)


def canonical_request(
    method: str,
    bucket: str,
    key: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    additional: Sequence[str] = (),
) -> bytes:
    """Write a request the one way in which it is signed.

    Args:
        method: Of HTTP.
        bucket: Empty for requests about all buckets.
        key: Decoded; empty for requests about a bucket.
        query: Decoded names and values.
        headers: Names in lower case, values as they came (bytes read as latin-1).
        additional: Further headers to sign, lower case.
    """
    path = quote(f"/{bucket}/{key}" if bucket else "/", safe="/~")
    pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in query.items())
    signed = sorted(name for name in headers if _is_signed(name, additional))
    lines = (
        method,
        path,
        "&".join(f"{name}={value}" if value else name for name, value in pairs),
        "".join(f"{name}:{headers[name]}\n" for name in signed),
        ";".join(sorted(additional)),
        headers.get("x-oss-content-sha256", "UNSIGNED-PAYLOAD"),
    )
    return "\n".join(lines).encode("latin-1")


def sign(canonical: bytes, secret: str, *, date: str, scope: tuple[str, str, str]) -> str:
    """Give the signature, in hex."""
    full_scope = (*scope, "aliyun_v4_request")
    key = f"aliyun_v4{secret}".encode()
    for part in full_scope:
        key = hmac.digest(key, part.encode(), "sha256")
    digest = hashlib.sha256(canonical).hexdigest()
    text = "\n".join((ALGORITHM, date, "/".join(full_scope), digest))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def is_signed(request: Request) -> bool:
    """Whether a request carries any signature, right or wrong."""
    names = {"x-oss-signature", "x-oss-signature-version", "Signature"}
    return "authorization" in request.headers or not names.isdisjoint(request.query)


def read_claim(request: Request) -> Claim:
    """Find the signature in the header or, of a presigned URL, in the query."""
    if "x-oss-signature" in request.query or "x-oss-signature-version" in request.query:
        return _claim_in_query(request.query)
    if "authorization" not in request.headers:
        raise access_denied("Anonymous access is forbidden for this operation.")
    return _claim_in_header(request.headers)


def _claim_in_header(headers: Mapping[str, str]) -> Claim:
    text = headers["authorization"]
    if not text.startswith(ALGORITHM):
        # OSS itself still knows version 2 for some accounts.
        raise access_denied("Only signature versions 4 and 1 are accepted.")
    # SDKs differ in the order of the fields and in the space after the comma.
    fields = dict(re.findall(r"(\w+)=([^,\s]+)", text[len(ALGORITHM) :]))
    return _claim(fields, "Credential", "Signature", "AdditionalHeaders", headers)


def _claim_in_query(query: Mapping[str, str]) -> Claim:
    if query.get("x-oss-signature-version") != ALGORITHM:
        raise access_denied("Only signature version 4 is accepted in URLs.")
    expires = query.get("x-oss-expires", "")
    if not expires.isdecimal() or not 1 <= int(expires) <= MAX_PRESIGNED_S:
        raise invalid_argument("x-oss-expires", expires, "Seconds from 1 to 604800 are expected.")
    names = ("x-oss-credential", "x-oss-signature", "x-oss-additional-headers")
    return _claim(query, *names, query, expires_s=int(expires))


def _claim(
    fields: Mapping[str, str],
    credential: str,
    signature: str,
    additional: str,
    dated: Mapping[str, str],
    *,
    expires_s: int | None = None,
) -> Claim:
    parts = fields.get(credential, "").split("/")
    date = dated.get("x-oss-date", "")
    if len(parts) != 5 or parts[4] != "aliyun_v4_request" or signature not in fields:
        raise invalid_argument("Authorization", credential, "The signature fields are incomplete.")
    if not re.fullmatch(r"\d{8}T\d{6}Z", date):
        raise access_denied("OSS authentication requires a valid Date.")
    names = fields.get(additional, "")
    return Claim(
        access_key_id=parts[0],
        scope=(parts[1], parts[2], parts[3]),
        date=date,
        additional=tuple(sorted(name for name in names.split(";") if name)),
        signature=fields[signature],
        expires_s=expires_s,
    )


def _is_signed(name: str, additional: Sequence[str]) -> bool:
    return name.startswith("x-oss-") or name in _ALWAYS_SIGNED or name in additional


def _seconds(date: str) -> float:
    try:
        moment = datetime.strptime(date, "%Y%m%dT%H%M%SZ")
    except ValueError:
        raise access_denied("OSS authentication requires a valid Date.") from None
    return moment.replace(tzinfo=UTC).timestamp()
