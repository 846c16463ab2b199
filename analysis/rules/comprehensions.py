"""Loops that only fill a collection."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule
from analysis.rules.flow import key, loads, names_in
from analysis.rules.kinds import kind
from analysis.rules.nodes import walk
from analysis.rules.scope import Scope
from analysis.rules.shapes import clause, within_try

_LINE = 88
_REFUSED = (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)


@dataclass(frozen=True)
class _Filling:
    """A nest of loops and conditions around one step that fills a collection."""

    step: ast.stmt
    clauses: tuple[str, ...]
    targets: frozenset[str]
    plain: ast.expr | None  # the source, when the elements go over as they are


def _filling(scope: Scope, node: ast.For) -> _Filling:
    clauses: list[str] = []
    targets: set[str] = set()
    at: ast.stmt = node
    while isinstance(at, ast.For | ast.If):
        if at.orelse or len(at.body) != 1:
            raise NoRewriteError("does more")
        if isinstance(at, ast.For):
            clauses.append(f"for {scope.text(at.target)} in {clause(scope, at.iter)}")
            targets |= {n.id for n in walk(at.target) if isinstance(n, ast.Name)}
            if not isinstance(at.target, ast.Name | ast.Tuple):
                raise NoRewriteError("binds more than names")
        else:
            clauses.append(f"if {clause(scope, at.test)}")
        at = at.body[0]
    _check(scope, node, targets)
    return _Filling(
        at, tuple(clauses), frozenset(targets), node.iter if len(clauses) == 1 else None
    )


def _check(scope: Scope, node: ast.For, targets: set[str]) -> None:
    """The loop has no comments, no awaits, and leaves no name behind that is used later."""
    if scope.module.has_comment(scope.start(node), scope.module.next_line(scope.end(node) - 1)):
        raise NoRewriteError("a comment would be lost")
    for inner in walk(node):
        if isinstance(inner, _REFUSED) or (isinstance(inner, ast.Name) and inner.id == "super"):
            raise NoRewriteError("can't stand in a comprehension")
        if isinstance(inner, ast.Call) and scope.is_builtin(inner.func, "locals", "vars", "eval"):
            raise NoRewriteError("reads the names of its function")
    function = scope.inner_function(node)
    for name in targets:
        if len(loads(function, name)) != len(loads(node, name)):
            raise NoRewriteError("the loop's name is used after it")
        if any(name in n.names for n in walk(function) if isinstance(n, ast.Global)):
            raise NoRewriteError("the loop's name is global")


def _step(step: ast.stmt, method: str) -> tuple[str, ast.expr]:
    """Of `out.append(x)`: the text of `out`, and x."""
    if isinstance(step, ast.Expr) and isinstance(step.value, ast.Call):
        call = step.value
        named = isinstance(call.func, ast.Attribute) and call.func.attr == method
        single = len(call.args) == 1 and not call.keywords
        if named and single and not isinstance(call.args[0], ast.Starred):
            assert isinstance(call.func, ast.Attribute)
            return key(call.func.value), call.args[0]
    raise NoRewriteError("no such step")


def _reads(node: ast.For, step: ast.stmt, name: str) -> bool:
    """Whether the loop uses the collection elsewhere than as the step's target."""
    count = sum(1 for n in walk(node) if isinstance(n, ast.expr) and key(n) == name)
    return count != 1 or not isinstance(step, ast.stmt)


def _made_before(scope: Scope, node: ast.For, name: str, *empty: str) -> ast.Assign | ast.AnnAssign:
    """The statement right above that makes the empty collection."""
    before = scope.neighbour(node, -1)
    target = (
        before.targets[0]
        if isinstance(before, ast.Assign) and len(before.targets) == 1
        else before.target
        if isinstance(before, ast.AnnAssign)
        else None
    )
    if target is None or key(target) != name:
        raise NoRewriteError("not made right above")
    assert isinstance(before, ast.Assign | ast.AnnAssign)
    if before.value is None or key(before.value) not in empty:
        raise NoRewriteError("not empty")
    between = scope.module.text[scope.end(before) : scope.start(node)]
    if between.strip():
        raise NoRewriteError("a comment would be lost")
    return before


def _layout(scope: Scope, at: ast.stmt, prefix: int, brackets: str, parts: list[str]) -> str:
    """A comprehension on one line, or on several when it is too long."""
    line = brackets[0] + " ".join(parts) + brackets[1]
    if prefix + len(line) <= _LINE:
        return line
    inner = scope.indent(at) + scope.unit
    lines = "".join(f"\n{inner}{part}" for part in parts)
    return f"{brackets[0]}{lines}\n{scope.indent(at)}{brackets[1]}"


