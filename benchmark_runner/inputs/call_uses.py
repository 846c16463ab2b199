"""What the calls in a function's body tell of their arguments and receivers."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod

from benchmark_runner.inputs.hints import last_name
from benchmark_runner.inputs.known_calls import (
    BISECTS,
    CALLS,
    EXPLODES,
    METHODS,
    PATTERN_CALLS,
    TYPES,
    Known,
)
from benchmark_runner.inputs.slots import Slot, join

_CALL_DEPTH = 3
_MADE = frozenset(TYPES) | {"deque", "frozenset"}
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class CallUses(ABC):
    """The half of `Uses` that reads calls; see there."""

    def __init__(self, functions: dict[str, FunctionNode]) -> None:
        self.functions = functions
        self.slots: list[Slot] = []
        self.pairs: list[tuple[Slot, ...]] = []
        self.explodes = False
        self.self_calls = 0
        self._loop = 0
        self._stack: list[str] = []
        self._names: dict[str, Slot] = {}

    def new(self, *votes: str) -> Slot:
        """A fresh value."""
        slot = Slot(*votes)
        self.slots.append(slot)
        return slot

    @abstractmethod
    def see(self, node: ast.expr) -> Slot:
        """The value of an expression, its uses recorded."""

    @abstractmethod
    def walk(self, function: FunctionNode, given: dict[str, Slot]) -> None:
        """Record the uses of a function's parameters."""

    def _see_call(self, node: ast.Call) -> Slot:
        arguments = [self.see(argument) for argument in node.args]
        keywords = {k.arg: self.see(k.value) for k in node.keywords}
        function = node.func
        name = last_name(function)
        if isinstance(function, ast.Attribute):
            of_module = isinstance(function.value, ast.Name) and (
                function.value.id not in self._names and function.value.id not in ("self", "cls")
            )
            if not of_module:
                return self._method(self.see(function.value), function.attr, node, arguments)
        elif name in self._names:
            slot = self._names[name].root()
            slot.blocked = slot.blocked or "it is called"
            return self.new()
        elif name in self.functions:
            return self._own(self.functions[name], arguments, keywords)
        self.explodes = self.explodes or name in EXPLODES
        return self._known(name, node, arguments, keywords)

    def _own(
        self, function: FunctionNode, given: list[Slot], named: dict[str | None, Slot]
    ) -> Slot:
        """A call of a function of the same module: its uses are the arguments' uses."""
        if function.name in self._stack:
            self.self_calls += 1 + (self._loop > 0)
        elif len(self._stack) < _CALL_DEPTH:
            parameters = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
            known = dict(zip(parameters, given, strict=False))
            known.update({k: v for k, v in named.items() if k in parameters and k})
            loop, self._loop = self._loop, 0
            self.walk(function, {p: known.get(p) or self.new() for p in parameters})
            self._loop = loop
        return self.new()

    def _known(
        self, name: str, node: ast.Call, given: list[Slot], named: dict[str | None, Slot]
    ) -> Slot:
        if name == "range":
            return self._range(given)
        if name in ("zip", "enumerate", "map", "filter"):
            return self._lockstep(name, given)
        if name in ("min", "max") and len(given) > 1:
            for other in given[1:]:
                join(given[0], other)
            return given[0].root()
        if name in ("min", "max"):
            return given[0].vote("iterable").child("each") if given else self.new()
        if name in BISECTS and len(given) > 1:
            given[0].vote("list").ordered = True
            join(given[0].child("each"), given[1])
            return self.new("int")
        if name in PATTERN_CALLS and isinstance(node.func, ast.Attribute):
            for text in given[1:]:
                text.vote("str")
            return self.new()
        if name == "isinstance" and len(given) == 2:
            self._isinstance(given[0], node.args[1])
        if name in ("int", "float") and given:
            if "str" in given[0].votes:
                given[0].vote("digits")
            return self.new(name)
        known = CALLS.get(name)
        key = named.get("key")
        if known is None or not given:
            return self.new(*(known.result,) if known and known.result in _MADE else ())
        if key is not None and 0 in key.parts:
            join(given[0].child("each"), key.parts[0])
        return self._apply(known, given)

    def _apply(self, known: Known, given: list[Slot]) -> Slot:
        first = given[0]
        for vote in known.votes:
            if vote in ("numbers", "floats", "hashables"):
                first.child("each").vote(
                    {"numbers": "number", "floats": "float", "hashables": "hashable"}[vote]
                )
            else:
                first.vote(vote)
        result = known.result
        if result == "same":
            return first
        if result == "each":
            return first.child("each")
        if result == "counter":
            slot = self.new("dict")
            slot.key, slot.value = first.child("each"), self.new("int")
            return slot
        slot = self.new(*(result,) if result else ())
        if result in ("list", "tuple", "set", "frozenset", "deque"):
            slot.each = first.child("each")
        return slot

    def _range(self, given: list[Slot]) -> Slot:
        slot = self.new("list")
        each = slot.child("each").vote("int", "natural")
        for bound in given:
            bound.vote("int", "natural")
        if given:
            each.below = given[min(1, len(given) - 1)]
        return slot

    def _lockstep(self, name: str, given: list[Slot]) -> Slot:
        """zip, enumerate, map and filter."""
        walked = (
            given[1:] if name in ("map", "filter") else given[: 1 if name == "enumerate" else None]
        )
        parts = [slot.vote("iterable").child("each") for slot in walked]
        result = self.new("iterable")
        if name == "zip":
            self.pairs.append(tuple(walked))
        if name in ("map", "filter"):
            for position, part in enumerate(parts):
                if given and position in given[0].parts:
                    join(part, given[0].parts[position])
            if name == "filter" and parts:
                result.each = parts[0]
            return result
        each = result.child("each")
        each.parts = dict(enumerate([self.new("int"), *parts] if name == "enumerate" else parts))
        return result

    def _isinstance(self, slot: Slot, kinds: ast.expr) -> None:
        names = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
        first = last_name(names[0]) if names else ""
        if first in TYPES and slot.root().votes.isdisjoint(TYPES.values()):
            slot.vote(TYPES[first])

    def _method(self, slot: Slot, name: str, node: ast.Call, given: list[Slot]) -> Slot:
        known = METHODS.get(name)
        if known is None:
            slot.root().blocked = slot.root().blocked or f"its method .{name}() is called"
            return self.new()
        votes = known.votes
        if name in ("append", "extend", "pop") and {"deque", "set", "dict"} & slot.votes:
            votes = ()
        slot = slot.vote(*votes)
        if name in ("append", "appendleft", "add", "discard", "remove", "count", "index") and given:
            join(slot.child("each"), given[-1])
        elif name == "insert" and len(given) == 2:
            join(slot.child("each"), given[1])
        elif name in ("extend", "update", "union", "intersection", "difference", "join") and given:
            each = given[0].vote("iterable").child("each")
            join(self.new("str") if name == "join" else slot.child("each"), each)
        elif name in ("get", "setdefault"):
            return self._get(slot, node, given)
        elif name in ("startswith", "endswith", "replace", "find") and given:
            given[0].vote("str")
        elif name in ("split", "rsplit", "partition") and given:
            slot.constants += [c for c in given[0].constants if c not in slot.constants]
        return self._result(slot, known.result, given)

    def _get(self, slot: Slot, node: ast.Call, given: list[Slot]) -> Slot:
        key = node.args[0] if node.args else None
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            value = slot.field(key.value)
        else:
            value = slot.child("value")
            if given:
                join(slot.child("key"), given[0])
        if len(given) > 1 and not given[1].none:
            join(value, given[1])
        return value.root()

    def _result(self, slot: Slot, result: str | None, given: list[Slot]) -> Slot:
        if result == "popped":
            if len(given) == 2 or "dict" in slot.votes:
                slot.vote("dict")
                join(slot.child("key"), given[0]) if given else None
                return slot.child("value")
            return slot.child("each")
        if result in ("same", "each", "value"):
            return slot if result == "same" else slot.child(result)
        made = self.new(*(result,) if result in TYPES or result == "bool" else ())
        if result == "words":
            made.vote("list").child("each").vote("str")
        elif result in ("keys", "values"):
            made.vote("iterable").each = slot.child("key" if result == "keys" else "value")
        elif result in ("items", "item"):
            pair = made.vote("iterable").child("each") if result == "items" else made
            pair.parts = {0: slot.child("key"), 1: slot.child("value")}
        return made
