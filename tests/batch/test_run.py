"""Many pictures: in order, some at a time, each with its outcome."""

import json
import stat
import threading
import time

import pytest

from redactor import Limits, Verdict
from redactor.batch import Batch, Capacity, threads
from redactor.errors import BackendMissing, StorageError, Unavailable
from redactor.storage.local import LocalSource
from redactor.storage.local_sink import FileSink, FolderSink
from redactor.storage.memory import MemorySink, MemorySource
from redactor.storage.oss import OssClient
from redactor.storage.oss_place import OssPlace, OssSettings
from redactor.storage.oss_store import OssSink

LINK = "https://example.org/secret?token=4711"


@pytest.fixture
def pictures(a_picture):
    return {"in/a.png": a_picture(LINK), "in/b.png": a_picture(), "c.jpg": b"no picture"}


def go(batch, source, *, jobs=1, stop=None):
    """Run on threads; gives the outcomes in the order of the source."""
    return sorted(stream(batch, source, jobs=jobs, stop=stop), key=lambda one: one.number)


def stream(batch, source, *, jobs=1, stop=None):
    """Run on threads; gives the outcomes as they are finished."""
    return threads.run(batch, source, lambda outcome: outcome, capacity=Capacity(jobs), stop=stop)


def verdicts(outcomes):
    return [outcome.result.verdict for outcome in outcomes]


def test_each_picture_has_an_outcome_in_the_order_of_the_source(pictures, a_redactor):
    sink = MemorySink()

    outcomes = go(Batch(a_redactor(), sink), MemorySource(pictures), jobs=3)

    assert [outcome.result.name for outcome in outcomes] == list(pictures)
    assert verdicts(outcomes) == [Verdict.REDACTED, Verdict.CLEAN, Verdict.QUARANTINED]
    assert [outcome.written for outcome in outcomes] == ["in/a.png", "in/b.png", None]
    assert [outcome.has_failed for outcome in outcomes] == [False, False, True]


def test_finished_pictures_are_written_with_their_content_type(pictures, a_redactor, read_codes):
    sink = MemorySink()

    list(go(Batch(a_redactor(), sink), MemorySource(pictures)))

    assert set(sink.written) == {"in/a.png", "in/b.png"}
    assert read_codes(sink.written["in/a.png"]) == []
    assert sink.written["in/b.png"] == pictures["in/b.png"]
    assert sink.content_types["in/a.png"] == "image/png"


def test_a_dry_run_writes_nothing_anywhere(pictures, a_redactor):
    sink, quarantine = MemorySink(), MemorySink()
    batch = Batch(a_redactor(), sink, dry_run=True, quarantine=quarantine)

    outcomes = list(go(batch, MemorySource(pictures)))

    assert verdicts(outcomes)[0] is Verdict.REDACTED
    assert sink.written == quarantine.written == {}


def test_a_held_picture_is_not_written_and_has_not_failed(pictures, a_redactor):
    sink = MemorySink()
    redactor = a_redactor(default="fill, flag: review", extra="hold: true")

    held, *_ = go(Batch(redactor, sink), MemorySource(pictures))

    assert held.result.held
    assert held.written is None
    assert not held.has_failed
    assert "in/a.png" not in sink.written


@pytest.mark.parametrize(
    "error",
    [Unavailable("a.png: the store is busy"), StorageError("a.png: broken")],
    ids=["busy", "broken"],
)
def test_a_picture_that_cannot_be_read_fails_alone(error, pictures, a_redactor):
    source = MemorySource({"a.png": error} | pictures)

    first, *others = go(Batch(a_redactor(), MemorySink()), source)

    assert first.has_failed
    assert first.error == str(error)
    assert first.result.verdict is Verdict.QUARANTINED
    assert len(others) == len(pictures)


def test_a_picture_beyond_the_limit_of_bytes_is_quarantined(pictures, a_redactor):
    redactor = a_redactor(limits=Limits(max_bytes=100))

    outcomes = list(go(Batch(redactor, MemorySink()), MemorySource(pictures)))

    assert verdicts(outcomes) == [Verdict.QUARANTINED] * 3
    assert "limit of 100 bytes" in outcomes[0].result.reasons[0]


class Failing:
    """A place that fails as it is told."""

    def __init__(self, error):
        self._error = error

    def write(self, relative, data, **_options):
        """Fail."""
        raise self._error


