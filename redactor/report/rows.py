"""One row per picture: what a results file (JSON lines) holds and every report is made from.

A row holds no more of a code's content than was asked for, so what is made from rows cannot tell
more either. Rows are dicts because they are what JSON gives; they are typed and go no further
than reports. Coordinates are pixels of the stored raster, rounded to a tenth. NaN never occurs.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from redactor.errors import RedactorError
from redactor.geometry import Quad
from redactor.model import (
    Action,
    Check,
    Decision,
    Flag,
    Origin,
    PictureDecision,
    Region,
    Result,
    Symbology,
    Verdict,
)
from redactor.report.text import RUN_KEY, Content, Disclosed, disclose

SCHEMA_VERSION = 1

Profile = Callable[[str], tuple[list[str], bool, str | None]]
"""Says of a content what it is for, whether it is one web address that all read alike, and its
registrable domain then."""

_CONFIG = ConfigDict(strict=True, allow_inf_nan=False, extra="allow")


@with_config(_CONFIG)
class EarlierRow(TypedDict):
    """The rule before the one that decided: what it asks for, and the code does not give."""

    rule: str
    asks: str


@with_config(_CONFIG)
class CodeRow(TypedDict):
    """One code and what was decided of it.

    Attributes:
        frame: Index into the row's `frames`.
        content: As much of the text as was asked for; None where nothing is told.
        content_as: What `content` is: `full`, `host`, `scheme`, `hash` or `none`.
        length: Of the whole content in characters; None where the code was not read.
        disputed: Whether engines read different contents.
        readings: Those contents, told like `content`; empty where engines agree.
        kinds: What the content is for (`url`, `alipay` …); None where that is not told.
        plain: Whether it is one web address that every reader reads alike; None likewise.
        site: The registrable domain of that one web address; None where it is none, or not told.
        doubt: Why a code that was seen is in doubt.
        earlier: The rule before the one that decided; None where there is none, or none was asked
            for.
    """

    frame: int
    quad: list[list[float]]
    symbology: str
    content: str | None
    content_as: str
    length: int | None
    read: bool
    confidence: float | None
    sources: list[str]
    disputed: bool
    readings: list[str | None]
    kinds: list[str] | None
    plain: bool | None
    site: str | None
    doubt: str | None
    action: str
    rule: str
    reason: str | None
    flag: str | None
    tags: list[str]
    earlier: EarlierRow | None


@with_config(_CONFIG)
class PictureRuleRow(TypedDict):
    """What a rule for whole pictures says."""

    rule: str
    flag: str | None
    quarantine: bool
    reason: str | None
    tags: list[str]


@with_config(_CONFIG)
class OriginRow(TypedDict):
    """Where the picture comes from; None for what was not known."""

    bucket: str | None
    key: str | None
    tags: dict[str, str] | None
    metadata: dict[str, str] | None


@with_config(_CONFIG)
class RegionRow(TypedDict):
    """An area that was hidden."""

    quad: list[list[float]]
    action: str
    frame: int


@with_config(_CONFIG)
class CheckRow(TypedDict):
    """One round of verification; `readable` holds the quads of what could still be read."""

    engines: list[str]
    variants: int
    readable: list[list[list[float]]]
    scope: str
    remedy: str | None


@with_config(_CONFIG)
class Row(TypedDict):
    """One picture. The keys stand in this order; `redactor.model.Result` says what they mean.

    Attributes:
        written: Where the picture went; None where it was not written.
        error: What went wrong around the picture, such as a failed write; None if nothing.
        frame_sizes: Width and height of each of `frames`; empty where no code was decided about.
        origin: None where no code was decided about.
    """

    schema_version: int
    name: str
    verdict: str
    flag: str | None
    reasons: list[str]
    remarks: list[str]
    held: bool
    dry_run: bool
    format: str | None
    size: list[int] | None
    orientation: int
    source_hash: str
    output_hash: str | None
    source_bytes: int
    output_bytes: int | None
    path: str | None
    difference: int | None
    written: str | None
    error: str | None
    policy: str
    detectors: list[str]
    frames: list[str]
    frame_sizes: list[list[int]]
    origin: OriginRow | None
    limit_reached: bool
    picture_rules: list[PictureRuleRow]
    codes: list[CodeRow]
    regions: list[RegionRow]
    checks: list[CheckRow]
    seconds: dict[str, float | None]


def row(
    result: Result,
    *,
    written: str | None = None,
    error: str | None = None,
    content: Content = Content.HOST,
    key: bytes = RUN_KEY,
    profile: Profile | None = None,
    exact: bool = False,
) -> Row:
    """Put down what happened to one picture.

    Args:
        result: What happened.
        written: Where the picture went; None where it was not written.
        error: What went wrong around the picture; None if nothing did.
        content: How much of the content of codes is told.
        key: Of content hashes; by default one of this process.
        profile: Says what a content is for, and whether it is one plain web address; None to
            tell neither.
        exact: Leave corners and confidences as they are, so that a policy decides as it did.
    """
    facts = result.facts
    return Row(
        schema_version=SCHEMA_VERSION,
        name=result.name,
        verdict=result.verdict.value,
        flag=result.flag and result.flag.value,
        reasons=list(result.reasons),
        remarks=list(result.remarks),
        held=result.held,
        dry_run=result.dry_run,
        format=result.format,
        size=list(result.size) if result.size else None,
        orientation=result.orientation,
        source_hash=result.source_hash,
        output_hash=result.output_hash,
        source_bytes=result.source_bytes,
        output_bytes=result.output_bytes,
        path=result.path,
        difference=result.difference,
        written=written,
        error=error,
        policy=result.policy,
        detectors=list(result.detectors),
        frames=list(result.frames),
        frame_sizes=[[width, height] for _, width, height in facts.frames] if facts else [],
        origin=_origin(facts.origin) if facts else None,
        limit_reached=facts is not None and facts.limit_reached,
        picture_rules=[_picture_rule(said) for said in result.picture_rules],
        codes=[_code(decision, content, key, profile, exact) for decision in result.codes],
        regions=[_region(region) for region in result.regions],
        checks=[_check(check) for check in result.checks],
        seconds={stage: _number(spent, 4) for stage, spent in result.seconds.items()},
    )


def reduce(entry: Row, content: Content, *, key: bytes = RUN_KEY, exact: bool = False) -> Row:
    """Give a row that tells no more of contents than is asked for.

    Args:
        entry: A row as `row` makes it; what it does not tell cannot be told.
        content: How much of the content of codes is told.
        key: Of content hashes.
        exact: Leave corners and confidences as they are.
    """
    codes = [_reduced(code, content, key, exact) for code in entry["codes"]]
    return Row(**{**entry, "codes": codes})


def _reduced(code: CodeRow, mode: Content, key: bytes, exact: bool) -> CodeRow:
    is_whole = code["content_as"] == "full"
    told = disclose(code["content"], mode, key=key) if is_whole else _kept(code, mode)
    readings = code["readings"]
    if is_whole:
        readings = [disclose(text, mode, key=key).text for text in readings]
    elif told.kind == "none":
        readings = [None for _ in readings]
    confidence = code["confidence"]
    return CodeRow(
        **{
            **code,
            "quad": code["quad"] if exact else [_tenths(corner) for corner in code["quad"]],
            "confidence": confidence if exact or confidence is None else round(confidence, 3),
            "content": told.text,
            "content_as": told.kind,
            "readings": readings,
            "kinds": None if mode is Content.NONE else code["kinds"],
            "plain": None if mode is Content.NONE else code["plain"],
            "site": code["site"] if mode in (Content.FULL, Content.HOST) else None,
        }
    )


def _kept(code: CodeRow, mode: Content) -> Disclosed:
    """Give what a row tells already, if that is not more than is asked for."""
    kind = code["content_as"]
    is_less = mode is Content.FULL or (
        kind in ("host", "scheme") if mode is Content.HOST else kind == mode.value
    )
    return Disclosed(code["content"], kind) if is_less else Disclosed(None, "none")


def dump_row(entry: Row) -> str:
    """Give a row as one line of JSON, ASCII only, with its line end."""
    return json.dumps(entry, allow_nan=False) + "\n"


class read_rows(Iterator[Row]):  # noqa: N801 - used as a function that also counts
    """Read rows back from the lines of a results file.

    A line that a killed run left unfinished is skipped and counted.

    Attributes:
        cut: Unfinished lines met so far.

    Raises:
        RedactorError: While reading, at a line that is no row or of an unknown schema.
    """

    def __init__(self, lines: Iterable[str], *, name: str = "results") -> None:
        self.cut = 0
        self._name = name
        self._lines = enumerate(lines, start=1)

    def __next__(self) -> Row:
        for number, line in self._lines:
            text = line.strip(" \t\r\n\0")  # a crash can leave a tail of NULs
            if not text:
                continue
            try:
                value = json.loads(text)
            except (json.JSONDecodeError, RecursionError):
                if not _is_cut(text):
                    raise RedactorError(
                        f"{self._name}:{number}: not a row of results;"
                        " give the file that `redactor run --results` wrote"
                    ) from None
                self.cut += 1
                continue
            except ValueError as error:  # a number of thousands of digits
                raise RedactorError(f"{self._name}:{number}: damaged: {error}") from None
            return _checked(value, f"{self._name}:{number}")
        raise StopIteration


_FARTHEST = 1e9  # pixels
_LARGEST = 2**63  # bytes
_HEAD = '{"schema_version": '
_ROW = TypeAdapter(Row)
# What rows had not yet when they were first written, and what it is then.
_ADDED: dict[str, Any] = {"frame_sizes": [], "limit_reached": False, "picture_rules": []}
_ADDED_TO_CODES: dict[str, Any] = {
    "readings": [], "kinds": None, "plain": None, "site": None, "tags": [], "earlier": None,
}  # fmt: skip
_NOWHERE = OriginRow(bucket=None, key=None, tags=None, metadata=None)


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema of a row."""
    schema = _ROW.json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "description": "One line of a results file of redactor.",
        **schema,
    }


