"""`redactor serve` under load from a second process: failures, p95, memory.

::

    python -m tests.benchmarks.serving [FOLDER] [--pictures N] [--at-once N] [--workers N]

Pictures below FOLDER (the samples by default) are posted in turn. Among them come one that is too
large and one that is corrupt. Exits with 1 if anything but these is refused, if these are not
answered by 413 and 422, or if memory grows by more than a tenth from the second quarter to the
last.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from statistics import mean, median, quantiles

import requests

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
SERVE = [sys.executable, "-m", "redactor", "serve", "-q", "--port", "0"]
TOO_LARGE = bytes(50_000_001)
GROWTH = 1.1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("samples"))
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    pictures = [p.read_bytes() for p in sorted(arguments.folder.rglob("*")) if is_picture(p)]
    bodies = list(islice(cycle(pictures), arguments.pictures))
    corrupt = max(bodies, key=len)[: len(bodies[0]) // 2]
    bodies[len(bodies) // 3] = TOO_LARGE
    bodies[len(bodies) // 2] = corrupt
    server = subprocess.Popen(
        [*SERVE, "--workers", str(arguments.workers)],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        url = re.search(r"http://\S+", server.stderr.readline())[0]
        return measure(server.pid, url, bodies, arguments.at_once)
    finally:
        server.terminate()
        server.wait()


def is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def measure(pid: int, url: str, bodies: list[bytes], at_once: int) -> int:
    statuses: Counter[int] = Counter()
    seconds: list[float] = []
    memory: list[float] = []
    wrong = 0

    def post(body: bytes) -> tuple[int, float]:
        start = time.perf_counter()
        try:
            answer = requests.post(f"{url}/redact", body, timeout=300)
        except requests.ConnectionError:
            return 0, time.perf_counter() - start
        return answer.status_code, time.perf_counter() - start

    start = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        for body, (status, spent) in zip(bodies, pool.map(post, bodies), strict=True):
            statuses[status] += 1
            seconds.append(spent)
            memory.append(resident_mb(pid))
            wrong += status not in expected(body, bodies)
    whole = time.perf_counter() - start
    quarter = len(memory) // 4
    first, last = mean(memory[quarter : 2 * quarter]), mean(memory[-quarter:])
    p95 = quantiles(seconds, n=20)[-1]
    print(f"{len(bodies)} pictures, {at_once} at a time: {whole:.1f} s")
    print(f"answers by status: {dict(statuses)}; wrong: {wrong}")
    print(f"seconds to the answer: median {median(seconds):.2f}, p95 {p95:.2f}")
    print(f"memory of all processes: {first:.0f} MB in the second quarter, {last:.0f} in the last")
    return int(wrong > 0 or last > GROWTH * first)


def expected(body: bytes, bodies: list[bytes]) -> set[int]:
    if body is TOO_LARGE:
        return {413}
    return {422} if body is bodies[len(bodies) // 2] else {200}


def resident_mb(pid: int) -> float:
    """Give the memory of a process and of those it started."""
    family = [pid, *children(pid)]
    return sum(resident_of(one) for one in family)


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def resident_of(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
