"""Which pictures of a source are taken, and how many are asked about."""

import csv
import gzip
import io
import json
import tracemalloc
from datetime import UTC, datetime

import pytest

from redactor.errors import LimitExceeded, StorageError, Unavailable
from redactor.storage.imm_gate import ImmGate, NotAsked
from redactor.storage.oss import OssClient
from redactor.storage.oss_credentials import EnvironmentCredentials
from redactor.storage.oss_place import OssPlace, OssSettings
from redactor.storage.places import open_source, oss_folders
from redactor.storage.retry import Retry, deadline
from redactor.storage.select import Selected, Selection, parse_time

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def taken(source, **selection):
    return [item.relative for item in Selected(source, Selection(**selection)).items()]


@pytest.mark.parametrize(
    ("text", "seconds_ago"),
    [
        ("90m", 5400),
        ("24h", 86_400),
        ("7d", 604_800),
        ("2026-01-31", 43_200),
        ("2026-01-31T12:00+08:00", 28_800),
    ],
)
def test_times_are_read(text, seconds_ago):
    assert NOW.timestamp() - parse_time(text, now=NOW) == seconds_ago


@pytest.mark.parametrize("text", ["yesterday", "7", "2026-13-01", "7y", ""])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match="is no time"):
        parse_time(text)


def test_pictures_are_taken_by_name(server):
    for key in ("in/a.jpg", "in/b.png", "in/old/c.jpg"):
        server.put("uploads", key, b"x")
    source = open_source("oss://uploads/in/")

    assert taken(source, include=["*.jpg"]) == ["a.jpg", "old/c.jpg"]
    assert taken(source, include=["*.jpg"], exclude=["old/*"]) == ["a.jpg"]


def test_pictures_are_taken_by_when_they_changed(server, tmp_path):
    for day in (1, 2, 3):
        server.put("uploads", f"in/{day}.jpg", b"x", modified=day * 86_400)
    source = open_source("oss://uploads/in/")

    assert taken(source, since=2 * 86_400) == ["2.jpg", "3.jpg"]
    assert taken(source, since=2 * 86_400, until=3 * 86_400) == ["2.jpg"]
    (tmp_path / "a.jpg").write_bytes(b"x")
    assert taken(open_source(str(tmp_path)), since=86_400) == ["a.jpg"]
    assert taken(open_source(str(tmp_path)), until=86_400) == []


def test_a_listing_begins_after_a_key(server):
    for number in range(5):
        server.put("uploads", f"in/{number}.jpg", b"x")

    source = open_source("oss://uploads/in/", start_after="in/2.jpg")

    assert [item.relative for item in source.items()] == ["3.jpg", "4.jpg"]


def test_a_huge_object_is_refused_without_a_request(server):
    server.put("uploads", "in/a.jpg", b"x" * 101)
    (item,) = open_source("oss://uploads/in/").items()
    asked = len(server.requests)

    with pytest.raises(LimitExceeded, match="limit of 100 bytes"):
        item.read(max_bytes=100)
    assert len(server.requests) == asked


def test_a_listing_takes_constant_memory(server):
    for number in range(6000):
        server.put("uploads", f"in/{number:05}", b"")

    def peak(start_after):
        tracemalloc.start()
        count = sum(1 for _ in open_source("oss://uploads/in/", start_after=start_after).items())
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return count, most

    peak("in/05998")
    # The stand-in runs in this process: its own copies of the keys are the same for both.
    few, many = peak("in/03999"), peak("")
    assert (few[0], many[0]) == (2000, 6000)
    assert many[1] < 1.5 * few[1]


# Inventories.


def an_inventory(server, rows, *, columns="Bucket, Key, Size, LastModifiedDate, ETag", **changes):
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    server.put("lists", "inv/data/1.csv.gz", gzip.compress(text.getvalue().encode()))
    manifest = {
        "sourceBucket": "uploads",
        "destinationBucket": "lists",
        "fileFormat": "CSV",
        "fileSchema": columns,
        "files": [{"key": "inv/data/1.csv.gz", "size": 1, "MD5checksum": ""}],
        **changes,
    }
    server.put("lists", "inv/2026/manifest.json", json.dumps(manifest).encode())
    return open_source("oss://lists/inv/2026/manifest.json")


def test_an_inventory_is_a_source(server):
    server.put("uploads", "in/图 a.jpg", b"bytes")
    rows = [
        ["uploads", "in/%E5%9B%BE%20a.jpg", "5", "2026-01-31T12-00-00Z", "ABC"],
        ["uploads", "in/", "0", "2026-01-31T12-00-00Z", "ABC"],
    ]

    source = an_inventory(server, rows)
    (item,) = source.items()

    assert (item.name, item.relative) == ("oss://uploads/in/图 a.jpg", "in/图 a.jpg")
    assert item.modified == NOW.timestamp()
    assert item.read(max_bytes=10).data == b"bytes"
    assert oss_folders(source) == [OssPlace("uploads", "")]


def test_old_versions_in_an_inventory_are_left_out(server):
    rows = [["uploads", "a", "true", "false"], ["uploads", "b", "false", "false"],
            ["uploads", "c", "true", "true"]]  # fmt: skip

    source = an_inventory(server, rows, columns="Bucket, Key, IsLatest, IsDeleteMarker")

    assert [item.relative for item in source.items()] == ["a"]


def test_what_is_no_inventory_is_one_failure(server):
    for source in (
        an_inventory(server, [], fileFormat="ORC"),
        an_inventory(server, [], files=[{"key": "inv/2026/manifest.json"}]),
    ):
        (broken,) = source.items()
        with pytest.raises(StorageError, match=r"not the manifest|no CSV packed"):
            broken.read(max_bytes=1)


