"""What distribution costs: the same run on threads, processes and Ray, on this machine.

::

    python -m tests.benchmarks.distribution [--pictures 400] [--jobs 2]

Each has as many workers, so that what differs is what an engine takes. Printed are
seconds, with starting up and without, and whether rows and outputs are the same.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.killed import a_picture

_ENGINES = ("threads", "processes", "ray")
_FEW = 2  # of one alone there is no process


def main() -> int:
    """Run and print; 0 if both gave the same."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=400, metavar="N")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count, place in ((_FEW, "few"), (options.pictures, "all")):
            (folder / place).mkdir()
            for number in range(count):
                (folder / place / f"{number:05}.png").write_bytes(a_picture(number))
        print(f"{options.pictures:,} small pictures, {options.jobs} at a time\n")
        print(f"{'':<10}{'whole s':>9}{'start s':>9}{'work s':>8}{'ms a picture':>14}")
        work = {}
        for engine in _ENGINES:
            start = _run(folder, "few", engine, options.jobs)
            whole = _run(folder, "all", engine, options.jobs)
            work[engine] = whole - start
            each = 1000 * work[engine] / (options.pictures - _FEW)
            print(f"{engine:<10}{whole:>9.1f}{start:>9.1f}{work[engine]:>8.1f}{each:>14.1f}")
        print(f"\nRay takes {work['ray'] / work['processes']:.2f} times as long, once it runs")
        rows = [_rows(folder / f"all-{engine}.jsonl") for engine in _ENGINES]
        outputs = [_bytes(folder / f"all-{engine}") for engine in _ENGINES]
        is_same = all(one == rows[0] for one in rows) and all(o == outputs[0] for o in outputs)
        print("rows and outputs are the same" if is_same else "rows or outputs DIFFER")
    return 0 if is_same else 1


def _run(folder: Path, source: str, engine: str, jobs: int) -> float:
    began = time.perf_counter()
    subprocess.run(
        [
            sys.executable, "-m", "redactor", "run", source, "--out", f"{source}-{engine}",
            "--results", f"{source}-{engine}.jsonl", "--engine", engine, "--jobs", str(jobs), "-q",
        ],
        cwd=folder,
        capture_output=True,
        check=True,
    )  # fmt: skip
    return time.perf_counter() - began


def _rows(path: Path) -> list[dict[str, object]]:
    rows = map(json.loads, path.read_text("utf-8").splitlines())
    return [{**row, "seconds": None, "written": None} for row in rows]


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


if __name__ == "__main__":
    raise SystemExit(main())
