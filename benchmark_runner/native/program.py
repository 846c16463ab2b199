"""ProgramBench: one program that reads standard input, and candidates that must print the same.

The stages: the original on its cases (and against what they expect), cases made from them, every
candidate on all of these with sanitizers and without, paired timing of whole runs, confirmation
on made cases of the same shape that the first timing did not see.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.decision import Judgement, judge
from benchmark_runner.environment import describe
from benchmark_runner.errors import CandidateFailed
from benchmark_runner.lock import timing_lock
from benchmark_runner.measurement import confirmation, first_phase, summarise
from benchmark_runner.native import gate
from benchmark_runner.native.behaviour import Differs, Known, Original, Pair, Same, Unsafe
from benchmark_runner.native.cases import Case, digest_of, files_of, read_cases
from benchmark_runner.native.programs import Programs
from benchmark_runner.native.race import Race, growth
from benchmark_runner.native.runner import Program, Runner
from benchmark_runner.planning import plan_inputs
from benchmark_runner.proof import Case as Proof
from benchmark_runner.proof import Diary, Timed, make_receipt, within
from benchmark_runner.receipt import (
    Dependency,
    InputsUsed,
    Level,
    Measurement,
    Receipt,
    SandboxReport,
    Verdict,
)
from benchmark_runner.samples import clock_note
from benchmark_runner.sandbox.policy import Sandbox
from benchmark_runner.sandbox.probe import probe
from benchmark_runner.statistics import glance, median
from benchmark_runner.timing import Rates
from benchmark_runner.workload import (
    FunctionWorkload,
    GeneratedInputs,
    Origin,
    ProgramWorkload,
    Version,
)

LEAST_RUN_S = 0.002
"""CPU seconds beside the program's start that a run must take to be timed."""
_TIMED_S = 0.8
"""CPU seconds that one pass over the timed cases may take."""
_MOST_TIMED = 8
_MOST_HELD = 6
_SHARE = 0.25
"""A case is timed when it takes at least this share of the dearest one."""
_SHARED = 0.5
"""Of the gain on the given cases, on the log scale, how much fresh ones must show."""
_EMPTY = {"c": "int main(void) { return 0; }\n", "c++": "int main() { return 0; }\n", "python": ""}


@dataclass(frozen=True)
class _Plan:
    """Cases to time, those to confirm on, and CPU seconds of an empty program."""

    timed: tuple[int, ...]
    holdout: tuple[int, ...]
    start_s: float
    note: str = ""


