"""Values of a shape at a wanted size; everything that one call takes is drawn from one pool.

What a call compares must sometimes be equal: so ints, words and floats of one call are drawn from
one range of numbers that is not much larger than the size, and a target is found about half of the
time.
"""

from __future__ import annotations

import datetime
import random
from collections import deque
from decimal import Decimal
from fractions import Fraction
from typing import Any

from benchmark_runner.inputs.shapes import COLLECTIONS, SETS, Constant, Shape
from benchmark_runner.inputs.signature import Signature

_LETTERS = "abcde"
_UNIVERSES = (0.3, 1.0, 2.0, 10.0)
_EPOCH = datetime.datetime(2020, 1, 1)

Call = tuple[tuple[Any, ...], dict[str, Any]]


def word(number: int) -> str:
    """A short word for a number; different numbers have different words."""
    letters = []
    number = abs(number)
    while True:
        number, at = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[at])
        if not number:
            return "".join(letters)


class Maker:
    """Makes the arguments of one call of size `size`."""

    def __init__(self, rng: random.Random, size: int, matrix: bool = False) -> None:
        self.rng = rng
        self.size = size
        self.universe = max(2, int(size * rng.choice(_UNIVERSES)) + 2)
        self.negative = rng.random() < 0.25
        self.ragged = rng.random() < (0.1 if matrix else 0.3)
        self.square = rng.random() < (0.85 if matrix else 0.5)

    def value(self, shape: Shape, size: int, top: bool = False) -> Any:
        """A value of the shape; `size` is how many items its outermost container holds."""
        kind = shape.kind
        if kind == "union":
            return self._member(shape, size, top)
        if kind == "literal":
            return self.rng.choice(shape.values)
        if kind in COLLECTIONS:
            return self._collection(shape, size)
        if kind == "record":
            return tuple(self.value(item, self._inner(size)) for item in shape.items)
        if kind == "fields":
            pairs = zip(shape.keys, shape.items, strict=True)
            return {key: self.value(item, self._inner(size)) for key, item in pairs}
        if kind in ("str", "bytes") and top:
            text = self._text(shape, size)
            return text if kind == "str" else text.encode()
        return self.scalar(shape, top)

    def _member(self, shape: Shape, size: int, top: bool) -> Any:
        """None and the like are rare at size: they make short calls."""
        members = shape.items
        rich = [m for m in members if m.kind != "none"]
        if rich and (size > 5 or self.rng.random() < 0.7):
            members = tuple(rich)
        return self.value(self.rng.choice(members), size, top)

    def _inner(self, size: int) -> int:
        return min(size, 4)

    # scalars

    def scalar(self, shape: Shape, top: bool = False) -> Any:
        """One value out of the call's pool, now and then a constant of the code."""
        rng = self.rng
        if shape.values and rng.random() < (0.5 if shape.kind == "str" else 0.15):
            return self._constant(shape)
        number = rng.randrange(self.universe)
        if top and shape.kind == "int":
            number = self._whole(shape)
        elif self.negative and not shape.natural and rng.random() < 0.5:
            number = -number
        return self._of_number(shape, number)

    def _constant(self, shape: Shape) -> Constant | float:
        value = self.rng.choice(shape.values)
        return float(value) if shape.kind == "float" and value is not None else value

    def _whole(self, shape: Shape) -> int:
        """An int that stands alone: its magnitude is the size."""
        low = 0 if shape.natural or not self.negative else -self.size
        return self.rng.choice((self.size, self.rng.randint(low, max(1, self.size))))

    def _of_number(self, shape: Shape, number: int) -> Any:
        rng = self.rng
        kind = shape.kind
        if kind == "str":
            return str(number) if shape.digits else word(number)
        if kind == "float":
            return number / 4 if rng.random() < 0.5 else round(rng.uniform(-1, 1) * number, 3)
        if kind == "bool":
            return rng.random() < 0.5
        if kind == "datetime":
            return _EPOCH + datetime.timedelta(hours=number)
        makers: dict[str, Any] = {
            "int": lambda: number,
            "none": lambda: None,
            "complex": lambda: complex(number, rng.randrange(self.universe)),
            "bytes": lambda: word(number).encode(),
            "decimal": lambda: Decimal(number) / 4,
            "fraction": lambda: Fraction(number, 1 + rng.randrange(6)),
            "date": lambda: _EPOCH.date() + datetime.timedelta(days=number % 20_000),
            "timedelta": lambda: datetime.timedelta(minutes=number),
        }
        return makers[kind]()

    def _text(self, shape: Shape, size: int) -> str:
        """About `size` characters: words, separators that the code names, some line ends."""
        rng = self.rng
        if shape.digits:
            return "".join(rng.choice("0123456789") for _ in range(max(1, size)))
        named = [str(c) for c in shape.values if c]
        style = rng.random()
        if style < 0.25 and not named:
            return "".join(rng.choice(_LETTERS) for _ in range(size))
        gap = named if named and style < 0.8 else [" ", " ", " ", ", ", ". ", "\n"]
        parts: list[str] = []
        length = 0
        while length < size:
            token = word(rng.randrange(self.universe))
            token = token.capitalize() if rng.random() < 0.1 else token
            token = str(rng.randrange(100)) if rng.random() < 0.1 else token
            parts += (token, rng.choice(gap))
            length += len(token) + 1
        return "".join(parts)[:size] if style < 0.9 else "".join(parts[:-1])

    # containers

    def _collection(self, shape: Shape, size: int) -> Any:
        kind = shape.kind
        if kind == "dict":
            return self._dict(shape, size)
        element = shape.items[0]
        if kind in SETS:
            universe, self.universe = self.universe, max(self.universe, 2 * size + 2)
            made = {self.value(element, self._inner(size)) for _ in range(size)}
            self.universe = universe
            return made if kind == "set" else frozenset(made)
        items = self._items(element, size)
        if shape.ordered:
            items = self.sorted(items)
        return {"list": list, "tuple": tuple, "deque": deque}[kind](items)

    @staticmethod
    def sorted(items: list[Any]) -> list[Any]:
        """The items in order, or as they are where they have none."""
        try:
            return sorted(items)
        except TypeError:
            return items

    def _items(self, element: Shape, size: int) -> list[Any]:
        if element.kind in ("list", "tuple") and size > 0 and not self.ragged:
            side = max(1, int(size**0.5))
            rows = side if self.square or size < 4 else max(1, side // 2)
            columns = side if self.square else max(1, size // rows)
            return [self.value(element, columns) for _ in range(rows)]
        return [self.value(element, self.rng.randint(0, 4)) for _ in range(size)]

    def _dict(self, shape: Shape, size: int) -> dict[Any, Any]:
        key, value = shape.items
        keys: dict[Any, None] = {}
        universe, self.universe = self.universe, max(self.universe, size + 1)
        for number in self.rng.sample(range(self.universe), min(size, self.universe)):
            made = self._of_number(key, number) if not key.items else self.value(key, 2)
            keys[made] = None
        self.universe = universe
        return {k: self.value(value, self.rng.randint(0, 4)) for k in keys}


def make_call(signature: Signature, rng: random.Random, size: int) -> Call:
    """Arguments for one call, with what belongs together made to fit."""
    maker = Maker(rng, size, signature.growth == "cube")
    values: dict[str, Any] = {}
    equal = rng.random() < 0.85
    for parameter in signature.parameters:
        other = size if equal or size < 2 else rng.randint(0, size)
        values[parameter.name] = maker.value(parameter.shape, other if values else size, top=True)
    _tie(signature, values, maker)
    return _arguments(signature, values, rng)


def _tie(signature: Signature, values: dict[str, Any], maker: Maker) -> None:
    rng = maker.rng
    shapes = {p.name: p.shape for p in signature.parameters}
    for names in signature.equal:
        _same_length([n for n in names if n in values], values)
    for inner, outer in signature.indexes:
        values[inner] = _point_into(values[inner], values[outer], inner == outer, maker)
    if signature.halves and rng.random() < 0.7:
        for name, shape in shapes.items():
            if shape.kind == "list":
                values[name] = Maker.sorted(values[name])
    for name, container in signature.index_of:
        length = len(values[container]) if hasattr(values[container], "__len__") else maker.size
        within = rng.randrange(length) if length and rng.random() < 0.8 else length
        values[name] = within if rng.random() < 0.95 else length + 1
    for name, container in signature.members:
        held = list(values[container]) if hasattr(values[container], "__iter__") else []
        if held and rng.random() < 0.5 and shapes[name].kind in _kinds_in(shapes[container]):
            values[name] = rng.choice(held)
    _tie_loose_ints(signature, values, rng)


def _kinds_in(shape: Shape) -> set[str]:
    members = shape.items if shape.kind == "union" else (shape,)
    return {m.items[0].kind if m.items else m.kind for m in members}


def _same_length(names: list[str], values: dict[str, Any]) -> None:
    if len(names) < 2 or not all(isinstance(values[n], list | tuple | str) for n in names):
        return
    shortest = min(len(values[n]) for n in names)
    for name in names:
        values[name] = values[name][:shortest]


def _tie_loose_ints(signature: Signature, values: dict[str, Any], rng: random.Random) -> None:
    """An int beside a sequence is often a count below its length: half of the time it is here."""
    tied = {name for name, _ in (*signature.index_of, *signature.members)}
    lengths = [len(values[p.name]) for p in signature.parameters if p.shape.sized
               and hasattr(values[p.name], "__len__")]  # fmt: skip
    for parameter in signature.parameters:
        loose = parameter.shape.kind == "int" and parameter.name not in tied
        if loose and lengths and rng.random() < 0.6:
            values[parameter.name] = rng.randint(0, max(lengths[0], 1))


def _point_into(value: Any, container: Any, is_graph: bool, maker: Maker) -> Any:
    """`value` with its scalars replaced by keys or indexes of the container, if that is one."""
    if not hasattr(container, "__len__"):
        return value  # an Optional one is None now and then
    keys = list(container) if isinstance(container, dict) else list(range(len(container)))
    if not keys:
        return value

    def pointed(inner: Any) -> Any:
        if isinstance(inner, list | tuple | set | frozenset | deque):
            return type(inner)(pointed(item) for item in inner)
        if isinstance(inner, dict):
            return {key: pointed(item) for key, item in inner.items()}
        if isinstance(inner, bool | None) or type(inner) is not type(keys[0]):
            return inner
        return maker.rng.choice(keys)

    if is_graph and isinstance(value, dict):
        return {key: pointed(item) for key, item in value.items()}
    return pointed(value)


def _arguments(signature: Signature, values: dict[str, Any], rng: random.Random) -> Call:
    """Values by position and by keyword; defaults are used in a third of the calls."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    short = rng.random() < 0.33
    plain = [p for p in signature.parameters if not p.keyword and not p.star]
    given = len(plain)
    while short and given and plain[given - 1].default and rng.random() < 0.8:
        given -= 1
    args += [values[parameter.name] for parameter in plain[:given]]
    for parameter in signature.parameters:
        if parameter.star and given == len(plain):
            args += values[parameter.name]
        elif parameter.keyword and not (parameter.default and short):
            kwargs[parameter.name] = values[parameter.name]
    return tuple(args), kwargs
