"""Loops over positions where elements would do."""

from __future__ import annotations

import ast

from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule
from analysis.rules.flow import is_invariant, key, loads, stores
from analysis.rules.scope import Comprehension, Scope
from analysis.text import TextChange

_Place = tuple[ast.For | Comprehension, ast.expr, ast.expr]


def _place(scope: Scope, call: ast.Call) -> _Place:
    """The loop whose range a call is, its target and its source."""
    up = scope.parent(call)
    if isinstance(up, ast.For) and up.iter is call:
        return up, up.target, up.iter
    if isinstance(up, ast.comprehension) and up.iter is call and not up.is_async:
        loop = scope.parent(up)
        if isinstance(loop, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            return loop, up.target, up.iter
    raise NoRewriteError("no loop")


def _length_of(scope: Scope, call: ast.Call, less: int) -> ast.expr:
    """xs of `range(len(xs))`, or of `range(len(xs) - less)`."""
    arguments = call.args
    if len(arguments) == 2 and key(arguments[0]) == "0":
        arguments = arguments[1:]
    if len(arguments) != 1 or not scope.is_builtin(call.func, "range"):
        raise NoRewriteError("no range")
    length = arguments[0]
    if less:
        if not isinstance(length, ast.BinOp) or not isinstance(length.op, ast.Sub):
            raise NoRewriteError("not shortened")
        if key(length.right) != str(less):
            raise NoRewriteError("not shortened by that")
        length = length.left
    if isinstance(length, ast.Call) and scope.is_builtin(length.func, "len"):
        return length.args[0]
    raise NoRewriteError("no length")


def _singular(scope: Scope, sequence: ast.expr, *taken: str) -> str:
    """A name for one element: rows gives row, anything else gets `_item`."""
    stem = scope.stem(sequence, "item")
    if stem.endswith("ies") and len(stem) > 4:
        name = stem[:-3] + "y"
    elif stem.endswith("s") and not stem.endswith("ss") and len(stem) > 2:
        name = stem[:-1]
    else:
        name = f"{stem}_item"
    return scope.fresh(name, *taken) if name.isidentifier() else scope.fresh("item", *taken)


def _split_uses(
    scope: Scope, loop: ast.AST, index: str
) -> tuple[dict[str, list[ast.Subscript]], list[ast.Name]]:
    """The places `xs[i]` by text of xs, and the other uses of i."""
    items: dict[str, list[ast.Subscript]] = {}
    other: list[ast.Name] = []
    for use in loads(loop, index):
        up = scope.parent(use)
        if isinstance(up, ast.Subscript) and up.slice is use and isinstance(up.ctx, ast.Load):
            items.setdefault(key(up.value), []).append(up)
        else:
            other.append(use)
    return items, other


@rule(
    "range-len-direct",
    title="loop over the elements themselves",
    description="A loop counts positions and looks each element up by its position. Looping over"
    " the elements (with enumerate or zip where needed) saves the lookups.",
    patterns=["range(len($XS))", "range(0, len($XS))"],
    node=ast.Call,
    gain=1,
)
def range_len_direct(scope: Scope, node: ast.Call) -> Proposal:
    """Loop over elements, `enumerate` or `zip` instead of positions.

    Why it is slow: each `xs[i]` makes an index lookup, and each position is a number object.

    Example:
        for i in range(len(xs)):           for x, y in zip(xs, ys):
            total += xs[i] * ys[i]             total += x * y

    When not to: the loop changes the sequence (then it is left alone), or the second sequence may
    be shorter and its IndexError is wanted.
    """
    loop, target, source = _place(scope, node)
    sequence = _length_of(scope, node, 0)
    if not isinstance(target, ast.Name) or not isinstance(
        sequence, ast.Name | ast.Attribute | ast.Subscript
    ):
        return None
    index = target.id
    if len(stores(loop, index)) != 1:
        return None
    items, other = _split_uses(scope, loop, index)
    function = scope.inner_function(node)
    used_after = isinstance(loop, ast.For) and len(loads(function, index)) > len(loads(loop, index))
    groups: list[tuple[str, list[ast.Subscript]]] = []
    for text, places in items.items():
        if is_invariant(scope, places[0].value, loop) and scope.inside(places[0], loop):
            groups.append((text, places))
        else:
            other += [p.slice for p in places if isinstance(p.slice, ast.Name)]
    groups.sort(key=lambda g: g[0] != key(sequence))
    if not groups or groups[0][0] != key(sequence) or len(groups) > 3:
        return None
    return _loop_over(scope, target, source, groups, bool(other) or used_after)


def _loop_over(
    scope: Scope,
    target: ast.Name,
    source: ast.expr,
    groups: list[tuple[str, list[ast.Subscript]]],
    counted: bool,
) -> Rewrite:
    names: list[str] = []
    changes: list[TextChange] = []
    for _, places in groups:
        name = _singular(scope, places[0].value, *names)
        names.append(name)
        changes += [scope.replace(p, name) for p in places]
    sequences = [scope.line_text(places[0].value) for _, places in groups]
    over = sequences[0] if len(groups) == 1 else f"zip({', '.join(sequences)})"
    bound = ", ".join(names)
    if counted:
        bound = f"{target.id}, {bound if len(names) == 1 else f'({bound})'}"
        over = f"enumerate({over})"
    changes += [scope.replace(target, bound), scope.replace(source, over)]
    return Rewrite(tuple(changes))


@rule(
    "adjacent-pairs-zip",
    title="loop over adjacent pairs",
    description="A loop counts positions and looks up each element and the one after it. Looping"
    " over the sequence and its tail side by side saves the lookups.",
    patterns=["range(len($XS) - 1)", "range(0, len($XS) - 1)"],
    node=ast.Call,
    gain=1,
)
def adjacent_pairs_zip(scope: Scope, node: ast.Call) -> Proposal:
    """Loop over `zip(xs, xs[1:])` instead of positions.

    Why it is slow: two index lookups and an addition for each pair.

    Example:
        for i in range(len(xs) - 1):       for x, x_next in zip(xs, xs[1:]):
            gaps.append(xs[i+1] - xs[i])       gaps.append(x_next - x)

    When not to: the position is used otherwise, or the loop changes the sequence (then it is left
    alone).
    """
    loop, target, source = _place(scope, node)
    sequence = _length_of(scope, node, 1)
    if not isinstance(target, ast.Name) or not isinstance(sequence, ast.Name | ast.Attribute):
        return None
    index, text = target.id, key(sequence)
    function = scope.inner_function(node)
    if len(stores(loop, index)) != 1 or not is_invariant(scope, sequence, loop):
        return None
    if isinstance(loop, ast.For) and len(loads(function, index)) > len(loads(loop, index)):
        return None
    first = _singular(scope, sequence)
    second = scope.fresh(f"{first}_next", first)
    changes, found = [], set()
    for use in loads(loop, index):
        at: ast.AST | None = scope.parent(use)
        name = first
        if isinstance(at, ast.BinOp) and key(at) == f"{index} + 1":
            at, name = scope.parent(at), second
        if not isinstance(at, ast.Subscript) or key(at.value) != text:
            return None
        if not isinstance(at.ctx, ast.Load) or key(at.slice) not in (index, f"{index} + 1"):
            return None
        found.add(name)
        changes.append(scope.replace(at, name))
    if len(found) != 2:
        return None
    own = scope.text(sequence)
    changes.append(scope.replace(target, f"{first}, {second}"))
    changes.append(scope.replace(source, f"zip({own}, {own}[1:])"))
    return Rewrite(tuple(changes))


RULES = (range_len_direct, adjacent_pairs_zip)
