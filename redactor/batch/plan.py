"""A plan: what a dry run decided, for people to approve, and then to be done exactly.

A file of JSON lines, one per picture: the row of the dry run with exact corners, and what a person
may write into it: `approved`, `by` and `reason` of a picture, `approved`, `action`, `by` and
`reason` of a code. Everything else is a fact about the picture; `digest` tells when one of them
was edited. No content of a code is needed: the bytes are known by their hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

from pydantic import TypeAdapter, ValidationError

from redactor.batch.entry import Entry
from redactor.errors import RedactorError
from redactor.geometry import Quad
from redactor.model import (
    Action,
    Decision,
    Detection,
    Flag,
    Metadata,
    Style,
    Symbology,
    Trailer,
    Verdict,
)
from redactor.report.rows import CodeRow, Row, reduce
from redactor.report.text import Content

VERSION = 1
MOST_MISTAKES = 20
"""Named of one plan."""

MOST_BLOCKS = 256
"""Of a mosaic; policies allow no more."""

_EDITABLE = ("approved", "by", "reason")
_EDITABLE_OF_CODES = (*_EDITABLE, "action")


class PlanCode(CodeRow):
    """A code, what was planned for it, and what a person says.

    Attributes:
        id: From 1, in the order of the picture.
        planned: The action of the policy.
        style: How that is drawn; None where nothing is.
        approved: None for as the picture is.
        by: Who approved or changed it.
    """

    id: int
    planned: str
    style: dict[str, Any] | None
    approved: bool | None
    by: str | None


class PlanRow(Row):
    """A picture and what is planned for it; its `codes` are of `PlanCode`.

    Attributes:
        plan: Version of this form.
        relative: Its place below the source.
        terms: The policy's `hold`, `metadata`, `trailer` and `on_error`.
        approved: Whether it is to be done; None where nobody has said.
        by: Who said so.
        reason: Why.
        digest: Of everything that nobody may edit.
    """

    plan: int
    relative: str
    terms: list[Any]
    approved: bool | None
    by: str | None
    reason: str | None
    digest: str


# Not strict about 10 where 10.0 was: see `_plain`.
_CODES = TypeAdapter(list[PlanCode])
_ROW = TypeAdapter(PlanRow)
_STYLE = TypeAdapter(Style)


class PlanError(RedactorError):
    """A plan cannot be followed; names every mistake as `plan.jsonl:LINE: …`."""


class _NoLineError(PlanError):
    """A line is none of a plan: where it is the first, the file is none."""


def plan_row(entry: Entry, content: Content) -> PlanRow:
    """Give the line of a plan for a picture of a dry run.

    Args:
        entry: What the dry run says.
        content: How much of the content of codes the plan tells.
    """
    told = json.loads(entry.decided)
    codes = [
        {**code, "id": number, "planned": code["action"], "style": said[2], "approved": None}
        | {"by": None}
        for number, (code, said) in enumerate(
            zip(reduce(entry.row, content, exact=True)["codes"], told["codes"], strict=True), 1
        )
    ]
    row: dict[str, Any] = {
        **entry.row,
        "codes": codes,
        "plan": VERSION,
        "relative": entry.relative,
        "terms": told["policy"],
        "approved": None,
        "by": None,
        "reason": None,
    }
    return cast(PlanRow, {**row, "digest": _digest(row)})


@dataclass(frozen=True)
class Planned:
    """What a plan says of one picture.

    Attributes:
        row: The line.
        decisions: On every code, as planned or as a person changed them.
        is_approved: Whether it is to be done.
    """

    row: PlanRow
    decisions: tuple[Decision, ...]
    is_approved: bool

    @property
    def changes(self) -> bool:
        """Whether something is hidden in it."""
        return any(decision.action.hides for decision in self.decisions)

    @property
    def flag(self) -> Flag | None:
        """The level, where a person should look."""
        return None if self.row["flag"] is None else Flag(self.row["flag"])


@dataclass
class Plan:
    """A whole plan.

    Attributes:
        pictures: By name, in order.
        terms: What the policy says besides, the same for all.
    """

    pictures: dict[str, Planned] = field(default_factory=dict)
    terms: tuple[Any, ...] = ()
    _places: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, lines: Iterable[str], *, name: str, also: Sequence[Verdict] = ()) -> Plan:
        """Read and check a plan whole, before anything is done.

        Args:
            lines: Of the file.
            name: Of the file, for messages.
            also: Verdicts of pictures that count as approved where nobody has said otherwise.

        Raises:
            PlanError: With every mistake in it, up to `MOST_MISTAKES`.
        """
        plan = cls()
        mistakes: list[str] = []
        is_plan = False
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                plan._add(_checked(line.removeprefix("\ufeff")), also)
            except _NoLineError as error:
                if not is_plan:
                    raise PlanError(f"{name}:{number}: {error}\nNothing was done.") from None
                mistakes.append(f"{name}:{number}: {error}")
            except PlanError as error:
                mistakes += [f"{name}:{number}: {text}" for text in str(error).split("\n")]
            is_plan = True
        if mistakes:
            more = len(mistakes) - MOST_MISTAKES
            shown = mistakes[:MOST_MISTAKES] + ([f"and {more:,} more"] if more > 0 else [])
            raise PlanError("\n".join([*shown, "Nothing was done."]))
        return plan

    def _add(self, row: PlanRow, also: Sequence[Verdict]) -> None:
        if row["name"] in self.pictures:
            raise PlanError(f"{row['name']}: planned twice")
        if (first := self._places.setdefault(row["relative"], row["name"])) != row["name"]:
            raise PlanError(
                f"{row['name']}: would be written where {first} is; apply each plan by itself"
            )
        if self.pictures and self.terms != tuple(row["terms"]):
            raise PlanError("decided under other terms than the first; apply each plan by itself")
        self.terms = tuple(row["terms"])
        codes = cast(list[PlanCode], row["codes"])
        picture = row["approved"]
        if picture is None and Verdict(row["verdict"]) in also:
            picture = True
        said = [picture if code["approved"] is None else code["approved"] for code in codes]
        is_approved = picture is not False and all(said) and (bool(said) or picture is True)
        decisions = tuple(_decision(code, row) for code in codes)
        self.pictures[row["name"]] = Planned(row, decisions, is_approved)

    @property
    def changes(self) -> int:
        """How many approved pictures something is hidden in."""
        return sum(one.is_approved and one.changes for one in self.pictures.values())


def _checked(line: str) -> PlanRow:
    try:
        value = json.loads(line, object_pairs_hook=_once, parse_constant=_refuse)
    except PlanError:
        raise
    except (ValueError, RecursionError):
        raise _NoLineError("not a whole line of JSON; it was cut or edited") from None
    if not isinstance(value, dict) or "plan" not in value:
        raise _NoLineError("no line of a plan; give the file that `redactor plan` wrote")
    if value["plan"] != VERSION or isinstance(value["plan"], bool):
        raise PlanError(
            f"version {value['plan']!r} of a plan is not known; this redactor reads {VERSION}"
        )
    try:
        row = _ROW.validate_python(value, strict=True)
        row["codes"] = cast(Any, _CODES.validate_python(value["codes"], strict=True))
    except ValidationError as error:
        raise PlanError("\n".join(map(_in_words, error.errors()))) from None
    try:
        mistakes = list(_mistakes(row))
    except RecursionError:
        raise PlanError("nested too deep; it was edited") from None
    if mistakes:
        raise PlanError("\n".join(mistakes))
    return row


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise PlanError("a key stands there twice")
    return found


def _refuse(constant: str) -> NoReturn:
    raise PlanError(f"{constant} is no number")


def _in_words(error: Any) -> str:  # noqa: ANN401 - pydantic's own
    place = ".".join(str(part) for part in error["loc"])
    return f"{place}: {error['msg'][:1].lower()}{error['msg'][1:]}"


def _mistakes(row: PlanRow) -> Iterator[str]:
    codes = cast(list[PlanCode], row["codes"])
    if row["digest"] != _digest(cast(dict[str, Any], row)):
        yield (
            "edited where nobody may: only approved, by and reason, and the action of a code,"
            " are for people; plan again"
        )
    for code in codes:
        where = f"code {code['id']}"
        if code["action"] not in list(Action):
            yield f"{where}: unknown action {code['action']!r}; choose {', '.join(Action)}"
        elif code["action"] != code["planned"] and not (code["by"] and code["reason"]):
            yield (
                f"{where}: {code['action']} instead of {code['planned']} needs `by` and `reason`:"
                " who changed it, and why"
            )
    if row["verdict"] not in list(Verdict):
        yield f"unknown verdict {row['verdict']!r}"
    if row["flag"] not in (None, *Flag):
        yield f"unknown flag {row['flag']!r}"
    try:
        _, metadata, trailer, on_error = row["terms"]
        Metadata(metadata), Trailer(trailer), Flag(on_error or Flag.INFO)
    except ValueError as error:
        yield f"terms: {error}"


def _digest(row: dict[str, Any]) -> str:
    """Put down everything that nobody may edit."""
    codes = [
        {key: value for key, value in code.items() if key not in _EDITABLE_OF_CODES}
        for code in row["codes"]
    ]
    left_out = (*_EDITABLE, "digest", "codes")
    facts = {key: value for key, value in row.items() if key not in left_out}
    text = json.dumps(_plain({**facts, "codes": codes}), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def is_as_planned(row: dict[str, Any]) -> bool:
    """Whether nothing was edited in a line of a plan but what people may edit."""
    return bool(row.get("digest") == _digest(row))


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Give whole numbers as such: a browser that saves a plan makes 10 of 10.0."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _is_inside(quad: Quad, sizes: Sequence[Sequence[int]], frame: int) -> bool:
    """Whether a quad lies in a frame that there is; what touches the edge may lie across it."""
    if not 0 <= frame < len(sizes):
        return False
    width, height = sizes[frame]
    return all(
        -width <= x <= 2 * width and -height <= y <= 2 * height for x, y in quad.corners
    )  # false for NaN, too


def _decision(code: PlanCode, row: PlanRow) -> Decision:
    name = row["name"]
    try:
        quad = Quad.of([(x, y) for x, y in code["quad"]])
        if not _is_inside(quad, row["frame_sizes"], code["frame"]):
            raise ValueError("it lies outside of the picture")
        symbology = Symbology(code["symbology"])
        flag = None if code["flag"] is None else Flag(code["flag"])
        style = _STYLE.validate_python(code["style"] or {})
        if not 1 <= style.blocks <= MOST_BLOCKS or not set(style.color or ()) <= set(range(256)):
            raise ValueError("its style cannot be drawn")
    except ValidationError as error:
        raise PlanError(f"{name}: code {code['id']}: {_in_words(error.errors()[0])}") from None
    except (ValueError, TypeError) as error:
        raise PlanError(f"{name}: code {code['id']}: {error}") from None
    whole = code["content"] if code["content_as"] == "full" else None
    detection = Detection(
        quad, symbology, whole, code["confidence"] or 0.0, tuple(code["sources"]),
        () if whole is None else (whole,), code["frame"], reason=code["doubt"],
    )  # fmt: skip
    return Decision(
        detection,
        Action(code["action"]),
        code["rule"],
        code["reason"],
        flag,
        style,
        tuple(code["tags"]),
    )
