"""Timing of C and C++ functions: runs of a program that makes so many calls on one input.

A run's cost beside the calls (starting, reading and copying the arguments) is measured on the
original with no calls, and taken off both sides: what a candidate does when it is loaded stays
its own. Both sides' calls take about equally long.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from benchmark_runner.measuring.statistics import median
from benchmark_runner.measuring.windows import PairOfWindows, PairRun, Side
from benchmark_runner.native.cases import Case
from benchmark_runner.native.race import Race
from benchmark_runner.native.runner import Program, Run, Runner

WINDOW_S = 0.012
"""CPU seconds that the calls of one run aim at."""
LEAST_S = 0.004
MOST_CALLS = 2_000_000
_COPIED_BYTES = 48 << 20
_STEP = 8
_FASTER = 64.0
_NET_FLOOR = 50e-6
_BASES = 5
_LONGEST_S = 10.0
_PAIRS = 10


def staged(
    arguments: bytes, calls: int, *, copies: int = 1, show: bool = False, other: int | None = None
) -> bytes:
    """The standard input of a run; `other` is the call that is looked at beside the first one (the
    last)."""
    place = copies - 1 if other is None else other
    return struct.pack("<QQQ", calls, copies, 1 if show else 2 * place) + arguments


def most_calls(arguments: bytes, *, changes: bool) -> int:
    """How many calls one run can make: those that change their arguments need copies."""
    if not changes:
        return MOST_CALLS
    return max(1, min(20_000, _COPIED_BYTES // max(len(arguments), 64)))


@dataclass(frozen=True)
class Cost:
    """How often the original is called in a run on an input, and CPU seconds of a call."""

    calls: int
    call_s: float


def cost_of(runner: Runner, program: Program, arguments: bytes, *, changes: bool) -> Cost | None:
    """Enough calls to be timed; None where even the most are too short or one does not end."""
    most = most_calls(arguments, changes=changes)
    calls = 1
    while True:
        copies = calls if changes else 1
        runs = [
            runner.run(program, Case("", staged(arguments, n, copies=copies)), _LONGEST_S)
            for n in (0, calls)
        ]
        if not all(run.fine for run in runs):
            return None
        net = runs[1].cpu_s - runs[0].cpu_s
        if net >= LEAST_S:
            per_call = net / calls
            return Cost(max(1, min(most, round(WINDOW_S / per_call))), per_call)
        if calls >= most:
            return None
        calls = min(most, calls * _STEP)


@dataclass
class CallRace(Race):
    """Times two versions of a function; `arguments` are the bytes of each case's arguments.

    `exact` tells that both were found equal to the bit: then their digests must be the same, too.
    A candidate may have found out that a run is only timed.
    """

    arguments: dict[int, bytes] = field(default_factory=dict)
    costs: dict[int, Cost] = field(default_factory=dict)
    changes: bool = True
    original: Program | None = None
    exact: bool = False
    _calls: dict[tuple[Side, int], int] = field(default_factory=dict)
    _bases: dict[tuple[int, int], float] = field(default_factory=dict)
    _told: dict[tuple[Side, int], bytes] = field(default_factory=dict)

    def __call__(self, replicate: int, inputs: Sequence[int]) -> PairRun:
        """One replicate; the first one tells how often to call the other version."""
        made = super().__call__(replicate, inputs)
        for index in inputs:
            own = [pair for pair in made.pairs if pair.index == index]
            ratio = median([pair.before_cpu_s / pair.after_cpu_s for pair in own])
            most = most_calls(self.arguments[index], changes=self.changes)
            wanted = round(self.calls("before", index) * min(max(ratio, 1 / _FASTER), _FASTER))
            self._calls["after", index] = max(1, min(wanted, most))
        return made

    def rounds(self, inputs: Sequence[int]) -> int:
        """How often each case is timed in a replicate."""
        return max(1, -(-_PAIRS // len(inputs)))

    def calls(self, side: Side, index: int) -> int:
        """Calls of a run."""
        return self._calls.get((side, index), self.costs[index].calls)

    def run(self, side: Side, index: int) -> Run:
        """One run. Raises CandidateFailed where it gives another answer than in its first call."""
        program = self.program(side)
        if (side, index) not in self._told:
            first = self._digest(program, side, index, 1)
            self._told[side, index] = first.out
            known = {out for (_, at), out in self._told.items() if at == index}
            if self.exact and len(known) > 1:
                raise self.other("after", index, "another answer where only its time is looked at")
        calls = self.calls(side, index)
        run = self._digest(program, side, index, calls)
        if run.out != self._told[side, index]:
            raise self.other(side, index, f"after {calls} calls in one process")
        return run

    def _digest(self, program: Program, side: Side, index: int, calls: int) -> Run:
        copies = calls if self.changes else 1
        # Drawn for each run: no call may count on not being looked at.
        other = 1 + secrets.randbelow(copies - 1) if copies > 1 else 0
        data = staged(self.arguments[index], calls, copies=copies, other=other)
        run = self.runner.run(program, Case("", data), _LONGEST_S)
        if not run.fine or run.code:
            raise self.other(side, index, run.how)
        return run

    def base(self, index: int, calls: int) -> float:
        """CPU seconds of a run of the original without its calls."""
        copies = calls if self.changes else 1
        if (index, copies) not in self._bases:
            program = self.original or self.before[0]
            case = Case("", staged(self.arguments[index], 0, copies=copies))
            runs = [self.runner.run(program, case, _LONGEST_S) for _ in range(_BASES)]
            self._bases[index, copies] = median([run.cpu_s for run in runs])
        return self._bases[index, copies]

    def window(self, index: int, before: Run, after: Run) -> PairOfWindows:
        """Seconds per call, without what a run costs beside its calls."""
        made = super().window(index, before, after)
        calls = self.calls("before", index), self.calls("after", index)
        bases = self.base(index, calls[0]), self.base(index, calls[1])
        return replace(
            made,
            before_cpu_s=max(before.cpu_s - bases[0], _NET_FLOOR) / calls[0],
            after_cpu_s=max(after.cpu_s - bases[1], _NET_FLOOR) / calls[1],
            before_wall_s=max(before.wall_s - bases[0], _NET_FLOOR) / calls[0],
            after_wall_s=max(after.wall_s - bases[1], _NET_FLOOR) / calls[1],
            before_calls=calls[0],
            after_calls=calls[1],
        )
