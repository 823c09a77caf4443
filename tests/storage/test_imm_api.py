"""DetectImageCodes asked of IMM itself, through Alibaba's SDK, for buckets without a binding."""

import json
import sys

import pytest

from redactor.errors import AccessRefused, BackendMissing, Changed, StorageError, Unavailable
from redactor.storage.imm_gate import ImmGate
from redactor.storage.oss import OssClient
from redactor.storage.oss_place import OssPlace, OssSettings
from redactor.storage.retry import Retry, deadline
from redactor.testing import OssServer
from redactor.testing.messages import Answer

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

LINK = "https://example.org/secret?token=4711"


@pytest.fixture
def server(monkeypatch):
    with OssServer(buckets=["uploads"], imm_project="moderation") as server:
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def stored(server, place, a_picture):
    """Store a picture with a code; give its ETag."""
    server.put("uploads", place.key, a_picture(LINK))
    return server.stored("uploads", place.key).etag


def to_imm(request):
    return "x-acs-action" in request.headers


def asked(server):
    """Give what reached IMM itself."""
    return [request for request in server.requests if to_imm(request)]


def contents(answer):
    return [code["Content"] for code in json.loads(answer.body)["Codes"]]


def test_the_project_is_asked_about_the_object(client, server, place, stored):
    answer = client.ask_image_codes(place)

    assert contents(answer) == [LINK]
    assert answer.etag == stored
    assert [dict(request.query) for request in asked(server)] == [
        {"ProjectName": "moderation", "SourceURI": "oss://uploads/in/a.jpg"}
    ]
    assert not any(request.process for request in server.requests)


def test_the_binding_is_used_where_no_project_is_named(server, place, stored, monkeypatch):
    monkeypatch.delenv("IMM_PROJECT")

    OssClient().ask_image_codes(place)

    assert asked(server) == []


@pytest.mark.parametrize("key", ["a b.png", "a+b%.png", "%41.png", "图/片.png", "a?b#c&d=e.png"])
def test_unusual_keys_are_asked_about(client, server, a_picture, key):
    server.put("uploads", key, a_picture(LINK))

    assert contents(client.ask_image_codes(OssPlace("uploads", key))) == [LINK]


def test_what_changed_while_it_was_looked_at_is_no_answer(client, server, place, stored, a_picture):
    later = a_picture()

    def replaced(request):
        if to_imm(request):
            server.put("uploads", place.key, later)
        return False

    server.fail(when=replaced)

    with pytest.raises(Changed, match="changed while IMM looked"):
        client.ask_image_codes(place)


@pytest.mark.parametrize(
    ("status", "code"),
    [(503, "ServiceUnavailable"), (400, "Throttling.User"), (500, "InternalError"), (429, "x")],
)
def test_what_may_pass_is_tried_again(client, server, place, stored, waits, status, code):
    server.fail(2, status=status, code=code, when=to_imm)

    assert contents(client.ask_image_codes(place)) == [LINK]
    assert len(asked(server)) == 3
    assert len(waits) == 2


@pytest.mark.parametrize("fault", ["reset", "cut"])
def test_a_broken_connection_is_tried_again(client, server, place, stored, fault):
    {"reset": server.reset, "cut": lambda when: server.cut(5, when=when)}[fault](when=to_imm)

    assert contents(client.ask_image_codes(place)) == [LINK]


def test_every_attempt_passes_the_gate_and_only_answers_cost(client, server, place, stored):
    gate = ImmGate()
    server.fail(1, when=to_imm)

    client.ask_image_codes(place, gate=gate)

    assert (gate.calls, gate.answers) == (2, 1)


def test_imm_that_stays_down_breaks_the_circuit(client, server, place, stored):
    gate = ImmGate(max_failures=2)
    server.fail(None, when=to_imm)

    for _ in range(2):
        with pytest.raises(Unavailable, match="tried 3 times"):
            client.ask_image_codes(place, gate=gate)
    with pytest.raises(StorageError, match="not asked any more"):
        client.ask_image_codes(place, gate=gate)


def test_oss_that_is_down_is_no_failure_of_imm(client, server, place, stored):
    gate = ImmGate(max_failures=1)
    server.fail(3, when=lambda request: request.method == "HEAD")

    with pytest.raises(Unavailable):
        client.ask_image_codes(place, gate=gate)

    assert not gate.is_broken


def test_the_time_for_a_picture_holds_here_too(server, place, stored):
    server.delay(5, None, when=to_imm)
    client = OssClient(retry=Retry(rand=lambda: 0.1))

    with deadline(0.5), pytest.raises(Unavailable):
        client.ask_image_codes(place)


def test_another_project_is_named_with_the_way_out(server, place, stored):
    client = OssClient(OssSettings(imm_project="other"))

    with pytest.raises(StorageError, match=r"oss://uploads/in/a.jpg: ResourceNotFound .*Project"):
        client.ask_image_codes(place)


def test_a_missing_permission_is_named(client, server, place, stored):
    server.deny("imm:DetectImageCodes", "")

    with pytest.raises(AccessRefused, match="imm:DetectImageCodes"):
        client.ask_image_codes(place)


def test_a_clock_that_is_off_is_named(client, server, place, stored):
    server.fail(1, status=400, code="InvalidTimeStamp.Expired", when=to_imm)

    with pytest.raises(BackendMissing, match="clock"):
        client.ask_image_codes(place)


def test_a_token_that_expires_is_fetched_anew(place, a_picture, monkeypatch):
    with OssServer(buckets=["uploads"], imm_project="p", security_token="one") as server:
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        server.put("uploads", place.key, a_picture(LINK))
        client = OssClient()

        def expires(request):
            if to_imm(request) and server.security_token == "one":
                server.expire_token("two")
                monkeypatch.setenv("OSS_SESSION_TOKEN", "two")
            return False

        server.fail(when=expires)

        assert contents(client.ask_image_codes(place)) == [LINK]
        assert len(asked(server)) == 2


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b"<html>", b'{"RequestId": "A", "Codes": [1]}', b'"text"']
)
def test_an_answer_that_is_none_is_never_taken_for_no_codes(client, place, stored, server, body):
    real = server._http.answer
    server._http.answer = lambda request: (
        Answer(200, {}, body) if to_imm(request) else real(request)
    )

    with pytest.raises(StorageError, match="not one of IMM"):
        client.ask_image_codes(place)


def test_nothing_secret_is_said(client, server, place, stored):
    server.access_key_secret = "another"

    with pytest.raises(BackendMissing) as failure:
        client.ask_image_codes(place)

    assert "stand-in-secret" not in str(failure.value)


def test_a_missing_package_is_named_before_anything_is_sent(server, monkeypatch):
    monkeypatch.setitem(sys.modules, "alibabacloud_imm20200930", None)
    monkeypatch.delitem(sys.modules, "alibabacloud_imm20200930.client", raising=False)
    monkeypatch.delitem(sys.modules, "redactor.storage.imm_api", raising=False)

    with pytest.raises(BackendMissing, match=r"redactor\[imm\]"):
        OssClient()

    assert server.requests == []
