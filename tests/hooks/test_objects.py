"""One upload to OSS: written once, held where it must be, tried again where it may pass."""

import threading

import pytest

from redactor import Redactor
from redactor.batch import Batch
from redactor.errors import AccessRefused, BackendMissing, Changed, DamagedTransfer, Unavailable
from redactor.hooks.objects import ObjectHook, Status, describe
from redactor.hooks.seal import HEADER, Seals
from redactor.hooks.uploads import Upload
from redactor.model import Limits, Verdict
from redactor.storage.imm_gate import ImmGate
from redactor.storage.oss import OssClient
from redactor.storage.oss_in_place import OssQuarantine, OssShelf
from redactor.storage.oss_place import OssPlace
from redactor.storage.oss_store import OssSink, OssSource
from redactor.storage.retry import Retry
from redactor.workers import Workers

SOURCE = OssPlace.parse("oss://uploads/in/")
TARGET = OssPlace.parse("oss://shop/public/")
KEY = b"the key of this deployment"
LINK = "https://example.org/secret?token=4711"


@pytest.fixture
def client(oss):
    return OssClient(retry=Retry(sleep=lambda _: None))


@pytest.fixture
def a_hook(client, workers):
    def build(**changes):
        seals = Seals(KEY, workers.redactor.policy.hash)
        return ObjectHook(client, workers, (SOURCE,), TARGET, seals, **changes)

    return build


@pytest.fixture
def hook(a_hook):
    return a_hook()


def uploaded(oss, key="in/a.jpg"):
    return Upload("uploads", (key,), oss.stored("uploads", key).etag)


def writes(oss):
    return [r.key for r in oss.requests if r.method == "PUT" and r.bucket == "shop"]


def test_a_picture_with_a_code_reaches_the_public_place_without_it(
    oss, hook, a_picture, read_codes
):
    oss.put("uploads", "in/a.jpg", a_picture(LINK, format="JPEG"))

    done = hook.handle(uploaded(oss))

    assert (done.status, done.result.verdict) == (Status.WRITTEN, Verdict.REDACTED)
    stored = oss.stored("shop", "public/a.jpg")
    assert read_codes(stored.data) == []
    assert stored.headers["content-type"] == "image/jpeg"
    assert stored.headers["x-oss-meta-redactor-source-etag"] == uploaded(oss).etag
    assert read_codes(oss.get("uploads", "in/a.jpg")) == [LINK]
    assert LINK not in describe(done)


def test_the_same_upload_twice_is_written_once(oss, hook, a_picture):
    oss.put("uploads", "in/a.jpg", a_picture(LINK, format="JPEG"))

    first, second = hook.handle(uploaded(oss)), hook.handle(uploaded(oss))

    assert (first.status, second.status) == (Status.WRITTEN, Status.ALREADY)
    assert writes(oss) == ["public/a.jpg"]


