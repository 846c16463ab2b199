"""Sums, windows and prefixes computed again and again."""

from __future__ import annotations

import ast

from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule
from analysis.rules.flow import hoist, is_plain, key, names_in, same
from analysis.rules.lists import is_simple, list_appends, list_creation
from analysis.rules.nodes import text_of, walk
from analysis.rules.scope import Scope
from analysis.text import TextChange


def _cut(node: ast.Call) -> tuple[ast.Name | ast.Attribute, ast.Slice]:
    """The sequence and the slice of a call like `sum(xs[a:b])`."""
    if len(node.args) != 1 or node.keywords or not isinstance(node.args[0], ast.Subscript):
        raise NoRewriteError("not of a slice")
    sequence, cut = node.args[0].value, node.args[0].slice
    if not isinstance(sequence, ast.Name | ast.Attribute) or not isinstance(cut, ast.Slice):
        raise NoRewriteError("not of a slice")
    if cut.step or not (cut.lower or cut.upper):
        raise NoRewriteError("with a step")
    for bound in (cut.lower, cut.upper):
        if isinstance(bound, ast.UnaryOp):
            raise NoRewriteError("counted from the end")
    return sequence, cut


def _sum_of(scope: Scope, cut: ast.Slice, prefix: str, length: str, clip: bool) -> str:
    upper = f"{prefix}[-1]"
    if cut.upper is not None:
        text = scope.text(cut.upper)
        upper = f"{prefix}[min({text}, {length})]" if clip else f"{prefix}[{text}]"
    if cut.lower is None:
        return upper
    return f"{upper} - {prefix}[{scope.text(cut.lower)}]"


def _may_overrun(scope: Scope, node: ast.expr, sequence: ast.expr) -> bool:
    """Whether a slice may end behind the sequence, as far as the loop's range tells."""
    for loop in scope.loops(node):
        sources = [loop.iter] if isinstance(loop, ast.For) else []
        sources += [g.iter for g in getattr(loop, "generators", [])]
        for source in sources:
            text = text_of(source).replace(" ", "")
            if f"len({text_of(sequence)})-" in text and text.startswith("range("):
                return False
    return True


@rule(
    "window-sum-prefix",
    title="take sums of slices from prefix sums",
    description="The sum of a slice is computed anew for each position in a loop. Prefix sums, made"
    " once before the loop, give each as one difference.",
    patterns=["sum($XS[$A:$B])", "sum($XS[:$B])", "sum($XS[$A:])"],
    node=ast.Call,
    gain=3,
)
def window_sum_prefix(scope: Scope, node: ast.Call) -> Proposal:
    """Compute sums of slices as differences of prefix sums.

    Why it is slow: each turn copies the slice and adds all its elements: the time grows with the
    number of positions times the width of the window.

    Example:
        for i in range(len(xs) - k + 1):   xs_sums = [0, *accumulate(xs)]
            out.append(sum(xs[i:i + k]))   for i in range(len(xs) - k + 1):
                                               out.append(xs_sums[i + k] - xs_sums[i])

    When not to: the numbers are floats and the last digits matter (differences of prefix sums
    round otherwise), windows are narrow, or bounds may be negative.
    """
    if not scope.is_builtin(node.func, "sum"):
        return None
    sequence, _ = _cut(node)
    place = hoist(scope, sequence, node)
    accumulate, changes = scope.need("itertools", "accumulate")
    name = scope.fresh(f"{scope.stem(sequence)}_sums")
    text = scope.line_text(sequence)
    code = f"{name} = [0, *{accumulate}({text})]"
    changes.append(scope.insert_before(place.statement, code))
    wanted = text_of(sequence)
    for call in walk(place.loop):
        if not isinstance(call, ast.Call) or not scope.is_builtin(call.func, "sum"):
            continue
        try:
            other, cut = _cut(call)
        except NoRewriteError:
            continue
        if text_of(other) == wanted:
            clip = cut.upper is not None and _may_overrun(scope, call, sequence)
            new = _sum_of(scope, cut, name, f"len({text})", clip)
            tight = isinstance(scope.parent(call), ast.BinOp | ast.UnaryOp | ast.Subscript)
            difference = cut.lower is not None
            changes.append(scope.replace(call, f"({new})" if tight and difference else new))
    return Rewrite(tuple(changes), sure=place.sure)


