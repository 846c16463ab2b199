"""Inputs from the literals that a function compares with (source "branches").

A branch on `x == 12345` or `len(text) == 7` is met by no change of a given call but by chance. The
literals stand in the text, so they are put where a value of their type is: as an argument, as an
item, as a length; numbers with their neighbours, since `<` and `<=` differ there only.
"""

from __future__ import annotations

import ast
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from benchmark_runner.inputs.correlations import Place, find_ties
from benchmark_runner.inputs.mutation import Seed, by_text
from benchmark_runner.worker import harness
from benchmark_runner.worker.observations import Extra

Literal = int | float | str | bytes
_MOST_LENGTH = 2_000
_MOST_LITERALS = 24
_DULL: frozenset[object] = frozenset({0, 1, -1, 2, "", b""})
_BOUNDING = frozenset({"min", "max", "range", "islice", "head", "nlargest", "nsmallest"})
_TEXT_METHODS = frozenset(
    {"startswith", "endswith", "find", "index", "count", "split", "replace", "partition", "get",
     "removeprefix", "removesuffix", "rsplit", "strip", "lstrip", "rstrip"}
)  # fmt: skip


@dataclass(frozen=True)
class Literals:
    """What a function compares values with, and what it compares lengths with."""

    values: tuple[Literal, ...]
    lengths: tuple[int, ...]

    def without(self, other: Literals) -> Literals:
        """Those that the other function does not have, but for the dullest numbers."""
        known = {(type(x), x) for x in other.values} | {(type(x), x) for x in _DULL}
        return Literals(
            tuple(x for x in self.values if (type(x), x) not in known),
            tuple(x for x in self.lengths if x not in other.lengths and x > 2),
        )

    def __bool__(self) -> bool:
        return bool(self.values or self.lengths)


