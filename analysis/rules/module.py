"""A file as the rules see it: places of patterns, names in use, imports and where new ones go.

Works on files with syntax errors: patterns and imports come from tree-sitter, which recovers.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from ast_grep_py import SgRoot

from analysis.rules.base import NoRewriteError
from analysis.rules.places import newline_of, parseable
from analysis.text import LineIndex, TextChange

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_CODING = re.compile(r"^[ \t\f]*#.*?coding[:=]")
_IMPORTS = ("import_statement", "import_from_statement", "future_import_statement")
_RESERVED = frozenset(dir(builtins)) | frozenset(keyword.kwlist) | {"self", "cls"}


_BINDERS = (
    ast.arg,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.alias,
    ast.Global,
    ast.Nonlocal,
    ast.ExceptHandler,
    ast.MatchAs,
    ast.MatchStar,
    ast.MatchMapping,
)


def bindings_of(node: ast.AST) -> Iterator[str]:
    """The names that one node (not those below it) binds or reads."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).split(".")[0]
    elif isinstance(node, ast.Global | ast.Nonlocal):
        yield from node.names
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def bindings(tree: ast.AST) -> Iterator[str]:
    """Every name that a tree binds or reads, attributes and keywords of calls left out."""
    for node in ast.walk(tree):
        yield from bindings_of(node)


def bound_in(tree: ast.AST) -> set[str]:
    """The names that a statement or comprehension binds anywhere inside."""
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif not isinstance(node, ast.Name) and isinstance(node, _BINDERS):
            bound.update(bindings_of(node))
    return bound