@rule(
    "prefix-extreme",
    title="take extremes of prefixes from a running extreme",
    description="The maximum or minimum of all elements up to a position is computed anew for each"
    " position. Running extremes, made once before the loop, hold them all.",
    patterns=["max($XS[:$B])", "min($XS[:$B])", "max($XS[0:$B])", "min($XS[0:$B])"],
    node=ast.Call,
    gain=3,
)
def prefix_extreme(scope: Scope, node: ast.Call) -> Proposal:
    """Take the maximum or minimum of prefixes from `itertools.accumulate`.

    Why it is slow: each turn copies and walks all elements so far: the time grows with the square
    of the length.

    Example:
        for i in range(len(xs)):                 xs_max = list(accumulate(xs, max))
            peaks.append(max(xs[:i + 1]))        for i in range(len(xs)):
                                                     peaks.append(xs_max[i])

    When not to: the prefix may be empty and the error matters, or ends behind the sequence.
    """
    sequence, cut = _cut(node)
    if not isinstance(node.func, ast.Name) or cut.upper is None:
        return None
    extreme = node.func.id
    if not scope.is_builtin(node.func, "max", "min"):
        return None
    place = hoist(scope, sequence, node)
    accumulate, changes = scope.need("itertools", "accumulate")
    name = scope.fresh(f"{scope.stem(sequence)}_{extreme}")
    code = f"{name} = list({accumulate}({scope.line_text(sequence)}, {extreme}))"
    changes.append(scope.insert_before(place.statement, code))
    changes.append(scope.replace(node, f"{name}[{_minus_one(scope, cut.upper)}]"))
    return Rewrite(tuple(changes), sure=place.sure)


def _minus_one(scope: Scope, node: ast.expr) -> str:
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Add)
        and isinstance(node.right, ast.Constant)
        and node.right.value == 1
    ):
        return scope.text(node.left)
    return f"{scope.operand(node)} - 1"


@rule(
    "sum-of-lists-chain",
    title="chain lists instead of adding them up",
    description="Lists are added up one after the other, and each addition copies all that is"
    " there. Chaining them copies each element once.",
    patterns=["sum($XS, [])"],
    node=ast.Call,
    gain=3,
)
def sum_of_lists_chain(scope: Scope, node: ast.Call) -> Proposal:
    """Use `itertools.chain.from_iterable` to put lists together.

    Why it is slow: `sum(lists, [])` makes a new list at each step: the time grows with the square
    of the total length.

    Example:
        flat = sum(groups, [])    ->    flat = list(chain.from_iterable(groups))

    When not to: there are only a few short lists, or the elements are no lists.
    """
    if not scope.is_builtin(node.func, "sum") or len(node.args) != 2 or node.keywords:
        return None
    chain, changes = scope.need("itertools", "chain")
    source = node.args[0]
    text = scope.text(source)
    if isinstance(source, ast.GeneratorExp) and text.startswith("("):
        text = text[1:-1]
    return Rewrite((*changes, scope.replace(node, f"list({chain}.from_iterable({text}))")))


@rule(
    "running-total",
    title="keep a running total beside a growing list",
    description="The sum of a list that grows in a loop is computed anew at each turn. A running"
    " total, updated at each append, holds it.",
    patterns=["sum($XS)"],
    node=ast.Call,
    gain=3,
)
def running_total(scope: Scope, node: ast.Call) -> Proposal:
    """Keep the sum of a list in a variable while the list grows.

    Why it is slow: each turn adds up all elements again: the time grows with the square of their
    number.

    Example:
        out = []                           out = []
        for x in xs:                       out_total = 0
            out.append(x)                  for x in xs:
            totals.append(sum(out))            out.append(x)
                                               out_total += x
                                               totals.append(out_total)

    When not to: the list is changed elsewhere. (Only lists that are appended to are touched.)
    """
    if not scope.is_builtin(node.func, "sum") or len(node.args) != 1 or node.keywords:
        return None
    target = node.args[0]
    if not isinstance(target, ast.Name) or not scope.loops(node):
        return None
    function = scope.inner_function(node)
    created = list_creation(scope, function, target.id)
    grown = list_appends(scope, function, target.id)
    if created is None or not grown or not isinstance(created.value, ast.List):
        return None
    if created.value.elts or not all(is_simple(c.args[0]) for c in grown):
        return None
    if not any(scope.loops(c) and scope.loops(c)[-1] in scope.loops(node) for c in grown):
        return None
    name = scope.fresh(f"{target.id}_total")
    changes: list[TextChange] = [scope.insert_after(created, f"{name} = 0")]
    for call in grown:
        line = f"{name} += {scope.line_text(call.args[0])}"
        changes.append(scope.insert_after(scope.statement(call), line))
    sums = [c for c in same(function, node) if scope.loops(c)]
    changes += [scope.replace(c, name) for c in sums]
    return Rewrite(tuple(changes))


