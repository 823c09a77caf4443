"""Pictures of the report over samples/: desktop, phone, dark, for the README and for a look.

::

    python -m tests.benchmarks.screenshots [FOLDER]

Writes `report.webp`, which the README shows from this folder, `phone.webp` and `dark.webp`.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

_VIEWS = {
    "report": {"viewport": {"width": 1180, "height": 1250}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1180, "height": 1250}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 1400}, "color_scheme": "light"},
}
_FOLDERS = ("scribbled-flyer", "receipt", "poster", "parcel-label", "train-ticket", "cafe-table")


def main() -> None:
    """Make them."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        page_path = Path(name) / "plan.html"
        sources = [f"samples/{folder}" for folder in _FOLDERS]
        subprocess.run(
            [
                sys.executable, "-m", "redactor", "plan", *sources, "-q",
                "-o", str(Path(name) / "plan.jsonl"), "--report", str(page_path),
                "--policy", "policies/marketplace.yaml",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for view, options in _VIEWS.items():
            page = browser.new_page(**options)
            page.goto(f"file://{page_path}")
            page.keyboard.press("j")
            page.keyboard.press("a")
            page.evaluate("document.querySelector('#pictures').scrollIntoView()")
            page.wait_for_timeout(300)
            shot = Image.open(io.BytesIO(page.screenshot()))
            path = target / f"{view}.webp"
            shot.save(path, quality=80, method=6)
            print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
