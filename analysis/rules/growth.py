"""Collections copied as a whole to grow by one element."""

from __future__ import annotations

import ast

from analysis.rules.base import Proposal, Rewrite, rule
from analysis.rules.flow import is_plain, key
from analysis.rules.nodes import text_of, walk
from analysis.rules.scope import Scope


def _list_step(scope: Scope, value: ast.expr, name: str) -> str | None:
    """`name = name + [x]`, `[*name, x]` as a call on the name."""
    added: list[ast.expr] = []
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add) and key(value.left) == name:
        if isinstance(value.right, ast.List):
            added = value.right.elts
        if isinstance(value.right, ast.ListComp) or len(added) > 1:
            return f"{name}.extend({scope.text(value.right)})"
    elif isinstance(value, ast.List) and len(value.elts) == 2:
        first, last = value.elts
        if isinstance(first, ast.Starred) and key(first.value) == name:
            added = [last]
    if len(added) == 1 and not isinstance(added[0], ast.Starred):
        return f"{name}.append({scope.text(added[0])})"
    return None


def _dict_step(scope: Scope, value: ast.expr, name: str) -> str | None:
    """`name = {**name, k: v}` as an assignment to an item; `name | {x}` as `name.add(x)`."""
    if isinstance(value, ast.Dict) and len(value.keys) == 2:
        spread, item = value.keys
        if spread is None and item is not None and key(value.values[0]) == name:
            return f"{name}[{scope.text(item)}] = {scope.text(value.values[1])}"
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr) and key(value.left) == name:
        added = value.right.elts if isinstance(value.right, ast.Set) else []
        if len(added) == 1 and not isinstance(added[0], ast.Starred):
            return f"{name}.add({scope.text(added[0])})"
    return None


@rule(
    "grow-in-place",
    title="grow the collection in place",
    description="A collection is copied as a whole in a loop to add one element. Adding the element"
    " in place copies nothing.",
    patterns=["$A = $A + $B", "$A = [*$A, $X]", "$A = {**$A, $K: $V}", "$A = $A | $B"],
    node=ast.Assign,
    gain=3,
)
def grow_in_place(scope: Scope, node: ast.Assign) -> Proposal:
    """Append, add or assign an item instead of making a larger copy.

    Why it is slow: `out = out + [x]` copies all elements at each turn: the time grows with the
    square of their number. So do `[*out, x]`, `{**table, key: value}` and `seen | {x}`.

    Example:
        for x in xs:                       for x in xs:
            out = out + [f(x)]                 out.append(f(x))

    When not to: another name holds the collection and must not see it change.
    """
    target = node.targets[0]
    if len(node.targets) != 1 or not isinstance(target, ast.Name) or not scope.loops(node):
        return None
    text = _list_step(scope, node.value, target.id) or _dict_step(scope, node.value, target.id)
    return Rewrite((scope.replace(node, text),)) if text else None


@rule(
    "append-item",
    title="append the element",
    description="A list grows by a list of one element that is made only for that. Appending the"
    " element makes no list.",
    patterns=["$A += [$X]"],
    node=ast.AugAssign,
    gain=1,
)
def append_item(scope: Scope, node: ast.AugAssign) -> Proposal:
    """Append an element instead of adding a list of one.

    Why it is slow: each turn makes and drops a list.

    Example:
        out += [x]    ->    out.append(x)

    When not to: the left side is no list.
    """
    value = node.value
    if not isinstance(value, ast.List) or len(value.elts) != 1 or not scope.loops(node):
        return None
    if not isinstance(node.target, ast.Name) or isinstance(value.elts[0], ast.Starred):
        return None
    if not isinstance(node.op, ast.Add):
        return None
    text = f"{node.target.id}.append({scope.text(value.elts[0])})"
    return Rewrite((scope.replace(node, text),))


@rule(
    "slice-walk",
    title="walk by position instead of cutting the list",
    description="A loop takes the first element and cuts it off by copying the rest each time. A"
    " plain loop over the elements copies nothing.",
    patterns=[{"kind": "while_statement"}],
    node=ast.While,
    gain=3,
)
def slice_walk(scope: Scope, node: ast.While) -> Proposal:
    """Loop over the elements instead of cutting the first one off.

    Why it is slow: `rest = rest[1:]` copies all that is left at each turn: the time grows with the
    square of the length.

    Example:
        while rest:                        for head in rest:
            head = rest[0]                     visit(head)
            rest = rest[1:]                rest = rest[:0]
            visit(head)

    When not to: the loop changes the list or leaves early (then it is left alone).
    """
    if node.orelse or not isinstance(node.test, ast.Name) or len(node.body) < 3:
        return None
    name = node.test.id
    first, second = node.body[:2]
    if text_of(second) != f"{name} = {name}[1:]" or not isinstance(first, ast.Assign):
        return None
    if key(first.value) != f"{name}[0]" or not isinstance(first.targets[0], ast.Name):
        return None
    rest = node.body[2:]
    for statement in rest:
        for inner in walk(statement):
            if isinstance(inner, ast.Break | ast.Return | ast.Yield | ast.YieldFrom):
                return None
            if isinstance(inner, ast.Name) and inner.id == name:
                return None
    if not is_plain(scope, node.test):
        return None
    head = first.targets[0].id
    changes = [
        scope.remove(first),
        scope.remove(second),
        scope.insert_after(node, f"{name} = {name}[:0]"),
    ]
    header = scope.module.text[scope.start(node) : scope.end(node.test)]
    if "\n" in header or scope.module.has_comment(scope.start(first), scope.end(second)):
        return None
    at = scope.start(node)
    changes.append(type(changes[0])(at, scope.end(node.test), f"for {head} in {name}"))
    return Rewrite(tuple(changes))


RULES = (grow_in_place, slice_walk, append_item)
