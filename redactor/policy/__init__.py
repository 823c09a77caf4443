"""Decide what becomes of codes, by a written policy.

>>> policy = Policy.load("policies/default.yaml")
>>> decisions = policy.decide_all(detections, facts)

What the file can say is in `schema.py`; a mistake in it is a `PolicyError`, with all others.
"""

from redactor.policy.explain import Explanation, Step, explain, explain_picture
from redactor.policy.lint import warnings
from redactor.policy.payload import Payload, payloads
from redactor.policy.policy import Policy
from redactor.policy.replay import (
    Difference,
    RecordedCode,
    RecordedPicture,
    compare,
    decide_recorded,
    profile,
)
from redactor.policy.suite import Suite, json_schema, verdict_of

__all__ = [
    "Difference",
    "Explanation",
    "Payload",
    "Policy",
    "RecordedCode",
    "RecordedPicture",
    "Step",
    "Suite",
    "compare",
    "decide_recorded",
    "explain",
    "explain_picture",
    "json_schema",
    "payloads",
    "profile",
    "verdict_of",
    "warnings",
]
