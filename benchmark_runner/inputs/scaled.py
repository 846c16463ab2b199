"""A call grown to a multiple of its size, what belongs together kept together.

The growth check asks for an input at n, 2n and 4n. Repeating a list would change what it is: a list
of distinct ids gets duplicates, a sorted one is not sorted any more, an index points elsewhere. So
a grown container is made of copies of the given one, each copy's ids moved into a range of its own
by the same step wherever these ids occur in the call; values that repeat anyway are repeated.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmark_runner.worker import harness

_MOST_BYTES = 64 << 20
_DISTINCT = 0.5
"""Share of distinct values above which a container's values are taken for ids."""
_SEQUENCES = (list, tuple, deque)
_SETS = (set, frozenset)
_TEXTS = (str, bytes, bytearray)
Leaf = int | float | str


def scaled(call: bytes, factor: int) -> bytes | None:
    """Canonical (args, kwargs) whose containers hold `factor` times as much, or None.

    Kept: the lengths that are equal, an int that is a container's length or last index, indexes in
    range, members of other containers, order, distinctness, rectangles (a square of numbers stays
    one). A call without containers has its ints multiplied, which for some functions is a far
    longer call than `factor` times. None where nothing in the call can grow, or where it is not of
    builtin values. Raises ValueError for a factor below 1.
    """
    if factor < 1:
        raise ValueError(f"factor {factor} is below 1")
    try:
        args, kwargs = harness.decode_plain(call)
    except (ValueError, TypeError):
        return None
    if len(call) * factor > _MOST_BYTES:
        return None
    given: dict[int | str, Any] = {**dict(enumerate(args)), **kwargs}
    grown = Growing(given, factor).grown()
    if grown is None:
        return None
    try:
        return harness.encode(
            (tuple(grown[i] for i in range(len(args))), {name: grown[name] for name in kwargs})
        )
    except (TypeError, ValueError, RuntimeError, harness.TooLarge):
        return None


@dataclass
class Group:
    """All values at one place of containers: the elements of a list, the keys of a dict ...

    `step` is what a copy's values are moved by; 0 where they are repeated as they are.
    """

    path: str
    values: list[Leaf] = field(default_factory=list)
    step: int = 0

    @property
    def ids(self) -> bool:
        """Whether its values are ids: distinct by what holds them, or mostly so."""
        return len(set(self.values)) > max(1, _DISTINCT * len(self.values))

    @property
    def numbers(self) -> list[int]:
        """Its whole numbers, those in digits too; none where other values are among them."""
        found = [int(x) if isinstance(x, str) and _digits(x) else x for x in self.values]
        whole = [x for x in found if isinstance(x, int)]
        return whole if len(whole) == len(found) else []


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19 and str(int(text)) == text


