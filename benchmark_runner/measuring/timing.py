"""One replicate: the interleaved batches of one pair of fresh worker processes.

The windows are equally long on both sides (each side has its own number of calls): then what a
window costs beside the calls cancels in the ratio, and both sides meet preemption equally often
(measured: equal counts showed a true 3x as 3.25x to 3.45x under load).
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from benchmark_runner.measuring.statistics import median
from benchmark_runner.measuring.windows import (
    Account,
    Clocked,
    ColdBatch,
    ColdCall,
    PairOfWindows,
    PairRun,
    Side,
    Window,
    pair_of,
    window_of,
)

BATCH_S = 0.002
"""Aimed length of a window: at 5 ms nearly each one meets a preemption, at 2 ms few do."""
PAIRS = 36
"""Aimed number of pairs of windows in a replicate."""
FEWER_PAIRS = 12
"""The same where versions lie so far apart that noise within a process pair hardly matters."""
REPLICATE_S = 0.15
"""CPU seconds that the windows of a replicate aim at."""
_FAR_APART = math.log(1.5)
_LONGEST_EQUAL_S = 0.05
"""Calls longer than this are timed one by one, without filling up the faster side."""
_STAGING_S = 0.004
"""Wall seconds that staging a batch may take: fresh arguments can cost more than the call."""
_STAGED_BYTES = 32_000_000
_WINDOW_WALL_S = 0.04
"""Wall seconds that a window of many calls may take: calls that sleep use next to no CPU."""
_MOST_CALLS = 20_000
ONCE_S = 0.25
"""The first call of a process that takes this long tells as much as a later one: it is timed."""
_CHECKED_CALLS = 2
_DRAWN_CALLS = 16
"""Of a window whose calls draw random numbers the first so many can be compared: their numbers
follow from the seed before the first one."""
_LARGE_BYTES = 100_000
"""Of windows on inputs larger than this, one call is checked: encoding them takes long."""


class TimedWorker(Protocol):
    """What timing needs of a worker; `supervisor.Worker` and the tests' simulated one have it."""

    def stage(self, i: int, reps: int, *, encode: bool = False) -> None:
        """Make fresh arguments for `reps` calls on input `i`, untimed.

        `encode`: the results are encoded inside the window, so that lazy ones do their work.
        """

    def run(self) -> Clocked:
        """Make the staged calls in one timed window."""

    def check(self, indices: Sequence[int]) -> tuple[bytes, ...]:
        """Digests of what these calls of the last window gave."""

    def cpu_s(self) -> float:
        """CPU seconds that the worker has used since it started."""

    def stage_each(self, indices: Sequence[int]) -> None:
        """Make fresh arguments for one call on each of these inputs, untimed."""

    def account(self) -> Account:
        """What the scheduler tells of the worker, and of who waits for it, up to now."""


class WrongAnswer(Exception):
    """A timed call gave another answer than the same call gave when it was compared."""

    def __init__(self, side: Side, index: int, calls: int) -> None:
        super().__init__(f"{side} on input {index} after {calls} calls")
        self.side = side
        self.index = index
        self.calls = calls


@dataclass(frozen=True)
class Traits:
    """Inputs that need care: `lazy` ones hold iterators in the result of one of the versions,
    `drawing` ones draw random numbers: the answers of a window's calls follow from its seed, each
    another one.
    """

    lazy: frozenset[int] = frozenset()
    drawing: frozenset[int] = frozenset()


