"""Memory of a call: its peak, what its lines ask for, and what is said of the difference."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.progress import CancelToken
from benchmark_runner.measuring.memory import (
    Used,
    count_memory,
    counted_inputs,
    more_memory,
    summarise,
)
from benchmark_runner.receipt import Memory
from benchmark_runner.worker import harness
from benchmark_runner.worker.observations import MemoryUse
from benchmark_runner.worker.supervisor import InputInfo, InputsPlan
from tests.benchmark_runner.workers import Project
from tests.pythons import interpreters

MB = 1 << 20
KEEPS = "def f(n):\n    xs = [bytes(1000) for _ in range(n)]\n    return len(xs)\n"
STREAMS = "def f(n):\n    return sum(1 for _ in (bytes(1000) for _ in range(n)))\n"
BY_LINES = """\
def f(n):
    for _ in range(n):
        x = bytes(100_000)
        x = None
    return n
"""


def calls(*numbers: int) -> InputsPlan:
    return InputsPlan("values", values=tuple(harness.encode(((n,), {})) for n in numbers))


def count(tmp_path: Path, before: str, after: str, *numbers: int) -> Memory | str:
    project = Project(tmp_path)
    project.write("mod.py", before)
    plan = calls(*numbers)
    with project.worker(inputs=plan) as worker:
        infos: Sequence[InputInfo] = worker.make_inputs()

    def spec(text: str, seed: int):
        return project.spec(inputs=plan, stand_in=text, hash_seed=seed)

    return count_memory(
        functools.partial(spec, before),
        functools.partial(spec, after),
        range(len(numbers)),
        infos[: len(numbers)],
        dict.fromkeys(range(len(numbers)), 1e-3),
        (0, 1),
        CancelToken(),
    )


def test_what_a_call_holds_at_once_is_its_peak(tmp_path: Path) -> None:
    found = count(tmp_path, KEEPS, STREAMS, 2_000, 20_000)
    assert isinstance(found, Memory), found
    assert found.before_peak == pytest.approx(20_000 * 1041, rel=0.02)
    assert found.after_peak < 0.2 * MB
    assert found.interval[0] > 20
    assert found.inputs == 2
    assert "less memory at its peak" in found.note
    assert found.before_resident is not None
    assert found.before_resident > 10 * MB


def test_the_same_code_takes_the_same(tmp_path: Path) -> None:
    found = count(tmp_path, KEEPS, KEEPS + "# the same\n", 100, 3_000)
    assert isinstance(found, Memory), found
    assert found.interval[0] <= 1.0 <= found.interval[1]
    assert found.interval[1] < 1.05
    assert found.note == ""


def test_what_is_asked_for_again_and_again_is_added_up(tmp_path: Path) -> None:
    once = BY_LINES.replace("range(n)", "range(1)")
    found = count(tmp_path, BY_LINES, once, 50)
    assert isinstance(found, Memory), found
    assert found.before_peak == pytest.approx(found.after_peak, rel=0.05)
    assert found.before_allocated == pytest.approx(50 * 100_000, rel=0.05)
    assert found.after_allocated == pytest.approx(100_000, rel=0.05)


def test_a_version_that_dies_is_a_reason_not_an_error(tmp_path: Path) -> None:
    dead = "import os\ndef f(n):\n    os._exit(3)\n"
    found = count(tmp_path, STREAMS, dead, 10)
    assert isinstance(found, str)
    assert found.startswith("memory was not counted: ")


def use(peak: int) -> MemoryUse:
    return MemoryUse(peak, 0, None, None)


def known(before: Sequence[int], after: Sequence[int]) -> Memory:
    own, its = (Used(dict(enumerate(map(use, side))), None) for side in (before, after))
    return summarise([(own, its)], range(len(before)))


def test_every_input_weighs_the_same() -> None:
    found = known([40 * MB, 400 * MB], [10 * MB, 400 * MB])
    assert found.peak_ratio == pytest.approx(2.0, rel=0.01)
    assert found.interval[0] < 2.0 < found.interval[1]
    assert found.before_allocated is None


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (1 * MB, 30 * MB, "takes 30.0 MB of memory at its peak, the original 1.0 MB"),
        (1 * MB, 10 * MB, ""),
        (100 * MB, 150 * MB, ""),
        (2_000, 20_000, ""),
    ],
)
def test_much_more_is_many_times_and_many_megabytes(before: int, after: int, said: str) -> None:
    assert more_memory(known([before], [after])) == said


def test_memory_that_only_the_kernel_sees_counts_too() -> None:
    seen = replace(known([MB], [MB]), before_resident=2 * MB, after_resident=80 * MB)
    assert more_memory(seen) == "takes 80.0 MB of memory in the whole process, the original 2.0 MB"


def test_the_largest_affordable_inputs_are_counted() -> None:
    sizes = {index: index for index in range(20)}
    costs = dict.fromkeys(range(20), 0.001) | {19: 9.0}
    chosen = counted_inputs(range(20), sizes, costs)
    assert len(chosen) == 4
    assert 19 not in chosen
    assert chosen == tuple(sorted(chosen))
    assert counted_inputs([19], sizes, costs) == ()


def test_too_many_lines_are_not_added_up(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("mod.py", BY_LINES)
    with project.worker(inputs=calls(5, 500)) as worker:
        assert worker.memory(0, 200).allocated is not None
        assert worker.memory(1, 200).allocated is None
        assert worker.memory(1).allocated is None
        assert worker.memory(0).peak == pytest.approx(100_000, rel=0.05)
        assert worker.observe(0).kind == "plain"


@pytest.mark.parametrize("python", interpreters().values(), ids=interpreters().keys())
def test_each_interpreter_counts_alike(tmp_path: Path, python: Path) -> None:
    project = Project(tmp_path, python=python)
    project.write("mod.py", BY_LINES)
    with project.worker(inputs=calls(20)) as worker:
        found = worker.memory(0, 1000)
    assert found.peak == pytest.approx(100_000, rel=0.05)
    assert found.allocated == pytest.approx(20 * 100_000, rel=0.05)
    assert found.resident is not None
    assert found.resident > MB
