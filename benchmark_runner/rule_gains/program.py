"""One case of another language: whole programs, run on standard input of three sizes.

What starting the program takes is no part of the gain: an empty program is run between the others,
and its time is taken off both sides of every pair. A size whose runs are too short beside that is
not measured; a case's `main` should do its work often enough.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from analysis.progress import CancelToken, Progress
from analysis.rules.cases import Case as RuleCase
from analysis.rules.cases import Measure
from benchmark_runner.errors import WorkloadError
from benchmark_runner.lock import timing_lock
from benchmark_runner.measuring.statistics import median
from benchmark_runner.native.behaviour import ORIGINAL_S, Known
from benchmark_runner.native.cases import Case
from benchmark_runner.native.outputs import compare
from benchmark_runner.native.plan import LEAST_RUN_S
from benchmark_runner.native.programs import Programs
from benchmark_runner.native.race import Race
from benchmark_runner.native.runner import Program, Runner
from benchmark_runner.rule_gains.outcome import NotEqual, Sizes
from benchmark_runner.rule_gains.reading import enough, read
from benchmark_runner.rule_gains.targets import JAVASCRIPT, Target
from benchmark_runner.sandbox.leftovers import own_folder
from benchmark_runner.sandbox.policy import Sandbox
from benchmark_runner.workload import ProgramWorkload, Version

_EMPTY = {"c": "int main(void) { return 0; }\n", "c++": "int main() { return 0; }\n"}
_STARTS = 5
"""Runs of the empty program in a replicate."""
_LEAST_SHARE = 0.2
"""Of a start, how much a run must take beside it."""
_TOLD = 0.25
"""Of that, the least that can be told from nothing."""


@dataclass(frozen=True)
class _Forms:
    """The programs of a case; each side may have several builds, whose code lies elsewhere."""

    before: Sequence[Program]
    after: Sequence[Program]
    empty: Program


def measure_program(
    case: RuleCase, measure: Measure, target: Target, progress: Progress, cancel: CancelToken
) -> Sizes:
    """What the case gains at each size that takes long enough; None for the others.

    Raises NotEqual where both versions do not do the same, WorkloadError where the case can't be
    built or run, CandidateFailed, SandboxError and Cancelled.
    """
    sandbox = Sandbox.reached()
    inputs = [
        Case(f"n = {size}", "".join(f"{line}\n" for line in _filled(measure, size)).encode())
        for size in measure.sizes
    ]
    with _forms(case, target, sandbox, cancel) as forms:
        shown = [*forms.before, *forms.after, forms.empty]
        with Runner(shown, sandbox, cancel) as runner:
            known = {n: _known(runner, forms, n, given) for n, given in enumerate(inputs)}
            race = Race(runner, forms.before, forms.after, known, None, cancel)
            with timing_lock(progress, cancel):
                return _raced(race, runner, forms.empty)


def _filled(measure: Measure, size: int) -> list[str]:
    return [line.replace("{n}", str(size)) for line in measure.lines]


def _known(runner: Runner, forms: _Forms, number: int, given: Case) -> Known:
    """What the original does at a size. Raises WorkloadError, and NotEqual for the other one."""
    own = runner.run(forms.before[0], given, ORIGINAL_S)
    if not own.fine or own.code != 0:
        said = own.err.decode("utf-8", "replace").strip()[:200]
        raise WorkloadError(
            f"the case fails at {given.name}: {own.how}{': ' + said if said else ''}",
            code="original-failed",
            mend="make the case's `main` take what its part `measure` sends",
        )
    other = runner.run(forms.after[0], given, ORIGINAL_S)
    if not other.fine or other.code != own.code:
        raise NotEqual(f"at {given.name}: {other.how}")
    if where := compare(own.out, other.out).where:
        raise NotEqual(f"what is printed differs at {given.name}: {where}")
    return Known(number, given, own)


def _raced(race: Race, runner: Runner, empty: Program) -> Sizes:
    """Replicates until no size asks for more. Raises CandidateFailed and Cancelled."""
    values: dict[int, list[float]] = {number: [] for number in race.cases}
    wanted, number = set(values), 0
    while wanted:
        none = Case("empty", b"")
        start_s = median([runner.run(empty, none).cpu_s for _ in range(_STARTS)])
        for size, log in _replicate(race, number, sorted(wanted), start_s).items():
            if log is None:
                wanted.discard(size)
            else:
                values[size].append(log)
        number += 1
        wanted = {size for size in wanted if not enough(values[size])}
    found = [read(values[size]) if values[size] else None for size in sorted(values)]
    return found[0], found[1], found[2]


def _replicate(
    race: Race, number: int, sizes: Sequence[int], start_s: float
) -> Mapping[int, float | None]:
    """The log-ratio at each size in one replicate; None where the first one finds runs too short.

    Where those of one version are, its time counts as the least that can be told.
    """
    pairs = race(number, sizes).pairs
    least = max(LEAST_RUN_S, _LEAST_SHARE * start_s)
    found: dict[int, float | None] = {}
    for size in sizes:
        own = [pair for pair in pairs if pair.index == size]
        before = median([pair.before_cpu_s for pair in own]) - start_s
        after = median([pair.after_cpu_s for pair in own]) - start_s
        floor = least * _TOLD
        log = math.log(max(before, floor) / max(after, floor))
        found[size] = log if number or max(before, after) >= least else None
    return found


@contextmanager
def _forms(
    case: RuleCase, target: Target, sandbox: Sandbox, cancel: CancelToken
) -> Iterator[_Forms]:
    """The case as programs. Raises WorkloadError, CandidateFailed where a version won't build."""
    texts = [f"{text}\n{case.main}" for text in (case.before, case.after)]
    with TemporaryDirectory(prefix="hasten-rule-", dir=own_folder()) as name:
        folder = Path(name).resolve()
        if target.language == JAVASCRIPT:
            before, after = (
                _script(target, folder / side / case.file_name, text)
                for side, text in zip(("before", "after"), texts, strict=True)
            )
            empty = _script(target, folder / "empty" / case.file_name, "")
            yield _Forms([before], [after], empty)
            return
        path = folder / case.file_name
        path.write_text(texts[0], "utf-8")
        before_version, after_version, start = (
            Version.of({path: text}) for text in (*texts, _EMPTY[target.language])
        )
        build = f"{target.path} -O2 {{source}} -o {{out}} -lm"
        workload = ProgramWorkload(path, before_version, folder, build)
        with Programs(workload, target.path, sandbox, cancel) as programs:
            yield _Forms(
                programs.variants(before_version),
                programs.variants(after_version),
                programs.get(start),
            )


def _script(target: Target, path: Path, text: str) -> Program:
    path.parent.mkdir()
    path.write_text(text, "utf-8")
    return Program((str(target.path), str(path)), (path, target.path))
