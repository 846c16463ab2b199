"""Given calls changed a little: what a wrong version is most often wrong on (source "mutated").

Each change keeps the types, and the ties that hold in every given call (correlations.py). Edge
values come first: empty, one item, all equal, doubled, nan, inf, -0.0, ints beside the sizes of
machine words, characters that case and splitting treat in their own ways. No value here is made of
anything but the given ones and these.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark_runner.inputs.correlations import Place, Ties, find_ties, leaves
from benchmark_runner.worker import harness
from benchmark_runner.worker.observations import Extra, Given

_MOST_ITEMS = 40
"""Items of a container in a changed call: small calls find as much and cost less."""
_MOST_SEEDS = 5
_MOST_LOOKED = 4000
"""Changes that are looked at for the sake of the last ones that are wanted."""
_SEVERAL = 4
"""Levels of containers in which other items than the first are changed: each triples the work."""
_ROUNDS = 40
_BIG_INTS = (2**31 - 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63)
_FLOATS = (0.0, -0.0, float("inf"), float("nan"), float("-inf"), 1e308, 5e-324, 1.0, 0.1)
_MEASURED = (0.0, -0.0, 1.0, 0.1, 1e-9, 1e9)
_TEXTS = ("\u0130", "ß", "\u01c5", "e\u0301", " ", "\n", "\u2028", "\x00", "A", "²")


@dataclass(frozen=True)
class Seed:
    """A given call as far as it is of builtin values. `positional` is None where it is not all
    that the call has: then only arguments can be replaced."""

    index: int
    values: Mapping[Place, Any]
    positional: int | None

    def changed(self, values: Mapping[Place, Any], source: str) -> Extra:
        """The call with these values instead."""
        if self.positional is None:
            return Extra(source, harness.encode(dict(values)), self.index)
        args = tuple(values[place] for place in range(self.positional))
        kwargs = {k: v for k, v in values.items() if type(k) is str}
        return Extra(source, harness.encode((args, kwargs)))


def seeds_of(given: Sequence[Given]) -> list[Seed]:
    """The given calls that hold something to change, smallest first."""
    found = []
    for one in given:
        try:
            if one.whole is not None:
                args, kwargs = harness.decode_plain(one.whole)
                seed = Seed(one.index, {**dict(enumerate(args)), **kwargs}, len(args))
            else:
                parts = {place: harness.decode_plain(data) for place, data in one.parts}
                seed = Seed(one.index, parts, None)
        except (ValueError, TypeError):
            continue
        if seed.values:
            found.append((sum(len(data) for _, data in one.parts) + len(one.whole or b""), seed))
    return [seed for _, seed in sorted(found, key=lambda pair: (pair[0], pair[1].index))]


def mutated(
    seeds: Sequence[Seed], *, number: int = 0, count: int = 60, finite: bool = False
) -> list[Extra]:
    """Up to `count` changed calls, the same ones for the same seeds and number.

    Calls with ints near 2**31 and above come last: some functions take as many steps. With
    `finite` floats stay such that their size can be compared: no inf, nan or overflow.
    """
    if not seeds:
        return []
    rng = random.Random(f"mutated:{number}")
    ties = find_ties([seed.values for seed in seeds])
    facts = Facts(seeds, finite)
    chosen = _spread([_small(seed, ties, rng) for seed in seeds])
    known = {seed.changed(seed.values, "").value for seed in seeds}
    early: list[Extra] = []
    late: list[Extra] = []
    for looked, (seed, values) in enumerate(_changes(chosen, facts, ties, rng)):
        if len(early) >= count and (len(late) >= count // 4 or looked >= _MOST_LOOKED):
            break
        try:
            extra = seed.changed(values, "mutated")
        except (TypeError, ValueError, RuntimeError, harness.TooLarge):
            continue
        if extra.value in known or len(early) >= count:
            continue
        known.add(extra.value)
        (late if _is_big(values) else early).append(extra)
    room = max(0, count - min(len(late), count // 4))
    return early[:room] + late[: count - min(len(early), room)]


def _is_big(values: Mapping[Place, Any]) -> bool:
    return any(
        type(x) is int and abs(x) >= _BIG_INTS[0] for v in values.values() for x in leaves(v)
    )


def _spread(seeds: Sequence[Seed]) -> list[Seed]:
    """A few seeds, from the smallest to the largest, without those that hold nothing."""
    some = [s for s in seeds if any(_size(v) for v in s.values.values())] or list(seeds)
    step = max(1, len(some) // _MOST_SEEDS)
    return some[::step][:_MOST_SEEDS]


def _small(seed: Seed, ties: Ties, rng: random.Random) -> Seed:
    """The seed with its containers cut to a few items."""
    values = dict(seed.values)
    for place, value in seed.values.items():
        if _size(value) > _MOST_ITEMS:
            values[place] = _cut(value, _MOST_ITEMS // 2)
            values = ties.mended(values, place, rng)
    return Seed(seed.index, values, seed.positional)


def _changes(
    seeds: Sequence[Seed], facts: Facts, ties: Ties, rng: random.Random
) -> Iterator[tuple[Seed, dict[Place, Any]]]:
    """Changed calls: each kind of change of each argument in turn, then some of several at once."""
    queues = []
    for seed in seeds:
        for place, value in seed.values.items():
            queues.append((seed, place, iter(facts.variants(str(place), value, rng))))
    while queues:
        left = []
        for seed, place, variants in queues:
            value = next(variants, None)
            if value is None:
                continue
            left.append((seed, place, variants))
            [made] = value
            yield seed, ties.mended({**seed.values, place: made}, place, rng)
        queues = left
    for _ in range(_ROUNDS):
        seed, other = rng.choice(seeds), rng.choice(seeds)
        values = dict(seed.values)
        for place in rng.sample(list(values), min(2, len(values))):
            if place in other.values and rng.random() < 0.5:
                values[place] = other.values[place]
            else:
                options = [x for [x] in facts.variants(str(place), values[place], rng)]
                values[place] = rng.choice(options) if options else values[place]
            values = ties.mended(values, place, rng)
        yield seed, values


class Facts:
    """What holds of all given values at one place of the calls: sign, digits, fixed lengths."""

    def __init__(self, seeds: Sequence[Seed], finite: bool) -> None:
        self.signed: set[str] = set()
        self.worded: set[str] = set()
        self.lengths: dict[str, set[int]] = {}
        self.floats = _MEASURED if finite else _FLOATS
        for seed in seeds:
            for place, value in seed.values.items():
                self._learn(str(place), value, 0)

    def _learn(self, path: str, value: Any, depth: int) -> None:
        kind = type(value)
        if kind is int and value < 0:
            self.signed.add(path)
        elif kind is str and not (value.isascii() and value.isdigit()):
            self.worded.add(path)
        elif kind in (list, tuple, deque, set, frozenset) and depth < 6:
            self.lengths.setdefault(path, set()).add(len(value))
            for item in value:
                self._learn(f"{path}[]", item, depth + 1)
        elif kind is dict and depth < 6:
            for key, item in value.items():
                self._learn(f"{path}{{}}", key, depth + 1)
                self._learn(f"{path}[]", item, depth + 1)

    def fixed(self, path: str, value: Any) -> bool:
        """Whether a container inside another one has the same length wherever it stands."""
        known = self.lengths.get(path, {len(value)})
        return len(known) == 1 and ("[]" in path or (type(value) is tuple and len(value) < 5))

    def variants(self, path: str, value: Any, rng: random.Random) -> Iterator[tuple[Any]]:
        """Changed values of the same type, the edges first; each in a tuple of its own."""
        kind = type(value)
        if kind is bool:
            yield (not value,)
        elif kind is int:
            yield from ((x,) for x in self._ints(path, value, rng))
        elif kind is float:
            yield from ((x,) for x in (*self.floats, -value, value + 0.5, value * 3.0))
        elif kind is str:
            yield from ((x,) for x in self._texts(path, value))
        elif kind in (bytes, bytearray):
            yield from (
                (kind(x),) for x in (b"", value[:1], value + value, value[::-1], b"\x00\xff")
            )
        elif kind in (list, tuple, deque):
            yield from self._items(path, value, rng)
        elif kind is dict:
            yield from self._pairs(path, value, rng)
        elif kind in (set, frozenset):
            items = sorted(value, key=by_text)
            yield (kind(),)
            yield (kind(items[:1]),)
            yield (kind(items[1:]),)
            yield from ((kind([*items, x]),) for [x] in self._inner(path, items, rng))

    def _ints(self, path: str, x: int, rng: random.Random) -> list[int]:
        near = [0, 1, x + 1, x - 1, 2 * x, x + rng.randint(2, 9), 2]
        if path in self.signed:
            return [*near, -x, -1, *_BIG_INTS, -(2**63)]
        return [*[n for n in near if n >= 0], *_BIG_INTS]

    def _texts(self, path: str, x: str) -> list[str]:
        if path not in self.worded:
            return [x + "0", "0", "1", x[::-1], x[:1], x + x]
        middle = len(x) // 2
        odd = [x[:middle] + mark + x[middle:] for mark in _TEXTS]
        return ["", odd[0], x[:1], x + x, x.swapcase(), x[::-1], *odd[1:], x + "\n", " " + x]

    def _items(self, path: str, value: Any, rng: random.Random) -> Iterator[tuple[Any]]:
        items = list(value)
        made = [] if self.fixed(path, value) else self._sizes(items)
        if not (type(value) is tuple and len(value) < 5):
            shuffled = rng.sample(items, len(items))
            made += [items[::-1], items[:1] * len(items), shuffled, [*items[1:], *items[:1]]]
        inner = self._inner(path, items, rng)
        yield from ((_like(value, x),) for x in made[:6])
        for number, [item] in enumerate(inner):
            place = rng.randrange(len(items)) if number else 0
            yield (_like(value, [*items[:place], item, *items[place + 1 :]]),)
            if number < len(made) - 6:
                yield (_like(value, made[6 + number]),)

    @staticmethod
    def _sizes(items: list[Any]) -> list[list[Any]]:
        """Other numbers of items, most of them with repetition."""
        doubled = [x for x in items for _ in (0, 1)]
        return [[], items[:1], doubled, items[:1] * 3 + items, items + items, items[:-1], items[:2],
                items + items[:1]]  # fmt: skip

    def _inner(self, path: str, items: list[Any], rng: random.Random) -> Iterator[tuple[Any]]:
        """Changed items: of the first one, then of any."""
        if not items:
            return
        queues = [self.variants(f"{path}[]", items[0], rng)]
        if path.count("[]") < _SEVERAL:
            queues += [self.variants(f"{path}[]", rng.choice(items), rng) for _ in (0, 1)]
        for queue in queues:
            yield from queue

    def _pairs(self, path: str, value: dict[Any, Any], rng: random.Random) -> Iterator[tuple[Any]]:
        pairs = list(value.items())
        rich = len({type(x) for x in value.values()}) < 2
        if rich:
            yield ({},)
            yield (dict(pairs[:1]),)
        if len(pairs) > 1:
            yield (dict(pairs[::-1]),)
        if rich and len(pairs) > 1:
            yield (dict(pairs[1:]),)
            yield (dict.fromkeys(value, pairs[0][1]),)
        for number, (key, item) in enumerate(pairs[:3]):
            for [changed] in self.variants(f"{path}[]", item, rng):
                yield ({**value, key: changed},)
            if number == 0 and rich:
                for [other] in list(self.variants(f"{path}{{}}", key, rng))[:4]:
                    if _hashable(other):
                        yield ({**value, other: item},)


def by_text(value: Any) -> str:
    """An order of values of any types, the same in every process."""
    try:
        return repr(value)
    except ValueError:  # an int of more digits than Python writes
        return "~"


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _like(value: Any, items: list[Any]) -> Any:
    return deque(items, value.maxlen) if type(value) is deque else type(value)(items)


def _size(value: Any) -> int:
    kinds = (list, tuple, deque, set, frozenset, dict, str, bytes, bytearray)
    return len(value) if type(value) in kinds else 0


def _cut(value: Any, size: int) -> Any:
    """The first items of a container or text."""
    if type(value) is dict:
        return dict(list(value.items())[:size])
    if type(value) in (set, frozenset):
        return type(value)(sorted(value, key=by_text)[:size])
    return _like(value, list(value)[:size]) if type(value) in (list, tuple, deque) else value[:size]
