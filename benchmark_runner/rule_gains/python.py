"""One Python case under one interpreter: its calls at three sizes, timed in pairs of processes."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from analysis.errors import AnalysisError
from analysis.progress import CancelToken, Progress
from analysis.rules.cases import Case, Measure
from benchmark_runner.equality.comparing import Comparer
from benchmark_runner.errors import CandidateFailed
from benchmark_runner.inputs.extras import NONE_WANTED
from benchmark_runner.lock import timing_lock
from benchmark_runner.measuring.pairing import pair_runner
from benchmark_runner.measuring.samples import Samples, clock_for
from benchmark_runner.measuring.statistics import trimmed_mean
from benchmark_runner.measuring.timing import Rates
from benchmark_runner.rule_gains.outcome import NotEqual, Sizes
from benchmark_runner.rule_gains.reading import enough, read
from benchmark_runner.sandbox.leftovers import own_folder
from benchmark_runner.sandbox.probe import probe
from benchmark_runner.specs import Specs
from benchmark_runner.workload import FunctionWorkload, InputsFile, Version

MODULE = "case"
_INPUTS = """\
from {module} import *


def _given(*args, **kwargs):
    return args, kwargs


def inputs():
    for n in {sizes}:
        {calls}
"""


def function_and_inputs(case: Case, measure: Measure) -> tuple[str, str]:
    """The function that the lines of `measure` call, and the text of a file that gives the calls.

    A line is `function(...)` or `Class(...).method(...)`, all of them of one function, in terms of
    `n` and of what the module defines. Raises AnalysisError (case-damaged).
    """
    names, given = set(), []
    for line in measure.lines:
        name, arguments = _call(case, line)
        names.add(name)
        given.append(f"yield _given({arguments})")
    if len(names) != 1:
        raise _damaged(case, f"its part `measure` calls several functions: {sorted(names)}")
    text = _INPUTS.format(module=MODULE, sizes=measure.sizes, calls="\n        ".join(given))
    return names.pop(), text


def _call(case: Case, line: str) -> tuple[str, str]:
    """The qualified name that a line calls, and its arguments as text."""
    try:
        node = ast.parse(line, mode="eval").body
    except SyntaxError as error:
        raise _damaged(case, f"`{line}` is no Python: {error.msg}") from None
    if not isinstance(node, ast.Call):
        raise _damaged(case, f"`{line}` is no call")
    arguments = [ast.unparse(argument) for argument in node.args]
    arguments += [ast.unparse(keyword) for keyword in node.keywords]
    match node.func:
        case ast.Name(id=name):
            return name, ", ".join(arguments)
        case ast.Attribute(value=ast.Call(func=ast.Name(id=name)) as made, attr=method):
            return f"{name}.{method}", ", ".join([ast.unparse(made), *arguments])
    raise _damaged(case, f"`{line}` calls neither a function nor a method of a new object")


def _damaged(case: Case, why: str) -> AnalysisError:
    return AnalysisError(
        f"{case.path}: no case: {why}", code="case-damaged", mend="see analysis/rules/cases.py"
    )


def measure_python(
    case: Case, measure: Measure, python: Path, progress: Progress, cancel: CancelToken
) -> Sizes:
    """What the case gains at each of its sizes under an interpreter.

    Raises NotEqual where both versions do not do the same, WorkloadError where the case can't run,
    CandidateFailed, InterpreterError, SandboxError and Cancelled.
    """
    with _workload(case, measure) as workload:
        after = Version.of({workload.path: case.after})
        level = probe().level
        specs = Specs(workload, python, level, progress, cancel)
        comparer = Comparer(
            workload, specs, level=level, allow_unsandboxed=True, rounding=None,
            progress=progress, cancel=cancel, wanted=NONE_WANTED,
        )  # fmt: skip
        original = comparer.original()
        verdict = comparer.check(after, "rule").verdict
        if verdict.refused is not None:
            raise CandidateFailed("equivalence", verdict.refused)
        if (found := verdict.counterexample) is not None:
            raise NotEqual(f"{found.what} differs on {found.call[:200]}")
        rates = Rates(sizes={info.index: info.size for info in original.infos})
        versions = [(v, comparer.equal(v).behaviours) for v in (workload.before, after)]
        run = pair_runner(
            versions,
            lambda version, seed: specs.candidate(version, seed, original, timed=True),
            original.infos,
            rates,
            cancel,
        )
        samples = Samples()
        indices, lines = [info.index for info in original.infos], len(measure.lines)
        with timing_lock(progress, cancel):
            while not all(enough(values, samples.noise) for values in by_size(samples, lines)):
                cancel.check()
                samples.runs.append(run(len(samples.runs), indices))
                if samples.clock == "cpu":
                    samples.clock = clock_for(samples)
                rates.learn(samples.runs[-1].pairs, wall=samples.clock == "wall")
        small, middle, large = (read(v, samples.noise) for v in by_size(samples, lines))
        return small, middle, large


def by_size(samples: Samples, lines: int) -> tuple[list[float], list[float], list[float]]:
    """The log-ratio of each pair of processes at each size, at which all `lines` weigh the same.

    Inputs are numbered by size, then by line.
    """
    found: tuple[list[float], list[float], list[float]] = ([], [], [])
    for run in samples.runs:
        for place, values in enumerate(found):
            logs = [
                trimmed_mean([samples.log_of(pair) for pair in run.pairs if pair.index == index])
                for index in range(place * lines, (place + 1) * lines)
            ]
            values.append(math.fsum(logs) / lines)
    return found


@contextmanager
def _workload(case: Case, measure: Measure) -> Iterator[FunctionWorkload]:
    """The case as files in a folder of its own."""
    function, inputs = function_and_inputs(case, measure)
    with TemporaryDirectory(prefix="hasten-rule-", dir=own_folder()) as name:
        path, given = Path(name) / f"{MODULE}.py", Path(name) / "given.py"
        path.write_text(case.before, "utf-8")
        given.write_text(inputs, "utf-8")
        before = Version.of({path: case.before})
        yield FunctionWorkload(path, function, before, InputsFile(given))
