"""Why a policy decides as it does: which rule matched, and what kept each earlier one from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from redactor.model import Decision, Detection, Facts, PictureDecision
from redactor.policy.condition import Condition
from redactor.policy.policy import Policy
from redactor.policy.rules import PictureRule, Rule
from redactor.policy.subject import Code, Picture, readings_of, today

_SETTLED = "a code that was read, of a known symbology, on whose content engines agree"


@dataclass(frozen=True, slots=True)
class Step:
    """What one rule had to say.

    Attributes:
        rule: Its id.
        matched: Whether it matched.
        condition: The condition that failed first, by its key; None where the rule matched.
        found: What was there, as a clause; empty where the rule matched.
        asks: What the rule asks for, in words; empty where the rule matched.
        file: Where the rule stands.
        line: From 1.
    """

    rule: str
    matched: bool
    condition: str | None
    found: str
    asks: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a code is decided about as it is.

    Attributes:
        decision: What becomes of the code; overlaps with others are not part of it.
        steps: Each rule up to the one that decided, in order.
    """

    decision: Decision
    steps: tuple[Step, ...]


def explain(policy: Policy, detection: Detection, facts: Facts) -> Explanation:
    """Say why a code is decided about as it is."""
    readings = readings_of(detection, facts, facts.day or today())
    steps: list[Step] = []
    for rule in policy.rules:
        steps.append(_step(policy, rule, readings))
        if steps[-1].matched:
            break
    return Explanation(policy.decide(detection, facts), tuple(steps))


def explain_picture(
    policy: Policy, detections: Iterable[Detection], facts: Facts
) -> tuple[tuple[PictureDecision, ...], tuple[Step, ...]]:
    """Say what the rules for whole pictures say of one, and why each of them does or does not."""
    codes = tuple(detections)
    day = facts.day or today()
    readings = tuple(code for seen in codes for code in readings_of(seen, facts, day))
    picture = Picture(facts, readings, day)
    steps = tuple(_picture_step(policy, rule, picture) for rule in policy.pictures)
    return policy.decide_picture(codes, facts), steps


def _step(policy: Policy, rule: Rule, readings: Sequence[Code]) -> Step:
    if any(rule.matches(code) for code in readings):
        return _made(policy, rule.id, None)
    code = readings[0]
    if code.day > rule.expires:
        return _made(policy, rule.id, _expired(rule.expires))
    if rule.only_settled and not code.is_settled:
        return _made(policy, rule.id, ("allow", _unsettled(code), _SETTLED))
    return _made(policy, rule.id, _failed(rule.conditions, code))


def _picture_step(policy: Policy, rule: PictureRule, picture: Picture) -> Step:
    if rule.matches(picture):
        return _made(policy, rule.id, None)
    if picture.day > rule.expires:
        return _made(policy, rule.id, _expired(rule.expires))
    return _made(policy, rule.id, _failed(rule.conditions, picture))


_Why = tuple[str, str, str]


def _failed(conditions: Sequence[Condition], subject: Code | Picture) -> _Why:
    failed = next(condition for condition in conditions if not condition.holds(subject))
    return failed.key, failed.found(subject), failed.asks


def _expired(expires: date) -> _Why:
    return "expires", f"it expired on {expires}", "a day until then"


def _unsettled(code: Code) -> str:
    if not code.is_read:
        return "it could not be read"
    if code.is_disputed:
        return "engines disagree"
    return f"the symbology is {code.detection.symbology}"


def _made(policy: Policy, rule: str, why: _Why | None) -> Step:
    written = policy.source.written[rule]
    condition, found, asks = why or (None, "", "")
    return Step(rule, why is None, condition, found, asks, written.file, written.line)
