"""Simpler values of the same structure: what a failing input is shrunk by.

Values of builtin types only, as `harness.decode_plain` makes them. What belongs together stays
together: elements are removed at the same places of all sequences of one length (columns of a
table, two parallel lists), numbers that are such a length go with them, equal atoms are replaced
together, and an object that stands in two places is changed in both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

_MOST_ATOMS = 48
"""Different atoms that are made simpler one by one."""
_MOST_PLACES = 24
"""Places in one sequence at which elements are taken out one by one."""

Values = tuple[Any, ...]
Edit = Callable[[Any], Any]
_SAME = object()
"""What an edit gives for a value that it leaves as it is."""


def weight(values: Values) -> tuple[int, float]:
    """How complicated values are: their elements and characters, then the size of their atoms."""
    size, atoms = 0, 0.0
    stack: list[Any] = list(values)
    seen: set[int] = set()
    while stack:
        value = stack.pop()
        inside = _inside(value)
        if inside is None:
            atoms += _atom_weight(value)
            continue
        if id(value) in seen:
            continue
        seen.add(id(value))
        size += len(inside)
        if isinstance(value, str | bytes):
            atoms += sum(c not in "a" for c in value) if isinstance(value, str) else 0
        else:
            stack += inside
    return size, atoms


def simpler(values: Values) -> Iterator[Values]:
    """Values to try in place of these, the boldest first; each weighs less."""
    own = weight(values)
    for tried in _all(values):
        if weight(tried) < own:
            yield tried


def _all(values: Values) -> Iterator[Values]:
    containers = _containers(values)
    ordered = (list, tuple, str, bytes)
    yield from _shorter(values, [c for c in containers if isinstance(c, ordered)])
    yield from _fewer(values, [c for c in containers if not isinstance(c, ordered)])
    yield from _smaller(values)


def _inside(value: Any) -> Sequence[Any] | None:
    """The parts of a container or a text; None for an atom."""
    if isinstance(value, list | tuple | str | bytes):
        return value
    if isinstance(value, dict):
        return [part for pair in value.items() for part in pair]
    if isinstance(value, set | frozenset):
        return list(value)
    return None


def _containers(values: Values) -> list[Any]:
    """All containers and texts inside, outer ones first, each once."""
    found: list[Any] = []
    level: list[Any] = list(values)
    seen: set[int] = set()
    while level:
        inner: list[Any] = []
        for value in level:
            inside = _inside(value)
            if inside is None or id(value) in seen:
                continue
            seen.add(id(value))
            found.append(value)
            if not isinstance(value, str | bytes):
                inner += inside
        level = inner
    return found


def _rebuilt(values: Values, edit: Edit) -> Values:
    """The values with the edit applied everywhere; objects that were shared still are."""
    made: dict[int, Any] = {}

    def build(value: Any) -> Any:
        if id(value) in made:
            return made[id(value)]
        new = edit(value)
        if new is _SAME:
            new = value
        if isinstance(new, list):
            result: Any = []
            made[id(value)] = result
            result += [build(x) for x in new]
        elif isinstance(new, dict):
            result = {}
            made[id(value)] = result
            result.update((build(k), build(v)) for k, v in new.items())
        elif isinstance(new, tuple | set | frozenset):
            result = type(new)(build(x) for x in new)
        else:
            return new
        made[id(value)] = result
        return result

    return tuple(build(value) for value in values)


def _cut(length: int) -> Iterator[slice]:
    """What to take out of a sequence: all, halves, quarters ... single places."""
    size = length
    while size >= 1:
        for start in _starts(length, size):
            yield slice(start, start + size)
        size //= 2


def _starts(length: int, size: int) -> Sequence[int]:
    """Where the parts of this size begin; of many single places only some."""
    if size > 1 or length <= _MOST_PLACES:
        return range(0, length, size)
    return [int(length / _MOST_PLACES * place) for place in range(_MOST_PLACES)]


def _shorter(values: Values, sequences: list[Any]) -> Iterator[Values]:
    by_length: dict[int, list[Any]] = {}
    for one in sequences:
        if len(one):
            by_length.setdefault(len(one), []).append(one)
    for length in sorted(by_length, reverse=True):
        group = by_length[length]
        for cut in _cut(length):
            if len(group) > 1:
                yield from _without(values, group, length, cut)
            for one in group[:8]:
                yield from _without(values, [one], length, cut)


def _without(values: Values, group: list[Any], length: int, cut: slice) -> Iterator[Values]:
    """The values with a part of these sequences left out; first with numbers that count it."""
    chosen = {id(one) for one in group}
    left = length - len(range(length)[cut])

    def counted(value: Any) -> Any:
        if type(value) is int and value == length:
            return left
        return shortened(value)

    def shortened(value: Any) -> Any:
        if id(value) not in chosen or not isinstance(value, list | tuple | str | bytes):
            return _SAME
        rest: Any = value[cut.stop :]
        return value[: cut.start] + rest

    yield _rebuilt(values, counted)
    yield _rebuilt(values, shortened)


def _fewer(values: Values, containers: list[Any]) -> Iterator[Values]:
    for one in containers[:16]:
        entries = list(one.items()) if isinstance(one, dict) else sorted(one, key=repr)
        for cut in _cut(len(entries)):
            rest = entries[: cut.start] + entries[cut.stop :]
            kept = type(one)(rest)
            yield _rebuilt(values, _putting(one, kept))


def _putting(place: Any, new: Any) -> Edit:
    return lambda value: new if value is place else _SAME


def _smaller(values: Values) -> Iterator[Values]:
    atoms: dict[tuple[type, str], Any] = {}
    stack: list[Any] = list(values)
    seen: set[int] = set()
    while stack and len(atoms) < _MOST_ATOMS:
        value = stack.pop()
        inside = _inside(value)
        if inside is None or isinstance(value, str | bytes):
            atoms.setdefault((type(value), repr(value)), value)
        elif id(value) not in seen:
            seen.add(id(value))
            stack += inside
    for atom in atoms.values():
        for new in _simpler_atoms(atom):
            yield _rebuilt(values, _replacing(atom, new))


def _replacing(atom: Any, new: Any) -> Edit:
    kind, text = type(atom), repr(atom)
    return lambda value: new if type(value) is kind and repr(value) == text else _SAME


def _simpler_atoms(atom: Any) -> list[Any]:
    if type(atom) is bool:
        return [False]
    if type(atom) is int:
        nearer = atom - 1 if atom > 0 else atom + 1
        return [0, 1, -atom, atom // 2 if atom > 0 else -(-atom // 2), nearer]
    if type(atom) is float:
        if not math.isfinite(atom):
            return [0.0, 1.0]
        return [0.0, 1.0, -atom, float(int(atom)), float(f"{atom:.2g}"), atom / 2]
    if type(atom) is str:
        return ["a" * len(atom), *(atom.replace(c, "a") for c in list(dict.fromkeys(atom))[:12])]
    return []


def _atom_weight(atom: Any) -> float:
    if type(atom) is bool or atom is None:
        return float(bool(atom))
    if type(atom) is int:
        return 2 * math.log2(1 + abs(atom)) + (atom < 0) if abs(atom) < 1 << 1000 else 3000.0
    if type(atom) is float:
        if not math.isfinite(atom):
            return 3000.0
        return 2 * math.log2(1 + abs(atom)) + (atom < 0) + 2 * len(repr(atom))
    return 1.0