def test_two_hooks_for_one_object_at_once_leave_one_result(oss, hook, a_picture, read_codes):
    oss.put("uploads", "in/a.jpg", a_picture(LINK, format="JPEG"))
    threads = [threading.Thread(target=hook.handle, args=(uploaded(oss),)) for _ in range(2)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert oss.keys("shop") == ["public/a.jpg"]
    assert read_codes(oss.get("shop", "public/a.jpg")) == []
    assert oss.keys("uploads") == ["in/a.jpg"]


def test_a_later_upload_under_the_same_key_replaces_what_was_made_of_the_first(
    oss, hook, a_picture
):
    oss.put("uploads", "in/a.jpg", a_picture(LINK, format="JPEG"))
    stale = uploaded(oss)
    hook.handle(stale)
    oss.put("uploads", "in/a.jpg", a_picture(format="JPEG"))

    # The event about the first comes again: what is there now counts.
    assert hook.handle(stale).result.verdict is Verdict.CLEAN
    assert oss.get("shop", "public/a.jpg") == oss.get("uploads", "in/a.jpg")


def test_an_upload_that_changes_while_it_is_redacted_is_not_published_as_it_was(
    oss, a_hook, a_picture
):
    oss.put("uploads", "in/a.jpg", a_picture(LINK, format="JPEG"))
    clean = a_picture(format="JPEG")

    def change(request):
        # Between reading and the last look, somebody uploads another picture.
        if request.method == "HEAD" and (request.bucket, request.key) == ("shop", "public/a.jpg"):
            oss.put("uploads", "in/a.jpg", clean)
        return False

    oss.fail(times=None, when=change)
    done = a_hook().handle(uploaded(oss))

    assert done.status is Status.WRITTEN
    assert oss.get("shop", "public/a.jpg") == clean
    assert len(writes(oss)) == 1


def test_of_two_hooks_the_one_that_comes_too_late_does_not_leave_the_older_picture(
    oss, hook, a_hook, a_picture
):
    oss.put("uploads", "in/a.jpg", a_picture(LINK, format="JPEG"))
    newer = a_picture(format="JPEG")
    late = []

    def overtake(request):
        # As the first writes, a newer upload has come, and its hook was faster.
        if request.method == "PUT" and request.bucket == "shop" and not late:
            late.append(request.key)
            oss.put("uploads", "in/a.jpg", newer)
            oss.put("shop", "public/a.jpg", newer)
        return False

    oss.fail(times=None, when=overtake)
    hook.handle(uploaded(oss))

    assert late
    assert oss.get("shop", "public/a.jpg") == newer


def test_an_upload_that_never_rests_is_tried_again_later(oss, hook, a_picture):
    pictures = iter([a_picture(f"{LINK}{n}", format="JPEG") for n in range(6)])
    oss.put("uploads", "in/a.jpg", next(pictures))

    def change(request):
        if request.method == "HEAD" and request.bucket == "shop":
            oss.put("uploads", "in/a.jpg", next(pictures))
        return False

    oss.fail(times=None, when=change)
    with pytest.raises(Changed, match="faster than"):
        hook.handle(uploaded(oss))
    assert oss.keys("shop") == []


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff\xe0 cut"])
def test_what_is_no_whole_picture_stays_private_with_a_tag(oss, hook, data):
    oss.put("uploads", "in/a.jpg", data, tags={"owner": "me"})

    done = hook.handle(uploaded(oss))

    assert done.status is Status.HELD
    assert oss.keys("shop") == []
    stored = oss.stored("uploads", "in/a.jpg")
    assert stored.data == data
    assert stored.tags == {
        "owner": "me",
        "redactor-verdict": "quarantined",
        "redactor-flag": "high",
    }


def test_what_was_held_and_comes_through_later_is_tagged_so(oss, hook, a_picture):
    picture = a_picture(LINK, format="JPEG")
    oss.put("uploads", "in/a.jpg", picture, tags={"redactor-verdict": "quarantined"})

    assert hook.handle(uploaded(oss)).status is Status.WRITTEN
    assert oss.stored("uploads", "in/a.jpg").tags == {"redactor-verdict": "redacted"}


def test_an_object_over_the_limit_is_refused_before_a_byte_is_read(oss, hook, monkeypatch):
    monkeypatch.setattr(hook.workers.redactor, "limits", Limits(max_bytes=1_000))
    oss.put("uploads", "in/a.jpg", bytes(5_000))

    done = hook.handle(uploaded(oss))

    assert "5,000 bytes, more than the limit of 1,000 bytes" in done.result.reasons[0]
    assert not [r for r in oss.requests if r.method == "GET" and r.key and not r.query]


def test_a_body_that_always_ends_early_is_tried_again_later(oss, hook, a_picture):
    oss.put("uploads", "in/a.jpg", a_picture(LINK, format="JPEG"))
    oss.cut(500, times=None, when=lambda request: request.method == "GET")

    with pytest.raises(DamagedTransfer):
        hook.handle(uploaded(oss))
    assert oss.keys("shop") == []


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (503, "ServiceUnavailable", Unavailable),
        (403, "AccessDenied", AccessRefused),
        (403, "SecurityTokenExpired", BackendMissing),
        (404, "NoSuchBucket", BackendMissing),
    ],
)
def test_what_may_pass_is_raised_and_nothing_is_published(
    oss, hook, status, code, error, a_picture
):
    oss.put("uploads", "in/a.jpg", a_picture(LINK, format="JPEG"))
    oss.fail(times=None, status=status, code=code, when=lambda r: r.method == "PUT")

    with pytest.raises(error):
        hook.handle(uploaded(oss))
    assert oss.keys("shop") == []
    assert oss.keys("uploads") == ["in/a.jpg"]


def test_what_fails_for_good_is_held_and_not_raised(oss, hook, a_picture):
    oss.put("uploads", "in/a.jpg", a_picture(format="JPEG"))
    oss.fail(status=403, code="InvalidObjectState", when=lambda r: r.method == "GET")

    done = hook.handle(uploaded(oss))

    assert done.status is Status.HELD
    assert "restore it from the archive first" in done.result.reasons[0]


def test_an_object_that_was_deleted_since_is_let_be(oss, hook):
    assert hook.handle(Upload("uploads", ("in/gone.jpg",), "AB")).status is Status.GONE