@dataclass
class Rates:
    """Seconds per call and per staged copy, as far as known; for all replicates.

    `call_s` is by the clock that decides. Only the lengths of the windows depend on it, never a
    result.
    """

    sizes: Mapping[int, int]
    call_s: dict[tuple[Side, int], float] = field(default_factory=dict)
    staging_s: dict[tuple[Side, int], float] = field(default_factory=dict)
    wall_s: dict[tuple[Side, int], float] = field(default_factory=dict)

    def most_calls(self, side: Side, index: int) -> int:
        """How many calls may be staged at once without drowning in copies."""
        by_size = _STAGED_BYTES // max(self.sizes.get(index, 0), 1)
        by_time = int(_STAGING_S / max(self.staging_s.get((side, index), 0.0), 1e-9))
        by_wall = int(_WINDOW_WALL_S / max(self.wall_s.get((side, index), 0.0), 1e-9))
        return max(1, min(_MOST_CALLS, by_size, by_time, by_wall))

    def window_s(self, index: int) -> float:
        """The length that both sides' windows on this input should have."""
        before, after = self.call_s["before", index], self.call_s["after", index]
        longest = max(before, after)
        wanted = BATCH_S if longest < BATCH_S else min(longest, _LONGEST_EQUAL_S)
        return min(
            wanted,
            max(before * self.most_calls("before", index), BATCH_S / 20),
            max(after * self.most_calls("after", index), BATCH_S / 20),
        )

    def calls(self, side: Side, index: int) -> int:
        """Calls in a window of this side."""
        count = round(self.window_s(index) / self.call_s[side, index])
        return max(1, min(count, self.most_calls(side, index)))

    def pair_s(self, index: int) -> float:
        """Seconds that one pair of windows costs."""
        return sum(
            self.call_s[side, index] * self.calls(side, index) for side in ("before", "after")
        )

    def learn(self, pairs: Sequence[PairOfWindows], *, wall: bool = False) -> None:
        """Take the seconds per call from a replicate's windows, by the clock that decides."""
        for index in {pair.index for pair in pairs}:
            own = [pair for pair in pairs if pair.index == index]
            self.call_s["before", index] = median(
                [pair.before_wall_s if wall else pair.before_cpu_s for pair in own]
            )
            self.call_s["after", index] = median(
                [pair.after_wall_s if wall else pair.after_cpu_s for pair in own]
            )

    def once(self, index: int) -> bool:
        """Whether calls are so long that a process makes only one of them on this input.

        Not known of what is no call in a worker (the runs of a program).
        """
        before = self.call_s.get(("before", index), 0.0)
        after = self.call_s.get(("after", index), 0.0)
        return before >= ONCE_S and after >= ONCE_S / 10

    def rounds(self, inputs: Sequence[int]) -> int:
        """How often each input is timed in a replicate: the same for all, at least once."""
        affordable = int(REPLICATE_S / max(sum(self.pair_s(index) for index in inputs), 1e-9))
        logs = [
            math.log(self.call_s["before", index] / self.call_s["after", index]) for index in inputs
        ]
        wanted = FEWER_PAIRS if abs(median(logs)) > _FAR_APART else PAIRS
        return max(1, min(affordable, math.ceil(wanted / len(inputs))))


