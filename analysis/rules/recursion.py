"""Recursion that solves the same subproblem again and again."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from itertools import combinations

from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule
from analysis.rules.effects import MUTATING
from analysis.rules.flow import stores
from analysis.rules.nodes import text_of, walk
from analysis.rules.scope import FunctionNode, Scope
from analysis.text import TextChange

_KINDS: list[dict[str, str]] = [{"kind": "function_definition"}]


@dataclass(frozen=True)
class _Recursion:
    """A function's calls of itself, and which of its parameters they change."""

    calls: tuple[ast.Call, ...]
    varying: tuple[ast.arg, ...]
    receiver: str | None  # `self` or `cls` of a method


def _own_calls(scope: Scope, node: FunctionNode, receiver: str | None) -> list[ast.Call]:
    found = []
    for call in walk(node):
        if not isinstance(call, ast.Call):
            continue
        func = call.func
        if receiver is None:
            own = isinstance(func, ast.Name) and func.id == node.name
        else:
            own = (
                isinstance(func, ast.Attribute)
                and func.attr == node.name
                and isinstance(func.value, ast.Name)
                and func.value.id == receiver
            )
        if own:
            found.append(call)
    return found


def _is_either(scope: Scope, a: ast.AST, b: ast.AST) -> bool:
    """Whether at most one of two places is reached in one run: a search in halves, say."""
    first, second = scope.statement(a), scope.statement(b)
    if first is not second and isinstance(first, ast.Return) and isinstance(second, ast.Return):
        return True
    path = [a, *scope.ancestors(a)]
    below: ast.AST = b
    for up in scope.ancestors(b):
        if up in path:
            other = path[path.index(up) - 1]
            choice = isinstance(up, ast.If | ast.IfExp)
            return choice and {_branch(up, other), _branch(up, below)} == {"body", "orelse"}
        below = up
    return False


def _branch(choice: ast.AST, part: ast.AST) -> str:
    """Which branch of a choice a node right below it stands in; "test" for what decides."""
    for name in ("body", "orelse"):
        held = getattr(choice, name)
        if part is held or (isinstance(held, list) and part in held):
            return name
    return "test"


def _values(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(k.value for k in call.keywords)]


def _is_made(value: ast.expr) -> bool:
    """Whether an argument is worked out: different ways may lead to the same one."""
    return any(isinstance(n, ast.BinOp | ast.Slice) for n in walk(value))