def _is_cut(text: str) -> bool:
    return text.startswith(_HEAD) or _HEAD.startswith(text)


def _checked(value: Any, place: str) -> Row:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(value, dict) or "schema_version" not in value:
        raise RedactorError(f"{place}: not a row of results; it has no schema_version")
    version = value["schema_version"]
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise RedactorError(
            f"{place}: schema_version {version!r} is not known to this version of redactor,"
            f" which reads {SCHEMA_VERSION}; use the version that wrote the file"
        )
    try:
        row = _ROW.validate_python(_completed(value))
    except ValidationError as error:
        first, *more = error.errors()
        where = ".".join(map(str, first["loc"]))
        others = f" (and {len(more):,} more mistakes)" if more else ""
        message = first["msg"][:1].lower() + first["msg"][1:]
        raise RedactorError(f"{place}: damaged: {where}: {message}{others}") from None
    try:
        _check_words(row)
        _check_numbers(row)
    except ValueError as error:
        raise RedactorError(f"{place}: damaged: {error}") from None
    return row


def _completed(value: dict[str, Any]) -> dict[str, Any]:
    """Give a row of an earlier version what it had not yet."""
    origin = None if value.get("verdict") == Verdict.QUARANTINED else _NOWHERE
    whole = {**_ADDED, "origin": origin, **value}
    codes = whole.get("codes")
    if isinstance(codes, list) and all(isinstance(code, dict) for code in codes):
        whole["codes"] = [{**_ADDED_TO_CODES, **code} for code in codes]
    return whole


