"""What is looked at once a candidate was accepted: its memory, and how it grows.

Neither makes a candidate faster. Much more memory and a worse growth are said in the reason, and
another answer on a grown input refuses it.
"""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass, replace

from analysis.progress import CancelToken, Progress
from benchmark_runner.equality.comparing import Comparer
from benchmark_runner.equality.equivalence import HASH_SEEDS
from benchmark_runner.lock import timing_lock
from benchmark_runner.measuring.decision import Judgement
from benchmark_runner.measuring.growing import (
    Grown,
    call_to_grow,
    grow,
    grows_worse,
    growth_of_given,
)
from benchmark_runner.measuring.memory import count_memory, counted_inputs, more_memory
from benchmark_runner.measuring.timer import Timer
from benchmark_runner.proof import Diary, Timed
from benchmark_runner.receipt import Counterexample, Memory, Verdict
from benchmark_runner.specs import Specs
from benchmark_runner.worker.observations import WorkerSpec
from benchmark_runner.workload import Origin, Version


@dataclass(frozen=True)
class Looked:
    """A proof after the looks: any of the three may have changed."""

    verdict: Verdict
    judgement: Judgement
    timed: Timed


class Afterwards:
    """Memory and growth of versions that were timed."""

    def __init__(
        self,
        specs: Specs,
        comparer: Comparer,
        timer: Timer,
        *,
        rounding: float | None,
        progress: Progress,
        cancel: CancelToken,
    ) -> None:
        self._specs, self._comparer, self._timer = specs, comparer, timer
        self._rounding = rounding
        self._progress, self._cancel = progress, cancel

    def look(
        self, base: Version, after: Version, origin: Origin, known: Looked, diary: Diary
    ) -> Looked:
        """Look at an accepted candidate; of a person's own also at one that is not faster, whose
        gain may be the memory. Raises Cancelled.
        """
        decision = known.judgement.decision
        if decision == "faster":
            known = self._growth(base, after, known, diary)
        if known.judgement.decision == "faster" or (
            origin == "user" and decision in ("not faster", "inconclusive")
        ):
            known = self._memory(base, after, known, diary)
        return known

    def _memory(self, base: Version, after: Version, known: Looked, diary: Diary) -> Looked:
        self._progress("counting memory", 0.96)
        since = time.perf_counter()
        original = self._comparer.original()
        sizes = {info.index: info.size for info in original.infos}
        inputs = counted_inputs(self._timer.plan().timed, sizes, original.costs_s)
        if not inputs:
            diary.notes.append("memory was not counted: the calls are long")
            return known

        def spec(version: Version, seed: int) -> WorkerSpec:
            return self._specs.candidate(version, seed, original)

        found = count_memory(
            functools.partial(spec, base),
            functools.partial(spec, after),
            inputs,
            original.infos,
            original.costs_s,
            HASH_SEEDS if known.judgement.decision == "faster" else HASH_SEEDS[:1],
            self._cancel,
        )
        diary.add("memory", since)
        if not isinstance(found, Memory):
            diary.notes.append(found)
            return known
        judgement = known.judgement
        if found.note:
            diary.notes.append(f"memory: {found.note}")
        if judgement.decision == "faster" and (more := more_memory(found)):
            judgement = replace(judgement, reason=f"{judgement.reason}; but it {more}")
        return replace(known, judgement=judgement, timed=replace(known.timed, memory=found))

    def _growth(self, base: Version, after: Version, known: Looked, diary: Diary) -> Looked:
        self._progress("looking at larger inputs", 0.95)
        since = time.perf_counter()
        original = self._comparer.original()
        sizes = {info.index: info.size for info in original.infos}
        grown = self._grown(base, after, known, sizes)
        if grown.differs is not None:
            return self._different(known, grown, since, diary)
        diary.add("growth", since)
        growth = grown.growth or growth_of_given(known.timed.samples, sizes)
        if growth is None:
            diary.notes.append(f"growth with the size is not known: {grown.why or 'short calls'}")
            if grown.worse:
                reason = f"{known.judgement.reason}; but it {grown.worse}"
                known = replace(known, judgement=replace(known.judgement, reason=reason))
            return known
        diary.notes.append(f"growth: {growth.note}")
        judgement = known.judgement
        if worse := grown.worse or grows_worse(growth):
            judgement = replace(judgement, reason=f"{judgement.reason}; but it {worse}")
        return replace(known, judgement=judgement, timed=replace(known.timed, growth=growth))

    def _grown(self, base: Version, after: Version, known: Looked, sizes: dict[int, int]) -> Grown:
        original = self._comparer.original()
        index = call_to_grow(self._timer.plan().timed, sizes, original.costs_s)
        if index is None:
            return Grown(why="the calls are long, or their inputs large")
        with timing_lock(self._progress, self._cancel):
            return grow(
                self._specs.candidate(base, HASH_SEEDS[0], original, timed=True),
                self._specs.candidate(after, HASH_SEEDS[0], original, timed=True),
                index,
                copied=[info.copied for info in original.infos],
                clock=known.timed.samples.clock,
                rounding=self._rounding,
                cancel=self._cancel,
            )

    def _different(self, known: Looked, grown: Grown, since: float, diary: Diary) -> Looked:
        """The candidate answers otherwise on a larger input."""
        found = grown.differs
        if found is None:
            raise ValueError("no difference")
        reason = f"{found.what} differs on {grown.call}: {found.before}, now {found.after}"
        diary.add("growth", since, reason)
        shown = Counterexample(-1, grown.call, found.before, found.after, found.what, stage="grown")
        verdict = replace(known.verdict, equality=None, counterexample=shown)
        return replace(known, verdict=verdict, judgement=Judgement("different", reason))
