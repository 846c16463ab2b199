"""Inputs beside the given ones: their names reach the counterexample, and they are not timed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark_runner import canonical, harness
from benchmark_runner.errors import InputsFailed
from benchmark_runner.supervisor import Extra, InputsPlan, Worker
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
