"""Inputs that make a function slow for their size (source "stressing").

The idea of WEDGE (arXiv 2505.23471): contrast inputs of nearly one size whose cost differs much,
and search under that cost. Theirs is a fuzzer with constraints written by a model; here containers
of a given call are brought to one size, filled by patterns that are known to hurt (few distinct
values, runs, orders, the code's own literals), and the worst one is changed further. Cost is the
interpreter's steps, which depend neither on the machine nor on its load: the same seeds give the
same inputs. Work inside one builtin call (`x in list`) is one step and is not seen.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmark_runner.inputs.correlations import Place, Ties, find_ties
from benchmark_runner.inputs.literals import Literals
from benchmark_runner.inputs.mutation import Seed
from benchmark_runner.worker import harness
from benchmark_runner.worker.observations import Examined, Extra
from benchmark_runner.worker.supervisor import Worker

SIZE = 48
"""Items of the containers that grow: the square of it is still counted fast."""
_MOST_STEPS = 40_000
_CALL_S = 0.1
_KEPT = 3
_WORTH = 3.0
"""How many times the usual steps an input must take to be kept."""
_BYTES = range(256)
_CLIMBS = 12
_KINDS = (list, tuple, deque, str, bytes)


@dataclass(frozen=True)
class Stress:
    """A slow input: its steps, and the usual ones of inputs of its size. `steps` is a lower bound
    where counting was stopped."""

    extra: Extra
    steps: int
    usual: float
    call_s: float

    @property
    def times(self) -> float:
        """How many times the usual steps it takes."""
        return self.steps / max(self.usual, 1.0)


class _Search:
    """Counts the steps of calls until they pass the budget."""

    def __init__(self, worker: Worker, budget: int) -> None:
        self.worker, self.left = worker, budget
        self.known: dict[tuple[bytes, int | None], int] = {}
        self.seen: dict[tuple[bytes, int | None], Examined] = {}

    def steps(self, extra: Extra) -> int:
        """Steps of a call; 0 for one that raises, can't be copied or was not stopped in time."""
        key = (extra.value, extra.seed)
        if key in self.known:
            return self.known[key]
        if self.left <= 0:
            return 0
        found = self.worker.examine(extra, _CALL_S, _MOST_STEPS)
        steps = 2 * _MOST_STEPS if found.steps == -1 else max(found.steps, 0)
        self.left -= min(steps, _MOST_STEPS) + 200
        self.known[key] = steps if found.kind == "fine" else 0
        self.seen[key] = found
        return self.known[key]


