"""How often "faster" is said of code whose true gain is known, beside the rules of other tools.

    python -m benchmarks.aa                          a short form
    python -m benchmarks.aa --identical 100 --found 34 --near 10 --load 2 --json FILE

The long form makes 600 proofs of identical code, 204 of a true 1.10x and 60 of 1.05x: every number
is for each of the six kinds of workload. A proof is a whole `FunctionBench.prove`: equality, timing
and confirmation on fresh processes. There is one bench for each kind and gain, so the original is
run against itself once for each of them. With --json every verdict is a line of FILE, and a run
that was stopped (--minutes, or killed) goes on from there; the order is so mixed that any part of
it is a small form of the whole.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.errors import HastenError
from benchmark_runner.verify import FunctionBench
from benchmark_runner.workload import FunctionWorkload, InputsFile, Version
from benchmarks.aa_kernels import KINDS, Pair, make_pair, overhead_in_lines
from benchmarks.aa_peers import TOOLS, ask
from benchmarks.aa_report import print_claims, print_peers, print_seconds

_BUSY = "import os\nown = os.getppid()\nwhile os.getppid() == own:\n    sum(range(1000000))\n"


@dataclass(frozen=True)
class Task:
    """One verdict to get: the tool, the pair, and its number among its kind."""

    tool: str
    kind: str
    gain: float
    number: int


def schedule(counts: dict[float, int], kinds: list[str], peers: int) -> list[Task]:
    """All tasks, so mixed that a part of the run is a small form of the whole.

    Of every kind and gain the peers judge `peers` pairs, evenly spread.
    """
    placed = []
    for gain, count in counts.items():
        spread = {round(i * count / peers) for i in range(peers)} if peers else set()
        for number in range(count):
            for place, kind in enumerate(kinds):
                tools = ["hasten", *(TOOLS if number in spread else ())]
                when = ((number + 0.5) / count, place, gain)
                placed += [(when, Task(tool, kind, gain, number)) for tool in tools]
    placed.sort(key=lambda one: one[0])
    return [task for _, task in placed]


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """`count` processes that compute as long as this lasts; they end with this process, too."""
    started = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


class Log:
    """Rows of a run; the first line of the file are its settings."""

    def __init__(self, path: Path | None, settings: dict[str, Any]) -> None:
        self.path, self.settings = path, settings
        self.rows: list[dict[str, Any]] = []
        if path is not None and path.exists():
            first, *rest = [json.loads(line) for line in path.read_text().splitlines()]
            for key, value in settings.items():
                if key != "overhead" and first.get(key) != value:
                    raise SystemExit(
                        f"{path} was begun with {key} = {first.get(key)}, now it is {value}"
                    )
            self.settings, self.rows = first, rest
        elif path is not None:
            path.write_text(json.dumps(settings) + "\n")

    def has(self, task: Task) -> bool:
        """Whether a row of this task is there."""
        wanted = (task.tool, task.kind, task.gain, task.number)
        return any((r["tool"], r["kind"], r["gain"], r["number"]) == wanted for r in self.rows)

    def add(self, row: dict[str, Any]) -> None:
        """Keep a row."""
        self.rows.append(row)
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps(row) + "\n")


class Benches:
    """One open bench for each kind and gain."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._open: dict[tuple[str, float], tuple[FunctionBench, Path]] = {}

    def of(self, pair: Pair, gain: float) -> tuple[FunctionBench, Path]:
        """The bench, and the path of its file."""
        key = (pair.kind, gain)
        if key not in self._open:
            folder = self._folder / f"{KINDS.index(pair.kind)}_{gain}"
            folder.mkdir()
            path, given = folder / "work.py", folder / "given.py"
            path.write_text(pair.before)
            given.write_text(pair.given)
            before = Version.of({path: pair.before})
            workload = FunctionWorkload(path, "work", before, InputsFile(given))
            bench = FunctionBench(workload, python=Path(sys.executable), allow_unsandboxed=True)
            self._open[key] = (self._stack.enter_context(bench), path)
        return self._open[key]


def prove(benches: Benches, pair: Pair, task: Task) -> dict[str, Any]:
    """One whole proof. The comment makes the copy another version, so that it is really run."""
    bench, path = benches.of(pair, task.gain)
    after = Version.of({path: f"{pair.after}# candidate {task.number}\n"})
    started = time.perf_counter()
    try:
        receipt = bench.prove(after, origin="user")
    except HastenError as error:
        return {"decision": f"error: {error.code}", "ratio": None, "stages": {}, "faster": {}}
    low, high = receipt.interval or (None, None)
    timings = receipt.measurement.inputs if receipt.measurement else ()
    return {
        "decision": receipt.decision,
        "ratio": receipt.ratio,
        "low": low,
        "high": high,
        "call_s": max((timing.before_s for timing in timings), default=pair.call_s),
        "stages": {stage.name: round(stage.seconds, 4) for stage in receipt.stages},
        "seconds": time.perf_counter() - started,
        "faster": {"confirmed": receipt.decision == "faster"},
        "reason": receipt.reason,
    }


def judge(benches: Benches, pair: Pair, task: Task) -> dict[str, Any]:
    """The row of a task."""
    row = {"tool": task.tool, "kind": task.kind, "gain": task.gain, "number": task.number,
           "truth": pair.truth, "call_s": pair.call_s}  # fmt: skip
    started = time.perf_counter()
    if task.tool == "hasten":
        row |= {"seconds": 0.0} | prove(benches, pair, task)
    else:
        said = ask(task.tool, pair)
        row |= {"faster": said.faster, "ratio": said.ratio}
    row["seconds"] = round(time.perf_counter() - started, 4)
    return row | {"load": round(os.getloadavg()[0], 2)}


def arguments() -> argparse.Namespace:
    """The command's arguments."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--identical", type=int, default=3, help="proofs of 1.00x for each kind")
    parser.add_argument("--found", type=int, default=2, help="proofs of 1.10x for each kind")
    parser.add_argument("--near", type=int, default=0, help="proofs of 1.05x for each kind")
    parser.add_argument("--barely", type=int, default=0, help="proofs of 1.02x for each kind")
    parser.add_argument("--peers", type=int, default=0, help="pairs that other tools judge too")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--load", type=int, default=0, help="processes that compute meanwhile")
    parser.add_argument("--minutes", type=float, help="stop then; --json goes on the next time")
    parser.add_argument("--json", type=Path, help="the log: appended to, resumed from")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    counts = {1.0: given.identical, 1.1: given.found, 1.05: given.near, 1.02: given.barely}
    counts = {gain: count for gain, count in counts.items() if count}
    log = Log(given.json, {"load": given.load, "overhead": overhead_in_lines()})
    tasks = schedule(counts, given.kinds, given.peers)
    left = [task for task in tasks if not log.has(task)]
    overhead = log.settings["overhead"]
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.ExitStack() as stack,
        busy(given.load),
    ):
        benches = Benches(Path(folder), stack)
        started = time.monotonic()
        for done, task in enumerate(left):
            if given.minutes and time.monotonic() - started > 60 * given.minutes:
                break
            row = judge(benches, make_pair(task.kind, task.gain, overhead), task)
            log.add(row)
            if sys.stderr.isatty() or done % 20 == 19:
                took = time.monotonic() - started
                minutes = took / (done + 1) * (len(left) - done - 1) / 60
                print(f"{done + 1} of {len(left)}, {minutes:.0f} min left", file=sys.stderr)
    print(f"load: {given.load} busy processes; {len(log.rows)} verdicts")
    print_claims(log.rows)
    print_seconds(log.rows)
    print_peers(log.rows)


if __name__ == "__main__":
    main()
