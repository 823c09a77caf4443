"""What an earlier run let stay, read back from its results."""

from __future__ import annotations

from pathlib import Path

from redactor.batch import Outcome
from redactor.cli.exits import Refusal
from redactor.errors import RedactorError
from redactor.geometry import Quad
from redactor.model import Action, Decision, Detection
from redactor.report import read_rows
from redactor.report.rows import CodeRow

_SLACK_PX = 2  # rows hold corners to a tenth; engines wander a little more


class Allowed:
    """The codes that are no findings.

    By the hash of the picture they are in and not by its place: one that has changed since, or
    lies where another lay, has not been looked at by that run.

    Args:
        path: Of a results file; None for none.
        has_policy: Whether what the decision on a code allows is no finding, too.

    Raises:
        click.UsageError: If the results cannot be read, or are none.
    """

    def __init__(self, path: str | None, *, has_policy: bool) -> None:
        self._has_policy = has_policy
        self._by_hash = _by_hash(path) if path is not None else {}

    def findings(self, outcome: Outcome) -> Outcome:
        """Give an outcome with those codes alone that can be read and should not be there."""
        stays = self._by_hash.get(outcome.result.source_hash, ())
        return outcome.with_codes(
            [code for code in outcome.result.codes if self._is_finding(code, stays)]
        )

    def _is_finding(self, decision: Decision, stays: list[CodeRow] | tuple[()]) -> bool:
        if not decision.detection.is_read or (self._has_policy and not decision.action.hides):
            return False
        return not any(_is_same(code, decision.detection) for code in stays)


def _by_hash(path: str) -> dict[str, list[CodeRow]]:
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as lines:
            rows = list(read_rows(lines, name=path))
    except OSError as error:
        raise Refusal(f"{path}: cannot be read: {error.strerror}") from error
    except RedactorError as error:
        raise Refusal(str(error)) from error
    return {
        entry["output_hash"]: [code for code in entry["codes"] if code["action"] == Action.ALLOW]
        for entry in rows
        if entry["output_hash"] and not entry["held"]
    }


def _is_same(code: CodeRow, seen: Detection) -> bool:
    """Say whether what is read is the code of a row, by all that the row tells."""
    return (
        code["frame"] == seen.frame
        and code["length"] == len(seen.content or "")
        and (code["content_as"] != "full" or code["content"] == seen.content)
        and Quad.of(code["quad"]).grow(_SLACK_PX).contains(seen.quad.center)
    )
