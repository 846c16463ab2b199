"""The parts of a file: each function that stands in no other one, and the frame around them.

They are read apart, so that an error in one does no harm to the others, and that of a file that was
changed only the changed part is read again.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from analysis.functions import Function
from analysis.rules.base import NoRewriteError
from analysis.rules.names import Names
from analysis.rules.nodes import parents_below, walk
from analysis.rules.places import parseable
from analysis.text import LineIndex

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_BLOCK = "if 1:\n"


@dataclass(frozen=True)
class Parsed:
    """A function's tree; its line numbers are of the file where `line` is added."""

    root: ast.FunctionDef | ast.AsyncFunctionDef
    line: int

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The node above each node, in the order of `walk`.

        One object stands for every `+`: nobody asks for its place.
        """
        return parents_below(self.root)

    @cached_property
    def inner(self) -> Names:
        """The names of what is below the function's own node."""
        return Names.of(self.parents)

    @property
    def names(self) -> frozenset[str]:
        """The names that the function binds or reads, its own included."""
        return self.inner.all | {self.root.name}


def parsed(source: str, line: int) -> Parsed:
    """The tree of a function's lines, the first of which is `line`.

    Raises NoRewriteError where they do not parse.
    """
    lead = source[: len(source) - len(source.lstrip(" \t\f"))]
    indented = bool(lead.strip("\f"))
    try:
        tree = ast.parse(_BLOCK + source if indented else source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NoRewriteError(str(error)) from error
    top: ast.AST = tree.body[0]
    if isinstance(top, ast.If):
        top = top.body[0]
    if not isinstance(top, ast.FunctionDef | ast.AsyncFunctionDef):
        raise NoRewriteError("no function")
    return Parsed(top, line - indented)


class Piece:
    """A part of a file's text as ast-grep sees it, with places by the file's offsets."""

    def __init__(self, text: str, first: int, last: int) -> None:
        self.first, self.last = first, last
        self._text = text
        self._head = _BLOCK if text[first : first + 1] in (" ", "\t", "\f") else ""
        self._matches: dict[str, list[tuple[int, int]]] = {}

    @cached_property
    def root(self) -> SgNode:
        """The node of the whole piece."""
        from ast_grep_py import SgRoot  # where a rule has something to say

        # Same lengths, so that offsets hold: tree-sitter knows no lone \r, UTF-8 no surrogates.
        source = self._text[self.first : self.last]
        clean = parseable(source)
        return SgRoot(self._head + clean, "python").root()

    def matches(self, pattern: str | dict[str, Any]) -> list[tuple[int, int]]:
        """Start and end (string offsets) of what an ast-grep pattern matches, in order."""
        key = str(pattern)
        if key not in self._matches:
            found = (
                self.root.find_all(pattern=pattern)
                if isinstance(pattern, str)
                else self.root.find_all({"rule": pattern})
            )
            self._matches[key] = sorted(map(self.span, found))
        return self._matches[key]

    def span(self, node: SgNode) -> tuple[int, int]:
        """The file's offsets of a node."""
        found = node.range()
        shift = self.first - len(self._head)
        return found.start.index + shift, found.end.index + shift


class Frame:
    """What is left of a file when each function is no more than a stub on one line.

    Taken over from the frame of an earlier text where both are the same.
    """

    def __init__(self, text: str, outer: Sequence[Function], before: Frame | None) -> None:
        out: list[str] = []
        self._ends, self._shifts = [0], [0]  # from which place on, how far the file is ahead
        at = length = 0
        for function in outer:
            top = function.qualname == function.name
            head = "async def" if function.is_async else "def"
            stub = f"{head} {function.name if top else '_'}(): pass"
            out += (text[at : function.start], stub)
            length += function.start - at + len(stub)
            at = function.end
            self._ends.append(length)
            self._shifts.append(at - length)
        self.text = "".join((*out, text[at:]))
        same = before is not None and self.is_same_as(before)
        self._read: _Read = before._read if before is not None and same else _Read(self.text)

    def is_same_as(self, other: Frame) -> bool:
        """Whether nothing differs outside of functions."""
        return self.text == other.text

    @property
    def tree(self) -> ast.Module | None:
        """The tree, in which functions are stubs; None where what is left does not parse."""
        return self._read.tree

    @property
    def names(self) -> frozenset[str]:
        """The names that are bound or read outside of functions."""
        return self._read.names

    @property
    def constants(self) -> dict[str, ast.expr]:
        """Values of names that are assigned exactly once, at the top level."""
        return self._read.constants

    @property
    def defined(self) -> frozenset[str]:
        """The names of functions and classes at the top level."""
        return self._read.defined

    @property
    def imported(self) -> frozenset[str]:
        """The names that imports at the top level bind."""
        return self._read.imported

    def span(self, statement: ast.stmt) -> tuple[int, int]:
        """Where in the file a statement of the tree begins and ends, decorators included."""
        start, end = self._read.span(statement)
        return self._place(start), self._place(end)

    def _place(self, offset: int) -> int:
        return offset + self._shifts[bisect_right(self._ends, offset) - 1]


def imported_by(statements: Iterable[ast.Import | ast.ImportFrom]) -> frozenset[str]:
    """The names that imports bind."""
    return frozenset((a.asname or a.name).split(".")[0] for s in statements for a in s.names)


class _Read:
    """What a frame's text says, each when first asked for."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _lines(self) -> LineIndex:
        return LineIndex(self.text)

    @cached_property
    def tree(self) -> ast.Module | None:
        try:
            return ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    @cached_property
    def names(self) -> frozenset[str]:
        return Names.of(walk(self.tree)).all if self.tree else frozenset()

    @cached_property
    def defined(self) -> frozenset[str]:
        statements = self.tree.body if self.tree else []
        return frozenset(
            s.name for s in statements if isinstance(s, ast.FunctionDef | ast.ClassDef)
        )

    @cached_property
    def imported(self) -> frozenset[str]:
        statements = self.tree.body if self.tree else []
        return imported_by(s for s in statements if isinstance(s, ast.Import | ast.ImportFrom))

    @cached_property
    def constants(self) -> dict[str, ast.expr]:
        values: dict[str, ast.expr] = {}
        twice: set[str] = set()
        for node in self.tree.body if self.tree else ():
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name, value = node.targets[0].id, node.value
            elif (
                isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name)
            ):
                name, value = node.target.id, node.value
            else:
                continue
            if name in values:
                twice.add(name)
            values[name] = value
        return {k: v for k, v in values.items() if k not in twice}

    def span(self, statement: ast.stmt) -> tuple[int, int]:
        start = self._offset(statement.lineno, statement.col_offset)
        if decorators := getattr(statement, "decorator_list", ()):
            first = self._offset(decorators[0].lineno, decorators[0].col_offset)
            start = self.text.rindex("@", 0, first)
        return start, self._offset(statement.end_lineno or 0, statement.end_col_offset or 0)

    def _offset(self, line: int, column: int) -> int:
        text = self._lines.line_text(line - 1)
        width = column if text.isascii() else len(text.encode()[:column].decode(errors="ignore"))
        return self._lines.starts[line - 1] + width
