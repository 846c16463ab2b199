"""The benches of one job: one for each function, kept so that its original is run only once."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from analysis.progress import CancelToken, Progress
from benchmark_runner.bench import Bench
from benchmark_runner.benches import open_bench
from benchmark_runner.errors import WorkloadError
from benchmark_runner.executors.job import Executor
from benchmark_runner.executors.remote import RemoteBench
from benchmark_runner.receipt import InputsUsed
from benchmark_runner.workload import FunctionWorkload, Kind, Workload
from optimizer.engine.protocol import OptimizeSpec
from optimizer.targets import Target
from optimizer.workloads import kinds_of, workload_of

_ELSEWISE = ("inputs-none", "signature-unsupported", "original-failed", "nondeterministic")
"""Codes of a function that can't be called by itself, which another kind may well prove."""


class Benches:
    """Opens benches at their first use and closes them all at the end."""

    def __init__(self, spec: OptimizeSpec, progress: Progress, cancel: CancelToken) -> None:
        self._spec, self._progress, self._cancel = spec, progress, cancel
        self._ready: dict[str, tuple[Bench, InputsUsed]] = {}
        self._works: dict[str, Workload] = {}
        self._stack = ExitStack()
        self._said: Progress = progress
        self._kinds: dict[str, Kind] = {}
        self._cluster: Executor | None = None
        self.notes: list[str] = []

    def __enter__(self) -> Benches:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close what was opened."""
        self._stack.close()

    @property
    def base(self) -> tuple[tuple[str, str], ...]:
        """The editor's text, which counts over the disk for every function of the job."""
        path, text = self._spec.path, self._spec.text
        return () if path is None or text is None else ((path, text),)

    def says(self, progress: Progress) -> None:
        """From now on the benches speak to this one."""
        self._said = progress

    def ready(self, target: Target) -> tuple[Bench, InputsUsed]:
        """The bench of a function, its original run against itself, and the inputs.

        A function that can't be called by itself is proved by the next kind of workload that it
        has. Raises what `Bench.prepare` raises, of the first kind where no other one is left.
        """
        if target.key not in self._ready:
            kinds = kinds_of(target, self._spec)
            for kind, other in zip(kinds, (*kinds[1:], None), strict=True):
                try:
                    bench = self._open(target, kind)
                    self._ready[target.key] = bench, bench.prepare()
                    self._kinds[target.key] = kind
                    break
                except WorkloadError as error:
                    given = self._spec.inputs_file is not None
                    if other is None or given or error.code not in _ELSEWISE:
                        raise
                    self.notes.append(
                        f"{target.function.qualname}: {error.message}; "
                        "it is proved by the project's own commands"
                    )
        return self._ready[target.key]

    def whole(self, targets: Mapping[str, Target]) -> frozenset[str]:
        """Names of the targets whose bench times more than the function itself."""
        wide = ("program", "command")
        return frozenset(name for name, t in targets.items() if self._kinds.get(t.key) in wide)

    def of(self, target: Target) -> Bench:
        """The bench of a function."""
        return self.ready(target)[0]

    def workload(self, target: Target) -> Workload:
        """What the bench of a function is about; it must be open."""
        return self._works[target.key]

    def _open(self, target: Target, kind: Kind) -> Bench:
        spec = self._spec
        work = self._works[target.key] = workload_of(target, spec, kind, self.base)
        bench = open_bench(
            work, python=Path(spec.python), allow_unsandboxed=spec.allow_unsandboxed,
            rounding=spec.rounding, only_cases=spec.only_cases, progress=self._say,
            cancel=self._cancel,
        )  # fmt: skip
        if spec.cluster is not None and isinstance(work, FunctionWorkload):
            bench = RemoteBench(
                bench, work, self._executor(spec.cluster), python=Path(spec.python),
                allow_unsandboxed=spec.allow_unsandboxed, rounding=spec.rounding,
                progress=self._say, cancel=self._cancel, note=self._once,
            )  # fmt: skip
        return self._stack.enter_context(bench)

    def _executor(self, address: str) -> Executor:
        """The cluster, joined at its first use. Raises ClusterError."""
        if self._cluster is None:
            from benchmark_runner.executors.cluster import Cluster

            self._cluster = Cluster(address)
            self._stack.callback(self._cluster.close)
        return self._cluster

    def _once(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def _say(self, message: str, share: float | None = None) -> None:
        """A bench's shares are of one measurement, not of the job: only its words go on."""
        self._said(message, None)
