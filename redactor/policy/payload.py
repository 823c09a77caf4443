"""What a content is for: a link, a payment, a contact.

A content may be several things at once: a payment link is `alipay` and `url`. Recognition errs
towards finding: an address inside a longer text counts. A new kind is one line in `_KINDS`.
"""

import binascii
import hashlib
import re
import unicodedata
from collections.abc import Callable
from enum import StrEnum

from redactor.policy.urls import Domains, Link, links_in


class Payload(StrEnum):
    """What a content is for; those that say most come first."""

    ALIPAY = "alipay"
    WECHAT_PAY = "wechat-pay"
    WECHAT_CONTACT = "wechat-contact"
    EMV = "emv"
    UPI = "upi"
    CRYPTO = "crypto"
    OTPAUTH = "otpauth"
    WIFI = "wifi"
    VCARD = "vcard"
    TEL = "tel"
    SMS = "sms"
    MAILTO = "mailto"
    GEO = "geo"
    URL = "url"
    TEXT = "text"
    BINARY = "binary"


def payloads(content: str) -> tuple[Payload, ...]:
    """Say what a content is for, at least one kind; the one that says most comes first."""
    text = content.strip()
    links = tuple(links_in(text))
    found = tuple(kind for kind, fits in _KINDS if fits(text, links))
    return found or ((Payload.BINARY if _is_binary(content) else Payload.TEXT),)


_Recogniser = Callable[[str, tuple[Link, ...]], bool]


def _starting(*starts: str) -> _Recogniser:
    return lambda text, _: text[: max(map(len, starts))].lower().startswith(starts)


def _matching(pattern: str) -> _Recogniser:
    compiled = re.compile(pattern, re.IGNORECASE | re.DOTALL)
    return lambda text, _: compiled.match(text) is not None


def _linking(*hosts: str, paths: tuple[str, ...] = ("/",)) -> _Recogniser:
    domains = Domains(hosts)
    return lambda _, links: any(
        link.host in domains and link.path.startswith(paths) for link in links
    )


def _either(*recognisers: _Recogniser) -> _Recogniser:
    return lambda text, links: any(fits(text, links) for fits in recognisers)


def _is_emv(text: str, _: tuple[Link, ...]) -> bool:
    """Whether it is a merchant-presented payment code whose objects and checksum are right."""
    if not text.startswith("000201") or not re.fullmatch(r"6304[0-9A-Fa-f]{4}", text[-8:]):
        return False
    octets = text.encode("utf-8", "surrogatepass")
    if binascii.crc_hqx(octets[:-4], 0xFFFF) != int(text[-4:], 16):
        return False
    # Issuers count lengths of names outside ASCII in characters or in bytes.
    return _has_whole_objects(text) or _has_whole_objects(octets.decode("latin-1"))


def _has_whole_objects(text: str) -> bool:
    at = 0
    while at < len(text):
        head = text[at : at + 4]
        if not re.fullmatch(r"[0-9]{4}", head):
            return False
        if head[:2] == "63":
            return at + 8 == len(text)
        at += 4 + int(head[2:])
    return False


_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# First byte of an address: Bitcoin (two kinds), Litecoin (two kinds), Dogecoin, Tron.
_ADDRESS_VERSIONS = frozenset({0x00, 0x05, 0x30, 0x32, 0x1E, 0x41})


def _is_base58_address(text: str, _: tuple[Link, ...]) -> bool:
    if not 25 <= len(text) <= 35 or not set(text) <= set(_BASE58):
        return False
    number = 0
    for char in text:
        number = number * 58 + _BASE58.index(char)
    if number.bit_length() > 200:
        return False
    octets = number.to_bytes(25, "big")
    check = hashlib.sha256(hashlib.sha256(octets[:-4]).digest()).digest()[:4]
    return octets[0] in _ADDRESS_VERSIONS and check == octets[-4:]


def _is_binary(content: str) -> bool:
    # Separators of GS1 and ISO 15434 belong to texts.
    texts = "\t\n\r\x04\x1c\x1d\x1e\x1f"
    return any(
        char == "\ufffd" or (unicodedata.category(char) in ("Cc", "Cs") and char not in texts)
        for char in content
    )


_KINDS: tuple[tuple[Payload, _Recogniser], ...] = (
    (
        Payload.ALIPAY,
        _either(
            _linking("alipay.com", "*.alipay.com"),
            _starting("alipay:", "alipays:", "alipayqr:"),
            # The code a payer shows: 16 to 24 digits beginning with 25 to 30.
            _matching(r"(?:2[5-9]|30)[0-9]{14,22}\Z"),
        ),
    ),
    (
        Payload.WECHAT_PAY,
        _either(
            _starting("wxp:", "weixin://wxpay/"),
            _linking("payapp.weixin.qq.com", "payapp.wechatpay.cn", "*.tenpay.com"),
            # The code a payer shows: 18 digits beginning with 10 to 15.
            _matching(r"1[0-5][0-9]{16}\Z"),
        ),
    ),
    (
        Payload.WECHAT_CONTACT,
        _either(
            _linking("u.wechat.com"),
            _linking("weixin.qq.com", paths=("/g/", "/r/", "/q/", "/u/")),
            _linking("work.weixin.qq.com", paths=("/u/", "/ca/", "/gm/")),
            _starting("weixin://contacts/", "weixin://dl/"),
        ),
    ),
    (Payload.EMV, _is_emv),
    (Payload.UPI, _starting("upi:")),
    (
        Payload.CRYPTO,
        _either(
            _matching(
                r"(?:bitcoin|bitcoincash|ethereum|litecoin|dogecoin|monero|ripple|xrp|solana"
                r"|tron|lightning|ton):"
            ),
            _matching(r"0x[0-9a-f]{40}\Z"),
            _matching(r"(?:bc1|ltc1)[ac-hj-np-z02-9]{39,59}\Z"),
            _matching(r"ln(?:bc|url)[a-z0-9]{50,}\Z"),
            _is_base58_address,
        ),
    ),
    (Payload.OTPAUTH, _starting("otpauth:", "otpauth-migration:")),
    (Payload.WIFI, _matching(r"wifi:(?:.*;)?s:")),
    (Payload.VCARD, _starting("begin:vcard", "mecard:", "bizcard:")),
    (Payload.TEL, _starting("tel:")),
    (Payload.SMS, _starting("sms:", "smsto:", "mms:", "mmsto:")),
    (Payload.MAILTO, _starting("mailto:", "matmsg:", "smtp:")),
    (Payload.GEO, _starting("geo:")),
    (Payload.URL, lambda _, links: bool(links)),
)
