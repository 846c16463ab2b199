"""Loops in a slower shape than need be: that go on too long, ask the same again, or run twice."""

from __future__ import annotations

import ast

from analysis.rules.base import Proposal, Rewrite, rule
from analysis.rules.effects import mutated_in
from analysis.rules.flow import is_plain, key, loads, names_in, stores
from analysis.rules.kinds import kind
from analysis.rules.names import bound_in
from analysis.rules.nodes import walk
from analysis.rules.scope import Scope
from analysis.rules.shapes import (
    has_comments,
    is_steady,
    leaves,
    names_stay,
    only_known_calls,
    only_step,
    set_anew,
)
from analysis.text import TextChange

_FOR = {"kind": "for_statement"}
_SIZED = ("list", "tuple", "dict", "set", "frozenset", "str", "bytes")


def _constants_only(block: list[ast.stmt]) -> set[str] | None:
    """The names that a block of `name = constant` binds; None for any other block."""
    names: set[str] = set()
    for statement in block:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Constant):
            return None
        if not all(isinstance(t, ast.Name) for t in statement.targets):
            return None
        names |= {t.id for t in statement.targets if isinstance(t, ast.Name)}
    return names


@rule(
    "flag-loop-break",
    title="leave the loop once the answer is known",
    description="A loop only sets a flag when an element fits, and goes on to the end though the"
    " answer can't change. It is left at the first element that fits.",
    patterns=[_FOR],
    node=ast.For,
    gain=2,
)
def flag_loop_break(scope: Scope, node: ast.For) -> Proposal:
    """Leave a loop that only sets a flag, at the first hit.

    Why it is slow: all elements after the first that fits are tested for nothing.

    Example:
        for x in xs:                       for x in xs:
            if is_bad(x):                      if is_bad(x):
                found = True                       found = True
                                                   break

    When not to: the tests have effects that must all happen, or an iterator must be used up.
    """
    step = only_step(node)
    if not isinstance(step, ast.If) or step.orelse:
        return None
    flags = _constants_only(step.body)
    if not flags or flags & names_in(step.test) or not is_plain(scope, step.test):
        return None
    targets = bound_in(node.target)
    if flags & targets or not names_stay(scope, node, targets):
        return None
    if kind(scope, node.iter) == "iterator":
        return None
    return Rewrite((scope.insert_after(step.body[-1], "break"),))


def _branches(scope: Scope, step: ast.If) -> list[tuple[ast.If, list[ast.stmt]]] | None:
    """An `if` with its `elif`s: each with its block; None where they share lines."""
    found = []
    at = step
    while True:
        found.append((at, at.body))
        if not scope.owns_line(at.body[0]):
            return None
        if len(at.orelse) == 1 and isinstance(at.orelse[0], ast.If):
            following = at.orelse[0]
            if scope.module.text.startswith("elif", scope.start(following)):
                at = following
                continue
        return found


def _is_local_test(scope: Scope, test: ast.expr) -> bool:
    """Whether a test looks at names and constants only, none of them shared with others."""
    allowed = ast.Name | ast.Constant | ast.Compare | ast.BoolOp | ast.UnaryOp
    nodes = [
        n
        for n in walk(test)
        if not isinstance(n, ast.expr_context | ast.cmpop | ast.boolop | ast.unaryop)
    ]
    if not all(isinstance(n, allowed) for n in nodes):
        return False
    return all(n.id in scope.own_names for n in nodes if isinstance(n, ast.Name))


