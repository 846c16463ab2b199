"""The stage "tests": what the project's own tests say of a version, beside what inputs say.

The tests are those that reach the function and pass with the original (inputs/from_tests.py). They
are run on a scratch copy of the tree with the version's texts. A test that fails there is run once
more with the original: one that fails with that too says nothing of the version.
"""

from __future__ import annotations

from pathlib import Path

from analysis.progress import CancelToken
from benchmark_runner.inputs.from_tests import TestsRun, run_tests
from benchmark_runner.receipt import Counterexample
from benchmark_runner.workload import FunctionWorkload, InputsOfTests, Version
from hasten.paths import workspace_of


def tests_of(workload: FunctionWorkload) -> tuple[str, ...]:
    """Node ids of the tests that a version must pass."""
    given = workload.inputs.tests if isinstance(workload.inputs, InputsOfTests) else ()
    return tuple(dict.fromkeys((*given, *workload.tests)))


class ExistingTests:
    """Runs a workload's tests with versions of its function."""

    def __init__(self, workload: FunctionWorkload, python: Path, cancel: CancelToken) -> None:
        self._workload, self._python, self._cancel = workload, python, cancel
        self._tests = list(tests_of(workload))
        self.notes: list[str] = []

    def __len__(self) -> int:
        return len(self._tests)

    def lost(self, after: Version) -> Counterexample | None:
        """The first test that the original passes and the version does not, or None.

        Raises WorkloadError, InterpreterError and Cancelled.
        """
        if not self._tests:
            return None
        seen = self._run(after, self._tests)
        failing = [name for name in self._tests if not _passes(seen, name)]
        if not failing:
            return None
        usual = self._run(self._workload.before, failing)
        for name in failing:
            if not _passes(usual, name):
                self._tests.remove(name)
                self.notes.append(f"test left out: {name} fails with the original too")
                continue
            return Counterexample(
                input=-1,
                call=name,
                before="passed",
                after=_told(seen, name),
                what="test",
                stage="tests",
            )
        return None

    def _run(self, version: Version, names: list[str]) -> TestsRun:
        project = workspace_of(self._workload.path)
        return run_tests(project, names, python=self._python, version=version, cancel=self._cancel)


def _passes(run: TestsRun, name: str) -> bool:
    found = run.outcomes.get(name)
    return found is not None and found.outcome == "passed"


def _told(run: TestsRun, name: str) -> str:
    found = run.outcomes.get(name)
    if found is None:
        return run.broken or "was not run: pytest ended before it"
    return f"{found.outcome}: {found.message}" if found.message else found.outcome
