"""Decide what becomes of codes, by a written policy.

>>> policy = Policy.load("policies/default.yaml")
>>> decisions = policy.decide_all(detections, facts)

What the file can say is in `schema.py`; a mistake in it is a `PolicyError`, with all others.
"""

from redactor.policy.payload import Payload, payloads
from redactor.policy.policy import Policy

__all__ = ["Payload", "Policy", "payloads"]