def test_a_picture_that_cannot_be_written_fails_alone(pictures, a_redactor):
    batch = Batch(a_redactor(), Failing(StorageError("disk: full")))

    outcomes = list(go(batch, MemorySource(pictures)))

    assert [outcome.error for outcome in outcomes] == ["disk: full", "disk: full", None]
    assert verdicts(outcomes)[0] is Verdict.REDACTED


def test_a_mistake_of_ours_fails_one_picture_alone(pictures, a_redactor):
    batch = Batch(a_redactor(), Failing(ZeroDivisionError("division by zero")))

    first, second, _ = go(batch, MemorySource(pictures))

    assert first.has_failed
    assert first.result.verdict is Verdict.QUARANTINED
    assert "internal error: ZeroDivisionError" in first.error
    assert second.has_failed


def test_what_is_there_is_replaced_only_when_asked(pictures, a_redactor):
    sink = MemorySink({"in/a.png": b"old"})

    first, *_ = go(Batch(a_redactor(), sink), MemorySource(pictures))
    assert "exists" in first.error
    assert sink.written["in/a.png"] == b"old"

    first, *_ = go(Batch(a_redactor(), sink, overwrite=True), MemorySource(pictures))
    assert first.written == "in/a.png"
    assert sink.written["in/a.png"] == first.result.image


@pytest.mark.parametrize(
    ("then", "why"),
    [
        ({"extra": "hold: true", "default": "flag"}, "held back"),
        ({"extra": "pictures: [{id: no, when: {codes: {min: 1}}, action: quarantine}]"}, "rule no"),
    ],
)
def test_what_is_no_longer_written_but_was_before_is_a_failure(
    then, why, pictures, a_redactor, tmp_path
):
    sink = FolderSink(str(tmp_path / "out"))
    go(Batch(a_redactor(default="allow"), sink), MemorySource(pictures))

    outcomes = go(Batch(a_redactor(**then), sink, overwrite=True), MemorySource(pictures))

    there = tmp_path / "out/in/a.png"
    assert outcomes[0].written is None
    assert outcomes[0].error.startswith(why)
    assert outcomes[0].error.endswith(f"{there} is there from before: look at it, or remove it")
    assert [outcome.error for outcome in outcomes[1:]] == [None, None]
    there.unlink()
    assert not go(Batch(a_redactor(**then), sink), MemorySource(pictures))[0].error


def test_what_became_too_large_and_was_written_before_is_a_failure(pictures, a_redactor, tmp_path):
    sink = FolderSink(str(tmp_path / "out"))
    go(Batch(a_redactor(), sink), MemorySource(pictures))
    strict = a_redactor(limits=Limits(max_bytes=100))

    outcomes = go(Batch(strict, sink), MemorySource(pictures))

    assert outcomes[0].error.endswith("in/a.png is there from before: look at it, or remove it")


def test_what_is_missing_is_not_taken_for_a_folder_of_its_name(tmp_path, a_redactor):
    (tmp_path / "out" / "gone").mkdir(parents=True)
    sink = FolderSink(str(tmp_path / "out"))

    (outcome,) = go(Batch(a_redactor(), sink), MemorySource({"gone": StorageError("not there")}))

    assert outcome.error == "not there"


def test_objects_that_were_written_before_are_found_too(pictures, a_redactor, oss_server):
    oss_server.create_bucket("shop")
    settings = OssSettings(oss_server.endpoint, oss_server.region)
    with pytest.MonkeyPatch.context() as env:
        for name, value in oss_server.env().items():
            env.setenv(name, value)
        sink = OssSink(OssClient(settings), OssPlace("shop", "public/"))
        go(Batch(a_redactor(default="allow"), sink), MemorySource(pictures))
        held = a_redactor(extra="hold: true", default="flag")

        outcomes = go(Batch(held, sink), MemorySource(pictures))

    assert "oss://shop/public/in/a.png is there from before" in outcomes[0].error
    assert outcomes[2].error is None


def test_quarantined_pictures_are_copied_as_they_came(pictures, a_redactor):
    quarantine = MemorySink()

    list(go(Batch(a_redactor(), MemorySink(), quarantine=quarantine), MemorySource(pictures)))

    assert quarantine.written == {"c.jpg": b"no picture"}


