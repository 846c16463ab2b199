"""Growth: how the time of either version rises with the size of the input.

A version that is faster at the given size may grow worse (an index that costs more to build, a
table that is rebuilt for each item), so a gain is looked at on inputs grown to twice and four times
the size, made of the given one; where none can be made, on the sizes that the given inputs have.
The slope is that of log time over log size, which is 1 for linear work and 2 for squares. It is
measured between the smallest and the largest size; what is said beyond that is an extrapolation,
and says so.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.progress import CancelToken
from benchmark_runner.equality.equivalence import Difference, Refused, compare
from benchmark_runner.errors import CandidateFailed, WorkerDied, WorkloadError
from benchmark_runner.inputs.scaled import scaled
from benchmark_runner.measuring.pairing import Scheduled
from benchmark_runner.measuring.samples import Samples
from benchmark_runner.measuring.timing import Rates, Traits, WrongAnswer, run_pair
from benchmark_runner.receipt import Clock, Growth
from benchmark_runner.worker import harness
from benchmark_runner.worker.crew import Crew
from benchmark_runner.worker.observations import InputsPlan, Observation, WorkerSpec
from benchmark_runner.worker.supervisor import Worker

FACTORS = (1, 2, 4)
_MOST_CALL_S = 0.025
"""CPU seconds of a call that is grown: one that takes squares of the size then takes 16 times."""
_LEAST_CALL_S = 2e-6
_LONG_S = 0.1
"""After a grown call of the original that takes so long no larger one is made."""
_LEAST_GROWN = 2
_OWN_LIMIT_S = 1.5
"""Wall seconds of a grown call of the original; the one before it took at most `_LONG_S`."""
_ITS_LIMIT_S = 4.0
_SLOWER_IS_HUNG = 20.0
_MOST_BYTES = 4 << 20
_WORSE_SLOPE = 0.15
"""A slope is known to about that from sizes that lie a factor of four apart."""
_SLOWER = 1.05
_LEAST_SPREAD = 4.0
"""Sizes of given inputs that lie closer say nothing about growth."""
_LEAST_SIZES = 3
_FARTHEST = 1000.0
"""An extrapolation to more than this many times the largest size is not worth saying."""


@dataclass(frozen=True)
class Grown:
    """What came of the grown inputs: the growth, or why there is none.

    `differs` is how the versions differ on a grown input, which `call` describes; then the
    candidate is not equal. `worse` says that the candidate can't take what the original takes.
    """

    growth: Growth | None = None
    why: str = ""
    differs: Difference | None = None
    call: str = ""
    worse: str = ""


@dataclass(frozen=True)
class Sizes:
    """Grown calls: canonical bytes each, and their sizes in the unit of `what`."""

    calls: tuple[bytes, ...]
    sizes: tuple[int, ...]
    what: str


def call_to_grow(
    timed: Sequence[int], sizes: Mapping[int, int], costs_s: Mapping[int, float]
) -> int | None:
    """The largest timed input whose call is short enough to be made four times as large."""
    fitting = [
        index
        for index in timed
        if costs_s[index] <= _MOST_CALL_S and sizes[index] * FACTORS[-1] <= _MOST_BYTES
    ]
    return max(fitting, key=lambda index: (sizes[index], index), default=None)


def grown_calls(call: bytes) -> Sizes | None:
    """A call at n, 2n and 4n; None where nothing in it can grow by itself."""
    calls = []
    for factor in FACTORS:
        made = call if factor == 1 else scaled(call, factor)
        if made is None:
            return None
        calls.append(made)
    measures = [_measures(made) for made in calls]
    growing = {
        name: tuple(one.get(name, 0) for one in measures)
        for name in measures[0]
        if all(name in one for one in measures)
    }
    rising = {name: sizes for name, sizes in growing.items() if _rises(sizes)}
    if not rising:
        return None
    name = max(rising, key=lambda key: (key.startswith("elements"), rising[key][0]))
    return Sizes(tuple(calls), rising[name], name)


def _rises(sizes: Sequence[int]) -> bool:
    return sizes[0] > 0 and all(a < b for a, b in itertools.pairwise(sizes))


def _measures(call: bytes) -> dict[str, int]:
    """What could be called the size of a call: lengths of its arguments, else their values."""
    args, kwargs = harness.decode_plain(call)
    named = {f"argument {place + 1}": value for place, value in enumerate(args)}
    named |= {f"argument {name}": value for name, value in kwargs.items()}
    found = {}
    for name, value in named.items():
        if hasattr(value, "__len__"):
            found[f"elements of {name}"] = _count(value)
        elif type(value) is int:
            found[f"as {name}"] = value
    return found


def _count(value: object) -> int:
    """Elements of a container; of one of equally long rows, those of the rows."""
    items = len(value)  # type: ignore[arg-type]
    if isinstance(value, list | tuple) and value and all(isinstance(x, list) for x in value):
        return sum(len(x) for x in value)
    return items


def grow(
    before: WorkerSpec,
    after: WorkerSpec,
    index: int,
    *,
    copied: Sequence[str],
    clock: Clock,
    rounding: float | None,
    cancel: CancelToken,
) -> Grown:
    """Compare and time both versions on an input at n, 2n and 4n, in one pair of processes.

    Fewer sizes where the original's calls get long.

    `before`, the original, and `after` have the given inputs, of which `copied` tells how each is
    copied. Raises Cancelled.
    """
    try:
        with Crew(cancel) as crew:
            [call] = crew.together([functools.partial(_value, crew, before, index, copied)])
        made = grown_calls(call) if call is not None else None
        if made is None:
            return Grown(why="this input can't be made larger by itself")
        with Crew(cancel) as crew:
            return _grow(crew, (before, after), made, clock, rounding, cancel)
    except (CandidateFailed, WorkerDied, WorkloadError, Refused) as error:
        cancel.check()
        return Grown(why=f"grown inputs could not be run: {error}")


def _value(crew: Crew, spec: WorkerSpec, index: int, copied: Sequence[str]) -> bytes | None:
    """Canonical bytes of a given call, None where it is of other than builtin types."""
    worker = crew.start(spec)
    worker.load()
    worker.make_inputs(copied)
    [given] = worker.values([index], _MOST_BYTES)
    return given.whole


def _grow(
    crew: Crew,
    specs: tuple[WorkerSpec, WorkerSpec],
    made: Sizes,
    clock: Clock,
    rounding: float | None,
    cancel: CancelToken,
) -> Grown:
    plan = InputsPlan("values", values=made.calls, count=len(made.calls))
    first, second = (replace(spec, inputs=plan) for spec in specs)
    first = replace(first, limits=replace(first.limits, call_s=_OWN_LIMIT_S))
    [(before, own)] = crew.together([functools.partial(_observe, crew, first, FACTORS)])
    if any(seen.kind == "raise" for seen in own):
        return Grown(why="the original can't take the inputs that were made larger")
    if len(own) < _LEAST_GROWN:
        return Grown(why="the original takes long on inputs that were made larger")
    second = replace(second, limits=replace(second.limits, call_s=_limit_s(own)))
    try:
        jobs = [functools.partial(_observe, crew, second, made.calls[: len(own)], stop=False)]
        [(after, its)] = crew.together(jobs)
    except WorkerDied as error:
        cancel.check()
        return Grown(
            why=f"the candidate did not get through ({error.message})",
            worse=f"is not shown to grow as well: on a given call grown to at most "
            f"{made.sizes[len(own) - 1]} {made.what} it fails ({error.message})",
        )
    for place, (seen, other) in enumerate(zip(own, its, strict=True)):
        found = compare((place, "light"), seen, other, rounding)
        if found is None or (found.rounding and rounding is not None):
            continue
        _, again = _observe(crew, first, FACTORS)
        if len(again) <= place or compare((place, "light"), seen, again[place]) is not None:
            return Grown(why="the original is not deterministic on inputs that were made larger")
        return Grown(differs=found, call=f"a given call grown to {made.sizes[place]} {made.what}")
    rates = Rates(sizes={place: len(call) for place, call in enumerate(made.calls)})
    run = functools.partial(
        run_pair,
        Scheduled(before),
        Scheduled(after),
        inputs=range(len(own)),
        replicate=0,
        rates=rates,
        expected_before={place: seen.core for place, seen in enumerate(own)},
        expected_after={place: seen.core for place, seen in enumerate(its)},
        traits=Traits(
            lazy=frozenset(_where(own, its, lazy=True)),
            drawing=frozenset(_where(own, its, lazy=False)),
        ),
        between=cancel.check,
    )
    try:
        [pair] = crew.together([run])
    except WrongAnswer as wrong:
        raise Refused(f"another answer after {wrong.calls} calls on a grown input") from None
    timings = Samples([pair], clock=clock).timings()
    return Grown(
        growth_of(
            made.what,
            made.sizes[: len(own)],
            [timing.before_s for timing in timings],
            [timing.after_s for timing in timings],
        )
    )


def _observe(
    crew: Crew, spec: WorkerSpec, calls: Sequence[object], *, stop: bool = True
) -> tuple[Worker, list[Observation]]:
    """Observe the calls from the smallest on; with `stop`, those after a long one are not made."""
    worker = crew.start(spec)
    worker.load()
    worker.make_inputs()
    seen: list[Observation] = []
    for place in range(len(calls)):
        seen.append(worker.observe(place, mode="light"))
        if stop and seen[-1].call_s > _LONG_S:
            break
    return worker, seen


def _limit_s(own: Sequence[Observation]) -> float:
    """Wall seconds that a candidate's call on a grown input may take."""
    return max(_ITS_LIMIT_S, _SLOWER_IS_HUNG * max(seen.call_s for seen in own))


