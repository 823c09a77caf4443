"""What hiding costs and leaves, beside a classical blur and mosaic and beside Pillow, in one run.

::

    python -m tests.benchmarks.rendering CORPUS [--limit N] [--policy FILE] [--json FILE]

CORPUS holds `manifest.jsonl`, a line per picture with its path as `image`.

- **leaks**: of the texts that were hidden, those that any engine reads in any version of the area,
  or zxing-cpp in the whole picture, before and still after. They look as hard as `redactor verify`
  does, harder than the check before writing. The classical ones do what everybody
  does: a Gaussian blur of radius 10 or a mosaic of 10 px over the box that zbar or zxing-cpp gives.
- **difference**: the largest one outside of what was hidden: of DCT coefficients in a JPEG, of
  8-bit samples else.
- **size**: bytes of the written file for each byte that came in.
- **time**: processor time of render + encode, beside Pillow's decode + encode of the same file in
  the same run (same format, tables and subsampling; progressive where it was), for JPEGs by the
  share of the picture that is hidden.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import zxingcpp
from PIL import Image
from pyzbar import pyzbar

from redactor import Redactor, codec
from redactor.codec.jpeg import JpegPicture
from redactor.detect import LocalDetector
from redactor.drawing import patches
from redactor.geometry import Box, Quad
from redactor.model import Frame, Pixels, Region, Result
from redactor.render import hidden_area
from tests.benchmarks.detection import ZBAR_SYMBOLS, manifest

Record = dict[str, Any]

OURS = "redactor"
RADIUS = 10  # of the classical blur: what Pillow calls the radius is a Gaussian's sigma
BLOCK = 10  # px of the classical mosaic
SMALL = 0.05  # of a picture's area
CLASSICAL = ("zbar's box, blur", "zxing-cpp's box, blur", "zxing-cpp's box, mosaic")
ROUNDS = 3  # of which the fastest counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--limit", type=int, help="take every n-th picture so that N are left")
    parser.add_argument("--policy", default="policies/default.yaml")
    parser.add_argument("--json", type=Path, help="write figures and pictures to a file too")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    redactor, auditor = Redactor.from_policy(arguments.policy), LocalDetector(audits=True)
    entries = manifest(arguments.corpus, arguments.limit)
    records = [measure(redactor, auditor, arguments.corpus, entry) for entry in entries]
    result = {"figures": figures(records), "pictures": records}
    show(result["figures"])
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


# Measuring one picture.


def measure(redactor: Redactor, auditor: LocalDetector, corpus: Path, entry: Record) -> Record:
    data = (corpus / entry["image"]).read_bytes()
    result = redactor.redact(data)
    record: Record = {
        "image": entry["image"],
        "set": entry["set"],
        "verdict": result.verdict.value,
        "reasons": list(result.reasons),
        "remedies": [check.remedy for check in result.checks if check.remedy],
    }
    if not result.changed:
        return record
    picture = codec.open_picture(data)
    return (
        record
        | leaks(auditor, picture.frames[0].views[0], result)
        | costs(picture, data, result)
        | {"path": result.path, "difference": difference(picture, result)}
    )


def leaks(auditor: LocalDetector, before: Pixels, result: Result) -> Record:
    """Count texts in what was hidden, and which of them each way of hiding leaves."""
    quads = [region.quad for region in result.regions if region.frame == 0]
    known = texts(auditor, before, quads)
    stays = {d.detection.content for d in result.codes if not d.action.hides}
    hidden = known - stays
    ways = {OURS: codec.open_picture(result.image).frames[0].views[0]}
    if hidden:
        blurred, zxing = cv2.GaussianBlur(before, (0, 0), RADIUS), zxing_boxes(before)
        ways |= {
            CLASSICAL[0]: over(before, zbar_boxes(before), blurred),
            CLASSICAL[1]: over(before, zxing, blurred),
            CLASSICAL[2]: over(before, zxing, mosaic(before)),
        }
    left = {way: len(hidden & texts(auditor, view, quads)) for way, view in ways.items() if hidden}
    return {"texts": len(hidden), "left": left}


def texts(auditor: LocalDetector, view: Pixels, quads: Sequence[Quad]) -> set[str]:
    """Give what any engine reads in any version of some areas, and zxing-cpp in the whole."""
    readings = auditor.read_last(Frame((view,)), quads, margin=0.25)
    whole = zxingcpp.read_barcodes(view, text_mode=zxingcpp.TextMode.Plain)
    return {code.content for code in readings if code.content} | {code.text for code in whole}


def zxing_boxes(view: Pixels) -> list[Box]:
    corners = ("top_left", "top_right", "bottom_right", "bottom_left")
    places = [code.position for code in zxingcpp.read_barcodes(view)]
    points = [[getattr(place, corner) for corner in corners] for place in places]
    return [Quad.of([(point.x, point.y) for point in four]).box for four in points]


def zbar_boxes(view: Pixels) -> list[Box]:
    gray = view if view.ndim == 2 else cv2.cvtColor(view, cv2.COLOR_RGB2GRAY)
    image = (np.ascontiguousarray(gray).tobytes(), gray.shape[1], gray.shape[0])
    found = [code.rect for code in pyzbar.decode(image, symbols=ZBAR_SYMBOLS)]
    return [Box(r.left, r.top, r.left + r.width, r.top + r.height) for r in found]


def over(before: Pixels, boxes: Iterable[Box], drawn: Pixels) -> Pixels:
    """Put what was drawn over boxes of a picture."""
    after = before.copy()
    for whole in boxes:
        box = whole.clip(before.shape[1], before.shape[0])
        part = np.s_[box.top : box.bottom, box.left : box.right]
        after[part] = drawn[part]
    return after


def mosaic(view: Pixels) -> Pixels:
    height, width = view.shape[:2]
    size = -(-width // BLOCK), -(-height // BLOCK)
    small = cv2.resize(view, size, interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, None, fx=BLOCK, fy=BLOCK, interpolation=cv2.INTER_NEAREST)
    return large[:height, :width]


def costs(picture: codec.Picture, data: bytes, result: Result) -> Record:
    """Time drawing and writing, and what Pillow takes to decode and encode."""
    ours = min(timed(lambda: written(codec.open_picture(data), result.regions)) for _ in rounds())
    theirs = min(timed(lambda: reencoded(data)) for _ in rounds())
    width, height = picture.size
    hidden = hidden_area(result.regions, picture.size, picture.pages[0].cell).mean()
    return {
        "format": picture.format,
        "megapixels": width * height / 1e6,
        "hidden": float(hidden),
        "size": len(result.image) / len(data),
        "milliseconds": ours,
        "pillow_milliseconds": theirs,
    }


def rounds() -> range:
    return range(ROUNDS)


def written(picture: codec.Picture, regions: Sequence[Region]) -> Callable[[], bytes]:
    """Give the work that is timed; the picture is open, as it is after detection."""
    return lambda: picture.encode(tuple(patches(picture, regions)))[0]


def reencoded(data: bytes) -> Callable[[], None]:
    def work() -> None:
        image = Image.open(io.BytesIO(data))
        options: Record = {}
        if image.format == "JPEG":
            options = {"quality": "keep", "progressive": "progressive" in image.info}
        image.save(io.BytesIO(), image.format, **options)

    return work


def timed(prepare: Callable[[], Callable[[], Any]]) -> float:
    """Give processor milliseconds of the work that is prepared."""
    work = prepare()
    start = time.process_time()
    work()
    return 1000 * (time.process_time() - start)


def difference(picture: codec.Picture, result: Result) -> int:
    """Give the largest difference outside of what was hidden."""
    if not isinstance(picture, JpegPicture):
        return result.difference or 0
    after = codec.open_picture(result.image)
    cells = hidden_area(result.regions, picture.size, picture.pages[0].cell)
    most = 0
    for index, (old, new) in enumerate(
        zip(picture._open().planes, after._open().planes, strict=True)
    ):
        component = picture._layout.components[index]
        hidden = cells.repeat(component.down, axis=0).repeat(component.across, axis=1)
        outside = ~hidden[: old.shape[0], : old.shape[1]]
        apart = np.abs(old.astype(np.int32) - new).max(axis=(2, 3))
        most = max(most, int(apart[outside].max(initial=0)))
    return most


# Figures.


def figures(records: Sequence[Record]) -> Record:
    changed = [record for record in records if "path" in record]
    jpegs = [record for record in changed if record["format"] == "JPEG"]
    small = [record for record in jpegs if record["hidden"] < SMALL]
    count = sum(record["texts"] for record in changed)
    left = {
        way: sum(record["left"].get(way, 0) for record in changed) for way in (OURS, *CLASSICAL)
    }
    verdicts = [record["verdict"] for record in records]
    paths = sorted({record["path"] for record in changed})
    return {
        "pictures": len(records),
        "changed": len(changed),
        "verdicts": {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
        "escalated": sum(bool(record["remedies"]) for record in records),
        "texts": count,
        "left": left,
        "difference": {
            path: max(record["difference"] for record in changed if record["path"] == path)
            for path in paths
        },
        "JPEG": spent(jpegs),
        "JPEG, less than 5 % hidden": spent(small),
        "other formats": spent([record for record in changed if record["format"] != "JPEG"]),
    }


def spent(records: Sequence[Record]) -> Record:
    """Sum up size and time; each picture counts once in a median, by its pixels in the mean."""
    if not records:
        return {"pictures": 0}
    pixels = sum(record["megapixels"] for record in records)
    ours, theirs = (
        sum(record[key] for record in records) for key in ("milliseconds", "pillow_milliseconds")
    )
    ratios = [record["milliseconds"] / record["pillow_milliseconds"] for record in records]
    return {
        "pictures": len(records),
        "hidden": median(record["hidden"] for record in records),
        "size": median(record["size"] for record in records),
        "milliseconds_per_megapixel": ours / pixels,
        "pillow_milliseconds_per_megapixel": theirs / pixels,
        "ratio": ours / theirs,
        "median_ratio": median(ratios),
    }


def show(found: Record) -> None:
    print(f"{found['pictures']} pictures, {found['changed']} changed: {found['verdicts']}")
    print(f"still readable at first, and hidden further: {found['escalated']}\n")
    print(f"{'hidden by':28}{'texts':>8}{'still read':>12}{'leak rate':>12}")
    for way, count in found["left"].items():
        rate = f"{100 * count / found['texts']:.2f} %" if found["texts"] else "-"
        print(f"{way:28}{found['texts']:8}{count:12}{rate:>12}")
    print("\nlargest difference outside of what was hidden")
    for path, most in found["difference"].items():
        print(f"{path:28}{most:8}")
    heads = ("files", "hidden", "size", "ms/MP", "Pillow's", "ratio", "median")
    print(f"\n{'render + encode':28}" + "".join(f"{head:>10}" for head in heads))
    for name in ("JPEG", "JPEG, less than 5 % hidden", "other formats"):
        print(f"{name:28}" + "".join(f"{cell:>10}" for cell in cells_of(found[name])))


def cells_of(row: Record) -> list[str]:
    if not row["pictures"]:
        return ["0"]
    return [
        str(row["pictures"]),
        f"{100 * row['hidden']:.1f} %",
        f"{row['size']:.3f}",
        f"{row['milliseconds_per_megapixel']:.1f}",
        f"{row['pillow_milliseconds_per_megapixel']:.1f}",
        f"{row['ratio']:.2f}",
        f"{row['median_ratio']:.2f}",
    ]


if __name__ == "__main__":
    main()
