"""Counts over many pictures, kept while a run goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from redactor.model import Action, Verdict
from redactor.report.rows import Row
from redactor.report.words import goes_with


@dataclass(slots=True)
class Tally:
    """What a run did, in numbers. Grows with `add`.

    Attributes:
        pictures: Pictures seen.
        codes: Codes seen.
        unread: Codes seen that no engine read.
        held: Pictures held back because they are flagged.
        errors: Pictures around which something went wrong.
        dry_run: Whether any row comes from a run that wrote nothing.
        verdicts: Pictures by verdict.
        actions: Codes by action; of pictures that were written, or would be.
        removed: Codes that went with the thumbnail or preview that held them, likewise.
        rules: Codes by the rule that decided.
        symbologies: Codes by symbology.
        kinds: Codes by what their content is for; a content may be for several things.
        sites: Codes by the registrable domain that they lead to.
        checked: Pictures that were looked at again after something was hidden in them.
        escalated: Those in which more had to be hidden then.
        seconds: Time by stage.
    """

    pictures: int = 0
    codes: int = 0
    unread: int = 0
    held: int = 0
    errors: int = 0
    dry_run: bool = False
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    actions: Counter[Action] = field(default_factory=Counter)
    removed: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    symbologies: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    sites: Counter[str] = field(default_factory=Counter)
    checked: int = 0
    escalated: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Tally:
        """Count rows."""
        tally = cls()
        for entry in rows:
            tally.add(entry)
        return tally

    def add(self, entry: Row) -> None:
        """Count one more picture."""
        verdict = Verdict(entry["verdict"])
        self.pictures += 1
        self.verdicts[verdict] += 1
        self.held += entry["held"]
        self.errors += entry["error"] is not None
        self.dry_run |= entry["dry_run"]
        self.checked += bool(entry["checks"])
        self.escalated += any(check["remedy"] for check in entry["checks"])
        for code in entry["codes"]:
            self.codes += 1
            self.unread += not code["read"]
            self.rules[code["rule"]] += 1
            self.symbologies[code["symbology"]] += 1
            self.kinds.update(code["kinds"] or ())
            if code["site"]:
                self.sites[code["site"]] += 1
            if verdict is Verdict.QUARANTINED or entry["held"]:
                continue
            if goes_with(entry, code):
                self.removed += 1
            else:
                self.actions[Action(code["action"])] += 1
        for stage, spent in entry["seconds"].items():
            self.seconds[stage] = self.seconds.get(stage, 0) + (spent or 0)
