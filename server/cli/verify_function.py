"""`hasten verify` of two versions of a Python function."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cattrs
from rich.text import Text

from analysis.source import read_source
from benchmark_runner.benches import open_bench
from benchmark_runner.executors.cluster import Cluster, ClusterError
from benchmark_runner.executors.job import Job, JobError
from benchmark_runner.inputs.from_tests import find_tests
from benchmark_runner.receipt import InputsUsed, Receipt, Repeat, to_json
from benchmark_runner.receipts.repeat import with_repeat
from benchmark_runner.verify import FunctionBench
from benchmark_runner.workload import (
    FunctionWorkload,
    GeneratedInputs,
    InputsFile,
    Version,
    Workload,
)
from hasten.paths import state_dir
from server.cli.common import (
    cancel_on_interrupt,
    existing_file,
    place_of,
    python_of,
    require_function,
)
from server.cli.output import ProgressLine, note, page, ratio_text, size_text


@dataclass(frozen=True)
class Options:
    """What holds for every kind of workload."""

    python: str | None = None
    rounding: float | None = None
    allow_unsandboxed: bool = False
    instructions: bool = False
    thorough: bool = False
    tests: bool | None = None
    """Whether the project's own tests are looked for; None: where no inputs are given."""
    cluster: str | None = None


@dataclass(frozen=True)
class Judged:
    """A receipt, with what was proved, so that it can be proved again."""

    receipt: Receipt
    workload: Workload
    after: Version
    repeat: Repeat | None = None
    only_cases: bool = False
    thorough: bool = False

    def repeatable(self, rounding: float | None) -> Receipt:
        """The receipt with all that a repetition needs."""
        if self.repeat is not None:
            return replace(self.receipt, repeat=self.repeat)
        return with_repeat(
            self.receipt, self.workload, self.after, "user", rounding,
            only_cases=self.only_cases, thorough=self.thorough,
        )  # fmt: skip


def verify_function(
    before: str, after: str, function: str, inputs: str | None, options: Options
) -> Judged:
    """Judge two versions of a function: same behaviour, and truly faster."""
    before_path, after_path = existing_file(before), existing_file(after)
    old, new = read_source(before_path), read_source(after_path)
    require_function(old.text, before_path, function)
    place = place_of(before_path, {"cluster": options.cluster})
    interpreter = python_of(place, options.python)
    given = InputsFile(existing_file(inputs)) if inputs else None
    version = Version.of({before_path: old.text})
    workload = FunctionWorkload(before_path, function, version, given or GeneratedInputs())
    wanted = options.tests if options.tests is not None else place.trusted and given is None
    if wanted:
        workload = _with_tests(workload, interpreter.path, place.workspace, options)
    changed = Version.of({before_path: new.text})
    if place.settings.cluster:
        return judge_on(place.settings.cluster, workload, changed, interpreter.path, options)
    return judge(workload, changed, interpreter.path, options)


def _with_tests(
    workload: FunctionWorkload, python: Path, workspace: Path, options: Options
) -> FunctionWorkload:
    """The workload with the tests that reach its function, and their calls where none are given."""
    with cancel_on_interrupt() as cancel, ProgressLine() as progress:
        found = find_tests(
            workspace, workload.path, workload.function, python=python, before=workload.before,
            keep=state_dir(workspace) / "tests", progress=progress, cancel=cancel,
        )  # fmt: skip
    if found.note and (options.tests or found.failing):
        note(found.note)
    if isinstance(workload.inputs, GeneratedInputs) and found.inputs is not None:
        return replace(workload, inputs=found.inputs)
    return replace(workload, tests=found.tests)


def judge(workload: FunctionWorkload, after: Version, python: Path, options: Options) -> Judged:
    """Prove one version under an interpreter, with progress and Ctrl-C."""
    with (
        cancel_on_interrupt() as cancel,
        ProgressLine() as progress,
        FunctionBench(
            workload,
            python=python,
            allow_unsandboxed=options.allow_unsandboxed,
            rounding=options.rounding,
            thorough=options.thorough,
            progress=progress,
            cancel=cancel,
            instructions=options.instructions,
        ) as bench,
    ):
        receipt = bench.prove(after, origin="user")
        return Judged(receipt, workload, after, thorough=options.thorough)


def judge_any(
    workload: Workload, after: Version, python: Path, options: Options, *, only_cases: bool = False
) -> Judged:
    """Prove one version of whatever kind of workload, with progress and Ctrl-C."""
    with (
        cancel_on_interrupt() as cancel,
        ProgressLine() as progress,
        open_bench(
            workload,
            python=python,
            allow_unsandboxed=options.allow_unsandboxed,
            rounding=options.rounding,
            only_cases=only_cases,
            progress=progress,
            cancel=cancel,
        ) as bench,
    ):
        receipt = bench.prove(after, origin="user")
        return Judged(receipt, workload, after, only_cases=only_cases)


