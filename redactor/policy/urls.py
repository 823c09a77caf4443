"""Web addresses as browsers read them, and sets of domains to hold them against.

Parsing follows the WHATWG standard. Hosts are compared in ASCII (punycode), lower case, without
the trailing dot, label by label. Only http and https count.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from ada_url import URL, HostType, URLSearchParams
from publicsuffixlist import PublicSuffixList

# Longer names cannot be looked up, and walking their labels would take quadratic time.
_LONGEST_HOST = 253
# Enough for a host and the beginning of a path; keeps a text full of addresses linear.
_LONGEST_EMBEDDED = 512
# A user name may be longer; the first few addresses are read to the end of theirs.
_LONG_READ, _LONGEST_LONG = 4, 65_536
_SCHEME = re.compile(
    r"h[\t\r\n]*t[\t\r\n]*t[\t\r\n]*p[\t\r\n]*s?[\t\r\n]*:[\\/\t\r\n]*", re.IGNORECASE
)
_DROPPED = str.maketrans("", "", "\t\r\n")
_PLAIN = re.compile(r"https?://([^/?#\\@%]+)([?#][^/\\@]*)?(/.*)?", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SPACE = re.compile(r"[^\S\t\r\n]")  # browsers drop tabs and line breaks, not spaces
_PORT = re.compile(r":[0-9]*$")
_EDGES = " \t\r\n"
_ENDS = re.compile(
    "[,;'\"<>(){}|^`\\x00-\\x20\\x7f-\\x9f\\ud800-\\udfff\\ufffd]|https?://", re.IGNORECASE
)
# Most addresses look like this, and nothing about them is for a parser to decide: no user name,
# no escapes, no dots or empty segments in the path, a last label that is no number, no punycode
# to check. Reading them here is ten times faster; a test holds the answers equal.
_SIMPLE = re.compile(
    r"https?://((?:(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,6}[a-z]{2,20})"
    r"((?:/[A-Za-z0-9_~=+-]+(?:\.[A-Za-z0-9]+)?)*/?)(?:\?[A-Za-z0-9_~=&.+-]*)?"
)
# What a browser may take for a web address, whatever it drops or skips.
_MAYBE = re.compile(r"[\x00-\x20]*h[\t\r\n]*t[\t\r\n]*t[\t\r\n]*p", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Link:
    """A web address.

    Attributes:
        host: Comparable form of the host; an IPv6 address keeps its brackets.
        path: As the browser asks for it, with the leading slash.
        is_plain: Whether every reader takes it for this host. False for what browsers and other
            parsers read differently: user names, backslashes, control characters, missing
            slashes, escaped or otherwise disguised hosts, a second address in the same text.
        text: The address as it was read.
    """

    host: str
    path: str
    is_plain: bool
    text: str


@dataclass(frozen=True, slots=True)
class Parts:
    """The further parts of a web address.

    Attributes:
        scheme: `http` or `https`.
        port: As written, or the scheme's own.
        query: Names of the query's values, as browsers decode them.
        has_userinfo: Whether a user name or a password stands before the host.
        is_ip: Whether the host is an IP address, in whatever notation.
    """

    scheme: str
    port: int
    query: frozenset[str]
    has_userinfo: bool
    is_ip: bool


@lru_cache(256)
def parts_of(text: str) -> Parts:
    """Give the further parts of an address that `read_link` has read."""
    url = URL(text)
    scheme = url.protocol.rstrip(":")
    return Parts(
        scheme,
        int(url.port) if url.port else {"http": 80, "https": 443}[scheme],
        frozenset(URLSearchParams(url.search).keys()),
        bool(url.username or url.password),
        url.host_type is not HostType.DEFAULT,
    )


_UNSEEN = re.compile("[\t\n\r]")
_CONTROLS = "".join(map(chr, range(33)))


def read_link(text: str) -> Link | None:
    """Read a text that is one web address and nothing else; None for any other."""
    simple = _SIMPLE.fullmatch(text)
    if simple and len(simple[1]) <= _LONGEST_HOST:
        return Link(simple[1], simple[2] or "/", is_plain=True, text=text)
    if not _MAYBE.match(text):
        return None
    stripped = text.strip(_EDGES)
    if _SPACE.search(stripped):
        return None
    link = _parse(stripped)
    return replace(link, is_plain=_is_plain(stripped, link.host)) if link else None


def as_read(text: str) -> str:
    """Give an address as browsers take it: without controls at its ends, tabs and line ends."""
    return _UNSEEN.sub("", text.strip(_CONTROLS))


def links_in(text: str) -> Iterator[Link]:
    """Give every web address in a text, those inside another address included.

    Whether one is plain says nothing of the text around it.
    """
    whole = read_link(text)
    if whole is None and _MAYBE.match(text):
        whole = _parse(text)  # spaces are no reason for a browser not to follow it
    if whole:
        yield whole
        if whole.is_plain:  # and so the only one
            return
    for number, start in enumerate(_SCHEME.finditer(text)):
        most = _LONGEST_LONG if number < _LONG_READ else _LONGEST_EMBEDDED
        after = text[start.end() : start.end() + most].split(maxsplit=1) or [""]
        rest = start.group().translate(_DROPPED) + after[0]
        # Readers that look for addresses in a text end them early; browsers do not.
        for part in dict.fromkeys((rest, _early_end(rest))):
            link = None if whole and part == whole.text else read_link(part)
            if link:
                yield link


def _early_end(text: str) -> str:
    end = _ENDS.search(text, 4)
    return text[: end.start()] if end else text


def _parse(text: str) -> Link | None:
    try:
        url = URL(text)
    except ValueError:
        return None
    host = _comparable(url.hostname)
    if url.protocol not in ("http:", "https:") or host is None:
        return None
    return Link(host, url.pathname, is_plain=False, text=text)


class BadDomain(ValueError):
    """A pattern that is no domain; the message says what would be."""


class Domains:
    """A set of domains.

    `example.com` holds exactly that host, `*.example.com` every host below it.
    """

    __slots__ = ("_patterns",)

    def __init__(self, patterns: Iterable[str]) -> None:
        """Take patterns as `canonical` gives them."""
        self._patterns = frozenset(patterns)

    def __contains__(self, host: str) -> bool:
        return not self._patterns.isdisjoint(patterns_for(host))


def patterns_for(host: str) -> list[str]:
    """Give every pattern that holds a host: itself, and a star before each name above it."""
    found = [host]
    at = host.find(".")
    while at >= 0:
        found.append(f"*{host[at:]}")
        at = host.find(".", at + 1)
    return found


@cache
def _suffixes() -> PublicSuffixList:
    # The list that comes with the library; nothing is fetched.
    return PublicSuffixList()


@lru_cache(4096)
def site_of(host: str) -> str:
    """Give the registrable domain of a host: `example.co.uk` for `shop.example.co.uk`.

    The host itself where there is none: an IP address, a single label, a public suffix.
    """
    if host.startswith("[") or host.rpartition(".")[2].isdecimal():
        return host
    return _suffixes().privatesuffix(host) or host


def is_punycode(host: str) -> bool:
    """Whether a label of a host is in another script than ASCII."""
    return host.startswith("xn--") or ".xn--" in host


# Scripts that are written together; Latin goes with each of them, as in UTS 39.
_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)


def mixes_scripts(host: str) -> bool:
    """Whether a label mixes scripts that nobody writes together, such as Latin and Cyrillic."""
    return any(_mixes(label) for label in host.split(".") if label.startswith("xn--"))


def _mixes(label: str) -> bool:
    try:
        text = label[4:].encode().decode("punycode")
    except UnicodeError:
        return True
    names = [unicodedata.name(char, "?") for char in text if char.isalpha()]
    scripts = {re.split("[ -]", name)[0] for name in names}
    return len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER)


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


def unescape(path: str) -> str:
    """Take one layer of percent escapes off a path, as a server may."""
    octets = re.sub(
        rb"%([0-9A-Fa-f]{2})",
        lambda match: bytes([int(match[1], 16)]),
        path.encode("utf-8", "surrogatepass"),
    )
    return octets.decode("utf-8", "replace")
