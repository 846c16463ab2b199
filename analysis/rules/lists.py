"""Lists that a function makes and fills: where they are made, where they grow."""

from __future__ import annotations

import ast

from analysis.rules.effects import MUTATING
from analysis.rules.flow import loads, stores
from analysis.rules.kinds import kind
from analysis.rules.scope import Scope


def list_creation(scope: Scope, function: ast.AST, name: str) -> ast.Assign | ast.AnnAssign | None:
    """The one statement that binds a name, if it makes a list."""
    if len(stores(function, name)) != 1:
        return None
    statement = scope.statement(stores(function, name)[0])
    target = (
        statement.targets[0]
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1
        else statement.target
        if isinstance(statement, ast.AnnAssign)
        else None
    )
    if not isinstance(target, ast.Name) or target.id != name:
        return None
    assert isinstance(statement, ast.Assign | ast.AnnAssign)
    return statement if kind(scope, statement.value) == "list" else None


def list_appends(scope: Scope, function: ast.AST, name: str) -> list[ast.Call] | None:
    """The statements `name.append(x)`; None when the list is changed in any other way."""
    found = []
    for use in loads(function, name):
        up = scope.parent(use)
        if isinstance(up, ast.Attribute):
            call = scope.parent(up)
            if up.attr == "append" and isinstance(call, ast.Call) and len(call.args) == 1:
                if not isinstance(scope.parent(call), ast.Expr):
                    return None
                found.append(call)
            elif up.attr in MUTATING:
                return None
        elif isinstance(up, ast.Subscript) and not isinstance(up.ctx, ast.Load):
            return None
    return found


def is_simple(node: ast.expr) -> bool:
    """Whether evaluating an expression twice costs little and changes nothing."""
    if isinstance(node, ast.Tuple):
        return all(is_simple(e) for e in node.elts)
    if isinstance(node, ast.Attribute):
        return is_simple(node.value)
    return isinstance(node, ast.Name | ast.Constant)
