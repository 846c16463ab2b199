"""What processes take when nothing disturbs them: of two versions, the difference of the least.

Other work only ever adds to what a process takes (another thread of the same core makes it half as
slow again), so the least of many values is what its own code needs (Chen & Revels 2016, "Robust
benchmarking in noisy environments", arXiv:1608.04295). Measured beside three other proofs on two
threads of one core: pairs of 24 ms differed by 3 to 9 ms, the tenth of the values by 0.2 ms.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence

from benchmark_runner.measuring.statistics import PRIOR_DF, Estimate

_SHARE, _LEAST = 8, 3
"""The least eighth of the values counts, and three at the least: one alone may be luck."""
_RESAMPLES = 100


def quietest(
    rows: Sequence[Sequence[float]], signs: Sequence[int], prior_sd: float, seed: int = 0
) -> Estimate:
    """The signed sum of what each column is when least disturbed, in the unit of the values.

    A row holds what was measured together, in as many columns as there are `signs`. The error is
    that of resampled rows (drawn with `seed`), and never less than `prior_sd`, the spread of
    undisturbed rows, allows. Raises ValueError for fewer than two rows.
    """
    count = len(rows)
    if count < 2:
        raise ValueError("the least of fewer than two rows")
    kept = min(count, max(_LEAST, count // _SHARE))

    def least(chosen: Sequence[Sequence[float]]) -> float:
        columns = zip(*chosen, strict=True)
        return math.fsum(
            sign * math.fsum(sorted(column)[:kept]) / kept
            for sign, column in zip(signs, columns, strict=True)
        )

    draw = random.Random(seed)
    again = [least(draw.choices(rows, k=count)) for _ in range(_RESAMPLES)]
    variance = statistics.pvariance(again) * count / (count - 1) + prior_sd**2 / (2 * kept)
    return Estimate(least(rows), math.sqrt(variance), PRIOR_DF + count - 1, count)
