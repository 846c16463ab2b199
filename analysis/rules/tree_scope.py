"""One function as rules on tree-sitter's trees see it: nodes of ast-grep, and changes to its text.

What differs between languages is told by a `Grammar`, or by a class of the language below `Scope`.
All offsets are string offsets in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ast_grep_py import SgNode, SgRoot

from analysis.functions import Function
from analysis.rules.base import NoRewriteError
from analysis.rules.places import newline_of, parseable
from analysis.text import LineIndex, TextChange

_WORD = re.compile(r"[^\W\d]\w*")
_LINE_END = re.compile(r"\r\n?|\n")
_WRITES = ("assignment_expression", "augmented_assignment_expression", "update_expression")
_BODIES = ("body", "consequence", "alternative")
_PARTS = (
    "subscript_expression", "field_expression", "member_expression", "parenthesized_expression",
    "pointer_expression",
)  # fmt: skip


@dataclass(frozen=True)
class Grammar:
    """How a language of ast-grep names what rules ask for.

    `functions`: definitions of functions, where a search for loops ends. `loops`: statements that
    repeat; what stands in a field of `once` is evaluated before. `blocks`: nodes whose children are
    statements. `names`: nodes that are names of variables. `comment` begins a comment to the end of
    the line. `outside` is what an edit may add outside of the function. `reserved` are names that
    no variable can have. `kinds` are further nodes that are found in one walk with the names.
    """

    name: str
    functions: tuple[str, ...]
    loops: tuple[str, ...]
    once: tuple[str, ...]
    blocks: tuple[str, ...]
    names: tuple[str, ...]
    comment: str
    outside: re.Pattern[str]
    reserved: frozenset[str] = frozenset()
    kinds: tuple[str, ...] = ()


class Source:
    """The text of one file, parsed once for all rules."""

    def __init__(self, text: str, path: str, grammar: Grammar) -> None:
        self.text, self.path, self.grammar = text, path, grammar
        self.index = LineIndex(text)
        self.newline = newline_of(text)
        self.root = SgRoot(parseable(text), grammar.name).root()

    @cached_property
    def definitions(self) -> dict[tuple[int, int], SgNode]:
        """The definitions of functions by their offsets; of equal ones the outermost."""
        kinds = [{"kind": kind} for kind in self.grammar.functions]
        found: dict[tuple[int, int], SgNode] = {}
        for node in self.root.find_all({"rule": {"any": kinds}}):
            place = node.range()
            found.setdefault((place.start.index, place.end.index), node)
        return found

    @cached_property
    def top(self) -> dict[str, list[SgNode]]:
        """The nodes at the file's top level by their kinds, in document order."""
        found: dict[str, list[SgNode]] = {}
        for node in self.root.children():
            found.setdefault(node.kind(), []).append(node)
        return found

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word of the text, comments and strings included."""
        return frozenset(_WORD.findall(self.text))

    def line_start(self, offset: int) -> int:
        """Offset of the first character of the line that holds `offset`."""
        return self.index.starts[self.index.line_of(offset)]

    def next_line(self, offset: int) -> int:
        """Offset of the line after the one that holds `offset`; the end of the text if none."""
        line = self.index.line_of(offset) + 1
        return self.index.starts[line] if line < len(self.index.starts) else len(self.text)


class Scope:
    """An outermost function. Raises NoRewriteError where the tree has no such definition."""

    def __init__(self, source: Source, function: Function) -> None:
        self.source, self.function, self.grammar = source, function, source.grammar
        self.first, self.last = function.start, function.end
        root = source.definitions.get((function.def_start, function.end))
        root = root or source.definitions.get((function.start, function.end))
        if root is None:
            raise NoRewriteError("no function")
        self.root: SgNode = root
        self._matches: dict[str, list[SgNode]] = {}

    # -- places ---------------------------------------------------------------------------------

    def start(self, node: SgNode) -> int:
        """Where a node begins."""
        return int(node.range().start.index)

    def end(self, node: SgNode) -> int:
        """Where a node ends."""
        return int(node.range().end.index)

    def text(self, node: SgNode) -> str:
        """A node's text as it stands in the file."""
        place = node.range()
        return self.source.text[place.start.index : place.end.index]

    def line_text(self, node: SgNode) -> str:
        """A node's text on one line. Raises NoRewriteError where it has a comment in it."""
        text = self.text(node)
        if self.has_comment(node):
            raise NoRewriteError("a comment stands inside")
        return " ".join(text.split()) if "\n" in text or "\r" in text else text

    def has_comment(self, node: SgNode) -> bool:
        """Whether a comment stands in a node."""
        text = self.text(node)
        return ("//" in text or "/*" in text) and node.find(kind="comment") is not None

    def matches(self, pattern: str | dict[str, Any]) -> list[SgNode]:
        """What a pattern (text or ast-grep rule) matches in the function, in document order."""
        if isinstance(pattern, dict) and len(pattern) == 1 and "kind" in pattern:
            return self.of_kind(pattern["kind"])
        key = str(pattern)
        if key not in self._matches:
            self._matches[key] = (
                self.root.find_all(pattern=pattern)
                if isinstance(pattern, str)
                else self.root.find_all({"rule": pattern})
            )
        return self._matches[key]

    def of_kind(self, kind: str) -> list[SgNode]:
        """The nodes of a kind in the function, in document order."""
        if kind in self.grammar.kinds or kind in self.grammar.names:
            return self._by_kind.get(kind, [])
        key = f"kind: {kind}"
        if key not in self._matches:
            self._matches[key] = self.root.find_all(kind=kind)
        return self._matches[key]

    @cached_property
    def _by_kind(self) -> dict[str, list[SgNode]]:
        wanted = [{"kind": kind} for kind in (*self.grammar.names, *self.grammar.kinds)]
        found: dict[str, list[SgNode]] = {}
        for node in self.root.find_all({"rule": {"any": wanted}}):
            found.setdefault(node.kind(), []).append(node)
        return found

    # -- the tree -------------------------------------------------------------------------------

    def inside(self, node: SgNode, tree: SgNode) -> bool:
        """Whether a node lies in another (or is it)."""
        inner, outer = node.range(), tree.range()
        return bool(outer.start.index <= inner.start.index and inner.end.index <= outer.end.index)

    def statement(self, node: SgNode) -> SgNode:
        """The statement of a block that a node is in. Raises NoRewriteError in a body of no block.

        Of what stands in the head of a loop or a condition that is the whole loop or condition.
        """
        at: SgNode | None = node
        while at is not None:
            up = at.parent()
            if up is not None and up.kind() in self.grammar.blocks:
                return at
            if up is not None and any(up.field(field) == at for field in _BODIES):
                break
            at = up
        raise NoRewriteError("not in a block")

    def siblings(self, statement: SgNode, step: int) -> Iterator[SgNode]:
        """The statements below (`step` 1) or above (-1) in the same block, nearest first."""
        up = statement.parent()
        if up is None or up.kind() not in self.grammar.blocks:
            return
        at = statement.next() if step > 0 else statement.prev()
        while at is not None:
            if at.is_named() and at.kind() != "comment":
                yield at
            at = at.next() if step > 0 else at.prev()

    def neighbour(self, statement: SgNode, step: int) -> SgNode | None:
        """The statement right below (1) or above (-1) in the same block."""
        return next(self.siblings(statement, step), None)

    def body(self, node: SgNode) -> list[SgNode]:
        """The statements of a block, or of the body of a loop or function; [it] without braces."""
        block = node if node.kind() in self.grammar.blocks else node.field("body")
        if block is None:
            raise NoRewriteError("no body")
        if block.kind() not in self.grammar.blocks:
            return [block]
        return [n for n in block.named_children() if n.kind() != "comment"]

    def loops(self, node: SgNode) -> list[SgNode]:
        """The loops that repeat a node, innermost first, up to its function."""
        found: list[SgNode] = []
        below = node
        for up in node.ancestors():
            kind = up.kind()
            if kind in self.grammar.functions:
                break
            if kind in self.grammar.loops and not any(
                up.field(field) == below for field in self.grammar.once
            ):
                found.append(up)
            below = up
        return found

    def depth(self, node: SgNode) -> int:
        """How many loops repeat a node."""
        return len(self.loops(node))

    # -- names ----------------------------------------------------------------------------------

    @cached_property
    def _names(self) -> dict[str, list[SgNode]]:
        found: dict[str, list[SgNode]] = {}
        for kind in self.grammar.names:
            for node in self.of_kind(kind):
                found.setdefault(node.text(), []).append(node)
        if len(self.grammar.names) > 1:
            for nodes in found.values():
                nodes.sort(key=self.start)
        return found

    def uses(self, name: str, within: SgNode | None = None) -> list[SgNode]:
        """Where a name stands in the function, or in one of its nodes; in document order."""
        found = self._names.get(name, [])
        return found if within is None else [n for n in found if self.inside(n, within)]

    def names_in(self, node: SgNode) -> set[str]:
        """The names of variables that stand in a node."""
        text = self.text(node)
        return {n for n in set(_WORD.findall(text)) & self._names.keys() if self.uses(n, node)}

    def whole(self, use: SgNode) -> SgNode:
        """The element, field or target that a name is the start of: `a` of `a[i].x` gives all."""
        at = use
        up = at.parent()
        while up is not None and up.kind() in _PARTS and self._leads(at, up):
            at, up = up, up.parent()
        return at

    def _leads(self, node: SgNode, up: SgNode) -> bool:
        if up.kind() == "pointer_expression":
            return self.text(up).startswith("*")
        first = up.named_children()
        return bool(first) and first[0] == node

    def is_target(self, use: SgNode) -> bool:
        """Whether a name's variable, or a part of it, is assigned at this use."""
        at = self.whole(use)
        up = at.parent()
        if up is None or up.kind() not in _WRITES:
            return False
        return bool(up.kind() == "update_expression" or up.field("left") == at)

    def assigned(self, name: str, within: SgNode) -> bool:
        """Whether a variable, or a part of it, is assigned by an operator in a node."""
        return any(self.is_target(use) for use in self.uses(name, within))

    def fresh(self, name: str, *taken: str) -> str:
        """`name`, or the next one with a number, that is no word of the file."""
        candidate, number = name, 1
        while (
            candidate in taken
            or candidate in self.source.words
            or candidate in self.grammar.reserved
        ):
            number += 1
            candidate = f"{name}{number}"
        return candidate

    # -- changes --------------------------------------------------------------------------------

    def replace(self, node: SgNode, new_text: str) -> TextChange:
        """Put new text in a node's place."""
        return self.replace_between(self.start(node), self.end(node), new_text)

    def replace_between(self, start: int, end: int, new_text: str) -> TextChange:
        """Put new text between two offsets."""
        return TextChange(start, end, _LINE_END.sub(self.source.newline, new_text))

    def replace_statement(self, statement: SgNode, code: str) -> TextChange:
        """Put lines in a statement's place; the first stands where it stood."""
        lines = self.lines(code, self.indent(statement)).rstrip("\r\n")
        return self.replace(statement, lines.lstrip(" \t"))

    @cached_property
    def unit(self) -> str:
        """One step of indentation, as the function has it."""
        outer = self._lead(self.start(self.root))
        for statement in self.body(self.root):
            inner = self._lead(self.start(statement))
            if self.owns_line(statement) and inner.startswith(outer) and len(inner) > len(outer):
                return inner[len(outer) :]
        return "    "

    def _lead(self, offset: int) -> str:
        line = self.source.text[self.source.line_start(offset) : offset]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def indent(self, statement: SgNode) -> str:
        """The white space at the start of a statement's line."""
        return self._lead(self.start(statement))

    def owns_line(self, statement: SgNode) -> bool:
        """Whether nothing but white space stands before a statement on its line."""
        at = self.start(statement)
        return not self.source.text[self.source.line_start(at) : at].strip()

    def insert_before(self, statement: SgNode, code: str) -> TextChange:
        """Lines above a statement of a block. Raises NoRewriteError where that can't be."""
        self._require_own(statement)
        at = self.source.line_start(self.start(statement))
        return TextChange(at, at, self.lines(code, self.indent(statement)))

    def insert_after(self, statement: SgNode, code: str) -> TextChange:
        """Lines below a statement of a block. Raises NoRewriteError where it shares its line."""
        self._require_own(statement)
        end = self.end(statement)
        at = self.source.next_line(end - 1)
        rest = self.source.text[end:at].strip()
        if rest and not rest.startswith(self.grammar.comment):
            raise NoRewriteError("the statement shares its line")
        return TextChange(at, at, self.lines(code, self.indent(statement)))

    def remove(self, statement: SgNode) -> TextChange:
        """Take a statement's lines away. Raises NoRewriteError when it shares them."""
        self._require_own(statement)
        start, end = self.source.line_start(self.start(statement)), self.end(statement)
        below = self.source.next_line(end - 1)
        if self.source.text[end:below].strip():
            raise NoRewriteError("the statement shares its line")
        return TextChange(start, below, "")

    def _require_own(self, statement: SgNode) -> None:
        up = statement.parent()
        if up is None or up.kind() not in self.grammar.blocks or not self.owns_line(statement):
            raise NoRewriteError("the statement does not stand on its own line in a block")

    def lines(self, code: str, indent: str) -> str:
        """Lines of code, each indented; a tab stands for one step of indentation more."""
        lines = [indent + line.replace("\t", self.unit) for line in code.split("\n")]
        return "".join(line + self.source.newline for line in lines)
