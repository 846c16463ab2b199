"""Measures many cases on many targets, and keeps each result as soon as it is there."""

from __future__ import annotations

import ast
import functools
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from analysis.errors import Cancelled, HastenError
from analysis.progress import CancelToken, Progress, silent
from analysis.rules.cases import Case, Measure
from analysis.rules.evidence import Gain, Short, Table, read_table, write_table
from benchmark_runner.environment import describe
from benchmark_runner.rule_gains.outcome import NotEqual, Sizes
from benchmark_runner.rule_gains.program import measure_program
from benchmark_runner.rule_gains.python import measure_python
from benchmark_runner.rule_gains.targets import PYTHON, Target

logger = logging.getLogger(__name__)

_SECONDS = 20.0
_POLL_S = 0.1


@dataclass(frozen=True)
class Job:
    """One case to measure on one target."""

    case: Case
    measure: Measure
    target: Target


@dataclass(frozen=True)
class Outcome:
    """What became of a job: its rows, or why there are none. `short` are sizes without a row."""

    job: Job
    gains: tuple[Gain, ...] = ()
    skipped: str | None = None
    short: tuple[int, ...] = ()


class Ledger:
    """A table on disk that rows are added to as they come; each write is whole or not at all."""

    def __init__(self, path: Path, targets: Iterable[Target], cases: Iterable[Case]) -> None:
        """Rows of cases that have other texts now, or none, are dropped with the next write.

        Raises AnalysisError (evidence-damaged) for a table that can't be read.
        """
        self.path = path
        self._lock = threading.Lock()
        found = read_table(path) if path.exists() else Table()
        digests = {case.name: case.digest for case in cases}
        environment = describe(Path(sys.executable))
        machine: dict[str, str | int] = {
            "cpu": environment.cpu,
            "cores": environment.cores,
            "platform": environment.platform,
            "kernel": environment.kernel.split("-", 1)[0],
            "hasten": environment.hasten,
        }
        versions = {**found.targets, **{target.name: target.version for target in targets}}
        kept = tuple(gain for gain in found.gains if digests.get(gain.case) == gain.digest)
        before = str(found.machine.get("cpu", "")) if kept else ""
        if before:  # of what is kept it says where it was measured, too
            names = dict.fromkeys([*before.split(" and "), environment.cpu])
            machine["cpu"] = " and ".join(names)
        short = tuple(row for row in found.short if digests.get(row.case) == row.digest)
        self.table = replace(found, machine=machine, targets=versions, gains=kept, short=short)

    def has(self, job: Job) -> bool:
        """Whether a job's sizes are all in the table, or known to be too short to time."""
        own = (job.case.name, job.target.name)
        rows: tuple[Gain | Short, ...] = (*self.table.gains, *self.table.short)
        return set(job.measure.sizes) <= {row.size for row in rows if (row.case, row.target) == own}

    def add(self, outcome: Outcome) -> None:
        """Put a job's rows, if there are any, in the place of those it had. Raises OSError."""
        if not outcome.gains and not outcome.short:
            return
        job = outcome.job
        own = (job.case.name, job.target.name)
        new = tuple(Short(*own, size, job.case.digest) for size in outcome.short)
        with self._lock:
            gains = tuple(g for g in self.table.gains if (g.case, g.target) != own)
            short = tuple(s for s in self.table.short if (s.case, s.target) != own)
            self.table = replace(
                self.table,
                measured=datetime.now(timezone.utc).date().isoformat(),
                gains=(*gains, *outcome.gains),
                short=(*short, *new),
            )
            write_table(self.path, self.table)


def jobs_for(cases: Sequence[Case], targets: Sequence[Target]) -> list[Job]:
    """Every case that says how it is measured, on every target of its language."""
    return [
        Job(case, case.measure, target)
        for target in targets
        for case in cases
        if case.measure is not None and case.language == target.language
    ]


def measure_all(
    jobs: Sequence[Job],
    keep: Callable[[Outcome], None],
    *,
    at_once: int = 1,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> list[Outcome]:
    """Measure the jobs, so many at once, and hand each outcome to `keep` as it comes.

    What is timed at the same moment is bounded by the machine's timing slots. Raises Cancelled and
    what `keep` raises; what is wrong with one case is its outcome.
    """
    token = cancel or CancelToken()
    found: list[Outcome] = []
    with ThreadPoolExecutor(max(1, at_once)) as pool:
        waiting: Iterator[Job] = iter(jobs)
        running: dict[Future[Outcome], Job] = {}
        try:
            while True:
                while len(running) < at_once and (job := next(waiting, None)) is not None:
                    said = f"measuring {job.case.name} on {job.target.name}"
                    progress(said, (len(found) + len(running)) / len(jobs))
                    running[pool.submit(measure_one, job, cancel=token)] = job
                if not running:
                    return found
                done, _ = wait(running, timeout=_POLL_S, return_when=FIRST_COMPLETED)
                token.check()
                for future in done:
                    del running[future]
                    outcome = future.result()
                    found.append(outcome)
                    keep(outcome)
        except BaseException:
            token.cancel()
            raise


def measure_one(job: Job, *, cancel: CancelToken | None = None) -> Outcome:
    """Measure one case on one target. Raises Cancelled."""
    token = cancel or CancelToken()
    try:
        if job.target.language == PYTHON:
            if lacking := missing_libraries(job.case, job.target.path):
                return Outcome(job, skipped=f"{job.target.name} has no {' and no '.join(lacking)}")
            sizes = measure_python(job.case, job.measure, job.target.path, silent, token)
        else:
            sizes = measure_program(job.case, job.measure, job.target, silent, token)
    except NotEqual as error:
        unequal = tuple(_gain(job, size, None) for size in job.measure.sizes)
        return Outcome(job, unequal, skipped=f"not equal: {error}")
    except Cancelled:
        raise
    except HastenError as error:
        return Outcome(job, skipped=error.message)
    except Exception as error:  # hours of other cases must not end with it
        logger.exception("%s on %s", job.case.name, job.target.name)
        return Outcome(job, skipped=f"{type(error).__name__}: {error}")
    return _outcome(job, sizes)


def _outcome(job: Job, sizes: Sizes) -> Outcome:
    rows = dict(zip(job.measure.sizes, sizes, strict=True))
    return Outcome(
        job,
        tuple(
            _gain(job, size, (reading.ratio, reading.low, reading.high))
            for size, reading in rows.items()
            if reading is not None
        ),
        short=tuple(size for size, reading in rows.items() if reading is None),
    )


def _gain(job: Job, size: int, reading: tuple[float, float, float] | None) -> Gain:
    """A row with four digits that count; None for versions that are not equal."""
    ratio, low, high = (float(f"{value:.4g}") for value in reading or (1.0, 1.0, 1.0))
    case = job.case
    equal = reading is not None
    return Gain(case.rule, case.name, job.target.name, size, ratio, low, high, equal, case.digest)


def missing_libraries(case: Case, python: Path) -> tuple[str, ...]:
    """Modules that the case imports and this interpreter has not."""
    names = {
        name.split(".", 1)[0]
        for text in (case.before, case.after)
        for node in ast.walk(ast.parse(text))
        for name in _imported(node)
    }
    return tuple(name for name in sorted(names) if not _has(python, name))


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module]
    return []


@functools.cache
def _has(python: Path, name: str) -> bool:
    ask = "import importlib.util as u, sys; sys.exit(u.find_spec(sys.argv[1]) is None)"
    try:
        done = subprocess.run(
            [python, "-I", "-c", ask, name],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            cwd="/",
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
