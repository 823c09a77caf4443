"""The words, symbols and order in which reports speak of pictures and codes."""

from collections import Counter

from redactor.model import Action, Flag, Symbology, Verdict
from redactor.report.rows import CodeRow, Row
from redactor.report.text import defang, shorten

SYMBOLS = {
    Verdict.QUARANTINED: "✕",
    Verdict.FLAGGED: "⚑",
    Verdict.REDACTED: "■",
    Verdict.ALLOWED: "✓",
    Verdict.CLEAN: "○",
}
_MEANINGS = {
    Verdict.QUARANTINED: "could not be handled safely",
    Verdict.FLAGGED: "a person should look",
    Verdict.REDACTED: "codes were hidden",
    Verdict.ALLOWED: "codes, none of them hidden",
    Verdict.CLEAN: "no code found",
}
PARTICIPLES = {
    Action.ALLOW: "allowed",
    Action.BLUR: "blurred",
    Action.PIXELATE: "pixelated",
    Action.FILL: "filled",
}
PATHS = {
    "unchanged": "same bytes",
    "coefficients": "JPEG coefficients kept",
    "lossless": "lossless",
    "re-encoded": "encoded anew",
}
_SYMBOLOGIES = {
    Symbology.QRCODE: "QR code",
    Symbology.MICROQR: "Micro QR",
    Symbology.RMQR: "rMQR",
    Symbology.AZTEC: "Aztec",
    Symbology.DATAMATRIX: "Data Matrix",
    Symbology.MAXICODE: "MaxiCode",
    Symbology.PDF417: "PDF417",
    Symbology.MICROPDF417: "MicroPDF417",
    Symbology.EAN13: "EAN-13",
    Symbology.EAN8: "EAN-8",
    Symbology.UPCA: "UPC-A",
    Symbology.UPCE: "UPC-E",
    Symbology.CODE128: "Code 128",
    Symbology.CODE39: "Code 39",
    Symbology.CODE93: "Code 93",
    Symbology.CODABAR: "Codabar",
    Symbology.ITF: "ITF",
    Symbology.DATABAR: "DataBar",
    Symbology.DATABAR_EXPANDED: "DataBar Expanded",
    Symbology.DATABAR_LIMITED: "DataBar Limited",
    Symbology.TELEPEN: "Telepen",
    Symbology.DXFILMEDGE: "DX film edge",
    Symbology.ANY_1D: "barcode",
    Symbology.ANY_QR: "QR family",
    Symbology.UNKNOWN: "unknown code",
}


def meaning(verdict: Verdict, *, dry_run: bool = False) -> str:
    """Say what a verdict means."""
    if dry_run and verdict is Verdict.REDACTED:
        return "codes would be hidden"
    return _MEANINGS[verdict]


def risk(entry: Row) -> tuple[int, int, int]:
    """Give a key that sorts the riskiest picture first."""
    verdict = list(Verdict).index(Verdict(entry["verdict"]))
    flag = -Flag(entry["flag"]).rank if entry["flag"] else 1
    return verdict, flag, -len(entry["codes"])


def count(number: int, noun: str) -> str:
    """Give a number with its noun: `1 picture`, `1,200 pictures`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def symbology_name(symbology: str) -> str:
    """Give the name people know: `EAN-13` for `ean13`."""
    return _SYMBOLOGIES[Symbology(symbology)]


def content_of(code: CodeRow, *, limit: int = 240) -> tuple[str, bool]:
    """Say what a code holds, as far as its row tells.

    Returns:
        The text, and whether it quotes the code (True) or speaks about it (False).
    """
    if not code["read"]:
        return "seen, not read", False
    content, length = code["content"], code["length"] or 0
    match code["content_as"]:
        case "host" if content:
            return defang(content) + "/…", True
        case "scheme" if content:
            return f"{defang(content)}… ({count(length, 'character')})", True
        case "hash" if content:
            return f"#{content[:16]}", True
        case "full" if content is not None:
            # Cut first: what is long is never searched for addresses.
            return (defang(shorten(content, limit=limit)), True) if content else ("empty", False)
    return f"text of {count(length, 'character')}", False


def codes_of(entry: Row) -> str:
    """Name the codes of a picture: `2 QR codes, 1 EAN-13`."""
    counts = Counter(symbology_name(code["symbology"]) for code in entry["codes"])
    return ", ".join(
        f"{number} {name}{'s' if number > 1 and name.endswith('code') else ''}"
        for name, number in counts.most_common()
    )


def done_to(entry: Row) -> str:
    """Say what was done to a picture, or why nothing could be: `2 pixelated, 1 allowed`."""
    if entry["error"]:
        return entry["error"]
    if entry["verdict"] == Verdict.QUARANTINED:
        return "; ".join(entry["reasons"]) or "no reason was recorded"
    counts: Counter[str] = Counter()
    for code in entry["codes"]:
        gone = goes_with(entry, code)
        counts[f"removed with the {gone}" if gone else PARTICIPLES[Action(code["action"])]] += 1
    order = [*(PARTICIPLES[action] for action in Action), *counts]
    done = ", ".join(f"{counts[word]} {word}" for word in dict.fromkeys(order) if counts[word])
    would = "would be: " if (entry["dry_run"] or entry["held"]) and done else ""
    said = "".join(f"; {rule['rule']}" for rule in entry["picture_rules"])
    held = "; held back" if entry["held"] else ""
    return f"{would}{done or 'nothing to do'}{said}{held}"


def goes_with(entry: Row, code: CodeRow) -> str:
    """Name the further picture of the file that is removed to hide a code; empty for none."""
    name = frame_name(entry["frames"], code["frame"])
    return name if Action(code["action"]).hides and not name.startswith(PAGES) else ""


PAGES = ("frame ", "page ", "default image")  # names of what is drawn on in its place


def frame_name(frames: list[str], frame: int) -> str:
    """Say where in a file a code is; nothing where it is the picture itself."""
    name = frames[frame] if frame < len(frames) else f"frame {frame}"
    return "" if name == "picture" else name
