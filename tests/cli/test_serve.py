"""`redactor serve` as a process: it says where it is, and ends in order."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest
import requests


@contextmanager
def serving(*arguments, env=None):
    process = subprocess.Popen(
        [sys.executable, "-m", "redactor", "serve", "--port", "0", "--workers", "1", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
    )
    try:
        said = process.stderr.readline()
        process.url = re.fullmatch(r"Serving on (http://127\.0\.0\.1:\d+)\n", said)[1]
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_it_answers_a_picture_and_ends_with_0_when_told_to(a_picture, read_codes):
    with serving() as process:
        answer = requests.post(f"{process.url}/redact", a_picture("https://a.example"), timeout=60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0

    assert read_codes(answer.content) == []


def test_a_picture_in_hand_is_finished_before_it_ends(a_picture):
    slow = a_picture(*[f"https://a.example/{n}" for n in range(12)], format="JPEG", scale=8)
    answers = []
    with serving() as process:
        requests.post(f"{process.url}/redact", a_picture(), timeout=60)
        post = threading.Thread(
            target=lambda: answers.append(requests.post(f"{process.url}/redact", slow, timeout=60))
        )
        post.start()
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        post.join()
        assert process.wait(20) == 0

    assert answers[0].headers["Redactor-Verdict"] == "redacted"


def test_uploads_are_taken_from_the_command_line(oss_server, tmp_path, a_picture):
    for bucket in ("uploads", "shop"):
        oss_server.create_bucket(bucket)
    oss_server.put("uploads", "in/a.jpg", a_picture("https://a.example", format="JPEG"))
    event = {
        "eventName": "ObjectCreated:PutObject",
        "oss": {"bucket": {"name": "uploads"}, "object": {"key": "in/a.jpg", "eTag": "AB"}},
    }
    places = ("--source", "oss://uploads/in/", "--out", "oss://shop/public/")

    with serving(*places, "--queue", str(tmp_path / "uploads.db")) as process:
        requests.post(f"{process.url}/events", json={"events": [event]}, timeout=60)
        for _ in range(200):
            if oss_server.keys("shop"):
                break
            time.sleep(0.05)

    assert oss_server.keys("shop") == ["public/a.jpg"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--host", "0.0.0.0"), "set REDACTOR_TOKEN"),
        (("--source", "oss://uploads/in/"), "--source, --out and --queue go together"),
        (("--detector", "imm"), "take hybrid"),
        (("--source", "x", "--out", "y", "--queue", "z"), "'x' is no place in OSS"),
    ],
)
def test_wrong_usage_is_named(run_redactor, arguments, said):
    done = run_redactor("serve", *arguments, env={"REDACTOR_TOKEN": ""})

    assert done.returncode == 2
    assert said in " ".join(done.stderr.decode().split())


def test_a_port_that_is_taken_is_named(run_redactor):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_redactor("serve", "--port", port)

    assert done.returncode == 6
    assert f"port {port}: cannot listen there (Address already in use)".encode() in done.stderr


def test_it_does_not_serve_where_strangers_can_read(run_redactor, oss_server, tmp_path):
    oss_server.create_bucket("uploads")
    oss_server.configure("uploads", public_prefixes=["in/"])
    places = ("--source", "oss://uploads/in/", "--out", "oss://shop/public/")

    done = run_redactor("serve", *places, "--queue", tmp_path / "uploads.db", env=oss_server.env())

    assert done.returncode == 6
    assert b"strangers can read" in done.stderr
