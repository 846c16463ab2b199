"""What is called equal and what is not, over real workers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from benchmark_runner.equality.equivalence import changed, further_calls, script_of, tried
from benchmark_runner.receipt import Verdict
from benchmark_runner.verify import FunctionBench
from benchmark_runner.worker import harness
from benchmark_runner.worker.supervisor import InputInfo, Observation
from benchmark_runner.workload import FunctionWorkload, GeneratedInputs, InputsFile, Version
from tests.benchmark_runner.equivalence_pairs import WRONG, Case
from tests.benchmark_runner.equivalence_pairs_more import ALL_RIGHT, ALL_WRONG

PYTHON = Path(sys.executable)


def judged(folder: Path, case: Case, rounding: float | None = None) -> Verdict:
    path, given = folder / "mod.py", folder / "given_inputs.py"
    path.write_text(case.text("before"))
    given.write_text(f"def inputs():\n    return {case.inputs}\n")
    before = Version.of({path: case.text("before")})
    work = FunctionWorkload(path, "f", before, InputsFile(given))
    with FunctionBench(work, python=PYTHON, allow_unsandboxed=True, rounding=rounding) as bench:
        return bench.check(Version.of({path: case.text("after")}), "user")


def parameters(cases: Sequence[Case]) -> list[ParameterSet]:
    """Each pair; of those that import pandas, which takes seconds, one in the shorter run."""
    found, seen = [], False
    for case in cases:
        heavy = "pandas" in case.before + case.inputs
        marks = [pytest.mark.slow] if heavy and seen else []
        seen = seen or heavy
        found.append(pytest.param(case, id=case.name, marks=marks))
    return found


@pytest.mark.parametrize("case", parameters(ALL_RIGHT))
def test_right_versions_are_exactly_equal(tmp_path: Path, case: Case) -> None:
    verdict = judged(tmp_path, case)
    assert verdict.equality == "exact", verdict


@pytest.mark.parametrize("case", parameters(ALL_WRONG))
def test_wrong_versions_are_different_in_the_named_way(tmp_path: Path, case: Case) -> None:
    verdict = judged(tmp_path, case)
    assert verdict.equality is None
    found = verdict.counterexample
    assert case.what is not None
    if found is None:
        assert verdict.refused is not None
        assert verdict.refused.startswith("keeps state across calls"), verdict
        assert case.what in verdict.refused
    else:
        assert case.what in f"{found.what} {found.before}"
        assert found.call.startswith("f(")


ROUNDS = next(case for case in WRONG if case.name == "rounds differently")


def test_rounding_passes_only_where_it_is_allowed_and_within_it(tmp_path: Path) -> None:
    verdict = judged(tmp_path, ROUNDS, rounding=1e-9)
    assert verdict.equality == "rounding"
    assert 0 < verdict.max_relative < 1e-15
    assert verdict.max_ulp >= 1
    assert judged(tmp_path, ROUNDS, rounding=1e-17).equality is None


def test_results_on_all_inputs_are_compared_although_some_raise(tmp_path: Path) -> None:
    before = "def f(x):\n    if x < 0:\n        raise RecursionError('deep')\n    return x\n"
    after = before.replace("return x", "return x if x != 5 else 6")
    case = Case("", before, after, "[((n,), {}) for n in range(-3, 9)]", None)
    found = judged(tmp_path, case).counterexample
    assert found is not None
    assert found.input == 8
    assert (found.before, found.after) == ("returned 5", "returned 6")


def test_generated_inputs_are_compared_without_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mod.py"
    before = "def f(xs: list[int]) -> int:\n    return max(xs) if xs else 0\n"
    path.write_text(before)
    work = FunctionWorkload(path, "f", Version.of({path: before}), GeneratedInputs())
    with FunctionBench(work, python=PYTHON, allow_unsandboxed=True) as bench:
        used = bench.prepare()
        same = bench.check(Version.of({path: before.replace("max(xs)", "sorted(xs)[-1]")}), "rule")
        other = bench.check(Version.of({path: before.replace("else 0", "else -1")}), "rule")
    assert used.source == "generated"
    assert used.count > 10
    assert same.equality == "exact"
    assert other.counterexample is not None
    assert "[]" in other.counterexample.call


# ---------------------------------------------------------------- without workers


def _info(index: int, size: int) -> InputInfo:
    return InputInfo(index, b"", size, "", "pickle")


def _seen(kind: str) -> Observation:
    return Observation(b"", b"", kind, False, False, 0.0, 0.0, 0.0, ())


def test_small_inputs_come_first() -> None:
    assert [index for index, _ in script_of([_info(0, 9), _info(1, 3), _info(2, 9)])] == [1, 0, 2]


def test_many_inputs_are_observed_lightly_after_the_first() -> None:
    modes = [mode for _, mode in script_of([_info(index, 1) for index in range(50)])]
    assert modes.count("full") == 12
    assert modes[-1] == "light"


def test_iterators_are_also_left_early_and_failing_calls_not_repeated() -> None:
    seen = {
        (0, "full"): _seen("iterator"),
        (1, "full"): _seen("raise"),
        (2, "light"): _seen("plain"),
    }
    assert further_calls(seen) == [(0, "twice"), (0, "partial")]  # type: ignore[arg-type]


def test_state_of_a_module_that_is_new_says_nothing() -> None:
    before = harness.encode({"mod:a": b"1", "mod:b": b"2"})
    after = harness.encode({"mod:a": b"1", "mod:b": b"3", "mod:c": b"4", "late:x": b"5"})
    assert changed(before, after) == {"mod:b", "mod:c"}


def test_attempts_on_paths_are_told_apart_and_others_by_kind() -> None:
    once = tried((("read", "/etc/hosts"), ("network", "socket.connect('a')")))
    other = tried((("read", "/etc/passwd"), ("network", "socket.connect('b')")))
    assert other - once == {("read", "/etc/passwd")}


FRAMES = """
import sys
NAME = sys._getframe(0).f_code.co_name

def f(n):
    return sum(range(n))
"""


def test_what_the_module_of_the_original_does_is_no_reason_to_refuse(tmp_path: Path) -> None:
    faster = FRAMES.replace("sum(range(n))", "n * (n - 1) // 2")
    assert judged(tmp_path, Case("", FRAMES, faster, "[((9,), {})]", None)).equality == "exact"
    more = FRAMES.replace("return", "import gc; gc.get_objects(); return")
    verdict = judged(tmp_path, Case("", FRAMES, more, "[((9,), {})]", None))
    assert verdict.refused is not None
    assert "gc.get_objects" in verdict.refused


HIDDEN = """
class Hidden:
    __dict__ = None

    def __init__(self, n):
        self.n = n

def f(held):
    return sum(range(held.n))
"""


def test_looking_into_inputs_is_not_the_candidate_s_doing(tmp_path: Path) -> None:
    faster = HIDDEN.replace("sum(range(held.n))", "held.n * (held.n - 1) // 2")
    given = "[((__import__('mod').Hidden(9),), {})]"
    assert judged(tmp_path, Case("", HIDDEN, faster, given, None)).equality == "exact"
    more = faster.replace("return", "import gc; gc.get_referents(held); return")
    verdict = judged(tmp_path, Case("", HIDDEN, more, given, None))
    assert verdict.refused is not None
    assert "gc.get_referents" in verdict.refused
