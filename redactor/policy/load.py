"""A policy's text to compiled rules, or every mistake in it at once.

Three looks at one text, whose findings are joined: the reader (is it YAML, are keys unique), the
schema (is each value what its key takes), and the laws here (do values agree with each other).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path as FilePath

from pydantic import ValidationError

from redactor.errors import Mistake, PolicyError
from redactor.model import Action, Flag, Style
from redactor.policy import schema
from redactor.policy.conditions import conditions
from redactor.policy.document import Document, Path, Value, read, show
from redactor.policy.mistakes import Finding, findings
from redactor.policy.rules import Effect, Rule

MAX_BYTES = 1_000_000
_NO = ("false", "no", "off", "n", "f", "0")  # as the schema takes them
_YES = ("true", "yes", "on", "y", "t", "1")
_MOST = 100  # mistakes listed; whoever has more begins with these


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a text means.

    Attributes:
        name: None where the text gives none.
        description: Empty where the text gives none.
        rules: In the order that decides.
        default: For codes that no rule matches.
        on_error: Flag for pictures that could not be handled.
        hold: Whether flagged pictures are held back.
    """

    name: str | None
    description: str
    rules: tuple[Rule, ...]
    default: Effect
    on_error: Flag | None
    hold: bool


def read_text(path: FilePath) -> str:
    """Give the text of a policy file.

    Raises:
        PolicyError: If it cannot be read, is too large or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise PolicyError([Mistake(str(path), 1, 1, f"cannot be read: {why}")]) from error
    if len(octets) > MAX_BYTES:
        raise PolicyError([_too_large(str(path))])
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        before = octets[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = "this is not UTF-8; save the file as UTF-8"
        raise PolicyError([Mistake(str(path), line, column, message)]) from error


def compile_text(text: str, *, file: str) -> Compiled:
    """Compile the text of a policy.

    Raises:
        PolicyError: With every mistake in it.
    """
    if len(text) > MAX_BYTES:
        raise PolicyError([_too_large(file)])
    document = read(text)
    found: list[Finding] = []
    parsed = None
    if document.value is not None:
        try:
            parsed = schema.PolicyFile.model_validate(document.value, context=_lists(document))
        except ValidationError as error:
            found += islice(findings(error), _MOST)
        found += islice(_laws(document.value), _MOST)
    mistakes = _placed(document, found, file)
    if mistakes or parsed is None:
        raise PolicyError(mistakes)
    return _compiled(parsed)


def _too_large(file: str) -> Mistake:
    return Mistake(file, 1, 1, "larger than 1 MB; a policy is for people to read")


def _placed(document: Document, found: Sequence[Finding], file: str) -> list[Mistake]:
    mistakes = [Mistake(file, *wrong.place, wrong.message) for wrong in document.wrong]
    for path, message, at_key in found:
        place = document.place_of_key(path) if at_key else document.place(path)
        mistakes.append(Mistake(file, *place, message, _rule_id(document.value, path)))
    mistakes.sort(key=lambda mistake: (mistake.line, mistake.column, mistake.message))
    if len(mistakes) > _MOST:
        last = mistakes[_MOST - 1]
        mistakes[_MOST:] = [Mistake(file, last.line + 1, 1, "and more; begin with those above")]
    return mistakes


def _rule_id(value: Value, path: Path) -> str | None:
    for step in path[:2] if path[:1] == ("rules",) else ("nowhere",):
        if isinstance(value, dict):
            value = value.get(str(step))
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step]
        else:
            return None
    written = value.get("id") if isinstance(value, dict) else None
    return written if isinstance(written, str) else None


def _lists(document: Document) -> dict[str, Value]:
    lists = document.value.get("lists") if isinstance(document.value, dict) else None
    return lists if isinstance(lists, dict) else {}


def _entries(value: Value) -> list[dict[str, Value]]:
    """The rules as written; an empty one for what is no mapping."""
    rules = value.get("rules") if isinstance(value, dict) else None
    if not isinstance(rules, list):
        return []
    return [rule if isinstance(rule, dict) else {} for rule in rules]


def _laws(value: Value) -> Iterator[Finding]:
    """What values must agree on; looks at them as written, so that no other mistake hides it."""
    first: dict[str, int] = {}
    for index, rule in enumerate(_entries(value)):
        written = rule.get("id")
        if isinstance(written, str):
            if written == "default":
                yield Finding(("rules", index, "id"), "`default` is the name of what no rule knows")
            elif written in first:
                other = first[written] + 1
                message = f"duplicate id {show(written)}; rule {other} has it already"
                yield Finding(("rules", index, "id"), message)
            first.setdefault(written, index)
        yield from _law_of_effect(rule, ("rules", index))
        yield from _law_of_when(rule, ("rules", index))
    default = value.get("default") if isinstance(value, dict) else None
    if isinstance(default, dict):
        yield from _law_of_effect(default, ("default",))


def _law_of_effect(effect: dict[str, Value], path: Path) -> Iterator[Finding]:
    action = effect.get("action")
    for option, owner in (("color", "fill"), ("blocks", "pixelate")):
        if option in effect and action in schema.ACTIONS and action != owner:
            message = f"`{option}` is an option of {owner}, not of {action}"
            yield Finding((*path, option), message, at_key=True)


def _law_of_when(rule: dict[str, Value], path: Path) -> Iterator[Finding]:
    when = rule.get("when")
    if when == {}:
        yield Finding((*path, "when"), "`when` is empty; what no rule knows is for `default`")
    if not isinstance(when, dict):
        return
    for key in ("size", "confidence"):
        if when.get(key) == {}:
            yield Finding((*path, "when", key), f"`{key}` is empty; give a bound or remove it")
    if rule.get("action") != "allow":
        return
    for key, words in (("read", _NO), ("disputed", _YES)):
        if str(when.get(key)).lower() in words:
            state = "unread" if key == "read" else "disputed"
            message = f"allow never matches a code that is {state}; use `action: flag` to let it be"
            yield Finding((*path, "when", key), message)


def _compiled(parsed: schema.PolicyFile) -> Compiled:
    return Compiled(
        name=parsed.name,
        description=parsed.description,
        rules=tuple(_rule(rule, parsed.lists) for rule in parsed.rules),
        default=_effect(parsed.default),
        on_error=Flag(parsed.on_error.flag) if parsed.on_error else None,
        hold=parsed.hold,
    )


def _rule(rule: schema.Rule, lists: dict[str, tuple[str, ...]]) -> Rule:
    is_allow = rule.action == "allow"
    made = conditions(rule.when, lists, plain_links=is_allow)
    return Rule(rule.id, made, _effect(rule), only_settled=is_allow)


def _effect(effect: schema.Effect) -> Effect:
    is_flag = effect.action == "flag"
    flag = effect.flag or ("review" if is_flag else None)
    return Effect(
        Action.ALLOW if is_flag else Action(effect.action),
        Flag(flag) if flag else None,
        effect.reason,
        _style(effect),
    )


def _style(effect: schema.Effect) -> Style:
    plain = Style()
    color = plain.color
    if effect.color == "auto":
        color = None
    elif effect.color:
        red, green, blue = bytes.fromhex(effect.color[1:])
        color = (red, green, blue)
    return Style(color, effect.blocks or plain.blocks)
