"""Callbacks count only when OSS signed them, with a key from the host of OSS."""

import base64

import pytest

from redactor.errors import AccessRefused, Unavailable
from redactor.hooks.callback import CallbackVerifier, check_key_url
from redactor.testing.callbacks import public_key_pem, sign_callback

# The example of the page on callbacks.
SIGNATURE = (
    "kKQeGTRccDKyHB3H9vF+xYMSrmhMZjzzl2/kdD1ktNVgbWEfYTQG0G2SU/RaHBovRCE8OkQDjC3uG33esH2txA=="
)
KEY_URL = "aHR0cDovL2dvc3NwdWJsaWMuYWxpY2RuLmNvbS9jYWxsYmFja19wdWJfa2V5X3YxLnBlbQ=="
KEY = base64.b64decode(
    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKs/JBGzwUB2aVht4crBx3oIPBLNsjGsC0fTXv+nvlmklvkcolvpvXLTjax"
    "UHR3W9LXxQ2EHXAJfCB+6H2YF1k8CAwEAAQ=="
)
EXAMPLE = {"path": "/index.php", "query": "id=1&index=2", "body": b"bucket=yonghu-test"}


class Keys:
    """A host of keys that counts how often it is asked."""

    def __init__(self, key):
        self.key = key
        self.asked = []

    def __call__(self, url):
        """Give the key."""
        self.asked.append(url)
        return self.key


def encoded(url):
    return base64.b64encode(url.encode()).decode()


def test_the_documented_example_is_from_oss():
    keys = Keys(KEY)

    CallbackVerifier(keys).check(**EXAMPLE, authorization=SIGNATURE, key_url=KEY_URL)

    assert keys.asked == ["https://gosspublic.alicdn.com/callback_pub_key_v1.pem"]


@pytest.mark.parametrize(
    "change",
    [
        {"path": "/index.html"},
        {"query": "id=2&index=2"},
        {"query": ""},
        {"body": b"bucket=yonghu-tesu"},
        {"authorization": SIGNATURE[::-1]},
        {"authorization": "AAAA"},
        {"authorization": ""},
        {"authorization": "Bearer x"},
        {"key_url": ""},
    ],
    ids=str,
)
def test_anything_that_was_changed_is_not(change):
    asked = EXAMPLE | {"authorization": SIGNATURE, "key_url": KEY_URL} | change

    with pytest.raises(AccessRefused):
        CallbackVerifier(Keys(KEY)).check(**asked)


def test_what_the_stand_in_signs_holds_and_its_key_is_asked_for_once():
    keys = Keys(public_key_pem())
    verifier = CallbackVerifier(keys)
    body = "bucket=uploads&object=图.jpg".encode()
    signature = sign_callback("http://host/callback/a%20b?x=%2F", body)

    for _ in range(3):
        verifier.check("/callback/a%20b", "x=%2F", body, authorization=signature, key_url=KEY_URL)

    assert len(keys.asked) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://gosspublic.alicdn.com.evil.com/key.pem",
        "https://evil.com/gosspublic.alicdn.com/key.pem",
        "https://gosspublic.alicdn.com@evil.com/key.pem",
        "https://evil.com#gosspublic.alicdn.com/",
        "https://evil.com\\@gosspublic.alicdn.com/",
        "https://x@gosspublic.alicdn.com/key.pem",
        "https://gosspublic.alicdn.com:8443/key.pem",
        "https://gosspublic.alicdn.com:x/key.pem",
        "ftp://gosspublic.alicdn.com/key.pem",
        "file:///etc/passwd",
        "gosspublic.alicdn.com/key.pem",
        "http://[::1/",
        "",
    ],
)
def test_a_key_from_anywhere_else_is_never_fetched(url):
    keys = Keys(KEY)

    with pytest.raises(AccessRefused):
        CallbackVerifier(keys).check(**EXAMPLE, authorization=SIGNATURE, key_url=encoded(url))
    assert keys.asked == []


@pytest.mark.parametrize(
    "url", ["http://gosspublic.alicdn.com/k.pem", "https://gosspublic.alicdn.com:443/k.pem"]
)
def test_a_key_is_always_fetched_over_https(url):
    assert check_key_url(encoded(url)) == "https://gosspublic.alicdn.com/k.pem"


def test_what_is_no_key_is_refused():
    with pytest.raises(AccessRefused, match="no public key"):
        CallbackVerifier(Keys(b"<html>")).check(**EXAMPLE, authorization=SIGNATURE, key_url=KEY_URL)


def test_a_key_that_cannot_be_fetched_may_come_later():
    def unreachable(url):
        raise Unavailable(url)

    with pytest.raises(Unavailable):
        CallbackVerifier(unreachable).check(**EXAMPLE, authorization=SIGNATURE, key_url=KEY_URL)