def test_another_picture_of_the_same_name_does_not_push_a_copy_out(a_redactor, tmp_path):
    quarantine = FolderSink(str(tmp_path))
    batch = Batch(a_redactor(), quarantine=quarantine)

    for data in (b"one", b"two", b"one", b"two"):
        list(go(batch, MemorySource({"x/c.jpg": data})))

    kept = sorted(path.name for path in (tmp_path / "x").iterdir())
    assert sorted((tmp_path / "x" / name).read_bytes() for name in kept) == [b"one", b"two"]
    assert kept[1] == "c.jpg"
    assert kept[0].startswith("c.")


# What nothing can be handled without.


def test_a_missing_backend_ends_the_run_once_what_was_in_hand_is_told(pictures, a_redactor):
    gone = BackendMissing("oss://b: credentials expired")
    source = MemorySource(pictures | {"d.png": gone} | {f"{n}.png": gone for n in range(50)})
    batch = Batch(a_redactor(), MemorySink())
    outcomes = []

    with pytest.raises(BackendMissing, match="expired"):
        outcomes.extend(stream(batch, source))
    # A list grows while the run goes on, as pictures are finished.
    assert sorted(outcome.result.name for outcome in outcomes) == sorted(pictures)


def test_a_source_that_fails_while_it_lists_loses_no_outcome(pictures, a_redactor):
    class Breaking(MemorySource):
        """Lists what it has, and then cannot go on."""

        def items(self):
            """List."""
            yield from super().items()
            raise BackendMissing("oss://b: gone")

    outcomes = []

    with pytest.raises(BackendMissing):
        outcomes.extend(stream(Batch(a_redactor()), Breaking(pictures)))
    assert len(outcomes) == len(pictures)


def test_a_stopped_run_finishes_what_is_in_hand_and_begins_nothing_else(a_picture, a_redactor):
    stop, sink = threads.Stop(), MemorySink()
    source = MemorySource({f"{n:02}.png": a_picture() for n in range(40)})
    outcomes = []

    for outcome in stream(Batch(a_redactor(), sink), source, stop=stop):
        outcomes.append(outcome)
        stop.set()

    assert 1 <= len(outcomes) <= 5
    # What was written has been told of: nothing is done in secret.
    assert sorted(sink.written) == sorted(outcome.written for outcome in outcomes)


def test_what_is_finished_does_not_wait_for_all_that_was_done_before(a_picture, a_redactor):
    names = [f"{number:03}.png" for number in range(100)]
    finished = threading.Event()

    class DoneBefore:
        """Knows of all but the first, once that is finished."""

        def done(self, item, number):
            if number == 0:
                return None
            finished.wait(10)
            time.sleep(0.001)
            return item.name

        def same(self, item, blob, number, state):
            return None

    def then(outcome):
        finished.set()
        return outcome.result.name

    given = list(
        threads.run(
            Batch(a_redactor(), MemorySink()),
            MemorySource(dict.fromkeys(names, a_picture())),
            then,
            capacity=Capacity(1),
            recall=DoneBefore(),
        )
    )

    assert sorted(given) == names
    assert given.index(names[0]) < 50


def test_no_more_is_in_hand_than_there_are_jobs_for(a_picture, a_redactor):
    listed = []

    class Watched(MemorySource):
        """Counts what was asked for."""

        def items(self):
            """List."""
            for item in super().items():
                listed.append(item.name)
                yield item

    source = Watched({f"{n:02}.png": a_picture() for n in range(40)})
    run = stream(Batch(a_redactor()), source)

    next(run)

    assert len(listed) <= 5
    run.close()


# In place, and over itself.


@pytest.fixture
def folder(tmp_path, a_picture):
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.png").write_bytes(a_picture(LINK))
    (folder / "clean.png").write_bytes(a_picture())
    return folder


def in_place(redactor, folder, originals):
    batch = Batch(redactor, originals=FolderSink(str(originals)))
    return list(go(batch, LocalSource([str(folder)], [str(originals)])))


