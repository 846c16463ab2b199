"""What instruction counts add where the clock leaves room for doubt. Nothing runs here.

A count never makes a claim: fewer instructions are not less time. It may take one back, or end an
open question with no. A gain of a
few per cent between versions that execute the same instructions is, more often than not, where the
code and its data happen to lie in memory (Mytkowicz et al. 2009), which another build or another
process may undo. Gains of memory locality alone are lost by this below 1.10x; no larger one is.
"""

from __future__ import annotations

import math

from benchmark_runner.instruments.calls import SAME
from benchmark_runner.measuring.decision import Judgement
from benchmark_runner.measuring.samples import Samples
from benchmark_runner.receipt import Instructions

_LEAST, _MOST = math.log(1.02), math.log(1.10)
_SURE = math.log(1.03)


def doubtful(judgement: Judgement, samples: Samples) -> bool:
    """Whether a count is worth its seconds: an open question of 2 to 10 %, or a narrow claim."""
    now = samples.estimate()
    if samples.clock != "cpu" or not _LEAST <= now.mean <= _MOST:
        return False
    if judgement.decision == "inconclusive":
        return True
    return judgement.decision == "faster" and now.bound(0.025) < _SURE


def second_opinion(
    judgement: Judgement, samples: Samples, count: Instructions
) -> tuple[Judgement, str]:
    """The decision with the count in mind, and a note on it for the receipt."""
    gain = samples.estimate()
    found = math.log(count.ratio)
    told = f"instructions of a call ({count.tool}): {count.before:,.0f} before, {count.after:,.0f}"
    if abs(found) < SAME:
        if judgement.decision in ("faster", "inconclusive") and gain.mean <= _MOST:
            clock = "by the clock" if judgement.decision == "faster" else "seen, still open"
            reason = (
                f"{gain.ratio:.2f}x {clock}, but both versions execute the same "
                f"instructions ({count.ratio:.3f}x): a gain this small is then more likely "
                "where the code lies in memory than work that is saved"
            )
            return Judgement("not faster", reason), f"{told}: the same"
        return judgement, f"{told}: the same"
    word = "fewer" if found > 0 else "more"
    share = abs(count.after / count.before - 1.0)
    agrees = "which agrees with the clock" if count.agrees else "the clock says otherwise"
    return judgement, f"{told} after: {share:.1%} {word}, {agrees}"
