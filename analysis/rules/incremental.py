"""What the rules find in a file that is edited: only functions that changed are looked at again.

What a rule says of a function rests on the function's text, on the file outside of functions
(imports, constants, names of other functions) and on whether names that it wants to use are free
in the rest of the file. While all three are the same, what was found moves with the function.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from analysis.function_list import FunctionList
from analysis.functions import Function
from analysis.languages import PYTHON, language_of
from analysis.rules.base import Finding
from analysis.rules.catalogue import find, find_in
from analysis.rules.module import Module
from analysis.rules.parts import Frame
from analysis.rules.places import families, ranked
from analysis.text import LineIndex, Range

Group = tuple[Function, list[Function]]
Key = tuple[str, str, bool]


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
    """One file's findings, kept from text to text. `looked` counts functions, for each call."""

    def __init__(self, path: str) -> None:
        self.looked = 0
        self._path = path
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
        for outer, inner in wanted:
            known = self._known.get(_key(outer))
            if known is not None and all(module.uses(n) == a for n, a in known.asked.items()):
                continue
            self.looked += 1
            module.asked = set()
            found = ranked(find_in(module, self._path, outer, inner, without=self._without))
            asked = {name: module.uses(name) for name in module.asked}
            self._known[_key(outer)] = _Known(_hints(found, outer), asked)

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


def _hints(found: Iterable[Finding], outer: Function) -> tuple[RuleHint, ...]:
    return tuple(
        RuleHint(f.rule, f.edit.title, f.function, f.range.lowered(-outer.first_line), outer.range)
        for f in found
    )
