"""The original of a command workload against itself: tests that pass, a metric that repeats."""

from __future__ import annotations

import math
from dataclasses import dataclass

from analysis.progress import CancelToken, Progress
from benchmark_runner.errors import WorkloadError
from benchmark_runner.lock import timing_lock
from benchmark_runner.project.copies import Copies, Ran
from benchmark_runner.project.instrument import shown
from benchmark_runner.project.junit import TestOutcome
from benchmark_runner.project.metrics import Reading
from benchmark_runner.workload import CommandWorkload

_UNREPEATABLE = math.log(1.6)
_NOISY = math.log(1.1)


@dataclass(frozen=True)
class Original:
    """What the original did: outcomes of its tests, two readings of its benchmark, remarks."""

    tests: dict[str, TestOutcome]
    readings: tuple[Reading, Reading]
    notes: list[str]


def observe(
    work: CommandWorkload, copies: Copies, progress: Progress, cancel: CancelToken
) -> Original:
    """Run the original's setup once, its tests twice and its benchmark twice.

    Raises WorkloadError: command-test-missing, original-failed, nondeterministic, metric-missing,
    metric-unrepeatable; and what making the copy raises.
    """
    if not work.test:
        raise WorkloadError(
            "there is no test command: nothing would show that both versions do the same",
            code="command-test-missing",
            mend='give --test "..." or set `test` in [tool.hasten.command]',
        )
    progress(f"copying {work.tree.name}", 0.0)
    notes = list(copies.copied(work.before).notes)
    setup = copies.set_up(work.before)
    if setup is not None:
        _passed(work, setup, "the setup", work.setup or ())
    progress(f"testing the original: {shown(work.test)}", 0.02)
    first = _passed(work, copies.test(work.before), "the tests", work.test)
    again = _passed(work, copies.test(work.before), "the tests", work.test)
    if first.tests != again.tests:
        raise WorkloadError(
            f"`{shown(work.test)}`: its tests end differently each time",
            code="nondeterministic",
            mend="leave out the tests that are not repeatable",
        )
    with timing_lock(progress, cancel):
        readings = _read(work, copies, progress, 0.06), _read(work, copies, progress, 0.08)
    varies = _variation(work, *readings)
    if varies > _NOISY:
        notes.append(
            f"the benchmark varies: two runs of the same code differ by "
            f"{100 * math.expm1(varies):.0f} %"
        )
    return Original(first.tests, readings, notes)


def _passed(work: CommandWorkload, ran: Ran, what: str, words: tuple[str, ...]) -> Ran:
    if not ran.ok:
        raise WorkloadError(
            f"{what} of the original fail: `{shown(words)}` {ran.how(work.timeout_s)}",
            code="original-failed",
            mend="it runs in a copy of the tree without network and without files that git "
            "ignores (see `setup` and `keep` in docs/command.md)",
        )
    return ran


def _read(work: CommandWorkload, copies: Copies, progress: Progress, share: float) -> Reading:
    words = work.benchmark
    progress(f"running the original: {shown(words)}", share)
    ran = _passed(work, copies.benchmark(work.before), "the benchmark", words)
    if ran.reading is None:
        raise WorkloadError(
            f"`{shown(words)}` tells no metric that can be read (metric {work.metric!r})",
            code="metric-missing",
            mend="have it print a number as its last line, or use pytest-benchmark, pyperf, "
            "hyperfine or Google Benchmark with JSON output",
        )
    return ran.reading


def _variation(work: CommandWorkload, first: Reading, second: Reading) -> float:
    """The mean distance of two readings of the same code, as a log-ratio."""
    names = [metric.name for metric in first.metrics]
    if names != [metric.name for metric in second.metrics]:
        raise WorkloadError(
            f"`{shown(work.benchmark)}` names other benchmarks each time",
            code="metric-unrepeatable",
            mend="give its benchmarks fixed names",
        )
    logs = [abs(math.log(m.value / second.by_name[m.name].value)) for m in first.metrics]
    typical = math.fsum(logs) / len(logs)
    if typical > _UNREPEATABLE:
        worst = names[max(range(len(logs)), key=lambda at: logs[at])]
        one, other = first.by_name[worst].value, second.by_name[worst].value
        raise WorkloadError(
            f"{worst}: the same code gave {one:.4g} and {other:.4g}",
            code="metric-unrepeatable",
            mend="let the benchmark run longer, or quieten the machine",
        )
    return typical
