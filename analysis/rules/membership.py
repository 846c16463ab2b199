"""Membership tests that walk a list where a set would do."""

from __future__ import annotations

import ast

from analysis.rules.base import Proposal, Rewrite, rule
from analysis.rules.flow import hoist, loads, swap
from analysis.rules.guards import refuse_guarded
from analysis.rules.kinds import is_text, kind
from analysis.rules.lists import is_simple, list_appends, list_creation
from analysis.rules.nodes import text_of, walk
from analysis.rules.scope import COMPREHENSIONS, Scope

_UNHASHABLE = ("list", "dict", "set")
_MAPPING = ("get", "items", "keys", "values", "setdefault", "popitem", "update")
_SETS = ("set", "frozenset", "dict", "str", "bytes", "int", "float", "bool", "NoneType", "iterator")


def _tested(node: ast.Compare) -> ast.expr | None:
    """What a single `in` or `not in` looks into."""
    if len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn):
        return node.comparators[0]
    return None


def tests_of(tree: ast.AST, text: str) -> list[ast.expr]:
    """What the membership tests of a tree look into, where it is the given expression."""
    return [
        tested
        for n in walk(tree)
        if isinstance(n, ast.Compare)
        and (tested := _tested(n)) is not None
        and text_of(tested) == text
    ]


def _is_mapping(scope: Scope, tested: ast.expr, left: ast.expr) -> bool:
    """Whether the function uses what is tested as a mapping: a copy of it would be a loss."""
    text = text_of(tested)
    function = scope.inner_function(tested)
    if function.args.kwarg and function.args.kwarg.arg == text:
        return True
    for node in walk(function):
        if not isinstance(node, ast.Attribute | ast.Subscript) or text_of(node.value) != text:
            continue
        if isinstance(node, ast.Attribute):
            if node.attr in _MAPPING:
                return True
        elif is_text(node.slice) or text_of(node.slice) == text_of(left):
            return True
    return False


@rule(
    "membership-set",
    title="test membership in a set",
    description="A membership test inside a loop walks a whole list each time. A set made once"
    " before the loop answers each test in constant time.",
    patterns=["$X in $LIST", "$X not in $LIST"],
    node=ast.Compare,
    gain=3,
)
def membership_set(scope: Scope, node: ast.Compare) -> Proposal:
    """Make a set of a list once and test membership in the set.

    Why it is slow: `x in some_list` compares the value with one element after the other, and the
    loop around repeats that: the time grows with the product of both lengths. A set looks a value
    up by its hash.

    Example:
        for word in words:                 stop_set = set(stop)
            if word not in stop:           for word in words:
                kept.append(word)              if word not in stop_set:
                                                   kept.append(word)

    When not to: the list has only a few elements, the loop runs a few times, or elements can't be
    hashed. A loop that changes the list is left alone.
    """
    tested = _tested(node)
    if not isinstance(tested, ast.Name | ast.Attribute):
        return None
    place = hoist(scope, tested, node)
    known = kind(scope, tested)
    if known in _SETS or _is_mapping(scope, tested, node.left):
        return None
    refuse_guarded(scope, tested, node, place)
    stem = scope.stem(tested)
    name = scope.fresh(f"{stem}_set")
    tests = tests_of(place.loop, text_of(tested))
    changes = [
        scope.insert_before(place.statement, f"{name} = set({scope.line_text(tested)})"),
        *swap(scope, tests, name),
    ]
    return Rewrite(tuple(changes), sure=place.sure and known in ("list", "tuple"))


@rule(
    "membership-literal",
    title="test membership in a set of constants",
    description="A membership test walks a display of constants. Written as a set of constants it"
    " is looked up by its hash, and the set is made when the code is compiled.",
    patterns=["$X in [$$$E]", "$X in ($$$E)", "$X not in [$$$E]", "$X not in ($$$E)"],
    node=ast.Compare,
    gain=1,
)
def membership_literal(scope: Scope, node: ast.Compare) -> Proposal:
    """Write a list or tuple of constants after `in` as a set.

    Why it is slow: the compiler turns the list into a tuple, and the test compares with one
    element after the other. A display of constants in braces becomes a frozenset at compile time.

    Example:
        if c in ["a", "e", "i", "o", "u"]:    ->    if c in {"a", "e", "i", "o", "u"}:

    When not to: the tested value may be unhashable (the set then raises TypeError), or the first
    constants nearly always match.
    """
    tested = _tested(node)
    if not isinstance(tested, ast.List | ast.Tuple) or len(tested.elts) < 3:
        return None
    if not all(isinstance(e, ast.Constant) for e in tested.elts):
        return None
    text = scope.text(tested)
    if text[0] not in "[(":
        return None
    return Rewrite((scope.replace(tested, "{" + text[1:-1] + "}"),))


