"""The timing of one original and its candidates: which inputs, a search's glance, both phases."""

from __future__ import annotations

import math
import time
from dataclasses import replace

from analysis.progress import CancelToken, Progress
from benchmark_runner.equality.comparing import Comparer
from benchmark_runner.equality.equivalence import HASH_SEEDS
from benchmark_runner.equality.sealed import Asked, Sealing, gain_not_shown
from benchmark_runner.errors import CandidateFailed
from benchmark_runner.lock import timing_lock
from benchmark_runner.measuring.decision import judge
from benchmark_runner.measuring.measurement import (
    RunReplicate,
    confirmation,
    first_phase,
    summarise,
)
from benchmark_runner.measuring.pairing import pair_runner
from benchmark_runner.measuring.planning import (
    FOUND_CALLS_S,
    TIMED_CALLS_S,
    TimingPlan,
    glanced_inputs,
    plan_inputs,
    unseen_inputs,
    weighty,
    worth_timing,
)
from benchmark_runner.measuring.probes import cold_note
from benchmark_runner.measuring.samples import Samples, clock_for, clock_note
from benchmark_runner.measuring.statistics import glance
from benchmark_runner.measuring.timing import Rates
from benchmark_runner.proof import Diary, Timed, within
from benchmark_runner.receipt import Measurement
from benchmark_runner.recording.record import capture_in
from benchmark_runner.specs import Specs
from benchmark_runner.worker.supervisor import WorkerSpec
from benchmark_runner.workload import CapturedInputs, FunctionWorkload, Version

_LEAST_SURE = 0.5


