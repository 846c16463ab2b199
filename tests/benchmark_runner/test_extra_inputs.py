"""Inputs beside the given ones: their names reach the counterexample, and they are not timed."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from benchmark_runner.equality import original
from benchmark_runner.errors import InputsFailed
from benchmark_runner.receipt import InputsUsed, Verdict
from benchmark_runner.verify import FunctionBench
from benchmark_runner.worker import canonical, harness
from benchmark_runner.worker.supervisor import Extra, InputsPlan, Worker
from benchmark_runner.workload import FunctionWorkload, InputsFile, Version
from tests.benchmark_runner.workers import Project

GIVEN = """
    class Box:
        def __init__(self, n):
            self.n = n

    def f(box, items, times=1):
        return [x * box.n for x in items] * times
"""
CALLS = """
    from mod import Box

    def inputs():
        yield (Box(3), [1, 2]), {}
        yield (Box(4), [5]), {"times": 2}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.write("mod.py", GIVEN)
    return made


def test_extra_inputs_come_last_and_replace_arguments_of_a_given_one(project: Project) -> None:
    extra = (
        Extra("mutated", harness.encode({1: [7, 7, 7]}), seed=0),
        Extra("branches", harness.encode({1: [], "times": 9}), seed=1),
    )
    given = project.calls(CALLS)
    plan = InputsPlan("file", path=given.path, count=2, extra=extra, source="file")
    with Worker.start(project.spec(inputs=plan)) as worker:
        worker.load()
        infos = worker.make_inputs()
        assert [(i.source, i.extra) for i in infos] == [
            ("file", False), ("file", False), ("mutated", True), ("branches", True),
        ]  # fmt: skip
        assert "[7, 7, 7]" in infos[2].call
        assert canonical.outcome_text(worker.observe(2).payload) == "returned [21, 21, 21]"
    with Worker.start(project.spec(inputs=plan)) as again:
        again.load()
        assert again.make_inputs([info.copied for info in infos]) == ()
        assert canonical.outcome_text(again.observe(3).payload) == "returned []"


def test_a_worker_tells_builtin_values_only(project: Project) -> None:
    with project.worker(inputs=project.calls(CALLS)) as worker:
        first, second = worker.values([0, 1])
        assert first.whole is None
        assert {k: harness.decode_plain(v) for k, v in first.parts} == {1: [1, 2]}
        assert {k: harness.decode_plain(v) for k, v in second.parts} == {1: [5], "times": 2}
    with project.worker(inputs=project.calls("def inputs():\n    yield ([1], [2]), {}\n")) as plain:
        [only] = plain.values([0])
        assert only.whole is not None
        assert harness.decode_plain(only.whole) == (([1], [2]), {})
        assert only.parts == ()
        [small] = plain.values([0], most=8)
        assert small.whole is None


