"""Laws: which related points a function is asked at, and what must hold between its answers.

For an argument that is a number the laws are equations that were learned (see algebra.py). For one
that is a list of numbers they are linear and self-reducible relations that are tried one by one:
f(u + v) against f(u) and f(v), f(k*u) against f(u), and f of another order.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark_runner.relations.algebra import Equation, Number

_ROUNDING = 1e-7
Points = Callable[[Any, Any], "tuple[Any, ...]"]
"""The points for two draws x and r (numbers) or u and v (lists)."""


@dataclass(frozen=True)
class Law:
    """A relation between the answers at the points that `points` makes of two draws."""

    text: str
    points: Points
    holds: Callable[[Sequence[Any]], bool]


@dataclass(frozen=True)
class Family:
    """Related points of a number for which equations are learned.

    `floats` are of floats only, `signed` ones of numbers that may be negative.
    """

    names: tuple[str, ...]
    points: Points
    floats: bool = False
    signed: bool = False


FAMILIES = (
    Family(("f(x)", "f(r)", "f(x+r)", "f(x-r)"), lambda x, r: (x, r, x + r, x - r)),
    Family(("f(x)", "f(-x)"), lambda x, r: (x, -x), signed=True),
    Family(("f(x)", "f(r)", "f(x*r)"), lambda x, r: (x, r, x * r)),
    Family(
        ("f(x)", "f(1/x)"), lambda x, r: (x, 1 / x if x else 1.0), floats=True
    ),
)  # fmt: skip


def law_of(family: Family, equation: Equation) -> Law:
    """An equation that was learned, as a law."""
    return Law(str(equation), family.points, equation.holds)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _is_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_number, value))


def _same(a: Any, b: Any) -> bool:
    """Equal numbers or lists of them: exactly for ints, up to rounding where floats are added."""
    if _is_number(a) and _is_number(b):
        if type(a) is int and type(b) is int:
            return bool(a == b)
        try:
            return math.isclose(a, b, rel_tol=_ROUNDING, abs_tol=1e-300) or (a != a and b != b)
        except OverflowError:
            return False  # an int beyond all floats, and a float
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return False


def _sum(a: Any, b: Any) -> Any:
    """The sum of two answers, element by element for lists; None where there is none."""
    try:
        if _is_number(a) and _is_number(b):
            return a + b
        if _is_numbers(a) and _is_numbers(b) and len(a) == len(b):
            return [x + y for x, y in zip(a, b, strict=True)]
    except OverflowError:
        return math.nan  # an int beyond all floats, and a float
    return None


def _times(k: int, a: Any) -> Any:
    if _is_number(a):
        return k * a
    return [k * x for x in a] if _is_numbers(a) else None


def _elementwise(u: list[Number], v: list[Number]) -> list[Number]:
    """u + v as vectors, as far as both reach."""
    return [x + y for x, y in zip(u, v, strict=False)]


def _cut(u: list[Number], v: list[Number]) -> list[Number]:
    return u[: min(len(u), len(v))]


def _shuffled(u: list[Number]) -> list[Number]:
    moved = list(u)
    random.Random(len(u)).shuffle(moved)
    return moved


def _joined(y: Sequence[Any]) -> bool:
    whole, first, second = y
    lists = isinstance(first, list) and isinstance(second, list)
    return lists and _same(whole, first + second)


LIST_LAWS = (
    Law(
        "f(u + v) = f(u) + f(v) for vectors",
        lambda u, v: (_elementwise(u, v), _cut(u, v), _cut(v, u)),
        lambda y: _same(y[0], _sum(y[1], y[2])),
    ),
    Law("f(3*u) = 3*f(u)", lambda u, v: ([3 * x for x in u], u),
        lambda y: _same(y[0], _times(3, y[1]))),
    Law("f(u joined with v) = f(u) + f(v)", lambda u, v: (u + v, u, v),
        lambda y: _is_number(y[0]) and _same(y[0], _sum(y[1], y[2]))),
    Law("f(u joined with v) = f(u) joined with f(v)", lambda u, v: (u + v, u, v), _joined),
    Law("f(u joined with v) = max(f(u), f(v))", lambda u, v: (u + v, u, v),
        lambda y: all(map(_is_number, y)) and _same(y[0], max(y[1], y[2]))),
    Law("f(u joined with v) = min(f(u), f(v))", lambda u, v: (u + v, u, v),
        lambda y: all(map(_is_number, y)) and _same(y[0], min(y[1], y[2]))),
    Law("f(u reversed) = f(u)", lambda u, v: (u[::-1], u), lambda y: _same(y[0], y[1])),
    Law("f(u reversed) = f(u) reversed", lambda u, v: (u[::-1], u),
        lambda y: isinstance(y[1], list) and _same(y[0], y[1][::-1])),
    Law("f(u in another order) = f(u)", lambda u, v: (_shuffled(u), u),
        lambda y: _same(y[0], y[1])),
    Law("f(u plus 7) = f(u)", lambda u, v: ([x + 7 for x in u], u), lambda y: _same(y[0], y[1])),
    Law("f(u plus 7) = f(u) plus 7", lambda u, v: ([x + 7 for x in u], u),
        lambda y: _same(y[0], _sum(y[1], 7 if _is_number(y[1]) else [7] * len(y[1] or ())))),
)  # fmt: skip
