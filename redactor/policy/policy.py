"""A policy that can decide."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from redactor.model import Decision, Detection, Facts, Flag
from redactor.policy.conditions import Code
from redactor.policy.load import compile_text, read_text
from redactor.policy.overlap import hide_overlapping
from redactor.policy.rules import Effect, Rule, first_match

_NO_FACTS = Facts(size=(0, 0))


@dataclass(frozen=True)
class Policy:
    """Decides what becomes of codes. Immutable; make it once with `load` or `parse`.

    Two policies are equal when they decide alike, whatever their names and comments.

    Attributes:
        name: For reports.
        description: For people; empty where the file has none.
        rules: The first that matches decides.
        default: For codes that no rule matches.
        on_error: Flag for pictures that could not be handled; None adds none.
        hold: Whether flagged pictures are held back instead of written.
        hash: First 12 hex digits of the SHA-256 over all that bears on a decision.
    """

    name: str = field(compare=False)
    description: str = field(compare=False, repr=False)
    rules: tuple[Rule, ...] = field(repr=False)
    default: Effect
    on_error: Flag | None
    hold: bool
    hash: str
    _text: str = field(compare=False, repr=False)

    @classmethod
    def load(cls, path: str | Path) -> Policy:
        """Read a policy file.

        Raises:
            PolicyError: With every mistake in it, each with file, line and column.
        """
        return cls.parse(read_text(Path(path)), file=str(path))

    @classmethod
    def parse(cls, text: str, *, file: str = "policy") -> Policy:
        """Read the text of a policy.

        Args:
            text: YAML.
            file: Its name, for messages; the policy's name where the text gives none.

        Raises:
            PolicyError: With every mistake in it.
        """
        made = compile_text(text, file=file)
        return cls(
            name=made.name or Path(file).stem,
            description=made.description,
            rules=made.rules,
            default=made.default,
            on_error=made.on_error,
            hold=made.hold,
            hash=_hash(made.rules, made.default, made.on_error, hold=made.hold),
            _text=text,
        )

    def decide(self, detection: Detection, facts: Facts = _NO_FACTS) -> Decision:
        """Decide about one code by itself.

        Args:
            detection: The code.
            facts: Of its picture; without them no condition on the share of the picture holds.
        """
        rule = first_match(self.rules, Code(detection, facts))
        if rule is None:
            return self.default.on(detection, rule="default")
        return rule.effect.on(detection, rule=rule.id)

    def decide_all(
        self, detections: Iterable[Detection], facts: Facts = _NO_FACTS
    ) -> tuple[Decision, ...]:
        """Decide about the codes of one picture; where codes overlap, hiding beats allowing."""
        return hide_overlapping([self.decide(detection, facts) for detection in detections])

    def __reduce__(self) -> tuple[object, ...]:
        # Compiled conditions do not travel between processes; the text does.
        return _again, (self._text, self.name)


def _again(text: str, name: str) -> Policy:
    return Policy.parse(text, file=name)


def _hash(rules: Iterable[Rule], default: Effect, on_error: Flag | None, *, hold: bool) -> str:
    meaning = {
        "version": 1,
        "rules": [
            {
                "id": rule.id,
                "when": {condition.key: condition.wanted for condition in rule.conditions},
                "effect": asdict(rule.effect),
                "only_settled": rule.only_settled,
            }
            for rule in rules
        ],
        "default": asdict(default),
        "on_error": on_error,
        "hold": hold,
    }
    canonical = json.dumps(meaning, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]