class Timer:
    """Times versions that were found equal to the original."""

    def __init__(
        self,
        workload: FunctionWorkload,
        specs: Specs,
        comparer: Comparer,
        progress: Progress,
        cancel: CancelToken,
    ) -> None:
        self._workload, self._specs, self._comparer = workload, specs, comparer
        self._progress, self._cancel = progress, cancel
        self._plan: TimingPlan | None = None

    def plan(self) -> TimingPlan:
        """Which inputs are timed: all that count and were given.

        Of generated ones not those that raise, of captured ones those that took the run's time.
        """
        if self._plan is None:
            original = self._comparer.original()
            used = list(original.own)
            if self._specs.made_up:
                used = [index for index in used if not original.raises_on(index)] or used
                used = worth_timing({index: original.costs_s[index] for index in used})
            elif isinstance(self._workload.inputs, CapturedInputs):
                kept = capture_in(self._workload.inputs.folder)
                calls = kept.calls if kept else math.inf
                costs = {index: original.costs_s[index] for index in used}
                used = weighty(costs, calls / sum(not info.extra for info in original.infos))
            sizes = {info.index: info.size for info in original.infos}
            plan = plan_inputs(
                [original.costs_s[index] for index in used],
                [sizes[index] for index in used],
                TIMED_CALLS_S if self._specs.source == "file" else FOUND_CALLS_S,
            )
            self._plan = TimingPlan(
                timed=tuple(used[place] for place in plan.timed),
                selection=tuple(used[place] for place in plan.selection),
                holdout=tuple(used[place] for place in plan.holdout),
            )
        return self._plan

    def measure(self, before: Version, after: Version) -> Measurement:
        """Search fidelity: one or two replicates on a few inputs that are not held out.

        What it accepts is promising, not proved. Both versions must have passed `check`. Raises
        ValueError if not, CandidateFailed when one of them fails or answers otherwise while it is
        timed, and what `prepare` raises.
        """
        inputs = glanced_inputs(self.plan(), self._comparer.original().costs_s)
        rates = self._rates()
        with timing_lock(self._progress, self._cancel):
            samples, step = first_phase(
                self._replicates(before, after, rates),
                inputs,
                rates,
                rule=glance,
                progress=self._progress,
                cancel=self._cancel,
            )
        reason = judge(samples, step, None).reason
        return summarise(samples, step, None, reason=reason)

    def sample(
        self, before: Version, after: Version, *, first: int, count: int, share: float
    ) -> list[float]:
        """Log-ratios of `count` fresh pairs of processes, numbered from `first` on.

        On a few inputs that are not held out, of the cheapest `share` (0 to 1) of them. Raises
        what `measure` raises.
        """
        costs = self._comparer.original().costs_s
        selection = sorted(self.plan().selection, key=lambda index: (costs[index], index))
        kept = selection[: max(1, math.ceil(share * len(selection)))]
        inputs = glanced_inputs(replace(self.plan(), selection=tuple(kept)), costs)
        rates = self._rates()
        run = self._replicates(before, after, rates)
        samples = Samples()
        with timing_lock(self._progress, self._cancel):
            for number in range(first, first + count):
                samples.runs.append(run(number, inputs))
                rates.learn(samples.runs[-1].pairs)
        samples.clock = clock_for(samples)
        return samples.values()

    def _rates(self) -> Rates:
        return Rates(sizes={info.index: info.size for info in self._comparer.original().infos})

    def _replicates(self, before: Version, after: Version, rates: Rates) -> RunReplicate:
        """How to time one pair of fresh processes of the two versions."""
        original = self._comparer.original()
        equal = self._comparer.equal
        versions = [(version, equal(version).behaviours) for version in (before, after)]
        return pair_runner(
            versions,
            lambda version, seed: self._specs.candidate(version, seed, original, timed=True),
            original.infos,
            rates,
            self._cancel,
            self._unseen(),
        )

    def _unseen(self) -> list[int]:
        """Inputs that are not timed, by which first calls are told."""
        original = self._comparer.original()
        fine = [index for index in original.used if not original.raises_on(index)]
        return unseen_inputs(fine, self.plan().timed, original.costs_s)

    def time(self, before: Version, after: Version, diary: Diary) -> Timed:
        """Both phases under the machine's lock. Raises CandidateFailed."""
        plan, rates = self.plan(), self._rates()
        run = self._replicates(before, after, rates)
        with timing_lock(self._progress, self._cancel):
            since = time.perf_counter()
            samples, step = first_phase(
                run,
                plan.timed,
                rates,
                progress=within(self._progress, 0.25, 0.75),
                cancel=self._cancel,
            )
            diary.add("timing", since)
            confirmed = None
            if step == "accept":
                since = time.perf_counter()
                confirmed = confirmation(
                    run,
                    plan.holdout or plan.timed,
                    len(samples.runs),
                    clock=samples.clock,
                    once=samples.once,
                    progress=within(self._progress, 0.75, 0.95),
                    cancel=self._cancel,
                )
                diary.add("confirmation", since)
        if note := clock_note(samples):
            diary.notes.append(note)
        groups = [samples, confirmed] if confirmed else [samples]
        if step == "accept" and (note := cold_note(groups)):
            diary.notes.append(note)
        return Timed(samples, step, confirmed)

    def not_shown(self, before: Version, after: Version, timed: Timed) -> str | None:
        """Why the gain that was timed is none (see `sealed`), or None."""
        original, equal = self._comparer.original(), self._comparer.equal

        def spec(version: Version, seed: int) -> WorkerSpec:
            made = self._specs.candidate(version, seed, original, timed=True)
            return replace(made, inputs=replace(made.inputs, extra=()))

        def specs(seed: int) -> tuple[WorkerSpec, WorkerSpec]:
            return spec(before, seed), spec(after, seed)

        expected = [
            {seed: one.cores() for seed, one in zip(HASH_SEEDS, found, strict=True)}
            for found in (equal(before).behaviours, equal(after).behaviours)
        ]
        sealing = Sealing(
            specs,
            (expected[0], expected[1]),
            tuple(info.copied for info in original.infos if not info.extra),
            self._cancel,
        )
        timings = timed.samples.timings()
        asked = Asked(
            {timing.input: timing.before_s for timing in timings},
            {timing.input: timing.after_s for timing in timings},
            timed.samples.clock,
            _sure(timed),
        )
        self._progress("asking fresh processes for everything at once", 0.95)
        try:
            with timing_lock(self._progress, self._cancel):
                return gain_not_shown(sealing, asked)
        except CandidateFailed as error:
            return error.message


def _sure(timed: Timed) -> float:
    """The share of the timed gain that its interval's lower end promises; at least a half."""
    now = timed.samples.estimate()
    low, mean = (1.0 - math.exp(-log) for log in (now.bound(0.025), now.mean))
    return min(1.0, max(_LEAST_SURE, low / mean)) if mean > 0 else 1.0
