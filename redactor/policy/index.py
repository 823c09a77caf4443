"""Which rules can match a code at all, looked up instead of tried one after the other.

Rules are bits of a number, the first the lowest. For each kind of condition a table says which
rules a value leaves in question; what is left after all tables is tried in order, each rule with
all its conditions. So the index only saves time: what it says never decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from redactor.model import Symbology
from redactor.policy.patterns import PatternSet
from redactor.policy.rules import Rule
from redactor.policy.subject import Code
from redactor.policy.urls import patterns_for

_HOSTS = frozenset({"domain", "url.host"})
_WHOLE = frozenset({"content", "listed"})
_PATTERNS = frozenset({"prefix", "suffix", "contains", "regex"})


class _Table:
    """For one kind of condition: which rules stay in question for a value.

    Attributes:
        asking: The rules that have such a condition; without it, the value does not matter.
    """

    def __init__(self, rules: Sequence[Rule], keys: frozenset[str]) -> None:
        self.asking = 0
        self.by_value: dict[str, int] = {}
        for place, rule in enumerate(rules):
            # One condition of a kind is enough to look the rule up by; the rule tries the others.
            asked = next((c for c in rule.conditions if c.key in keys and c.index), None)
            if asked is not None:
                self.asking |= 1 << place
                for value in asked.index:
                    self.by_value[value] = self.by_value.get(value, 0) | 1 << place

    def left(self, mask: int, values: Iterable[str]) -> int:
        """Give those of some rules that stay in question for these values."""
        found = ~self.asking
        for value in values:
            found |= self.by_value.get(value, 0)
        return mask & found


def _bits(flags: Iterable[bool]) -> int:
    return sum(1 << place for place, flag in enumerate(flags) if flag)


class Index:
    """The rules of a policy, ready to be looked up."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        every = (1 << len(self._rules)) - 1
        settled = _bits(rule.only_settled for rule in rules)
        # Nothing is known of what an unread code says, so no condition on that holds.
        saying = _bits(any(c.is_about_content for c in rule.conditions) for rule in rules)
        symbology, read = (_Table(rules, frozenset({key})) for key in ("symbology", "read"))
        self._start = {
            (kind, is_read, is_settled): read.left(symbology.left(left, (kind,)), (str(is_read),))
            for kind in Symbology
            for is_read, left in ((True, every), (False, every & ~saying))
            for is_settled, left in ((True, left), (False, left & ~settled))
        }
        self._whole = _Table(rules, _WHOLE)
        self._hosts = _Table(rules, _HOSTS)
        self._payloads = _Table(rules, frozenset({"payload"}))
        self._patterns = _Table(rules, _PATTERNS)
        self._set = PatternSet(self._patterns_of(_PATTERNS))

    def first(self, codes: Iterable[Code]) -> Rule | None:
        """Give the first rule that matches a code in any of its readings."""
        places = [place for code in codes if (place := self._first(code)) is not None]
        return self._rules[min(places)] if places else None

    def _first(self, code: Code) -> int | None:
        mask = self._start[code.detection.symbology, code.is_read, code.is_settled]
        if code.content is not None:
            mask = self._narrowed(mask, code, code.content)
        while mask:
            lowest = mask & -mask
            place = lowest.bit_length() - 1
            if self._rules[place].matches(code):
                return place
            mask ^= lowest
        return None

    def _narrowed(self, mask: int, code: Code, content: str) -> int:
        if mask & self._whole.asking:
            mask = self._whole.left(mask, (content,))
        if mask & self._patterns.asking:
            found = self._set.found_in(content)
            if found is not None:
                patterns = self._set.patterns
                mask = self._patterns.left(
                    mask, [patterns[place] for place in found if place < len(patterns)]
                )
        if mask & self._hosts.asking:
            mask = self._hosts.left(
                mask, chain.from_iterable(patterns_for(link.host) for link in code.links)
            )
        if mask & self._payloads.asking:
            mask = self._payloads.left(mask, code.payloads)
        return mask

    def _patterns_of(self, keys: frozenset[str]) -> Iterable[str]:
        for rule in self._rules:
            for condition in rule.conditions:
                if condition.key in keys:
                    yield from condition.index
