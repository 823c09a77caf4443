"""Pairs of pictures that differ only in what their code says: how many come out the same.

::

    python -m tests.benchmarks.pairs [--count N] [--json FILE]

Half of the pairs are upright, half in perspective, every other one is a JPEG. What is drawn never
depends on what is hidden; what may still tell two pictures apart is the outline of the region,
because a decoder places the corners of codes with different contents a fraction of a pixel apart.
So where the bytes of a pair differ, both pictures are drawn again with the regions of the first:
then they have to be the same.
"""

from __future__ import annotations

import argparse
import io
import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import zxingcpp
from PIL import Image

from redactor import Redactor, codec
from redactor.model import Pixels, Region
from redactor.pipeline import _patches
from redactor.policy import Policy

WAYS = ("upright", "in perspective")
POLICY = "version: 1\nname: hide\ndefault: {action: blur}\n"
_SIZE = 640, 480
_DIGITS = 10**12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="pairs (default: 200)")
    parser.add_argument("--json", type=Path, help="write the figures to a file too")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    figures = measure(arguments.count)
    show(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


def measure(count: int) -> dict[str, dict[str, int]]:
    redactor = Redactor(Policy.parse(POLICY))
    outcomes: dict[str, Counter[str]] = {way: Counter() for way in WAYS}
    for index in range(count):
        way = WAYS[index % 2]
        outcomes[way][outcome(redactor, *pair(index, way, "PNG" if index % 4 < 2 else "JPEG"))] += 1
    return {way: dict(counts) for way, counts in outcomes.items()}


def pair(seed: int, way: str, form: str) -> tuple[bytes, bytes]:
    """Draw two pictures of one scene, with codes of one size and different contents."""
    random = np.random.default_rng(seed)
    width, height = _SIZE
    side = random.integers(90, 260)
    left, top = random.uniform(40, width - side - 40), random.uniform(40, height - side - 40)
    square = np.array(((0, 0), (side, 0), (side, side), (0, side)))
    corners = np.array((left, top)) + square
    if way != "upright":
        corners += random.uniform(-0.14, 0.14, corners.shape) * side
    y, x = np.mgrid[:height, :width]
    waves = [170 + 40 * np.sin(x / (60 + 9 * k) + k) + 30 * np.cos(y / 70 + k) for k in range(3)]
    grain = random.normal(0, 6, (height, width, 1))
    scene = np.dstack(waves) + grain
    contents = [f"https://example.org/{random.integers(_DIGITS):012}" for _ in "12"]
    first, second = (saved(with_code(scene, text, corners), form) for text in contents)
    return first, second


def with_code(scene: Pixels, text: str, corners: Pixels) -> Pixels:
    """Print a code with its quiet zone at four corners, smooth at its edges."""
    symbol = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    drawn = np.array(zxingcpp.write_barcode_to_image(symbol, scale=16)).astype(np.float32)
    edge = drawn.shape[0]
    square = np.float32([(0, 0), (edge, 0), (edge, edge), (0, edge)])
    matrix = cv2.getPerspectiveTransform(square, np.float32(corners))
    paper = cv2.warpPerspective(np.ones_like(drawn), matrix, _SIZE, flags=cv2.INTER_AREA)
    ink = cv2.warpPerspective(cv2.blur(drawn, (5, 5)), matrix, _SIZE, flags=cv2.INTER_LINEAR)
    return (scene * (1 - paper[..., None]) + ink[..., None]).clip(0, 255).astype(np.uint8)


def saved(pixels: Pixels, form: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **({"quality": 92} if form == "JPEG" else {}))
    return file.getvalue()


def outcome(redactor: Redactor, one: bytes, other: bytes) -> str:
    """Say how alike the two of a pair come out."""
    first, second = redactor.redact(one), redactor.redact(other)
    if not first.regions or not second.regions:
        return "not both found"
    if first.image == second.image:
        return "byte-identical"
    if first.regions == second.regions:
        return "differ elsewhere"
    return "outline only" if alike(one, other, first.regions) else "differ elsewhere"


def alike(one: bytes, other: bytes, regions: tuple[Region, ...]) -> bool:
    """Say whether both come out the same with regions that hold both codes."""
    larger = [Region(region.quad.grow(8), region.action, region.style) for region in regions]
    first, second = (
        picture.encode(tuple(_patches(picture, larger)))[0]
        for picture in map(codec.open_picture, (one, other))
    )
    return first == second


def show(figures: dict[str, dict[str, int]]) -> None:
    outcomes = ["byte-identical", "outline only", "not both found", "differ elsewhere"]
    print(f"{'pairs':16}" + "".join(f"{name:>18}" for name in outcomes))
    for way, counts in figures.items():
        print(f"{way:16}" + "".join(f"{counts.get(name, 0):18}" for name in outcomes))


if __name__ == "__main__":
    main()
