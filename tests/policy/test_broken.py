"""Twelve policies that people really write wrongly, and what they read then, word for word.

Each folder of `broken/` holds a `policy.yaml`, what else it needs, and `expected.txt`: what
`redactor policy check --strict policy.yaml` prints.
"""

from pathlib import Path

import pytest

CASES = sorted(path.parent for path in Path(__file__).parent.glob("broken/*/policy.yaml"))


def test_there_are_twelve():
    assert len(CASES) >= 12


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_policy_is_explained_word_for_word(case, run_check):
    ended = run_check(case)

    assert ended.code == 3
    assert ended.out == (case / "expected.txt").read_text("utf-8")
