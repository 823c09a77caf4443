"""Merchant-presented payment codes as EMVCo writes them: objects of tag, length and value.

The whole is protected by a checksum; a text whose objects or checksum are wrong is none.
"""

import binascii
import re

_END = re.compile(r"6304[0-9A-Fa-f]{4}")
_HEAD = re.compile(r"[0-9]{4}")
_NESTED = frozenset(f"{tag:02}" for tag in range(26, 52))


def read_emv(text: str) -> dict[str, str] | None:
    """Give the objects of a payment code by their tags; None for any other text.

    The globally unique name within a merchant account template stands under the tag of the
    template, a dot and `00`: `26.00`.
    """
    if not text.startswith("000201") or not _END.fullmatch(text[-8:]):
        return None
    octets = text.encode("utf-8", "surrogatepass")
    if binascii.crc_hqx(octets[:-4], 0xFFFF) != int(text[-4:], 16):
        return None
    # Issuers count lengths of names outside ASCII in characters or in bytes.
    found = _objects(text) or _objects(octets.decode("latin-1"))
    if found is None or "63" not in found:
        return None
    for tag in _NESTED & found.keys():
        found[f"{tag}.00"] = (_objects(found[tag]) or {}).get("00", "")
    return found


def _objects(text: str) -> dict[str, str] | None:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        head = text[at : at + 4]
        end = at + 4 + int(head[2:]) if _HEAD.fullmatch(head) else len(text) + 1
        if end > len(text):
            return None
        found[head[:2]] = text[at + 4 : end]
        at = end
    return found
