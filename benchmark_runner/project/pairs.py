"""Pairs of runs of a benchmark command, and what they let us say. Nothing is run here.

One pair (before, after or the other way round) is one replicate: its log-ratio is the mean over
the benchmarks, each of which weighs the same. Same statistics as for functions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmark_runner.measuring.decision import Judgement
from benchmark_runner.measuring.statistics import (
    CONFIRM_GAIN,
    MIN_GAIN,
    Estimate,
    Noise,
    Step,
    confirms,
    estimate,
    fails,
    median,
    pairs_to_decide,
)
from benchmark_runner.project.metrics import Reading
from benchmark_runner.receipt import InputTiming, Measurement, Replicate

NOISE = Noise(prior_sd=0.04, looks=(4, 5, 6, 8, 10, 12, 16))
"""Of a benchmark's own numbers: most are wall time, and each is already a middle of many."""
_SLOWER_THAN = 0.95
_HIDDEN_FLOOR_S = 0.2
_HIDDEN_MORE = 1.5


@dataclass(frozen=True)
class PairOfRuns:
    """Both versions' readings of one pair, and the seconds by our own clocks."""

    before: Reading
    after: Reading
    before_wall_s: float
    after_wall_s: float
    cpu_s: float
    higher_is_better: bool = False

    def logs(self) -> dict[str, float]:
        """Log-ratio of each benchmark, above 0 is better."""
        sign = -1.0 if self.higher_is_better else 1.0
        after = self.after.by_name
        return {
            metric.name: sign * math.log(metric.value / after[metric.name].value)
            for metric in self.before.metrics
        }

    @property
    def log_ratio(self) -> float:
        """The mean of the benchmarks' log-ratios."""
        logs = self.logs().values()
        return math.fsum(logs) / len(logs)

    def hidden_s(self) -> tuple[float, float] | None:
        """Seconds of either run that its tool does not account for; None where it can't be told."""
        before, after = self.before.total_s, self.after.total_s
        if before is None or after is None:
            return None
        return max(0.0, self.before_wall_s - before), max(0.0, self.after_wall_s - after)


@dataclass
class Runs:
    """The pairs of one phase."""

    pairs: list[PairOfRuns] = field(default_factory=list)

    def values(self) -> list[float]:
        """The log-ratio of each pair."""
        return [pair.log_ratio for pair in self.pairs]

    def estimate(self) -> Estimate:
        """Moderated t over the pairs."""
        return estimate(self.values(), NOISE.prior_sd)

    def shown(self) -> str:
        """ "1.31x (95 %: 1.2 to 1.4)"."""
        now = self.estimate()
        low, high = now.interval
        return f"{now.ratio:.3g}x (95 %: {low:.3g} to {high:.3g})"

    def timings(self) -> tuple[InputTiming, ...]:
        """Each benchmark's own log-ratio and the medians of its values."""
        if not self.pairs:
            return ()
        found = []
        for index, metric in enumerate(self.pairs[0].before.metrics):
            name = metric.name
            logs = [pair.logs()[name] for pair in self.pairs]
            found.append(
                InputTiming(
                    input=index,
                    log_ratio=math.fsum(logs) / len(logs),
                    before_s=median([pair.before.by_name[name].value for pair in self.pairs]),
                    after_s=median([pair.after.by_name[name].value for pair in self.pairs]),
                    name=name,
                )
            )
        return tuple(found)

    def slower_on(self) -> tuple[int, ...]:
        """Benchmarks that got worse beyond the noise: at least 5 %, at 99 %."""
        found = []
        enough = len(self.pairs) >= NOISE.looks[0]
        for index, metric in enumerate(self.pairs[0].before.metrics if enough else ()):
            now = estimate([pair.logs()[metric.name] for pair in self.pairs], NOISE.prior_sd)
            if now.mean < math.log(_SLOWER_THAN) and now.bound(0.99) < 0.0:
                found.append(index)
        return tuple(found)

    def replicates(self) -> tuple[Replicate, ...]:
        """The pairs for the receipt."""
        return tuple(
            Replicate(p.log_ratio, 1, p.cpu_s, p.before_wall_s + p.after_wall_s) for p in self.pairs
        )


def hides_time(groups: Sequence[Runs]) -> str | None:
    """Why a gain does not count: the run takes the time all the same, outside what is timed.

    A version that works at import, in a thread, or with the clock bent, shows less time to its
    benchmark's tool than it takes by ours.
    """
    pairs = [pair for group in groups for pair in group.pairs]
    found = []
    for pair in pairs:
        hidden, total = pair.hidden_s(), pair.after.total_s
        if hidden is None or total is None:
            return None
        saved = max(0.0, math.exp(pair.log_ratio) - 1.0) * total
        excess = hidden[1] - _HIDDEN_MORE * hidden[0] - _HIDDEN_FLOOR_S
        found.append((excess > saved / 2, hidden))
    if sum(1 for guilty, _ in found if guilty) * 2 <= len(found):
        return None
    before = median([hidden[0] for _, hidden in found])
    after = median([hidden[1] for _, hidden in found])
    return (
        f"takes time where the benchmark does not look: {after:.2f} s of each run, the original "
        f"{before:.2f} s"
    )


