"""Pictures in worker processes: as in this one, but what hangs or crashes costs itself alone."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from redactor.errors import BackendMissing, Unavailable
from redactor.model import ImageCodes, Verdict
from redactor.pipeline import Redactor
from redactor.workers import Room, Workers, pool


@pytest.fixture
def slow(a_picture):
    """A picture that takes seconds to look at."""
    codes = [f"https://example.org/{n}" for n in range(60)]
    return a_picture(*codes, format="JPEG", scale=8)


@contextmanager
def held(workers, picture):
    """Keep a picture in work: its `image/codes` is answered at the end."""
    is_asked, may_go_on = threading.Event(), threading.Event()
    results = []

    def ask():
        is_asked.set()
        assert may_go_on.wait(30)
        return ImageCodes(b'{"RequestId": "1", "Codes": []}', "E")

    def redact():
        results.append(workers.redact(picture, etag="E", ask=ask))

    thread = threading.Thread(target=redact)
    thread.start()
    assert is_asked.wait(30)
    try:
        yield
    finally:
        may_go_on.set()
        thread.join()
    assert results[0].verdict is Verdict.CLEAN


def test_a_worker_gives_what_the_redactor_gives(workers, policy, a_picture):
    picture = a_picture("https://example.org/secret", format="JPEG")

    result = workers.redact(picture, name="a.jpg")

    assert result.verdict is Verdict.REDACTED
    assert result.image == Redactor(policy).redact(picture).image
    assert result.name == "a.jpg"


def test_a_picture_that_takes_too_long_is_quarantined_and_the_next_is_not(policy, slow, a_picture):
    with Workers(Redactor(policy), count=1, timeout_s=0.3) as workers:
        hung = workers.redact(slow, name="slow.jpg")
        quick = workers.redact(b"no picture", name="quick")

    assert hung.verdict is Verdict.QUARANTINED
    assert hung.reasons == ("it took more than 0.3 seconds",)
    assert hung.flag == "high"
    assert quick.reasons == ("not a picture: the bytes begin like no known picture format",)


def test_a_crash_costs_the_picture_that_it_happens_over(policy, slow, a_picture):
    with Workers(Redactor(policy), count=1) as workers:
        workers.redact(a_picture())
        (pid,) = workers.pids
        # As a C library that reads where it must not.
        timer = threading.Timer(0.2, os.kill, (pid, signal.SIGSEGV))
        timer.start()
        crashed = workers.redact(slow)
        after = workers.redact(a_picture())

    assert crashed.reasons == ("its worker process was ended by signal 11",)
    assert after.verdict is Verdict.CLEAN


def test_a_process_that_ended_between_two_pictures_is_replaced(policy, a_picture):
    with Workers(Redactor(policy), count=1) as workers:
        workers.redact(a_picture())
        os.kill(workers.pids[0], signal.SIGKILL)
        time.sleep(0.1)

        assert workers.redact(a_picture()).verdict is Verdict.CLEAN


def test_what_needs_more_memory_than_allowed_is_quarantined(policy, a_picture):
    with Workers(Redactor(policy), count=1, memory_bytes=600 << 20) as workers:
        large = a_picture("https://example.org/secret", scale=120, noise=0)
        assert workers.redact(large).verdict is Verdict.QUARANTINED
        assert workers.redact(a_picture()).verdict is Verdict.CLEAN


def test_a_picture_that_nobody_takes_in_is_given_up_after_the_time_out(policy):
    with Workers(Redactor(policy), count=1, timeout_s=1) as workers:
        workers.redact(b"")
        os.kill(workers.pids[0], signal.SIGSTOP)

        # More than a socket holds: even to send it would take for ever.
        result = workers.redact(bytes(5_000_000))

        assert result.reasons == ("it took more than 1 seconds",)
        assert workers.redact(b"").reasons == ("the file is empty",)


@pytest.fixture
def failing(tmp_path, monkeypatch):
    """Let processes fail to start, as often as is told."""
    tally = tmp_path / "tally"
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\necho >>{tally}\n[ "$(wc -l <{tally})" -le $FAILURES ] && exit 1\n'
        f'exec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    monkeypatch.setattr(pool, "_INHERITED", pool._INHERITED | {"FAILURES"})
    monkeypatch.setattr(pool, "_RESTS_S", (0.01, 0.01, 0.01))
    monkeypatch.setattr(sys, "executable", str(python))
    return lambda times: monkeypatch.setenv("FAILURES", str(times))


def test_a_worker_that_does_not_start_at_once_is_tried_again(policy, failing, a_picture):
    failing(3)

    with Workers(Redactor(policy), count=1) as workers:
        assert workers.redact(a_picture()).verdict is Verdict.CLEAN


def test_a_worker_that_cannot_start_is_a_missing_backend(policy, failing):
    failing(100)

    with (
        Workers(Redactor(policy), count=1) as workers,
        pytest.raises(BackendMissing, match="cannot be started"),
    ):
        workers.redact(b"")


def test_a_picture_that_finds_no_free_worker_is_turned_away_untouched(policy, a_picture):
    with (
        Workers(Redactor(policy, detector="hybrid"), count=1, wait_s=0.2) as workers,
        held(workers, a_picture()),
        pytest.raises(Unavailable, match="all 1 workers are busy"),
    ):
        workers.redact(a_picture())


def test_a_picture_that_finds_no_room_is_turned_away_and_the_worker_stays(policy, a_picture):
    with Workers(
        Redactor(policy, detector="hybrid"), count=2, wait_s=0.2, max_pixels_in_work=10
    ) as workers:
        workers.redact(a_picture())
        before = workers.pids
        with held(workers, a_picture()), pytest.raises(Unavailable, match="too many pixels"):
            workers.redact(a_picture())

        assert workers.redact(a_picture()).verdict is Verdict.CLEAN
        assert workers.pids == before


def test_image_codes_is_asked_by_the_parent(policy, a_picture):
    asked = []

    def ask():
        asked.append(os.getpid())
        return ImageCodes(b'{"RequestId": "1", "Codes": []}', "E")

    with Workers(Redactor(policy, detector="hybrid"), count=1) as workers:
        result = workers.redact(a_picture("https://example.org/secret"), etag="E", ask=ask)

    assert asked == [os.getpid()]
    assert result.verdict is Verdict.REDACTED
    assert "imm" in result.detectors


@pytest.mark.parametrize("error", [Unavailable("IMM is busy"), RuntimeError("a mistake")])
def test_a_failure_to_ask_leaves_the_worker_ready_for_the_next(policy, a_picture, error):
    def ask():
        raise error

    with Workers(Redactor(policy, detector="hybrid"), count=1) as workers:
        if isinstance(error, Unavailable):
            result = workers.redact(a_picture(), ask=ask)
            assert result.remarks == ("looked locally alone: IMM is busy",)
        else:
            with pytest.raises(RuntimeError):
                workers.redact(a_picture(), ask=ask)

        assert workers.redact(a_picture()).verdict is Verdict.CLEAN


def test_no_process_is_left_when_the_pool_is_closed(policy):
    workers = Workers(Redactor(policy), count=2)
    pids = workers.pids

    workers.close()

    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_pool_that_is_closed_over_a_picture_starts_nothing_anew(policy, slow):
    workers = Workers(Redactor(policy), count=1)
    workers.redact(b"")
    (pid,) = workers.pids
    with ThreadPoolExecutor(1) as thread:
        busy = thread.submit(workers.redact, slow)
        time.sleep(0.2)

        workers.close()

    # Nothing is wrong with the picture: it is not quarantined.
    for late in (busy.result, lambda: workers.redact(slow)):
        with pytest.raises(Unavailable, match="closed; try again later"):
            late()
    assert workers.pids == ()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_pictures_that_wait_for_a_worker_start_none_once_the_pool_is_closed(policy, slow):
    workers = Workers(Redactor(policy), count=2, starts_now=False)
    with ThreadPoolExecutor(6) as threads:
        busy = [threads.submit(workers.redact, slow) for _ in range(6)]
        time.sleep(0.7)
        workers.close()

    assert workers.pids == ()
    assert {type(one.exception()) for one in busy} == {Unavailable}


@pytest.mark.parametrize("given", ["policies/default.yaml", None])
def test_workers_take_a_redactor(given):
    with pytest.raises(TypeError, match="take a Redactor, such as"):
        Workers(given)


FORK = """
import os, sys, threading, time
from pathlib import Path
from redactor.workers import Workers
from redactor import Policy, Redactor
policy = Policy.parse("version: 1\\nname: x\\ndefault: {action: fill}\\n")
workers = Workers(Redactor(policy), count=1, wait_s=5)
workers.redact(b"")
before = workers.pids
slow = Path(sys.argv[1]).read_bytes()
results = []
busy = threading.Thread(target=lambda: results.append(workers.redact(slow, name="parent")))
busy.start()
time.sleep(0.3)
if child := os.fork():
    busy.join()
    _, status = os.waitpid(child, 0)
    assert results[0].verdict == "redacted" and workers.pids == before and status == 0
    workers.close()