def stressing(
    worker: Worker,
    seeds: Sequence[Seed],
    *,
    literals: Literals | None = None,
    number: int = 0,
    budget: int = 150_000,
    size: int = SIZE,
) -> list[Stress]:
    """Up to three inputs on which the original takes several times the steps usual for the size.

    `worker` runs the original, with its inputs taken in; `budget` is how many steps may be counted
    in all (some 0.5 µs each). The worst one comes first. Raises WorkerDied.
    """
    search = _Search(worker, budget)
    found: list[Stress] = []
    ties = find_ties([seed.values for seed in seeds])
    some = [s for s in seeds if any(type(v) in _KINDS and len(v) for v in s.values.values())]
    for seed in some[len(some) // 2 :][:1]:
        rng = random.Random(f"stressing:{number}")
        found += _climbed(search, seed, literals or Literals((), ()), ties, size, rng)
    best = {(s.extra.value, s.extra.seed): s for s in found if s.times >= _WORTH}
    return sorted(best.values(), key=lambda s: -s.steps)[:_KEPT]


def _climbed(
    search: _Search, seed: Seed, literals: Literals, ties: Ties, size: int, rng: random.Random
) -> list[Stress]:
    """Patterns in each argument, then the worst call changed again and again."""
    places = [p for p, v in seed.values.items() if type(v) in _KINDS and len(v)]
    usual_calls = [_filled(seed, places, ties, size, rng) for _ in range(3)]
    usual = [search.steps(_call(seed, values)) for values in usual_calls]
    normal = median([s for s in usual if s] or [0])
    if not normal or normal > _MOST_STEPS / 4:
        return []
    pool: list[tuple[int, Extra, Mapping[Place, Any]]] = []
    for place in places:
        for items in _patterns(usual_calls[0][place], literals, size, rng):
            values = ties.mended({**usual_calls[0], place: items}, place, rng)
            extra = _call(seed, values)
            pool.append((search.steps(extra), extra, values))
    for _ in range(_CLIMBS):
        if not pool or search.left <= 0:
            break
        pool.sort(key=lambda entry: -entry[0])
        values = dict(pool[0][2])
        place = rng.choice(places)
        values[place] = _changed(values[place], rng)
        values = ties.mended(values, place, rng)
        extra = _call(seed, values)
        pool.append((search.steps(extra), extra, values))
    pool.sort(key=lambda entry: -entry[0])
    return [
        Stress(extra, steps, float(normal), search.seen[extra.value, extra.seed].call_s)
        for steps, extra, _ in pool[:_KEPT]
        if steps
    ]


def _call(seed: Seed, values: Mapping[Place, Any]) -> Extra:
    try:
        return seed.changed(values, "stressing")
    except (TypeError, ValueError, RuntimeError, harness.TooLarge):
        return seed.changed(seed.values, "stressing")


def _filled(
    seed: Seed, places: Sequence[Place], ties: Ties, size: int, rng: random.Random
) -> dict[Place, Any]:
    """The call at the size, its containers filled with values like those that it holds."""
    values = dict(seed.values)
    for place in places:
        values[place] = _of(values[place], _distinct(values[place], size, rng))
        values = ties.mended(values, place, rng)
    return values


def _distinct(value: Any, size: int, rng: random.Random) -> list[Any]:
    """Items like the given ones, mostly different from one another."""
    items = list(value)
    if isinstance(value, str | bytes):
        return [rng.choice(items) for _ in range(size)]
    numbers = [x for x in items if type(x) in (int, float)]
    if len(numbers) == len(items) and all(x == x for x in numbers):
        low, high = min(numbers), max(max(numbers), min(numbers) + 2 * size)
        if type(numbers[0]) is int and all(type(x) is int for x in numbers):
            span = min(int(high) - int(low) + 1, 1 << 62)  # a longer range has no len
            return [int(low) + n for n in rng.sample(range(span), size)]
        if -1e300 < low < high < 1e300:
            return [rng.uniform(low, high) for _ in range(size)]
    if all(type(x) is str for x in items):
        return [f"{rng.choice(items)}{n}" for n in range(size)]
    return [rng.choice(items) for _ in range(size)]


def _of(value: Any, items: list[Any]) -> Any:
    kind = type(value)
    if kind is str:
        return "".join(items)
    return bytes(items) if kind is bytes else kind(items)


def _patterns(value: Any, literals: Literals, size: int, rng: random.Random) -> Iterator[Any]:
    """Arrangements of one size that make some functions slow."""
    items = list(value)
    named = [x for x in literals.values if items and type(x) is type(items[0])]
    if isinstance(value, bytes | bytearray):
        named = [x for x in named if x in _BYTES]
    ranked = _ordered(items)
    half = max(1, size // 2)
    yield _of(value, items[:1] * size)
    yield _of(value, (items[:2] * size)[:size])
    yield _of(value, (items[: max(1, size // 4)] * 4)[:size])
    yield _of(value, items[:half] + items[:1] * (size - half))
    yield _of(value, (items[:half] * 2)[:size])
    yield _of(value, ranked)
    yield _of(value, ranked[::-1])
    yield _of(value, ranked[::2] + ranked[1::2][::-1])
    yield _of(value, [x for x in ranked for _ in (0, 1)][:size])
    for x in named[:3]:
        if not isinstance(x, str) or not isinstance(value, str):
            yield _of(value, [x] * size)
    if isinstance(value, str):
        for text in [x for x in named if isinstance(x, str) and x][:4]:
            yield (text * size)[:size]
            yield (text * size)[: size - 1] + items[0]


def _ordered(items: list[Any]) -> list[Any]:
    try:
        return sorted(items)
    except TypeError:
        return list(items)


def _changed(value: Any, rng: random.Random) -> Any:
    """A further step from a bad input: some items made equal to another, a stretch moved."""
    items = list(value)
    if len(items) < 2:
        return value
    at, to = sorted(rng.sample(range(len(items) + 1), 2))
    way = rng.randrange(4)
    if way == 0:
        items[at:to] = [rng.choice(items)] * (to - at)
    elif way == 1:
        items[at:to] = items[at:to][::-1]
    elif way == 2:
        items = items[to:] + items[:to]
    else:
        rng.shuffle(items)
    return _of(value, items)
