"""What rules can ask of the web address in a code.

Which addresses in a content are asked about depends on the rule (`Scope`); one of them is enough.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from redactor.policy import schema
from redactor.policy.condition import (
    Condition,
    Listed,
    Scope,
    Terms,
    asked,
    either,
    expand,
    listed,
    words,
    yes_or_no,
)
from redactor.policy.document import show
from redactor.policy.patterns import compile_regex, encode, from_glob
from redactor.policy.payload import INTENT
from redactor.policy.shorteners import SHORTENERS
from redactor.policy.subject import Code
from redactor.policy.urls import (
    Link,
    Parts,
    as_read,
    is_punycode,
    mixes_scripts,
    parts_of,
    patterns_for,
    site_of,
    unescape,
)

_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):")
# What leads elsewhere once escapes are gone: steps up (some servers take `..;` for one),
# backslashes, control characters.
_STEPS = re.compile(r"/\.{1,2}(?=[/;]|$)|[\\\x00-\x1f]")


def host(key: str, values: Sequence[str], terms: Terms) -> Condition:
    """Compile `domain` and `url.host`: the address is on one of these hosts."""
    entries = expand(values, terms.domains)

    def test(link: Link, code: Code) -> bool:
        return any(_counts(entries, pattern, code.day) for pattern in patterns_for(link.host))

    made = _of_link(
        key,
        listed(entries),
        test,
        lambda link: show(link.host),
        asked(values, terms.domains),
        terms,
    )
    return replace(made, index=tuple(entries))


def _counts(entries: Listed, value: str, day: date) -> bool:
    last = entries.get(value)
    return last is not None and day <= last


def _links(code: Code, scope: Scope) -> tuple[Link, ...]:
    """Give the addresses that a condition asks about."""
    if scope is Scope.ANY:
        return code.links
    link = code.link
    return (link,) if link is not None and (link.is_plain or scope is Scope.WHOLE) else ()


def _why_none(code: Code) -> str:
    if not code.is_read:
        return "it could not be read"
    if code.links:
        return f"the host is {show(code.links[0].host)} only to some readers"
    return "it holds no web address"


def parts(wanted: schema.Url, terms: Terms) -> tuple[Condition, ...]:
    """Compile `url`: each part that is asked for is a condition."""
    return tuple(
        compile_part(value, terms)
        for key, compile_part in _PARTS.items()
        if (value := getattr(wanted, key)) is not None
    )


def _scheme(names: Sequence[str], terms: Terms) -> Condition:
    members = frozenset(name.lower() for name in names)

    def schemes(code: Code) -> list[str]:
        text = as_read(code.content or "")
        match = _SCHEME.match(text)
        own = [match[1].lower()] if match and match[1].lower() not in ("http", "https") else []
        own += [inner.lower() for inner in INTENT.findall(text) if own == ["intent"]]
        return [*own, *(parts_of(link.text).scheme for link in _links(code, terms.scope))]

    return Condition(
        "url.scheme",
        tuple(sorted(members)),
        lambda code: not members.isdisjoint(schemes(code)),
        lambda code: f"the scheme is {either(schemes(code)) if schemes(code) else 'none'}",
        either(names),
        scope=terms.scope,
        is_about_content=True,
    )


def _site(values: Sequence[str], terms: Terms) -> Condition:
    entries: dict[str, date] = {}
    for value, last in expand(values, terms.domains).items():
        site = site_of(value)  # several entries may be of one site: the latest day counts
        entries[site] = max(last, entries.get(site, last))
    return _of_link(
        "url.site",
        listed(entries),
        lambda link, code: _counts(entries, site_of(link.host), code.day),
        lambda link: show(site_of(link.host)),
        asked(values, terms.domains),
        terms,
    )


def _port(ports: Sequence[int], terms: Terms) -> Condition:
    members = frozenset(ports)
    return _of_parts(
        "url.port",
        tuple(map(str, sorted(members))),
        lambda found: found.port in members,
        lambda found: str(found.port),
        either(list(map(str, ports))),
        terms,
    )


def _path(globs: Sequence[str], terms: Terms) -> Condition:
    patterns = [compile_regex(from_glob(glob)) for glob in globs]

    def matches(path: str) -> bool:
        return any(pattern.search(encode(path)) for pattern in patterns)

    def holds(link: Link, _: Code) -> bool:
        if "%" not in link.path:
            return matches(link.path)
        # A server may take off one layer of escapes, or may not: to allow, both must match.
        bare = unescape(link.path)
        if terms.scope is Scope.PLAIN:
            return matches(link.path) and matches(bare) and not _STEPS.search(bare)
        return matches(link.path) or matches(bare)

    return _of_link(
        "url.path",
        tuple(sorted(set(globs))),
        holds,
        lambda link: show(link.path),
        words(globs),
        terms,
    )


def _query(names: Sequence[str], terms: Terms) -> Condition:
    members = frozenset(names)
    return _of_parts(
        "url.query",
        tuple(sorted(members)),
        lambda found: not members.isdisjoint(found.query),
        lambda found: either(sorted(found.query)) if found.query else "empty",
        either(names),
        terms,
    )


def _userinfo(wanted: bool, terms: Terms) -> Condition:
    return _yes_or_no("url.userinfo", wanted, lambda link: parts_of(link.text).has_userinfo, terms)


def _ip(wanted: bool, terms: Terms) -> Condition:
    return _yes_or_no("url.ip", wanted, lambda link: parts_of(link.text).is_ip, terms)


def _punycode(wanted: bool, terms: Terms) -> Condition:
    return _yes_or_no("url.punycode", wanted, lambda link: is_punycode(link.host), terms)


def _mixed_scripts(wanted: bool, terms: Terms) -> Condition:
    return _yes_or_no("url.mixed_scripts", wanted, lambda link: mixes_scripts(link.host), terms)


def _shortener(wanted: bool, terms: Terms) -> Condition:
    return _yes_or_no("url.shortener", wanted, lambda link: link.host in SHORTENERS, terms)


def _disguised(wanted: bool, _: Terms) -> Condition:
    def is_disguised(code: Code) -> bool:
        return bool(code.links) and not (code.link is not None and code.link.is_plain)

    return Condition(
        "url.disguised",
        (str(wanted),),
        lambda code: bool(code.links) and is_disguised(code) is wanted,
        lambda code: (
            f"disguised is {yes_or_no(is_disguised(code))}" if code.links else _why_none(code)
        ),
        yes_or_no(wanted),
        is_about_content=True,
    )


def _yes_or_no(key: str, wanted: bool, test: Callable[[Link], bool], terms: Terms) -> Condition:
    made = _of_link(
        key,
        (str(wanted),),
        lambda link, _: test(link) is wanted,
        lambda link: yes_or_no(test(link)),
        yes_or_no(wanted),
        terms,
    )
    return replace(made, found=lambda code: made.found(code).removeprefix("the "))


def _of_parts(
    key: str,
    wanted: tuple[str, ...],
    test: Callable[[Parts], bool],
    show_parts: Callable[[Parts], str],
    asks: str,
    terms: Terms,
) -> Condition:
    return _of_link(
        key,
        wanted,
        lambda link, _: test(parts_of(link.text)),
        lambda link: show_parts(parts_of(link.text)),
        asks,
        terms,
    )


def _of_link(
    key: str,
    wanted: tuple[str, ...],
    test: Callable[[Link, Code], bool],
    show_link: Callable[[Link], str],
    asks: str,
    terms: Terms,
) -> Condition:
    scope = terms.scope
    what = key.rpartition(".")[2]

    def holds(code: Code) -> bool:
        # A plain loop: it is half as fast again as a generator, and this is asked most.
        for link in _links(code, scope):  # noqa: SIM110
            if test(link, code):
                return True
        return False

    def found(code: Code) -> str:
        links = _links(code, scope)
        told = either([show_link(link) for link in links]) if links else ""
        return f"the {what} is {told}" if links else _why_none(code)

    return Condition(key, wanted, holds, found, asks, scope=scope, is_about_content=True)


def _host(values: Sequence[str], terms: Terms) -> Condition:
    return host("url.host", values, terms)


_PARTS: dict[str, Callable[[Any, Terms], Condition]] = {
    "host": _host,
    "site": _site,
    "scheme": _scheme,
    "port": _port,
    "path": _path,
    "query": _query,
    "userinfo": _userinfo,
    "ip": _ip,
    "punycode": _punycode,
    "mixed_scripts": _mixed_scripts,
    "shortener": _shortener,
    "disguised": _disguised,
}
