"""The CPU clock by which calls are timed: exact, not sampled by the kernel's timer ticks."""

from __future__ import annotations

from pathlib import Path

import pytest

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
