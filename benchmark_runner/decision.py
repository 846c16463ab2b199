"""From what was measured to one word and the sentence that goes with it. Nothing runs here."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmark_runner.measurement import (
    Samples,
    cold_probe,
    moved_outside,
    moved_to_import,
    takes_more_wall,
    waits,
)
from benchmark_runner.receipt import Decision
from benchmark_runner.statistics import CONFIRM_GAIN, MIN_GAIN, Step, confirms, estimate

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
    now = estimate(samples.values())
    low, high = now.interval
    return f"{now.ratio:.3g}x (95 %: {low:.3g} to {high:.3g})"


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
    probe = cold_probe(groups)
    if probe.lost is not None and probe.ratio is not None and probe.lost > _LOST:
        return (
            "keeps state across calls: on inputs that its process had not seen it is only "
            f"{_times(probe.ratio)}"
        )
    return None


def judge(samples: Samples, step: Step, confirmed: Samples | None) -> Judgement:
    """The decision after the timing phases. `confirmed` is None unless the first one accepted."""
    shown = _interval(samples)
    now = estimate(samples.values())
    if waits(samples):
        return Judgement(
            "inconclusive",
            "the original waits more than it computes, so CPU time says little about it; a "
            "function that does the computing without the waiting could be decided",
        )
    if now.bound(0.975) < 0.0:
        return Judgement("slower", f"slower: {shown}")
    if step == "stop":
        return Judgement("not faster", f"no gain of {MIN_GAIN:.2f}x: {shown}")
    if step != "accept":
        return Judgement(
            "inconclusive",
            f"after {now.count} pairs of processes it is still open: {shown}; larger inputs or "
            "a quieter machine would decide it",
        )
    groups = [samples, confirmed] if confirmed else [samples]
    if why := cheats(groups):
        return Judgement("refused", why)
    if takes_more_wall(samples):
        wall = math.exp(estimate(samples.values(wall=True)).mean)
        return Judgement(
            "not faster", f"less CPU time ({shown}) but more wall time: {wall:.2f}x by the clock"
        )
    if confirmed is None or not confirms(confirmed.values()):
        again = f" ({_interval(confirmed)})" if confirmed else ""
        return Judgement(
            "not faster",
            f"{shown} was not confirmed by fresh processes on held-out inputs{again}: all but one "
            f"must be faster, by {CONFIRM_GAIN:.2f}x on average",
        )
    return Judgement("faster", f"{shown}, confirmed on fresh processes")


def plausibility_note(samples: Samples, inputs: int) -> str | None:
    """A note for gains that should make one look twice."""
    ratio = estimate(samples.values()).ratio
    if ratio <= _IMPLAUSIBLE:
        return None
    return (
        f"more than {_IMPLAUSIBLE:.0f}x: compared once more on all {inputs} inputs after timing; "
        "check that they look like the real ones"
    )
