"""How many timings may run side by side on this machine: found by measuring, not by counting cores.

Two cores may share a cache, a memory channel, a power budget or a hypervisor's time slice. So A/A
pairs (the same code against itself) are timed alone and side by side: a second slot is taken only
where neither the spread of the ratios nor the time itself grows by it.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs

from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.errors import SandboxError
from benchmark_runner.measuring.statistics import median, trimmed_mean

PAIRS = 12
"""A/A pairs for each number of timings at once."""
_MOST_SLOTS = 4
_MORE_SPREAD = 1.25
_SPREAD_FLOOR = 0.005
_MORE_TIME = 1.03
_BIAS = 0.02
_QUIET_SPREAD = 0.03
_BUSY = 0.1
_LISTEN_S = 0.5
_WORK = """
import sys
def work(n):
    total, table = 0, {}
    for i in range(n):
        total += i * i % 7
        table[i % 4096] = [i, total]
    return total
work(int(sys.argv[1]))
"""
_SIZE = 120_000
_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Disturbance:
    """A/A pairs with `at_once` of them side by side.

    `spread` is the standard deviation of the log-ratios (from their median absolute deviation),
    `bias` their trimmed mean, `seconds` the median CPU time of one process.
    """

    at_once: int
    spread: float
    bias: float
    seconds: float


@dataclass(frozen=True)
class SlotsReport:
    """The number of slots that was chosen on a machine, and the figures behind it."""

    slots: int
    cores: int
    created: float
    figures: tuple[Disturbance, ...]

    @property
    def shown(self) -> str:
        """The report in one line."""
        return "; ".join(
            f"{f.at_once} at once: spread {100 * f.spread:.1f} %, time x{self._times(f):.2f}"
            for f in self.figures
        )

    def _times(self, figure: Disturbance) -> float:
        return figure.seconds / self.figures[0].seconds


def choose(figures: list[Disturbance]) -> int:
    """The largest number of timings at once that does not disturb them, counted up from one.

    One where the timings alone vary too much to tell.
    """
    alone, chosen = figures[0], 1
    if alone.spread > _QUIET_SPREAD:
        return 1  # what disturbs already hides what another one would add
    for figure in figures[1:]:
        calm = (
            figure.spread <= _MORE_SPREAD * alone.spread + _SPREAD_FLOOR
            and figure.seconds <= _MORE_TIME * alone.seconds
            and abs(figure.bias) <= _BIAS
        )
        if not calm:
            break
        chosen = figure.at_once
    return chosen


def measure_slots(
    progress: Progress = silent, cancel: CancelToken | None = None, *, pairs: int = PAIRS
) -> SlotsReport:
    """Measure A/A pairs alone, then two at once and so on, as long as they don't disturb.

    Call it with the timing lock held; takes some seconds for each step. Raises Cancelled, and
    SandboxError (machine-busy) where other programs take more than a tenth of a core: "alone" would
    not be alone.
    """
    token = cancel or CancelToken()
    busy = busy_cores()
    if busy > _BUSY:
        raise SandboxError(
            f"other programs keep {busy:.1f} cores busy, so nothing can be measured alone",
            code="machine-busy",
            mend="try again when nothing else runs; until then one timing runs at once",
        )
    cores = len(os.sched_getaffinity(0))
    figures: list[Disturbance] = []
    for at_once in range(1, min(cores, _MOST_SLOTS) + 1):
        progress(f"timing identical code, {at_once} at once", (at_once - 1) / cores)
        figures.append(disturbance(at_once, pairs, token))
        if choose(figures) < at_once:
            break
    return SlotsReport(choose(figures), cores, time.time(), tuple(figures))


def busy_cores(seconds: float = _LISTEN_S) -> float:
    """How many cores are busy now, without this process; 0 where the kernel does not tell."""

    def spent() -> tuple[float, float]:
        line = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:]
        idle = sum(int(word) for word in line[3:5])
        total = sum(int(word) for word in line[:8])
        return (total - idle) / os.sysconf("SC_CLK_TCK"), time.process_time()

    try:
        before, own = spent()
        since = time.monotonic()
        time.sleep(seconds)
        after, later = spent()
    except (OSError, ValueError, IndexError):
        return 0.0
    return max(0.0, (after - before - (later - own)) / (time.monotonic() - since))


def disturbance(at_once: int, pairs: int, cancel: CancelToken) -> Disturbance:
    """Time `pairs` A/A pairs of fresh processes, `at_once` of them side by side."""

    def side_by_side() -> list[tuple[float, float]]:
        cancel.check()
        first, second = _cpu_s(), _cpu_s()
        return [(first, second)]

    found: list[tuple[float, float]] = []
    with ThreadPoolExecutor(at_once) as pool:
        jobs = [pool.submit(side_by_side) for _ in range(max(pairs, 2 * at_once))]
        for job in jobs:
            found += job.result()
    logs = [math.log(first / second) for first, second in found]
    centre = median(logs)
    return Disturbance(
        at_once=at_once,
        spread=1.4826 * median([abs(log - centre) for log in logs]),
        bias=trimmed_mean(logs),
        seconds=median([seconds for pair in found for seconds in pair]),
    )


def _cpu_s() -> float:
    """CPU seconds of one process with the fixed work, by the kernel's account of it."""
    line = [sys.executable, "-I", "-S", "-c", _WORK, str(_SIZE)]
    process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        if process.returncode is None:
            process.kill()
            process.wait(_TIMEOUT_S)
    return max(used.ru_utime + used.ru_stime, 1e-6)


def report_file() -> Path:
    """Where the report of this machine is kept."""
    return Path(platformdirs.user_state_dir("hasten", appauthor=False)) / "slots.json"


def keep(report: SlotsReport) -> None:
    """Keep a report for `measured_slots`. Raises OSError."""
    path = report_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(asdict(report), indent=1), encoding="utf-8")
    partial.replace(path)


def kept_report() -> SlotsReport | None:
    """The kept report, if it is of a machine with as many cores as this one has now."""
    try:
        told = json.loads(report_file().read_text(encoding="utf-8"))
        figures = tuple(
            Disturbance(int(f["at_once"]), float(f["spread"]), float(f["bias"]),
                        float(f["seconds"]))
            for f in told["figures"]
        )  # fmt: skip
        report = SlotsReport(
            int(told["slots"]), int(told["cores"]), float(told["created"]), figures
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    usable = report.cores == len(os.sched_getaffinity(0)) and 1 <= report.slots <= _MOST_SLOTS
    return report if usable and figures and figures[0].seconds > 0 else None


def measured_slots() -> int:
    """The number of timings that may run at once here: one, unless it was measured otherwise."""
    report = kept_report()
    return report.slots if report is not None else 1
