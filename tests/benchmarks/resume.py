"""Kill a run again and again, resume it each time, and compare with a run that nobody disturbed.

::

    python -m tests.benchmarks.resume [--pictures 1000] [--kills 10] [--jobs 2]

`kill -9` comes at ten points spread over the run, told by how many outputs are there. Printed for
each: what was written by then. At the end: whether every picture is in the results exactly once,
whether results and outputs are those of the undisturbed run, and how many pictures were worked on
twice.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from tests.benchmarks.killed import a_picture
from tests.forks import Forks


def main() -> int:
    """Run and print; 0 if all is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=1000, metavar="N")
    parser.add_argument("--kills", type=int, default=10, metavar="N")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Forks() as forks:
        found = disturb(forks, Path(folder), options.pictures, options.kills, options.jobs)
    for line in found.lines:
        print(line)
    return 0 if found.is_right else 1


class disturb:  # noqa: N801 - used as a function that gives several values
    """Do it.

    Attributes:
        is_right: Whether all is as it should be.
        lines: What was seen, for people.
    """

    def __init__(self, forks: Forks, folder: Path, pictures: int, kills: int, jobs: int) -> None:
        source = folder / "photos"
        source.mkdir()
        for number in range(pictures):
            (source / f"{number:05}.png").write_bytes(a_picture(number))
        arguments = ("run", "photos", "--jobs", jobs, "-q", "--detector", "local")
        run = {"folder": folder, "env": {}}
        began = time.perf_counter()
        whole = forks.run(*arguments, "--out", "whole", "--run-folder", "a", **run)
        took_s = time.perf_counter() - began
        self.lines = [f"undisturbed: exit {whole}, {took_s:.1f} s for {pictures:,} pictures"]
        for kill in range(1, kills + 1):
            forks.start(*arguments, "--out", "out", "--run-folder", "b", **run)
            _wait_for(folder / "out", pictures * kill // (kills + 1))
            forks.kill()
            forks.wait()
            self.lines.append(f"kill {kill:>2}: {_count(folder / 'out'):>6,} written")
        last = forks.run(*arguments, "--out", "out", "--run-folder", "b", **run)
        rows = [_rows(folder / name / "results.jsonl") for name in ("a", "b")]
        names = [row["name"] for row in rows[1]]
        same_rows = [_told(row) for row in rows[0]] == [_told(row) for row in rows[1]]
        same_bytes = _bytes(folder / "whole") == _bytes(folder / "out")
        checks = {
            "the last run ends with 0": last == 0,
            "every picture exactly once in the results": len(names) == len(set(names)) == pictures,
            "results of the undisturbed run, but for times and places": same_rows,
            "outputs of the undisturbed run, byte for byte": same_bytes,
        }
        self.is_right = all(checks.values())
        self.lines += [f"{'yes' if is_so else 'NO':>3}  {said}" for said, is_so in checks.items()]


def _wait_for(folder: Path, number: int) -> None:
    while _count(folder) < number:
        time.sleep(0.005)


def _count(folder: Path) -> int:
    return sum(1 for _ in folder.glob("*.png"))


def _rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _told(row: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in row.items() if key not in ("seconds", "written")}


def _bytes(folder: Path) -> dict[str, bytes]:
    # What a killed write left beside its place is hidden, and nobody's picture.
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


if __name__ == "__main__":
    raise SystemExit(main())
