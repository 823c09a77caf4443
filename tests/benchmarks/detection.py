"""What the detector finds on real photographs, beside stock engines, in one run.

::

    python -m tests.benchmarks.detection CORPUS [--detector local|thorough] [--limit N] [--jobs N]
                                         [--without PASS]… [--json OUT] [--compare OLD.json]

`--without` leaves a pass out, by the names of the table of costs: what it buys.

CORPUS holds `manifest.jsonl`, a line per picture: `image`, `set`, `category`, and `quads` (corners
of every code, in pixels of the picture with its EXIF orientation applied) or `codes` and `text`.

- A code is **covered** when at least 90 % of its annotated area lies in what would be hidden. The
  headline is the mean of the categories' covered shares; the interval is a bootstrap over pictures,
  drawn within each category.
- **extra** is hidden area that belongs to no code (codes grown by 8 % each side), as a share of
  the picture; `in cells`, with what a JPEG has to hide to whole blocks.
- **located**: something is found in a picture with a code. **read**: with a content; **right**: the
  content is the known one.
- Stock engines get their quads grown by 8 % each side; what they miss and hide is measured alike.

Cost is processor time on one thread, beside one zxing-cpp pass over the same grey raster.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import chain
from multiprocessing import Pool
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple
from unittest import mock

import cv2
import numpy as np
import zxingcpp
from PIL import Image
from pyzbar import pyzbar

from redactor import codec
from redactor.detect import LocalDetector, local
from redactor.errors import PictureError
from redactor.geometry import Mask, Quad, from_upright
from redactor.model import DEFAULT_LIMITS, Action, Decision, Detection, Frame, Pixels, Region
from redactor.render import hidden_area, region_of

Record = dict[str, Any]
Table = list[list[str]]

COVERED_SHARE = 0.9
GROWTH = 0.08
DRAWS = 2_000
TIME_NOISE = 0.1  # a smaller share of change in a time says nothing
FEW = 20  # codes in a category, below which its share says little
UNION = "all together"
OURS = "redactor"
OWN_PASSES = (
    "looks",
    "color_looks",
    "shrink",
    "flatten",
    "find_finders",
    "detailed",
    "locate",
    "merge",
)
SECOND_LOOKS = {
    "slanted bars": "_read_slanted",
    "second look": "_look_again",
    "tiny pictures": "_read_tiny",
    "cross-check": "_cross_check",
}
# zbar's DataBar decoder prints C warnings on ordinary photographs.
NOT_ASKED = {"NONE", "PARTIAL", "EAN2", "EAN5", "COMPOSITE", "DATABAR", "DATABAR_EXP"}
ZBAR_SYMBOLS = [symbol for symbol in pyzbar.ZBarSymbol if symbol.name not in NOT_ASKED]


class Picture(NamedTuple):
    """A picture as the pipeline opens it."""

    frame: Frame
    cell: tuple[int, int]
    orientation: int
    refusal: str | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--detector", choices=["local", "thorough"], default="local")
    parser.add_argument("--limit", type=int, help="take every n-th picture so that N are left")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--no-stock", action="store_true", help="leave out the stock engines")
    parser.add_argument(
        "--without", action="append", default=[], metavar="PASS", help="leave out a pass"
    )
    parser.add_argument("--json", type=Path, help="write figures and pictures to a file too")
    parser.add_argument("--compare", type=Path, help="print what differs from an earlier --json")
    arguments = parser.parse_args()
    entries = manifest(arguments.corpus, arguments.limit)
    work = partial(
        measure,
        arguments.corpus,
        thorough=arguments.detector == "thorough",
        stock=not arguments.no_stock,
        without=frozenset(arguments.without),
    )
    records = measure_all(work, entries, arguments.jobs)
    result = {"detector": arguments.detector, "figures": figures(records), "pictures": records}
    show(result["figures"])
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    if arguments.compare:
        compare(json.loads(arguments.compare.read_text()), result)


def manifest(corpus: Path, limit: int | None) -> list[Record]:
    lines = (corpus / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines if line.strip()]
    return entries[:: max(1, len(entries) // limit)] if limit else entries


# Measuring one picture.


def measure_all(
    work: Callable[[Record], Record], entries: Sequence[Record], jobs: int
) -> list[Record]:
    if jobs <= 1:
        return [work(entry) for entry in entries]
    with Pool(jobs) as pool:
        return list(pool.imap(work, entries, chunksize=4))


def measure(
    corpus: Path, entry: Record, *, thorough: bool, stock: bool, without: Container[str]
) -> Record:
    """Detect in one picture and say what that covers, hides, reads and costs."""
    cv2.setNumThreads(1)
    picture = opened((corpus / entry["image"]).read_bytes())
    gray = in_gray(picture.frame)
    passes: dict[str, float] = {}
    detector = LocalDetector(thorough=thorough)
    with watched(passes, without):
        seconds, found = timed(lambda: detector.detect([picture.frame]))
    zxing_seconds, _ = timed(lambda: zxingcpp.read_barcodes(gray))
    quads = stored_quads(entry, picture)
    record: Record = {
        "image": entry["image"],
        "set": entry["set"],
        "category": entry["category"],
        "codes": entry.get("codes", len(quads)),
        "text": entry.get("text"),
        "refusal": picture.refusal,
        "zxing_seconds": zxing_seconds,
        "passes": passes,
        "contents": [code.content for code in found],
        "engines": {OURS: seen(region_quads(found), quads, picture) | {"seconds": seconds}},
    }
    if stock:
        record["engines"] |= stock_engines(gray, quads, picture)
    return record


def opened(data: bytes) -> Picture:
    """Open a file like the pipeline; what it would quarantine is measured as Pillow shows it."""
    try:
        picture = codec.open_picture(data, DEFAULT_LIMITS)
    except PictureError as error:
        pixels = np.array(Image.open(io.BytesIO(data)).convert("RGB"))
        return Picture(Frame((pixels,)), (1, 1), 1, str(error))
    cell = picture.pages[0].cell
    return Picture(picture.frames[0], cell, picture.orientation, picture.refusal)


def in_gray(frame: Frame) -> Pixels:
    view = frame.views[0]
    gray = view if view.ndim == 2 else cv2.cvtColor(view, cv2.COLOR_RGB2GRAY)
    return np.ascontiguousarray(gray, dtype=np.uint8)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


@contextmanager
def watched(passes: dict[str, float], without: Container[str]) -> Iterator[None]:
    """Add up the seconds of each pass of the local detector, and leave some of them out."""
    is_second_look = False

    def spend(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            if name in without:
                return []
            seconds, result = timed(lambda: work(*args, **options))
            if not is_second_look:
                passes[name] = passes.get(name, 0.0) + seconds
            return result

        return run

    guarded = local._guarded

    def each_engine(name: str, look: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return spend(f"{name}.{look.__name__}", guarded)(name, look, *args, **options)

    def whole(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            nonlocal is_second_look
            if name in without:
                return []
            is_second_look = True
            try:
                seconds, result = timed(lambda: list(work(*args, **options)))
            finally:
                is_second_look = False
            passes[name] = passes.get(name, 0.0) + seconds
            return result

        return run

    with mock.patch.object(local, "_guarded", each_engine), ExitStack() as patches:
        for name in OWN_PASSES:
            work = spend(name, getattr(local, name))
            patches.enter_context(mock.patch.object(local, name, work))
        for label, name in SECOND_LOOKS.items():
            work = whole(label, getattr(LocalDetector, name))
            patches.enter_context(mock.patch.object(LocalDetector, name, work))
        yield


# What is hidden, and what of it belongs to codes.


def region_quads(found: Iterable[Detection]) -> list[Quad]:
    return [region_of(Decision(code, Action.FILL, "benchmark")).quad for code in found]


def grown(quad: Quad) -> Quad:
    across, down = quad.sides
    return quad.grow(GROWTH * across, GROWTH * down)


def seen(hidden: Sequence[Quad], codes: Sequence[Quad], picture: Picture) -> Record:
    """Say what hiding these quads covers of each code, and how much else it hides."""
    width, height = size = picture.frame.size
    mask, exact = (area_hidden(hidden, size, cell) for cell in (picture.cell, (1, 1)))
    is_other = np.ones((height, width), dtype=np.bool_)
    covered = []
    for code in codes:
        inside = area_of(code, width, height)
        covered.append(float(mask[inside].mean()) if inside.any() else 1.0)
        is_other &= ~area_of(grown(code), width, height)
    return {
        "found": len(hidden),
        "hidden": float(mask.mean()),
        "quads": [[[round(v, 1) for v in corner] for corner in quad.corners] for quad in hidden],
        "covered": covered,
        "extra": float((mask & is_other).mean()),
        "extra_exact": float((exact & is_other).mean()),
    }


def area_hidden(quads: Sequence[Quad], size: tuple[int, int], cell: tuple[int, int]) -> Mask:
    across, down = cell
    cells = hidden_area([Region(quad, Action.FILL) for quad in quads], size, cell)
    return np.repeat(np.repeat(cells, down, axis=0), across, axis=1)[: size[1], : size[0]]


def area_of(quad: Quad, width: int, height: int) -> Mask:
    mask = np.zeros((height, width), dtype=np.uint8)
    corners = np.rint(quad.hull() * 16 - 8).astype(np.int32)  # OpenCV's pixels have whole centres
    cv2.fillConvexPoly(mask, corners, 1, shift=4)
    return mask.astype(np.bool_)


def stored_quads(entry: Record, picture: Picture) -> list[Quad]:
    matrix = from_upright(picture.orientation, picture.frame.size)
    return [Quad.of(corners).map(matrix) for corners in entry.get("quads", [])]


# Stock engines.


def stock_engines(gray: Pixels, codes: Sequence[Quad], picture: Picture) -> Record:
    results, every = {}, []
    for name, find in STOCK.items():
        if codes and name == "OpenCV bars":  # not an engine for QR codes
            continue
        seconds, quads = timed(lambda find=find: [grown(quad) for quad in find(gray)])
        every += quads
        results[name] = seen(quads, codes, picture) | {"seconds": seconds}
    results[UNION] = seen(every, codes, picture) | {
        "seconds": sum(result["seconds"] for result in results.values())
    }
    return results


def by_zbar(gray: Pixels) -> list[Quad]:
    data = (gray.tobytes(), gray.shape[1], gray.shape[0])
    found = pyzbar.decode(data, symbols=ZBAR_SYMBOLS)
    return [
        Quad.of(code.polygon) if len(code.polygon) == 4 else Quad.from_box(*code.rect)
        for code in found
    ]


def by_zxing(gray: Pixels, **options: Any) -> list[Quad]:
    positions = [code.position for code in zxingcpp.read_barcodes(gray, **options)]
    return [
        Quad.of([(p.x, p.y) for p in (at.top_left, at.top_right, at.bottom_right, at.bottom_left)])
        for at in positions
    ]


def by_opencv(make: Callable[[], Any], gray: Pixels) -> list[Quad]:
    try:
        _, corners = make().detectMulti(gray)
    except cv2.error:
        return []
    if corners is None:
        return []
    every = np.asarray(corners, dtype=np.float64).reshape(-1, 4, 2)
    return [Quad.of(points) for points in every if np.isfinite(points).all()]


STOCK: dict[str, Callable[[Pixels], list[Quad]]] = {
    "zbar": by_zbar,
    "zxing-cpp": by_zxing,
    "zxing-cpp errors": partial(by_zxing, return_errors=True),
    "OpenCV QR": partial(by_opencv, cv2.QRCodeDetector),
    "OpenCV ArUco": partial(by_opencv, cv2.QRCodeDetectorAruco),
    "OpenCV bars": partial(by_opencv, cv2.barcode.BarcodeDetector),
}


# Figures over all pictures.


def figures(records: Sequence[Record]) -> Record:
    """Sum up; what a corpus does not hold is left out."""
    annotated = [r for r in records if r["engines"][OURS]["covered"]]
    texts = [r for r in records if not r["engines"][OURS]["covered"] and r["codes"]]
    empty = [r for r in records if not r["codes"]]
    return {
        "pictures": len(records),
        "refused": [r["image"] for r in records if r["refusal"]],
        "coverage": {n: coverage(annotated, n) for n in known(annotated)},
        "located": {n: located(texts, n) for n in known(texts)},
        "reading": reading(texts),
        "empty": {n: alarms(empty, n) for n in known(empty)},
        "cost": cost(records),
    }


def known(records: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record["engines"]))


def coverage(records: Sequence[Record], name: str) -> Record:
    categories: dict[str, list[list[bool]]] = defaultdict(list)
    extra: dict[str, list[float]] = defaultdict(list)
    exact: dict[str, list[float]] = defaultdict(list)
    for record in records:
        result = record["engines"][name]
        categories[record["category"]].append([s >= COVERED_SHARE for s in result["covered"]])
        extra[record["category"]].append(result["extra"])
        exact[record["category"]].append(result["extra_exact"])
    low, high = bootstrap(list(categories.values()))
    return {
        "macro": mean(share_of(pictures) for pictures in categories.values()),
        "interval": [low, high],
        "extra": mean(chain(*extra.values())),
        "extra_exact": mean(chain(*exact.values())),
        "categories": {
            category: {
                "pictures": len(pictures),
                "codes": sum(map(len, pictures)),
                "covered": sum(map(sum, pictures)),
                "share": share_of(pictures),
                "extra": mean(extra[category]),
                "extra_exact": mean(exact[category]),
            }
            for category, pictures in sorted(categories.items())
        },
    }


def share_of(pictures: Sequence[Sequence[bool]]) -> float:
    return sum(map(sum, pictures)) / sum(map(len, pictures))


def bootstrap(categories: Sequence[Sequence[Sequence[bool]]]) -> tuple[float, float]:
    """Give the interval in which 95 % of redrawn macro means lie."""
    random = np.random.default_rng(0)
    total = np.zeros(DRAWS)
    for pictures in categories:
        counts = np.array([(sum(codes), len(codes)) for codes in pictures])
        drawn = counts[random.integers(0, len(counts), (DRAWS, len(counts)))].sum(axis=1)
        total += drawn[:, 0] / drawn[:, 1]
    low, high = np.percentile(total / len(categories), (2.5, 97.5))
    return float(low), float(high)


def located(records: Sequence[Record], name: str) -> Record:
    missed = [r["image"] for r in records if not r["engines"][name]["found"]]
    return {"of": len(records), "located": len(records) - len(missed), "missed": missed}


def reading(records: Sequence[Record]) -> Record:
    """Count what was read, by symbology as the folders call it."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        contents = [content for content in record["contents"] if content is not None]
        count = counts[re.sub(r"-\d+$", "", record["category"])]
        count["pictures"] += 1
        count["located"] += bool(record["contents"])
        count["read"] += bool(contents)
        if record["text"] is not None:
            count["known"] += 1
            count["right"] += any(plain(record["text"]) in plain(c) for c in contents)
    return {symbology: dict(count) for symbology, count in sorted(counts.items())}