class Growing:
    """One call that grows."""

    def __init__(self, given: dict[int | str, Any], factor: int) -> None:
        self.given, self.factor = given, factor
        self.groups: dict[str, Group] = {}
        self.lengths: dict[str, int] = {}
        for name, value in given.items():
            self._collect(str(name), value)
        self.scalars = {n: x for n, x in given.items() if type(x) is int}
        self.universe: dict[int | str, int] = {}
        self._choose_steps()

    def grown(self) -> dict[int | str, Any] | None:
        """The arguments at `factor` times the size; None where nothing grows."""
        made = {name: self._value(str(name), value) for name, value in self.given.items()}
        sized = any(_length(value) for value in self.given.values())
        for name, x in self.scalars.items():
            made[name] = self._scalar(name, x, made) if sized else self._alone(x)
        same = all(made[n] is self.given[n] or made[n] == self.given[n] for n in made)
        return None if same and self.factor > 1 else made

    # what is there

    def _collect(self, path: str, value: Any) -> None:
        kind = type(value)
        if kind in (int, float, str):
            self.groups.setdefault(path, Group(path)).values.append(value)
            return
        self.lengths[path] = max(self.lengths.get(path, 0), _length(value))
        if kind in (list, deque):
            for item in value:
                self._collect(f"{path}[]", item)
        elif kind is tuple:
            wide = len(value) > 4  # longer ones are rather a sequence than a record
            for place, item in enumerate(value):
                self._collect(f"{path}[]" if wide else f"{path}({place})", item)
        elif kind in _SETS:
            for item in value:
                self._collect(f"{path}{{}}", item)
        elif kind in (dict, OrderedDict):
            for key, item in value.items():
                self._collect(f"{path}{{k}}", key)
                self._collect(f"{path}{{v}}", item)

    def _choose_steps(self) -> None:
        """Ids move by the length of what they index, else all by one step beyond their span."""
        inner = {p: g for p, g in self.groups.items() if not p.isidentifier() and not p.isdigit()}
        moving = {p: g for p, g in inner.items() if g.ids and _movable(g)}
        known = {x for g in moving.values() for x in g.values}
        for path, group in inner.items():  # what refers to ids moves with them
            held = set(group.values)
            if path not in moving and _movable(group) and len(held & known) * 2 > len(held) > 1:
                moving[path] = group
        whole = [x for g in moving.values() for x in g.numbers]
        finite = [x for x in known if isinstance(x, float) and abs(x) < 1e300]
        both = [*whole, *finite]
        step = math.ceil(max(both) - min(both)) + 1 if both else 1
        for group in moving.values():
            group.step = step
        index = self._indexed(whole)
        for path, group in inner.items():
            numbers = group.numbers
            if index and numbers and min(numbers) >= 0 and max(numbers) < index:
                group.step = index if path in moving or self._points(path, index) else group.step

    def _indexed(self, whole: list[int]) -> int:
        """How many there are of what the ids are indexes of: a container, or a scalar's count."""
        if not whole or min(whole) < 0:
            return 0
        for name, x in self.scalars.items():
            if max(whole) < x <= 2 * max(whole) + 2 and x not in self.lengths.values():
                self.universe[name] = x
                return x
        fitting = [n for p, n in self.lengths.items() if _outer(p) and max(whole) < n]
        near = [n for n in fitting if n <= 2 * max(whole) + 2]
        return min(near, default=0)

    def _points(self, path: str, index: int) -> bool:
        """Whether what lies inside an item of the container points at its other items."""
        return self.lengths.get(path.partition("[")[0], 0) == index and "[][]" in path

    # copies

    def _value(self, path: str, value: Any) -> Any:
        """An argument, grown if it is a container or a text."""
        kind, factor = type(value), self.factor
        if kind in _TEXTS:
            return value if self._is_part(value) else _longer(value, factor)
        if _is_square(value):
            return self._square(value)
        if kind is dict and len({type(x) for x in value.values()}) > 1:
            return value  # fields of one thing
        if not _length(value) or (kind is tuple and len(value) <= 4):
            return self._record(path, value) if kind is tuple else value
        copies = [self._moved(path, value, number) for number in range(factor)]
        if kind in _SEQUENCES:
            order = _order(value)
            items = [x for copy in (copies[::-1] if order < 0 else copies) for x in copy]
            if order and _order(items) != order:
                items.sort(reverse=order < 0)
            return kind(items) if kind is not deque else deque(items, value.maxlen)
        if kind in _SETS:
            return kind().union(*copies)
        merged = kind()
        for copy in copies:
            merged.update(copy)
        return merged

    def _is_part(self, text: Any) -> bool:
        """Whether a text is an item or a part of something else in the call, like a separator."""
        others = [x for x in self.given.values() if x is not text]
        held = any(text in g.values for p, g in self.groups.items() if not _outer(p))
        longest = max(map(_length, others), default=0)
        return held or (len(text) < 4 and longest > 2 * len(text))

    def _record(self, path: str, value: tuple[Any, ...]) -> tuple[Any, ...]:
        """A short tuple keeps its length; what it holds grows."""
        return tuple(
            self._value(f"{path}({place})", item) if _length(item) else item
            for place, item in enumerate(value)
        )

    def _square(self, rows: Any) -> Any:
        """A square of values, its side grown so that it has `factor` times as many of them."""
        side = len(rows)
        wanted = max(side + (self.factor > 1), round(side * math.sqrt(self.factor)))
        made = [
            type(rows[0])(rows[y % side][x % side] for x in range(wanted)) for y in range(wanted)
        ]
        return type(rows)(made)

    def _moved(self, path: str, value: Any, number: int) -> Any:
        """The given value in copy `number`: its ids lie in a range of their own."""
        kind = type(value)
        if number == 0:
            return value
        if kind in (int, float, str):
            group = self.groups.get(path)
            return _by(value, group.step * number, number) if group and group.step else value
        if kind in (list, deque):
            return kind(self._moved(f"{path}[]", x, number) for x in value)
        if kind is tuple:
            wide = len(value) > 4
            return tuple(
                self._moved(f"{path}[]" if wide else f"{path}({place})", x, number)
                for place, x in enumerate(value)
            )
        if kind in _SETS:
            return kind(self._moved(f"{path}{{}}", x, number) for x in value)
        if kind in (dict, OrderedDict):
            pairs = value.items()
            return kind(
                (self._moved(f"{path}{{k}}", k, number), self._moved(f"{path}{{v}}", x, number))
                for k, x in pairs
            )
        return value

    # scalars

    def _scalar(self, name: int | str, x: int, made: dict[int | str, Any]) -> int:
        """An int beside containers: it follows the length that it is, or stays."""
        if name in self.universe:
            return x * self.factor
        for other, value in self.given.items():
            if x > 1 and x == _length(value):
                return _length(made[other])
        for other, value in self.given.items():
            if x > 1 and x == _length(value) - 1:
                return _length(made[other]) - 1
        return x

    def _alone(self, x: int) -> int:
        return x * self.factor if abs(x) > 1 else x


