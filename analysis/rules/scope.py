"""One function as the rules see it: a syntax tree whose nodes know their place in the file.

The function's own text is parsed, so that an error elsewhere in the file does no harm.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cached_property
from typing import TypeVar

from analysis.functions import Function
from analysis.rules.base import NoRewriteError
from analysis.rules.effects import Effects
from analysis.rules.module import Module
from analysis.rules.nodes import text_of, walk
from analysis.rules.parts import Piece
from analysis.text import TextChange

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Loop = ast.For | ast.AsyncFor | ast.While | Comprehension | ast.Lambda
StatementLoop = (ast.For, ast.AsyncFor, ast.While)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Raise, ast.Assert)
_LINE_END = re.compile(r"\r\n?|\n")
N = TypeVar("N", bound=ast.AST)


def _repeats(up: ast.AST, node: ast.AST) -> Loop | None:
    """The node above as the loop that repeats the one below it; None where it does not."""
    if isinstance(up, ast.For | ast.AsyncFor):
        return up if node in up.body else None
    if isinstance(up, ast.While):
        return up if node not in up.orelse else None
    if isinstance(up, COMPREHENSIONS) or (isinstance(up, ast.Lambda) and node is up.body):
        return up
    return None


_STANDS = "_hasten_stands"
"""Where a node keeps its text: what it is does not change while its tree lives."""


class Scope:
    """An outermost function, its parsed tree and the text it came from.

    Raises NoRewriteError when the function alone does not parse.
    """

    def __init__(self, module: Module, function: Function) -> None:
        self.module = module
        self.function = function
        self.first = module.line_start(function.start)
        self.last = function.end
        self.piece = module.piece(self.first, module.next_line(self.last - 1))
        known = module.parsed(function)
        self._line, self.root = known.line, known.root
        # Line starts, where each column is a string offset: places are asked for all the time.
        self._starts = None if module.has_wide else module.index.starts
        self.effects: dict[ast.AST, Effects] = {}
        self.handed: dict[ast.AST, set[str]] = {}
        self._loops: dict[ast.AST, tuple[Loop, ...]] = {}
        self._names = known.inner
        self._parents = known.parents
        self.nodes = walk(self.root)

    # -- places ---------------------------------------------------------------------------------

    def _offset(self, line: int, column: int) -> int:
        if self._starts is not None:
            return self._starts[self._line + line - 1] + column
        return self.module.offset(self._line + line, column)

    def piece_around(self, node: ast.AST) -> Piece:
        """The part of the text for ast-grep that a node is in: a simple statement, or all."""
        statement = self.statement(node)
        if not isinstance(statement, _SIMPLE):
            return self.piece
        first = self.module.line_start(self.start(statement))
        return self.module.piece(first, self.module.next_line(self.end(statement) - 1))

    def start(self, node: ast.expr | ast.stmt | ast.arg | ast.excepthandler) -> int:
        """String offset in the file where a node begins (decorators left out)."""
        return self._offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.arg) -> int:
        """String offset in the file where a node ends."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.end_lineno, node.end_col_offset)

    def text(self, node: ast.expr | ast.stmt | ast.arg) -> str:
        """A node's text as it stands in the file."""
        kept: str | None = node.__dict__.get(_STANDS)
        if kept is None:
            if node in self.formatted:
                kept = text_of(node)
            else:
                kept = self.module.text[self.start(node) : self.end(node)]
            setattr(node, _STANDS, kept)
        return kept

    @cached_property
    def formatted(self) -> frozenset[ast.AST]:
        """Nodes inside of f-strings: Python before 3.12 does not tell their places rightly."""
        strings = [n for n in self.nodes if isinstance(n, ast.JoinedStr)]
        return frozenset(n for s in strings for n in walk(s) if n is not s)

    def line_text(self, node: ast.expr) -> str:
        """A node's text on one line, for use elsewhere: as it stands, or written anew."""
        text = self.text(node)
        return text_of(node) if "\n" in text or "\r" in text else text

    def operand(self, node: ast.expr) -> str:
        """A node's text on one line, in parentheses unless it binds as tight as a name."""
        text = self.line_text(node)
        atoms = (ast.Name, ast.Constant, ast.Attribute, ast.Subscript, ast.Call, ast.List, ast.Dict)
        if isinstance(node, atoms) and not text[:1].isdigit():
            return text
        return text if text.startswith("(") and isinstance(node, ast.Tuple) else f"({text})"

    # -- the tree -------------------------------------------------------------------------------

    def parent(self, node: ast.AST) -> ast.AST | None:
        """The node above, None for the outermost function."""
        return self._parents.get(node)

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes above, innermost first."""
        up = self._parents.get(node)
        while up is not None:
            yield up
            up = self._parents.get(up)

    def inner_function(self, node: ast.AST) -> FunctionNode:
        """The innermost function that a node is in."""
        for up in self.ancestors(node):
            if isinstance(up, ast.FunctionDef | ast.AsyncFunctionDef):
                return up
        return self.root

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement that a node is in (itself if it is one), never an `elif`."""
        at = node if isinstance(node, ast.stmt) else None
        if at is None:
            at = next(up for up in self.ancestors(node) if isinstance(up, ast.stmt))
        while isinstance(at, ast.If) and self.module.text.startswith("elif", self.start(at)):
            up = self.parent(at)
            assert isinstance(up, ast.stmt)
            at = up
        return at

    def block(self, statement: ast.stmt) -> list[ast.stmt]:
        """The list of statements that a statement stands in."""
        up = self.parent(statement)
        for field in ("body", "orelse", "finalbody"):
            block = getattr(up, field, None)
            if isinstance(block, list) and statement in block:
                return block
        raise NoRewriteError("not in a block")

    def neighbour(self, statement: ast.stmt, step: int) -> ast.stmt | None:
        """The statement `step` places further in the same block."""
        block = self.block(statement)
        at = block.index(statement) + step
        return block[at] if 0 <= at < len(block) else None

    def inside(self, node: ast.AST, tree: ast.AST) -> bool:
        """Whether a node is below (or is) another."""
        return node is tree or any(up is tree for up in self.ancestors(node))

    def loops(self, node: ast.AST) -> list[Loop]:
        """The loops that repeat a node, innermost first, up to its function.

        Comprehensions and the functions handed to `key=` and the like count as loops.
        """
        return list(self._loops_of(node))

    def _loops_of(self, node: ast.AST) -> tuple[Loop, ...]:
        path: list[tuple[ast.AST, Loop | None]] = []
        known = self._loops.get(node)
        at: ast.AST | None = node
        while known is None:
            assert at is not None
            up = self._parents.get(at)
            if up is None or isinstance(up, FunctionNode | ast.ClassDef):
                path.append((at, None))
                known = ()
                break
            path.append((at, _repeats(up, at)))
            if isinstance(up, ast.comprehension) and at is up.iter:
                around = self._parents[up]
                if isinstance(around, COMPREHENSIONS) and around.generators[0] is up:
                    up = around  # its first `in` is looked at once
            at, known = up, self._loops.get(up)
        for below, loop in reversed(path):
            known = known if loop is None else (loop, *known)
            self._loops[below] = known
        return known

    def depth(self, node: ast.AST) -> int:
        """How many loops repeat a node."""
        loops = self._loops_of(node)
        return sum(len(x.generators) if isinstance(x, COMPREHENSIONS) else 1 for x in loops)

    def find(self, tree: ast.AST, kind: type[N]) -> Iterator[N]:
        """Nodes of a class in a tree, the tree's own node included."""
        return (n for n in walk(tree) if isinstance(n, kind))

    # -- names ----------------------------------------------------------------------------------

    @cached_property
    def free_names(self) -> frozenset[str]:
        """Names that the function reads and does not bind, and those that the file imports."""
        return (self._names.used - self.own_names) | self.module.imported

    @property
    def own_names(self) -> frozenset[str]:
        """Names bound anywhere in the outermost function, its own name left out."""
        return self._names.bound

    def fresh(self, name: str, *taken: str) -> str:
        """`name`, or the next one with a number that the file does not use."""
        name = name.strip("_") or "value"
        candidate, number = name, 1
        while candidate in taken or not self.module.is_fresh(candidate):
            number += 1
            candidate = f"{name}_{number}"
        return candidate

    def stem(self, node: ast.expr, default: str = "values") -> str:
        """A word for an expression, to build names from: its last attribute or its name."""
        if isinstance(node, ast.Attribute):
            return node.attr.strip("_") or default
        if isinstance(node, ast.Name):
            return node.id.strip("_") or default
        if isinstance(node, ast.Subscript):
            return self.stem(node.value, default)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            return self.stem(node.func.value, default)
        if isinstance(node, ast.Call):
            return self.stem(node.args[0] if node.args else node.func, default)
        return default

    def is_module(self, name: str, module: str) -> bool:
        """Whether a name in this function means an imported module."""
        return name not in self.own_names and any(
            (a.asname or a.name) == name and a.name == module
            for _, _, node in self.module.imports
            if isinstance(node, ast.Import)
            for a in node.names
        )

    def is_imported(self, func: ast.expr, module: str, name: str) -> bool:
        """Whether an expression means `module.name`, however it was imported."""
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
            return func.attr == name and self.is_module(func.value.id, module)
        return (
            isinstance(func, ast.Name)
            and func.id not in self.own_names
            and any(
                node.module == module and a.name == name and (a.asname or a.name) == func.id
                for _, _, node in self.module.imports
                if isinstance(node, ast.ImportFrom) and not node.level
                for a in node.names
            )
        )

    def is_builtin(self, func: ast.expr, *names: str) -> bool:
        """Whether an expression is one of the named builtins and the file binds no such name."""
        if not (isinstance(func, ast.Name) and func.id in names):
            return False
        return func.id not in self.own_names and func.id not in self.module.bound

    def need(self, module: str, name: str = "") -> tuple[str, list[TextChange]]:
        """How to write `module` (or `module.name`) in this function, with an import if needed."""
        for _, _, node in self.module.imports:
            for alias in node.names:
                local = alias.asname or alias.name
                if local in self.own_names:
                    continue
                if isinstance(node, ast.Import) and alias.name == module:
                    return (f"{local}.{name}" if name else local), []
                if not isinstance(node, ast.ImportFrom) or not name or node.level:
                    continue
                if node.module == module and alias.name == name:
                    return local, []
        wanted = name or module
        local = wanted
        if self.module.uses(wanted):
            local = "_" + wanted
            while self.module.mentions(local):
                local += "_"
        as_name = "" if local == wanted else f" as {local}"
        line = f"from {module} import {name}{as_name}" if name else f"import {module}{as_name}"
        return local, [self.module.import_change(line)]

    # -- changes --------------------------------------------------------------------------------

    def replace(self, node: ast.expr | ast.stmt, new_text: str) -> TextChange:
        """Put new text in a node's place. Raises NoRewriteError where an f-string can't hold it."""
        if node in self.formatted:
            text = self.module.text[self.start(node) : self.end(node)]
            if text != text_of(node) or set(new_text) & set("'\"\\\n{}"):
                raise NoRewriteError("inside of an f-string")
        return TextChange(self.start(node), self.end(node), _LINE_END.sub(self.newline, new_text))

    @property
    def newline(self) -> str:
        """How lines end in this file."""
        return self.module.newline

    @cached_property
    def unit(self) -> str:
        """One step of indentation, as the function has it."""
        outer, inner = self.indent(self.root), self.indent(self.root.body[0])
        step = inner[len(outer) :] if inner.startswith(outer) else ""
        return step or "    "

    def indent(self, statement: ast.stmt) -> str:
        """The white space before a statement on its line."""
        at = self.start(statement)
        lead = self.module.text[self.module.line_start(at) : at]
        return lead[: len(lead) - len(lead.lstrip())]

    def owns_line(self, statement: ast.stmt) -> bool:
        """Whether nothing but white space stands before a statement on its line."""
        at = self.start(statement)
        return not self.module.text[self.module.line_start(at) : at].strip()

    def insert_before(self, statement: ast.stmt, code: str) -> TextChange:
        """Lines above a statement and its comment. Raises NoRewriteError when it shares a line."""
        statement = self.statement(statement)
        start = self.start(statement)
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            start = min([start, *(self.start(d) - 1 for d in statement.decorator_list)])
        if not self.owns_line(statement) or statement is self.root:
            raise NoRewriteError("the statement does not stand on its own line")
        at = self.module.above_comments(start)
        previous = self.neighbour(statement, -1)
        if previous is not None:
            at = max(at, self.module.next_line(self.end(previous) - 1))
        return TextChange(at, at, self._lines(code, self.indent(statement)))

    def insert_after(self, statement: ast.stmt, code: str) -> TextChange:
        """Lines below a statement. Raises NoRewriteError when it shares its last line."""
        end = self.end(statement)
        at = self.module.next_line(end - 1)
        rest = self.module.text[end:at].strip()
        if (rest and not rest.startswith("#")) or not self.owns_line(statement):
            raise NoRewriteError("the statement shares its line")
        lines = self._lines(code, self.indent(statement))
        if at and self.module.text[at - 1] not in "\r\n":
            return TextChange(at, at, self.newline + lines[: -len(self.newline)])
        return TextChange(at, at, lines)

    def remove(self, statement: ast.stmt) -> TextChange:
        """Take a statement's lines away. Raises NoRewriteError when it shares them or a comment."""
        start = self.module.line_start(self.start(statement))
        end = self.module.next_line(self.end(statement) - 1)
        if self.module.text[self.end(statement) : end].strip() or not self.owns_line(statement):
            raise NoRewriteError("the statement shares its line")
        return TextChange(start, end, "")

    def _lines(self, code: str, indent: str) -> str:
        lines = [indent + line.replace("\t", self.unit) for line in code.split("\n")]
        return "".join(line + self.newline for line in lines)
