"""Smallest elements taken one after the other, and places in sorted lists found by walking."""

from __future__ import annotations

import ast

from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule
from analysis.rules.flow import is_plain, key, loads, names_in, stores
from analysis.rules.kinds import kind
from analysis.rules.nodes import text_of
from analysis.rules.scope import Scope
from analysis.rules.shapes import in_parentheses, method_call, outer_loop
from analysis.text import TextChange


def _to_heap(
    scope: Scope, name: str, taking: list[ast.stmt], target: str, at: ast.stmt
) -> list[TextChange]:
    """Make a heap of a list before the loop around two statements that take its smallest.

    Raises NoRewriteError when the list is used in a way that its order matters for.
    """
    outer, function = outer_loop(scope, at), scope.inner_function(at)
    if stores(outer, name) or not _is_own_list(scope, function, outer, name):
        raise NoRewriteError("not a list of this function")
    heapq, changes = scope.need("heapq")
    for use in loads(function, name):
        if any(scope.inside(use, statement) for statement in taking):
            continue
        inside, up = scope.inside(use, outer), scope.parent(use)
        if not inside:
            if scope.start(use) > scope.end(outer):
                raise NoRewriteError("its order is seen after the loop")
            continue
        statement = scope.statement(use)
        found = method_call(statement, "append")
        if found is not None and found[0] is use:
            text = f"{heapq}.heappush({name}, {scope.text(found[1])})"
            changes.append(scope.replace(statement, text))
        elif isinstance(up, ast.Call) and scope.is_builtin(up.func, "len"):
            continue
        elif not isinstance(up, ast.While | ast.If | ast.BoolOp | ast.UnaryOp):
            raise NoRewriteError("its order is seen")
    changes.append(scope.insert_before(outer, f"{heapq}.heapify({name})"))
    changes.append(scope.replace(taking[0], f"{target} = {heapq}.heappop({name})"))
    changes.append(scope.remove(taking[1]))
    return changes


def _is_own_list(scope: Scope, function: ast.AST, outer: ast.stmt, name: str) -> bool:
    """Whether a name is bound once, to a list that was made in this function."""
    bound = stores(function, name)
    if len(bound) != 1 or scope.start(bound[0]) > scope.start(outer):
        return False
    statement = scope.statement(bound[0])
    if not isinstance(statement, ast.Assign) or isinstance(statement.value, ast.Name):
        return False
    return kind(scope, statement.value) == "list"


@rule(
    "min-remove-heap",
    title="take the smallest from a heap",
    description="A loop looks for the smallest element of a list and removes it, which walks the"
    " list twice at each turn. A heap gives and removes the smallest in a few steps.",
    patterns=[{"kind": "assignment", "regex": r"^\w+ = min\(\w+\)$"}],
    node=ast.Assign,
    gain=3,
    words=("min", "remove"),
)
def min_remove_heap(scope: Scope, node: ast.Assign) -> Proposal:
    """Keep the elements in a heap where the smallest is taken again and again.

    Why it is slow: `min` and `remove` each walk the list: taking all elements takes time that
    grows with the square of their number.

    Example:
        while queue:                       heapq.heapify(queue)
            job = min(queue)               while queue:
            queue.remove(job)                  job = heapq.heappop(queue)

    When not to: there are a few elements only. A list whose order is seen is left alone.
    """
    call, target = node.value, node.targets[0]
    if not isinstance(call, ast.Call) or not scope.is_builtin(call.func, "min") or call.keywords:
        return None
    if len(call.args) != 1 or not isinstance(call.args[0], ast.Name):
        return None
    if len(node.targets) != 1 or not isinstance(target, ast.Name):
        return None
    following, name = scope.neighbour(node, 1), call.args[0].id
    found = method_call(following, "remove") if following is not None else None
    if found is None or following is None or [key(f) for f in found] != [name, target.id]:
        return None
    return Rewrite(tuple(_to_heap(scope, name, [node, following], target.id, node)))