def _where(*sides: Sequence[Observation], lazy: bool) -> list[int]:
    return [
        place for seen in sides for place, one in enumerate(seen) if (one.lazy if lazy else one.rng)
    ]


def growth_of_given(samples: Samples, sizes: Mapping[int, int]) -> Growth | None:
    """The growth over the inputs that were timed anyway, if their sizes lie far enough apart."""
    timings = sorted(samples.timings(), key=lambda timing: sizes[timing.input])
    known = [sizes[timing.input] for timing in timings]
    if len(set(known)) < _LEAST_SIZES or known[0] <= 0 or known[-1] < _LEAST_SPREAD * known[0]:
        return None
    return growth_of(
        "bytes of the encoded arguments",
        known,
        [timing.before_s for timing in timings],
        [timing.after_s for timing in timings],
    )


def growth_of(
    what: str, sizes: Sequence[int], before_s: Sequence[float], after_s: Sequence[float]
) -> Growth | None:
    """Slopes of both versions and what they say; None for calls too short to have any.

    Seconds per call, in the order of the sizes.
    """
    if max(before_s) < _LEAST_CALL_S:
        return None
    growth = Growth(
        what=what,
        sizes=tuple(sizes),
        before_s=tuple(before_s),
        after_s=tuple(after_s),
        before_slope=slope(sizes, before_s),
        after_slope=slope(sizes, after_s),
        note="",
    )
    return replace(growth, note=_told(growth))


