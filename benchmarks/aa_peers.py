"""What other tools would say of the same pair of versions: the tools themselves and their rules.

Each measures the original first and the candidate after it, as its manual has a person do, with
settings that bring it near the time that hasten takes:

- timeit: ``python -m timeit -r 5`` with 0.1 s of calls in a repeat; "faster" when the best of the
  candidate's repeats is lower by 5 % (also counted: lower at all).
- pytest-benchmark: a pytest run for either side, ``--benchmark-max-time 0.5``; its own check
  (PercentageRegressionCheck on ``min`` and on ``mean``, 5 %) with the candidate as the baseline.
- pyperf: ``pyperf timeit -p 4 -n 3 -w 1``, 0.05 s of calls in a value; its own comparison
  (CompareResult: two-sample t-test at 95 %), and the same with ``--min-speed 5``.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pyperf
from pyperf._compare import CompareData, CompareResult
from pytest_benchmark.utils import PercentageRegressionCheck

from benchmark_runner.lock import timing_lock
from benchmarks.aa_kernels import Pair

_SETUP = "import {0}, given; calls = [a for a, _ in given.inputs()]"
_CALL = "for a in calls: {0}.work(*a)"
_BEST = re.compile(r"best of \d+: ([\d.]+) (nsec|usec|msec|sec) per loop")
_UNIT = {"nsec": 1e-9, "usec": 1e-6, "msec": 1e-3, "sec": 1.0}
_TEST = """import {0}, given

calls = [a for a, _ in given.inputs()]


def work():
    for a in calls:
        {0}.work(*a)


def test_work(benchmark):
    benchmark(work)
"""
_SIDES = ("before", "after")
TOOLS = ("timeit", "pytest-benchmark", "pyperf")


@dataclass(frozen=True)
class Said:
    """What one tool's rules say: by rule whether it is faster; whole seconds for both sides."""

    tool: str
    faster: dict[str, bool]
    ratio: float
    seconds: float


def _run(command: list[str], folder: Path) -> str:
    env = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # other plugins take longer than the measurement
    }
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[:4]} failed: {done.stderr[-800:] or done.stdout[-800:]}")
    return done.stdout


def _loops(pair: Pair, seconds: float) -> int:
    return max(1, round(seconds / (pair.call_s * pair.inputs)))


def _timeit(pair: Pair, folder: Path) -> tuple[dict[str, bool], float]:
    best = {}
    for side in _SIDES:
        out = _run(
            [sys.executable, "-m", "timeit", "-r", "5", "-n", str(_loops(pair, 0.1)),
             "-s", _SETUP.format(side), _CALL.format(side)],
            folder,
        )  # fmt: skip
        found = _BEST.search(out)
        if found is None:
            raise RuntimeError(f"timeit printed {out!r}")
        best[side] = float(found[1]) * _UNIT[found[2]]
    ratio = best["before"] / best["after"]
    return {"min, 5 %": ratio > 1.05, "min": ratio > 1.0}, ratio


def _pytest_benchmark(pair: Pair, folder: Path) -> tuple[dict[str, bool], float]:
    stats = {}
    for side in _SIDES:
        test = folder / f"test_{side}.py"
        test.write_text(_TEST.format(side))
        out = folder / f"{side}.bench.json"
        _run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
             "-p", "pytest_benchmark.plugin",
             "-c", os.devnull, f"--rootdir={folder}", "--benchmark-max-time=0.5",
             f"--benchmark-json={out}",
             str(test)],
            folder,
        )  # fmt: skip
        stats[side] = json.loads(out.read_text())["benchmarks"][0]["stats"]

    def says(field: str) -> bool:
        check = PercentageRegressionCheck(field, 5.0)
        return check.fails(current=stats["before"], compared=stats["after"]) is not None

    ratio = stats["before"]["mean"] / stats["after"]["mean"]
    return {"min, 5 %": says("min"), "mean, 5 %": says("mean")}, ratio


def _pyperf(pair: Pair, folder: Path) -> tuple[dict[str, bool], float]:
    found = {}
    for side in _SIDES:
        out = folder / f"{side}.pyperf.json"
        _run(
            [sys.executable, "-m", "pyperf", "timeit", "-q", "-p", "4", "-n", "3", "-w", "1",
             "--inherit-environ", "PYTHONPATH", "-l", str(_loops(pair, 0.05)), "-o", str(out),
             "-s", _SETUP.format(side), _CALL.format(side)],
            folder,
        )  # fmt: skip
        found[side] = CompareData(side, pyperf.Benchmark.load(str(out)))
        out.unlink()

    def says(least: float | None) -> bool:
        result = CompareResult(found["before"], found["after"], least)
        return bool(result.significant and result.norm_mean < 1.0)

    ratio = 1.0 / CompareResult(found["before"], found["after"]).norm_mean
    return {"t-test": says(None), "t-test, 5 %": says(5.0)}, ratio


def ask(tool: str, pair: Pair) -> Said:
    """Measure both sides by one of TOOLS, alone on this machine. Raises RuntimeError."""
    run = {"timeit": _timeit, "pytest-benchmark": _pytest_benchmark, "pyperf": _pyperf}[tool]
    with tempfile.TemporaryDirectory() as name, timing_lock():
        folder = Path(name)
        (folder / "before.py").write_text(pair.before)
        (folder / "after.py").write_text(pair.after + "# candidate\n")
        (folder / "given.py").write_text(pair.given)
        started = time.perf_counter()
        faster, ratio = run(pair, folder)
        return Said(tool, faster, ratio, time.perf_counter() - started)
