"""What belongs together in the arguments of given calls, and calls mended so that it still does.

A tie is what holds in every given call: an int is a list's length, a value is a member of a
container, two lists have one length, a list is sorted. The given calls state what the function is
for, so a changed call in which a tie is broken says little: it is mended after each change.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, permutations
from typing import Any

Place = int | str
Values = Mapping[Place, Any]

_SEQUENCES = (list, tuple, deque, str, bytes, bytearray)
_CONTAINERS = (list, tuple, deque, set, frozenset, dict)
_ENOUGH_LEAVES = 6
"""Ints within a container's range say that they are indexes only if there are so many of them."""


@dataclass
class Ties:
    """What holds between the arguments of all given calls, as pairs of places.

    `length`: the int is the length of the container, less `by`. `within`: the int is an index of
    the sequence, or a count up to its length (by 0). `member`: the value is held by the container;
    `sometimes`: in some calls. `lengths`, `keys`: the containers have the same. `inside`: all that
    the first holds is held by the second. `indexes`: all ints in the first are indexes of the
    second. `ordered`: the place's list is sorted.
    """

    length: dict[Place, tuple[Place, int]] = field(default_factory=dict)
    within: dict[Place, tuple[Place, int]] = field(default_factory=dict)
    member: dict[Place, Place] = field(default_factory=dict)
    sometimes: dict[Place, Place] = field(default_factory=dict)
    lengths: list[tuple[Place, Place]] = field(default_factory=list)
    keys: list[tuple[Place, Place]] = field(default_factory=list)
    inside: list[tuple[Place, Place]] = field(default_factory=list)
    indexes: list[tuple[Place, Place]] = field(default_factory=list)
    ordered: set[Place] = field(default_factory=set)

    def mended(self, values: Values, changed: Place, rng: random.Random) -> dict[Place, Any]:
        """The values with all ties in order again, the changed argument kept where it can be."""
        made = dict(values)
        for a, b in self.indexes:
            if _fit(made, a, b):
                made[a] = _pointing(made[a], made[b], a == b)
        for a, b in self.inside:
            if _fit(made, a, b) and changed != b:
                made[a] = _held(made[a], made[b], rng)
        self._sort(made)
        for pairs, mend in ((self.lengths, _as_long), (self.keys, _with_keys)):
            for a, b in pairs:
                if _fit(made, a, b) and _fit(made, b, a):
                    master, other = (b, a) if changed == b else (a, b)
                    made[other] = mend(made[other], made[master])
        for a, b in self.inside:
            if _fit(made, a, b) and changed == b:
                made[a] = _held(made[a], made[b], rng)
        self._sort(made)
        self._scalars(made, changed, rng)
        return made

    def _sort(self, made: dict[Place, Any]) -> None:
        for place in self.ordered & set(made):
            made[place] = _sorted(made[place])

    def _scalars(self, made: dict[Place, Any], changed: Place, rng: random.Random) -> None:
        for a, b in [*self.member.items(), *self.sometimes.items()]:
            always = a in self.member
            if _fit(made, a, b) and (always or (changed != a and rng.random() < 0.5)):
                made[a] = _member(made[a], made[b], rng)
        for a, (b, by) in self.within.items():
            if _fit(made, a, b) and type(made[a]) is int:
                made[a] = max(0, min(made[a], len(made[b]) - by))
        for a, (b, by) in self.length.items():
            if _fit(made, a, b):
                made[a] = len(made[b]) - by


def _fit(made: Values, a: Place, b: Place) -> bool:
    """Whether both are there, and the second is a container: in another call it may be none."""
    return a in made and type(made.get(b)) in (*_CONTAINERS, *_SEQUENCES)


def find_ties(seeds: Sequence[Values]) -> Ties:
    """The ties of the given calls' builtin arguments."""
    ties = Ties()
    places = list(dict.fromkeys(place for seed in seeds for place in seed))
    for a, b in permutations(places, 2):
        both = [(seed[a], seed[b]) for seed in seeds if a in seed and b in seed]
        if both:
            _tie(ties, a, b, both)
    for place in places:
        held = [seed[place] for seed in seeds if place in seed]
        lists = [x for x in held if type(x) is list]
        if lists and all(_is_sorted(x) for x in lists) and any(_rising(x) for x in lists):
            ties.ordered.add(place)
        if _all(held, list) and _points(zip(held, held, strict=True)):
            ties.indexes.append((place, place))
    return ties