@rule(
    "sort-pop-heap",
    title="keep the queue in a heap",
    description="A loop sorts a list at each turn only to take its smallest element. A heap gives"
    " and takes the smallest in a few steps.",
    patterns=[{"kind": "assignment", "regex": r"\w\.pop\(0\)$"}],
    node=ast.Assign,
    gain=2,
    words=(".pop(0)",),
)
def sort_pop_heap(scope: Scope, node: ast.Assign) -> Proposal:
    """Keep a queue in a heap instead of sorting it at each turn.

    Why it is slow: even a nearly sorted list is walked by each sort, and `pop(0)` moves all other
    elements.

    Example:
        while queue:                       heapq.heapify(queue)
            queue.sort()                   while queue:
            cost, node = queue.pop(0)          cost, node = heapq.heappop(queue)
            queue.append((cost + 1, n))        heapq.heappush(queue, (cost + 1, n))

    When not to: elements can be equal in what is compared and still differ: a heap does not keep
    their order.
    """
    before, call = scope.neighbour(node, -1), node.value
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    if call.func.attr != "pop" or [key(a) for a in call.args] != ["0"]:
        return None
    queue = call.func.value
    if not isinstance(queue, ast.Name) or before is None or len(node.targets) != 1:
        return None
    if text_of(before) != f"{queue.id}.sort()":
        return None
    target = scope.text(node.targets[0])
    changes = _to_heap(scope, queue.id, [node, before], target, node)
    return Rewrite(tuple(changes))


def _is_sorted(scope: Scope, at: ast.expr, name: str) -> bool:
    """Whether a list is evidently sorted at a place, and only made and read besides."""
    function = scope.inner_function(at)
    bound = stores(function, name)
    sorts = []
    for use in loads(function, name):
        up = scope.parent(use)
        if isinstance(up, ast.Attribute):
            call = scope.parent(up)
            if up.attr == "sort" and isinstance(call, ast.Call) and not call.keywords:
                sorts.append(call)
            elif up.attr not in ("index", "count", "copy"):
                return False
        elif isinstance(up, ast.Subscript) and not isinstance(up.ctx, ast.Load):
            return False
    if any(scope.start(s) < scope.start(at) and not scope.loops(s) for s in sorts):
        return len(bound) <= 1
    if len(bound) != 1 or scope.start(bound[0]) > scope.start(at):
        return False
    statement = scope.statement(bound[0])
    value = statement.value if isinstance(statement, ast.Assign) else None
    made = isinstance(value, ast.Call) and scope.is_builtin(value.func, "sorted")
    return isinstance(value, ast.Call) and made and not value.keywords


@rule(
    "sorted-count-bisect",
    title="find the place in the sorted list by halving",
    description="Elements below (or above) a bound are counted by walking a list that is sorted."
    " Halving finds the bound's place in a few steps.",
    patterns=[{"kind": "call", "regex": r"^(sum\([\[(]?1 for|len\(\[)"}],
    node=ast.Call,
    gain=3,
    words=("sum|len",),
)
def sorted_count_bisect(scope: Scope, node: ast.Call) -> Proposal:
    """Use `bisect` to count the elements of a sorted list below or above a bound.

    Why it is slow: each count walks the whole list; halving takes as many steps as the length has
    binary digits.

    Example:
        xs.sort()                          xs.sort()
        for q in asked:                    for q in asked:
            out.append(sum(1 for x in xs if x < q))    out.append(bisect_left(xs, q))

    When not to: the list has a few elements only.
    """
    if len(node.args) != 1 or not scope.is_builtin(node.func, "sum", "len") or node.keywords:
        return None
    made = node.args[0]
    if not isinstance(made, ast.GeneratorExp | ast.ListComp) or len(made.generators) != 1:
        return None
    part = made.generators[0]
    counted = key(made.elt) == ("1" if key(node.func) == "sum" else key(part.target))
    if not counted or len(part.ifs) != 1 or part.is_async or not scope.loops(node):
        return None
    test, source = part.ifs[0], part.iter
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(source, ast.Name):
        return None
    bound = test.comparators[0]
    if key(test.left) != key(part.target) or key(part.target) in names_in(bound):
        return None
    if not is_plain(scope, bound) or not _is_sorted(scope, source, source.id):
        return None
    sides = {ast.Lt: "left", ast.LtE: "right", ast.Gt: "right", ast.GtE: "left"}
    side = sides.get(type(test.ops[0]))
    if side is None or not scope.is_builtin(ast.Name("len"), "len"):
        return None
    bisect, changes = scope.need("bisect", f"bisect_{side}")
    text = f"{bisect}({source.id}, {scope.line_text(bound)})"
    if isinstance(test.ops[0], ast.Gt | ast.GtE):
        text = in_parentheses(scope, node, f"len({source.id}) - {text}")
    return Rewrite((*changes, scope.replace(node, text)))


RULES = (min_remove_heap, sort_pop_heap, sorted_count_bisect)
