"""FunctionBench: one original, many candidates, each proved or refused with the reason.

The stages, cheapest first: the original against itself, equivalence on all inputs and two hash
seeds, paired timing, confirmation on fresh processes and held-out inputs, and for an implausible
gain equivalence once more; then, of what was accepted, growth and memory. No process outlives a
call.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.environment import describe
from benchmark_runner.equality.comparing import Comparer
from benchmark_runner.equality.equivalence import (
    HASH_SEEDS,
)
from benchmark_runner.equality.existing_tests import ExistingTests
from benchmark_runner.equality.model_tests import ModelTests
from benchmark_runner.equality.shortcuts import find_shortcut
from benchmark_runner.errors import CandidateFailed, WorkloadError
from benchmark_runner.inputs.extras import THOROUGH
from benchmark_runner.instruments.calls import Sample, choose_sample, compared, count_calls
from benchmark_runner.instruments.totals import CountFailed, instrument
from benchmark_runner.measuring.afterwards import Afterwards, Looked
from benchmark_runner.measuring.decision import Judgement, judge, plausibility_note
from benchmark_runner.measuring.tie_break import doubtful, second_opinion
from benchmark_runner.measuring.timer import Timer
from benchmark_runner.proof import Case, Diary, Timed, make_receipt
from benchmark_runner.receipt import (
    InputsUsed,
    Instructions,
    Level,
    Measurement,
    Receipt,
    SandboxReport,
    Verdict,
)
from benchmark_runner.receipts.dependencies import Interpreter, dependencies_of
from benchmark_runner.relations.stage import RelationsStage
from benchmark_runner.sandbox.layout import layout_of
from benchmark_runner.sandbox.needs import needs
from benchmark_runner.sandbox.probe import probe, reported
from benchmark_runner.specs import Specs
from benchmark_runner.worker.shapes import argument_shapes
from benchmark_runner.workload import (
    FunctionWorkload,
    ModelInputs,
    Origin,
    Version,
)


class FunctionBench:
    """Proves candidates of one function against its original.

    A context manager. `python` is the interpreter of the user's code; `rounding` the relative
    difference of floats that may pass as equal (None: only exact equality does). At L0 versions
    by a user or a model are refused unless `allow_unsandboxed`. With `instructions` they are
    counted for every version that is equal, else only where the clock leaves room for doubt.
    `thorough` takes some seconds more for inputs: more changed ones, and CrossHair's where it is
    installed. Not for several threads at once.
    """

    def __init__(
        self,
        workload: FunctionWorkload,
        *,
        python: Path,
        allow_unsandboxed: bool = False,
        rounding: float | None = None,
        progress: Progress = silent,
        cancel: CancelToken | None = None,
        instructions: bool = False,
        thorough: bool = False,
    ) -> None:
        self._workload = workload
        self._instructions = instructions
        self._python = python
        self._allow = allow_unsandboxed
        self._progress = progress
        self._cancel = cancel or CancelToken()
        self._level: Level = probe().level
        self._specs = Specs(workload, python, self._level, progress, self._cancel)
        self._comparer = Comparer(
            workload,
            self._specs,
            level=self._level,
            allow_unsandboxed=allow_unsandboxed,
            rounding=rounding,
            progress=progress,
            cancel=self._cancel,
            wanted=THOROUGH if thorough else None,
        )
        self._timer = Timer(workload, self._specs, self._comparer, progress, self._cancel)
        self._tests = ExistingTests(workload, python, self._cancel)
        self._relations = RelationsStage(workload, self._specs, self._cancel)
        self._afterwards = Afterwards(
            self._specs,
            self._comparer,
            self._timer,
            rounding=rounding,
            progress=progress,
            cancel=self._cancel,
        )
        inputs = workload.inputs
        self._written = (
            ModelTests(self._specs, inputs.calls, self._cancel)
            if isinstance(inputs, ModelInputs)
            else None
        )

    def __enter__(self) -> FunctionBench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Forget what was learned; there are no processes to end."""
        self._comparer.forget()

    # -- the original

    @property
    def before(self) -> Version:
        """The version that candidates are judged against."""
        return self._workload.before

    def prepare(self) -> InputsUsed:
        """Run the original against itself, once per bench.

        Raises WorkloadError (original-failed, inputs-failed, inputs-none, inputs-not-repeatable,
        nondeterministic), InterpreterError, SandboxError and Cancelled.
        """
        used = self._inputs_used()
        if found := self._comparer.original().depends:
            raise WorkloadError(
                f"the function's answers depend on the calls before, {found}",
                code="nondeterministic",
                mend="time a function that makes a whole sequence of such calls on its own state",
            )
        return used

    def _inputs_used(self) -> InputsUsed:
        original = self._comparer.original()
        plan = self._timer.plan()
        return InputsUsed(
            source=self._specs.source,
            count=len(original.own),
            timed=len(plan.timed),
            holdout=bool(plan.holdout),
            digest=original.digest,
            sources=original.sources,
        )

    def shapes(self) -> tuple[str, ...]:
        """What the arguments of the inputs are made of, the largest first; no value of them.

        Raises what `prepare` raises.
        """
        original = self._comparer.original()
        infos = {info.index: info for info in original.infos}
        seen = original.behaviours[HASH_SEEDS[0]].seen
        payloads = {index: seen[index, mode].payload for index, mode in seen}
        largest = sorted(original.own, key=lambda i: infos[i].size, reverse=True)
        found = (argument_shapes(payloads[i]) for i in largest if i in payloads)
        return tuple(dict.fromkeys(text for text in found if text))

    # -- equivalence

    def check(self, after: Version, origin: Origin) -> Verdict:
        """Whether a version behaves as the original does, on all inputs and both hash seeds.

        Raises what `prepare` raises.
        """
        verdict = self._comparer.check(after, origin).verdict
        if self._written is not None and verdict.refused is None:
            self._written.row(self.before)
            self._written.row(after)
        return verdict

    def belief(self, after: Version) -> float:
        """B4's score (a log) of a version that was checked, where a model wrote the tests; else 0.

        Raises what `prepare` raises.
        """
        return 0.0 if self._written is None else self._written.belief(after)

    # -- timing

    def measure(self, before: Version, after: Version) -> Measurement:
        """Search fidelity: one or two replicates on a few inputs that are not held out.

        What it accepts is promising, not proved. Both versions must have passed `check`. Raises
        ValueError if not, CandidateFailed when one of them fails or answers otherwise while it is
        timed, and what `prepare` raises.
        """
        return self._timer.measure(before, after)

    def sample(
        self, before: Version, after: Version, *, first: int, count: int, share: float
    ) -> list[float]:
        """Log-ratios of so many fresh pairs of processes, for a comparison of many candidates.

        `share` (0 to 1) is how far up in cost the inputs go. Raises what `measure` raises.
        """
        return self._timer.sample(before, after, first=first, count=count, share=share)

    def count(self, before: Version, after: Version, *, log_time: float) -> Instructions:
        """Instructions of a call of either version; `log_time` is what the clock said.

        Both must have passed `check`. Raises CountFailed, ValueError, and what `prepare` raises.
        """
        original = self._comparer.original()
        for version in (before, after):
            self._comparer.equal(version)
        sample = self._sample_to_count()
        specs = [
            self._specs.candidate(version, HASH_SEEDS[0], original, timed=True)
            for version in (before, after)
        ]
        return compared(*count_calls(specs[0], specs[1], sample, self._cancel), log_time)

    def _sample_to_count(self) -> Sample:
        original = self._comparer.original()
        copied = [info.copied for info in original.infos]
        return choose_sample(self._timer.plan().timed, original.costs_s, copied)

    # -- the whole proof

    def prove(self, after: Version, *, origin: Origin, before: Version | None = None) -> Receipt:
        """All stages. `before` (default: the original) is the timing base and must have passed
        `check`; equality is always against the original. Raises what `prepare` raises.
        """
        diary = Diary()
        base = self._workload.before if before is None else before
        self._prepare_notes(diary)
        self._comparer.equal(base)
        since = time.perf_counter()
        verdict = self.check(after, origin)
        if verdict.counterexample is not None:
            verdict = self._comparer.minimal(after)
        diary.notes += verdict.notes
        failed = verdict.refused or (
            verdict.counterexample.what if verdict.counterexample else None
        )
        diary.add("equivalence", since, failed)
        verdict = self._tested(after, verdict, diary)
        if self._written is not None and verdict.refused is None:
            diary.notes.append(self._written.note(self.before, after))
        judgement, timed = self._judge(base, after, verdict, diary)
        counted: Instructions | None = None
        if timed is not None:
            judgement = self._sealed(base, after, judgement, timed, diary)
            judgement = self._look_again(after, origin, judgement, timed, diary)
            judgement, counted = self._counted(base, after, judgement, timed, diary)
        judgement, shown, laws = self._relations.judge(
            after, self._comparer.original(), judgement, diary
        )
        if shown is not None:
            verdict = replace(verdict, equality=None, counterexample=shown)
        if timed is not None:
            looked = Looked(verdict, judgement, timed)
            looked = self._afterwards.look(base, after, origin, looked, diary)
            verdict, judgement, timed = looked.verdict, looked.judgement, looked.timed
        self._progress(judgement.reason, 1.0)
        receipt = self._receipt(base, after, verdict, judgement, timed, diary)
        return replace(receipt, instructions=counted, relations=laws)

    def _tested(self, after: Version, verdict: Verdict, diary: Diary) -> Verdict:
        """The verdict with that of the project's own tests, where the workload names some."""
        if verdict.equality is None or not len(self._tests):
            return verdict
        since = time.perf_counter()
        self._progress(f"running {len(self._tests)} tests that reach the function", 0.2)
        lost = self._tests.lost(after)
        diary.notes += self._tests.notes
        self._tests.notes.clear()
        diary.add("tests", since, f"{lost.call}: {lost.after}" if lost else None)
        return replace(verdict, equality=None, counterexample=lost) if lost else verdict

    def _prepare_notes(self, diary: Diary) -> None:
        used = self._inputs_used()
        original = self._comparer.original()
        if self._comparer.prepared is not None:
            diary.stages.append(self._comparer.prepared)
        diary.notes += original.notes
        if not used.holdout:
            diary.notes.append("no hold-out: there is only one input to time")
        if used.timed < used.count:
            diary.notes.append(f"timed on {used.timed} of {used.count} inputs, evenly spaced")
        if self._level == "L0":
            diary.notes.append("run without a sandbox (level L0)")

    def _judge(
        self, base: Version, after: Version, verdict: Verdict, diary: Diary
    ) -> tuple[Judgement, Timed | None]:
        if verdict.refused is not None:
            return Judgement("refused", verdict.refused), None
        found = verdict.counterexample
        if found is not None:
            reason = f"{found.what} differs on {found.call}: {found.before}, now {found.after}"
            return Judgement("different", reason), None
        if depends := self._comparer.original().depends:
            return Judgement(
                "inconclusive",
                f"the function's answers depend on the calls before ({depends}), so calls can't be "
                "repeated to be timed; a function that makes a whole sequence of them on its own "
                "state could be decided",
            ), None
        since = time.perf_counter()
        if why := self._shortcut(after):
            diary.add("steps", since, why)
            return Judgement("refused", why), None
        diary.add("steps", since)
        since = time.perf_counter()
        try:
            timed = self._timer.time(base, after, diary)
        except CandidateFailed as error:
            diary.add("timing", since, error.message)
            return Judgement("refused", f"{error.stage}: {error.message}"), None
        return judge(timed.samples, timed.step, timed.confirmed), timed

    def _shortcut(self, after: Version) -> str | None:
        """Why a gain that is still to be measured would not count, or None."""
        original = self._comparer.original()
        return find_shortcut(
            self._specs.candidate(after, HASH_SEEDS[0], original),
            self._specs.candidate(self._workload.before, HASH_SEEDS[0], original),
            original,
            self._cancel,
        )

    def _sealed(
        self, base: Version, after: Version, judgement: Judgement, timed: Timed, diary: Diary
    ) -> Judgement:
        """A gain must show in processes that are asked for everything at once, too."""
        if judgement.decision != "faster":
            return judgement
        since = time.perf_counter()
        why = self._timer.not_shown(base, after, timed)
        diary.add("sealed", since, why)
        return judgement if why is None else Judgement("refused", why)

    def _look_again(
        self,
        after: Version,
        origin: Origin,
        judgement: Judgement,
        timed: Timed,
        diary: Diary,
    ) -> Judgement:
        """A gain above 10x is compared on all inputs once more, in fresh processes."""
        note = plausibility_note(timed.samples, len(self._comparer.original().used))
        if note is None or judgement.decision != "faster":
            return judgement
        diary.notes.append(note)
        since = time.perf_counter()
        again = self._comparer.compare(after, self._comparer.original()).verdict
        if again.equality is not None:
            diary.add("recheck", since)
            return judgement
        reason = again.refused or "it behaves otherwise when it is compared once more"
        diary.add("recheck", since, reason)
        return Judgement("refused", reason)

    def _counted(
        self, base: Version, after: Version, judgement: Judgement, timed: Timed, diary: Diary
    ) -> tuple[Judgement, Instructions | None]:
        """The count of instructions where it was asked for or may decide."""
        samples = timed.samples
        if not (self._instructions or doubtful(judgement, samples)):
            return judgement, None
        if instrument() is None and not self._instructions:
            return judgement, None
        costs_s = self._comparer.original().costs_s
        if not (self._instructions or self._sample_to_count().is_short(costs_s)):
            diary.notes.append("instructions were not counted: the calls are long (--instructions)")
            return judgement, None
        since = time.perf_counter()
        self._progress("counting instructions", 0.95)
        try:
            counted = self.count(base, after, log_time=samples.estimate().mean)
        except CountFailed as error:
            diary.notes.append(f"instructions were not counted: {error.message}")
            return judgement, None
        judgement, note = second_opinion(judgement, samples, counted)
        diary.notes.append(note)
        diary.add("instructions", since)
        return judgement, counted

    def _receipt(
        self,
        base: Version,
        after: Version,
        verdict: Verdict,
        judgement: Judgement,
        timed: Timed | None,
        diary: Diary,
    ) -> Receipt:
        environment = describe(self._python)
        sandbox = SandboxReport(
            reported(self._level),
            self._allow,
            probe().missing,
            needs(self._comparer.original().attempts),
        )
        work = self._workload
        interpreter = Interpreter(
            self._python, environment.python_version, layout_of(self._python).libraries
        )
        dependencies = dependencies_of(work.path, work.called, work.before, after, interpreter)
        return make_receipt(
            Case(work, base, after, environment, self._inputs_used(), sandbox, dependencies),
            verdict,
            judgement,
            timed,
            diary,
        )
