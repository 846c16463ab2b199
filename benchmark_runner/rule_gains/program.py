"""One case of another language: whole programs, run on standard input of three sizes.

What starting the program takes is no part of the gain: an empty program is run between the others,
and its time is taken off both sides of every pair. A size whose runs are too short beside that is
not measured; a case's `main` should do its work often enough.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
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
_STARTS = 3
"""Runs of the empty program in a replicate."""
_TELLING = 3
"""Replicates after which it is told whether runs are too short."""
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


@dataclass(frozen=True)
class _Net:
    """CPU seconds of a run of either version in one replicate, without the program's start."""

    before: float
    after: float


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
                return raced(race, runner, forms.empty)


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


def raced(race: Race, runner: Runner, empty: Program) -> Sizes:
    """Replicates until no size asks for more. Raises CandidateFailed and Cancelled."""
    took: dict[int, list[_Net]] = {size: [] for size in race.cases}
    starts: list[float] = []
    wanted = set(took)
    while wanted:
        none = Case("empty", b"")
        starts.append(median([runner.run(empty, none).cpu_s for _ in range(_STARTS)]))
        pairs = race(len(starts) - 1, sorted(wanted)).pairs
        for size in wanted:
            own = [pair for pair in pairs if pair.index == size]
            before, after = (
                median([getattr(pair, f"{side}_cpu_s") for pair in own]) - starts[-1]
                for side in ("before", "after")
            )
            took[size].append(_Net(before, after))
        least = _least(starts)
        wanted = {
            size
            for size in wanted
            if not enough(_logs(took[size], least)) and not _short(took[size], least)
        }
    least = _least(starts)
    small, middle, large = (
        None if _short(own, least) else read(_logs(own, least)) for own in took.values()
    )
    return small, middle, large


def _least(starts: Sequence[float]) -> float:
    """CPU seconds that a run must take beside its start."""
    return max(LEAST_RUN_S, _LEAST_SHARE * median(starts))


def _short(took: Sequence[_Net], least: float) -> bool:
    """Whether the runs of both versions are too short, as soon as that can be told."""
    if len(took) < _TELLING:
        return False
    sides = ([net.before for net in took], [net.after for net in took])
    return all(median(side) < least for side in sides)


def _logs(took: Sequence[_Net], least: float) -> list[float]:
    """The log-ratio of each replicate. Where the runs of one version are too short, their time
    counts as the least that can be told, which understates."""
    floor = _TOLD * least
    return [math.log(max(net.before, floor) / max(net.after, floor)) for net in took]


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
