"""A function's parameters with their shapes, and how they belong together."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from benchmark_runner.inputs.hints import CantMake, Hints, last_name
from benchmark_runner.inputs.shapes import ANY, SEQUENCES, Shape, union
from benchmark_runner.inputs.slots import Slot, held_by, merge, settle
from benchmark_runner.inputs.uses import Uses

_Function = ast.FunctionDef | ast.AsyncFunctionDef
Growth = Literal["linear", "square", "cube", "recursive", "exponential"]

_SORTED_NAME = re.compile(r"sorted|bisect|binary_search", re.I)
_COUNT_NAME = re.compile(r"(?:n|k|m|i|j|idx|index|pos|count|num|size|length|limit|top|start|stop|"
                         r"end|lo|hi|left|right|window|width|step)(?:_\w+)?\Z|.*_(?:n|k|index|count|"
                         r"size|len|length)\Z", re.I)  # fmt: skip


class NoInputs(Exception):
    """No inputs can be made; the text says for which parameter and why."""


@dataclass(frozen=True)
class Parameter:
    """One parameter that values are made for. `default` says that it may be left out."""

    name: str
    shape: Shape
    keyword: bool
    star: bool
    default: bool


@dataclass(frozen=True)
class Signature:
    """What a function takes.

    `index_of`: the named int is an index or a count within the named container. `members`: the
    named scalar is looked up in the named container. `equal`: containers of the same length.
    `indexes`: what the first named container holds are indexes or keys of the second; of itself
    for a graph.
    `growth`: how the cost seems to grow with the size. `halves`: looks like a binary search.
    """

    parameters: tuple[Parameter, ...]
    index_of: tuple[tuple[str, str], ...]
    members: tuple[tuple[str, str], ...]
    equal: tuple[frozenset[str], ...]
    indexes: tuple[tuple[str, str], ...]
    growth: Growth
    halves: bool


def _definitions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, _Function, str]]:
    """(qualified name, definition, kind of what holds it) of functions outside functions."""
    for node in body:
        if isinstance(node, _Function):
            yield prefix + node.name, node, "class" if prefix else "module"
        elif isinstance(node, ast.ClassDef):
            yield from _definitions(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, ast.If | ast.Try | ast.With):
            for name in ("body", "handlers", "orelse", "finalbody"):
                for inner in getattr(node, name, []):
                    inside = inner.body if isinstance(inner, ast.ExceptHandler) else [inner]
                    yield from _definitions(inside, prefix)


def read_signature(text: str, qualname: str) -> Signature:
    """The signature of a function in the text. Raises NoInputs, or SyntaxError for the text."""
    module = ast.parse(text)
    found = [(n, kind) for name, n, kind in _definitions(module.body) if name == qualname]
    if not found:
        raise NoInputs("there is no such function in the file")
    function, kind = found[-1]
    decorators = {last_name(d) for d in function.decorator_list}
    receiver = kind == "class" and "staticmethod" not in decorators
    if receiver and "classmethod" not in decorators:
        raise NoInputs("it is a method, and nothing tells how to make its receiver")
    functions = {name: node for name, node, kind in _definitions(module.body) if kind == "module"}
    return _read(function, Hints(module), Uses(functions), receiver)


def _arguments(function: _Function, receiver: bool) -> list[tuple[ast.arg, bool, bool, bool]]:
    """(argument, by keyword, starred, has a default), without the class of a classmethod."""
    a = function.args
    plain = [*a.posonlyargs, *a.args]
    without = len(plain) - len(a.defaults)
    found = [(arg, False, False, i >= without) for i, arg in enumerate(plain)]
    found = found[1:] if receiver else found
    if a.vararg:
        found.append((a.vararg, False, True, True))
    for arg, given in zip(a.kwonlyargs, a.kw_defaults, strict=True):
        found.append((arg, True, False, given is not None))
    return found


def _defaults(function: _Function) -> dict[str, ast.expr]:
    a = function.args
    plain = [*a.posonlyargs, *a.args]
    known = dict(zip([p.arg for p in plain[len(plain) - len(a.defaults) :]], a.defaults,
                     strict=True))  # fmt: skip
    known.update({p.arg: d for p, d in zip(a.kwonlyargs, a.kw_defaults, strict=True) if d})
    return known


def _read(function: _Function, hints: Hints, uses: Uses, receiver: bool) -> Signature:
    hints.type_parameters(function)
    arguments = _arguments(function, receiver)
    slots = {arg.arg: uses.new(*(["list"] if star else [])) for arg, _, star, _ in arguments}
    defaults = _defaults(function)
    for name, default in defaults.items():
        if name in slots:
            _learn_default(slots[name], default)
    uses.walk(function, slots)
    settle(uses.slots)
    held = {i for slot in slots.values() for i in held_by(slot)}
    parameters = []
    leave_out = False
    for arg, keyword, star, optional in arguments:
        if leave_out and not keyword:
            continue
        slot = slots[arg.arg].root()
        if id(slot) in held and not slot.votes and not slot.blocked:
            slot.vote("int")  # it is compared with what a container holds, and that is unknown too
        shape, why = _shape(arg, star, hints, slot, defaults.get(arg.arg))
        if why is None:
            parameters.append(Parameter(arg.arg, shape, keyword, star, optional))
        elif optional:
            leave_out = leave_out or not keyword
        else:
            raise NoInputs(f"parameter {arg.arg!r}: {why}")
    parameters = [_sorted_by_name(p, function.name) for p in parameters]
    return _related(tuple(parameters), slots, uses)


def _learn_default(slot: Slot, default: ast.expr) -> None:
    """The default's type is the parameter's."""
    try:
        value = ast.literal_eval(default)
    except (ValueError, TypeError):
        return
    if value is None:
        return
    kinds = {bool: "bool", int: "int", float: "float", str: "str", bytes: "bytes", list: "list",
             tuple: "tuple", dict: "dict", set: "set"}  # fmt: skip
    slot.vote(kinds.get(type(value), "any"))
    if isinstance(value, int | float | str | bytes) and not isinstance(value, bool):
        slot.constants.append(value)


def _shape(
    arg: ast.arg, star: bool, hints: Hints, slot: Slot, default: ast.expr | None
) -> tuple[Shape, str | None]:
    """A parameter's shape, or why there is none."""
    try:
        hint = hints.shape(arg.annotation)
    except CantMake as error:
        return ANY, f"{error} can't be made without the code that defines it"
    if star:
        hint = Shape("tuple", (hint,))
    shape = merge(hint, slot)
    if not shape.known:
        root = slot.root()
        inner = next((s.root().blocked for s in (root.each, root.value) if s), None)
        why = root.blocked or (f"of what it holds, {inner}" if inner else None)
        return ANY, f"{why or 'nothing tells what it holds'}; it has no type hint that tells more"
    if isinstance(default, ast.Constant) and default.value is None and arg.annotation is None:
        shape = union((shape, Shape("none")))
    return shape, None