@rule(
    "seen-list-to-set",
    title="keep what was seen in a set",
    description="A list only collects what was seen and is only tested for membership, which walks"
    " it each time. A set in its place answers in constant time.",
    patterns=["$X in $LIST", "$X not in $LIST"],
    node=ast.Compare,
    gain=3,
)
def seen_list_to_set(scope: Scope, node: ast.Compare) -> Proposal:
    """Turn a list that is only appended to and tested into a set.

    Why it is slow: each test compares with all elements that were seen so far: the time grows
    with the square of their number.

    Example:
        seen = []                          seen = set()
        for x in xs:                       for x in xs:
            if x in seen:                      if x in seen:
                return x                           return x
            seen.append(x)                     seen.add(x)

    When not to: elements can't be hashed, or there are only ever a few.
    """
    tested = _tested(node)
    if not isinstance(tested, ast.Name) or not scope.loops(node):
        return None
    function = scope.inner_function(node)
    created = list_creation(scope, function, tested.id)
    grown = list_appends(scope, function, tested.id)
    if created is None or not grown or created.value is None:
        return None
    if isinstance(created, ast.AnnAssign):
        return None
    tests = tests_of(function, tested.id)
    if len(tests) + len(grown) != len(loads(function, tested.id)):
        return None
    if any(kind(scope, c.args[0]) in _UNHASHABLE for c in grown):
        return None
    if any(scope.inner_function(n) is not function for n in loads(function, tested.id)):
        return None
    value = created.value
    new = (
        "set()"
        if isinstance(value, ast.List) and not value.elts
        else "{" + scope.text(value)[1:-1] + "}"
        if isinstance(value, ast.List)
        else f"set({scope.line_text(value)})"
    )
    changes = [scope.replace(value, new)]
    changes += [scope.replace(c.func, f"{tested.id}.add") for c in grown]
    return Rewrite(tuple(changes))


@rule(
    "companion-set",
    title="remember what a list holds in a set beside it",
    description="A list under construction is tested for membership before each append, which walks"
    " it each time. A set that is filled beside it answers in constant time; the list and its"
    " order stay.",
    patterns=["$X in $LIST", "$X not in $LIST"],
    node=ast.Compare,
    gain=3,
)
def companion_set(scope: Scope, node: ast.Compare) -> Proposal:
    """Fill a set beside a list that is built without duplicates.

    Why it is slow: `if x not in out: out.append(x)` walks all that is in the list so far: the
    time grows with the square of the number of different values.

    Example:
        out = []                           out = []
        for x in xs:                       out_set = set()
            if x not in out:               for x in xs:
                out.append(x)                  if x not in out_set:
                                                   out.append(x)
                                                   out_set.add(x)

    When not to: elements can't be hashed, or there are only ever a few different ones.
    """
    tested = _tested(node)
    if not isinstance(tested, ast.Name) or not scope.loops(node):
        return None
    function = scope.inner_function(node)
    created = list_creation(scope, function, tested.id)
    grown = list_appends(scope, function, tested.id)
    if created is None or not grown or not all(is_simple(c.args[0]) for c in grown):
        return None
    if any(kind(scope, c.args[0]) in _UNHASHABLE for c in grown):
        return None
    tests = tests_of(function, tested.id)
    if any(scope.inner_function(n) is not function for n in [*tests, *grown]):
        return None
    if any(isinstance(up, COMPREHENSIONS) for c in grown for up in scope.ancestors(c)):
        return None
    name = scope.fresh(f"{tested.id}_set")
    empty = isinstance(created.value, ast.List) and not created.value.elts
    start = f"{name} = set()" if empty else f"{name} = set({tested.id})"
    changes = [scope.insert_after(created, start)]
    for call in grown:
        line = f"{name}.add({scope.line_text(call.args[0])})"
        changes.append(scope.insert_after(scope.statement(call), line))
    changes += swap(scope, tests, name)
    return Rewrite(tuple(changes))


RULES = (membership_set, seen_list_to_set, companion_set, membership_literal)
