"""A file as the rules see it: places of patterns, names in use, imports and where new ones go.

Works on files with syntax errors: their imports come from tree-sitter, which recovers.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cached_property

from analysis.functions import Function
from analysis.rules.base import NoRewriteError
from analysis.rules.parts import Frame, Parsed, Piece, imported_by, parsed
from analysis.rules.places import families, newline_of
from analysis.text import LineIndex, TextChange

_NAMES: dict[str, frozenset[str]] = {}
_MOST_NAMES = 20_000
"""Functions whose names are kept, by their source: a file is read at each save."""

_FEW_SEARCHES = 30
"""Searches of the text that take less time than collecting its words."""

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_CODING = re.compile(r"^[ \t\f]*#.*?coding[:=]")
_WIDE = re.compile(r"[^\x00-\x7f]+")
_KINDS = {
    ast.Import: "import_statement",
    ast.ImportFrom: "import_from_statement",
    ast.Expr: "expression_statement",
}
_IMPORTS = ("import_statement", "import_from_statement", "future_import_statement")
_RESERVED = frozenset(dir(builtins)) | frozenset(keyword.kwlist) | {"self", "cls"}


class Module:
    """The text of one file, read once for all rules.

    `functions` are those of the text. Each that stands in no other one is parsed alone, when it is
    asked for, so that an error in one does no harm to the rest. What was read of an earlier text
    (`before`) is kept where the text outside of functions is the same. `whole` says that all
    functions will be looked at: then their names are collected, not searched for one by one.
    """

    def __init__(
        self,
        text: str,
        functions: Sequence[Function] = (),
        before: Module | None = None,
        *,
        whole: bool = False,
    ) -> None:
        self.text = text
        self.index = LineIndex(text)
        self.newline = newline_of(text)
        self.groups = list(families(functions))
        self.asked: set[str] = set()
        self._is_whole = whole
        self._uses: dict[str, bool] = {}
        self._searches = 0
        wide = () if text.isascii() else _WIDE.finditer(text)
        self._wide = frozenset(self.index.line_of(m.start()) for m in wide)
        self._normal = unicodedata.normalize("NFKC", text) if self._wide else text
        self._pieces: dict[tuple[int, int], Piece] = {}
        self._roots: dict[int, Parsed | NoRewriteError] = {}
        earlier = None if before is None else before.frame
        self.frame: Frame = Frame(text, [outer for outer, _ in self.groups], earlier)
        if before is not None and self.frame.is_same_as(before.frame):
            self._take_over(before)

    def _take_over(self, before: Module) -> None:
        """Keep what is known of names that neither came nor went with a function."""
        here = {outer.source: outer for outer, _ in self.groups}
        there = {outer.source: outer for outer, _ in before.groups}
        came = (self._names(here[source]) for source in here.keys() - there.keys())
        went = (before._names(there[source]) for source in there.keys() - here.keys())
        changed = frozenset().union(*came) ^ frozenset().union(*went)
        self._uses = {name: use for name, use in before._uses.items() if name not in changed}

    def piece(self, first: int, last: int) -> Piece:
        """Lines of a function for ast-grep."""
        if (first, last) not in self._pieces:
            self._pieces[first, last] = Piece(self.text, first, last)
        return self._pieces[first, last]

    def parsed(self, function: Function) -> Parsed:
        """A function's tree. Raises NoRewriteError where it does not parse."""
        known = self._roots.get(function.start)
        if known is None:
            first = self.line_start(function.start)
            try:
                known = parsed(self.text[first : function.end], self.index.line_of(first))
            except NoRewriteError as error:
                known = error
            self._roots[function.start] = known
        if isinstance(known, NoRewriteError):
            raise known
        return known

    @cached_property
    def _whole(self) -> Piece:
        return Piece(self.text, 0, len(self.text))

    @cached_property
    def _top(self) -> list[tuple[str, int, int]]:
        """The statements at the top level: what kind, start, end."""
        if self.frame.tree is None:
            found = [(n.kind(), *self._whole.span(n)) for n in self._whole.root.children()]
            return [part for part in found if part[0] != "comment"]
        return [
            (_KINDS.get(type(s), "statement"), *self.frame.span(s)) for s in self.frame.tree.body
        ]

    @property
    def has_wide(self) -> bool:
        """Whether a line holds what is no ASCII, so that columns of trees are no string offsets."""
        return bool(self._wide)

    def offset(self, line: int, column: int) -> int:
        """The string offset of a place as syntax trees have it: 1-based line, byte in the line."""
        start = self.index.starts[line - 1]
        if line - 1 not in self._wide:
            return start + column
        text = self.index.line_text(line - 1)
        return start + len(text.encode()[:column].decode(errors="ignore"))

    def uses(self, name: str) -> bool:
        """Whether the code binds or reads a name anywhere; of what does not parse any word counts.

        What was asked is noted in `asked`: an answer depends on the whole file.
        """
        self.asked.add(name)
        if name not in self._uses:
            if self._is_whole and self.frame.tree is not None:
                self._uses[name] = name in self._all_names
            else:
                self._uses[name] = self.mentions(name) and self._names_have(name)
        return self._uses[name]

    def read_names(self) -> None:
        """Read the names of all functions now, where all will be looked at."""
        if self._is_whole:
            _ = self._all_names

    def learn(self, answers: Mapping[str, bool]) -> None:
        """Take over what `uses` answered elsewhere for the same text."""
        self._uses.update(answers)

    def mentions(self, word: str) -> bool:
        """Whether a word stands anywhere in the text, comments and strings included."""
        self._searches += 1
        if self._searches > _FEW_SEARCHES:
            return word in self._words
        text, at = self._normal, self._normal.find(word)
        while at >= 0:
            end = at + len(word)
            if not (_is_word(text[at - 1 : at]) or _is_word(text[end : end + 1])):
                return True
            at = text.find(word, end)
        return False

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(_IDENTIFIER.findall(self._normal))

    @cached_property
    def _all_names(self) -> frozenset[str]:
        return self.frame.names.union(*(self._names(outer) for outer, _ in self.groups))

    def _names_have(self, name: str) -> bool:
        if self.frame.tree is None or name in self.frame.names:
            return True
        for outer, _ in self.groups:
            source = outer.source
            if (name in source or not source.isascii()) and name in self._names(outer):
                return True
        return False

    def _names(self, function: Function) -> frozenset[str]:
        known = _NAMES.get(function.source)
        if known is None:
            known = _NAMES[function.source] = self._names_of(function)
            if len(_NAMES) > _MOST_NAMES:
                del _NAMES[next(iter(_NAMES))]
        return known

    def _names_of(self, function: Function) -> frozenset[str]:
        try:
            return self.parsed(function).names
        except NoRewriteError:
            return frozenset(_IDENTIFIER.findall(function.source))

    @property
    def constants(self) -> dict[str, ast.expr]:
        """Values of names that the module assigns exactly once, at its top level."""
        return self.frame.constants

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
        return name not in _RESERVED and not self.uses(name)

    @cached_property
    def imports(self) -> list[tuple[int, int, ast.Import | ast.ImportFrom]]:
        """Imports at the top level: start, end, statement."""
        if self.frame.tree is not None:
            return [
                (*self.frame.span(s), s)
                for s in self.frame.tree.body
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
        if self.frame.tree is not None:
            return self.frame.imported
        return imported_by(node for _, _, node in self.imports)

    @cached_property
    def bound(self) -> frozenset[str]:
        """The names of the module's constants, imports, functions and classes."""
        return self.imported.union(self.constants, self.frame.defined)

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


def _is_word(char: str) -> bool:
    return char == "_" or char.isalnum()
