"""The functions of a file: names, ranges and fingerprints, whatever state the file is in.

Of Python here; of another language by its dialect (see analysis.languages).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal

from tree_sitter import Node

from analysis.languages import dialect_of
from analysis.syntax import (
    Tree,
    comment_lines,
    depth,
    normal_form,
    parse,
    statements,
    walk,
    walk_with_parents,
)
from analysis.text import Range

__all__ = [
    "Function",
    "Tree",
    "function_at",
    "function_named",
    "functions_in",
    "is_listable",
    "near_names",
    "parse",
    "parse_file",
]

Kind = Literal["function", "method", "nested"]

_KEYWORDS = re.compile(rb"\b(?:def|class|global)\b")
_SCOPES = ("function_definition", "class_definition", "global_statement")
_IGNORE = re.compile(r"#[ \t]*hasten:[ \t]*ignore\b")
_FILE_WIDE_LINES = 5
_AT_MARGIN = re.compile(r"^(?:async[ \t]+def|def|class)\b", re.MULTILINE)
_NOT_LINE_END = re.compile(r"[^\r\n]")
_MAX_MASKED = 5
_NAMELESS = "_"
_MOST_LINE = 10_000
"""Characters of a line of a text of anyone."""
_MOST_DEPTH = 1_000
"""Levels of its syntax."""


@dataclass(frozen=True)
class Function:
    """A function definition. Offsets are string offsets, lines are 0-based, ranges are UTF-16.

    `start` to `end` is the whole definition with its decorators, `def_start` is where ``def`` or
    ``async def`` stands, `body_start` the first statement of the body (a docstring counts).
    `line` is that of ``def``, `first_line` that of the first decorator (``co_firstlineno - 1``).
    `qualname` is Python's ``__qualname__``, or "name(argument types)" with namespaces and classes
    in C and C++: "ns::Grid::at(const int *, size_t) const". A "nested" function stands inside
    another one, at any depth. `ignored` tells that ``# hasten: ignore`` stands at the function or
    for the whole file.
    `source` is the definition from the start of its first line.
    """

    path: str
    qualname: str
    name: str
    start: int
    end: int
    def_start: int
    body_start: int
    range: Range
    name_range: Range
    line: int
    first_line: int
    kind: Kind
    is_async: bool
    ignored: bool
    source: str = field(repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the normalised syntax: comments, docstrings and formatting do not count.

        Made when it is asked for: a file is read at each key stroke, while fingerprints are
        needed only of the few functions that are hot.
        """
        dialect = dialect_of(self.path)
        return dialect.fingerprint(self.source, self.path) if dialect else _fingerprint(self.source)

    @cached_property
    def nameless_fingerprint(self) -> str:
        """As `fingerprint`, blind to the function's own name and to its calls of itself.

        Tells a function that was renamed. Not to be compared with `fingerprint`.
        """
        dialect = dialect_of(self.path)
        if dialect is None:
            return _fingerprint(self.source, self.name)
        source = self.source
        if self.name.isidentifier():
            source = re.sub(rf"\b{self.name}\b", _NAMELESS, source)
        return dialect.fingerprint(source, self.path)

    def moved(self, chars: int, lines: int) -> Function:
        """The function so many characters and lines further down.

        Every function below an edit moves at each key stroke, so this is no `replace`: that makes
        all fields anew, fingerprints too.
        """
        found = object.__new__(Function)
        vars(found).update(
            vars(self),
            start=self.start + chars,
            end=self.end + chars,
            def_start=self.def_start + chars,
            body_start=self.body_start + chars,
            range=self.range.lowered(lines),
            name_range=self.name_range.lowered(lines),
            line=self.line + lines,
            first_line=self.first_line + lines,
        )
        return found


def parse_file(text: str, path: str, old: Tree | None = None) -> Tree:
    """The tree of a file's text, by the grammar of its suffix; `old` is as of `parse`."""
    dialect = dialect_of(path)
    return dialect.parse(text, path, old) if dialect else parse(text, old)


def functions_in(text: str, path: str, tree: Tree | None = None) -> tuple[Function, ...]:
    """All functions of the text in document order; what a syntax error hides is left out.

    Of several definitions with one qualified name all are listed. `tree` is the text's tree where
    the caller keeps one (see `parse`); it must be the tree of this very text.
    """
    dialect = dialect_of(path)
    if dialect is not None:
        return dialect.functions_in(text, path, tree)
    tree = tree or parse(text)
    found = _functions(tree, path)
    if tree.root.has_error:
        masked = _without_open_brackets(tree, found)
        if masked is not None:
            known = {f.start for f in found}
            found += [f for f in _functions(masked, path) if f.start not in known]
            found.sort(key=lambda f: f.start)
    return tuple(found)


