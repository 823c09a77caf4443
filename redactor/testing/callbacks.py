"""Upload callbacks: posted after a PUT that asks for one, signed as OSS signs them.

The key is the stand-in's own and is no secret; like that of OSS it has 512 bits and signs MD5.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from redactor.testing.errors import OssFailure, invalid_argument
from redactor.testing.messages import Answer, Request
from redactor.testing.store import StoredObject

KEY_URL = "https://gosspublic.alicdn.com/callback_pub_key_v1.pem"
TIMEOUT_S = 5
_MAX_BYTES = 5 * 1024
_MODULUS = int(
    "a6f5865d5075985837330853426148e9b5badef73189617757909c71c6054f6b"
    "f8f3d163a78e66fcbe6d073f9f64a1677aecb8e5613aea72cb95ce95292794ef",
    16,
)
_EXPONENT = 65537
_SECRET = int(
    "9c3559ca92ce03847dd8d47039ca15d2fc41e3fcb9af44aec911b71dc7dd0e09"
    "7f955001bdf19458412ecc9d2f4fbbbe2d8316bd7a7ca89025f32df3df5cbc29",
    16,
)
_MD5_INFO = bytes.fromhex("3020300c06082a864886f70d020505000410")


def public_key_pem() -> bytes:
    """Give the key that callbacks are verified with, as OSS publishes its own."""
    head = bytes.fromhex("305c300d06092a864886f70d0101010500034b003048024100")
    der = head + _MODULUS.to_bytes(64, "big") + bytes.fromhex("0203010001")
    text = base64.b64encode(der).decode()
    lines = "\n".join(text[n : n + 64] for n in range(0, len(text), 64))
    return f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n".encode()


def sign_callback(url: str, body: bytes) -> str:
    """Sign what is posted to a URL: RSA (PKCS #1 v1.5) over the MD5 of path, query and body."""
    parts = urlsplit(url)
    path = unquote(parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    digest = hashlib.md5(path.encode() + b"\n" + body, usedforsecurity=False).digest()
    info = _MD5_INFO + digest
    block = b"\x00\x01" + b"\xff" * (61 - len(info)) + b"\x00" + info
    signature = pow(int.from_bytes(block, "big"), _SECRET, _MODULUS)
    return base64.b64encode(signature.to_bytes(64, "big")).decode()


@dataclass(frozen=True, slots=True)
class Callback:
    """What an uploader asks OSS to post.

    Attributes:
        urls: Tried in order until one answers.
        body: With `${...}` for variables.
        content_type: Of the body.
        variables: The uploader's own, named `x:...`.
    """

    urls: tuple[str, ...]
    body: str
    content_type: str
    variables: Mapping[str, str]

    @classmethod
    def of(cls, request: Request) -> Callback | None:
        """Read what a request asks for; None if nothing."""
        asked = request.headers.get("x-oss-callback") or request.query.get("callback")
        if not asked:
            return None
        own = request.headers.get("x-oss-callback-var") or request.query.get("callback-var")
        wanted, variables = _decoded("callback", asked), _decoded("callback-var", own or "e30=")
        urls = tuple(url for url in wanted.get("callbackUrl", "").split(";") if url)
        if not urls or not wanted.get("callbackBody"):
            raise invalid_argument("callback", asked, "callbackUrl and callbackBody are expected.")
        kind = wanted.get("callbackBodyType", "application/x-www-form-urlencoded")
        return cls(urls, wanted["callbackBody"], kind, variables)

    def post(self, request: Request, stored: StoredObject, key_url: str) -> Answer:
        """Post it, and give what the uploader gets: the reply, or 203 where there is none."""
        known = {
            "bucket": request.bucket,
            "object": request.key,
            "etag": stored.etag,
            "size": str(len(stored.data)),
            "mimeType": stored.headers.get("content-type", ""),
            **self.variables,
        }
        filled = re.sub(r"\$\{([^}]*)\}", lambda found: known.get(found[1], ""), self.body)
        body = filled.encode()
        for url in self.urls:
            try:
                return Answer(
                    200, {"Content-Type": "application/json"}, self._send(url, body, key_url)
                )
            except (OSError, ValueError):
                continue
        failure = OssFailure(203, "CallbackFailed", "Error status or no answer.")
        xml = failure.xml(request_id="0" * 24, host="")
        return Answer(203, {"Content-Type": "application/xml"}, xml)

    def _send(self, url: str, body: bytes, key_url: str) -> bytes:
        headers = {
            "Content-Type": self.content_type,
            "Authorization": sign_callback(url, body),
            "x-oss-pub-key-url": base64.b64encode(key_url.encode()).decode(),
            "User-Agent": "http-client/0.0.1",
        }
        message = urllib.request.Request(url, body, headers)
        # Never through a proxy: tests post to this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(message, timeout=TIMEOUT_S) as reply:
            answer: bytes = reply.read()
        json.loads(answer)
        return answer


def _decoded(name: str, text: str) -> dict[str, str]:
    try:
        found = json.loads(base64.b64decode(text, validate=True))
    except ValueError:
        found = None
    if not isinstance(found, dict) or len(text) > _MAX_BYTES:
        raise invalid_argument(name, text, f"The {name} configuration is not json format.")
    return {str(key): str(value) for key, value in found.items()}
