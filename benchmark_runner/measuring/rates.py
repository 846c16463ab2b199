"""How far a rate may lie from the share that was seen: exact bounds of a binomial proportion."""

from __future__ import annotations

import math
from collections.abc import Callable


def binomial_at_most(k: int, n: int, p: float) -> float:
    """P(X <= k) of n trials that each succeed with probability p."""
    if k >= n or p <= 0.0:
        return 1.0
    if k < 0 or p >= 1.0:
        return 0.0
    log_p, log_q, total = math.log(p), math.log1p(-p), math.lgamma(n + 1)
    return min(
        1.0,
        math.fsum(
            math.exp(
                total - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * log_p + (n - i) * log_q
            )
            for i in range(k + 1)
        ),
    )


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact one-sided bounds of a rate of which k of n were seen: each holds with `confidence`.

    (Clopper & Pearson 1934.) Raises ValueError unless 0 <= k <= n and n > 0.
    """
    if not 0 <= k <= n or n == 0:
        raise ValueError(f"no rate of {k} in {n}")
    alpha = 1.0 - confidence
    low = 0.0 if k == 0 else _root(lambda p: 1.0 - binomial_at_most(k - 1, n, p) >= alpha)
    high = 1.0 if k == n else _root(lambda p: binomial_at_most(k, n, p) <= alpha)
    return low, high


def _root(beyond: Callable[[float], bool]) -> float:
    """Where a condition that is false below and true above turns, between 0 and 1."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if beyond(middle):
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)
