"""Whether a rule's edit may be offered: it stays in its function, parses, and names what is there.

An edit is looked at among the statements that it changes, not in the whole function: of a long one
they are a small part. Where a part does not compile by itself the whole function has the last word.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from analysis.rules.names import Names
from analysis.rules.nodes import children, walk
from analysis.rules.scope import Scope
from analysis.text import TextChange, apply_changes

_BUILTINS = frozenset(dir(builtins))
_CONSTANT = re.compile(r"_[A-Z0-9_]+ = ")
_ELIF = re.compile(r"^([ \t]*)elif\b")
# What may be right by its syntax and still not compile where it stands.
_DELICATE = re.compile(
    r"\b(?:break|continue|return|yield|await|async|del|lambda|class|def|match|__debug__)\b"
    r"|:=|\*|\w="
)
_HEADS = re.compile(r"\b(?:for|while|def|async|lambda|class|global|nonlocal)\b")
_DEFINITION, _LOOP = "def _():\n", " while 1:\n"
Head = ast.stmt | ast.excepthandler
_BLOCKS = ("body", "orelse", "finalbody")


@dataclass(frozen=True)
class Block:
    """Statements one below the other: where their lines begin, and the end of the last one's.

    `head` are lines below which the statements compile by themselves.
    """

    statements: list[ast.stmt]
    starts: list[int]
    end: int
    head: str

    @property
    def column(self) -> int:
        """How far the statements are indented, in bytes."""
        return self.statements[0].col_offset

    def place(self, first: int, last: int) -> tuple[int, int] | None:
        """The statements, from and before which number, that hold `first` to `last`."""
        if not self.starts[0] <= first <= last <= self.end:
            return None
        low = bisect_right(self.starts, first) - 1
        return low, max(low + 1, bisect_left(self.starts, last))


@dataclass(frozen=True)
class Part:
    """Changes, and the statements `low` up to `high` of a block that they change.

    Those stand in the text from `start` to `end`.
    """

    changes: Sequence[TextChange]
    block: Block
    low: int
    high: int
    start: int
    end: int


class EditCheck:
    """Looks at the edits of one outermost function."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._first = scope.first
        self._last = scope.module.next_line(scope.last - 1)
        self._blocks: dict[ast.stmt, Block | None] = {}
        self._bound: dict[tuple[ast.stmt, ast.stmt], frozenset[str]] = {}

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
            new |= Names.of(walk(ast.parse(code))).all
        try:
            names = self._names_of_part(inside)
            part = names is not None
            if names is None:
                names = self._names_of_all(inside)
        except (SyntaxError, ValueError) as error:
            return f"does not compile: {error}"
        missing = [n for n in names.used - names.bound - new if not self._is_known(n, part)]
        return f"unknown names: {sorted(missing)}" if missing else None

    def _is_known(self, name: str, part: bool) -> bool:
        """Whether a name has a meaning that an edit (of a part of the function) can't take away."""
        scope = self._scope
        if name in _BUILTINS or (part and name in scope.own_names) or name in scope.free_names:
            return True
        return name in scope.module.constants or (part and name == scope.root.name)

    def _names_of_all(self, changes: Sequence[TextChange]) -> Names:
        """The names of the function after the changes. Raises SyntaxError and ValueError."""
        after = self._changed(changes, self._first, self._last)
        indented = after[:1] in (" ", "\t") or (after[:1] == "\f" and after[1:2] in (" ", "\t"))
        tree = ast.parse("if 1:\n" + after if indented else after)
        _compile(tree)
        return Names.of(walk(tree))

    def _names_of_part(self, changes: Sequence[TextChange]) -> Names | None:
        """The names of what changes, compiled alone; None where that can't be told apart.

        None too where a name is bound no more: it may be in use elsewhere.
        """
        parts: list[Part] = []
        for change in sorted(changes, key=lambda c: (c.start, c.end)):
            part = self._around([change])
            while part is not None and parts and part.start < parts[-1].end:
                part = self._around([*parts.pop().changes, *part.changes])
            if part is None:
                return None
            parts.append(part)
        used, bound = set[str](), set[str]()
        for part in parts:
            names = self._names_in(part)
            if names is None:
                return None
            used |= names.used
            bound |= names.bound
        return Names(frozenset(used), frozenset(bound)) if parts else None

    def _around(self, changes: Sequence[TextChange]) -> Part | None:
        """The fewest statements that hold changes; none of them for whole lines between two."""
        if self._whole is None:
            return None
        first, last = min(c.start for c in changes), max(c.end for c in changes)
        lines = first == last and changes[0].new_text.endswith("\n")
        block: Block | None = self._whole
        while block is not None and (inner := self._inner(block, first, last)) is not None:
            if lines and first == inner.end and _indent(changes[0]) != inner.column:
                break
            block = inner
        if block is None or (place := block.place(first, last)) is None:
            return None
        low, high = place
        if lines and (first == block.starts[low] or first >= self._below(block.statements[low])):
            return Part(changes, block, low, low, first, first)
        end = block.starts[high] if high < len(block.starts) else block.end
        return Part(changes, block, low, high, block.starts[low], end)

    def _names_in(self, part: Part) -> Names | None:
        """The names of a part after its changes."""
        block = part.block
        after = self._changed(part.changes, part.start, part.end)
        if _ELIF.match(self._scope.module.text[part.start : part.end]):
            after = _ELIF.sub(r"\1if", after, count=1)  # compiles alone
        source = block.head + after
        try:
            tree = ast.parse(source)
            if any(map(self._is_delicate, part.changes)):
                _compile(tree)
        except (SyntaxError, ValueError):
            return None
        made: list[ast.stmt] = tree.body
        for _ in range(block.head.count("\n")):
            if len(made) != 1 or not isinstance(made[0], ast.FunctionDef | ast.While):
                return None
            made = made[0].body
        if not made or made[0].col_offset != block.column:
            return None
        names = _names(made)
        before = self._bound_by(block.statements[part.low : part.high])
        return names if before <= names.bound else None

    def _bound_by(self, statements: list[ast.stmt]) -> frozenset[str]:
        if not statements:
            return frozenset()
        key = statements[0], statements[-1]
        if key not in self._bound:
            self._bound[key] = _names(statements).bound
        return self._bound[key]

    def _is_delicate(self, change: TextChange) -> bool:
        old = self._scope.module.text[change.start : change.end]
        return bool(_DELICATE.search(change.new_text) or _HEADS.search(old))

    @cached_property
    def _whole(self) -> Block | None:
        """The body of the function; None where its statements share lines."""
        scope, root = self._scope, self._scope.root
        if not isinstance(root, ast.FunctionDef):
            return None
        if any(isinstance(n, ast.Global | ast.Nonlocal) for n in scope.nodes):
            return None
        return self._block(root.body, root, self._last, _DEFINITION)

    def _block(self, statements: list[ast.stmt], up: Head, end: int, head: str) -> Block | None:
        scope = self._scope
        starts = [scope.module.line_start(_outset(scope, s)) for s in statements]
        above = scope.start(up)
        if not all(a < b for a, b in pairwise([above, *starts])):
            return None
        return Block(statements, starts, end, head)

    def _inner(self, block: Block, first: int, last: int) -> Block | None:
        """The block inside of one statement of a block that holds all that changes."""
        place = block.place(first, last)
        if place is None or place[1] != place[0] + 1:
            return None
        statement = block.statements[place[0]]
        handlers = [n for n in children(statement) if isinstance(n, ast.excepthandler)]
        parts: list[Head] = [statement, *handlers]
        for part in parts:
            for name in _BLOCKS:
                inner = getattr(part, name, None)
                if isinstance(inner, list) and inner:
                    found = self._made(block, part, inner, name)
                    if found is not None and found.place(first, last) is not None:
                        return found
        return None

    def _made(self, block: Block, part: Head, inner: list[ast.stmt], name: str) -> Block | None:
        if inner[0] not in self._blocks:
            again = isinstance(part, ast.For | ast.AsyncFor | ast.While) and name == "body"
            inside = not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            head = _DEFINITION + _LOOP if again else block.head if inside else _DEFINITION
            end = self._below(inner[-1])
            self._blocks[inner[0]] = self._block(inner, part, end, head)
        return self._blocks[inner[0]]

    def _below(self, statement: ast.stmt) -> int:
        """Where the line below a statement begins."""
        return self._scope.module.next_line(self._scope.end(statement) - 1)

    def _changed(self, changes: Sequence[TextChange], first: int, last: int) -> str:
        moved = [TextChange(c.start - first, c.end - first, c.new_text) for c in changes]
        return apply_changes(self._scope.module.text[first:last], moved)


def _outset(scope: Scope, statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", ())
    return min([scope.start(statement), *map(scope.start, decorators)])


def _indent(change: TextChange) -> int:
    return len(change.new_text) - len(change.new_text.lstrip(" \t"))


def _names(statements: Iterable[ast.stmt]) -> Names:
    return Names.of(node for statement in statements for node in walk(statement))


def _compile(tree: ast.Module) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(tree, "<edit>", "exec", dont_inherit=True)
