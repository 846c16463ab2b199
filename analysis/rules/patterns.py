"""Which nodes of the standard library's tree an ast-grep pattern may match, told at a glance.

ast-grep walks a whole tree for each pattern. So the rules' patterns are read once as shapes of
`ast` nodes, and a file is walked once for all of them. A shape may take too much (it knows nothing
of brackets, commas and comments), never too little: what comes of it is asked of ast-grep itself
(see analysis.rules.catalogue). A pattern that can't be read as a shape takes every node of the
rule's classes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from analysis.rules.base import Rule, holds
from analysis.rules.nodes import called, text_of
from analysis.rules.scope import Scope

Place = ast.expr | ast.stmt | ast.arg
Test = Callable[[Any, Scope], bool]
"""Whether a node of a function may be what a pattern matches."""

_META = re.compile(r"\$(\$\$)?([A-Z_][A-Z0-9_]*)")
_ONE, _MANY = "_hasten_one_", "_hasten_many_"
_FIRST_WORDS = re.compile(r"\^(?:(\w+)|\((\w+(?:\|\w+)*)\))\\\(")


@dataclass(frozen=True)
class Shape:
    """What a match must be: a node of `kind`; `head`, if any, is what `head_of` says of it."""

    kind: type[ast.AST]
    head: str | None
    test: Test | None


Asked = list[tuple[int, Test | None]]
"""Rules, by number, and their tests."""


@dataclass
class Plan:
    """For each class of nodes: the rules to ask always, and those to ask by the node's head.

    `words` are those of the rules that have some, with the numbers of the rules.
    """

    table: dict[type[ast.AST], tuple[Asked, dict[str, Asked]]] = field(default_factory=dict)
    words: list[tuple[list[list[str]], set[int]]] = field(default_factory=list)

    def sites(self, scope: Scope) -> dict[int, list[Place]]:
        """The nodes of a function that each rule may have something to say about."""
        sites: dict[int, list[Place]] = {}
        text = scope.function.source
        idle = {n for words, numbers in self.words if not holds(text, words) for n in numbers}
        here: dict[type[ast.AST], Asked] = {}
        table = self.table
        node: Any
        for node in scope.nodes:
            kind = node.__class__
            entry = table.get(kind)
            if entry is None:
                continue
            asked = here.get(kind)
            if asked is None:
                asked = here[kind] = [a for a in entry[0] if a[0] not in idle]
            if entry[1] and (more := entry[1].get(head_of(node))):
                asked = asked + more
            for number, test in asked:
                if test is not None and not test(node, scope):
                    continue
                known = sites.setdefault(number, [])
                if not known or known[-1] is not node:
                    known.append(node)
        return sites


def head_of(node: ast.AST) -> str:
    """The word by which most patterns of a class differ: the function called, the operator."""
    if isinstance(node, ast.Call):
        return called(node.func)
    if isinstance(node, ast.Compare):
        return node.ops[0].__class__.__name__
    if isinstance(node, ast.AugAssign):
        return node.op.__class__.__name__
    if isinstance(node, ast.Assign):
        return node.value.__class__.__name__
    return ""


def make_plan(rules: Sequence[Rule]) -> Plan:
    """The plan of a catalogue."""
    plan = Plan()
    by_words: dict[tuple[str, ...], set[int]] = {}
    for number, rule in enumerate(rules):
        if rule.words:
            by_words.setdefault(rule.words, set()).add(number)
        for pattern in rule.patterns:
            for shape in _shapes(pattern, rule.node):
                always, by_head = plan.table.setdefault(shape.kind, ([], {}))
                asked = always if shape.head is None else by_head.setdefault(shape.head, [])
                asked.append((number, shape.test))
    plan.words = [([w.split("|") for w in words], n) for words, n in by_words.items()]
    return plan


def _shapes(pattern: str | dict[str, Any], classes: Sequence[type[ast.AST]]) -> Iterator[Shape]:
    if isinstance(pattern, dict):
        if set(pattern) == {"pattern"} and isinstance(pattern["pattern"], str):
            yield from _shapes(pattern["pattern"], classes)
            return
        test = _regex_test(pattern.get("regex"))
        yield from (Shape(kind, None, test) for kind in classes)
        return
    wanted = _read(pattern)
    if wanted is None or type(wanted) not in classes:
        yield from (Shape(kind, None, None) for kind in classes)
        return
    head = head_of(wanted)
    open_ended = head.startswith(_ONE) or head == "Name"  # a placeholder is read as a name
    yield Shape(
        type(wanted),
        None if open_ended or not head else head,
        _test(wanted),
    )


def _test(wanted: ast.AST) -> Test | None:
    """A test for a pattern; none where each node of its class and head passes."""
    if isinstance(wanted, ast.Call) and _are_free(wanted.args) and not wanted.keywords:
        called = ast.Attribute if _is_any_attribute(wanted.func) else None
        if called is None and not isinstance(wanted.func, ast.Name):
            return lambda node, scope: _fits(wanted, node, {})
        open_ended = any(map(_is_many, wanted.args))
        least = len(wanted.args) - open_ended
        if called is None and open_ended and not least:
            return None
        return lambda node, scope: (
            (called is None or node.func.__class__ is called)
            and (given := len(node.args) + len(node.keywords)) >= least
            and (open_ended or given == least)
        )
    if isinstance(wanted, ast.AugAssign) and _are_free([wanted.target, wanted.value]):
        return None
    if isinstance(wanted, ast.Compare) and _are_free([wanted.left, *wanted.comparators]):
        return lambda node, scope: len(node.ops) == 1
    if _is_any_attribute(wanted):
        return None
    return lambda node, scope: _fits(wanted, node, {})


def matches_any(pattern: str, node: ast.AST) -> bool:
    """Whether a pattern matches each node of the class, as `$O.$A`, `$F($$$A)`, `$O.$M($$$A)` do.

    Does not hold of nodes with comments inside, and of calls whose only argument is a generator
    without parentheses: ast-grep sees other nodes there.
    """
    wanted = _read(pattern)
    if isinstance(wanted, ast.Call) and isinstance(node, ast.Call):
        func = wanted.func
        loose = len(wanted.args) == 1 and _is_many(wanted.args[0]) and not wanted.keywords
        named = isinstance(func, ast.Name) and func.id.startswith(_ONE)
        attribute = _is_any_attribute(func) and isinstance(node.func, ast.Attribute)
        return loose and (named or attribute)
    return isinstance(node, ast.Attribute) and _is_any_attribute(wanted)


def _are_free(parts: Sequence[ast.AST]) -> bool:
    """Whether parts are placeholders, each another one: anything may stand there."""
    names = [p.id for p in parts if isinstance(p, ast.Name) and p.id.startswith((_ONE, _MANY))]
    return len(names) == len(parts) == len(set(names))


def _is_any_attribute(wanted: ast.AST | None) -> bool:
    return (
        isinstance(wanted, ast.Attribute)
        and wanted.attr.startswith(_ONE)
        and _are_free([wanted.value])
    )


def _regex_test(regex: Any) -> Test | None:
    """A test of a node's text; none for an expression that Python's `re` does not know."""
    if not isinstance(regex, str):
        return None
    match = _FIRST_WORDS.match(regex)
    if match is None:
        try:
            search = re.compile(regex).search
        except re.error:
            return None
        return lambda node, scope: search(scope.text(node)) is not None
    starts = tuple(f"{word}(" for word in (match[1] or match[2]).split("|"))
    return lambda node, scope: scope.module.text.startswith(starts, scope.start(node))


@cache
def _read(pattern: str) -> ast.AST | None:
    """A pattern as a tree in which the placeholders are names; None where that does not parse."""
    try:
        body = ast.parse(_META.sub(lambda m: (_MANY if m[1] else _ONE) + m[2], pattern)).body
    except SyntaxError:
        return None
    if len(body) != 1:
        return None
    return body[0].value if isinstance(body[0], ast.Expr) else body[0]


def _is_many(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id.startswith(_MANY)


def _fits(wanted: ast.AST, node: ast.AST | None, bound: dict[str, ast.AST]) -> bool:
    """Whether a node may be what a part of a pattern means; `bound` holds what names stand for."""
    if isinstance(wanted, ast.Name):
        if not wanted.id.startswith((_ONE, _MANY)):
            return isinstance(node, ast.Name) and node.id == wanted.id
        if node is None:
            return False
        if wanted.id.startswith((_ONE + "_", _MANY + "_")):
            return True
        first = bound.setdefault(wanted.id, node)
        return first is node or text_of(first) == text_of(node)
    if node.__class__ is not wanted.__class__:
        return False
    parts = _PARTS.get(type(wanted))
    return parts is None or parts(wanted, node, bound)


def _all_fit(
    wanted: Sequence[ast.AST], nodes: Sequence[ast.AST], bound: dict[str, ast.AST]
) -> bool:
    """Parts in order; after a placeholder for many, anything may follow."""
    for at, part in enumerate(wanted):
        if _is_many(part):
            return len(nodes) >= len(wanted) - 1
        if at >= len(nodes) or not _fits(part, nodes[at], bound):
            return False
    return len(nodes) == len(wanted)


def _arguments(wanted: Any, node: Any, bound: dict[str, ast.AST]) -> bool:
    if not _fits(wanted.func, node.func, bound):
        return False
    if wanted.keywords or not node.keywords:
        given = [*node.args, *node.keywords]
    else:  # a placeholder also stands for a keyword and its value, wherever that is written
        given = sorted([*node.args, *node.keywords], key=lambda a: (a.lineno, a.col_offset))
    return _all_fit([*wanted.args, *wanted.keywords], given, bound)


def _attribute(wanted: Any, node: Any, bound: dict[str, ast.AST]) -> bool:
    return (wanted.attr.startswith(_ONE) or wanted.attr == node.attr) and _fits(
        wanted.value, node.value, bound
    )


def _comparison(wanted: Any, node: Any, bound: dict[str, ast.AST]) -> bool:
    return [type(o) for o in wanted.ops] == [type(o) for o in node.ops] and _all_fit(
        [wanted.left, *wanted.comparators], [node.left, *node.comparators], bound
    )


def _slice(wanted: Any, node: Any, bound: dict[str, ast.AST]) -> bool:
    """ast-grep lets colons that the pattern does not have stand between the parts."""
    named = [[p for p in (s.lower, s.upper, s.step) if p is not None] for s in (wanted, node)]
    return len(named[0]) == len(named[1])


def _mapping(wanted: Any, node: Any, bound: dict[str, ast.AST]) -> bool:
    return len(wanted.keys) == len(node.keys) and all(
        (a is None) == (b is None) for a, b in zip(wanted.keys, node.keys, strict=True)
    )


_PARTS: dict[type[ast.AST], Callable[[Any, Any, dict[str, ast.AST]], bool]] = {
    ast.Constant: lambda w, n, b: type(w.value) is type(n.value) and w.value == n.value,
    ast.Attribute: _attribute,
    ast.Call: _arguments,
    ast.keyword: lambda w, n, b: w.arg == n.arg and _fits(w.value, n.value, b),
    ast.Starred: lambda w, n, b: _fits(w.value, n.value, b),
    ast.Compare: _comparison,
    ast.Subscript: lambda w, n, b: _fits(w.value, n.value, b) and _fits(w.slice, n.slice, b),
    ast.Slice: _slice,
    ast.List: lambda w, n, b: _all_fit(w.elts, n.elts, b),
    ast.Tuple: lambda w, n, b: _all_fit(w.elts, n.elts, b),
    ast.Dict: _mapping,
    ast.BinOp: lambda w, n, b: (
        type(w.op) is type(n.op) and _all_fit([w.left, w.right], [n.left, n.right], b)
    ),
    ast.AugAssign: lambda w, n, b: (
        type(w.op) is type(n.op) and _all_fit([w.target, w.value], [n.target, n.value], b)
    ),
    ast.Assign: lambda w, n, b: _all_fit([*w.targets, w.value], [*n.targets, n.value], b),
}
"""How the parts of a node are compared; of a class that is not here any node will do."""
