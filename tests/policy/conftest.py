"""Builders of codes and policies; each hides what does not matter to a test."""

import io
import sys
from typing import NamedTuple

import pytest

from redactor.cli import main
from redactor.geometry import Quad
from redactor.model import Detection, Symbology
from redactor.policy import Policy


def make_code(content="https://example.com/", symbology="qrcode", *, at=(10, 10), side=100, **rest):
    given = {
        "quad": Quad.from_box(*at, side, side),
        "confidence": 1.0,
        "sources": ("zxing",),
        "readings": () if content is None else (content,),
    }
    return Detection(symbology=Symbology(symbology), content=content, **(given | rest))


def make_policy(*rules, default="{action: fill}", lists="{}", top=""):
    numbered = [
        f"  - {rule if 'id:' in rule else rule.replace('{', f'{{id: rule-{number}, ', 1)}"
        for number, rule in enumerate(rules, 1)
    ]
    head = ["version: 1", f"lists: {lists}", f"default: {default}", top]
    return Policy.parse("\n".join([*head, "rules:" if rules else "", *numbered]))


@pytest.fixture(scope="session")
def a_code():
    """Make a square code, read by one engine unless its content is None."""
    return make_code


@pytest.fixture(scope="session")
def a_policy():
    """Make a policy of rules in one line each; those without an id are numbered."""
    return make_policy


class Checked(NamedTuple):
    """How `redactor policy check` ended."""

    code: int
    out: str


@pytest.fixture
def run_check(monkeypatch):
    """Run `redactor policy check --strict policy.yaml` in a folder, as the shell would."""

    def run(folder):
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["redactor", "policy", "check", "--strict", "policy.yaml"])
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        with pytest.raises(SystemExit) as end:
            main()
        assert "Traceback" not in err.getvalue()
        return Checked(end.value.code, out.getvalue())

    return run
