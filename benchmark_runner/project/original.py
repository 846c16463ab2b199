"""The original of a command workload against itself: tests that pass, a metric that repeats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from analysis.progress import CancelToken, Progress
from benchmark_runner.errors import WorkloadError
from benchmark_runner.lock import timing_lock
from benchmark_runner.measuring.statistics import median
from benchmark_runner.project.copies import Copies, Ran
from benchmark_runner.project.instrument import shown
from benchmark_runner.project.junit import TestOutcome
from benchmark_runner.project.metrics import Reading
from benchmark_runner.workload import CommandWorkload

_UNREPEATABLE = math.log(1.6)
_NOISY = math.log(1.1)
_MORE = 3
"""Readings after two that differ: of five, one that something disturbed does not count."""


@dataclass(frozen=True)
class Original:
    """What the original did: outcomes of its tests, readings of its benchmark, remarks."""

    tests: dict[str, TestOutcome]
    readings: tuple[Reading, ...]
    notes: list[str]


def observe(
    work: CommandWorkload, copies: Copies, progress: Progress, cancel: CancelToken
) -> Original:
    """Run the original's setup once, its tests twice, its benchmark twice (or, in noise, 5 times).

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
        readings = [_read(work, copies, progress, at) for at in (0.06, 0.08)]
        if _variation(work, readings) > _UNREPEATABLE:
            readings += [_read(work, copies, progress, 0.09) for _ in range(_MORE)]
    varies = _repeatable(work, readings)
    if varies > _NOISY:
        notes.append(
            f"the benchmark varies: two runs of the same code differ by "
            f"{100 * math.expm1(varies):.0f} %"
        )
    return Original(first.tests, tuple(readings), notes)


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


def _variation(work: CommandWorkload, readings: Sequence[Reading]) -> float:
    """How far two readings of the same code lie apart, as a log-ratio.

    The mean over the benchmarks of the median over all pairs of readings. Raises WorkloadError
    (metric-unrepeatable) where they name other benchmarks each time.
    """
    names = {tuple(metric.name for metric in reading.metrics) for reading in readings}
    if len(names) > 1:
        raise WorkloadError(
            f"`{shown(work.benchmark)}` names other benchmarks each time",
            code="metric-unrepeatable",
            mend="give its benchmarks fixed names",
        )
    apart = [_apart(readings, name) for name in names.pop()]
    return math.fsum(apart) / len(apart)


def _apart(readings: Sequence[Reading], name: str) -> float:
    values = [reading.by_name[name].value for reading in readings]
    return median([abs(math.log(one / other)) for one, other in combinations(values, 2)])


def _repeatable(work: CommandWorkload, readings: Sequence[Reading]) -> float:
    """The variation; raises WorkloadError (metric-unrepeatable) where it hides any gain."""
    typical = _variation(work, readings)
    if typical <= _UNREPEATABLE:
        return typical
    names = [metric.name for metric in readings[0].metrics]
    worst = max(names, key=lambda name: _apart(readings, name))
    told = ", ".join(f"{reading.by_name[worst].value:.4g}" for reading in readings)
    raise WorkloadError(
        f"{worst}: the same code gave {told}",
        code="metric-unrepeatable",
        mend="let the benchmark run longer, or quieten the machine",
    )