@pytest.mark.parametrize(
    "key",
    [
        "in/a b.jpg",
        "in/图片 1.jpg",
        "in/100%.jpg",
        "in/a%2Fb.jpg",
        "in/a+b&c=d.jpg",
        "in/'\"\t.jpg",
        "in/" + "k" * 1013,
    ],
    ids=ascii,
)
def test_every_key_is_mirrored_as_it_is(oss, hook, a_picture, key):
    oss.put("uploads", key, a_picture(format="JPEG"))

    assert hook.handle(uploaded(oss, key)).status is Status.WRITTEN
    assert oss.keys("shop") == ["public/" + key.removeprefix("in/")]


@pytest.mark.parametrize(
    "key", ["in//a.jpg", "in/../a.jpg", "in/a/./b.jpg", "in/" + "k" * 1020], ids=ascii
)
def test_a_key_that_cannot_be_mirrored_is_held(oss, hook, a_picture, key):
    oss.put("uploads", key, a_picture(format="JPEG"))

    assert hook.handle(uploaded(oss, key)).status is Status.HELD
    assert oss.keys("shop") == []


def test_an_encoded_key_finds_the_object_that_it_means(oss, hook, a_picture):
    oss.put("uploads", "in/a b.jpg", a_picture(format="JPEG"))

    done = hook.handle(Upload("uploads", ("in/a%20b.jpg", "in/a b.jpg"), "AB"))

    assert done.written == TARGET.below("a b.jpg")


def test_of_two_objects_that_a_key_may_mean_the_etag_tells(oss, hook, a_picture):
    oss.put("uploads", "in/a+b.jpg", a_picture(LINK, format="JPEG"))
    oss.put("uploads", "in/a b.jpg", a_picture(format="JPEG"))
    etag = oss.stored("uploads", "in/a b.jpg").etag

    done = hook.handle(Upload("uploads", ("in/a+b.jpg", "in/a b.jpg"), etag))

    assert done.written == TARGET.below("a b.jpg")


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        ("shop", "public/a.jpg"),
        ("uploads", "other/a.jpg"),
        ("uploads", "in"),
        ("elsewhere", "in/a.jpg"),
        ("uploads", "in/folder/"),
        ("uploads", "in/.redactor-probe-1"),
    ],
)
def test_what_is_not_watched_is_not_even_asked_about(oss, hook, bucket, key):
    assert hook.handle(Upload(bucket, (key,), "AB")).status is Status.IGNORED
    assert oss.requests == []


@pytest.mark.parametrize(
    "target", ["oss://uploads/in/", "oss://uploads/in/done/", "oss://uploads/", "oss://uploads/a"]
)
def test_a_target_that_would_be_an_upload_again_is_refused(client, workers, target):
    seals = Seals(None, "policy")
    with pytest.raises(BackendMissing):
        ObjectHook(client, workers, (SOURCE,), OssPlace.parse(target), seals)


def test_forged_and_copied_marks_do_not_keep_a_code_from_being_hidden(oss, hook, a_picture):
    finished = a_picture(format="JPEG")
    place = OssPlace("uploads", "in/done.jpg")
    marks = hook.seals.headers(place, finished)
    oss.put("uploads", "in/done.jpg", finished, headers=marks)
    # The uploader copies the mark of a finished picture onto one with a code.
    oss.put("uploads", "in/a.jpg", a_picture(LINK, format="JPEG"), headers=marks)
    oss.put("uploads", "in/b.jpg", a_picture(LINK, format="JPEG"), headers={HEADER: "0" * 64})

    assert hook.handle(uploaded(oss, "in/done.jpg")).status is Status.ALREADY
    for key in ("in/a.jpg", "in/b.jpg"):
        assert hook.handle(uploaded(oss, key)).result.verdict is Verdict.REDACTED


def test_a_finished_picture_counts_by_its_bytes_and_not_by_its_marks(
    oss, hook, a_picture, read_codes
):
    oss.put("uploads", "in/a.jpg", a_picture(LINK, format="JPEG"))
    hook.handle(uploaded(oss))
    marks = dict(oss.stored("shop", "public/a.jpg").headers)
    oss.put("shop", "public/a.jpg", oss.get("uploads", "in/a.jpg"), headers=marks)

    assert hook.handle(uploaded(oss)).status is Status.WRITTEN
    assert read_codes(oss.get("shop", "public/a.jpg")) == []


def test_a_hook_does_not_start_where_strangers_can_read(oss, hook):
    hook.check()
    oss.configure("uploads", public_prefixes=["in/"])

    with pytest.raises(BackendMissing, match="strangers can read"):
        hook.check()


