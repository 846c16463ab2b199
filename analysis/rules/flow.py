"""What a loop changes and what it leaves alone; what type a name evidently has."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from analysis.rules.base import NoRewriteError, words
from analysis.rules.names import bound_in
from analysis.rules.nodes import text_of, uses_of, walk
from analysis.rules.scope import COMPREHENSIONS, Loop, Scope
from analysis.text import TextChange

MUTATING = words(
    """
    append appendleft extend extendleft insert pop popleft popitem remove discard add clear
    update sort reverse setdefault write writelines put send rotate intersection_update
    difference_update symmetric_difference_update __setitem__ __delitem__
    """
)
PURE_BUILTINS = words(
    """
    abs all any ascii bin bool bytes chr complex dict divmod enumerate filter float format
    frozenset getattr hasattr hash hex int isinstance issubclass len list map max min oct
    ord pow range repr reversed round set slice sorted str sum tuple type zip print
    """
)
PURE_METHODS = words(
    """
    capitalize casefold center copy count decode encode endswith expandtabs find format get
    group groups index isalnum isalpha isdigit islower isnumeric isspace isupper items join
    keys ljust lower lstrip partition removeprefix removesuffix replace rfind rindex rjust
    rpartition rsplit rstrip split splitlines startswith strip swapcase title translate
    union upper values zfill intersection difference issubset issuperset isdisjoint match
    search findall fullmatch sub bit_length total_seconds isoformat date time year
    """
)
PURE_MODULES = words(
    """
    math re operator itertools functools string unicodedata
    """
)
_ALLOWED = (
    ast.Name,
    ast.Constant,
    ast.Attribute,
    ast.Subscript,
    ast.Slice,
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.IfExp,
    ast.Tuple,
    ast.List,
    ast.Set,
    ast.Dict,
    ast.Call,
    ast.keyword,
    ast.JoinedStr,
    ast.FormattedValue,
    ast.Starred,
    ast.comprehension,
    *COMPREHENSIONS,
    ast.expr_context,
    ast.operator,
    ast.cmpop,
    ast.boolop,
    ast.unaryop,
)


def key(node: ast.AST) -> str:
    """A text by which two expressions are the same."""
    return text_of(node)


def names_in(node: ast.AST) -> set[str]:
    """The names that an expression reads from outside of itself."""
    inner = {
        n.id for n in walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)
    }
    inner |= {a.arg for a in walk(node) if isinstance(a, ast.arg)}
    return {n.id for n in walk(node) if isinstance(n, ast.Name)} - inner


def mutated_in(tree: ast.AST) -> set[str]:
    """Texts of the expressions that are changed in place anywhere inside a tree."""
    changed: set[str] = set()
    for node in walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in MUTATING:
                changed.add(key(node.func.value))
            if node.func.attr in ("heappush", "heappop", "shuffle", "insort", "heapify"):
                changed.update(key(a) for a in node.args[:1])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("heappush", "heappop", "shuffle", "insort", "heapify", "next"):
                changed.update(key(a) for a in node.args[:1])
        elif isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            changed.add(key(node))
            changed.add(key(node.value))
        elif isinstance(node, ast.AugAssign):
            changed.add(key(node.target))
    return changed


def handed_on_in(scope: Scope, tree: ast.AST) -> set[str]:
    """Texts of the arguments of calls that are not known to leave them alone."""
    handed: set[str] = set()
    for node in walk(tree):
        if isinstance(node, ast.Call) and not _is_known_call(scope, node):
            for argument in [*node.args, *(k.value for k in node.keywords)]:
                handed.add(key(argument))
    return handed


def _is_known_call(scope: Scope, node: ast.Call) -> bool:
    func = node.func
    if isinstance(func, ast.Name):
        return scope.is_builtin(func, *PURE_BUILTINS)
    if isinstance(func, ast.Attribute):
        if isinstance(func.value, ast.Name) and func.value.id in PURE_MODULES:
            return scope.is_module(func.value.id, func.value.id)
        return func.attr in PURE_METHODS or func.attr in MUTATING
    return False


def is_plain(scope: Scope, node: ast.AST, *, calls: bool = True) -> bool:
    """Whether an expression has no effect that is visible in its syntax."""
    for inner in walk(node):
        if not isinstance(inner, _ALLOWED):
            return False
        if isinstance(inner, ast.Call) and not (
            calls and _is_known_call(scope, inner) and not _mutates(inner)
        ):
            return False
        if isinstance(inner, ast.comprehension) and inner.is_async:
            return False
    return True


def _mutates(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr in MUTATING


def _noted(scope: Scope, word: str, tree: ast.AST, make: Callable[[ast.AST], set[str]]) -> set[str]:
    """What `make` says of a loop, worked out once."""
    if (word, tree) not in scope.notes:
        scope.notes[word, tree] = make(tree)
    return scope.notes[word, tree]


def is_invariant(scope: Scope, node: ast.AST, loop: Loop) -> bool:
    """Whether nothing in the loop binds a name of the expression or changes a part of it."""
    if names_in(node) & _noted(scope, "bound", loop, bound_in):
        return False
    changed = _noted(scope, "mutated", loop, mutated_in)
    return not any(
        key(part) in changed
        for part in walk(node)
        if isinstance(part, ast.Name | ast.Attribute | ast.Subscript)
    )


def _assigned_in(tree: ast.AST) -> set[str]:
    """Names of attributes that are bound anywhere inside, and `x[]` for items of x."""
    assigned: set[str] = set()
    for node in walk(tree):
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            assigned.add("." + node.attr)
        elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            assigned.add(key(node.value) + "[]")
        elif isinstance(node, ast.Call) and _mutates(node):
            assert isinstance(node.func, ast.Attribute)
            assigned.add(key(node.func.value) + "[]")
    return assigned


def is_same_object(scope: Scope, node: ast.AST, loop: Loop) -> bool:
    """Whether an attribute or item is the same object throughout, though it may be changed."""
    if names_in(node) & _noted(scope, "bound", loop, bound_in):
        return False
    assigned = _noted(scope, "assigned", loop, _assigned_in)
    for part in walk(node):
        if isinstance(part, ast.Attribute) and "." + part.attr in assigned:
            return False
        if isinstance(part, ast.Subscript) and key(part.value) + "[]" in assigned:
            return False
    return True


@dataclass(frozen=True)
class Hoist:
    """The outermost loop that leaves an expression alone, and the statement to put it before."""

    loop: Loop
    statement: ast.stmt
    sure: bool


def hoist(
    scope: Scope,
    node: ast.expr,
    at: ast.AST,
    stays: Callable[[Scope, ast.AST, Loop], bool] = is_invariant,
) -> Hoist:
    """Where an expression, used at a place, can be computed once. Raises NoRewriteError if nowhere.

    `sure` is False when the loop hands a part of the expression to a call that might change it.
    """
    best: Loop | None = None
    loops = scope.loops(at)
    for loop in loops:
        if not stays(scope, node, loop):
            break
        best = loop
    if best is None:
        raise NoRewriteError("changes in every loop")
    statement = scope.statement(best)
    for loop in loops[loops.index(best) + 1 :]:
        if scope.statement(loop) is statement:
            raise NoRewriteError("no statement between the loop and what binds the name")
    handed = _noted(scope, "handed", best, lambda tree: handed_on_in(scope, tree))
    sure = not any(
        key(part) in handed
        for part in walk(node)
        if isinstance(part, ast.Name | ast.Attribute | ast.Subscript)
    )
    return Hoist(best, statement, sure)


def same(tree: ast.AST, node: ast.expr) -> list[ast.expr]:
    """The places in a tree that read the same expression, `node` itself included."""
    wanted = key(node)
    return [
        n
        for n in walk(tree)
        if isinstance(n, type(node))
        and isinstance(getattr(n, "ctx", ast.Load()), ast.Load)
        and key(n) == wanted
    ]


def loads(tree: ast.AST, name: str) -> list[ast.Name]:
    """The places in a tree that read a name."""
    return [n for n in uses_of(tree).get(name, ()) if isinstance(n.ctx, ast.Load)]


def stores(tree: ast.AST, name: str) -> list[ast.Name]:
    """The places in a tree that bind or delete a name."""
    return [n for n in uses_of(tree).get(name, ()) if not isinstance(n.ctx, ast.Load)]


def swap(scope: Scope, nodes: Iterable[ast.expr], text: str) -> list[TextChange]:
    """Put one text in the place of many expressions."""
    return [scope.replace(n, text) for n in nodes]
