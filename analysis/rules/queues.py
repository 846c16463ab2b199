"""Lists that are used at their front."""

from __future__ import annotations

import ast

from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule, words
from analysis.rules.flow import loads, stores
from analysis.rules.kinds import kind
from analysis.rules.nodes import walk
from analysis.rules.scope import Scope
from analysis.text import TextChange

_DEQUE_METHODS = words(
    """
    append extend clear count index remove reverse copy pop
    """
)


def _list_statements(scope: Scope, function: ast.AST, name: str) -> list[ast.expr]:
    """The values of all statements that bind a name; each of them makes a list."""
    values = []
    for store in stores(function, name):
        statement = scope.parent(store)
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
            raise NoRewriteError("bound otherwise")
        if kind(scope, statement.value) != "list" or isinstance(statement.value, ast.Name):
            raise NoRewriteError("not a list")
        if isinstance(statement, ast.Assign) and len(statement.targets) != 1:
            raise NoRewriteError("bound to two names")
        values.append(statement.value)
    if not values:
        raise NoRewriteError("not made here")
    return values


def _as_deque(scope: Scope, value: ast.expr, deque: str) -> TextChange:
    if isinstance(value, ast.List) and not value.elts:
        return scope.replace(value, f"{deque}()")
    if isinstance(value, ast.Call) and scope.is_builtin(value.func, "list"):
        return scope.replace(value.func, deque)
    return scope.replace(value, f"{deque}({scope.text(value)})")


def _deque_use(scope: Scope, use: ast.Name) -> list[TextChange]:
    """What to change where a list is used, so that a deque does the same there."""
    up = scope.parent(use)
    if isinstance(up, ast.Attribute):
        call = scope.parent(up)
        if not isinstance(call, ast.Call) or call.func is not up or call.keywords:
            raise NoRewriteError("the list escapes")
        first = call.args[0] if call.args else None
        front = isinstance(first, ast.Constant) and first.value == 0 and first.value is not False
        if up.attr == "pop" and front:
            return [scope.replace(call, f"{scope.text(use)}.popleft()")]
        if up.attr == "pop" and call.args:
            raise NoRewriteError("pops in the middle")
        if up.attr == "insert" and front and len(call.args) == 2:
            return [
                scope.replace(call, f"{scope.text(use)}.appendleft({scope.text(call.args[1])})")
            ]
        if up.attr in _DEQUE_METHODS:
            return []
    elif (
        isinstance(up, ast.Subscript) and up.value is use and not isinstance(up.slice, ast.Slice)
    ) or isinstance(up, ast.While | ast.If | ast.IfExp | ast.For | ast.comprehension):
        return []
    elif isinstance(up, ast.BoolOp | ast.UnaryOp):
        test = scope.parent(up)
        if isinstance(test, ast.While | ast.If) or isinstance(up, ast.UnaryOp):
            return []
    elif (
        isinstance(up, ast.Call)
        and scope.is_builtin(
            up.func,
            "len",
            "list",
            "sum",
            "max",
            "min",
            "sorted",
            "any",
            "all",
            "enumerate",
            "tuple",
        )
    ) or (isinstance(up, ast.Compare) and isinstance(up.ops[0], ast.In | ast.NotIn)):
        return []
    raise NoRewriteError("the list escapes")


@rule(
    "pop-front-deque",
    title="take from the front of a deque",
    description="Taking the first element of a list moves all others by one place. A deque takes"
    " from its front in constant time.",
    patterns=["$Q.pop(0)", "$Q.insert(0, $X)"],
    node=ast.Call,
    gain=3,
)
def pop_front_deque(scope: Scope, node: ast.Call) -> Proposal:
    """Keep a queue in a `collections.deque`.

    Why it is slow: `queue.pop(0)` and `queue.insert(0, x)` move every other element: each costs
    time that grows with the length of the queue.

    Example:
        queue = [start]                    queue = deque([start])
        while queue:                       while queue:
            node = queue.pop(0)                node = queue.popleft()

    When not to: the queue stays short (some dozens), or is indexed in its middle. A list that
    leaves the function, or is sliced or sorted, is left alone.
    """
    if not isinstance(node.func, ast.Attribute) or not isinstance(node.func.value, ast.Name):
        return None
    name, function = node.func.value.id, scope.inner_function(node)
    if not scope.loops(node):
        return None
    values = _list_statements(scope, function, name)
    deque, changes = scope.need("collections", "deque")
    changes += [_as_deque(scope, value, deque) for value in values]
    for use in loads(function, name):
        if scope.inner_function(use) is not function:
            return None
        changes += _deque_use(scope, use)
    return Rewrite(tuple(changes))


@rule(
    "insert-front-reverse",
    title="append and reverse once instead of inserting at the front",
    description="Inserting at the front of a list moves all other elements each time. Appending and"
    " reversing once at the end gives the same list.",
    patterns=["$OUT.insert(0, $X)"],
    node=ast.Call,
    gain=3,
)
def insert_front_reverse(scope: Scope, node: ast.Call) -> Proposal:
    """Append in the loop and reverse the list after it.

    Why it is slow: `out.insert(0, x)` moves all elements that are in the list: building it takes
    time that grows with the square of its length.

    Example:
        out = []                           out = []
        while node:                        while node:
            out.insert(0, node.name)           out.append(node.name)
            node = node.parent                 node = node.parent
        return out                         out.reverse()
                                           return out

    When not to: the list is read inside the loop (then it is left alone).
    """
    if not isinstance(node.func, ast.Attribute) or not isinstance(node.func.value, ast.Name):
        return None
    name, statement = node.func.value.id, scope.parent(node)
    loops = [x for x in scope.loops(node) if isinstance(x, ast.For | ast.While)]
    if not isinstance(statement, ast.Expr) or not loops or len(loops) != len(scope.loops(node)):
        return None
    outer = loops[-1]
    if len(loads(outer, name)) != 1 or stores(outer, name):
        return None
    if any(isinstance(n, ast.Return | ast.Yield | ast.YieldFrom) for n in walk(outer)):
        return None
    before = scope.neighbour(outer, -1)
    while before is not None and not loads(before, name) and not stores(before, name):
        before = scope.neighbour(before, -1)
    if not isinstance(before, ast.Assign) or not isinstance(before.value, ast.List):
        return None
    if before.value.elts or not stores(before, name):
        return None
    changes = [
        scope.replace(node, f"{name}.append({scope.text(node.args[1])})"),
        scope.insert_after(outer, f"{name}.reverse()"),
    ]
    return Rewrite(tuple(changes))


RULES = (pop_front_deque, insert_front_reverse)
