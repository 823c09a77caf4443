"""Builders of codes and policies; each hides what does not matter to a test."""

import pytest

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