class ProgramBench:
    """Proves candidates of one program against its original.

    A context manager. `python` runs Python programs. `rounding` is the largest relative difference
    of printed floats that may pass as equal (None: only equal text does). With `only_cases` nothing
    is made from the given cases: for programs whose inputs obey rules that no case shows. At L0
    versions by a user or a model are refused unless `allow_unsandboxed`.
    """

    def __init__(
        self,
        workload: ProgramWorkload,
        *,
        python: Path,
        allow_unsandboxed: bool = False,
        rounding: float | None = None,
        only_cases: bool = False,
        progress: Progress = silent,
        cancel: CancelToken | None = None,
    ) -> None:
        """Raises WorkloadError: unreadable cases, an unknown language, no compiler."""
        self._workload, self._python = workload, python
        self._allow, self._rounding = allow_unsandboxed, rounding
        self._only_cases = only_cases
        self._progress, self._cancel = progress, cancel or CancelToken()
        self._level: Level = probe().level
        self._sandbox = Sandbox(self._level)
        self._cases = read_cases(workload.cases)
        self._programs = Programs(workload, python, self._sandbox, self._cancel)
        self._original: Original | None = None
        self._plan_made: _Plan | None = None
        self._prepare_s = 0.0
        self._checked: dict[Version, Verdict] = {}
        self._same: dict[Version, Same] = {}

    def __enter__(self) -> ProgramBench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove what was built; there are no processes to end."""
        self._checked.clear()
        self._same.clear()
        self._programs.__exit__(kind, error, traceback)

    # -- the original

    @property
    def before(self) -> Version:
        """The version that candidates are judged against."""
        return self._workload.before

    def _pair(self, version: Version) -> Pair:
        """Both forms of a version. Raises CandidateFailed, and WorkloadError for the original."""
        timed = self._programs.get(version)
        has = self._programs.has_checks
        return Pair(timed, self._programs.get(version, checked=True) if has else None)

    def _runner(self, *pairs: Pair) -> Runner:
        shown = [p for pair in pairs for p in (pair.timed, pair.checked) if p is not None]
        return Runner(shown, self._sandbox, self._cancel)

    def _known(self) -> tuple[Original, _Plan]:
        """The original, run at the first call, and the plan. Raises what `prepare` raises."""
        if self._original is None or self._plan_made is None:
            since = time.perf_counter()
            self._progress("building the original", 0.0)
            own = self._pair(self._workload.before)
            empty = Version.of({self._workload.path: _EMPTY[self._programs.language]})
            start = self._programs.get(empty)
            with Runner([own.timed, own.checked or start, start], self._sandbox, self._cancel) as r:
                original = Original(
                    self._cases,
                    own,
                    r,
                    rounding=self._rounding,
                    make=not self._only_cases,
                    progress=self._progress,
                )
                self._plan_made = self._planned(original, r, start)
            self._original = original
            self._checked[self._workload.before] = Verdict("exact", inputs=len(original.known))
            self._same[self._workload.before] = Same(0.0, False, False)
            self._prepare_s = time.perf_counter() - since
        return self._original, self._plan_made

    def _planned(self, original: Original, runner: Runner, empty: Program) -> _Plan:
        """Which cases are timed: the dearest given ones, else larger ones made from them."""
        case = Case("empty", b"")
        start_s = median([runner.run(empty, case).cpu_s for _ in range(5)])

        def long_enough(known: Sequence[Known]) -> list[Known]:
            costs = [one.run.cpu_s - start_s for one in known]
            least = max([LEAST_RUN_S, *(_SHARE * cost for cost in costs)])
            return [one for one, cost in zip(known, costs, strict=True) if cost >= least]

        given = [known for known in original.known if known.case.source == "cases"]
        timed, note = long_enough(given), ""
        if not timed and not self._only_cases:
            timed = long_enough(original.larger(runner, start_s + 5 * LEAST_RUN_S))
            if timed:
                note = (
                    "the given cases are too short to time (the longest takes "
                    f"{max(one.run.cpu_s for one in given) * 1e3:.1f} ms, starting alone "
                    f"{start_s * 1e3:.1f} ms): timed on larger ones made from them"
                )
        if not timed:
            return _Plan((), (), start_s)
        chosen = _chosen(timed)
        held: list[int] = []
        if not self._only_cases:
            dear = sorted(chosen, key=lambda known: -known.run.cpu_s)[:_MOST_HELD]
            fresh = [original.fresh(known, runner) for known in dear]
            held = [k.index for k in long_enough([one for one in fresh if one is not None])]
        return _Plan(tuple(known.index for known in chosen), tuple(held), start_s, note)

    def prepare(self) -> InputsUsed:
        """Build the original, run it on its cases, make further ones; once per bench.

        Raises WorkloadError (build-failed, original-failed, case-mismatch, nondeterministic, ...),
        InterpreterError, SandboxError and Cancelled.
        """
        original, plan = self._known()
        sources: dict[str, int] = {}
        for known in original.known:
            sources[known.case.source] = sources.get(known.case.source, 0) + 1
        return InputsUsed(
            source="cases",
            count=len(original.known),
            timed=len(plan.timed),
            holdout=bool(plan.holdout),
            digest=digest_of(self._cases),
            sources=tuple(sources.items()),
        )

    def shapes(self) -> tuple[str, ...]:
        """How large the inputs are, the largest first. Raises what `prepare` raises."""
        original, _ = self._known()
        ranked = sorted(original.known, key=lambda known: -len(known.case.input))
        texts = (
            f"standard input of {len(known.case.input)} bytes, "
            f"{known.case.input.count(10)} lines, {len(known.case.input.split())} words"
            for known in ranked
        )
        return tuple(dict.fromkeys(texts))[:20]

    # -- equivalence

    def check(self, after: Version, origin: Origin) -> Verdict:
        """Whether a version prints what the original prints, on all cases.

        Raises what `prepare` raises.
        """
        original, _ = self._known()
        known = self._checked.get(after)
        if known is None:
            known = self._checked[after] = self._compare(after, origin, original)
        return known

    def _compare(self, after: Version, origin: Origin, original: Original) -> Verdict:
        count = len(original.known)
        if why := self._not_allowed(origin) or gate.refusal(*self._texts(after)):
            return Verdict(None, refused=why, inputs=count)
        self._progress("building the candidate", 0.15)
        try:
            pair = self._pair(after)
        except CandidateFailed as error:
            return Verdict(None, refused=f"{error.stage}: {error.message}", inputs=count)
        with self._runner(pair, self._pair(self._workload.before)) as runner:
            found = original.compare(pair, runner, within(self._progress, 0.15, 0.3))
        if isinstance(found, Unsafe):
            return Verdict(None, refused=found.reason, inputs=count)
        if isinstance(found, Differs):
            return Verdict(None, counterexample=found.counterexample, inputs=count)
        self._same[after] = found
        equality = "rounding" if found.max_relative else "exact"
        return Verdict(equality, max_relative=found.max_relative, inputs=count)  # type: ignore[arg-type]

    def _texts(self, after: Version) -> tuple[str, str]:
        path = self._workload.path
        texts = [version.text_of(path) for version in (self._workload.before, after)]
        read = [path.read_text("utf-8", "replace") if t is None else t for t in texts]
        return (read[0], read[1]) if self._programs.language != "python" else ("", "")

    def _not_allowed(self, origin: Origin) -> str | None:
        if self._level != "L0" or origin == "rule" or self._allow:
            return None
        lacking = ", ".join(probe().missing) or "see `hasten doctor`"
        return (
            f"sandbox: this version is not run without one (level L0; missing: {lacking}); "
            "--allow-unsandboxed runs it all the same"
        )

    def _equal(self, version: Version) -> None:
        if version not in self._same:
            raise ValueError("only versions that were found equal to the original are timed")

    # -- timing

    def measure(self, before: Version, after: Version) -> Measurement:
        """Search fidelity: one or two replicates on the timed cases; promising, not proved.

        Both versions must have passed `check`. Raises ValueError if not, CandidateFailed when one
        does something else while it is timed or runs are too short, and what `prepare` raises.
        """
        original, plan = self._known()
        self._equal(before)
        self._equal(after)
        if not plan.timed:
            raise CandidateFailed("timing", self._too_short(original, plan))
        with self._race(before, after, original) as race, timing_lock(self._progress, self._cancel):
            samples, step = first_phase(
                race,
                plan.timed,
                Rates(sizes={}),
                rule=glance,
                progress=self._progress,
                cancel=self._cancel,
            )
        return summarise(samples, step, None, reason=judge(samples, step, None).reason)

    def _race(self, before: Version, after: Version, original: Original) -> _OpenRace:
        return _OpenRace(
            self._runner(self._pair(before), self._pair(after)),
            self._programs.get(before),
            self._programs.get(after),
            original,
            self._rounding,
            self._cancel,
        )

    def _too_short(self, original: Original, plan: _Plan) -> str:
        return (
            f"the longest case takes {original.slowest_s * 1e3:.1f} ms of CPU, starting the "
            f"program alone {plan.start_s * 1e3:.1f} ms: too short to time; cases that take "
            f"{LEAST_RUN_S * 1e3:.0f} ms or more beside that would decide it"
        )

    def _time(
        self, base: Version, after: Version, original: Original, plan: _Plan, diary: Diary
    ) -> tuple[Timed, Race]:
        """Both phases under the machine's lock. Raises CandidateFailed."""
        rates = Rates(sizes={})
        with self._race(base, after, original) as race, timing_lock(self._progress, self._cancel):
            since = time.perf_counter()
            samples, step = first_phase(
                race,
                plan.timed,
                rates,
                progress=within(self._progress, 0.3, 0.75),
                cancel=self._cancel,
            )
            diary.add("timing", since)
            if note := clock_note(samples):
                diary.notes.append(note)
            confirmed = None
            if step == "accept":
                since = time.perf_counter()
                confirmed = confirmation(
                    race,
                    plan.holdout or plan.timed,
                    len(samples.runs),
                    clock=samples.clock,
                    progress=within(self._progress, 0.75, 0.95),
                    cancel=self._cancel,
                )
                diary.add("confirmation", since)
        return Timed(samples, step, confirmed), race

    # -- the whole proof

    def prove(self, after: Version, *, origin: Origin, before: Version | None = None) -> Receipt:
        """All stages. `before` (default: the original) is the timing base and must have passed
        `check`; equality is always against the original. Raises what `prepare` raises.
        """
        diary = Diary()
        base = self._workload.before if before is None else before
        original, plan = self._known()
        diary.add("original", time.perf_counter() - self._prepare_s)
        diary.notes += self._notes(original, plan, after)
        self._equal(base)
        since = time.perf_counter()
        verdict = self.check(after, origin)
        found = verdict.counterexample
        diary.add("equivalence", since, verdict.refused or (found.what if found else None))
        race, timed = None, None
        if verdict.refused is not None:
            judgement = Judgement("refused", verdict.refused)
        elif found is not None:
            reason = f"{found.what} differs on {found.call}: {found.before}, now {found.after}"
            judgement = Judgement("different", reason)
        elif not plan.timed:
            judgement = Judgement("inconclusive", self._too_short(original, plan))
        else:
            diary.notes += _said_of(self._same[after])
            since = time.perf_counter()
            try:
                timed, race = self._time(base, after, original, plan, diary)
                judgement = _judged(timed, bool(plan.holdout))
            except CandidateFailed as error:
                diary.add("timing", since, error.message)
                judgement = Judgement("refused", f"{error.stage}: {error.message}")
        self._progress(judgement.reason, 1.0)
        return self._receipt(base, after, verdict, judgement, timed, race, diary)

    def _notes(self, original: Original, plan: _Plan, after: Version) -> list[str]:
        notes = list(original.notes)
        if plan.note:
            notes.append(plan.note)
        if not plan.holdout and plan.timed:
            notes.append("no hold-out: a gain on these very cases alone would not be noticed")
        if self._level == "L0":
            notes.append("run without a sandbox (level L0)")
        if not self._programs.has_checks:
            notes.append("no sanitizers: the build command is no compiler's that is known")
        if self._programs.language == "python":
            notes.append("whole runs are timed, the interpreter's start included")
        return notes + gate.notes(*self._texts(after))

    def _receipt(
        self,
        base: Version,
        after: Version,
        verdict: Verdict,
        judgement: Judgement,
        timed: Timed | None,
        race: Race | None,
        diary: Diary,
    ) -> Receipt:
        workload = self._workload
        named = workload.function or workload.path.name
        receipt = make_receipt(
            Proof(
                FunctionWorkload(workload.path, named, workload.before, GeneratedInputs()),
                base,
                after,
                describe(self._python),
                self.prepare(),
                SandboxReport(self._level, self._allow, probe().missing),
                self._dependencies(),
            ),
            verdict,
            judgement,
            timed,
            diary,
        )
        original, plan = self._known()
        timings = receipt.measurement.inputs if receipt.measurement else ()
        cases = {known.index: known for known in original.known}
        return replace(
            receipt,
            kind="program",
            called=workload.path.name,
            build=self._programs.receipt(),
            memory=race.memory() if race else None,
            growth=growth(timings, cases, plan.start_s) if timings else None,
        )

    def _dependencies(self) -> tuple[Dependency, ...]:
        return (*self._programs.dependencies(), *files_of(self._workload.cases))