def plain(text: str) -> str:
    """Give what two spellings of one content share: brackets, separators and bytes differ.

    One may lie in the other: start and stop letters, or the GS1 identifier before a number.
    """
    return re.sub(r"[^0-9A-Za-z]", "", text).lstrip("0")


def alarms(records: Sequence[Record], name: str) -> Record:
    sets: dict[str, Record] = {}
    for record in records:
        group = sets.setdefault(record["set"], {"of": 0, "pictures": []})
        group["of"] += 1
        if record["engines"][name]["found"]:
            group["pictures"].append(record["image"])
    return sets


def cost(records: Sequence[Record]) -> Record:
    result: Record = {}
    for name in dict.fromkeys(r["set"] for r in records):
        group = [r for r in records if r["set"] == name]
        passes: Counter[str] = Counter()
        for record in group:
            passes.update(record["passes"])
        seconds = sum(r["engines"][OURS]["seconds"] for r in group)
        base = sum(r["zxing_seconds"] for r in group)
        result[name] = {
            "pictures": len(group),
            "seconds": seconds / len(group),
            "zxing_seconds": base / len(group),
            "ratio": seconds / base,
            "passes": {key: value / len(group) for key, value in passes.most_common()},
            "engines": {
                engine: mean(r["engines"][engine]["seconds"] for r in group)
                for engine in known(group)
            },
        }
    return result


