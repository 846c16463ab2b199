"""Equivalence of one original and many candidates: what each did, and the verdict on it."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.progress import CancelToken, Progress
from benchmark_runner.equality.equivalence import (
    HASH_SEEDS,
    Behaviour,
    Difference,
    Differs,
    Refused,
    counterexample,
    described,
    observe_candidate,
)
from benchmark_runner.equality.original import Original, observe_original
from benchmark_runner.equality.sequences import differs, shortest
from benchmark_runner.equality.shrinking import BUDGET_S, plain_calls, shrink
from benchmark_runner.equality.snippet import Shown, snippet
from benchmark_runner.errors import WorkerDied, WorkloadError
from benchmark_runner.inputs.extras import Wanted
from benchmark_runner.inputs.literals import literals_of
from benchmark_runner.proof import within
from benchmark_runner.receipt import Counterexample, Level, Stage, Verdict
from benchmark_runner.sandbox.probe import not_allowed
from benchmark_runner.specs import Specs
from benchmark_runner.worker.crew import Crew
from benchmark_runner.worker.supervisor import WorkerSpec
from benchmark_runner.workload import FunctionWorkload, InputsFile, Origin, Version


@dataclass(frozen=True)
class Checked:
    """A version that was compared with the original, and what it did if it is equal."""

    verdict: Verdict
    behaviours: tuple[Behaviour, ...] = ()
    difference: Difference | None = None
    hash_seed: int = 0
    """Under which the difference shows."""


def _given_index(spec: WorkerSpec, index: int, original: Original) -> int | None:
    """The given input that an extra one was made from; None where it was made from none."""
    given = len(original.infos) - len(spec.inputs.extra)
    return index if index < given else spec.inputs.extra[index - given].seed


class Comparer:
    """Runs the original once and compares versions with it; each version once."""

    def __init__(
        self,
        workload: FunctionWorkload,
        specs: Specs,
        *,
        level: Level,
        allow_unsandboxed: bool,
        rounding: float | None,
        progress: Progress,
        cancel: CancelToken,
        wanted: Wanted | None = None,
    ) -> None:
        self._wanted = replace(wanted or Wanted(), finite=rounding is not None)
        self._workload, self._specs = workload, specs
        self._level, self._allow, self._rounding = level, allow_unsandboxed, rounding
        self._progress, self._cancel = progress, cancel
        self._original: Original | None = None
        self.prepared: Stage | None = None
        self._checked: dict[Version, Checked] = {}

    def forget(self) -> None:
        """Forget which versions were compared."""
        self._checked.clear()

    def original(self) -> Original:
        """The original against itself, run at the first call. Raises what `prepare` raises."""
        if self._original is None:
            since = time.perf_counter()
            self._specs.make_extra(self._wanted)
            self._original = self._observed()
            self.prepared = Stage("original", time.perf_counter() - since, ok=True)
            own = self._original.behaviours
            verdict = Verdict(
                "exact", inputs=len(self._original.used), hash_seeds=tuple(HASH_SEEDS)
            )
            self._checked[self._workload.before] = Checked(
                verdict, tuple(own[seed] for seed in HASH_SEEDS)
            )
        return self._original

    def _observed(self) -> Original:
        """The original against itself; on the given inputs alone where it fails on others."""
        try:
            return self._observe()
        except WorkloadError as error:
            why = f"no inputs were added to the given ones: {error.message}"
            if not self._specs.drop_extra(why):
                raise
            return self._observe()

    def _observe(self) -> Original:
        found = observe_original(
            self._specs.original,
            generated=self._specs.made_up,
            progress=within(self._progress, 0.0, 0.15),
            cancel=self._cancel,
        )
        return replace(found, notes=(*found.notes, *self._specs.notes))

    def check(self, after: Version, origin: Origin) -> Checked:
        """What is known of a version, which is run if nothing is."""
        original = self.original()
        known = self._checked.get(after)
        if known is None:
            refused = not_allowed(self._level, origin, self._allow)
            if refused:
                known = Checked(replace(self._verdict(refused=refused), tried=False))
        if known is None:
            known = self.compare(after, original)
            if known.verdict.equality is not None and origin != "rule":
                known = self._own_branches(after) or known
            self._checked[after] = known
        return known

    def _own_branches(self, after: Version) -> Checked | None:
        """Why a version is not equal on inputs for the literals that it alone compares with.

        No input made from the original meets a branch that only the version has.
        """
        path, called = self._workload.path, self._workload.called
        texts = [version.text_of(path) or "" for version in (after, self._workload.before)]
        mine, usual = (literals_of(text, called) for text in texts)
        literals = mine.without(usual)
        specs = self._specs.beside(literals, self._wanted) if literals else None
        if specs is None:
            return None
        inner = Comparer(
            self._workload, specs, level=self._level, allow_unsandboxed=self._allow,
            rounding=self._rounding, progress=self._progress, cancel=self._cancel,
            wanted=self._wanted,
        )  # fmt: skip
        try:
            inner._original = inner._observe()
        except WorkloadError:
            return None  # the original can't be judged on them
        found = inner.compare(after, inner._original)
        if found.verdict.equality is not None:
            return None
        if found.verdict.counterexample is not None:
            inner._checked[after] = found
            return Checked(inner.minimal(after))
        return found

    def _in_sequence(self, after: Version, original: Original) -> Checked | None:
        """Why a version is not equal when its calls come in another order, or None."""
        self._progress("comparing sequences of calls", 0.3)
        spec = self._specs.candidate(after, HASH_SEEDS[0], original)
        try:
            with Crew(self._cancel) as crew:
                found = differs(crew, spec, original.infos, original.tracks, self._rounding)
        except Refused as refused:
            return Checked(self._verdict(refused=str(refused)))
        if found is None:
            return None
        shown = counterexample(found, original.infos, self._workload.called)
        used = len(original.used)
        verdict = Verdict(None, counterexample=shown, inputs=used, hash_seeds=HASH_SEEDS)
        return Checked(verdict, difference=found)

    def minimal(self, after: Version) -> Verdict:
        """The verdict on a version that differs, its counterexample as small as can be found.

        Takes up to `shrinking.BUDGET_S` more. Raises ValueError for a version that does not
        differ, and Cancelled.
        """
        original, checked = self.original(), self._checked[after]
        shown, difference = checked.verdict.counterexample, checked.difference
        if shown is None:
            raise ValueError("only versions that differ have a counterexample")
        if difference is None:
            return checked.verdict  # as small as it gets
        self._progress("looking for a smaller counterexample", None)
        if difference.sequence:
            small = self._shortest(after, original, difference)
        else:
            small = self._smallest(after, original, checked, shown)
        verdict = replace(checked.verdict, counterexample=small)
        self._checked[after] = replace(checked, verdict=verdict)
        return verdict

    def _file_of(self, spec: WorkerSpec, indices: Sequence[int], original: Original) -> Path | None:
        """The user's file of inputs, where it has all of these."""
        given = len(original.infos) - len(spec.inputs.extra)
        inputs = self._workload.inputs
        if not isinstance(inputs, InputsFile) or any(index >= given for index in indices):
            return None
        return inputs.path

    def _shortest(
        self, after: Version, original: Original, difference: Difference
    ) -> Counterexample:
        """A difference that takes a sequence of calls, with as few of them as can be found."""
        until = time.perf_counter() + BUDGET_S
        work, infos = self._workload, original.infos
        before = self._specs.candidate(work.before, HASH_SEEDS[0], original)
        changed = self._specs.candidate(after, HASH_SEEDS[0], original)
        found = shortest(
            self._cancel,
            before,
            changed,
            infos,
            difference,
            self._rounding,
            lambda: time.perf_counter() < until,
        )
        calls = plain_calls(self._cancel, before, found.sequence)
        made = snippet(
            Shown(
                path=work.path,
                called=work.called,
                text=work.before.text_of(work.path) or "",
                difference=found,
                kind="plain",
                inputs_file=self._file_of(before, found.sequence, original),
                calls=calls,
            )
        )
        return replace(counterexample(found, infos, work.called), snippet=made)

    def _smallest(
        self, after: Version, original: Original, checked: Checked, shown: Counterexample
    ) -> Counterexample:
        """A difference on one input, made as small as can be found."""
        difference = checked.difference
        seed, work = checked.hash_seed, self._workload
        if difference is None:
            return shown
        spec = self._specs.candidate(work.before, seed, original)
        base = _given_index(spec, shown.input, original)
        with Crew(self._cancel) as crew:
            found = shrink(
                crew,
                spec,
                self._specs.candidate(after, seed, original),
                difference,
                original.infos[shown.input].call,
                self._rounding,
            )
        if found is None:
            return shown
        infos = {found.difference.call[0]: found.call, shown.input: found.call}
        small = described(found.difference, infos, work.called)
        made = snippet(
            Shown(
                path=work.path,
                called=work.called,
                text=work.before.text_of(work.path) or "",
                difference=found.difference,
                kind=found.kind,
                hash_seed=seed if shown.stage == "hash seed" else None,
                args=found.args,
                kwargs=found.kwargs,
                inputs_file=None if base is None else self._file_of(spec, (base,), original),
                index=base or 0,
                replaced=found.replaced,
            )
        )
        return replace(small, input=shown.input, stage=shown.stage, snippet=made)

    def equal(self, version: Version) -> Checked:
        """What an equal version did. Raises ValueError for any other."""
        checked = self._checked.get(version)
        if checked is None or checked.verdict.equality is None:
            raise ValueError("only versions that were found equal to the original are timed")
        return checked

    def _verdict(
        self, *, refused: str | None = None, differences: Sequence[Difference] = ()
    ) -> Verdict:
        used = len(self.original().used)
        if refused is not None:
            return Verdict(None, refused=refused, inputs=used, hash_seeds=HASH_SEEDS)
        return Verdict(
            equality="rounding" if differences else "exact",
            max_relative=max((found.max_relative for found in differences), default=0.0),
            max_ulp=max((found.max_ulp for found in differences), default=0),
            inputs=used,
            hash_seeds=HASH_SEEDS,
        )

    def compare(self, after: Version, original: Original) -> Checked:
        """One worker per hash seed makes the original's calls."""
        self._progress("comparing with the original", 0.15)

        def run(crew: Crew, seed: int) -> tuple[Behaviour, list[Difference]] | Differs | Refused:
            # A verdict of one seed must not cut the other's short: the smaller input wins.
            try:
                worker = crew.start(self._specs.candidate(after, seed, original))
                return observe_candidate(
                    worker,
                    original.script,
                    original.behaviours[seed],
                    slowest_s=original.slowest_s,
                    rounding=self._rounding,
                )
            except (Differs, Refused) as found:
                return found
            except WorkerDied as error:
                self._cancel.check()
                return Refused(f"start: {error.message}")

        with Crew(self._cancel) as crew:
            found = crew.together([functools.partial(run, crew, seed) for seed in HASH_SEEDS])
        place = {call: rank for rank, call in enumerate(original.script)}
        departs = [
            (one.difference, seed)
            for one, seed in zip(found, HASH_SEEDS, strict=True)
            if isinstance(one, Differs)
        ]
        if departs:
            smallest, seed = min(departs, key=lambda one: place[one[0].call])
            shown = counterexample(smallest, original.infos, self._workload.called)
            if isinstance(found[0], tuple):
                shown = replace(shown, stage="hash seed")
            used = len(original.used)
            verdict = Verdict(None, counterexample=shown, inputs=used, hash_seeds=HASH_SEEDS)
            return Checked(verdict, difference=smallest, hash_seed=seed)
        refused = next((str(one) for one in found if isinstance(one, Refused)), None)
        if refused is not None:
            return Checked(self._verdict(refused=refused))
        if original.tracks and (otherwise := self._in_sequence(after, original)):
            return otherwise
        equal = [one for one in found if isinstance(one, tuple)]
        roundings = [difference for _, some in equal for difference in some]
        behaviours = tuple(behaviour for behaviour, _ in equal)
        notes = dict.fromkeys(note for behaviour in behaviours for note in behaviour.notes)
        verdict = replace(self._verdict(differences=roundings), notes=tuple(notes))
        return Checked(verdict, behaviours)