@rule(
    "loop-unswitch",
    title="ask the unchanging question before the loop",
    description="A loop asks at each turn what does not change while it runs. The question is asked"
    " once, and each answer has a loop of its own.",
    patterns=[_FOR],
    node=ast.For,
    gain=1,
)
def loop_unswitch(scope: Scope, node: ast.For) -> Proposal:
    """Put a condition that stays the same around the loop instead of into it.

    Why it is slow: the comparison is made at each turn with the same result.

    Example:
        for x in xs:                       if mode == "sum":
            if mode == "sum":                  for x in xs:
                total += x                         total += x
            else:                          else:
                total -= x                     for x in xs:
                                                   total -= x

    When not to: the branches are long, or the loop takes few turns.
    """
    step = only_step(node)
    if not isinstance(step, ast.If) or not scope.owns_line(node) or not scope.owns_line(step):
        return None
    branches = _branches(scope, step)
    if branches is None or not is_plain(scope, node.iter):
        return None
    if not only_known_calls(scope, node):
        return None  # the test is little beside them
    if not all(_is_local_test(scope, at.test) for at, _ in branches):
        return None
    if not all(is_steady(scope, at.test, node) for at, _ in branches):
        return None
    if not names_stay(scope, node, bound_in(node.target)):
        return None
    names = set().union(*(names_in(at.test) for at, _ in branches))
    function = scope.inner_function(node)
    if any(names & set(n.names) for n in walk(function) if isinstance(n, ast.Nonlocal)):
        return None
    outer, inner = scope.indent(node), scope.indent(node) + scope.unit
    head = f"{inner}for {scope.line_text(node.target)} in {scope.line_text(node.iter)}:\n"
    changes: list[TextChange] = []
    start, word = scope.start(node), "if"
    for at, block in branches:
        text = f"{word} {scope.line_text(at.test)}:\n{head}"
        end = scope.module.next_line(scope.end(at.test))
        changes.append(_gap(scope, start, end, text if word == "if" else outer + text))
        start, word = scope.module.next_line(scope.end(block[-1]) - 1), "elif"
    last = branches[-1][0].orelse
    if last:
        if not scope.owns_line(last[0]):
            return None
        at_else = scope.module.text.index("else", start)
        end = scope.module.next_line(at_else)
        changes.append(_gap(scope, start, end, f"{outer}else:\n{head}"))
    if any(scope.module.has_comment(c.start, c.end) for c in changes):
        return None
    return Rewrite(tuple(changes))


def _gap(scope: Scope, start: int, end: int, text: str) -> TextChange:
    return TextChange(start, end, text.replace("\n", scope.newline))


def _changed(tree: ast.AST) -> set[str]:
    """The first names of what a tree changes in place."""
    return {text.split(".")[0].split("[")[0] for text in mutated_in(tree)}


def _is_sized(scope: Scope, node: ast.expr) -> bool:
    """Whether a loop's source can be walked twice."""
    if isinstance(node, ast.Call):
        return scope.is_builtin(node.func, "range") and is_plain(scope, node)
    if not isinstance(node, ast.Name):
        return False
    if kind(scope, node) in _SIZED:
        return True
    uses = (scope.parent(n) for n in loads(scope.inner_function(node), node.id))
    return any(isinstance(up, ast.Call) and scope.is_builtin(up.func, "len") for up in uses)


@rule(
    "loop-fusion",
    title="walk the collection once for both loops",
    description="Two loops, one right after the other, walk the same collection and do not touch"
    " each other's data. One loop does both.",
    patterns=[_FOR],
    node=ast.For,
    gain=1,
)
def loop_fusion(scope: Scope, node: ast.For) -> Proposal:
    """Make one loop of two neighbours over the same collection.

    Why it is slow: each turn of a loop costs the step to the next element and a jump, and far
    elements have left the cache when the second loop comes to them.

    Example:
        for x in xs:                       for x in xs:
            total += x                         total += x
        for x in xs:                           squares += x * x
            squares += x * x

    When not to: the bodies are long: the gain is then small.
    """
    other = scope.neighbour(node, 1)
    if not isinstance(other, ast.For) or node.orelse or other.orelse:
        return None
    if key(node.target) != key(other.target) or key(node.iter) != key(other.iter):
        return None
    if not isinstance(node.target, ast.Name) or not _is_sized(scope, node.iter):
        return None
    target = node.target.id
    if len(stores(node, target)) != 1 or len(stores(other, target)) != 1:
        return None
    for loop in (node, other):
        refused = (ast.Break, ast.Continue, ast.Raise, ast.Try, ast.With, ast.Global, ast.Nonlocal)
        if leaves(loop) or any(isinstance(n, refused) for n in walk(loop)):
            return None
        if not only_known_calls(scope, loop) or target in _changed(loop):
            return None
        if any(isinstance(n, ast.Call) and key(n.func) == "print" for n in walk(loop)):
            return None
    first, second = (bound_in(loop) | _changed(loop) for loop in (node, other))
    first, second = first - {target}, second - {target}
    if first & second or first & _read(other) or second & _read(node):
        return None
    if scope.indent(node.body[0]) != scope.indent(other.body[0]) or not scope.owns_line(other):
        return None
    if not all(scope.owns_line(loop.body[0]) for loop in (node, other)):
        return None
    start = scope.module.next_line(scope.end(node) - 1)
    change = TextChange(start, scope.module.next_line(scope.end(other.iter)), "")
    return None if scope.module.has_comment(change.start, change.end) else Rewrite((change,))


