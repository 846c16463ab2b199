"""Opens the bench of a workload, whatever its kind."""

from __future__ import annotations

from pathlib import Path

from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.bench import Bench
from benchmark_runner.workload import (
    CommandWorkload,
    FunctionWorkload,
    ProgramWorkload,
    Workload,
)


def open_bench(
    workload: Workload,
    *,
    python: Path,
    allow_unsandboxed: bool = False,
    rounding: float | None = None,
    only_cases: bool = False,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Bench:
    """The bench of the workload's kind, which is a context manager; nothing is run yet.

    With `only_cases` a program is judged by the given cases alone (see ProgramBench).

    What a kind needs is imported when it is first asked for. Raises WorkloadError where a
    workload can't be proved: unreadable cases, no compiler, a signature that can't be called.
    """
    if isinstance(workload, FunctionWorkload):
        from benchmark_runner.verify import FunctionBench

        return FunctionBench(
            workload, python=python, allow_unsandboxed=allow_unsandboxed, rounding=rounding,
            progress=progress, cancel=cancel or CancelToken(),
        )  # fmt: skip
    if isinstance(workload, CommandWorkload):
        from benchmark_runner.project.bench import CommandBench

        return CommandBench(
            workload, python=python, allow_unsandboxed=allow_unsandboxed, rounding=rounding,
            progress=progress, cancel=cancel,
        )  # fmt: skip
    if isinstance(workload, ProgramWorkload):
        from benchmark_runner.native.program import ProgramBench

        return ProgramBench(
            workload, python=python, allow_unsandboxed=allow_unsandboxed, rounding=rounding,
            only_cases=only_cases, progress=progress, cancel=cancel,
        )  # fmt: skip
    from benchmark_runner.native.function import NativeBench

    return NativeBench(
        workload, python=python, allow_unsandboxed=allow_unsandboxed, rounding=rounding,
        progress=progress, cancel=cancel,
    )  # fmt: skip
