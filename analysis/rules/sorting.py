"""Sorting where less would do."""

from __future__ import annotations

import ast

from analysis.rules.base import Proposal, Rewrite, rule
from analysis.rules.flow import key, loads, stores
from analysis.rules.nodes import text_of
from analysis.rules.scope import Scope
from analysis.rules.shapes import within_try


def _sorted_parts(scope: Scope, node: ast.expr) -> tuple[str, str, bool] | None:
    """Of a `sorted` call: the text of its argument, `, key=...` or nothing, whether reversed."""
    if not isinstance(node, ast.Call) or not scope.is_builtin(node.func, "sorted"):
        return None
    if len(node.args) != 1 or isinstance(node.args[0], ast.Starred):
        return None
    key, reverse = "", False
    for keyword in node.keywords:
        if keyword.arg == "key":
            key = f", key={scope.text(keyword.value)}"
        elif keyword.arg == "reverse" and isinstance(keyword.value, ast.Constant):
            reverse = bool(keyword.value.value)
        else:
            return None
    argument = scope.text(node.args[0])
    if isinstance(node.args[0], ast.GeneratorExp) and key and not argument.startswith("("):
        argument = f"({argument})"
    elif isinstance(node.args[0], ast.GeneratorExp) and not key and argument.startswith("("):
        argument = argument[1:-1]
    return argument, key, reverse