def test_in_place_a_picture_is_replaced_once_its_original_is_safe(
    folder, tmp_path, a_redactor, read_codes
):
    before = (folder / "sub" / "a.png").read_bytes()

    outcomes = in_place(a_redactor(), folder, tmp_path / "originals")

    assert [outcome.has_failed for outcome in outcomes] == [False, False]
    assert (tmp_path / "originals" / "sub" / "a.png").read_bytes() == before
    assert read_codes((folder / "sub" / "a.png").read_bytes()) == []
    assert not (tmp_path / "originals" / "clean.png").exists()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_copy_is_for_those_who_may_see_the_picture(mode, folder, tmp_path, a_redactor):
    (folder / "sub" / "a.png").chmod(mode)
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "broken.png").chmod(mode)
    aside = FolderSink(str(tmp_path / "aside"))

    go(Batch(a_redactor(), originals=aside, quarantine=aside), LocalSource([str(folder)]))

    for copy in ("sub/a.png", "broken.png"):
        assert stat.S_IMODE((tmp_path / "aside" / copy).stat().st_mode) == mode


def test_in_place_nothing_is_replaced_whose_original_cannot_be_kept(folder, a_redactor):
    before = (folder / "sub" / "a.png").read_bytes()
    batch = Batch(a_redactor(), originals=Failing(StorageError("originals: disk full")))

    outcomes = list(go(batch, LocalSource([str(folder)])))

    assert [outcome.error for outcome in outcomes] == [None, "originals: disk full"]
    assert (folder / "sub" / "a.png").read_bytes() == before


def test_in_place_the_originals_cannot_be_the_pictures_themselves(folder, a_redactor):
    before = (folder / "sub" / "a.png").read_bytes()

    outcomes = in_place(a_redactor(), folder, folder)

    assert "where it lies itself" in outcomes[1].error
    assert (folder / "sub" / "a.png").read_bytes() == before


def test_in_place_the_first_original_of_each_name_and_every_other_are_kept(
    folder, tmp_path, a_picture, a_redactor
):
    path, originals = folder / "sub" / "a.png", tmp_path / "originals"
    first = path.read_bytes()
    in_place(a_redactor(), folder, originals)
    second = a_picture("https://example.org/other")
    path.write_bytes(second)

    in_place(a_redactor(), folder, originals)

    kept = [file.read_bytes() for file in (originals / "sub").iterdir()]
    assert sorted(kept) == sorted([first, second])
    assert (originals / "sub" / "a.png").read_bytes() == first


def test_in_place_a_link_stays_and_what_it_shows_is_redacted(
    folder, tmp_path, a_redactor, read_codes
):
    real = folder / "store.png"
    (folder / "sub" / "a.png").rename(real)
    (folder / "sub" / "a.png").symlink_to(real)

    in_place(a_redactor(), folder, tmp_path / "originals")

    assert (folder / "sub" / "a.png").is_symlink()
    assert read_codes(real.read_bytes()) == []


def test_in_place_is_for_files(pictures, a_redactor):
    batch = Batch(a_redactor(), originals=MemorySink())

    first, *_ = go(batch, MemorySource(pictures))

    assert "only files" in first.error


@pytest.mark.parametrize("link", [False, True], ids=["the folder", "a link to it"])
def test_no_picture_is_written_over_itself(link, folder, tmp_path, a_redactor):
    before = (folder / "sub" / "a.png").read_bytes()
    target = folder
    if link:
        target = tmp_path / "link"
        target.symlink_to(folder)
    batch = Batch(a_redactor(), FolderSink(str(target)), overwrite=True)

    outcomes = list(go(batch, LocalSource([str(folder)])))

    assert all("over itself" in outcome.error for outcome in outcomes)
    assert (folder / "sub" / "a.png").read_bytes() == before


def test_no_file_is_written_over_itself(folder, a_redactor):
    path = folder / "sub" / "a.png"
    before = path.read_bytes()
    batch = Batch(a_redactor(), FileSink(str(path)), overwrite=True)

    (outcome,) = go(batch, LocalSource([str(path)]))

    assert "over itself" in outcome.error
    assert path.read_bytes() == before


# What `image/codes` says travels with the picture.


def test_the_store_is_asked_about_each_picture(pictures, a_redactor):
    answer = json.dumps({"RequestId": "1", "Codes": []}).encode()
    source = MemorySource(pictures, image_codes={"in/b.png": answer})

    _, clean, _ = go(Batch(a_redactor(detector="imm"), MemorySink()), source)

    assert clean.result.verdict is Verdict.CLEAN
    assert clean.result.detectors == ("imm",)