def judge_on(
    cluster: str, workload: FunctionWorkload, after: Version, python: Path, options: Options
) -> Judged:
    """Prove one version on a worker of a cluster. Raises ClusterError, also for the job's own."""
    job = Job(
        workload=workload,
        action="prove",
        after=after,
        origin="user",
        python=python,
        rounding=options.rounding,
        allow_unsandboxed=options.allow_unsandboxed,
    )
    with (
        cancel_on_interrupt() as cancel,
        ProgressLine() as progress,
        Cluster(cluster) as executor,
    ):
        [answer] = executor.run([job], progress, cancel)
    if answer.receipt is None:
        failed = answer.error or JobError("cluster-job-lost", "no answer came", "try again")
        raise ClusterError(failed.message, code=failed.code, mend=failed.mend)
    return Judged(answer.receipt, workload, after)


def verify_json(receipt: Receipt) -> dict[str, Any]:
    """The contract of `verify --json`."""
    slower = set(receipt.slower_on)
    timings = receipt.measurement.inputs if receipt.measurement else ()
    return {
        "decision": receipt.decision,
        "ratio": receipt.ratio,
        "interval": list(receipt.interval) if receipt.interval else None,
        "equality": receipt.equality,
        "counterexample": cattrs.unstructure(receipt.counterexample),
        "slower_on": [
            {"input": t.input, "ratio": math.exp(t.log_ratio)}
            | ({"name": t.name} if t.name else {})
            for t in timings
            if t.input in slower
        ],
        "reason": receipt.reason,
        "inputs": {"source": receipt.inputs.source, "count": receipt.inputs.count},
        "seconds": receipt.seconds,
        "sandbox": receipt.sandbox.level,
        "receipt": to_json(receipt),
    }


def print_receipt(receipt: Receipt, after: Path) -> None:
    """The receipt as a person reads it."""
    out = page()
    colour = "green" if receipt.decision == "faster" else "yellow"
    head = f"  {receipt.function}  ({after.name})"
    out.print(Text.assemble((receipt.decision, f"bold {colour}"), head))
    if receipt.ratio is not None:
        out.print(
            f"  time before / time after: {ratio_text(receipt.ratio, receipt.interval)}, 95 %"
        )
    out.print(f"  equality: {receipt.equality or 'none'}")
    shown = receipt.counterexample
    if shown:
        out.print(
            f"  {shown.what} differs on {shown.call}\n"
            f"    before: {shown.before}\n    after:  {shown.after}"
        )
        if shown.stage:
            out.print(f"  found by: {shown.stage}")
        if shown.snippet:
            out.print("  to see it, with either version in place:\n")
            code = "".join(f"    {line}\n" for line in shown.snippet.splitlines())
            out.print(code, soft_wrap=True)
    else:
        out.print(f"  {receipt.reason}")
    if receipt.measurement is not None:
        _print_named(receipt)
    implementation = receipt.environment.implementation.replace("cpython", "CPython")
    out.print(
        f"  {_inputs_text(receipt.inputs)}, "
        f"sandbox {receipt.sandbox.level}, {implementation} "
        f"{receipt.environment.python_version}, {receipt.seconds:.1f} s"
    )
    if receipt.memory is not None:
        peaks = receipt.memory.before_peak, receipt.memory.after_peak
        out.print("  memory at its peak: {} before, {} after".format(*map(size_text, peaks)))
    for text in receipt.notes:
        out.print(f"  note: {text}")


_MOST_SHOWN = 20


def _print_named(receipt: Receipt) -> None:
    """Benchmarks that have names: the ratio of each, the slowest first."""
    named = [t for t in receipt.measurement.inputs if t.name] if receipt.measurement else []
    for timing in sorted(named, key=lambda t: t.log_ratio)[:_MOST_SHOWN]:
        slower = "  slower" if timing.input in receipt.slower_on else ""
        ratio = ratio_text(math.exp(timing.log_ratio))
        page().print(f"    {ratio:>8} {timing.name}{slower}")
    if len(named) > _MOST_SHOWN:
        page().print(f"    ... and {len(named) - _MOST_SHOWN} more")


def _inputs_text(used: InputsUsed) -> str:
    """How many inputs there were, and how many more were made from them."""
    more = [f"{name} {count}" for name, count in used.sources if name != used.source]
    text = f"{used.count} inputs ({used.source})"
    return f"{text}, more for equality ({', '.join(more)})" if more else text