else:
    is_own = workers.redact(b"", name="child").name == "child" and workers.pids != before
    workers.close()
    os._exit(0 if is_own else 1)
"""


def test_a_process_that_is_forked_over_a_picture_has_workers_of_its_own(slow, tmp_path):
    (tmp_path / "slow.jpg").write_bytes(slow)

    done = subprocess.run(
        [sys.executable, "-c", FORK, tmp_path / "slow.jpg"], capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_credentials_are_not_in_the_environment_of_the_processes(policy, monkeypatch):
    monkeypatch.setenv("OSS_ACCESS_KEY_SECRET", "of the parent")
    with Workers(Redactor(policy), count=1) as workers:
        workers.redact(b"")
        environment = Path(f"/proc/{workers.pids[0]}/environ").read_bytes()

    assert b"PYTHONPATH" in environment
    assert b"of the parent" not in environment


def test_pictures_larger_than_all_room_are_let_in_alone():
    room = Room(100)
    room.take(1_000, wait_s=0)

    with pytest.raises(Unavailable):
        room.take(1, wait_s=0)
    room.give(1_000)
    room.take(60, wait_s=0)
    room.take(40, wait_s=0)


def test_a_worker_takes_a_path_or_an_open_file_as_the_redactor_does(workers, a_picture, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(a_picture("https://example.org/secret"))

    with path.open("rb") as upload:
        assert workers.redact(upload).verdict is Verdict.REDACTED
    assert workers.redact(path).name == str(path)
    with pytest.raises(TypeError, match="bytes, a path or an open binary file, not int"):
        workers.redact(7)


def test_an_application_that_ends_without_closing_says_nothing():
    code = (
        "from redactor import Policy, Redactor; from redactor.workers import Workers;"
        "w = Workers(Redactor(Policy.parse('version: 1\\ndefault: {action: fill}\\n')), count=2)"
    )
    for more in ("", ";w.redact(b'x')"):
        ended = subprocess.run(
            [sys.executable, "-c", code + more], capture_output=True, check=True, timeout=60
        )
        assert ended.stderr == b""
