"""Powers and quotients of numbers that have a shorter way."""

from __future__ import annotations

import ast

from analysis.rules.base import Proposal, Rewrite, rule
from analysis.rules.flow import key, stores
from analysis.rules.kinds import kind
from analysis.rules.scope import Scope
from analysis.rules.shapes import in_parentheses


@rule(
    "square-multiply",
    title="multiply instead of raising to a power",
    description="A value is squared by the general power. Multiplying it by itself is one short"
    " instruction.",
    patterns=["$X ** 2"],
    node=ast.BinOp,
    gain=1,
)
def square_multiply(scope: Scope, node: ast.BinOp) -> Proposal:
    """Write `x * x` instead of `x ** 2`.

    Why it is slow: the power of whole numbers goes through a general algorithm, and that of floats
    through the library of mathematics.

    Example:
        total += x ** 2    ->    total += x * x

    When not to: outside of hot loops it does not matter.
    """
    if not isinstance(node.left, ast.Name) or key(node.right) != "2":
        return None
    if not scope.loops(node) and kind(scope, node.left) not in ("int", "float"):
        return None
    text = in_parentheses(scope, node, f"{node.left.id} * {node.left.id}", product=True)
    return Rewrite((scope.replace(node, text),))


def _is_whole(scope: Scope, node: ast.expr) -> bool:
    """Whether an expression is evidently a whole number."""
    if kind(scope, node) == "int":
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult):
        return _is_whole(scope, node.left) and _is_whole(scope, node.right)
    if not isinstance(node, ast.Name):
        return False
    bound = stores(scope.inner_function(node), node.id)
    return bool(bound) and all(_binds_whole(scope, n) for n in bound)


def _binds_whole(scope: Scope, name: ast.Name) -> bool:
    up = scope.parent(name)
    if isinstance(up, ast.For | ast.comprehension):
        return isinstance(up.iter, ast.Call) and scope.is_builtin(up.iter.func, "range")
    if isinstance(up, ast.AugAssign):
        return kind(scope, up.value) == "int" and not isinstance(up.op, ast.Div | ast.Pow)
    if not isinstance(up, ast.Assign):
        return False
    value = up.value
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub):
        sides = value.left, value.right
        return all(kind(scope, s) == "int" or _is_half(scope, s) for s in sides)
    return kind(scope, value) == "int"


def _is_half(scope: Scope, node: ast.expr) -> bool:
    """Whether a name is bound to `int(...)` or `len(...)` wherever it is bound."""
    if not isinstance(node, ast.Name):
        return False
    ups = [scope.parent(n) for n in stores(scope.inner_function(node), node.id)]
    return bool(ups) and all(
        isinstance(u, ast.Assign) and kind(scope, u.value) == "int" for u in ups
    )


@rule(
    "int-division",
    title="divide whole numbers as whole numbers",
    description="Whole numbers are divided as floats and the result is turned back. The division of"
    " whole numbers does it in one step, and without rounding errors.",
    patterns=["int($A / $B)"],
    node=ast.Call,
    gain=1,
)
def int_division(scope: Scope, node: ast.Call) -> Proposal:
    """Write `a // b` instead of `int(a / b)`.

    Why it is slow: two conversions, a float object and a call for each division.

    Example:
        middle = int((low + high) / 2)    ->    middle = (low + high) // 2

    When not to: one of the numbers may be negative (`int` rounds towards zero, `//` down).
    """
    value = node.args[0]
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Div):
        return None
    if not scope.is_builtin(node.func, "int") or node.keywords or node in scope.formatted:
        return None
    if not _is_whole(scope, value.left) or not _is_whole(scope, value.right):
        return None
    right = value.right
    if isinstance(right, ast.Constant) and right.value == 0:
        return None
    text = scope.text(node)
    divisor = scope.module.text[scope.end(value.left) : scope.start(value.right)]
    if divisor.count("/") != 1 or not text.startswith("int("):
        return None
    inner = scope.text(value).replace(divisor, divisor.replace("/", "//"), 1)
    if key(ast.parse(inner, mode="eval").body) != key(
        ast.BinOp(value.left, ast.FloorDiv(), value.right)
    ):
        return None
    return Rewrite((scope.replace(node, in_parentheses(scope, node, inner, product=True)),))


RULES = (square_multiply, int_division)
