"""Protocol v2: fresh pairs of processes until the gain is decided, then fresh ones to confirm it.

Measured with a prototype on a loaded machine: 0 of 334 live runs on identical code were
called faster, 152 of 166 at a true 1.1x, all at 3x.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.receipt import InputTiming, Measurement, Replicate
from benchmark_runner.statistics import (
    CONFIRM_REPLICATES,
    LOOKS,
    MIN_GAIN,
    PRIOR_SD,
    Step,
    balanced_trimmed_mean,
    confirms,
    estimate,
    fails,
    look,
    median,
    trimmed_mean,
)
from benchmark_runner.timing import PairOfWindows, PairRun, Rates

MOST_TIMED = 40
"""More inputs than this are timed by an evenly spaced subset."""
TIMED_CALLS_S = 0.5
"""CPU seconds of the original that one pass over the timed inputs may take."""
FOUND_CALLS_S = 0.25
"""The same for inputs that nobody chose: one that is left out says what its neighbours say."""
_NEGLIGIBLE = 0.02
"""Calls of a real run that take no more than this share of its time together are not timed."""
_LEAST_SHARE = 32
"""An input that was made up is timed when a call costs this part of the dearest one."""
_ENOUGH_INPUTS = 6
_MOST_GLANCED = 8
_GLANCED_CALLS_S = 0.1
"""The same two for a search, whose findings are proved afterwards."""
_PAIR_SD = 0.06
"""Spread of one pair of 2 ms windows on the CPU clock."""
_SLOWER_THAN = 0.95
_WAITS_BELOW = 0.5
_COLD_FLOOR_S = 20e-6
"""What the first call of a version may cost beside its work, and the clock may blur."""
_COLD_GAIN_S = 0.2e-3
"""Smaller gains per call drown in what a first call costs anyway (a library that fills its caches,
cold memory); memories that save so little show in the interpreter's steps."""

RunReplicate = Callable[[int, Sequence[int]], PairRun]
"""Times pair number n of fresh processes on the inputs; n alternates hash seeds and order."""


Rule = Callable[[Sequence[float]], Step]
"""What to do after these replicates: `look` for a proof, `glance` for a search."""


@dataclass(frozen=True)
class TimingPlan:
    """Which inputs are timed. `selection` is what a search may look at, `holdout` the rest."""

    timed: tuple[int, ...]
    selection: tuple[int, ...]
    holdout: tuple[int, ...]


def plan_inputs(
    costs_s: Sequence[float], sizes: Sequence[int], calls_s: float = TIMED_CALLS_S
) -> TimingPlan:
    """Choose the inputs to time by their sizes and the original's seconds per call.

    At most 40, evenly spaced over the order of size, and fewer where one pass over them would
    take the original more than `calls_s` seconds. Every other
    one in that order is held out from the search, the largest first. What a call costs is never
    measured twice alike, so it only bounds the number, by its power of two: another run chooses
    the same inputs. Raises ValueError without inputs.
    """
    if not costs_s:
        raise ValueError("no inputs to time")
    ranked = sorted(range(len(costs_s)), key=lambda index: (sizes[index], index))
    costs = [2.0 ** round(math.log2(max(cost, 1e-9))) for cost in costs_s]
    count = min(MOST_TIMED, len(ranked))
    chosen = _spaced(ranked, count)
    while count > 2 and sum(costs[index] for index in chosen) > calls_s:
        count -= 1
        chosen = _spaced(ranked, count)
    held = chosen[::-1][::2] if count > 1 else []
    return TimingPlan(
        timed=tuple(sorted(chosen)),
        selection=tuple(sorted(set(chosen) - set(held))),
        holdout=tuple(sorted(held)),
    )


def weighty(costs_s: Mapping[int, float], stands_for: float = 1.0) -> list[int]:
    """The calls of a real run that make up 98 % of its time, in order.

    Hundreds of short calls would outvote the one that the run waits for, since every input weighs
    the same. `stands_for` says how many calls of the run each short one may stand for. Costs count
    by their power of eight: another run leaves out the same ones.
    """
    rough = {i: 8.0 ** round(math.log(max(cost, 1e-9), 8)) for i, cost in costs_s.items()}
    left_out, most = 0.0, _NEGLIGIBLE * sum(rough.values())
    kept = set(costs_s)
    for index in sorted(rough, key=lambda i: (rough[i], i)):
        left_out += stands_for * rough[index]
        if left_out > most:
            break
        kept.discard(index)
    least = min(rough[index] for index in kept)
    return [index for index in costs_s if rough[index] >= least]


def worth_timing(costs_s: Mapping[int, float]) -> list[int]:
    """Of inputs that were made up, those on which the function has something to do.

    A call on an empty list is as short as the clock is blurred, and its ratio is another one in
    every run. Where few would be left, all are timed.
    """
    floor = min(costs_s.values())  # of one call by the clock, much of it the clock's own
    dearest = max(costs_s.values()) - floor
    worth = [i for i, cost in costs_s.items() if (cost - floor) * _LEAST_SHARE >= dearest]
    return worth if len(worth) >= _ENOUGH_INPUTS else list(costs_s)