# Tables.


def show(result: Record) -> None:
    print(f"{result['pictures']} pictures; {len(result['refused'])} could not be opened or changed")
    sections = (
        ("Covered (* few codes: says little)", result["coverage"], coverage_table),
        ("Pictures with a code: located and read", result["reading"], reading_table),
        ("Beside stock engines", result, engines_table),
        ("Cost, processor seconds per picture", result["cost"], cost_table),
    )
    for title, part, table in sections:
        if part:
            print(f"\n{title}\n{aligned(table(part))}")
    print()
    for name, alarm in result["empty"].get(OURS, {}).items():
        for image in alarm["pictures"]:
            print(f"{name}: no code there, and something is found: {image}")
    for image in result["located"].get(OURS, {}).get("missed", []):
        print(f"not located: {image}")


def coverage_table(engines: Record) -> Table:
    ours = engines[OURS]
    table = [["category", "pictures", "codes", "covered", "share %", "extra %", "in cells"]]
    for category, row in ours["categories"].items():
        few = " *" if row["codes"] < FEW else ""
        counts = [str(row[key]) for key in ("pictures", "codes", "covered")]
        table.append([category + few, *counts, percent(row["share"]), *extra_of(row)])
    low, high = map(percent, ours["interval"])
    table.append(["macro mean", "", "", "", percent(ours["macro"]), *extra_of(ours)])
    return [*table, ["95 % interval", "", "", "", f"{low} to {high}", "", ""]]


