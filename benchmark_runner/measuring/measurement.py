"""Protocol v2: fresh pairs of processes until the gain is decided, then fresh ones to confirm it.

Measured with a prototype on a loaded machine: 0 of 334 live runs on identical code were
called faster, 152 of 166 at a true 1.1x, all at 3x.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.measuring.probes import batch_probe, cold_probe, first_calls
from benchmark_runner.measuring.samples import Samples, clock_for
from benchmark_runner.measuring.statistics import Noise, Step, asks_more, confirms, look
from benchmark_runner.measuring.timing import Rates
from benchmark_runner.measuring.windows import PairRun
from benchmark_runner.receipt import Clock, Measurement

RunReplicate = Callable[[int, Sequence[int]], PairRun]
"""Times pair number n of fresh processes on the inputs; n alternates hash seeds and order."""

Rule = Callable[[Sequence[float], Noise], Step]
"""What to do after these replicates: `look` for a proof, `glance` for a search."""


def first_phase(
    run: RunReplicate,
    inputs: Sequence[int],
    rates: Rates,
    *,
    rule: Rule = look,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> tuple[Samples, Step]:
    """Time replicates until the rule decides. `run` is called with 0, 1, 2, ..."""
    samples = Samples()
    step: Step = "continue"
    while step == "continue":
        if cancel:
            cancel.check()
        done = len(samples.runs)
        most = samples.noise.looks[-1]
        progress(f"timing, pair {done + 1} of at most {most}", done / most)
        samples.runs.append(run(done, inputs))
        if samples.clock == "cpu":  # never back: what decides may not change with the luck
            samples.clock = clock_for(samples)
        if done == 0:
            samples.once = all(rates.once(index) for index in inputs)
        rates.learn(samples.runs[-1].pairs, wall=samples.clock == "wall")
        step = rule(samples.values(), samples.noise)
    return samples, step


def confirmation(
    run: RunReplicate,
    inputs: Sequence[int],
    first: int,
    *,
    clock: Clock = "cpu",
    once: bool = False,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Samples:
    """Fresh replicates, numbered from `first` on; what can't hold any more ends early."""
    samples = Samples(clock=clock, once=once)
    noise = samples.noise
    while asks_more(samples.values(), noise):
        if cancel:
            cancel.check()
        done, most = len(samples.runs), noise.confirm + noise.again
        progress(f"confirming, pair {done + 1} of at most {most}", done / most)
        samples.runs.append(run(first + done, inputs))
    return samples


def summarise(
    samples: Samples, step: Step, confirmed: Samples | None, *, reason: str
) -> Measurement:
    """The measurement of a receipt; `reason` is the decision's in words."""
    now = samples.estimate()
    timings = samples.timings()
    groups = [samples, confirmed] if confirmed else [samples]
    first = first_calls(groups)
    return Measurement(
        ratio=now.ratio,
        interval=now.interval,
        accepted=step == "accept",
        confirmed=confirms(confirmed.values(), confirmed.noise) if confirmed else None,
        reason=reason,
        replicates=samples.replicates(),
        confirmation=confirmed.replicates() if confirmed else (),
        inputs=timings,
        cold_ratio=cold_probe(groups).ratio or batch_probe(groups).ratio,
        wall_ratio=samples.estimate("wall").ratio,
        before_s=math.fsum(timing.before_s for timing in timings) / len(timings),
        after_s=math.fsum(timing.after_s for timing in timings) / len(timings),
        clock=samples.clock,
        cpu_ratio=samples.estimate("cpu").ratio,
        first_s=first,
    )
