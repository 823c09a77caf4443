"""Very many small pictures through a run of a folder: memory, and what the ledger takes.

::

    python -m tests.benchmarks.many [--pictures 50000] [--large]

Printed are pictures a second, the largest memory of all processes together (proportional set
size, looked at twice a second), and how much longer the run takes with a ledger than without
(processor time, on the first tenth, in turns). `--large` puts one picture of
100 megapixels behind a thousand small ones, and prints what it costs the end of the run.
"""

from __future__ import annotations

import argparse
import io
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

_LOOK_S = 0.5


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=50_000, metavar="N")
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.large:
            _print_tail(folder)
            return
        _make(folder / "few", options.pictures // 10)
        few: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(3):
            for has_ledger in few:
                few[has_ledger].append(_run(folder, "few", has_ledger=has_ledger)[1])
        plain, kept = (statistics.median(few[has_ledger]) for has_ledger in few)
        print(f"ledger: {kept / plain - 1:+.1%} of processor time ({plain:.1f} s, {kept:.1f} s)")
        _make(folder / "many", options.pictures)
        wall_s, _, most = _run(folder, "many", has_ledger=True)
        print(
            f"{options.pictures:,} pictures: {wall_s:.0f} s, {options.pictures / wall_s:.0f} a"
            f" second, {most / 1e6:.0f} MB at most"
        )


def _make(folder: Path, number: int) -> None:
    folder.mkdir()
    chance = np.random.default_rng(3)
    for n in range(number):
        pixels = chance.integers(0, 256, (24, 24), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG", compress_level=1)
        (folder / f"{n:06}.png").write_bytes(file.getvalue())


def _run(folder: Path, source: str, *, has_ledger: bool) -> tuple[float, float, int]:
    """Give wall and processor seconds, and bytes of memory, of a run."""
    for left in ("out", "run"):
        shutil.rmtree(folder / left, ignore_errors=True)
    ledger = ["--run-folder", "run"] if has_ledger else ["--results", "results.jsonl"]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "redactor", "run", source, "--out", "out", "-q", *ledger]
    most = 0
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as run:
        while run.poll() is None:
            most = max(most, _memory(run.pid))
            time.sleep(_LOOK_S)
    if run.returncode:
        raise SystemExit(f"{' '.join(command)}: {run.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, cpu_s, most


def _memory(pid: int) -> int:
    """Give the bytes that a process and all that it started take; what they share counts once."""
    process = Path("/proc", str(pid))
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
        tasks = [(task / "children").read_text() for task in (process / "task").iterdir()]
    except OSError:  # it has just ended
        return 0
    own = sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return own + sum(_memory(int(child)) for task in tasks for child in task.split())


def _print_tail(folder: Path) -> None:
    _make(folder / "small", 1000)
    without, _, _ = _run(folder, "small", has_ledger=False)
    y, x = np.ogrid[:10_000, :10_000]
    scene = (120 + 60 * np.sin(x / 900) + 40 * np.cos(y / 700)).astype(np.uint8)
    Image.fromarray(scene).save(folder / "small" / "zzz.jpg", quality=95)
    size = (folder / "small" / "zzz.jpg").stat().st_size
    with_it, _, most = _run(folder, "small", has_ledger=False)
    (folder / "one").mkdir()
    shutil.move(folder / "small" / "zzz.jpg", folder / "one" / "zzz.jpg")
    alone, _, _ = _run(folder, "one", has_ledger=False)
    print(
        f"1,000 small pictures: {without:.1f} s; one of 100 megapixels ({size / 1e6:.1f} MB) alone:"
        f" {alone:.1f} s; last in the listing of all: {with_it:.1f} s, {most / 1e6:.0f} MB\n"
        f"one after the other would be {without + alone:.1f} s"
    )


if __name__ == "__main__":
    main()
