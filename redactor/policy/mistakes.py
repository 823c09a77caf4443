"""What pydantic finds wrong with a policy, in words for the person who wrote it."""

from collections.abc import Iterator
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from redactor.policy import fields, schema
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


_MISSING = {
    "version": "begin the file with `version: 1`",
    "id": "give the rule a name for reports: `id: own-links`",
    "when": "say which codes the rule is for: `when: {symbology: qrcode}`",
    "action": f"choose {', '.join(fields.ACTIONS[:-1])} or {fields.ACTIONS[-1]}",
    "flag": "choose info, review or high",
    "value": "give the entry its text: `value: example.com`",
    "name": "say what is tested",
    "given": "say what the policy is asked about: `given: {content: …}`",
    "expect": "say what it is to decide: `expect: {action: blur}`",
    "tests": "list the tests under `tests`",
}
_PATTERNS = {
    "color": 'is no colour; write it as "#ff8800", or auto',
    "id": "is no id; use letters, digits and `-`",
    "lists": "is no name for a list; use letters, digits and `-`",
    "tags": "is no word for a report; use letters, digits and `-`",
    "without": "is no id; use letters, digits and `-`",
    "scheme": "is no scheme; write https or weixin, without `:`",
    "action": "is no action for a picture; there is only `quarantine`",
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


def findings(error: ValidationError, root: type[BaseModel]) -> Iterator[Finding]:
    """Give each error in words; what is empty is left out, the reader of the text reports it.

    Args:
        error: What pydantic says.
        root: The model that the whole document was held against.
    """
    for details in error.errors(include_url=False):
        if details["input"] is not None or details["type"] == "missing":
            yield _finding(details, root)


def _finding(details: ErrorDetails, root: type[BaseModel]) -> Finding:
    path, kind = details["loc"], details["type"]
    if kind == "extra_forbidden":
        return Finding(path, _unknown_key(path, root), at_key=True)
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
        named = [str(part) for part in path if isinstance(part, str)]
        return f"{_show(value)} {_PATTERNS[named[-1]]}"
    if kind.endswith("too_short"):
        return f"{name} is empty; give it a value or remove it"
    if kind.endswith("too_long"):
        return f"{name} is too long; at most {context['max_length']} characters"
    if kind == "greater_than_equal":
        return f"{name} must be at least {context['ge']:g}, not {_show(value)}"
    if kind == "less_than_equal":
        return f"{name} must be at most {context['le']:g}, not {_show(value)}"
    wanted = (
        "a list of rules" if path in (("rules",), ("pictures",)) else _TYPES.get(kind.split("_")[0])
    )
    if wanted:
        return f"{name} must be {wanted}, not {_show(value)}"
    return f"{name}: {details['msg']}"


def _name(path: Path) -> str:
    named = [part for part in path if isinstance(part, str)]
    if not named:
        return "the policy"
    is_rule = path[:1] in (("rules",), ("pictures",)) and len(path) == 2
    return "a rule" if is_rule else show(named[-1])


def _show(value: Any) -> str:  # noqa: ANN401 - whatever the file says
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else show(value)


def _unknown_key(path: Path, root: type[BaseModel]) -> str:
    key = str(path[-1])
    known = tuple(_keys(_model_at(path[:-1], root)))
    if "id" in known and key in _keys(schema.When) and key not in known:
        return f"`{key}` is a condition; put it under `when`"
    if "has" in known and key in _keys(schema.When):
        return f"`{key}` is a condition on a code; put it under `has`"
    if "symbology" in known and key in _keys(schema.PictureFacts):
        return f"`{key}` is a condition on the picture; put it under `picture`"
    return f"unknown key {show(key)}; {fields.suggestion(key, known)}"


def _keys(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _model_at(path: Path, model: type[BaseModel]) -> type[BaseModel]:
    """Give the model that the mapping at a path is held against."""
    for step in path:
        # Places in lists and names of lists are no keys of a model.
        found = _keys(model).get(step) if isinstance(step, str) else None
        inner = _model_in(found.annotation) or _model_in(tuple(found.metadata)) if found else None
        model = inner or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = annotation if isinstance(annotation, tuple) else get_args(annotation)
    return next((model for part in inner if (model := _model_in(part))), None)
