"""The policy file, version 1: every key, what it takes and what it means.

The descriptions are for people who write policies; editors show them, through the JSON Schema
made from these classes. `PolicyFile` checks each value by itself; what several values must agree
on is in `laws.py`.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from redactor.policy.fields import (
    ActionName,
    AnyOf,
    CharacterName,
    Day,
    DetectorName,
    DomainOrList,
    Entry,
    FlagName,
    FormatName,
    Line,
    ListName,
    MetadataName,
    PayloadName,
    Pixels,
    Port,
    PositionName,
    Regex,
    Share,
    SymbologyName,
    Text,
    TrailerName,
    Whole,
    Word,
)


class Size(Entry):
    """How large the code is; every bound given must hold, each includes its value."""

    min_side: Pixels | None = Field(None, description="longer side of the code, in pixels")
    max_side: Pixels | None = Field(None, description="longer side of the code, in pixels")
    min_share: Share | None = Field(None, description="share of the picture's area, 0 to 1")
    max_share: Share | None = Field(None, description="share of the picture's area, 0 to 1")


class Confidence(Entry):
    """How sure the detector is, 0 to 1; each bound includes its value."""

    min: Share | None = Field(None, description="at least this sure")
    max: Share | None = Field(None, description="at most this sure")


class Count(Entry):
    """A whole number within bounds; each bound includes its value."""

    min: Whole | None = Field(None, description="at least this many")
    max: Whole | None = Field(None, description="at most this many")


class Url(Entry):
    """Parts of the one web address (http or https) that is the content, as a browser reads it.

    All must hold. A rule with `allow` takes only addresses that every reader reads alike.
    """

    scheme: AnyOf[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9+.-]*$")]] | None = Field(
        None, description="http or https; by itself, the scheme of any address, such as weixin"
    )
    host: AnyOf[DomainOrList] | None = Field(
        None,
        description="this host; *.example.com is any host below; or the name of a list",
    )
    site: AnyOf[DomainOrList] | None = Field(
        None,
        description="the domain that somebody registered, by the public suffix list:"
        " example.co.uk is also shop.example.co.uk; or the name of a list",
    )
    port: AnyOf[Port] | None = Field(None, description="as written; else 443 or 80")
    path: AnyOf[Text] | None = Field(
        None, description="a glob: * and ? stay within a folder, ** does not: /shop/**"
    )
    query: AnyOf[Text] | None = Field(
        None, description="name of a value behind the question mark; any of them"
    )
    userinfo: bool | None = Field(
        None, description="whether a user name or password stands before the host"
    )
    ip: bool | None = Field(None, description="whether the host is an IP address")
    punycode: bool | None = Field(
        None, description="whether the host is in another script (an IDN, xn--…)"
    )
    mixed_scripts: bool | None = Field(
        None, description="whether a part of the host mixes scripts, such as Latin and Cyrillic"
    )
    shortener: bool | None = Field(
        None, description="whether the host is a known link shortener, which hides where it leads"
    )
    disguised: bool | None = Field(
        None,
        description="whether readers may take it for different hosts: backslashes, escapes,"
        " full-width dots, user names, a second address",
    )


class PictureFacts(Entry):
    """What is known of the picture; all must hold."""

    codes: Count | None = Field(None, description="how many codes the picture has")
    format: AnyOf[FormatName] | None = Field(None, description="JPEG, PNG, WEBP …")
    width: Count | None = Field(None, description="in pixels, as the file lies")
    height: Count | None = Field(None, description="in pixels, as the file lies")
    bucket: AnyOf[Text] | None = Field(None, description="the bucket of the object")
    key: AnyOf[Text] | None = Field(
        None,
        description="key of the object or path of the file; a glob: * and ? stay within a"
        " folder, ** does not",
    )
    tag: Annotated[dict[str, AnyOf[Text]], Field(min_length=1)] | None = Field(
        None, description="tags of the object: the value, or one of several, for each name"
    )
    metadata: Annotated[dict[str, AnyOf[Text]], Field(min_length=1)] | None = Field(
        None, description="user metadata of the object (x-oss-meta-…), like `tag`"
    )
    limit_reached: bool | None = Field(
        None, description="whether there may be more codes than are listed: image/codes names five"
    )


class When(Entry):
    """Conditions on a code; all must hold. Of several values, any one suffices."""

    symbology: AnyOf[SymbologyName] | None = Field(
        None,
        description="kind of symbol, or a group: 2d, 1d, qr-family, retail, any. A detector that"
        " tells only the family is matched by 1d, qr-family and any alone",
    )
    read: bool | None = Field(None, description="whether an engine could read it")
    content: AnyOf[Text] | None = Field(None, description="the whole content, exactly")
    listed: AnyOf[ListName] | None = Field(
        None, description="the whole content stands in the list of this name"
    )
    prefix: AnyOf[Text] | None = Field(None, description="how the content begins")
    suffix: AnyOf[Text] | None = Field(None, description="how the content ends")
    contains: AnyOf[Text] | None = Field(None, description="a part of the content")
    regex: AnyOf[Regex] | None = Field(
        None, description="RE2, found anywhere in the content; anchor with ^ and $"
    )
    length: Count | None = Field(None, description="characters of the content")
    characters: AnyOf[CharacterName] | None = Field(
        None, description="every character of the content is in one of these sets"
    )
    domain: AnyOf[DomainOrList] | None = Field(
        None,
        description="the content is one http or https address on this host; *.example.com is any"
        " host below; or the name of a list",
    )
    url: Url | None = Field(None, description="the content is one web address, with these parts")
    payload: AnyOf[PayloadName] | None = Field(
        None, description="what the content is for; payment and contact are groups"
    )
    disputed: bool | None = Field(None, description="whether engines read different contents")
    engines: Count | None = Field(None, description="how many detectors reported it")
    detector: AnyOf[DetectorName] | None = Field(None, description="who found it; any of them")
    confidence: Confidence | None = Field(None, description="how sure the detector is, 0 to 1")
    size: Size | None = Field(None, description="how large the code is")
    position: AnyOf[PositionName] | None = Field(
        None, description="the ninth of the picture, as people see it, that its middle lies in"
    )
    touches_edge: bool | None = Field(
        None, description="whether it reaches the edge of the picture, to within a pixel"
    )
    frame: AnyOf[Text] | None = Field(
        None,
        description="picture (with all its frames and pages), thumbnail, page 2 … : which picture"
        " in the file it is in",
    )
    picture: PictureFacts | None = Field(None, description="what is known of the whole picture")
    any: Annotated[tuple[When, ...], Field(min_length=1)] | None = Field(
        None, description="one of these must hold"
    )
    all: Annotated[tuple[When, ...], Field(min_length=1)] | None = Field(
        None, description="all of these must hold"
    )
    not_: When | None = Field(None, alias="not", description="this must not hold")


class PictureWhen(PictureFacts):
    """Conditions on a picture; all must hold."""

    has: When | None = Field(
        None, description="one of its codes meets these conditions, whatever becomes of it"
    )
    any: Annotated[tuple[PictureWhen, ...], Field(min_length=1)] | None = Field(
        None, description="one of these must hold"
    )
    all: Annotated[tuple[PictureWhen, ...], Field(min_length=1)] | None = Field(
        None, description="all of these must hold"
    )
    not_: PictureWhen | None = Field(None, alias="not", description="this must not hold")


class Effect(Entry):
    """What becomes of a code."""

    action: ActionName = Field(
        description="allow (matches only codes that were read, of a known symbology, on whose"
        " content no engine disagrees), blur, pixelate, fill; or flag: leave any code as it is"
        " and have a person look"
    )
    flag: FlagName | None = Field(None, description="have a person look: info, review or high")
    reason: Line | None = Field(None, description="why, for the report")
    tags: AnyOf[Word] | None = Field(None, description="words for the report, to sort by")
    color: Annotated[str, Field(pattern=r"^(#[0-9A-Fa-f]{6}|auto)$")] | None = Field(
        None, description='of fill: "#rrggbb", or auto for the colour around the code'
    )
    blocks: Annotated[int, Field(ge=1, le=256)] | None = Field(
        None, description="of pixelate: blocks along the longer side"
    )


class Rule(Effect):
    """What becomes of the codes that meet the conditions, unless an earlier rule met them."""

    id: Word = Field(description="name of the rule, for reports")
    when: When = Field(description="which codes the rule is for")
    expires: Day | None = Field(None, description="the last day (UTC) on which it matches")


class PictureRule(Entry):
    """What is said of a picture that meets the conditions; every such rule counts."""

    id: Word = Field(description="name of the rule, for reports")
    when: PictureWhen = Field(description="which pictures the rule is for")
    action: Annotated[str, Field(pattern="^quarantine$")] | None = Field(
        None, description="quarantine: hold the picture back, whatever becomes of its codes"
    )
    flag: FlagName | None = Field(None, description="have a person look: info, review or high")
    reason: Line | None = Field(None, description="why, for the report")
    tags: AnyOf[Word] | None = Field(None, description="words for the report, to sort by")
    expires: Day | None = Field(None, description="the last day (UTC) on which it matches")


def _as_item(value: object) -> object:
    return {"value": value} if isinstance(value, str) else value


class Item(Entry):
    """An entry of a list."""

    value: Text = Field(description="a domain, or a content")
    expires: Day | None = Field(None, description="the last day (UTC) on which it counts")
    reason: Line | None = Field(None, description="why it stands here")


AnyItem = Annotated[Item, BeforeValidator(_as_item, json_schema_input_type=str | Item)]


class Listing(Entry):
    """A list: its entries, or a file that holds them."""

    entries: tuple[AnyItem, ...] = Field((), description="the entries")
    file: Annotated[str, Field(min_length=1)] | None = Field(
        None,
        description="a file beside the policy: .txt (one a line, # for remarks), .csv (columns"
        " value, expires, reason) or .yaml (a list)",
    )


def _as_listing(value: object) -> object:
    if isinstance(value, str):
        return {"entries": [value]}
    return {"entries": value} if isinstance(value, list) else value


AnyListing = Annotated[
    Listing,
    BeforeValidator(_as_listing, json_schema_input_type=str | list[str | Item] | Listing),
]


class OnError(Entry):
    """What to add where a picture could not be handled; it is quarantined in any case."""

    flag: FlagName = Field(description="have a person look: info, review or high")


class PolicyFile(Entry):
    """A policy: the first rule that matches a code decides what becomes of it."""

    version: Annotated[Literal["1"], WithJsonSchema({"enum": [1, "1"]})] = Field(
        description="of the policy language"
    )
    name: Line | None = Field(None, description="for reports; the file's name where left out")
    description: Annotated[str, Field(max_length=2_000)] = Field(
        "", description="for people: what it does"
    )
    extends: Annotated[str, Field(min_length=1)] | None = Field(
        None,
        description="a policy that this one adds to: its rules come after the rules here; its"
        " default, on_error, metadata, trailer and hold count where they are left out here",
    )
    without: AnyOf[Word] | None = Field(
        None, description="rules and lists of the extended policy to leave out, by id or name"
    )
    lists: dict[Word, AnyListing] = Field(
        default_factory=dict,
        description="domains or contents under a name, for rules to refer to",
    )
    rules: tuple[Rule, ...] = Field((), description="the first that matches decides")
    default: Effect | None = Field(None, description="what becomes of a code that no rule matches")
    pictures: tuple[PictureRule, ...] = Field(
        (), description="rules for whole pictures; every one that matches counts"
    )
    on_error: OnError | None = Field(
        None, description="what to add to a picture that could not be handled"
    )
    metadata: MetadataName | None = Field(
        None,
        description="what stays around the pixels of a picture in which something was hidden:"
        " keep-safe (the default: orientation, profile, resolution, plain camera tags), strip"
        " (orientation and profile; untouched pictures lose the rest as well) or keep (text and"
        " all tags; other pictures in the file always go)",
    )
    trailer: TrailerName | None = Field(
        None,
        description="bytes behind the end of a picture: keep (the default, unless something was"
        " hidden), strip or quarantine",
    )
    hold: bool | None = Field(
        None, description="hold back flagged pictures instead of writing them"
    )


def json_schema(model: type[Entry] = PolicyFile, *, title: str = "redactor policy") -> str:
    """Give the JSON Schema of files that a model describes, as text."""
    made: dict[str, Any] = model.model_json_schema()
    _without_nulls(made)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return json.dumps({**head, **made}, indent=2, ensure_ascii=False) + "\n"


def _without_nulls(node: Any) -> None:  # noqa: ANN401 - any part of a schema
    """Say of keys that may be left out what they take, not that they may be null."""
    if isinstance(node, list):
        for inner in node:
            _without_nulls(inner)
    if not isinstance(node, dict):
        return
    choices = [choice for choice in node.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1 and len(node["anyOf"]) == 2:
        del node["anyOf"]
        node.update({**choices[0], **node})
    elif choices:
        node["anyOf"] = choices
    if node.get("default", ...) is None:
        del node["default"]
    node.pop("title", None) if isinstance(node.get("title"), str) else None
    for inner in node.values():
        _without_nulls(inner)
