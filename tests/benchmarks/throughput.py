"""How long a run takes, beside the scripts that one would write instead.

::

    python -m tests.benchmarks.throughput CORPUS [--limit N] [--rounds 3]

The same pictures, the same cores, one after the other, in turns: `redactor run` with all that it
does by default (detect, render, verify, encode, record), and `scripts/zxing_blur.py` and
`scripts/pyzbar_blur.py` over a pool of processes, which read once and blur what they have read.
Printed are wall and processor seconds, the ratios, the time of each stage, one core beside all,
and what a single picture costs with starting up.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

_SCRIPTS = Path(__file__).parent / "scripts"
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="spread over the corpus")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--once", action="store_true", help="redactor and zxing-cpp alone")
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = _gather(options.corpus, folder / "in", options.limit)
        print(f"{pictures:,} pictures, {cores} cores, {options.rounds} rounds in turns\n")
        ways = {
            "redactor run": _redactor(folder, cores),
            "zxing-cpp + Pillow": _script("zxing_blur", folder, cores),
        }
        if not options.once:
            ways["pyzbar + Pillow"] = _script("pyzbar_blur", folder, cores)
            ways["redactor run --jobs 1"] = _redactor(folder, 1)
        taken: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for _ in range(options.rounds):
            for way, command in ways.items():
                shutil.rmtree(folder / "out", ignore_errors=True)
                taken[way].append(_time(command))
        _print(taken, pictures)
        _print_stages(folder / "results.jsonl")
        _print_one(folder)


def _gather(corpus: Path, target: Path, limit: int) -> int:
    paths = [path for path in sorted(corpus.rglob("*")) if path.suffix.lower() in _SUFFIXES]
    step = max(1, len(paths) // limit) if limit else 1
    for number, path in enumerate(paths[::step]):
        target.mkdir(exist_ok=True)
        shutil.copyfile(path, target / f"{number:05}{path.suffix.lower()}")
    return len(paths[::step])


def _redactor(folder: Path, jobs: int) -> list[str]:
    return [
        sys.executable, "-m", "redactor", "run", str(folder / "in"), "--out", str(folder / "out"),
        "--results", str(folder / "results.jsonl"), "--jobs", str(jobs), "-q",
    ]  # fmt: skip


def _script(name: str, folder: Path, processes: int) -> list[str]:
    places = [str(folder / "in"), str(folder / "out"), str(processes)]
    return [sys.executable, str(_SCRIPTS / f"{name}.py"), *places]


def _time(command: list[str]) -> tuple[float, float]:
    """Give the wall and the processor seconds of a command and all its processes."""
    # What is installed is compiled once, not at every start.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    wall_s = time.perf_counter() - began
    if ended.returncode not in (0, 4):
        raise SystemExit(f"{' '.join(command)}: {ended.returncode}\n{ended.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall_s, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _print(taken: dict[str, list[tuple[float, float]]], pictures: int) -> None:
    base_wall, base_cpu = (
        statistics.median(one[n] for one in taken["zxing-cpp + Pillow"]) for n in (0, 1)
    )
    print(f"{'':<24}{'wall s':>8}{'pictures/s':>12}{'ratio':>8}{'CPU s':>9}{'ratio':>8}")
    for way, times in taken.items():
        wall, cpu = (statistics.median(one[n] for one in times) for n in (0, 1))
        print(
            f"{way:<24}{wall:>8.1f}{pictures / wall:>12.1f}{wall / base_wall:>8.2f}"
            f"{cpu:>9.1f}{cpu / base_cpu:>8.2f}"
        )
    if one := taken.get("redactor run --jobs 1"):
        walls = [
            statistics.median(wall for wall, _ in times) for times in (one, taken["redactor run"])
        ]
        print(f"\nall cores beside one: {walls[0] / walls[1]:.2f} times as fast")


def _print_stages(results: Path) -> None:
    spent: Counter[str] = Counter()
    with results.open(encoding="utf-8") as lines:
        for line in lines:
            spent.update({stage: s or 0 for stage, s in json.loads(line)["seconds"].items()})
    whole = sum(spent.values())
    print("\nstage        seconds   share")
    for stage, seconds in spent.most_common():
        print(f"{stage:<10}{seconds:>10.1f}{seconds / whole:>8.0%}")


def _print_one(folder: Path) -> None:
    """Tell what a single small picture costs, with starting up."""
    path = min((folder / "in").iterdir(), key=lambda one: one.stat().st_size)
    (folder / "one").mkdir()
    shutil.copyfile(path, folder / "one" / path.name)
    ours = [
        sys.executable, "-m", "redactor", "run", str(folder / "one" / path.name),
        "--out", str(folder / f"one{path.suffix}"), "--overwrite", "-q",
    ]  # fmt: skip
    theirs = [
        sys.executable, str(_SCRIPTS / "zxing_blur.py"), str(folder / "one"),
        str(folder / "out1"), "1",
    ]  # fmt: skip
    help_ = [sys.executable, "-m", "redactor", "--help"]
    walls = [statistics.median(_time(one)[0] for _ in range(3)) for one in (ours, theirs, help_)]
    print(
        f"\none picture: redactor {walls[0]:.2f} s, the script {walls[1]:.2f} s;"
        f" redactor --help {walls[2]:.2f} s"
    )


if __name__ == "__main__":
    main()
