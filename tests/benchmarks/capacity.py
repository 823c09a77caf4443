"""Machines, hours and money for 10^6, 10^8 and 10^10 pictures, from costs measured here.

::

    python -m tests.benchmarks.capacity CORPUS [--check 2000]

A small model: a picture costs processor seconds (measured on a sample of CORPUS in the same run,
without starting up), requests to OSS, and with `hybrid` or `imm` a call that is paid and limited in
number a second. Everything else is taken from the options, and printed with the result.
`--check N` compares the model with a real run over N pictures: those of CORPUS that were not
measured, taken again and again. The sample is measured before and after that, because the speed of
a shared machine changes meanwhile.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from redactor.storage.imm_gate import USD_PER_1000

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
_SIZES = (10**6, 10**8, 10**10)
_FEW = 2  # of one alone there is no process


@dataclass(frozen=True)
class Costs:
    """What a picture costs.

    Attributes:
        local_s: Processor seconds where codes are looked for locally, as `hybrid` does, too.
        remote_s: Where IMM alone looks; estimated.
    """

    local_s: float
    remote_s: float


def main() -> int:
    """Measure and print; with `--check`, 1 if the model is off by 15 % or more."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--sample", type=int, default=200, help="pictures that are measured")
    parser.add_argument("--check", type=int, default=0, help="pictures of a run to compare with")
    parser.add_argument("--cores", type=int, default=32, help="of a machine")
    parser.add_argument("--speed-up", type=float, default=0.85, help="of a core among many")
    parser.add_argument("--machine-price", type=float, default=1.2, help="USD an hour, all cores")
    parser.add_argument("--deadline-hours", type=float, default=60.0, help="a weekend")
    parser.add_argument("--imm-qps", type=float, default=50.0, help="calls of IMM a second")
    parser.add_argument("--imm-price", type=float, default=USD_PER_1000, help="USD per 1,000")
    parser.add_argument("--request-price", type=float, default=0.0016, help="OSS, USD per 10,000")
    parser.add_argument("--ray", type=float, default=1.05, help="times as long on Ray")
    options = parser.parse_args()
    pictures = [path for path in sorted(options.corpus.rglob("*")) if path.suffix in _SUFFIXES]
    measured = pictures[:: max(1, len(pictures) // options.sample)]
    others = sorted(set(pictures) - set(measured))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        costs = _measure(measured, folder)
        _print(costs, options, len(measured))
        if not options.check:
            return 0
        return _check(costs, measured, others, options.check, folder)


def _measure(paths: list[Path], folder: Path) -> Costs:
    whole, _, stages = _run(paths, folder / "sample", "local")
    start, _, _ = _run(paths[:_FEW], folder / "few", "local")
    local = (whole - start) / (len(paths) - _FEW)
    # Where IMM looks, finding costs nothing here, and all of it is looked at again afterwards.
    return Costs(local, local * (1 - 0.5 * stages))


def _run(paths: list[Path], folder: Path, detector: str) -> tuple[float, float, float]:
    """Give processor and wall seconds of a run, and the share of detection in its stages."""
    (folder / "in").mkdir(parents=True)
    for number, path in enumerate(paths):
        shutil.copyfile(path, folder / "in" / f"{number:06}{path.suffix}")
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ended = subprocess.run(
        [
            sys.executable, "-m", "redactor", "run", str(folder / "in"),
            "--out", str(folder / "out"), "--results", str(folder / "r.jsonl"),
            "--detector", detector, "-q",
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    wall_s = time.perf_counter() - began
    if ended.returncode not in (0, 4):
        raise SystemExit(ended.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    spent: dict[str, float] = {}
    for line in (folder / "r.jsonl").read_text("utf-8").splitlines():
        for stage, seconds in json.loads(line)["seconds"].items():
            spent[stage] = spent.get(stage, 0.0) + (seconds or 0.0)
    shutil.rmtree(folder / "out", ignore_errors=True)
    return cpu_s, wall_s, spent.get("detect", 0.0) / (sum(spent.values()) or 1)


def _print(costs: Costs, options: argparse.Namespace, measured: int) -> None:
    print(
        f"Measured on {measured:,} pictures: {costs.local_s:.3f} processor seconds a picture"
        f" (local, hybrid), {costs.remote_s:.3f} estimated (imm).\n"
        "Assumed:\n"
        f"  {options.cores} cores a machine, each at {options.speed_up:.0%} of a core here,"
        f" for USD {options.machine_price:g} an hour\n"
        f"  Ray takes {options.ray:g} times as long (python -m tests.benchmarks.distribution)\n"
        f"  {options.deadline_hours:g} hours to finish in\n"
        f"  {options.imm_qps:g} calls of IMM a second in all, USD {options.imm_price:g} per 1,000\n"
        f"  two requests to OSS a picture, USD {options.request_price:g} per 10,000;"
        " traffic inside a region costs nothing\n"
        "  reading and writing hide behind the cores\n"
    )
    head = f"{'pictures':>15}  {'detector':<9}{'machines':>9}{'hours':>10}{'machines USD':>14}"
    print(f"{head}{'IMM USD':>14}{'OSS USD':>12}{'sum USD':>14}")
    for pictures in _SIZES:
        for detector in ("local", "hybrid", "imm"):
            _print_row(pictures, detector, costs, options)
    print("\nhours are those of the machines, or of IMM's limit where that takes longer")


def _print_row(pictures: int, detector: str, costs: Costs, options: argparse.Namespace) -> None:
    each_s = costs.remote_s if detector == "imm" else costs.local_s
    core_hours = pictures * each_s * options.ray / options.speed_up / 3600
    machine_hours = core_hours / options.cores
    imm_hours = 0.0 if detector == "local" else pictures / options.imm_qps / 3600
    machines = math.ceil(machine_hours / max(options.deadline_hours, imm_hours))
    hours = max(machine_hours / machines, imm_hours)
    price = machine_hours * options.machine_price
    imm = 0.0 if detector == "local" else pictures * options.imm_price / 1000
    oss = pictures * 2 * options.request_price / 10_000
    print(
        f"{pictures:>15,}  {detector:<9}{machines:>9,}{hours:>10,.1f}{price:>14,.0f}"
        f"{imm:>14,.0f}{oss:>12,.0f}{price + imm + oss:>14,.0f}"
    )


def _check(
    costs: Costs, measured: list[Path], others: list[Path], number: int, folder: Path
) -> int:
    """Compare with a real run over pictures that were not measured."""
    several = [others[n % len(others)] for n in range(number)]
    cores = len(os.sched_getaffinity(0))
    cpu_s, wall_s, _ = _run(several, folder / "check", "local")
    again = _measure(measured, folder / "again")
    expected = number * (costs.local_s + again.local_s) / 2
    error = expected / cpu_s - 1
    print(
        f"\nchecked with a run of {number:,} other pictures on {cores} cores: expected"
        f" {expected:.0f} processor seconds, took {cpu_s:.0f} ({error:+.1%}); {wall_s:.0f} s,"
        f" {cpu_s / wall_s / cores:.0%} of the cores"
    )
    return 0 if abs(error) < 0.15 else 1


if __name__ == "__main__":
    raise SystemExit(main())
