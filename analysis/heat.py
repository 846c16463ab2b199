"""Where the functions and lines that a profile measured lie in a text as it is now.

A function is followed by its fingerprint: over edits elsewhere, into and out of a class, and under
another name. One whose code is no longer there is "changed" where its name still is, else gone:
heat never goes to another function silently.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from analysis.functions import Function
from analysis.text import LineIndex

State = Literal["same", "changed", "unsure"]
"""Of a function since it was measured; "unsure" where several equal ones could be it."""

AMBIGUOUS = "several functions of the file have its code"
_LONG = 2_000


@dataclass(frozen=True)
class Match:
    """A function of the earlier text in the later one: its place in the list, and its state."""

    now: int
    state: State


def match_functions(then: Sequence[Function], now: Sequence[Function]) -> dict[int, Match]:
    """All functions of a file then and now, by their places; those that are gone are left out.

    In this order: the same name and code; the same code elsewhere in the file; the same code under
    another name; the same name with other code. A name whose code is new keeps its heat as changed,
    though the old code may lie elsewhere: ``f`` copied to ``f_old`` and edited is still ``f`` for
    all who call it. Of several equal candidates those in the class where the others went are taken,
    then the order in the file decides.
    """
    return _Matching(then, now).all()


class _Matching:
    def __init__(self, then: Sequence[Function], now: Sequence[Function]) -> None:
        self._then, self._now = then, now
        self._left_then = dict.fromkeys(range(len(then)))
        self._left_now = dict.fromkeys(range(len(now)))
        self._found: dict[int, Match] = {}

    def all(self) -> dict[int, Match]:
        # Nearly all functions are as they were: fingerprints are made for the others only.
        self._same_name(lambda f: f.source.rstrip())
        self._same_name(lambda f: f.fingerprint)
        rewritten = self._rewritten()
        for key in (lambda f: f.fingerprint), (lambda f: f.nameless_fingerprint):
            self._elsewhere(key, rewritten, only_one=True)
        for key in (lambda f: f.fingerprint), (lambda f: f.nameless_fingerprint):
            self._elsewhere(key, rewritten, only_one=False)
        self._changed(lambda f: f.qualname)
        went = self._went()
        self._changed(lambda f: f.qualname, lambda f: went.get(_scope(f), _scope(f)) + f.name)
        return self._found

    def _match(self, then: int, now: int, state: State) -> None:
        del self._left_then[then], self._left_now[now]
        self._found[then] = Match(now, state)

    def _groups(
        self,
        key: Callable[[Function], Hashable],
        key_now: Callable[[Function], Hashable] | None = None,
    ) -> list[tuple[list[int], list[int]]]:
        """Functions that are left, then and now, with one key."""
        groups: defaultdict[Hashable, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for n in self._left_then:
            groups[key(self._then[n])][0].append(n)
        for n in self._left_now:
            groups[(key_now or key)(self._now[n])][1].append(n)
        return [group for group in groups.values() if group[0] and group[1]]

    def _same_name(self, key: Callable[[Function], Hashable]) -> None:
        for group in self._groups(lambda f: f.qualname):
            alike: defaultdict[Hashable, tuple[list[int], list[int]]] = defaultdict(
                lambda: ([], [])
            )
            for n in group[0]:
                alike[key(self._then[n])][0].append(n)
            for n in group[1]:
                alike[key(self._now[n])][1].append(n)
            for then, now in alike.values():
                # From the end: of several definitions with one name Python keeps the last.
                for a, b in zip(reversed(then), reversed(now), strict=False):
                    self._match(a, b, "same")

    def _rewritten(self) -> set[int]:
        """What keeps its name and has new code there: code that no other function had."""
        pairs = self._groups(lambda f: f.qualname)
        if not pairs:
            return set()
        had = Counter(self._then[n].nameless_fingerprint for n in self._left_then)
        kept: set[int] = set()
        for then, now in pairs:
            own = Counter(self._then[n].nameless_fingerprint for n in then)
            new = [
                n for n in now if had[(print_ := self._now[n].nameless_fingerprint)] <= own[print_]
            ]
            kept.update(then[max(0, len(then) - len(new)) :] if new else ())
        return kept

    def _elsewhere(
        self, key: Callable[[Function], Hashable], rewritten: set[int], *, only_one: bool
    ) -> None:
        if not self._left_then.keys() - rewritten:
            return
        votes = Counter(
            (_scope(self._then[a]), _scope(self._now[m.now])) for a, m in self._found.items()
        )
        for all_then, now in self._groups(key):
            then = [n for n in all_then if n not in rewritten]
            if only_one:
                if len(then) == len(now) == 1:
                    self._match(then[0], now[0], "same")
                continue
            for a in list(then):
                scope = _scope(self._then[a])
                best = max((votes[scope, _scope(self._now[b])] for b in now), default=0)
                likely = [b for b in now if best and votes[scope, _scope(self._now[b])] == best]
                if len(likely) == 1:
                    self._match(a, likely[0], "same")
                    then.remove(a)
                    now.remove(likely[0])
            state: State = "same" if len(then) == len(now) else "unsure"
            for a, b in zip(then, now, strict=False):
                self._match(a, b, state)

    def _changed(
        self,
        key: Callable[[Function], Hashable],
        key_then: Callable[[Function], Hashable] | None = None,
    ) -> None:
        for then, now in self._groups(key_then or key, key):
            for a, b in zip(reversed(then), reversed(now), strict=False):
                self._match(a, b, "changed")

    def _went(self) -> dict[str, str]:
        """Where what is in a class or function went, as most of its functions tell."""
        votes: Counter[tuple[str, str]] = Counter()
        for a, m in self._found.items():
            if m.state == "same":
                votes[_scope(self._then[a]), _scope(self._now[m.now])] += 1
        went: dict[str, str] = {}
        for (then, now), _ in votes.most_common():
            went.setdefault(then, now)
        return went


def _scope(function: Function) -> str:
    """What stands before a function's own name."""
    return function.qualname.removesuffix(function.name)


def carry_lines(then: Function, now: Function) -> dict[int, int]:
    """The lines (1-based) of a function then and now, by their text; changed lines are left out.

    Indentation does not count, nor that the function has another name.
    """
    before, after = _lines(then, now.name), _lines(now, now.name)
    # Equal lines at both ends are set aside first: matching takes quadratic time.
    head, shortest = 0, min(len(before), len(after))
    while head < shortest and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < shortest - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    matcher = SequenceMatcher(None, old, new, autojunk=max(len(old), len(new)) > _LONG)
    pairs = [
        *((n, n) for n in range(head)),
        *(
            (head + block.a + n, head + block.b + n)
            for block in matcher.get_matching_blocks()
            for n in range(block.size)
        ),
        *((len(before) - n, len(after) - n) for n in range(tail, 0, -1)),
    ]
    return {then.first_line + 1 + a: now.first_line + 1 + b for a, b in pairs}


def _lines(function: Function, name: str) -> list[str]:
    index = LineIndex(function.source)
    found = [index.line_text(n).strip() for n in range(len(index.starts))]
    if function.name != name:
        own = re.compile(rf"\b{re.escape(function.name)}\b")
        found = [own.sub(lambda _: name, line) for line in found]
    return found