def _check_words(row: Row) -> None:
    """Refuse words that no version knows: verdicts, actions, symbologies, flags."""
    Verdict(row["verdict"])
    Flag(row["flag"] or Flag.INFO)
    for code in row["codes"]:
        Action(code["action"]), Symbology(code["symbology"]), Flag(code["flag"] or Flag.INFO)
    for region in row["regions"]:
        Action(region["action"])
    for said in row["picture_rules"]:
        Flag(said["flag"] or Flag.INFO)


def _check_numbers(row: Row) -> None:
    """Refuse places and sizes that nothing can have."""
    places = [*row["codes"], *row["regions"]]
    quads = [place["quad"] for place in places]
    quads += [quad for check in row["checks"] for quad in check["readable"]]
    if any(len(quad) != 4 or any(len(corner) != 2 for corner in quad) for quad in quads):
        raise ValueError("a quad has four corners of two numbers")
    if any(abs(value) > _FARTHEST for quad in quads for corner in quad for value in corner):
        raise ValueError("a corner lies further away than any picture is large")
    if any(place["frame"] < 0 for place in places):
        raise ValueError("frame: less than 0")
    for size in (*row["frame_sizes"], *([row["size"]] if row["size"] is not None else [])):
        if len(size) != 2 or min(size) < 0:
            raise ValueError("a size has two numbers, width and height")
    for key in ("source_bytes", "output_bytes", "difference"):
        if not 0 <= (row[key] or 0) < _LARGEST:
            raise ValueError(f"{key}: no number of bytes or levels")