def _is_pure_looking(scope: Scope, node: FunctionNode) -> bool:
    """Whether a body shows no effect: binds only its names, changes nothing it was given."""
    if isinstance(node, ast.AsyncFunctionDef):
        return False
    local = {n.id for n in walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    local -= {a.arg for a in walk(node.args) if isinstance(a, ast.arg)}
    for inner in walk(node):
        if isinstance(inner, ast.Global | ast.Nonlocal | ast.Yield | ast.YieldFrom | ast.Await):
            return False
        changed: ast.expr | None = None
        if isinstance(inner, ast.Attribute | ast.Subscript) and not isinstance(inner.ctx, ast.Load):
            changed = inner.value
        elif isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
            changed = inner.func.value if inner.func.attr in MUTATING else None
        elif isinstance(inner, ast.Call) and scope.is_builtin(inner.func, "print", "input", "next"):
            return False
        if changed is not None and not (isinstance(changed, ast.Name) and changed.id in local):
            return False
    return True


def _bound(call: ast.Call, parameters: list[ast.arg]) -> dict[str, ast.expr]:
    """Which argument a call gives to which parameter."""
    if len(call.args) > len(parameters) or any(isinstance(a, ast.Starred) for a in call.args):
        raise NoRewriteError("starred")
    given = dict(zip((p.arg for p in parameters), call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in given:
            raise NoRewriteError("starred")
        given[keyword.arg] = keyword.value
    return given


def _recursion(scope: Scope, node: FunctionNode) -> _Recursion:
    arguments = node.args
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
        raise NoRewriteError("unusual parameters")
    parameters, receiver = list(arguments.args), None
    method = isinstance(scope.parent(node), ast.ClassDef) or (
        node is scope.root and scope.function.kind == "method"
    )
    for decorator in node.decorator_list:
        if text_of(decorator) not in ("staticmethod", "classmethod"):
            raise NoRewriteError("decorated")
    if any(text_of(d) == "staticmethod" for d in node.decorator_list):
        raise NoRewriteError("called through its class")
    if method and parameters:
        receiver = parameters.pop(0).arg
    calls = _own_calls(scope, node, receiver)
    if any(scope.inner_function(c) is not node for c in calls):
        raise NoRewriteError("called by an inner function")
    if all(_is_either(scope, a, b) for a, b in combinations(calls, 2)):
        raise NoRewriteError("no branching recursion")
    if not any(_is_made(value) for call in calls for value in _values(call)):
        raise NoRewriteError("walks a structure, whose parts are met once")
    if not _is_pure_looking(scope, node):
        raise NoRewriteError("has effects")
    varying = _varying(node, calls, parameters)
    return _Recursion(tuple(calls), varying, receiver)


def _varying(
    node: FunctionNode, calls: list[ast.Call], parameters: list[ast.arg]
) -> tuple[ast.arg, ...]:
    """The parameters that some call of itself does not hand on as they are."""
    varying = []
    for parameter in parameters:
        name = parameter.arg
        given = [_bound(call, parameters).get(name) for call in calls]
        handed = all(isinstance(g, ast.Name) and g.id == name for g in given)
        if not handed or stores(node, name):
            varying.append(parameter)
            if any(g is None for g in given):
                raise NoRewriteError("left to its default")
    if not varying:
        raise NoRewriteError("never ends")
    return tuple(varying)


def _indented(scope: Scope, first: ast.stmt, last: ast.stmt) -> list[TextChange]:
    """Move statements one step to the right; lines inside of strings stay."""
    module = scope.module
    start_line = module.index.line_of(module.above_comments(scope.start(first)))
    end_line = module.index.line_of(scope.end(last) - 1)
    inner: set[int] = set()
    for node in walk(scope.root):
        text = isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
        )
        if text and isinstance(node, ast.expr) and node not in scope.formatted:
            first_line = module.index.line_of(scope.start(node))
            inner.update(range(first_line + 1, module.index.line_of(scope.end(node)) + 1))
    return [
        TextChange(module.index.starts[line], module.index.starts[line], scope.unit)
        for line in range(start_line, end_line + 1)
        if line not in inner and module.index.line_text(line).strip()
    ]


@rule(
    "recursion-cache",
    title="solve each subproblem once",
    description="A recursive function solves the same subproblems again and again. An inner"
    " function with a cache, made anew for each outer call, solves each of them once; nothing is"
    " kept between outer calls.",
    patterns=_KINDS,
    node=ast.FunctionDef,
    gain=3,
)
def recursion_cache(scope: Scope, node: ast.FunctionDef) -> Proposal:
    """Wrap the body of a recursive function into an inner function with a cache.

    Why it is slow: a function that calls itself twice on overlapping subproblems makes a number of
    calls that grows exponentially with its depth. Each different subproblem is solved once with a
    cache. The cache lives inside one outer call, so that no state is kept between calls.
    Parameters that are handed on unchanged stay out of the key: they need not be hashable.

    Example:
        def ways(n):                       def ways(n):
            if n < 2:                          @lru_cache(maxsize=None)
                return 1                       def ways_cached(n):
            return ways(n-1) + ways(n-2)           if n < 2:
                                                       return 1
                                                   return ways_cached(n-1) + ways_cached(n-2)

                                               return ways_cached(n)

    When not to: subproblems don't overlap (a walk over a tree), arguments can't be hashed, results
    are changed by their users, or the recursion is so deep that it needs every frame.
    """
    if node is not scope.root and not isinstance(scope.parent(node), ast.ClassDef):
        return None  # a nested function takes the cache directly
    recursion = _recursion(scope, node)
    body = node.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    if not body or not scope.owns_line(body[0]):
        return None
    names = ", ".join(p.arg for p in recursion.varying)
    inner = scope.fresh(f"{node.name.strip('_')}_cached")
    cache, changes = scope.need("functools", "lru_cache")
    signature = ", ".join(scope.text(p) for p in recursion.varying)
    head = f"@{cache}(maxsize=None)\ndef {inner}({signature}):"
    changes.append(scope.insert_before(body[0], head))
    changes += _indented(scope, body[0], body[-1])
    changes += _rename(scope, recursion, inner)
    changes.append(_return(scope, body, f"return {inner}({names})"))
    return Rewrite(tuple(changes))


def _return(scope: Scope, body: list[ast.stmt], code: str) -> TextChange:
    end = scope.insert_after(body[-1], code)
    indent, newline = scope.indent(body[0]), scope.newline
    if end.new_text.startswith(newline):
        return TextChange(end.start, end.end, f"{newline}{newline}{indent}{code}")
    return TextChange(end.start, end.end, f"{newline}{indent}{code}{newline}")


def _rename(scope: Scope, recursion: _Recursion, inner: str) -> list[TextChange]:
    """Calls of itself become calls of the inner function, without the unchanging arguments."""
    function = scope.inner_function(recursion.calls[0])
    parameters = list(function.args.args)[1 if recursion.receiver else 0 :]
    fixed = {p.arg for p in parameters} - {p.arg for p in recursion.varying}
    changes = []
    for call in recursion.calls:
        changes.append(scope.replace(call.func, inner))
        if not fixed:
            continue
        given = _bound(call, parameters)
        if any(scope.inside(c, call) and c is not call for c in recursion.calls):
            raise NoRewriteError("calls within the arguments of a call")
        kept = ", ".join(scope.text(given[p.arg]) for p in recursion.varying)
        changes.append(TextChange(scope.end(call.func), scope.end(call), f"({kept})"))
    return changes


@rule(
    "nested-recursion-cache",
    title="solve each subproblem once",
    description="A recursive inner function solves the same subproblems again and again. A cache on"
    " it, made anew with each outer call, solves each of them once; nothing is kept between outer"
    " calls.",
    patterns=_KINDS,
    node=ast.FunctionDef,
    gain=3,
)
def nested_recursion_cache(scope: Scope, node: ast.FunctionDef) -> Proposal:
    """Put a cache on a recursive function that is made inside of another one.

    Why it is slow: as for recursion in general: overlapping subproblems are solved exponentially
    often. The function is made anew in each outer call, and so is its cache.

    Example:
        def edit_distance(a, b):           def edit_distance(a, b):
            def walk(i, j):                    @lru_cache(maxsize=None)
                ...                            def walk(i, j):
            return walk(0, 0)                      ...
                                               return walk(0, 0)

    When not to: the function reads names that its outer function changes between calls, or its
    arguments can't be hashed.
    """
    if node is scope.root or isinstance(scope.parent(node), ast.ClassDef):
        return None
    recursion = _recursion(scope, node)
    if node.decorator_list or len(recursion.varying) != len(node.args.args):
        return None
    cache, changes = scope.need("functools", "lru_cache")
    changes.append(scope.insert_before(node, f"@{cache}(maxsize=None)"))
    return Rewrite(tuple(changes))


RULES = (recursion_cache, nested_recursion_cache)
