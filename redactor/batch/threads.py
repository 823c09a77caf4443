"""The engine within this process: threads, because the decoders let go of Python's lock.

Each picture has a thread for all of its way; `Capacity` bounds how many are worked on at once, so
that those which read and write cost no core. Pictures are given as they are finished. The largest
of each stretch of the listing are begun first: one of them at the end would keep a single core
busy after all others are done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from queue import SimpleQueue
from threading import Event
from typing import Protocol, TypeVar

from redactor.batch.capacity import Capacity
from redactor.batch.run import Batch, Outcome
from redactor.errors import BackendMissing, TooManyQuarantined
from redactor.storage import Blob, Item, Source
from redactor.workers.allocator import keep_pages

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

THREADS_PER_JOB = 3  # enough to hide reading and writing behind the decoders
_STRETCH = 1_000  # of a listing, looked over for large pictures
_LARGE_BYTES = 2_000_000


class Stop(Event):
    """Ends a run: once it is set, what is in hand is finished and given, and nothing else begun.

    Attributes:
        is_urgent: What is in hand is dropped.
    """

    is_urgent = False

    def drop(self) -> None:
        """End it at once."""
        self.is_urgent = True
        self.set()


class Recall(Protocol[T_co]):
    """Knows what an earlier run did. Both may be called from any thread."""

    def done(self, item: Item, number: int) -> T_co | None:
        """Give what is recorded of a picture by what its store says; None to work on it."""

    def same(self, item: Item, blob: Blob, number: int, state: str | None) -> T_co | None:
        """The same, by its bytes; `state` is what its store said before it was read."""


def run(
    batch: Batch,
    source: Source,
    then: Callable[[Outcome], T],
    *,
    capacity: Capacity,
    stop: Stop | None = None,
    recall: Recall[T] | None = None,
) -> Iterator[T]:
    """Work through a source, and give what became of each picture as it is finished.

    Args:
        batch: What is done with each.
        source: Where they come from.
        then: Called with each outcome, on the thread that worked on it.
        capacity: What may be worked on at a time.
        stop: Ends the run.
        recall: What earlier runs did; None to do all.

    Raises:
        BackendMissing: If no picture can be handled, after those in hand.
        TooManyQuarantined: If the batch's ceiling was hit, likewise.
    """
    keep_pages(capacity.jobs)
    stop = stop or Stop()
    hand = _Hand(replace(batch, capacity=capacity), source, then, capacity, stop, recall)
    try:
        yield from hand
    finally:
        hand.pool.shutdown(wait=not stop.is_urgent, cancel_futures=True)
    if hand.missing is not None:
        raise hand.missing
    raise_if_too_many(batch)


def raise_if_too_many(batch: Batch) -> None:
    """Say so if a run ended because too many pictures could not be handled.

    Raises:
        TooManyQuarantined: If it did.
    """
    if batch.ceiling is not None and batch.ceiling.is_hit:
        raise TooManyQuarantined(
            f"stopped: more pictures than --max-quarantine {batch.ceiling} allows could not be"
            " handled; see why, and run again"
        )


class _Hand(Iterator[T]):
    """The pictures that are worked on or wait for it.

    Attributes:
        pool: Works on them.
        missing: What no picture can be handled without; None while nothing is missing.
    """

    def __init__(
        self,
        batch: Batch,
        source: Source,
        then: Callable[[Outcome], T],
        capacity: Capacity,
        stop: Stop,
        recall: Recall[T] | None,
    ) -> None:
        self.missing: BackendMissing | None = None
        self._width = capacity.jobs * THREADS_PER_JOB
        self.pool = ThreadPoolExecutor(self._width, thread_name_prefix="redactor")
        self._batch = batch
        self._items = largest_first(source.items())
        self._then = then
        self._stop = stop
        self._recall = recall
        self._count = 0
        self._done: SimpleQueue[Future[T | None]] = SimpleQueue()
        self._was_recalled = False

    def __next__(self) -> T:
        while True:
            # What is finished is given between those that were done before: it is recorded only
            # once it was given, and of those there may be a million.
            if not self._was_recalled or self._done.empty():
                recalled = self._fill()
                self._was_recalled = recalled is not None
                if recalled is not None:
                    return recalled
            if not self._count:
                raise StopIteration
            done = self._done.get()
            self._count -= 1
            try:
                result = done.result()
            except BackendMissing as error:
                self.missing = self.missing or error
                continue
            if result is not None:
                return result

    def _fill(self) -> T | None:
        """Take up what there is room for; gives a picture that needs no work, if one comes."""
        try:
            while self._count < self._width and not self._is_ending():
                number, item = next(self._items)
                if self._recall and (known := self._recall.done(item, number)) is not None:
                    return known
                self._count += 1
                self.pool.submit(self._one, item, number).add_done_callback(self._done.put)
        except StopIteration:
            pass
        except BackendMissing as error:
            self.missing = error
        return None

    def _one(self, item: Item, number: int) -> T | None:
        if self._is_ending():
            return None
        state = item.state
        recall = self._recall

        def known(blob: Blob) -> T | None:
            return recall.same(item, blob, number, state) if recall else None

        outcome = self._batch.handle(item, known)
        if isinstance(outcome, Outcome):
            return self._then(replace(outcome, number=number, state=state))
        return outcome

    def _is_ending(self) -> bool:
        ceiling = self._batch.ceiling
        is_hit = ceiling is not None and ceiling.is_hit
        return self._stop.is_set() or self.missing is not None or is_hit


def largest_first(items: Iterator[Item]) -> Iterator[tuple[int, Item]]:
    """Number the items of a listing, and give the large ones of each stretch before the others."""
    numbered = enumerate(items)
    stretch = 1  # the first pictures do not wait for a long listing
    failure: BackendMissing | None = None
    while failure is None:
        chunk: list[tuple[int, Item]] = []
        try:
            for one in islice(numbered, stretch):
                chunk.append(one)  # kept where the listing breaks off
        except BackendMissing as error:
            failure = error
        if not chunk and failure is None:
            return
        large = [one for one in chunk if _bytes_of(one) >= _LARGE_BYTES]
        yield from sorted(large, key=_bytes_of, reverse=True)
        yield from (one for one in chunk if _bytes_of(one) < _LARGE_BYTES)
        stretch = min(stretch * 2, _STRETCH)
    raise failure


def _bytes_of(numbered: tuple[int, Item]) -> int:
    return numbered[1].size or 0
