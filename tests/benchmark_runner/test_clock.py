"""The CPU clock by which calls are timed: exact, not sampled by the kernel's timer ticks."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark_runner.measuring.pairing import Scheduled
from benchmark_runner.measuring.windows import window_of
from benchmark_runner.receipt import Level
from tests.benchmark_runner.workers import LEVELS, Project


@pytest.mark.parametrize("level", LEVELS)
def test_short_calls_take_time(tmp_path: Path, level: Level) -> None:
    project = Project(tmp_path, level=level)
    project.write("mod.py", "def f():\n    return sum(range(500))\n")
    with project.worker() as worker:
        seen = [worker.observe(0, mode="light").call_s for _ in range(5)]
        worker.stage(0, 1)
        window = worker.run()
    assert min(seen) > 0
    assert window.cpu_s > 0


@pytest.mark.parametrize("level", LEVELS)
def test_calls_on_several_inputs_share_a_window(tmp_path: Path, level: Level) -> None:
    project = Project(tmp_path, level=level)
    project.write("mod.py", "def f(n):\n    return n * n\n")
    calls = project.calls("def inputs():\n    return [((n,), {}) for n in range(9)]\n")
    with project.worker(inputs=calls) as worker:
        alone = [worker.observe(i, mode="light").core for i in (2, 5, 8)]
        worker.stage_each([2, 5, 8])
        worker.run()
        assert list(worker.check([0, 1, 2])) == alone
        worker.stage(5, 3)
        worker.run()
        assert set(worker.check([0, 1, 2])) == {alone[1]}


@pytest.mark.parametrize("level", LEVELS)
def test_what_waits_in_line_or_sleeps_is_told_apart(tmp_path: Path, level: Level) -> None:
    project = Project(tmp_path, level=level)
    project.write("mod.py", "import time\ndef f():\n    time.sleep(0.02)\n")
    with project.worker() as worker:
        scheduled = Scheduled(worker)
        worker.stage(0, 2)
        start = scheduled.account()
        clocked = worker.run()
        end = scheduled.account()
    window = window_of(clocked, start, end)
    assert clocked.wall_s >= 0.04
    # The time in line is counted until a moment after the answer, so a little more is taken off.
    assert 0.02 < window.wall_s <= clocked.wall_s
    assert window.cost_s == window.wall_s
    assert window.cpu_s < 0.5 * window.wall_s
    assert end.blocks - start.blocks >= 2
    assert end.threads == start.threads == 1
