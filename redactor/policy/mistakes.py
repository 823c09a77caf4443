"""What pydantic finds wrong with a policy, in words for the person who wrote it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from redactor.policy import schema
from redactor.policy.document import Path, show


class Finding(NamedTuple):
    """A mistake at a path into the document.

    Attributes:
        path: Keys and indexes from the top.
        message: What is wrong and what would be right.
        at_key: Whether it is the key that is wrong, not the value.
    """

    path: Path
    message: str
    at_key: bool = False


_MAPPINGS: dict[Path, type[BaseModel]] = {
    (): schema.PolicyFile,
    ("rules",): schema.Rule,
    ("rules", "when"): schema.When,
    ("rules", "when", "size"): schema.Size,
    ("rules", "when", "confidence"): schema.Confidence,
    ("default",): schema.Effect,
    ("on_error",): schema.OnError,
}
_MISSING = {
    "version": "begin the file with `version: 1`",
    "default": "say what becomes of all other codes: `default: {action: blur}`",
    "id": "give the rule a name for reports: `id: own-links`",
    "when": "say which codes the rule is for: `when: {symbology: qrcode}`",
    "action": f"choose {', '.join(schema.ACTIONS[:-1])} or {schema.ACTIONS[-1]}",
    "flag": "choose info, review or high",
}
_PATTERNS = {
    "color": 'is no colour; write it as "#ff8800", or auto',
    "id": "is no id; use letters, digits and `-`",
    "lists": "is no name for a list; use letters, digits and `-`",
}
_TYPES = {
    "string": "one text",
    "tuple": "one value or a list of values",
    "dict": "a mapping (`key: value`)",
    "model": "a mapping (`key: value`)",
    "int": "a whole number",
    "float": "a number",
    "finite": "a number",
    "bool": "true or false",
}


def findings(error: ValidationError) -> Iterator[Finding]:
    """Give each error in words; what is empty is left out, the reader of the text reports it."""
    for details in error.errors(include_url=False):
        if details["input"] is not None or details["type"] == "missing":
            yield _finding(details)


def _finding(details: ErrorDetails) -> Finding:
    path, kind = details["loc"], details["type"]
    if kind == "extra_forbidden":
        return Finding(path, _unknown_key(path), at_key=True)
    if kind == "missing":
        return Finding(path[:-1], f"missing `{path[-1]}`; {_MISSING[str(path[-1])]}")
    if kind == "policy":
        return Finding(path, details["msg"])
    if path and path[-1] == "[key]":
        path = path[:-1]
        return Finding(path, f"{show(path[-1])} {_PATTERNS['lists']}", at_key=True)
    return Finding(path, _wrong_value(kind, path, details))


def _wrong_value(kind: str, path: Path, details: ErrorDetails) -> str:
    name = _name(path)
    value, context = details["input"], details.get("ctx", {})
    if kind == "literal_error":
        return f"unknown version {_show(value)}; this release reads `version: 1`"
    if kind == "string_pattern_mismatch":
        return f"{_show(value)} {_PATTERNS[str(path[-1])]}"
    if kind.endswith("too_short"):
        return f"{name} is empty; give it a value or remove it"
    if kind.endswith("too_long"):
        return f"{name} is too long; at most {context['max_length']} characters"
    if kind == "greater_than_equal":
        return f"{name} must be at least {context['ge']:g}, not {_show(value)}"
    if kind == "less_than_equal":
        return f"{name} must be at most {context['le']:g}, not {_show(value)}"
    wanted = "a list of rules" if path == ("rules",) else _TYPES.get(kind.split("_")[0])
    if wanted:
        return f"{name} must be {wanted}, not {_show(value)}"
    return f"{name}: {details['msg']}"


def _name(path: Path) -> str:
    named = [part for part in path if isinstance(part, str)]
    if not named:
        return "the policy"
    return "a rule" if path[:1] == ("rules",) and len(path) == 2 else show(named[-1])


def _show(value: Any) -> str:  # noqa: ANN401 - whatever the file says
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else show(value)


def _unknown_key(path: Path) -> str:
    key = str(path[-1])
    around = tuple(part for part in path[:-1] if isinstance(part, str))
    model = _MAPPINGS[around]
    known = tuple(model.model_fields)
    if key in schema.When.model_fields and "id" in known:
        return f"`{key}` is a condition; put it under `when`"
    return f"unknown key {show(key)}; {schema.suggestion(key, known)}"
