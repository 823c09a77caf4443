"""Memory that one picture gives back is there for the next."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from redactor.workers.allocator import keep_pages

if sys.argv[1] == "kept":
    keep_pages(1)

def picture():
    rasters = [np.ones(24 << 20, dtype=np.uint8) for _ in range(3)]

picture()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    picture()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(kept, **environment):
    command = [sys.executable, "-c", FAULTS, "kept" if kept else "not"]
    answer = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    return int(answer.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="tunes glibc alone")
def test_freed_pages_are_kept():
    assert faults(kept=True) < faults(kept=False) / 10


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="tunes glibc alone")
def test_what_somebody_has_tuned_stays_as_it_is():
    tuned = {"MALLOC_MMAP_THRESHOLD_": "4096"}  # hands everything back at once

    assert faults(kept=True, **tuned) > 10 * faults(kept=True)