def test_trial_calls(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(
        "mod.py",
        """
        def f(n):
            if n == 1:
                raise ValueError("no")
            while n == 2:
                pass
            return sum(i for i in range(n))
        """,
    )

    def trial(n: int) -> Extra:
        return Extra("mutated", harness.encode(((n,), {})))

    with project.worker(inputs=project.calls("def inputs():\n    yield (5,), {}\n")) as worker:
        assert worker.examine(trial(1), 1.0).kind == "raised"
        assert worker.examine(trial(1), 1.0).exception == "ValueError"
        assert worker.examine(trial(2), 0.05).kind == "late"
        few, many = (worker.examine(trial(n), 1.0, 10_000).steps for n in (10, 100))
        assert 0 < few < many / 5
        assert worker.examine(trial(10), 1.0, 10_000).steps == few
        assert worker.examine(trial(10_000), 1.0, 10_000).steps == -1


def test_an_extra_input_that_is_no_call_is_refused(project: Project) -> None:
    plan = InputsPlan("values", values=(), extra=(Extra("mutated", harness.encode((1, 2, 3))),))
    with (
        pytest.raises(InputsFailed, match="args, kwargs"),
        project.worker(inputs=plan),
    ):
        pass


def checked(folder: Path, before: str, after: str, inputs: str) -> tuple[InputsUsed, Verdict]:
    """The inputs that a bench uses, and its verdict on a version."""
    path = folder / "mod.py"
    path.write_text(dedent(before))
    given = folder / "given.py"
    given.write_text(f"def inputs():\n    return {inputs}\n")
    work = FunctionWorkload(path, "f", Version.of({path: dedent(before)}), InputsFile(given))
    with FunctionBench(work, python=Path(sys.executable), allow_unsandboxed=True) as bench:
        used = bench.prepare()
        return used, bench.check(Version.of({path: dedent(after)}), "user")


SEARCH = """
    def f(items, wanted):
        for place, item in enumerate(items):
            if item == wanted:
                return place
        return -1
"""


def test_a_wrong_version_that_is_right_on_all_given_inputs_is_caught(tmp_path: Path) -> None:
    halving = """
        def f(items, wanted):
            low, high = 0, len(items) - 1
            while low <= high:
                middle = (low + high) // 2
                if items[middle] == wanted:
                    return middle
                if items[middle] < wanted:
                    low = middle + 1
                else:
                    high = middle - 1
            return -1
    """
    used, verdict = checked(
        tmp_path, SEARCH, halving, "[(([1, 3, 5, 7, 9], 7), {}), (([2, 4, 6], 5), {})]"
    )
    assert (used.source, used.count, used.timed) == ("file", 2, 2)
    assert dict(used.sources)["file"] == 2
    assert dict(used.sources)["mutated"] > 10
    assert verdict.counterexample is not None
    assert verdict.counterexample.stage == "mutated"


def test_a_right_version_is_not_refused_for_what_lies_outside_the_given_domain(
    tmp_path: Path,
) -> None:
    bisecting = """
        from bisect import bisect_left
        def f(items, wanted):
            place = bisect_left(items, wanted)
            return place if place < len(items) and items[place] == wanted else -1
    """
    _, verdict = checked(
        tmp_path, SEARCH, bisecting, "[(([1, 3, 5, 7, 9], 7), {}), (([2, 4, 6], 5), {})]"
    )
    assert verdict.equality == "exact"
    assert verdict.inputs > 12


def test_a_branch_on_a_magic_number_is_met(tmp_path: Path) -> None:
    before = "def f(x):\n    if x == 12345:\n        return 0\n    return x * 2\n"
    _, verdict = checked(
        tmp_path, before, "def f(x):\n    return x * 2\n", "[((1,), {}), ((7,), {})]"
    )
    assert verdict.counterexample is not None
    assert (verdict.counterexample.stage, verdict.counterexample.call) == ("branches", "f(12345)")


def test_a_call_that_never_ends_or_raises_costs_no_given_input(tmp_path: Path) -> None:
    before = """
        def f(n):
            while n > 100:
                pass
            return [10 // n] * n
    """
    used, verdict = checked(tmp_path, before, before, "[((5,), {}), ((7,), {})]")
    assert verdict.equality == "exact"
    assert used.count == 2
    assert dict(used.sources).get("mutated", 0) >= 3


def test_where_the_original_does_not_repeat_itself_on_them_there_are_none(tmp_path: Path) -> None:
    before = """
        def f(x):
            return object.__hash__(object()) if x > 50 else x
    """
    used, verdict = checked(tmp_path, before, before, "[((5,), {}), ((7,), {})]")
    assert verdict.equality == "exact"
    assert dict(used.sources) == {"file": 2}


def test_a_branch_that_only_the_version_has_is_met(tmp_path: Path) -> None:
    before = "def f(x):\n    return x * 2\n"
    after = "def f(x):\n    if x == 987654:\n        return 1\n    return x * 2\n"
    _, verdict = checked(tmp_path, before, after, "[((1,), {}), ((7,), {})]")
    assert verdict.counterexample is not None
    assert verdict.counterexample.call == "f(987654)"
    assert verdict.counterexample.stage == "branches"


def test_a_version_with_literals_of_its_own_may_be_right(tmp_path: Path) -> None:
    before = "def f(x):\n    return x * 2\n"
    after = "def f(x):\n    if x < 5000:\n        return x + x\n    return x * 2\n"
    _, verdict = checked(tmp_path, before, after, "[((1,), {}), ((7,), {})]")
    assert verdict.equality == "exact"


def test_a_given_input_is_called_however_long_the_others_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(original, "_ENOUGH_S", 0.0)
    used, _ = checked(tmp_path, SEARCH, SEARCH, "[(([5] * 900, 3), {})]")
    assert dict(used.sources).get("mutated"), "a shorter one came first"
    assert used.count == 1
