"""What the pairs of processes say of a case at one size: a ratio, its interval, when to stop.

A table needs no decision, only an honest interval. So the number of pairs is fixed but for one
early look, after which a case ends where a far wider interval than the one reported leaves 1 out
(of identical code one in a thousand does), or where the reported one holds 1 and little else (which
makes no claim). So looking twice adds nothing to the share of intervals that leave a true 1 out:
it is below 5 % whatever the spread of the pairs (simulated in the tests).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark_runner.measuring.statistics import CPU_NOISE, Noise, estimate, student_t_quantile

FEWEST, MOST = 5, 8
"""Pairs of fresh processes after which a clear case ends, and any other one."""
_CLEAR = 0.001
"""Chance that a true 1 ends early."""
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


def read(values: Sequence[float], noise: Noise = CPU_NOISE, *, share: float = 0.05) -> Reading:
    """What the log-ratios of pairs of processes say; the interval misses in `share` of all cases.

    The wider of two intervals: by the spread that was seen, and by the one that is usual for the
    clock, since a few values may lie together by luck. Raises ValueError without two values.
    """
    if len(values) < 2:
        raise ValueError("one pair of processes tells no spread")
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
    now, sure = read(values, noise), read(values, noise, share=_CLEAR)
    clear = sure.low > 1.0 or sure.high < 1.0
    if clear and abs(math.log(sure.ratio)) >= _CLEARLY:
        return True
    return 1 / _NEARLY <= now.low <= 1.0 <= now.high <= _NEARLY