def literals_of(text: str, qualname: str) -> Literals:
    """The literals in the comparisons of a function, and of what it calls in its file.

    Empty where the text has no such function or does not parse. Names of module constants count as
    their values.
    """
    try:
        module = ast.parse(text)
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        return Literals((), ())
    functions = dict(_functions(module.body))
    first = functions.get(qualname.split(".<locals>", 1)[0])
    if first is None:
        return Literals((), ())
    reader = _Reader(_constants(module))
    todo, done = [first], {id(first)}
    while todo:
        node = todo.pop()
        with suppress(RecursionError):  # a sum of a thousand terms; what was read so far counts
            reader.visit(node)
        called = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        called |= {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
        for name, inner in functions.items():
            if name.rpartition(".")[2] in called and id(inner) not in done and len(done) < 8:
                done.add(id(inner))
                todo.append(inner)
    return Literals(
        tuple(value for _, value in reader.found)[:_MOST_LITERALS],
        tuple(reader.lengths)[: _MOST_LITERALS // 2],
    )


def _functions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{prefix}{node.name}.")
        else:
            for name in ("body", "orelse", "finalbody"):
                yield from _functions(getattr(node, name, []), prefix)


def _constants(module: ast.Module) -> dict[str, object]:
    """Module names that are set to literals, containers of them too."""
    found: dict[str, object] = {}
    for node in module.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            targets = [node.target]
        if targets and isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            try:
                value = ast.literal_eval(node.value)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                continue
            found.update({t.id: value for t in targets if isinstance(t, ast.Name)})
    return found


class _Reader(ast.NodeVisitor):
    def __init__(self, constants: Mapping[str, object]) -> None:
        self.constants = constants
        self.found: dict[tuple[type, Literal], None] = {}
        self.lengths: dict[int, None] = {}

    def add(self, value: object) -> None:
        """A literal, or those in a container of literals."""
        if isinstance(value, list | tuple | set | frozenset | dict):
            for item in list(value)[:8]:
                self.add(item)
        elif isinstance(value, int | float | str | bytes) and not isinstance(value, bool):
            self.found.setdefault((type(value), value))

    def literal(self, node: ast.expr) -> object:
        """The value of an expression that the text alone tells, else None."""
        if isinstance(node, ast.Name):
            return self.constants.get(node.id)
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return self.folded(node)

    def folded(self, node: ast.expr) -> object:
        """Whole numbers written as a sum, product or power of literals."""
        if not isinstance(node, ast.BinOp):
            return None
        left, right = self.literal(node.left), self.literal(node.right)
        if type(left) is not int or type(right) is not int:
            return None
        if isinstance(node.op, ast.Pow | ast.LShift) and 0 <= right <= 128 and abs(left) < 1 << 64:
            return left**right if isinstance(node.op, ast.Pow) else left << right
        if isinstance(node.op, ast.Mult):
            return left * right
        return {ast.Add: left + right, ast.Sub: left - right}.get(type(node.op))

    def visit_Compare(self, node: ast.Compare) -> None:
        """`x == 12345`, `len(x) == 7`, `x % 97 == 3`, `mode in ("a", "b")`."""
        sides = [node.left, *node.comparators]
        for side in sides:
            value = self.literal(side)
            if value is None:
                continue
            if any(_is_len(other) for other in sides) and type(value) is int:
                self.lengths.setdefault(value)
            else:
                self.add(value)
                self.remainders(value, sides)
        self.generic_visit(node)

    def remainders(self, value: object, sides: Sequence[ast.expr]) -> None:
        """`x % 97 == 3` is met by 100."""
        for side in sides:
            if isinstance(side, ast.BinOp) and isinstance(side.op, ast.Mod):
                by = self.literal(side.right)
                if type(by) is int and type(value) is int:
                    self.add(by + value)
                    self.add(by)

    def visit_Call(self, node: ast.Call) -> None:
        """`text.startswith("ab")` and its like."""
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in _TEXT_METHODS:
            for argument in node.args:
                self.add(self.literal(argument))
        name = function.attr if isinstance(function, ast.Attribute) else None
        if (function.id if isinstance(function, ast.Name) else name) in _BOUNDING:
            for argument in node.args:
                self.bound(argument)
        self.generic_visit(node)

    def bound(self, node: ast.expr | None) -> None:
        """A whole number at which something ends, be it a value or a length."""
        value = self.literal(node) if node is not None else None
        if type(value) is int and abs(value) > 2:
            self.add(value)
            self.lengths.setdefault(abs(value))

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """`row["key"]`: which keys are looked for; `items[:500]`: which lengths are cut."""
        if isinstance(node.slice, ast.Slice):
            self.bound(node.slice.lower)
            self.bound(node.slice.upper)
        value = self.literal(node.slice) if isinstance(node.slice, ast.Constant) else None
        if isinstance(value, str):
            self.add(value)
        self.generic_visit(node)

    def visit_MatchValue(self, node: ast.MatchValue) -> None:
        """`case 404:`."""
        self.add(self.literal(node.value))


def _is_len(node: ast.expr) -> bool:
    function = node.func if isinstance(node, ast.Call) else None
    return isinstance(function, ast.Name) and function.id == "len"


def largest_number(text: str) -> int:
    """The largest whole number in a text by its size, sums and powers of literals included."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        return 0
    reader, found = _Reader({}), 0
    for node in nodes:
        if isinstance(node, ast.Constant | ast.BinOp):
            with suppress(RecursionError):
                value = reader.literal(node)
                found = max(found, abs(value) if type(value) is int else 0)
    return found


def raised_names(text: str) -> frozenset[str]:
    """Names of the exceptions that the file raises by name: they are part of what it promises."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        return frozenset()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(raised, ast.Name | ast.Attribute):
                found.add(raised.id if isinstance(raised, ast.Name) else raised.attr)
    return frozenset(found)


def branching(
    seeds: Sequence[Seed], literals: Literals, *, number: int = 0, count: int = 60
) -> list[Extra]:
    """Up to `count` given calls with literals put in, the same ones for the same arguments."""
    rng = random.Random(f"branches:{number}")
    ties = find_ties([seed.values for seed in seeds])
    found: dict[tuple[bytes, int | None], Extra] = {}
    for values, seed in _filled(seeds, literals):
        for place, value in values:
            changed = ties.mended({**seed.values, place: value}, place, rng)
            for made in ({**seed.values, place: value}, changed):
                try:
                    extra = seed.changed(made, "branches")
                except (TypeError, ValueError, RuntimeError, harness.TooLarge):
                    continue
                found.setdefault((extra.value, extra.seed), extra)
        if len(found) >= count:
            break
    return list(found.values())[:count]


def _filled(
    seeds: Sequence[Seed], literals: Literals
) -> Iterator[tuple[list[tuple[Place, Any]], Seed]]:
    """For one seed after another, and each literal: the arguments that it can stand in."""
    some = list(seeds[:1]) + list(seeds[len(seeds) // 2 :][:1])
    for seed in some:
        for value in literals.values:
            yield (
                [
                    (place, made)
                    for place, old in seed.values.items()
                    for made in _with_literal(old, value)
                ],
                seed,
            )
        for length in literals.lengths:
            if 0 <= length <= _MOST_LENGTH:
                yield (
                    [
                        (place, made)
                        for place, old in seed.values.items()
                        for made in _with_lengths(old, length)
                    ],
                    seed,
                )


def _with_literal(old: Any, value: Literal, depth: int = 0) -> Iterator[Any]:
    """The value with a literal in place of what has its type."""
    kind = type(old)
    if kind is bool or depth > 3:
        return
    if kind is int and type(value) is int:
        yield from (value, value + 1, value - 1, -value)
    elif kind in (int, float) and type(value) in (int, float):
        yield from _numbers(kind, value)
    elif kind is type(value) and isinstance(value, str | bytes):
        half = len(old) // 2
        yield from (value, value + old, old + value, old[:half] + value + old[half:])
    elif kind in (list, tuple) and old:
        for made in _with_literal(old[0], value, depth + 1):
            yield kind([made, *old[1:]])
        last = next(_with_literal(old[-1], value, depth + 1), None)
        if last is not None:
            yield kind([*old[:-1], last])
    elif kind in (set, frozenset) and old:
        first = min(old, key=by_text)
        yield from (kind([*old, made]) for made in _with_literal(first, value, depth + 1))
    elif kind is dict and old:
        key, item = next(iter(old.items()))
        for made in _with_literal(item, value, depth + 1):
            yield {**old, key: made}
        if type(key) is type(value):
            yield {**old, value: item}


def _numbers(kind: type, value: Any) -> Iterator[int | float]:
    if kind is float:
        if abs(value) > sys.float_info.max:
            return
        yield from (float(value), float(value) + 0.25, float(value) - 0.25)
    else:
        yield from (int(value), int(value) + 1) if abs(value) < 1e18 else ()


def _with_lengths(old: Any, length: int) -> Iterator[Any]:
    """The container or text at this length, and one more and less."""
    if type(old) not in (list, tuple, str, bytes) or not len(old):
        return
    for size in (length, length + 1, length - 1):
        if size >= 0:
            yield (old * (size // len(old) + 1))[:size]
