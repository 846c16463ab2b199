"""What keeping a function's calls costs a run: 20,000 calls of it beside 400,000 others.

    .venv/bin/python benchmarks/capture.py

For every CPython found: the run as it is, captured (sys.monitoring from 3.12 on, a statement put
into the function before), and under sys.setprofile as the peer. Each is the best of five runs of a
program that tells its own CPU seconds; ratios are to the plain run.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmark_runner.recording.record import capture_inputs  # noqa: E402
from tests.pythons import interpreters  # noqa: E402

CALLS, OTHERS, RUNS = 20_000, 400_000, 5
PROGRAM = f"""
import time
def wanted(items, k):
    return items[k % 3] + k
def other(x):
    return x + 1
def run():
    total = 0
    for i in range({CALLS}):
        total += wanted([i, 1, 2], i)
        for _ in range({OTHERS // CALLS}):
            total = other(total)
    return total
if "--profiled" in __import__("sys").argv:
    __import__("sys").setprofile(lambda frame, event, arg: None)
started = time.process_time()
run()
with open("seconds.txt", "a") as file:
    file.write(f"{{time.process_time() - started}}\\n")
"""


def seconds(folder: Path) -> float:
    """The best of the runs that wrote their seconds; they are gone then."""
    told = folder / "seconds.txt"
    best = min(map(float, told.read_text().split()))
    told.unlink()
    return best


def main() -> None:
    """Print one line for each interpreter."""
    print(f"{CALLS} calls of the function, {OTHERS} others; CPU time of the run, best of {RUNS}")
    print(f"{'python':8} {'plain s':>8} {'captured':>9} {'setprofile':>11} {'kept':>6}")
    for version, python in interpreters().items():
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            program = folder / "program.py"
            program.write_text(PROGRAM)
            figures = []
            for flags in ([], ["--profiled"]):
                for _ in range(RUNS):
                    subprocess.run([python, str(program), *flags], cwd=folder, check=True)
                figures.append(seconds(folder))
            for _ in range(RUNS):
                found = capture_inputs(
                    [str(python), str(program)], folder, [(program, "wanted")], folder / "kept",
                    python=python,
                )  # fmt: skip
            captured = seconds(folder)
            [kept] = found.values()
            plain, profiled = figures
            print(
                f"{version:8} {plain:8.3f} {captured / plain:8.2f}x {profiled / plain:10.2f}x "
                f"{kept.count:6}",
                flush=True,
            )


if __name__ == "__main__":
    main()
