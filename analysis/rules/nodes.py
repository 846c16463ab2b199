"""Walks over the standard library's syntax trees, each of which is made once.

The rules ask the same of the same nodes again and again. What a node holds never changes here, so
the answers are kept on the node itself and go with it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

N = TypeVar("N", bound=ast.AST)
_BELOW, _TEXT, _USES = "_hasten_below", "_hasten_text", "_hasten_uses"
_ARGUMENTS = "_hasten_arguments"
_WITHOUT_NODES = frozenset(
    {"ctx", "id", "attr", "kind", "level", "module", "type_comment", "conversion", "is_async"}
)


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    """The fields of each class of nodes that may hold nodes."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        fields = () if kind is ast.Constant else kind._fields
        self[kind] = tuple(f for f in fields if f not in _WITHOUT_NODES)
        return self[kind]


_FIELDS = _Fields()
_USUAL: dict[type[ast.AST], Callable[[Any], list[ast.AST]]] = {
    ast.Name: lambda n: [],
    ast.Constant: lambda n: [],
    ast.Attribute: lambda n: [n.value],
    ast.Call: lambda n: [n.func, *n.args, *n.keywords],
    ast.Expr: lambda n: [n.value],
    ast.Assign: lambda n: [*n.targets, n.value],
    ast.Subscript: lambda n: [n.value, n.slice],
    ast.Compare: lambda n: [n.left, *n.ops, *n.comparators],
    ast.keyword: lambda n: [n.value],
    ast.arg: lambda n: [n.annotation] if n.annotation else [],
}
"""What is below nodes of the most frequent classes: they are nearly all of a tree."""


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below one, in order, but for Load, Store and Del."""
    usual = _USUAL.get(node.__class__)
    if usual is not None:
        return usual(node)
    found: list[ast.AST] = []
    for name in _FIELDS[node.__class__]:
        value: Any = getattr(node, name, None)
        if value.__class__ is list:
            found += [v for v in value if v.__class__ is not str and v is not None]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def walk(node: ast.AST) -> Sequence[ast.AST]:
    """The node and all below it in the order of `ast.walk`, but for Load, Store and Del."""
    kept: Sequence[ast.AST] | None = node.__dict__.get(_BELOW)
    if kept is None:
        below = children(node)
        for at in below:  # grows as it is read
            if _FIELDS[at.__class__]:
                below += children(at)
        kept = below
        setattr(node, _BELOW, kept)
    return [node, *kept]


def parents_below(root: ast.AST) -> dict[ast.AST, ast.AST]:
    """For each node below one, in the order of `walk`, the node above it."""
    below = children(root)
    found = dict.fromkeys(below, root)
    for node in below:  # grows as it is read
        if not _FIELDS[node.__class__]:
            continue
        nodes = children(node)
        below += nodes
        for child in nodes:
            found[child] = node
    setattr(root, _BELOW, below)
    return found


def called(func: ast.expr) -> str:
    """The word by which something is called; "" where that is no name."""
    return func.id if isinstance(func, ast.Name) else getattr(func, "attr", "")


def uses_of(tree: ast.AST) -> dict[str, list[ast.Name]]:
    """Where each name stands in a tree, in the order of `walk`."""
    return _by_name(tree, _USES, ast.Name, "id")


def arguments_of(tree: ast.AST) -> dict[str, list[ast.arg]]:
    """The parameters of all functions in a tree, by name."""
    return _by_name(tree, _ARGUMENTS, ast.arg, "arg")


def _by_name(tree: ast.AST, where: str, kind: type[N], name: str) -> dict[str, list[N]]:
    """The nodes of a class in a tree by their name, kept on the tree."""
    kept: dict[str, list[N]] | None = tree.__dict__.get(where)
    if kept is None:
        kept = {}
        for node in walk(tree):
            if node.__class__ is kind:
                kept.setdefault(getattr(node, name), []).append(node)
        setattr(tree, where, kept)
    return kept


def text_of(node: ast.AST) -> str:
    """The node written anew, as `ast.unparse`."""
    if isinstance(node, ast.Name):
        return node.id
    kept: str | None = node.__dict__.get(_TEXT)
    if kept is None:
        # What most is asked of, and what `ast.unparse` takes long for.
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            kept = f"{text_of(node.value)}.{node.attr}"
        else:
            kept = ast.unparse(node)
        setattr(node, _TEXT, kept)
    return kept