def slope(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Least squares of log time over log size. Raises ValueError for sizes that are all equal."""
    xs, ys = [math.log(size) for size in sizes], [math.log(second) for second in seconds]
    x, y = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    spread = math.fsum((one - x) ** 2 for one in xs)
    if spread == 0.0:
        raise ValueError("no slope of one size")
    return math.fsum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / spread


def grows_worse(growth: Growth) -> str:
    """What is to be said of a version that grows worse than the original, "" where none does.

    Where it is slower at the largest size that was run, this is measured; where the slopes cross
    farther out, it is an extrapolation.
    """
    small, large = growth.sizes[0], growth.sizes[-1]
    before_s, after_s = growth.before_s[-1], growth.after_s[-1]
    if after_s > _SLOWER * before_s:
        return (
            f"is slower on larger inputs: {before_s / after_s:.2f}x at {large} {growth.what} "
            f"(measured; {growth.before_s[0] / growth.after_s[0]:.2f}x at {small})"
        )
    more = growth.after_slope - growth.before_slope
    if more < _WORSE_SLOPE:
        return ""
    exponent = math.log(before_s / after_s) / more
    if exponent > math.log(_FARTHEST):
        return ""
    size = large * math.exp(max(0.0, exponent))
    return (
        f"grows worse: slower from about {size:.2g} {growth.what} on, by the measured slopes "
        f"(extrapolated: it was run up to {large})"
    )


def _told(growth: Growth) -> str:
    """One sentence with both slopes and the range in which they hold."""
    between = f"between {growth.sizes[0]} and {growth.sizes[-1]} {growth.what}"
    slopes = (
        f"time grows with the {growth.after_slope:.2g}th power of the size, the original's with "
        f"the {growth.before_slope:.2g}th"
    )
    worse = grows_worse(growth)
    return f"{between} {slopes}{'; ' + worse if worse else ''}"
