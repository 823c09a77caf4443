"""Seconds per picture and stage, beside what a user would use instead, in one run.

::

    python -m tests.benchmarks.stages FOLDER [--policy FILE] [--limit N] [--json FILE]

Every picture below FOLDER goes through the pipeline on one thread. Beside it, on the same pictures
and in turn with it: one zxing-cpp pass over the decoded picture, and Pillow's decode and encode.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median
from typing import TypeVar

import cv2
import zxingcpp
from PIL import Image

from redactor import Redactor

T = TypeVar("T")
STAGES = ("decode", "detect", "decide", "render", "encode", "verify")
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--policy", default="policies/default.yaml")
    parser.add_argument("--limit", type=int, help="take every n-th picture so that N are left")
    parser.add_argument("--json", type=Path, help="write the figures to a file too")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    figures = measure(pictures(arguments.folder, arguments.limit), arguments.policy)
    show(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


def pictures(folder: Path, limit: int | None) -> list[Path]:
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    return found[:: max(1, len(found) // limit)] if limit else found


def measure(paths: list[Path], policy: str) -> dict[str, object]:
    redactor = Redactor.from_policy(policy)
    seconds: dict[str, list[float]] = {stage: [] for stage in STAGES}
    seconds |= {"whole": [], "zxing-cpp alone": [], "Pillow decode + encode": []}
    verdicts: Counter[str] = Counter()
    changed: list[float] = []
    for path in paths:
        data = path.read_bytes()
        spent, result = timed(lambda data=data: redactor.redact(data))
        verdicts[result.verdict.value] += 1
        for stage in STAGES:
            seconds[stage].append(result.seconds.get(stage, 0.0))
        seconds["whole"].append(spent)
        if result.changed:
            changed.append(sum(result.seconds.get(s, 0.0) for s in ("render", "encode", "verify")))
        try:
            image = Image.open(io.BytesIO(data)).convert("L")
        except OSError:
            continue
        seconds["zxing-cpp alone"].append(
            timed(lambda image=image: zxingcpp.read_barcodes(image))[0]
        )
        seconds["Pillow decode + encode"].append(timed(lambda data=data: reencode(data))[0])
    return {
        "pictures": len(paths),
        "verdicts": dict(verdicts),
        "mean": {name: mean(values) for name, values in seconds.items() if values},
        "median": {name: median(values) for name, values in seconds.items() if values},
        "mean render + encode + verify of changed": mean(changed) if changed else 0.0,
    }


def timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def reencode(data: bytes) -> None:
    image = Image.open(io.BytesIO(data))
    keep = {"quality": "keep"} if image.format == "JPEG" else {}
    image.save(io.BytesIO(), image.format, **keep)


def show(figures: dict[str, object]) -> None:
    means, medians = figures["mean"], figures["median"]
    base = means.get("zxing-cpp alone", 0.0)
    print(f"{figures['pictures']} pictures: {figures['verdicts']}\n")
    print(f"{'stage':24} {'mean s':>8} {'median s':>9} {'x zxing-cpp':>12}")
    for name, value in means.items():
        ratio = f"{value / base:12.2f}" if base else ""
        print(f"{name:24} {value:8.3f} {medians[name]:9.3f} {ratio}")
    name = "mean render + encode + verify of changed"
    print(f"\n{name}: {figures[name]:.3f} s")


if __name__ == "__main__":
    main()
