"""What must hold before an expression is reached, and what ends the loop that it is in."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from analysis.rules.base import NoRewriteError, words
from analysis.rules.flow import Hoist, key
from analysis.rules.nodes import walk
from analysis.rules.scope import COMPREHENSIONS, Loop, Scope

_LEAVING = (ast.Continue, ast.Break, ast.Return, ast.Raise)
_PLACES = (ast.Name, ast.Attribute, ast.Subscript)
_OWN = ("self", "cls")
_RAISING = words("int float complex ord chr index rindex decode encode pow divmod min max")


def tests_before(scope: Scope, node: ast.AST, loop: Loop) -> Iterator[ast.expr]:
    """The tests inside a loop that must come out in one way before a node is reached."""
    at = node
    for up in scope.ancestors(node):
        if isinstance(up, ast.If | ast.IfExp | ast.While) and at is not up.test:
            yield up.test
        if isinstance(up, ast.BoolOp):
            yield from up.values[: up.values.index(at)]  # type: ignore[arg-type]
        elif isinstance(up, ast.comprehension) and at in up.ifs:
            yield from up.ifs[: up.ifs.index(at)]
        elif isinstance(up, COMPREHENSIONS) and not isinstance(at, ast.comprehension):
            yield from (test for part in up.generators for test in part.ifs)
        if isinstance(at, ast.stmt):
            yield from _left_before(scope, at)
        if up is loop:
            return
        at = up


def _left_before(scope: Scope, statement: ast.stmt) -> Iterator[ast.expr]:
    """The tests of earlier statements in a block after which the rest may not be reached."""
    up = scope.parent(statement)
    for block in (getattr(up, "body", None), getattr(up, "orelse", None)):
        if isinstance(block, list) and statement in block:
            for earlier in block[: block.index(statement)]:
                leaves = isinstance(earlier, ast.If) and isinstance(earlier.body[-1], _LEAVING)
                if leaves or isinstance(earlier, ast.Assert):
                    yield earlier.test


def refuse_guarded(
    scope: Scope, node: ast.expr, at: ast.AST, place: Hoist, *, presence: bool = False
) -> None:
    """Raise NoRewriteError where a test inside the loop may be there to protect an expression.

    `node` is what is to be computed before the loop, `at` the place where it is used: an index
    into what may lack the key, a number made of what may be no number. With `presence` only tests
    count that ask whether there is an object, or of which type.
    """
    tests = list(tests_before(scope, at, place.loop))
    if not tests:
        return
    called = {id(n.func) for n in walk(node) if isinstance(n, ast.Call)}
    parts = {key(n) for n in walk(node) if isinstance(n, _PLACES) and id(n) not in called}
    if isinstance(node, _PLACES) and node is at:
        parts.discard(key(node))
    for test in tests:
        if parts & set(_tested(scope, test, presence)):
            raise NoRewriteError("a test in the loop is about a part of it")


def may_raise(node: ast.expr) -> bool:
    """Whether an expression is one that fails for some values of the right type."""
    return any(
        isinstance(n, ast.Subscript)
        or (isinstance(n, ast.Name) and n.id in _RAISING)
        or (isinstance(n, ast.Attribute) and n.attr in _RAISING)
        for n in walk(node)
    )


def _tested(scope: Scope, test: ast.expr, presence: bool) -> Iterator[str]:
    """What a test is about: its places, each in its longest form (`o.x` is not about `o`)."""
    for node in walk(test):
        if not isinstance(node, _PLACES) or key(node) in _OWN:
            continue
        up = scope.parent(node)
        if isinstance(up, ast.Call) and up.func is node:
            if isinstance(node, ast.Attribute) and not presence and key(node.value) not in _OWN:
                yield key(node.value)
        elif isinstance(up, ast.Attribute | ast.Subscript) and up.value is node:
            continue
        elif not presence or node is test or _asks_for(scope, up):
            yield key(node)


def _asks_for(scope: Scope, up: ast.AST | None) -> bool:
    """Whether this use of an object asks whether it is there, or of which type."""
    if isinstance(up, ast.Compare):
        sides = (up.left, *up.comparators)
        return any(isinstance(n, ast.Constant) and n.value is None for n in sides)
    if isinstance(up, ast.Call):
        return scope.is_builtin(up.func, "isinstance", "hasattr", "callable", "type")
    return isinstance(up, ast.BoolOp | ast.UnaryOp)
