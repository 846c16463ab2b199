"""How often the runner says "faster" of code whose true gain is known: 1.0, 1.1 and 3.

    python benchmarks/aa.py --runs 10 --truth 1.0 1.1 3.0 --call-ms 1.0

Each run is a whole proof over real processes. The true gain is made of equal work: the original
does N rounds of a loop, the candidate N / gain rounds, both with the same result.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark_runner.receipt import Receipt
from benchmark_runner.verify import FunctionBench
from benchmark_runner.workload import FunctionWorkload, InputsFile, Version

KERNELS = {
    "int loop": "    for i in range(n):\n        t += i & 7\n",
    "alloc": "    for i in range(n):\n        t = [i, (t, i)][0]\n",
    "strings": "    for i in range(n // 2):\n        t = len(str(i) + 'x')\n",
}
ROUNDS_PER_MS = 12_000


def text(kernel: str, gain: float) -> str:
    return f"def work(n):\n    n = int(n / {gain!r})\n    t = 0\n{kernel}    return None\n"


def prove(folder: Path, kernel: str, gain: float, call_ms: float, inputs: int) -> Receipt:
    path, given = folder / "work.py", folder / "given.py"
    path.write_text(text(kernel, 1.0))
    size = int(ROUNDS_PER_MS * call_ms)
    given.write_text(
        f"def inputs():\n    return [(({size} + k,), {{}}) for k in range({inputs})]\n"
    )
    before = Version.of({path: path.read_text()})
    work = FunctionWorkload(path, "work", before, InputsFile(given))
    with FunctionBench(work, python=Path(sys.executable), allow_unsandboxed=True) as bench:
        # A comment makes the identical copy another version, so that it is really run.
        after = Version.of({path: text(kernel, gain) + "# candidate\n"})
        return bench.prove(after, origin="user")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="proofs per kernel and true gain")
    parser.add_argument("--truth", type=float, nargs="+", default=[1.0, 1.1, 3.0])
    parser.add_argument("--call-ms", type=float, default=1.0, help="length of a call, about")
    parser.add_argument("--inputs", type=int, default=4)
    given = parser.parse_args()
    print(f"{'kernel':10} {'true':>5} {'n':>3} {'faster':>6} {'covered':>7} "
          f"{'estimate':>8} {'sd %':>5} {'seconds':>8} {'timing s':>8}  others")  # fmt: skip
    for name, kernel in KERNELS.items():
        for gain in given.truth:
            receipts, seconds = [], []
            for _ in range(given.runs):
                started = time.perf_counter()
                with tempfile.TemporaryDirectory() as folder:
                    receipts.append(prove(Path(folder), kernel, gain, given.call_ms, given.inputs))
                seconds.append(time.perf_counter() - started)
            print(row(name, gain, receipts, seconds), flush=True)


def row(name: str, gain: float, receipts: list[Receipt], seconds: list[float]) -> str:
    timed = [r for r in receipts if r.ratio is not None and r.interval is not None]
    ratios = [r.ratio for r in timed if r.ratio is not None]
    covered = sum(r.interval[0] <= gain <= r.interval[1] for r in timed if r.interval)
    faster = sum(r.decision == "faster" for r in receipts)
    spread = 100 * statistics.stdev(ratios) / gain if len(ratios) > 1 else 0.0
    phases = [
        sum(s.seconds for s in r.stages if s.name in ("timing", "confirmation")) for r in receipts
    ]
    others = sorted({r.decision for r in receipts} - {"faster"})
    middle = statistics.median(ratios) if ratios else float("nan")
    return (
        f"{name:10} {gain:5.2f} {len(receipts):3} {faster:6} {covered:7} {middle:8.3f} "
        f"{spread:5.1f} {statistics.median(seconds):8.2f} {statistics.median(phases):8.2f}  "
        f"{', '.join(others)}"
    )


if __name__ == "__main__":
    main()