def _length(value: Any) -> int:
    """How many items a container or text has; 0 for all else."""
    kinds = (*_SEQUENCES, *_SETS, *_TEXTS, dict, OrderedDict)
    return len(value) if type(value) in kinds else 0


def _outer(path: str) -> bool:
    return path.isidentifier() or path.isdigit()


def _movable(group: Group) -> bool:
    kinds = {type(x) for x in group.values}
    return len(kinds) == 1 and not any(x != x for x in group.values)


def _by(value: Leaf, step: int, number: int) -> Leaf:
    """A value moved by so much; a word gets a mark of its copy."""
    if isinstance(value, str):
        return str(int(value) + step) if _digits(value) else f"{value}{_mark(number)}"
    return value + step


def _mark(number: int) -> str:
    """Lower-case letters that stand for a copy."""
    letters = ""
    while number:
        number, at = divmod(number, 26)
        letters += chr(ord("a") + at)
    return letters


def _order(items: Any) -> int:
    """1 for values in ascending order, -1 in descending, 0 in none; at least three different."""
    if len(items) < 3:
        return 0
    pairs = list(zip(items, list(items)[1:], strict=False))
    try:
        if items[0] == items[-1]:
            return 0
        up: Callable[[Any, Any], bool] = lambda a, b: a <= b  # noqa: E731
        if all(up(a, b) for a, b in pairs):
            return 1
        return -1 if all(up(b, a) for a, b in pairs) else 0
    except TypeError:
        return 0


def _is_square(value: Any) -> bool:
    """A list of at least two rows, as many as each has numbers."""
    if type(value) not in (list, tuple) or len(value) < 2:
        return False
    return all(
        type(row) in (list, tuple)
        and len(row) == len(value)
        and all(type(x) in (int, float, bool) for x in row)
        for row in value
    )


def _longer(text: Any, factor: int) -> Any:
    """A text repeated, its parts kept apart by what keeps them apart already."""
    gaps = ("\n", " ", ",") if isinstance(text, str) else (b"\n", b" ", b",")
    gap = next((g for g in gaps if g in text and not text.endswith(g)), text[:0])
    return type(text)(gap.join([text] * factor))