@rule(
    "fold-extreme",
    title="compare instead of calling for two values",
    description="A running minimum or maximum calls a function for each element. A comparison and"
    " an assignment do the same without the call.",
    patterns=["$M = max($M, $X)", "$M = min($M, $X)"],
    node=ast.Assign,
    gain=1,
    words=("min|max",),
)
def fold_extreme(scope: Scope, node: ast.Assign) -> Proposal:
    """Write a running `max` or `min` as a comparison.

    Why it is slow: a call of `max` with two arguments takes several times as long as a comparison.

    Example:
        for x in xs:                       for x in xs:
            best = max(best, x)                if x > best:
                                                   best = x

    When not to: outside of hot loops; the call reads better.
    """
    call, target = node.value, node.targets[0]
    if not isinstance(call, ast.Call) or not isinstance(target, ast.Name) or call.keywords:
        return None
    if len(call.args) != 2 or not scope.is_builtin(call.func, "max", "min"):
        return None
    if not scope.loops(node) or not scope.owns_line(node) or not isinstance(call.func, ast.Name):
        return None
    other = call.args[1]
    if not isinstance(other, ast.Name | ast.Attribute | ast.Subscript | ast.BinOp | ast.Constant):
        return None
    if not is_plain(scope, other):
        return None
    sign = ">" if call.func.id == "max" else "<"
    text = scope.line_text(other)
    code = f"if {text} {sign} {target.id}:\n{scope.indent(node)}{scope.unit}{target.id} = {text}"
    return Rewrite((scope.replace(node, code),))


@rule(
    "few-extreme",
    title="compare two or three values instead of calling for them",
    description="The smallest or largest of two or three values is asked of a builtin function in a"
    " loop. Comparisons and assignments do the same without the call.",
    patterns=["$T = min($$$ARGS)", "$T = max($$$ARGS)"],
    node=ast.Assign,
    gain=1,
    words=("min|max",),
)
def few_extreme(scope: Scope, node: ast.Assign) -> Proposal:
    """Write `min` and `max` of two or three values as comparisons.

    Why it is slow: a call of `min` with three arguments takes several times as long as two
    comparisons. Tables of edit distances and alignments are filled by such calls.

    Example:
        row[j] = min(change, drop, add)    lowest = change
                                           if drop < lowest:
                                               lowest = drop
                                           if add < lowest:
                                               lowest = add
                                           row[j] = lowest

    When not to: outside of hot loops; the call reads better.
    """
    call, target = node.value, node.targets[0]
    if not isinstance(call, ast.Call) or call.keywords or len(node.targets) != 1:
        return None
    if isinstance(target, ast.Name) and call.args and key(call.args[0]) == target.id:
        return None  # a running extreme has a rule of its own
    if not scope.is_builtin(call.func, "max", "min") or not 2 <= len(call.args) <= 3:
        return None
    if not scope.loops(node) or not scope.owns_line(node):
        return None
    if any(isinstance(a, ast.Starred) or not is_plain(scope, a) for a in call.args):
        return None
    if scope.module.has_comment(scope.start(node), scope.end(node)):
        return None
    least = key(call.func) == "min"
    first, *others = call.args
    own = isinstance(target, ast.Name) and not any(target.id in names_in(a) for a in call.args)
    name = scope.text(target) if own else scope.fresh("lowest" if least else "highest")
    lines = [f"{name} = {scope.line_text(first)}"]
    for other in others:
        text = scope.line_text(other)
        if not isinstance(other, ast.Name | ast.Constant):
            text = scope.fresh("other")
            lines.append(f"{text} = {scope.line_text(other)}")
        lines += [f"if {text} {'<' if least else '>'} {name}:", f"{scope.unit}{name} = {text}"]
    if not own:
        lines.append(f"{scope.text(target)} = {name}")
    return Rewrite((scope.replace(node, f"\n{scope.indent(node)}".join(lines)),))


RULES = (
    window_sum_prefix,
    prefix_extreme,
    running_total,
    sum_of_lists_chain,
    fold_extreme,
    few_extreme,
)
