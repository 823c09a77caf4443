"""What the values of one policy file must agree on.

These look at the file as it is written, so that no other mistake hides one.
"""

from __future__ import annotations

from collections.abc import Iterator

from redactor.policy.document import Path, Value, show
from redactor.policy.fields import ACTIONS
from redactor.policy.mistakes import Finding
from redactor.policy.urls import BadDomain, canonical

_NO = ("false", "no", "off", "n", "f", "0")  # as the schema takes them
_YES = ("true", "yes", "on", "y", "t", "1")
_BOUNDS = ("size", "confidence", "engines", "length", "url", "picture", "codes", "width", "height")
_SAYS = (
    *("content", "listed", "prefix", "suffix", "contains", "regex", "length", "characters"),
    *("domain", "url", "payload"),
)


def laws(value: Value) -> Iterator[Finding]:
    """Give what breaks a law, in a policy file as written."""
    first: dict[str, str] = {}
    for section in ("rules", "pictures"):
        for index, rule in enumerate(_entries(value, section)):
            path: Path = (section, index)
            yield from _law_of_id(rule, path, first)
            if "when" in rule:
                is_allow = section == "rules" and rule.get("action") == "allow"
                yield from _law_of_when(rule["when"], (*path, "when"), allows=is_allow)
            if section == "rules":
                yield from _law_of_effect(rule, path)
            elif rule.keys() & {"id", "when"} and not rule.keys() & {"flag", "action"}:
                yield Finding(path, "nothing follows from it; give `flag` or `action: quarantine`")
    if isinstance(value, dict):
        if isinstance(default := value.get("default"), dict):
            yield from _law_of_effect(default, ("default",))
        yield from _law_of_lists(value)
        if "extends" not in value:
            yield from _laws_without_base(value)


def _laws_without_base(value: dict[str, Value]) -> Iterator[Finding]:
    if "default" not in value:
        way_out = "say what becomes of all other codes: `default: {action: blur}`"
        yield Finding((), f"missing `default`; {way_out}")
    if "without" in value:
        yield Finding(("without",), "`without` goes with `extends`; remove it", at_key=True)


def _law_of_lists(value: dict[str, Value]) -> Iterator[Finding]:
    """Hold lists that rules take for domains to that; those in files are read later."""
    written = value.get("lists")
    lists = written if isinstance(written, dict) else {}
    for name in lists.keys() & set(domains_in(value)):
        entries = lists[name]
        entries = entries.get("entries") if isinstance(entries, dict) else entries
        for index, entry in enumerate(_listed(entries)):
            text = entry.get("value") if isinstance(entry, dict) else entry
            if isinstance(text, str):
                try:
                    canonical(text)
                except BadDomain as error:
                    yield Finding(("lists", name, "entries", index), str(error))


def domains_in(value: Value) -> Iterator[str]:
    """Give every text that stands where a domain or the name of a list is wanted."""
    if isinstance(value, list):
        for part in value:
            yield from domains_in(part)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in ("domain", "host", "site"):
                yield from (v for v in _listed(inner) if isinstance(v, str))
            elif key not in ("tag", "metadata"):  # these hold names of their own
                yield from domains_in(inner)


def _listed(value: Value) -> list[Value]:
    return value if isinstance(value, list) else [value]


def _entries(value: Value, section: str) -> list[dict[str, Value]]:
    """The rules as written; an empty one for what is no mapping."""
    rules = value.get(section) if isinstance(value, dict) else None
    if not isinstance(rules, list):
        return []
    return [rule if isinstance(rule, dict) else {} for rule in rules]


def _law_of_id(rule: dict[str, Value], path: Path, first: dict[str, str]) -> Iterator[Finding]:
    written = rule.get("id")
    if not isinstance(written, str):
        return
    if written == "default":
        yield Finding((*path, "id"), "`default` is the name of what no rule knows")
    elif written in first:
        message = f"duplicate id {show(written)}; {first[written]} has it already"
        yield Finding((*path, "id"), message)
    name = "picture rule" if path[0] == "pictures" else "rule"
    first.setdefault(written, f"{name} {int(path[1]) + 1}")


def _law_of_effect(effect: dict[str, Value], path: Path) -> Iterator[Finding]:
    action = effect.get("action")
    for option, owner in (("color", "fill"), ("blocks", "pixelate")):
        if option in effect and action in ACTIONS and action != owner:
            message = f"`{option}` is an option of {owner}, not of {action}"
            yield Finding((*path, option), message, at_key=True)


def _law_of_when(when: Value, path: Path, *, allows: bool) -> Iterator[Finding]:
    if when == {}:
        yield Finding(path, f"{show(path[-1])} is empty; {_way_out(path)}")
    if not isinstance(when, dict):
        return
    for key, inner in when.items():
        if key in _BOUNDS and inner == {}:
            yield Finding((*path, key), f"{show(key)} is empty; give a bound or remove it")
        elif key in _BOUNDS and isinstance(inner, dict):
            yield from _law_of_bounds(inner, (*path, key))
        elif key in ("any", "all") and isinstance(inner, list):
            for index, part in enumerate(inner):
                yield from _law_of_when(part, (*path, key, index), allows=allows)
        elif key in ("not", "has"):
            yield from _law_of_when(inner, (*path, key), allows=False)
    yield from _law_of_unread(when, path, allows=allows)


def _way_out(path: Path) -> str:
    if path[-1] == "when":
        return "what no rule knows is for `default`"
    return "give it a condition or remove it"


def _law_of_bounds(bounds: dict[str, Value], path: Path) -> Iterator[Finding]:
    for key, inner in bounds.items():
        if key in _BOUNDS and isinstance(inner, dict):
            yield from _law_of_bounds(inner, (*path, key))
    for low, high in (("min", "max"), ("min_side", "max_side"), ("min_share", "max_share")):
        least, most = _number(bounds.get(low)), _number(bounds.get(high))
        if least is not None and most is not None and least > most:
            message = f"`{low}` is above `{high}`, so nothing can match; exchange them"
            yield Finding((*path, low), message)
    is_web = {"host", "site", "port", "path"} & bounds.keys() if path[-1] == "url" else ()
    scheme = bounds.get("scheme")
    schemes = [scheme] if isinstance(scheme, str) else scheme
    if (
        is_web
        and isinstance(schemes, list)
        and not {"http", "https"} & {str(s).lower() for s in schemes}
    ):
        key = sorted(is_web)[0]
        message = f"`{key}` speaks of web addresses; with it `scheme` can be http or https"
        yield Finding((*path, "scheme"), message)


def _number(value: Value) -> float | None:
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _law_of_unread(when: dict[str, Value], path: Path, *, allows: bool) -> Iterator[Finding]:
    is_unread = str(when.get("read")).lower() in _NO
    if allows:
        for key, words, state in (("read", _NO, "unread"), ("disputed", _YES, "disputed")):
            if str(when.get(key)).lower() in words:
                message = (
                    f"allow never matches a code that is {state}; use `action: flag` to let it be"
                )
                yield Finding((*path, key), message)
    elif is_unread:
        for key in when.keys() & set(_SAYS):
            message = f"nothing is known of what an unread code says; remove `{key}` or `read`"
            yield Finding((*path, key), message, at_key=True)
