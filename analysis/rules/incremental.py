"""What the rules find in a file that is edited: only functions that changed are looked at again.

What a rule says of a function rests on the function's text, on the file outside of functions
(imports, constants, names of other functions) and on whether names that it wants to use are free
in the rest of the file. While all three are the same, what was found moves with the function.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from analysis.function_list import FunctionList
from analysis.functions import Function
from analysis.languages import PYTHON, language_of
from analysis.rules.base import Finding
from analysis.rules.catalogue import find, find_in
from analysis.rules.module import Module
from analysis.rules.parts import Frame
from analysis.rules.places import families, ranked
from analysis.text import LineIndex, Position, Range

Group = tuple[Function, list[Function]]
Key = tuple[str, str, bool]
Aside = Callable[[Callable[[], bytes]], Callable[[], bytes]]
"""Begins a piece of work somewhere else; what comes back waits for the work's bytes.

Raises OSError where it can't begin, or the work ended without an answer.
"""

_WORTH_ASIDE = 100_000
"""Characters of functions that are looked at in two halves; fewer take less time than a start."""


@dataclass(frozen=True)
class RuleHint:
    """A place where a rule has something to say; without its edit, which does not move alone.

    `extent` is the whole outermost function that the place is in.
    """

    rule: str
    title: str
    function: str
    range: Range
    extent: Range


@dataclass(frozen=True)
class _Known:
    """What was found in an outermost function, by lines from its first one.

    `asked` holds what its rules asked of the rest of the file, and the answers.
    """

    hints: tuple[RuleHint, ...]
    asked: Mapping[str, bool]


class Lookout:
    """One file's findings, kept from text to text. `looked` counts functions, for each call.

    With `aside` half of much new text is looked at there, at the same time.
    """

    def __init__(self, path: str, aside: Aside | None = None) -> None:
        self.looked = 0
        self._path = path
        self._aside = aside
        self._functions = FunctionList(path)
        self._module: Module | None = None
        self._frame: Frame | None = None
        self._lines = LineIndex("")
        self._known: dict[Key, _Known] = {}
        self._without: frozenset[str] = frozenset()

    def look(
        self, text: str, names: Collection[str] | None, without: frozenset[str] = frozenset()
    ) -> tuple[RuleHint, ...]:
        """What the rules find in the functions of these qualified names; in all with None.

        The likely largest gains of a function come first, and functions in document order. Rules
        of the ids `without` find nothing.
        """
        self.looked = 0
        if without != self._without:
            self._known.clear()
        self._without = without
        python = language_of(self._path) is PYTHON
        functions = self._functions.of(text)
        if python:
            whole = names is None and self._module is None
            self._module = Module(text, functions, self._module, whole=whole)
            groups, frame = self._module.groups, self._module.frame
            self._lines = self._module.index
        else:
            groups = list(families(functions))
            self._lines = LineIndex(text)
            frame = Frame(text, [outer for outer, _ in groups], None)
        if self._frame is None or frame.text != self._frame.text:
            self._known.clear()
        self._frame = frame
        wanted = [g for g in groups if names is None or any(f.qualname in names for f in g[1])]
        if self._module is not None:
            self._look_at(self._module, wanted)
        else:
            self._look_at_all(text, functions, groups, wanted)
        self._forget(groups)
        return tuple(
            RuleHint(h.rule, h.title, h.function, h.range.lowered(outer.first_line), outer.range)
            for outer, _ in wanted
            for h in self._known[_key(outer)].hints
            if names is None or h.function in names
        )

    def offsets(self, place: Range) -> tuple[int, int]:
        """The string offsets of a range of the newest text."""
        return self._lines.offset(place.start), self._lines.offset(place.end)

    def _look_at(self, module: Module, wanted: Iterable[Group]) -> None:
        new = [
            group
            for group in wanted
            if (known := self._known.get(_key(group[0]))) is None
            or not all(module.uses(name) == answer for name, answer in known.asked.items())
        ]
        self.looked = len(new)
        ours, theirs = new, list[Group]()
        if self._aside is not None and sum(len(o.source) for o, _ in new) >= _WORTH_ASIDE:
            ours, theirs = _halves(new)
        rest = self._begin(module, theirs)
        for group in ours:
            self._known[_key(group[0])] = self._found(module, group)
        for group, known in zip(theirs, rest(), strict=True):
            module.learn(known.asked)
            self._known[_key(group[0])] = known

    def _begin(self, module: Module, groups: Sequence[Group]) -> Callable[[], list[_Known]]:
        """Look at functions elsewhere; what comes back waits for it, or looks here if need be."""

        def here() -> list[_Known]:
            return [self._found(module, group) for group in groups]

        if self._aside is None or not groups:
            return here
        module.read_names()  # what both halves ask for
        try:
            answer = self._aside(lambda: _packed(here()))
        except OSError:
            return here

        def wait() -> list[_Known]:
            try:
                return _unpacked(answer())
            except OSError:
                return here()

        return wait

    def _found(self, module: Module, group: Group) -> _Known:
        outer, inner = group
        module.asked = set()
        found = ranked(find_in(module, self._path, outer, inner, without=self._without))
        asked = {name: module.uses(name) for name in module.asked}
        return _Known(_hints(found, outer), asked)

    def _look_at_all(
        self,
        text: str,
        functions: Sequence[Function],
        groups: Sequence[Group],
        wanted: Sequence[Group],
    ) -> None:
        """Other languages are looked at file by file, if one of the wanted functions changed."""
        if all(_key(outer) in self._known for outer, _ in wanted):
            return
        self.looked = len(groups)
        found = find(text, self._path, functions)
        for outer, inner in groups:
            names = {f.qualname for f in inner}
            mine = [f for f in found if f.function in names and f.rule not in self._without]
            self._known[_key(outer)] = _Known(_hints(mine, outer), {})

    def _forget(self, groups: Sequence[Group]) -> None:
        """Let go what is not in the file any more, now and then."""
        if len(self._known) > 2 * len(groups):
            here = {_key(outer) for outer, _ in groups}
            self._known = {key: known for key, known in self._known.items() if key in here}


def _key(outer: Function) -> Key:
    return outer.qualname, outer.source, outer.ignored


def _halves(groups: Sequence[Group]) -> tuple[list[Group], list[Group]]:
    """Two parts with about as much text; neighbours are alike, so that they go to both."""
    parts, sizes = (list[Group](), list[Group]()), [0, 0]
    for group in groups:
        part = sizes.index(min(sizes))
        parts[part].append(group)
        sizes[part] += len(group[0].source)
    return parts


def _packed(found: Iterable[_Known]) -> bytes:
    rows = [
        (
            [(h.rule, h.title, h.function, _numbers(h.range), _numbers(h.extent)) for h in k.hints],
            dict(k.asked),
        )
        for k in found
    ]
    return json.dumps(rows).encode()


def _numbers(place: Range) -> tuple[int, int, int, int]:
    start, end = place.start, place.end
    return start.line, start.character, end.line, end.character


def _unpacked(data: bytes) -> list[_Known]:
    def place(a: int, b: int, c: int, d: int) -> Range:
        return Range(Position(a, b), Position(c, d))

    return [
        _Known(
            tuple(
                RuleHint(rule, title, function, place(*where), place(*extent))
                for rule, title, function, where, extent in hints
            ),
            asked,
        )
        for hints, asked in json.loads(data)
    ]


def _hints(found: Iterable[Finding], outer: Function) -> tuple[RuleHint, ...]:
    return tuple(
        RuleHint(f.rule, f.edit.title, f.function, f.range.lowered(-outer.first_line), outer.range)
        for f in found
    )
