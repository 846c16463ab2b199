"""Whether a rule's edit may be offered: it stays in its function, parses, and names what is there.

An edit is looked at among the statements that it changes, not in the whole function: of a long one
that is a small part. Where a part does not compile by itself the whole function has the last word.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from analysis.rules.module import bindings, bound_in
from analysis.rules.scope import Scope
from analysis.rules.trees import children, walk
from analysis.text import TextChange, apply_changes

_BUILTINS = frozenset(dir(builtins))
_CONSTANT = re.compile(r"_[A-Z0-9_]+ = ")
_DECLARES = re.compile(r"\b(?:global|nonlocal)\b")
_DEFINITION = "def _():\n"


@dataclass(frozen=True)
class Names:
    """The names that code uses in any way, and those that it binds."""

    used: frozenset[str]
    bound: frozenset[str]

    @classmethod
    def of(cls, tree: ast.AST) -> Names:
        """The names of a tree."""
        used = frozenset(n.id for n in walk(tree) if isinstance(n, ast.Name))
        return cls(used, frozenset(bound_in(tree)))


class EditCheck:
    """Looks at the edits of one outermost function."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._first = scope.first
        self._last = scope.module.next_line(scope.last - 1)

    def reach(self, changes: Sequence[TextChange]) -> tuple[int, int]:
        """From where to where an edit changes the function; lines added below do not count."""
        last = self._scope.last
        inside = [c for c in changes if self._first < c.start <= self._last]
        if not inside:
            return last, last
        return min(c.start for c in inside), min(last, max(c.end for c in inside))

    def problem(self, changes: Sequence[TextChange]) -> str | None:
        """Why an edit must not be offered: it breaks syntax, names or the function's bounds."""
        inside, new = [], set[str]()
        for change in changes:
            above = change.start == change.end == self._first
            if self._first <= change.start and change.end <= self._last and not above:
                inside.append(change)
                continue
            code = change.new_text.strip()
            if change.start != change.end or not (
                code.startswith(("import ", "from ")) or _CONSTANT.match(code)
            ):
                return "edits outside of the function"
            new |= set(bindings(ast.parse(code)))
        try:
            names = self._names_of_part(inside) or self._names_of_all(inside)
        except (SyntaxError, ValueError) as error:
            return f"does not compile: {error}"
        missing = names.used - names.bound - new - self._known
        return f"unknown names: {sorted(missing)}" if missing else None

    @cached_property
    def _known(self) -> frozenset[str]:
        scope = self._scope
        return _BUILTINS | frozenset(scope.module.constants) | scope.free_names

    def _names_of_all(self, changes: Sequence[TextChange]) -> Names:
        """The names of the function after the changes. Raises SyntaxError and ValueError."""
        after = self._changed(changes, self._first, self._last)
        indented = after[:1] in (" ", "\t") or (after[:1] == "\f" and after[1:2] in (" ", "\t"))
        return Names.of(_compiled("if 1:\n" + after if indented else after))

    def _names_of_part(self, changes: Sequence[TextChange]) -> Names | None:
        """As `_names_of_all`, compiling only what changes; None where that can't be told apart."""
        starts = self._starts
        if not changes or not starts or min(c.start for c in changes) < starts[0]:
            return None
        low = bisect_right(starts, min(c.start for c in changes)) - 1
        high = max(low + 1, bisect_left(starts, max(c.end for c in changes)))
        end = starts[high] if high < len(starts) else self._last
        try:
            tree = _compiled(_DEFINITION + self._changed(changes, starts[low], end))
        except (SyntaxError, ValueError):
            return None
        made = tree.body[0]
        if len(tree.body) != 1 or not isinstance(made, ast.FunctionDef):
            return None
        if made.body[0].col_offset != self._scope.root.body[low].col_offset:
            return None
        parts = [*map(Names.of, made.body), *self._parts[:low], *self._parts[high:]]
        used, bound = (p.used for p in parts), (p.bound for p in parts)
        return Names(frozenset().union(*used), frozenset().union(*bound))

    @cached_property
    def _starts(self) -> list[int]:
        """Where the lines of each statement of the body begin; empty where they share lines."""
        scope = self._scope
        text = scope.module.text
        if not isinstance(scope.root, ast.FunctionDef) or _DECLARES.search(
            text, self._first, self._last
        ):
            return []
        starts = [scope.module.line_start(_outset(scope, s)) for s in scope.root.body]
        apart = all(a < b for a, b in pairwise([scope.start(scope.root), *starts]))
        return starts if apart else []

    @cached_property
    def _parts(self) -> list[Names]:
        """The names of each statement of the body; those of the function's head come last."""
        root = self._scope.root
        head = [part for part in children(root) if part not in root.body]
        parts = [Names.of(part) for part in (*root.body, *head)]
        return [*parts, Names(frozenset(), frozenset({root.name}))]

    def _changed(self, changes: Sequence[TextChange], first: int, last: int) -> str:
        moved = [TextChange(c.start - first, c.end - first, c.new_text) for c in changes]
        return apply_changes(self._scope.module.text[first:last], moved)


def _outset(scope: Scope, statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", ())
    return min([scope.start(statement), *map(scope.start, decorators)])


def _compiled(source: str) -> ast.Module:
    tree = ast.parse(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(tree, "<edit>", "exec", dont_inherit=True)
    return tree
