"""The stage of a proof that tests a faster version by the laws of the original."""

from __future__ import annotations

import time

from analysis.progress import CancelToken
from benchmark_runner.equality.equivalence import HASH_SEEDS
from benchmark_runner.equality.original import Original
from benchmark_runner.inputs.literals import largest_number
from benchmark_runner.measuring.decision import Judgement
from benchmark_runner.proof import Diary
from benchmark_runner.receipt import Counterexample
from benchmark_runner.relations.check import Broken, Call, Relations, call_of, is_numeric
from benchmark_runner.specs import Specs
from benchmark_runner.workload import FunctionWorkload, Version

_MOST_CALL_S = 5e-3
_MOST_BYTES = 32_000
"""Originals whose calls take longer, or more to be told, are not asked hundreds of times."""
_LEARN_CALL_S, _LARGE_CALL_S = 0.5, 3.0


class RelationsStage:
    """Learns at its first use; versions without numbers cost nothing."""

    def __init__(self, workload: FunctionWorkload, specs: Specs, cancel: CancelToken) -> None:
        self._workload, self._specs, self._cancel = workload, specs, cancel
        self._learned: Relations | None = None

    def judge(
        self, after: Version, original: Original, judgement: Judgement, diary: Diary
    ) -> tuple[Judgement, Counterexample | None, tuple[str, ...]]:
        """The judgement with what the laws say: also the counterexample, and the laws that held.

        Raises Cancelled.
        """
        seeds = _seeds(original)
        if judgement.decision != "faster" or not seeds:
            return judgement, None, ()
        since = time.perf_counter()
        if self._learned is None:
            before = self._workload.before
            self._learned = Relations(
                lambda calls: self._specs.asked(before, calls, _LEARN_CALL_S),
                seeds,
                self._cancel,
                largest_number(before.text_of(self._workload.path) or ""),
            )
        broken = self._learned.broken_by(
            lambda calls: self._specs.asked(after, calls, _LARGE_CALL_S)
        )
        laws = self._learned.texts()
        if broken is None:
            diary.add("relations", since)
            return judgement, None, laws
        judgement, shown = self._told(broken)
        diary.add("relations", since, judgement.reason)
        return judgement, shown, ()

    def _told(self, broken: Broken) -> tuple[Judgement, Counterexample | None]:
        shown = broken.counterexample(self._workload.called)
        law = f"the original's {broken.text}"
        if broken.before is None:
            return Judgement(
                "refused",
                f"on large inputs it breaks {law}, and the original does not answer there within "
                f"{_LEARN_CALL_S} s: {shown.call} gives {shown.after}",
            ), None
        return Judgement(
            "different",
            f"{shown.what} differs on {shown.call}: {shown.before}, now {shown.after} "
            f"(found by {law})",
        ), shown


def _seeds(original: Original) -> list[Call]:
    """The arguments of small calls with numbers in and out; none where calls are slow."""
    if not original.costs_s or min(original.costs_s.values()) > _MOST_CALL_S:
        return []
    seen = original.behaviours[HASH_SEEDS[0]].seen
    sizes = {info.index: info.size for info in original.infos}
    found: list[Call] = []
    for index, mode in sorted(seen, key=lambda call: sizes[call[0]]):
        observation = seen[index, mode]
        if mode not in ("full", "light") or original.costs_s.get(index, 1.0) > _MOST_CALL_S:
            continue
        if sizes[index] > _MOST_BYTES or not is_numeric(observation):
            continue
        call = call_of(observation)
        if call is not None:
            found.append(call)
    return found[len(found) // 2 :][:2]
