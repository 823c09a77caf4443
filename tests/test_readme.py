"""What the README shows, works: its console lines and its Python are run as they stand."""

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from redactor.policy import Policy
from redactor.testing import OssServer

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def clone(tmp_path):
    """A folder that looks like a clone, for commands to leave their traces in."""
    for name in ("samples", "policies"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.fixture
def with_files(clone):
    """A clone in which the reader has saved what the README shows; line 1 says as what."""
    for block in blocks("yaml"):
        (clone / block.splitlines()[0].removeprefix("# ")).write_text(block, encoding="utf-8")
    return clone


def run(line: str, folder: Path, environment: dict[str, str] | None = None) -> str:
    command, _, remark = line.removeprefix("$ ").partition("#")
    expected = int(match[1]) if (match := re.search(r"exits with (\d+)", remark)) else 0
    words = [
        str(path.relative_to(folder)) if path else word
        for word in shlex.split(command)
        for path in (sorted(folder.glob(word)) if "*" in word else [None])
    ]
    program = ["cp"] if words[0] == "cp" else [sys.executable, "-m", "redactor"]
    program += words[1:]
    done = subprocess.run(
        program,
        cwd=folder,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expected, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("block", blocks("console"))
def test_the_console_lines_work_one_after_the_other(block, with_files):
    for line in block.splitlines():
        run(line, with_files)


def test_the_explanation_is_the_one_that_is_printed(with_files):
    (line,) = [line for line in README.splitlines() if line.startswith("$ redactor policy explain")]

    assert [run(line, with_files)] == blocks("text")


def test_the_lines_about_oss_work_on_the_stand_in(clone):
    with OssServer(buckets=["uploads", "published", "restricted"]) as server:
        picture = (ROOT / "samples" / "receipt" / "picture.jpg").read_bytes()
        server.put("uploads", "in/receipt.jpg", picture)
        for line in "".join(blocks("console oss")).splitlines():
            run(line, clone, server.env())

        assert server.keys("published") == ["pictures/receipt.jpg"]
        assert server.get("uploads", "in/receipt.jpg") == picture
        (original,) = server.keys("restricted")
        assert original.startswith("originals/in/receipt.jpg/")


@pytest.mark.parametrize("block", blocks("python"))
def test_the_python_works(block, clone, monkeypatch):
    monkeypatch.chdir(clone)

    exec(compile(block, "README.md", "exec"), {})


def test_the_policy_is_valid():
    policy, tests = blocks("yaml")

    assert Policy.parse(policy).name == "shop"
    assert tests.startswith("# shop.test.yaml\n")


def test_the_test_command_is_what_ci_calls():
    assert "`make test`" in README
    assert "make test" in (ROOT / ".ci" / "run").read_text("utf-8")


def serve_and(line: str, folder: Path, environment: dict[str, str], then: Callable[[str], None]):
    """Run a line that serves, on a free port, and do something with its address."""
    words = shlex.split(line.removeprefix("$ redactor "))
    server = subprocess.Popen(
        [sys.executable, "-m", "redactor", *words, "--port", "0", "--workers", "1"],
        cwd=folder,
        env=os.environ | environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        then(re.search(r"http://\S+", server.stderr.readline())[0])
    finally:
        server.terminate()
        server.communicate()


def test_the_service_answers_the_request_that_is_shown(clone):
    (block,) = blocks("console serve")
    serving, asking = block.splitlines()
    (clone / "photo.jpg").write_bytes((ROOT / "samples/receipt/picture.jpg").read_bytes())
    curl, fail, _, picture, url, _, output = shlex.split(asking.removeprefix("$ "))
    assert (curl, fail) == ("curl", "--fail")

    def post(address):
        sent = (clone / picture.removeprefix("@")).read_bytes()
        path = url.removeprefix("http://127.0.0.1:8080")
        answer = requests.post(f"{address}{path}", sent, timeout=60)
        assert answer.headers["Redactor-Verdict"] == "redacted"
        (clone / output).write_bytes(answer.content)

    serve_and(serving, clone, {}, post)
    run(f"$ redactor verify {output}", clone)


def test_the_lines_about_hooks_work_on_the_stand_in(clone):
    (block,) = blocks("console hooks")
    serving, sweep = block.splitlines()
    with OssServer(buckets=["uploads", "shop"]) as server:
        picture = (ROOT / "samples/receipt/picture.jpg").read_bytes()
        server.put("uploads", "in/told.jpg", picture)
        server.put("uploads", "in/missed.jpg", picture)
        event = {
            "eventName": "ObjectCreated:PutObject",
            "oss": {"bucket": {"name": "uploads"}, "object": {"key": "in/told.jpg"}},
        }

        def tell(address):
            requests.post(f"{address}/events", json=event, timeout=60)
            for _ in range(200):
                if server.keys("shop"):
                    break
                time.sleep(0.05)

        serve_and(serving, clone, server.env(), tell)
        assert server.keys("shop") == ["public/told.jpg"]
        run(sweep, clone, server.env() | {"XDG_STATE_HOME": str(clone / "state")})
        assert server.keys("shop") == ["public/missed.jpg", "public/told.jpg"]
