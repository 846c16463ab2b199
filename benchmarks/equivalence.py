"""What is called equal, pair by pair, beside what other comparators make of the same values.

    python -m benchmarks.equivalence
    python -m benchmarks.equivalence --write docs/equivalence.md

Each pair is one small function and a version of it that is wrong in one way, or right although it
looks suspicious (tests/benchmark_runner/equivalence_pairs*.py). It is compared over real workers
twice: on all of its inputs, and on the first one only, with what hasten adds to it by itself. The
comparators get what both versions return on the same inputs, of iterators and coroutines what
they give; of exceptions they see the type, which is what a test with assertRaises sees.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import random
import sys
import tempfile
import types
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import deepdiff
import numpy as np

from benchmark_runner.errors import WorkloadError
from benchmark_runner.receipt import Verdict
from benchmark_runner.verify import FunctionBench
from benchmark_runner.workload import FunctionWorkload, InputsFile, Version
from tests.benchmark_runner.equivalence_pairs import Case
from tests.benchmark_runner.equivalence_pairs_more import ALL_RIGHT, ALL_WRONG

START, END = "<!-- table -->", "<!-- end of table -->"


@dataclass(frozen=True)
class Row:
    """One pair. `stages` are those that refused it, None for equal: on all inputs, on the first."""

    case: Case
    stages: tuple[str | None, str | None]
    what: str
    comparators: tuple[str, ...]
    """What each of COMPARATORS says of all results together: "equal", "differs" or "fails"."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--write", type=Path, help="put the tables into this page")
    parser.add_argument("--only", default="", help="pairs whose name has this in it")
    options = parser.parse_args()
    wrong = [row_of(case) for case in ALL_WRONG if options.only in case.name]
    right = [row_of(case) for case in ALL_RIGHT if options.only in case.name]
    text = "\n".join([*summary(wrong, right), "", *table(wrong), "", *table(right)])
    if options.write is None:
        print(text)
        return
    page = options.write.read_text()
    head, _, rest = page.partition(START)
    options.write.write_text(f"{head}{START}\n\n{text}\n\n{END}{rest.partition(END)[2]}")


# ---------------------------------------------------------------- by hasten


def row_of(case: Case) -> Row:
    """All that is known of a pair."""
    whole, what = judged(case, "")
    several = len(results(case, "before")) > 1
    first = judged(case, "[:1]")[0] if several else whole
    print(f"{case.name}: {whole}", file=sys.stderr)
    return Row(case, (whole, first), what, tuple(compared(case)))


def judged(case: Case, some: str) -> tuple[str | None, str]:
    """The stage that refused the pair's second version, and what differs."""
    with tempfile.TemporaryDirectory() as scratch:
        path, given = Path(scratch) / "mod.py", Path(scratch) / "given_inputs.py"
        path.write_text(case.text("before"))
        given.write_text(f"def inputs():\n    return list({case.inputs}){some}\n")
        before = Version.of({path: case.text("before")})
        after = Version.of({path: case.text("after")})
        work = FunctionWorkload(path, "f", before, InputsFile(given))
        python = Path(sys.executable)
        with FunctionBench(work, python=python, allow_unsandboxed=True) as bench:
            try:
                return stage_of(bench.check(after, "user"))
            except WorkloadError as error:
                return error.code, error.message


def stage_of(verdict: Verdict) -> tuple[str | None, str]:
    """Which stage refused, None for equal, and what it saw."""
    found = verdict.counterexample
    if found is not None:
        return found.stage, found.what
    if verdict.refused is not None:
        state = verdict.refused.startswith("keeps state")
        return "state" if state else "refused", verdict.refused
    return None, verdict.equality or ""


# ---------------------------------------------------------------- by others


def exact(a: Any, b: Any) -> bool:
    return bool(a == b)


def testing(a: Any, b: Any) -> bool:
    np.testing.assert_equal(a, b)
    return True


def close(a: Any, b: Any) -> bool:
    np.testing.assert_allclose(a, b)
    return True


def deep(a: Any, b: Any) -> bool:
    return not deepdiff.DeepDiff(a, b, ignore_nan_inequality=True)


COMPARATORS: tuple[tuple[str, Callable[[Any, Any], bool]], ...] = (
    ("`==`", exact),
    ("numpy assert_equal", testing),
    ("numpy assert_allclose", close),
    ("deepdiff", deep),
)


def compared(case: Case) -> list[str]:
    """What each comparator says; "fails" where it can't compare such values."""
    before, after = results(case, "before"), results(case, "after")
    found = []
    for _, comparator in COMPARATORS:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pairs = zip(copied(before), copied(after), strict=True)
                found.append("equal" if all(comparator(a, b) for a, b in pairs) else "differs")
        except AssertionError:
            found.append("differs")
        except Exception:
            found.append("fails")
    return found


def copied(values: list[Any]) -> list[Any]:
    """A comparator may leave marks, or use an iterator up."""
    try:
        return copy.deepcopy(values)
    except Exception:
        return values


def results(case: Case, version: str) -> list[Any]:
    """What a version gives on the inputs, in this process."""
    module = types.ModuleType("mod")
    sys.modules["mod"] = module
    given: list[Any] = []
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        settings = sys.getrecursionlimit()
        exec(compile(case.text(version), "mod.py", "exec"), vars(module))
        for args, kwargs in eval(case.inputs):
            random.seed(1)
            np.random.seed(1)
            given.append(result(module, args, kwargs))
        sys.setrecursionlimit(settings)
    return given


def result(module: types.ModuleType, args: Any, kwargs: Any) -> Any:
    try:
        found = vars(module)["f"](*args, **kwargs)
        if asyncio.iscoroutine(found):
            return asyncio.run(found)
        return list(found) if isinstance(found, types.GeneratorType) else found
    except Exception as error:
        return type(error).__name__


# ---------------------------------------------------------------- tables


def summary(wrong: Sequence[Row], right: Sequence[Row]) -> list[str]:
    """How many of each kind were judged as they should be."""

    def line(name: str, verdicts: Callable[[Row], bool]) -> str:
        caught = sum(not verdicts(row) for row in wrong)
        passed = sum(verdicts(row) for row in right)
        return f"| {name} | {caught} of {len(wrong)} | {passed} of {len(right)} |"

    lines = ["| comparator | wrong pairs caught | right pairs passed |", "|---|---|---|"]
    lines.append(line("hasten", lambda row: row.stages[0] is None))
    lines.append(line("hasten, given the first input only", lambda row: row.stages[1] is None))
    for place, (name, _) in enumerate(COMPARATORS):
        lines.append(line(name, lambda row, place=place: row.comparators[place] == "equal"))  # type: ignore[misc]
    return lines


def table(rows: Sequence[Row]) -> list[str]:
    """One line for each pair."""
    is_wrong = rows[0].case.what is not None if rows else False
    names = " | ".join(name for name, _ in COMPARATORS)
    title = "wrong" if is_wrong else "right"
    lines = [f"| {title} | caught by | with its first input only | what is named | {names} |"]
    lines.append("|---" * (4 + len(COMPARATORS)) + "|")
    for row in rows:
        stages = [stage or "equal" for stage in row.stages]
        what = row.what.replace("|", "\\|")
        lines.append(f"| {' | '.join([row.case.name, *stages, what, *row.comparators])} |")
    return lines


if __name__ == "__main__":
    main()