def test_image_codes_is_asked_and_counted(oss, client, policy, a_picture):
    oss.put("uploads", "in/a.jpg", a_picture(LINK, format="JPEG"))
    oss.put("uploads", "in/b.jpg", a_picture(LINK, format="JPEG"))
    asked = []
    with Workers(Redactor(policy, detector="hybrid"), count=1) as workers:
        hook = ObjectHook(
            client, workers, (SOURCE,), TARGET, Seals(None, ""), asks=True, imm=asked.append
        )
        first = hook.handle(uploaded(oss))
        oss.fail(times=None, status=400, code="Imm Client", when=lambda r: bool(r.query))
        second = hook.handle(uploaded(oss, "in/b.jpg"))

    assert asked == [True, False]
    assert "imm" in first.result.detectors
    assert second.result.verdict is Verdict.REDACTED


# Limits on what is asked, and a place for what cannot be handled.


def test_image_codes_is_asked_as_often_as_allowed(oss, client, policy, a_picture):
    gate = ImmGate(max_calls=1)
    with Workers(Redactor(policy, detector="hybrid"), count=1) as workers:
        seals = Seals(KEY, workers.redactor.policy.hash)
        hook = ObjectHook(client, workers, (SOURCE,), TARGET, seals, asks=True, gate=gate)
        for name in ("in/a.jpg", "in/b.jpg"):
            oss.put("uploads", name, a_picture(f"{LINK}{name}", format="JPEG"))
            assert hook.handle(uploaded(oss, name)).status is Status.WRITTEN

    assert sum(bool(request.process) for request in oss.requests) == 1
    assert (gate.calls, gate.answers) == (1, 1)


def test_what_cannot_be_handled_is_moved_where_there_is_a_place_for_it(oss, client, a_hook):
    aside = OssPlace.parse("oss://uploads/quarantine/")
    hook = a_hook(quarantine=OssQuarantine(OssShelf(client, aside)))
    oss.put("uploads", "in/a.jpg", b"no picture")
    etag = uploaded(oss).etag

    done = hook.handle(uploaded(oss))

    assert done.status is Status.HELD
    assert oss.keys("uploads") == [f"quarantine/in/a.jpg/{etag}"]
    assert oss.stored("uploads", f"quarantine/in/a.jpg/{etag}").acl == "private"
    assert "now oss://uploads/quarantine/in/a.jpg/" in describe(done)
    assert writes(oss) == []


@pytest.mark.parametrize(
    "place", ["oss://uploads/in/bad/", "oss://shop/public/bad/", "oss://shop/"]
)
def test_a_quarantine_among_uploads_or_finished_pictures_is_refused(place, client, a_hook):
    with pytest.raises(BackendMissing, match="lie within each other"):
        a_hook(quarantine=OssQuarantine(OssShelf(client, OssPlace.parse(place))))


def test_a_hook_does_not_start_where_strangers_can_read_the_quarantine(oss, client, a_hook):
    aside = OssPlace.parse("oss://uploads/aside/")
    oss.configure("uploads", public_prefixes=["aside/"])
    hook = a_hook(quarantine=OssQuarantine(OssShelf(client, aside)))

    with pytest.raises(BackendMissing, match="strangers can read"):
        hook.check()


def test_hooks_and_a_sweep_together_write_nothing_twice(
    oss, client, hook, policy, a_picture, read_codes
):
    oss.put("uploads", "in/a.jpg", a_picture(LINK, format="JPEG"))
    oss.put("uploads", "in/lost.png", a_picture(LINK))
    hook.handle(uploaded(oss))
    sealed = oss.stored("shop", "public/a.jpg").headers[HEADER]
    source = OssSource(client, SOURCE, SOURCE.key)
    sweep = Batch(Redactor(policy), OssSink(client, TARGET), overwrite=True)

    outcomes = [sweep.handle(item) for item in source.items()]

    assert [outcome.error for outcome in outcomes] == [None, None]
    assert writes(oss) == ["public/a.jpg", "public/lost.png"]
    assert oss.stored("shop", "public/a.jpg").headers[HEADER] == sealed
    assert read_codes(oss.get("shop", "public/lost.png")) == []
    assert hook.handle(uploaded(oss)).status is Status.ALREADY


def test_a_sweep_replaces_what_was_made_of_an_earlier_upload(oss, client, hook, policy, a_picture):
    oss.put("uploads", "in/a.jpg", a_picture(LINK, format="JPEG"))
    hook.handle(uploaded(oss))
    oss.put("uploads", "in/a.jpg", a_picture(format="JPEG"))  # whose event was lost
    (item,) = OssSource(client, SOURCE, SOURCE.key).items()

    Batch(Redactor(policy), OssSink(client, TARGET), overwrite=True).handle(item)

    assert oss.get("shop", "public/a.jpg") == oss.get("uploads", "in/a.jpg")