class _SideRun:
    """One side of a replicate: its worker, the answers it must repeat, and its account."""

    def __init__(
        self,
        side: Side,
        worker: TimedWorker,
        expected: Mapping[int, bytes],
        rates: Rates,
        traits: Traits,
    ) -> None:
        self.side: Side = side
        self.worker = worker
        self.expected = dict(expected)
        self.drawn: dict[tuple[int, int], bytes] = {}
        self.other_drawn: Mapping[tuple[int, int], bytes] = {}
        self.rates = rates
        self.traits = traits
        self.calls = 0
        self.timed_s = 0.0
        self.random = random.SystemRandom()

    def window(self, index: int, calls: int) -> Window:
        """Stage, run and check one window. Raises WrongAnswer."""
        asked, started = self.worker.account(), time.perf_counter()
        self.worker.stage(index, calls, encode=index in self.traits.lazy)
        took_s, told = time.perf_counter() - started, self.worker.account()
        # Less what was spent in line: a busy machine must not make the windows short.
        staged_s = max(took_s - (told.in_line_s - asked.in_line_s), 0.0) / calls
        before = self.rates.staging_s.get((self.side, index), staged_s)
        self.rates.staging_s[self.side, index] = min(staged_s, before)
        clocked = self.worker.run()
        window = window_of(clocked, told, self.worker.account())
        wall_s = window.wall_s / calls
        self.rates.wall_s[self.side, index] = min(
            wall_s, self.rates.wall_s.get((self.side, index), wall_s)
        )
        self.calls += calls
        self.timed_s += clocked.cpu_s
        # Chosen only now: a candidate can't know which of its answers will be looked at.
        drawing = index in self.traits.drawing
        known = min(calls, _DRAWN_CALLS) if drawing else calls
        most = 1 if self.rates.sizes.get(index, 0) > _LARGE_BYTES else _CHECKED_CALLS
        chosen = sorted(self.random.sample(range(known), min(known, most)))
        for place, digest in zip(chosen, self.worker.check(chosen), strict=True):
            if drawing and place:
                self.check_drawn((index, place), digest)
            elif self.expected.setdefault(index, digest) != digest:
                raise WrongAnswer(self.side, index, self.calls)
        return window

    def batch(self, indices: Sequence[int]) -> float:
        """CPU seconds of a call, over one call on each input. Raises WrongAnswer."""
        self.worker.stage_each(indices)
        clocked = self.worker.run()
        self.calls += len(indices)
        self.timed_s += clocked.cpu_s
        chosen = sorted(self.random.sample(range(len(indices)), min(len(indices), _CHECKED_CALLS)))
        for place, digest in zip(chosen, self.worker.check(chosen), strict=True):
            if self.expected.setdefault(indices[place], digest) != digest:
                raise WrongAnswer(self.side, indices[place], self.calls)
        return clocked.cpu_s / len(indices)

    def check_drawn(self, call: tuple[int, int], digest: bytes) -> None:
        """A later call of a window whose calls draw random numbers, all from one seed: the same
        in all windows, and of both versions. Raises WrongAnswer."""
        if self.drawn.setdefault(call, digest) != digest:
            raise WrongAnswer(self.side, call[0], self.calls)
        if self.other_drawn.get(call, digest) != digest:
            raise WrongAnswer("after", call[0], self.calls)

    def calibrate(self, index: int, first_s: float) -> None:
        """Find the seconds per call: windows that grow until one is long enough to believe."""
        per_call, calls = max(first_s, 1e-8), 1
        while per_call * calls < BATCH_S / 4:
            wanted = math.ceil(BATCH_S / 2 / per_call)
            following = min(wanted, calls * 50, self.rates.most_calls(self.side, index))
            if following <= calls:
                break
            calls = following
            per_call = max(self.window(index, calls).cost_s / calls, 1e-8)
        self.rates.call_s[self.side, index] = per_call


