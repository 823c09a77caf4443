"""Foreign text made fit to show: payloads, file names and messages from outside.

Everything a stranger can write passes through here before people see it: control characters and
reordering marks become visible escapes, addresses lose their teeth, long texts are cut, and of a
code's content only as much is given as was asked for.
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from enum import StrEnum
from typing import NamedTuple

RUN_KEY = secrets.token_bytes(32)
"""Key of content hashes. New in every process: hashes of short texts could be guessed back."""


class Content(StrEnum):
    """How much of the content of codes a report tells."""

    FULL = "full"
    HOST = "host"
    HASH = "hash"
    NONE = "none"


class Disclosed(NamedTuple):
    """What a report tells of one content.

    Attributes:
        text: What is told; None where nothing is.
        kind: What the text is: `full`, `host` (scheme and host of an address), `scheme`
            (of an address whose other parts may all be secrets), `hash` or `none`.
    """

    text: str | None
    kind: str


def escape_text(text: str) -> str:
    r"""Make every character that moves, hides or reorders others visible.

    Controls, line separators, bidirectional and other format marks and lone surrogates become
    escapes such as `\x1b` or `\u202e`. The two joiners that scripts and emoji need stay.
    """
    return "".join(_escape(character) for character in text)


def shorten(text: str, *, limit: int = 240) -> str:
    """Cut a long text for display and say how long it was.

    Args:
        text: Any text.
        limit: Longest text that is shown whole, in characters.
    """
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text):,} characters)"


def defang(text: str) -> str:
    """Make addresses in a text unfit to follow: `hxxps://example[.]com/path`."""
    return _BARE.sub(_dots, _ADDRESS.sub(_defang_match, text))


def disclose(content: str | None, mode: Content, *, key: bytes = RUN_KEY) -> Disclosed:
    """Give as much of a content as a report may tell.

    Args:
        content: What a code says; None where it was not read.
        mode: How much is told. `host` tells scheme and host of web addresses, the scheme alone
            of other addresses (in `wxp://…` the host is the secret), nothing of other texts.
        key: Of the hash; equal contents have equal hashes under one key only.
    """
    if content is None or mode is Content.NONE:
        return _UNTOLD
    if mode is Content.FULL:
        return Disclosed(content, "full")
    if mode is Content.HASH:
        digest = hmac.new(key, content.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return Disclosed(digest.hexdigest()[:32], "hash")
    return _origin(content)


_UNTOLD = Disclosed(None, "none")
_JOINERS = "\u200c\u200d"
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30}):([/\\]{2,})([^/\\?#\s]*)")
_BARE = re.compile(r"(?:^|(?<=\s))[\w-]+(?:\.[\w-]+)+(?=[/:?#\s]|$)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}(?=:)")
_HOST = re.compile(r"(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])(?::\d{1,5})?")
_WEB = frozenset({"http", "https", "ftp", "ws", "wss"})


def _escape(character: str) -> str:
    if character in _JOINERS or unicodedata.category(character) not in _INVISIBLE:
        return character
    return character.encode("unicode_escape").decode("ascii")


def _defang_match(match: re.Match[str]) -> str:
    scheme, slashes, host = match.groups()
    dead = re.sub("(?i)^http", "hxxp", scheme)
    colon = ":" if dead != scheme else "[:]"
    return f"{dead}{colon}{slashes}{host.replace('.', '[.]')}"


def _dots(match: re.Match[str]) -> str:
    return match.group().replace(".", "[.]")


def _origin(content: str) -> Disclosed:
    """Find scheme and host as browsers do; nothing where browsers and this might differ."""
    address = re.sub(r"[\t\n\r]", "", content.strip("".join(map(chr, range(33)))))
    found = _SCHEME.match(address)
    if not found:
        return _UNTOLD
    scheme, rest = found.group().lower(), address[found.end() + 1 :]
    if scheme not in _WEB:
        is_address = rest.startswith("//")
        return Disclosed(f"{scheme}://", "scheme") if is_address else _UNTOLD
    authority = re.split(r"[/\\?#]", rest.lstrip("/\\"), maxsplit=1)[0]
    host = ".".join(map(_ascii_label, authority.rpartition("@")[2].lower().split(".")))
    return Disclosed(f"{scheme}://{host}", "host") if _HOST.fullmatch(host) else _UNTOLD


def _ascii_label(label: str) -> str:
    """Give a label of a host in ASCII; unchanged, and so refused, where mapping is needed."""
    plain = label.isascii() or unicodedata.normalize("NFKC", label).casefold() != label
    if plain or not label.replace("-", "").isalnum():
        return label
    return "xn--" + label.encode("punycode").decode("ascii")
