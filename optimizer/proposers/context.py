"""What a model must see beside the function: the pieces of its own file that it leans on.

Only what the function names is taken, and all of it is bounded. The values of names that look like
secrets are left out, wherever they stand in these pieces.
"""

from __future__ import annotations

import ast
import re

from analysis.functions import Function, function_named, functions_in
from optimizer.proposers.splice import dedented

LIMIT_CHARS = 6_000
_PIECE_CHARS = 1_500
_VALUE_CHARS = 400
_SECRET = re.compile(r"secret|passw|token|credential|api_?key|private_?key|_?pwd", re.IGNORECASE)

_Def = ast.FunctionDef | ast.AsyncFunctionDef


class Context:
    """The surroundings of one function. A file that does not parse shows only imports."""

    def __init__(self, text: str, path: str, function: Function) -> None:
        self._text, self._path, self._function = text, path, function
        self._module = _parsed(text)
        own = _parsed(dedented(text, function))
        nodes = list(ast.walk(own)) if own else []
        self._names = {n.id for n in nodes if isinstance(n, ast.Name)}
        self._called = {
            n.func.id if isinstance(n.func, ast.Name) else n.func.attr
            for n in nodes
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name | ast.Attribute)
        }

    def imports(self) -> str:
        """The top-level import statements."""
        if self._module is None:
            lines = [s for s in self._text.splitlines() if s.startswith(("import ", "from "))]
            return "\n".join(lines)[:LIMIT_CHARS]
        found = [s for s in self._module.body if isinstance(s, ast.Import | ast.ImportFrom)]
        return "\n".join(map(ast.unparse, found))[:LIMIT_CHARS]

    def constants(self) -> str:
        """Top-level assignments of names that the function reads."""
        found: list[str] = []
        for statement in self._module.body if self._module else []:
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                targets = (
                    statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                )
                bound = {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
                if bound & self._names:
                    found.append(_assignment(statement))
        return _fitting(found)

    def classes(self) -> str:
        """The class around a method, and classes of the file that it names: heads and fields."""
        around = set(self._function.qualname.split(".")[:-1]) - {"<locals>"}
        wanted = around | self._names
        return _fitting(
            [
                self._class(node)
                for node in (ast.walk(self._module) if self._module else ())
                if isinstance(node, ast.ClassDef) and node.name in wanted
            ]
        )

    def enclosing(self) -> str:
        """The function around a nested one."""
        outer = self._function.qualname.split(".<locals>.", 1)[0]
        if outer == self._function.qualname:
            return ""
        function = function_named(self._text, self._path, outer)
        return "" if function is None else self._source(function)[: 2 * _PIECE_CHARS]

    def callees(self) -> str:
        """The functions of the same file that it calls; long ones by their first line."""
        parts: list[str] = []
        size = 0
        for other in functions_in(self._text, self._path):
            if other.name not in self._called or other.qualname == self._function.qualname:
                continue
            source = self._source(other)
            if len(source) > _PIECE_CHARS or size + len(source) > LIMIT_CHARS:
                source = source.splitlines()[0] + " ..."
            size += len(source)
            parts.append(source)
        return _fitting(parts)

    def _source(self, function: Function) -> str:
        source = dedented(self._text, function)
        tree = _parsed(source)
        return source if tree is None or not _has_secret(tree) else ast.unparse(_masked(tree))

    def _class(self, node: ast.ClassDef) -> str:
        bases = ", ".join(map(ast.unparse, [*node.bases, *node.keywords]))
        lines = [f"@{ast.unparse(d)}" for d in node.decorator_list]
        lines.append(f"class {node.name}({bases}):" if bases else f"class {node.name}:")
        for statement in node.body:
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                lines.append("    " + _assignment(statement).replace("\n", "\n    "))
            elif isinstance(statement, _Def) and statement.name == "__init__":
                if self._function.name != "__init__":
                    shown = ast.unparse(_masked(statement))[:_PIECE_CHARS]
                    lines.append("    " + shown.replace("\n", "\n    "))
            elif isinstance(statement, _Def):
                lines.append(f"    def {statement.name}({ast.unparse(statement.args)}): ...")
        return "\n".join(lines)[: 2 * _PIECE_CHARS]


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _fitting(parts: list[str]) -> str:
    return "\n\n".join(parts)[: 2 * LIMIT_CHARS]


def _assignment(statement: ast.Assign | ast.AnnAssign) -> str:
    """The statement with its value cut, or left out where its name says that it is secret."""
    shown = ast.unparse(_masked(statement))
    return shown if len(shown) <= _VALUE_CHARS else shown[:_VALUE_CHARS] + " ..."


class _Mask(ast.NodeTransformer):
    """Puts ... in place of the values of names that look like secrets."""

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        if any(_SECRET.search(ast.unparse(t)) for t in node.targets):
            return ast.Assign(node.targets, ast.Constant(...), lineno=node.lineno)
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None and _SECRET.search(ast.unparse(node.target)):
            return ast.AnnAssign(node.target, node.annotation, ast.Constant(...), node.simple)
        return self.generic_visit(node)


def _masked(node: ast.AST) -> ast.AST:
    copy = ast.parse(ast.unparse(node))
    _Mask().visit(copy)
    return ast.fix_missing_locations(copy)


def _has_secret(tree: ast.AST) -> bool:
    return any(
        isinstance(n, ast.Assign | ast.AnnAssign) and ast.unparse(_masked(n)) != ast.unparse(n)
        for n in ast.walk(tree)
    )