def run_pair(
    before: TimedWorker,
    after: TimedWorker,
    *,
    inputs: Sequence[int],
    replicate: int,
    rates: Rates,
    expected_before: Mapping[int, bytes],
    expected_after: Mapping[int, bytes],
    traits: Traits = Traits(),
    imports_s: tuple[float, float] = (0.0, 0.0),
    unseen: Sequence[int] = (),
    between: Callable[[], None] = lambda: None,
) -> PairRun:
    """Time one pair of fresh processes on the inputs, each equally often, in ABBA order.

    `expected_*` are digests that the answers must have; an input that is missing there must
    repeat its first answer. `unseen` inputs are called twice, all in one window. `between` runs
    between windows (cancel). Raises WrongAnswer, and what
    the workers raise.
    """
    wall = time.perf_counter()
    sides = (
        _SideRun("before", before, expected_before, rates, traits),
        _SideRun("after", after, expected_after, rates, traits),
    )
    if all(expected_after.get(index) == known for index, known in expected_before.items()):
        # Exactly equal, not up to rounding: then later draws must be, too.
        sides[0].other_drawn, sides[1].other_drawn = sides[1].drawn, sides[0].drawn
    start_s = [side.worker.cpu_s() for side in sides]
    threads = [side.worker.account().threads for side in sides]
    turn = replicate % len(inputs)
    calls = _first_calls(sides, [*inputs[turn:], *inputs[:turn]], rates, replicate, between)
    batch = _cold_batch(sides, unseen, replicate) if unseen else None
    first, pairs = calls[0], []
    once = {call.index for call in calls if rates.once(call.index)}
    pairs += [pair_of(call.index, *call.windows, 1, 1) for call in calls if call.index in once]
    several = [index for index in inputs if index not in once]
    for round_ in range(rates.rounds(several) if several else 0):
        for place, index in enumerate(several):
            between()
            flipped = (round_ + place + replicate) % 2
            pairs.append(_pair(sides, index, rates, flipped=bool(flipped)))
    spent = [side.worker.cpu_s() - start for side, start in zip(sides, start_s, strict=True)]
    more = [side.worker.account().threads - had for side, had in zip(sides, threads, strict=True)]
    return PairRun(
        pairs=tuple(pairs),
        cold=tuple(call.cold() for call in (calls[1:] or calls) if call.index not in once),
        before_untimed_s=spent[0] - sides[0].timed_s,
        after_untimed_s=spent[1] - sides[1].timed_s,
        before_import_s=imports_s[0],
        after_import_s=imports_s[1],
        cpu_s=sum(spent),
        wall_s=time.perf_counter() - wall,
        first=first.cold(),
        batch=batch,
        before_threads=more[0],
        after_threads=more[1],
    )


@dataclass(frozen=True)
class _FirstCall:
    """The first call on an input, timed alone on both sides."""

    index: int
    windows: tuple[Window, Window]

    def cold(self) -> ColdCall:
        before, after = self.windows
        return ColdCall(self.index, before.cpu_s, after.cpu_s, before.wall_s, after.wall_s)


def _first_calls(
    sides: tuple[_SideRun, _SideRun],
    order: Sequence[int],
    rates: Rates,
    replicate: int,
    between: Callable[[], None],
) -> list[_FirstCall]:
    """Call each input once, timed alone; the first input also warms the interpreter up.

    The very first call of a process specialises bytecode, so it says something about caching only
    when there is no other input.
    """
    found: list[_FirstCall] = []
    for place, index in enumerate(order):
        between()
        first: dict[Side, Window] = {}
        for side in sides if replicate % 2 == 0 else sides[::-1]:
            first[side.side] = side.window(index, 1)
            if (side.side, index) not in rates.call_s:
                side.calibrate(index, first[side.side].cost_s)
            elif place == 0 and rates.call_s[side.side, index] < BATCH_S:
                side.window(index, min(64, rates.most_calls(side.side, index)))
        found.append(_FirstCall(index, (first["before"], first["after"])))
    return found


def _cold_batch(
    sides: tuple[_SideRun, _SideRun], unseen: Sequence[int], replicate: int
) -> ColdBatch:
    """First and second calls on inputs that are not timed, by code that is warm already."""
    found: dict[tuple[Side, bool], float] = {}
    for again in (False, True):
        for side in sides if replicate % 2 == 0 else sides[::-1]:
            found[side.side, again] = side.batch(unseen)
    return ColdBatch(
        calls=len(unseen),
        before_cold_s=found["before", False],
        before_warm_s=found["before", True],
        after_cold_s=found["after", False],
        after_warm_s=found["after", True],
    )


def _pair(
    sides: tuple[_SideRun, _SideRun], index: int, rates: Rates, *, flipped: bool
) -> PairOfWindows:
    """One window of either side, in the given order."""
    found: dict[Side, tuple[Window, int]] = {}
    for side in sides[::-1] if flipped else sides:
        calls = rates.calls(side.side, index)
        found[side.side] = (side.window(index, calls), calls)
    (before, before_calls), (after, after_calls) = found["before"], found["after"]
    return pair_of(index, before, after, before_calls, after_calls)
