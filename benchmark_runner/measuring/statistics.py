"""Statistics of protocol v2: what a set of log-ratios lets us say, and when to stop asking.

A *replicate* is one pair of fresh processes; its log-ratio is log(time before / time after), so
above 0 is faster. Two processes of the same code differ by up to some per cent (memory layout), so
the process pair is the unit of replication, never the batch (Kalibera & Jones 2013; Mytkowicz et
al. 2009). With four replicates a plain variance is too uncertain: it is moderated with a prior of
2.5 % that weighs four degrees of freedom (Smyth 2004), both measured on process pairs. Wall time
has a prior of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

PRIOR_SD = 0.025
"""Prior standard deviation of a replicate's log-ratio."""
PRIOR_DF = 4
"""Degrees of freedom that the prior weighs."""
LOOKS = (4, 5, 6, 8, 10, 12)
"""Numbers of replicates after which the first phase is judged."""
ALPHA = 0.01
"""Chance to accept no gain in the whole first phase; every look spends its equal share."""
MIN_GAIN = 1.05
"""The smallest ratio that is offered."""
_HOPELESS, _PROMISING = 1.0, 1.2
CONFIRM_GAIN = 1.03
CONFIRM_REPLICATES = 3
TRIM = 0.25

MOST_PAIRS = 200
"""More pairs of processes than this are no advice that anybody follows."""
Step = Literal["continue", "accept", "stop", "exhausted"]


@dataclass(frozen=True)
class Noise:
    """What is known of a clock's noise before anything was measured, and how often to look.

    `prior_sd` is the standard deviation of a replicate's log-ratio; `looks` are the numbers of
    replicates after which it is judged; `confirm` the number of fresh ones, of which `misses` may
    fail to be faster; `again` how many more are asked where those don't confirm.
    """

    prior_sd: float = PRIOR_SD
    looks: tuple[int, ...] = LOOKS
    confirm: int = CONFIRM_REPLICATES
    misses: int = 1
    again: int = 0


CPU_NOISE = Noise(again=3)
WALL_NOISE = Noise(prior_sd=2 * PRIOR_SD, looks=(6, 8, 10, 12, 16), confirm=4)
"""Of wall time: other processes, timers and disks take part, so it is asked more often."""
LONG_NOISE = Noise(prior_sd=0.03, looks=(3, 4, 6, 8), confirm=2, misses=0)
"""Of calls so long that one of them fills a replicate: what disturbs a short window is a small part
of them, and each pair costs the user seconds."""


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Continued fraction of the incomplete beta function (Lentz; Numerical Recipes 6.4)."""
    tiny = 1e-300
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    h = d
    for m in range(1, 400):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 + numerator * d
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = 1.0 + numerator / c
            c = c if abs(c) > tiny else tiny
            h *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return h


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised incomplete beta function I_x(a, b)."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _beta_fraction(a, b, x) / a
    return 1.0 - front * _beta_fraction(b, a, 1.0 - x) / b


def student_t_cdf(t: float, df: float) -> float:
    """P(T <= t) of Student's t with `df` degrees of freedom."""
    tail = 0.5 * _incomplete_beta(df / 2.0, 0.5, df / (df + t * t))
    return 1.0 - tail if t > 0 else tail


@lru_cache(maxsize=256)
def student_t_quantile(p: float, df: float) -> float:
    """The t with P(T <= t) = p. Raises ValueError unless 0 < p < 1 and df > 0."""
    if not 0.0 < p < 1.0 or df <= 0:
        raise ValueError(f"no t quantile for p={p}, df={df}")
    if p == 0.5:
        return 0.0
    if p < 0.5:
        return -student_t_quantile(1.0 - p, df)
    low, high = 0.0, 1.0
    while student_t_cdf(high, df) < p:
        low, high = high, high * 2.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        if student_t_cdf(middle, df) < p:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def median(values: Sequence[float]) -> float:
    """The middle value. Raises ValueError when there is none."""
    if not values:
        raise ValueError("median of nothing")
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else 0.5 * (ordered[half - 1] + ordered[half])


def trimmed_mean(values: Sequence[float], trim: float = TRIM) -> float:
    """The mean without the lowest and the highest `trim` share of the values."""
    if not values:
        raise ValueError("mean of nothing")
    ordered = sorted(values)
    cut = int(len(ordered) * trim)
    kept = ordered[cut : len(ordered) - cut]
    return math.fsum(kept) / len(kept)


def balanced_trimmed_mean(
    pairs: Sequence[tuple[int, float]], centres: dict[int, float], trim: float = TRIM
) -> float:
    """The trimmed mean of (input, log-ratio) pairs in which every input weighs the same.

    Inputs may truly differ (1.1x on small lists, 9x on long ones), and trimming the pool would
    throw away the ends instead of the disturbed batches. So a pair is trimmed by its distance from
    its own input's centre, and the mean of the centres is added back. With one input this is the
    plain trimmed mean; an error in a centre cancels but for which pairs are trimmed.
    """
    used = {index for index, _ in pairs}
    base = math.fsum(centres[index] for index in used) / len(used)
    return base + trimmed_mean([value - centres[index] for index, value in pairs], trim)


