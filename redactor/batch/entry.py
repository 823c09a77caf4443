"""What is recorded of a picture: its row, and what tells whether it must be done again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from redactor.batch.recorded import decided
from redactor.batch.run import MOVED_TO, Outcome
from redactor.model import Decision, Facts, Verdict
from redactor.policy import Policy, explain, profile
from redactor.report.pictures import Pictures
from redactor.report.rows import EarlierRow, Row, row
from redactor.report.text import Content
from redactor.storage.local import LocalItem
from redactor.storage.oss_place import SCHEME

_EXPLAINED = 40  # codes of a picture; more are not listed in a report either


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of a run, as the ledger keeps it and reports take it.

    Attributes:
        row: All that is told of it, contents of codes whole.
        relative: Its place below the source.
        number: Its place in the listing, from 0.
        state: What the store said of it before it was read; None where it says nothing.
        after: What the store says of what was written: of a file its state, and of an object that
            was replaced in place the ETag, where that is its MD5; None otherwise.
        decided: What the policy said of it that bears on what becomes of it.
        refresh: URL that caches should fetch again; None where nothing was replaced.
        before: The bytes that came in; None where they are not kept.
        image: The bytes to store, likewise.
        pictures: Both small, for a report; None where they were not made.
        is_recalled: Whether it was done by an earlier run.
    """

    row: Row
    relative: str
    number: int = 0
    state: str | None = None
    after: str | None = None
    decided: str = ""
    refresh: str | None = None
    before: bytes | None = None
    image: bytes | None = None
    pictures: Pictures | None = None
    is_recalled: bool = False

    @property
    def has_failed(self) -> bool:
        """Whether the picture was quarantined, or could not be read or written."""
        return self.row["error"] is not None or self.row["verdict"] == Verdict.QUARANTINED

    @property
    def reason(self) -> str:
        """Why it has failed, in words, and where it was moved to."""
        moved = [remark for remark in self.row["remarks"] if remark.startswith(MOVED_TO)]
        return self.row["error"] or "; ".join([*self.row["reasons"], *moved])

    @property
    def is_moved(self) -> bool:
        """Whether it was moved to quarantine, and does not lie any more where it lay."""
        return any(remark.startswith(MOVED_TO) for remark in self.row["remarks"])


def entry_of(
    outcome: Outcome,
    policy: Policy,
    *,
    keeps_pictures: bool = False,
    explains: bool = False,
) -> Entry:
    """Put down what happened to one picture.

    Args:
        outcome: What happened.
        policy: What decided.
        keeps_pictures: Keep the bytes before and after, for a report.
        explains: Say of each code which rule before the one that decided did not match.
    """
    result = outcome.result
    image = result.image if result.is_publishable else None
    told = row(
        result,
        written=outcome.written,
        error=outcome.error,
        content=Content.FULL,
        profile=profile,
        exact=True,
    )
    if explains and result.facts is not None:
        for code, decision in zip(told["codes"][:_EXPLAINED], result.codes, strict=False):
            code["earlier"] = _earlier(policy, decision, result.facts)
    return Entry(
        told,
        outcome.relative,
        outcome.number,
        outcome.state,
        _after(outcome, image),
        decided(policy, result.codes, result.picture_rules),
        outcome.refresh,
        outcome.before if keeps_pictures else None,
        image if keeps_pictures else None,
    )


def _earlier(policy: Policy, decision: Decision, facts: Facts) -> EarlierRow | None:
    """Give the last rule that was asked and did not match; without what the code says."""
    steps = [step for step in explain(policy, decision.detection, facts).steps if not step.matched]
    return EarlierRow(rule=steps[-1].rule, asks=steps[-1].asks) if steps else None


def _after(outcome: Outcome, image: bytes | None) -> str | None:
    if outcome.written is None or image is None:
        return None
    if not outcome.written.startswith(SCHEME):
        return LocalItem(outcome.written, outcome.relative).state
    if outcome.refresh is None:
        return None
    # What OSS gives as the ETag of an object that was put in one piece.
    return hashlib.md5(image, usedforsecurity=False).hexdigest().upper()
