"""The names that code binds and reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from analysis.rules.nodes import walk

_KEPT = "_hasten_names"
BINDERS = (
    ast.arg,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.alias,
    ast.Global,
    ast.Nonlocal,
    ast.ExceptHandler,
    ast.MatchAs,
    ast.MatchStar,
    ast.MatchMapping,
)


def bindings_of(node: ast.AST) -> Iterator[str]:
    """The names that one node (not those below it) binds or reads."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, BINDERS):
        yield from _bound_by(node)


def _bound_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).split(".")[0]
    elif isinstance(node, ast.Global | ast.Nonlocal):
        yield from node.names
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def bindings(tree: ast.AST) -> Iterator[str]:
    """Every name that a tree binds or reads, attributes and keywords of calls left out."""
    for node in walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, BINDERS):
            yield from _bound_by(node)


def bound_in(tree: ast.AST) -> set[str]:
    """The names that a statement or comprehension binds anywhere inside."""
    bound: set[str] = set()
    for node in walk(tree):
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                bound.add(node.id)
        elif isinstance(node, BINDERS):
            bound.update(_bound_by(node))
    return bound


def names_below(tree: ast.AST) -> frozenset[str]:
    """As `bindings` of a whole function, made once."""
    kept: frozenset[str] | None = tree.__dict__.get(_KEPT)
    if kept is None:
        kept = frozenset(bindings(tree))
        setattr(tree, _KEPT, kept)
    return kept