def _end(node: ast.expr) -> int | None:
    """0 or -1 when an index is that constant."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return None
    return value if type(value) is int and value in (0, -1) else None


def _extreme(scope: Scope, call: ast.expr, index: ast.expr) -> str | None:
    parts, end = _sorted_parts(scope, call), _end(index)
    if parts is None or end is None:
        return None
    argument, key, reverse = parts
    name = "max" if reverse == (end == 0) else "min"
    if not scope.is_builtin(ast.Name(name), name):
        return None
    return f"{name}({argument}{key})"


@rule(
    "sorted-first",
    title="take the extreme without sorting",
    description="A collection is sorted only to take its first or last element. One pass for the"
    " minimum or maximum finds it.",
    patterns=[{"kind": "subscript", "regex": r"^sorted\("}],
    node=ast.Subscript,
    gain=3,
    words=("sorted",),
)
def sorted_first(scope: Scope, node: ast.Subscript) -> Proposal:
    """Use `min` or `max` instead of the first or last of a sorted list.

    Why it is slow: sorting compares each element with several others and makes a new list; the
    minimum needs one comparison each.

    Example:
        best = sorted(scores, key=rank)[0]    ->    best = min(scores, key=rank)

    When not to: the collection may be empty and callers expect IndexError (`min` raises
    ValueError), or a key has ties and the last of them matters.
    """
    text = None if within_try(scope, node) else _extreme(scope, node.value, node.slice)
    return Rewrite((scope.replace(node, text),)) if text else None


@rule(
    "sorted-name-first",
    title="take the extreme without sorting",
    description="A sorted copy is kept in a name and only its first or last element is used. One"
    " pass for the minimum or maximum finds it.",
    patterns=[{"kind": "assignment", "regex": r"=\s*sorted\("}],
    node=ast.Assign,
    gain=3,
    words=("sorted",),
)
def sorted_name_first(scope: Scope, node: ast.Assign) -> Proposal:
    """Use `min` or `max` where a sorted list is used for its first or last element only.

    Why it is slow: sorting compares each element with several others and makes a new list.

    Example:
        ranked = sorted(rows, key=cost)    ranked_first = min(rows, key=cost)
        return ranked[0]                   return ranked_first

    When not to: the collection may be empty and callers expect IndexError, or a key has ties and
    the last of them matters.
    """
    if len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
        return None
    name, function = node.targets[0].id, scope.inner_function(node)
    uses = [scope.parent(n) for n in loads(function, name)]
    if len(stores(function, name)) != 1 or not uses:
        return None
    ends: set[int | None] = set()
    for use in uses:
        if not isinstance(use, ast.Subscript) or not isinstance(use.ctx, ast.Load):
            return None
        ends.add(_end(use.slice))
    if len(ends) != 1 or not isinstance(uses[0], ast.Subscript):
        return None
    text = _extreme(scope, node.value, uses[0].slice)
    if text is None:
        return None
    new = scope.fresh(f"{name}_{'first' if _end(uses[0].slice) == 0 else 'last'}")
    changes = [scope.replace(node, f"{new} = {text}")]
    changes += [scope.replace(use, new) for use in uses if isinstance(use, ast.Subscript)]
    return Rewrite(tuple(changes))


@rule(
    "sorted-slice",
    title="take the few smallest with a heap",
    description="A whole collection is sorted to take its first few elements. A heap of that many"
    " elements finds them in one pass.",
    patterns=[{"kind": "subscript", "regex": r"^sorted\("}],
    node=ast.Subscript,
    gain=2,
    words=("sorted",),
)
def sorted_slice(scope: Scope, node: ast.Subscript) -> Proposal:
    """Use `heapq.nsmallest` or `nlargest` instead of the first n of a sorted list.

    Why it is slow: sorting orders all elements, though only n of them are wanted.

    Example:
        top = sorted(rows, key=cost)[:10]    ->    top = heapq.nsmallest(10, rows, key=cost)

    When not to: n is not much smaller than the collection, or the data is nearly sorted already:
    then sorting wins.
    """
    cut = node.slice
    parts = _sorted_parts(scope, node.value)
    if parts is None or not isinstance(cut, ast.Slice) or cut.upper is None or cut.step:
        return None
    if isinstance(cut.upper, ast.UnaryOp) or (cut.lower and key(cut.lower) != "0"):
        return None
    argument, by, reverse = parts
    value = node.value
    assert isinstance(value, ast.Call)
    if isinstance(value.args[0], ast.GeneratorExp) and not argument.startswith("("):
        argument = f"({argument})"
    function, changes = scope.need("heapq", "nlargest" if reverse else "nsmallest")
    text = f"{function}({scope.text(cut.upper)}, {argument}{by})"
    return Rewrite((*changes, scope.replace(node, text)))


@rule(
    "append-sort-insort",
    title="insert into a sorted list at its place",
    description="A list is sorted anew after each append. Inserting each element at its place by"
    " bisection keeps it sorted.",
    patterns=["$XS.sort($$$A)"],
    node=ast.Call,
    gain=2,
)
def append_sort_insort(scope: Scope, node: ast.Call) -> Proposal:
    """Use `bisect.insort` instead of an append followed by a sort, inside a loop.

    Why it is slow: each sort looks at all elements again. Bisection needs few comparisons, and
    moving the tail of the list is one fast copy.

    Example:
        for x in xs:                       for x in xs:
            best.append(x)                     bisect.insort(best, x)
            best.sort()

    When not to: the list is not sorted before the loop, or is only needed sorted after it (then
    sort once, there).
    """
    statement = scope.parent(node)
    if not isinstance(statement, ast.Expr) or not isinstance(node.func, ast.Attribute):
        return None
    if not scope.loops(node) or node.args:
        return None
    if any(k.arg != "key" for k in node.keywords):
        return None
    before = scope.neighbour(statement, -1)
    target = node.func.value
    if not isinstance(before, ast.Expr) or not isinstance(before.value, ast.Call):
        return None
    append = before.value
    if not isinstance(append.func, ast.Attribute) or append.func.attr != "append":
        return None
    if text_of(append.func.value) != text_of(target) or len(append.args) != 1:
        return None
    key = f", key={scope.text(node.keywords[0].value)}" if node.keywords else ""
    function, changes = scope.need("bisect", "insort")
    text = f"{function}({scope.text(target)}, {scope.text(append.args[0])}{key})"
    return Rewrite((*changes, scope.replace(before, text), scope.remove(statement)))


RULES = (sorted_first, sorted_name_first, sorted_slice, append_sort_insort)