def is_listable(text: str, path: str) -> bool:
    """Whether a text of anyone is laid out as people do, so that its functions can be listed.

    The name of a function is made of those around it, its source begins with its line: in one line,
    or in each other, thousands of them fill the memory. Python's can't stand in one line.
    """
    if dialect_of(path) is None:
        return True
    if max(map(len, text.split("\n"))) > _MOST_LINE:
        return False
    return depth(parse_file(text, path).root) <= _MOST_DEPTH


def _functions(tree: Tree, path: str) -> list[Function]:
    silenced = _ignored_lines(tree)
    whole_file = _file_is_ignored(tree, silenced)
    found: list[Function] = []
    open_scopes: list[_Scope] = []
    for node in _scope_nodes(tree):
        while open_scopes and open_scopes[-1].end <= node.start_byte:
            open_scopes.pop()
        if node.type == "global_statement":
            if open_scopes:
                open_scopes[-1].globals.update(tree.source(c) for c in node.named_children)
            continue
        scope = _scope(tree, node, open_scopes)
        if scope is None:
            continue
        open_scopes.append(scope)
        if not scope.is_class:
            found.append(_function(tree, path, node, open_scopes, silenced, whole_file))
    return found


def _without_open_brackets(tree: Tree, found: list[Function]) -> Tree | None:
    """The tree with those pieces blanked that hide the definition below them, if there are any.

    While a bracket is being typed, it swallows what follows. A piece runs from one line that starts
    with a definition to the next; blanks of the same length move nothing. A piece with an open
    string stays: what follows may be inside of it.
    """
    text, masked = tree.text, tree
    for _ in range(_MAX_MASKED):
        known = {f.def_start for f in found} | {f.def_start for f in _functions(masked, "")}
        starts = [m.start() for m in _AT_MARGIN.finditer(masked.text)]
        hidden = [
            (start, end)
            for start, end, below in zip(
                [0, *starts], [*starts, len(text)], [*starts, -1], strict=True
            )
            if below >= 0 and below not in known and not text.startswith("class", below)
        ]
        piece = masked.text[slice(*hidden[0])] if hidden else ""
        if not piece.strip() or any(piece.count(q) % 2 for q in ('"""', "'''")):
            break
        blank = _NOT_LINE_END.sub(" ", piece)
        start, end = hidden[0]
        masked = parse(masked.text[:start] + blank + masked.text[end:], masked)
    return masked if masked is not tree else None


def function_named(text: str, path: str, qualname: str) -> Function | None:
    """The function of that qualified name; of several the last, which is what Python keeps.

    In C and C++ the argument types may be left out where the name alone tells.
    """
    dialect = dialect_of(path)
    if dialect is not None:
        return dialect.find(functions_in(text, path), qualname)
    matches = [f for f in functions_in(text, path) if f.qualname == qualname]
    return matches[-1] if matches else None


def near_names(names: Sequence[str], qualname: str) -> list[str]:
    """Those of the names that a person may have meant, else the first few."""

    def last(name: str) -> str:
        return re.split(r"\.|::", name.split("(", 1)[0])[-1].strip()

    return [n for n in names if last(n) == last(qualname)] or list(names[:8])


def function_at(functions: tuple[Function, ...], offset: int) -> Function | None:
    """The innermost function that holds the string offset."""
    around = [f for f in functions if f.start <= offset <= f.end]
    return max(around, key=lambda f: f.start, default=None)


@dataclass
class _Scope:
    """A class or function around the place that is being read."""

    name: str
    qualname: str
    end: int
    is_class: bool
    in_function: bool
    globals: set[str]


def _scope_nodes(tree: Tree) -> Iterator[Node]:
    # Found by their keywords: a query over the whole tree takes five times as long, and this runs
    # after each change.
    root = tree.root
    for match in _KEYWORDS.finditer(tree.data):
        leaf = root.descendant_for_byte_range(match.start(), match.end())
        if leaf is None or leaf.is_named or leaf.start_byte != match.start():
            continue
        node = leaf.parent
        if node is not None and node.type in _SCOPES:
            yield node


