"""Walks a function's body and records how its parameters are used."""

from __future__ import annotations

import ast

from benchmark_runner.inputs.call_uses import CallUses, FunctionNode
from benchmark_runner.inputs.known_calls import METHODS
from benchmark_runner.inputs.slots import Slot, join


class Uses(CallUses):
    """The uses in one function; a call of another function of the module is followed.

    `slots` are all values met. `pairs` are containers walked together (zip).
    `halves` (a midpoint is computed: most likely a binary search), `explodes` (combinations, or
    more than one recursive call that doesn't split) and `loops` (depth of nested loops) tell
    what inputs are fitting.
    """

    def __init__(self, functions: dict[str, FunctionNode]) -> None:
        super().__init__(functions)
        self.halves = False
        self.splits = False
        self.loops = 0

    def walk(self, function: FunctionNode, given: dict[str, Slot]) -> None:
        """Record the uses of a function's parameters."""
        outer, self._names = self._names, dict(given)
        self._stack.append(function.name)
        for statement in function.body:
            self._statement(statement)
        self._stack.pop()
        self._names = outer

    # statements

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assign):
            value = self.see(node.value)
            for target in node.targets:
                self._bind(target, value)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self._bind(node.target, self.see(node.value))
        elif isinstance(node, ast.AugAssign):
            self._bind(node.target, self._arithmetic(node.op, node.target, node.value))
        elif isinstance(node, ast.For | ast.AsyncFor):
            self._bind(node.target, self._iterated(node.iter))
            self._block([*node.body, *node.orelse], loop=1)
        elif isinstance(node, ast.While):
            self.see(node.test)
            self._block([*node.body, *node.orelse], loop=1)
        elif isinstance(node, FunctionNode):
            self.walk(node, {**self._names, **{a.arg: self.new() for a in node.args.args}})
        elif not isinstance(node, ast.ClassDef):
            self._others(node)

    def _others(self, node: ast.AST) -> None:
        """Any other statement: its expressions are seen, its inner statements walked."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.see(child)
            elif isinstance(child, ast.stmt):
                self._statement(child)
            elif isinstance(child, ast.withitem):
                self.see(child.context_expr)
            else:
                self._others(child)

    def _block(self, body: list[ast.stmt], loop: int = 0) -> None:
        self._loop += loop
        self.loops = max(self.loops, self._loop)
        for statement in body:
            self._statement(statement)
        self._loop -= loop

    def _bind(self, target: ast.expr, value: Slot) -> None:
        if isinstance(target, ast.Name):
            self._names[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            for position, part in enumerate(target.elts):
                if isinstance(part, ast.Starred):
                    self._bind(part.value, self.new("list"))
                else:
                    self._bind(part, value.part(position))
        else:
            join(self.see(target), value)

    # expressions

    def see(self, node: ast.expr) -> Slot:
        """The value of an expression, its uses recorded."""
        handler = getattr(self, f"_see_{type(node).__name__.lower()}", None)
        slot: Slot = handler(node) if handler else self._see_parts(node)
        self.slots.append(slot)
        return slot.root()

    def _see_parts(self, node: ast.AST) -> Slot:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.see(child)
        return self.new()

    def _see_name(self, node: ast.Name) -> Slot:
        return self._names.get(node.id) or self.new()

    def _see_constant(self, node: ast.Constant) -> Slot:
        value = node.value
        slot = self.new()
        if isinstance(value, bool):
            return slot.vote("bool")
        if isinstance(value, int | float | str | bytes):
            slot.constants.append(value)
            slot.vote("number" if isinstance(value, int) else type(value).__name__)
        slot.none = value is None
        return slot

    def _see_namedexpr(self, node: ast.NamedExpr) -> Slot:
        value = self.see(node.value)
        self._bind(node.target, value)
        return value

    def _see_starred(self, node: ast.Starred) -> Slot:
        return self.see(node.value).vote("iterable")

    def _see_lambda(self, node: ast.Lambda) -> Slot:
        inner = {a.arg: self.new() for a in node.args.args}
        outer, self._names = self._names, {**self._names, **inner}
        self.see(node.body)
        self._names = outer
        slot = self.new()
        slot.parts = {i: inner[a.arg] for i, a in enumerate(node.args.args)}
        return slot

    def _see_ifexp(self, node: ast.IfExp) -> Slot:
        self.see(node.test)
        return join(self.see(node.body), self.see(node.orelse))

    def _see_boolop(self, node: ast.BoolOp) -> Slot:
        values = [self.see(value) for value in node.values]
        return values[-1]

    def _see_unaryop(self, node: ast.UnaryOp) -> Slot:
        slot = self.see(node.operand)
        if isinstance(node.op, ast.Not):
            return self.new("bool")
        return slot.vote("int" if isinstance(node.op, ast.Invert) else "number")

    def _see_list(self, node: ast.List) -> Slot:
        return self._literal("list", node.elts)

    def _see_set(self, node: ast.Set) -> Slot:
        return self._literal("set", node.elts)

    def _see_tuple(self, node: ast.Tuple) -> Slot:
        slot = self.new()
        slot.parts = {i: self.see(part) for i, part in enumerate(node.elts)}
        return slot

    def _see_dict(self, node: ast.Dict) -> Slot:
        slot = self.new("dict")
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None:
                join(slot.child("key"), self.see(key))
                join(slot.child("value"), self.see(value))
        return slot

    def _literal(self, kind: str, elements: list[ast.expr]) -> Slot:
        slot = self.new(kind)
        for element in elements:
            join(slot.child("each"), self.see(element))
        return slot

    def _see_joinedstr(self, node: ast.JoinedStr) -> Slot:
        self._see_parts(node)
        return self.new("str")

    def _see_attribute(self, node: ast.Attribute) -> Slot:
        slot = self.see(node.value)
        if isinstance(node.value, ast.Name) and node.value.id not in self._names:
            return self.new()
        if node.attr not in METHODS:
            slot.root().blocked = slot.root().blocked or f"its attribute .{node.attr} is used"
        return self.new()

    def _see_subscript(self, node: ast.Subscript) -> Slot:
        slot = self.see(node.value)
        index = node.slice
        if isinstance(index, ast.Slice):
            for bound in (index.lower, index.upper, index.step):
                if bound is not None:
                    self.see(bound).vote("int", "natural")
                    self.splits = self.splits or isinstance(bound, ast.Name)
            return slot.vote("subscripted")
        if isinstance(index, ast.Constant) and isinstance(index.value, str):
            return slot.field(index.value)
        if isinstance(index, ast.Constant) and type(index.value) is int and index.value >= 0:
            return self._position(slot, index.value)
        key = self.see(index)
        slot.vote("subscripted")
        join(slot.child("key"), key)
        return slot.child("value")

    def _position(self, slot: Slot, position: int) -> Slot:
        """`row[2]`: a record's part, or an item of a list."""
        if position > 15:
            slot.vote("subscripted").child("key").vote("int")
            return slot.child("value")
        return slot.part(position)

    def _see_compare(self, node: ast.Compare) -> Slot:
        left = self.see(node.left)
        for operator, other in zip(node.ops, node.comparators, strict=True):
            right = self.see(other)
            if isinstance(operator, ast.In | ast.NotIn):
                self._contained(left, right, other)
            elif self._is_none(node.left) or self._is_none(other):
                (left if self._is_none(other) else right).none = True
            elif not isinstance(operator, ast.Is | ast.IsNot) and not (left.none or right.none):
                join(left, right)
            left = right.root()
        return self.new("bool")

    @staticmethod
    def _is_none(node: ast.expr) -> bool:
        return isinstance(node, ast.Constant) and node.value is None

    def _contained(self, item: Slot, container: Slot, node: ast.expr) -> None:
        if isinstance(node, ast.Constant):  # `c in "aeiou"`
            item.vote("str", "char")
            return
        if isinstance(node, ast.Tuple):  # `mode in ("fast", "slow")`
            for part in container.parts.values():
                join(item, part)
            return
        join(item, container.vote("container").child("each"))

    def _see_binop(self, node: ast.BinOp) -> Slot:
        halved = isinstance(node.op, ast.FloorDiv | ast.RShift) and isinstance(node.left, ast.BinOp)
        if halved and isinstance(node.right, ast.Constant) and node.right.value in (1, 2):
            self.halves = True
        return self._arithmetic(node.op, node.left, node.right)

    def _arithmetic(self, operator: ast.operator, left: ast.expr, right: ast.expr) -> Slot:
        a, b = self.see(left), self.see(right)
        sequence = {"str", "list", "bytes", "tuple", "iterable"}
        if isinstance(operator, ast.Mod) and "str" in a.votes:
            return self.new("str")
        if isinstance(operator, ast.Mult) and (sequence & (a.votes | b.votes)):
            (b if sequence & a.votes else a).vote("int", "natural")
            return a if sequence & a.votes else b
        if isinstance(operator, ast.Add):
            return join(a, b)
        if isinstance(operator, ast.BitAnd | ast.BitOr | ast.BitXor | ast.LShift | ast.RShift):
            if not {"set", "dict"} & (a.votes | b.votes):
                a.vote("int")
                b.vote("int")
            return join(a, b)
        if {"set", "iterable"} & (a.votes | b.votes):
            return join(a, b)
        floor = isinstance(operator, ast.FloorDiv | ast.Mod)
        self.splits = self.splits or isinstance(operator, ast.FloorDiv)
        whole = floor and not {"float"} & (a.votes | b.votes)
        for slot in (a, b):
            slot.vote("int" if whole else "number")
        if isinstance(operator, ast.Div):
            return self.new("float")
        return a if isinstance(operator, ast.Mod | ast.Pow | ast.FloorDiv) else join(a, b)

    # comprehensions

    def _comprehension(self, node: ast.expr, results: list[ast.expr], kind: str) -> Slot:
        outer, self._names = self._names, dict(self._names)
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        for generator in generators:
            self._bind(generator.target, self._iterated(generator.iter))
            for test in generator.ifs:
                self.see(test)
        self._loop += len(generators)
        self.loops = max(self.loops, self._loop)
        seen = [self.see(result) for result in results]
        self._loop -= len(generators)
        self._names = outer
        slot = self.new(kind)
        if kind == "dict":
            slot.key, slot.value = seen
        else:
            slot.each = seen[0]
        return slot

    def _see_listcomp(self, node: ast.ListComp) -> Slot:
        return self._comprehension(node, [node.elt], "list")

    def _see_generatorexp(self, node: ast.GeneratorExp) -> Slot:
        return self._comprehension(node, [node.elt], "iterable")

    def _see_setcomp(self, node: ast.SetComp) -> Slot:
        return self._comprehension(node, [node.elt], "set")

    def _see_dictcomp(self, node: ast.DictComp) -> Slot:
        return self._comprehension(node, [node.key, node.value], "dict")

    def _iterated(self, node: ast.expr) -> Slot:
        """What a loop over the expression gives."""
        return self.see(node).vote("iterable").child("each")