def _picture_rule(said: PictureDecision) -> PictureRuleRow:
    return PictureRuleRow(
        rule=said.rule,
        flag=said.flag and said.flag.value,
        quarantine=said.quarantine,
        reason=said.reason,
        tags=list(said.tags),
    )


def _origin(origin: Origin) -> OriginRow:
    return OriginRow(
        bucket=origin.bucket,
        key=origin.key,
        tags=None if origin.tags is None else dict(origin.tags),
        metadata=None if origin.metadata is None else dict(origin.metadata),
    )


def _code(
    decision: Decision, mode: Content, key: bytes, profile: Profile | None, exact: bool
) -> CodeRow:
    seen = decision.detection
    told = disclose(seen.content, mode, key=key)
    kinds, plain, site = None, None, None
    if profile is not None and seen.content is not None and mode is not Content.NONE:
        kinds, plain, site = profile(seen.content)
        site = None if mode is Content.HASH else site
    return CodeRow(
        frame=seen.frame,
        quad=[[float(x), float(y)] for x, y in seen.quad.corners] if exact else _corners(seen.quad),
        symbology=seen.symbology.value,
        content=told.text,
        content_as=told.kind,
        length=None if seen.content is None else len(seen.content),
        read=seen.is_read,
        confidence=_number(seen.confidence, 15 if exact else 3),
        sources=list(seen.sources),
        disputed=seen.is_disputed,
        readings=[disclose(text, mode, key=key).text for text in seen.readings]
        if seen.is_disputed
        else [],
        kinds=kinds,
        plain=plain,
        site=site,
        doubt=seen.reason,
        action=decision.action.value,
        rule=decision.rule,
        reason=decision.reason,
        flag=decision.flag and decision.flag.value,
        tags=list(decision.tags),
        earlier=None,
    )


def _region(region: Region) -> RegionRow:
    return RegionRow(quad=_corners(region.quad), action=region.action.value, frame=region.frame)


def _check(check: Check) -> CheckRow:
    return CheckRow(
        engines=list(check.engines),
        variants=check.variants,
        readable=[_corners(quad) for quad in check.readable],
        scope=check.scope,
        remedy=check.remedy,
    )


def _corners(quad: Quad) -> list[list[float]]:
    return [[round(float(x), 1), round(float(y), 1)] for x, y in quad.corners]


def _tenths(corner: list[float]) -> list[float]:
    return [round(value, 1) for value in corner]


def _number(value: float, digits: int) -> float | None:
    return round(float(value), digits) if math.isfinite(value) else None
