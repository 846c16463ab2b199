"""Gains that are not what they seem: on some inputs only, on seen ones only, or paid elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark_runner.measuring.samples import Samples
from benchmark_runner.measuring.statistics import estimate, median, trimmed_mean
from benchmark_runner.measuring.windows import ColdCall, PairRun

_PAIR_SD = 0.06
"""Spread of one pair of 2 ms windows on the CPU clock."""
_SLOWER_THAN = 0.95
_MOSTLY = 0.5
"""Share of a gain (of its logarithm) that first calls must have, else it is said."""
_FIRST_S = 1e-3
"""Shorter first calls are mostly what a first call costs anyway."""
_SHARES, _WALL_SHARES = 0.1, 0.3
"""Spread of the share of a gain that a first call lacks, by CPU and by wall time."""
_COLD_FLOOR_S = 20e-6
"""What the first call of a version may cost beside its work, and the clock may blur."""
_COLD_GAIN_S = 0.2e-3
"""Smaller gains per call drown in what a first call costs anyway (a library that fills its caches,
cold memory); memories that save so little show in the interpreter's steps."""


def slower_on(samples: Samples) -> tuple[int, ...]:
    """Inputs on which the candidate is slower beyond the noise: at least 5 %, at 99 %."""
    found = []
    for index in samples.inputs():
        by_run = [
            [samples.log_of(pair) for pair in pairs] for pairs in samples.of_input(index) if pairs
        ]
        most = max(len(values) for values in by_run)
        spread = math.sqrt(samples.noise.prior_sd**2 + _PAIR_SD**2 / most)
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
    warm: float | None = None
    """The ratio of later calls on the same inputs."""


def cold_probe(samples: Sequence[Samples]) -> ColdProbe:
    """Compare the first call on an input with the later ones, on both sides.

    The first call's extra cost (window, cold caches) is taken from the original: what the
    candidate's first call costs beyond that, as a share of the gain, is what it owes to having
    seen the input before.
    """
    shares, logs = [], []
    wall = samples[0].clock == "wall"
    warm = {timing.input: timing for group in samples for timing in group.timings()}
    for run in (run for group in samples for run in group.runs):
        for call in run.cold:
            timing = warm.get(call.index)
            if timing is None:
                continue
            gain = timing.before_s - timing.after_s
            if gain < _COLD_GAIN_S or timing.after_s <= 0:
                continue
            before_s, after_s = seconds_of(call, wall=wall)
            extra = (after_s - timing.after_s) - (before_s - timing.before_s)
            extra = 0.0 if extra < _COLD_FLOOR_S else extra
            shares.append(min(extra / gain, 3.0))
            logs.append(math.log(timing.before_s / (timing.after_s + extra)))
    if len(shares) < 3:
        return ColdProbe(None, None)
    prior_sd = _WALL_SHARES if wall else _SHARES
    now = estimate([trimmed_mean(shares[start::3]) for start in range(3)], prior_sd=prior_sd)
    return ColdProbe(ratio=math.exp(trimmed_mean(logs)), lost=now.bound(0.025))


def batch_probe(samples: Sequence[Samples]) -> ColdProbe:
    """The same for short calls: many first calls on unseen inputs in one window.

    Where a library keeps what it was asked (compiled patterns, say), a first call lacks that too,
    so this is told and refuses nothing.
    """
    shares, logs, warm = [], [], []
    for run, _ in _runs(samples):
        batch = run.batch
        if batch is None:
            continue
        gain = batch.before_warm_s - batch.after_warm_s
        if gain * batch.calls < _COLD_GAIN_S or batch.after_warm_s <= 0:
            continue  # the second: shorter than the clock's step
        extra = (batch.after_cold_s - batch.after_warm_s) - (
            batch.before_cold_s - batch.before_warm_s
        )
        extra = 0.0 if extra * batch.calls < _COLD_FLOOR_S else extra
        shares.append(min(extra / gain, 3.0))
        logs.append(math.log(batch.before_warm_s / (batch.after_warm_s + extra)))
        warm.append(math.log(batch.before_warm_s / batch.after_warm_s))
    if len(shares) < 3:
        return ColdProbe(None, None)
    now = estimate([trimmed_mean(shares[start::3]) for start in range(3)], prior_sd=_SHARES)
    return ColdProbe(math.exp(median(logs)), now.bound(0.025), math.exp(median(warm)))


def cold_note(samples: Sequence[Samples]) -> str | None:
    """What is to be said of a gain that first calls lack, or None."""
    warm, probe = samples[0].estimate(), batch_probe(samples)
    cold, again = math.log(probe.ratio or 1.0), math.log(probe.warm or 1.0)
    if probe.ratio is not None and probe.warm is not None and cold < _MOSTLY * again:
        return (
            f"on inputs that its process had not seen it is {probe.ratio:.2f}x, on the same "
            f"ones called again {probe.warm:.2f}x"
        )
    first = first_calls(samples)
    if first is None or first[0] < _FIRST_S:
        return None
    if math.log(first[0] / first[1]) < _MOSTLY / 2 * warm.mean:
        return (
            f"the very first call of a process gains {first[0] / first[1]:.2f}x "
            f"({first[0] * 1e3:.2f} ms before, {first[1] * 1e3:.2f} ms after): what a program that "
            "calls it once would see"
        )
    return None


def seconds_of(call: ColdCall, *, wall: bool) -> tuple[float, float]:
    """Seconds of both sides of a first call by the clock that decides."""
    if wall:
        return call.before_wall_s, call.after_wall_s
    return call.before_s, call.after_s


def first_calls(samples: Sequence[Samples]) -> tuple[float, float] | None:
    """Seconds of the very first call in a fresh process of either version, the middle of all.

    What a tool that calls the function once per process would see, imports apart.
    """
    calls = [
        seconds_of(run.first, wall=group.clock == "wall")
        for group in samples
        for run in group.runs
        if run.first is not None
    ]
    if not calls:
        return None
    return median([before for before, _ in calls]), median([after for _, after in calls])


def takes_more_wall(samples: Samples) -> bool:
    """Whether the candidate takes more wall time: the upper 95 % bound of its gain is a loss."""
    return samples.estimate("wall").bound(0.95) < 0.0


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


def _runs(groups: Sequence[Samples]) -> list[tuple[PairRun, Samples]]:
    return [(run, group) for group in groups for run in group.runs]


def moved_outside(groups: Sequence[Samples]) -> tuple[float, float] | None:
    """CPU seconds outside the windows of each side, where the candidate deferred work to there.

    Staging costs per call, and the faster side makes more calls: it may spend that much more.
    """
    ratios = []
    for run, phase in _runs(groups):
        calls = [sum(pair.before_calls for pair in run.pairs)]
        calls.append(sum(pair.after_calls for pair in run.pairs))
        saved = math.fsum(
            (phase.seconds(pair, "before") - phase.seconds(pair, "after")) * pair.after_calls
            for pair in run.pairs
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


def leaves_threads(groups: Sequence[Samples]) -> int | None:
    """How many threads a candidate that is judged by wall time leaves behind, more than the
    original does; None for none. Their work would be nobody's time.
    """
    runs = [run for group in groups if group.clock == "wall" for run in group.runs]
    if not runs:
        return None
    more = median([run.after_threads - run.before_threads for run in runs])
    return math.ceil(more) if more > 0 else None