class _OpenRace:
    """A race with its runner, which ends with the context."""

    def __init__(
        self,
        runner: Runner,
        before: Program,
        after: Program,
        original: Original,
        rounding: float | None,
        cancel: CancelToken,
    ) -> None:
        cases = {known.index: known for known in original.known}
        self.race = Race(runner, before, after, cases, rounding, cancel)

    def __enter__(self) -> Race:
        self.race.runner.__enter__()
        return self.race

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.race.runner.__exit__(kind, error, traceback)


def _chosen(timed: Sequence[Known]) -> list[Known]:
    """At most eight of them, evenly spaced over their size."""
    ranked = sorted(timed, key=lambda known: (-known.run.cpu_s, known.index))
    plan = plan_inputs(
        [known.run.cpu_s for known in ranked], [len(k.case.input) for k in ranked], _TIMED_S
    )
    kept = [ranked[place] for place in plan.timed]
    while len(kept) > _MOST_TIMED:
        kept = kept[::2]
    return sorted(kept, key=lambda known: known.index)


def _judged(timed: Timed, held: bool) -> Judgement:
    """The decision; a gain that is mostly one on the given cases alone is none.

    A program that knows their answers is as slow as ever on cases that were made from them.
    """
    judgement = judge(timed.samples, timed.step, timed.confirmed)
    if timed.confirmed is None or not held or judgement.decision not in ("faster", "not faster"):
        return judgement
    given, fresh = timed.samples.estimate(), timed.confirmed.estimate()
    if fresh.mean >= _SHARED * given.mean:
        return judgement
    return Judgement(
        "refused",
        f"its gain is one on the given cases: {given.ratio:.3g}x on these, {fresh.ratio:.3g}x on "
        "fresh ones with the same shape and other values (where the given ones are special on "
        "purpose, --only-cases judges by them alone)",
    )


def _said_of(same: Same) -> list[str]:
    notes = []
    if same.spaces:
        notes.append("whitespace at the ends of lines or of the output differs; it does not count")
    if same.said_more:
        notes.append("standard error differs; it does not count")
    return notes
