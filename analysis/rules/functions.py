"""Small functions written where one exists already, or where none is needed."""

from __future__ import annotations

import ast

from analysis.rules.base import Proposal, Rewrite, rule
from analysis.rules.flow import key, names_in
from analysis.rules.scope import Scope

_LAMBDA = {"kind": "lambda"}


def _parameters(node: ast.Lambda) -> list[str] | None:
    """The names of a lambda's parameters, if all are plain ones."""
    arguments = node.args
    if arguments.defaults or arguments.vararg or arguments.kwarg or arguments.kwonlyargs:
        return None
    return [a.arg for a in [*arguments.posonlyargs, *arguments.args]]


def _constant_item(node: ast.expr, name: str) -> str | None:
    """The text of the constant c of `name[c]`."""
    if not isinstance(node, ast.Subscript) or key(node.value) != name:
        return None
    try:
        value = ast.literal_eval(node.slice)
    except (ValueError, TypeError, SyntaxError):
        return None
    return key(node.slice) if isinstance(value, str | int) else None


@rule(
    "key-getter",
    title="take the sort key without a Python function",
    description="A key function only takes an item or an attribute of each element. A getter of the"
    " standard library does it in compiled code.",
    patterns=[_LAMBDA],
    node=ast.Lambda,
    gain=1,
)
def key_getter(scope: Scope, node: ast.Lambda) -> Proposal:
    """Use `operator.itemgetter` or `attrgetter` as a key.

    Why it is slow: the lambda is called once for each element, and a call of a Python function
    takes longer than the lookup in it.

    Example:
        rows.sort(key=lambda row: row[1])    ->    rows.sort(key=itemgetter(1))

    When not to: there are a few elements only.
    """
    up, names = scope.parent(node), _parameters(node)
    if not isinstance(up, ast.keyword) or up.arg != "key" or names is None or len(names) != 1:
        return None
    parts = node.body.elts if isinstance(node.body, ast.Tuple) else [node.body]
    if not parts or (isinstance(node.body, ast.Tuple) and len(parts) < 2):
        return None
    items = [text for p in parts if (text := _constant_item(p, names[0])) is not None]
    if len(items) == len(parts):
        getter, changes = scope.need("operator", "itemgetter")
        return Rewrite((*changes, scope.replace(node, f"{getter}({', '.join(items)})")))
    fields = [
        f'"{p.attr}"' for p in parts if isinstance(p, ast.Attribute) and key(p.value) == names[0]
    ]
    if len(fields) == len(parts):
        getter, changes = scope.need("operator", "attrgetter")
        return Rewrite((*changes, scope.replace(node, f"{getter}({', '.join(fields)})")))
    return None


@rule(
    "lambda-unwrap",
    title="hand over the function itself",
    description="A small function only calls another one with the same arguments. Handed over"
    " itself, the other one is called without the step between.",
    patterns=[_LAMBDA],
    node=ast.Lambda,
    gain=1,
)
def lambda_unwrap(scope: Scope, node: ast.Lambda) -> Proposal:
    """Hand over a function instead of a lambda that only calls it.

    Why it is slow: each use makes two calls instead of one.

    Example:
        sorted(words, key=lambda w: len(w))    ->    sorted(words, key=len)

    When not to: the name is bound to another function later.
    """
    names, call, up = _parameters(node), node.body, scope.parent(node)
    if not names or not isinstance(call, ast.Call) or call.keywords:
        return None
    if [key(a) for a in call.args] != names or not isinstance(up, ast.Call | ast.keyword):
        return None
    func = call.func
    root = func.value if isinstance(func, ast.Attribute) else func
    if not isinstance(root, ast.Name) or set(names) & names_in(func):
        return None
    if isinstance(func, ast.Attribute):
        known = scope.is_module(root.id, root.id)
    else:
        known = root.id not in scope.own_names
    return Rewrite((scope.replace(node, scope.text(func)),)) if known else None


RULES = (key_getter, lambda_unwrap)
