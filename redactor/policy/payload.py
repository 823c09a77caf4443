"""What a content is for: a link, a payment, a contact.

A content may be several things at once: a payment link is `alipay` and `url`. Recognition errs
towards finding: an address inside a longer text counts. A new kind that shows in its scheme or
host is one line in the tables here.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from enum import StrEnum

from redactor.policy.emv import read_emv
from redactor.policy.numbers import coin_of, is_boarding_pass, is_digital_link, is_gs1, is_isbn
from redactor.policy.urls import Link, as_read, links_in, patterns_for


class Payload(StrEnum):
    """What a content is for; those that say most come first."""

    ALIPAY = "alipay"
    WECHAT_PAY = "wechat-pay"
    WECHAT_CONTACT = "wechat-contact"
    UNIONPAY = "unionpay"
    PIX = "pix"
    UPI = "upi"
    EMV = "emv"
    BITCOIN = "bitcoin"
    ETHEREUM = "ethereum"
    CRYPTO = "crypto"
    OTPAUTH = "otpauth"
    WIFI = "wifi"
    VCARD = "vcard"
    CALENDAR = "calendar"
    TEL = "tel"
    SMS = "sms"
    MAILTO = "mailto"
    GEO = "geo"
    BOARDING_PASS = "boarding-pass"
    GS1 = "gs1"
    ISBN = "isbn"
    APP_LINK = "app-link"
    URL = "url"
    TEXT = "text"
    BINARY = "binary"


_Kinds = frozenset[Payload]

GROUPS: dict[str, _Kinds] = {
    "payment": frozenset(
        {Payload.ALIPAY, Payload.WECHAT_PAY, Payload.UNIONPAY, Payload.PIX, Payload.UPI}
        | {Payload.EMV, Payload.BITCOIN, Payload.ETHEREUM, Payload.CRYPTO}
    ),
    "contact": frozenset(
        {Payload.WECHAT_CONTACT, Payload.VCARD, Payload.TEL, Payload.SMS, Payload.MAILTO}
    ),
}
_ORDER = {kind: place for place, kind in enumerate(Payload)}


def payloads(content: str, links: Iterable[Link] | None = None) -> tuple[Payload, ...]:
    """Say what a content is for, at least one kind; the one that says most comes first.

    Args:
        content: Any text.
        links: The addresses in it, where they are known already.
    """
    text = content.strip()
    found = {*_by_scheme(text), *_by_shape(text)}
    for link in links_in(text) if links is None else links:
        found.update(_by_host(link))
    if not found:
        return ((Payload.BINARY if _is_binary(content) else Payload.TEXT),)
    return tuple(sorted(found, key=_ORDER.__getitem__))


def _kinds(*kinds: Payload) -> _Kinds:
    return frozenset(kinds)


_BITCOIN = _kinds(Payload.BITCOIN, Payload.CRYPTO)
_ETHEREUM = _kinds(Payload.ETHEREUM, Payload.CRYPTO)
_COIN = _kinds(Payload.CRYPTO)
_SCHEMES: dict[str, _Kinds] = {
    "alipay": _kinds(Payload.ALIPAY),
    "alipays": _kinds(Payload.ALIPAY),
    "alipayqr": _kinds(Payload.ALIPAY),
    "wxp": _kinds(Payload.WECHAT_PAY),
    "upwallet": _kinds(Payload.UNIONPAY),
    "uppaywallet": _kinds(Payload.UNIONPAY),
    "upwrp": _kinds(Payload.UNIONPAY),
    "upi": _kinds(Payload.UPI),
    "bitcoin": _BITCOIN,
    "lightning": _BITCOIN,
    "ethereum": _ETHEREUM,
    "bitcoincash": _COIN,
    "litecoin": _COIN,
    "dogecoin": _COIN,
    "monero": _COIN,
    "ripple": _COIN,
    "xrp": _COIN,
    "solana": _COIN,
    "tron": _COIN,
    "ton": _COIN,
    "otpauth": _kinds(Payload.OTPAUTH),
    "otpauth-migration": _kinds(Payload.OTPAUTH),
    "mecard": _kinds(Payload.VCARD),
    "bizcard": _kinds(Payload.VCARD),
    "tel": _kinds(Payload.TEL),
    "sms": _kinds(Payload.SMS),
    "smsto": _kinds(Payload.SMS),
    "mms": _kinds(Payload.SMS),
    "mmsto": _kinds(Payload.SMS),
    "mailto": _kinds(Payload.MAILTO),
    "matmsg": _kinds(Payload.MAILTO),
    "smtp": _kinds(Payload.MAILTO),
    "geo": _kinds(Payload.GEO),
    "market": _kinds(Payload.APP_LINK),
    "intent": _kinds(Payload.APP_LINK),
}
# Below these schemes, what follows says more.
_STARTS: tuple[tuple[str, _Kinds], ...] = (
    ("weixin://wxpay/", _kinds(Payload.WECHAT_PAY)),
    ("weixin://contacts/", _kinds(Payload.WECHAT_CONTACT)),
    ("weixin://dl/", _kinds(Payload.WECHAT_CONTACT)),
    ("begin:vcard", _kinds(Payload.VCARD)),
    ("begin:vcalendar", _kinds(Payload.CALENDAR)),
    ("begin:vevent", _kinds(Payload.CALENDAR)),
)
# Schemes that open no app of their own.
_PLAIN_SCHEMES = frozenset(
    {"http", "https", "ftp", "ftps", "sftp", "ws", "wss", "file", "data", "blob", "about"}
    | {"javascript", "view-source", "urn"}
)
_HOSTS: tuple[tuple[tuple[str, ...], tuple[str, ...], Payload], ...] = (
    (("alipay.com", "*.alipay.com"), ("/",), Payload.ALIPAY),
    (
        ("payapp.weixin.qq.com", "payapp.wechatpay.cn", "*.tenpay.com"),
        ("/",),
        Payload.WECHAT_PAY,
    ),
    (("u.wechat.com",), ("/",), Payload.WECHAT_CONTACT),
    (("weixin.qq.com",), ("/g/", "/r/", "/q/", "/u/"), Payload.WECHAT_CONTACT),
    (("work.weixin.qq.com",), ("/u/", "/ca/", "/gm/"), Payload.WECHAT_CONTACT),
    (("95516.com", "*.95516.com", "qr.unionpay.com"), ("/",), Payload.UNIONPAY),
    (("apps.apple.com", "itunes.apple.com", "appgallery.huawei.com"), ("/",), Payload.APP_LINK),
    (("play.google.com",), ("/store/apps/",), Payload.APP_LINK),
    (("*.app.link", "*.page.link", "*.onelink.me"), ("/",), Payload.APP_LINK),
)
_BY_PATTERN = {pattern: (paths, kind) for patterns, paths, kind in _HOSTS for pattern in patterns}
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,30}):(//)?", re.IGNORECASE)
INTENT = re.compile(r";scheme=([a-z][a-z0-9+.-]{0,30})(?=;|$)", re.IGNORECASE)
"""What an `intent:` of Android opens in the end."""
_WIFI = re.compile(r"wifi:(?:.*;)?s:", re.IGNORECASE | re.DOTALL)
_LIGHTNING = re.compile(r"ln(?:bc|url)[a-z0-9]{50,}\Z", re.IGNORECASE)
# The codes that payers show: Alipay 16 to 24 digits beginning with 25 to 30, WeChat 18 digits
# beginning with 10 to 15, UnionPay 19 or 20 beginning with 62.
_ALIPAY_DIGITS = re.compile(r"(?:2[5-9]|30)[0-9]{14,22}\Z")
_WECHAT_DIGITS = re.compile(r"1[0-5][0-9]{16}\Z")
_UNIONPAY_DIGITS = re.compile(r"62[0-9]{17,18}\Z")
_PIX = "br.gov.bcb.pix"
_BHARAT = "A000000524"


def _by_scheme(text: str) -> Iterator[Payload]:
    """Give what the beginning of a text tells."""
    text = as_read(text)
    match = _SCHEME.match(text)
    if match is None:
        return
    scheme = match[1].lower()
    if scheme in ("weixin", "begin"):
        start = text[:20].lower()
        for beginning, kinds in _STARTS:
            if start.startswith(beginning):
                yield from kinds
    elif scheme == "wifi":
        if _WIFI.match(text):
            yield Payload.WIFI
    else:
        yield from _SCHEMES.get(scheme, ())
        if scheme == "intent" and (inner := INTENT.search(text)):
            yield from _SCHEMES.get(inner[1].lower(), ())
    if match[2] and scheme not in _PLAIN_SCHEMES:
        yield Payload.APP_LINK


def _by_shape(text: str) -> Iterator[Payload]:
    """Give what the digits, letters and checksums of a text tell."""
    if text.startswith("000201"):
        yield from _of_emv(text)
    if text.isdecimal() and text.isascii():
        if _ALIPAY_DIGITS.match(text):
            yield Payload.ALIPAY
        elif _WECHAT_DIGITS.match(text):
            yield Payload.WECHAT_PAY
        elif _UNIONPAY_DIGITS.match(text):
            yield Payload.UNIONPAY
    elif (coin := coin_of(text)) is not None:
        yield from {"bitcoin": _BITCOIN, "ethereum": _ETHEREUM}.get(coin, _COIN)
    elif text[:2].lower() == "ln" and _LIGHTNING.match(text):
        yield from _BITCOIN
    if text[:1] == "M" and is_boarding_pass(text):
        yield Payload.BOARDING_PASS
    if text[:2] == "97" or text[:4].lower() == "isbn":
        if is_isbn(text):
            yield Payload.ISBN
    elif text[:1] in "]\x1d(01234" and is_gs1(text):
        yield Payload.GS1


def _of_emv(text: str) -> Iterator[Payload]:
    objects = read_emv(text)
    if objects is None:
        return
    yield Payload.EMV
    names = [value for tag, value in objects.items() if tag.endswith(".00")]
    if any(name.lower() == _PIX for name in names):
        yield Payload.PIX
    if any(name.startswith(_BHARAT) for name in names):
        yield Payload.UPI
    if "15" in objects or "16" in objects:
        yield Payload.UNIONPAY


def _by_host(link: Link) -> Iterator[Payload]:
    yield Payload.URL
    for pattern in patterns_for(link.host):
        paths, kind = _BY_PATTERN.get(pattern, ((), Payload.URL))
        if link.path.startswith(paths):
            yield kind
    if is_digital_link(link.path):
        yield Payload.GS1


def _is_binary(content: str) -> bool:
    if content.isprintable():
        return "\ufffd" in content
    # Separators of GS1 and ISO 15434 belong to texts.
    texts = "\t\n\r\x04\x1c\x1d\x1e\x1f"
    return any(
        char == "\ufffd" or (unicodedata.category(char) in ("Cc", "Cs") and char not in texts)
        for char in content
    )
