"""NativeBench: one C or C++ function, called by a program of ours that is built around its file.

Each run is a fresh process: one call on one input under sanitizers and without for equality (the
result, and every array after the call, to the bit), many calls on one input for timing. No
interpreter stands in between, arrays are exactly as long as they are.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.errors import CandidateFailed, WorkloadError
from benchmark_runner.lock import timing_lock
from benchmark_runner.measuring.samples import Samples
from benchmark_runner.native import gate, symbols
from benchmark_runner.native.behaviour import Known, Original, Pair
from benchmark_runner.native.bench import ProcessBench
from benchmark_runner.native.builds import FRESH, Bridge, Builds
from benchmark_runner.native.calls import CallRace, Cost, cost_of
from benchmark_runner.native.compilers import compiler_for, language_of
from benchmark_runner.native.function_inputs import Call, call_of, calls_of_file
from benchmark_runner.native.plan import Plan
from benchmark_runner.native.programs import compiler_dependencies, variants_of
from benchmark_runner.native.race import Race, growth
from benchmark_runner.native.runner import Program, Runner
from benchmark_runner.native.signature import bridge, shim, signature_of
from benchmark_runner.native.values import SIZES, generated, made
from benchmark_runner.proof import Timed
from benchmark_runner.receipt import Build, Dependency, Growth, InputsUsed, Memory, Receipt
from benchmark_runner.workload import InputsFile, NativeWorkload, Version

_MADE_S = 10.0
_CANDIDATES = 10
_MOST_TIMED = 5
_SHARE = 1 / 16
_LONG_S = 0.03
"""Calls that take longer are not timed where there are others: they say the same, and no sooner."""
_HELD_SEED = 1000
_FRESH_PAIRS = 3
_SHARED = 0.25
"""Of the gain, on the log scale, how much must be there without what earlier calls left. Filling a
candidate's own buffers costs something, too."""


