"""Recorded rows, decided about again: what a policy would say without the pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from redactor.geometry import Quad
from redactor.model import Decision, Detection, Facts, Origin, PictureDecision, Symbology, Verdict
from redactor.policy import (
    Policy,
    RecordedCode,
    RecordedPicture,
    compare,
    decide_recorded,
    verdict_of,
)
from redactor.policy.replay import Change
from redactor.report.rows import CodeRow, RegionRow, Row


def recorded_picture(entry: Row) -> RecordedPicture:
    """Give what a row tells of a picture, for a policy to decide about.

    Raises:
        KeyError, ValueError, TypeError: If the row is damaged.
    """
    return RecordedPicture(entry["name"], facts_of(entry), tuple(map(_code, entry["codes"])))


def facts_of(entry: Row, *, day: date | None = None) -> Facts:
    """Give what was known of a picture when its codes were decided about.

    Args:
        entry: Its row.
        day: On which is decided; None for today.
    """
    origin = entry["origin"]
    width, height = entry["size"] or (0, 0)
    sizes = zip(entry["frames"], entry["frame_sizes"], strict=False)
    return Facts(
        (width, height),
        entry["format"] or "",
        codes=len(entry["codes"]),
        orientation=entry["orientation"],
        frames=tuple((name, across, down) for name, (across, down) in sizes),
        origin=Origin(**origin) if origin else Origin.of(entry["name"]),
        limit_reached=entry["limit_reached"],
        day=day,
    )


def decided(policy: Policy, decisions: Sequence[Decision], whole: Sequence[PictureDecision]) -> str:
    """Put down all of what a policy says of a picture that bears on what becomes of it.

    Two policies that give the same for the same codes do the same to the picture.
    """
    said = {
        "codes": [
            [code.action, code.flag, asdict(code.style) if code.action.hides else None]
            for code in decisions
        ],
        "picture": [[rule.flag, rule.quarantine] for rule in whole],
        "policy": [policy.hold, policy.metadata, policy.trailer, policy.on_error],
    }
    return json.dumps(said, separators=(",", ":"))


def replay(entry: Row, policy: Policy) -> tuple[str, Row]:
    """Decide again about a row that tells contents whole.

    Returns:
        What `decided` gives, and the row with rules and reasons of this policy.
    """
    seen = [code.detection for code in recorded_picture(entry).codes]
    facts = facts_of(entry)
    decisions = policy.decide_all(seen, facts)
    whole = policy.decide_picture(seen, facts)
    codes = [
        CodeRow(**{**code, "rule": said.rule, "reason": said.reason, "tags": list(said.tags)})
        for code, said in zip(entry["codes"], decisions, strict=True)
    ]
    rules = [{**asdict(rule), "tags": list(rule.tags)} for rule in whole]
    named = f"{policy.name}@{policy.hash}"
    new = Row(**{**entry, "codes": codes, "picture_rules": rules, "policy": named})  # type: ignore[typeddict-item]
    return decided(policy, decisions, whole), new


def changed_row(entry: Row, old: Policy, new: Policy) -> Row | None:
    """Give a row with those codes alone about which two policies decide differently.

    Each says what the new one would do, and what the old one did; None where nothing changes.
    So does the row of the whole picture: nothing of what the recorded run did is left in it but
    why it could not handle the picture. The regions are those of every code, listed or not:
    whoever shows the picture hides them all.
    """
    picture = recorded_picture(entry)
    found = compare(old, new, [picture], examples=len(picture.codes))
    sides = {id(code): change for change in found.changes for _, code in change.examples}
    decisions, whole = decide_recorded(new, picture)
    codes = [
        _changed(row, change, decision.tags)
        for row, code, decision in zip(entry["codes"], picture.codes, decisions, strict=True)
        if (change := sides.get(id(code))) is not None
    ]
    if not codes and not found.picture_changes:
        return None
    has_failed = entry["verdict"] == Verdict.QUARANTINED and not any(
        rule["quarantine"] for rule in entry["picture_rules"]
    )
    said = [*(one.flag for one in decisions), *(one.flag for one in whole)]
    levels = [level for level in said if level is not None]
    flag = new.on_error if has_failed else max(levels, key=lambda one: one.rank, default=None)
    regions = [
        *entry["regions"],
        *(
            RegionRow(quad=code["quad"], action=code["action"], frame=code["frame"])
            for code in entry["codes"]
        ),
    ]
    says: dict[str, Any] = {
        "verdict": (Verdict.QUARANTINED if has_failed else verdict_of(decisions, whole)).value,
        "flag": flag and flag.value,
        "reasons": entry["reasons"] if has_failed else [],
        "picture_rules": [{**asdict(rule), "tags": list(rule.tags)} for rule in whole],
        "codes": codes,
        "regions": regions,
        "dry_run": True,
    }
    return Row(**{**entry, **_UNDONE, **says})  # type: ignore[typeddict-item]


# What a run did, and a policy does not say.
_UNDONE: dict[str, Any] = {
    "remarks": [], "held": False, "output_hash": None, "output_bytes": None, "path": None,
    "difference": None, "written": None, "error": None, "checks": [],
}  # fmt: skip


def _changed(row: CodeRow, change: Change, tags: Sequence[str]) -> CodeRow:
    now, before = change.new, change.old
    said = {
        "action": now.action.value,
        "rule": now.rule,
        "flag": now.flag and now.flag.value,
        "reason": f"{before.action} by rule {before.rule} before",
        "tags": list(tags),
        "earlier": None,
    }
    return CodeRow(**{**row, **said})  # type: ignore[typeddict-item]


def _code(row: CodeRow) -> RecordedCode:
    is_whole = row["content_as"] == "full"
    confidence = row["confidence"]
    detection = Detection(
        Quad.of(row["quad"]),
        Symbology(row["symbology"]),
        row["content"] if is_whole else None,
        0.0 if confidence is None else confidence,
        tuple(row["sources"]),
        tuple(str(text) for text in row["readings"])
        or ((row["content"],) if is_whole and row["content"] is not None else ()),
        row["frame"],
        reason=row["doubt"],
    )
    origin = row["content"] if row["content_as"] == "host" and row["plain"] else None
    kinds = None if row["kinds"] is None else tuple(row["kinds"])
    return RecordedCode(detection, row["read"] and not is_whole, kinds, row["length"], origin)
