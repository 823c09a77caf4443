"""IMM's own API: DetectImageCodes, signed with ACS3-HMAC-SHA256 as Alibaba's SDKs sign it.

Facts: all of it stands in headers and the query, the body is empty; headers named in
SignedHeaders are signed, Host among them; errors are JSON with Code and Message.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

from redactor.testing.errors import OssFailure
from redactor.testing.image_codes import image_codes
from redactor.testing.messages import Answer, Request
from redactor.testing.store import Store

ALGORITHM = "ACS3-HMAC-SHA256"
VERSION = "2020-09-30"
MAX_SKEW_S = 15 * 60


def is_for_imm(request: Request) -> bool:
    """Whether a request is one to the API of a service other than OSS."""
    return "x-acs-action" in request.headers


@dataclass(frozen=True, slots=True)
class Signer:
    """Accepts what was signed with these credentials about now.

    Attributes:
        access_key_id: The one that is known.
        access_key_secret: Its secret.
        security_token: What requests must carry; None for none.
        clock: Gives the time in seconds since 1970.
        expired_tokens: Tokens that were good once.
    """

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str | None
    clock: Callable[[], float]
    expired_tokens: Collection[str] = ()

    def check(self, request: Request) -> None:
        """Do nothing for a rightly signed request.

        Raises:
            OssFailure: As the gateway answers the others.
        """
        algorithm, _, rest = request.headers.get("authorization", "").partition(" ")
        fields = dict(re.findall(r"(\w+)=([^,\s]+)", rest))
        if algorithm != ALGORITHM or fields.keys() != {"Credential", "SignedHeaders", "Signature"}:
            raise OssFailure(400, "IncompleteSignature", "The signature is incomplete.")
        token = request.headers.get("x-acs-security-token")
        if token in self.expired_tokens:
            message = "Specified SecurityToken is expired."
            raise OssFailure(400, "InvalidSecurityToken.Expired", message)
        if self.security_token is not None and token != self.security_token:
            message = "Specified SecurityToken is malformed."
            raise OssFailure(400, "InvalidSecurityToken.Malformed", message)
        if fields["Credential"] != self.access_key_id:
            message = "Specified access key is not found."
            raise OssFailure(404, "InvalidAccessKeyId.NotFound", message)
        self._check_time(request)
        names = fields["SignedHeaders"].split(";")
        expected = sign(request, names, self.access_key_secret)
        if not hmac.compare_digest(expected, fields["Signature"]):
            message = "Specified signature does not match our calculation."
            raise OssFailure(400, "SignatureDoesNotMatch", message)

    def _check_time(self, request: Request) -> None:
        try:
            moment = datetime.strptime(request.headers.get("x-acs-date", ""), "%Y-%m-%dT%H:%M:%SZ")
        except ValueError:
            raise OssFailure(400, "InvalidTimeStamp.Format", "The time is malformed.") from None
        if abs(self.clock() - moment.replace(tzinfo=UTC).timestamp()) > MAX_SKEW_S:
            raise OssFailure(400, "InvalidTimeStamp.Expired", "Specified time stamp is expired.")


def sign(request: Request, names: Collection[str], secret: str) -> str:
    """Give the signature of a request, in hex.

    Args:
        request: Whose body has the hash that its headers tell.
        names: Of the signed headers, lower case.
        secret: Of the access key.
    """
    pairs = (f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in sorted(request.query.items()))
    headers = "".join(f"{name}:{request.headers.get(name, '')}\n" for name in sorted(names))
    digest = hashlib.sha256(request.body).hexdigest()
    lines = (request.method, "/", "&".join(pairs), headers, ";".join(sorted(names)), digest)
    canonical = "\n".join(lines).encode()
    text = f"{ALGORITHM}\n{hashlib.sha256(canonical).hexdigest()}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def answer_imm(store: Store, request: Request, *, project: str | None, details: bool) -> Answer:
    """Answer a request whose signature has been checked.

    Args:
        store: That the objects are in.
        request: To the API.
        project: The one there is; None for none.
        details: Whether Type and Confidence are answered.

    Raises:
        OssFailure: If the answer is an error.
    """
    known = ("DetectImageCodes", VERSION)
    if (request.headers["x-acs-action"], request.headers.get("x-acs-version")) != known:
        raise OssFailure(404, "InvalidAction.NotFound", "Specified api is not found.")
    for name in ("ProjectName", "SourceURI"):
        if not request.query.get(name):
            raise OssFailure(400, f"Missing{name}", f"{name} is mandatory for this action.")
    if request.query["ProjectName"] != project:
        message = "The specified resource Project is not found."
        raise OssFailure(404, "ResourceNotFound", message)
    found = re.fullmatch(r"oss://([^/]+)/(.+)", request.query["SourceURI"], re.DOTALL)
    if not found:
        raise OssFailure(400, "InvalidArgument", "The SourceURI is invalid.")
    try:
        data = store.get(found[1], found[2]).data
    except OssFailure as failure:
        # What IMM says of objects that it cannot read is not documented.
        raise OssFailure(404, "ResourceNotFound", "The specified object is not found.") from failure
    body = image_codes(data, details=details)
    return Answer(200, {"Content-Type": "application/json;charset=utf-8"}, body)