def _tie(ties: Ties, a: Place, b: Place, both: list[tuple[Any, Any]]) -> None:
    """The ties of one argument to another, the strongest of each kind."""
    if _all([x for x, _ in both], int):
        if all(type(y) in (*_CONTAINERS, *_SEQUENCES) for _, y in both) and a not in ties.length:
            for by in (0, 1):
                if all(x == len(y) - by for x, y in both) and any(len(y) > 1 for _, y in both):
                    ties.length[a] = (b, by)
                    return
        if all(type(y) in _SEQUENCES for _, y in both) and a not in ties.within:
            if all(0 <= x < len(y) for x, y in both):
                ties.within[a] = (b, 1)
            elif all(0 <= x <= len(y) for x, y in both):
                ties.within[a] = (b, 0)
    if all(type(x) not in _CONTAINERS for x, _ in both):
        members = [y for y in both if type(y[1]) in _CONTAINERS and _contains(*reversed(y))]
        if len(members) == len(both):
            ties.member.setdefault(a, b)
        elif members:
            ties.sometimes.setdefault(a, b)
        return
    if not all(type(x) in _CONTAINERS and type(y) in _CONTAINERS for x, y in both):
        return
    if _all([y for _, y in both], dict) and _all([x for x, _ in both], dict):
        if all(set(x) == set(y) for x, y in both):
            ties.keys.append((a, b))
    elif str(a) < str(b) and all(len(x) == len(y) for x, y in both) and any(x for x, _ in both):
        ties.lengths.append((a, b))
    if all(_holds(y, x) for x, y in both) and sum(len(x) for x, _ in both) > 1:
        ties.inside.append((a, b))
    elif _points(iter(both)) and all(type(y) in (list, tuple) for _, y in both):
        ties.indexes.append((a, b))


def _all(values: Sequence[Any], kind: type) -> bool:
    return bool(values) and all(type(value) is kind for value in values)


def _contains(container: Any, value: Any) -> bool:
    """Whether the container holds the value, of the same type."""
    return any(type(x) is type(value) and x == value for x in list(container)[:10_000])


def _holds(outer: Any, inner: Any) -> bool:
    """Whether all that the inner container holds is in the outer one."""
    try:
        return set(inner) <= set(outer)
    except TypeError:
        return False


def leaves(value: Any, depth: int = 0) -> Iterator[Any]:
    """All scalars in a value; of dicts the keys too."""
    kind = type(value)
    if kind is dict:
        for key, item in value.items():
            yield from leaves(key, depth + 1)
            yield from leaves(item, depth + 1)
    elif kind in _CONTAINERS and depth < 6:
        for item in value:
            yield from leaves(item, depth + 1)
    else:
        yield value


def _points(both: Iterator[tuple[Any, Any]]) -> bool:
    """Whether all that the first of each pair holds are indexes of the second."""
    count = 0
    for x, y in both:
        if x is y and not all(type(item) in (list, tuple, set) for item in x):
            return False
        for leaf in leaves(x):
            if type(leaf) is not int or not 0 <= leaf < len(y):
                return False
            count += 1
    return count >= _ENOUGH_LEAVES


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """The value with each scalar changed; dict keys stay."""
    kind = type(value)
    if kind is dict:
        return {key: mapped(item, change) for key, item in value.items()}
    if kind is deque:
        return deque((mapped(item, change) for item in value), value.maxlen)
    if kind in _CONTAINERS:
        return kind(mapped(item, change) for item in value)
    return change(value)


def _pointing(value: Any, container: Any, itself: bool) -> Any:
    size = len(container)
    if not size:
        return value if itself else type(value)()
    return mapped(value, lambda x: x % size if type(x) is int else x)


def _held(value: Any, container: Any, rng: random.Random) -> Any:
    """The value with what the container does not hold replaced by what it does."""
    known = list(container)
    if not known or type(value) not in _CONTAINERS:
        return type(value)() if type(value) in _CONTAINERS else value
    try:
        have = set(known)
        if type(value) is dict:
            return {(k if k in have else rng.choice(known)): x for k, x in value.items()}
        items = [x if x in have else rng.choice(known) for x in value]
    except TypeError:
        return value
    return type(value)(items)


def _member(value: Any, container: Any, rng: random.Random) -> Any:
    held = [x for x in container if type(x) is type(value)]
    return rng.choice(held) if held and not _contains(container, value) else value


def _as_long(value: Any, master: Any) -> Any:
    """The value cut or continued from its start to the other's length."""
    if type(value) not in (list, tuple):
        return value
    items, size = list(value), len(master)
    while items and len(items) < size:
        items += items[: size - len(items)]
    return type(value)(items[:size])


def _with_keys(value: Any, master: Any) -> Any:
    """The value with the other's keys in its order."""
    if type(value) is not dict or type(master) is not dict:
        return value
    spare = list(value.values())
    if not spare:
        return {}
    return {k: value.get(k, spare[n % len(spare)]) for n, k in enumerate(master)}


def _is_sorted(items: list[Any]) -> bool:
    try:
        return all(a <= b for a, b in pairwise(items))
    except TypeError:
        return False


def _rising(items: list[Any]) -> bool:
    return len(items) > 2 and items[0] != items[-1]


def _sorted(value: Any) -> Any:
    if type(value) is not list or any(x != x for x in value):
        return [x for x in value if x == x] if type(value) is list else value
    try:
        return sorted(value)
    except TypeError:
        return value