def _scope(tree: Tree, node: Node, around: list[_Scope]) -> _Scope | None:
    name_node, body = node.child_by_field_name("name"), node.child_by_field_name("body")
    if name_node is None or body is None or not name_node.text:
        return None
    name = tree.source(name_node)
    outer = around[-1] if around else None
    if outer is None or name in outer.globals:
        qualname = name
    else:
        qualname = (
            f"{outer.qualname}.{name}" if outer.is_class else f"{outer.qualname}.<locals>.{name}"
        )
    in_function = outer is not None and (outer.in_function or not outer.is_class)
    return _Scope(
        name, qualname, node.end_byte, node.type == "class_definition", in_function, set()
    )


def _function(
    tree: Tree,
    path: str,
    node: Node,
    scopes: list[_Scope],
    silenced: frozenset[int],
    whole_file: bool,
) -> Function:
    name_node, body = node.child_by_field_name("name"), node.child_by_field_name("body")
    assert name_node is not None and body is not None  # seen to by _scope
    parent = node.parent
    outer = parent if parent is not None and parent.type == "decorated_definition" else node
    first = next(iter(statements(body)), body)
    start, end = tree.span(outer)
    line, first_line = node.start_point.row, outer.start_point.row
    kind: Kind = "function"
    if scopes[-1].in_function:
        kind = "nested"
    elif len(scopes) > 1 and scopes[-2].is_class:
        kind = "method"
    return Function(
        path=path,
        qualname=scopes[-1].qualname,
        name=scopes[-1].name,
        start=start,
        end=end,
        def_start=tree.offset(node.start_byte),
        body_start=tree.offset(first.start_byte),
        range=tree.range(outer),
        name_range=tree.range(name_node),
        line=line,
        first_line=first_line,
        kind=kind,
        is_async=node.children[0].type == "async",
        ignored=whole_file or _is_silenced(tree, silenced, first_line, line),
        source=tree.text[tree.lines.starts[first_line] : end],
    )


def _ignored_lines(tree: Tree) -> frozenset[int]:
    """The lines with a comment ``# hasten: ignore``; the words inside a string do not count."""
    return comment_lines(tree, _IGNORE)


def _is_silenced(tree: Tree, silenced: frozenset[int], first_line: int, line: int) -> bool:
    if not silenced:
        return False
    if any(n in silenced for n in range(first_line, line + 1)):
        return True
    above = first_line - 1
    return above in silenced and tree.lines.line_text(above).lstrip().startswith("#")


def _file_is_ignored(tree: Tree, silenced: frozenset[int]) -> bool:
    """Whether a comment on a line of its own among the first lines speaks for the file.

    One that stands below code and right above a definition speaks for that definition only.
    """
    code = next((s for s in statements(tree.root) if not _may_stand_first(s)), None)
    for n in sorted(silenced):
        if n >= _FILE_WIDE_LINES or not tree.lines.line_text(n).startswith("#"):
            continue
        below = tree.lines.line_text(n + 1) if n + 1 < len(tree.lines.starts) else ""
        above_definition = re.match(r"@|(async[ \t]+)?def\b", below) is not None
        if not (above_definition and code is not None and code.start_point.row < n):
            return True
    return False


def _may_stand_first(statement: Node) -> bool:
    """Whether a statement may stand above all other code of a file."""
    if statement.type == "future_import_statement":
        return True
    return statement.type == "expression_statement" and all(
        c.type == "string" for c in statement.named_children
    )


@lru_cache(maxsize=4096)
def _fingerprint(source: str, nameless: str | None = None) -> str:
    tree = parse(f"if 1:\n{source}" if source[:1].isspace() else source)
    definitions = ("function_definition", "decorated_definition")
    node = next((n for n in walk(tree.root) if n.type in definitions), tree.root)
    rename = None if nameless is None else dict.fromkeys(_own_names(node, nameless), _NAMELESS)
    form = normal_form(tree, node, rename).encode("utf-8", "replace")
    return hashlib.sha256(form).hexdigest()[:32]


def _own_names(definition: Node, name: str) -> Iterator[int]:
    """The nodes, by id, where a definition names itself: ``f``, ``self.f`` or ``cls.f``."""
    wanted = name.encode("utf-8", "surrogatepass")
    for node, parent in walk_with_parents(definition):
        if node.type != "identifier" or node.text != wanted or parent is None:
            continue
        if parent.type == "attribute" and parent.child_by_field_name("attribute") == node:
            around = parent.child_by_field_name("object")
            if around is None or around.text not in (b"self", b"cls"):
                continue
        if parent.type == "keyword_argument" and parent.child_by_field_name("name") == node:
            continue
        yield node.id
