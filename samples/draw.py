"""Draw the samples: `python samples/draw.py`, from scratch, the same every time.

`--check` draws to memory, compares with the files in place and reads every code.
"""

import argparse
import io
import sys
from pathlib import Path

import numpy as np
import yaml
import zxingcpp
from draw import frames, goods, prints, scenery, screens, street, tabletop  # noqa: F401 - they register
from draw.files import CASES, Case
from PIL import ExifTags, Image

HERE = Path(__file__).parent
TOLERANCE = 0.05
"""How far a corner may lie from where it is expected, as a part of the symbol's longer side."""
LINEAR = {"code128", "code39", "itf", "ean13"}


def main() -> int:
    """Draw or check; 1 where a check failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", help="names of cases (default: all)")
    parser.add_argument("--check", action="store_true", help="compare and read; write nothing")
    arguments = parser.parse_args()
    known = {case.name: case for case in sorted(CASES, key=lambda case: case.name)}
    if unknown := set(arguments.cases) - set(known):
        parser.error(f"no such case: {', '.join(sorted(unknown))}; choose from {', '.join(known)}")
    chosen = [known[name] for name in arguments.cases or known]
    if arguments.check:
        return max(check(case) for case in chosen)
    for case in chosen:
        draw(case)
    return 0


def draw(case: Case) -> None:
    """Write a case's folder."""
    folder = HERE / case.name
    folder.mkdir(exist_ok=True)
    for name, content in case.files().items():
        (folder / name).write_bytes(content)
    print(f"{case.name}/{case.picture}  {(folder / case.picture).stat().st_size / 1000:.0f} kB")


def check(case: Case) -> int:
    """Print how a case's files compare with what is drawn now; 1 where they do not."""
    files = case.files()
    troubles = differences(case, files)
    expected = yaml.safe_load(files["expected.yaml"])
    with Image.open(io.BytesIO(files[case.picture])) as image:
        for number in range(expected.get("pages", 1)):
            image.seek(number)
            here = [code for code in expected["codes"] if code.get("frame", 0) == number]
            troubles += unmet(here, read(image))
        small = None if "pages" in expected else thumbnail(image)
    found = {} if small is None else {"thumbnail": sum(code.valid for code in read(small))}
    if found != expected.get("frames", {}):
        troubles.append(f"codes in other frames: {found}")
    kinds = [code["symbology"] for code in expected["codes"]]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)) or "no code"
    print(f"{case.name:22} {expected['verdict']:9} {counts:24} {'; '.join(troubles) or 'as drawn'}")
    return 1 if troubles else 0


def differences(case: Case, files: dict[str, bytes]) -> list[str]:
    """What differs between the files in place and those drawn now."""
    troubles = []
    for name, content in files.items():
        place = HERE / case.name / name
        if not place.exists():
            troubles.append(f"{name} is missing")
        elif name == case.picture:
            troubles += differing_pixels(place, content)
        elif place.read_bytes() != content:
            troubles.append(f"{name} differs")
    return troubles


def differing_pixels(place: Path, content: bytes) -> list[str]:
    """How many pixels of a picture in place are not as drawn now."""
    with Image.open(place) as old, Image.open(io.BytesIO(content)) as new:
        kinds = [(image.mode, image.size, getattr(image, "n_frames", 1)) for image in (old, new)]
        if kinds[0] != kinds[1]:
            return [f"{place.name} is {kinds[0]}, drawn now {kinds[1]}"]
        off = np.zeros((1, 1))
        for number in range(kinds[0][2]):
            old.seek(number)
            new.seek(number)
            before, now = (np.asarray(image.convert("RGBA"), np.int16) for image in (old, new))
            if (here := np.abs(before - now).max(axis=2)).any():
                off = here
    return [f"{(off > 0).sum()} pixels differ, by up to {off.max()}"] if off.any() else []


def read(image: Image.Image) -> list[zxingcpp.Barcode]:
    """Every code that zxing-cpp finds, read or not, on white where the picture is transparent."""
    shown = image.convert("RGBA")
    ground = Image.new("RGBA", shown.size, "white")
    gray = Image.alpha_composite(ground, shown).convert("L")
    return zxingcpp.read_barcodes(np.asarray(gray), return_errors=True)


def thumbnail(image: Image.Image) -> Image.Image | None:
    """The picture embedded in EXIF, or None."""
    exif = image.info.get("exif", b"").removeprefix(b"Exif\0\0")
    entries = image.getexif().get_ifd(ExifTags.IFD.IFD1)
    if not entries:
        return None
    start, length = entries[0x0201], entries[0x0202]
    return Image.open(io.BytesIO(exif[start : start + length]))


def unmet(codes: list[dict], found: list[zxingcpp.Barcode]) -> list[str]:
    """What of the expected codes was not found, and what was found beyond them."""
    left, troubles = list(found), []
    for code in codes:
        if not any(_is_found(code, barcode) for barcode in found):
            troubles.append(f"not found: {code['content'] or 'unread ' + code['symbology']}")
        left = [barcode for barcode in left if not _belongs(code, barcode)]
    return troubles + [f"not expected: {b.format} {b.text[:40]!r} {_place(b)}" for b in left]


def _belongs(code: dict, barcode: zxingcpp.Barcode) -> bool:
    """Whether a report is of this code: of its content, or unread and within it."""
    if barcode.valid:
        return barcode.text == code["content"]
    quad = np.array(code["quad"], float)
    middle = np.mean(_place(barcode), axis=0)
    return bool((quad.min(axis=0) <= middle).all() and (middle <= quad.max(axis=0)).all())


def _is_found(code: dict, barcode: zxingcpp.Barcode) -> bool:
    if (barcode.text if barcode.valid else None) != code["content"]:
        return False
    expected, seen = np.array(code["quad"], float), np.array(_place(barcode), float)
    sides = np.hypot(*(expected - np.roll(expected, 1, axis=0)).T)
    limit = max(3, TOLERANCE * sides.max())
    if code["symbology"] in LINEAR:
        # zxing-cpp reports the scan lines it read: they must span the bars and lie within.
        return _misses(seen, expected, sides.min() + limit) and _span(seen, expected) < limit
    return _misses(seen, expected, limit)


def _misses(seen: np.ndarray, expected: np.ndarray, limit: float) -> bool:
    """Whether the corners lie within a limit, in whichever order a reader gives them."""
    orders = [np.roll(way, i, axis=0) for way in (seen, seen[::-1]) for i in range(4)]
    return min(np.hypot(*(order - expected).T).max() for order in orders) <= limit


def _span(seen: np.ndarray, expected: np.ndarray) -> float:
    """How far both ends together lie from the ends of the bars, in pixels."""
    along = expected[1] - expected[0]
    along /= np.hypot(*along)
    ends, bars = seen @ along, expected @ along
    return abs(ends.min() - bars.min()) + abs(ends.max() - bars.max())


def _place(barcode: zxingcpp.Barcode) -> list[tuple[int, int]]:
    p = barcode.position
    return [(c.x, c.y) for c in (p.top_left, p.top_right, p.bottom_right, p.bottom_left)]


if __name__ == "__main__":
    sys.exit(main())
