"""Doing what a plan says, about pictures that are still what they were."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

from redactor.batch.entry import Entry, entry_of
from redactor.batch.plan import Plan, PlanCode, Planned
from redactor.batch.run import Outcome
from redactor.model import AskImageCodes, Origin, Result, Verdict
from redactor.pipeline import Redactor
from redactor.policy import Policy
from redactor.report.rows import CodeRow, Row

NOT_APPROVED = "not approved; held back"
CHANGED = "it has changed since it was planned; plan it again"
DEVIATION = "deviation from the plan"
_OF_THE_PICTURE = (
    "content", "content_as", "length", "read", "disputed", "readings", "kinds", "plain", "site",
)  # fmt: skip


class AppliedRow(Row):
    """What was done of a plan.

    Attributes:
        by: Who approved the picture; None where nobody has said.
        deviation: How it differs from what was approved; None where it does not.
    """

    by: str | None
    deviation: str | None


class PlanFollower(Redactor):
    """Does what a plan says of each picture. Its policy only says what stays around the pixels.

    Args:
        plan: What is to be done.
        thorough: As of `Redactor`; for verification.
    """

    def __init__(self, plan: Plan, *, thorough: bool = False) -> None:
        super().__init__(_policy(plan), thorough=thorough)
        self.plan_file = plan

    def redact(
        self,
        source: bytes | str | Path | BinaryIO,
        *,
        name: str | None = None,
        etag: str | None = None,
        ask: AskImageCodes | None = None,
        origin: Origin | None = None,
    ) -> Result:
        """Do what is planned for a picture; arguments and errors as of `Redactor.redact`."""
        data, name = self._load(source, name)
        planned = self.plan_file.pictures[name]
        row = planned.row
        if row["verdict"] == Verdict.QUARANTINED:
            why = "; ".join(row["reasons"])
            return self.quarantine(name, f"quarantined when it was planned: {why}")
        if hashlib.sha256(data).hexdigest() != row["source_hash"]:
            return self.quarantine(name, CHANGED)
        if not planned.is_approved:
            return _held(name, planned)
        result = self.apply(data, planned.decisions, name=name, flag=planned.flag)
        if told := _deviation(result):
            result = replace(result, remarks=(*result.remarks, f"{DEVIATION}: {told}"))
        return replace(result, policy=row["policy"], detectors=tuple(row["detectors"]))

    def entry(self, outcome: Outcome, *, keeps_pictures: bool = False) -> Entry:
        """Put down what happened, with an `AppliedRow`.

        What codes say is known from the plan alone, and so is the level of what was held.
        """
        entry = entry_of(outcome, self.policy, keeps_pictures=keeps_pictures)
        planned = self.plan_file.pictures.get(outcome.result.name)
        if planned is None:
            return entry
        known = {code["id"]: code for code in cast(list[PlanCode], planned.row["codes"])}
        codes = [
            cast(CodeRow, {**code, **_said(known.get(number))})
            for number, code in enumerate(entry.row["codes"], 1)
        ]
        told = [remark for remark in outcome.result.remarks if remark.startswith(DEVIATION)]
        if outcome.error is not None and outcome.before is not None and planned.is_approved:
            told.append(f"{DEVIATION}: {_deviation(outcome.result) or outcome.error}")
        row = AppliedRow(
            **{
                **entry.row,
                "policy": planned.row["policy"],
                "detectors": planned.row["detectors"],
                "codes": codes,
                "flag": planned.row["flag"] if entry.row["held"] else entry.row["flag"],
                "by": planned.row["by"],
                "deviation": told[0].removeprefix(f"{DEVIATION}: ") if told else None,
            }
        )
        return replace(entry, row=row)


def _deviation(result: Result) -> str | None:
    """Say how what was done differs from what was approved; None where it does not."""
    if result.verdict is Verdict.QUARANTINED:
        return "held back although it was approved"
    remedies = [check.remedy for check in result.checks if check.remedy]
    return f"something could still be read ({', '.join(remedies)})" if remedies else None


def _said(code: Mapping[str, object] | None) -> dict[str, object]:
    return {key: code[key] for key in _OF_THE_PICTURE} if code else {}


def _held(name: str, planned: Planned) -> Result:
    row = planned.row
    reason = f"{NOT_APPROVED}: {row['reason']}" if row["reason"] else NOT_APPROVED
    return Result(
        name,
        Verdict.FLAGGED,
        planned.decisions,
        frames=tuple(row["frames"]),
        # No flag: an object would get it as a tag, and nothing is to be done to it.
        remarks=(reason,),
        held=True,
        format=row["format"],
        size=None if row["size"] is None else (row["size"][0], row["size"][1]),
        orientation=row["orientation"],
        source_hash=row["source_hash"],
        source_bytes=row["source_bytes"],
        policy=row["policy"],
    )


def _policy(plan: Plan) -> Policy:
    """Give a policy that keeps around the pixels what the plan's policy keeps."""
    # Whoever approves a picture has looked at it: it is not held.
    _, metadata, trailer, on_error = plan.terms or (False, "keep-safe", "keep", None)
    flag = f"on_error: {{flag: {on_error}}}\n" if on_error else ""
    return Policy.parse(
        f"version: 1\nname: plan\nmetadata: {metadata}\ntrailer: {trailer}\n{flag}"
        "default: {action: fill}\n",
        file="plan",
    )
