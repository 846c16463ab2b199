"""Shapes of loops and places of expressions that several rules ask for."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from analysis.rules.base import NoRewriteError
from analysis.rules.effects import MUTATING
from analysis.rules.flow import (
    KNOWN_BUILTINS,
    PURE_METHODS,
    handed_on_in,
    is_invariant,
    is_plain,
    key,
    loads,
    stores,
)
from analysis.rules.nodes import walk
from analysis.rules.scope import COMPREHENSIONS, Loop, Scope

_LEAVING = (ast.Return, ast.Yield, ast.YieldFrom, ast.Await)


def clause(scope: Scope, node: ast.expr) -> str:
    """A node's text on one line, fit to stand after `in` or `if` in a comprehension."""
    text = scope.line_text(node)
    loose = isinstance(node, ast.IfExp | ast.Lambda) or (
        isinstance(node, ast.Tuple) and not text.startswith("(")
    )
    return f"({text})" if loose else text


def only_step(loop: ast.For) -> ast.stmt:
    """The one statement of a loop's body. Raises NoRewriteError when there are more."""
    if loop.orelse or len(loop.body) != 1:
        raise NoRewriteError("does more")
    return loop.body[0]


def method_call(step: ast.stmt, *methods: str) -> tuple[ast.expr, ast.expr] | None:
    """Of a statement `receiver.method(x)`: the receiver and x."""
    if not isinstance(step, ast.Expr) or not isinstance(step.value, ast.Call):
        return None
    call = step.value
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in methods:
        return None
    if len(call.args) != 1 or call.keywords or isinstance(call.args[0], ast.Starred):
        return None
    return call.func.value, call.args[0]


def names_stay(scope: Scope, loop: ast.AST, names: Iterable[str]) -> bool:
    """Whether what a loop binds is read nowhere else in its function.

    Other loops and comprehensions that bind the same name read their own.
    """
    function = scope.inner_function(loop)
    shared = {
        name
        for node in walk(function)
        if isinstance(node, ast.Global | ast.Nonlocal)
        for name in node.names
    }
    return not any(
        name in shared
        or any(
            not scope.inside(use, loop) and not _is_bound_anew(scope, use)
            for use in loads(function, name)
        )
        for name in names
    )


def _is_bound_anew(scope: Scope, use: ast.Name) -> bool:
    """Whether the loop or comprehension that a name is read in binds it itself."""
    below: ast.AST = use
    for up in scope.ancestors(use):
        if isinstance(up, ast.For) and below in up.body and stores(up.target, use.id):
            return True
        if isinstance(up, COMPREHENSIONS):
            first = up.generators[0]
            early = below is first and scope.inside(use, first.iter)
            if not early and any(stores(g.target, use.id) for g in up.generators):
                return True
        below = up
    return False


def _is_plain_local(function: ast.AST, name: str) -> bool:
    """Whether no other function sees a name that a function binds."""
    nodes = list(walk(function))[1:]
    shared = any(isinstance(n, ast.Global | ast.Nonlocal) and name in n.names for n in nodes)
    inner = (n for n in nodes if isinstance(n, ast.FunctionDef | ast.Lambda | ast.ClassDef))
    return not shared and not any(loads(n, name) for n in inner)


def set_anew(scope: Scope, statement: ast.stmt, name: str) -> bool:
    """Whether a name is bound anew before anything after a statement reads it."""
    after = scope.neighbour(statement, 1)
    while after is not None and not loads(after, name) and not stores(after, name):
        after = scope.neighbour(after, 1)
    if after is not None:
        return isinstance(after, ast.Assign) and not loads(after, name)
    end, function = scope.end(statement), scope.inner_function(statement)
    later = any(scope.start(use) >= end for use in loads(function, name))
    return not later and not scope.loops(statement) and _is_plain_local(function, name)


def made_above(scope: Scope, loop: ast.stmt, name: str, steps: int = 1) -> ast.Assign | None:
    """The statement `name = ...` that stands `steps` above a loop, with no comment between."""
    above = scope.neighbour(loop, -steps)
    if not isinstance(above, ast.Assign) or len(above.targets) != 1:
        return None
    if key(above.targets[0]) != name or has_comments(scope, above, loop):
        return None
    return above


def has_comments(scope: Scope, first: ast.stmt, last: ast.stmt) -> bool:
    """Whether a comment stands on the lines from one statement to another."""
    end = scope.module.next_line(scope.end(last) - 1)
    return scope.module.has_comment(scope.start(first), end)


