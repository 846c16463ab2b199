"""What the pairs of processes say of a case at one size: a ratio, its interval, when to stop.

A table needs no decision, only an honest interval. A case ends at one early look where it is clear,
or so near to 1 that nothing is left to find out, else after a fixed number of pairs. Looking twice
may miss twice: so what ends early is told with a 99 % interval and the others with one of 96 %, and
both together miss the truth in 5 % of all cases at most (Bonferroni; simulated in the tests).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark_runner.measuring.statistics import CPU_NOISE, Noise, estimate, student_t_quantile

FEWEST, MOST = 5, 8
"""Pairs of fresh processes after which a case may end, and after which it does."""
_MISSES_EARLY, _MISSES = 0.01, 0.04
"""Shares of the intervals of an early end, and of the others, that may miss the truth."""
_CLEARLY = math.log(1.1)
"""A gain or loss smaller than this is worth all pairs."""
_NEARLY = 1.05
"""Within this factor of 1 nothing is left to find out."""


@dataclass(frozen=True)
class Reading:
    """A ratio (time before by time after) with the bounds of its 95 % interval."""

    ratio: float
    low: float
    high: float


def read(values: Sequence[float], noise: Noise = CPU_NOISE) -> Reading:
    """What the log-ratios of pairs of processes say, of which there are FEWEST or MOST.

    The wider of two intervals: by the spread that was seen, and by the one that is usual for the
    clock, since a few values may lie together by luck. Raises ValueError without two values.
    """
    if len(values) < 2:
        raise ValueError("one pair of processes tells no spread")
    share = _MISSES_EARLY if len(values) <= FEWEST else _MISSES
    usual = estimate(values, noise.prior_sd)
    count = len(values)
    squares = math.fsum((value - usual.mean) ** 2 for value in values)
    seen = math.sqrt(squares / (count - 1) / count) * student_t_quantile(1 - share / 2, count - 1)
    half = max(seen, usual.bound(1 - share / 2) - usual.mean)
    return Reading(usual.ratio, math.exp(usual.mean - half), math.exp(usual.mean + half))


def enough(values: Sequence[float], noise: Noise = CPU_NOISE) -> bool:
    """Whether no more pairs are wanted after these."""
    if len(values) >= MOST:
        return True
    if len(values) != FEWEST:
        return False
    now = read(values, noise)
    if now.low <= 1.0 <= now.high:
        return now.low >= 1 / _NEARLY and now.high <= _NEARLY
    return abs(math.log(now.ratio)) >= _CLEARLY
