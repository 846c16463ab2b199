"""Nested loops that look for equal keys."""

from __future__ import annotations

import ast

from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule
from analysis.rules.flow import hoist, is_plain, names_in
from analysis.rules.names import bound_in
from analysis.rules.nodes import walk
from analysis.rules.scope import Scope


def _equalities(test: ast.expr) -> list[ast.Compare]:
    """The `==` comparisons that all must hold for a test."""
    parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
    return [
        p
        for p in parts
        if isinstance(p, ast.Compare) and len(p.ops) == 1 and isinstance(p.ops[0], ast.Eq)
    ]


def _sides(
    scope: Scope, equality: ast.Compare, targets: set[str]
) -> tuple[ast.expr, ast.expr] | None:
    """The side that depends on the inner loop's element, and the one that does not."""
    left, right = equality.left, equality.comparators[0]
    for inner, outer in ((left, right), (right, left)):
        if (
            names_in(inner) & targets
            and not names_in(outer) & targets
            and names_in(outer)
            and is_plain(scope, inner)
            and is_plain(scope, outer)
        ):
            return inner, outer
    return None


def _index(
    scope: Scope,
    at: ast.AST,
    target: ast.expr,
    source: ast.expr,
    test: ast.expr,
) -> Rewrite:
    """Group `source` by the inner side of an equality, once, and loop over one group only."""
    targets = {n.id for n in walk(target) if isinstance(n, ast.Name)}
    for equality in _equalities(test):
        sides = _sides(scope, equality, targets)
        if sides is None:
            continue
        inner, outer = sides
        whole = ast.Tuple([source, inner], ast.Load())
        free = ast.Tuple([source, *_free(inner, targets)], ast.Load())
        if names_in(whole) & bound_in(target) - targets:
            continue
        place = hoist(scope, free, at)
        if not names_in(outer) & bound_in(place.loop):
            continue  # the whole search stays the same: nothing to look up
        name = scope.fresh(f"{scope.stem(source, 'items')}_by_key")
        element = scope.line_text(target)
        if isinstance(target, ast.Tuple) and not element.startswith("("):
            element = f"({element})"
        code = (
            f"{name} = {{}}\n"
            f"for {element.removeprefix('(').removesuffix(')')} in {scope.line_text(source)}:\n"
            f"\t{name}.setdefault({scope.line_text(inner)}, []).append({element})"
        )
        changes = (
            scope.insert_before(place.statement, code),
            scope.replace(source, f"{name}.get({scope.line_text(outer)}, ())"),
        )
        return Rewrite(changes, sure=place.sure)
    raise NoRewriteError("no equality that an index could answer")


def _free(inner: ast.expr, targets: set[str]) -> list[ast.expr]:
    """The names of a key that the inner loop does not bind."""
    return [ast.Name(name, ast.Load()) for name in sorted(names_in(inner) - targets)]


@rule(
    "equality-loop-index",
    title="look equal keys up in an index",
    description="For each element of one collection a nested loop walks another one to find equal"
    " keys. An index from key to elements, built once before the outer loop, gives the matching"
    " elements at once.",
    patterns=[{"kind": "for_statement"}],
    node=ast.For,
    gain=3,
)
def equality_loop_index(scope: Scope, node: ast.For) -> Proposal:
    """Build a dict from key to elements and loop over the matching elements only.

    Why it is slow: the inner loop visits all elements to find those with an equal key: the time
    grows with the product of both lengths. The index costs one pass. The test itself stays, so
    that the edit is small and other conditions hold as before.

    Example:
        for a in orders:                   users_by_key = {}
            for u in users:                for u in users:
                if a.user == u.id:             users_by_key.setdefault(u.id, []).append(u)
                    out.append((a, u))     for a in orders:
                                               for u in users_by_key.get(a.user, ()):
                                                   if a.user == u.id:
                                                       out.append((a, u))

    When not to: keys can't be hashed, are equal but hash differently, or are NaN; or the inner
    collection is short, or an iterator.
    """
    if node.orelse and any(isinstance(n, ast.Break) for n in walk(node)) is False:
        return None
    first = node.body[0]
    if not isinstance(first, ast.If) or len(node.body) != 1 or first.orelse:
        return None
    if not isinstance(node.target, ast.Name | ast.Tuple) or not is_plain(scope, node.iter):
        return None
    return _index(scope, node, node.target, node.iter, first.test)


@rule(
    "equality-filter-index",
    title="look equal keys up in an index",
    description="Inside a loop a comprehension filters a whole collection for elements with an"
    " equal key. An index from key to elements, built once before the loop, gives them at once.",
    patterns=[
        {"kind": "list_comprehension"},
        {"kind": "generator_expression"},
        {"kind": "set_comprehension"},
        {"kind": "dictionary_comprehension"},
    ],
    node=(ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp),
    gain=3,
)
def equality_filter_index(
    scope: Scope, node: ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp
) -> Proposal:
    """Build a dict from key to elements and filter the matching elements only.

    Why it is slow: the comprehension visits all elements for each turn of the loop around it: the
    time grows with the product of both lengths.

    Example:
        for team in teams:                 people_by_key = {}
            members = [                    for p in people:
                p for p in people              people_by_key.setdefault(p.team, []).append(p)
                if p.team == team.id       for team in teams:
            ]                                  members = [
                                                   p for p in people_by_key.get(team.id, ())
                                                   if p.team == team.id
                                               ]

    When not to: keys can't be hashed, or the collection is short, or an iterator.
    """
    for at, generator in enumerate(node.generators):
        if not generator.ifs or generator.is_async:
            continue
        if not isinstance(generator.target, ast.Name | ast.Tuple):
            continue
        if not is_plain(scope, generator.iter):
            continue
        try:
            # The first collection is evaluated outside of the comprehension, later ones inside.
            where: ast.AST = node if at == 0 else generator.iter
            return _index(scope, where, generator.target, generator.iter, generator.ifs[0])
        except NoRewriteError:
            continue
    return None


RULES = (equality_loop_index, equality_filter_index)
