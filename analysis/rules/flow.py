"""What a loop changes and what it leaves alone; what type a name evidently has."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from analysis.rules.base import NoRewriteError, words
from analysis.rules.effects import MUTATING, Effects, effects_of
from analysis.rules.names import bound_in
from analysis.rules.nodes import children, text_of, uses_of, walk
from analysis.rules.scope import COMPREHENSIONS, Loop, Scope
from analysis.text import TextChange

PURE_BUILTINS = words(
    """
    abs all any ascii bin bool bytes chr complex dict divmod enumerate filter float format
    frozenset getattr hasattr hash hex int isinstance issubclass len list map max min oct
    ord pow range repr reversed round set slice sorted str sum tuple type zip
    """
)
KNOWN_BUILTINS = (*PURE_BUILTINS, "print")
"""Builtins that leave their arguments as they are; printing is an effect all the same."""
PURE_METHODS = words(
    """
    capitalize casefold center copy count decode encode endswith expandtabs find format get
    group groups index isalnum isalpha isdigit islower isnumeric isspace isupper items join
    keys ljust lower lstrip partition removeprefix removesuffix replace rfind rindex rjust
    rpartition rsplit rstrip split splitlines startswith strip swapcase title translate
    union upper values zfill intersection difference issubset issuperset isdisjoint match
    search findall fullmatch sub bit_length total_seconds isoformat
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
_CHANGEABLE = (ast.Name, ast.Attribute, ast.Subscript)


def key(node: ast.AST) -> str:
    """A text by which two expressions are the same."""
    return text_of(node)


def names_in(node: ast.AST) -> set[str]:
    """The names that an expression reads from outside of itself."""
    stem = node
    while isinstance(stem, ast.Attribute):
        stem = stem.value
    if isinstance(stem, ast.Name):
        return {stem.id} if isinstance(stem.ctx, ast.Load) else set()
    return set(uses_of(node)) - bound_in(node)


def handed_on_in(scope: Scope, tree: ast.AST) -> set[str]:
    """Texts of the places that are arguments of calls which may not leave them alone."""
    handed: set[str] = set()
    for node in walk(tree):
        if isinstance(node, ast.Call) and not _is_known_call(scope, node):
            for argument in [*node.args, *(k.value for k in node.keywords)]:
                if isinstance(argument, _CHANGEABLE):
                    handed.add(key(argument))
    return handed


def _is_known_call(scope: Scope, node: ast.Call) -> bool:
    func = node.func
    if isinstance(func, ast.Name):
        return scope.is_builtin(func, *KNOWN_BUILTINS)
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
            calls and _is_known_call(scope, inner) and not acts(inner)
        ):
            return False
        if isinstance(inner, ast.comprehension) and inner.is_async:
            return False
    return True


def acts(node: ast.Call) -> bool:
    """Whether a call of a known name does something: `q.get()` is no look into a mapping."""
    if isinstance(node.func, ast.Attribute):
        if node.func.attr == "get" and (node.keywords or not node.args):
            return True
        return node.func.attr in MUTATING
    return isinstance(node.func, ast.Name) and node.func.id == "print"


def _done_by(scope: Scope, loop: Loop) -> Effects:
    """What a loop does, worked out once."""
    if loop not in scope.effects:
        scope.effects[loop] = effects_of(loop)
    return scope.effects[loop]


def is_invariant(scope: Scope, node: ast.AST, loop: Loop) -> bool:
    """Whether nothing in the loop binds a name of the expression or changes a part of it."""
    done = _done_by(scope, loop)
    return not (names_in(node) & done.bound or any(k in done.changed for k in _parts(node)))


def _parts(node: ast.AST) -> Iterator[str]:
    """Texts of the parts of an expression that may be changed in place, the whole included."""
    return (key(part) for part in walk(node) if isinstance(part, _CHANGEABLE))


def is_same_object(scope: Scope, node: ast.AST, loop: Loop) -> bool:
    """Whether an attribute or item is the same object throughout, though it may be changed."""
    done = _done_by(scope, loop)
    if names_in(node) & done.bound:
        return False
    for part in walk(node) if done.assigned else ():
        if isinstance(part, ast.Attribute) and "." + part.attr in done.assigned:
            return False
        if isinstance(part, ast.Subscript) and key(part.value) + "[]" in done.assigned:
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
        if not stays(scope, node, loop) or _would_not_end(scope, node, loop):
            break
        best = loop
    if best is None:
        raise NoRewriteError("changes in every loop")
    statement = scope.statement(best)
    for loop in loops[loops.index(best) + 1 :]:
        if scope.statement(loop) is statement:
            raise NoRewriteError("no statement between the loop and what binds the name")
    if best not in scope.handed:
        scope.handed[best] = handed_on_in(scope, best)
    handed = scope.handed[best]
    return Hoist(best, statement, not any(k in handed for k in _parts(node)))


def _would_not_end(scope: Scope, node: ast.expr, loop: Loop) -> bool:
    """Whether a `while` tests an expression beside which nothing in its test changes visibly.

    Then something that the loop calls changes it, or the loop would not end.
    """
    if not isinstance(loop, ast.While):
        return False
    wanted, done = key(node), _done_by(scope, loop)
    found = False
    waiting: list[ast.AST] = [loop.test]
    while waiting:
        at = waiting.pop()
        if isinstance(at, type(node)) and key(at) == wanted:
            found = True
            continue
        if isinstance(at, ast.Call) and not (_is_known_call(scope, at) and not acts(at)):
            return False
        if isinstance(at, ast.Name) and at.id in done.bound:
            return False
        if isinstance(at, _CHANGEABLE) and key(at) in done.changed:
            return False
        waiting += children(at)
    return found


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
