"""From what was measured to one word and the sentence that goes with it. Nothing runs here."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmark_runner.measuring.probes import (
    cold_probe,
    leaves_threads,
    moved_outside,
    moved_to_import,
    takes_more_wall,
)
from benchmark_runner.measuring.samples import Samples, doing
from benchmark_runner.measuring.statistics import (
    ALPHA,
    CONFIRM_GAIN,
    MIN_GAIN,
    Step,
    confirms,
    pairs_to_decide,
)
from benchmark_runner.receipt import Decision

_LOST = 0.5
_IMPLAUSIBLE = 10.0


@dataclass(frozen=True)
class Judgement:
    """The decision on a candidate that behaves as the original does, and why."""

    decision: Decision
    reason: str


def _times(ratio: float) -> str:
    return f"{ratio:.1f}x" if ratio >= 2 else f"{ratio:.2f}x"


def _interval(samples: Samples) -> str:
    now = samples.estimate()
    low, high = now.interval
    clock = " by the wall clock" if samples.clock == "wall" else ""
    return f"{now.ratio:.3g}x{clock} (95 %: {low:.3g} to {high:.3g})"


def cheats(groups: list[Samples]) -> str | None:
    """Why the gain doesn't count although the windows show it, or None."""
    if found := moved_to_import(groups):
        return (
            f"moves work to import: importing it takes {found[1] * 1e3:.0f} ms of CPU, "
            f"the original takes {found[0] * 1e3:.0f} ms"
        )
    if found := moved_outside(groups):
        return (
            f"defers work: outside the timed calls it used {found[1] * 1e3:.0f} ms of CPU, "
            f"the original {found[0] * 1e3:.0f} ms"
        )
    if more := leaves_threads(groups):
        return (
            f"goes on after its calls have returned: it leaves {more} more threads behind than "
            "the original does"
        )
    probe = cold_probe(groups)
    if probe.lost is not None and probe.ratio is not None and probe.lost > _LOST:
        return (
            "keeps state across calls: on inputs that its process had not seen it is only "
            f"{_times(probe.ratio)}"
        )
    return None


def what_would_decide(samples: Samples) -> str:
    """What it would take to answer what is still open, by the numbers that were seen."""
    values, noise = samples.values(), samples.noise
    now = samples.estimate()
    mean = math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / max(1, len(values) - 1))
    said = []
    count = pairs_to_decide(values, noise)
    if count is not None:
        said.append(f"about {count} pairs at this spread")
    else:
        said.append(
            f"the gain is too near to {MIN_GAIN:.2f}x, the smallest that is offered, for any "
            "number of pairs"
        )
    if spread > 2 * noise.prior_sd:
        usual = f"{noise.prior_sd:.1%} is usual"
        said.append(f"a quieter machine (pairs differ by {spread:.1%}, {usual})")
    if samples.clock == "wall" and doing(samples, "before").cores <= 1.0:
        said.append("or the same function without the waiting, by CPU time")
    elif 0.0 < now.mean < math.log(MIN_GAIN) + spread:
        said.append("or larger inputs, if the gain grows with them")
    return "what would decide it: " + ", ".join(said)


def judge(samples: Samples, step: Step, confirmed: Samples | None) -> Judgement:
    """The decision after the timing phases. `confirmed` is None unless the first one accepted.

    "slower" is a claim like "faster", with the same least difference: 95 % would call identical
    code slower in one of thirty proofs, as it is looked at more than once.
    """
    shown = _interval(samples)
    now = samples.estimate()
    if now.bound(1.0 - ALPHA) < 0.0 and now.mean <= -math.log(MIN_GAIN):
        return Judgement("slower", f"slower: {shown}")
    if step == "stop":
        return Judgement("not faster", f"no gain of {MIN_GAIN:.2f}x: {shown}")
    if step != "accept":
        return Judgement(
            "inconclusive",
            f"after {now.count} pairs of processes it is still open: {shown}; "
            f"{what_would_decide(samples)}",
        )
    groups = [samples, confirmed] if confirmed else [samples]
    if why := cheats(groups):
        return Judgement("refused", why)
    if samples.clock == "cpu" and takes_more_wall(samples):
        wall = samples.estimate("wall").ratio
        return Judgement(
            "not faster", f"less CPU time ({shown}) but more wall time: {wall:.2f}x by the clock"
        )
    if confirmed is None or not confirms(confirmed.values(), confirmed.noise):
        again = f" ({_interval(confirmed)})" if confirmed else ""
        return Judgement(
            "not faster",
            f"{shown} was not confirmed by fresh processes on held-out inputs{again}: "
            f"{_asked(confirmed)} must be faster, by {CONFIRM_GAIN:.2f}x on average",
        )
    return Judgement("faster", f"{shown}, confirmed on fresh processes")


def _asked(confirmed: Samples | None) -> str:
    """How many fresh pairs must be faster, and which of them the average is of."""
    if confirmed is None or not confirmed.noise.misses:
        return "all"
    if len(confirmed.runs) > confirmed.noise.confirm:
        return "all but two, and the mean without the best and the worst,"
    return "all but one"


def plausibility_note(samples: Samples, inputs: int) -> str | None:
    """A note for gains that should make one look twice."""
    ratio = samples.estimate().ratio
    if ratio <= _IMPLAUSIBLE:
        return None
    return (
        f"more than {_IMPLAUSIBLE:.0f}x: compared once more on all {inputs} inputs after timing; "
        "check that they look like the real ones"
    )
