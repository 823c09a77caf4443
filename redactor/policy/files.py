"""The files of a policy, opened and looked at: each by itself, then what one says of another.

Three looks at each text, whose findings are joined: the reader (is it YAML, are keys unique), the
schema (is each value what its key takes), and the laws (do values agree with each other).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from pydantic import ValidationError

from redactor.errors import Mistake, PolicyError
from redactor.policy import lists, schema
from redactor.policy.condition import ALWAYS, Listed
from redactor.policy.document import Document, Path, Value, read, show
from redactor.policy.fields import suggestion
from redactor.policy.laws import domains_in, laws
from redactor.policy.lists import ListEntry
from redactor.policy.mistakes import Finding, findings
from redactor.policy.texts import Texts, beside
from redactor.policy.urls import BadDomain, canonical

_MOST = 100  # mistakes listed; whoever has more begins with these
_MOST_FILES = 10  # that extend one another


@dataclass
class File:
    """One file of a policy, looked at by itself.

    Attributes:
        parsed: None where it has mistakes.
        base: What it extends; None where it extends nothing, or that cannot be read.
        lists: The lists that it brings.
        mistakes: What is wrong with it alone.
    """

    name: str
    document: Document
    parsed: schema.PolicyFile | None = None
    base: File | None = None
    lists: dict[str, tuple[ListEntry, ...]] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def wrong(self, path: Path, message: str, *, at_key: bool = False) -> None:
        """Note a mistake at a path into the file."""
        place = self.document.place_of_key(path) if at_key else self.document.place(path)
        rule = _rule_id(self.document.value, path)
        self.mistakes.append(Mistake(self.name, *place, message, rule))

    @property
    def without(self) -> frozenset[str]:
        """Ids and names that are left out of the base."""
        return frozenset((self.parsed and self.parsed.without) or ())

    @property
    def line(self) -> Iterator[File]:
        """The file and what it extends, one after the other."""
        yield self
        if self.base is not None:
            yield from self.base.line


def open_files(name: str, texts: Texts) -> File:
    """Open a policy file with what it extends and its lists; what is wrong is in the answer."""
    file = _open(name, texts, ())
    for one in file.line:
        _check_between(one)
    return file


def mistakes_of(file: File) -> list[Mistake]:
    """Give what is wrong with a file and with those it refers to, in order; the first of many."""
    found = (mistake for one in file.line for mistake in one.mistakes)
    ordered = sorted(found, key=lambda m: (m.file, m.line, m.column, m.message))
    if len(ordered) > _MOST:
        last = ordered[_MOST - 1]
        more = Mistake(last.file, last.line + 1, 1, "and more; begin with those above")
        ordered[_MOST:] = [more]
    return ordered


def _open(name: str, texts: Texts, above: tuple[str, ...]) -> File:
    document = read(texts.read(name))
    file = File(name, document)
    file.mistakes += [Mistake(name, *wrong.place, wrong.message) for wrong in document.wrong]
    if document.value is None:
        return file
    _open_base(file, texts, (*above, name))
    own = _mapping(document.value, "lists")
    inherited = {key for one in (file.base.line if file.base else ()) for key in one.lists}
    try:
        file.parsed = schema.PolicyFile.model_validate(
            document.value, context=dict.fromkeys([*own, *inherited])
        )
    except ValidationError as error:
        _note(file, islice(findings(error, schema.PolicyFile), _MOST))
    _note(file, islice(laws(document.value), _MOST))
    _open_lists(file, texts)
    return file


def _note(file: File, found: Iterable[Finding]) -> None:
    for path, message, at_key in found:
        file.wrong(path, message, at_key=at_key)


def _mapping(value: Value, key: str) -> dict[str, Value]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _rule_id(value: Value, path: Path) -> str | None:
    for step in path[:2] if path[:1] in (("rules",), ("pictures",)) else ("nowhere",):
        if isinstance(value, dict):
            value = value.get(str(step))
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step]
        else:
            return None
    written = value.get("id") if isinstance(value, dict) else None
    return written if isinstance(written, str) else None


# What a file refers to.


def _open_base(file: File, texts: Texts, line: tuple[str, ...]) -> None:
    value = file.document.value
    reference = value.get("extends") if isinstance(value, dict) else None
    if not isinstance(reference, str):
        return
    name = beside(file.name, reference)
    if name in line:
        circle = ", which extends ".join([*line[line.index(name) :], name])
        file.wrong(("extends",), f"a circle: {circle}; take one of them out")
    elif len(line) >= _MOST_FILES:
        file.wrong(("extends",), f"more than {_MOST_FILES} policies that extend one another")
    else:
        try:
            file.base = _open(name, texts, line)
        except PolicyError as error:
            _refer(file, ("extends",), error, name)


def _open_lists(file: File, texts: Texts) -> None:
    """Read the lists of a file; those in files of their own even where others have mistakes."""
    asked = set(domains_in(file.document.value))
    for key, written in _mapping(file.document.value, "lists").items():
        entries: tuple[ListEntry, ...] = ()
        reference = written.get("file") if isinstance(written, dict) else None
        if isinstance(reference, str):
            name = beside(file.name, reference)
            try:
                entries = lists.from_file(name, texts)
            except PolicyError as error:
                _refer(file, ("lists", key, "file"), error, name)
            if key in asked:
                canonical_domains(file, entries)
        if file.parsed is not None:
            items = file.parsed.lists[key].entries
            entries = (*lists.inline(file.document, key, items, file.name), *entries)
            if not entries and reference is None:
                file.wrong(("lists", key), f"{show(key)} is empty; give it a value or remove it")
        file.lists[key] = entries


def _refer(file: File, path: Path, error: PolicyError, name: str) -> None:
    """Note what is wrong with another file: what cannot be read, where it is referred to."""
    for mistake in error.mistakes:
        if mistake.file == name and mistake.message.startswith("cannot be read"):
            file.wrong(path, f"{name} {mistake.message}")
        else:
            file.mistakes.append(mistake)


# What files must agree on.


def _check_between(file: File) -> None:
    if file.parsed is None or file.base is None:
        return
    below = {name: one for one in file.base.line for name in _names(one)}
    for index, name in enumerate(file.parsed.without or ()):
        if name not in below:
            message = f"{show(name)} is no rule or list of {file.base.name}; "
            file.wrong(("without", index), message + suggestion(name, tuple(below) or ("nothing",)))
    for path, name in _named(file.parsed):
        if name in below and name not in file.without:
            what = "list" if path[0] == "lists" else "rule"
            message = f"{below[name].name} has a {what} {show(name)} too; "
            way_out = f"choose another name, or leave that out: `without: [{name}]`"
            file.wrong(path, message + way_out, at_key=what == "list")


def _named(parsed: schema.PolicyFile) -> Iterator[tuple[Path, str]]:
    yield from ((("rules", i, "id"), rule.id) for i, rule in enumerate(parsed.rules))
    yield from ((("pictures", i, "id"), rule.id) for i, rule in enumerate(parsed.pictures))
    yield from ((("lists", name), name) for name in parsed.lists)


def _names(file: File) -> Iterator[str]:
    if file.parsed is not None:
        yield from (name for _, name in _named(file.parsed))


def canonical_domains(file: File, entries: Sequence[ListEntry]) -> Listed:
    """Give the entries of a list as domains are compared; what is none is noted as a mistake."""
    found: dict[str, date] = {}
    for entry in entries:
        try:
            domain = canonical(entry.value)
        except BadDomain as error:
            mistake = Mistake(entry.file, entry.line, entry.column, str(error))
            file.mistakes.append(mistake)
        else:
            found[domain] = max(entry.expires or ALWAYS, found.get(domain, date.min))
    return found
