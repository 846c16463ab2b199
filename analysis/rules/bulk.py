"""Loops that do element by element what one call does for all of them."""

from __future__ import annotations

import ast

from analysis.rules.base import Proposal, Rewrite, rule
from analysis.rules.flow import key, names_in
from analysis.rules.kinds import kind
from analysis.rules.names import bound_in
from analysis.rules.scope import Scope
from analysis.rules.shapes import (
    clause,
    has_comments,
    made_above,
    mapping_of,
    method_call,
    names_stay,
    only_step,
)

_FOR = {"kind": "for_statement"}


@rule(
    "sum-loop",
    title="add all elements up at once",
    description="A loop adds one element after the other to a total that starts at zero. The sum of"
    " all of them is one call in compiled code.",
    patterns=[_FOR],
    node=ast.For,
    gain=2,
)
def sum_loop(scope: Scope, node: ast.For) -> Proposal:
    """Use `sum` instead of a loop that only adds up.

    Why it is slow: each element costs several instructions and a number object for the total so
    far; `sum` keeps small totals in a register.

    Example:
        total = 0                          total = sum(prices)
        for price in prices:
            total += price

    When not to: floats whose last digit matters: since Python 3.12 `sum` rounds less.
    """
    step = only_step(node)
    if not isinstance(step, ast.AugAssign) or not isinstance(step.op, ast.Add):
        return None
    if not isinstance(step.target, ast.Name) or not isinstance(node.target, ast.Name):
        return None
    name = step.target.id
    if key(step.value) != node.target.id or name in names_in(node.iter):
        return None
    start = made_above(scope, node, name)
    if start is None or not isinstance(start.value, ast.Constant) or key(start.value) != "0":
        return None
    if not names_stay(scope, node, [node.target.id]) or name == node.target.id:
        return None
    if not scope.is_builtin(ast.Name("sum"), "sum"):
        return None
    text = f"sum({scope.text(node.iter)})"
    return Rewrite((scope.replace(start.value, text), scope.remove(node)))


@rule(
    "accumulate-loop",
    title="make running totals at once",
    description="A loop keeps a running total and appends it at each turn. The running totals of a"
    " whole collection are made in compiled code.",
    patterns=[_FOR],
    node=ast.For,
    gain=1,
)
def accumulate_loop(scope: Scope, node: ast.For) -> Proposal:
    """Use `itertools.accumulate` for a list of running totals.

    Why it is slow: each element costs an addition and a method call made by the interpreter.

    Example:
        total, sums = 0, []                sums = list(accumulate(xs))
        for x in xs:
            total += x
            sums.append(total)

    When not to: there are a few elements only, or the total is used after the loop (then it is
    left alone).
    """
    if node.orelse or len(node.body) != 2 or not isinstance(node.target, ast.Name):
        return None
    add, grow = node.body
    if not isinstance(add, ast.AugAssign) or not isinstance(add.op, ast.Add):
        return None
    grown = method_call(grow, "append")
    if grown is None or not isinstance(grown[0], ast.Name) or key(add.value) != node.target.id:
        return None
    total, out = key(add.target), grown[0].id
    if key(grown[1]) != total or {total, out} & names_in(node.iter):
        return None
    first, second = (
        made_above(scope, node, total, 1) or made_above(scope, node, total, 2),
        made_above(scope, node, out, 1) or made_above(scope, node, out, 2),
    )
    if first is None or second is None or key(first.value) != "0" or key(second.value) != "[]":
        return None
    if not names_stay(scope, node, [node.target.id, total]):
        return None
    accumulate, changes = scope.need("itertools", "accumulate")
    text = f"list({accumulate}({scope.line_text(node.iter)}))"
    changes += [scope.remove(first), scope.replace(second.value, text), scope.remove(node)]
    return Rewrite(tuple(changes))


@rule(
    "add-loop-update",
    title="add all elements to the set at once",
    description="A loop adds (or discards) one element of a collection after the other in a set"
    " that exists already. One call does it for all of them in compiled code.",
    patterns=[_FOR],
    node=ast.For,
    gain=1,
)
def add_loop_update(scope: Scope, node: ast.For) -> Proposal:
    """Use `update` or `difference_update` of a set instead of a loop.

    Why it is slow: each element costs the lookup and the call of a method.

    Example:
        for x in xs:                       seen.update(xs)
            seen.add(x)

    When not to: there are two or three elements only.
    """
    found = method_call(only_step(node), "add", "discard")
    if found is None or not isinstance(node.target, ast.Name):
        return None
    receiver, element = found
    if key(element) != node.target.id or kind(scope, receiver) != "set":
        return None
    if node.target.id in names_in(receiver) or names_in(receiver) & names_in(node.iter):
        return None
    if not names_stay(scope, node, [node.target.id]) or has_comments(scope, node, node):
        return None
    assert isinstance(receiver, ast.Name)
    before = made_above(scope, node, receiver.id)
    if before is not None and key(before.value) == "set()":
        return None  # a new set has a rule of its own
    call = only_step(node)
    method = "update" if ".add(" in scope.text(call) else "difference_update"
    text = f"{receiver.id}.{method}({clause(scope, node.iter)})"
    return Rewrite((scope.replace(node, text),))


@rule(
    "item-loop-update",
    title="take over all items at once",
    description="A loop sets the items of one dict in another, one after the other. One call takes"
    " over all of them in compiled code.",
    patterns=[_FOR],
    node=ast.For,
    gain=1,
)
def item_loop_update(scope: Scope, node: ast.For) -> Proposal:
    """Use `dict.update` instead of a loop over items.

    Why it is slow: each item goes through several instructions and is hashed anew.

    Example:
        for k, v in defaults.items():      options.update(defaults)
            options[k] = v

    When not to: the target is no dict, or does something at each item.
    """
    step, target = only_step(node), node.target
    if not isinstance(target, ast.Tuple) or len(target.elts) != 2:
        return None
    if not isinstance(step, ast.Assign) or len(step.targets) != 1:
        return None
    item, source = step.targets[0], node.iter
    if not isinstance(item, ast.Subscript) or not isinstance(item.value, ast.Name):
        return None
    if [key(item.slice), key(step.value)] != [key(e) for e in target.elts]:
        return None
    name = item.value.id
    if kind(scope, item.value) != "dict" or name in names_in(source):
        return None
    if not names_stay(scope, node, bound_in(target)) or has_comments(scope, node, node):
        return None
    before = made_above(scope, node, name)
    if before is not None and key(before.value) in ("{}", "dict()"):
        return None  # a new dict has a rule of its own
    taken = mapping_of(source)
    text = clause(scope, source) if taken is None else scope.text(taken)
    return Rewrite((scope.replace(node, f"{name}.update({text})"),))


RULES = (sum_loop, accumulate_loop, add_loop_update, item_loop_update)
