"""Web addresses as browsers read them, and sets of domains to hold them against.

Parsing follows the WHATWG standard. Hosts are compared in ASCII (punycode), lower case, without
the trailing dot, label by label. Only http and https count.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ada_url import URL, HostType

# Longer names cannot be looked up, and walking their labels would take quadratic time.
_LONGEST_HOST = 253
# Enough for a host and the beginning of a path; keeps a text full of addresses linear.
_LONGEST_EMBEDDED = 512
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_PLAIN = re.compile(r"https?://([^/?#\\@%]+)([?#][^/\\@]*)?(/.*)?", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SPACE = re.compile(r"[^\S\t\r\n]")  # browsers drop tabs and line breaks, not spaces
_PORT = re.compile(r":[0-9]*$")
_EDGES = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Link:
    """A web address.

    Attributes:
        host: Comparable form of the host; an IPv6 address keeps its brackets.
        path: As the browser asks for it, with the leading slash.
        is_plain: Whether every reader takes it for this host. False for what browsers and other
            parsers read differently: user names, backslashes, control characters, missing
            slashes, escaped or otherwise disguised hosts, a second address in the same text.
    """

    host: str
    path: str
    is_plain: bool


def read_link(text: str) -> Link | None:
    """Read a text that is one web address and nothing else; None for any other."""
    stripped = text.strip(_EDGES)
    if _SPACE.search(stripped):
        return None
    link = _parse(stripped)
    return replace(link, is_plain=_is_plain(stripped, link.host)) if link else None


def links_in(text: str) -> Iterator[Link]:
    """Give every web address in a text, those inside another address included.

    Whether they are plain is not asked: none is.
    """
    whole = read_link(text)
    if whole:
        yield replace(whole, is_plain=False)
    for start in _SCHEME.finditer(text):
        rest = text[start.start() : start.start() + _LONGEST_EMBEDDED].split(maxsplit=1)[0]
        link = _parse(rest)
        if link:
            yield link


def _parse(text: str) -> Link | None:
    try:
        url = URL(text)
    except ValueError:
        return None
    host = _comparable(url.hostname)
    if url.protocol not in ("http:", "https:") or host is None:
        return None
    return Link(host, url.pathname, is_plain=False)


class BadDomain(ValueError):
    """A pattern that is no domain; the message says what would be."""


class Domains:
    """A set of domains.

    `example.com` holds exactly that host, `*.example.com` every host below it.
    """

    __slots__ = ("_below", "_exact")

    def __init__(self, patterns: Iterable[str]) -> None:
        """Take patterns as `canonical` gives them."""
        every = frozenset(patterns)
        self._below = frozenset(pattern[2:] for pattern in every if pattern.startswith("*."))
        self._exact = frozenset(pattern for pattern in every if not pattern.startswith("*."))

    def __contains__(self, host: str) -> bool:
        if host in self._exact:
            return True
        labels = host.split(".")
        return any(".".join(labels[index:]) in self._below for index in range(1, len(labels)))


def canonical(pattern: str) -> str:
    """Give the comparable form of a pattern such as `example.com` or `*.example.com`.

    Raises:
        BadDomain: If it is no host, or more than a host.
    """
    star, name = ("*.", pattern[2:]) if pattern.startswith("*.") else ("", pattern)
    whole = read_link(name)
    if whole:
        raise BadDomain(f"`{pattern}` is an address; give the domain alone: `{whole.host}`")
    link = read_link(f"https://{name}/")
    if link is None or "*" in name:
        raise BadDomain(f"`{pattern}` is no domain; write `example.com` or `*.example.com`")
    if link.path != "/" or not _is_bare(name):
        raise BadDomain(f"`{pattern}` is more than a domain; give it alone: `{star}{link.host}`")
    if star and URL(f"https://{name}/").host_type is not HostType.DEFAULT:
        raise BadDomain(f"`{pattern}`: there is no host below an IP address")
    return star + link.host


def _comparable(host: str) -> str | None:
    host = host.lower().removesuffix(".")
    if not host or len(host) > _LONGEST_HOST:
        return None
    if "" in host.split("."):
        return None
    return host


def _is_bare(name: str) -> bool:
    return bool(re.fullmatch(r"[^/?#\\@%\s:]+|\[[0-9A-Fa-f:.]+\]", name))


def _is_plain(text: str, host: str) -> bool:
    match = _PLAIN.fullmatch(text)
    if not match or _CONTROL.search(text):
        return False
    if len(_SCHEME.findall(text)) > 1:
        return False
    written = _PORT.sub("", match[1]).lower().removesuffix(".")
    if written.isascii():
        return written == host and (written.startswith("[") or _is_of_letters(written))
    return _is_of_letters(written) and _is_undisguised(written)


def _is_of_letters(host: str) -> bool:
    """Whether a host has no signs at which a reader might end it, as at a comma."""
    return all(char in "-._" or unicodedata.category(char)[0] in "LMN" for char in host)


def _is_undisguised(host: str) -> bool:
    """Whether a host in another script is written in the one form that all readers share."""
    # Case folding changes the letters that older readers map elsewhere: sharp s, final sigma.
    return unicodedata.normalize("NFKC", host.casefold()) == host
