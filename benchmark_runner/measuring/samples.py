"""The replicates of a phase, what they amount to, and by which clock they are to be read.

CPU time says how long a function computes, whatever else the machine does. It says nothing of one
that sleeps, reads from a device or waits for its own threads, and it counts several cores as if
they were one: those are judged by wall time, less what the worker stood in line for a CPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmark_runner.measuring.statistics import (
    CPU_NOISE,
    LONG_NOISE,
    WALL_NOISE,
    Estimate,
    Noise,
    balanced_trimmed_mean,
    estimate,
    median,
    trimmed_mean,
)
from benchmark_runner.measuring.windows import PairOfWindows, PairRun, Side
from benchmark_runner.receipt import Clock, InputTiming, Replicate

_WAITS = 0.15
"""Share of a window without computing, above which CPU time says too little."""
_CORES = 1.3
"""CPU seconds per wall second, above which several cores are at work."""


@dataclass
class Samples:
    """The replicates of one phase and what they amount to."""

    runs: list[PairRun] = field(default_factory=list)
    clock: Clock = "cpu"
    once: bool = False
    """Calls so long that each process makes only one on an input."""

    def _centres(self, value: Callable[[PairOfWindows], float]) -> dict[int, float]:
        by_input: dict[int, list[float]] = {}
        for run in self.runs:
            for pair in run.pairs:
                by_input.setdefault(pair.index, []).append(value(pair))
        return {index: median(values) for index, values in by_input.items()}

    @property
    def noise(self) -> Noise:
        """What is known of the clock's noise."""
        return self._noise_of(self.clock)

    def _noise_of(self, clock: Clock) -> Noise:
        if clock == "wall":
            return WALL_NOISE
        return LONG_NOISE if self.once else CPU_NOISE

    def estimate(self, clock: Clock | None = None) -> Estimate:
        """The mean of the replicates by the clock that decides, or by the other one."""
        return estimate(self.values(clock), self._noise_of(clock or self.clock).prior_sd)

    def values(self, clock: Clock | None = None) -> list[float]:
        """The log-ratio of each replicate, every input weighing the same."""
        wall = (clock or self.clock) == "wall"

        def value(pair: PairOfWindows) -> float:
            return pair.log_wall if wall else pair.log_cpu

        centres = self._centres(value)
        return [
            balanced_trimmed_mean([(pair.index, value(pair)) for pair in run.pairs], centres)
            for run in self.runs
        ]

    def log_of(self, pair: PairOfWindows) -> float:
        """log(time before / after) of a pair by the clock that decides."""
        return pair.log_wall if self.clock == "wall" else pair.log_cpu

    def seconds(self, pair: PairOfWindows, side: Side) -> float:
        """Seconds per call of a side by the clock that decides."""
        if self.clock == "wall":
            return pair.before_wall_s if side == "before" else pair.after_wall_s
        return pair.before_cpu_s if side == "before" else pair.after_cpu_s

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
                    log_ratio=trimmed_mean([self.log_of(pair) for pair in pairs]),
                    before_s=median([self.seconds(pair, "before") for pair in pairs]),
                    after_s=median([self.seconds(pair, "after") for pair in pairs]),
                )
            )
        return tuple(found)


@dataclass(frozen=True)
class Doing:
    """What a version does in its windows: the share of waiting (0 to 1), and on how many cores."""

    waiting: float
    cores: float


def doing(samples: Samples, side: Side) -> Doing:
    """What a version does while it is timed, every input weighing the same.

    The middle window of each input counts: a worker that was kept waiting by others now and then
    does not wait, and one that sleeps does so in each window, however busy the machine is.
    """
    waiting, cores = [], []
    for index in samples.inputs():
        pairs = [pair for run in samples.of_input(index) for pair in run]
        waiting.append(median([pair.waiting(side) for pair in pairs]))
        cores.append(median([pair.cores(side) for pair in pairs]))
    return Doing(math.fsum(waiting) / len(waiting), math.fsum(cores) / len(cores))


def clock_for(samples: Samples) -> Clock:
    """The clock by which the versions are to be judged: wall time where either of them waits or
    uses several cores, else CPU time."""
    for found in (doing(samples, "before"), doing(samples, "after")):
        if found.waiting > _WAITS or found.cores > _CORES:
            return "wall"
    return "cpu"


def clock_note(samples: Samples) -> str | None:
    """Why wall time decides, for the receipt; None for CPU time."""
    if samples.clock == "cpu":
        return None
    said = []
    for name, found in (
        ("the original", doing(samples, "before")),
        ("the candidate", doing(samples, "after")),
    ):
        if found.cores > _CORES:
            said.append(f"{name} uses {found.cores:.1f} cores")
        elif found.waiting > _WAITS:
            said.append(f"{name} waits for {found.waiting:.0%} of its time")
    cpu = samples.estimate("cpu")
    low, high = cpu.interval
    why = " and ".join(said) or "it waits, or uses several cores"
    return (
        f"judged by wall time, less the time in line for a CPU: {why}; by CPU time it is "
        f"{cpu.ratio:.3g}x ({low:.3g} to {high:.3g})"
    )
