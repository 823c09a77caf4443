"""Uploads that wait: on disk before the answer, each once, and none lost."""

import subprocess
import sys

import pytest

from redactor.errors import BackendMissing, Unavailable
from redactor.hooks.queue import UploadQueue
from redactor.hooks.uploads import Upload

UPLOAD = Upload("uploads", ("in/图 a.jpg", "in/图+a.jpg"), "AB")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "uploads.db"


class Clock:
    """A clock that stands still."""

    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        """Give the time."""
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue(path, clock):
    queue = UploadQueue(path, clock=clock)
    yield queue
    queue.close()


def test_an_upload_is_given_once_and_then_done(queue):
    assert queue.put(UPLOAD)
    assert len(queue) == 1
    assert queue.take() == UPLOAD
    assert queue.take() is None
    queue.done(UPLOAD)

    assert len(queue) == 0


@pytest.mark.parametrize("state", ["waits", "in hand", "done"])
def test_a_replay_is_queued_once(queue, state):
    queue.put(UPLOAD)
    if state != "waits":
        queue.take()
    if state == "done":
        queue.done(UPLOAD)

    assert not queue.put(UPLOAD)


def test_the_same_bytes_are_new_again_once_others_came_between(queue):
    other = Upload(UPLOAD.bucket, UPLOAD.keys, "CD")
    for upload in (UPLOAD, other):
        assert queue.put(upload)
        queue.done(queue.take())

    assert queue.put(UPLOAD)


def test_uploads_without_an_etag_are_never_taken_for_one_another(queue):
    nameless = Upload("uploads", ("in/a.jpg",))
    queue.put(nameless)
    queue.done(queue.take())

    assert queue.put(nameless)


def test_what_was_queued_or_in_hand_survives_a_kill(path):
    script = """
import os, sys
from redactor.hooks.queue import UploadQueue
from redactor.hooks.uploads import Upload
queue = UploadQueue(sys.argv[1])
queue.put(Upload("uploads", ("a",), "1"))
queue.put(Upload("uploads", ("b",), "2"))
queue.take()
os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert killed.returncode == -9
    queue = UploadQueue(path)

    assert {queue.take().keys[0], queue.take().keys[0]} == {"a", "b"}
    queue.close()


def test_what_failed_waits_longer_each_time_and_is_given_up_in_the_end(queue, clock):
    queue.put(UPLOAD)
    queue.take()
    waits = []
    while queue.back(UPLOAD):
        before = clock.now
        while queue.take() is None:
            clock.now += 1
        waits.append(clock.now - before)

    assert waits == [5, 30, 120, 600, 1800, 3600]
    assert len(queue) == 0


def test_a_full_queue_turns_uploads_away(path):
    queue = UploadQueue(path, most=1)
    queue.put(UPLOAD)

    with pytest.raises(Unavailable, match="wait already"):
        queue.put(Upload("uploads", ("b",), "2"))
    queue.close()


def test_a_file_that_another_process_has_in_hand_is_not_shared(path, queue):
    queue.put(UPLOAD)

    with pytest.raises(BackendMissing, match="no other process"):
        UploadQueue(path)


def test_a_file_that_is_no_queue_is_named(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8" * 1000)

    with pytest.raises(BackendMissing, match=r"photo\.jpg: no queue can be kept there"):
        UploadQueue(tmp_path / "photo.jpg")
