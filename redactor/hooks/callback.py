"""The upload callback of OSS: whether OSS sent it.

OSS signs path, query and body with RSA (PKCS #1 v1.5) over MD5, and names the address of its key.
The published key has 512 bits, which can be factored. So the signature keeps strangers out and
authorises nothing: what a callback names is looked up in OSS, and only where uploads are watched.
Whether the published key is the current one is unverified; the one that is named is fetched.
"""

from __future__ import annotations

import base64
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit, urlunsplit

from Crypto.Hash import MD5
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15

from redactor.errors import AccessRefused, Unavailable

KEY_HOST = "gosspublic.alicdn.com"
_KEY_BYTES = 10_000
_KEY_TIMEOUT_S = 2.0  # OSS itself waits for 5 s
_KEYS = 8

FetchKey = Callable[[str], bytes]
"""Gives what is at an address of the host of keys; raises `Unavailable`."""


class CallbackVerifier:
    """Checks callbacks; remembers the keys. Threads may share it.

    Args:
        fetch: Gives the key at an address.
    """

    def __init__(self, fetch: FetchKey | None = None) -> None:
        self._fetch = fetch or fetch_key
        self._keys: dict[str, RSA.RsaKey] = {}
        self._lock = threading.Lock()
        self._fetching = threading.Lock()

    def check(
        self, path: str, query: str, body: bytes, *, authorization: str, key_url: str
    ) -> None:
        """Do nothing if OSS sent a callback.

        Args:
            path: As it was requested, percent-encoded.
            query: As it was requested, without `?`; empty for none.
            body: The bytes.
            authorization: The header of that name: base64.
            key_url: The header `x-oss-pub-key-url`: base64.

        Raises:
            AccessRefused: If it did not.
            Unavailable: If its key cannot be fetched.
        """
        signature = _base64(authorization)
        key = self._key(check_key_url(key_url))
        signed = unquote_to_bytes(path) + (b"?" + query.encode() if query else b"") + b"\n" + body
        try:
            pkcs1_15.new(key).verify(MD5.new(signed), signature)
        except ValueError:
            raise AccessRefused("the signature of the callback is wrong") from None

    def _key(self, url: str) -> RSA.RsaKey:
        with self._lock:
            if url in self._keys:
                return self._keys[url]
        # One at a time: forged callbacks with ever new addresses must not tie up all threads.
        if not self._fetching.acquire(timeout=_KEY_TIMEOUT_S):
            raise Unavailable("the key of callbacks is being fetched; try again later")
        try:
            key = RSA.import_key(self._fetch(url))
        except (ValueError, IndexError, TypeError):
            raise AccessRefused(f"{url}: no public key") from None
        finally:
            self._fetching.release()
        with self._lock:
            if len(self._keys) >= _KEYS:
                self._keys.clear()
            self._keys[url] = key
        return key


def check_key_url(encoded: str) -> str:
    """Give the address of a key, over https, if it is on the host of OSS.

    Args:
        encoded: base64.

    Raises:
        AccessRefused: If it is anywhere else.
    """
    try:
        parts = urlsplit(_base64(encoded).decode("ascii"))
        port = parts.port
    except ValueError:
        raise AccessRefused("the callback names no address of a key") from None
    # The host alone, whole: `gosspublic.alicdn.com.evil.com` begins like it, and what stands
    # before an @ is no host.
    is_default = port in (None, 80 if parts.scheme == "http" else 443)
    is_ours = parts.netloc.rpartition(":")[0] or parts.netloc
    if parts.scheme not in ("http", "https") or is_ours != KEY_HOST or not is_default:
        raise AccessRefused(f"the callback names a key that is not on {KEY_HOST}")
    return urlunsplit(("https", KEY_HOST, parts.path, parts.query, ""))


def fetch_key(url: str) -> bytes:
    """Fetch a key: no redirects, no large answer, no long wait.

    Raises:
        Unavailable: If it cannot be fetched.
    """
    opener = urllib.request.build_opener(_NoRedirect())
    try:
        with opener.open(url, timeout=_KEY_TIMEOUT_S) as answer:
            found: bytes = answer.read(_KEY_BYTES + 1)
    except (OSError, HTTPException) as error:
        raise Unavailable(f"{url}: the key of callbacks cannot be fetched ({error})") from error
    if len(found) > _KEY_BYTES:
        raise Unavailable(f"{url}: too large for a key")
    return found


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - as the base has it
        """Follow none."""


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise AccessRefused("the callback is not signed as OSS signs") from None
