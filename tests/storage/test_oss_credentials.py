"""Alibaba's default chain, which comes last.

In a process of its own, because it reads the environment once, when it is loaded.
"""

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from redactor.testing import OssServer

# Reads an object once for each line that it is sent.
READ = """
import sys
from redactor.storage.oss import OssClient
from redactor.storage.oss_place import OssPlace
from redactor.errors import RedactorError
place = OssPlace("uploads", "a.txt")
try:
    client = OssClient()
    for line in sys.stdin:
        print(client.read(place, max_bytes=99).data.decode(), flush=True)
except RedactorError as error:
    print(type(error).__name__, error, flush=True)
"""
ELSEWHERE = ("OSS_", "ALIBABA_", "IMM_")


@pytest.fixture
def oss():
    with OssServer(buckets=["uploads"], security_token="first") as server:
        server.put("uploads", "a.txt", b"bytes")
        yield server


@contextmanager
def reading(oss, **environment):
    """Run the script; gives what reads once more and gives the line that it says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ELSEWHERE)}
    kept = {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}
    alone = {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true", "HOME": "/nonexistent"}
    places = {"OSS_ENDPOINT": oss.endpoint, "OSS_REGION": oss.region}
    with subprocess.Popen(
        [sys.executable, "-c", READ],
        env={**kept, **alone, **places, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def once():
            process.stdin.write("again\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        yield once
        process.stdin.close()


@contextmanager
def vending(tell):
    """Serve credentials as `ALIBABA_CLOUD_CREDENTIALS_URI` expects them."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(tell()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/credentials"
        server.shutdown()


def vended(oss):
    return {
        "Code": "Success",
        "AccessKeyId": oss.access_key_id,
        "AccessKeySecret": oss.access_key_secret,
        "SecurityToken": oss.security_token,
        "Expiration": "2099-01-01T00:00:00Z",
    }


def test_a_profile_of_the_command_line_gives_credentials(oss, tmp_path):
    profile = {
        "name": "default",
        "mode": "StsToken",
        "access_key_id": oss.access_key_id,
        "access_key_secret": oss.access_key_secret,
        "sts_token": oss.security_token,
    }
    folder = tmp_path / ".aliyun"
    folder.mkdir()
    told = json.dumps({"current": "default", "profiles": [profile]})
    (folder / "config.json").write_text(told)

    with reading(oss, HOME=str(tmp_path)) as read:
        assert read() == "bytes"


def test_credentials_that_expire_before_their_time_are_fetched_again(oss):
    asked = []

    def tell():
        asked.append(oss.security_token)
        return vended(oss)

    with vending(tell) as uri, reading(oss, ALIBABA_CLOUD_CREDENTIALS_URI=uri) as read:
        assert [read(), read()] == ["bytes", "bytes"]
        oss.expire_token("second")
        assert read() == "bytes"

    assert asked == ["first", "second"]


def test_what_the_environment_says_comes_first(oss):
    own = {
        "OSS_ACCESS_KEY_ID": oss.access_key_id,
        "OSS_ACCESS_KEY_SECRET": oss.access_key_secret,
        "OSS_SESSION_TOKEN": oss.security_token,
    }

    with reading(oss, ALIBABA_CLOUD_CREDENTIALS_URI="http://127.0.0.1:1/", **own) as read:
        assert read() == "bytes"


def test_a_role_of_a_pod_that_cannot_be_taken_says_why(oss, tmp_path):
    role = {
        "ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/pod",
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:ram::1:oidc-provider/ack",
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(tmp_path / "token"),
    }

    with reading(oss, **role) as read:
        said = read()

    assert said.startswith("BackendMissing OSS: no credentials; set OSS_ACCESS_KEY_ID")
    assert "OIDCRoleArnCredentialsProvider" in said
    assert str(tmp_path / "token") in said


def test_an_answer_that_is_not_whole_is_not_repeated(oss):
    told = {name: text for name, text in vended(oss).items() if name != "Expiration"}

    with (
        vending(lambda: told) as uri,
        reading(oss, ALIBABA_CLOUD_CREDENTIALS_URI=uri) as read,
    ):
        said = read()

    assert f"URLCredentialsProvider: error retrieving credentials from {uri}" in said
    assert oss.access_key_secret not in said
