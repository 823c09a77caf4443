"""The engine for one machine: a process for each job, fed by threads that read, write and record.

Threads alone would take turns at Python's lock, which they need for a tenth of the work. And a
picture on which a C library crashes or hangs costs that process and itself, not the run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from threading import TIMEOUT_MAX
from typing import TypeVar

from redactor.batch import threads
from redactor.batch.capacity import Capacity, machine_memory
from redactor.batch.run import Batch, Outcome
from redactor.errors import BackendMissing
from redactor.pipeline import Redactor
from redactor.storage import Item, Source
from redactor.workers import Workers

T = TypeVar("T")

TIMEOUT_S = 600
"""Seconds that a picture may take: large ones with many codes take minutes on a slow machine."""

_LEAST_MEMORY_BYTES = 4 << 30  # of address space, which libraries take more of than of memory


def run(
    batch: Batch,
    source: Source,
    then: Callable[[Outcome], T],
    *,
    capacity: Capacity,
    stop: threads.Stop | None = None,
    recall: threads.Recall[T] | None = None,
) -> Iterator[T]:
    """Work through a source; arguments, outcomes and errors as for `threads.run`.

    A single picture is worked on here: it would have to wait for a process, and takes nothing
    else with it.
    """
    is_alone, source = _look_ahead(source)
    if is_alone:
        yield from threads.run(batch, source, then, capacity=capacity, stop=stop, recall=recall)
        return
    inner = batch.redactor
    # Not what follows a plan, but what it asks: a plan may be as large as the run.
    plain = Redactor(inner.policy, detector=inner.where, limits=inner.limits)
    plain.local = inner.local
    workers = Workers(
        plain,
        count=capacity.jobs * threads.THREADS_PER_JOB,  # those that wait for image/codes, too
        timeout_s=TIMEOUT_S,
        wait_s=TIMEOUT_MAX,
        memory_bytes=max(machine_memory(), _LEAST_MEMORY_BYTES),
        max_pixels_in_work=sys.maxsize,  # `capacity` bounds that
        starts_now=False,
    )
    with workers:
        batch = replace(batch, redactor=inner.through(workers.do))
        yield from threads.run(batch, source, then, capacity=capacity, stop=stop, recall=recall)


@dataclass(frozen=True)
class _Begun:
    """A source whose listing has begun."""

    listing: Iterator[Item]

    def items(self) -> Iterator[Item]:
        return self.listing


def _look_ahead(source: Source) -> tuple[bool, Source]:
    """Say whether there is but one picture, and give the same source."""
    listing = source.items()
    ahead: list[Item] = []
    failure: BackendMissing | None = None
    try:
        for item in listing:
            ahead.append(item)
            if len(ahead) == 2:
                break
    except BackendMissing as error:
        failure = error
    is_alone = len(ahead) < 2 and failure is None

    def rest() -> Iterator[Item]:
        if failure is not None:
            raise failure
        yield from listing

    return is_alone, _Begun(chain(ahead, rest()))
