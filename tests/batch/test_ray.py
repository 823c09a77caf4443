"""The same run on threads and on Ray gives the same; a worker that dies loses nothing."""

import os
import signal
import threading

import pytest

from redactor import Policy
from redactor.batch import Batch, Capacity, Ledger, entry_of, ray, threads
from redactor.batch.ceiling import Ceiling
from redactor.errors import BackendMissing, TooManyQuarantined
from redactor.pipeline import Redactor
from redactor.storage.local import LocalSource
from redactor.storage.local_sink import FolderSink
from redactor.storage.memory import MemorySource

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

LINK = "https://example.org/secret?token=4711"
PICTURES = 24


@pytest.fixture(scope="module")
def local_ray():
    """Ray on this machine, with two cores, for all tests of this file."""
    module = ray._ray()
    ray._start(module, 2, None)
    yield module
    module.shutdown()


@pytest.fixture(scope="module")
def redactor():
    return Redactor(Policy.parse("version: 1\nname: p\ndefault: {action: blur}\n"))


@pytest.fixture
def photos(tmp_path, a_picture):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(PICTURES):
        picture = a_picture(f"{LINK}{number}") if number % 3 else a_picture()
        (folder / f"{number:02}.png").write_bytes(picture)
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def told(entries):
    """Rows in the order of the source, but for what differs from run to run."""
    return [
        {**entry.row, "seconds": None, "written": None}
        for entry in sorted(entries, key=lambda entry: entry.number)
    ]


def written(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_threads_and_ray_give_the_same_though_a_worker_is_killed(
    local_ray, redactor, photos, tmp_path
):
    source = LocalSource([str(photos)])
    on_threads = threads.run(
        Batch(redactor, FolderSink(str(tmp_path / "a"))),
        source,
        lambda outcome: entry_of(outcome, redactor.policy),
        capacity=Capacity(2),
    )
    first = told(on_threads)
    actors = []
    entries = []
    for entry in ray.run(
        Batch(redactor, FolderSink(str(tmp_path / "b"))), source, workers=2, started=actors.extend
    ):
        if not entries:
            os.kill(local_ray.get(actors[0].pid.remote()), signal.SIGKILL)
        entries.append(entry)

    assert told(entries) == first
    assert len(entries) == PICTURES + 1
    assert written(tmp_path / "a") == written(tmp_path / "b")


def test_what_is_in_the_ledger_is_not_done_again(local_ray, redactor, photos, tmp_path):
    source = LocalSource([str(photos)])
    batch = Batch(redactor, FolderSink(str(tmp_path / "out")))
    for recalled in (False, True):
        with Ledger(tmp_path / "run", redactor, "{}") as ledger:
            for entry in ray.run(batch, source, workers=2, recall=ledger):
                assert entry.is_recalled is recalled
                if not recalled:
                    ledger.record(entry)


def test_what_was_replaced_in_place_and_touched_is_not_done_again(
    local_ray, redactor, photos, tmp_path
):
    source = LocalSource([str(photos)])
    batch = Batch(redactor, originals=FolderSink(str(tmp_path / "originals")))
    ends = []
    for _ in range(2):
        with Ledger(tmp_path / "run", redactor, "{}") as ledger:
            entries = list(ray.run(batch, source, workers=2, recall=ledger))
            for entry in entries:
                if not entry.is_recalled:
                    ledger.record(entry)
            ends.append((told(entries), [dict(row) for row in ledger.rows()]))
        for picture in photos.iterdir():
            os.utime(picture, (1, 1))

    assert ends[0] == ends[1]
    assert all(entry.is_recalled for entry in entries)


def test_a_missing_backend_ends_the_run(local_ray, redactor):
    source = MemorySource({"a.png": BackendMissing("oss://b: credentials expired")})

    with pytest.raises(BackendMissing, match="credentials expired"):
        list(ray.run(Batch(redactor), source, workers=1))


def test_too_many_quarantined_end_the_run(local_ray, redactor):
    source = MemorySource({f"{number}.png": b"no picture" for number in range(40)})

    with pytest.raises(TooManyQuarantined):
        list(ray.run(Batch(redactor, ceiling=Ceiling(3)), source, workers=1))


def test_a_stopped_run_finishes_what_is_in_hand(local_ray, redactor, a_picture):
    source = MemorySource({f"{number}.png": a_picture() for number in range(40)})
    stop = threading.Event()
    entries = []

    for entry in ray.run(Batch(redactor, dry_run=True), source, workers=1, stop=stop):
        entries.append(entry)
        stop.set()

    assert 1 <= len(entries) <= 4
