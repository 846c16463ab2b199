"""One `optimize` job: functions and inputs, a search of each, the combination, the whole run."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from analysis.errors import Cancelled, HastenError
from analysis.languages import PYTHON, language_of
from analysis.progress import CancelToken, Progress
from benchmark_runner.errors import InterpreterError, WorkloadError
from benchmark_runner.executors.cluster import ClusterError
from benchmark_runner.receipt import InputsUsed
from benchmark_runner.recording.record import measure_run
from benchmark_runner.recording.standard_input import StandardInput
from benchmark_runner.workload import InputSource, ModelInputs
from optimizer.benches import Benches
from optimizer.combine import BenchJudge, Combination, prove_together
from optimizer.engine.protocol import JOB_FOLDERS, OptimizeSpec
from optimizer.function_search import Found, FunctionSearch
from optimizer.proposers.client import Ledger
from optimizer.proposers.model import open_cache
from optimizer.proposers.model_calls import write_calls
from optimizer.receipts import keep_receipt, resting_together
from optimizer.services import Services
from optimizer.suggestion import InputsSummary, Outcome, Rejection, RunGain, Suggestion
from optimizer.targets import Planner, Target

logger = logging.getLogger(__name__)

_BEST_SOURCE: tuple[InputSource, ...] = (
    "file", "cases", "command", "captured", "tests", "generated", "model",
)  # fmt: skip


def optimize(
    spec: OptimizeSpec, services: Services, progress: Progress, cancel: CancelToken
) -> Outcome:
    """All that can be proved for the functions of a job.

    Raises InputError for input that can't be used (no such function, a workload that fails, inputs
    of the user's file that are not repeatable) and Cancelled. What goes wrong with one function is
    a rejection and stops no other.
    """
    return Search(spec, services, progress, cancel).run()


class Search:
    """The state of one job."""

    def __init__(
        self, spec: OptimizeSpec, services: Services, progress: Progress, cancel: CancelToken
    ) -> None:
        self._spec, self._services = spec, services
        self._progress, self._cancel = progress, cancel
        self._suggestions: list[Suggestion] = []
        self._by_id: dict[str, Target] = {}
        self._originals: dict[str, str] = {}
        self._used: list[InputsUsed] = []
        self._rejected: list[Rejection] = []
        self._notes: list[str] = []

    def run(self) -> Outcome:
        """See `optimize`."""
        state = self._services.state
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (
            tempfile.TemporaryDirectory(prefix=JOB_FOLDERS, dir=state) as own,
            self._standard_input() as stdin,
        ):
            return self._run(Path(own), stdin)

    def _standard_input(self) -> StandardInput:
        """What the workload reads. Raises WorkloadError where whoever had it open is gone."""
        path = self._spec.stdin
        try:
            return StandardInput(path or os.devnull, self._spec.stdin_start)
        except OSError as error:
            raise WorkloadError(
                f"the workload's standard input can't be opened: {error}",
                code="workload-input-gone",
                mend="redirect a file to it (< FILE)",
            ) from error

    def _run(self, own: Path, stdin: StandardInput) -> Outcome:
        self._progress("looking for functions", None)
        state, spec = self._services.state, self._spec
        plan = Planner(spec, state, self._progress, self._cancel, own, stdin).plan()
        self._rejected += plan.rejected
        self._notes += plan.notes
        with Benches(self._spec, self._progress, self._cancel) as benches:
            of = len(plan.targets)
            for n, target in enumerate(plan.targets):
                self._cancel.check()
                part = self._part(target.function.qualname, n, of + 1 if of > 1 else of)
                benches.says(part)
                self._one(target, part, benches)
            together = self._part("together", of, of + 1)
            benches.says(together)
            opened = {id: benches.of(target) for id, target in self._by_id.items()}
            combination = prove_together(
                self._suggestions,
                self._originals,
                BenchJudge(opened, benches.base, benches.whole(self._by_id)),
                together,
                self._cancel,
            )
            self._notes += benches.notes
            kept = resting_together(combination.suggestions)
            for suggestion in kept:
                self._keep_receipt(suggestion, benches)
        self._rejected += combination.rejected
        if len(kept) > 1:
            self._notes.append(f"the edits of {len(kept)} functions were proved together")
        self._keep(plan.targets, kept)
        run = self._whole_run(combination, stdin)
        notes = (*self._notes, *dict.fromkeys(self._services.notes))
        return Outcome(tuple(kept), tuple(self._rejected), _summary(self._used), run, notes)

    def _part(self, name: str, n: int, of: int) -> Progress:
        """Progress within one function as progress of the job; it never goes back."""
        reached = n / of

        def tell(message: str, share: float | None = None) -> None:
            nonlocal reached
            reached = max(reached, (n + min(1.0, share or 0.0)) / of)
            self._progress(f"{name}: {message}", reached)

        return tell

    def _one(self, target: Target, progress: Progress, benches: Benches) -> None:
        try:
            found = self._found(target, progress, benches)
        except (Cancelled, InterpreterError, ClusterError):
            raise
        except WorkloadError as error:
            given = self._spec.inputs_file is not None and error.code.startswith("inputs")
            named = self._spec.function is not None
            if given or (named and (error.code == "inputs-none" or not self._by_calls(target))):
                raise  # bad input, not a refusal: a file of the user's, or the one function asked
            ours = error.code.startswith("inputs")
            self._refuse(target, "inputs" if ours else error.code, error)
        except HastenError as error:
            if self._spec.function is not None and error.code == "workload-unsupported":
                raise
            logger.warning("%s: %s", target.key, error.message)
            self._refuse(target, error.code, error)
        except Exception as error:
            logger.exception("the search of %s failed", target.key)
            reason = f"internal error: {type(error).__name__}: {error} (see engine.log)"
            self._rejected.append(
                Rejection(
                    str(target.path), target.function.qualname, "the function", "internal", reason
                )
            )
        else:
            self._take(target, found)

    def _found(self, target: Target, progress: Progress, benches: Benches) -> Found:
        """The search of a function; where no inputs are to be had, on calls that a model writes."""

        def search(target: Target) -> Found:
            return FunctionSearch(
                target, self._spec, self._services, progress, self._cancel, benches.base
            ).run(lambda: benches.ready(target))

        try:
            return search(target)
        except WorkloadError as error:
            if error.code != "inputs-none" or self._spec.model is None:
                raise
            if not self._by_calls(target) or self._spec.inputs_file is not None:
                raise
            progress("asking the model for calls", None)
            written = self._written(target)
            if written is None:
                raise
            return search(replace(target, inputs=written))

    def _written(self, target: Target) -> ModelInputs | None:
        """Calls of a function that the model of the job wrote."""
        name, spec = target.function.qualname, self._spec
        if spec.model is None:
            return None
        ledger, cache = Ledger(), open_cache(self._services.state)
        written = write_calls(
            spec.model, target.text, str(target.path), name, cache, self._cancel, ledger
        )
        if isinstance(written, str):
            self._notes.append(f"{name}: {written}")
            return None
        self._notes.append(
            f"{name}: a model wrote its inputs, {len(written.calls)} calls ({ledger}): give real "
            "ones with --inputs or --workload"
        )
        return written

    def _by_calls(self, target: Target) -> bool:
        """Whether it is proved by calls that were found: that there are none is no bad input."""
        return language_of(target.path) is PYTHON and self._spec.kind is None

    def _refuse(self, target: Target, stage: str, error: HastenError) -> None:
        reason = f"{error.message} ({error.mend})" if error.mend else error.message
        self._rejected.append(
            Rejection(str(target.path), target.function.qualname, "the function", stage, reason)
        )

    def _take(self, target: Target, found: Found) -> None:
        if found.inputs is not None:
            self._used.append(found.inputs)
        self._rejected += found.rejected
        self._notes += found.notes
        if found.suggestion is not None:
            self._suggestions.append(found.suggestion)
            self._by_id[found.suggestion.id] = target
            self._originals[found.suggestion.path] = target.text

    def _keep(self, targets: Sequence[Target], kept: Sequence[Suggestion]) -> None:
        """Suggestions and refusals go where the faces read them."""
        results = self._services.results
        if results is None:
            return
        for target in targets:
            path, name = str(target.path), target.function.qualname
            results.put_rejections(
                path, name, [r for r in self._rejected if (r.path, r.function) == (path, name)]
            )
        for suggestion in kept:
            results.put(suggestion, self._originals[suggestion.path])

    def _keep_receipt(self, suggestion: Suggestion, benches: Benches) -> None:
        work = benches.workload(self._by_id[suggestion.id])
        proved = self._originals[suggestion.path]
        keep_receipt(
            suggestion, proved, work, self._spec.rounding, only_cases=self._spec.only_cases
        )

    def _whole_run(self, combination: Combination, stdin: StandardInput) -> RunGain | None:
        """Seconds of the user's whole run before and after, measured on the combination."""
        spec = self._spec
        if spec.workload is None or not combination.suggestions:
            return None
        if any(language_of(s.path) is not PYTHON for s in combination.suggestions):
            self._notes.append("the whole run was not measured: that is for Python only")
            return None
        self._progress("measuring the whole run", None)
        cwd = Path(spec.cwd) if spec.cwd else Path(spec.workspace)
        try:
            found = measure_run(
                spec.workload, cwd, Path(spec.workspace), combination.before, combination.after,
                python=Path(spec.python), stdin=stdin, timeout_s=spec.workload_timeout_s,
                progress=self._progress, cancel=self._cancel,
            )  # fmt: skip
        except HastenError as error:
            self._notes.append(f"the whole run was not measured: {error.message}")
            return None
        if isinstance(found, str):
            self._notes.append(f"the whole run was not measured: {found}")
            return None
        return RunGain(found.before_s, found.after_s)


def _summary(used: Sequence[InputsUsed]) -> InputsSummary:
    sources = {u.source for u in used}
    best: InputSource = next((s for s in _BEST_SOURCE if s in sources), "generated")
    return InputsSummary(best, sum(u.count for u in used))
