"""Rules and their effects, compiled: immutable and ready to decide."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from redactor.model import Action, Decision, Detection, Flag, Style
from redactor.policy.conditions import Code, Condition


@dataclass(frozen=True, slots=True)
class Effect:
    """What becomes of a code.

    Attributes:
        action: What is drawn.
        flag: The level, where a person should look.
        reason: For the report.
        style: How the action is drawn.
    """

    action: Action
    flag: Flag | None = None
    reason: str | None = None
    style: Style = field(default_factory=Style)

    def on(self, detection: Detection, *, rule: str) -> Decision:
        """Give the decision that a rule with this effect makes."""
        return Decision(detection, self.action, rule, self.reason, self.flag, self.style)


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
    """

    id: str
    conditions: tuple[Condition, ...]
    effect: Effect
    only_settled: bool = False

    def matches(self, code: Code) -> bool:
        """Whether it decides about a code, if no earlier rule does."""
        if self.only_settled and not code.is_settled:
            return False
        # A plain loop: many rules are asked about every code, and a generator costs twice as much.
        for condition in self.conditions:  # noqa: SIM110
            if not condition.holds(code):
                return False
        return True


def first_match(rules: Iterable[Rule], code: Code) -> Rule | None:
    """Give the first rule that matches; None where none does."""
    return next((rule for rule in rules if rule.matches(code)), None)
