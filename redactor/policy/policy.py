"""A policy that can decide."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from redactor.model import (
    Decision,
    Detection,
    Facts,
    Flag,
    Metadata,
    PictureDecision,
    Trailer,
)
from redactor.policy.condition import ALWAYS, Condition
from redactor.policy.index import Index
from redactor.policy.load import Compiled, compile_files
from redactor.policy.overlap import hide_overlapping
from redactor.policy.rules import Effect, PictureRule, Rule
from redactor.policy.subject import Picture, readings_of, today
from redactor.policy.texts import Texts

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
        pictures: Rules for whole pictures; every one that matches counts.
        on_error: Flag for pictures that could not be handled; None adds none.
        hold: Whether flagged pictures are held back instead of written.
        metadata: What stays around the pixels of a picture in which something was hidden.
        trailer: What becomes of bytes behind a picture's end.
        hash: First 12 hex digits of the SHA-256 over all that bears on a decision.
        source: What the files say besides, for `policy check`.
    """

    name: str = field(compare=False)
    description: str = field(compare=False, repr=False)
    rules: tuple[Rule, ...] = field(repr=False)
    default: Effect
    pictures: tuple[PictureRule, ...] = field(repr=False)
    on_error: Flag | None
    hold: bool
    metadata: Metadata
    trailer: Trailer
    hash: str
    source: Compiled = field(compare=False, repr=False)
    _index: Index = field(compare=False, repr=False)
    _texts: Mapping[str, str] = field(compare=False, repr=False)
    _file: str = field(compare=False, repr=False)

    @classmethod
    def load(cls, path: str | Path) -> Policy:
        """Read a policy file, with what it extends and its lists.

        Raises:
            PolicyError: With every mistake in them, each with file, line and column.
        """
        return cls._make(str(path), Texts())

    @classmethod
    def parse(cls, text: str, *, file: str = "policy") -> Policy:
        """Read the text of a policy.

        Args:
            text: YAML.
            file: Its name, for messages; the policy's name where the text gives none. Files
                that it refers to are looked for beside it.

        Raises:
            PolicyError: With every mistake in it.
        """
        return cls._make(file, Texts({file: text}))

    @classmethod
    def _make(cls, file: str, texts: Texts) -> Policy:
        made = compile_files(file, texts)
        return cls(
            name=made.name or Path(file).stem,
            description=made.description,
            rules=made.rules,
            default=made.default,
            pictures=made.pictures,
            on_error=made.on_error,
            hold=made.hold,
            metadata=made.metadata,
            trailer=made.trailer,
            hash=_hash(made),
            source=made,
            _index=Index(made.rules),
            _texts=texts.known,
            _file=file,
        )

    def decide(self, detection: Detection, facts: Facts = _NO_FACTS) -> Decision:
        """Decide about one code by itself.

        Args:
            detection: The code.
            facts: Of its picture; what is not known there, no condition on it holds.
        """
        rule = self._index.first(readings_of(detection, facts, facts.day or today()))
        if rule is None:
            return self.default.on(detection, rule="default")
        return rule.decide(detection)

    def decide_all(
        self, detections: Iterable[Detection], facts: Facts = _NO_FACTS
    ) -> tuple[Decision, ...]:
        """Decide about the codes of one picture; where codes overlap, hiding beats allowing."""
        codes = tuple(detections)
        facts = _completed(facts, len(codes))
        return hide_overlapping([self.decide(code, facts) for code in codes])

    def decide_picture(
        self, detections: Iterable[Detection], facts: Facts = _NO_FACTS
    ) -> tuple[PictureDecision, ...]:
        """Say what the rules for whole pictures say of one, in their order.

        Args:
            detections: Its codes.
            facts: What else is known of it.
        """
        if not self.pictures:
            return ()
        codes = tuple(detections)
        facts = _completed(facts, len(codes))
        day = facts.day or today()
        readings = [code for seen in codes for code in readings_of(seen, facts, day)]
        picture = Picture(facts, tuple(readings), day)
        return tuple(rule.decision for rule in self.pictures if rule.matches(picture))

    def __reduce__(self) -> tuple[object, ...]:
        # Compiled conditions do not travel between processes; the texts do.
        return _again, (dict(self._texts), self._file)


def _again(texts: dict[str, str], file: str) -> Policy:
    return Policy._make(file, Texts(texts))


def _completed(facts: Facts, codes: int) -> Facts:
    """Fill in what is the same for all the codes of a picture."""
    return replace(
        facts,
        codes=codes if facts.codes is None else facts.codes,
        day=facts.day or today(),
    )


def _hash(made: Compiled) -> str:
    meaning = {
        "version": 1,
        "rules": [
            {
                "id": rule.id,
                "when": list(map(_meaning, rule.conditions)),
                "effect": asdict(rule.effect),
                "only_settled": rule.only_settled,
                "expires": None if rule.expires == ALWAYS else str(rule.expires),
            }
            for rule in made.rules
        ],
        "pictures": [
            {
                "when": list(map(_meaning, rule.conditions)),
                "effect": asdict(rule.decision),
                "expires": None if rule.expires == ALWAYS else str(rule.expires),
            }
            for rule in made.pictures
        ],
        "default": asdict(made.default),
        "on_error": made.on_error,
        "hold": made.hold,
        "metadata": made.metadata,
        "trailer": made.trailer,
    }
    canonical = json.dumps(meaning, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _meaning(condition: Condition) -> list[Any]:
    return [condition.key, condition.wanted, list(map(_meaning, condition.parts))]
