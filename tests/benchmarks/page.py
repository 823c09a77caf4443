"""How soon a report of many pictures shows, in Chromium.

::

    python -m tests.benchmarks.page [--pictures 10000]

Printed are the size of the page, the seconds it takes to make, the first paint, when it can be
used, and how long a filter and a jump to the last picture take.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from redactor.geometry import Quad
from redactor.model import Action, Decision, Detection, Result, Symbology, Verdict
from redactor.report import HtmlReport


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=10_000, metavar="N")
    options = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        path.write_text(_report(options.pictures, Path(folder)), "utf-8")
        made_s = time.perf_counter() - began
        print(f"{options.pictures:,} pictures: made in {made_s:.1f} s, {_megabytes(path):.1f} MB")
        _visit(path, options.pictures)


def _report(number: int, folder: Path) -> str:
    file = io.BytesIO()
    scene = np.add.outer(np.arange(360), np.arange(480)).astype(np.uint8)
    Image.fromarray(scene).convert("RGB").save(file, "JPEG")
    report = HtmlReport(
        "Run", policy="p@1", detector="local", max_pictures=number, keep=_keeper(folder)
    )
    for n in range(number):
        text = f"https://shop{n % 97}.example.com/{n}"
        code = Detection(Quad.from_box(40, 40, 90, 90), Symbology.QRCODE, text, 1.0, ("zxing",))
        decision = Decision(code, list(Action)[n % 4], f"rule-{n % 5}")
        verdict = list(Verdict)[1 + n % 4]
        result = Result(f"in/{n:06}.jpg", verdict, (decision,), size=(480, 360), format="JPEG")
        report.add(result, file.getvalue(), None)
    return report.render()


def _keeper(folder: Path):
    def keep(name: str, data: bytes) -> None:
        (folder / "report").mkdir(exist_ok=True)
        (folder / "report" / name).write_bytes(data)

    return keep


def _megabytes(path: Path) -> float:
    return path.stat().st_size / 1e6


def _visit(path: Path, number: int) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"file://{path}")
        paints = page.evaluate(
            "performance.getEntriesByType('paint').map((one) => [one.name, one.startTime])"
        )
        ready = page.evaluate("performance.timing.domInteractive - performance.timing.fetchStart")
        for name, ms in paints:
            print(f"{name}: {ms / 1000:.2f} s")
        print(f"ready to use: {ready / 1000:.2f} s")
        for what, do in (
            ("a filter", "document.querySelector('#f-text').value = '0099';"
             "document.querySelector('#tools').dispatchEvent(new Event('input'))"),
            ("a jump", f"location.hash = '#p{number}'"),
        ):  # fmt: skip
            began = time.perf_counter()
            page.evaluate(do)
            page.evaluate("new Promise(requestAnimationFrame)")
            print(f"{what}: {time.perf_counter() - began:.2f} s")
        shown = page.locator("#gallery img").last.evaluate("(one) => one.decode().then(() => 1)")
        print(f"the last picture shows: {'yes' if shown else 'no'}")
        browser.close()


if __name__ == "__main__":
    main()
