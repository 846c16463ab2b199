"""Deep copies of data that has no depth."""

from __future__ import annotations

import ast

from analysis.rules.base import Proposal, Rewrite, rule
from analysis.rules.flow import key
from analysis.rules.kinds import is_text, kind
from analysis.rules.nodes import walk
from analysis.rules.scope import Scope

_PATTERNS = ("$COPY.deepcopy($X)", "deepcopy($X)")
_IMMUTABLE = ("str", "int", "float", "bool", "bytes", "NoneType", "complex")


def _argument(scope: Scope, node: ast.Call) -> ast.expr | None:
    if not scope.is_imported(node.func, "copy", "deepcopy") or node.keywords:
        return None
    return node.args[0] if len(node.args) == 1 else None


def _aliases(scope: Scope, node: ast.Call, argument: ast.expr) -> set[str]:
    """The texts by which the function calls the original and the copy."""
    texts = {key(argument)}
    up = scope.parent(node)
    if isinstance(up, ast.Assign):
        texts |= {key(t) for t in up.targets}
    return texts


def _is_nested(scope: Scope, node: ast.Call, argument: ast.expr) -> bool:
    """Whether the function reaches two steps deep into the data: `x[i][j]` or rows of it."""
    texts = _aliases(scope, node, argument)
    for inner in walk(scope.inner_function(node)):
        row = inner.value if isinstance(inner, ast.Subscript) else None
        if isinstance(row, ast.Subscript) and key(row.value) in texts:
            return True
    return False


def _is_keyed(scope: Scope, node: ast.Call, argument: ast.expr) -> bool:
    """Whether the function looks the data up by texts, as a mapping."""
    texts = _aliases(scope, node, argument)
    return any(
        isinstance(inner, ast.Subscript) and key(inner.value) in texts and is_text(inner.slice)
        for inner in walk(scope.inner_function(node))
    )


@rule(
    "deepcopy-immutable",
    title="use the immutable value itself",
    description="A deep copy of an immutable value gives the value itself after a search through"
    " tables of types. The copy is left out.",
    patterns=_PATTERNS,
    node=ast.Call,
    gain=2,
)
def deepcopy_immutable(scope: Scope, node: ast.Call) -> Proposal:
    """Leave out the deep copy of a string or number.

    Why it is slow: `copy.deepcopy` looks types up and keeps notes in Python code, for each object,
    and gives immutable ones back as they are.

    Example:
        name = copy.deepcopy(str(label))    ->    name = str(label)

    When not to: never, where the type is certain.
    """
    argument = _argument(scope, node)
    if argument is None or kind(scope, argument) not in _IMMUTABLE:
        return None
    return Rewrite((scope.replace(node, scope.operand(argument)),))


@rule(
    "deepcopy-flat",
    title="copy flat data with one shallow copy",
    description="Flat data is copied by the general deep copy, which visits each element in"
    " interpreted code. A shallow copy in compiled code is enough.",
    patterns=_PATTERNS,
    node=ast.Call,
    gain=2,
)
def deepcopy_flat(scope: Scope, node: ast.Call) -> Proposal:
    """Copy a flat list, dict or set by its own method.

    Why it is slow: `copy.deepcopy` runs dozens of interpreted instructions for each element and
    remembers each object; a shallow copy is one call in C. Where elements can't be changed, both
    give the same.

    Example:
        trial = copy.deepcopy(route)    ->    trial = route.copy()

    When not to: elements can be changed and are: then the copy shares them.
    """
    argument = _argument(scope, node)
    if argument is None or _is_nested(scope, node, argument):
        return None
    known = kind(scope, argument)
    if known in (*_IMMUTABLE, "iterator"):
        return None
    text = f"tuple({scope.text(argument)})" if known == "tuple" else ""
    text = text or f"{scope.operand(argument)}.copy()"
    return Rewrite((scope.replace(node, text),), sure=known is not None)


@rule(
    "deepcopy-rows",
    title="copy a table row by row",
    description="A list of flat lists is copied by the general deep copy, which visits each element"
    " in interpreted code. Each row is copied by a slice instead.",
    patterns=_PATTERNS,
    node=ast.Call,
    gain=2,
)
def deepcopy_rows(scope: Scope, node: ast.Call) -> Proposal:
    """Copy a list of lists by a slice of each row.

    Why it is slow: `copy.deepcopy` runs dozens of interpreted instructions for each cell.

    Example:
        trial = copy.deepcopy(board)    ->    trial = [row[:] for row in board]
        trial[r][c] = 1                       trial[r][c] = 1

    When not to: cells are objects that are changed, or the same row stands in the table twice.
    """
    argument = _argument(scope, node)
    if argument is None or not _is_nested(scope, node, argument):
        return None
    if kind(scope, argument) not in (None, "list") or _is_keyed(scope, node, argument):
        return None
    row = scope.fresh("row")
    text = f"[{row}[:] for {row} in {scope.operand(argument)}]"
    return Rewrite((scope.replace(node, text),), sure=False)


RULES = (deepcopy_immutable, deepcopy_flat, deepcopy_rows)
