"""The names that code binds and reads."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from analysis.rules.nodes import walk

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
_BINDING = frozenset(BINDERS)


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


@dataclass(frozen=True)
class Names:
    """The names that code uses in any way, and those that it binds.

    Attributes and keywords of calls are left out.
    """

    used: frozenset[str]
    bound: frozenset[str]

    @classmethod
    def of(cls, nodes: Iterable[ast.AST]) -> Names:
        """The names of nodes, not of those below them."""
        used, bound = set[str](), set[str]()
        for node in nodes:
            if node.__class__ is ast.Name:
                used.add(node.id)
                if node.ctx.__class__ is not ast.Load:
                    bound.add(node.id)
            elif node.__class__ in _BINDING:
                bound.update(_bound_by(node))
        return cls(frozenset(used), frozenset(bound))

    @cached_property
    def all(self) -> frozenset[str]:
        """All of them."""
        return self.used | self.bound


def bound_in(tree: ast.AST) -> frozenset[str]:
    """The names that a statement or comprehension binds anywhere inside."""
    return Names.of(walk(tree)).bound
