"""Paired timing of two programs: interleaved runs, each a fresh process, by the kernel's count.

The CPU time of a run is what the kernel counted for its process from exec to end, the program's
own start included, as a user of it waits for it. Runs of the versions take turns (ABBA).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analysis.progress import CancelToken
from benchmark_runner.errors import CandidateFailed
from benchmark_runner.measuring.growing import slope
from benchmark_runner.measuring.statistics import estimate, median
from benchmark_runner.measuring.windows import PairOfWindows, PairRun, Side
from benchmark_runner.native.behaviour import Known
from benchmark_runner.native.outputs import compare
from benchmark_runner.native.runner import Program, Run, Runner
from benchmark_runner.receipt import Growth, InputTiming, Memory

_REPLICATE_S = 0.4
_PAIRS = 12
_LEAST_S = 4.0
_HUNG = 20.0
_MEMORY_SD = 0.01
_ABOVE_FLOOR = 1 << 20
_LEAST_SPREAD = 4.0
_NET_FLOOR_S = 1e-5


@dataclass
class Race:
    """Times two versions on cases that both were found equal on; their builds take turns."""

    runner: Runner
    before: Sequence[Program]
    after: Sequence[Program]
    cases: Mapping[int, Known]
    rounding: float | None
    cancel: CancelToken
    turn: int = 0
    peaks: list[tuple[int, int, int, int]] = field(default_factory=list)
    """Case, peak bytes before and after, and the floor below which nothing is told."""

    def __call__(self, replicate: int, inputs: Sequence[int]) -> PairRun:
        """One replicate: every case equally often. Raises CandidateFailed, Cancelled."""
        pairs: list[PairOfWindows] = []
        self.turn = replicate
        cpu = wall = 0.0
        for round_ in range(self.rounds(inputs)):
            for place, index in enumerate(inputs):
                self.cancel.check()
                flipped = (round_ + place + replicate) % 2
                order: tuple[Side, Side] = ("after", "before") if flipped else ("before", "after")
                runs = {side: self.run(side, index) for side in order}
                pairs.append(self.window(index, runs["before"], runs["after"]))
                for run in runs.values():
                    cpu, wall = cpu + run.cpu_s, wall + run.wall_s
        return PairRun(tuple(pairs), (), 0.0, 0.0, 0.0, 0.0, cpu, wall)

    def program(self, side: Side) -> Program:
        """The build whose turn it is: every combination of both sides' comes up."""
        builds = self.before if side == "before" else self.after
        turn = self.turn if side == "before" else self.turn + self.turn // len(self.before)
        return builds[turn % len(builds)]

    def rounds(self, inputs: Sequence[int]) -> int:
        """How often each case is timed in a replicate."""
        once = 2 * math.fsum(self.cases[index].run.cpu_s for index in inputs)
        affordable = int(_REPLICATE_S / max(once, 1e-6))
        return max(1, min(affordable, math.ceil(_PAIRS / len(inputs))))

    def run(self, side: Side, index: int) -> Run:
        """One run of a side on a case. Raises CandidateFailed where it does something else."""
        known = self.cases[index]
        program = self.program(side)
        run = self.runner.run(program, known.case, max(_LEAST_S, _HUNG * known.run.wall_s))
        wrong = run.how if not run.fine or run.code != known.run.code else None
        if wrong is None:
            wrong = compare(known.run.out, run.out, self.rounding).where
        if wrong is not None:
            raise self.other(side, index, wrong)
        return run

    def other(self, side: Side, index: int, wrong: str) -> CandidateFailed:
        """A version that does something else than when it was compared."""
        who = "it" if side == "after" else "the version it is compared with"
        name = self.cases[index].case.name
        return CandidateFailed(
            "timing", f"{who} does something else in another run (case {name}): {wrong}"
        )

    def window(self, index: int, before: Run, after: Run) -> PairOfWindows:
        """What one run of either version says."""
        floor = max(before.floor, after.floor)
        self.peaks.append((index, before.peak, after.peak, floor))
        return PairOfWindows(
            index=index,
            before_cpu_s=max(before.cpu_s, 1e-6),
            after_cpu_s=max(after.cpu_s, 1e-6),
            before_wall_s=max(before.wall_s, 1e-6),
            after_wall_s=max(after.wall_s, 1e-6),
            before_calls=1,
            after_calls=1,
        )

    def memory(self) -> Memory | None:
        """Peak memory on the case that takes most; None where neither version shows any.

        A process starts with the memory of the one it was started from, so that less than that
        floor can't be told apart.
        """
        told = [p for p in self.peaks if max(p[1], p[2]) > p[3] + _ABOVE_FLOOR]
        if not told:
            return None
        largest = max(told, key=lambda peak: max(peak[1], peak[2]))[0]
        own = [peak for peak in told if peak[0] == largest]
        logs = [math.log(before / after) for _, before, after, _ in own]
        now = estimate(logs, prior_sd=_MEMORY_SD)
        low = [which for at, which in ((1, "before"), (2, "after")) if own[0][at] <= own[0][3]]
        what = f"; {low[0]} it is below what can be told" if low else ""
        return Memory(
            before_peak=int(median([peak[1] for peak in own])),
            after_peak=int(median([peak[2] for peak in own])),
            peak_ratio=now.ratio,
            interval=now.interval,
            before_allocated=None,
            after_allocated=None,
            tool=f"ru_maxrss of {len(own)} pairs of runs{what}",
        )


def growth(
    timings: Sequence[InputTiming],
    cases: Mapping[int, Known],
    start_s: float,
    what: str = "bytes of standard input",
) -> Growth | None:
    """How time grows with the size of the input, over the timed cases; None for alike sizes.

    `start_s` is what an empty program takes, which is taken off.
    """
    by_size: dict[int, list[InputTiming]] = {}
    for timing in timings:
        by_size.setdefault(len(cases[timing.input].case.input), []).append(timing)
    sizes = sorted(by_size)
    if len(sizes) < 3 or sizes[0] == 0 or sizes[-1] < _LEAST_SPREAD * sizes[0]:
        return None
    before = [median([t.before_s for t in by_size[size]]) for size in sizes]
    after = [median([t.after_s for t in by_size[size]]) for size in sizes]
    return Growth(
        what=what,
        sizes=tuple(sizes),
        before_s=tuple(before),
        after_s=tuple(after),
        before_slope=slope(sizes, [max(second - start_s, _NET_FLOOR_S) for second in before]),
        after_slope=slope(sizes, [max(second - start_s, _NET_FLOOR_S) for second in after]),
        note=f"within {sizes[0]} to {sizes[-1]} bytes; the start of the program is no part of it",
    )