def shorter(groups: Sequence[Runs]) -> bool:
    """Whether the runs as a whole are shorter by our clock, beyond the noise (at 99.5 %)."""
    pairs = [pair for group in groups for pair in group.pairs]
    logs = [math.log(pair.before_wall_s / pair.after_wall_s) for pair in pairs]
    return estimate(logs, NOISE.prior_sd).bound(0.005) > 0.0


def _open_after(first: Runs, shown: str) -> str:
    return f"after {len(first.pairs)} pairs of runs it is still open: {shown}"


def _would_decide(first: Runs) -> str:
    """What would decide it, in pairs and seconds where more of the same would."""
    pair_s = median([pair.before_wall_s + pair.after_wall_s for pair in first.pairs])
    least, now = NOISE.looks[0] + NOISE.confirm, len(first.pairs)
    need = least if now < NOISE.looks[0] else pairs_to_decide(first.values(), NOISE)
    if need is None:
        return f"it lies too near to {MIN_GAIN:.2f}x for more pairs to decide it"
    if need > NOISE.looks[-1]:
        return f"about {need} pairs would decide it, or a benchmark that varies less"
    more = max(need, least) - now
    return f"about {more} more ({more * pair_s:.0f} s, see --budget) would decide it"


def judge(
    first: Runs, step: Step, confirmed: Runs | None, budget_s: float, *, known: bool = True
) -> Judgement:
    """The decision after both phases; `confirmed` is None unless the first one accepted.

    `known` tells that the code is the user's own. A plain number is the word of the process that
    runs the code: of a candidate it counts only where our clock, too, sees shorter runs.
    """
    if not first.pairs:
        return Judgement("inconclusive", f"no pair of runs fits into {budget_s:.0f} s; --budget")
    shown, now = first.shown(), first.estimate()
    pair_s = median([pair.before_wall_s + pair.after_wall_s for pair in first.pairs])
    if now.count >= NOISE.looks[0] and now.bound(0.99) < 0.0 and now.mean < math.log(_SLOWER_THAN):
        return Judgement("slower", f"slower: {shown}")
    if step == "stop":
        return Judgement("not faster", f"no gain of {MIN_GAIN:.2f}x: {shown}")
    if step != "accept":
        return Judgement("inconclusive", f"{_open_after(first, shown)}; {_would_decide(first)}")
    groups = [first, confirmed] if confirmed else [first]
    if why := hides_time(groups):
        return Judgement("refused", why)
    if not known and first.pairs[0].hidden_s() is None and not shorter(groups):
        return Judgement(
            "inconclusive",
            f"{shown} by the benchmark's own word, but its runs are not shorter by the clock; a "
            "tool that tells how long it timed (pytest-benchmark, pyperf ...) would decide it",
        )
    fresh = confirmed.values() if confirmed else []
    if len(fresh) < NOISE.confirm and not fails(fresh, NOISE):
        return Judgement(
            "inconclusive",
            f"{shown}, but {budget_s:.0f} s were over before it was confirmed; about "
            f"{NOISE.confirm * pair_s:.0f} s more (--budget) would decide it",
        )
    if confirmed is None or not confirms(confirmed.values(), NOISE):
        again = f" ({confirmed.shown()})" if confirmed and confirmed.pairs else ""
        return Judgement(
            "not faster",
            f"{shown} was not confirmed by fresh runs{again}: all but one must be faster, by "
            f"{CONFIRM_GAIN:.2f}x on average",
        )
    return Judgement("faster", f"{shown}, confirmed on fresh runs")


def summarise(first: Runs, step: Step, confirmed: Runs | None, reason: str) -> Measurement:
    """The measurement of a receipt. Values are in the benchmark's own unit."""
    now, timings = first.estimate(), first.timings()
    units = {metric.unit for pair in first.pairs for metric in pair.before.metrics}
    walls = [math.log(pair.before_wall_s / pair.after_wall_s) for pair in first.pairs]
    return Measurement(
        ratio=now.ratio,
        interval=now.interval,
        accepted=step == "accept",
        confirmed=confirms(confirmed.values(), NOISE) if confirmed and confirmed.pairs else None,
        reason=reason,
        replicates=first.replicates(),
        confirmation=confirmed.replicates() if confirmed else (),
        inputs=timings,
        cold_ratio=None,
        wall_ratio=estimate(walls, NOISE.prior_sd).ratio,
        before_s=math.fsum(timing.before_s for timing in timings) / len(timings),
        after_s=math.fsum(timing.after_s for timing in timings) / len(timings),
        clock="metric",
        unit=units.pop() if len(units) == 1 else "",
    )
