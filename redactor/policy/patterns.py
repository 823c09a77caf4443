"""Regular expressions (RE2): linear time, whatever the pattern and the content."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import re2


class BadRegex(ValueError):
    """A pattern that RE2 does not take; the message says why."""


def _options() -> Any:  # noqa: ANN401 - re2 has no types
    options = re2.Options()
    options.log_errors = False
    return options


@lru_cache(4096)
def compile_regex(pattern: str) -> Any:  # noqa: ANN401 - re2 has no types
    """Compile a pattern; the outcome searches bytes.

    Raises:
        BadRegex: If it does not compile.
    """
    try:
        return re2.compile(pattern.encode(), _options())
    except re2.error as error:
        why = error.args[0].decode() if error.args else "unknown"
        raise BadRegex(why) from error


def encode(text: str) -> bytes:
    """Give the bytes of a content, as patterns see it."""
    return text.encode("utf-8", "surrogatepass")


def quote(text: str) -> str:
    """Give the pattern that finds exactly this text."""
    return re2.escape(text.encode()).decode()


def from_glob(glob: str) -> str:
    """Give the pattern of a glob: `*` and `?` stay within a folder, `**` does not."""
    parts: list[str] = []
    rest = glob
    while rest:
        for wild, pattern in (("**/", "(?:.*/)?"), ("**", ".*"), ("*", "[^/]*"), ("?", "[^/]")):
            if rest.startswith(wild):
                parts.append(pattern)
                rest = rest[len(wild) :]
                break
        else:
            parts.append(quote(rest[0]))
            rest = rest[1:]
    return f"(?s)^{''.join(parts)}$"


class PatternSet:
    """Many patterns looked for at once, in the time of one.

    Args:
        patterns: Each must compile.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns: Sequence[str] = tuple(dict.fromkeys(patterns))
        self._set = re2.Set.SearchSet(_options())
        # Found in every text: where even it is missing, RE2 has run out of its memory.
        self._canary = len(self.patterns)
        try:
            for pattern in (*self.patterns, ""):
                self._set.Add(pattern.encode())
            self._set.Compile()
        except re2.error:
            self._set = None  # too large together

    def found_in(self, text: str) -> Sequence[int] | None:
        """Give the places of the patterns found; None where RE2 could not tell."""
        found = (self._set and self._set.Match(encode(text))) or ()
        return found if self._canary in found else None
