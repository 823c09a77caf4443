"""A policy's files to compiled rules, or every mistake in them at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from redactor.errors import PolicyError
from redactor.model import Action, Flag, Metadata, PictureDecision, Style, Trailer
from redactor.policy import schema
from redactor.policy.condition import ALWAYS, Listed, Terms
from redactor.policy.conditions import on_code, on_picture
from redactor.policy.document import Path, show
from redactor.policy.files import File, canonical_domains, mistakes_of, open_files
from redactor.policy.lists import ListEntry
from redactor.policy.rules import Effect, PictureRule, Rule
from redactor.policy.texts import Texts

_MOST = 100  # mistakes listed; whoever has more begins with these
_MOST_FILES = 10  # that extend one another


@dataclass(frozen=True, slots=True)
class Written:
    """Where a rule stands, and what of it bears on no decision.

    Attributes:
        file: Name of the file.
        line: From 1.
        column: From 1.
        lists: Names of the lists it refers to.
    """

    file: str
    line: int
    column: int
    lists: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the files of a policy mean.

    Attributes:
        name: None where the text gives none.
        description: Empty where the text gives none.
        rules: In the order that decides.
        default: For codes that no rule matches.
        pictures: Rules for whole pictures.
        on_error: Flag for pictures that could not be handled.
        hold: Whether flagged pictures are held back.
        metadata: What stays around the pixels.
        trailer: What becomes of bytes behind the end.
        written: Where each rule stands, by id.
        lists: The entries of each list, by its name.
    """

    name: str | None
    description: str
    rules: tuple[Rule, ...]
    default: Effect
    pictures: tuple[PictureRule, ...]
    on_error: Flag | None
    hold: bool
    metadata: Metadata
    trailer: Trailer
    written: Mapping[str, Written]
    lists: Mapping[str, tuple[ListEntry, ...]]


def compile_files(name: str, texts: Texts) -> Compiled:
    """Compile a policy file, with what it extends and its lists.

    Raises:
        PolicyError: With every mistake in them.
    """
    file = open_files(name, texts)
    if not any(one.mistakes or one.parsed is None for one in file.line):
        made = _compiled(file)
        if made is not None:
            return made
    raise PolicyError(mistakes_of(file))


def _compiled(file: File) -> Compiled | None:
    """Compile files without mistakes; None where lists turn out not to be what rules need."""
    line = list(file.line)
    every = _lists(line)
    written: dict[str, Written] = {}
    kept = list(_kept(line))
    for one, path, rule in kept:
        used = frozenset(_uses(rule.when, every))
        place = one.document.place((*path, "id"))
        written[rule.id] = Written(one.name, *place, used)
        _check_uses(one, path, rule, every)
    domains = {name: canonical_domains(file, every[name]) for name in _as_domains(kept, every)}
    if any(one.mistakes for one in line):
        return None
    terms = Terms({name: _last_days(entries) for name, entries in every.items()}, domains)
    rules = [_rule(rule, terms) for _, _, rule in kept if isinstance(rule, schema.Rule)]
    pictures = [_picture_rule(r, terms) for _, _, r in kept if isinstance(r, schema.PictureRule)]
    parsed = [one.parsed for one in line if one.parsed is not None]
    default = next((p.default for p in parsed if p.default is not None), None)
    on_error = next((p.on_error for p in parsed if p.on_error is not None), None)
    assert default is not None  # the law of the last file asks for it
    return Compiled(
        name=parsed[0].name,
        description=parsed[0].description,
        rules=tuple(rules),
        default=_effect(default),
        pictures=tuple(pictures),
        on_error=Flag(on_error.flag) if on_error else None,
        hold=next((p.hold for p in parsed if p.hold is not None), False),
        metadata=Metadata(next((p.metadata for p in parsed if p.metadata), Metadata.KEEP_SAFE)),
        trailer=Trailer(next((p.trailer for p in parsed if p.trailer), Trailer.KEEP)),
        written=written,
        lists=every,
    )


def _lists(line: Sequence[File]) -> dict[str, tuple[ListEntry, ...]]:
    found: dict[str, tuple[ListEntry, ...]] = {}
    without: set[str] = set()
    for one in line:
        found |= {key: e for key, e in one.lists.items() if key not in without | found.keys()}
        without |= one.without
    return found


_AnyRule = schema.Rule | schema.PictureRule


def _kept(line: Sequence[File]) -> Iterator[tuple[File, Path, _AnyRule]]:
    """Give every rule that is not left out, with its file and where it stands there."""
    without: set[str] = set()
    for one in line:
        assert one.parsed is not None
        for section in ("rules", "pictures"):
            for index, rule in enumerate(getattr(one.parsed, section)):
                if rule.id not in without:
                    yield one, (section, index), rule
        without |= one.without


def _conditions(when: object) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give the conditions that can name lists, with their values, wherever they stand."""
    if isinstance(when, schema.When | schema.PictureWhen | schema.Url):
        for key in ("listed", "domain", "host", "site"):
            if values := getattr(when, key, None):
                yield key, values
        for key in ("any", "all", "not_", "has", "url"):
            inner = getattr(when, key, None)
            for part in inner if isinstance(inner, tuple) else (inner,):
                yield from _conditions(part)


def _uses(when: object, every: Mapping[str, object]) -> Iterator[str]:
    return (v for key, values in _conditions(when) for v in values if key == "listed" or v in every)


def _check_uses(file: File, path: Path, rule: _AnyRule, every: Mapping[str, object]) -> None:
    for key, values in _conditions(rule.when):
        for name in values:
            if name not in every and (key == "listed" or "." not in name):
                file.wrong((*path, "when"), f"the list {show(name)} is left out by `without`")


def _as_domains(
    kept: Sequence[tuple[File, Path, _AnyRule]], every: Mapping[str, object]
) -> set[str]:
    return {
        name
        for _, _, rule in kept
        for key, values in _conditions(rule.when)
        for name in values
        if key != "listed" and name in every
    }


def _last_days(entries: Sequence[ListEntry]) -> Listed:
    found: dict[str, date] = {}
    for entry in entries:
        found[entry.value] = max(entry.expires or ALWAYS, found.get(entry.value, date.min))
    return found


def _rule(rule: schema.Rule, terms: Terms) -> Rule:
    is_allow = rule.action == "allow"
    made = on_code(rule.when, replace(terms, allows=is_allow, flags=rule.action == "flag"))
    return Rule(rule.id, made, _effect(rule), is_allow, rule.expires or ALWAYS)


def _picture_rule(rule: schema.PictureRule, terms: Terms) -> PictureRule:
    decision = PictureDecision(
        rule.id,
        Flag(rule.flag) if rule.flag else None,
        rule.action == "quarantine",
        rule.reason,
        rule.tags or (),
    )
    return PictureRule(on_picture(rule.when, terms), decision, rule.expires or ALWAYS)


def _effect(effect: schema.Effect) -> Effect:
    is_flag = effect.action == "flag"
    flag = effect.flag or ("review" if is_flag else None)
    return Effect(
        Action.ALLOW if is_flag else Action(effect.action),
        Flag(flag) if flag else None,
        effect.reason,
        _style(effect),
        effect.tags or (),
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