def _sorted_by_name(parameter: Parameter, function: str) -> Parameter:
    """A name that says sorted is believed."""
    by_name = _SORTED_NAME.search(parameter.name) or re.search(
        r"bisect|binary_search|merge_sorted|(?:_in|from|of)_sorted", function, re.I
    )
    if by_name and parameter.shape.kind in SEQUENCES:
        return Parameter(
            parameter.name, parameter.shape.with_(ordered=True), parameter.keyword,
            parameter.star, parameter.default,
        )  # fmt: skip
    return parameter


def _growth(uses: Uses) -> Growth:
    if uses.explodes or (uses.self_calls > 1 and not uses.splits):
        return "exponential"
    if uses.self_calls and not uses.splits:
        return "recursive"
    loops = uses.loops
    return "cube" if loops > 2 else "square" if loops == 2 else "linear"


def _related(parameters: tuple[Parameter, ...], slots: dict[str, Slot], uses: Uses) -> Signature:
    """What the uses tell of pairs of parameters."""
    roots = {name: slot.root() for name, slot in slots.items()}
    containers = [p for p in parameters if p.shape.sized]
    ints = [p for p in parameters if p.shape.kind == "int"]
    scalars = [
        p for p in parameters if not p.shape.sized and p.shape.kind not in ("bool", "literal")
    ]
    index_of = []
    for p in ints:
        for c in containers:
            key = roots[c.name].key
            key_root = key.root() if key else None
            below = key_root.below.root() if key_root and key_root.below else None
            linked = roots[p.name] in (key_root, below) and c.shape.kind != "dict"
            if linked or (_COUNT_NAME.match(p.name) and c.shape.kind in (*SEQUENCES, "str")):
                index_of.append((p.name, c.name))
                break
    members = []
    for p in scalars:
        for c in containers:
            root = roots[c.name]
            held = [s.root() for s in (root.each, root.key, root.value) if s is not None]
            if roots[p.name] in held and (p.name, c.name) not in index_of:
                members.append((p.name, c.name))
    equal = [
        frozenset(p.name for p in containers if roots[p.name] in [s.root() for s in pair])
        for pair in uses.pairs
    ]
    equal += _sharing_an_index(containers, roots)
    indexes = []
    for p in containers:
        for c in containers:
            key = roots[c.name].key
            if key is not None and id(key.root()) in held_by(roots[p.name], keys=False):
                indexes.append((p.name, c.name))
    return Signature(
        parameters, tuple(index_of), tuple(members),
        tuple(names for names in equal if len(names) > 1), tuple(indexes),
        _growth(uses), uses.halves,
    )  # fmt: skip


def _sharing_an_index(containers: list[Parameter], roots: dict[str, Slot]) -> list[frozenset[str]]:
    """Sequences that are subscripted with one and the same variable."""
    by_key: dict[int, set[str]] = {}
    for parameter in containers:
        key = roots[parameter.name].key
        if key is not None and parameter.shape.kind in SEQUENCES:
            by_key.setdefault(id(key.root()), set()).add(parameter.name)
    return [frozenset(names) for names in by_key.values()]