@dataclass(frozen=True)
class Estimate:
    """Mean of log-ratios with its moderated standard error; `df` counts the prior's too."""

    mean: float
    error: float
    df: float
    count: int

    def bound(self, p: float) -> float:
        """The one-sided bound on the log scale: p = 0.99 is an upper one, 0.01 a lower one."""
        return self.mean + student_t_quantile(p, self.df) * self.error

    @property
    def ratio(self) -> float:
        """exp(mean): above 1 is faster."""
        return math.exp(self.mean)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the ratio (optimistic by the early stopping: 83 to 96 % seen)."""
        return math.exp(self.bound(0.025)), math.exp(self.bound(0.975))


def estimate(values: Sequence[float], prior_sd: float = PRIOR_SD) -> Estimate:
    """Moderated t of log-ratios. Raises ValueError when there are none."""
    if not values:
        raise ValueError("estimate of nothing")
    count = len(values)
    mean = math.fsum(values) / count
    squares = math.fsum((value - mean) ** 2 for value in values)
    df = PRIOR_DF + count - 1
    variance = (PRIOR_DF * prior_sd**2 + squares) / df
    return Estimate(mean=mean, error=math.sqrt(variance / count), df=df, count=count)


def look(values: Sequence[float], noise: Noise = CPU_NOISE) -> Step:
    """What the first phase does after these replicates.

    accept: the lower bound is above 1.00 and the estimate at least 1.05; stop: the upper 95 %
    bound is below 1.05; exhausted: the last look left it open.
    """
    count, last = len(values), noise.looks[-1]
    if count not in noise.looks:
        return "continue" if count < last else "exhausted"
    now = estimate(values, noise.prior_sd)
    if now.bound(ALPHA / len(noise.looks)) > 0.0 and now.mean >= math.log(MIN_GAIN):
        return "accept"
    if now.bound(0.95) < math.log(MIN_GAIN):
        return "stop"
    return "exhausted" if count >= last else "continue"


def glance(values: Sequence[float], noise: Noise = CPU_NOISE) -> Step:
    """What a search does after these replicates: the proof comes later, so two are enough.

    One replicate decides where it lies far from the question, a second one where it does not
    (measured: a replicate has a spread of 1 to 8 %, so it is much the same by either clock).
    """
    mean = math.fsum(values) / len(values)
    if len(values) == 1 and math.log(_HOPELESS) <= mean < math.log(_PROMISING):
        return "continue"
    return "accept" if mean >= math.log(MIN_GAIN) else "stop"


def fails(values: Sequence[float], noise: Noise = CPU_NOISE) -> bool:
    """Whether so many fresh replicates are not faster that the others can't mend it."""
    return sum(value <= 0.0 for value in values) > noise.misses + bool(noise.again)


def asks_more(values: Sequence[float], noise: Noise = CPU_NOISE) -> bool:
    """Whether another fresh replicate is wanted after these."""
    if fails(values, noise) or confirms(values, noise):
        return False
    return len(values) < noise.confirm + noise.again


def confirms(values: Sequence[float], noise: Noise = CPU_NOISE) -> bool:
    """Whether the fresh replicates hold the claim: on average at least 1.03, one may miss.

    Where the first ones don't, more are asked if the clock's noise says so, and the mean without
    the best and the worst of all counts: beside other work one process in ten is off by a tenth,
    which three values can't carry. Simulated with a tenth of triple spreads: a true 1.10x goes
    unconfirmed in 0.1 % of the proofs at a spread of 4 % and in 1 % at 6 % (three values alone: 2
    and 6 %), identical code is called faster in 0.05 % and 0.5 %.
    """
    least, misses = math.log(CONFIRM_GAIN), sum(value <= 0.0 for value in values)
    if len(values) < noise.confirm or misses > noise.misses + bool(noise.again):
        return False
    if len(values) < noise.confirm + noise.again:
        first = values[: noise.confirm]
        return len(values) == len(first) and misses <= noise.misses and _mean(first) >= least
    return _mean(sorted(values)[1:-1] if noise.again else values) >= least


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def pairs_to_decide(values: Sequence[float], noise: Noise = CPU_NOISE) -> int | None:
    """How many replicates would decide, if the mean and the spread stay as they are seen.

    None where no affordable number does: the truth lies too near to the smallest gain that is
    offered, which no noise is to blame for.
    """
    now = estimate(values, noise.prior_sd)
    spread = now.error * math.sqrt(now.count)
    least = math.log(MIN_GAIN)
    for count in range(len(values) + 1, MOST_PAIRS + 1):
        error, df = spread / math.sqrt(count), PRIOR_DF + count - 1
        low = now.mean + student_t_quantile(ALPHA / len(noise.looks), df) * error
        if now.mean >= least and low > 0.0:
            return count
        if now.mean < least and now.mean + student_t_quantile(0.95, df) * error < least:
            return count
    return None
