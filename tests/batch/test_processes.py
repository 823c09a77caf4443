"""Many pictures in processes: as on threads, but what crashes or hangs costs itself alone."""

import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from redactor import Verdict
from redactor.batch import Batch, Capacity, processes, threads
from redactor.errors import BackendMissing, Unavailable
from redactor.model import ImageCodes
from redactor.storage.memory import MemoryItem, MemorySink, MemorySource

LINK = "https://example.org/secret?token=4711"
NOTHING = b'{"RequestId": "1", "Codes": []}'


@pytest.fixture
def pictures(a_picture):
    return {"a.png": a_picture(LINK), "b.png": a_picture(), "c.jpg": b"no picture"}


def go(batch, source, *, engine=processes, jobs=1, then=lambda outcome: outcome):
    outcomes = engine.run(batch, source, then, capacity=Capacity(jobs))
    return sorted(outcomes, key=lambda one: one.number)


def children():
    """Give the worker processes of this one, the oldest first."""
    tasks = Path("/proc/self/task").iterdir()
    pids = {int(pid) for task in tasks for pid in (task / "children").read_text().split()}
    return [pid for pid in sorted(pids) if b"redactor.workers" in _command(pid)]


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@dataclass(frozen=True)
class Held:
    """A picture that is in work while something happens: its `image/codes` is asked meanwhile."""

    inner: MemoryItem
    meanwhile: object

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def ask_image_codes(self):
        """Ask."""
        self.meanwhile()
        return ImageCodes(NOTHING)


class Source(MemorySource):
    """Pictures, the first of which is held."""

    def __init__(self, pictures, meanwhile):
        super().__init__(pictures)
        self.meanwhile = meanwhile

    def items(self):
        """List them."""
        first, *others = super().items()
        yield Held(first, self.meanwhile)
        yield from others


def test_processes_and_threads_give_the_same(pictures, a_redactor):
    sinks = MemorySink(), MemorySink()

    told = [
        go(Batch(a_redactor(), sink), MemorySource(pictures), engine=engine, jobs=2)
        for engine, sink in zip((processes, threads), sinks, strict=True)
    ]

    for one, other in zip(*told, strict=True):
        assert one.result.verdict is other.result.verdict
        assert one.result.codes == other.result.codes
        assert one.result.reasons == other.result.reasons
        assert (one.written, one.before) == (other.written, other.before)
    assert sinks[0].written == sinks[1].written


@pytest.mark.parametrize("cause", [signal.SIGSEGV, signal.SIGKILL])
def test_a_crash_costs_its_picture_and_not_the_run(cause, pictures, a_redactor):
    source = Source(pictures, lambda: os.kill(children()[0], cause))
    sink, aside = MemorySink(), MemorySink()

    lost, *others = go(Batch(a_redactor(detector="hybrid"), sink, quarantine=aside), source)

    assert lost.result.verdict is Verdict.QUARANTINED
    assert lost.error == f"its worker process was ended by signal {cause:d}"
    assert lost.result.reasons == (lost.error,)
    assert lost.result.source_bytes == len(pictures["a.png"])
    assert [one.result.verdict for one in others] == [Verdict.CLEAN, Verdict.QUARANTINED]
    assert list(sink.written) == ["b.png"]
    # What ended the process may not have been the picture: it stays where it is.
    assert list(aside.written) == ["c.jpg"]


def test_a_picture_that_hangs_costs_itself_and_not_the_run(pictures, a_redactor, monkeypatch):
    monkeypatch.setattr(processes, "TIMEOUT_S", 0.5)
    source = Source(pictures, lambda: os.kill(children()[0], signal.SIGSTOP))

    lost, other, _ = go(Batch(a_redactor(detector="hybrid")), source)

    assert lost.result.reasons == ("it took more than 0.5 seconds",)
    assert other.result.verdict is Verdict.CLEAN


def test_other_pictures_are_worked_on_while_image_codes_is_asked(pictures, a_redactor):
    others_done = threading.Semaphore(0)
    source = Source(pictures, lambda: [others_done.acquire(timeout=30) for _ in range(2)])
    order = []

    def then(outcome):
        order.append(outcome.result.name)
        others_done.release()
        return outcome

    go(Batch(a_redactor(detector="hybrid")), source, then=then)

    assert order[-1] == "a.png"


@pytest.mark.parametrize(("number", "processes_needed"), [(1, False), (2, True)])
def test_a_single_picture_waits_for_no_process(number, processes_needed, pictures, a_redactor):
    seen = []
    source = MemorySource(dict(list(pictures.items())[:number]))

    go(Batch(a_redactor()), source, then=lambda one: seen.append(children()) or one)

    assert any(seen) == processes_needed
    assert not children()


@pytest.mark.parametrize("listed", [0, 1, 2])
def test_a_source_that_fails_while_it_lists_loses_no_outcome(listed, pictures, a_redactor):
    class Breaking(MemorySource):
        """Fails behind some pictures."""

        def items(self):
            """List."""
            yield from list(super().items())[:listed]
            raise BackendMissing("the bucket is gone")

    given = []
    with pytest.raises(BackendMissing, match="gone"):
        given.extend(
            processes.run(
                Batch(a_redactor()), Breaking(pictures), lambda one: one, capacity=Capacity(1)
            )
        )

    assert len(given) == listed


def test_what_cannot_start_a_process_is_a_missing_backend(pictures, a_redactor, monkeypatch):
    monkeypatch.setattr("redactor.workers.pool._RESTS_S", ())
    monkeypatch.setattr("sys.executable", "/nonexistent/python")

    with pytest.raises(BackendMissing, match="a worker process cannot be started: No such file"):
        go(Batch(a_redactor()), MemorySource(pictures))


def test_a_store_that_fails_for_a_while_fails_one_picture(pictures, a_redactor):
    pictures = {"gone.png": Unavailable("not now"), **pictures}

    outcomes = go(Batch(a_redactor()), MemorySource(pictures))

    assert [outcome.error for outcome in outcomes] == ["not now", None, None, None]
