"""Shapes from type hints, by syntax alone: the user's code is not imported."""

from __future__ import annotations

import ast

from benchmark_runner.inputs.shapes import ANY, INT, NONE, STR, Constant, Kind, Shape, union

_NAMES: dict[str, Kind] = {
    "int": "int", "float": "float", "complex": "complex", "bool": "bool", "str": "str",
    "bytes": "bytes", "Decimal": "decimal", "Fraction": "fraction", "date": "date",
    "datetime": "datetime", "timedelta": "timedelta", "AnyStr": "str", "LiteralString": "str",
    "SupportsIndex": "int", "SupportsFloat": "float", "SupportsInt": "int", "Hashable": "int",
    "Number": "float", "Real": "float", "Rational": "fraction", "Integral": "int",
    "bytearray": "bytes", "ByteString": "bytes",
}  # fmt: skip

_GENERIC: dict[str, Kind] = {
    "list": "list", "List": "list", "Sequence": "list", "MutableSequence": "list",
    "Iterable": "list", "Collection": "list", "Container": "list", "Reversible": "list",
    "Sized": "list", "tuple": "tuple", "Tuple": "tuple", "set": "set", "Set": "set",
    "MutableSet": "set", "AbstractSet": "set", "frozenset": "frozenset", "FrozenSet": "frozenset",
    "deque": "deque", "Deque": "deque", "dict": "dict", "Dict": "dict", "Mapping": "dict",
    "MutableMapping": "dict",
}  # fmt: skip

_TRANSPARENT = frozenset({"Annotated", "Final", "ClassVar", "Required", "NotRequired", "ReadOnly"})
_ANYTHING = frozenset({"Any", "object"})
_DEEP = 12


class CantMake(Exception):
    """The hint names something that no values can be made for; its text says what."""


def last_name(node: ast.expr) -> str:
    """`List` of `typing.List` and of `List`; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def parsed(text: str) -> ast.expr | None:
    """An expression's tree, or None where the text is none."""
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return None


class Hints:
    """Reads the hints of one module: its aliases, NewTypes, TypeVars and TypedDicts count."""

    def __init__(self, module: ast.Module) -> None:
        self.aliases: dict[str, ast.expr] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        self.variables: dict[str, ast.expr | None] = {}
        for statement in module.body:
            self._learn(statement)

    def _learn(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.ClassDef):
            self.classes[statement.name] = statement
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            self._learn_value(statement.targets[0].id, statement.value)
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            if statement.value is not None and last_name(statement.annotation) == "TypeAlias":
                self.aliases[statement.target.id] = statement.value
        elif type(statement).__name__ == "TypeAlias":  # `type X = ...`, Python 3.12
            self.aliases[statement.name.id] = statement.value  # type: ignore[attr-defined]
        elif isinstance(statement, ast.If):  # `if TYPE_CHECKING:`
            for inner in statement.body:
                self._learn(inner)

    def _learn_value(self, name: str, value: ast.expr) -> None:
        if not isinstance(value, ast.Call):
            self.aliases[name] = value
            return
        called = last_name(value.func)
        if called == "NewType" and len(value.args) == 2:
            self.aliases[name] = value.args[1]
        elif called == "TypeVar":
            bound = [k.value for k in value.keywords if k.arg == "bound"]
            found = bound or value.args[1:2]
            self.variables[name] = found[0] if found else None

    def type_parameters(self, function: ast.AST) -> None:
        """Learn the type parameters of `def f[T](...)` (Python 3.12)."""
        for parameter in getattr(function, "type_params", []):
            self.variables[parameter.name] = getattr(parameter, "bound", None)

    def shape(self, node: ast.expr | None, depth: int = 0) -> Shape:
        """The shape that a hint allows. Raises CantMake for what can't be made from builtins."""
        if node is None or depth > _DEEP:
            return ANY
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                return self.shape(parsed(node.value), depth + 1)
            return NONE if node.value is None else ANY
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self._union([node.left, node.right], depth)
        if isinstance(node, ast.Subscript):
            return self._subscript(node, depth)
        return self._name(node, depth)

    def _union(self, nodes: list[ast.expr], depth: int) -> Shape:
        """Members that can't be made are left out as long as others remain besides None."""
        shapes, failed = [], None
        for node in nodes:
            try:
                shapes.append(self.shape(node, depth + 1))
            except CantMake as error:
                failed = error
        if failed and all(shape.kind == "none" for shape in shapes):
            raise failed
        return union(tuple(shapes))

    def _name(self, node: ast.expr, depth: int) -> Shape:
        name = last_name(node)
        if name in self.variables:
            bound = self.variables[name]
            return self.shape(bound, depth + 1) if bound is not None else INT
        if isinstance(node, ast.Name) and name in self.aliases:
            return self.shape(self.aliases[name], depth + 1)
        if isinstance(node, ast.Name) and name in self.classes:
            return self._class(self.classes[name], depth)
        if name in _NAMES:
            return Shape(_NAMES[name])
        if name in _GENERIC:
            kind = _GENERIC[name]
            return Shape(kind, (ANY, ANY) if kind == "dict" else (ANY,))
        if name == "Counter":
            return Shape("dict", (ANY, INT))
        if name in _ANYTHING or not name:
            return ANY
        raise CantMake(f"a value of type {ast.unparse(node)}")

    def _class(self, node: ast.ClassDef, depth: int) -> Shape:
        """A TypedDict of this module; other classes need the user's code to make a value."""
        if not any(last_name(base) == "TypedDict" for base in node.bases):
            raise CantMake(f"a value of type {node.name}")
        keys: list[Constant] = []
        values = []
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                keys.append(statement.target.id)
                values.append(self.shape(statement.annotation, depth + 1))
        return Shape("fields", tuple(values), keys=tuple(keys))

    def _subscript(self, node: ast.Subscript, depth: int) -> Shape:
        name = last_name(node.value)
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name == "Optional":
            return self._union([*inner, ast.Constant(None)], depth)
        if name == "Union":
            return self._union(inner, depth)
        if name == "Literal":
            return self._literal(inner)
        if name in _TRANSPARENT:
            return self.shape(inner[0], depth + 1)
        if name == "Counter":
            return Shape("dict", (self.shape(inner[0], depth + 1), INT))
        kind = _GENERIC.get(name)
        if kind is None:
            raise CantMake(f"a value of type {ast.unparse(node)}")
        if kind == "tuple" and not self._is_variadic(inner):
            return Shape("record", tuple(self.shape(part, depth + 1) for part in inner))
        if kind == "dict":
            key, value = (self.shape(part, depth + 1) for part in (*inner, None, None)[:2])
            return Shape("dict", (STR if key.kind == "any" else key, value))
        return Shape(kind, (self.shape(inner[0], depth + 1),))

    @staticmethod
    def _is_variadic(inner: list[ast.expr]) -> bool:
        return len(inner) == 2 and isinstance(inner[1], ast.Constant) and inner[1].value is ...

    @staticmethod
    def _literal(inner: list[ast.expr]) -> Shape:
        values: list[Constant] = []
        for part in inner:
            try:
                values.append(ast.literal_eval(part))
            except ValueError as error:
                raise CantMake(f"a value of Literal[{ast.unparse(part)}]") from error
        return Shape("literal", values=tuple(values))
