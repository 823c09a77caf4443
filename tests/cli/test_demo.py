"""`redactor demo`: the whole loop in one command."""

import json
import os

import pytest

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


def test_the_demo_shows_the_whole_loop(redactor, tmp_path, monkeypatch, tree, read_codes):
    monkeypatch.chdir(tmp_path)
    # Whatever leads to a real OSS is forgotten for so long, and is there again afterwards.
    monkeypatch.setenv("OSS_ENDPOINT", "https://oss-cn-hangzhou.aliyuncs.com")
    monkeypatch.setenv("OSS_SESSION_TOKEN", "of somebody")

    ended = redactor("demo")

    shown = tmp_path / "redactor-demo"
    before, after = tree(shown / "uploads"), tree(shown / "redacted")
    told = [json.loads(line) for line in (shown / "results.jsonl").read_text().splitlines()]
    assert ended.code == 0, ended.err
    assert len(before) >= 14
    assert after == before
    assert len(told) == len(before)
    assert "Nothing can be read" in ended.out
    assert ended.lines[-1] == "Now open redactor-demo/report.html"
    assert "</html>" in (shown / "report.html").read_text()
    assert os.environ["OSS_ENDPOINT"] == "https://oss-cn-hangzhou.aliyuncs.com"
    assert os.environ["OSS_SESSION_TOKEN"] == "of somebody"
    assert "OSS_ACCESS_KEY_SECRET" not in os.environ