def extra_of(row: Record) -> list[str]:
    return [percent(row[key], 2) for key in ("extra_exact", "extra")]


def reading_table(symbologies: Record) -> Table:
    keys = ("pictures", "located", "read", "known", "right")
    total = sum((Counter(row) for row in symbologies.values()), Counter())
    table = [["symbology", *keys, "read %"]]
    for name, row in [*symbologies.items(), ("all", total)]:
        share = percent(row["read"] / row["pictures"])
        table.append([name, *(str(row.get(key, 0)) for key in keys), share])
    return table


def engines_table(result: Record) -> Table:
    """Put the detector and the stock engines side by side; a dash where one was not asked."""
    coverages, places, alarm = result["coverage"], result["located"], result["empty"]
    names = list(dict.fromkeys([*coverages, *places, *alarm]))
    rows: list[tuple[str, Callable[[str], str]]] = []
    if coverages:
        rows.append(("macro covered %", lambda name: percent(coverages[name]["macro"])))
        rows.append(("extra %", lambda name: extra_of(coverages[name])[0]))
        rows.append(("extra in cells %", lambda name: extra_of(coverages[name])[1]))
        rows += [
            (f"- {category} %", lambda n, c=category: percent(category_share(coverages[n], c)))
            for category in coverages[OURS]["categories"]
        ]
    if places:
        count = places[OURS]["of"]
        rows.append((f"located, of {count}", lambda name: str(places[name]["located"])))
    for group, row in alarm.get(OURS, {}).items():
        label = f"found in {row['of']} {group} without codes"
        rows.append((label, lambda name, g=group: str(len(alarm[name][g]["pictures"]))))
    rows += [
        (f"seconds, {group}", lambda name, g=group: f"{result['cost'][g]['engines'][name]:.3f}")
        for group in result["cost"]
    ]
    return [["", *names], *([label, *map(or_dash(cell), names)] for label, cell in rows)]


