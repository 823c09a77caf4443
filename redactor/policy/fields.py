"""What single values of a policy can be, and what is said when they are not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from redactor.model import Action, Flag, Metadata, Symbology, Trailer
from redactor.policy.document import show
from redactor.policy.patterns import BadRegex, compile_regex
from redactor.policy.payload import GROUPS as PAYLOAD_GROUPS
from redactor.policy.payload import Payload
from redactor.policy.urls import BadDomain, canonical

SYMBOLOGY_GROUPS = ("2d", "1d", "qr-family", "retail", "any")
ACTIONS = (*(action.value for action in Action), "flag")
DETECTORS = ("zxing", "zbar", "opencv", "locator", "imm")
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF")
POSITIONS = (
    *("top-left", "top", "top-right", "left", "center", "right"),
    *("bottom-left", "bottom", "bottom-right"),
)
CHARACTERS: dict[str, str] = {
    "digits": "0-9",
    "letters": r"\pL\pM",
    "upper": "A-Z",
    "lower": "a-z",
    "hex": "0-9A-Fa-f",
    "ascii": r"\x20-\x7e",
    "space": r"\s",
    "latin": r"\p{Latin}",
    "han": r"\p{Han}",
    "kana": r"\p{Hiragana}\p{Katakana}",
    "hangul": r"\p{Hangul}",
    "cyrillic": r"\p{Cyrillic}",
    "greek": r"\p{Greek}",
    "arabic": r"\p{Arabic}",
    "hebrew": r"\p{Hebrew}",
    "thai": r"\p{Thai}",
    "devanagari": r"\p{Devanagari}",
}


def wrong(message: str) -> PydanticCustomError:
    """Make the error that carries a finished message."""
    return PydanticCustomError("policy", "{message}", {"message": message})


def suggestion(word: str, known: tuple[str, ...]) -> str:
    """Say what a word that is not known might have been, or what can be chosen."""
    begun = [one for one in known if len(word) > 1 and one.startswith(word.lower())]
    close = [min(begun, key=len)] if begun else []
    if len(word) < 60:
        close += get_close_matches(word.lower(), known, n=1)
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
    try:
        compile_regex(pattern)
    except BadRegex as error:
        raise wrong(f"regex {show(pattern)} does not compile under RE2: {error}") from error
    return pattern


def _check_domain(pattern: str) -> str:
    try:
        return canonical(pattern)
    except BadDomain as error:
        raise wrong(str(error)) from error


def _check_list(value: str, info: ValidationInfo) -> str:
    lists: Mapping[str, object] = info.context or {}
    if value in lists:
        return value
    raise wrong(
        f"unknown list {show(value)}; "
        + (suggestion(value, tuple(lists)) if lists else "name it under `lists`")
    )


def _check_domain_or_list(value: str, info: ValidationInfo) -> str:
    if value in (info.context or {}) or not re.search(r"[^\w-]", value):
        return _check_list(value, info)
    return _check_domain(value)


def _check_day(value: str) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise wrong(f"{show(value)} is no day; write it as 2027-01-31")


class _OneOrMore:
    """Says in the JSON Schema of a list that one value by itself will do."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        several = handler(schema)
        return {"anyOf": [several["items"], {**several, "minItems": 1}]}


T = TypeVar("T")
# pydantic takes the texts of the file for numbers, and yes, no, on, off, true, false for bool.
AnyOf = Annotated[
    tuple[T, ...],
    BeforeValidator(_as_list),
    Field(min_length=1),
    _OneOrMore(),
]
# An editor reads `0123` and `yes` as YAML does; here they are the text that was written.
_WRITTEN = {"type": ["string", "number", "boolean"]}
Text = Annotated[str, Field(min_length=1), WithJsonSchema(_WRITTEN)]
Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_check_line)]
Word = Annotated[str, Field(pattern=r"^\w[\w-]*$", max_length=60)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Pixels = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Whole = Annotated[int, Field(ge=0, le=1_000_000_000)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Regex = Annotated[str, Field(min_length=1), AfterValidator(_check_regex)]
ListName = Annotated[str, Field(min_length=1), AfterValidator(_check_list)]
DomainOrList = Annotated[str, Field(min_length=1), AfterValidator(_check_domain_or_list)]
Day = Annotated[
    date,
    BeforeValidator(_check_day),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}),
]
SymbologyName = Annotated[
    str,
    OneOf("symbology", tuple(dict.fromkeys([*(s.value for s in Symbology), *SYMBOLOGY_GROUPS]))),
]
ActionName = Annotated[str, OneOf("action", ACTIONS)]
FlagName = Annotated[str, OneOf("flag", tuple(Flag))]
MetadataName = Annotated[str, OneOf("metadata", tuple(Metadata))]
TrailerName = Annotated[str, OneOf("trailer", tuple(Trailer))]
PayloadName = Annotated[str, OneOf("payload", (*(p.value for p in Payload), *PAYLOAD_GROUPS))]
DetectorName = Annotated[str, OneOf("detector", DETECTORS)]
PositionName = Annotated[str, OneOf("position", POSITIONS)]
FormatName = Annotated[
    str,
    OneOf("format", FORMATS),
    BeforeValidator(lambda v: v.upper() if isinstance(v, str) else v),
]
CharacterName = Annotated[str, OneOf("set of characters", tuple(CHARACTERS))]


class Entry(BaseModel):
    """A mapping of the policy file: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
