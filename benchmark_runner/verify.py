"""FunctionBench: one original, many candidates, each proved or refused with the reason.

The stages, cheapest first: the original against itself, equivalence on all inputs and two hash
seeds, paired timing, confirmation on fresh processes and held-out inputs, and for an implausible
gain equivalence once more. No process outlives a call.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.crew import Crew
from benchmark_runner.decision import Judgement, judge, plausibility_note
from benchmark_runner.environment import describe
from benchmark_runner.equivalence import (
    HASH_SEEDS,
    Behaviour,
    Difference,
    Differs,
    Refused,
    counterexample,
    observe_candidate,
)
from benchmark_runner.errors import CandidateFailed, WorkerDied
from benchmark_runner.lock import timing_lock
from benchmark_runner.measurement import (
    FOUND_CALLS_S,
    TIMED_CALLS_S,
    RunReplicate,
    TimingPlan,
    confirmation,
    first_phase,
    glanced_inputs,
    plan_inputs,
    summarise,
    weighty,
    worth_timing,
)
from benchmark_runner.original import Original, observe_original
from benchmark_runner.pairing import pair_runner
from benchmark_runner.proof import Case, Diary, Timed, make_receipt, within
from benchmark_runner.receipt import (
    InputsUsed,
    Level,
    Measurement,
    Receipt,
    SandboxReport,
    Stage,
    Verdict,
)
from benchmark_runner.record import capture_in
from benchmark_runner.sandbox.probe import probe
from benchmark_runner.shapes import argument_shapes
from benchmark_runner.shortcuts import find_shortcut
from benchmark_runner.specs import Specs
from benchmark_runner.statistics import glance
from benchmark_runner.timing import Rates
from benchmark_runner.workload import (
    CapturedInputs,
    FunctionWorkload,
    Origin,
    Version,
)


@dataclass(frozen=True)
class _Checked:
    """A version that was compared with the original, and what it did if it is equal."""

    verdict: Verdict
    behaviours: tuple[Behaviour, ...] = ()


class FunctionBench:
    """Proves candidates of one function against its original.

    A context manager. `python` is the interpreter of the user's code; `rounding` the relative
    difference of floats that may pass as equal (None: only exact equality does). At L0 versions
    by a user or a model are refused unless `allow_unsandboxed`. Not for several threads at once.
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
    ) -> None:
        self._workload = workload
        self._python = python
        self._allow = allow_unsandboxed
        self._rounding = rounding
        self._progress = progress
        self._cancel = cancel or CancelToken()
        self._level: Level = probe().level
        self._specs = Specs(workload, python, self._level, progress, self._cancel)
        self._original: Original | None = None
        self._prepared: Stage | None = None
        self._plan: TimingPlan | None = None
        self._checked: dict[Version, _Checked] = {}

    def __enter__(self) -> FunctionBench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Forget what was learned; there are no processes to end."""
        self._checked.clear()

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
        original = self._observed()
        plan = self._timing_plan()
        return InputsUsed(
            source=self._specs.source,
            count=len(original.used),
            timed=len(plan.timed),
            holdout=bool(plan.holdout),
            digest=original.digest,
        )

    def shapes(self) -> tuple[str, ...]:
        """What the arguments of the inputs are made of, the largest first; no value of them.

        Raises what `prepare` raises.
        """
        original = self._observed()
        infos = {info.index: info for info in original.infos}
        seen = original.behaviours[HASH_SEEDS[0]].seen
        payloads = {index: seen[index, mode].payload for index, mode in seen}
        largest = sorted(original.used, key=lambda i: infos[i].size, reverse=True)
        found = (argument_shapes(payloads[i]) for i in largest if i in payloads)
        return tuple(dict.fromkeys(text for text in found if text))

    def _observed(self) -> Original:
        if self._original is None:
            since = time.perf_counter()
            self._original = observe_original(
                self._specs.original,
                generated=self._specs.source == "generated",
                progress=within(self._progress, 0.0, 0.15),
                cancel=self._cancel,
            )
            self._prepared = Stage("original", time.perf_counter() - since, ok=True)
            own = self._original.behaviours
            verdict = Verdict(
                "exact", inputs=len(self._original.used), hash_seeds=tuple(HASH_SEEDS)
            )
            self._checked[self._workload.before] = _Checked(
                verdict, tuple(own[seed] for seed in HASH_SEEDS)
            )
        return self._original

    # -- equivalence

    def check(self, after: Version, origin: Origin) -> Verdict:
        """Whether a version behaves as the original does, on all inputs and both hash seeds.

        Raises what `prepare` raises.
        """
        original = self._observed()
        known = self._checked.get(after)
        if known is None:
            refused = self._not_allowed(origin)
            known = _Checked(self._verdict(refused=refused)) if refused else None
        if known is None:
            known = self._compare(after, original)
            self._checked[after] = known
        return known.verdict

    def _not_allowed(self, origin: Origin) -> str | None:
        if self._level != "L0" or origin == "rule" or self._allow:
            return None
        who = "a model's version" if origin == "model" else "this version"
        lacking = ", ".join(probe().missing) or "see `hasten doctor`"
        return (
            f"sandbox: {who} is not run without one (level L0; missing: {lacking}); "
            "--allow-unsandboxed runs it all the same"
        )

    def _verdict(
        self, *, refused: str | None = None, differences: Sequence[Difference] = ()
    ) -> Verdict:
        used = len(self._observed().used)
        if refused is not None:
            return Verdict(None, refused=refused, inputs=used, hash_seeds=HASH_SEEDS)
        return Verdict(
            equality="rounding" if differences else "exact",
            max_relative=max((found.max_relative for found in differences), default=0.0),
            max_ulp=max((found.max_ulp for found in differences), default=0),
            inputs=used,
            hash_seeds=HASH_SEEDS,
        )

    def _compare(self, after: Version, original: Original) -> _Checked:
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
        differs = [one.difference for one in found if isinstance(one, Differs)]
        if differs:
            smallest = min(differs, key=lambda difference: place[difference.call])
            shown = counterexample(smallest, original.infos, self._workload.called)
            used = len(original.used)
            verdict = Verdict(None, counterexample=shown, inputs=used, hash_seeds=HASH_SEEDS)
            return _Checked(verdict)
        refused = next((str(one) for one in found if isinstance(one, Refused)), None)
        if refused is not None:
            return _Checked(self._verdict(refused=refused))
        equal = [one for one in found if isinstance(one, tuple)]
        roundings = [difference for _, some in equal for difference in some]
        return _Checked(
            self._verdict(differences=roundings), tuple(behaviour for behaviour, _ in equal)
        )

    # -- timing

    def _timing_plan(self) -> TimingPlan:
        """Which inputs are timed: all that count.

        Of generated ones not those that raise, of captured ones those that took the run's time.
        """
        if self._plan is None:
            original = self._observed()
            used = list(original.used)
            if self._specs.source == "generated":
                used = [index for index in used if not original.raises_on(index)] or used
                used = worth_timing({index: original.costs_s[index] for index in used})
            elif isinstance(self._workload.inputs, CapturedInputs):
                kept = capture_in(self._workload.inputs.folder)
                calls = kept.calls if kept else math.inf
                costs = {index: original.costs_s[index] for index in used}
                used = weighty(costs, calls / len(original.infos))
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
        inputs = glanced_inputs(self._timing_plan(), self._observed().costs_s)
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

    def _rates(self) -> Rates:
        return Rates(sizes={info.index: info.size for info in self._observed().infos})

    def _equal(self, version: Version) -> _Checked:
        checked = self._checked.get(version)
        if checked is None or checked.verdict.equality is None:
            raise ValueError("only versions that were found equal to the original are timed")
        return checked

    def _replicates(self, before: Version, after: Version, rates: Rates) -> RunReplicate:
        """How to time one pair of fresh processes of the two versions."""
        original = self._observed()
        versions = [(version, self._equal(version).behaviours) for version in (before, after)]
        return pair_runner(
            versions,
            lambda version, seed: self._specs.candidate(version, seed, original, timed=True),
            original.infos,
            rates,
            self._cancel,
        )

    def _time(self, before: Version, after: Version, diary: Diary) -> Timed:
        """Both phases under the machine's lock. Raises CandidateFailed."""
        plan, rates = self._timing_plan(), self._rates()
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
                    progress=within(self._progress, 0.75, 0.95),
                    cancel=self._cancel,
                )
                diary.add("confirmation", since)
        return Timed(samples, step, confirmed)

    # -- the whole proof

    def prove(self, after: Version, *, origin: Origin, before: Version | None = None) -> Receipt:
        """All stages. `before` (default: the original) is the timing base and must have passed
        `check`; equality is always against the original. Raises what `prepare` raises.
        """
        diary = Diary()
        base = self._workload.before if before is None else before
        self._prepare_notes(diary)
        self._equal(base)
        since = time.perf_counter()
        verdict = self.check(after, origin)
        failed = verdict.refused or (
            verdict.counterexample.what if verdict.counterexample else None
        )
        diary.add("equivalence", since, failed)
        judgement, timed = self._judge(base, after, verdict, diary)
        if timed is not None:
            judgement = self._look_again(after, origin, judgement, timed, diary)
        self._progress(judgement.reason, 1.0)
        return self._receipt(base, after, verdict, judgement, timed, diary)

    def _prepare_notes(self, diary: Diary) -> None:
        used = self.prepare()
        original = self._observed()
        if self._prepared is not None:
            diary.stages.append(self._prepared)
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
        since = time.perf_counter()
        if why := self._shortcut(after):
            diary.add("steps", since, why)
            return Judgement("refused", why), None
        diary.add("steps", since)
        since = time.perf_counter()
        try:
            timed = self._time(base, after, diary)
        except CandidateFailed as error:
            diary.add("timing", since, error.message)
            return Judgement("refused", f"{error.stage}: {error.message}"), None
        return judge(timed.samples, timed.step, timed.confirmed), timed

    def _shortcut(self, after: Version) -> str | None:
        """Why a gain that is still to be measured would not count, or None."""
        original = self._observed()
        return find_shortcut(
            self._specs.candidate(after, HASH_SEEDS[0], original),
            self._specs.candidate(self._workload.before, HASH_SEEDS[0], original),
            original,
            self._cancel,
        )

    def _look_again(
        self,
        after: Version,
        origin: Origin,
        judgement: Judgement,
        timed: Timed,
        diary: Diary,
    ) -> Judgement:
        """A gain above 10x is compared on all inputs once more, in fresh processes."""
        note = plausibility_note(timed.samples, len(self._observed().used))
        if note is None or judgement.decision != "faster":
            return judgement
        diary.notes.append(note)
        since = time.perf_counter()
        again = self._compare(after, self._observed()).verdict
        if again.equality is not None:
            diary.add("recheck", since)
            return judgement
        reason = again.refused or "it behaves otherwise when it is compared once more"
        diary.add("recheck", since, reason)
        return Judgement("refused", reason)

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
        sandbox = SandboxReport(self._level, self._allow, probe().missing)
        return make_receipt(
            Case(self._workload, base, after, environment, self.prepare(), sandbox),
            verdict,
            judgement,
            timed,
            diary,
        )