def _fill(scope: Scope, node: ast.For, element: str, name: str, brackets: str) -> Rewrite:
    filling = _filling(scope, node)
    empty = {"[]": ("[]", "list()"), "{}": ("set()",), "::": ("{}", "dict()")}[brackets]
    shape = "{}" if brackets == "::" else brackets
    before = _made_before(scope, node, name, *empty)
    if _reads(node, filling.step, name) or before.value is None:
        return Rewrite(())
    value_at = scope.start(before.value) - scope.module.line_start(scope.start(before.value))
    parts = [element, *filling.clauses]
    text = _layout(scope, before, value_at, shape, parts)
    return Rewrite((scope.replace(before.value, text), scope.remove(node)))


@rule(
    "append-loop-comprehension",
    title="build the list in a comprehension",
    description="A loop appends one element after the other, with a method call each. A"
    " comprehension builds the same list without the calls.",
    patterns=[{"kind": "for_statement"}],
    node=ast.For,
    gain=1,
)
def append_loop_comprehension(scope: Scope, node: ast.For) -> Proposal:
    """Turn a loop that only appends into a list comprehension.

    Why it is slow: each element costs the lookup and the call of `append`; a comprehension has an
    instruction of its own for that.

    Example:
        out = []                           out = [f(x) for x in xs if x > 0]
        for x in xs:
            if x > 0:
                out.append(f(x))

    When not to: the loop has comments, is hard to read as an expression, or may fail halfway with
    the half-filled list in use.
    """
    name, element = _step(_filling(scope, node).step, "append")
    return _fill(scope, node, clause(scope, element), name, "[]")


@rule(
    "add-loop-comprehension",
    title="build the set in a comprehension",
    description="A loop adds one element after the other to a set, with a method call each. A"
    " comprehension builds the same set without the calls.",
    patterns=[{"kind": "for_statement"}],
    node=ast.For,
    gain=1,
)
def add_loop_comprehension(scope: Scope, node: ast.For) -> Proposal:
    """Turn a loop that only adds to a new set into a set comprehension.

    Why it is slow: each element costs the lookup and the call of `add`.

    Example:
        ids = set()                        ids = {row.id for row in rows}
        for row in rows:
            ids.add(row.id)

    When not to: as for the list.
    """
    name, element = _step(_filling(scope, node).step, "add")
    return _fill(scope, node, clause(scope, element), name, "{}")


@rule(
    "item-loop-comprehension",
    title="build the dict in a comprehension",
    description="A loop sets one item after the other in a new dict. A comprehension builds the"
    " same dict.",
    patterns=[{"kind": "for_statement"}],
    node=ast.For,
    gain=1,
)
def item_loop_comprehension(scope: Scope, node: ast.For) -> Proposal:
    """Turn a loop that only sets items of a new dict into a dict comprehension.

    Why it is slow: each item is set through the general assignment to an index. The gain is small
    and depends on the interpreter's version.

    Example:
        by_id = {}                         by_id = {row.id: row for row in rows}
        for row in rows:
            by_id[row.id] = row

    When not to: key and value have effects whose order matters.
    """
    step = _filling(scope, node).step
    if not isinstance(step, ast.Assign) or not isinstance(step.targets[0], ast.Subscript):
        return None
    item = step.targets[0]
    if len(step.targets) != 1 or isinstance(item.slice, ast.Slice):
        return None
    element = f"{clause(scope, item.slice)}: {clause(scope, step.value)}"
    return _fill(scope, node, element, key(item.value), "::")


@rule(
    "append-loop-extend",
    title="extend the list at once",
    description="A loop appends one element after the other to a list that has some already."
    " Extending it at once does the same in compiled code.",
    patterns=[{"kind": "for_statement"}],
    node=ast.For,
    gain=1,
)
def append_loop_extend(scope: Scope, node: ast.For) -> Proposal:
    """Extend a list by all elements of a loop at once.

    Why it is slow: each element costs the lookup and the call of `append`.

    Example:
        for x in xs:                       out.extend([f(x) for x in xs])
            out.append(f(x))

    When not to: the lists are short (two or three elements): then the loop is faster.
    """
    filling = _filling(scope, node)
    name, element = _step(filling.step, "append")
    if _reads(node, filling.step, name) or within_try(scope, node):
        return None  # an error caught there would leave the first elements in the list
    try:
        _made_before(scope, node, name, "[]", "list()")
        return None
    except NoRewriteError:
        pass
    call = filling.step.value if isinstance(filling.step, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    if kind(scope, call.func.value) not in (None, "list"):
        return None
    if names_in(call.func.value) & filling.targets:
        return None  # another list at each turn
    if filling.plain is not None and key(element) == key(node.target):
        text = scope.text(filling.plain)
        loose = isinstance(filling.plain, ast.Tuple) and not text.startswith("(")
        return Rewrite((scope.replace(node, f"{name}.extend({f'({text})' if loose else text})"),))
    indent = len(scope.indent(node)) + len(name) + len(".extend(")
    parts = [clause(scope, element), *filling.clauses]
    text = _layout(scope, node, indent, "[]", parts)
    return Rewrite((scope.replace(node, f"{name}.extend({text})"),))


RULES = (
    append_loop_comprehension,
    append_loop_extend,
    add_loop_comprehension,
    item_loop_comprehension,
)
