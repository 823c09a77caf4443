"""Builders that tests of several parts share: pictures with codes, policies, a local detector."""

import base64
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp
from hypothesis import settings
from PIL import Image, ImageOps

from redactor import Policy, Redactor
from redactor.workers import Workers

# Nobody's own credentials, and no look for those of a machine in the cloud.
os.environ |= {
    "ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true",
    "ALIBABA_CLOUD_CREDENTIALS_FILE": os.devnull,
    "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
}
# What is served here is on this machine; Alibaba's SDK would ask a proxy even for that.
for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
    os.environ.pop(name, None)
    os.environ.pop(name.lower(), None)
# A busy machine is no finding: time is measured in benchmarks.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent
LINK = "https://example.org/secret?token=4711"


def _symbol(content, symbology, scale):
    barcode = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat[symbology])
    return np.array(zxingcpp.write_barcode_to_image(barcode, scale=scale))


def _sheet(contents, symbology, scale, margin, noise):
    """Give a grey sheet of paper with codes side by side, and some texture for the eye."""
    symbols = [_symbol(content, symbology, scale) for content in contents]
    width = margin + sum(symbol.shape[1] + margin for symbol in symbols) or 1
    height = 2 * margin + max((symbol.shape[0] for symbol in symbols), default=160)
    sheet = np.full((height, max(width, 200)), 235, np.uint8)
    grain = np.random.default_rng(7).integers(-noise, noise + 1, sheet.shape)
    sheet = np.clip(sheet + grain, 0, 255).astype(np.uint8)
    left = margin
    for symbol in symbols:
        sheet[margin : margin + symbol.shape[0], left : left + symbol.shape[1]] = symbol
        left += symbol.shape[1] + margin
    return sheet


def _saved(image, format_name, **options):
    file = io.BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


# What is in these is marked `integration`, for `make unit` to leave out.
_INTEGRATION = (
    "cli", "hooks", "testing", "workers", "batch/test_fault_matrix.py",
    "batch/test_processes.py", "batch/test_ray.py", "report/test_browser.py", "test_attacks.py",
    "test_readme.py", "test_samples.py",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    folder = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(folder)
        if any(place.is_relative_to(one) for one in _INTEGRATION):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def a_raster():
    """Give a builder of RGB rasters that show codes side by side."""

    def build(*contents, symbology="QRCode", scale=4, margin=48, noise=6):
        sheet = _sheet(contents, symbology, scale, margin, noise)
        return np.ascontiguousarray(np.dstack([sheet, sheet, sheet - 8]))

    return build


@pytest.fixture(scope="session")
def a_picture(a_raster):
    """Give a builder of picture files that show codes side by side; none gives a clean one."""

    def build(*contents, format="PNG", **options):
        drawing = {
            key: options.pop(key)
            for key in ("symbology", "scale", "margin", "noise")
            if key in options
        }
        image = Image.fromarray(a_raster(*contents, **drawing))
        if format == "JPEG":
            options = {"quality": 90} | options
        return _saved(image, format, **options)

    return build


@pytest.fixture(scope="session")
def a_policy():
    """Give a builder of policies from rules in YAML."""

    def build(*rules, default="fill", extra=""):
        lines = "\n".join(f"  - {rule}" for rule in rules)
        head = f"version: 1\nname: test\n{extra}\n"
        return Policy.parse(
            f"{head}{'rules:' if rules else ''}\n{lines}\ndefault: {{action: {default}}}\n"
        )

    return build


@pytest.fixture(scope="session")
def a_redactor(a_policy):
    """Give a builder of redactors."""

    def build(*rules, default="fill", extra="", **options):
        return Redactor(a_policy(*rules, default=default, extra=extra), **options)

    return build


@pytest.fixture(scope="session")
def policy():
    """Give a policy that hides everything, for workers."""
    return Policy.parse("version: 1\nname: test\ndefault: {action: fill}\non_error: {flag: high}\n")


@pytest.fixture(scope="module")
def workers(policy):
    """Give a worker process."""
    with Workers(Redactor(policy), count=1) as workers:
        yield workers


@pytest.fixture(scope="session")
def read_codes():
    """Read what anybody can read in a picture file, in grey, inverted, mirrored and enlarged."""

    def read(data):
        image = Image.open(io.BytesIO(data)).convert("RGBA")
        sheets = []
        for ground in (255, 0):
            canvas = Image.new("RGBA", image.size, (ground, ground, ground, 255))
            canvas.alpha_composite(image)
            gray = np.array(canvas.convert("L"))
            sheets += [
                gray,
                np.ascontiguousarray(gray[:, ::-1]),
                cv2.resize(gray, None, fx=2, fy=2),
            ]
        sheets.append(np.array(image.getchannel("A")))
        return sorted({code.text for sheet in sheets for code in zxingcpp.read_barcodes(sheet)})

    return read


@pytest.fixture(scope="session")
def run_redactor():
    """Give a function that runs the command line in a process of its own."""

    def run(*arguments, stdin=None, env=None, cwd=None, timeout=120):
        return subprocess.run(
            [sys.executable, "-m", "redactor", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def live_codes():
    """Give a function that says what can be read in the pictures of a page."""

    def read(html):
        found = re.findall(r"data:image/webp;base64,([A-Za-z0-9+/=]+)", html)
        assert found, "there is no picture on the page"
        small = [Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB") for data in found]
        views = [
            view
            for picture in small
            for size in (picture.size, (2 * picture.width, 2 * picture.height))
            for view in (picture.resize(size), ImageOps.invert(picture.resize(size)))
        ]
        return sorted({code.text for view in views for code in zxingcpp.read_barcodes(view)})

    return read
