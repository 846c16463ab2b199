"""What builtin type an expression or a name evidently has."""

from __future__ import annotations

import ast

from analysis.rules.flow import stores
from analysis.rules.nodes import arguments_of
from analysis.rules.scope import Scope

_TYPES = ("list", "tuple", "set", "frozenset", "dict", "str", "int", "float", "bytes", "bool")
_CONTAINERS = {
    ast.List: "list",
    ast.ListComp: "list",
    ast.Tuple: "tuple",
    ast.Set: "set",
    ast.SetComp: "set",
    ast.Dict: "dict",
    ast.DictComp: "dict",
    ast.JoinedStr: "str",
    ast.GeneratorExp: "iterator",
}
_METHOD_TYPES = {
    **dict.fromkeys(["split", "rsplit", "splitlines", "findall", "readlines"], "list"),
    **dict.fromkeys(
        ["join", "strip", "lower", "upper", "replace", "format", "lstrip", "rstrip"], "str"
    ),
}
_ANNOTATIONS = {"List": "list", "Tuple": "tuple", "Dict": "dict", "Set": "set", "Sequence": "list"}


def kind(scope: Scope, node: ast.expr | None, *, depth: int = 3) -> str | None:
    """The builtin type that an expression evidently has ("list", "str", ...), else None."""
    if node is None or depth == 0:
        return None
    if isinstance(node, ast.Constant):
        return type(node.value).__name__
    if type(node) in _CONTAINERS:
        return _CONTAINERS[type(node)]
    if isinstance(node, ast.Call):
        if scope.is_builtin(node.func, *_TYPES):
            assert isinstance(node.func, ast.Name)
            return node.func.id
        if scope.is_builtin(node.func, "sorted"):
            return "list"
        if scope.is_builtin(node.func, "len", "ord", "hash"):
            return "int"
        if isinstance(node.func, ast.Attribute):
            return _METHOD_TYPES.get(node.func.attr)
        return None
    if isinstance(node, ast.BinOp):
        left = kind(scope, node.left, depth=depth - 1)
        if isinstance(node.op, ast.Mult) and left in ("list", "str", "tuple"):
            return left
        return left if left == kind(scope, node.right, depth=depth - 1) else None
    if isinstance(node, ast.Name):
        return name_kind(scope, node, depth=depth - 1)
    return None


def is_text(node: ast.expr) -> bool:
    """Whether an expression is written as a text: what is indexed by one is a mapping."""
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def annotation_kind(annotation: ast.expr | None) -> str | None:
    """The builtin type that an annotation names, its parameters left out."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except (SyntaxError, ValueError):
            return None
    if isinstance(annotation, ast.Subscript):
        annotation = annotation.value
    if isinstance(annotation, ast.Attribute):
        return _ANNOTATIONS.get(annotation.attr)
    if isinstance(annotation, ast.Name):
        return annotation.id if annotation.id in _TYPES else _ANNOTATIONS.get(annotation.id)
    return None


def name_kind(scope: Scope, name: ast.Name, *, depth: int = 3) -> str | None:
    """The builtin type of everything that a name is bound to in its function or module."""
    function = scope.inner_function(name)
    found = {annotation_kind(a.annotation) for a in arguments_of(function).get(name.id, ())}
    for store in stores(function, name.id):
        up = scope.parent(store)
        if isinstance(up, ast.Assign):
            found.add(kind(scope, up.value, depth=depth))
        elif isinstance(up, ast.AnnAssign):
            found.add(annotation_kind(up.annotation))
        elif not isinstance(up, ast.AugAssign):
            return None
    if not found and name.id not in scope.own_names:
        return kind(scope, scope.module.constants.get(name.id), depth=depth)
    return next(iter(found)) if len(found) == 1 else None
