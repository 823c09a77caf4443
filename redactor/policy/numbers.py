"""Numbers and addresses that carry their own check: coins, books, goods, seats in aeroplanes."""

import hashlib
import re

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
# First byte of an address: Bitcoin (two kinds); Litecoin (two kinds), Dogecoin, Tron.
_BITCOIN = frozenset({0x00, 0x05})
_OTHERS = frozenset({0x30, 0x32, 0x1E, 0x41})
_GS1_MARK = re.compile(r"\](?:C1|e0|d2|Q3|J1)|\x1d|\(\d{2,4}\)")
_GS1_PLAIN = re.compile(r"01[0-9]{14}|00[0-9]{18}\Z")
_DIGITAL_LINK = re.compile(r"/(?:01/[0-9]{8,14}|00/[0-9]{18}|414/[0-9]{13})(?=[/?#]|\Z)")
_BOARDING = re.compile(
    r"M[1-4].{20}[E ][A-Z0-9 ]{7}[A-Z]{6}[A-Z0-9 ]{3}[0-9 ]{4}[A-Z0-9 ][0-9]{3}[A-Z]"
    r"[A-Z0-9 ]{4}[A-Z0-9 ]{5}[A-Z0-9 ][0-9A-F]{2}"
)
_ISBN10 = re.compile(r"ISBN(?:-10)?[: ]*([0-9][0-9 -]{8,13}[0-9X])\Z", re.IGNORECASE)
_ISBN13 = re.compile(r"(?:ISBN(?:-13)?[: ]*)?(97[89][0-9 -]{10,14})\Z", re.IGNORECASE)


def coin_of(text: str) -> str | None:
    """Say whose address a text is: `bitcoin`, `ethereum`, `other`; None where it is none."""
    if not 25 <= len(text) <= 120 or not text.isalnum() or not text.isascii():
        return None
    if text.startswith("0x") and len(text) == 42:
        return "ethereum" if set(text[2:].lower()) <= set("0123456789abcdef") else None
    lower = text.lower()
    if text in (lower, text.upper()) and lower.startswith(("bc1", "ltc1")):
        is_segwit = set(lower.partition("1")[2]) <= set(_BECH32) and 42 <= len(text) <= 90
        return {"b": "bitcoin", "l": "other"}[lower[0]] if is_segwit else None
    return _base58(text)


def _base58(text: str) -> str | None:
    if len(text) > 35 or not set(text) <= set(_BASE58):
        return None
    number = 0
    for char in text:
        number = number * 58 + _BASE58.index(char)
    if number.bit_length() > 200:
        return None
    octets = number.to_bytes(25, "big")
    if hashlib.sha256(hashlib.sha256(octets[:-4]).digest()).digest()[:4] != octets[-4:]:
        return None
    if octets[0] in _BITCOIN:
        return "bitcoin"
    return "other" if octets[0] in _OTHERS else None


def is_isbn(text: str) -> bool:
    """Whether a text is the number of a book, with its check digit right."""
    if long := _ISBN13.match(text):
        digits = re.sub("[ -]", "", long[1])
        # 979-0 is music.
        return len(digits) == 13 and not digits.startswith("9790") and has_gs1_check(digits)
    if short := _ISBN10.match(text):
        digits = re.sub("[ -]", "", short[1]).upper()
        values = [10 if char == "X" else int(char) for char in digits]
        total = sum(weight * value for weight, value in zip(range(10, 0, -1), values, strict=False))
        return len(digits) == 10 and total % 11 == 0
    return False


def has_gs1_check(digits: str) -> bool:
    """Whether the last of some digits is the check digit of GS1."""
    total = sum(int(d) * (3, 1)[i % 2] for i, d in enumerate(reversed(digits[:-1])))
    return (10 - total % 10) % 10 == int(digits[-1])


def is_boarding_pass(text: str) -> bool:
    """Whether a text begins with the mandatory items of an IATA boarding pass."""
    return bool(_BOARDING.match(text))


def is_gs1(text: str) -> bool:
    """Whether a text is made of GS1 element strings, each with an identifier that exists.

    Bare digits can be read so by chance: without a mark of GS1 they must begin with a number
    of goods or of a parcel whose check digit is right.
    """
    if not _GS1_MARK.search(text):
        plain = _GS1_PLAIN.match(text)
        if not plain or not has_gs1_check(plain[0][2:]):
            return False
    return len(text) < 1000 and _parses(text)


def is_digital_link(path: str) -> bool:
    """Whether the path of an address is a GS1 Digital Link with its check digit right."""
    found = _DIGITAL_LINK.search(path)
    return found is not None and has_gs1_check(found[0].rpartition("/")[2])


def _parses(text: str) -> bool:
    # Loaded when first needed: its table of identifiers takes a tenth of a second.
    from biip import ParseError
    from biip.gs1_messages import GS1Message

    bare = re.sub(r"^\](?:C1|e0|d2|Q3|J1)", "", text).lstrip("\x1d")
    parse = GS1Message.parse_hri if bare.startswith("(") else GS1Message.parse
    try:
        return bool(parse(bare).element_strings)
    except ParseError:
        return False