def _spaced(items: Sequence[int], count: int) -> list[int]:
    """`count` of the items, evenly spaced, both ends included where there is room for them."""
    if count == 1:
        return [items[len(items) // 2]]
    step = (len(items) - 1) / (count - 1)
    return [items[round(place * step)] for place in range(count)]


def glanced_inputs(plan: TimingPlan, costs_s: Mapping[int, float]) -> tuple[int, ...]:
    """The few inputs that a search times: of those not held out, spread over the cost."""
    ranked = sorted(plan.selection, key=lambda index: (costs_s[index], index))
    count = min(_MOST_GLANCED, len(ranked))
    while count > 1 and sum(costs_s[i] for i in _spaced(ranked, count)) > _GLANCED_CALLS_S:
        count -= 1
    return tuple(sorted(_spaced(ranked, count)))


@dataclass
class Samples:
    """The replicates of one phase and what they amount to."""

    runs: list[PairRun] = field(default_factory=list)

    def _centres(self, value: Callable[[PairOfWindows], float]) -> dict[int, float]:
        by_input: dict[int, list[float]] = {}
        for run in self.runs:
            for pair in run.pairs:
                by_input.setdefault(pair.index, []).append(value(pair))
        return {index: median(values) for index, values in by_input.items()}

    def values(self, *, wall: bool = False) -> list[float]:
        """The log-ratio of each replicate, every input weighing the same."""

        def value(pair: PairOfWindows) -> float:
            return pair.log_wall if wall else pair.log_cpu

        centres = self._centres(value)
        return [
            balanced_trimmed_mean([(pair.index, value(pair)) for pair in run.pairs], centres)
            for run in self.runs
        ]

    def of_input(self, index: int) -> list[list[PairOfWindows]]:
        """The windows on one input, by replicate."""
        return [[pair for pair in run.pairs if pair.index == index] for run in self.runs]

    def inputs(self) -> tuple[int, ...]:
        """The inputs that were timed."""
        return tuple(sorted({pair.index for run in self.runs for pair in run.pairs}))

    def replicates(self) -> tuple[Replicate, ...]:
        """The replicates for the receipt."""
        return tuple(
            Replicate(log_ratio=value, pairs=len(run.pairs), cpu_s=run.cpu_s, wall_s=run.wall_s)
            for value, run in zip(self.values(), self.runs, strict=True)
        )

    def timings(self) -> tuple[InputTiming, ...]:
        """Each input's own log-ratio and seconds per call."""
        found = []
        for index in self.inputs():
            pairs = [pair for run in self.of_input(index) for pair in run]
            found.append(
                InputTiming(
                    input=index,
                    log_ratio=trimmed_mean([pair.log_cpu for pair in pairs]),
                    before_s=median([pair.before_cpu_s for pair in pairs]),
                    after_s=median([pair.after_cpu_s for pair in pairs]),
                )
            )
        return tuple(found)


def first_phase(
    run: RunReplicate,
    inputs: Sequence[int],
    rates: Rates,
    *,
    rule: Rule = look,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> tuple[Samples, Step]:
    """Time replicates until the rule decides. `run` is called with 0, 1, 2, ..."""
    samples = Samples()
    step: Step = "continue"
    while step == "continue":
        if cancel:
            cancel.check()
        done = len(samples.runs)
        progress(f"timing, pair {done + 1} of at most {LOOKS[-1]}", done / LOOKS[-1])
        samples.runs.append(run(done, inputs))
        rates.learn(samples.runs[-1].pairs)
        if waits(samples):
            return samples, "stop"
        step = rule(samples.values())
    return samples, step


def confirmation(
    run: RunReplicate,
    inputs: Sequence[int],
    first: int,
    *,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Samples:
    """Three fresh replicates, numbered from `first` on; what can't hold any more ends early."""
    samples = Samples()
    for done in range(CONFIRM_REPLICATES):
        if cancel:
            cancel.check()
        progress(f"confirming, pair {done + 1} of {CONFIRM_REPLICATES}", done / CONFIRM_REPLICATES)
        samples.runs.append(run(first + done, inputs))
        if fails(samples.values()):
            break
    return samples


def waits(samples: Samples) -> bool:
    """Whether the original spends most of its time not computing (sleep, disk, a lock).

    Time in line for a CPU is no waiting; where the kernel does not tell it, the window with the
    largest share of CPU comes nearest to the truth.
    """
    return max(pair.before_busy for run in samples.runs for pair in run.pairs) < _WAITS_BELOW


def slower_on(samples: Samples) -> tuple[int, ...]:
    """Inputs on which the candidate is slower beyond the noise: at least 5 %, at 99 %."""
    found = []
    for index in samples.inputs():
        by_run = [[pair.log_cpu for pair in pairs] for pairs in samples.of_input(index) if pairs]
        most = max(len(values) for values in by_run)
        spread = math.sqrt(PRIOR_SD**2 + _PAIR_SD**2 / most)
        now = estimate([trimmed_mean(values) for values in by_run], prior_sd=spread)
        if now.mean < math.log(_SLOWER_THAN) and now.bound(0.99) < 0.0:
            found.append(index)
    return tuple(found)


@dataclass(frozen=True)
class ColdProbe:
    """What calls on unseen inputs tell. `lost` is the lower bound of the share of the gain
    (1 = all of it) that the first call on an input lacks; None where calls are too short.
    """

    ratio: float | None
    lost: float | None


def cold_probe(samples: Sequence[Samples]) -> ColdProbe:
    """Compare the first call on an input with the later ones, on both sides.

    The first call's extra cost (window, cold caches) is taken from the original: what the
    candidate's first call costs beyond that, as a share of the gain, is what it owes to having
    seen the input before.
    """
    shares, logs = [], []
    warm = {timing.input: timing for group in samples for timing in group.timings()}
    for run in (run for group in samples for run in group.runs):
        for call in run.cold:
            timing = warm.get(call.index)
            if timing is None:
                continue
            gain = timing.before_s - timing.after_s
            if gain < _COLD_GAIN_S:
                continue
            extra = (call.after_s - timing.after_s) - (call.before_s - timing.before_s)
            extra = 0.0 if extra < _COLD_FLOOR_S else extra
            shares.append(min(extra / gain, 3.0))
            logs.append(math.log(timing.before_s / (timing.after_s + extra)))
    if len(shares) < 3:
        return ColdProbe(None, None)
    now = estimate([trimmed_mean(shares[start::3]) for start in range(3)], prior_sd=0.1)
    return ColdProbe(ratio=math.exp(trimmed_mean(logs)), lost=now.bound(0.025))


def summarise(
    samples: Samples, step: Step, confirmed: Samples | None, *, reason: str
) -> Measurement:
    """The measurement of a receipt; `reason` is the decision's in words."""
    now = estimate(samples.values())
    timings = samples.timings()
    groups = [samples, confirmed] if confirmed else [samples]
    return Measurement(
        ratio=now.ratio,
        interval=now.interval,
        accepted=step == "accept",
        confirmed=confirms(confirmed.values()) if confirmed else None,
        reason=reason,
        replicates=samples.replicates(),
        confirmation=confirmed.replicates() if confirmed else (),
        inputs=timings,
        cold_ratio=cold_probe(groups).ratio,
        wall_ratio=estimate(samples.values(wall=True)).ratio,
        before_s=math.fsum(timing.before_s for timing in timings) / len(timings),
        after_s=math.fsum(timing.after_s for timing in timings) / len(timings),
    )


def takes_more_wall(samples: Samples) -> bool:
    """Whether the candidate takes clearly more wall time (upper 95 % bound below 1/1.05)."""
    now = estimate(samples.values(wall=True), prior_sd=2 * PRIOR_SD)
    return now.bound(0.95) < -math.log(MIN_GAIN)


def moved_to_import(groups: Sequence[Samples]) -> tuple[float, float] | None:
    """CPU seconds of importing each version, where the candidate moved work there.

    Small constants may be built at import: 8 ms (and a fifth of the original's import) are free.
    """
    runs = [run for group in groups for run in group.runs]
    before = median([run.before_import_s for run in runs])
    after = median([run.after_import_s for run in runs])
    gain = max(timing.before_s - timing.after_s for group in groups for timing in group.timings())
    extra = after - before
    if extra > 0.008 + before / 5 and extra > gain / 2:
        return before, after
    return None


def moved_outside(groups: Sequence[Samples]) -> tuple[float, float] | None:
    """CPU seconds outside the windows of each side, where the candidate deferred work to there.

    Staging costs per call, and the faster side makes more calls: it may spend that much more.
    """
    ratios = []
    for run in (run for group in groups for run in group.runs):
        calls = [sum(pair.before_calls for pair in run.pairs)]
        calls.append(sum(pair.after_calls for pair in run.pairs))
        saved = math.fsum(
            (pair.before_cpu_s - pair.after_cpu_s) * pair.after_calls for pair in run.pairs
        )
        fair = 1.5 * run.before_untimed_s * max(1.0, calls[1] / calls[0])
        excess = run.after_untimed_s - fair
        ratios.append((excess - 0.02 > saved / 2 and saved > 0, run))
    deferred = [run for found, run in ratios if found]
    if len(deferred) * 2 <= len(ratios):
        return None
    return (
        median([run.before_untimed_s for run in deferred]),
        median([run.after_untimed_s for run in deferred]),
    )