def is_test(scope: Scope, node: ast.expr) -> bool:
    """Whether an expression is only asked whether it is true."""
    up = scope.parent(node)
    while isinstance(up, ast.BoolOp) or (
        isinstance(up, ast.UnaryOp) and isinstance(up.op, ast.Not)
    ):
        node, up = up, scope.parent(up)
    if isinstance(up, ast.If | ast.While | ast.IfExp | ast.Assert):
        return up.test is node
    return isinstance(up, ast.comprehension) and node in up.ifs


def in_parentheses(scope: Scope, node: ast.expr, text: str, *, product: bool = False) -> str:
    """An operation's text for a node's place, in parentheses where others might bind tighter.

    `product` says that it is a product or a quotient, which sums and comparisons leave whole.
    """
    up, around = scope.parent(node), scope.module.text
    if around[scope.start(node) - 1] == "(" and around[scope.end(node) :][:1] == ")":
        return text  # they are there already
    if product and isinstance(up, ast.BinOp) and isinstance(up.op, ast.Add | ast.Sub):
        return text
    if product and isinstance(up, ast.Compare):
        return text
    displays = ast.List | ast.Tuple | ast.Dict | ast.Set | ast.ListComp | ast.SetComp
    loose = isinstance(up, ast.stmt | ast.keyword | ast.Slice | displays)
    loose = loose or (isinstance(up, ast.Subscript) and up.slice is node)
    argument = isinstance(up, ast.Call) and up.func is not node
    return text if loose or argument else f"({text})"


def is_steady(scope: Scope, node: ast.expr, loop: Loop) -> bool:
    """Whether a loop neither changes an expression nor hands a part of it to unknown calls."""
    if not is_invariant(scope, node, loop):
        return False
    handed = handed_on_in(scope, loop) | {key(m.value) for m in _unknown_methods(scope, loop)}
    parts = (p for p in walk(node) if isinstance(p, ast.Name | ast.Attribute | ast.Subscript))
    return not any(key(p) in handed for p in parts)


def _unknown_methods(scope: Scope, tree: ast.AST) -> list[ast.Attribute]:
    """Methods called in a tree of which it is not known what they do to their object."""
    return [
        call.func
        for call in walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr not in PURE_METHODS | MUTATING
        and not is_plain(scope, call)
    ]


def only_known_calls(scope: Scope, tree: ast.AST) -> bool:
    """Whether all calls in a tree are of builtins and of methods of builtin types."""
    if _unknown_methods(scope, tree):
        return False
    calls = (c for c in walk(tree) if isinstance(c, ast.Call))
    names = (c.func for c in calls if not isinstance(c.func, ast.Attribute))
    return all(scope.is_builtin(name, *KNOWN_BUILTINS) for name in names)


def outer_loop(scope: Scope, node: ast.AST) -> ast.For | ast.While:
    """The outermost loop statement around a statement. Raises NoRewriteError for none."""
    loops = scope.loops(node)
    if not loops or any(isinstance(x, (*COMPREHENSIONS, ast.Lambda)) for x in loops):
        raise NoRewriteError("not in a loop statement")
    outer = loops[-1]
    if not isinstance(outer, ast.For | ast.While):
        raise NoRewriteError("an asynchronous loop")
    return outer


def leaves(tree: ast.AST) -> bool:
    """Whether the function may be left, or stand still, somewhere inside."""
    return any(isinstance(n, _LEAVING) for n in walk(tree))


def within_try(scope: Scope, node: ast.AST) -> bool:
    """Whether an error at this place may be caught in the same function."""
    return any(isinstance(up, ast.Try) for up in scope.ancestors(node))


def mapping_of(node: ast.expr) -> ast.expr | None:
    """d of `d.items()`."""
    if isinstance(node, ast.Call) and not node.args and isinstance(node.func, ast.Attribute):
        return node.func.value if node.func.attr == "items" else None
    return None


def quotable(text: str) -> bool:
    """Whether an expression's text may stand in an f-string of any version of Python."""
    return not set(text) & set("'\"\\\n\r{}#!:") and "lambda" not in text


def quoted(value: str) -> str:
    """A text as it stands between double quotes."""
    text = repr(value)
    inner = text[1:-1]
    return inner if text[0] == '"' else inner.replace("\\'", "'").replace('"', '\\"')
