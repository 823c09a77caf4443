"""The engine for many machines: actors of Ray, each with a pipeline of its own.

The driver lists and records; workers read, redact and write back themselves, and give rows. Ray
starts a worker that has died again and hands it its pictures once more (`max_restarts`,
`max_task_retries`): what it had written by then is found where it was to be written, as in a run
that is resumed, so that nothing is lost and nothing twice in the results. A picture that kills
every worker it is given to is quarantined.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

from redactor.batch.capacity import Capacity
from redactor.batch.entry import Entry, entry_of
from redactor.batch.ledger import Ledger
from redactor.batch.run import Batch, Outcome
from redactor.batch.threads import largest_first, raise_if_too_many
from redactor.errors import BackendMissing
from redactor.model import Verdict
from redactor.storage import Blob, Item, Source
from redactor.storage.imm_gate import ImmGate
from redactor.storage.oss_store import OssItem
from redactor.workers.allocator import keep_pages

_IN_HAND = 3  # pictures that a worker has at a time: one is worked on, others read or written
_RETRIES = 2  # of a picture whose worker has died
_NONE = (None, None)
_STORE_BYTES = 150_000_000  # of Ray's own memory on this machine; rows are small


@dataclass(frozen=True, slots=True)
class _Told:
    """What a worker gives back: the picture, and what its gate has counted so far.

    Of a picture that an earlier run has done, there is no entry.
    """

    entry: Entry | None
    calls: int
    answers: int
    is_broken: bool


class _Worker:
    """One process that works on pictures. Lives in Ray."""

    def __init__(
        self,
        batch: Batch,
        per_second: float | None,
        max_calls: int | None,
        keeps_pictures: bool,
    ) -> None:
        os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
        keep_pages(1)
        self._batch = replace(batch, capacity=Capacity(1))
        self._gate = ImmGate(per_second, max_calls)
        self._keeps_pictures = keeps_pictures

    def work(self, item: Item, number: int, written: str | None, done: str | None) -> _Told:
        """Redact one picture.

        Args:
            item: The picture.
            number: Its place in the listing.
            written: SHA-256 of what an earlier run wrote for it; None where none did.
            done: SHA-256 of the bytes that an earlier run was done with; None where none was.
        """
        state = item.state
        if isinstance(item, OssItem):
            item = replace(item, imm=self._gate)
        batch = replace(self._batch, wrote=lambda _, digest: digest == written)

        def known(blob: Blob) -> bool | None:
            return hashlib.sha256(blob.data).hexdigest() == done or None

        outcome = batch.handle(item, known)
        entry = None
        if isinstance(outcome, Outcome):
            entry = entry_of(
                replace(outcome, number=number, state=state),
                batch.redactor.policy,
                keeps_pictures=self._keeps_pictures,
            )
        gate = self._gate
        return _Told(entry, gate.calls, gate.answers, gate.is_broken)

    def pid(self) -> int:
        """Give the id of the process."""
        return os.getpid()


def run(
    batch: Batch,
    source: Source,
    *,
    workers: int,
    address: str | None = None,
    gate: ImmGate | None = None,
    keeps_pictures: bool = False,
    stop: Event | None = None,
    recall: Ledger | None = None,
    started: Callable[[list[Any]], None] | None = None,
) -> Iterator[Entry]:
    """Work through a source on Ray, and give what became of each picture as it is finished.

    Args:
        batch: What is done with each.
        source: Where they come from; listed here.
        workers: Processes, a core each.
        address: Of a cluster, or `auto`; None to start one on this machine alone.
        gate: Limits what is asked of `image/codes`, all workers together, each with its share.
        keeps_pictures: Give the bytes before and after, for a report.
        stop: Once it is set, what is in hand is finished and given, and nothing else begun.
        recall: What earlier runs did; None to do all.
        started: Called with the workers once they are there; for tests that kill one.

    Raises:
        BackendMissing: If Ray is not installed or cannot be reached, or no picture can be handled.
        TooManyQuarantined: If the batch's ceiling was hit.
    """
    ray = _ray()
    is_ours = not ray.is_initialized()
    if is_ours:
        _start(ray, workers, address)
    try:
        yield from _Hand(ray, batch, source, workers, gate, keeps_pictures, stop, recall, started)
    finally:
        if is_ours:
            ray.shutdown()
    raise_if_too_many(batch)


class _Hand(Iterator[Entry]):
    """The pictures that workers have, and those that need no work."""

    def __init__(
        self,
        ray: Any,  # noqa: ANN401 - Ray's types need it installed
        batch: Batch,
        source: Source,
        workers: int,
        gate: ImmGate | None,
        keeps_pictures: bool,
        stop: Event | None,
        recall: Ledger | None,
        started: Callable[[list[Any]], None] | None,
    ) -> None:
        self._ray, self._batch = ray, batch
        self._gate = gate or ImmGate()
        share = (
            None if self._gate.per_second is None else self._gate.per_second / workers,
            None if self._gate.max_calls is None else self._gate.max_calls // workers,
        )
        actor = ray.remote(_Worker).options(
            num_cpus=1,
            max_concurrency=_IN_HAND,
            max_restarts=-1,
            max_task_retries=_RETRIES,
        )
        plain = replace(batch, ceiling=None, capacity=None, wrote=None, ahead=None)
        self._actors = [actor.remote(plain, *share, keeps_pictures) for _ in range(workers)]
        self._free = [actor for actor in self._actors for _ in range(_IN_HAND)]
        self._counts: dict[Any, tuple[int, int]] = {}
        self._waiting: dict[Any, tuple[Item, int, Any, Entry | None]] = {}
        self._items = largest_first(source.items())
        self._stop, self._recall = stop or Event(), recall
        self._missing: BackendMissing | None = None
        if started is not None:
            started(self._actors)

    def __next__(self) -> Entry:
        while True:
            known = self._fill()
            if known is not None:
                return known
            if not self._waiting:
                if self._missing is not None:
                    raise self._missing
                raise StopIteration
            (done, *_), _rest = self._ray.wait(list(self._waiting), num_returns=1)
            item, number, actor, earlier = self._waiting.pop(done)
            self._free.append(actor)
            try:
                told = self._ray.get(done)
            except BackendMissing as error:
                self._missing = self._missing or BackendMissing(_first_line(error))
                continue
            except self._ray.exceptions.RayError as error:
                return self._lost(item, number, error)
            self._count(actor, told)
            if told.entry is not None:
                return self._admitted(told.entry)
            assert earlier is not None
            assert self._recall is not None
            self._recall.record(earlier)
            return earlier

    def _fill(self) -> Entry | None:
        """Take up what there is room for; gives a picture that needs no work, if one comes."""
        try:
            while self._free and not self._is_ending():
                number, item = next(self._items)
                recall = self._recall
                if recall is not None and (known := recall.done(item, number)) is not None:
                    return known
                actor = self._free.pop(0)
                written = None if recall is None else recall.written(item)
                digest, earlier = (recall and recall.earlier(item, number, item.state)) or _NONE
                sent = replace(item, imm=None) if isinstance(item, OssItem) else item
                task = actor.work.remote(sent, number, written, digest)
                self._waiting[task] = item, number, actor, earlier
        except StopIteration:
            pass
        except BackendMissing as error:
            self._missing = error
        return None

    def _lost(self, item: Item, number: int, error: Exception) -> Entry:
        """Give the entry of a picture that no worker gave back."""
        reason = f"every worker that looked at it died ({type(error).__name__})"
        result = self._batch.redactor.quarantine(item.name, reason)
        outcome = Outcome(result, item.relative, error=reason, number=number)
        return self._admitted(entry_of(outcome, self._batch.redactor.policy))

    def _admitted(self, entry: Entry) -> Entry:
        if self._batch.ceiling is not None:
            is_quarantined = entry.row["verdict"] == Verdict.QUARANTINED
            self._batch.ceiling.admit(is_quarantined=is_quarantined)
        return entry

    def _count(self, actor: Any, told: _Told) -> None:  # noqa: ANN401 - an actor of Ray
        self._counts[actor] = told.calls, told.answers
        self._gate.calls = sum(calls for calls, _ in self._counts.values())
        self._gate.answers = sum(answers for _, answers in self._counts.values())
        self._gate.is_broken |= told.is_broken

    def _is_ending(self) -> bool:
        ceiling = self._batch.ceiling
        is_hit = ceiling is not None and ceiling.is_hit
        return self._stop.is_set() or self._missing is not None or is_hit


def _ray() -> Any:  # noqa: ANN401 - Ray's types need it installed
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise BackendMissing(
            "--engine ray needs Ray; install it: pip install 'redactor[ray]'"
        ) from error
    return ray


def _start(ray: Any, workers: int, address: str | None) -> None:  # noqa: ANN401
    """Reach a cluster, or start one on this machine, in silence and for this machine alone."""
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
    try:
        if address is not None:
            ray.init(address=address, **quiet)
            return
        ray.init(
            num_cpus=workers,
            include_dashboard=False,
            object_store_memory=_STORE_BYTES,
            _node_ip_address="127.0.0.1",
            **quiet,
        )
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise BackendMissing(f"Ray cannot be reached: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    cause = getattr(error, "cause", None) or error
    return str(cause).strip().partition("\n")[0]
