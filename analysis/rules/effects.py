"""What code binds and what it changes in place, told by its syntax alone."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from analysis.rules.base import words
from analysis.rules.names import BINDERS, bindings_of
from analysis.rules.nodes import called, text_of, walk

MUTATING = words(
    """
    append appendleft extend extendleft insert pop popleft popitem remove discard add clear
    update sort reverse setdefault write writelines put send rotate intersection_update
    difference_update symmetric_difference_update __setitem__ __delitem__
    """
)
_BY_ARGUMENT = words("heappush heappop shuffle insort heapify")


@dataclass(frozen=True)
class Effects:
    """What code does: the names that it binds, and texts of what it changes in place.

    `assigned` holds names of attributes that are bound (`.a`), and `x[]` for items of x.
    """

    bound: set[str]
    changed: set[str]
    assigned: set[str]


def effects_of(tree: ast.AST) -> Effects:
    """What is bound and changed anywhere inside a tree."""
    bound, changed, assigned = set[str](), set[str](), set[str]()
    for node in walk(tree):
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                bound.add(node.id)
        elif isinstance(node, ast.Attribute):
            if not isinstance(node.ctx, ast.Load):
                assigned.add("." + node.attr)
                changed |= {text_of(node), text_of(node.value)}
        elif isinstance(node, ast.Call):
            func = node.func
            word = called(func)
            if isinstance(func, ast.Attribute) and (word in MUTATING or _takes(node)):
                changed.add(text_of(func.value))
                assigned.add(text_of(func.value) + "[]")
            elif word in _BY_ARGUMENT or (word == "next" and isinstance(func, ast.Name)):
                changed.update(text_of(a) for a in node.args[:1])
        elif isinstance(node, ast.Subscript):
            if not isinstance(node.ctx, ast.Load):
                assigned.add(text_of(node.value) + "[]")
                changed |= {text_of(node), text_of(node.value)}
        elif isinstance(node, ast.AugAssign):
            changed.add(text_of(node.target))
        elif isinstance(node, BINDERS):
            bound.update(bindings_of(node))
    return Effects(bound, changed, assigned)


def _takes(node: ast.Call) -> bool:
    """Whether a call takes something out of a queue: a mapping's `get` has a key."""
    return called(node.func) == "get" and not node.args


def mutated_in(tree: ast.AST) -> set[str]:
    """Texts of the expressions that are changed in place anywhere inside a tree."""
    return effects_of(tree).changed