def category_share(engine: Record, category: str) -> float:
    return engine["categories"][category]["share"]


def or_dash(cell: Callable[[str], str]) -> Callable[[str], str]:
    def value(name: str) -> str:
        try:
            return cell(name)
        except KeyError:
            return "-"

    return value


def cost_table(sets: Record) -> Table:
    passes = list(dict.fromkeys(name for row in sets.values() for name in row["passes"]))
    table = [["", *sets]]
    table.append(["pictures", *(str(row["pictures"]) for row in sets.values())])
    table.append(["detector", *(f"{row['seconds']:.3f}" for row in sets.values())])
    table.append(["one zxing-cpp pass", *(f"{row['zxing_seconds']:.3f}" for row in sets.values())])
    table.append(["ratio", *(f"{row['ratio']:.2f}" for row in sets.values())])
    for name in passes:
        spent = (f"{row['passes'].get(name, 0):.3f}" for row in sets.values())
        table.append([f"- {name}", *spent])
    return table


def percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f}"


def aligned(table: Table) -> str:
    """Lay out rows: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    )


# What differs from an earlier run.


def compare(old: Record, new: Record) -> None:
    before, after = flat(old["figures"]), flat(new["figures"])
    table = [["figure", "before", "after", "change"]]
    for key in (key for key in before if key in after):
        was, now = before[key], after[key]
        # Times differ from run to run.
        if was != now and not (key.startswith("cost") and abs(now - was) < TIME_NOISE * was):
            table.append([key, f"{was:.4g}", f"{now:.4g}", f"{now - was:+.4g}"])
    print(f"\nChanged\n{aligned(table)}" if len(table) > 1 else "\nNothing changed.")
    for line in changed_pictures(old["pictures"], new["pictures"]):
        print(line)


def flat(value: Any, path: str = "") -> dict[str, float]:
    """Give every number in nested figures by its path; counts of lists stand for the lists."""
    if isinstance(value, dict):
        parts = [flat(part, f"{path}/{key}".strip("/")) for key, part in value.items()]
        return {key: number for part in parts for key, number in part.items()}
    if isinstance(value, list):
        numbers = value if all(isinstance(v, int | float) for v in value) and value else None
        return {f"{path}/{i}": v for i, v in enumerate(numbers)} if numbers else {path: len(value)}
    return {path: value} if isinstance(value, int | float) else {}


def changed_pictures(old: Sequence[Record], new: Sequence[Record]) -> Iterator[str]:
    before = {record["image"]: outcome(record) for record in old}
    for record in new:
        was = before.get(record["image"])
        if was is not None and was != (now := outcome(record)):
            yield f"{record['image']}: {was} -> {now}"


def outcome(record: Record) -> str:
    """Say in a word or two what came of a picture, without what its codes say."""
    ours = record["engines"][OURS]
    if ours["covered"]:
        count = sum(share >= COVERED_SHARE for share in ours["covered"])
        return f"{count} of {len(ours['covered'])} covered"
    if not record["codes"]:
        return "something found" if ours["found"] else "nothing found"
    if any(content is not None for content in record["contents"]):
        return "read"
    return "located" if ours["found"] else "missed"


if __name__ == "__main__":
    main()
