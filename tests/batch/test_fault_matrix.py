"""Every call to OSS, with every fault: done, tried again and done, or held with all in its place.

`python -m pytest tests/batch/test_fault_matrix.py -n 0 -s -q` prints the matrix.
"""

from dataclasses import replace
from functools import partial

import pytest

from redactor.batch import Batch, Capacity, threads
from redactor.errors import BackendMissing
from redactor.storage.oss import OssClient
from redactor.storage.oss_in_place import OssInPlace, OssQuarantine, OssShelf
from redactor.storage.oss_place import OssPlace, OssSettings
from redactor.storage.oss_store import OssSink, OssSource
from redactor.storage.retry import Retry
from redactor.testing import OssServer

pytestmark = [
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
    # Each fault has a client of its own; its connections end with it, some in half an answer.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

LINK = "https://example.org/secret?token=4711"
KEY = "in/a.png"
FAULTS = {
    "503 once": lambda server, when: server.fail(1, when=when),
    "503 always": lambda server, when: server.fail(None, when=when),
    "time-out": lambda server, when: server.delay(2, 1, when=when),
    "reset": lambda server, when: server.reset(1, when=when),
    "answer lost": lambda server, when: server.reset(1, when=when, after_work=True),
    "cut body": lambda server, when: server.cut(3, 1, when=when),
    "wrong CRC": lambda server, when: server.corrupt(1, when=when),
    "403": lambda server, when: server.fail(None, status=403, code="AccessDenied", when=when),
    "404": lambda server, when: server.fail(None, status=404, code="NoSuchKey", when=when),
    "412": lambda server, when: server.fail(None, status=412, code="PreconditionFailed", when=when),
}
# A call: how the run is made, and which request it is.
CALLS = {
    "list": ("out", lambda r: "list-type" in r.query),
    "read": ("out", lambda r: r.method == "GET" and r.key == KEY and not r.query),
    "image/codes": ("out", lambda r: r.process),
    "DetectImageCodes": ("out by project", lambda r: "x-acs-action" in r.headers),
    "look around it": ("out by project", lambda r: r.method == "HEAD"),
    "versioning": ("out", lambda r: "versioning" in r.query),
    "look before write": ("out versioned", lambda r: r.method == "HEAD"),
    "write": ("out", lambda r: r.method == "PUT"),
    "look": ("in place", lambda r: r.method == "HEAD" and r.bucket == "shop"),
    "look for original": ("in place", lambda r: r.method == "HEAD" and r.bucket == "kept"),
    "copy": ("in place", lambda r: "x-oss-copy-source" in r.headers),
    "tags": ("in place", lambda r: "tagging" in r.query),
    "ACL": ("in place", lambda r: "acl" in r.query),
    "overwrite": ("in place", lambda r: r.method == "PUT" and r.key == KEY),
    "versions": ("in place versioned", lambda r: "versions" in r.query),
    "purge": ("in place versioned", lambda r: r.method == "DELETE"),
    "flag": ("flag", lambda r: r.method == "PUT"),
    "move: copy": ("move", lambda r: "x-oss-copy-source" in r.headers),
    "move: delete": ("move", lambda r: r.method == "DELETE"),
}
NORMALLY = {
    "look": 2,
    "look for original": 2,
    "look around it": 2,
}  # how often a call is made where nothing fails
ABOUT_IMM = {"image/codes", "DetectImageCodes", "look around it"}
SERVER = partial(OssServer, buckets=["shop", "public", "kept"], imm_project="moderation")
DONE, AGAIN, HELD, ENDED = "done", "again", "held", "ended"


@pytest.fixture(scope="module")
def redactors(a_redactor):
    return {
        "hide": a_redactor(detector="hybrid"),
        "flag": a_redactor(default="flag", detector="local"),
    }


@pytest.fixture(scope="module")
def pictures(a_picture):
    return {"code": a_picture(LINK, scale=2, margin=20), "none": b"no picture"}


def run(server, way, redactors):
    """Run over the one object; gives its outcome, or None where the run has ended without it."""
    settings = OssSettings(server.endpoint, server.region, read_timeout_s=0.3)
    if way.endswith("project"):
        settings = replace(settings, imm_project="moderation", imm_endpoint=server.endpoint)
    client = OssClient(settings, retry=Retry(attempts=3, sleep=lambda _: None))
    shelf = OssShelf(client, OssPlace("kept", "originals/"))
    batch = Batch(redactors["flag" if way == "flag" else "hide"])
    if way.startswith("out"):
        batch = replace(batch, sink=OssSink(client, OssPlace("public", "out/")))
    else:
        batch = replace(batch, originals=OssInPlace(shelf, purge_versions=True))
    if way == "move":
        batch = replace(batch, quarantine=OssQuarantine(shelf))
    try:
        source = OssSource(client, OssPlace("shop", "in/"), "in/")
        (outcome,) = threads.run(batch, source, lambda one: one, capacity=Capacity(1))
    except (BackendMissing, ValueError):
        return None
    return outcome


def check(server, picture, read_codes):
    """Hold what must be true however it ended: nothing lost, nothing exposed, nothing half."""
    bucket = server._store.bucket
    stored = [server.stored("shop", key) for key in server.keys("shop")]
    kept = [server.stored("kept", key) for key in server.keys("kept")]
    assert picture in [one.data for one in [*stored, *kept]], "the original is lost"
    assert all(one.acl == "private" for one in [*stored, *kept]), "an ACL was lost"
    assert all(one.data == picture for one in kept), "an original is not what it was"
    public = [server.get("public", key) for key in server.keys("public")]
    replaced = [one.data for one in stored if one.data != picture]
    assert not any(read_codes(data) for data in [*public, *replaced]), "a code is exposed"
    assert all(one.tags.get("team") == "a" for one in stored), "tags were lost"
    assert bucket("shop").acl == "private"


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_fails_loses_and_exposes_nothing(
    call, pictures, redactors, read_codes, monkeypatch, capsys
):
    way, is_it = CALLS[call]
    picture = pictures["none" if way == "move" else "code"]
    row = {}
    for name, fault in FAULTS.items():
        with SERVER() as server, monkeypatch.context() as env:
            for variable in ("ENDPOINT", "REGION", "ACCESS_KEY_ID", "ACCESS_KEY_SECRET"):
                env.setenv(f"OSS_{variable}", server.env()[f"OSS_{variable}"])
            if way.endswith("versioned"):
                server.configure("shop", versioning="Enabled")
                server.configure("public", versioning="Enabled")
            server.put("shop", KEY, picture, acl="private", tags={"team": "a"})
            asked = []
            server.fail(None, when=lambda r, asked=asked: is_it(r) and asked.append(r))  # counts
            fault(server, is_it)
            outcome = run(server, way, redactors)
            server.heal()
            assert asked, f"{call} is never called"
            check(server, picture, read_codes)
            row[name] = _told(outcome, len(asked), way, call)
            if row[name] in (HELD, ENDED):
                assert server.keys("public") == []
    with capsys.disabled():
        told = "  ".join(f"{name}: {how}" for name, how in row.items())
        print(f"\n{call:<18}{told}", end="")  # noqa: T201 - the matrix is there to be read
    assert [row[passing] for passing in ("503 once", "time-out", "reset")] == [AGAIN] * 3
    assert row["answer lost"] in (DONE, AGAIN)
    # A picture that IMM cannot be asked about is looked at locally; others are held.
    expected = (AGAIN,) if call in ABOUT_IMM else (HELD, ENDED)
    assert row["503 always"] in expected


def _told(outcome, asked, way, call):
    if outcome is None:
        return ENDED
    if outcome.error is not None or (way != "move" and outcome.written is None):
        return HELD
    return AGAIN if asked > NORMALLY.get(call, 1) else DONE
