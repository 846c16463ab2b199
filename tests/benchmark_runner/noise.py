"""Simulated pairs of processes whose true gain is known, with the noise that real ones showed.

The model is of measurements on a loaded machine with two cores: processes of the same code differ
by a constant factor (memory layout; a spread of 0.2 % for C to 8 % for an integer loop, of each
log-ratio), windows of 2 ms by a few per cent and now and then by a preemption, and the machine
drifts as a whole, which both sides of a pair feel nearly alike.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from benchmark_runner.measuring.windows import PairOfWindows, PairRun

SPREADS = {
    "C": 0.002,
    "allocation": 0.012,
    "strings": 0.018,
    "numpy": 0.027,
    "1 us call": 0.037,
    "int loop, no ASLR": 0.044,
    "int loop": 0.08,
}
"""Standard deviation of a replicate's log-ratio by kind of workload (CPU clock)."""

_INPUTS = (0, 1)
_ROUNDS = 6
_CALL_S = 1e-3


@dataclass
class NoisyMachine:
    """Runs replicates of two versions, one of which is truly `gain` times as fast."""

    gain: float
    spread: float
    rng: random.Random
    loaded: float = 0.1
    """Share of the windows that meet a preemption."""
    heavy: float = 0.1
    """Share of the processes whose layout is three times as unlucky."""
    drift: float = 0.0

    def __post_init__(self) -> None:
        self.drift = self.rng.uniform(-0.15, 0.15)

    def _layout(self) -> float:
        """A process's own factor: two of them make a log-ratio with the kind's spread."""
        unlucky = 3.0 if self.rng.random() < self.heavy else 1.0
        usual = math.sqrt(1.0 - self.heavy + 9.0 * self.heavy)
        return math.exp(self.rng.gauss(0.0, self.spread / math.sqrt(2.0) / usual * unlucky))

    def _seconds(self, layout: float, when: float) -> float:
        cpu = _CALL_S * layout * math.exp(self.drift * when + abs(self.rng.gauss(0.0, 0.02)))
        if self.rng.random() < self.loaded:
            cpu *= 1.0 + self.rng.expovariate(4.0)  # cold caches behind a preemption
        return cpu

    def __call__(self, replicate: int, inputs: object = None) -> PairRun:
        before, after = self._layout(), self._layout() / self.gain
        pairs = []
        for round_ in range(_ROUNDS):
            for index in _INPUTS:
                when = (replicate + round_ / _ROUNDS) / 12
                first, second = self._seconds(before, when), self._seconds(after, when + 0.005)
                pairs.append(
                    PairOfWindows(
                        index=index,
                        before_cpu_s=first,
                        after_cpu_s=second,
                        before_wall_s=first,
                        after_wall_s=second,
                        before_calls=2,
                        after_calls=2,
                    )
                )
        return PairRun(
            pairs=tuple(pairs),
            cold=(),
            before_untimed_s=0.01,
            after_untimed_s=0.01,
            before_import_s=0.01,
            after_import_s=0.01,
            cpu_s=0.05,
            wall_s=0.1,
        )
