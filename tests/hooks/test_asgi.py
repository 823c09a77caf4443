"""The service over real HTTP, with the stand-in's own upload callbacks."""

import base64
import json
import socket
import threading
import time
from contextlib import contextmanager

import pytest
import requests
import uvicorn

from redactor import Redactor
from redactor.hooks.asgi import make_app
from redactor.hooks.callback import CallbackVerifier
from redactor.hooks.metrics import Metrics
from redactor.hooks.objects import ObjectHook
from redactor.hooks.queue import UploadQueue
from redactor.hooks.seal import Seals
from redactor.hooks.service import Service
from redactor.model import Limits
from redactor.storage.oss import OssClient
from redactor.storage.oss_place import OssPlace
from redactor.testing.callbacks import KEY_URL, sign_callback
from redactor.workers import Workers

LINK = "https://example.org/secret?token=4711"


@contextmanager
def served(service):
    """Serve over HTTP on a free port; gives the address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(make_app(service), log_config=None, access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def a_service(policy):
    def build(*, limits=Limits(max_bytes=400_000), **changes):  # noqa: B008 - frozen
        workers = Workers(Redactor(policy, limits=limits), count=1, wait_s=1)
        return served(Service(workers, **changes))

    return build


@pytest.fixture
def with_uploads(oss, policy, tmp_path):
    """A service that takes uploads; gives its address and its queue."""
    workers = Workers(Redactor(policy), count=1)
    metrics = Metrics()
    hook = ObjectHook(
        OssClient(),
        workers,
        (OssPlace.parse("oss://uploads/in/"),),
        OssPlace.parse("oss://shop/public/"),
        Seals(b"the key of this deployment", policy.hash),
        told=metrics.upload,
    )
    verifier = CallbackVerifier(lambda _: oss.callback_public_key)
    queue = UploadQueue(tmp_path / "uploads.db")
    with served(Service(workers, metrics, hook, queue, verifier, token="secret")) as url:
        yield url


def until(condition):
    for _ in range(200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to that within 10 s")


def test_a_picture_comes_back_with_its_verdict(a_service, a_picture, read_codes):
    picture = a_picture(LINK, format="JPEG")
    with a_service() as url:
        answer = requests.post(f"{url}/redact", picture, timeout=20)

    assert answer.status_code == 200
    assert read_codes(answer.content) == []
    assert answer.headers["Content-Type"] == "image/jpeg"
    said = {k: v for k, v in answer.headers.items() if k.lower().startswith("redactor-")}
    assert said.pop("redactor-policy")
    assert said == {
        "redactor-verdict": "redacted",
        "redactor-changed": "true",
        "redactor-codes": "1",
    }


def test_who_asks_for_json_gets_the_codes_without_their_content(a_service, a_picture, read_codes):
    with a_service() as url:
        answer = requests.post(
            f"{url}/redact",
            a_picture(LINK),
            headers={"Accept": "application/json"},
            timeout=20,
        )

    told = answer.json()
    assert told["verdict"] == "redacted"
    assert told["codes"][0]["content"] == "https://example.org"
    assert read_codes(base64.b64decode(told["image"])) == []
    assert "4711" not in answer.text


def test_what_must_not_be_published_is_answered_without_a_picture(a_service, a_picture, caplog):
    cut = a_picture(LINK, format="JPEG")[:2_000]
    with a_service() as url:
        corrupt = requests.post(f"{url}/redact", cut, timeout=20)
        large = requests.post(f"{url}/redact", bytes(400_001), timeout=20)
        chunked = requests.post(f"{url}/redact", iter([bytes(300_000)] * 2), timeout=20)
        form = requests.post(f"{url}/redact", files={"file": b"x"}, timeout=20)
        counted = requests.get(f"{url}/metrics", timeout=20).text

    assert (corrupt.status_code, corrupt.json()["verdict"]) == (422, "quarantined")
    assert "image" not in corrupt.json()
    assert [large.status_code, chunked.status_code, form.status_code] == [413, 413, 415]
    assert 'redactor_pictures_total{verdict="quarantined"} 1.0' in counted
    assert 'redactor_refused_total{status="413"} 2.0' in counted


def test_a_picture_that_finds_no_room_gets_503_and_when_to_come_again(a_service, a_picture):
    slow = a_picture(*[f"{LINK}{n}" for n in range(60)], format="JPEG", scale=8)
    with a_service(limits=Limits(), max_in_hand=1) as url:
        requests.post(f"{url}/redact", a_picture(), timeout=20)
        first = threading.Thread(target=requests.post, args=(f"{url}/redact", slow))
        first.start()
        time.sleep(0.3)
        answer = requests.post(f"{url}/redact", a_picture(), timeout=20)
        first.join()
        after = requests.post(f"{url}/redact", a_picture(), timeout=20)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert after.status_code == 200


def test_a_body_that_drips_is_given_up(a_service):
    with a_service(body_s=0.3) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as slow:
            slow.sendall(b"POST /redact HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx")
            assert slow.recv(100).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "é"}])
def test_without_the_token_nothing_is_told_but_that_the_service_runs(a_service, header):
    with a_service(token="secret") as url:
        sent = {name: value.encode() for name, value in header.items()}
        refused = [
            requests.post(f"{url}/redact", b"x", headers=sent, timeout=20),
            requests.post(f"{url}/events", b"{}", headers=sent, timeout=20),
            requests.get(f"{url}/metrics", headers=sent, timeout=20),
        ]
        health = requests.get(f"{url}/healthz", timeout=20)
        let_in = requests.get(
            f"{url}/metrics", headers={"Authorization": "Bearer secret"}, timeout=20
        )

    assert [answer.status_code for answer in refused] == [401, 401, 401]
    assert health.json()["status"] == "ok"
    assert let_in.status_code == 200


def test_no_log_line_holds_what_a_code_says(a_service, a_picture, caplog):
    caplog.set_level("DEBUG")
    with a_service() as url:
        requests.post(f"{url}/redact?{LINK[:4]}", a_picture(LINK), timeout=20)

    assert "redacted, codes: 1" in caplog.text
    assert "4711" not in caplog.text


def test_a_callback_posted_by_the_stand_in_is_queued_and_worked_off(
    with_uploads, oss, a_picture, read_codes
):
    wanted = {
        "callbackUrl": f"{with_uploads}/callback/oss",
        "callbackBody": "bucket=${bucket}&object=${object}&etag=${etag}",
    }
    header = {"x-oss-callback": base64.b64encode(json.dumps(wanted).encode()).decode()}
    place = OssPlace.parse("oss://uploads/in/a b.jpg")

    OssClient().put_once(place, a_picture(LINK, format="JPEG"), header)

    until(lambda: oss.keys("shop") == ["public/a b.jpg"])
    assert read_codes(oss.get("shop", "public/a b.jpg")) == []


def callback(url, body, *, signature=None, key_url=KEY_URL):
    headers = {
        "Authorization": signature or sign_callback(f"{url}/callback/oss", body),
        "x-oss-pub-key-url": base64.b64encode(key_url.encode()).decode(),
    }
    return requests.post(f"{url}/callback/oss", body, headers=headers, timeout=20)


def test_a_replayed_callback_is_queued_once(with_uploads):
    body = b"bucket=uploads&object=in/a.jpg&etag=AB"

    answers = [callback(with_uploads, body) for _ in range(3)]

    assert [answer.json()["queued"] for answer in answers] == [1, 0, 0]
    assert all(answer.headers["Content-Length"] for answer in answers)


def test_a_callback_that_oss_did_not_send_is_refused(with_uploads):
    body = b"bucket=uploads&object=in/a.jpg&etag=AB"
    wrong = callback(with_uploads, body, signature=sign_callback(with_uploads, b"another"))
    forged = callback(with_uploads, body, key_url="http://gosspublic.alicdn.com.evil.com/k.pem")

    assert (wrong.status_code, forged.status_code) == (403, 403)


def test_a_callback_about_another_bucket_is_not_queued(with_uploads):
    assert callback(with_uploads, b"bucket=other&object=in/a.jpg").json()["queued"] == 0


def test_events_are_queued_for_what_is_watched_alone(with_uploads, oss, a_picture):
    oss.put("uploads", "in/a.jpg", a_picture(format="JPEG"))

    def event(bucket, key):
        return {
            "eventName": "ObjectCreated:PutObject",
            "oss": {"bucket": {"name": bucket}, "object": {"key": key, "eTag": "AB"}},
        }

    events = [event("uploads", "in/a.jpg"), event("uploads", "private/b.jpg"), event("x", "in/c")]
    bearer = {"Authorization": "Bearer secret"}
    answer = requests.post(
        f"{with_uploads}/events", json={"events": events}, headers=bearer, timeout=20
    )
    nonsense = requests.post(f"{with_uploads}/events", b"{", headers=bearer, timeout=20)

    assert answer.json()["queued"] == 1
    assert nonsense.status_code == 400

    def counted():
        return requests.get(f"{with_uploads}/metrics", headers=bearer, timeout=20).text

    until(lambda: 'redactor_uploads_total{status="written"} 1.0' in counted())
    assert oss.keys("shop") == ["public/a.jpg"]


def test_what_fails_for_a_while_waits_in_the_queue(with_uploads, oss, a_picture):
    oss.put("uploads", "in/a.jpg", a_picture(format="JPEG"))
    oss.fail(times=None, status=403, code="AccessDenied", when=lambda r: r.method == "PUT")
    callback(with_uploads, b"bucket=uploads&object=in/a.jpg&etag=AB")
    bearer = {"Authorization": "Bearer secret"}

    def counted():
        return requests.get(f"{with_uploads}/metrics", headers=bearer, timeout=20).text

    until(lambda: 'redactor_uploads_total{status="delayed"} 1.0' in counted())
    assert "redactor_queued_uploads 1.0" in counted()


def test_a_service_without_places_takes_no_uploads(a_service):
    with a_service() as url:
        assert callback(url, b"bucket=uploads&object=in/a.jpg").status_code == 404