def _read(tree: ast.AST) -> set[str]:
    return {n.id for n in walk(tree) if isinstance(n, ast.Name)}


def _limit(scope: Scope, node: ast.expr) -> str | None:
    """The text of a loop's whole-number bound; None where it may be no int."""
    if isinstance(node, ast.Call):
        return scope.text(node) if scope.is_builtin(node.func, "len") else None
    if isinstance(node, ast.BinOp):
        whole = isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.FloorDiv)
        sides = _limit(scope, node.left), _limit(scope, node.right)
        return scope.line_text(node) if whole and None not in sides else None
    if isinstance(node, ast.Name):
        return node.id if kind(scope, node) in (None, "int") else None
    if isinstance(node, ast.Constant):
        return scope.text(node) if type(node.value) is int else None
    return scope.text(node) if isinstance(node, ast.Attribute) else None


@rule(
    "while-to-range",
    title="count with a range instead of by hand",
    description="A loop keeps its own counter: it compares it with a bound and adds to it at each"
    " turn. A range counts in compiled code, and asks for the bound once.",
    patterns=[{"kind": "while_statement"}],
    node=ast.While,
    gain=1,
)
def while_to_range(scope: Scope, node: ast.While) -> Proposal:
    """Turn a `while` loop over a counter into a `for` loop over a range.

    Why it is slow: the comparison, the addition and the call of `len` are made by the interpreter
    at each turn.

    Example:
        i = 0                              for i in range(len(xs)):
        while i < len(xs):                     total += xs[i]
            total += xs[i]
            i += 1

    When not to: the bound changes during the loop, or the counter is read after it (then it is
    left alone).
    """
    test = node.test
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or node.orelse:
        return None
    if not isinstance(test.left, ast.Name) or not isinstance(test.ops[0], ast.Lt | ast.LtE):
        return None
    counter, step = test.left.id, node.body[-1]
    if len(node.body) < 2 or not isinstance(step, ast.AugAssign) or key(step.target) != counter:
        return None
    if not isinstance(step.op, ast.Add) or not isinstance(step.value, ast.Constant):
        return None
    width = step.value.value
    if type(width) is not int or width < 1 or len(stores(node, counter)) != 1:
        return None
    if any(isinstance(n, ast.Continue) for n in walk(node)):
        return None
    bound = test.comparators[0]
    limit = _limit(scope, bound)
    if limit is None or not is_steady(scope, bound, node):
        return None
    above = scope.neighbour(node, -1)
    while above is not None and not stores(above, counter) and not loads(above, counter):
        above = scope.neighbour(above, -1)
    if not isinstance(above, ast.Assign) or len(above.targets) != 1:
        return None
    if key(above.targets[0]) != counter or kind(scope, above.value) != "int":
        return None
    if not names_stay(scope, node, [counter]) and not set_anew(scope, node, counter):
        return None
    if has_comments(scope, above, above):
        return None
    if has_comments(scope, step, step) or not isinstance(above.value, ast.Constant):
        return None
    start = scope.text(above.value)
    limit = f"{limit} + 1" if isinstance(test.ops[0], ast.LtE) else limit
    arguments = [limit] if start == "0" and width == 1 else [start, limit]
    arguments += [str(width)] if width != 1 else []
    head = TextChange(
        scope.start(node), scope.end(test), f"for {counter} in range({', '.join(arguments)})"
    )
    return Rewrite((scope.remove(above), head, scope.remove(step)))


RULES = (flag_loop_break, loop_unswitch, loop_fusion, while_to_range)