# Limits on image/codes.


def test_calls_are_spread():
    waits = []
    gate = ImmGate(per_second=4, sleep=waits.append, clock=lambda: 100.0)

    for _ in range(4):
        gate.enter()

    assert waits == [0.25, 0.5, 0.75]


def test_calls_have_an_end():
    gate = ImmGate(max_calls=2)
    gate.enter()
    gate.enter()

    with pytest.raises(StorageError, match="asked 2 times, as often as allowed"):
        gate.enter()
    assert gate.is_used_up


def test_imm_is_given_up_after_failures_in_a_row():
    gate = ImmGate(max_failures=3)
    for error in (Unavailable("x"), Unavailable("x"), None, Unavailable("x"), StorageError("y")):
        gate.enter()
        gate.tell(error)
    assert not gate.is_broken

    for _ in range(3):
        gate.enter()
        gate.tell(Unavailable("x"))
    with pytest.raises(StorageError, match="not asked any more"):
        gate.enter()


def test_imm_that_was_down_is_tried_once_a_minute_and_asked_again_when_it_answers():
    now = [0.0]
    gate = ImmGate(max_failures=2, rest_s=60, clock=lambda: now[0])
    for _ in range(2):
        gate.enter()
        gate.tell(Unavailable("x"))

    now[0] = 59
    with pytest.raises(NotAsked) as refusal:
        gate.enter()
    gate.tell(refusal.value)
    assert gate.is_broken

    now[0] = 60
    gate.enter()
    with pytest.raises(NotAsked):
        gate.enter()  # of another picture: one is trial enough
    gate.tell(Unavailable("x"))
    with pytest.raises(NotAsked):
        gate.enter()

    now[0] = 120
    gate.enter()
    gate.tell(None)
    assert not gate.is_broken
    gate.enter()


def test_only_answers_cost():
    gate = ImmGate()
    for error in (None, None, Unavailable("x")):
        gate.enter()
        gate.tell(error)

    assert gate.calls == 3
    assert gate.cost(10) == 0.02


# Time and credentials.


def test_a_body_that_drips_ends_with_the_time_for_the_picture(client, server, place):
    server.put("uploads", place.key, b"x" * 1000)
    server.drip(0.02, times=None)

    with deadline(0.3), pytest.raises(StorageError):
        client.read(place, max_bytes=1000)


def test_waiting_ends_with_the_time_for_the_picture(server, place):
    server.fail(None)
    client = OssClient(retry=Retry(attempts=50, rand=lambda: 1))

    with deadline(0.3), pytest.raises(Unavailable, match="the time for this picture is up"):
        client.read(place, max_bytes=1000)


class Expiring:
    """Gives one token until it is asked to renew, then the next."""

    def __init__(self, server):
        self._server, self._token, self.renewed = server, "first", 0

    def get_credentials(self):
        """Give the token of now."""
        from oss2.credentials import Credentials

        return Credentials(self._server.access_key_id, self._server.access_key_secret, self._token)

    def renew(self):
        """Take the next token."""
        self._token = "second"
        self.renewed += 1


def test_who_gives_credentials_is_asked_again_when_they_expire(server, place):
    server.put("uploads", place.key, b"bytes")
    server.security_token = "first"
    provider = Expiring(server)
    client = OssClient(credentials=provider)
    assert client.read(place, max_bytes=10).data == b"bytes"

    server.expire_token("second")

    assert client.read(place, max_bytes=10).data == b"bytes"
    assert provider.renewed == 1


def test_credentials_of_alibaba_cloud_are_taken_where_there_are_no_others(
    server, place, monkeypatch
):
    server.put("uploads", place.key, b"bytes")
    server.security_token = "token"
    for name, value in server.env().items():
        if name.startswith(("OSS_ACCESS", "OSS_SESSION")):
            monkeypatch.delenv(name, raising=False)
            alibaba = name.replace("OSS_", "ALIBABA_CLOUD_").replace("SESSION", "SECURITY")
            monkeypatch.setenv(alibaba, value)

    assert OssClient().read(place, max_bytes=10).data == b"bytes"


def test_a_role_of_the_machine_gives_credentials(server, place, monkeypatch):
    server.put("uploads", place.key, b"bytes")
    role = {
        "Code": "Success",
        "AccessKeyId": server.access_key_id,
        "AccessKeySecret": server.access_key_secret,
        "SecurityToken": "token",
        "Expiration": "2099-01-01T00:00:00Z",
        "LastUpdated": "2026-01-01T00:00:00Z",
    }
    # Any server that strangers may read will do for the metadata of the machine.
    server.put("metadata", "roles/uploader", json.dumps(role).encode(), acl="public-read")
    server.security_token = "token"
    monkeypatch.delenv("OSS_ACCESS_KEY_ID")
    monkeypatch.setenv("ALIBABA_CLOUD_ECS_METADATA", "uploader")

    credentials = EnvironmentCredentials(f"{server.endpoint}/metadata/roles/")

    assert OssClient(credentials=credentials).read(place, max_bytes=10).data == b"bytes"


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (OssSettings("oss-cn-a-internal.aliyuncs.com"), "https://b.oss-cn-a.aliyuncs.com/k%20"),
        (OssSettings("https://img.example.com", "cn-a", is_custom_domain=True),
         "https://img.example.com/k%20"),
        (OssSettings("http://127.0.0.1:80", "cn-a"), "http://127.0.0.1:80/b/k%20"),
    ],
)  # fmt: skip
def test_addresses_are_those_that_caches_know(settings, url):
    assert settings.resolve().url(OssPlace("b", "k ")) == url
