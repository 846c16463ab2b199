"""ProgramBench: one program that reads standard input, and candidates that must print the same.

The stages: the original on its cases (and against what they expect), cases made from them, every
candidate on all of these with sanitizers and without, paired timing of whole runs, confirmation
on made cases of the same shape that the first timing did not see.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.measuring.decision import Judgement
from benchmark_runner.measuring.statistics import median
from benchmark_runner.native.behaviour import Original, Pair
from benchmark_runner.native.bench import ProcessBench
from benchmark_runner.native.cases import Case, digest_of, files_of, read_cases
from benchmark_runner.native.plan import Plan, plan_program
from benchmark_runner.native.programs import Programs
from benchmark_runner.native.race import Race, growth
from benchmark_runner.native.runner import Runner
from benchmark_runner.proof import Diary, Timed
from benchmark_runner.receipt import Build, Dependency, Growth, InputsUsed, Receipt, Verdict
from benchmark_runner.workload import ProgramWorkload, Version

_EMPTY = {"c": "int main(void) { return 0; }\n", "c++": "int main() { return 0; }\n", "python": ""}
_STARTS = 5


class ProgramBench(ProcessBench):
    """Proves candidates of one program against its original.

    A context manager. `python` runs Python programs. `rounding` is the largest relative difference
    of printed floats that may pass as equal (None: only equal text does). With `only_cases` nothing
    is made from the given cases: for programs whose inputs obey rules that no case shows. At L0
    versions by a user or a model are refused unless `allow_unsandboxed`.
    """

    kind = "program"

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
        super().__init__(
            workload.path,
            workload.function or workload.path.name,
            workload.before,
            python=python,
            allow_unsandboxed=allow_unsandboxed,
            rounding=rounding,
            progress=progress,
            cancel=cancel,
        )
        self._workload, self._only_cases = workload, only_cases
        self._cases = read_cases(workload.cases)
        self._programs = Programs(workload, python, self._sandbox, self._cancel)

    def __enter__(self) -> ProgramBench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove what was built; there are no processes to end."""
        self._forget()
        self._programs.__exit__(kind, error, traceback)

    def _pair(self, version: Version) -> Pair:
        timed = self._programs.get(version)
        has = self._programs.has_checks
        return Pair(timed, self._programs.get(version, checked=True) if has else None)

    def _observed(self) -> tuple[Original, Plan]:
        own = self._pair(self._before)
        empty = Version.of({self._path: _EMPTY[self._programs.language]})
        start = self._programs.get(empty)
        with Runner(
            [own.timed, own.checked or start, start], self._sandbox, self._cancel
        ) as runner:
            original = Original(
                self._cases,
                own,
                runner,
                rounding=self._rounding,
                make=not self._only_cases,
                progress=self._progress,
            )
            case = Case("empty", b"")
            start_s = median([runner.run(start, case).cpu_s for _ in range(_STARTS)])
            return original, plan_program(original, runner, start_s, make=not self._only_cases)

    def prepare(self) -> InputsUsed:
        """Build the original, run it on its cases, make further ones; once per bench.

        Raises WorkloadError (build-failed, original-failed, case-mismatch, nondeterministic, ...),
        InterpreterError, SandboxError and Cancelled.
        """
        original, plan = self._known()
        return InputsUsed(
            source="cases",
            count=len(original.known),
            timed=len(plan.timed),
            holdout=bool(plan.holdout),
            digest=digest_of(self._cases),
            sources=self._sources(original),
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

    @contextmanager
    def _race(
        self, before: Version, after: Version, original: Original, plan: Plan
    ) -> Iterator[Race]:
        cases = {known.index: known for known in original.known}
        self._progress("building what is timed", None)
        builds = self._programs.variants(before), self._programs.variants(after)
        with Runner([*builds[0], *builds[1]], self._sandbox, self._cancel) as runner:
            yield Race(runner, *builds, cases, self._rounding, self._cancel)

    def _build(self) -> Build | None:
        return self._programs.receipt()

    def _dependencies(self) -> tuple[Dependency, ...]:
        return (*self._programs.dependencies(), *files_of(self._workload.cases))

    def _remarks(self) -> list[str]:
        notes = []
        if any(case.expected is None for case in self._cases):
            notes.append("not all cases say what is expected: the original's output is")
        if self._programs.language == "python":
            notes.append("whole runs are timed, the interpreter's start included")
        if not self._programs.has_checks:
            notes.append("no sanitizers: the build command is no compiler's that is known")
        return notes

    def _growth(self, receipt: Receipt, original: Original, plan: Plan) -> Growth | None:
        cases = {known.index: known for known in original.known}
        timings = receipt.measurement.inputs if receipt.measurement else ()
        return growth(timings, cases, plan.start_s) if timings else None

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
        made = super()._receipt(base, after, verdict, judgement, timed, race, diary)
        return replace(made, called=self._path.name)
