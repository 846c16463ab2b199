"""Which worker runs which version: interpreter, inputs, limits, sandbox."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from analysis.progress import CancelToken, Progress
from benchmark_runner.equality.equivalence import HASH_SEEDS
from benchmark_runner.equality.original import Original
from benchmark_runner.inputs.extras import Wanted, find_extras
from benchmark_runner.inputs.generated import generate
from benchmark_runner.inputs.literals import Literals
from benchmark_runner.receipt import Level
from benchmark_runner.sandbox.limits import Limits
from benchmark_runner.sandbox.policy import Sandbox
from benchmark_runner.worker.supervisor import Extra, InputsPlan, WorkerSpec
from benchmark_runner.workload import (
    CapturedInputs,
    FunctionWorkload,
    InputsFile,
    InputsOfTests,
    InputSource,
    ModelInputs,
    Version,
)
from hasten.paths import workspace_of

_ORIGINAL_CALL_S = 60.0
_GENERATED_CALL_S = 4.0
_LEAST_CALL_S = 5.0
_LEAST_LOAD_S = 10.0
_SLOWER_IS_HUNG = 20.0
_BATCH_S = 30.0
_TRIAL_CALL_S = 1.0


class Specs:
    """Makes the specs of a bench's workers; the inputs' plan is made once."""

    def __init__(
        self,
        workload: FunctionWorkload,
        python: Path,
        level: Level,
        progress: Progress,
        cancel: CancelToken,
        *,
        only_extra: bool = False,
    ) -> None:
        self._workload = workload
        self._python = python
        self._level = level
        self._progress = progress
        self._cancel = cancel
        self._project = workspace_of(workload.path)
        self._inputs: InputsPlan | None = None
        self._extra: tuple[Extra, ...] = ()
        self._only_extra = only_extra
        self.notes: tuple[str, ...] = ()

    @property
    def source(self) -> InputSource:
        """Where the inputs come from."""
        if isinstance(self._workload.inputs, InputsFile):
            return "file"
        if isinstance(self._workload.inputs, InputsOfTests):
            return "tests"
        if isinstance(self._workload.inputs, ModelInputs):
            return "model"
        return "captured" if isinstance(self._workload.inputs, CapturedInputs) else "generated"

    @property
    def made_up(self) -> bool:
        """Whether nobody has ever made these calls: the function may not be written for them."""
        return self.source in ("generated", "model")

    def beside(self, literals: Literals, wanted: Wanted) -> Specs | None:
        """Specs of the same workload with nothing but inputs for these literals, if any fit."""
        made = Specs(
            self._workload, self._python, self._level, self._progress, self._cancel,
            only_extra=True,
        )  # fmt: skip
        made._inputs = self._plan()
        made.make_extra(
            replace(wanted, literals=literals, mutated=0, stressing_steps=0, symbolic_s=0.0)
        )
        return made if made._extra else None

    def make_extra(self, wanted: Wanted) -> None:
        """Make inputs beside the given ones, by trial calls of the original. Raises Cancelled.

        What is wrong with the original or its inputs is told by the run that follows.
        """
        self.drop_extra()
        if self.source == "generated":
            wanted = replace(wanted, mutated=0)
        self._progress("making inputs like the given ones", 0.0)
        tried = find_extras(self._trial, self._text(), self._workload.called, wanted, self._cancel)
        self._extra = tuple(tried.kept)
        note = tried.note()
        self.notes = (note,) if note and self.source != "generated" else ()

    def drop_extra(self, note: str = "") -> bool:
        """Go on with the given inputs alone, and say why; whether there were others."""
        had = bool(self._extra)
        self._extra = ()
        self.notes = (note,) if note else ()
        return had

    def _trial(self) -> WorkerSpec:
        """A worker of the original for calls that may have to be stopped."""
        made = self.original(HASH_SEEDS[0], None)
        limits = Limits(call_s=_TRIAL_CALL_S, batch_s=_BATCH_S)
        return replace(made, limits=limits, inputs=replace(made.inputs, extra=(), max_seconds=0.5))

    def _text(self) -> str:
        path = self._workload.path
        text = self._workload.before.text_of(path)
        return path.read_text("utf-8", "replace") if text is None else text

    def original(self, seed: int, count: int | None) -> WorkerSpec:
        """A worker of the original; `count` is the exact number of inputs once it is known.

        Made-up inputs that take long are left out while they are counted. Those that stay may take
        as long as others: what took 3 s may take 5 s beside two more processes.
        """
        limit = _GENERATED_CALL_S if self.made_up and count is None else _ORIGINAL_CALL_S
        return self._spec(self._workload.before, seed, count, limit, Sandbox(self._level))

    def candidate(
        self, version: Version, seed: int, original: Original, *, timed: bool = False
    ) -> WorkerSpec:
        """A worker of a version. A call may take 5 s, or 20 times the original's slowest one;
        importing it 10 s, or 20 times the CPU time of the original's, within the usual limit.

        What the original does not try ends the worker. In timed ones the tripwire is left out
        where the original's calls make audit events, since each would cost a little; the kernel's
        filter stays.
        """
        limit = max(_LEAST_CALL_S, _SLOWER_IS_HUNG * original.slowest_s)
        listening = original.silent or not timed
        sandbox = Sandbox(self._level, tripwire=listening, allowed=original.attempts)
        spec = self._spec(version, seed, len(original.infos), limit, sandbox)
        import_s = max(known.loaded.import_cpu_s for known in original.behaviours.values())
        load_s = min(spec.limits.load_s, max(_LEAST_LOAD_S, _SLOWER_IS_HUNG * import_s))
        return replace(spec, limits=replace(spec.limits, load_s=load_s))

    def asked(self, version: Version, calls: tuple[bytes, ...], call_s: float) -> WorkerSpec:
        """A worker of a version on calls of our own making, canonical (args, kwargs) each."""
        spec = self._spec(version, 0, None, call_s, Sandbox(self._level))
        return replace(spec, inputs=InputsPlan("values", values=calls, count=len(calls)))

    def _spec(
        self, version: Version, seed: int, count: int | None, call_s: float, sandbox: Sandbox
    ) -> WorkerSpec:
        return WorkerSpec(
            python=self._python,
            path=self._workload.path,
            called=self._workload.called,
            version=version,
            inputs=self._counted(count),
            hash_seed=seed,
            project=self._project,
            limits=Limits(call_s=call_s, batch_s=max(call_s, _BATCH_S)),
            sandbox=sandbox,
        )

    def _counted(self, count: int | None) -> InputsPlan:
        """The plan with the exact number of inputs, of which the extra ones are told apart."""
        own = None if count is None else count - len(self._extra)
        plan = replace(self._plan(), count=own, extra=self._extra)
        return replace(plan, only_extra=self._only_extra)

    def _plan(self) -> InputsPlan:
        if self._inputs is None:
            given, source = self._workload.inputs, self.source
            if isinstance(given, InputsFile):
                self._inputs = InputsPlan("file", path=given.path, source=source)
            elif isinstance(given, CapturedInputs | InputsOfTests):
                calls = given.calls if isinstance(given, InputsOfTests) else given
                self._inputs = InputsPlan("captured", path=calls.folder, source=source)
            elif isinstance(given, ModelInputs):
                values = tuple(call.call for call in given.calls)
                self._inputs = InputsPlan("values", values=values, source=source)
            else:
                self._progress("making inputs from the code", 0.0)
                values = self._generated(given.seed)
                self._inputs = InputsPlan("values", values=values, source=source)
        return self._inputs

    def _generated(self, seed: int) -> tuple[bytes, ...]:
        path, called = self._workload.path, self._workload.called
        return generate(self._text(), path, called, seed=seed, cancel=self._cancel)
