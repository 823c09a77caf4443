"""The policy file, version 1: every key, what it takes and what it means.

The descriptions are for people who write policies. `PolicyFile` checks each value by itself;
what several values must agree on is in `load.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeVar

import re2
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from redactor.model import Action, Flag, Symbology
from redactor.policy.document import show
from redactor.policy.payload import Payload
from redactor.policy.urls import BadDomain, canonical

GROUPS = ("2d", "1d", "qr-family", "retail", "any")
ACTIONS = (*(action.value for action in Action), "flag")
DETECTORS = ("zxing", "zbar", "opencv", "locator", "imm")


def wrong(message: str) -> PydanticCustomError:
    """Make the error that carries a finished message."""
    return PydanticCustomError("policy", "{message}", {"message": message})


def suggestion(word: str, known: tuple[str, ...]) -> str:
    """Say what a word that is not known might have been, or what can be chosen."""
    close = get_close_matches(word.lower(), known, n=1) if len(word) < 60 else []
    if close:
        return f"did you mean `{close[0]}`?"
    if len(known) == 1:
        return f"there is only `{known[0]}`"
    return f"choose {', '.join(known[:-1])} or {known[-1]}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """Bounds a text to known words; `what` names their kind in messages."""

    what: str
    words: tuple[str, ...]

    def __get_pydantic_core_schema__(
        self,
        source: Any,  # noqa: ANN401 - pydantic's signature
        handler: GetCoreSchemaHandler,
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "enum": list(self.words)}

    def _check(self, word: str) -> str:
        if word not in self.words:
            raise wrong(f"unknown {self.what} {show(word)}; {suggestion(word, self.words)}")
        return word


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _check_line(text: str) -> str:
    if not text.isprintable():
        raise wrong("a line break or control character; write one plain line")
    return text


def _check_regex(pattern: str) -> str:
    compile_regex(pattern)
    return pattern


def compile_regex(pattern: str) -> Any:  # noqa: ANN401 - re2 has no types
    """Compile for RE2, which takes linear time whatever the content."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern.encode(), options)
    except re2.error as error:
        why = error.args[0].decode() if error.args else "unknown"
        raise wrong(f"regex {show(pattern)} does not compile under RE2: {why}") from error


def _check_domain(pattern: str) -> str:
    try:
        return canonical(pattern)
    except BadDomain as error:
        raise wrong(str(error)) from error


def _check_domain_or_list(value: str, info: ValidationInfo) -> str:
    lists: Mapping[str, object] = info.context or {}
    if value in lists:
        return value
    if re.search(r"[^\w-]", value):
        return _check_domain(value)
    raise wrong(
        f"unknown list {show(value)}; "
        + (suggestion(value, tuple(lists)) if lists else "name it under `lists`")
    )


T = TypeVar("T")
# pydantic takes the texts of the file for numbers, and yes, no, on, off, true, false for bool.
AnyOf = Annotated[
    tuple[T, ...],
    BeforeValidator(_as_list, json_schema_input_type=T | list[T]),
    Field(min_length=1),
]
Text = Annotated[str, Field(min_length=1)]
Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_check_line)]
Word = Annotated[str, Field(pattern=r"^\w[\w-]*$", max_length=60)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Pixels = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Regex = Annotated[Text, AfterValidator(_check_regex)]
Domain = Annotated[Text, AfterValidator(_check_domain)]
DomainOrList = Annotated[Text, AfterValidator(_check_domain_or_list)]
SymbologyName = Annotated[
    str, OneOf("symbology", tuple(dict.fromkeys([*(s.value for s in Symbology), *GROUPS])))
]
ActionName = Annotated[str, OneOf("action", ACTIONS)]
FlagName = Annotated[str, OneOf("flag", tuple(Flag))]
PayloadName = Annotated[str, OneOf("payload", tuple(Payload))]
DetectorName = Annotated[str, OneOf("detector", DETECTORS)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Size(_Entry):
    """How large the code is; every bound given must hold, each includes its value."""

    min_side: Pixels | None = Field(None, description="longer side of the code, in pixels")
    max_side: Pixels | None = Field(None, description="longer side of the code, in pixels")
    min_share: Share | None = Field(None, description="share of the picture's area, 0 to 1")
    max_share: Share | None = Field(None, description="share of the picture's area, 0 to 1")


class Confidence(_Entry):
    """How sure the detector is, 0 to 1; each bound includes its value."""

    min: Share | None = None
    max: Share | None = None


class When(_Entry):
    """Conditions; all must hold. Of several values, any one suffices."""

    symbology: AnyOf[SymbologyName] | None = Field(
        None,
        description="kind of symbol, or a group: 2d, 1d, qr-family, retail, any. A detector that"
        " tells only the family is matched by 1d, qr-family and any alone",
    )
    content: AnyOf[Text] | None = Field(None, description="the whole content, exactly")
    prefix: AnyOf[Text] | None = Field(None, description="how the content begins")
    regex: AnyOf[Regex] | None = Field(
        None, description="RE2, found anywhere in the content; anchor with ^ and $"
    )
    domain: AnyOf[DomainOrList] | None = Field(
        None,
        description="the content is one http or https address on this host; *.example.com is any"
        " host below; or the name of a list",
    )
    payload: AnyOf[PayloadName] | None = Field(None, description="what the content is for")
    read: bool | None = Field(None, description="whether an engine could read it")
    disputed: bool | None = Field(None, description="whether engines read different contents")
    size: Size | None = None
    detector: AnyOf[DetectorName] | None = Field(None, description="who found it; any of them")
    confidence: Confidence | None = None


class Effect(_Entry):
    """What becomes of a code."""

    action: ActionName = Field(
        description="allow (matches only codes that were read, of a known symbology, on whose"
        " content no engine disagrees), blur, pixelate, fill; or flag: leave any code as it is"
        " and have a person look"
    )
    flag: FlagName | None = Field(None, description="have a person look: info, review or high")
    reason: Line | None = Field(None, description="for the report")
    color: Annotated[str, Field(pattern=r"^(#[0-9A-Fa-f]{6}|auto)$")] | None = Field(
        None, description='of fill: "#rrggbb", or auto for the colour around the code'
    )
    blocks: Annotated[int, Field(ge=1, le=256)] | None = Field(
        None, description="of pixelate: blocks along the longer side"
    )


class Rule(Effect):
    """What becomes of the codes that meet the conditions, unless an earlier rule met them."""

    id: Word = Field(description="name of the rule, for reports")
    when: When


class OnError(_Entry):
    """What to add where a picture could not be handled; it is quarantined in any case."""

    flag: FlagName


class PolicyFile(_Entry):
    """A policy: the first rule that matches a code decides what becomes of it."""

    version: Literal["1"] = Field(description="of the policy language")
    name: Line | None = Field(None, description="for reports; the file's name where left out")
    description: Annotated[str, Field(max_length=2_000)] = ""
    lists: dict[Word, AnyOf[Domain]] = Field(
        default_factory=dict, description="domains under a name, for rules to refer to"
    )
    rules: tuple[Rule, ...] = Field((), description="the first that matches decides")
    default: Effect = Field(description="what becomes of a code that no rule matches")
    on_error: OnError | None = None
    hold: bool = Field(False, description="hold back flagged pictures instead of writing them")
