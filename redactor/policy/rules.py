"""Rules and their effects, compiled: immutable and ready to decide."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from redactor.model import Action, Decision, Detection, Flag, PictureDecision, Style
from redactor.policy.condition import ALWAYS, Condition
from redactor.policy.subject import Code, Picture


@dataclass(frozen=True, slots=True)
class Effect:
    """What becomes of a code.

    Attributes:
        action: What is drawn.
        flag: The level, where a person should look.
        reason: For the report.
        style: How the action is drawn.
        tags: For the report.
    """

    action: Action
    flag: Flag | None = None
    reason: str | None = None
    style: Style = field(default_factory=Style)
    tags: tuple[str, ...] = ()

    def on(self, detection: Detection, *, rule: str) -> Decision:
        """Give the decision that a rule with this effect makes."""
        return Decision(detection, self.action, rule, self.reason, self.flag, self.style, self.tags)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule.

    Attributes:
        id: Unique in its policy.
        conditions: All must hold; at least one.
        effect: What becomes of the code.
        only_settled: Whether it passes over codes that are unread, disputed or of unknown
            symbology. So it is for `action: allow`; `action: flag` says with open eyes that
            such codes may stay, and a person looks.
        expires: The last day on which it matches.
    """

    id: str
    conditions: tuple[Condition, ...]
    effect: Effect
    only_settled: bool = False
    expires: date = ALWAYS

    def matches(self, code: Code) -> bool:
        """Whether it decides about a code, if no earlier rule does."""
        if self.only_settled and not code.is_settled:
            return False
        if code.day > self.expires:
            return False
        # A plain loop: many rules are asked about every code, and a generator costs twice as much.
        for condition in self.conditions:  # noqa: SIM110
            if not condition.holds(code):
                return False
        return True

    def judge(self, code: Code) -> bool | None:
        """Like `matches`; None where it depends on what was not recorded of the code."""
        if (self.only_settled and not code.is_settled) or code.day > self.expires:
            return False
        return _judged(self.conditions, code)

    def decide(self, detection: Detection) -> Decision:
        """Give the decision on a code that it matches."""
        return self.effect.on(detection, rule=self.id)


@dataclass(frozen=True, slots=True)
class PictureRule:
    """A rule for whole pictures.

    Attributes:
        conditions: All must hold; at least one.
        decision: What it says of a picture.
        expires: The last day on which it matches.
    """

    conditions: tuple[Condition, ...]
    decision: PictureDecision
    expires: date = ALWAYS

    @property
    def id(self) -> str:
        """Unique in its policy, among the rules for codes too."""
        return self.decision.rule

    def matches(self, picture: Picture) -> bool:
        """Whether it says something of a picture."""
        return picture.day <= self.expires and all(c.holds(picture) for c in self.conditions)

    def judge(self, picture: Picture) -> bool | None:
        """Like `matches`; None where it depends on what was not recorded of the codes."""
        return False if picture.day > self.expires else _judged(self.conditions, picture)


def _judged(conditions: Sequence[Condition], subject: Code | Picture) -> bool | None:
    answers = {condition.judge(subject) for condition in conditions}
    return False if False in answers else (None if None in answers else True)
