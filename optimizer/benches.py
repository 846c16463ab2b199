"""The benches of one job: one for each function, kept so that its original is run only once."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from analysis.progress import CancelToken, Progress
from benchmark_runner.verify import FunctionBench
from benchmark_runner.workload import FunctionWorkload, Version
from optimizer.engine.protocol import OptimizeSpec
from optimizer.targets import Target


class Benches:
    """Opens benches at their first use and closes them all at the end."""

    def __init__(self, spec: OptimizeSpec, progress: Progress, cancel: CancelToken) -> None:
        self._spec, self._progress, self._cancel = spec, progress, cancel
        self._open: dict[str, FunctionBench] = {}
        self._stack = ExitStack()
        self._said: Progress = progress

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

    def of(self, target: Target) -> FunctionBench:
        """The bench of a function."""
        if target.key not in self._open:
            spec = self._spec
            files = {Path(p): t for p, t in self.base}
            before = Version.of({**files, target.path: target.text})
            work = FunctionWorkload(target.path, target.function.qualname, before, target.inputs)
            self._open[target.key] = self._stack.enter_context(
                FunctionBench(
                    work, python=Path(spec.python), allow_unsandboxed=spec.allow_unsandboxed,
                    rounding=spec.rounding, progress=self._say, cancel=self._cancel,
                )
            )  # fmt: skip
        return self._open[target.key]

    def _say(self, message: str, share: float | None = None) -> None:
        """A bench's shares are of one measurement, not of the job: only its words go on."""
        self._said(message, None)