class NativeBench(ProcessBench):
    """Proves candidates of one C or C++ function against its original.

    A context manager. `python` runs the user's inputs(), where there is one. `rounding` is the
    largest relative difference of floats that may pass as equal (None: only equal bits do). At L0
    versions by a user or a model are refused unless `allow_unsandboxed`.
    """

    kind = "native"

    def __init__(
        self,
        workload: NativeWorkload,
        *,
        python: Path,
        allow_unsandboxed: bool = False,
        rounding: float | None = None,
        progress: Progress = silent,
        cancel: CancelToken | None = None,
    ) -> None:
        """Raises WorkloadError: function-missing, signature-unsupported, no compiler."""
        text = workload.before.text_of(workload.path)
        text = workload.path.read_text("utf-8", "replace") if text is None else text
        language = language_of(workload.path)
        self._signature = signature_of(text, workload.path, workload.function, language)
        super().__init__(
            workload.path,
            self._signature.function,
            workload.before,
            python=python,
            allow_unsandboxed=allow_unsandboxed,
            rounding=rounding,
            progress=progress,
            cancel=cancel,
        )
        self._workload = workload
        self._builds = Builds(
            workload.path,
            compiler_for(workload.path, workload.build),
            workload.before,
            sandbox=self._sandbox,
            bridge=Bridge(
                "#define main hasten_own_main\n#line 1\n", bridge(self._signature), shim("main.c")
            ),
            cancel=self._cancel,
        )
        self._calls: dict[int, Call] = {}
        self._costs: dict[int, Cost] = {}
        self._left_out = 0

    def __enter__(self) -> NativeBench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove what was built; there are no processes to end."""
        self._forget()
        self._builds.__exit__(kind, error, traceback)

    def _program(self, version: Version, *, checked: bool = False) -> Program:
        built = self._builds.get(version, checked=checked)
        return Program((str(built.path),), sanitized=checked)

    def _pair(self, version: Version) -> Pair:
        checks = self._builds.compiler.sanitizes
        return Pair(
            self._program(version), self._program(version, checked=True) if checks else None
        )

    # -- inputs

    def _observed(self) -> tuple[Original, Plan]:
        own, given = self._pair(self._before), self._given()
        with self._runner(own) as runner:
            cases = [
                call.case(self._signature, str(number), "file") for number, call in enumerate(given)
            ]
            self._calls = dict(enumerate(given))
            original = Original(
                cases,
                own,
                runner,
                rounding=self._rounding,
                make=False,
                progress=self._progress,
            )
            if not given:
                self._make(original, runner)
            return original, self._planned(original, runner, own.timed)

    def _given(self) -> list[Call]:
        inputs = self._workload.inputs
        if not isinstance(inputs, InputsFile):
            return []
        text = self._before.text_of(inputs.path)
        return calls_of_file(
            inputs.path, text, self._signature, self._python, self._sandbox, self._cancel
        )

    def _make(self, original: Original, runner: Runner) -> None:
        """Inputs by type that the original handles: it ends well, cleanly and always alike."""
        self._progress("making inputs from the types", 0.05)
        until = time.monotonic() + _MADE_S
        seed = 0 if isinstance(self._workload.inputs, InputsFile) else self._workload.inputs.seed
        for values in generated(self._signature, seed):
            if time.monotonic() > until:
                break
            self._accept(call_of(self._signature, values), original, runner)
        if not original.known:
            raise WorkloadError(
                f"{self._signature.function} fails, or reads beyond its arrays, on all inputs that "
                "were made from its types",
                code="inputs-none",
                mend="give a file that defines inputs() yielding (args, kwargs): --inputs FILE.py",
            )

    def _accept(self, call: Call, original: Original, runner: Runner) -> Known | None:
        if any(known == call for known in self._calls.values()):
            return None
        name = str(len(original.known))
        kept = original.accept(call.case(self._signature, name, "generated"), runner)
        if kept is None:
            self._left_out += 1
            return None
        self._calls[kept.index] = call
        return kept

    def _planned(self, original: Original, runner: Runner, program: Program) -> Plan:
        """The dearest inputs, and fresh ones of the same sizes to confirm on."""
        self._progress("looking how long calls take", 0.1)
        ranked = sorted(original.known, key=lambda known: len(known.case.input))
        timed = self._costed([known.index for known in ranked[-_CANDIDATES:]], runner, program)
        if not timed:
            short = "calls are too short, or too long, to be timed on any of the inputs"
            return Plan((), (), 0.0, short=short)
        if self._workload_has_file:
            held = timed[::2] if len(timed) > 1 else []
        else:
            held = self._costed(self._fresh(timed, original, runner), runner, program)
        return Plan(tuple(sorted(timed)), tuple(held), 0.0)

    @property
    def _workload_has_file(self) -> bool:
        return isinstance(self._workload.inputs, InputsFile)

    def _costed(self, indices: Sequence[int], runner: Runner, program: Program) -> list[int]:
        """Of these inputs the dearest ones, by what a call takes."""
        changes = self._signature.changes
        for index in indices:
            found = cost_of(runner, program, self._calls[index].arguments, changes=changes)
            if found is not None:
                self._costs[index] = found
        known = [index for index in indices if index in self._costs]
        known.sort(key=lambda index: -self._costs[index].call_s)
        known = [i for i in known if self._costs[i].call_s <= _LONG_S] or known[-1:]
        dear = [i for i in known if self._costs[i].call_s >= _SHARE * self._costs[known[0]].call_s]
        return dear[:_MOST_TIMED]

    def _fresh(self, timed: Sequence[int], original: Original, runner: Runner) -> list[int]:
        """Inputs as long as the timed ones, with other values."""
        found = []
        for index in timed:
            lengths = [
                len(value)
                for value in self._calls[index].values
                if isinstance(value, tuple | bytes)
            ]
            size = max(lengths, default=SIZES[0])
            for style in (0, 2):
                rng = random.Random(_HELD_SEED + index)
                call = call_of(self._signature, made(self._signature, rng, size, style, index))
                if (kept := self._accept(call, original, runner)) is not None:
                    found.append(kept.index)
                    break
        return found

    def prepare(self) -> InputsUsed:
        """Build the original and run it on its inputs, once per bench.

        Raises WorkloadError (build-failed, original-failed, inputs-none, nondeterministic, ...),
        InputsFailed, InterpreterError, SandboxError and Cancelled.
        """
        original, plan = self._known()
        total = hashlib.sha256()
        for known in original.known:
            total.update(self._calls[known.index].arguments)
        return InputsUsed(
            source="file" if self._workload_has_file else "generated",
            count=len(original.known),
            timed=len(plan.timed),
            holdout=bool(plan.holdout),
            digest=total.hexdigest(),
            sources=self._sources(original),
        )

    def shapes(self) -> tuple[str, ...]:
        """What the arguments are made of, the largest first; no value of them."""
        self._known()
        found = []
        ranked = sorted(self._calls.values(), key=lambda call: -len(call.arguments))
        for call in ranked:
            parts = [
                f"{one.text} of {len(value)}" if isinstance(value, tuple | bytes) else one.text
                for one, value in zip(self._signature.parameters, call.values, strict=True)
            ]
            found.append(", ".join(parts))
        return tuple(dict.fromkeys(found))[:20]

    # -- what is special

    def _refusal(self, after: Version) -> str | None:
        return gate.refusal(*self._texts(after), function=True)

    def _refusal_built(self, after: Version) -> str | None:
        own, theirs = (
            symbols.read_symbols(
                self._builds.asked(version, symbols.NM), self._builds.asked(version, symbols.SIZE)
            )
            for version in (self._before, after)
        )
        if own is None or theirs is None:
            return "it can't be seen whether it keeps state: its build has no symbols (-s, strip)"
        return symbols.refusal(own, theirs)

    @contextmanager
    def _race(
        self, before: Version, after: Version, original: Original, plan: Plan
    ) -> Iterator[Race]:
        self._progress("building what is timed", None)
        builds = variants_of(self._builds, before), variants_of(self._builds, after)
        with self._calling(builds, self._program(self._before), original) as race:
            yield race

    @contextmanager
    def _calling(
        self, builds: Sequence[Sequence[Program]], own: Program, original: Original
    ) -> Iterator[CallRace]:
        """The timing of these builds; `own` tells what a run costs beside its calls."""
        with Runner([*builds[0], *builds[1], own], self._sandbox, self._cancel) as runner:
            yield CallRace(
                runner,
                builds[0],
                builds[1],
                {known.index: known for known in original.known},
                self._rounding,
                self._cancel,
                arguments={index: call.arguments for index, call in self._calls.items()},
                costs=self._costs,
                changes=self._signature.changes,
                original=own,
                exact=self._rounding is None,
            )

    def _remembers(
        self, base: Version, after: Version, original: Original, plan: Plan, timed: Timed
    ) -> str | None:
        """A stack frame or a freed block lies where the last call's lay: what it left there is
        still there. So the gain must show, too, where both are filled anew."""
        if not self._builds.compiler.sanitizes:
            return None
        try:
            own, before, its = (
                self._fresh_program(version) for version in (self._before, base, after)
            )
        except (CandidateFailed, WorkloadError):
            return None  # an older compiler does not know the flag
        with (
            self._calling(([before], [its]), own, original) as race,
            timing_lock(self._progress, self._cancel),
        ):
            samples = Samples([race(number, plan.timed) for number in range(_FRESH_PAIRS)])
        given, fresh = timed.samples.estimate(), samples.estimate()
        if fresh.bound(0.95) >= _SHARED * given.mean:
            return None
        return (
            f"{given.ratio:.3g}x, but {fresh.ratio:.3g}x where nothing of an earlier call is left "
            "in the memory that it finds: it keeps state across calls, or filling its buffers "
            "takes that long; smaller buffers would decide it"
        )

    def _fresh_program(self, version: Version) -> Program:
        """A build that finds no automatic variable and no allocated block as a call left it."""
        built = self._builds.get(version, variant=FRESH)
        return Program((str(built.path),), environment=(("MALLOC_PERTURB_", "165"),))

    def _memory(self, race: Race) -> Memory | None:
        return None

    def _build(self) -> Build | None:
        return self._builds.receipt()

    def _dependencies(self) -> tuple[Dependency, ...]:
        return compiler_dependencies(self._builds)

    def _remarks(self) -> list[str]:
        notes = []
        if self._left_out:
            notes.append(
                f"{self._left_out} made inputs were left out: the original fails there, or has "
                "undefined behaviour"
            )
        if not self._builds.compiler.sanitizes:
            notes.append("no sanitizers: the build command is no compiler's that is known")
        return notes

    def _growth(self, receipt: Receipt, original: Original, plan: Plan) -> Growth | None:
        timings = receipt.measurement.inputs if receipt.measurement else ()
        cases = {known.index: known for known in original.known}
        return growth(timings, cases, 0.0, "bytes of the arguments") if timings else None
