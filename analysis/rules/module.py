"""A file as the rules see it: places of patterns, names in use, imports and where new ones go.

Works on files with syntax errors: their imports come from tree-sitter, which recovers.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from analysis.rules.base import NoRewriteError
from analysis.rules.trees import children, walk
from analysis.text import LineIndex, TextChange

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_CODING = re.compile(r"^[ \t\f]*#.*?coding[:=]")
_LONE_CR = re.compile(r"\r(?!\n)")
_WIDE = re.compile(r"[^\x00-\x7f]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BLOCK = "if 1:\n"
_KINDS = {
    ast.Import: "import_statement",
    ast.ImportFrom: "import_from_statement",
    ast.Expr: "expression_statement",
}
_IMPORTS = ("import_statement", "import_from_statement", "future_import_statement")
_RESERVED = frozenset(dir(builtins)) | frozenset(keyword.kwlist) | {"self", "cls"}


_NAMES = "_hasten_names"
_Definition = ast.FunctionDef | ast.AsyncFunctionDef
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
    elif isinstance(node, _BINDERS):
        yield from _bound_by(node)


def _bound_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.arg):
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
    for node in walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, _BINDERS):
            yield from _bound_by(node)


def bound_in(tree: ast.AST) -> set[str]:
    """The names that a statement or comprehension binds anywhere inside."""
    bound: set[str] = set()
    for node in walk(tree):
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                bound.add(node.id)
        elif isinstance(node, _BINDERS):
            bound.update(_bound_by(node))
    return bound


def names_below(tree: ast.AST) -> frozenset[str]:
    """As `bindings` of a whole function, made once."""
    kept: frozenset[str] | None = tree.__dict__.get(_NAMES)
    if kept is None:
        kept = frozenset(bindings(tree))
        setattr(tree, _NAMES, kept)
    return kept


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
        clean = _SURROGATE.sub("\ufffd", _LONE_CR.sub("\n", source))
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


class Module:
    """The text of one file, parsed once for all rules."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.index = LineIndex(text)
        self.newline = (
            "\r\n" if "\r\n" in text else "\n" if "\n" in text or "\r" not in text else "\r"
        )
        wide = () if text.isascii() else _WIDE.finditer(text)
        self._wide = frozenset(self.index.line_of(m.start()) for m in wide)
        self._pieces: dict[int, Piece] = {}

    def piece(self, first: int, last: int) -> Piece:
        """A function's lines for ast-grep."""
        if first not in self._pieces:
            self._pieces[first] = Piece(self.text, first, last)
        return self._pieces[first]

    @cached_property
    def _whole(self) -> Piece:
        return Piece(self.text, 0, len(self.text))

    @cached_property
    def _top(self) -> list[tuple[str, int, int]]:
        """The statements at the top level: what kind, start, end."""
        if self.tree is None:
            found = [(n.kind(), *self._whole.span(n)) for n in self._whole.root.children()]
            return [part for part in found if part[0] != "comment"]
        return [
            (_KINDS.get(type(s), "statement"), self._start(s), self.end(s)) for s in self.tree.body
        ]

    def _start(self, statement: ast.stmt) -> int:
        decorators = getattr(statement, "decorator_list", ())
        if not decorators:
            return self.start(statement)
        return self.text.rindex("@", 0, self.start(decorators[0]))

    def offset(self, line: int, column: int) -> int:
        """The string offset of a place in the syntax tree: 1-based line, byte in the line."""
        start = self.index.starts[line - 1]
        if line - 1 not in self._wide:
            return start + column
        text = self.index.line_text(line - 1)
        return start + len(text.encode()[:column].decode(errors="ignore"))

    def start(self, node: ast.stmt | ast.expr) -> int:
        """Where a node of `tree` begins (decorators left out)."""
        return self.offset(node.lineno, node.col_offset)

    def end(self, node: ast.stmt | ast.expr) -> int:
        """Where a node of `tree` ends."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.offset(node.end_lineno, node.end_col_offset)

    @cached_property
    def definitions(self) -> dict[int, _Definition]:
        """The functions of `tree` that stand in no other one, by the 0-based line of `def`."""
        return {n.lineno - 1: n for n in self._outside if isinstance(n, _Definition)}

    @cached_property
    def _outside(self) -> list[ast.AST]:
        """The nodes of `tree` that are in no function, the functions themselves included."""
        nodes: list[ast.AST] = [self.tree] if self.tree else []
        for node in nodes:  # grows as it is read
            if not isinstance(node, _Definition):
                nodes += children(node)
        return nodes

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
        if self.tree is None:
            return self.words
        names = {name for node in self._outside for name in bindings_of(node)}
        return frozenset(names.union(*(names_below(node) for node in self.definitions.values())))

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

    def has_comment(self, start: int, end: int) -> bool:
        """Whether a comment begins between two offsets."""
        if "#" not in self.text[start:end]:
            return False
        around = (p for p in self._pieces.values() if p.first <= start and end <= p.last)
        comments = next(around, self._whole).matches({"kind": "comment"})
        at = bisect_left(comments, (start, start))
        return at < len(comments) and comments[at][0] < end

    def is_fresh(self, name: str) -> bool:
        """Whether the code neither binds nor reads this name, and Python does not reserve it."""
        return name not in self.names and name not in _RESERVED

    @cached_property
    def imports(self) -> list[tuple[int, int, ast.Import | ast.ImportFrom]]:
        """Imports at the top level: start, end, statement."""
        if self.tree is not None:
            return [
                (self.start(s), self.end(s), s)
                for s in self.tree.body
                if isinstance(s, ast.Import | ast.ImportFrom)
            ]
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

    @cached_property
    def imported(self) -> frozenset[str]:
        """The names that the imports at the top level bind."""
        return frozenset(
            (a.asname or a.name).split(".")[0] for _, _, node in self.imports for a in node.names
        )

    @cached_property
    def bound(self) -> frozenset[str]:
        """The names of the module's constants, imports, functions and classes."""
        statements = self.tree.body if self.tree else []
        defined = {s.name for s in statements if isinstance(s, ast.FunctionDef | ast.ClassDef)}
        return frozenset(self.constants) | self.imported | defined

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
        if self._top and self._top[0][0] == "expression_statement":
            start, end = self._top[0][1:]
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
