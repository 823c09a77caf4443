"""Killed at any step of an in-place run, nothing is lost, and a second run finishes the work."""

import threading

import pytest

from tests.forks import Forks

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

LINK = "https://example.org/secret?token=4711"
IN_PLACE = [
    "run", "oss://shop/in/", "--in-place", "--originals", "oss://kept/originals/",
    "--quarantine", "oss://kept/quarantine/", "--detector", "local", "--jobs", "1", "-q",
]  # fmt: skip
# What one picture with a code takes, from reading it to overwriting it.
STEPS = (
    "GET", "HEAD", "HEAD copy", "COPY", "HEAD copy", "GET tagging", "GET acl", "HEAD", "PUT",
)  # fmt: skip
MOVING = ("GET", "HEAD", "HEAD copy", "COPY", "HEAD copy", "HEAD", "DELETE")


@pytest.fixture(scope="module")
def forks():
    with Forks() as forks:
        yield forks


def step_of(request):
    """Name a request about a picture; None for others."""
    if ".redactor-probe-" in request.key or not request.key:
        return None
    if "x-oss-copy-source" in request.headers:
        return "COPY"
    asked = next((f" {name}" for name in ("acl", "tagging") if name in request.query), "")
    return request.method + (" copy" if request.bucket == "kept" else asked)


class Killer:
    """Kills a run when its n-th request about a picture comes, before or after the work."""

    def __init__(self, server, forks, number, *, after_work):
        self._forks, self._left = forks, number
        self._started = threading.Event()
        server.reset(when=self._is_it, after_work=after_work)

    def started(self):
        """Say that the run can be killed: its process is known."""
        self._started.set()

    def _is_it(self, request):
        if step_of(request) is None:
            return False
        self._left -= 1
        if self._left != 0:
            return False
        self._started.wait(10)
        self._forks.kill()
        return True


def steps(server):
    return [step for step in map(step_of, server.requests) if step]


@pytest.mark.parametrize(
    ("number", "after_work"),
    [*((number, False) for number in range(1, len(STEPS) + 1)), (4, True), (9, True)],
    ids=[*(f"before-{step}" for step in STEPS), "after-COPY", "after-PUT"],
)
def test_a_picture_is_replaced_or_whole(
    number, after_work, forks, oss, a_picture, tmp_path, read_codes
):
    picture = a_picture(LINK)
    oss.create_bucket("kept")
    oss.put("shop", "in/a.png", picture, acl="private", tags={"a": "1"})
    killer = Killer(oss, forks, number, after_work=after_work)
    forks.start(*IN_PLACE, folder=tmp_path, env=oss.env())
    killer.started()

    assert forks.wait() == -9
    there = oss.get("shop", "in/a.png")
    originals = [oss.get("kept", key) for key in oss.keys("kept")]
    assert there == picture or originals == [picture]
    assert there == picture or read_codes(there) == []

    done = len(oss.requests)
    assert forks.run(*IN_PLACE, folder=tmp_path, env=oss.env()) == 0
    stored = oss.stored("shop", "in/a.png")
    assert read_codes(stored.data) == []
    assert (stored.acl, stored.tags) == ("private", {"a": "1"})
    assert [oss.get("kept", key) for key in oss.keys("kept")] == [picture]
    if there != picture:
        assert steps(oss)[-1:] == ["GET"], "what was finished is only looked at"
        assert not any(request.method == "PUT" and "probe" not in request.key
                       for request in oss.requests[done:])  # fmt: skip


@pytest.mark.parametrize(
    ("number", "after_work"), [(4, False), (4, True), (6, False), (7, False), (7, True)]
)
def test_a_picture_is_moved_or_where_it_was(number, after_work, forks, oss, tmp_path):
    oss.create_bucket("kept")
    oss.put("shop", "in/a.png", b"no picture")
    killer = Killer(oss, forks, number, after_work=after_work)
    forks.start(*IN_PLACE, folder=tmp_path, env=oss.env())
    killer.started()

    assert forks.wait() == -9
    assert b"no picture" in [oss.get("shop", key) for key in oss.keys("shop")] + [
        oss.get("kept", key) for key in oss.keys("kept", "quarantine/")
    ]
    forks.run(*IN_PLACE, folder=tmp_path, env=oss.env())
    assert oss.keys("shop") == []
    assert [oss.get("kept", key) for key in oss.keys("kept")] == [b"no picture"]


def test_the_steps_are_those(forks, oss, a_picture, tmp_path):
    oss.create_bucket("kept")
    oss.put("shop", "in/a.png", a_picture(LINK), tags={"a": "1"})
    assert forks.run(*IN_PLACE, folder=tmp_path, env=oss.env()) == 0
    assert tuple(steps(oss)) == STEPS

    oss.put("shop", "in/a.png", b"no picture")
    before = len(steps(oss))
    assert forks.run(*IN_PLACE, folder=tmp_path, env=oss.env()) == 4
    assert tuple(steps(oss)[before:]) == MOVING