class Module:
    """The text of one file, parsed once for all rules."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.index = LineIndex(text)
        self.newline = newline_of(text)
        self._root = SgRoot(parseable(text), "python").root()
        self._matches: dict[str, list[tuple[int, int]]] = {}
        self._top = [
            (n.kind(), n.range().start.index, n.range().end.index) for n in self._root.children()
        ]

    def matches(self, pattern: str | dict[str, Any]) -> list[tuple[int, int]]:
        """Start and end (string offsets) of what an ast-grep pattern matches, in order."""
        key = str(pattern)
        if key not in self._matches:
            found = (
                self._root.find_all(pattern=pattern)
                if isinstance(pattern, str)
                else self._root.find_all({"rule": pattern})
            )
            spans = [n.range() for n in found]
            self._matches[key] = sorted((r.start.index, r.end.index) for r in spans)
        return self._matches[key]

    @cached_property
    def tree(self) -> ast.Module | None:
        """The syntax tree, or None when the file has errors."""
        try:
            return ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word of the text, comments and strings included."""
        return frozenset(_IDENTIFIER.findall(self.text))

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that the code binds or reads; every word where the file has errors."""
        return self.words if self.tree is None else frozenset(bindings(self.tree))

    @cached_property
    def constants(self) -> dict[str, ast.expr]:
        """Values of names that the module assigns exactly once, at its top level."""
        if self.tree is None:
            return {}
        values: dict[str, ast.expr] = {}
        twice: set[str] = set()
        for node in self.tree.body:
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

    @cached_property
    def comments(self) -> list[int]:
        """Offsets of the comments, in order."""
        return [start for start, _ in self.matches({"kind": "comment"})]

    def has_comment(self, start: int, end: int) -> bool:
        """Whether a comment begins between two offsets."""
        at = bisect_left(self.comments, start)
        return at < len(self.comments) and self.comments[at] < end

    def is_fresh(self, name: str) -> bool:
        """Whether the code neither binds nor reads this name, and Python does not reserve it."""
        return name not in self.names and name not in _RESERVED

    @cached_property
    def imports(self) -> list[tuple[int, int, ast.Import | ast.ImportFrom]]:
        """Imports at the top level: start, end, statement."""
        found = []
        for kind, start, end in self._top:
            if kind not in _IMPORTS:
                continue
            try:
                node = ast.parse(self.text[start:end]).body[0]
            except (SyntaxError, ValueError, IndexError):
                continue
            if isinstance(node, ast.Import | ast.ImportFrom):
                found.append((start, end, node))
        return found

    def line_start(self, offset: int) -> int:
        """Offset of the first character of the line that holds `offset`."""
        return self.index.starts[self.index.line_of(offset)]

    def next_line(self, offset: int) -> int:
        """Offset of the line after the one that holds `offset`; the end of the text if none."""
        line = self.index.line_of(offset) + 1
        return self.index.starts[line] if line < len(self.index.starts) else len(self.text)

    def above_comments(self, offset: int) -> int:
        """Start of the line of `offset`, or of the comment lines right above with its indent."""
        line = self.index.line_of(offset)
        own = self.index.line_text(line)
        indent = own[: len(own) - len(own.lstrip())]
        while line > 0:
            above = self.index.line_text(line - 1)
            if not above.startswith(indent + "#"):
                break
            line -= 1
        return self.index.starts[line]

    def import_change(self, statement: str) -> TextChange:
        """Add an import statement beside the existing ones, sorted in if they are sorted."""
        node = ast.parse(statement).body[0]
        assert isinstance(node, ast.Import | ast.ImportFrom)
        block = self._first_block()
        if block:
            after: int | None = None
            for start, end, other in block:
                if _import_key(other) > _import_key(node):
                    at = self.line_start(start) if after is None else after
                    return TextChange(at, at, statement + self.newline)
                after = self.next_line(max(start, end - 1))
            return self._insert_line(after or 0, statement, before="", behind="")
        at, before = self._after_head()
        return self._insert_line(at, statement, before=before, behind=self.newline * 2)

    def _first_block(self) -> list[tuple[int, int, ast.Import | ast.ImportFrom]]:
        """The first imports, `__future__` left out, on lines that follow one another."""
        block: list[tuple[int, int, ast.Import | ast.ImportFrom]] = []
        for start, end, node in self.imports:
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                continue
            if block and self.text[block[-1][1] : start].strip():
                break  # other statements lie between
            if block and self.index.line_of(start) > self.index.line_of(block[-1][1] - 1) + 1:
                break
            block.append((start, end, node))
        return block

    def _after_head(self) -> tuple[int, str]:
        """Where a first import goes: after `__future__`, the docstring, or the leading comments."""
        for _, end, node in reversed(self.imports):
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                return self.next_line(end - 1), self.newline
        statements = [t for t in self._top if t[0] != "comment"]
        if statements and statements[0][0] == "expression_statement":
            start, end = statements[0][1:]
            if re.match(r"[uUrR]?['\"]", self.text[start:end]):
                return self.next_line(end - 1), self.newline
        line = 0
        while line < len(self.index.starts) and self.index.line_text(line).startswith("#"):
            line += 1
        if line < len(self.index.starts) and not self.index.line_text(line).strip() and line:
            return self.index.starts[line], self.newline
        line = 0
        while line < 2 and line < len(self.index.starts):
            text = self.index.line_text(line)
            if not (text.startswith("#!") or _CODING.match(text)):
                break
            line += 1
        return (self.index.starts[line] if line < len(self.index.starts) else 0), ""

    def _insert_line(self, at: int, line: str, *, before: str, behind: str) -> TextChange:
        if at and self.text[at - 1] not in "\r\n":
            before = self.newline + before
        rest = self.text[at : at + 2]
        if behind and rest[:1] in ("\r", "\n"):
            behind = ""
        return TextChange(at, at, before + line + self.newline + behind)

    def constant_change(self, offset: int, name: str, value: str) -> TextChange:
        """Add a constant of the module above the top-level statement that holds `offset`."""
        for kind, start, end in self._top:
            if start <= offset < end:
                if kind == "ERROR":
                    break
                at = self.above_comments(start)
                return TextChange(at, at, f"{name} = {value}{self.newline * 3}")
        raise NoRewriteError("no statement of the module holds the function")


def _import_key(node: ast.Import | ast.ImportFrom) -> tuple[bool, int, str]:
    if isinstance(node, ast.ImportFrom):
        return True, node.level, node.module or ""
    return False, 0, node.names[0].name
